//! Bringing users over from elsewhere: a stream of records, checked, and written in batches.
//!
//! ```text
//! source ──> check ──> seen before in this run? ──> there already? ──> rows, sealed ──> one transaction ──> report
//! ```
//!
//! While one batch is written, the next is read and sealed: two are in memory at a time, however many there are. A user
//! and all that is theirs are in one transaction, so that a run that is cut off leaves whole users, and the next run finds
//! them there and goes on behind them.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use tokio::time::{Instant, sleep};

use crate::config::DatabaseUrl;
use crate::crypto::FirebaseParams;
use crate::domain::{
    Context, Error, ImportBatch, ImportFinding, ImportObserver, ImportRecord, ImportSource, ImportSummary,
    ImportedLink, ImportedUser, Operation, Result, SecType, Unusable, UserId,
};
use crate::ops::Sso;
use crate::ops::access::actor::Actor;
use crate::ops::audit::Trail;
use crate::ops::import::check::ImportedRows;
use crate::ops::import::pace::Pace;
use crate::ops::import::told::{because, shown};
use crate::store::import::seen::Seen;
use crate::store::import::users::Linkable;
use crate::store::linked_auth::link::Linked;
use crate::store::{self, Tx};

/// How many users are read, checked and sealed together by default. They are written in transactions as large as
/// [`Pace`] says.
const BATCH: usize = 4000;

/// The rows of a user alone: the user and an identity.
const USER_ROWS: usize = 2;

/// The part of the time of a transaction that passes before the next one, on SQLite.
const BREAK: u32 = 4;

/// How users are imported.
#[derive(Clone, Debug)]
pub struct ImportOptions {
    /// What the audit entry says that they come from: the format of a file, or the name of a product.
    pub origin: &'static str,
    /// Nothing is written: the report and the summary say what would have been.
    pub dry_run: bool,
    /// How many users are read, and written, together at most.
    pub batch_size: usize,
    /// What hashes of Firebase need to be verified.
    pub firebase: Option<Arc<FirebaseParams>>,
}

impl ImportOptions {
    /// What is usual.
    #[must_use]
    pub const fn new(origin: &'static str, dry_run: bool) -> Self {
        Self { origin, dry_run, batch_size: BATCH, firebase: None }
    }
}

/// A user who is to be written, with the number of the record within its batch.
struct Ready {
    index: usize,
    position: String,
    user: ImportedUser,
    /// Definitions that the user is to be linked to.
    links: Vec<(i64, ImportedLink)>,
    /// None in a dry run.
    rows: Option<ImportedRows>,
}

impl Ready {
    /// How many rows there are to write.
    fn row_count(&self) -> usize {
        let own = self.rows.as_ref().map_or(0, |rows| USER_ROWS + rows.attrs.len());
        let credentials = self.user.passkeys.len() + self.user.recovery_codes.digests.len();
        own + self.links.len() + self.user.groups.len() + credentials
    }
}

/// A batch on its way: who is to be written, and what is known of the others.
#[derive(Default)]
struct Prepared {
    ready: Vec<Ready>,
    report: Report,
    done: u64,
    total: Option<u64>,
}

/// What became of the records of a batch.
#[derive(Default)]
struct Report {
    findings: Vec<(usize, ImportFinding)>,
    summary: ImportSummary,
}

impl Report {
    fn refuse(&mut self, index: usize, position: String, username: Option<&str>, reason: impl Into<String>) {
        self.summary.refused += 1;
        self.find(index, position, username, true, reason.into());
    }

    /// The user is there now, or would be, but for these parts.
    fn imported(&mut self, ready: Ready) {
        self.summary.imported += 1;
        if !ready.user.lost.is_empty() {
            self.summary.incomplete += 1;
        }
        for reason in ready.user.lost {
            self.find(ready.index, ready.position.clone(), Some(&ready.user.username), false, reason);
        }
    }

