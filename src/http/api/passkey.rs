//! Passkeys: registration, lists, and logins with them.

use axum::http::Method;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::domain::{Code, Operation, Passkey};
use crate::http::api::endpoint::Endpoint;
use crate::http::reply::success::{Answer, Nothing, Reply};
use crate::http::request::extract::Call;
use crate::http::request::value::Text;
use crate::ops::PasskeyLogin;

/// The endpoints of this block.
pub(in crate::http) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::new(
            Method::POST,
            "/user/passkey/options",
            &[Operation::PasskeyBeginRegistration],
            begin_registration,
        )
        .about("Begins to register a passkey: what a browser is to be asked"),
        Endpoint::new(
            Method::POST,
            "/user/passkey",
            &[Operation::PasskeyFinishRegistration],
            finish_registration,
        )
        .about("Registers the passkey that a browser has made"),
        Endpoint::new(Method::GET, "/user/passkey", &[Operation::PasskeyGetList], list)
            .about("Lists passkeys: one's own, or for super-users anybody's"),
        Endpoint::new(Method::PATCH, "/user/passkey", &[Operation::PasskeyRename], rename)
            .about("Gives one of one's own passkeys another name"),
        Endpoint::new(Method::DELETE, "/user/passkey", &[Operation::PasskeyDelete], delete)
            .about("Deletes a passkey: one's own, or for super-users anybody's"),
        Endpoint::new(
            Method::POST,
            "/user/login/passkey/options",
            &[Operation::PasskeyBeginLogin],
            begin_login,
        )
        .about("Begins a login with a passkey: what a browser is to be asked"),
        Endpoint::new(Method::POST, "/user/login/passkey", &[Operation::PasskeyFinishLogin], finish_login)
            .about("Logs a user in with a passkey: opens a session"),
        Endpoint::new(
            Method::POST,
            "/user/session/fresh/passkey/options",
            &[Operation::PasskeyBeginReauthentication],
            begin_reauthentication,
        )
        .about("Begins to prove by a passkey who has the session: what a browser is to be asked"),
        Endpoint::new(
            Method::POST,
            "/user/session/fresh/passkey",
            &[Operation::PasskeyFinishReauthentication],
            finish_reauthentication,
        )
        .about("Makes a session as fresh as after a login, by a passkey"),
    ]
}

input! {
    /// The session that acts, and what the new passkey is to be called.
    Begin {
        required { ust: Acting }
        optional { name: Text }
    }
}

input! {
    /// The session that acts, and what the browser has answered.
    Finish {
        required { ust: Acting, response: Object }
        optional {}
    }
}

input! {
    /// The session that acts, and whose passkeys they are: the caller's own if nobody is named.
    Whose {
        required { ust: Acting }
        optional { user_id: Text }
    }
}

input! {
    /// The session that acts, which passkey, and its new name.
    Rename {
        required { ust: Acting, passkey_id: Text, name: Text }
        optional {}
    }
}

input! {
    /// The session that acts, which passkey, and whose: the caller's own if nobody is named.
    Delete {
        required { ust: Acting, passkey_id: Text }
        optional { user_id: Text }
    }
}

input! {
    /// The session that acts.
    Again {
        required { ust: Acting }
        optional {}
    }
}

input! {
    /// Who is to log in, if that is known already.
    BeginLogin {
        required {}
        optional { username: Text }
    }
}

input! {
    /// What the browser has answered.
    FinishLogin {
        required { response: Object }
        optional {}
    }
}

