//! The commands for clients of the OpenID Provider, and for its keys.

use std::path::PathBuf;

use clap::builder::BoolishValueParser;
use clap::{Args, Subcommand};

#[derive(Subcommand)]
pub(in crate::cli) enum ClientCommand {
    /// Create a client of the OpenID Provider, and print its id and its secret
    CreateClient(NewClientArgs),
    /// List all clients of the OpenID Provider, by name
    ListClients,
    /// Show a client of the OpenID Provider, but for its secret
    ShowClient(ClientArgs),
    /// Change a client of the OpenID Provider. What is not given stays; an empty text takes a value away
    UpdateClient(UpdateClientArgs),
    /// Delete a client of the OpenID Provider, after asking
    DeleteClient(DeleteClientArgs),
    /// Give a client of the OpenID Provider a new secret, and print it
    RotateClientSecret(RotateSecretArgs),
    /// Make new keys for the OpenID Provider to sign with: they are published now, and sign in a day
    RotateSigningKeys(RotateKeysArgs),
}

#[derive(Args)]
pub(in crate::cli) struct NewClientArgs {
    /// The name that people see
    pub name: String,
    /// web keeps a secret, spa (in a browser) and native (installed) keep none, service has no users
    #[arg(long, value_name = "KIND")]
    pub kind: String,
    #[command(flatten)]
    pub terms: ClientTerms,
}

#[derive(Args)]
pub(in crate::cli) struct UpdateClientArgs {
    /// The id of the client
    pub client_id: String,
    /// The name that people see
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    #[command(flatten)]
    pub terms: ClientTerms,
}

/// What a client may be beside its name. What can be given several times replaces all that there was.
#[derive(Args)]
pub(in crate::cli) struct ClientTerms {
    /// Where users are sent back to. May be given several times
    #[arg(long = "redirect-uri", value_name = "URI")]
    pub redirect_uris: Option<Vec<String>>,
    /// Where users may be sent after they have logged out. May be given several times
    #[arg(long = "post-logout-redirect-uri", value_name = "URI")]
    pub post_logout_redirect_uris: Option<Vec<String>>,
    /// Where the client is told that a session has ended
    #[arg(long, value_name = "URI")]
    pub backchannel_logout_uri: Option<String>,
    /// A scope that it may ask for. May be given several times [default: openid, profile, email; of a service, none]
    #[arg(long = "scope", value_name = "SCOPE")]
    pub scopes: Option<Vec<String>>,
    /// What it may send to the token endpoint. May be given several times [default: authorization_code, refresh_token; of a
    /// service, client_credentials]
    #[arg(long = "grant", value_name = "GRANT")]
    pub grants: Option<Vec<String>>,
    /// How it proves who it is: client_secret_basic, client_secret_post, private_key_jwt or none
    #[arg(long, value_name = "METHOD")]
    pub auth_method: Option<String>,
    /// A file with its public keys (RFC 7517), for private_key_jwt
    #[arg(long, value_name = "FILE")]
    pub jwks: Option<PathBuf>,
    /// Where it publishes them instead
    #[arg(long, value_name = "URI")]
    pub jwks_uri: Option<String>,
    /// How its ID tokens are signed: RS256, ES256 or EdDSA
    #[arg(long, value_name = "ALG")]
    pub id_token_alg: Option<String>,
    /// What its access tokens look like: jwt or opaque
    #[arg(long, value_name = "FORMAT")]
    pub access_token_format: Option<String>,
    /// How long its access tokens are valid [default: oidc.access_token_lifetime]
    #[arg(long, value_name = "SECONDS")]
    pub access_token_lifetime: Option<i64>,
    /// How long its refresh tokens are valid at most [default: oidc.refresh_token_lifetime]
    #[arg(long, value_name = "SECONDS")]
    pub refresh_token_lifetime: Option<i64>,
    /// After how long without use they end [default: oidc.refresh_token_idle]
    #[arg(long, value_name = "SECONDS")]
    pub refresh_token_idle: Option<i64>,
    /// For whom its access tokens are if it names nobody [default: the issuer]
    #[arg(long, value_name = "AUDIENCE")]
    pub default_audience: Option<String>,
    /// For whom else it may ask for tokens. May be given several times
    #[arg(long = "audience", value_name = "AUDIENCE")]
    pub audiences: Option<Vec<String>>,
    /// An audience that it is itself: it may introspect and exchange tokens for it. May be given several times
    #[arg(long = "own-audience", value_name = "AUDIENCE")]
    pub own_audiences: Option<Vec<String>>,
    /// Whether users are not asked for their consent
    #[arg(long, value_name = "BOOL", value_parser = BoolishValueParser::new())]
    pub trusted: Option<bool>,
    /// Whether PKCE is required [default: true]
    #[arg(long, value_name = "BOOL", value_parser = BoolishValueParser::new())]
    pub require_pkce: Option<bool>,
    /// The application that its logins count as, one of apps.all [default: apps.default]
    #[arg(long, value_name = "APP")]
    pub app: Option<String>,
    /// Its logo
    #[arg(long, value_name = "URI")]
    pub logo_uri: Option<String>,
    /// How it treats data
    #[arg(long, value_name = "URI")]
    pub policy_uri: Option<String>,
    /// On what terms it is used
    #[arg(long, value_name = "URI")]
    pub tos_uri: Option<String>,
    /// The host name whose clients know a user by the same sub, which no others know [default: sub is the user_id]
    #[arg(long, value_name = "HOST")]
    pub pairwise_sector: Option<String>,
    /// Whether it may do anything [default: true]
    #[arg(long, value_name = "BOOL", value_parser = BoolishValueParser::new())]
    pub active: Option<bool>,
}

#[derive(Args)]
pub(in crate::cli) struct ClientArgs {
    /// The id of the client
    pub client_id: String,
}

#[derive(Args)]
pub(in crate::cli) struct DeleteClientArgs {
    /// The id of the client
    pub client_id: String,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
}

#[derive(Args)]
pub(in crate::cli) struct RotateSecretArgs {
    /// The id of the client
    pub client_id: String,
    /// For how many hours the secret that it has stays valid; 0 ends it now
    #[arg(long, value_name = "HOURS", default_value_t = 24)]
    pub keep_old_for: u32,
}

#[derive(Args)]
pub(in crate::cli) struct RotateKeysArgs {
    /// Sign with them now, and publish the present ones no longer: for keys that somebody else may have. Tokens that they signed
    /// are not valid any more
    #[arg(long)]
    pub at_once: bool,
}
