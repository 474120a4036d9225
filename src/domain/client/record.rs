//! What a client is.

use crate::domain::user::account::named;
use crate::domain::{ClientId, Edit, Password, Timestamp};

named! {
    /// What kind of application a client is.
    ClientKind {
        /// Runs on a server, and keeps a secret.
        Web = "web",
        /// Runs in a browser: what it is given, its user can read.
        Spa = "spa",
        /// Is installed on a device or a computer (RFC 8252): keeps no secret either.
        Native = "native",
        /// Acts for itself, without users.
        Service = "service",
    }
}

named! {
    /// How a client proves who it is (OpenID Connect Core, section 9).
    AuthMethod {
        /// Not at all: it is public.
        None = "none",
        /// By its secret, in the header.
        ClientSecretBasic = "client_secret_basic",
        /// By its secret, in the body.
        ClientSecretPost = "client_secret_post",
        /// By a JWT that it signs with a key of its own (RFC 7523).
        PrivateKeyJwt = "private_key_jwt",
    }
}

impl AuthMethod {
    /// Whether it takes a secret.
    #[must_use]
    pub const fn needs_secret(self) -> bool {
        matches!(self, Self::ClientSecretBasic | Self::ClientSecretPost)
    }
}

named! {
    /// How tokens are signed (RFC 7518, RFC 8037).
    SigningAlg {
        /// RSASSA-PKCS1-v1_5 with SHA-256, keys of 2048 bits: what every client knows.
        Rs256 = "RS256",
        /// ECDSA on P-256 with SHA-256.
        Es256 = "ES256",
        /// Ed25519.
        EdDsa = "EdDSA",
    }
}

impl SigningAlg {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Rs256, Self::Es256, Self::EdDsa];
}

named! {
    /// What access tokens look like.
    AccessTokenFormat {
        /// Signed, and checked without a question (RFC 9068). They cannot be called back.
        Jwt = "jwt",
        /// Random, and looked up each time.
        Opaque = "opaque",
    }
}

named! {
    /// What a client may send to the token endpoint.
    Grant {
        /// The code of a user who signed in (RFC 6749, section 4.1).
        AuthorizationCode = "authorization_code",
        /// A refresh token (RFC 6749, section 6).
        RefreshToken = "refresh_token",
        /// Nothing but its own credentials (RFC 6749, section 4.4).
        ClientCredentials = "client_credentials",
        /// A code that its user enters on another device (RFC 8628).
        DeviceCode = "urn:ietf:params:oauth:grant-type:device_code",
        /// A token, for one of another audience (RFC 8693).
        TokenExchange = "urn:ietf:params:oauth:grant-type:token-exchange",
    }
}

impl Grant {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::AuthorizationCode,
        Self::RefreshToken,
        Self::ClientCredentials,
        Self::DeviceCode,
        Self::TokenExchange,
    ];
}

/// A client, without its secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// Its id.
    pub client_id: ClientId,
    /// The name that people see.
    pub name: String,
    /// What kind of application it is.
    pub kind: ClientKind,
    /// Where users are sent back to, as they were registered.
    pub redirect_uris: Vec<String>,
    /// Where users are sent after they have logged out.
    pub post_logout_redirect_uris: Vec<String>,
    /// Where the client is told that a session has ended.
    pub backchannel_logout_uri: Option<String>,
    /// The scopes that it may ask for.
    pub scopes: Vec<String>,
    /// What it may send to the token endpoint.
    pub grants: Vec<Grant>,
    /// How it proves who it is.
    pub auth_method: AuthMethod,
    /// Its public keys: a JSON object (RFC 7517, section 5).
    pub jwks: Option<String>,
    /// Where they are to be fetched from instead.
    pub jwks_uri: Option<String>,
    /// How its ID tokens are signed.
    pub id_token_alg: SigningAlg,
    /// What its access tokens look like.
    pub access_token_format: AccessTokenFormat,
    /// How long its access tokens are valid, in seconds; None is `oidc.access_token_lifetime`.
    pub access_token_lifetime: Option<i64>,
    /// How long its refresh tokens are valid at most, in seconds; None is `oidc.refresh_token_lifetime`.
    pub refresh_token_lifetime: Option<i64>,
    /// After how many seconds without use they end; None is `oidc.refresh_token_idle`.
    pub refresh_token_idle: Option<i64>,
    /// For whom its access tokens are if it names nobody; None is the issuer.
    pub default_audience: Option<String>,
    /// For whom else it may ask for tokens (RFC 8707).
    pub audiences: Vec<String>,
    /// The audiences that it is itself, beside its id: it may introspect and exchange tokens that others show it.
    pub own_audiences: Vec<String>,
    /// Whether users are not asked for their consent.
    pub is_trusted: bool,
    /// Whether PKCE is required.
    pub require_pkce: bool,
    /// Which `current_app` its logins count as; None is `apps.default`.
    pub app: Option<String>,
    /// Its logo.
    pub logo_uri: Option<String>,
    /// How it treats data.
    pub policy_uri: Option<String>,
    /// On what terms it is used.
    pub tos_uri: Option<String>,
    /// The sector whose clients know a user by the same `sub`, which is not the user_id (OpenID Connect Core, section 8.1). None:
    /// `sub` is the user_id.
    pub pairwise_sector: Option<String>,
    /// Whether it may do anything.
    pub is_active: bool,
    /// When it was created.
    pub creation_time: Timestamp,
    /// When it was last changed.
    pub last_modified: Timestamp,
}

