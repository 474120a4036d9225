//! What a client says of itself when it registers (RFC 7591; OpenID Connect Dynamic Client Registration 1.0).

use serde_json::{Map, Value, json};

use super::record::{AuthMethod, Client, ClientKind, ClientUpdate, Grant};
use crate::domain::{Code, Edit, Error, OAuthError, Result};

/// The scopes that a client may register itself for.
const SCOPES: [&str; 5] = ["openid", "profile", "email", "groups", "offline_access"];

/// The grants that it may: those that begin with a user.
const GRANTS: [Grant; 3] = [Grant::AuthorizationCode, Grant::RefreshToken, Grant::DeviceCode];

/// What a client may ask for, and what is then wanted of it, none of which there is.
const UNSUPPORTED: [&str; 10] = [
    "sector_identifier_uri",
    "id_token_encrypted_response_alg",
    "userinfo_encrypted_response_alg",
    "userinfo_signed_response_alg",
    "request_object_encryption_alg",
    "request_object_signing_alg",
    "frontchannel_logout_uri",
    "software_statement",
    "tls_client_auth_subject_dn",
    "backchannel_client_notification_endpoint",
];

/// What a client has said of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metadata {
    /// What kind of application it is.
    pub kind: ClientKind,
    /// What it is to be. What it has not said is as it is for its kind.
    pub settings: ClientUpdate,
    /// The id that it has, as it says where it changes what it is.
    pub client_id: Option<String>,
}

fn wrong(why: impl std::fmt::Display) -> Error {
    OAuthError::InvalidClientMetadata.because(why)
}

/// The members of an object, each taken once.
struct Members(Map<String, Value>);

impl Members {
    fn take(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name).filter(|value| !value.is_null())
    }

    fn text(&mut self, name: &str) -> Result<Option<String>> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) if !text.contains('\0') => Ok(Some(text)),
            Some(_) => Err(wrong(format!("{name} has to be a string"))),
        }
    }

    fn texts(&mut self, name: &str) -> Result<Option<Vec<String>>> {
        let wrong = || wrong(format!("{name} has to be a list of strings"));
        let Some(value) = self.take(name) else { return Ok(None) };
        let Value::Array(values) = value else { return Err(wrong()) };
        let text = |value: Value| match value {
            Value::String(text) if !text.contains(['\0', '\n']) => Ok(text),
            _ => Err(wrong()),
        };
        values.into_iter().map(text).collect::<Result<_>>().map(Some)
    }
}

fn given<T>(value: Option<T>) -> Edit<T> {
    value.map_or(Edit::Clear, Edit::Set)
}

impl Metadata {
    /// Reads what a client says. What is not known is ignored (RFC 7591, section 2).
    ///
    /// # Errors
    /// `invalid_client_metadata`, which says what would be right.
    pub fn read(json: &[u8]) -> Result<Self> {
        let Ok(Value::Object(members)) = serde_json::from_slice(json) else {
            return Err(wrong("the body has to be a JSON object"));
        };
        let mut members = Members(members);
        for name in UNSUPPORTED {
            if let Some(value) = members.take(name).filter(|value| value != "none") {
                return Err(wrong(format!("{name} is not supported, and the request has {}", shown(&value))));
            }
        }
        for kind in members.texts("response_types")?.unwrap_or_default() {
            if kind != "code" {
                return Err(wrong(format!(
                    "response_types may have code alone, not {}",
                    shown(&kind.into())
                )));
            }
        }
        let method = members.text("token_endpoint_auth_method")?;
        let is_public = method.as_deref() == Some(AuthMethod::None.as_str());
        let kind = match members.text("application_type")?.as_deref() {
            Some("native") => ClientKind::Native,
            None | Some("web") if is_public => ClientKind::Spa,
            None | Some("web") => ClientKind::Web,
            Some(other) => {
                return Err(wrong(format!(
                    "application_type has to be web or native, not {}",
                    shown(&other.into())
                )));
            }
        };
        let grants = grants(members.texts("grant_types")?)?;
        let redirect_uris = members.texts("redirect_uris")?;
        let pairwise_sector = match members.text("subject_type")?.as_deref() {
            None | Some("public") => None,
            Some("pairwise") => Some(own_host(redirect_uris.as_deref().unwrap_or_default(), &grants)?),
            Some(other) => {
                return Err(wrong(format!(
                    "subject_type has to be public or pairwise, not {}",
                    shown(&other.into())
                )));
            }
        };
        let scopes = members.text("scope")?.map(|scopes| {
            let known = scopes.split(' ').filter(|scope| SCOPES.contains(scope));
            known.map(str::to_owned).collect()
        });
        let jwks = members.take("jwks").map(|jwks| jwks.to_string());
        let settings = ClientUpdate {
            name: given(Some(
                members
                    .text("client_name")?
                    .filter(|name| !name.trim().is_empty())
                    .unwrap_or_else(|| "Application".to_owned()),
            )),
            redirect_uris: given(redirect_uris),
            post_logout_redirect_uris: given(members.texts("post_logout_redirect_uris")?),
            backchannel_logout_uri: given(members.text("backchannel_logout_uri")?),
            scopes: given(Some(scopes.unwrap_or_else(|| SCOPES.map(str::to_owned).to_vec()))),
            grants: Edit::Set(grants),
            auth_method: given(method),
            jwks: given(jwks),
            jwks_uri: given(members.text("jwks_uri")?),
            id_token_alg: given(members.text("id_token_signed_response_alg")?),
            pairwise_sector: given(pairwise_sector),
            logo_uri: given(members.text("logo_uri")?),
            policy_uri: given(members.text("policy_uri")?),
            tos_uri: given(members.text("tos_uri")?),
            ..ClientUpdate::default()
        };
        Ok(Self { kind, settings, client_id: members.text("client_id")? })
    }
}

