//! Custom attributes of users and of sessions: what comes out, for whom, until when, and all or nothing.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use zato_sso::domain::{Attr, AttrValue, Code, Timestamp, Ust};
use zato_sso::ops::{Actor, AttrExpiry, AttrItem, AttrTarget, AttrWrite};

use crate::support::{Kind, World, any_rows, ctx, dump, execute, refusal};

on_both_databases! {
    create_update_and_set_differ_in_what_must_be_there;
    any_json_value_comes_out_as_it_was_put_in;
    an_expired_attribute_does_not_exist_and_its_name_is_free;
    an_update_keeps_what_it_is_not_given;
    deleting_and_looking_do_not_mind_what_is_missing;
    names_and_values_have_limits;
    many_calls_are_all_or_nothing;
    a_thousand_attributes_are_written_at_once;
    an_encrypted_value_is_not_in_the_database_and_does_not_open_elsewhere;
    users_reach_their_own_attributes_and_super_users_anybodys;
    sessions_have_attributes_of_their_own_which_end_with_them;
    several_at_once_create_a_name_once;
    entries_of_the_trail_hold_a_count_and_no_value;
    a_name_that_stands_in_a_list_twice_is_refused;
}

/// Who acts, and on whose attributes.
pub type Scope = (Actor, AttrTarget);

fn own(ust: &Ust) -> Scope {
    (ust.into(), AttrTarget::User(None))
}

fn of_user(ust: &Ust, user_id: &str) -> Scope {
    (ust.into(), AttrTarget::User(Some(user_id.to_owned())))
}

fn of_session(target: &Ust, current: &Ust) -> Scope {
    (current.into(), AttrTarget::Session(Some(target.clone())))
}

pub fn item(name: &str, value: &Value) -> AttrItem {
    AttrItem {
        name: name.to_owned(),
        value: AttrValue::from(value),
        expiration: None,
        encrypt: None,
        user_id: None,
    }
}

pub fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// Both kinds of owners: a session's user, and the session itself.
pub async fn scopes(world: &World) -> [Scope; 2] {
    world.user("user1").await;
    let info = world.login("user1").await;
    [own(&info.ust), of_session(&info.ust, &info.ust)]
}

impl World {
    pub async fn write(
        &self,
        scope: &Scope,
        write: AttrWrite,
        items: Vec<AttrItem>,
    ) -> zato_sso::domain::Result<()> {
        self.sso.write_attrs(&ctx(), &scope.0, &scope.1, write, items).await
    }

    async fn attr(&self, scope: &Scope, name: &str) -> Option<Attr> {
        self.sso.get_attrs(&ctx(), &scope.0, &scope.1, names(&[name]), true).await.unwrap().remove(0).1
    }

    async fn value(&self, scope: &Scope, name: &str) -> Option<Value> {
        self.attr(scope, name).await.map(|attr| attr.value.unwrap().to_json().unwrap())
    }

    pub async fn names(&self, scope: &Scope) -> Vec<String> {
        self.sso.attr_names(&ctx(), &scope.0, &scope.1).await.unwrap()
    }
}

async fn create_update_and_set_differ_in_what_must_be_there(kind: Kind) {
    let world = World::new(kind).await;
    for scope in scopes(&world).await {
        let one = |value: i64| vec![item("a", &json!(value))];
        assert_eq!(refusal(world.write(&scope, AttrWrite::Update, one(1)).await), Code::AttrNoSuchAttr);
        assert!(world.attr(&scope, "a").await.is_none());
        world.write(&scope, AttrWrite::Create, one(1)).await.unwrap();
        let made = world.attr(&scope, "a").await.unwrap();
        let now = made.creation_time;
        assert_eq!((made.last_modified, made.expiration_time), (now, Timestamp::NEVER));
        assert!(!made.is_encrypted);
        world.clock.advance_seconds(5);
        assert_eq!(refusal(world.write(&scope, AttrWrite::Create, one(2)).await), Code::AttrAlreadyExists);
        assert_eq!(world.value(&scope, "a").await, Some(json!(1)));
        world.write(&scope, AttrWrite::Update, one(3)).await.unwrap();
        let updated = world.attr(&scope, "a").await.unwrap();
        assert_eq!((updated.creation_time, updated.last_modified), (now, now.plus_seconds(5)));
        world.write(&scope, AttrWrite::Set, one(4)).await.unwrap();
        world.write(&scope, AttrWrite::Set, vec![item("b", &json!("new"))]).await.unwrap();
        assert_eq!(world.value(&scope, "a").await, Some(json!(4)));
        assert_eq!(world.value(&scope, "b").await, Some(json!("new")));
    }
}

