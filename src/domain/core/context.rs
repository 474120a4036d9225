//! What every call carries beside its own input.

use crate::domain::{Cid, Language, RemoteAddr};

/// On whose behalf a call is made, and from where.
#[derive(Clone, Debug)]
pub struct Context {
    /// Ties log and audit entries of the call together.
    pub cid: Cid,
    /// The application on whose behalf the call is made, one of `apps.all`.
    pub current_app: String,
    /// Where the call comes from.
    pub remote_addr: RemoteAddr,
    /// The language of who calls, where that is known: that of the page.
    pub language: Option<Language>,
}
