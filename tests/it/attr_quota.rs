//! What the attributes of a user or a session may take: `attr.*` in the configuration.

use serde_json::json;
use zato_sso::domain::Code;
use zato_sso::ops::{Actor, AttrExpiry, AttrItem, AttrTarget, AttrWrite};

use crate::attr::{item, names, scopes};
use crate::support::{Kind, World, ctx, refusal};

on_both_databases! {
    an_owner_has_so_many_attributes_and_no_more;
    the_values_of_an_owner_take_so_many_bytes_and_no_more;
    what_is_above_the_quotas_stays_readable_and_may_shrink;
    several_at_once_do_not_pass_a_quota_together;
    the_sessions_of_a_user_have_so_much_together;
    an_answer_holds_so_much_and_no_more;
}

async fn an_owner_has_so_many_attributes_and_no_more(kind: Kind) {
    let world = World::with(kind, json!({"attr.max_per_owner": 3})).await;
    for scope in scopes(&world).await {
        let many = |names: &[&str]| names.iter().map(|name| item(name, &json!(1))).collect::<Vec<_>>();
        let short = AttrItem { expiration: Some(5), ..item("c", &json!(1)) };
        world.write(&scope, AttrWrite::Create, many(&["a", "b"])).await.unwrap();
        assert_eq!(
            refusal(world.write(&scope, AttrWrite::Set, many(&["c", "d"])).await),
            Code::CommonInvalidInput
        );
        world.write(&scope, AttrWrite::Set, vec![short]).await.unwrap();
        assert_eq!(
            refusal(world.write(&scope, AttrWrite::Set, many(&["d"])).await),
            Code::CommonInvalidInput
        );
        world.write(&scope, AttrWrite::Set, many(&["a", "b", "c"])).await.unwrap();
        let short = AttrExpiry { name: "c".to_owned(), expiration: Some(5), user_id: None };
        world.sso.set_attr_expiry(&ctx(), &scope.0, &scope.1, vec![short]).await.unwrap();
        // What has expired leaves its place.
        world.clock.advance_seconds(6);
        world.write(&scope, AttrWrite::Create, many(&["d"])).await.unwrap();
        assert_eq!(world.names(&scope).await, ["a", "b", "d"]);
        assert_eq!(
            refusal(world.write(&scope, AttrWrite::Set, many(&["e"])).await),
            Code::CommonInvalidInput
        );
    }
}

async fn the_values_of_an_owner_take_so_many_bytes_and_no_more(kind: Kind) {
    let limits = json!({"attr.max_bytes_per_owner": 300, "attr.max_value_bytes": 200});
    let world = World::with(kind, limits).await;
    for scope in scopes(&world).await {
        let long = |name: &str, length: usize| vec![item(name, &json!("x".repeat(length)))];
        assert_eq!(
            refusal(world.write(&scope, AttrWrite::Set, long("a", 199)).await),
            Code::CommonInvalidInput
        );
        world.write(&scope, AttrWrite::Set, long("a", 198)).await.unwrap();
        world.write(&scope, AttrWrite::Set, long("b", 50)).await.unwrap();
        for write in [AttrWrite::Create, AttrWrite::Set] {
            assert_eq!(refusal(world.write(&scope, write, long("c", 100)).await), Code::CommonInvalidInput);
        }
        assert_eq!(
            refusal(world.write(&scope, AttrWrite::Update, long("b", 150)).await),
            Code::CommonInvalidInput
        );
        assert_eq!(world.names(&scope).await, ["a", "b"]);
        world.write(&scope, AttrWrite::Update, long("a", 50)).await.unwrap();
        world.write(&scope, AttrWrite::Update, long("b", 150)).await.unwrap();
    }
}

