//! The check of the chain, for the doctor: reads all of it, changes nothing, and says where it is broken and up to when it is sealed.

use uuid::Uuid;

use crate::config::Config;
use crate::crypto::audit::AuditKeys;
use crate::domain::Result;
use crate::ops::audit::chain::{is_as_written, is_genuine, is_linked};
use crate::ops::audit::seal::is_chained;
use crate::ops::audit::{keys, seen};
use crate::ops::keyring::{database_options, existing_keyring};
use crate::ops::maintenance::doctor::Finding;
use crate::store;
use crate::store::audit::chain::{Chained, Head};
use crate::store::{Conn, Db, SchemaState};

const CHAIN: &str = "audit chain";

/// How many entries are read at a time.
const PAGE: i64 = 1_000;

/// How many faults are told one by one.
const MAX_TOLD: usize = 20;

/// What is wrong, as far as it is told.
#[derive(Debug, Default)]
struct Faults {
    told: Vec<String>,
    count: usize,
}

impl Faults {
    fn add(&mut self, text: String) {
        self.count += 1;
        if self.told.len() < MAX_TOLD {
            self.told.push(text);
        }
    }
}

/// Checks the chain of the audit of the configured database.
pub async fn examine_audit(config: &Config) -> Vec<Finding> {
    if !is_chained(config) {
        let text = "audit.to_database is off, or the database is in memory: there is no chain";
        return vec![Finding::warning(CHAIN, text)];
    }
    let options = database_options(config);
    let url = options.display();
    let keyring = match existing_keyring(config) {
        Ok(Some(loaded)) => loaded.keyring,
        Ok(None) => {
            return vec![Finding::problem(CHAIN, "without the key of the database it cannot be checked")];
        }
        Err(error) => return vec![Finding::problem(CHAIN, error.to_string())],
    };
    let db = match Db::connect_to_look(&options).await {
        Ok(db) => db,
        Err(error) => return vec![Finding::problem(CHAIN, error.to_string())],
    };
    let outcome = match db.schema_state(&url).await {
        Ok(SchemaState::Current) => look(config, &db, &keyring)
            .await
            .unwrap_or_else(|error| vec![Finding::problem(CHAIN, format!("it cannot be checked: {error}"))]),
        Ok(_) => vec![Finding::warning(CHAIN, "the schema is not up to date: zato-sso migrate does that")],
        Err(error) => vec![Finding::problem(CHAIN, error.to_string())],
    };
    db.close().await;
    outcome
}

async fn look(config: &Config, db: &Db, keyring: &crate::crypto::Keyring) -> Result<Vec<Finding>> {
    let mut conn = db.read().await?;
    let keys = keys::read(&mut conn, keyring).await?;
    let mut faults = Faults::default();
    let head = store::audit::chain::head(&mut conn).await?;
    let mut checked = 0;
    match &head {
        Some(head) if is_genuine(&keys, head) => checked = walk(&mut conn, &keys, head, &mut faults).await?,
        Some(_) => faults.add("where it ends, in sso_audit_head, was changed".to_owned()),
        None => {
            let last = store::audit::chain::last(&mut conn).await?;
            if last != 0 {
                faults.add(format!("where it ends, in sso_audit_head, was deleted; entries go on to {last}"));
            }
        }
    }
    look_at_seen(config, &mut conn, &keys, head.as_ref(), &mut faults).await?;
    let waiting = look_at_unsealed(&mut conn, &keys, &mut faults).await?;
    let mut findings = Vec::new();
    if let Some(head) = &head {
        let (without, since) = store::audit::chain::without_digest(&mut conn, head.begin_time).await?;
        if since > 0 {
            faults.add(format!(
                "{since} entries since {} have no digest: they were inserted by somebody else, or by an older version of this \
                 program",
                head.begin_time
            ));
        }
        let text = match head.head_seq {
            0 => "nothing is sealed yet".to_owned(),
            last => format!("{checked} entries are sealed, up to entry {last} on {}", head.head_time),
        };
        let mut text = format!("{text}; {waiting} wait to be sealed");
        if without > since {
            text.push_str(&format!(
                "; {} are from before {}, when it began",
                without - since,
                head.begin_time
            ));
        }
        if let (1.., Some(time)) = (head.checkpoint_seq, head.checkpoint_time) {
            text.push_str(&format!(
                "; entries up to {}, of {time}, were deleted by audit.keep",
                head.checkpoint_seq
            ));
        }
        findings.push(Finding::ok(CHAIN, text));
    } else if faults.count == 0 {
        findings.push(Finding::ok(CHAIN, format!("nothing is sealed yet; {waiting} wait to be sealed")));
    }
    let more = faults.count - faults.told.len();
    findings.extend(faults.told.into_iter().map(|text| Finding::problem(CHAIN, text)));
    if more > 0 {
        findings.push(Finding::problem(CHAIN, format!("and {more} more")));
    }
    Ok(findings)
}

