//! The second step of one's own logins: an authenticator app, and recovery codes. What is shown once, a key or codes, is in the
//! answer to the form that made it, and at no address of its own.

use minijinja::{Value, context};
use qrcode::{Color, QrCode};

use crate::domain::{Code, Password};
use crate::http::failure::Failure;
use crate::http::page::answer::{Answer, Outcome};
use crate::http::page::visit::Visit;
use crate::ops::TotpDisabler;

const TEMPLATE: &str = "account_two_factor.html";
const SET_UP: &str = "account_set_up.html";
const CODES: &str = "account_codes.html";

/// The longest URI that is shown once more: longer than any of ours, and short enough for a QR code.
const MAX_URI: usize = 2_000;

/// The light border of a QR code, in modules (ISO/IEC 18004).
const MARGIN: usize = 4;

pub(in crate::http) async fn show(visit: &mut Visit) -> Outcome {
    if let Some(answer) = visit.to_own_login().await? {
        return Ok(answer);
    }
    Ok(Answer::page(TEMPLATE, shown(visit).await?))
}

async fn shown(visit: &Visit) -> Result<Value, Failure> {
    let is_on = visit.user.as_ref().is_some_and(|view| view.user.is_totp_enabled);
    let left = match is_on {
        true => visit.sso().count_recovery_codes(visit.ctx(), visit.actor(), None).await?,
        false => 0,
    };
    Ok(context! { is_on, left })
}

/// Makes a key, and shows it.
pub(in crate::http) async fn begin(visit: &mut Visit) -> Outcome {
    match visit.sso().begin_totp_enrolment(visit.ctx(), visit.actor()).await {
        Ok(begun) => Ok(Answer::page(SET_UP, key(&begun.uri, &begun.key)?)),
        Err(error) => {
            let shown = shown(visit).await?;
            visit.again(TEMPLATE, shown, error)
        }
    }
}

/// Switches TOTP on by a code of the key that was shown.
pub(in crate::http) async fn finish(visit: &mut Visit) -> Outcome {
    let code = visit.form.code("totp_code");
    match visit.sso().finish_totp_enrolment(visit.ctx(), visit.actor(), code).await {
        Ok(codes) => Ok(shown_once(&codes, true)),
        Err(error) => {
            let sent = (visit.form.secret("totp_uri"), visit.form.secret("totp_key"));
            match sent {
                (Some(uri), Some(own)) if uri.expose().len() <= MAX_URI => {
                    visit.again(SET_UP, key(&uri, &own)?, error)
                }
                _ => Ok(Answer::to(visit.target("account/two-factor"))),
            }
        }
    }
}

/// Switches TOTP off, by a code or the password.
pub(in crate::http) async fn disable(visit: &mut Visit) -> Outcome {
    let by = match (visit.form.secret("totp_code"), visit.form.secret("password")) {
        (Some(code), _) => TotpDisabler::Code(code),
        (None, Some(password)) => TotpDisabler::Password(password),
        (None, None) => {
            let shown = shown(visit).await?;
            return visit.again(TEMPLATE, shown, Code::CommonMissingInput.into());
        }
    };
    match visit.sso().disable_totp(visit.ctx(), visit.actor(), by).await {
        Ok(()) => Ok(Answer::to(visit.target("account?done=two-factor-off"))),
        Err(error) => {
            let shown = shown(visit).await?;
            visit.again(TEMPLATE, shown, error)
        }
    }
}

/// Makes new recovery codes.
pub(in crate::http) async fn codes(visit: &mut Visit) -> Outcome {
    match visit.sso().generate_recovery_codes(visit.ctx(), visit.actor(), None).await {
        Ok(codes) => Ok(shown_once(&codes, false)),
        Err(error) => {
            let shown = shown(visit).await?;
            visit.again(TEMPLATE, shown, error)
        }
    }
}

fn shown_once(codes: &[Password], is_new: bool) -> Answer {
    let codes: Vec<String> = codes.iter().map(|code| code.expose().to_owned()).collect();
    Answer::page(CODES, context! { codes, is_new })
}

fn key(uri: &Password, key: &Password) -> Result<Value, Failure> {
    let picture = Value::from_safe_string(picture(uri.expose())?);
    Ok(
        context! { picture, totp_uri => uri.expose(), totp_key => key.expose(), groups => groups(key.expose()) },
    )
}

/// A key as people type it: in groups of four.
fn groups(key: &str) -> String {
    let letters: Vec<char> = key.chars().collect();
    letters.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join(" ")
}

/// A QR code as the inside of an SVG: one path, a run of dark modules each stroke.
fn picture(text: &str) -> Result<String, Failure> {
    let code = QrCode::new(text).map_err(|_| Failure::Internal)?;
    let width = code.width();
    let mut path = String::new();
    for (row, modules) in code.to_colors().chunks(width).enumerate() {
        let mut column = 0;
        for run in modules.chunk_by(|left, right| left == right) {
            if run.first() == Some(&Color::Dark) {
                path.push_str(&format!("M{} {}h{}v1h-{2}z", column + MARGIN, row + MARGIN, run.len()));
            }
            column += run.len();
        }
    }
    let side = width + 2 * MARGIN;
    Ok(format!(
        "viewBox=\"0 0 {side} {side}\" shape-rendering=\"crispEdges\"><path fill=\"#fff\" d=\"M0 0h{side}v{side}H0z\"/>\
         <path fill=\"#000\" d=\"{path}\"/>"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_has_every_dark_module() {
        let text = "otpauth://totp/a:b?secret=GEZDGNBVGY3TQOJQ&issuer=a";
        let svg = picture(text).unwrap();
        let code = QrCode::new(text).unwrap();
        let dark = code.to_colors().iter().filter(|color| **color == Color::Dark).count();
        let path = svg.rsplit("d=\"").next().unwrap().split('"').next().unwrap();
        let runs = path
            .split('M')
            .skip(1)
            .map(|run| run.split('h').nth(1).unwrap().split('v').next().unwrap().parse::<usize>().unwrap());
        assert_eq!(runs.sum::<usize>(), dark);
        assert!(svg.contains(&format!("0 0 {0} {0}\"", code.width() + 8)));
    }

    #[test]
    fn a_key_is_read_in_groups() {
        assert_eq!(groups("GEZDGNBVGY"), "GEZD GNBV GY");
    }
}
