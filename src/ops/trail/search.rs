//! The search of the audit trail, for super-users and members of groups that may read it.

use std::net::IpAddr;

use crate::domain::{
    AuditPage, AuditPlace, AuditSearch, Code, Context, Error, Operation, RemoteAddr, Result, UserId,
    network_of,
};
use crate::ops::Sso;
use crate::ops::access::actor::Actor;
use crate::store;
use crate::store::audit::search::{Ended, Wanted};

/// How many entries a page has, and how many at most.
const PAGE: (i64, i64) = (50, 1_000);

impl Sso {
    /// Entries of the audit trail in the database, newest first, a page at a time. Rejections of strangers, and those of users
    /// that repeat, are there when their minute is over.
    ///
    /// # Errors
    /// E005001 without the right to, E001100 for what is no user id, E008002 for a cursor that no search has returned.
    pub async fn search_audit(
        &self,
        ctx: &Context,
        actor: impl Into<Actor>,
        search: AuditSearch,
    ) -> Result<AuditPage> {
        self.run(ctx, Operation::AuditSearch, actor, async |call| {
            call.trail.note("criteria", given(&search).join(", "));
            let limit = search.limit.filter(|limit| *limit >= 1).unwrap_or(PAGE.0).min(PAGE.1);
            let named = search.username.as_deref().filter(|username| !username.contains('\0'));
            let mut wanted = wanted(&search)?;
            if wanted.user_id.is_none() && search.username.is_some() {
                let row = match named {
                    Some(username) => self.row_by_username(username).await?,
                    None => None,
                };
                let Some(row) = row else { return Ok(AuditPage { entries: Vec::new(), next: None }) };
                wanted.user_id = Some(row.user_id.as_str().to_owned());
            }
            if let Some(user_id) = wanted.user_id.as_deref().and_then(UserId::parse) {
                call.trail.on(&user_id);
            }
            let mut conn = self.db().read().await?;
            let mut entries = store::audit::search::page(&mut conn, &wanted, limit.saturating_add(1)).await?;
            let has_more = entries.len() > usize::try_from(limit).unwrap_or(usize::MAX);
            if has_more {
                entries.pop();
            }
            let next = entries.last().filter(|_| has_more).map(|last| last.place());
            Ok(AuditPage { entries, next })
        })
        .await
    }
}

/// What storage is asked for.
fn wanted(search: &AuditSearch) -> Result<Wanted> {
    let user_id = match text(search.user_id.as_deref()) {
        None => None,
        Some(user_id) => Some(UserId::parse(&user_id).ok_or(Code::UserIdInvalid)?.as_str().to_owned()),
    };
    let after = match text(search.after.as_deref()) {
        None => None,
        Some(cursor) => Some(AuditPlace::parse(&cursor).ok_or_else(|| {
            Error::refused(Code::CommonInvalidInput, "after: not what an earlier search has returned as next")
        })?),
    };
    let ended = text(search.result.as_deref()).map(|result| match result.as_str() {
        "ok" => Ended::Well,
        "refused" => Ended::Refused,
        _ => Ended::With(result),
    });
    Ok(Wanted {
        time: [search.time_from, search.time_before],
        op: text(search.op.as_deref()),
        ended,
        user_id,
        cid: text(search.cid.as_deref()),
        addresses: text(search.remote_addr.as_deref()).map(addresses).unwrap_or_default(),
        after,
    })
}

/// PostgreSQL knows no NUL in text, and no entry has one.
fn text(text: Option<&str>) -> Option<String> {
    let text = text.map(|text| text.replace('\0', "\u{fffd}").trim().to_owned());
    text.filter(|text| !text.is_empty())
}

/// The forms in which entries may have an address: rejections of strangers have the network of an IPv6 address.
fn addresses(text: String) -> Vec<String> {
    let ip = RemoteAddr::from(text.as_str()).ips().flatten().next();
    let network = match ip.map(|ip| network_of(ip, 32, 64)) {
        Some(network @ IpAddr::V6(_)) => Some(format!("{network}/64")),
        Some(IpAddr::V4(_)) | None => None,
    };
    let mut forms = vec![text];
    forms.extend(network);
    forms
}

/// The names of the criteria, for the audit trail, which does not keep their values.
fn given(search: &AuditSearch) -> Vec<&'static str> {
    let criteria = [
        ("time", search.time_from.is_some() || search.time_before.is_some()),
        ("op", search.op.is_some()),
        ("result", search.result.is_some()),
        ("user_id", search.user_id.is_some() || search.username.is_some()),
        ("cid", search.cid.is_some()),
        ("remote_addr", search.remote_addr.is_some()),
    ];
    criteria.into_iter().filter(|(_, is_given)| *is_given).map(|(name, _)| name).collect()
}