async fn what_is_above_the_quotas_stays_readable_and_may_shrink(kind: Kind) {
    let free = json!({"attr.max_per_owner": 0, "attr.max_bytes_per_owner": 0, "attr.max_value_bytes": 0});
    let world = World::with(kind, free).await;
    let [scope, _] = scopes(&world).await;
    let large = |name: &str| item(name, &json!("x".repeat((1 << 20) - 2)));
    world.write(&scope, AttrWrite::Set, vec![large("a"), large("b"), item("c", &json!(1))]).await.unwrap();
    let too_long = item("d", &json!("x".repeat(1 << 20)));
    assert_eq!(refusal(world.write(&scope, AttrWrite::Set, vec![too_long]).await), Code::CommonInvalidInput);

    let sso = world.reopened(json!({"attr.max_per_owner": 2})).await;
    let (actor, target) = (&scope.0, &scope.1);
    let got = sso.get_attrs(&ctx(), actor, target, names(&["a", "b", "c"]), true).await.unwrap();
    assert!(got.iter().all(|(_, attr)| attr.is_some()));
    assert_eq!(sso.all_attrs(&ctx(), actor, target, true).await.unwrap().len(), 3);
    let write = async |items| sso.write_attrs(&ctx(), actor, target, AttrWrite::Set, items).await;
    assert_eq!(refusal(write(vec![item("d", &json!(1))]).await), Code::CommonInvalidInput);
    assert_eq!(refusal(write(vec![item("c", &json!("longer"))]).await), Code::CommonInvalidInput);
    write(vec![item("a", &json!("short"))]).await.unwrap();
    sso.delete_attrs(&ctx(), actor, target, names(&["b", "c"])).await.unwrap();
    write(vec![item("d", &json!(1))]).await.unwrap();
}

async fn several_at_once_do_not_pass_a_quota_together(kind: Kind) {
    let world = World::with(kind, json!({"attr.max_per_owner": 5})).await;
    for scope in scopes(&world).await {
        let writes = (0..10).map(|number| {
            let (sso, (actor, target)) = (world.sso.clone(), scope.clone());
            tokio::spawn(async move {
                let items = vec![item(&format!("a{number}"), &json!(1))];
                sso.write_attrs(&ctx(), &actor, &target, AttrWrite::Create, items).await.is_ok()
            })
        });
        let mut written = 0;
        for write in writes.collect::<Vec<_>>() {
            written += usize::from(write.await.unwrap());
        }
        assert_eq!((written, world.names(&scope).await.len()), (5, 5));
    }
}

async fn the_sessions_of_a_user_have_so_much_together(kind: Kind) {
    let limits = json!({"attr.max_in_sessions": 5, "attr.max_bytes_in_sessions": 300});
    let world = World::with(kind, limits).await;
    for username in ["user1", "user2"] {
        world.user(username).await;
    }
    let session = async |username: &str| {
        let ust = world.login(username).await.ust;
        (Actor::from(&ust), AttrTarget::Session(Some(ust)))
    };
    let (first, second, other) = (session("user1").await, session("user1").await, session("user2").await);
    let set = async |scope: &(Actor, AttrTarget), name: &str, length: usize| {
        let items = vec![item(name, &json!("x".repeat(length)))];
        world.write(scope, AttrWrite::Set, items).await.map(drop)
    };
    for name in ["a", "b"] {
        set(&first, name, 1).await.unwrap();
        set(&second, name, 1).await.unwrap();
    }
    set(&second, "c", 1).await.unwrap();
    for scope in [&first, &second] {
        assert_eq!(refusal(set(scope, "d", 1).await), Code::CommonInvalidInput);
    }
    assert_eq!(refusal(set(&first, "a", 300).await), Code::CommonInvalidInput);
    set(&first, "a", 200).await.unwrap();
    assert_eq!(refusal(set(&second, "a", 200).await), Code::CommonInvalidInput);
    // Of somebody else, nothing counts.
    set(&other, "a", 200).await.unwrap();
    // Nor does what has ended.
    world.sso.logout(&ctx(), first.0.clone()).await.unwrap();
    set(&second, "d", 200).await.unwrap();
}

async fn an_answer_holds_so_much_and_no_more(kind: Kind) {
    let free = json!({"attr.max_per_owner": 0, "attr.max_bytes_per_owner": 0, "attr.max_value_bytes": 0});
    let world = World::with(kind, free).await;
    let [scope, _] = scopes(&world).await;
    let numbered: Vec<String> = (0..34).map(|number| format!("a{number}")).collect();
    let large = json!("x".repeat((1 << 20) - 100));
    for some in numbered.chunks(17) {
        world
            .write(&scope, AttrWrite::Set, some.iter().map(|name| item(name, &large)).collect())
            .await
            .unwrap();
    }
    let get =
        async |names: &[String]| world.sso.get_attrs(&ctx(), &scope.0, &scope.1, names.to_vec(), true).await;
    assert_eq!(refusal(get(&numbered).await), Code::CommonInvalidInput);
    assert_eq!(get(&numbered[..31]).await.unwrap().len(), 31);
}
