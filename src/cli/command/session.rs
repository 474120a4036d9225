//! `login`, `logout`, `list-sessions` and `end-sessions`.

use serde_json::{Map, Value, json};

use crate::cli::args::{EndSessionsArgs, LogoutArgs, UserArgs};
use crate::cli::command::user;
use crate::cli::output::failure::Failure;
use crate::cli::output::print::{JsonArray, Output, Stream, say};
use crate::cli::output::table::Table;
use crate::cli::setup::{open as setup, secret};
use crate::config::Config;
use crate::domain::{Code, Error, SessionInfo, StateChange};
use crate::ops::{Actor, LoginRequest, SessionListing, Sso};

/// With what sessions of the command are opened, as their list shows it.
const USER_AGENT: &str = concat!("zato-sso/", env!("CARGO_PKG_VERSION"));

/// The column titles of sessions.
const TITLES: [&str; 7] =
    ["SESSION ID", "CREATED", "EXPIRES", "TYPE", "REMOTE ADDRESS", "USER AGENT", "INTERACTIONS"];

/// Opens a session without a password.
pub(in crate::cli) async fn login(config: Config, args: UserArgs, out: &Output) -> Result<(), Failure> {
    let info = setup::with_existing(config, async |sso| open(sso, args.username).await).await?;
    out.fields(info_object(&info))
}

async fn open(sso: &Sso, username: String) -> Result<SessionInfo, Failure> {
    // The login itself does not tell that there is no such user.
    let user = user::find(sso, &username).await?;
    let request = LoginRequest {
        username: user.username,
        user_agent: Some(USER_AGENT.to_owned()),
        skip_sec: true,
        is_by_command: true,
        ..LoginRequest::default()
    };
    Ok(sso.login(&setup::context(sso)?, request).await?)
}

fn info_object(info: &SessionInfo) -> Map<String, Value> {
    let fields = [
        ("username", info.username.as_str().into()),
        ("user_id", info.user_id.as_str().into()),
        ("ust", info.ust.expose().into()),
        ("creation_time", info.creation_time.to_string().into()),
        ("expiration_time", info.expiration_time.to_string().into()),
        ("has_w_about_to_exp", info.has_w_about_to_exp.into()),
    ];
    fields.into_iter().map(|(name, value): (&str, Value)| (name.to_owned(), value)).collect()
}

/// Ends one session.
pub(in crate::cli) async fn logout(config: Config, args: LogoutArgs, out: &Output) -> Result<(), Failure> {
    let ust = secret::ust(args.ust)?;
    setup::with_existing(config, async |sso| {
        sso.logout(&setup::context(sso)?, &ust).await.map_err(not_logged_out)
    })
    .await?;
    out.result("User logged out by UST", &json!({"is_logged_out": true}))
}

fn not_logged_out(error: Error) -> Failure {
    match error {
        Error::Refused { code: Code::AuthNotAllowed, .. } => {
            Error::refused(Code::AuthNotAllowed, "no open session has this UST").into()
        }
        other => other.into(),
    }
}

/// Lists a user's open sessions.
pub(in crate::cli) async fn list(config: Config, args: UserArgs, out: &Output) -> Result<(), Failure> {
    let sessions = setup::with_existing(config, async |sso| listed(sso, &args.username).await).await?;
    print(&sessions, out)
}

async fn listed(sso: &Sso, username: &str) -> Result<Vec<SessionListing>, Failure> {
    let user = user::find(sso, username).await?;
    let ctx = setup::context(sso)?;
    Ok(sso.list_sessions_of_user(&ctx, Actor::Trusted(None), user.user_id.as_str()).await?)
}

/// Ends all open sessions of a user, or one of them, and lists what it has ended.
pub(in crate::cli) async fn end(config: Config, args: EndSessionsArgs, out: &Output) -> Result<(), Failure> {
    let sessions = setup::with_existing(config, async |sso| ended(sso, &args).await).await?;
    print(&sessions, out)
}

async fn ended(sso: &Sso, args: &EndSessionsArgs) -> Result<Vec<SessionListing>, Failure> {
    let user_id = user::find(sso, &args.username).await?.user_id.clone();
    let (ctx, by) = (setup::context(sso)?, Actor::Trusted(None));
    match &args.session_id {
        Some(session_id) => {
            let ended = sso.end_session(&ctx, by, session_id, Some(&user_id)).await;
            Ok(vec![ended.map_err(|error| no_such_session(error, &args.username))?])
        }
        None => {
            let ended = sso.end_all_sessions(&ctx, by, Some(user_id.as_str()), false).await?;
            let listed = ended.sessions.len();
            if ended.count > listed {
                say(&format!("{} sessions have ended, the newest {listed} are listed", ended.count));
            }
            Ok(ended.sessions)
        }
    }
}

fn no_such_session(error: Error, username: &str) -> Failure {
    match error {
        Error::Refused { code: Code::SessionNoSuchSession, .. } => {
            let detail = format!(
                "no open session of `{username}` has this id, zato-sso list-sessions shows which there are"
            );
            Error::refused(Code::SessionNoSuchSession, detail).into()
        }
        other => other.into(),
    }
}

fn print(sessions: &[SessionListing], out: &Output) -> Result<(), Failure> {
    let mut stream = Stream::new();
    if out.is_json() {
        let mut array = JsonArray::begin(stream)?;
        for session in sessions {
            array.push(&object(session))?;
        }
        return array.end();
    }
    let titles = std::iter::once(TITLES.map(str::to_owned));
    let rows: Vec<_> = titles.chain(sessions.iter().map(row)).collect();
    let table = Table::fitting(&rows);
    for row in &rows {
        stream.line(&table.line(row))?;
    }
    stream.finish()
}

fn row(SessionListing { session, .. }: &SessionListing) -> [String; 7] {
    [
        session.session_id.to_string(),
        session.creation_time.to_string(),
        session.expiration_time.to_string(),
        session.auth_type.as_str().to_owned(),
        session.remote_addr.clone(),
        session.user_agent.clone().unwrap_or_default(),
        session.state_change_count.to_string(),
    ]
}

fn object(SessionListing { session, state_changes, .. }: &SessionListing) -> Value {
    let changes: Vec<Value> = state_changes.iter().map(change_object).collect();
    json!({
        "session_id": session.session_id.to_string(),
        "auth_type": session.auth_type.as_str(),
        "auth_principal": session.auth_principal,
        "creation_time": session.creation_time.to_string(),
        "expiration_time": session.expiration_time.to_string(),
        "remote_addr": session.remote_addr,
        "user_agent": session.user_agent,
        "session_state_change_list": changes,
    })
}

fn change_object(change: &StateChange) -> Value {
    json!({
        "remote_addr": change.remote_addr,
        "user_agent": change.user_agent,
        "timestamp_utc": change.timestamp_utc.to_string(),
        "ctx_source": change.ctx_source.as_str(),
        "idx": change.idx,
    })
}