    fn find(
        &mut self,
        index: usize,
        position: String,
        username: Option<&str>,
        is_refused: bool,
        reason: String,
    ) {
        let username = username.filter(|username| !username.is_empty()).map(shown);
        self.findings.push((index, ImportFinding { position, username, is_refused, reason }));
    }

    /// Adds it to what came before, and tells.
    fn tell(mut self, so_far: &mut ImportSummary, observer: &mut impl ImportObserver) -> Result<()> {
        so_far.read += self.summary.read;
        so_far.imported += self.summary.imported;
        so_far.already_there += self.summary.already_there;
        so_far.refused += self.summary.refused;
        so_far.incomplete += self.summary.incomplete;
        self.findings.sort_by_key(|(index, _)| *index);
        for (_, finding) in self.findings {
            observer.found(finding)?;
        }
        Ok(())
    }
}

/// Whether the id or the name of an imported user is taken.
enum Standing {
    Free,
    AlreadyThere,
    Taken(String),
}

impl Sso {
    /// Brings users over, for trusted callers. Who is there already, by id or, where none is given, by name, is left as
    /// they are. What is not imported is told to the observer; the others are imported.
    ///
    /// # Errors
    /// When the source or the database is of no further use: what has come until then is there, and the next run goes on
    /// behind it. Never for what is wrong with a record.
    pub async fn import_users(
        &self,
        ctx: &Context,
        mut source: impl ImportSource,
        options: ImportOptions,
        observer: &mut impl ImportObserver,
    ) -> Result<ImportSummary> {
        self.run(ctx, Operation::UserImport, Actor::Trusted(None), async |call| {
            let mut summary = ImportSummary::default();
            let outcome = self.import_all(&mut source, &options, observer, &mut summary).await;
            // What has come until then is there, also where the rest does not come.
            note(&mut call.trail, &options, &summary);
            outcome.map(|()| summary)
        })
        .await
    }

    async fn import_all(
        &self,
        source: &mut impl ImportSource,
        options: &ImportOptions,
        observer: &mut impl ImportObserver,
        summary: &mut ImportSummary,
    ) -> Result<()> {
        let mut seen = Seen::new().await?;
        let mut pace = Pace::new();
        let mut next = self.prepare(source, &mut seen, options).await?;
        while let Some(batch) = next.take() {
            let (done, total) = (batch.done, batch.total);
            // A task of its own: a source may hold up this one, and call what waits for the transaction to end.
            let sso = self.clone();
            let written = tokio::spawn(async move { sso.write(batch.ready, batch.report, pace).await });
            let following = self.prepare(source, &mut seen, options).await;
            let (report, so_far) = written.await.map_err(Error::internal)??;
            pace = so_far;
            report.tell(summary, observer)?;
            observer.progressed(summary, done, total);
            next = following?;
        }
        Ok(())
    }

    /// Reads a batch, and makes all that can be made of it before it is written. None at the end of the source.
    async fn prepare(
        &self,
        source: &mut impl ImportSource,
        seen: &mut Seen,
        options: &ImportOptions,
    ) -> Result<Option<Prepared>> {
        let ImportBatch { records, done, total } = source.next_batch(options.batch_size.max(1)).await?;
        if records.is_empty() {
            return Ok(None);
        }
        let (sso, firebase) = (self.clone(), options.firebase.clone());
        let mut batch = computed(move || Ok(sso.check_all(records, firebase.as_deref()))).await?;
        batch.done = done;
        batch.total = total;
        self.leave_out_repeated(&mut batch, seen).await?;
        self.leave_out_known(&mut batch).await?;
        self.find_links(&mut batch).await?;
        if options.dry_run {
            return Ok(Some(batch));
        }
        let sso = self.clone();
        let sealed = computed(move || {
            let now = sso.now();
            for ready in &mut batch.ready {
                ready.rows = Some(sso.imported_rows(&ready.user, now)?);
            }
            Ok(batch)
        });
        sealed.await.map(Some)
    }

