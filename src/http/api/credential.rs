//! The second factor: TOTP switched on and off by oneself, and recovery codes.

use axum::http::Method;
use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::{Code, Error, Operation, Password};
use crate::http::api::endpoint::Endpoint;
use crate::http::reply::success::{Answer, Nothing, Reply};
use crate::http::request::extract::Call;
use crate::http::request::value::{Secret, Text};
use crate::ops::TotpDisabler;

/// The endpoints of this block.
pub(in crate::http) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::new(Method::POST, "/user/totp/enrolment", &[Operation::TotpBeginEnrolment], begin)
            .about("Makes a TOTP key that takes effect when a code of it is shown"),
        Endpoint::new(Method::PATCH, "/user/totp/enrolment", &[Operation::TotpFinishEnrolment], finish)
            .about("Switches TOTP on by a code of the new key, and returns recovery codes"),
        Endpoint::new(Method::DELETE, "/user/totp", &[Operation::TotpDisable], disable)
            .about("Switches TOTP off, by the password or a code"),
        Endpoint::new(Method::POST, "/user/recovery-code", &[Operation::RecoveryCodeGenerate], generate)
            .about(
                "Makes new recovery codes in place of earlier ones: one's own, or for super-users anybody's",
            ),
        Endpoint::new(Method::GET, "/user/recovery-code", &[Operation::RecoveryCodeCount], count)
            .about("Tells how many recovery codes are left: one's own, or for super-users anybody's"),
    ]
}

input! {
    /// The session that acts.
    Own {
        required { ust: Acting }
        optional {}
    }
}

input! {
    /// The session that acts, and a code of the new key.
    Shown {
        required { ust: Acting, totp_code: Secret }
        optional {}
    }
}

input! {
    /// The session that acts, and one of these.
    Disable {
        required { ust: Acting }
        optional { password: Secret, totp_code: Secret }
    }
}

input! {
    /// The session that acts, and whose codes they are: the caller's own if nobody is named.
    Whose {
        required { ust: Acting }
        optional { user_id: Text }
    }
}

#[derive(Serialize, JsonSchema)]
#[schemars(inline)]
struct Begun {
    uri: String,
    totp_key: String,
}

async fn begin(call: Call, input: Own) -> Answer<Begun> {
    let begun = call.sso.begin_totp_enrolment(&call.ctx, input.ust.0).await?;
    Ok(Reply::ok(Begun { uri: begun.uri.expose().to_owned(), totp_key: begun.key.expose().to_owned() }))
}

/// Recovery codes, which are shown once.
#[derive(Serialize, JsonSchema)]
#[schemars(inline)]
struct Codes {
    recovery_codes: Vec<String>,
}

impl From<Vec<Password>> for Codes {
    fn from(codes: Vec<Password>) -> Self {
        Self { recovery_codes: codes.iter().map(|code| code.expose().to_owned()).collect() }
    }
}

async fn finish(call: Call, input: Shown) -> Answer<Codes> {
    let codes = call.sso.finish_totp_enrolment(&call.ctx, input.ust.0, input.totp_code.0).await?;
    Ok(Reply::ok(Codes::from(codes)))
}

async fn disable(call: Call, input: Disable) -> Answer<Nothing> {
    let given = |secret| Secret::given(secret).filter(|secret| !secret.is_empty());
    let by = match (given(input.password), given(input.totp_code)) {
        (Some(password), None) => TotpDisabler::Password(password),
        (None, Some(code)) => TotpDisabler::Code(code),
        _ => {
            let detail = "exactly one of password and totp_code is needed";
            return Err(Error::refused(Code::CommonMissingInput, detail).into());
        }
    };
    call.sso.disable_totp(&call.ctx, input.ust.0, by).await?;
    Ok(Reply::done())
}

async fn generate(call: Call, input: Whose) -> Answer<Codes> {
    let user_id = Text::given(input.user_id);
    let codes = call.sso.generate_recovery_codes(&call.ctx, input.ust.0, user_id.as_deref()).await?;
    Ok(Reply::ok(Codes::from(codes)))
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
struct Left {
    count: i64,
}

async fn count(call: Call, input: Whose) -> Answer<Left> {
    let user_id = Text::given(input.user_id);
    let count = call.sso.count_recovery_codes(&call.ctx, input.ust.0, user_id.as_deref()).await?;
    Ok(Reply::ok(Left { count }))
}
