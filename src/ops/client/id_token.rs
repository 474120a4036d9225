//! ID tokens, and what is told of a user.

use data_encoding::BASE64URL_NOPAD;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256, Sha512};

use crate::config::{LogLevel, OWN_CLAIMS};
use crate::domain::{AttrOwner, ClaimsRequest, ClaimsWanted, Client, Password, Result, SigningAlg, UserId};
use crate::ops::Sso;
use crate::ops::access::methods::{acr_of, amr_of};
use crate::ops::access::user_row::Column;
use crate::ops::client::scope::words;
use crate::ops::client::tokens::seconds;
use crate::store;
use crate::store::client::authorization::Held;

/// What an ID token is about.
pub(in crate::ops) struct IdTokenAbout<'a> {
    pub held: &'a Held,
    pub nonce: Option<&'a str>,
    pub access_token: &'a Password,
}

/// Which claims each scope asks for (OpenID Connect Core, section 5.4; `groups` is ours).
const BY_SCOPE: [(&str, &[&str]); 3] = [
    ("profile", &["name", "given_name", "middle_name", "family_name", "preferred_username", "updated_at"]),
    ("email", &["email", "email_verified"]),
    ("groups", &["groups"]),
];

/// The claims that there are of a user, for the metadata.
pub const CLAIMS: [&str; 10] = [
    "sub",
    "name",
    "given_name",
    "middle_name",
    "family_name",
    "preferred_username",
    "updated_at",
    "email",
    "email_verified",
    "groups",
];

impl Sso {
    /// Who has signed in, when and how, signed for a client.
    pub(in crate::ops) async fn make_id_token(
        &self,
        client: &Client,
        about: IdTokenAbout<'_>,
    ) -> Result<String> {
        let held = about.held;
        let now = self.now();
        let mut claims = Map::new();
        claims.insert("iss".into(), self.issuer().into());
        claims.insert("sub".into(), self.subject_of(client, &held.user_id).await?.into());
        claims.insert("aud".into(), client.client_id.as_str().into());
        claims.insert("azp".into(), client.client_id.as_str().into());
        claims.insert(
            "exp".into(),
            seconds(now.plus_seconds(i64::from(self.config().oidc.id_token_lifetime))).into(),
        );
        claims.insert("iat".into(), seconds(now).into());
        claims.insert("auth_time".into(), seconds(held.auth_time).into());
        if let Some(nonce) = about.nonce {
            claims.insert("nonce".into(), nonce.into());
        }
        claims.insert("acr".into(), acr_of(&held.auth_methods).as_str().into());
        let methods = amr_of(&held.auth_methods);
        if !methods.is_empty() {
            claims.insert("amr".into(), methods.into());
        }
        claims.insert("at_hash".into(), half_hash(client.id_token_alg, about.access_token.expose()).into());
        claims.insert("sid".into(), self.sid_of(client, held.sid).await?.into());
        let request = claims_request(held);
        for (name, value) in
            self.claims_about(held, &held.granted_scopes, &request.id_token, "id_token").await?
        {
            claims.entry(name).or_insert(value);
        }
        self.sign_token(client.id_token_alg, "JWT", &claims).await
    }

    /// What these scopes and these names ask for of a user, as far as there is something to tell.
    pub(in crate::ops) async fn claims_about(
        &self,
        held: &Held,
        scopes: &str,
        asked: &Map<String, Value>,
        target: &'static str,
    ) -> Result<Map<String, Value>> {
        let by_scope = |scope: &&str| {
            let found = BY_SCOPE.iter().find(|(name, _)| name == scope);
            found.map(|(_, claims)| *claims).unwrap_or_default()
        };
        let scopes = words(scopes);
        let mut wanted: Vec<&str> = scopes.iter().flat_map(by_scope).copied().collect();
        // What was asked for by its name is told if its scope was allowed.
        let is_allowed =
            |claim: &&str| self.implied_scope(claim).is_some_and(|scope| scopes.contains(&scope));
        wanted.extend(asked.keys().map(String::as_str).filter(is_allowed));
        let mut all = self.further_claims(held, &scopes, &wanted).await?;
        if wanted.iter().any(|name| CLAIMS.contains(name) && *name != "sub") {
            let mut own = self.claims_of_user(&held.user_id).await?;
            own.retain(|name, value| wanted.contains(&name.as_str()) && !value.is_null());
            all.extend(own);
        }
        all.extend(self.claims_by_hook(held, &scopes, target).await);
        Ok(all)
    }

    /// What the application that embeds this adds.
    async fn claims_by_hook(&self, held: &Held, scopes: &[&str], target: &'static str) -> Map<String, Value> {
        let wanted = ClaimsWanted {
            user_id: held.user_id.clone(),
            username: held.username.clone(),
            client_id: held.holder.clone(),
            scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
            target,
        };
        let Some(answer) = self.hooks().claims(&wanted) else { return Map::new() };
        match answer.await {
            Ok(mut claims) => {
                claims.retain(|name, value| !OWN_CLAIMS.contains(&name.as_str()) && !value.is_null());
                claims
            }
            Err(error) => {
                let text =
                    format!("the client {} gets no claims of the hook claims, which {error}", held.holder);
                self.log().say(LogLevel::Warning, "openid.claims", &text, None);
                Map::new()
            }
        }
    }

