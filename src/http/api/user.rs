//! Users: logging in and out, creating, reading, changing, deleting and deciding about them, and their passwords.

use std::borrow::Cow;
use std::sync::Arc;

use axum::http::Method;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use serde_json::{Map, Value, json};

use crate::domain::{Code, Edit, Field, NewUser, Operation, RemoteAddr, UserUpdate, UserView, Visibility};
use crate::http::api::endpoint::Endpoint;
use crate::http::reply::success::{Answer, Nothing, Reply, time_schema};
use crate::http::request::extract::Call;
use crate::http::request::value::{Flag, Number, Secret, Stage, Text};
use crate::ops::{ChangePassword, LoginRequest, ResetTotpKey};

/// The endpoints of this block.
pub(in crate::http) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::new(Method::POST, "/user/login", &[Operation::UserLogin], login)
            .about("Logs a user in: opens a session"),
        Endpoint::new(Method::POST, "/user/logout", &[Operation::UserLogout], logout)
            .about("Ends a session")
            .hiding_refusals(),
        Endpoint::new(Method::GET, "/user", &[Operation::UserGetCurrent, Operation::UserGetById], get)
            .about("Returns a user: oneself, or for super-users anybody"),
        Endpoint::new(Method::POST, "/user", &[Operation::UserCreate], create)
            .about("Creates a user, for super-users"),
        Endpoint::new(
            Method::PATCH,
            "/user",
            &[Operation::UserUpdateCurrent, Operation::UserUpdateById],
            update,
        )
        .about("Changes a user: oneself, or for super-users anybody"),
        Endpoint::new(Method::DELETE, "/user", &[Operation::UserDeleteById], delete)
            .about("Deletes a user, for super-users"),
        Endpoint::new(Method::POST, "/user/approve", &[Operation::UserApprove], approve)
            .about("Approves a user, for super-users"),
        Endpoint::new(Method::POST, "/user/reject", &[Operation::UserReject], reject)
            .about("Rejects a user, for super-users"),
        Endpoint::new(Method::POST, "/user/lock", &[Operation::UserLock], lock)
            .about("Locks a user out, for super-users"),
        Endpoint::new(Method::DELETE, "/user/lock", &[Operation::UserUnlock], unlock)
            .about("Unlocks a user, for super-users"),
        Endpoint::new(Method::PATCH, "/user/password", &[Operation::UserChangePassword], change_password)
            .about("Changes a password: one's own, or for super-users anybody's"),
        Endpoint::new(Method::PATCH, "/user/totp", &[Operation::UserResetTotpKey], reset_totp_key)
            .about("Gives a new TOTP key: to oneself, or for super-users to anybody"),
    ]
}

