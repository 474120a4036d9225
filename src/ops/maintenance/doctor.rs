//! The doctor: looks at everything that single sign-on needs, changes nothing, and says what to do.

use std::fs::OpenOptions;
use std::path::Path;
use std::time::Duration;

use tokio::time::{sleep, timeout};

use crate::config::{AuditFile, AuditTarget, Cache, Config, DatabaseUrl, Pooler};
use crate::domain::{Clock, Timestamp};
use crate::ops::access::proxy::{UntrustedProxy, advice, last_untrusted_proxy};
use crate::ops::keyring::{database_options, existing_keyring, key_file_warning, missing_key, read_check};
use crate::ops::mail::message;
use crate::ops::mail::smtp::Smtp;
use crate::ops::watch::{LEAST_ROOM, UNHEARD};
use crate::store::cache::lease::Hearing;
use crate::store::maintenance::doctor::{Health, ReadOnly, health};
use crate::store::{Db, LATEST_VERSION, SchemaState};

/// A difference between two clocks that deserves a look.
const NOTABLE_DIFFERENCE: Duration = Duration::from_secs(5);

/// A difference with which TOTP codes, which change as often, begin to be refused.
const HARMFUL_DIFFERENCE: Duration = Duration::from_secs(30);

/// How serious it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is as it should be.
    Ok,
    /// It works, but needs attention.
    Warning,
    /// It does not work, or is not safe.
    Problem,
}

impl Verdict {
    /// Its name in output.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Problem => "problem",
        }
    }
}

/// What was found about one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at.
    pub check: &'static str,
    /// How serious it is.
    pub verdict: Verdict,
    /// What was found and what to do about it.
    pub text: String,
}

impl Finding {
    pub(in crate::ops) fn ok(check: &'static str, text: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::Ok, text: text.into() }
    }

    pub(in crate::ops) fn warning(check: &'static str, text: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::Warning, text: text.into() }
    }

    /// Something that does not work.
    #[must_use]
    pub fn problem(check: &'static str, text: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::Problem, text: text.into() }
    }
}

/// What the checks have in common of a database.
#[derive(Debug, Default)]
struct Database {
    /// By what it knows its key.
    key_check: Option<Vec<u8>>,
    /// When it was asked, what it said, and when it had answered.
    server_time: Option<(Timestamp, Timestamp, Timestamp)>,
}

/// Looks at the configuration, the key, the database, the clock and the SMTP server. Each gets one finding at least.
pub async fn examine(config: &Config, clock: &dyn Clock) -> Vec<Finding> {
    let mut database = Database::default();
    let of_database = look_at_database(config, clock, &mut database).await;
    let mut findings = look_at_config(config);
    findings.extend(look_at_key(config, &database));
    findings.extend(of_database);
    findings.extend(look_at_audit(config));
    findings.push(look_at_clock(clock, &database));
    findings.push(look_at_smtp(config).await);
    findings
}

const CONFIGURATION: &str = "configuration";

