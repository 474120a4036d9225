//! Password resets, for those who cannot log in.

use axum::http::Method;
use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::Operation;
use crate::http::api::endpoint::Endpoint;
use crate::http::reply::success::{Answer, Nothing, Reply};
use crate::http::request::extract::Call;

/// The endpoints of this block.
pub(in crate::http) fn endpoints() -> Vec<Endpoint> {
    let path = "/password/reset";
    vec![
        Endpoint::new(Method::POST, path, &[Operation::PasswordResetCreateToken], create_token)
            .about("Has a token to set a new password with emailed to a user"),
        Endpoint::new(Method::PATCH, path, &[Operation::PasswordResetAccessToken], access_token)
            .about("Exchanges the token, once, for a key to set a new password with"),
        Endpoint::new(Method::DELETE, path, &[Operation::PasswordResetChangePassword], change_password)
            .about("Sets a new password, with the token and the key"),
    ]
}

input! {
    /// Who has forgotten their password.
    Forgotten {
        required { credential: Text }
        optional {}
    }
}

input! {
    /// The token from the email.
    Emailed {
        required { token: Secret }
        optional {}
    }
}

input! {
    /// A new password, and what allows it to be set.
    Chosen {
        required { token: Secret, reset_key: Secret, password: Secret }
        optional {}
    }
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
struct Begun {
    sub_status: [&'static str; 0],
}

async fn create_token(call: Call, input: Forgotten) -> Answer<Begun> {
    let user_agent = call.user_agent.as_deref();
    call.sso.create_reset_token(&call.ctx, &input.credential.0, user_agent).await?;
    Ok(Reply::ok(Begun { sub_status: [] }))
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
struct Accessed {
    reset_key: String,
}

async fn access_token(call: Call, input: Emailed) -> Answer<Accessed> {
    let user_agent = call.user_agent.as_deref();
    let access = call.sso.access_reset_token(&call.ctx, &input.token.0, user_agent).await?;
    Ok(Reply::ok(Accessed { reset_key: access.reset_key.expose().to_owned() }))
}

async fn change_password(call: Call, input: Chosen) -> Answer<Nothing> {
    let Chosen { token, reset_key, password } = input;
    call.sso.reset_password(&call.ctx, &token.0, &reset_key.0, password.0).await?;
    Ok(Reply::done())
}