    fn check_all(&self, records: Vec<ImportRecord>, firebase: Option<&FirebaseParams>) -> Prepared {
        let mut batch = Prepared::default();
        for (index, ImportRecord { position, user }) in records.into_iter().enumerate() {
            batch.report.summary.read += 1;
            let mut user = match user {
                Ok(user) => *user,
                Err(Unusable { username, reason }) => {
                    batch.report.refuse(index, position, username.as_deref(), reason);
                    continue;
                }
            };
            let given_name = shown(&user.username);
            match self.check_imported(&mut user, firebase) {
                Ok(()) => batch.ready.push(Ready { index, position, user, links: Vec::new(), rows: None }),
                Err(error) => batch.report.refuse(index, position, Some(&given_name), because(&error)),
            }
        }
        batch
    }

    /// Removes from a batch the users that exist already, and those whose name or id another user has.
    async fn leave_out_known(&self, batch: &mut Prepared) -> Result<()> {
        let ready = std::mem::take(&mut batch.ready);
        let standings = self.standings(&ready).await?;
        for (ready, standing) in ready.into_iter().zip(standings) {
            match standing {
                Standing::Free => batch.ready.push(ready),
                other => settle(&mut batch.report, ready, other),
            }
        }
        Ok(())
    }

    /// Takes those out of a batch whose name or id has stood in the source before: the first one wins.
    async fn leave_out_repeated(&self, batch: &mut Prepared, seen: &mut Seen) -> Result<()> {
        // No username has a space in it.
        let id_key = |ready: &Ready| ready.user.user_id.as_ref().map(|user_id| format!(" {user_id}"));
        let ids: Vec<String> = batch.ready.iter().filter_map(id_key).collect();
        let names: Vec<String> =
            batch.ready.iter().map(|ready| self.username_key(&ready.user.username)).collect();
        let distinct: HashSet<&str> = names.iter().chain(&ids).map(String::as_str).collect();
        let mut new = seen.add(&distinct.into_iter().collect::<Vec<_>>()).await?;
        for (ready, name) in std::mem::take(&mut batch.ready).into_iter().zip(&names) {
            let is_new_name = new.remove(name.as_str());
            let is_new_id = id_key(&ready).is_none_or(|key| new.remove(&key));
            if is_new_name && is_new_id {
                batch.ready.push(ready);
                continue;
            }
            let what = if is_new_name { "user_id" } else { "username" };
            let reason = format!("the {what} has stood there before: the first one counts");
            batch.report.refuse(ready.index, ready.position, Some(&ready.user.username), reason);
        }
        Ok(())
    }

    async fn standings(&self, ready: &[Ready]) -> Result<Vec<Standing>> {
        let usernames: Vec<&str> = ready.iter().map(|ready| ready.user.username.as_str()).collect();
        let user_ids: Vec<&str> = ready.iter().filter_map(|ready| ready.user.user_id.as_deref()).collect();
        let mut conn = self.db().read().await?;
        let keys: Vec<String> = usernames.iter().map(|username| self.username_key(username)).collect();
        let given: Vec<&str> = keys.iter().map(String::as_str).collect();
        let taken = store::import::users::taken(&mut conn, &usernames, &user_ids, &given).await?;
        drop(conn);
        let by_name: HashMap<String, &str> =
            taken.iter().map(|taken| (self.username_key(&taken.username), taken.user_id.as_str())).collect();
        let by_id: HashMap<&str, &str> =
            taken.iter().map(|taken| (taken.user_id.as_str(), taken.username.as_str())).collect();
        let standing =
            |(ready, key): (&Ready, &String)| match (ready.user.user_id.as_deref(), by_name.get(key)) {
                (None, None) => Standing::Free,
                (None, Some(_)) => Standing::AlreadyThere,
                (Some(user_id), Some(its)) if user_id == *its => Standing::AlreadyThere,
                (Some(_), Some(its)) => Standing::Taken(format!("the username is that of user {its}")),
                (Some(user_id), None) => match by_id.get(user_id) {
                    Some(its) => Standing::Taken(format!("the user_id is that of user `{}`", shown(its))),
                    None => Standing::Free,
                },
            };
        Ok(ready.iter().zip(&keys).map(standing).collect())
    }

