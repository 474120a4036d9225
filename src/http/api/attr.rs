//! Attributes of users and of sessions: the same endpoints for both.

use std::borrow::Cow;

use axum::http::Method;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::domain::{Attr, AttrValue, Operation, Ust};
use crate::http::api::endpoint::Endpoint;
use crate::http::failure::Failure;
use crate::http::reply::success::{Answer, Nothing, Reply};
use crate::http::request::extract::Call;
use crate::http::request::value::{Flag, Items, Names, Number, Text};
use crate::ops::{Actor, AttrItem, AttrTarget, AttrWrite};

/// The endpoints of this block.
pub(in crate::http) fn endpoints() -> Vec<Endpoint> {
    let of_users = vec![
        Endpoint::new(Method::POST, "/user/attr", &[Operation::UserAttrCreate], |call, input: UserWrite| {
            write(call, AttrWrite::Create, input.read())
        })
        .about("Creates attributes of a user"),
        Endpoint::new(Method::PATCH, "/user/attr", &[Operation::UserAttrUpdate], |call, input: UserWrite| {
            write(call, AttrWrite::Update, input.read())
        })
        .about("Updates attributes of a user"),
        Endpoint::new(Method::PUT, "/user/attr", &[Operation::UserAttrSet], |call, input: UserWrite| {
            write(call, AttrWrite::Set, input.read())
        })
        .about("Creates or updates attributes of a user"),
        Endpoint::new(
            Method::DELETE,
            "/user/attr",
            &[Operation::UserAttrDelete],
            |call, input: UserNamed| delete(call, input.read()),
        )
        .about("Deletes attributes of a user"),
        Endpoint::new(Method::GET, "/user/attr", &[Operation::UserAttrGet], |call, input: UserGet| {
            let decrypt = Flag::given(input.decrypt).unwrap_or(true);
            let UserGet { ust, user_id, name, data, .. } = input;
            get(call, UserNamed { ust, user_id, name, data }.read(), decrypt)
        })
        .about("Returns attributes of a user"),
        Endpoint::new(
            Method::GET,
            "/user/attr/exists",
            &[Operation::UserAttrExists],
            |call, input: UserNamed| exists(call, input.read()),
        )
        .about("Tells whether attributes of a user exist"),
        Endpoint::new(Method::GET, "/user/attr/names", &[Operation::UserAttrNames], |call, input: OfUser| {
            names(call, user_scope(input.ust.0, input.user_id))
        })
        .about("Lists the names of the attributes of a user"),
    ];
    let of_sessions = vec![
        Endpoint::new(
            Method::POST,
            "/session/attr",
            &[Operation::SessionAttrCreate],
            |call, input: SessionWrite| write(call, AttrWrite::Create, input.read()),
        )
        .about("Creates attributes of a session")
        .or_at("/user/session/attr"),
        Endpoint::new(
            Method::PATCH,
            "/session/attr",
            &[Operation::SessionAttrUpdate],
            |call, input: SessionWrite| write(call, AttrWrite::Update, input.read()),
        )
        .about("Updates attributes of a session")
        .or_at("/user/session/attr"),
        Endpoint::new(
            Method::PUT,
            "/session/attr",
            &[Operation::SessionAttrSet],
            |call, input: SessionWrite| write(call, AttrWrite::Set, input.read()),
        )
        .about("Creates or updates attributes of a session")
        .or_at("/user/session/attr"),
        Endpoint::new(
            Method::DELETE,
            "/session/attr",
            &[Operation::SessionAttrDelete],
            |call, input: SessionNamed| delete(call, input.read()),
        )
        .about("Deletes attributes of a session")
        .or_at("/user/session/attr"),
        Endpoint::new(
            Method::GET,
            "/session/attr",
            &[Operation::SessionAttrGet],
            |call, input: SessionGet| {
                let decrypt = Flag::given(input.decrypt).unwrap_or(true);
                let SessionGet { target_ust, current_ust, name, data, .. } = input;
                get(call, SessionNamed { target_ust, current_ust, name, data }.read(), decrypt)
            },
        )
        .about("Returns attributes of a session")
        .or_at("/user/session/attr"),
        Endpoint::new(
            Method::GET,
            "/session/attr/exists",
            &[Operation::SessionAttrExists],
            |call, input: SessionNamed| exists(call, input.read()),
        )
        .about("Tells whether attributes of a session exist")
        .or_at("/user/session/attr/exists"),
        Endpoint::new(
            Method::GET,
            "/session/attr/names",
            &[Operation::SessionAttrNames],
            |call, input: OfSession| names(call, session_scope(input.target_ust.0, input.current_ust.0)),
        )
        .about("Lists the names of the attributes of a session")
        .or_at("/user/session/attr/names"),
    ];
    [of_users, of_sessions].into_iter().flatten().collect()
}

