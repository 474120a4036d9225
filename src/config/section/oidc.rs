//! The section `oidc`.

use std::collections::BTreeMap;

use secrecy::SecretString;
use url::{Host, Url};

use crate::config::load::error::Invalid;
use crate::config::load::section::{Validate, section, within};
use crate::config::load::setting::choices;

section! {
    /// The OpenID Provider: users sign in to other applications here. Off until there is an issuer.
    Oidc = "oidc" {
        /// The address of the provider as its clients know it, such as https://login.example.com, with a path where there is one,
        /// without a slash at its end. http is for localhost, 127.0.0.1 and [::1]. Clients compare it, so it must not change.
        issuer: String = String::new(),
        /// Days after which another key signs tokens.
        key_lifetime: u32 = 90,
        /// Seconds in which a client must redeem the code of a user who signed in.
        code_lifetime: u32 = 60,
        /// Seconds that access tokens are valid, unless a client has its own number.
        access_token_lifetime: u32 = 600,
        /// Seconds that ID tokens are valid.
        id_token_lifetime: u32 = 600,
        /// Days that refresh tokens of one login are valid at most, however often they are used.
        refresh_token_lifetime: u32 = 90,
        /// Days without use after which they end.
        refresh_token_idle: u32 = 30,
        /// Seconds in which a refresh token that was just used may be used again, with the same answer: that of the first use may
        /// have been lost.
        refresh_grace: u32 = 10,
        /// Whether proofs of possession (DPoP) must have a nonce of the server, which clients get with the first answer.
        dpop_nonce: bool = false,
        /// Whether addresses of a private network, and of this machine, are asked for keys that a client publishes (jwks_uri), and
        /// told of logouts where a client registered itself.
        allow_private_addresses: bool = false,
        /// Claims beyond the usual ones and where they come from, such as department = "attr:department": an attribute of the user.
        claims: BTreeMap<String, String> = BTreeMap::new(),
        /// Whether clients may register themselves: "off", "token" with oidc.registration_token, or "open" to everybody.
        registration: Registration = Registration::Off,
        /// What a client must send to register itself, where registration is "token".
        registration_token: Option<SecretString> = None,
    }
}

choices! {
    /// Whether clients may register themselves.
    Registration: r#""off", "token" or "open""# {
        /// They may not.
        Off = "off",
        /// Those who have the token.
        Token = "token",
        /// Everybody.
        Open = "open",
    }
}

/// Names of claims that are the provider's own.
pub const OWN_CLAIMS: [&str; 19] = [
    "iss",
    "sub",
    "aud",
    "azp",
    "exp",
    "iat",
    "nbf",
    "auth_time",
    "nonce",
    "acr",
    "amr",
    "at_hash",
    "sid",
    "jti",
    "act",
    "client_id",
    "cnf",
    "events",
    "scope",
];

impl Oidc {
    /// Whether there is a provider.
    #[must_use]
    pub const fn is_active(&self) -> bool {
        !self.issuer.is_empty()
    }

    /// The path of the issuer, without a slash at its end: what the paths of the provider begin with.
    #[must_use]
    pub fn path(&self) -> String {
        let path = Url::parse(&self.issuer).map(|url| url.path().trim_end_matches('/').to_owned());
        path.unwrap_or_default()
    }

    /// The attributes that claims come from: the name of each claim, and that of the attribute.
    pub fn claim_attributes(&self) -> impl Iterator<Item = (&str, &str)> {
        self.claims.iter().filter_map(|(claim, source)| Some((claim.as_str(), source.strip_prefix("attr:")?)))
    }