    /// Finds the definitions that users are to be linked to. A link that cannot be made is a part that is left behind.
    async fn find_links(&self, batch: &mut Prepared) -> Result<()> {
        let links = batch.ready.iter().flat_map(|ready| &ready.user.linked_auth);
        let usernames: Vec<&str> = links.map(|link| link.auth_username.as_str()).collect();
        if usernames.is_empty() {
            return Ok(());
        }
        let mut conn = self.db().read().await?;
        let found = store::import::users::definitions(&mut conn, &usernames).await?;
        drop(conn);
        let definitions: HashMap<(SecType, &str), &Linkable> =
            found.iter().map(|found| ((found.sec_type, found.username.as_str()), found)).collect();
        for ready in &mut batch.ready {
            for link in std::mem::take(&mut ready.user.linked_auth) {
                let sec_type = SecType::parse(&link.auth_type);
                let name = link.auth_username.as_str();
                match sec_type.and_then(|sec_type| definitions.get(&(sec_type, name))) {
                    Some(definition) if definition.user_id.is_none() => {
                        ready.links.push((definition.sec_def_id, link));
                    }
                    Some(_) => ready.user.lost.push(not_linked(&link, "it is linked to another user")),
                    None => ready.user.lost.push(not_linked(&link, "there is no such definition")),
                }
            }
        }
        Ok(())
    }

    /// Writes those of a batch who are ready, and says what became of all of it. In a dry run there are no rows, and
    /// nothing is written.
    async fn write(&self, ready: Vec<Ready>, mut report: Report, mut pace: Pace) -> Result<(Report, Pace)> {
        let is_dry = ready.iter().all(|ready| ready.rows.is_none());
        if is_dry {
            ready.into_iter().for_each(|ready| report.imported(ready));
            return Ok((report, pace));
        }
        let mut rest = ready.into_iter();
        loop {
            let share = pace.share(rest.as_slice().iter().map(Ready::row_count));
            let together: Vec<_> = rest.by_ref().take(share).collect();
            if together.is_empty() {
                return Ok((report, pace));
            }
            // One of them is in the way of all.
            for alone in self.write_together(together, &mut report, &mut pace).await?.unwrap_or_default() {
                let refused = self.write_together(vec![alone], &mut report, &mut pace).await?;
                for Ready { index, position, user, .. } in refused.into_iter().flatten() {
                    report.refuse(index, position, Some(&user.username), "the database does not take it");
                }
            }
        }
    }

    /// Writes users in one transaction; gives them back if the database does not take them like that.
    async fn write_together(
        &self,
        mut ready: Vec<Ready>,
        report: &mut Report,
        pace: &mut Pace,
    ) -> Result<Option<Vec<Ready>>> {
        let (inserted, left_behind) = match self.insert_all(&ready, pace).await {
            Ok(done) => done,
            Err(Error::Internal(_)) => return Ok(Some(ready)),
            Err(error) => return Err(error),
        };
        for (number, reason) in left_behind {
            if let Some(ready) = ready.get_mut(number) {
                ready.user.lost.push(reason);
            }
        }
        let (inserted, raced): (Vec<_>, Vec<_>) =
            ready.into_iter().partition(|ready| is_among(ready, &inserted));
        inserted.into_iter().for_each(|ready| report.imported(ready));
        if !raced.is_empty() {
            // Another import was quicker.
            let standings = self.standings(&raced).await?;
            for (ready, standing) in raced.into_iter().zip(standings) {
                settle(report, ready, standing);
            }
        }
        Ok(None)
    }

