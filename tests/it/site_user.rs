//! Users as sites see them.

use serde_json::{Value, json};
use zato_sso::domain::{ApprovalStatus, Code, Direction, PageRequest, Password, SignUpStatus};
use zato_sso::ops::{Actor, NewSiteUser, SiteUser, SiteUserUpdate};

use crate::support::{
    Kind, PASSWORD, World, credentials, ctx, dump, execute, new_site, new_user, refusal, store_hash,
    stored_hash, trusted_site,
};

on_both_databases! {
    a_site_makes_users_who_may_log_in_at_once;
    what_a_user_cannot_be_made_of_is_refused_and_leaves_nothing;
    a_look_up_is_a_login_without_a_session;
    failed_look_ups_are_throttled_by_name_alone;
    a_site_changes_only_users_that_it_made;
    what_a_site_tells_fills_what_is_empty;
    users_are_listed_in_pages;
    a_profile_is_sealed;
}

const PROFILE: &str = r#"{"displayName": "Ann Lee", "name": {"givenName": "Ann", "familyName": "Lee"},
    "emails": [{"value": "ann@example.com", "is_verified": true}, {"value": "b@example.com"}],
    "urls": [{"value": "https://ann.example"}], "anything": [1, {"a": null}]}"#;

async fn stage(kind: Kind) -> (World, Actor) {
    let world = World::new(kind).await;
    world.sso.create_site(&ctx(), new_site("shop", &[])).await.unwrap();
    let site = world.sso.act_as_site(&ctx(), "shop").await.unwrap();
    (world, site)
}

fn new(login: &str) -> NewSiteUser {
    NewSiteUser {
        login: Some(login.to_owned()),
        password: Some(Password::from(PASSWORD)),
        ..NewSiteUser::default()
    }
}

async fn make(world: &World, site: &Actor, new: NewSiteUser) -> SiteUser {
    world.sso.create_site_user(&ctx(), site, new).await.unwrap()
}

async fn a_site_makes_users_who_may_log_in_at_once(kind: Kind) {
    let (world, site) = stage(kind).await;
    let profile: Value = serde_json::from_str(PROFILE).unwrap();
    let told = NewSiteUser {
        external_id: Some("45673".to_owned()),
        profile: Some(profile.clone()),
        ..new("ann@example.com")
    };
    let made = make(&world, &site, told).await;
    assert_eq!(made.user.sign_up_status, SignUpStatus::Final);
    assert_eq!(made.user.approval_status, ApprovalStatus::Approved);
    assert_eq!(made.user.email.as_deref(), Some("ann@example.com"));
    assert_eq!(made.user.display_name.as_deref(), Some("Ann Lee"));
    assert_eq!((made.user.first_name.as_deref(), made.user.last_name.as_deref()), (Some("Ann"), Some("Lee")));
    assert_eq!(made.identities.len(), 1);
    assert_eq!(made.identities[0].profile, Some(profile));
    assert_eq!(made.identities[0].external_id.as_deref(), Some("45673"));
    world.login("ann@example.com").await;

    let read = world.sso.get_site_user(&ctx(), &site, &made.user_token.to_string()).await.unwrap();
    assert_eq!(read.identities, made.identities);
    let token = made.identities[0].identity_token.to_string();
    assert_eq!(world.sso.get_site_identity(&ctx(), &site, &token).await.unwrap(), made.identities[0]);
    for unknown in ["", "a\0", "00000000-0000-0000-0000-000000000000", &token] {
        let outcome = world.sso.get_site_user(&ctx(), &site, unknown).await;
        assert_eq!(refusal(outcome), Code::UserIdInvalid, "{unknown}");
    }
    let user_token = made.user_token.to_string();
    for unknown in ["", "a\0", "00000000-0000-0000-0000-000000000000", &user_token] {
        let outcome = world.sso.get_site_identity(&ctx(), &site, unknown).await;
        assert_eq!(refusal(outcome), Code::UserIdInvalid, "{unknown}");
    }
    // A user who has no password cannot log in with one.
    make(&world, &site, NewSiteUser { password: None, ..new("none") }).await;
    assert_eq!(refusal(world.sso.login(&ctx(), credentials("none", "")).await), Code::AuthNotAllowed);
}

async fn what_a_user_cannot_be_made_of_is_refused_and_leaves_nothing(kind: Kind) {
    let (world, site) = stage(kind).await;
    let known = NewSiteUser { external_id: Some("1".to_owned()), ..new("ann") };
    make(&world, &site, known).await;
    let long = json!({"a": "x".repeat(65_536)});
    for (new, code) in [
        (new("ann"), Code::UsernameExists),
        (new("a b"), Code::UsernameHasWhitespace),
        (NewSiteUser { password: Some(Password::from("short")), ..new("bob") }, Code::PasswordTooShort),
        (NewSiteUser { external_id: Some("1".to_owned()), ..new("bob") }, Code::CommonInvalidOperation),
        (NewSiteUser { external_id: Some("x".repeat(257)), ..new("bob") }, Code::CommonInvalidInput),
        (NewSiteUser { external_id: Some("a\0".to_owned()), ..new("bob") }, Code::CommonInvalidInput),
        (NewSiteUser { profile: Some(long), ..new("bob") }, Code::CommonInvalidInput),
        (NewSiteUser { profile: Some(json!({"emails": ["a b"]})), ..new("bob") }, Code::EmailHasWhitespace),
    ] {
        assert_eq!(refusal(world.sso.create_site_user(&ctx(), &site, new).await), code);
        assert!(world.sso.get_user_by_username(&ctx(), "bob", false).await.unwrap().is_none());
    }
    // Another site knows others by the same name.
    world.sso.create_site(&ctx(), new_site("other", &[])).await.unwrap();
    let other = world.sso.act_as_site(&ctx(), "other").await.unwrap();
    make(&world, &other, NewSiteUser { external_id: Some("1".to_owned()), ..new("bob") }).await;
}