input! {
    /// Attributes of a user to write: one, or a list.
    UserWrite {
        required { ust: Acting }
        optional { user_id: Text, name: Text, value: Text, data: Items, expiration: Number, encrypt: Flag }
    }
}

input! {
    /// Attributes of a user by name: one, or a list.
    UserNamed {
        required { ust: Acting }
        optional { user_id: Text, name: Text, data: Names }
    }
}

input! {
    /// The same, and whether encrypted values are wanted.
    UserGet {
        required { ust: Acting }
        optional { user_id: Text, name: Text, data: Names, decrypt: Flag }
    }
}

input! {
    /// All attributes of a user.
    OfUser {
        required { ust: Acting }
        optional { user_id: Text }
    }
}

input! {
    /// Attributes of a session to write: one, or a list.
    SessionWrite {
        required { target_ust: Target, current_ust: Acting }
        optional { name: Text, value: Text, data: Items, expiration: Number, encrypt: Flag }
    }
}

input! {
    /// Attributes of a session by name: one, or a list.
    SessionNamed {
        required { target_ust: Target, current_ust: Acting }
        optional { name: Text, data: Names }
    }
}

input! {
    /// The same, and whether encrypted values are wanted.
    SessionGet {
        required { target_ust: Target, current_ust: Acting }
        optional { name: Text, data: Names, decrypt: Flag }
    }
}

input! {
    /// All attributes of a session.
    OfSession {
        required { target_ust: Target, current_ust: Acting }
        optional {}
    }
}

/// What is asked for by name.
enum Named {
    One(String),
    Many(Vec<String>),
}

impl Named {
    /// One of the two, and not both.
    fn new(name: Option<Text>, data: Option<Names>) -> Result<Self, Failure> {
        match (name, data) {
            (Some(name), None) => Ok(Self::One(name.0)),
            (None, Some(data)) => Ok(Self::Many(data.0)),
            (Some(_), Some(_)) => Err(Failure::bad("name and data: expected one of them")),
            (None, None) => Err(Failure::bad("name or data is missing")),
        }
    }

    fn into_names(self) -> Vec<String> {
        match self {
            Self::One(name) => vec![name],
            Self::Many(names) => names,
        }
    }
}

/// Who acts, and on whose attributes.
type Scope = (Actor, AttrTarget);

type Read<T> = Result<(Scope, T), Failure>;

fn user_scope(actor: Actor, user_id: Option<Text>) -> Scope {
    (actor, AttrTarget::User(Text::given(user_id)))
}

const fn session_scope(target_ust: Option<Ust>, actor: Actor) -> Scope {
    (actor, AttrTarget::Session(target_ust))
}

/// One attribute, or a list whose items may say for themselves what else holds for all.
fn items(
    name: Option<Text>,
    value: Option<Text>,
    data: Option<Items>,
    expiration: Option<Number>,
    encrypt: Option<Flag>,
) -> Result<Vec<AttrItem>, Failure> {
    let (expiration, encrypt) = (Number::given(expiration), Flag::given(encrypt));
    let item = |name, text: String| {
        let value = AttrValue::from(&Value::from(text));
        AttrItem { name, value, expiration, encrypt, user_id: None }
    };
    match (name, value, data) {
        (Some(name), Some(value), None) => Ok(vec![item(name.0, value.0)]),
        (None, None, Some(data)) => {
            let read = data.0.into_iter().map(|sent| AttrItem {
                expiration: Number::given(sent.expiration).or(expiration),
                encrypt: Flag::given(sent.encrypt).or(encrypt),
                user_id: Text::given(sent.user_id),
                ..item(sent.name.0, sent.value.0)
            });
            Ok(read.collect())
        }
        (None, None, None) => Err(Failure::bad("name and value, or data: missing")),
        (Some(_), None, None) => Err(Failure::missing("value")),
        (None, Some(_), None) => Err(Failure::missing("name")),
        (_, _, Some(_)) => Err(Failure::bad("name and value, or data: expected one of them")),
    }
}

impl UserWrite {
    fn read(self) -> Read<Vec<AttrItem>> {
        let items = items(self.name, self.value, self.data, self.expiration, self.encrypt)?;
        Ok((user_scope(self.ust.0, self.user_id), items))
    }
}