fn look_at_config(config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    let is_audited = config.audit.to_database || config.audit.file != AuditFile::Off;
    let cannot_confirm = !config.apps.signup_allowed.is_empty()
        && config.signup.email_confirm_enabled
        && config.signup.always_return_confirm_token == Some(false)
        && config.smtp.url.is_empty();
    let weak = [
        (
            config.hash_secret.allow_weak,
            "hash_secret.allow_weak lets passwords be hashed too weakly: remove it, it is for tests",
        ),
        (!config.main.encrypt_email, "emails are not encrypted at rest: set main.encrypt_email to true"),
        (
            !config.main.encrypt_password,
            "password hashes are not encrypted with the server's key: set main.encrypt_password to true",
        ),
        (
            !config.login.totp_single_use,
            "an observed TOTP code can be used again: set login.totp_single_use to true",
        ),
        (
            !config.login_throttle.enabled,
            "passwords can be guessed without delay: set login_throttle.enabled to true, unless something in front does \
             the same",
        ),
        (
            !config.session.end_on_password_change,
            "a stolen session survives a password change: set session.end_on_password_change to true",
        ),
        (
            config.login.fresh_for == 0,
            "a stolen session can become a stolen account: set login.fresh_for to 10, or another number of minutes",
        ),
        (
            !config.session.end_on_totp_change,
            "a stolen session survives a change of TOTP: set session.end_on_totp_change to true",
        ),
        (
            !config.session.end_on_lock,
            "a stolen session comes back when its user is unlocked: set session.end_on_lock to true",
        ),
        (
            config.apps.login_metadata_from_anybody && !config.apps.login_metadata_allowed.is_empty(),
            "anybody can say over REST where they log in from: set apps.login_metadata_from_anybody to false, and \
             apps.credentials or http.trusted_proxies",
        ),
        (config.password.min_length < 8, "passwords may be too short: set password.min_length to 8 or more"),
        (!is_audited, "no audit entry is kept: set audit.to_database to true, or audit.file"),
        (
            cannot_confirm,
            "users who sign up get no token to confirm with: set smtp.url, or \
             signup.always_return_confirm_token to true",
        ),
    ];
    let weak = weak.into_iter().filter(|(is_so, _)| *is_so);
    findings.extend(weak.map(|(_, text)| Finding::warning(CONFIGURATION, text)));
    if findings.is_empty() {
        findings.push(Finding::ok(CONFIGURATION, "valid, and nothing in it is weak"));
    }
    findings
}

const KEY: &str = "key";

fn look_at_key(config: &Config, database: &Database) -> Vec<Finding> {
    let loaded = match existing_keyring(config) {
        Ok(Some(loaded)) => loaded,
        Ok(None) => return vec![no_key(config, database)],
        Err(error) => return vec![Finding::problem(KEY, error.to_string())],
    };
    let place = match (&config.main.secret_key, config.secret_key_file()) {
        (None, Some(path)) => format!("in {}", path.display()),
        _ => "from the configuration".to_owned(),
    };
    let first = match database.key_check.as_deref().map(|check| loaded.keyring.verify_check(check)) {
        Some(Ok(())) => Finding::ok(KEY, format!("the one of this database, {place}")),
        Some(Err(error)) => Finding::problem(KEY, error.to_string()),
        None => Finding::ok(KEY, format!("{place}, no database to compare it with")),
    };
    let wide = key_file_warning(config, loaded.wide_mode).map(|text| Finding::warning(KEY, text));
    std::iter::once(first).chain(wide).collect()
}

fn no_key(config: &Config, database: &Database) -> Finding {
    if database.key_check.is_some() {
        let url = database_options(config).display();
        return Finding::problem(KEY, missing_key(config, &url).to_string());
    }
    match (&config.database.url, config.secret_key_file()) {
        (DatabaseUrl::SqliteMemory, _) => Finding::ok(KEY, "made anew for each database in memory"),
        (_, Some(path)) => Finding::warning(
            KEY,
            format!("there is no key file {} yet: zato-sso init makes it", path.display()),
        ),
        (_, None) => Finding::problem(
            KEY,
            "a PostgreSQL database needs one that all its nodes share: set ZATO_SSO_SECRET_KEY, or \
             main.secret_key_file (zato-sso init makes one)",
        ),
    }
}

const DATABASE: &str = "database";

