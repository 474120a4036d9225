//! What the database has said of its contents, and for how long that is good.

use tokio::sync::Mutex;
use tokio::time::Instant;

/// What the database says of its contents.
#[derive(Clone, Copy, Debug)]
pub(in crate::ops) struct Contents {
    pub sessions: i64,
    pub emails: i64,
    pub oldest_email_seconds: i64,
}

/// What the database said last, and until when that is good. None: it gave no answer.
#[derive(Debug, Default)]
pub(in crate::ops) struct Known(pub Mutex<Option<(Instant, Option<Contents>)>>);
