//! `create-user`, `create-super-user`, `update-user`, `delete-user`, `lock-user`, `unlock-user`, `list-users` and `show-user`.

use std::io::{self, BufRead, Write};
use std::sync::Arc;

use serde_json::json;

use crate::cli::args::{DeleteUserArgs, NewSuperUserArgs, NewUserArgs, UpdateUserArgs, UserArgs};
use crate::cli::output::failure::Failure;
use crate::cli::output::print::{JsonArray, Output, Stream, user_object, yes_or_no};
use crate::cli::output::table::Table;
use crate::cli::setup::{open as setup, secret};
use crate::config::Config;
use crate::domain::{Code, Edit, Error, NewUser, SignUpStatus, User, UserUpdate, one_line};
use crate::ops::{Actor, Sso};

/// What `creation_ctx` says of users made by the command.
const CREATION_CTX: &str = r#"{"source":"zato-sso command"}"#;

/// The longest answer that is read, in bytes.
const MAX_ANSWER: u64 = 1024;

/// How many users are read at a time.
const PAGE: i64 = 500;

/// The column titles of `list-users`.
const TITLES: [&str; 7] =
    ["USERNAME", "USER ID", "DISPLAY NAME", "EMAIL", "SUPER-USER", "LOCKED", "APPROVAL"];

/// Makes a user who can log in immediately.
pub(in crate::cli) async fn create(config: Config, args: NewUserArgs, out: &Output) -> Result<(), Failure> {
    // Before anything is opened: without a password nothing has changed.
    let new = new_user(args)?;
    let user = setup::with_any(config, async |sso| insert(sso, new).await).await?;
    out.result(&format!("Created user `{}`", user.username), &user_object(user).into())
}

async fn insert(sso: &Sso, new: NewUser) -> Result<User, Failure> {
    Ok(sso.create_user(&setup::context(sso)?, Actor::Trusted(None), new, true).await?)
}

/// Makes a super-user who can log in immediately, unless that one exists and nothing else was asked for.
pub(in crate::cli) async fn create_super_user(
    config: Config,
    args: NewSuperUserArgs,
    out: &Output,
) -> Result<(), Failure> {
    let NewSuperUserArgs { user, if_missing } = args;
    let (user, is_new) = if if_missing {
        setup::with_any(config, async |sso| ensure_super_user(sso, user).await).await?
    } else {
        let new = new_user(user)?;
        (setup::with_any(config, async |sso| insert_super_user(sso, new).await).await?, true)
    };
    let text = if is_new {
        format!("Created super-user `{}`", user.username)
    } else {
        format!("Super-user `{}` exists already", user.username)
    };
    out.result(&text, &user_object(user).into())
}

async fn insert_super_user(sso: &Sso, new: NewUser) -> Result<User, Failure> {
    Ok(sso.create_super_user(&setup::context(sso)?, Actor::Trusted(None), new, true).await?)
}

/// A password is needed only where there is no such super-user yet.
async fn ensure_super_user(sso: &Sso, args: NewUserArgs) -> Result<(User, bool), Failure> {
    let ctx = setup::context(sso)?;
    if let Some(found) = sso.get_user_by_username(&ctx, &args.username, false).await?
        && found.user.is_super_user
    {
        return Ok((Arc::unwrap_or_clone(found.user), false));
    }
    Ok(sso.ensure_super_user(&ctx, new_user(args)?).await?)
}

fn new_user(args: NewUserArgs) -> Result<NewUser, Failure> {
    let password = secret::new_password(args.password)?;
    Ok(NewUser {
        username: Some(args.username),
        password: Some(password),
        email: args.email,
        display_name: args.display_name,
        first_name: args.first_name,
        middle_name: args.middle_name,
        last_name: args.last_name,
        sign_up_status: Some(SignUpStatus::Final),
        creation_ctx: Some(CREATION_CTX.to_owned()),
        ..NewUser::default()
    })
}

/// Gives a user the role of a super-user, or takes it away.
pub(in crate::cli) async fn update(
    config: Config,
    args: UpdateUserArgs,
    out: &Output,
) -> Result<(), Failure> {
    let user = setup::with_existing(config, async |sso| set_role(sso, &args).await).await?;
    let is = if user.is_super_user { "is now a super-user" } else { "is not a super-user now" };
    out.result(&format!("User `{}` {is}", user.username), &user_object(user).into())
}

async fn set_role(sso: &Sso, args: &UpdateUserArgs) -> Result<User, Failure> {
    let ctx = setup::context(sso)?;
    let user = find(sso, &args.username).await?;
    let update = UserUpdate { is_super_user: Edit::Set(args.super_user), ..UserUpdate::default() };
    sso.update_user_by_id(&ctx, Actor::Trusted(None), user.user_id.as_str(), update).await?;
    find(sso, &args.username).await
}

/// Deletes a user, after asking.
pub(in crate::cli) async fn delete(
    config: Config,
    args: DeleteUserArgs,
    out: &Output,
) -> Result<(), Failure> {
    let (user, is_deleted) = setup::with_existing(config, async |sso| remove(sso, &args).await).await?;
    let text = if is_deleted {
        format!("Deleted user `{}`", user.username)
    } else {
        format!("User `{}` kept intact", user.username)
    };
    let object =
        json!({"user_id": user.user_id.as_str(), "username": user.username, "is_deleted": is_deleted});
    out.result(&text, &object)
}