async fn a_look_up_is_a_login_without_a_session(kind: Kind) {
    let (world, site) = stage(kind).await;
    let user = world.user("user1").await;
    let look_up = async |login: &str, password: &str| {
        world.sso.look_up_site_user(&ctx(), &site, login, Password::from(password)).await.map(|found| found.0)
    };
    let found = look_up("user1", PASSWORD).await.unwrap();
    assert_eq!((found.user.user_id.as_str(), found.identities.len()), (user.user_id.as_str(), 1));
    for (login, password) in [("user1", "wrong"), ("user1", ""), ("nobody", PASSWORD), ("a\0", PASSWORD)] {
        assert_eq!(refusal(look_up(login, password).await), Code::AuthNotAllowed, "{login}");
    }
    world.sso.lock_user(&ctx(), Actor::Trusted(None), user.user_id.as_str()).await.unwrap();
    assert_eq!(refusal(look_up("user1", PASSWORD).await), Code::AuthLocked);
    assert_eq!(refusal(look_up("user1", "wrong").await), Code::AuthNotAllowed);

    // A second factor is asked for here too.
    let totp = zato_sso::domain::NewUser { is_totp_enabled: Some(true), ..new_user("user2") };
    world.sso.create_user(&ctx(), Actor::Trusted(None), totp, true).await.unwrap();
    assert_eq!(refusal(look_up("user2", PASSWORD).await), Code::AuthTotpMissing);

    // A hash from elsewhere is replaced, as by a login.
    world.user("user3").await;
    store_hash(&world, "user3", "$2b$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a").await;
    look_up("user3", "U*U*U").await.unwrap();
    assert!(stored_hash(&world, "user3").await.starts_with("$argon2id$"));
    look_up("user3", "U*U*U").await.unwrap();
}

async fn failed_look_ups_are_throttled_by_name_alone(kind: Kind) {
    let (world, site) = stage(kind).await;
    world.user("user1").await;
    let look_up = async |login: &str, password: &str| {
        world.sso.look_up_site_user(&ctx(), &site, login, Password::from(password)).await.map(|found| found.0)
    };
    for number in 0..120 {
        assert_eq!(refusal(look_up(&format!("other{number}"), "wrong").await), Code::AuthNotAllowed);
    }
    for _ in 0..4 {
        assert_eq!(refusal(look_up("user1", "wrong").await), Code::AuthNotAllowed);
    }
    look_up("user1", PASSWORD).await.unwrap();
    for _ in 0..5 {
        assert_eq!(refusal(look_up("user1", "wrong").await), Code::AuthNotAllowed);
    }
    assert_eq!(refusal(look_up("user1", PASSWORD).await), Code::AuthRateLimited);
    world.clock.advance_seconds(3600);
    look_up("user1", PASSWORD).await.unwrap();
}