async fn look_at_database(config: &Config, clock: &dyn Clock, found: &mut Database) -> Vec<Finding> {
    let options = database_options(config);
    let url = options.display();
    match &config.database.url {
        DatabaseUrl::SqliteMemory => {
            let text = format!("{url} is gone when the process ends: use sqlite:///sso.db or PostgreSQL");
            return vec![Finding::warning(DATABASE, text)];
        }
        DatabaseUrl::SqliteFile(path) if matches!(path.try_exists(), Ok(false)) => {
            let text = format!("there is no {url}: make it with zato-sso init, or correct database.url");
            return vec![Finding::problem(DATABASE, text)];
        }
        DatabaseUrl::SqliteFile(_) | DatabaseUrl::Postgres(_) => {}
    }
    let db = match Db::connect_to_look(&options).await {
        Ok(db) => db,
        Err(error) => return vec![Finding::problem(DATABASE, error.to_string())],
    };
    let findings = look_inside(config, &db, &url, clock, found).await;
    db.close().await;
    findings
}

async fn look_inside(
    config: &Config,
    db: &Db,
    url: &str,
    clock: &dyn Clock,
    found: &mut Database,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let asked = clock.now();
    match health(db).await {
        Ok(Health::Sqlite { damage, journal_mode }) => {
            findings.extend(of_sqlite(config, url, damage.as_deref(), &journal_mode));
        }
        Ok(Health::Postgres { version, now, read_only }) => {
            found.server_time = Some((asked, now, clock.now()));
            findings.push(of_postgres(url, &version, read_only));
            match of_pooler(config) {
                Some(finding) => findings.push(finding),
                None if read_only.is_none() => findings.extend(look_at_hearing(config, db).await),
                None => {}
            }
        }
        Err(error) => {
            let text = format!("{url} cannot be read: {error}; restore it from a backup if that stays");
            return vec![Finding::problem(DATABASE, text)];
        }
    }
    let schema = match db.schema_state(url).await {
        Ok(schema) => schema,
        Err(error) => {
            findings.push(Finding::problem(DATABASE, error.to_string()));
            return findings;
        }
    };
    findings.push(match schema {
        SchemaState::Current => Finding::ok(DATABASE, format!("its schema is up to date, version {LATEST_VERSION}")),
        SchemaState::Empty => {
            Finding::problem(DATABASE, format!("there is no schema in {url} yet: create it with zato-sso migrate"))
        }
        SchemaState::Older(version) => Finding::warning(
            DATABASE,
            format!("its schema has version {version} of {LATEST_VERSION}: the next start upgrades it, as does zato-sso migrate"),
        ),
        SchemaState::Newer(version) => Finding::problem(
            DATABASE,
            format!("its schema has version {version}, this zato-sso knows {LATEST_VERSION}: upgrade zato-sso"),
        ),
    });
    if schema != SchemaState::Empty {
        findings.extend(look_at_proxies(config, db, clock).await);
        match read_check(db).await {
            Ok(check) => found.key_check = check,
            Err(error) => findings.push(Finding::problem(DATABASE, error.to_string())),
        }
    }
    findings
}

const PROXIES: &str = "proxies";

/// How long ago a proxy may have been seen that is not trusted, in days.
const PROXY_REMEMBERED_FOR: i64 = 30;

async fn look_at_proxies(config: &Config, db: &Db, clock: &dyn Clock) -> Option<Finding> {
    let mut conn = db.read().await.ok()?;
    let UntrustedProxy { peer, time } = last_untrusted_proxy(&mut conn).await.ok()??;
    let is_trusted = config.http.trusted_proxies.iter().any(|block| block.contains(&peer));
    let is_old = time < clock.now().plus_days(-PROXY_REMEMBERED_FOR);
    let text = format!("{}; last seen {time} UTC", advice(peer));
    Some(Finding::warning(PROXIES, text)).filter(|_| !is_trusted && !is_old)
}

fn of_postgres(url: &str, version: &str, read_only: Option<ReadOnly>) -> Finding {
    let Some(why) = read_only else {
        return Finding::ok(DATABASE, format!("{url} answers, PostgreSQL {version}"));
    };
    let why = match why {
        ReadOnly::Standby => {
            "it is a standby: let database.url name the primary, or all hosts with target_session_attrs=read-write"
        }
        ReadOnly::Fenced => {
            "default_transaction_read_only is on: turn it off, or let database.url name the primary"
        }
    };
    Finding::problem(DATABASE, format!("{url} is read-only, PostgreSQL {version}: {why}"))
}