/// As a client that is refused knows it (RFC 7591, section 3.2.2).
#[must_use]
pub fn as_metadata_error(error: Error) -> Error {
    match error {
        Error::Refused { code: Code::ClientInvalid, detail } => {
            let detail = detail.unwrap_or_default();
            let name = if detail.starts_with("redirect_uris") {
                OAuthError::InvalidRedirectUri
            } else {
                OAuthError::InvalidClientMetadata
            };
            name.because(detail)
        }
        other => other,
    }
}

fn grants(names: Option<Vec<String>>) -> Result<Vec<String>> {
    let names = names.unwrap_or_else(|| vec![Grant::AuthorizationCode.as_str().to_owned()]);
    for name in &names {
        if !GRANTS.iter().any(|grant| grant.as_str() == name) {
            let known = GRANTS.map(Grant::as_str).join(", ");
            return Err(wrong(format!("grant_types may have {known}, not {}", shown(&name.as_str().into()))));
        }
    }
    Ok(names)
}

/// The host of all of these, by which its users are known to it. A client may choose only one that is its own: users come back to
/// that by https, and no device gets their tokens without a redirect URI.
fn own_host(uris: &[String], grants: &[String]) -> Result<String> {
    if grants.iter().any(|grant| grant == Grant::DeviceCode.as_str()) {
        return Err(wrong("subject_type: pairwise is not for clients with the grant of devices"));
    }
    let host = |uri: &String| {
        let uri = url::Url::parse(uri).ok().filter(|uri| uri.scheme() == "https")?;
        uri.host_str().map(str::to_ascii_lowercase)
    };
    let mut hosts: Vec<Option<String>> = uris.iter().map(host).collect();
    hosts.dedup();
    match hosts.as_slice() {
        [Some(host)] => Ok(host.clone()),
        _ => Err(wrong("subject_type: pairwise needs redirect_uris by https that have one host in common")),
    }
}

/// The beginning of a value, for a message.
fn shown(value: &Value) -> String {
    super::request::shown(&value.to_string())
}

