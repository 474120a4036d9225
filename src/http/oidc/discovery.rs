//! What the provider says of itself (OpenID Connect Discovery 1.0; RFC 8414), and its keys.

use serde_json::{Value, json};

use crate::config::{Config, Registration};
use crate::domain::{Grant, SigningAlg};
use crate::http::oidc::path::{
    AUTHORIZE, DEVICE, INTROSPECT, JWKS, LOGOUT, PUSH, REGISTER, REVOKE, TOKEN, USERINFO,
};
use crate::ops::CLAIMS;

/// The metadata, which is the same under both addresses that have it.
pub(super) fn metadata(config: &Config) -> Value {
    let issuer = config.oidc.issuer.as_str();
    let at = |path: &str| format!("{issuer}{path}");
    let algorithms = SigningAlg::ALL.map(SigningAlg::as_str);
    let methods = ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"];
    let confidential = ["client_secret_basic", "client_secret_post", "private_key_jwt"];
    let own = ["iss", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "at_hash", "azp", "sid"];
    let mut claims: Vec<&str> = CLAIMS.into_iter().chain(own).collect();
    claims.extend(config.oidc.claim_attributes().map(|(claim, _)| claim));
    let mut metadata = json!({
        "issuer": issuer,
        "authorization_endpoint": at(AUTHORIZE),
        "token_endpoint": at(TOKEN),
        "userinfo_endpoint": at(USERINFO),
        "jwks_uri": at(JWKS),
        "introspection_endpoint": at(INTROSPECT),
        "revocation_endpoint": at(REVOKE),
        "end_session_endpoint": at(LOGOUT),
        "device_authorization_endpoint": at(DEVICE),
        "pushed_authorization_request_endpoint": at(PUSH),
        "scopes_supported": ["openid", "profile", "email", "groups", "offline_access"],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query", "fragment", "form_post"],
        "grant_types_supported": Grant::ALL.map(Grant::as_str),
        "subject_types_supported": ["public", "pairwise"],
        "id_token_signing_alg_values_supported": algorithms,
        "token_endpoint_auth_methods_supported": methods,
        "token_endpoint_auth_signing_alg_values_supported": algorithms,
        "introspection_endpoint_auth_methods_supported": confidential,
        "introspection_endpoint_auth_signing_alg_values_supported": algorithms,
        "revocation_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_signing_alg_values_supported": algorithms,
        "dpop_signing_alg_values_supported": algorithms,
        "code_challenge_methods_supported": ["S256"],
        "acr_values_supported": ["urn:zato-sso:1", "urn:zato-sso:2"],
        "display_values_supported": ["page", "popup", "touch", "wap"],
        "claim_types_supported": ["normal"],
        "claims_supported": claims,
        "claims_parameter_supported": true,
        "request_parameter_supported": false,
        "request_uri_parameter_supported": false,
        "require_request_uri_registration": false,
        "authorization_response_iss_parameter_supported": true,
        "backchannel_logout_supported": true,
        "backchannel_logout_session_supported": true,
        "prompt_values_supported": ["none", "login", "consent", "select_account", "create"],
        "ui_locales_supported": ["en", "de", "fr", "es", "pl", "ja", "ar"],
    });
    if let (Registration::Token | Registration::Open, Value::Object(members)) =
        (config.oidc.registration, &mut metadata)
    {
        members.insert("registration_endpoint".to_owned(), at(REGISTER).into());
    }
    metadata
}