fn of_pooler(config: &Config) -> Option<Finding> {
    let is_deaf = config.database.pooler == Pooler::Transaction && config.database.listen_url.is_empty();
    (is_deaf && config.session.cache == Cache::On).then(|| {
        Finding::warning(
            DATABASE,
            "sessions are not cached: behind a transaction pooler changes are not heard of; set database.listen_url to the \
             server itself",
        )
    })
}

/// How long the doctor waits to hear of a change.
const PATIENCE_TO_HEAR: Duration = Duration::from_secs(3);

/// Whether what other nodes change is heard of, without which no session is cached.
async fn look_at_hearing(config: &Config, db: &Db) -> Option<Finding> {
    if config.session.cache == Cache::Off {
        return None;
    }
    db.start_listening();
    let heard = async {
        loop {
            // To ask is to want it.
            db.epochs().hear();
            match db.hearing() {
                Some(Hearing::Unknown) => sleep(Duration::from_millis(20)).await,
                found => return found,
            }
        }
    };
    match timeout(PATIENCE_TO_HEAR, heard).await {
        Ok(None | Some(Hearing::Heard)) => None,
        Ok(Some(Hearing::Unheard | Hearing::Unknown)) | Err(_) => Some(Finding::warning(DATABASE, UNHEARD)),
    }
}

fn of_sqlite(config: &Config, url: &str, damage: Option<&str>, journal_mode: &str) -> Vec<Finding> {
    let mut findings = vec![match damage {
        None => Finding::ok(DATABASE, format!("{url} is whole")),
        Some(damage) => {
            Finding::problem(DATABASE, format!("{url} is damaged: {damage}; restore it from a backup"))
        }
    }];
    if journal_mode != "wal" {
        let text = format!(
            "{url} has no write-ahead log: the next start gives it one, unless its disk is a network's"
        );
        findings.push(Finding::warning(DATABASE, text));
    }
    if let DatabaseUrl::SqliteFile(path) = &config.database.url {
        findings.extend(look_at_room(DATABASE, path));
    }
    // Opened, and nothing written.
    if let DatabaseUrl::SqliteFile(path) = &config.database.url
        && let Err(error) = OpenOptions::new().write(true).open(path)
    {
        let text = format!("{url} cannot be written to: {error}; change the owner or the mode of the file");
        findings.push(Finding::problem(DATABASE, text));
    }
    findings
}

/// What little room on a disk deserves a look, in bytes.
const LITTLE_ROOM: u64 = 256 << 20;

/// Whether there is room on the disk of a file.
fn look_at_room(check: &'static str, path: &Path) -> Option<Finding> {
    let disk = rustix::fs::statvfs(path).ok()?;
    let room = disk.f_bavail.saturating_mul(disk.f_frsize);
    let text = format!("{} MiB are left on the disk of {}: make room there", room >> 20, path.display());
    match room {
        ..LEAST_ROOM => Some(Finding::problem(check, text)),
        LEAST_ROOM..LITTLE_ROOM => Some(Finding::warning(check, text)),
        LITTLE_ROOM.. => None,
    }
}

const AUDIT: &str = "audit";

/// Whether entries can be written to a file. None is made.
fn look_at_audit(config: &Config) -> Option<Finding> {
    let AuditTarget::File(path) = config.audit.target(false) else { return None };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let is_there = path.exists();
    let writable = if is_there {
        OpenOptions::new().append(true).open(&path).map(drop)
    } else {
        rustix::fs::access(folder, rustix::fs::Access::WRITE_OK).map_err(Into::into)
    };
    Some(match writable {
        Ok(()) => look_at_room(AUDIT, if is_there { &path } else { folder })
            .unwrap_or_else(|| Finding::ok(AUDIT, format!("{} can be written to", path.display()))),
        Err(error) => {
            let text =
                format!("{} cannot be written to: {error}; correct audit.file, or its mode", path.display());
            Finding::problem(AUDIT, text)
        }
    })
}