/// Any JSON value, the awkward ones among them.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        "[\\x00-\\x1f\"\\\\]{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

async fn any_json_value_comes_out_as_it_was_put_in(kind: Kind) {
    let world = World::new(kind).await;
    let scopes = scopes(&world).await;
    let name = "[^\\x00]{1,191}";
    let cases = (prop::collection::btree_map(name, (any_json(), any::<bool>()), 1..6), 0..2_usize);
    let runtime = tokio::runtime::Handle::current();
    let mut runner = TestRunner::new(Config { cases: 40, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&cases, |(attrs, scope)| {
        let scope = &scopes[scope];
        tokio::task::block_in_place(|| {
            runtime.block_on(async {
                let items: Vec<AttrItem> = attrs
                    .iter()
                    .map(|(name, (value, encrypt))| AttrItem { encrypt: Some(*encrypt), ..item(name, value) })
                    .collect();
                world.write(scope, AttrWrite::Set, items.clone()).await.unwrap();
                let asked: Vec<String> = attrs.keys().cloned().collect();
                let found = world.sso.get_attrs(&ctx(), &scope.0, &scope.1, asked, true).await.unwrap();
                for (item, (name, attr)) in items.iter().zip(found) {
                    let attr = attr.unwrap();
                    assert_eq!((&item.name, &item.name), (&name, &attr.name));
                    assert_eq!(item.value.as_json_text(), attr.value.unwrap().as_json_text());
                    assert_eq!(item.encrypt, Some(attr.is_encrypted));
                }
            });
        });
        Ok(())
    });
    outcome.unwrap();
}

async fn an_expired_attribute_does_not_exist_and_its_name_is_free(kind: Kind) {
    let world = World::new(kind).await;
    for scope in scopes(&world).await {
        let brief = |value: i64| vec![AttrItem { expiration: Some(10), ..item("a", &json!(value)) }];
        world.write(&scope, AttrWrite::Create, brief(1)).await.unwrap();
        let made = world.attr(&scope, "a").await.unwrap();
        assert_eq!(made.expiration_time, made.creation_time.plus_seconds(10));
        world.clock.advance_seconds(9);
        assert!(world.attr(&scope, "a").await.is_some());
        world.clock.advance_seconds(1);
        assert!(world.attr(&scope, "a").await.is_none());
        assert_eq!(world.names(&scope).await, Vec::<String>::new());
        assert!(world.sso.all_attrs(&ctx(), &scope.0, &scope.1, true).await.unwrap().is_empty());
        let exists = world.sso.attrs_exist(&ctx(), &scope.0, &scope.1, names(&["a"])).await.unwrap();
        assert_eq!(exists, [("a".to_owned(), false)]);
        assert_eq!(refusal(world.write(&scope, AttrWrite::Update, brief(2)).await), Code::AttrNoSuchAttr);
        let expiry = vec![AttrExpiry { name: "a".to_owned(), expiration: None, user_id: None }];
        let revived = world.sso.set_attr_expiry(&ctx(), &scope.0, &scope.1, expiry.clone()).await;
        assert_eq!(refusal(revived), Code::AttrNoSuchAttr);

        // Nothing of the one before shows in the new one.
        world.write(&scope, AttrWrite::Create, vec![item("a", &json!(3))]).await.unwrap();
        let new = world.attr(&scope, "a").await.unwrap();
        assert_eq!(new.creation_time, made.creation_time.plus_seconds(10));
        assert_eq!(new.expiration_time, Timestamp::NEVER);
        let sooner = vec![AttrExpiry { expiration: Some(60), ..expiry[0].clone() }];
        world.sso.set_attr_expiry(&ctx(), &scope.0, &scope.1, sooner).await.unwrap();
        let ending = world.attr(&scope, "a").await.unwrap();
        assert_eq!(ending.expiration_time, new.creation_time.plus_seconds(60));
        assert_eq!((ending.value, ending.last_modified), (new.value, new.last_modified));
        world.sso.set_attr_expiry(&ctx(), &scope.0, &scope.1, expiry).await.unwrap();
        assert_eq!(world.attr(&scope, "a").await.unwrap().expiration_time, Timestamp::NEVER);
    }
}

async fn an_update_keeps_what_it_is_not_given(kind: Kind) {
    let world = World::new(kind).await;
    for scope in scopes(&world).await {
        let sealed = AttrItem { expiration: Some(60), encrypt: Some(true), ..item("a", &json!("secret")) };
        world.write(&scope, AttrWrite::Create, vec![sealed]).await.unwrap();
        let made = world.attr(&scope, "a").await.unwrap();
        for write in [AttrWrite::Update, AttrWrite::Set] {
            world.clock.advance_seconds(1);
            world.write(&scope, write, vec![item("a", &json!("other"))]).await.unwrap();
            let kept = world.attr(&scope, "a").await.unwrap();
            assert_eq!((kept.is_encrypted, kept.expiration_time), (true, made.expiration_time));
        }
        let given = AttrItem { expiration: Some(5), encrypt: Some(false), ..item("a", &json!("plain")) };
        world.write(&scope, AttrWrite::Update, vec![given]).await.unwrap();
        let changed = world.attr(&scope, "a").await.unwrap();
        assert!(!changed.is_encrypted);
        assert_eq!(changed.expiration_time, made.creation_time.plus_seconds(2 + 5));
    }
}

async fn deleting_and_looking_do_not_mind_what_is_missing(kind: Kind) {
    let world = World::new(kind).await;
    for scope in scopes(&world).await {
        let items = vec![item("b", &json!(2)), item("a", &json!(1)), item("é", &json!(3))];
        world.write(&scope, AttrWrite::Create, items).await.unwrap();
        assert_eq!(world.names(&scope).await, ["a", "b", "é"]);
        let exist =
            world.sso.attrs_exist(&ctx(), &scope.0, &scope.1, names(&["é", "none", "a"])).await.unwrap();
        let expected = [("é".to_owned(), true), ("none".to_owned(), false), ("a".to_owned(), true)];
        assert_eq!(exist, expected);
        let got = world.sso.get_attrs(&ctx(), &scope.0, &scope.1, names(&["none", "a"]), true).await.unwrap();
        assert!(got[0].1.is_none() && got[1].1.is_some());
        for _ in 0..2 {
            world.sso.delete_attrs(&ctx(), &scope.0, &scope.1, names(&["a", "none", "é"])).await.unwrap();
            assert_eq!(world.names(&scope).await, ["b"]);
        }
        assert!(world.sso.get_attrs(&ctx(), &scope.0, &scope.1, Vec::new(), true).await.unwrap().is_empty());
    }
}

async fn names_and_values_have_limits(kind: Kind) {
    let world = World::new(kind).await;
    let [scope, _] = scopes(&world).await;
    let longest = "é".repeat(191);
    world.write(&scope, AttrWrite::Set, vec![item(&longest, &json!(1))]).await.unwrap();
    assert_eq!(world.names(&scope).await, [longest.as_str()]);
    for name in ["", "a\0b", &"x".repeat(192)] {
        let written = world.write(&scope, AttrWrite::Set, vec![item(name, &json!(1))]).await;
        assert_eq!(refusal(written), Code::CommonInvalidInput, "{name:?}");
        let got = world.sso.get_attrs(&ctx(), &scope.0, &scope.1, names(&[name]), true).await;
        assert_eq!(refusal(got), Code::CommonInvalidInput, "{name:?}");
    }
    let text = |length: usize| json!("x".repeat(length - 2));
    world.write(&scope, AttrWrite::Set, vec![item("a", &text(65_536))]).await.unwrap();
    let too_long = world.write(&scope, AttrWrite::Set, vec![item("a", &text(65_537))]).await;
    assert_eq!(refusal(too_long), Code::CommonInvalidInput);
    for seconds in [0, -1, i64::MIN] {
        let past = AttrItem { expiration: Some(seconds), ..item("a", &json!(1)) };
        let written = world.write(&scope, AttrWrite::Set, vec![past]).await;
        assert_eq!(refusal(written), Code::CommonInvalidInput);
    }
    let far = AttrItem { expiration: Some(i64::MAX), ..item("a", &json!(1)) };
    world.write(&scope, AttrWrite::Set, vec![far]).await.unwrap();
    assert_eq!(world.attr(&scope, "a").await.unwrap().expiration_time, Timestamp::NEVER);
    assert_eq!(refusal(world.write(&scope, AttrWrite::Set, Vec::new()).await), Code::CommonMissingInput);
}

async fn many_calls_are_all_or_nothing(kind: Kind) {
    let world = World::new(kind).await;
    let scopes = scopes(&world).await;
    let runtime = tokio::runtime::Handle::current();
    for scope in &scopes {
        let before = vec![item("there1", &json!("before")), item("there2", &json!("before"))];
        world.write(scope, AttrWrite::Create, before).await.unwrap();
    }
    let before = ["there1", "there2"];
    let cases = (0..6_usize, 1..6_usize, 0..2_usize);
    let mut runner = TestRunner::new(Config { cases: 30, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&cases, |(position, count, scope)| {
        let scope = &scopes[scope];
        tokio::task::block_in_place(|| {
            runtime.block_on(async {
                for (write, good, bad, code) in [
                    (AttrWrite::Create, "new", item("there1", &json!(1)), Code::AttrAlreadyExists),
                    (AttrWrite::Update, "there", item("missing", &json!(1)), Code::AttrNoSuchAttr),
                    (AttrWrite::Set, "new", item("", &json!(1)), Code::CommonInvalidInput),
                    (AttrWrite::Set, "new", item("new1", &json!(1)), Code::CommonInvalidInput),
                ] {
                    let known = if good == "there" { 2 } else { count };
                    let mut items: Vec<AttrItem> =
                        (1..=known).map(|number| item(&format!("{good}{number}"), &json!("after"))).collect();
                    items.insert(position.min(items.len()), bad);
                    assert_eq!(refusal(world.write(scope, write, items).await), code);
                    assert_eq!(world.names(scope).await, before);
                    assert_eq!(world.value(scope, "there2").await, Some(json!("before")));
                }
            });
        });
        Ok(())
    });
    outcome.unwrap();
    let expiry = |name: &str| AttrExpiry { name: name.to_owned(), expiration: Some(5), user_id: None };
    let some = vec![expiry("there1"), expiry("missing")];
    assert_eq!(
        refusal(world.sso.set_attr_expiry(&ctx(), &scopes[0].0, &scopes[0].1, some).await),
        Code::AttrNoSuchAttr
    );
    assert_eq!(world.attr(&scopes[0], "there1").await.unwrap().expiration_time, Timestamp::NEVER);
}

async fn a_thousand_attributes_are_written_at_once(kind: Kind) {
    let world = World::new(kind).await;
    for scope in scopes(&world).await {
        let all = |value: &str| -> Vec<AttrItem> {
            (0..1000).map(|number| item(&format!("name{number:04}"), &json!([value, number]))).collect()
        };
        world.write(&scope, AttrWrite::Create, all("one")).await.unwrap();
        world.write(&scope, AttrWrite::Update, all("two")).await.unwrap();
        world.write(&scope, AttrWrite::Set, all("three")).await.unwrap();
        let found = world.sso.all_attrs(&ctx(), &scope.0, &scope.1, true).await.unwrap();
        assert_eq!(found.len(), 1000);
        assert_eq!(found[999].value, Some(AttrValue::from(&json!(["three", 999]))));
        let asked: Vec<String> = found.into_iter().map(|attr| attr.name).collect();
        let exist = world.sso.attrs_exist(&ctx(), &scope.0, &scope.1, asked.clone()).await.unwrap();
        assert!(exist.iter().all(|(_, exists)| *exists));
        world.sso.delete_attrs(&ctx(), &scope.0, &scope.1, asked).await.unwrap();
        assert_eq!(world.names(&scope).await, Vec::<String>::new());
    }
}

/// Only PostgreSQL has triggers that count statements; which statements are run is decided for both at one place.
#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_attributes_take_one_statement_of_one_transaction() {
    let world = World::new(Kind::Postgres).await;
    for (scope, table) in scopes(&world).await.into_iter().zip(["sso_user_attr", "sso_session_attr"]) {
        execute(&world, "CREATE TABLE IF NOT EXISTS written (what text, number bigint)").await;
        let counted = "CREATE OR REPLACE FUNCTION counted() RETURNS trigger LANGUAGE plpgsql AS \
            $$ BEGIN INSERT INTO written VALUES (TG_OP, txid_current()); RETURN NULL; END $$";
        execute(&world, counted).await;
        let trigger = format!(
            "CREATE TRIGGER counted AFTER INSERT OR UPDATE OR DELETE ON {table} FOR EACH STATEMENT \
             EXECUTE FUNCTION counted()"
        );
        execute(&world, &trigger).await;
        let all: Vec<AttrItem> =
            (0..1000).map(|number| item(&format!("name{number}"), &json!(number))).collect();
        let asked: Vec<String> = all.iter().map(|item| item.name.clone()).collect();
        for write in [AttrWrite::Create, AttrWrite::Update, AttrWrite::Set] {
            world.write(&scope, write, all.clone()).await.unwrap();
        }
        let expiry = |name: &String| AttrExpiry { name: name.clone(), expiration: Some(60), user_id: None };
        world
            .sso
            .set_attr_expiry(&ctx(), &scope.0, &scope.1, asked.iter().map(expiry).collect())
            .await
            .unwrap();
        world.sso.delete_attrs(&ctx(), &scope.0, &scope.1, asked).await.unwrap();
        let transactions = "SELECT count(DISTINCT number)::text FROM written";
        assert_eq!(any_rows(&world, transactions).await, [b"5"]);
        // An upsert fires the triggers of both that it may do.
        let statements = "SELECT string_agg(what || ' ' || n, ', ' ORDER BY what) FROM \
            (SELECT what, count(*) AS n FROM written GROUP BY what) AS grouped";
        let told = any_rows(&world, statements).await.remove(0);
        assert_eq!(String::from_utf8(told).unwrap(), "DELETE 1, INSERT 3, UPDATE 4");
        execute(&world, "DELETE FROM written").await;
    }
}

async fn an_encrypted_value_is_not_in_the_database_and_does_not_open_elsewhere(kind: Kind) {
    let world = World::new(kind).await;
    for (scope, table) in scopes(&world).await.into_iter().zip(["sso_user_attr", "sso_session_attr"]) {
        let sealed = |name: &str, value: &str| AttrItem { encrypt: Some(true), ..item(name, &json!(value)) };
        let items = vec![sealed("a", "planted-one"), sealed("b", "planted-two"), item("c", &json!("shown"))];
        world.write(&scope, AttrWrite::Create, items).await.unwrap();
        let text = dump(&world).await;
        assert!(!text.contains("planted") && text.contains("shown"));

        let closed =
            world.sso.get_attrs(&ctx(), &scope.0, &scope.1, names(&["a", "c"]), false).await.unwrap();
        assert!(closed[0].1.as_ref().unwrap().value.is_none());
        assert_eq!(closed[1].1.as_ref().unwrap().value, Some(AttrValue::from(&json!("shown"))));

        let get =
            async |name: &str| world.sso.get_attrs(&ctx(), &scope.0, &scope.1, names(&[name]), true).await;
        let copy = |from: &str, to: &str| {
            format!(
                "UPDATE {table} SET value = (SELECT value FROM {table} WHERE name = '{from}') WHERE name = '{to}'"
            )
        };
        execute(&world, &copy("b", "a")).await;
        assert!(get("a").await.unwrap_err().to_string().contains("does not decrypt"));
        // A value in clear is not taken for one that is encrypted.
        execute(&world, &copy("c", "b")).await;
        assert!(get("b").await.unwrap_err().to_string().contains("is not encrypted"));
    }
}

async fn users_reach_their_own_attributes_and_super_users_anybodys(kind: Kind) {
    let world = World::new(kind).await;
    world.super_user("root1").await;
    let (one, two) = (world.user("user1").await, world.user("user2").await);
    let (root, user) = (world.login("root1").await, world.login("user1").await);
    let sso = &world.sso;
    let set = async |scope: Scope, items: Vec<AttrItem>| {
        sso.write_attrs(&ctx(), &scope.0, &scope.1, AttrWrite::Set, items).await
    };
    let by_root = of_user(&root.ust, two.user_id.as_str());
    set(by_root.clone(), vec![item("a", &json!("two"))]).await.unwrap();
    set(own(&user.ust), vec![item("a", &json!("one"))]).await.unwrap();
    set(of_user(&user.ust, one.user_id.as_str()), vec![item("b", &json!("one"))]).await.unwrap();
    assert_eq!(world.value(&by_root, "a").await, Some(json!("two")));
    assert_eq!(world.names(&own(&user.ust)).await, ["a", "b"]);
    assert_eq!(world.names(&of_user(&root.ust, one.user_id.as_str())).await, ["a", "b"]);

    let foreign = of_user(&user.ust, two.user_id.as_str());
    assert_eq!(refusal(set(foreign.clone(), vec![item("a", &json!(1))]).await), Code::AuthNotAllowed);
    assert_eq!(refusal(world.sso.attr_names(&ctx(), &foreign.0, &foreign.1).await), Code::AuthNotAllowed);
    assert_eq!(
        refusal(world.sso.delete_attrs(&ctx(), &foreign.0, &foreign.1, names(&["a"])).await),
        Code::AuthNotAllowed
    );
    let to = |user_id: &str| AttrItem { user_id: Some(user_id.to_owned()), ..item("c", &json!(1)) };
    let mixed = vec![item("d", &json!(1)), to(two.user_id.as_str())];
    assert_eq!(refusal(set(own(&user.ust), mixed.clone()).await), Code::AuthNotAllowed);
    assert_eq!(world.names(&own(&user.ust)).await, ["a", "b"]);

    // Each item where it belongs.
    set(own(&root.ust), mixed).await.unwrap();
    assert_eq!(world.names(&own(&root.ust)).await, ["d"]);
    assert_eq!(world.names(&by_root).await, ["a", "c"]);

    let nobody = "zusr00000000000000000000000000";
    for user_id in [nobody, "x\0", ""] {
        let scope = of_user(&root.ust, user_id);
        assert_eq!(refusal(set(scope.clone(), vec![item("a", &json!(1))]).await), Code::UserIdInvalid);
        assert_eq!(refusal(world.sso.attr_names(&ctx(), &scope.0, &scope.1).await), Code::UserIdInvalid);
        let delete = world.sso.delete_attrs(&ctx(), &scope.0, &scope.1, names(&["a"])).await;
        assert_eq!(refusal(delete), Code::UserIdInvalid);
    }
    let some = vec![item("e", &json!(1)), to(nobody)];
    assert_eq!(refusal(set(own(&root.ust), some).await), Code::UserIdInvalid);
    assert_eq!(world.names(&own(&root.ust)).await, ["d"]);
    let none = own(&Ust::from("zustnone"));
    assert_eq!(refusal(world.sso.attr_names(&ctx(), &none.0, &none.1).await), Code::SessionNoSuchSession);
}

async fn sessions_have_attributes_of_their_own_which_end_with_them(kind: Kind) {
    let world = World::new(kind).await;
    world.super_user("root1").await;
    let (user, other) = (world.user("user1").await, world.user("user2").await);
    let root = world.login("root1").await;
    let (one, two) = (world.login("user1").await, world.login("user1").await);
    let stranger = world.login("user2").await;
    let sso = &world.sso;
    let set = async |scope: Scope, items: Vec<AttrItem>| {
        sso.write_attrs(&ctx(), &scope.0, &scope.1, AttrWrite::Set, items).await
    };
    let (first, second) = (of_session(&one.ust, &one.ust), of_session(&two.ust, &two.ust));
    set(first.clone(), vec![item("a", &json!("first"))]).await.unwrap();
    set(second.clone(), vec![item("a", &json!("second"))]).await.unwrap();
    set(own(&one.ust), vec![item("a", &json!("user"))]).await.unwrap();
    assert_eq!(world.value(&first, "a").await, Some(json!("first")));
    assert_eq!(world.value(&second, "a").await, Some(json!("second")));
    assert_eq!(world.value(&own(&one.ust), "a").await, Some(json!("user")));

    // One's other session, and anybody's for super-users; not a stranger's.
    assert_eq!(world.value(&of_session(&two.ust, &one.ust), "a").await, Some(json!("second")));
    assert_eq!(world.value(&of_session(&two.ust, &root.ust), "a").await, Some(json!("second")));
    let foreign = of_session(&one.ust, &stranger.ust);
    assert_eq!(refusal(world.sso.attr_names(&ctx(), &foreign.0, &foreign.1).await), Code::AuthNotAllowed);
    assert_eq!(refusal(set(foreign, vec![item("a", &json!(1))]).await), Code::AuthNotAllowed);

    let of = |user_id: &str| vec![AttrItem { user_id: Some(user_id.to_owned()), ..item("b", &json!(1)) }];
    set(first.clone(), of(user.user_id.as_str())).await.unwrap();
    let wrong = set(first.clone(), of(other.user_id.as_str())).await;
    assert_eq!(refusal(wrong), Code::CommonInvalidInput);

    world.sso.logout(&ctx(), &one.ust).await.unwrap();
    assert_eq!(any_rows(&world, "SELECT value FROM sso_session_attr").await.len(), 1);
    assert_eq!(
        refusal(world.sso.attr_names(&ctx(), &root.ust, &AttrTarget::Session(Some(one.ust.clone()))).await),
        Code::SessionNoSuchSession
    );
    world.clock.advance_seconds(60 * 60);
    assert_eq!(refusal(world.sso.attr_names(&ctx(), &second.0, &second.1).await), Code::SessionExpired);
}

async fn several_at_once_create_a_name_once(kind: Kind) {
    let world = World::new(kind).await;
    let [scope, _] = scopes(&world).await;
    let tasks: Vec<_> = (0..10)
        .map(|number| {
            let (sso, scope) = (world.sso.clone(), scope.clone());
            // In different orders, which could make them wait for each other.
            let mut items = vec![item("a", &json!(number)), item("b", &json!(number))];
            if number % 2 == 0 {
                items.reverse();
            }
            tokio::spawn(async move {
                sso.write_attrs(&ctx(), &scope.0, &scope.1, AttrWrite::Create, items).await
            })
        })
        .collect();
    let mut created = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(()) => created += 1,
            refused => assert_eq!(refusal(refused), Code::AttrAlreadyExists),
        }
    }
    assert_eq!(created, 1);
    assert_eq!(world.value(&scope, "a").await, world.value(&scope, "b").await);
}

