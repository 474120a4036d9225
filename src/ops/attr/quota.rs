//! What the attributes of one owner may take: `attr.*` in the configuration.

use std::collections::HashMap;

use crate::config::Attr;
use crate::domain::{AttrOwner, Result, Timestamp};
use crate::ops::attr::request::{AttrItem, invalid};
use crate::store::attr::{AttrRow, Current, Usage};
use crate::store::{self, Tx};

/// What attributes take, or how much more of it.
#[derive(Clone, Copy, Debug, Default)]
struct Size {
    attrs: i64,
    bytes: i64,
}

/// Values that one may not have, whoever's it is.
pub(in crate::ops) fn check_value_sizes(limits: &Attr, items: &[AttrItem]) -> Result<()> {
    let max = limits.max_value_bytes;
    if max > 0 && items.iter().any(|item| item.value.as_json_text().len() > max) {
        return Err(invalid(format!("value: at most {max} bytes of JSON (attr.max_value_bytes)")));
    }
    Ok(())
}

/// How much these writes add to what each owner has.
#[derive(Debug, Default)]
pub(in crate::ops) struct Growth<'a>(HashMap<&'a AttrOwner, Size>);

impl<'a> Growth<'a> {
    /// Counts an attribute that takes the place of another, or of none.
    pub fn count(&mut self, owner: &'a AttrOwner, row: &AttrRow, before: Option<&Current>) {
        let size = self.0.entry(owner).or_default();
        size.attrs += i64::from(before.is_none());
        let length = i64::try_from(row.value.len()).unwrap_or(i64::MAX);
        size.bytes += length - before.map_or(0, |before| before.length);
    }

    /// Refuses what an owner may not have, in the transaction that has written it. Who has less than before is not asked.
    pub async fn check(self, limits: &Attr, tx: &mut Tx, now: Timestamp) -> Result<()> {
        let limit =
            |limit: usize| if limit == 0 { i64::MAX } else { i64::try_from(limit).unwrap_or(i64::MAX) };
        self.check_sessions(limits, tx, now).await?;
        let most = Size { attrs: limit(limits.max_per_owner), bytes: limit(limits.max_bytes_per_owner) };
        if most.attrs == i64::MAX && most.bytes == i64::MAX {
            return Ok(());
        }
        let grown: Vec<_> = self
            .0
            .iter()
            .filter(|(_, size)| size.attrs > 0 || size.bytes > 0)
            .map(|(owner, _)| *owner)
            .collect();
        for Usage { owner, attrs, bytes } in store::attr::usage(tx, &grown).await? {
            let Some((&owner, &more)) = self.0.iter().find(|(known, _)| store::attr::id_text(known) == owner)
            else {
                continue;
            };
            if fits(Size { attrs, bytes }, more, most) {
                continue;
            }
            // What has expired is not there for any call: it takes room only until somebody needs that.
            store::attr::delete_expired(tx, owner, now).await?;
            let left = store::attr::usage(tx, &[owner]).await?;
            let left =
                left.first().map_or_else(Size::default, |left| Size { attrs: left.attrs, bytes: left.bytes });
            if more.attrs > 0 && left.attrs > most.attrs {
                let max = most.attrs;
                return Err(invalid(format!("at most {max} attributes of one owner (attr.max_per_owner)")));
            }
            if !fits(left, more, most) {
                let max = most.bytes;
                let detail = format!("values: at most {max} bytes of one owner (attr.max_bytes_per_owner)");
                return Err(invalid(detail));
            }
        }
        Ok(())
    }
}

impl Growth<'_> {
    /// Refuses what the sessions of one user may not have together, or many sessions would be many quotas.
    async fn check_sessions(&self, limits: &Attr, tx: &mut Tx, now: Timestamp) -> Result<()> {
        let (max_attrs, max_bytes) = (limits.max_in_sessions, limits.max_bytes_in_sessions);
        for (owner, more) in &self.0 {
            let AttrOwner::Session(session_id) = owner else { continue };
            if (more.attrs <= 0 && more.bytes <= 0) || (max_attrs == 0 && max_bytes == 0) {
                continue;
            }
            let Some(has) = store::attr::usage_of_sessions(tx, *session_id, now).await? else { continue };
            let is_over = |has: i64, more: i64, most: usize| {
                more > 0 && most > 0 && has > i64::try_from(most).unwrap_or(i64::MAX)
            };
            if is_over(has.attrs, more.attrs, max_attrs) {
                let detail = format!(
                    "at most {max_attrs} attributes of all sessions of a user (attr.max_in_sessions)"
                );
                return Err(invalid(detail));
            }
            if is_over(has.bytes, more.bytes, max_bytes) {
                return Err(invalid(format!(
                    "values: at most {max_bytes} bytes of all sessions of a user (attr.max_bytes_in_sessions)"
                )));
            }
        }
        Ok(())
    }
}

/// Whether an owner may have so much, of which so much is new.
const fn fits(has: Size, more: Size, most: Size) -> bool {
    (more.attrs <= 0 || has.attrs <= most.attrs) && (more.bytes <= 0 || has.bytes <= most.bytes)
}