impl Client {
    /// Whether it cannot prove who it is.
    #[must_use]
    pub const fn is_public(&self) -> bool {
        matches!(self.auth_method, AuthMethod::None)
    }

    /// Whether it may send this to the token endpoint.
    #[must_use]
    pub fn may_use(&self, grant: Grant) -> bool {
        self.grants.contains(&grant)
    }

    /// Whether it may ask for this scope.
    #[must_use]
    pub fn may_ask_for(&self, scope: &str) -> bool {
        self.scopes.iter().any(|allowed| allowed == scope)
    }

    /// Whether it may have tokens for this audience.
    #[must_use]
    pub fn may_address(&self, audience: &str) -> bool {
        self.default_audience.as_deref() == Some(audience)
            || self.audiences.iter().any(|allowed| allowed == audience)
    }

    /// Whether tokens for this audience are meant for it.
    #[must_use]
    pub fn is_audience(&self, audience: &str) -> bool {
        self.client_id.as_str() == audience || self.own_audiences.iter().any(|own| own == audience)
    }
}

/// What a client is, or is to become. Of a new one, what is not given is what suits its kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of `Client`")]
pub struct ClientUpdate {
    pub name: Edit<String>,
    pub redirect_uris: Edit<Vec<String>>,
    pub post_logout_redirect_uris: Edit<Vec<String>>,
    pub backchannel_logout_uri: Edit<String>,
    pub scopes: Edit<Vec<String>>,
    pub grants: Edit<Vec<String>>,
    pub auth_method: Edit<String>,
    pub jwks: Edit<String>,
    pub jwks_uri: Edit<String>,
    pub id_token_alg: Edit<String>,
    pub access_token_format: Edit<String>,
    pub access_token_lifetime: Edit<i64>,
    pub refresh_token_lifetime: Edit<i64>,
    pub refresh_token_idle: Edit<i64>,
    pub default_audience: Edit<String>,
    pub audiences: Edit<Vec<String>>,
    pub own_audiences: Edit<Vec<String>>,
    pub is_trusted: Edit<bool>,
    pub require_pkce: Edit<bool>,
    pub app: Edit<String>,
    pub logo_uri: Edit<String>,
    pub policy_uri: Edit<String>,
    pub tos_uri: Edit<String>,
    pub pairwise_sector: Edit<String>,
    pub is_active: Edit<bool>,
}

/// A client that has just been created, or whose secret was replaced.
#[derive(Clone, Debug)]
pub struct ClientWithSecret {
    /// The client.
    pub client: Client,
    /// Its new secret, which cannot be shown again. None for a client that has none.
    pub client_secret: Option<Password>,
}

/// A secret of a client, as far as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientSecret {
    /// The digest of it.
    pub digest: Vec<u8>,
    /// When it was made.
    pub creation_time: Timestamp,
    /// Until when it is valid; None: until it is replaced.
    pub expiration_time: Option<Timestamp>,
}

/// A key that signs tokens, without its private half.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SigningKeyInfo {
    /// Its id: the thumbprint of its public half (RFC 7638).
    pub kid: String,
    /// What it signs by.
    pub alg: SigningAlg,
    /// When it was made, and published.
    pub creation_time: Timestamp,
    /// From when on it signs.
    pub activation_time: Timestamp,
    /// From when on its successor signs.
    pub retirement_time: Option<Timestamp>,
    /// Until when it is published.
    pub expiration_time: Option<Timestamp>,
}
