//! A failure in OneAll's envelope: its status, and what to do about it.

use std::borrow::Cow;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;

use crate::domain::{Code, Timestamp};
use crate::http::failure::Failure;
use crate::http::reply::failure::with_headers;
use crate::http::site::envelope::{About, Flag, Resource, written};

/// Makes a response say what went wrong. Headers that it already has, such as `Allow`, stay.
pub(in crate::http) fn render(
    failure: &Failure,
    response: Response,
    resource: &Resource,
    now: Timestamp,
) -> Response {
    let (mut parts, _) = with_headers(failure, response).into_parts();
    parts.status = status_of(failure);
    if parts.status == StatusCode::UNAUTHORIZED {
        let challenge = HeaderValue::from_static("Basic realm=\"zato_sso\", charset=\"UTF-8\"");
        parts.headers.insert(header::WWW_AUTHENTICATE, challenge);
    }
    let about = About { resource, now, flag: Flag::Error, status: parts.status, info: &info_of(failure) };
    let body = written(&about, None);
    Response::from_parts(parts, Body::from(body))
}

const fn status_of(failure: &Failure) -> StatusCode {
    match failure {
        Failure::Refused { code, .. } => status_of_code(*code),
        Failure::BadRequest(_)
        | Failure::NotFound
        | Failure::MethodNotAllowed
        | Failure::TooLarge
        | Failure::Unauthorized { .. }
        | Failure::RateLimited { .. }
        | Failure::TooSlow
        | Failure::Overloaded
        | Failure::Unavailable
        | Failure::Internal => failure.status(),
    }
}

const fn status_of_code(code: Code) -> StatusCode {
    match code {
        Code::UserIdInvalid | Code::SessionNoSuchSession => StatusCode::NOT_FOUND,
        Code::UsernameExists | Code::EmailExists | Code::CommonInvalidOperation => StatusCode::CONFLICT,
        Code::AuthNotAllowed
        | Code::AuthLocked
        | Code::AuthInvalidSignupStatus
        | Code::AuthNotApproved
        | Code::AuthTotpMissing
        | Code::AppListInvalid
        | Code::PasswordExpired
        | Code::PasswordAboutToExpire
        | Code::PasswordMustSendNew
        | Code::AuthFreshLoginNeeded => StatusCode::FORBIDDEN,
        Code::UsernameInvalid
        | Code::UsernameTooLong
        | Code::UsernameHasWhitespace
        | Code::EmailInvalid
        | Code::EmailTooLong
        | Code::EmailHasWhitespace
        | Code::EmailMissing
        | Code::PasswordInvalid
        | Code::PasswordTooShort
        | Code::PasswordTooLong
        | Code::PasswordWarnAboutToExpire
        | Code::PasswordNotComplexEnough
        | Code::AppListNoSignup
        | Code::AuthSuperUserRequired
        | Code::AuthNoSuchSignUpToken
        | Code::AuthSignUpConfirmed
        | Code::AuthRateLimited
        | Code::MetadataNotAllowed
        | Code::SessionExpired
        | Code::CommonInvalidInput
        | Code::CommonMissingInput
        | Code::CommonInternalError
        | Code::CommonOverloaded
        | Code::CommonUnavailable
        | Code::AttrAlreadyExists
        | Code::AttrNoSuchAttr
        | Code::PasswordResetCouldNotAccess
        | Code::PasskeyNotAcceptable
        | Code::PasskeyNoSuchCeremony
        | Code::PasskeyLastWayToLogIn
        | Code::GroupNoSuchGroup
        | Code::GroupExists
        | Code::ClientNoSuchClient
        | Code::ClientInvalid
        | Code::ClientRequestRefused => StatusCode::BAD_REQUEST,
    }
}

/// What to do about it.
fn info_of(failure: &Failure) -> Cow<'_, str> {
    let text = match failure {
        Failure::BadRequest(Some(detail)) | Failure::Unauthorized { detail, .. } => detail,
        Failure::Refused { detail: Some(detail), .. } => {
            return format!("The request was refused: {detail}").into();
        }
        Failure::BadRequest(None) => {
            "The request could not be understood: check its query string and its JSON"
        }
        Failure::NotFound => "There is no such resource: check the path",
        Failure::MethodNotAllowed => "The resource does not have this method: see the header Allow",
        Failure::TooLarge => "The body of the request is too large: send less",
        Failure::RateLimited { .. } => {
            "Too many failed attempts: try again after the time in the header Retry-After"
        }
        Failure::TooSlow => "The body of the request came too slowly: send it again",
        Failure::Overloaded => "There is too much to do for the moment: try again later",
        Failure::Unavailable => "The service is not available for the moment: try again later",
        Failure::Internal => "The server has failed: try again, and tell its operator if it goes on",
        Failure::Refused { code, detail: None } => match code {
            Code::UserIdInvalid => "There is no such user or identity: check the token",
            Code::SessionNoSuchSession => "There is no such open session: start one",
            Code::UsernameExists => "There is a user with this login already: choose another one",
            Code::EmailExists => "There is a user with this email already: choose another one",
            Code::AuthNotAllowed => {
                "This is not allowed: check whose user it is, and from where the request comes"
            }
            Code::AuthLocked => "The user is locked: have the account unlocked",
            Code::AuthInvalidSignupStatus => "The user has not confirmed the sign-up: have it confirmed",
            Code::AuthNotApproved => "The user is not approved: have the account approved",
            Code::AuthTotpMissing => "The user has a second factor: send its code as totp_code",
            Code::PasswordExpired | Code::PasswordAboutToExpire | Code::PasswordMustSendNew => {
                "The password must be changed: have the user do that first"
            }
            Code::UsernameInvalid => "The login is not acceptable: choose another one",
            Code::UsernameHasWhitespace => "White space is not allowed in a login: choose another one",
            Code::EmailHasWhitespace => "White space is not allowed in an email address: send another one",
            other => {
                return format!("The request was refused: {} {}", other.group(), other.label()).into();
            }
        },
    };
    text.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_status_and_says_something() {
        for code in Code::ALL {
            let failure = Failure::Refused { code: *code, detail: None };
            assert!(status_of(&failure).is_client_error());
            assert!(info_of(&failure).len() > 20, "{code:?}");
        }
    }

    #[test]
    fn what_was_wrong_is_said_in_words() {
        let refused = Failure::Refused { code: Code::UsernameInvalid, detail: Some("it is empty".into()) };
        assert_eq!(info_of(&refused), "The request was refused: it is empty");
        assert_eq!(info_of(&Failure::bad("login is missing")), "login is missing");
    }
}
