//! What a client may be: each setting by itself, and together.

use serde_json::Value;

use super::record::{AccessTokenFormat, AuthMethod, Client, ClientKind, ClientUpdate, Grant, SigningAlg};
use super::uri::{check_audience, check_redirect_uris, check_web_uri};
use crate::domain::group::check_scopes;
use crate::domain::{ClientId, Code, Edit, Error, Result, Timestamp, check_name};

/// The longest set of keys, in bytes.
const MAX_JWKS: usize = 16_384;

/// How many audiences a client may have.
const MAX_AUDIENCES: usize = 100;

/// How long access tokens may be valid, in seconds: from ten seconds to a day.
const ACCESS_LIFETIME: (i64, i64) = (10, 86_400);

/// How long refresh tokens may be, in seconds: from a minute to ten years.
const REFRESH_LIFETIME: (i64, i64) = (60, 315_360_000);

fn invalid(detail: impl Into<String>) -> Error {
    Error::refused(Code::ClientInvalid, detail.into())
}

/// One of the names of a list; the message has all of them.
fn one_of<T>(field: &str, text: &str, parse: impl Fn(&str) -> Option<T>, names: &[&str]) -> Result<T> {
    parse(text).ok_or_else(|| invalid(format!("{field}: one of {}", names.join(", "))))
}

fn lifetime(field: &str, seconds: Option<i64>, (least, most): (i64, i64)) -> Result<Option<i64>> {
    if seconds.is_some_and(|seconds| seconds < least || seconds > most) {
        return Err(invalid(format!("{field}: from {least} to {most} seconds")));
    }
    Ok(seconds)
}

