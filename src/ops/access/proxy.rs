//! Proxies that are not in `http.trusted_proxies`: all their clients seem to come from one address, and are throttled together.

use std::net::IpAddr;
use std::sync::atomic::Ordering;

use serde_json::{Value, json};

use crate::config::LogLevel;
use crate::domain::{Result, Timestamp};
use crate::ops::Sso;
use crate::store;
use crate::store::Conn;
use crate::store::db::detached::in_a_task;

/// Under which name the database remembers the last one.
const SETTING: &str = "untrusted_proxy";

/// How often a process writes that down, in seconds.
const BETWEEN_NOTES: i64 = 3_600;

/// A peer that has sent `X-Forwarded-For` and is not trusted to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::ops) struct UntrustedProxy {
    pub peer: IpAddr,
    /// When it last did.
    pub time: Timestamp,
}

impl Sso {
    /// A peer has sent `X-Forwarded-For` and is not in `http.trusted_proxies`. It is a proxy that somebody forgot to name, or
    /// a client that hides where it comes from. The log is told of the first one, and the doctor knows the
    /// last.
    pub fn note_untrusted_proxy(&self, peer: IpAddr) {
        let (now, last) = (self.now(), &self.core.proxy_noted);
        let noted = last.load(Ordering::Relaxed);
        let is_recent = noted != 0 && now < Timestamp::from_micros(noted).plus_seconds(BETWEEN_NOTES);
        // Of several at the same time one goes on.
        if is_recent
            || last.compare_exchange(noted, now.as_micros(), Ordering::Relaxed, Ordering::Relaxed).is_err()
        {
            return;
        }
        let peer = peer.to_canonical();
        if noted == 0 {
            self.log().say(LogLevel::Warning, "proxy.untrusted", &advice(peer), None);
        }
        let sso = self.clone();
        in_a_task(async move {
            let value = json!({"peer": peer.to_string(), "time": now.as_micros()}).to_string();
            let Ok(mut tx) = sso.db().write().await else { return };
            if store::db::setting::put(&mut tx, SETTING, value.as_bytes()).await.is_ok() {
                drop(tx.commit().await);
            }
        });
    }
}

/// What to do about it.
pub(in crate::ops) fn advice(peer: IpAddr) -> String {
    format!(
        "{peer} sends X-Forwarded-For and is not trusted to: all its clients count as one address. If it is your proxy, \
         add it to http.trusted_proxies"
    )
}

/// The last one that the database knows of.
///
/// # Errors
/// When the database cannot answer.
pub(in crate::ops) async fn last_untrusted_proxy(conn: &mut Conn) -> Result<Option<UntrustedProxy>> {
    let Some(value) = store::db::setting::get(conn, SETTING).await? else { return Ok(None) };
    let read = || {
        let value: Value = serde_json::from_slice(&value).ok()?;
        let peer = value.get("peer")?.as_str()?.parse().ok()?;
        let time = Timestamp::from_micros(value.get("time")?.as_i64()?);
        Some(UntrustedProxy { peer, time })
    };
    Ok(read())
}