    fn check_issuer(&self) -> Result<(), Invalid> {
        let wrong = |problem: &str| Err(Invalid::new("oidc.issuer", problem));
        let Ok(url) = Url::parse(&self.issuer) else {
            return wrong("must be a full address, such as https://login.example.com");
        };
        let is_local = match url.host() {
            Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        };
        if url.scheme() != "https" && !(url.scheme() == "http" && is_local) {
            return wrong("must begin with https://; http:// is for localhost, 127.0.0.1 and [::1]");
        }
        if self.issuer.contains(['?', '#', '@']) || self.issuer.contains(char::is_whitespace) {
            return wrong("must have neither a query nor a fragment, a user name or blanks in it");
        }
        if self.issuer.ends_with('/') {
            return wrong(
                "must not end with a slash: clients compare it with what they have, character by character",
            );
        }
        // As others would write it: or no client finds it equal.
        if url.as_str().trim_end_matches('/') != self.issuer {
            return Err(Invalid::new(
                "oidc.issuer",
                format!("must be written as {}", url.as_str().trim_end_matches('/')),
            ));
        }
        Ok(())
    }
}

impl Validate for Oidc {
    fn validate(&self) -> Result<(), Invalid> {
        if self.is_active() {
            self.check_issuer()?;
        }
        within("oidc.key_lifetime", self.key_lifetime, 2..=3_650)?;
        within("oidc.code_lifetime", self.code_lifetime, 5..=600)?;
        within("oidc.access_token_lifetime", self.access_token_lifetime, 10..=86_400)?;
        within("oidc.id_token_lifetime", self.id_token_lifetime, 10..=86_400)?;
        within("oidc.refresh_token_lifetime", self.refresh_token_lifetime, 1..=3_650)?;
        within("oidc.refresh_token_idle", self.refresh_token_idle, 1..=3_650)?;
        within("oidc.refresh_grace", self.refresh_grace, 0..=60)?;
        for (claim, source) in &self.claims {
            if OWN_CLAIMS.contains(&claim.as_str()) {
                return Err(Invalid::new("oidc.claims", format!("{claim} is a claim of the provider's own")));
            }
            if source.strip_prefix("attr:").is_none_or(str::is_empty) {
                let problem = format!("{claim} must come from an attribute, as in \"attr:department\"");
                return Err(Invalid::new("oidc.claims", problem));
            }
        }
        if self.registration == Registration::Token && self.registration_token.is_none() {
            let problem = "is \"token\", which needs oidc.registration_token";
            return Err(Invalid::against("oidc.registration", "oidc.registration_token", problem.to_owned()));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(issuer: &str) -> Option<String> {
        let oidc = Oidc { issuer: issuer.to_owned(), ..Oidc::default() };
        oidc.validate().err().map(|invalid| invalid.problem)
    }

    #[test]
    fn an_issuer_is_an_address_that_clients_find_equal() {
        for good in [
            "",
            "https://login.example.com",
            "https://example.com/sso",
            "http://localhost:17010",
            "http://127.0.0.1:17010/x",
            "http://[::1]:1",
        ] {
            assert_eq!(problem(good), None, "{good}");
        }
        for (bad, why) in [
            ("login.example.com", "full address"),
            ("http://login.example.com", "https://"),
            ("ftp://localhost", "https://"),
            ("https://login.example.com/", "slash"),
            ("https://login.example.com?x=1", "query"),
            ("https://a@login.example.com", "user name"),
            ("https://Login.example.com", "written as https://login.example.com"),
            ("https://login.example.com:443/sso", "written as https://login.example.com/sso"),
        ] {
            let problem = problem(bad).unwrap_or_default();
            assert!(problem.contains(why), "{bad}: {problem}");
        }
        assert_eq!(Oidc { issuer: "https://a.example/sso".to_owned(), ..Oidc::default() }.path(), "/sso");
        assert_eq!(Oidc { issuer: "https://a.example".to_owned(), ..Oidc::default() }.path(), "");
    }

    #[test]
    fn claims_come_from_attributes_and_are_not_the_providers_own() {
        let with = |claim: &str, source: &str| {
            let claims = BTreeMap::from([(claim.to_owned(), source.to_owned())]);
            Oidc { claims, ..Oidc::default() }
        };
        let oidc = with("department", "attr:dep");
        assert!(oidc.validate().is_ok());
        assert_eq!(oidc.claim_attributes().collect::<Vec<_>>(), [("department", "dep")]);
        assert!(with("sub", "attr:dep").validate().is_err());
        assert!(
            with("department", "dep").validate().is_err() && with("department", "attr:").validate().is_err()
        );
    }
}
