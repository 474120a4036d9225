//! Groups: who is in them, where membership shows, and what rights of a group allow.

use serde_json::json;
use zato_sso::domain::{Code, Edit, GroupUpdate, UserSearch, UserUpdate, Ust};
use zato_sso::ops::{Actor, ChangePassword, ResetTotpKey};

use crate::command::Folder;
use crate::rest::Server;
use crate::support::{Kind, PASSWORD, World, credentials, ctx, execute, refusal};

on_both_databases! {
    a_group_is_made_read_changed_and_deleted;
    a_name_is_one_groups_in_any_case;
    what_is_not_acceptable_is_refused;
    membership_shows_wherever_a_user_does;
    a_change_of_membership_is_seen_at_once_on_every_node;
    groups_of_oneself_cost_no_query;
    a_large_group_changes_for_all_its_members;
    members_come_in_pages;
    users_are_found_by_group;
    who_may_manage_users_does_that_and_nothing_else;
    who_manages_users_takes_over_no_account_in_silence;
    rights_are_not_given_in_a_session_that_is_not_fresh;
    who_manages_users_becomes_nobody_who_may_be_granted_more;
    changes_of_a_group_and_of_its_members_wait_for_each_other;
    the_command_manages_groups;
    rest_manages_groups;
}

pub fn named(name: &str) -> GroupUpdate {
    GroupUpdate { name: Edit::Set(name.to_owned()), ..GroupUpdate::default() }
}

pub fn managers(name: &str) -> GroupUpdate {
    GroupUpdate { can_manage_users: Edit::Set(true), ..named(name) }
}

pub fn process() -> Actor {
    Actor::Trusted(None)
}

async fn groups_of(world: &World, ust: &Ust) -> Vec<String> {
    world.sso.get_current_user(&ctx(), ust, false).await.unwrap().user.groups.clone()
}

async fn a_group_is_made_read_changed_and_deleted(kind: Kind) {
    let world = World::new(kind).await;
    world.super_user("root1").await;
    let root = world.login("root1").await.ust;
    let new = GroupUpdate {
        display_name: Edit::Set(" Sales people ".to_owned()),
        description: Edit::Set("All who sell".to_owned()),
        scopes: Edit::Set(vec!["orders:write".to_owned(), "orders:read".to_owned()]),
        can_read_audit: Edit::Set(true),
        ..named("Sales")
    };
    let made = world.sso.create_group(&ctx(), &root, new).await.unwrap();
    assert_eq!((made.group_id.as_str().len(), &made.group_id.as_str()[..4]), (30, "zgrp"));
    assert_eq!((made.name.as_str(), made.display_name.as_deref()), ("Sales", Some("Sales people")));
    assert_eq!(made.scopes, ["orders:read", "orders:write"]);
    assert!(made.can_read_audit && !made.can_manage_users);
    for name in [made.group_id.as_str(), "Sales", "sales", " SALES "] {
        assert_eq!(world.sso.get_group(&ctx(), &root, name).await.unwrap(), made, "{name}");
    }

    world.clock.advance_seconds(60);
    let update = GroupUpdate {
        display_name: Edit::Clear,
        scopes: Edit::Clear,
        can_read_audit: Edit::Set(false),
        ..named("Vertrieb")
    };
    let changed = world.sso.update_group(&ctx(), &root, "sales", update).await.unwrap();
    assert_eq!((changed.name.as_str(), &changed.display_name), ("Vertrieb", &None));
    assert_eq!(changed.description.as_deref(), Some("All who sell"));
    assert!(changed.scopes.is_empty() && !changed.can_read_audit);
    assert!(changed.last_modified > changed.creation_time);
    assert_eq!(world.sso.list_groups(&ctx(), &root).await.unwrap(), [changed]);
    assert_eq!(refusal(world.sso.get_group(&ctx(), &root, "sales").await), Code::GroupNoSuchGroup);

    world.sso.delete_group(&ctx(), &root, "vertrieb").await.unwrap();
    assert_eq!(refusal(world.sso.delete_group(&ctx(), &root, "vertrieb").await), Code::GroupNoSuchGroup);
    let none = world.sso.update_group(&ctx(), &root, "vertrieb", named("x")).await;
    assert_eq!(refusal(none), Code::GroupNoSuchGroup);
}