/// Follows the chain from what was deleted up to its end; how many entries it has. Others may seal and delete meanwhile.
async fn walk(conn: &mut Conn, keys: &AuditKeys, head: &Head, faults: &mut Faults) -> Result<i64> {
    let mut head = head.clone();
    let (mut seq, mut digest) = (head.checkpoint_seq, head.checkpoint_digest.clone());
    let end = head.head_seq;
    let mut checked = 0;
    let before = store::audit::chain::count_before(conn, head.checkpoint_seq).await?;
    if before > 0 {
        faults.add(format!("{before} entries have places that were deleted: somebody has inserted them"));
    }
    while seq < end {
        let page = store::audit::chain::sealed(conn, seq, PAGE).await?;
        let first = page.first().and_then(|entry| entry.chain_seq);
        if first != Some(seq + 1) {
            // What is missing may have been deleted by maintenance since.
            let now = store::audit::chain::head(conn).await?.filter(|head| is_genuine(keys, head));
            if let Some(now) = now.filter(|now| now.checkpoint_seq > seq) {
                (seq, digest) = (now.checkpoint_seq, now.checkpoint_digest.clone());
                head = now;
                continue;
            }
        }
        if page.is_empty() {
            break;
        }
        for entry in page {
            let place = entry.chain_seq.unwrap_or_default();
            if place > end {
                break;
            }
            let is_behind = place == seq + 1;
            if !is_behind {
                faults.add(missing(seq + 1, place - 1));
            } else if !is_linked(keys, &digest, &entry) {
                faults.add(format!("entry {place} was changed, or is not where it was: {}", name(&entry)));
            }
            (seq, digest) = (place, entry.chain_digest.unwrap_or_default());
            checked += 1;
        }
    }
    let seq = seq.min(end);
    if seq < end {
        faults.add(format!("{}: its end was cut off", missing(seq + 1, end)));
    } else if end == head.head_seq && digest != head.head_digest && end > head.checkpoint_seq {
        faults.add(format!("entry {end} is not the one that it ended with"));
    }
    let last = store::audit::chain::last(conn).await?;
    let now = store::audit::chain::head(conn).await?.map_or(0, |head| head.head_seq);
    if last > now {
        faults.add(format!("entries go on to {last} behind its end, {now}: somebody has inserted them"));
    }
    Ok(checked)
}

fn missing(first: i64, last: i64) -> String {
    if first == last {
        format!("entry {first} is gone")
    } else {
        format!("entries {first} to {last} are gone")
    }
}

fn name(entry: &Chained) -> String {
    format!("{} of {}, audit_id {}", entry.op, entry.event_time, entry.audit_id)
}

/// Checks those that wait; how many there are.
async fn look_at_unsealed(conn: &mut Conn, keys: &AuditKeys, faults: &mut Faults) -> Result<usize> {
    let (mut after, mut waiting) = (Uuid::nil(), 0);
    loop {
        let page = store::audit::chain::unsealed(conn, after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(waiting) };
        after = last.audit_id;
        for entry in &page {
            if is_as_written(keys, entry) {
                waiting += 1;
            } else {
                faults.add(format!(
                    "an entry that waits to be sealed was not written by this product: {}",
                    name(entry)
                ));
            }
        }
    }
}

/// Compares with what this machine has seen.
async fn look_at_seen(
    config: &Config,
    conn: &mut Conn,
    keys: &AuditKeys,
    head: Option<&Head>,
    faults: &mut Faults,
) -> Result<()> {
    let Some(path) = seen::file(config, false) else { return Ok(()) };
    match seen::read(&path, keys) {
        Ok(None) => {}
        Ok(Some(seen)) => {
            if !seen.is_in(conn, head).await? {
                faults.add(format!(
                    "{} has seen entry {} on {}, and it is not in the database: this is an older copy, or entries were deleted; if \
                     you have put back a backup, remove that file",
                    path.display(),
                    seen.seq,
                    seen.time
                ));
            }
        }
        Err(why) => faults.add(why),
    }
    Ok(())
}