async fn entries_of_the_trail_hold_a_count_and_no_value(kind: Kind) {
    let world = World::new(kind).await;
    let root = world.super_user("root1").await;
    let info = world.login("root1").await;
    let user = world.user("user1").await;
    let items = vec![item("name-planted", &json!("value-planted")), item("b", &json!(1))];
    let scope = of_user(&info.ust, user.user_id.as_str());
    world.write(&scope, AttrWrite::Create, items.clone()).await.unwrap();
    assert_eq!(refusal(world.write(&scope, AttrWrite::Create, items).await), Code::AttrAlreadyExists);
    world.attr(&scope, "b").await.unwrap();
    let row = "SELECT op || '|' || result || '|' || actor_id || '|' || target_id || '|' || extra FROM sso_audit \
        WHERE op LIKE 'user.attr%' ORDER BY audit_id";
    let mut rows: Vec<String> =
        any_rows(&world, row).await.into_iter().map(|row| String::from_utf8(row).unwrap()).collect();
    rows.sort();
    let (by, on) = (root.user_id, user.user_id);
    assert_eq!(
        rows,
        [
            format!("user.attr_create|E009001|{by}|{on}|{{\"attributes\":\"2\"}}"),
            format!("user.attr_create|ok|{by}|{on}|{{\"attributes\":\"2\"}}"),
            format!("user.attr_get|ok|{by}|{on}|{{\"attributes\":\"1\"}}"),
        ]
    );
}