input! {
    /// Who logs in, and with what.
    Login {
        required { username: Text, password: Secret }
        optional { totp_code: Secret, new_password: Secret, device_token: Secret, remote_addr: Text, user_agent: Text }
    }
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
struct Opened {
    ust: String,
    /// For the next login from this device, so that it does not wait for the failures of others. Not where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    device_token: Option<String>,
}

async fn login(call: Call, input: Login) -> Answer<Opened> {
    // Login metadata: address and user agent of a user, as the application that acts for them says.
    let remote_addr = Text::given(input.remote_addr).filter(|sent| !sent.is_empty());
    let user_agent = Text::given(input.user_agent).filter(|sent| !sent.is_empty());
    let request = LoginRequest {
        username: input.username.0,
        password: Some(input.password.0),
        totp_code: Secret::given(input.totp_code),
        new_password: Secret::given(input.new_password),
        device_token: Secret::given(input.device_token),
        app_proof: call.app_proof,
        sent_remote_addr: remote_addr.map(|sent| RemoteAddr::from(sent.as_str())),
        has_user_agent: user_agent.is_some(),
        user_agent: user_agent.or(call.user_agent),
        ..LoginRequest::default()
    };
    let session = call.sso.login(&call.ctx, request).await?;
    let warning = session.has_w_about_to_exp.then_some(Code::PasswordWarnAboutToExpire);
    let opened = Opened {
        ust: session.ust.expose().to_owned(),
        device_token: session.device_token.map(|token| token.expose().to_owned()),
    };
    Ok(Reply::with_warning(opened, warning))
}

input! {
    /// The session that acts.
    Own {
        required { ust: Acting }
        optional {}
    }
}

/// Logging out of a session that does not exist is answered like any other: afterwards it does not exist.
async fn logout(call: Call, input: Own) -> Answer<Nothing> {
    call.sso.logout(&call.ctx, &input.ust.0).await?;
    Ok(Reply::done())
}

input! {
    /// The session that acts, and whom it wants to see.
    Get {
        required { ust: Acting }
        optional { user_id: Text }
    }
}

async fn get(call: Call, input: Get) -> Answer<Shown> {
    let actor = input.ust.0;
    let view = match Text::given(input.user_id) {
        Some(user_id) => call.sso.get_user_by_id(&call.ctx, actor, &user_id, false).await?,
        None => call.sso.get_current_user(&call.ctx, actor, false).await?,
    };
    Ok(Reply::ok(Shown(view)))
}

input! {
    /// The session that acts, and what the new user is made of.
    Create {
        required { ust: Acting, username: Text }
        optional {
            password: Secret, password_must_change: Flag, display_name: Text, first_name: Text,
            middle_name: Text, last_name: Text, email: Text, is_locked: Flag, sign_up_status: Stage,
            is_totp_enabled: Flag, totp_key: Secret, totp_label: Text, is_rate_limit_active: Flag,
            rate_limit_def: Text, auto_approve: Flag
        }
    }
}

async fn create(call: Call, input: Create) -> Answer<Shown> {
    let new = NewUser {
        username: Some(input.username.0),
        password: Secret::given(input.password),
        email: Text::given(input.email),
        display_name: Text::given(input.display_name),
        first_name: Text::given(input.first_name),
        middle_name: Text::given(input.middle_name),
        last_name: Text::given(input.last_name),
        is_locked: Flag::given(input.is_locked),
        sign_up_status: Stage::given(input.sign_up_status),
        password_must_change: Flag::given(input.password_must_change),
        is_totp_enabled: Flag::given(input.is_totp_enabled),
        totp_key: Secret::given(input.totp_key),
        totp_label: Text::given(input.totp_label),
        is_rate_limit_active: Flag::given(input.is_rate_limit_active),
        rate_limit_def: Text::given(input.rate_limit_def),
        creation_ctx: None,
    };
    let auto_approve = Flag::given(input.auto_approve).unwrap_or(false);
    let user = call.sso.create_user(&call.ctx, input.ust.0, new, auto_approve).await?;
    // Only a super-user gets here.
    Ok(Reply::ok(Shown(UserView {
        user: Arc::new(user),
        visibility: Visibility::SuperUser,
        is_current_super_user: true,
    })))
}

input! {
    /// The session that acts, and on whom.
    On {
        required { ust: Acting, user_id: Text }
        optional {}
    }
}

input! {
    /// The session that acts, on whom, and what is to be changed about them.
    Update {
        required { ust: Acting }
        optional { user_id: Text, totp_code: Secret }
        editable {
            username: Text, email: Text, display_name: Text, first_name: Text, middle_name: Text,
            last_name: Text, is_totp_enabled: Flag, totp_label: Text, totp_key: Secret, is_locked: Flag,
            is_super_user: Flag, password_expiry: Time, password_must_change: Flag, sign_up_status: Stage,
            approval_status: Decision, is_rate_limit_active: Flag, rate_limit_def: Text
        }
    }
}

async fn update(call: Call, input: Update) -> Answer<Nothing> {
    let (text, flag) =
        (|edit: Edit<Text>| edit.map(|text| text.0), |edit: Edit<Flag>| edit.map(|flag| flag.0));
    let update = UserUpdate {
        username: text(input.username),
        email: text(input.email),
        display_name: text(input.display_name),
        first_name: text(input.first_name),
        middle_name: text(input.middle_name),
        last_name: text(input.last_name),
        is_totp_enabled: flag(input.is_totp_enabled),
        totp_key: input.totp_key.map(|key| key.0),
        totp_label: text(input.totp_label),
        totp_code: Secret::given(input.totp_code),
        is_locked: flag(input.is_locked),
        is_super_user: flag(input.is_super_user),
        password_expiry: input.password_expiry.map(|time| time.0),
        password_must_change: flag(input.password_must_change),
        sign_up_status: input.sign_up_status.map(|status| status.0),
        approval_status: input.approval_status.map(|status| status.0),
        is_rate_limit_active: flag(input.is_rate_limit_active),
        rate_limit_def: text(input.rate_limit_def),
    };
    let actor = input.ust.0;
    match Text::given(input.user_id) {
        Some(user_id) => call.sso.update_user_by_id(&call.ctx, actor, &user_id, update).await?,
        None => call.sso.update_current_user(&call.ctx, actor, update).await?,
    }
    Ok(Reply::done())
}

async fn delete(call: Call, input: On) -> Answer<Nothing> {
    call.sso.delete_user_by_id(&call.ctx, input.ust.0, &input.user_id.0).await?;
    Ok(Reply::done())
}

async fn approve(call: Call, input: On) -> Answer<Nothing> {
    call.sso.approve_user(&call.ctx, input.ust.0, &input.user_id.0).await?;
    Ok(Reply::done())
}

async fn reject(call: Call, input: On) -> Answer<Nothing> {
    call.sso.reject_user(&call.ctx, input.ust.0, &input.user_id.0).await?;
    Ok(Reply::done())
}

async fn lock(call: Call, input: On) -> Answer<Nothing> {
    call.sso.lock_user(&call.ctx, input.ust.0, &input.user_id.0).await?;
    Ok(Reply::done())
}

async fn unlock(call: Call, input: On) -> Answer<Nothing> {
    call.sso.unlock_user(&call.ctx, input.ust.0, &input.user_id.0).await?;
    Ok(Reply::done())
}

input! {
    /// The session that acts, and a password change.
    NewPassword {
        required { ust: Acting, new_password: Secret }
        optional { old_password: Secret, user_id: Text, password_expiry: Number, must_change: Flag }
    }
}

async fn change_password(call: Call, input: NewPassword) -> Answer<Nothing> {
    let request = ChangePassword {
        old_password: Secret::given(input.old_password),
        new_password: input.new_password.0,
        user_id: Text::given(input.user_id),
        password_expiry: Number::given(input.password_expiry),
        must_change: Flag::given(input.must_change),
    };
    call.sso.change_password(&call.ctx, input.ust.0, request).await?;
    Ok(Reply::done())
}

input! {
    /// The session that acts, and a TOTP key.
    NewTotpKey {
        required { ust: Acting }
        optional { user_id: Text, totp_key: Secret }
        editable { totp_label: Text }
    }
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
struct Generated {
    #[serde(skip_serializing_if = "Option::is_none")]
    totp_key: Option<String>,
}

/// A key that the request sent is not answered: the sender knows it.
async fn reset_totp_key(call: Call, input: NewTotpKey) -> Answer<Generated> {
    let key = Secret::given(input.totp_key).filter(|key| !key.is_empty());
    let is_given = key.is_some();
    let request = ResetTotpKey {
        user_id: Text::given(input.user_id),
        key,
        label: input.totp_label.map(|label| label.0),
    };
    let key = call.sso.reset_totp_key(&call.ctx, input.ust.0, request).await?;
    Ok(Reply::ok(Generated { totp_key: (!is_given).then(|| key.expose().to_owned()) }))
}

/// A user as an object: what has no value is left out.
#[derive(Debug)]
pub(in crate::http) struct Shown(pub UserView);

/// What a user is made of, for the description of the API: texts, booleans and times.
const TEXTS: [&str; 15] = [
    "user_id",
    "username",
    "email",
    "display_name",
    "first_name",
    "middle_name",
    "last_name",
    "totp_label",
    "locked_by",
    "sign_up_status",
    "approval_status",
    "approval_status_mod_by",
    "rate_limit_type",
    "rate_limit_def",
    "creation_ctx",
];
const FLAGS: [&str; 10] = [
    "is_totp_enabled",
    "is_active",
    "is_internal",
    "is_super_user",
    "is_locked",
    "is_approval_needed",
    "password_is_set",
    "password_must_change",
    "is_rate_limit_active",
    "rate_limit_check_parent_def",
];
const TIMES: [&str; 6] = [
    "locked_time",
    "sign_up_time",
    "sign_up_confirm_time",
    "approval_status_mod_time",
    "password_last_set",
    "password_expiry",
];

impl JsonSchema for Shown {
    fn schema_name() -> Cow<'static, str> {
        "User".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let all = |names: &[&str], kind: &Value| {
            names.iter().map(|name| ((*name).to_owned(), kind.clone())).collect::<Vec<_>>()
        };
        let texts = all(&TEXTS, &json!({"type": "string"}));
        let (flags, times) = (all(&FLAGS, &json!({"type": "boolean"})), all(&TIMES, &time_schema()));
        let lists = all(&["groups"], &json!({"type": "array", "items": {"type": "string"}}));
        let properties: Map<String, Value> = [texts, flags, times, lists].into_iter().flatten().collect();
        json_schema!({
            "description": "A user. Elements without a value, or that the caller may not see, are left out.",
            "type": "object",
            "properties": properties,
            "required": ["user_id", "username", "is_totp_enabled"],
        })
    }
}

impl Serialize for Shown {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, field) in self.0.fields() {
            match field {
                Field::None | Field::List([]) => {}
                Field::Bool(value) => map.serialize_entry(name, &value)?,
                Field::Text(value) => map.serialize_entry(name, value)?,
                Field::Time(value) => map.serialize_entry(name, &value.to_string())?,
                Field::List(values) => map.serialize_entry(name, values)?,
            }
        }
        map.end()
    }
}
