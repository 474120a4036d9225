//! `change-user-password`, `reset-user-password` and `build-breached-filter`.

use serde_json::json;

use crate::cli::args::{BuildFilterArgs, ChangePasswordArgs, ResetPasswordArgs};
use crate::cli::command::user;
use crate::cli::output::failure::Failure;
use crate::cli::output::print::Output;
use crate::cli::output::progress::Progress;
use crate::cli::setup::{open as setup, secret};
use crate::config::Config;
use crate::crypto::token;
use crate::domain::{Password, User};
use crate::ops::{SetPassword, Sso, build_breached_filter};

/// Gives a user a new password.
pub(in crate::cli) async fn change_password(
    config: Config,
    args: ChangePasswordArgs,
    out: &Output,
) -> Result<(), Failure> {
    // Before anything is opened: without a password nothing has changed.
    let password = secret::new_password(args.password)?;
    let must_change = args.terms.must_change.unwrap_or(false);
    let user = setup::with_existing(config, async |sso| {
        set_password(sso, &args.username, password, args.terms.expiry, must_change).await
    })
    .await?;
    let object = json!({"user_id": user.user_id.as_str(), "username": user.username});
    out.result(&format!("Changed password for user `{}`", user.username), &object)
}

/// Gives a user a new random password and prints it.
pub(in crate::cli) async fn reset_password(
    config: Config,
    args: ResetPasswordArgs,
    out: &Output,
) -> Result<(), Failure> {
    let must_change = args.terms.must_change.unwrap_or(false);
    let (user, password) = setup::with_existing(config, async |sso| {
        let password = token::new_password(sso.random())?;
        let given = password.clone();
        let user = set_password(sso, &args.username, given, args.terms.expiry, must_change).await?;
        Ok((user, password))
    })
    .await?;
    let object =
        json!({"user_id": user.user_id.as_str(), "username": user.username, "password": password.expose()});
    out.result(password.expose(), &object)
}

async fn set_password(
    sso: &Sso,
    username: &str,
    password: Password,
    expiry_days: Option<i64>,
    must_change: bool,
) -> Result<User, Failure> {
    let user = user::find(sso, username).await?;
    let ctx = setup::context(sso)?;
    let request = SetPassword { password, must_change, password_expiry: expiry_days, details: None };
    sso.set_password(&ctx, user.user_id.as_str(), request).await?;
    Ok(user)
}

/// Builds a filter of breached passwords.
pub(in crate::cli) fn build_filter(args: &BuildFilterArgs, out: &Output) -> Result<(), Failure> {
    let mut progress = Progress::begin("passwords");
    let show = |lines, share| progress.show(lines, share);
    let built = build_breached_filter(&args.lists, &args.out, show);
    progress.clear();
    let summary = built.map_err(Failure::Message)?;
    let text = format!(
        "Built {} of {} different passwords in {} lines, {} bytes",
        args.out.display(),
        summary.passwords,
        summary.lines,
        summary.size
    );
    let object = json!({"passwords": summary.passwords, "lines": summary.lines, "size": summary.size});
    out.result(&text, &object)
}