async fn a_name_is_one_groups_in_any_case(kind: Kind) {
    let world = World::new(kind).await;
    let (sso, by) = (&world.sso, process());
    sso.create_group(&ctx(), by.clone(), named("Sales")).await.unwrap();
    let other = sso.create_group(&ctx(), by.clone(), named("Support")).await.unwrap();
    assert_eq!(refusal(sso.create_group(&ctx(), by.clone(), named("SALES")).await), Code::GroupExists);
    let taken = sso.update_group(&ctx(), by.clone(), other.group_id.as_str(), named("sales")).await;
    assert_eq!(refusal(taken), Code::GroupExists);
    // Its own name in another case is another spelling.
    assert_eq!(
        sso.update_group(&ctx(), by.clone(), "support", named("SUPPORT")).await.unwrap().name,
        "SUPPORT"
    );
    let tries: Vec<_> = (0..8)
        .map(|_| {
            let sso = sso.clone();
            tokio::spawn(async move { sso.create_group(&ctx(), process(), named("one")).await.is_ok() })
        })
        .collect();
    let mut made = 0;
    for attempt in tries {
        made += usize::from(attempt.await.unwrap());
    }
    assert_eq!(made, 1);
}

async fn what_is_not_acceptable_is_refused(kind: Kind) {
    let world = World::new(kind).await;
    let user = world.user("user1").await;
    let (sso, by) = (&world.sso, process());
    let create = async |new: GroupUpdate| refusal(sso.create_group(&ctx(), process(), new).await);
    assert_eq!(create(GroupUpdate::default()).await, Code::CommonMissingInput);
    for wrong in ["", "  ", "a\u{200b}b", "zgrp0000", &"x".repeat(129), "a\0b"] {
        let code = create(named(wrong)).await;
        assert!(matches!(code, Code::CommonMissingInput | Code::CommonInvalidInput), "{wrong:?}: {code:?}");
    }
    let scoped = GroupUpdate { scopes: Edit::Set(vec!["a b".to_owned()]), ..named("ok") };
    assert_eq!(create(scoped).await, Code::CommonInvalidInput);
    let long = GroupUpdate { description: Edit::Set("x".repeat(70_000)), ..named("ok") };
    assert_eq!(create(long).await, Code::CommonInvalidInput);
    sso.create_group(&ctx(), by.clone(), named("ok")).await.unwrap();
    let nothing = sso.update_group(&ctx(), by.clone(), "ok", GroupUpdate::default()).await;
    assert_eq!(refusal(nothing), Code::CommonMissingInput);
    let add =
        async |group: &str, user_id: &str| sso.add_group_member(&ctx(), process(), group, user_id).await;
    assert_eq!(refusal(add("ok", "zusrnone").await), Code::UserIdInvalid);
    assert_eq!(refusal(add("a\0b", user.user_id.as_str()).await), Code::GroupNoSuchGroup);
    add("ok", user.user_id.as_str()).await.unwrap();
    add("ok", user.user_id.as_str()).await.unwrap();
    assert_eq!(sso.get_group(&ctx(), by, "ok").await.unwrap().num_members, 1);
}

