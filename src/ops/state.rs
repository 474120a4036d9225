//! What is known of the state of the process.

use std::sync::{Arc, Mutex};

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::store::cache::lease::Hearing;

/// What is known of the state of the process.
#[derive(Debug, Default)]
pub(in crate::ops) struct Watch {
    /// When the database was last written to for that, and why not.
    pub written: tokio::sync::Mutex<Option<(Instant, std::result::Result<(), String>)>>,
    /// Since when something is wrong.
    pub trouble: Mutex<Option<(Instant, String)>>,
    pub look: Arc<Notify>,
    /// Whether changes by other nodes were heard of lately.
    pub hearing: Mutex<Option<Hearing>>,
}