fn strings(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

impl ClientKind {
    /// From its name.
    ///
    /// # Errors
    /// E014002, with the names that there are.
    pub fn check(text: &str) -> Result<Self> {
        one_of("kind", text, Self::parse, &["web", "spa", "native", "service"])
    }
}

impl Client {
    /// A client of a kind with nothing but what suits it.
    #[must_use]
    pub fn plain(client_id: ClientId, kind: ClientKind, now: Timestamp) -> Self {
        let is_service = kind == ClientKind::Service;
        let is_public = matches!(kind, ClientKind::Spa | ClientKind::Native);
        Self {
            client_id,
            name: String::new(),
            kind,
            redirect_uris: Vec::new(),
            post_logout_redirect_uris: Vec::new(),
            backchannel_logout_uri: None,
            scopes: if is_service { Vec::new() } else { strings(&["email", "openid", "profile"]) },
            grants: if is_service {
                vec![Grant::ClientCredentials]
            } else {
                vec![Grant::AuthorizationCode, Grant::RefreshToken]
            },
            auth_method: if is_public { AuthMethod::None } else { AuthMethod::ClientSecretBasic },
            jwks: None,
            jwks_uri: None,
            id_token_alg: SigningAlg::Rs256,
            access_token_format: AccessTokenFormat::Jwt,
            access_token_lifetime: None,
            refresh_token_lifetime: None,
            refresh_token_idle: None,
            default_audience: None,
            audiences: Vec::new(),
            own_audiences: Vec::new(),
            is_trusted: false,
            require_pkce: true,
            app: None,
            logo_uri: None,
            policy_uri: None,
            tos_uri: None,
            pairwise_sector: None,
            is_active: true,
            creation_time: now,
            last_modified: now,
        }
    }

    /// Makes the changes, and checks what comes of them.
    ///
    /// # Errors
    /// E014002, which says what would be right.
    pub fn apply(&mut self, update: ClientUpdate) -> Result<()> {
        self.apply_names(&update)?;
        self.apply_protocol(&update)?;
        self.apply_tokens(update)?;
        self.check_together()
    }

    fn apply_names(&mut self, update: &ClientUpdate) -> Result<()> {
        if let Some(name) = update.name.clone().given() {
            let name = check_name("name", name)
                .map_err(as_client_error)?
                .ok_or_else(|| invalid("name: a client needs one"))?;
            self.name = name;
        }
        for (field, edit, place) in [
            ("logo_uri", &update.logo_uri, &mut self.logo_uri),
            ("policy_uri", &update.policy_uri, &mut self.policy_uri),
            ("tos_uri", &update.tos_uri, &mut self.tos_uri),
            ("backchannel_logout_uri", &update.backchannel_logout_uri, &mut self.backchannel_logout_uri),
            ("jwks_uri", &update.jwks_uri, &mut self.jwks_uri),
        ] {
            if let Some(uri) = edit.clone().given() {
                *place =
                    uri.filter(|uri| !uri.is_empty()).map(|uri| check_web_uri(field, uri)).transpose()?;
            }
        }
        if let Some(app) = update.app.clone().given() {
            self.app = app.filter(|app| !app.is_empty());
        }
        if let Some(sector) = update.pairwise_sector.clone().given() {
            self.pairwise_sector =
                sector.filter(|sector| !sector.is_empty()).map(check_sector).transpose()?;
        }
        set(&mut self.is_trusted, update.is_trusted, false);
        set(&mut self.is_active, update.is_active, true);
        Ok(())
    }

    fn apply_protocol(&mut self, update: &ClientUpdate) -> Result<()> {
        if let Some(uris) = update.redirect_uris.clone().given() {
            self.redirect_uris = check_redirect_uris("redirect_uris", self.kind, uris.unwrap_or_default())?;
        }
        if let Some(uris) = update.post_logout_redirect_uris.clone().given() {
            let field = "post_logout_redirect_uris";
            self.post_logout_redirect_uris = check_redirect_uris(field, self.kind, uris.unwrap_or_default())?;
        }
        if let Some(scopes) = update.scopes.clone().given() {
            self.scopes = check_scopes(scopes.unwrap_or_default()).map_err(as_client_error)?;
        }
        let plain = || Self::plain(self.client_id.clone(), self.kind, self.creation_time);
        match &update.grants {
            Edit::Keep => {}
            Edit::Clear => self.grants = plain().grants,
            Edit::Set(names) => {
                let all = Grant::ALL.map(Grant::as_str);
                let grants = names.iter().map(|name| one_of("grants", name, Grant::parse, &all));
                self.grants = grants.collect::<Result<_>>()?;
                self.grants.sort_unstable_by_key(|grant| grant.as_str());
                self.grants.dedup();
            }
        }
        match &update.auth_method {
            Edit::Keep => {}
            Edit::Clear => self.auth_method = plain().auth_method,
            Edit::Set(text) => {
                let names = ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"];
                self.auth_method = one_of("auth_method", text, AuthMethod::parse, &names)?;
            }
        }
        if let Some(jwks) = update.jwks.clone().given() {
            self.jwks = jwks.filter(|jwks| !jwks.trim().is_empty()).map(check_jwks).transpose()?;
        }
        set(&mut self.require_pkce, update.require_pkce, true);
        Ok(())
    }

    fn apply_tokens(&mut self, update: ClientUpdate) -> Result<()> {
        if let Some(alg) = update.id_token_alg.given() {
            let names = SigningAlg::ALL.map(SigningAlg::as_str);
            let alg = alg.map(|text| one_of("id_token_alg", &text, SigningAlg::parse, &names));
            self.id_token_alg = alg.transpose()?.unwrap_or(SigningAlg::Rs256);
        }
        if let Some(format) = update.access_token_format.given() {
            let names = ["jwt", "opaque"];
            let format =
                format.map(|text| one_of("access_token_format", &text, AccessTokenFormat::parse, &names));
            self.access_token_format = format.transpose()?.unwrap_or(AccessTokenFormat::Jwt);
        }
        for (field, edit, bounds, place) in [
            (
                "access_token_lifetime",
                update.access_token_lifetime,
                ACCESS_LIFETIME,
                &mut self.access_token_lifetime,
            ),
            (
                "refresh_token_lifetime",
                update.refresh_token_lifetime,
                REFRESH_LIFETIME,
                &mut self.refresh_token_lifetime,
            ),
            ("refresh_token_idle", update.refresh_token_idle, REFRESH_LIFETIME, &mut self.refresh_token_idle),
        ] {
            if let Some(seconds) = edit.given() {
                *place = lifetime(field, seconds, bounds)?;
            }
        }
        if let Some(audience) = update.default_audience.given() {
            let audience = audience.filter(|audience| !audience.is_empty());
            let checked = audience.map(|audience| check_audience("default_audience", audience));
            self.default_audience = checked.transpose()?;
        }
        for (field, edit, place) in [
            ("audiences", update.audiences, &mut self.audiences),
            ("own_audiences", update.own_audiences, &mut self.own_audiences),
        ] {
            if let Some(audiences) = edit.given() {
                *place = check_audiences(field, audiences.unwrap_or_default())?;
            }
        }
        Ok(())
    }

    fn check_together(&self) -> Result<()> {
        if self.name.is_empty() {
            return Err(invalid("name: a client needs one"));
        }
        let kind = self.kind.as_str();
        match (self.kind, self.auth_method) {
            (ClientKind::Spa | ClientKind::Native, AuthMethod::None)
            | (
                ClientKind::Web | ClientKind::Service,
                AuthMethod::ClientSecretBasic | AuthMethod::ClientSecretPost | AuthMethod::PrivateKeyJwt,
            ) => {}
            (ClientKind::Spa | ClientKind::Native, _) => {
                let what = "none is the only one: whoever has the application could read its secret";
                return Err(invalid(format!("auth_method: of {kind} clients, {what}")));
            }
            (ClientKind::Web | ClientKind::Service, AuthMethod::None) => {
                let what = "client_secret_basic, client_secret_post or private_key_jwt";
                return Err(invalid(format!("auth_method: of {kind} clients, {what}")));
            }
        }
        let has_keys = self.jwks.is_some() || self.jwks_uri.is_some();
        if self.jwks.is_some() && self.jwks_uri.is_some() {
            return Err(invalid("jwks: either jwks or jwks_uri, not both"));
        }
        if self.auth_method == AuthMethod::PrivateKeyJwt && !has_keys {
            return Err(invalid("jwks: private_key_jwt needs the client's public keys, by jwks or jwks_uri"));
        }
        self.check_grants()?;
        if self.is_public() && !self.own_audiences.is_empty() {
            let what = "a client that is shown tokens has to prove who it is";
            return Err(invalid(format!("own_audiences: {what}, and a {kind} client does not")));
        }
        if self.is_public() && !self.require_pkce {
            let what = "only clients that prove who they are may do without";
            return Err(invalid(format!("require_pkce: {what}; of {kind} clients it stays true")));
        }
        Ok(())
    }

    fn check_grants(&self) -> Result<()> {
        let kind = self.kind.as_str();
        let is_service = self.kind == ClientKind::Service;
        let needs_user = |grant: &Grant| {
            matches!(grant, Grant::AuthorizationCode | Grant::RefreshToken | Grant::DeviceCode)
        };
        if is_service && self.grants.iter().any(needs_user) {
            let what = "client_credentials and urn:ietf:params:oauth:grant-type:token-exchange";
            return Err(invalid(format!("grants: of service clients, which have no users, {what}")));
        }
        if is_service && !self.redirect_uris.is_empty() {
            return Err(invalid("redirect_uris: a service client has no users to send back"));
        }
        if self.is_public()
            && self
                .grants
                .iter()
                .any(|grant| matches!(grant, Grant::ClientCredentials | Grant::TokenExchange))
        {
            let what = "client_credentials and token-exchange need a client that proves who it is";
            return Err(invalid(format!("grants: {what}, and a {kind} client does not")));
        }
        if self.may_use(Grant::AuthorizationCode) && self.redirect_uris.is_empty() {
            let what = "authorization_code needs at least one, as in https://app.example.com/callback";
            return Err(invalid(format!("redirect_uris: {what}")));
        }
        let has_source = self.may_use(Grant::AuthorizationCode) || self.may_use(Grant::DeviceCode);
        if self.may_use(Grant::RefreshToken) && !has_source {
            let what = "refresh_token goes with authorization_code or device_code, which give the first one";
            return Err(invalid(format!("grants: {what}")));
        }
        Ok(())
    }
}

fn check_audiences(field: &str, audiences: Vec<String>) -> Result<Vec<String>> {
    let checked = audiences.into_iter().map(|audience| check_audience(field, audience));
    let mut audiences: Vec<String> = checked.collect::<Result<_>>()?;
    audiences.sort_unstable();
    audiences.dedup();
    if audiences.len() > MAX_AUDIENCES {
        return Err(invalid(format!("{field}: at most {MAX_AUDIENCES}")));
    }
    Ok(audiences)
}

fn set(place: &mut bool, edit: Edit<bool>, cleared: bool) {
    if let Some(value) = edit.given() {
        *place = value.unwrap_or(cleared);
    }
}

/// Every refusal of a client's settings has one code.
fn as_client_error(error: Error) -> Error {
    match error {
        Error::Refused { detail, .. } => Error::Refused { code: Code::ClientInvalid, detail },
        other => other,
    }
}

/// A host name, in lower case.
fn check_sector(sector: String) -> Result<String> {
    let is_host =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.');
    if sector.len() <= 253 && sector.bytes().all(is_host) {
        return Ok(sector);
    }
    Err(invalid("pairwise_sector: a host name in lower case, as in example.com"))
}

/// An object with keys. Whether they are keys is for who can read them.
fn check_jwks(jwks: String) -> Result<String> {
    let has_keys = |value: Value| value.get("keys").is_some_and(Value::is_array);
    if jwks.len() <= MAX_JWKS && serde_json::from_str(&jwks).is_ok_and(has_keys) {
        return Ok(jwks);
    }
    Err(invalid(format!("jwks: a JSON object with a list `keys`, of at most {MAX_JWKS} bytes (RFC 7517)")))
}