    async fn claims_of_user(&self, user_id: &UserId) -> Result<Map<String, Value>> {
        let mut conn = self.db().read().await?;
        let Some(row) = store::user::account::by_id(&mut conn, user_id).await? else { return Ok(Map::new()) };
        let groups = self.membership(&mut conn, user_id).await?.groups;
        let updated = store::user::profile::time(&mut conn, user_id).await?;
        drop(conn);
        let email =
            row.email.as_deref().map(|email| self.unseal(Column::Email, user_id, email)).transpose()?;
        let mut claims = Map::new();
        let mut tell = |name: &str, value: Option<String>| {
            if let Some(value) = value.filter(|value| !value.is_empty()) {
                claims.insert(name.to_owned(), Value::from(value));
            }
        };
        let names = [&row.first_name, &row.middle_name, &row.last_name];
        let joined: Vec<&str> = names.into_iter().filter_map(|name| name.as_deref()).collect();
        tell("name", row.display_name.or_else(|| Some(joined.join(" "))));
        tell("given_name", row.first_name);
        tell("middle_name", row.middle_name);
        tell("family_name", row.last_name);
        tell("preferred_username", Some(row.username));
        if let Some(updated) = updated {
            claims.insert("updated_at".into(), seconds(updated).into());
        }
        if let Some(email) = email {
            claims.insert("email".into(), email.expose().into());
            claims.insert("email_verified".into(), row.email_is_verified.into());
        }
        claims.insert("groups".into(), groups.into());
        Ok(claims)
    }

    /// The scope that a claim belongs to; None for what is no claim of users.
    pub(in crate::ops) fn implied_scope(&self, claim: &str) -> Option<&'static str> {
        let is_further = || self.config().oidc.claim_attributes().any(|(name, _)| name == claim);
        let found = BY_SCOPE.iter().find(|(_, claims)| claims.contains(&claim));
        found.map(|(scope, _)| *scope).or_else(|| is_further().then_some("profile"))
    }

    /// What configuration adds from attributes of the user, which may be encrypted: for the scope profile, and by name.
    async fn further_claims(
        &self,
        held: &Held,
        scopes: &[&str],
        wanted: &[&str],
    ) -> Result<Map<String, Value>> {
        let is_told = |claim: &str| scopes.contains(&"profile") || wanted.contains(&claim);
        let told: Vec<_> =
            self.config().oidc.claim_attributes().filter(|(claim, _)| is_told(claim)).collect();
        let mut claims = Map::new();
        if told.is_empty() {
            return Ok(claims);
        }
        let owner = AttrOwner::User(held.user_id.clone());
        let names: Vec<String> = told.iter().map(|(_, name)| (*name).to_owned()).collect();
        let mut conn = self.db().read().await?;
        let rows = store::attr::some(&mut conn, &owner, &names, self.now()).await?;
        drop(conn);
        for row in rows {
            let attr = self.open_attr(&owner, row, true)?;
            let value = attr.value.and_then(|value| serde_json::from_str(value.as_json_text()).ok());
            let claim = told.iter().find(|(_, name)| *name == attr.name).map(|(claim, _)| *claim);
            if let (Some(claim), Some(value)) = (claim, value) {
                claims.insert(claim.to_owned(), value);
            }
        }
        Ok(claims)
    }
}

/// What the client asked for by the parameter `claims`, which was read once before.
pub(in crate::ops) fn claims_request(held: &Held) -> ClaimsRequest {
    held.claims.as_deref().and_then(|text| ClaimsRequest::read(text).ok()).unwrap_or_default()
}

/// The first half of the hash that goes with the signature (OpenID Connect Core, section 3.1.3.6). Ed25519 goes with SHA-512.
fn half_hash(alg: SigningAlg, text: &str) -> String {
    let hash = match alg {
        SigningAlg::Rs256 | SigningAlg::Es256 => Sha256::digest(text.as_bytes()).to_vec(),
        SigningAlg::EdDsa => Sha512::digest(text.as_bytes()).to_vec(),
    };
    BASE64URL_NOPAD.encode(hash.get(..hash.len() / 2).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// OpenID Connect Core, appendix A.3, whose access token has this hash.
    #[test]
    fn the_hash_is_that_of_the_specification() {
        let hash = half_hash(SigningAlg::Rs256, "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y");
        assert_eq!(hash, "77QmUPtjPfzWtF2AnpK9RQ");
        assert_eq!(BASE64URL_NOPAD.decode(half_hash(SigningAlg::EdDsa, "a").as_bytes()).unwrap().len(), 32);
    }
}