impl Client {
    /// What a client is, as it knows that (RFC 7591, section 3.2.1).
    #[must_use]
    pub fn metadata(&self) -> Map<String, Value> {
        let grants: Vec<&str> = self.grants.iter().map(|grant| grant.as_str()).collect();
        let has_code = self.may_use(Grant::AuthorizationCode);
        let is_native = self.kind == ClientKind::Native;
        let jwks = self.jwks.as_deref().and_then(|jwks| serde_json::from_str::<Value>(jwks).ok());
        let mut all = Map::new();
        for (name, value) in [
            ("client_id", json!(self.client_id.as_str())),
            ("client_id_issued_at", json!(self.creation_time.as_micros().div_euclid(1_000_000))),
            ("client_name", json!(self.name)),
            ("application_type", json!(if is_native { "native" } else { "web" })),
            ("redirect_uris", json!(self.redirect_uris)),
            ("post_logout_redirect_uris", json!(self.post_logout_redirect_uris)),
            ("backchannel_logout_uri", json!(self.backchannel_logout_uri)),
            ("response_types", if has_code { json!(["code"]) } else { json!([]) }),
            ("grant_types", json!(grants)),
            ("scope", json!(self.scopes.join(" "))),
            ("token_endpoint_auth_method", json!(self.auth_method.as_str())),
            ("id_token_signed_response_alg", json!(self.id_token_alg.as_str())),
            ("subject_type", json!(if self.pairwise_sector.is_some() { "pairwise" } else { "public" })),
            ("jwks", json!(jwks)),
            ("jwks_uri", json!(self.jwks_uri)),
            ("logo_uri", json!(self.logo_uri)),
            ("policy_uri", json!(self.policy_uri)),
            ("tos_uri", json!(self.tos_uri)),
        ] {
            if !value.is_null() {
                all.insert(name.to_owned(), value);
            }
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::{ClientId, Timestamp};

    fn read(json: &Value) -> Result<Metadata> {
        Metadata::read(json.to_string().as_bytes())
    }

    #[test]
    fn what_a_client_says_is_read_and_what_is_not_offered_is_refused() {
        let metadata =
            read(&json!({"redirect_uris": ["https://a.example/cb"], "unknown": 5, "scope": "openid admin"}));
        let metadata = metadata.unwrap();
        assert_eq!(metadata.kind, ClientKind::Web);
        assert_eq!(metadata.settings.scopes, Edit::Set(vec!["openid".to_owned()]));
        assert_eq!(metadata.settings.grants, Edit::Set(vec!["authorization_code".to_owned()]));
        let public = json!({"token_endpoint_auth_method": "none"});
        assert_eq!(read(&public).unwrap().kind, ClientKind::Spa);
        for (json, part) in [
            (json!([]), "JSON object"),
            (json!({"redirect_uris": "https://a.example"}), "redirect_uris has to be a list"),
            (json!({"redirect_uris": ["https://a.example\nx"]}), "redirect_uris has to be a list"),
            (json!({"client_name": 5}), "client_name has to be a string"),
            (json!({"response_types": ["id_token"]}), "not \"id_token\""),
            (json!({"grant_types": ["implicit"]}), "not \"implicit\""),
            (json!({"grant_types": ["client_credentials"]}), "not \"client_credentials\""),
            (json!({"application_type": "desktop"}), "web or native"),
            (json!({"subject_type": "secret"}), "public or pairwise"),
            (
                json!({"subject_type": "pairwise", "redirect_uris": ["https://a.x/", "https://b.x/"]}),
                "one host",
            ),
            (
                json!({"subject_type": "pairwise", "application_type": "native", "redirect_uris": ["http://127.0.0.1/"]}),
                "by https",
            ),
            (
                json!({"subject_type": "pairwise", "redirect_uris": ["https://a.x/"],
                    "grant_types": ["authorization_code", "urn:ietf:params:oauth:grant-type:device_code"]}),
                "devices",
            ),
            (json!({"userinfo_signed_response_alg": "RS256"}), "not supported"),
            (json!({"software_statement": "a.b.c"}), "not supported"),
        ] {
            let error = read(&json).unwrap_err();
            let (name, why) = OAuthError::of(&error).unwrap();
            assert_eq!(name, OAuthError::InvalidClientMetadata);
            assert!(why.contains(part), "{json}: {why}");
        }
    }

    proptest! {
        /// Whatever is sent, it is read or refused; what is accepted makes a client that says the same of itself.
        #[test]
        fn any_metadata_is_read_or_refused(
            name in prop::sample::select(vec!["redirect_uris", "grant_types", "scope", "client_name", "jwks", "jwks_uri",
                "subject_type", "application_type", "token_endpoint_auth_method", "response_types", "client_id"]),
            value in prop_oneof![
                "\\PC{0,40}".prop_map(Value::from),
                any::<i64>().prop_map(Value::from),
                prop::collection::vec("(https://|com\\.x:)?\\PC{0,20}", 0..4).prop_map(Value::from),
                Just(Value::Null),
            ],
        ) {
            let mut json = json!({"redirect_uris": ["https://a.example/cb"]});
            json[name] = value;
            if let Ok(metadata) = read(&json) {
                let id = ClientId::parse("zcli0").unwrap();
                let mut client = Client::plain(id, metadata.kind, Timestamp::from_micros(0));
                if client.apply(metadata.settings).is_ok() {
                    let again = read(&Value::Object(client.metadata())).unwrap();
                    prop_assert_eq!(again.kind, client.kind);
                    let before = client.clone();
                    client.apply(again.settings).unwrap();
                    prop_assert_eq!(client, before);
                }
            }
        }
    }
}