    /// Inserts users with all that is theirs; the ids of those that were not there yet, and what could not be had of links
    /// and groups, each with the number of its user.
    async fn insert_all(
        &self,
        ready: &[Ready],
        pace: &mut Pace,
    ) -> Result<(HashSet<UserId>, Vec<(usize, String)>)> {
        let all = || ready.iter().filter_map(|ready| ready.rows.as_ref());
        let users: Vec<_> = all().map(|rows| &rows.user).collect();
        let mut tx = self.db().write_much().await?;
        let begun = Instant::now();
        let inserted = store::import::users::add_users(&mut tx, &users).await?;
        let new = || all().filter(|rows| inserted.contains(&rows.user.user_id));
        let identities: Vec<_> = new().map(|rows| &rows.identity).collect();
        store::import::users::add_identities(&mut tx, &identities).await?;
        let attrs: Vec<_> =
            new().flat_map(|rows| &rows.attrs).map(|(owner, attr)| (owner, attr.clone())).collect();
        store::attr::write(&mut tx, &attrs).await?;
        let (mut left_behind, mut members) = (Vec::new(), Vec::new());
        for (number, ready) in ready.iter().enumerate().filter(|(_, ready)| is_among(ready, &inserted)) {
            let mut reasons = self.link_imported(&mut tx, ready).await?;
            if let Some(rows) = &ready.rows {
                reasons.extend(self.import_credentials(&mut tx, &rows.user.user_id, &ready.user).await?);
            }
            left_behind.extend(reasons.into_iter().map(|reason| (number, reason)));
            members.extend(
                ready.rows.as_ref().map(|rows| (number, &rows.user.user_id, ready.user.groups.as_slice())),
            );
        }
        left_behind.extend(self.put_into_groups(&mut tx, &members).await?);
        tx.commit().await?;
        let time = begun.elapsed();
        pace.took(ready.iter().map(Ready::row_count).sum(), time);
        // Another process that waits for SQLite looks again and again whether it may write: it is to find an opening.
        if !matches!(self.config().database.url, DatabaseUrl::Postgres(_)) {
            sleep(time / BREAK).await;
        }
        Ok((inserted, left_behind))
    }

    /// Links a user who is there now; why the links that could not be made could not.
    async fn link_imported(&self, tx: &mut Tx, ready: &Ready) -> Result<Vec<String>> {
        let mut reasons = Vec::new();
        let Some(rows) = ready.rows.as_ref().filter(|_| !ready.links.is_empty()) else { return Ok(reasons) };
        let user_id = rows.user.user_id.clone();
        for (sec_def_id, link) in &ready.links {
            let time = link.creation_time.unwrap_or(self.now());
            match store::linked_auth::link::insert(tx, *sec_def_id, &user_id, link.is_active, time).await? {
                Linked::Yes => {}
                Linked::Already => reasons.push(not_linked(link, "it is linked to another user")),
                Linked::Gone => return Err(Error::internal("a definition was deleted meanwhile")),
            }
        }
        Ok(reasons)
    }
}

fn is_among(ready: &Ready, user_ids: &HashSet<UserId>) -> bool {
    ready.rows.as_ref().is_some_and(|rows| user_ids.contains(&rows.user.user_id))
}

fn not_linked(link: &ImportedLink, why: &str) -> String {
    format!("linked_auth `{}`: {why}", shown(&link.auth_username))
}

/// What becomes of a user who is not new.
fn settle(report: &mut Report, ready: Ready, standing: Standing) {
    let Ready { index, position, user, .. } = ready;
    match standing {
        Standing::AlreadyThere => report.summary.already_there += 1,
        Standing::Taken(reason) => report.refuse(index, position, Some(&user.username), reason),
        Standing::Free => {
            let reason = "another user had the same name or id for a moment; run the import once more";
            report.refuse(index, position, Some(&user.username), reason);
        }
    }
}

/// Runs what computes for long beside the tasks that wait.
async fn computed<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(Error::internal)?
}

fn note(trail: &mut Trail, options: &ImportOptions, summary: &ImportSummary) {
    trail.note("origin", options.origin);
    if options.dry_run {
        trail.note("dry_run", "true");
    }
    let counts = [
        ("read", summary.read),
        ("imported", summary.imported),
        ("already_there", summary.already_there),
        ("refused", summary.refused),
        ("incomplete", summary.incomplete),
    ];
    for (name, count) in counts {
        trail.note(name, count.to_string());
    }
}