impl SessionWrite {
    fn read(self) -> Read<Vec<AttrItem>> {
        let mut items = items(self.name, self.value, self.data, self.expiration, self.encrypt)?;
        // An element that sessions do not know.
        items.iter_mut().for_each(|item| item.user_id = None);
        Ok((session_scope(self.target_ust.0, self.current_ust.0), items))
    }
}

impl UserNamed {
    fn read(self) -> Read<Named> {
        Ok((user_scope(self.ust.0, self.user_id), Named::new(self.name, self.data)?))
    }
}

impl SessionNamed {
    fn read(self) -> Read<Named> {
        let scope = session_scope(self.target_ust.0, self.current_ust.0);
        Ok((scope, Named::new(self.name, self.data)?))
    }
}

async fn write(call: Call, write: AttrWrite, read: Read<Vec<AttrItem>>) -> Answer<Nothing> {
    let ((actor, target), items) = read?;
    call.sso.write_attrs(&call.ctx, actor, &target, write, items).await?;
    Ok(Reply::done())
}

async fn delete(call: Call, read: Read<Named>) -> Answer<Nothing> {
    let ((actor, target), named) = read?;
    call.sso.delete_attrs(&call.ctx, actor, &target, named.into_names()).await?;
    Ok(Reply::done())
}

/// An attribute as an object. A value that Python has put there may be more than a string.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Attribute")]
struct Shown {
    name: String,
    // As it is stored: a tree would take a hundred times its length.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Value>")]
    value: Option<Box<RawValue>>,
    creation_time: String,
    last_modified: String,
    expiration_time: String,
    is_encrypted: bool,
}

fn raw(value: &AttrValue) -> Result<Box<RawValue>, Failure> {
    // The message may quote the value, so it goes nowhere.
    RawValue::from_string(value.as_json_text().to_owned()).map_err(|_| Failure::Internal)
}

impl TryFrom<Attr> for Shown {
    type Error = Failure;

    fn try_from(attr: Attr) -> Result<Self, Failure> {
        Ok(Self {
            name: attr.name,
            value: attr.value.map(|value| raw(&value)).transpose()?,
            creation_time: attr.creation_time.to_string(),
            last_modified: attr.last_modified.to_string(),
            expiration_time: attr.expiration_time.to_string(),
            is_encrypted: attr.is_encrypted,
        })
    }
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
#[serde(untagged)]
enum Got {
    One {
        found: bool,
        #[serde(flatten)]
        attr: Option<Shown>,
    },
    Many {
        result: Pairs<Option<Shown>>,
    },
}

async fn get(call: Call, read: Read<Named>, decrypt: bool) -> Answer<Got> {
    let ((actor, target), named) = read?;
    let is_one = matches!(named, Named::One(_));
    let found = call.sso.get_attrs(&call.ctx, actor, &target, named.into_names(), decrypt).await?;
    let shown = found.into_iter().map(|(name, attr)| Ok((name, attr.map(Shown::try_from).transpose()?)));
    let mut shown = shown.collect::<Result<Vec<_>, Failure>>()?;
    if !is_one {
        return Ok(Reply::ok(Got::Many { result: Pairs(shown) }));
    }
    let attr = shown.pop().and_then(|(_, attr)| attr);
    Ok(Reply::ok(Got::One { found: attr.is_some(), attr }))
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
#[serde(untagged)]
enum Exists {
    One { result: bool },
    Many { result: Pairs<bool> },
}

async fn exists(call: Call, read: Read<Named>) -> Answer<Exists> {
    let ((actor, target), named) = read?;
    let is_one = matches!(named, Named::One(_));
    let found = call.sso.attrs_exist(&call.ctx, actor, &target, named.into_names()).await?;
    Ok(Reply::ok(if is_one {
        Exists::One { result: found.iter().any(|(_, exists)| *exists) }
    } else {
        Exists::Many { result: Pairs(found) }
    }))
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
struct Listed {
    result: Vec<String>,
}

async fn names(call: Call, (actor, target): Scope) -> Answer<Listed> {
    let result = call.sso.attr_names(&call.ctx, actor, &target).await?;
    Ok(Reply::ok(Listed { result }))
}

/// Names and what belongs to them, as an object.
#[derive(Debug)]
struct Pairs<T>(Vec<(String, T)>);

impl<T: JsonSchema> JsonSchema for Pairs<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("Pairs_of_{}", T::schema_name()).into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "object", "additionalProperties": generator.subschema_for::<T>()})
    }
}

impl<T: Serialize> Serialize for Pairs<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}