async fn membership_shows_wherever_a_user_does(kind: Kind) {
    let world = World::new(kind).await;
    world.super_user("root1").await;
    let user = world.user("user1").await;
    let (root, ust) = (world.login("root1").await.ust, world.login("user1").await.ust);
    for name in ["b", "a", "c"] {
        world.sso.create_group(&ctx(), &root, named(name)).await.unwrap();
    }
    for name in ["b", "a"] {
        world.sso.add_group_member(&ctx(), &root, name, user.user_id.as_str()).await.unwrap();
    }
    assert_eq!(groups_of(&world, &ust).await, ["a", "b"]);
    let by_id = world.sso.get_user_by_id(&ctx(), &root, user.user_id.as_str(), false).await.unwrap();
    assert_eq!(by_id.user.groups, ["a", "b"]);
    let by_name = world.sso.get_user_by_username(&ctx(), "user1", true).await.unwrap().unwrap();
    assert_eq!(by_name.user.groups, ["a", "b"]);
    let found = world.sso.search_users(&ctx(), &root, UserSearch::default()).await.unwrap();
    let groups: Vec<_> = found.result.iter().map(|view| view.user.groups.clone()).collect();
    assert_eq!(groups, [vec![], vec!["a".to_owned(), "b".to_owned()]]);
    // A renamed one is known by its new name, and a deleted one is gone.
    world.sso.update_group(&ctx(), &root, "a", named("z")).await.unwrap();
    assert_eq!(groups_of(&world, &ust).await, ["b", "z"]);
    world.sso.delete_group(&ctx(), &root, "b").await.unwrap();
    assert_eq!(groups_of(&world, &ust).await, ["z"]);
    world.sso.delete_user_by_id(&ctx(), &root, user.user_id.as_str()).await.unwrap();
    assert_eq!(world.sso.get_group(&ctx(), &root, "z").await.unwrap().num_members, 0);
}