async fn a_site_changes_only_users_that_it_made(kind: Kind) {
    let (world, site) = stage(kind).await;
    let ann = make(&world, &site, new("ann")).await;
    make(&world, &site, NewSiteUser { external_id: Some("1".to_owned()), ..new("bob") }).await;
    let update = async |site: &Actor, token: &str, update: SiteUserUpdate| {
        world.sso.update_site_user(&ctx(), site, token, update).await
    };
    let token = ann.user_token.to_string();
    let all = SiteUserUpdate {
        login: Some("anna".to_owned()),
        password: Some(Password::from("another horse battery")),
        external_id: Some("7".to_owned()),
        profile: Some(json!({"emails": [{"value": "anna@example.com"}], "a": 1})),
        ..SiteUserUpdate::default()
    };
    let info = world.login("ann").await;
    let changed = update(&site, &token, all).await.unwrap();
    assert_eq!((changed.user.username.as_str(), changed.user_token), ("anna", ann.user_token));
    assert_eq!(changed.user.email.as_deref(), Some("anna@example.com"));
    assert_eq!(changed.identities[0].external_id.as_deref(), Some("7"));
    assert_eq!(changed.identities[0].profile.as_ref().unwrap()["a"], 1);
    // A new password ends sessions.
    assert_eq!(refusal(world.sso.get_current_session(&ctx(), &info.ust).await), Code::SessionNoSuchSession);
    world.sso.login(&ctx(), credentials("anna", "another horse battery")).await.unwrap();
    // What is not given stays.
    let kept = update(&site, &token, SiteUserUpdate::default()).await.unwrap();
    assert_eq!(kept.identities[0].profile, changed.identities[0].profile);
    assert_eq!(kept.user.username, "anna");
    for (change, code) in [
        (SiteUserUpdate { login: Some("bob".to_owned()), ..SiteUserUpdate::default() }, Code::UsernameExists),
        (
            SiteUserUpdate { external_id: Some("1".to_owned()), ..SiteUserUpdate::default() },
            Code::CommonInvalidOperation,
        ),
        (
            SiteUserUpdate { password: Some(Password::from("short")), ..SiteUserUpdate::default() },
            Code::PasswordTooShort,
        ),
    ] {
        assert_eq!(refusal(update(&site, &token, change).await), code);
    }
    world.sso.login(&ctx(), credentials("anna", "another horse battery")).await.unwrap();

    let take_over =
        || SiteUserUpdate { password: Some(Password::from(PASSWORD)), ..SiteUserUpdate::default() };
    world.sso.create_site(&ctx(), new_site("other", &[])).await.unwrap();
    let other = world.sso.act_as_site(&ctx(), "other").await.unwrap();
    assert_eq!(refusal(update(&other, &token, take_over()).await), Code::UserIdInvalid);
    world.sso.create_site(&ctx(), trusted_site("all")).await.unwrap();
    let all = world.sso.act_as_site(&ctx(), "all").await.unwrap();
    let page = PageRequest { page: 1, entries_per_page: 10, direction: Direction::Ascending };
    for username in ["root1", "user1"] {
        if username == "root1" {
            world.super_user(username).await
        } else {
            world.user(username).await
        };
        let listed = world.sso.list_site_users(&ctx(), &all, page).await.unwrap();
        let found = listed.result.iter().find(|listed| listed.user.username == username).unwrap();
        let token = found.user_token.to_string();
        assert_eq!(refusal(update(&site, &token, take_over()).await), Code::UserIdInvalid, "{username}");
        // Who sees all does not change all.
        assert_eq!(refusal(update(&all, &token, take_over()).await), Code::AuthNotAllowed, "{username}");
    }
    // Nor is a super-user changed by the site that has made them.
    execute(&world, "UPDATE sso_user SET is_super_user = TRUE WHERE username = 'anna'").await;
    assert_eq!(refusal(update(&site, &token, take_over()).await), Code::AuthNotAllowed);
    let nobody = "00000000-0000-0000-0000-000000000000";
    assert_eq!(refusal(update(&site, nobody, take_over()).await), Code::UserIdInvalid);
}

async fn what_a_site_tells_fills_what_is_empty(kind: Kind) {
    let (world, site) = stage(kind).await;
    let first = json!({"displayName": "Ann", "emails": ["ann@example.com"]});
    let made = make(&world, &site, NewSiteUser { profile: Some(first), ..new("ann") }).await;
    let second =
        json!({"displayName": "Bea", "emails": [{"value": "b@example.com"}], "name": {"familyName": "Lee"}});
    let update = SiteUserUpdate { profile: Some(second.clone()), ..SiteUserUpdate::default() };
    let token = made.user_token.to_string();
    let changed = world.sso.update_site_user(&ctx(), &site, &token, update).await.unwrap();
    assert_eq!(changed.user.display_name.as_deref(), Some("Ann"));
    assert_eq!(changed.user.email.as_deref(), Some("ann@example.com"));
    assert_eq!(changed.user.last_name.as_deref(), Some("Lee"));
    assert_eq!(changed.identities[0].profile, Some(second));
}

async fn users_are_listed_in_pages(kind: Kind) {
    let (world, site) = stage(kind).await;
    for number in 0..5 {
        make(&world, &site, new(&format!("user{number}"))).await;
    }
    world.user("user2b").await;
    let names = async |page, entries_per_page, direction| {
        let request = PageRequest { page, entries_per_page, direction };
        let page = world.sso.list_site_users(&ctx(), &site, request).await.unwrap();
        assert_eq!(page.total, 5);
        page.result.into_iter().map(|listed| listed.user.username).collect::<Vec<_>>()
    };
    assert_eq!(names(1, 2, Direction::Ascending).await, ["user0", "user1"]);
    assert_eq!(names(3, 2, Direction::Ascending).await, ["user4"]);
    assert_eq!(names(1, 2, Direction::Descending).await, ["user4", "user3"]);
    assert_eq!(names(4, 2, Direction::Descending).await, Vec::<String>::new());
    let request = PageRequest { page: 1, entries_per_page: 501, direction: Direction::Ascending };
    assert_eq!(refusal(world.sso.list_site_users(&ctx(), &site, request).await), Code::CommonInvalidInput);
}

async fn a_profile_is_sealed(kind: Kind) {
    let (world, site) = stage(kind).await;
    let profile = Some(json!({"note": "planted-profile-secret"}));
    make(&world, &site, NewSiteUser { profile, ..new("ann") }).await;
    assert!(!dump(&world).await.contains("planted-profile-secret"));
}
