//! `reset-totp-key`: a new key for a user's authenticator, and how it gets there. `generate-recovery-codes`.

use std::io::{self, IsTerminal as _};

use qrcode::QrCode;
use qrcode::render::unicode::Dense1x2;
use serde_json::json;

use crate::cli::args::{ResetTotpKeyArgs, UserArgs};
use crate::cli::command::user;
use crate::cli::output::failure::Failure;
use crate::cli::output::print::Output;
use crate::cli::setup::open as setup;
use crate::cli::setup::secret::or_from_file;
use crate::config::Config;
use crate::crypto::totp;
use crate::domain::{Edit, Error, Password, User};
use crate::ops::{Actor, ResetTotpKey, Sso};

/// Black on white on any terminal: not every camera reads inverted codes.
const COLOURS: &str = "\x1b[38;5;16;48;5;231m";
const NO_COLOURS: &str = "\x1b[0m";

/// Gives a user a new TOTP key, and prints it if it was made here, its URI and, at a terminal, a QR code.
pub(in crate::cli) async fn reset_key(
    config: Config,
    mut args: ResetTotpKeyArgs,
    out: &Output,
) -> Result<(), Failure> {
    args.key = or_from_file(args.key, "ZATO_SSO_TOTP_KEY")?;
    let is_given = args.key.as_ref().is_some_and(|key| !key.is_empty());
    let (user, key, uri) = setup::with_existing(config, async |sso| replace(sso, args).await).await?;
    let shown = (!is_given).then(|| key.expose());
    let object = json!({
        "user_id": user.user_id.as_str(),
        "username": user.username,
        "totp_key": shown,
        "uri": uri.expose(),
    });
    let mut lines: Vec<&str> = shown.into_iter().chain([uri.expose()]).collect();
    let picture = if io::stdout().is_terminal() { qr_code(&uri)? } else { String::new() };
    lines.extend(picture.lines());
    out.result(&lines.join("\n"), &object)
}

async fn replace(sso: &Sso, args: ResetTotpKeyArgs) -> Result<(User, Password, Password), Failure> {
    let user = user::find(sso, &args.username).await?;
    let ctx = setup::context(sso)?;
    let request = ResetTotpKey {
        user_id: Some(user.user_id.as_str().to_owned()),
        key: args.key,
        label: args.key_label.map_or(Edit::Keep, Edit::Set),
    };
    let key = sso.reset_totp_key(&ctx, Actor::Trusted(None), request).await?;
    let uri = totp::provisioning_uri(&key, &user.username, &sso.config().main.site_name)?;
    Ok((user, key, uri))
}

/// Gives a user new recovery codes, and prints them, one a line.
pub(in crate::cli) async fn generate_codes(
    config: Config,
    args: UserArgs,
    out: &Output,
) -> Result<(), Failure> {
    let (user, codes) = setup::with_existing(config, async |sso| generate(sso, &args.username).await).await?;
    let codes: Vec<&str> = codes.iter().map(Password::expose).collect();
    let object =
        json!({"user_id": user.user_id.as_str(), "username": user.username, "recovery_codes": codes});
    out.result(&codes.join("\n"), &object)
}

async fn generate(sso: &Sso, username: &str) -> Result<(User, Vec<Password>), Failure> {
    let user = user::find(sso, username).await?;
    let (ctx, by) = (setup::context(sso)?, Actor::Trusted(None));
    let codes = sso.generate_recovery_codes(&ctx, by, Some(user.user_id.as_str())).await?;
    Ok((user, codes))
}

/// What an authenticator's camera reads, two rows of modules a line.
fn qr_code(uri: &Password) -> Result<String, Failure> {
    let code = QrCode::new(uri.expose()).map_err(|_| Error::internal("the URI is too long for a QR code"))?;
    let picture = code.render::<Dense1x2>().build();
    let line = |line: &str| format!("{COLOURS}{line}{NO_COLOURS}\n");
    Ok(picture.lines().map(line).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_picture_is_as_wide_as_it_is_high_with_a_margin() {
        let uri = "otpauth://totp/Example:ann?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Example";
        let picture = qr_code(&Password::from(uri)).unwrap();
        let plain = |line: &str| {
            line.strip_prefix(COLOURS).and_then(|line| line.strip_suffix(NO_COLOURS)).unwrap().to_owned()
        };
        let lines: Vec<String> = picture.lines().map(plain).collect();
        let width = lines[0].chars().count();
        assert!(lines.iter().all(|line| line.chars().count() == width));
        // Four modules of margin at each side; a code has 17 modules and four more for each version.
        assert_eq!((width - 8) % 4, 1);
        assert_eq!(lines.len(), width.div_ceil(2));
        assert!(lines[0].trim().is_empty() && lines[1].trim().is_empty());
        assert!(lines[2].starts_with("    █▀▀▀▀▀█"), "{}", lines[2]);
    }
}
