//! Where the endpoints are, below the path of the issuer.

pub(super) const AUTHORIZE: &str = "/oauth2/authorize";
pub(super) const TOKEN: &str = "/oauth2/token";
pub(super) const USERINFO: &str = "/oauth2/userinfo";
pub(super) const JWKS: &str = "/oauth2/jwks.json";
pub(super) const INTROSPECT: &str = "/oauth2/introspect";
pub(super) const REVOKE: &str = "/oauth2/revoke";
pub(super) const LOGOUT: &str = "/oauth2/logout";
pub(super) const DEVICE: &str = "/oauth2/device_authorization";
pub(super) const PUSH: &str = "/oauth2/par";
pub(super) const REGISTER: &str = "/oauth2/register";