/// What a browser is to be asked: see `PublicKeyCredential.parseCreationOptionsFromJSON` and `parseRequestOptionsFromJSON`.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
struct Asked {
    options: Value,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Passkey")]
struct Shown {
    passkey_id: String,
    name: String,
    /// The model of the authenticator; zeros where it does not tell.
    aaguid: String,
    transports: Vec<String>,
    is_backup_eligible: bool,
    is_backed_up: bool,
    is_user_verified: bool,
    /// Whether it logs in by itself, without a password before it; null where the authenticator has not said.
    is_discoverable: Option<bool>,
    creation_time: String,
    /// Null for never.
    last_use: Option<String>,
}

impl From<Passkey> for Shown {
    fn from(passkey: Passkey) -> Self {
        Self {
            passkey_id: passkey.passkey_id.as_str().to_owned(),
            name: passkey.name,
            aaguid: passkey.aaguid.to_string(),
            transports: passkey.transports,
            is_backup_eligible: passkey.is_backup_eligible,
            is_backed_up: passkey.is_backed_up,
            is_user_verified: passkey.is_user_verified,
            is_discoverable: passkey.is_discoverable,
            creation_time: passkey.creation_time.to_string(),
            last_use: passkey.last_use.map(|time| time.to_string()),
        }
    }
}

async fn begin_registration(call: Call, input: Begin) -> Answer<Asked> {
    let name = Text::given(input.name);
    let options = call.sso.begin_passkey_registration(&call.ctx, input.ust.0, name).await?;
    Ok(Reply::ok(Asked { options }))
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
struct Registered {
    passkey: Shown,
}

async fn finish_registration(call: Call, input: Finish) -> Answer<Registered> {
    let passkey = call.sso.finish_passkey_registration(&call.ctx, input.ust.0, &input.response.0).await?;
    Ok(Reply::ok(Registered { passkey: passkey.into() }))
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
struct Listed {
    result: Vec<Shown>,
}

async fn list(call: Call, input: Whose) -> Answer<Listed> {
    let user_id = Text::given(input.user_id);
    let passkeys = call.sso.list_passkeys(&call.ctx, input.ust.0, user_id.as_deref()).await?;
    Ok(Reply::ok(Listed { result: passkeys.into_iter().map(Shown::from).collect() }))
}

async fn rename(call: Call, input: Rename) -> Answer<Nothing> {
    call.sso.rename_passkey(&call.ctx, input.ust.0, &input.passkey_id.0, input.name.0).await?;
    Ok(Reply::done())
}

async fn delete(call: Call, input: Delete) -> Answer<Nothing> {
    let user_id = Text::given(input.user_id);
    let passkey_id = Some(input.passkey_id.0.as_str());
    call.sso.delete_passkeys(&call.ctx, input.ust.0, user_id.as_deref(), passkey_id).await?;
    Ok(Reply::done())
}

async fn begin_login(call: Call, input: BeginLogin) -> Answer<Asked> {
    let username = Text::given(input.username);
    let options = call.sso.begin_passkey_login(&call.ctx, username.as_deref()).await?;
    Ok(Reply::ok(Asked { options }))
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
struct Opened {
    ust: String,
    username: String,
    user_id: String,
}

async fn finish_login(call: Call, input: FinishLogin) -> Answer<Opened> {
    let request =
        PasskeyLogin { response: input.response.0, user_agent: call.user_agent, ..PasskeyLogin::default() };
    let session = call.sso.finish_passkey_login(&call.ctx, request).await?;
    let warning = session.has_w_about_to_exp.then_some(Code::PasswordWarnAboutToExpire);
    let opened = Opened {
        ust: session.ust.expose().to_owned(),
        username: session.username,
        user_id: session.user_id.as_str().to_owned(),
    };
    Ok(Reply::with_warning(opened, warning))
}

async fn begin_reauthentication(call: Call, input: Again) -> Answer<Asked> {
    let options = call.sso.begin_passkey_reauthentication(&call.ctx, input.ust.0).await?;
    Ok(Reply::ok(Asked { options }))
}

async fn finish_reauthentication(call: Call, input: Finish) -> Answer<Nothing> {
    call.sso.finish_passkey_reauthentication(&call.ctx, input.ust.0, &input.response.0).await?;
    Ok(Reply::done())
}
