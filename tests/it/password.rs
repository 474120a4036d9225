//! Changing passwords, and the rules that they must keep.

use serde_json::json;
use zato_sso::domain::{Code, Password, SessionInfo, Ust};
use zato_sso::ops::ChangePassword;

use crate::support::{Kind, PASSWORD, START, World, credentials, ctx, refusal};

on_both_databases! {
    ones_own_password_is_changed_with_the_old_one;
    a_super_user_changes_anybodys_without_the_old_one;
    a_change_ends_the_users_other_sessions;
    changes_at_once_are_made_or_refused_and_never_fail;
    the_last_of_two_hundred_characters_counts;
}

const NEW: &str = "a new and different one";

fn change(old: Option<&str>, new: &str) -> ChangePassword {
    ChangePassword {
        old_password: old.map(Password::from),
        new_password: Password::from(new),
        user_id: None,
        password_expiry: None,
        must_change: None,
    }
}

async fn ones_own_password_is_changed_with_the_old_one(kind: Kind) {
    let world = World::new(kind).await;
    world.user("user1").await;
    let user2 = world.user("user2").await;
    let info = world.login("user1").await;
    let refused =
        async |request: ChangePassword| refusal(world.sso.change_password(&ctx(), &info.ust, request).await);
    assert_eq!(refused(change(None, NEW)).await, Code::CommonMissingInput);
    assert_eq!(refused(change(Some(""), NEW)).await, Code::CommonMissingInput);
    assert_eq!(refused(change(Some("wrong"), NEW)).await, Code::AuthNotAllowed);
    assert_eq!(refused(change(Some(PASSWORD), "short")).await, Code::PasswordTooShort);
    assert_eq!(refused(change(Some(PASSWORD), "xx letmein xx")).await, Code::PasswordInvalid);
    assert_eq!(refused(change(Some(PASSWORD), PASSWORD)).await, Code::PasswordInvalid);
    let others =
        ChangePassword { user_id: Some(user2.user_id.as_str().to_owned()), ..change(Some(PASSWORD), NEW) };
    assert_eq!(refused(others).await, Code::AuthNotAllowed);
    // How long it lives is not for regular users to say.
    let expiry = ChangePassword { password_expiry: Some(10_000), ..change(Some(PASSWORD), NEW) };
    assert_eq!(refused(expiry).await, Code::AuthNotAllowed);
    let nobody = world.sso.change_password(&ctx(), &Ust::from("zustnone"), change(Some(PASSWORD), NEW)).await;
    assert_eq!(refusal(nobody), Code::SessionNoSuchSession);
    world.login("user1").await;

    world.sso.change_password(&ctx(), &info.ust, change(Some(PASSWORD), NEW)).await.unwrap();
    assert_eq!(refusal(world.sso.login(&ctx(), credentials("user1", PASSWORD)).await), Code::AuthNotAllowed);
    world.sso.login(&ctx(), credentials("user1", NEW)).await.unwrap();
}

async fn a_super_user_changes_anybodys_without_the_old_one(kind: Kind) {
    let world = World::new(kind).await;
    let root_user = world.super_user("root1").await;
    let user = world.user("user1").await;
    let root = world.login("root1").await;
    let of_user = |request: ChangePassword| ChangePassword {
        user_id: Some(user.user_id.as_str().to_owned()),
        ..request
    };
    let set = async |request: ChangePassword| world.sso.change_password(&ctx(), &root.ust, request).await;
    let must_change = ChangePassword { must_change: Some(true), ..of_user(change(None, NEW)) };
    set(must_change).await.unwrap();
    let login = world.sso.login(&ctx(), credentials("user1", NEW)).await;
    assert_eq!(refusal(login), Code::PasswordMustSendNew);

    let in_days = |days| ChangePassword { password_expiry: Some(days), ..of_user(change(None, NEW)) };
    let expiry = async || {
        let found = world.sso.get_user_by_username(&ctx(), "user1", true).await.unwrap();
        found.unwrap().user.password_expiry.unwrap()
    };
    set(in_days(10)).await.unwrap();
    assert_eq!(expiry().await, START.plus_days(10));
    set(in_days(-1)).await.unwrap();
    assert_eq!(expiry().await, START.plus_days(730));
    assert_eq!(refusal(set(in_days(i64::MAX)).await), Code::CommonInvalidInput);

    // Their own still needs the old one.
    assert_eq!(refusal(set(change(None, NEW)).await), Code::CommonMissingInput);
    let own = ChangePassword { user_id: Some(root_user.user_id.as_str().to_owned()), ..change(None, NEW) };
    assert_eq!(refusal(set(own).await), Code::CommonMissingInput);
    let nobody = ChangePassword { user_id: Some("zusrnone".to_owned()), ..change(None, NEW) };
    assert_eq!(refusal(set(nobody).await), Code::UserIdInvalid);
}

async fn a_change_ends_the_users_other_sessions(kind: Kind) {
    let world = World::new(kind).await;
    world.super_user("root1").await;
    let user = world.user("user1").await;
    let (root, first, second) =
        (world.login("root1").await, world.login("user1").await, world.login("user1").await);
    let is_valid =
        async |info: &SessionInfo| world.sso.verify_session(&ctx(), &info.ust, &root.ust).await.unwrap();
    world.sso.change_password(&ctx(), &first.ust, change(Some(PASSWORD), NEW)).await.unwrap();
    assert!(is_valid(&first).await && !is_valid(&second).await);

    let by_root =
        ChangePassword { user_id: Some(user.user_id.as_str().to_owned()), ..change(None, PASSWORD) };
    world.sso.change_password(&ctx(), &root.ust, by_root.clone()).await.unwrap();
    assert!(!is_valid(&first).await && is_valid(&root).await);

    let lenient = world.reopened(json!({"session.end_on_password_change": false})).await;
    let third = world.login("user1").await;
    lenient.change_password(&ctx(), &root.ust, by_root).await.unwrap();
    assert!(is_valid(&third).await);
}

async fn the_last_of_two_hundred_characters_counts(kind: Kind) {
    let world = World::new(kind).await;
    world.user("user1").await;
    let info = world.login("user1").await;
    let long = "x".repeat(199);
    world.sso.change_password(&ctx(), &info.ust, change(Some(PASSWORD), &format!("{long}a"))).await.unwrap();
    let other = world.sso.login(&ctx(), credentials("user1", &format!("{long}b"))).await;
    assert_eq!(refusal(other), Code::AuthNotAllowed);
    world.sso.login(&ctx(), credentials("user1", &format!("{long}a"))).await.unwrap();
}

async fn changes_at_once_are_made_or_refused_and_never_fail(kind: Kind) {
    let world = World::new(kind).await;
    world.super_user("root1").await;
    let user = world.user("user1").await;
    let root = world.login("root1").await;
    let changes: Vec<_> = (0..8)
        .map(|number| {
            let (sso, ust) = (world.sso.clone(), root.ust.clone());
            let request = ChangePassword {
                user_id: Some(user.user_id.as_str().to_owned()),
                ..change(None, &format!("{NEW} {number}"))
            };
            tokio::spawn(async move { sso.change_password(&ctx(), &ust, request).await })
        })
        .collect();
    let mut made = 0;
    for outcome in changes {
        match outcome.await.unwrap() {
            Ok(()) => made += 1,
            refused => assert_eq!(refusal(refused), Code::AuthNotAllowed),
        }
    }
    assert!(made > 0);
}