const CLOCK: &str = "clock";

fn look_at_clock(clock: &dyn Clock, database: &Database) -> Finding {
    let Some((asked, server, answered)) = database.server_time else {
        return Finding::ok(
            CLOCK,
            format!("{} UTC here, and no other clock to compare it with", clock.now()),
        );
    };
    // The time that the answer took is no clock difference.
    let difference = asked.since(server).max(server.since(answered));
    let seconds = difference.as_secs();
    let text = format!(
        "it differs from the database server's by {seconds} seconds: have both machines keep time by NTP, TOTP codes \
         are refused from 30 seconds on"
    );
    if difference >= HARMFUL_DIFFERENCE {
        Finding::problem(CLOCK, text)
    } else if difference >= NOTABLE_DIFFERENCE {
        Finding::warning(CLOCK, text)
    } else {
        Finding::ok(CLOCK, "agrees with the database server's")
    }
}

const SMTP: &str = "smtp";

/// The server is asked, and sent nothing.
async fn look_at_smtp(config: &Config) -> Finding {
    let smtp = match message::load_templates(config).and_then(|_| Smtp::new(config)) {
        Ok(Some(smtp)) => smtp,
        Ok(None) => return Finding::ok(SMTP, "smtp.url is not set: no email is sent"),
        Err(error) => return Finding::problem(SMTP, error),
    };
    let url = &config.smtp.url;
    match smtp.check().await {
        Ok(()) => Finding::ok(SMTP, format!("{url} takes emails")),
        Err(why) => Finding::problem(SMTP, format!("{url}: {why}; correct smtp.url, or see to the server")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ManualClock;

    const SERVER: Timestamp = Timestamp::from_micros(1_772_020_800_000_000);

    fn verdict(seconds_ahead: i64, seconds_on_the_way: i64) -> Verdict {
        let asked = SERVER.plus_seconds(seconds_ahead);
        let answered = asked.plus_seconds(seconds_on_the_way);
        let database = Database { server_time: Some((asked, SERVER, answered)), ..Database::default() };
        look_at_clock(&ManualClock::new(answered), &database).verdict
    }

    #[test]
    fn clocks_that_differ_are_told_by_how_much_it_matters() {
        for (ahead, expected) in [
            (0, Verdict::Ok),
            (4, Verdict::Ok),
            (5, Verdict::Warning),
            (29, Verdict::Warning),
            (30, Verdict::Problem),
            (86_400, Verdict::Problem),
        ] {
            assert_eq!(verdict(ahead, 0), expected, "{ahead}");
            assert_eq!(verdict(-ahead, 0), expected, "{ahead}");
        }
        // The server was read at some moment between the two.
        assert_eq!(verdict(-60, 60), Verdict::Ok);
    }

    #[test]
    fn what_is_weak_or_without_effect_is_named() {
        let texts = |config: &Config| {
            let findings = look_at_config(config);
            findings.iter().map(|finding| (finding.verdict, finding.text.clone())).collect::<Vec<_>>()
        };
        let found = texts(&Config::default());
        assert_eq!(found, [(Verdict::Ok, "valid, and nothing in it is weak".to_owned())]);
        let mut config = Config::default();
        config.main.encrypt_email = false;
        config.login_throttle.enabled = false;
        config.audit.to_database = false;
        config.audit.file = AuditFile::Off;
        let keys = ["main.encrypt_email", "login_throttle.enabled", "audit.to_database"];
        let found = texts(&config);
        assert_eq!(found.len(), keys.len());
        for ((verdict, text), key) in found.iter().zip(keys) {
            assert!(*verdict == Verdict::Warning && text.contains(key), "{text}");
        }
    }
}
