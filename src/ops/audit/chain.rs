//! What chains entries: the digest of one, of one behind another, and of where all of it begins and ends.

use uuid::Uuid;

use crate::crypto::audit::{AuditKey, AuditKeys, Digested};
use crate::domain::{AuditEvent, Timestamp, UserId};
use crate::store::audit::chain::{Chained, Head};

/// Where the chain is before the first entry.
const BEGIN: &[u8] = b"zato_sso audit begins";

/// All of an entry that its digest covers.
#[derive(Clone, Copy, Debug)]
struct Fields<'a> {
    audit_id: Uuid,
    time: Timestamp,
    texts: [Option<&'a str>; 9],
}

impl Fields<'_> {
    fn digest(&self, key: &AuditKey) -> Vec<u8> {
        let time = self.time.as_micros().to_be_bytes();
        let mut parts = vec![Some(self.audit_id.as_bytes().as_slice()), Some(time.as_slice())];
        parts.extend(self.texts.iter().map(|text| text.map(str::as_bytes)));
        key.digest(Digested::Entry, &parts)
    }
}

/// The digest of an entry that is about to be written.
pub(in crate::ops) fn digest_of_event(
    key: &AuditKey,
    audit_id: Uuid,
    event: &AuditEvent,
    extra: &str,
) -> Vec<u8> {
    let remote_addr = event.remote_addr.joined();
    let texts = [
        Some(event.cid.as_str()),
        Some(event.op),
        event.current_user.as_ref().map(UserId::as_str),
        event.target_user.as_ref().map(UserId::as_str),
        Some(event.result.as_str()),
        Some(event.current_app.as_str()),
        Some(remote_addr.as_str()),
        event.how,
        Some(extra),
    ];
    Fields { audit_id, time: event.time, texts }.digest(key)
}

/// The digest of an entry as it is stored, by a key.
fn digest_of_entry(key: &AuditKey, entry: &Chained) -> Vec<u8> {
    let texts = [
        Some(entry.cid.as_str()),
        Some(entry.op.as_str()),
        entry.actor_id.as_deref(),
        entry.target_id.as_deref(),
        Some(entry.result.as_str()),
        Some(entry.current_app.as_str()),
        Some(entry.remote_addr.as_str()),
        entry.how.as_deref(),
        Some(entry.extra.as_str()),
    ];
    Fields { audit_id: entry.audit_id, time: entry.event_time, texts }.digest(key)
}

/// Whether an entry that waits to be sealed is as it was written.
pub(in crate::ops) fn is_as_written(keys: &AuditKeys, entry: &Chained) -> bool {
    let digest = entry.chain_digest.as_deref().unwrap_or_default();
    keys.of_digest(digest)
        .is_some_and(|key| crate::crypto::compare::equal(&digest_of_entry(key, entry), digest))
}

/// The digest of an entry in its place behind another.
pub(in crate::ops) fn link(key: &AuditKey, seq: i64, former: &[u8], entry: &Chained) -> Vec<u8> {
    let own = digest_of_entry(key, entry);
    key.digest(Digested::Link, &[Some(&seq.to_be_bytes()), Some(former), Some(&own)])
}

/// Whether a sealed entry is what was sealed, behind one with this digest.
pub(in crate::ops) fn is_linked(keys: &AuditKeys, former: &[u8], entry: &Chained) -> bool {
    let digest = entry.chain_digest.as_deref().unwrap_or_default();
    let (Some(key), Some(seq)) = (keys.of_digest(digest), entry.chain_seq) else { return false };
    crate::crypto::compare::equal(&link(key, seq, former, entry), digest)
}

/// A chain without entries.
pub(in crate::ops) fn begin(key: &AuditKey, now: Timestamp) -> Head {
    let digest = key.digest(Digested::Link, &[Some(BEGIN), Some(&now.as_micros().to_be_bytes())]);
    let mut head = Head {
        head_seq: 0,
        head_digest: digest.clone(),
        head_time: now,
        checkpoint_seq: 0,
        checkpoint_digest: digest,
        checkpoint_time: None,
        begin_time: now,
        digest: Vec::new(),
    };
    sign(key, &mut head);
    head
}

/// Gives a head its digest.
pub(in crate::ops) fn sign(key: &AuditKey, head: &mut Head) {
    head.digest = with_parts(head, |parts| key.digest(Digested::Head, parts));
}

/// Whether a head is one that was written by somebody with a key.
pub(in crate::ops) fn is_genuine(keys: &AuditKeys, head: &Head) -> bool {
    with_parts(head, |parts| keys.verify(Digested::Head, parts, &head.digest))
}

fn with_parts<T>(head: &Head, work: impl FnOnce(&[Option<&[u8]>]) -> T) -> T {
    let checkpoint_time = head.checkpoint_time.map(|time| time.as_micros().to_be_bytes());
    work(&[
        Some(&head.head_seq.to_be_bytes()),
        Some(&head.head_digest),
        Some(&head.head_time.as_micros().to_be_bytes()),
        Some(&head.checkpoint_seq.to_be_bytes()),
        Some(&head.checkpoint_digest),
        checkpoint_time.as_ref().map(<[u8; 8]>::as_slice),
        Some(&head.begin_time.as_micros().to_be_bytes()),
    ])
}