async fn a_name_that_stands_in_a_list_twice_is_refused(kind: Kind) {
    let world = World::new(kind).await;
    for scope in scopes(&world).await {
        let (actor, target) = (&scope.0, &scope.1);
        world.write(&scope, AttrWrite::Set, vec![item("a", &json!(1))]).await.unwrap();
        let twice = || names(&["a", "b", "a"]);
        let got = world.sso.get_attrs(&ctx(), actor, target, twice(), true).await;
        assert_eq!(refusal(got), Code::CommonInvalidInput);
        let exist = world.sso.attrs_exist(&ctx(), actor, target, twice()).await;
        assert_eq!(refusal(exist), Code::CommonInvalidInput);
        let deleted = world.sso.delete_attrs(&ctx(), actor, target, twice()).await;
        assert_eq!(refusal(deleted), Code::CommonInvalidInput);
        let expiry = |name: &str| AttrExpiry { name: name.to_owned(), expiration: Some(5), user_id: None };
        let ends = world.sso.set_attr_expiry(&ctx(), actor, target, vec![expiry("a"), expiry("a")]).await;
        assert_eq!(refusal(ends), Code::CommonInvalidInput);
        for write in [AttrWrite::Create, AttrWrite::Update, AttrWrite::Set] {
            let items = vec![item("a", &json!(2)), item("a", &json!(3))];
            assert_eq!(refusal(world.write(&scope, write, items).await), Code::CommonInvalidInput);
        }
        assert_eq!(world.value(&scope, "a").await, Some(json!(1)));
    }
}