async fn a_change_of_membership_is_seen_at_once_on_every_node(kind: Kind) {
    let world = World::new(kind).await;
    let user = world.user("user1").await;
    let ust = world.login("user1").await.ust;
    world.sso.create_group(&ctx(), process(), named("sales")).await.unwrap();
    let other = world.reopened(json!({})).await;
    let seen = async |expected: &[&str]| {
        for _ in 0..100 {
            let groups = other.get_current_user(&ctx(), &ust, false).await.unwrap().user.groups.clone();
            if groups == expected {
                return true;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        false
    };
    // The other node has it in its cache each time before it changes.
    let cached = async || {
        for _ in 0..500 {
            other.get_current_user(&ctx(), &ust, false).await.unwrap();
            let context = ctx();
            if other.get_current_user_fast((&context).into(), ust.expose()).is_some() {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        panic!("it is not cached");
    };
    let user_id = user.user_id.as_str();
    assert!(seen(&[]).await);
    cached().await;
    world.sso.add_group_member(&ctx(), process(), "sales", user_id).await.unwrap();
    assert_eq!(groups_of(&world, &ust).await, ["sales"]);
    assert!(seen(&["sales"]).await);
    cached().await;
    world.sso.update_group(&ctx(), process(), "sales", named("trade")).await.unwrap();
    assert!(seen(&["trade"]).await);
    cached().await;
    world.sso.remove_group_member(&ctx(), process(), "trade", user_id).await.unwrap();
    assert_eq!(groups_of(&world, &ust).await, [""; 0]);
    assert!(seen(&[]).await);
    world.sso.add_group_member(&ctx(), process(), "trade", user_id).await.unwrap();
    assert!(seen(&["trade"]).await);
    cached().await;
    world.sso.delete_group(&ctx(), process(), "trade").await.unwrap();
    assert!(seen(&[]).await);
}

async fn groups_of_oneself_cost_no_query(kind: Kind) {
    let world = World::new(kind).await;
    let user = world.user("user1").await;
    let ust = world.login("user1").await.ust;
    world.sso.create_group(&ctx(), process(), named("sales")).await.unwrap();
    world.sso.add_group_member(&ctx(), process(), "sales", user.user_id.as_str()).await.unwrap();
    // On PostgreSQL the cache is of use once the listener listens.
    let mut is_cached = false;
    for _ in 0..200 {
        assert_eq!(groups_of(&world, &ust).await, ["sales"]);
        let context = ctx();
        if let Some(view) = world.sso.get_current_user_fast((&context).into(), ust.expose()) {
            assert_eq!(view.user.groups, ["sales"]);
            is_cached = true;
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert!(is_cached);
}

async fn a_large_group_changes_for_all_its_members(kind: Kind) {
    let world = World::new(kind).await;
    let user = world.user("user1").await;
    let ust = world.login("user1").await.ust;
    let group = world.sso.create_group(&ctx(), process(), named("all")).await.unwrap();
    world.sso.add_group_member(&ctx(), process(), "all", user.user_id.as_str()).await.unwrap();
    // As many others as are not named one by one, by hand.
    let numbers = if kind == Kind::Sqlite {
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 600) SELECT i FROM n"
    } else {
        "SELECT generate_series(1, 600) AS i"
    };
    let token = if kind == Kind::Sqlite { "randomblob(16)" } else { "gen_random_uuid()" };
    let users = format!(
        "INSERT INTO sso_user (user_id, user_token, username, email_is_claimed, is_active, is_internal, is_super_user, \
         is_locked, sign_up_status, sign_up_time, approval_status, approval_status_mod_time, password_must_change, \
         is_totp_enabled, totp_last_step, is_rate_limit_active, rate_limit_check_parent_def) \
         SELECT 'zusrx' || i, {token}, 'x' || i, FALSE, TRUE, FALSE, FALSE, FALSE, 'final', 1, 'approved', 1, FALSE, \
         FALSE, 0, FALSE, FALSE FROM ({numbers}) AS numbers"
    );
    execute(&world, &users).await;
    let members = format!(
        "INSERT INTO sso_group_member (group_id, user_id, added_time) \
         SELECT '{}', user_id, 1 FROM sso_user WHERE username LIKE 'x%'",
        group.group_id.as_str()
    );
    execute(&world, &members).await;
    assert_eq!(groups_of(&world, &ust).await, ["all"]);
    world.sso.update_group(&ctx(), process(), "all", named("everybody")).await.unwrap();
    assert_eq!(groups_of(&world, &ust).await, ["everybody"]);
    world.sso.delete_group(&ctx(), process(), "everybody").await.unwrap();
    assert_eq!(groups_of(&world, &ust).await, [""; 0]);
}

async fn members_come_in_pages(kind: Kind) {
    let world = World::new(kind).await;
    world.sso.create_group(&ctx(), process(), named("sales")).await.unwrap();
    let mut ids = Vec::new();
    for number in 0..5 {
        let user = world.user(&format!("user{number}")).await;
        world.sso.add_group_member(&ctx(), process(), "sales", user.user_id.as_str()).await.unwrap();
        ids.push(user.user_id.to_string());
    }
    ids.sort();
    let page = async |after: Option<&str>, limit: Option<i64>| {
        let members = world.sso.list_group_members(&ctx(), process(), "sales", after, limit).await.unwrap();
        members.into_iter().map(|member| member.user_id.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(page(None, None).await, ids);
    assert_eq!(page(None, Some(2)).await, ids[..2]);
    assert_eq!(page(Some(&ids[1]), Some(2)).await, ids[2..4]);
    assert_eq!(page(Some(&ids[4]), Some(2)).await, [""; 0]);
    let wrong = world.sso.list_group_members(&ctx(), process(), "sales", Some("\0"), None).await;
    assert_eq!(refusal(wrong), Code::UserIdInvalid);
}

async fn users_are_found_by_group(kind: Kind) {
    let world = World::new(kind).await;
    world.super_user("root1").await;
    let (one, _) = (world.user("user1").await, world.user("user2").await);
    let root = world.login("root1").await.ust;
    let group = world.sso.create_group(&ctx(), &root, named("Sales")).await.unwrap();
    world.sso.add_group_member(&ctx(), &root, "sales", one.user_id.as_str()).await.unwrap();
    let found = async |group: &str, username: Option<&str>| {
        let search = UserSearch {
            group: Some(group.to_owned()),
            username: username.map(str::to_owned),
            is_name_exact: false,
            ..UserSearch::default()
        };
        let page = world.sso.search_users(&ctx(), &root, search).await.unwrap();
        page.result.iter().map(|view| view.user.username.clone()).collect::<Vec<_>>()
    };
    assert_eq!(found("SALES", None).await, ["user1"]);
    assert_eq!(found(group.group_id.as_str(), None).await, ["user1"]);
    assert_eq!(found("sales", Some("user")).await, ["user1"]);
    assert_eq!(found("sales", Some("root")).await, [""; 0]);
    assert_eq!(found("nobody", None).await, [""; 0]);
    assert_eq!(found("a\0b", None).await, [""; 0]);
    assert_eq!(found("", None).await.len(), 3);
}

async fn who_may_manage_users_does_that_and_nothing_else(kind: Kind) {
    let world = World::new(kind).await;
    let sso = &world.sso;
    let root = world.super_user("root1").await;
    let (manager, peer, user) =
        (world.user("manager1").await, world.user("auditor1").await, world.user("user1").await);
    let ust = world.login("manager1").await.ust;
    let lock = async |whom: &str| sso.lock_user(&ctx(), &ust, whom).await;
    assert_eq!(refusal(lock(user.user_id.as_str()).await), Code::AuthNotAllowed);
    sso.create_group(&ctx(), process(), managers("managers")).await.unwrap();
    let auditors = GroupUpdate { can_read_audit: Edit::Set(true), ..named("auditors") };
    sso.create_group(&ctx(), process(), auditors).await.unwrap();
    sso.add_group_member(&ctx(), process(), "managers", manager.user_id.as_str()).await.unwrap();
    sso.add_group_member(&ctx(), process(), "auditors", peer.user_id.as_str()).await.unwrap();

    let user_id = user.user_id.as_str();
    lock(user_id).await.unwrap();
    sso.unlock_user(&ctx(), &ust, user_id).await.unwrap();
    sso.reject_user(&ctx(), &ust, user_id).await.unwrap();
    sso.approve_user(&ctx(), &ust, user_id).await.unwrap();
    let password = |whom: &str| ChangePassword {
        old_password: None,
        new_password: "another battery staple".into(),
        user_id: Some(whom.to_owned()),
        password_expiry: None,
        must_change: Some(true),
    };
    sso.change_password(&ctx(), &ust, password(user_id)).await.unwrap();
    let key = |whom: &str| ResetTotpKey { user_id: Some(whom.to_owned()), ..ResetTotpKey::default() };
    sso.reset_totp_key(&ctx(), &ust, key(user_id)).await.unwrap();
    let login = sso.login(&ctx(), credentials("user1", "another battery staple")).await;
    assert_eq!(refusal(login), Code::PasswordMustSendNew);

    // Neither super-users, nor those who may do what the manager may not.
    for whom in [root.user_id.as_str(), peer.user_id.as_str()] {
        assert_eq!(refusal(lock(whom).await), Code::AuthNotAllowed);
        assert_eq!(refusal(sso.reject_user(&ctx(), &ust, whom).await), Code::AuthNotAllowed);
        let outcome = sso.change_password(&ctx(), &ust, password(whom)).await;
        assert_eq!(refusal(outcome), Code::AuthNotAllowed);
        assert_eq!(refusal(sso.reset_totp_key(&ctx(), &ust, key(whom)).await), Code::AuthNotAllowed);
    }
    assert_eq!(refusal(lock("zusrnone").await), Code::UserIdInvalid);
    // And nothing else that is for super-users.
    assert_eq!(refusal(sso.list_groups(&ctx(), &ust).await), Code::AuthNotAllowed);
    let more = sso.add_group_member(&ctx(), &ust, "auditors", manager.user_id.as_str()).await;
    assert_eq!(refusal(more), Code::AuthNotAllowed);
    assert_eq!(refusal(sso.delete_user_by_id(&ctx(), &ust, user_id).await), Code::AuthNotAllowed);
    let search = sso.search_users(&ctx(), &ust, UserSearch::default()).await;
    assert_eq!(refusal(search.map(|_| ())), Code::AuthNotAllowed);
    let own = ChangePassword { must_change: Some(false), ..password(manager.user_id.as_str()) };
    assert_eq!(refusal(sso.change_password(&ctx(), &ust, own).await), Code::AuthNotAllowed);

    // A password of somebody else needs a fresh login, and the right ends with the membership.
    world.clock.advance_seconds(10 * 60);
    let stale = sso.change_password(&ctx(), &ust, password(user_id)).await;
    assert_eq!(refusal(stale), Code::AuthFreshLoginNeeded);
    lock(user_id).await.unwrap();
    sso.remove_group_member(&ctx(), process(), "managers", manager.user_id.as_str()).await.unwrap();
    assert_eq!(refusal(lock(user_id).await), Code::AuthNotAllowed);
}

async fn who_manages_users_takes_over_no_account_in_silence(kind: Kind) {
    let world = World::new(kind).await;
    let sso = &world.sso;
    let (manager, user) = (world.user("manager1").await, world.user("user1").await);
    let (ust, own) = (world.login("manager1").await.ust, world.login("user1").await.ust);
    sso.create_group(&ctx(), process(), managers("managers")).await.unwrap();
    sso.add_group_member(&ctx(), process(), "managers", manager.user_id.as_str()).await.unwrap();
    let change = |must_change: Option<bool>, password_expiry: Option<i64>| ChangePassword {
        old_password: None,
        new_password: "another battery staple".into(),
        user_id: Some(user.user_id.to_string()),
        password_expiry,
        must_change,
    };
    for (must_change, expiry) in [(Some(false), None), (None, Some(7)), (Some(true), Some(7))] {
        let refused = sso.change_password(&ctx(), &ust, change(must_change, expiry)).await;
        assert_eq!(refusal(refused), Code::AuthNotAllowed);
    }
    sso.get_current_user(&ctx(), &own, false).await.unwrap();
    sso.change_password(&ctx(), &ust, change(None, None)).await.unwrap();
    // The former password and the session are gone, and the new one is good for nothing but to be changed.
    assert_eq!(refusal(sso.get_current_user(&ctx(), &own, false).await), Code::SessionNoSuchSession);
    assert_eq!(refusal(sso.login(&ctx(), credentials("user1", PASSWORD)).await), Code::AuthNotAllowed);
    let login = sso.login(&ctx(), credentials("user1", "another battery staple")).await;
    assert_eq!(refusal(login), Code::PasswordMustSendNew);

    // Rights and roles that come while a password is hashed count.
    let context = ctx();
    let becomes = sso.change_password(&context, &ust, change(None, None));
    let promote = async {
        let update = UserUpdate { is_super_user: Edit::Set(true), ..UserUpdate::default() };
        sso.update_user_by_id(&ctx(), process(), user.user_id.as_str(), update).await
    };
    let (changed, promoted) = tokio::join!(becomes, promote);
    promoted.unwrap();
    assert!(changed.is_ok() || refusal(changed) == Code::AuthNotAllowed);
    let after = sso.change_password(&ctx(), &ust, change(None, None)).await;
    assert_eq!(refusal(after), Code::AuthNotAllowed);
}

async fn who_manages_users_becomes_nobody_who_may_be_granted_more(kind: Kind) {
    let world = World::new(kind).await;
    let sso = &world.sso;
    let (manager, user) = (world.user("manager1").await, world.user("user1").await);
    let ust = world.login("manager1").await.ust;
    let scopes = |name: &str, scopes: &[&str]| GroupUpdate {
        scopes: Edit::Set(scopes.iter().map(|scope| (*scope).to_owned()).collect()),
        ..named(name)
    };
    sso.create_group(&ctx(), process(), managers("managers")).await.unwrap();
    sso.create_group(&ctx(), process(), scopes("payers", &["orders", "pay"])).await.unwrap();
    sso.create_group(&ctx(), process(), scopes("readers", &["orders"])).await.unwrap();
    let add = async |group: &str, whom: &zato_sso::domain::UserId| {
        sso.add_group_member(&ctx(), process(), group, whom.as_str()).await.unwrap();
    };
    add("managers", &manager.user_id).await;
    let lock = async || sso.lock_user(&ctx(), &ust, user.user_id.as_str()).await;
    lock().await.unwrap();
    add("payers", &user.user_id).await;
    add("readers", &manager.user_id).await;
    assert_eq!(refusal(lock().await), Code::AuthNotAllowed);
    let key = ResetTotpKey { user_id: Some(user.user_id.as_str().to_owned()), ..ResetTotpKey::default() };
    assert_eq!(refusal(sso.reset_totp_key(&ctx(), &ust, key).await), Code::AuthNotAllowed);
    add("payers", &manager.user_id).await;
    lock().await.unwrap();
}

async fn changes_of_a_group_and_of_its_members_wait_for_each_other(kind: Kind) {
    let world = World::new(kind).await;
    world.sso.create_group(&ctx(), process(), named("g0")).await.unwrap();
    let mut users = Vec::new();
    for number in 0..4 {
        let name = format!("user{number}");
        users.push((world.user(&name).await.user_id, world.login(&name).await.ust));
    }
    for round in 0..5 {
        let (old, new) = (format!("g{round}"), format!("g{}", round + 1));
        let adding = users.iter().map(|(user_id, ust)| {
            let (sso, ust, user_id, old) = (world.sso.clone(), ust.clone(), user_id.clone(), old.clone());
            tokio::spawn(async move {
                let added = sso.add_group_member(&ctx(), process(), &old, user_id.as_str()).await;
                let seen = sso.get_current_user(&ctx(), &ust, false).await.unwrap().user.groups.clone();
                assert!(added.is_ok() || refusal(added) == Code::GroupNoSuchGroup);
                seen
            })
        });
        let adding: Vec<_> = adding.collect();
        world.sso.update_group(&ctx(), process(), &old, named(&new)).await.unwrap();
        for task in adding {
            task.await.unwrap();
        }
        // Whoever came first: nobody goes on with the old name.
        for (_, ust) in &users {
            let groups = groups_of(&world, ust).await;
            assert!(groups.is_empty() || groups == [new.as_str()], "{groups:?}");
        }
    }
    // Two that are to have one name, and a group that goes while members come.
    world.sso.create_group(&ctx(), process(), named("a")).await.unwrap();
    world.sso.create_group(&ctx(), process(), named("b")).await.unwrap();
    let context = ctx();
    let (one, two) = (
        world.sso.update_group(&context, process(), "a", named("same")),
        world.sso.update_group(&context, process(), "b", named("same")),
    );
    let (one, two) = tokio::join!(one, two);
    assert!(one.is_ok() != two.is_ok());
    assert_eq!(refusal(if one.is_err() { one } else { two }), Code::GroupExists);
    let (added, deleted) = tokio::join!(
        world.sso.add_group_member(&context, process(), "same", users[0].0.as_str()),
        world.sso.delete_group(&context, process(), "same"),
    );
    deleted.unwrap();
    assert!(added.is_ok() || refusal(added) == Code::GroupNoSuchGroup);
}

async fn rights_are_not_given_in_a_session_that_is_not_fresh(kind: Kind) {
    let world = World::new(kind).await;
    world.super_user("root1").await;
    let user = world.user("user1").await;
    let root = world.login("root1").await.ust;
    let (sso, stale) = (&world.sso, Code::AuthFreshLoginNeeded);
    sso.create_group(&ctx(), &root, managers("managers")).await.unwrap();
    sso.create_group(&ctx(), &root, named("plain")).await.unwrap();
    world.clock.advance_seconds(10 * 60);
    assert_eq!(refusal(sso.create_group(&ctx(), &root, managers("more")).await), stale);
    let add = async |group: &str| sso.add_group_member(&ctx(), &root, group, user.user_id.as_str()).await;
    assert_eq!(refusal(add("managers").await), stale);
    add("plain").await.unwrap();
    let grant = GroupUpdate { can_read_audit: Edit::Set(true), ..GroupUpdate::default() };
    assert_eq!(refusal(sso.update_group(&ctx(), &root, "plain", grant).await), stale);
    sso.remove_group_member(&ctx(), &root, "managers", user.user_id.as_str()).await.unwrap();
}

async fn the_command_manages_groups(kind: Kind) {
    let folder = Folder::with_database(kind).await;
    let world = folder.world().await;
    world.user("user1").await;
    world.user("user2").await;
    let made = folder.run("create-group sales --scope orders --can-manage-users --description Sales");
    assert_eq!(made.text(), "Created group `sales`\n");
    assert_eq!(folder.run("create-group SALES").status, 1);
    assert_eq!(
        folder.run("add-to-group sales user1 user2").text(),
        "Added `user1`, `user2` to group `sales`\n"
    );
    let shown = folder.run("show-user user1 --json").json();
    assert_eq!(shown["groups"], json!(["sales"]));
    let listed = folder.run("list-groups --json").json();
    assert_eq!(listed[0]["num_members"], 2);
    assert_eq!(listed[0]["can_manage_users"], true);
    assert!(folder.run("list-groups").text().contains("can_manage_users"));
    assert_eq!(folder.run("remove-from-group sales user2").text(), "Removed `user2` from group `sales`\n");
    assert_eq!(folder.run("add-to-group nowhere user2").status, 1);
    assert_eq!(folder.run("add-to-group sales nobody").status, 1);
    let kept = folder.run_with("delete-group sales", "n\n");
    assert_eq!(kept.stdout, "Group `sales` kept intact\n");
    assert_eq!(folder.run("delete-group sales --yes").text(), "Deleted group `sales`\n");
    assert_eq!(folder.run("list-groups --json").json(), json!([]));
}

async fn rest_manages_groups(kind: Kind) {
    let server = Server::new(kind).await;
    server.world.super_user("admin1").await;
    let user = server.world.user("user1").await;
    let (ust, own) = (server.ust("admin1"), server.ust("user1"));
    let ask = |line: &str, body: serde_json::Value| {
        let mut body = body;
        body["ust"] = json!(ust);
        server.ask(line, &[], &body.to_string())
    };
    let new = json!({"name": "sales", "scopes": ["a"], "can_read_audit": true});
    let made = ask("POST /group", new).ok();
    assert_eq!(ask("POST /group", json!({"name": "Sales"})).refusal(), "E013002");
    let group_id = made["group_id"].as_str().unwrap().to_owned();
    let member = json!({"group_id": group_id, "user_id": user.user_id.as_str()});
    ask("POST /group/member", member.clone()).ok();
    let got = server.ask("GET /user", &[], &json!({"ust": own}).to_string()).ok();
    assert_eq!(got["groups"], json!(["sales"]));
    let changed = ask("PATCH /group", json!({"group_id": "sales", "display_name": "S", "scopes": null})).ok();
    assert_eq!((&changed["display_name"], &changed["scopes"]), (&json!("S"), &json!([])));
    assert_eq!(ask("GET /group", json!({"group_id": "sales"})).ok()["num_members"], 1);
    assert_eq!(ask("GET /group/list", json!({})).ok()["result"][0]["group_id"], json!(group_id));
    let members = ask("GET /group/member", json!({"group_id": "sales", "limit": 1})).ok();
    assert_eq!(members["result"][0]["username"], "user1");
    let found = ask("GET /user/search", json!({"group": "sales"})).ok();
    assert_eq!((&found["total"], &found["result"][0]["groups"]), (&json!(1), &json!(["sales"])));
    ask("DELETE /group/member", member).ok();
    ask("DELETE /group", json!({"group_id": group_id})).ok();
    assert_eq!(ask("GET /group", json!({"group_id": group_id})).refusal(), "E013001");
}
