//! The whole REST server in this process, for `zato_sso.asgi` and `zato_sso.wsgi`.

pub(crate) mod exchange;
pub(crate) mod service;
