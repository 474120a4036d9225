//! Signing up.

use axum::http::Method;
use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::{Operation, Password, SignUpNames};
use crate::http::api::endpoint::Endpoint;
use crate::http::reply::success::{Answer, Nothing, Reply};
use crate::http::request::extract::Call;
use crate::http::request::value::Text;
use crate::ops::SignUpRequest;

/// The endpoints of this block.
pub(in crate::http) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::new(Method::POST, "/user/signup", &[Operation::UserSignup], sign_up)
            .about("Signs a user up"),
        Endpoint::new(Method::PATCH, "/user/signup", &[Operation::UserConfirmSignup], confirm)
            .about("Confirms a sign-up"),
        Endpoint::new(Method::POST, "/user/signup/confirm", &[Operation::UserConfirmSignup], confirm)
            .about("Confirms a sign-up, for clients without PATCH"),
        Endpoint::new(Method::POST, "/user/email/confirm", &[Operation::UserConfirmEmail], confirm_email)
            .about("Confirms a new email, by the token that was sent there"),
        Endpoint::new(Method::POST, "/user/signup/resend", &[Operation::UserResendConfirmation], resend)
            .about("Has the email with the token to confirm with sent once more"),
    ]
}

input! {
    /// Who signs up, and with what.
    SignUp {
        required { username: Text, password: Secret, app_list: Names }
        optional { email: Text, display_name: Text, first_name: Text, middle_name: Text, last_name: Text }
    }
}

/// The token to confirm with, unless it goes by email only.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
struct SignedUp {
    #[serde(skip_serializing_if = "Option::is_none")]
    confirm_token: Option<String>,
}

async fn sign_up(call: Call, input: SignUp) -> Answer<SignedUp> {
    let request = SignUpRequest {
        username: input.username.0,
        email: Text::given(input.email),
        names: SignUpNames {
            display_name: Text::given(input.display_name),
            first_name: Text::given(input.first_name),
            middle_name: Text::given(input.middle_name),
            last_name: Text::given(input.last_name),
        },
        password: input.password.0,
        app_list: Some(input.app_list.0),
    };
    let token = call.sso.sign_up(&call.ctx, request).await?;
    Ok(Reply::ok(SignedUp { confirm_token: token.as_ref().map(Password::expose).map(str::to_owned) }))
}

input! {
    /// What a sign-up, or a new email, is confirmed with.
    Confirmation {
        required { confirm_token: Secret }
        optional {}
    }
}

async fn confirm_email(call: Call, input: Confirmation) -> Answer<Nothing> {
    call.sso.confirm_email(&call.ctx, &input.confirm_token.0).await?;
    Ok(Reply::done())
}

async fn confirm(call: Call, input: Confirmation) -> Answer<Nothing> {
    call.sso.confirm_sign_up(&call.ctx, &input.confirm_token.0).await?;
    Ok(Reply::done())
}

input! {
    /// Whose email is to be repeated.
    Waiting {
        required { credential: Text }
        optional {}
    }
}

async fn resend(call: Call, input: Waiting) -> Answer<Nothing> {
    call.sso.resend_confirmation(&call.ctx, &input.credential.0).await?;
    Ok(Reply::done())
}