async fn remove(sso: &Sso, args: &DeleteUserArgs) -> Result<(User, bool), Failure> {
    let user = find(sso, &args.username).await?;
    let question = format!("Delete user? `{}` [y/n]", one_line(&user.username));
    let is_deleted = args.yes || is_agreed(&question, io::stderr().lock(), io::stdin().lock())?;
    if is_deleted {
        let ctx = setup::context(sso)?;
        sso.delete_user_by_id(&ctx, Actor::Trusted(None), user.user_id.as_str()).await?;
    }
    Ok((user, is_deleted))
}

/// Asks on standard error, since the output may be JSON. Everything but a yes is a no.
pub(in crate::cli) fn is_agreed(
    question: &str,
    mut asked: impl Write,
    answered: impl BufRead,
) -> Result<bool, Failure> {
    // The prompt may fail: the answer may come from a script.
    drop(write!(asked, "{question} ").and_then(|()| asked.flush()));
    let failed = |error| Failure::Message(format!("cannot read the answer: {error}; --yes does not ask"));
    let mut answer = String::new();
    answered.take(MAX_ANSWER).read_line(&mut answer).map_err(failed)?;
    Ok(["y", "yes"].contains(&answer.trim().to_ascii_lowercase().as_str()))
}

/// Locks or unlocks an account.
pub(in crate::cli) async fn set_lock(
    config: Config,
    args: UserArgs,
    is_locked: bool,
    out: &Output,
) -> Result<(), Failure> {
    let user =
        setup::with_existing(config, async |sso| change_lock(sso, &args.username, is_locked).await).await?;
    let done = if is_locked { "Locked" } else { "Unlocked" };
    let object = json!({"user_id": user.user_id.as_str(), "username": user.username, "is_locked": is_locked});
    out.result(&format!("{done} user account `{}`", user.username), &object)
}

async fn change_lock(sso: &Sso, username: &str, is_locked: bool) -> Result<User, Failure> {
    let ctx = setup::context(sso)?;
    let user = find(sso, username).await?;
    let (actor, user_id) = (Actor::Trusted(None), user.user_id.as_str());
    if is_locked {
        sso.lock_user(&ctx, actor, user_id).await?;
    } else {
        sso.unlock_user(&ctx, actor, user_id).await?;
    }
    Ok(user)
}

/// Shows all that is known of a user but for secrets.
pub(in crate::cli) async fn show(config: Config, args: UserArgs, out: &Output) -> Result<(), Failure> {
    let user = setup::with_existing(config, async |sso| find(sso, &args.username).await).await?;
    out.fields(user_object(user))
}

pub(in crate::cli) async fn find(sso: &Sso, username: &str) -> Result<User, Failure> {
    let ctx = setup::context(sso)?;
    let found = sso.get_user_by_username(&ctx, username, false).await?;
    found.map(|view| Arc::unwrap_or_clone(view.user)).ok_or_else(|| {
        let detail = format!("there is no user `{username}`, zato-sso list-users shows who there is");
        Error::refused(Code::UsernameInvalid, detail).into()
    })
}

/// Lists all users, page by page: what is held does not grow with their number.
pub(in crate::cli) async fn list(config: Config, out: &Output) -> Result<(), Failure> {
    setup::with_existing(config, async |sso| {
        let stream = Stream::new();
        if out.is_json() { list_json(sso, stream).await } else { list_table(sso, stream).await }
    })
    .await
}

async fn list_json(sso: &Sso, stream: Stream) -> Result<(), Failure> {
    let mut array = JsonArray::begin(stream)?;
    let mut pages = Pages::of(sso);
    while let Some(page) = pages.next().await? {
        for user in page {
            array.push(&user_object(user).into())?;
        }
    }
    array.end()
}

async fn list_table(sso: &Sso, mut stream: Stream) -> Result<(), Failure> {
    let mut pages = Pages::of(sso);
    let first = pages.next().await?.unwrap_or_default();
    let rows: Vec<_> = std::iter::once(TITLES.map(str::to_owned)).chain(first.iter().map(row)).collect();
    let table = Table::fitting(&rows);
    for row in &rows {
        stream.line(&table.line(row))?;
    }
    while let Some(page) = pages.next().await? {
        for user in &page {
            stream.line(&table.line(&row(user)))?;
        }
    }
    stream.finish()
}

/// All users, by username, a page at a time.
struct Pages<'a> {
    sso: &'a Sso,
    after: Option<String>,
}

impl<'a> Pages<'a> {
    const fn of(sso: &'a Sso) -> Self {
        Self { sso, after: Some(String::new()) }
    }

    /// The next page; None after the last.
    async fn next(&mut self) -> Result<Option<Vec<User>>, Failure> {
        let Some(after) = self.after.take() else { return Ok(None) };
        let page = self.sso.list_users(&setup::context(self.sso)?, &after, PAGE).await?;
        self.after = page.last().map(|user| user.username.clone());
        Ok(self.after.is_some().then_some(page))
    }
}

fn row(user: &User) -> [String; 7] {
    [
        user.username.clone(),
        user.user_id.as_str().to_owned(),
        user.display_name.clone().unwrap_or_default(),
        user.email.clone().unwrap_or_default(),
        yes_or_no(user.is_super_user).to_owned(),
        yes_or_no(user.is_locked).to_owned(),
        user.approval_status.as_str().to_owned(),
    ]
}
