//! Sign-ups that wait for being confirmed: whose the address is until then, and how it ends.

use serde_json::json;
use zato_sso::domain::{Code, Edit, NewUser, Password, SignUpStatus, UserUpdate};
use zato_sso::ops::{Actor, NewSiteUser, SignUpRequest};

use crate::signup::{open, open_but, request};
use crate::smtp::{Manner, SmtpServer};
use crate::support::{
    Kind, PASSWORD, World, any_rows, credentials, ctx, ctx_of, execute, new_user, refusal, trusted_site,
};

on_both_databases! {
    the_owner_s_sign_up_takes_the_place_of_an_earlier_one;
    a_password_that_somebody_else_has_chosen_does_not_count;
    an_owner_who_is_refused_is_not_given_another_s_password;
    what_is_not_acceptable_is_counted_too;
    what_is_not_confirmed_in_time_is_gone_at_once;
    a_sign_up_that_waits_owns_nothing;
    an_address_that_somebody_owns_is_given_to_nobody_else;
    the_email_of_a_sign_up_can_be_repeated;
    a_token_is_returned_where_nothing_else_would_tell_it;
    too_many_sign_ups_are_refused_whoever_has_the_email;
}

/// Configuration of an open house whose emails arrive at this server.
fn by_email(server: &SmtpServer, more: serde_json::Value) -> serde_json::Value {
    let mut all = open_but(json!({"smtp.url": server.url, "signup.is_approval_needed": false}));
    all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    all
}

/// The confirmation token of an email: the one line that can be one.
fn confirm_token(email: &str) -> Password {
    let is_token = |line: &&str| line.len() == 32 && !line.contains(' ');
    Password::from(email.lines().find(is_token).unwrap_or_else(|| panic!("no token in {email}")))
}

fn with_password(name: &str, email: &str, password: &str) -> SignUpRequest {
    SignUpRequest { email: Some(email.to_owned()), password: Password::from(password), ..request(name) }
}

const OTHER: &str = "the wrong battery staple";

async fn the_owner_s_sign_up_takes_the_place_of_an_earlier_one(kind: Kind) {
    for squatter in ["ann", "squatter"] {
        let server = SmtpServer::new(Manner::Kind).await;
        let world = World::with(kind, by_email(&server, json!({}))).await;
        let sign_up = async |name: &str, password: &str, count: usize| {
            let request = with_password(name, "ann@example.com", password);
            assert!(world.sso.sign_up(&ctx(), request).await.unwrap().is_none());
            confirm_token(&server.email(count).await)
        };
        let of_squatter = sign_up(squatter, OTHER, 1).await;
        let of_owner = sign_up("ann", PASSWORD, 2).await;
        // A click on the earlier link gives the account to nobody.
        let earlier = world.sso.confirm_sign_up(&ctx(), &of_squatter).await;
        assert_eq!(refusal(earlier), Code::AuthNoSuchSignUpToken);
        world.sso.confirm_sign_up(&ctx(), &of_owner).await.unwrap();
        world.login("ann").await;
        for name in ["ann", squatter] {
            let login = world.sso.login(&ctx(), credentials(name, OTHER)).await;
            assert_eq!(refusal(login), Code::AuthNotAllowed);
        }
        // Now the address is owned.
        let late = with_password("late", "ANN@example.com", OTHER);
        assert_eq!(refusal(world.sso.sign_up(&ctx(), late).await), Code::EmailExists);
        world.sso.close().await;
    }
}

async fn a_password_that_somebody_else_has_chosen_does_not_count(kind: Kind) {
    let server = SmtpServer::new(Manner::Kind).await;
    let world = World::with(kind, by_email(&server, json!({}))).await;
    let (home, elsewhere) = (ctx_of("CRM", "10.0.0.1"), ctx_of("CRM", "10.9.9.9"));
    let own = with_password("ann", "ann@example.com", PASSWORD);
    world.sso.sign_up(&home, own).await.unwrap();
    server.email(1).await;
    // Somebody replaces it, twice, and the owner clicks on the link that is valid.
    for count in [2, 3] {
        let foreign = with_password("ann", "ann@example.com", OTHER);
        world.sso.sign_up(&elsewhere, foreign).await.unwrap();
        server.email(count).await;
    }
    let token = confirm_token(&server.email(3).await);
    world.sso.confirm_sign_up(&home, &token).await.unwrap();
    for password in [OTHER, PASSWORD] {
        let login = world.sso.login(&home, credentials("ann", password)).await;
        assert_eq!(refusal(login), Code::AuthNotAllowed);
    }
    // Who has the mailbox sets a password.
    world.sso.create_reset_token(&home, "ann", None).await.unwrap();
    let is_reset = |email: &String| email.contains("Subject: A new password");
    while !server.received().iter().any(is_reset) {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let email = server.received().into_iter().find(is_reset).unwrap();
    let token = Password::from(crate::smtp::token_in(&email));
    let access = world.sso.access_reset_token(&home, &token, None).await.unwrap();
    world.sso.reset_password(&home, &token, &access.reset_key, Password::from(PASSWORD)).await.unwrap();
    world.login("ann").await;
    world.sso.close().await;
}

async fn an_owner_who_is_refused_is_not_given_another_s_password(kind: Kind) {
    let more = open_but(json!({"signup.max_per_hour": 2, "signup.is_approval_needed": false}));
    let world = World::with(kind, more).await;
    let (home, elsewhere) = (ctx_of("CRM", "10.0.0.1"), ctx_of("CRM", "10.9.9.9"));
    let mut token = None;
    for _ in 0..2 {
        let foreign = with_password("ann", "ann@example.com", OTHER);
        token = world.sso.sign_up(&elsewhere, foreign).await.unwrap();
    }
    let own = world.sso.sign_up(&home, with_password("ann", "ann@example.com", PASSWORD)).await;
    assert_eq!(refusal(own), Code::AuthRateLimited);
    world.sso.confirm_sign_up(&home, &token.unwrap()).await.unwrap();
    let login = world.sso.login(&elsewhere, credentials("ann", OTHER)).await;
    assert_eq!(refusal(login), Code::AuthNotAllowed);
}

async fn what_is_not_acceptable_is_counted_too(kind: Kind) {
    let world = World::with(kind, open_but(json!({"signup.max_per_hour_per_address": 3}))).await;
    for _ in 0..3 {
        let outcome = world.sso.sign_up(&ctx(), with_password("a b", "a@example.com", PASSWORD)).await;
        assert_ne!(refusal(outcome.map(drop)), Code::AuthRateLimited);
    }
    let outcome = world.sso.sign_up(&ctx(), with_password("a b", "a@example.com", PASSWORD)).await;
    assert_eq!(refusal(outcome.map(drop)), Code::AuthRateLimited);
}

async fn what_is_not_confirmed_in_time_is_gone_at_once(kind: Kind) {
    let world = World::with(kind, open_but(json!({"signup.confirm_within": 2}))).await;
    let by = |name: &str, email: &str| with_password(name, email, PASSWORD);
    let token = world.sso.sign_up(&ctx(), by("user1", "a@example.com")).await.unwrap().unwrap();
    world.clock.advance_seconds(2 * 3600 - 1);
    let early = world.sso.sign_up(&ctx(), by("user1", "b@example.com")).await;
    assert_eq!(refusal(early), Code::UsernameExists);
    world.clock.advance_seconds(1);
    assert_eq!(refusal(world.sso.confirm_sign_up(&ctx(), &token).await), Code::AuthNoSuchSignUpToken);
    // Nothing has cleaned up, and the name is free for anybody.
    world.sso.sign_up(&ctx(), by("user1", "b@example.com")).await.unwrap();
    world.clock.advance_seconds(2 * 3600);
    world.user("user1").await;
    let other = world.sso.sign_up(&ctx(), by("user2", "c@example.com")).await.unwrap().unwrap();
    world.sso.confirm_sign_up(&ctx(), &other).await.unwrap();
    world.sso.sign_up(&ctx(), by("user3", "d@example.com")).await.unwrap();
    world.clock.advance_seconds(2 * 3600);
    let cleaned = world.sso.clean_up(&ctx()).await.unwrap();
    assert!(cleaned.counts().contains(&("sign_ups", 1)), "{cleaned:?}");
    let names = any_rows(&world, "SELECT username FROM sso_user ORDER BY username").await;
    assert_eq!(names, [b"user1".to_vec(), b"user2".to_vec()]);

    // One that a super-user has decided about does not end.
    world.sso.sign_up(&ctx(), by("user4", "e@example.com")).await.unwrap();
    let user = world.sso.get_user_by_username(&ctx(), "user4", false).await.unwrap().unwrap().user;
    let update = UserUpdate { sign_up_status: Edit::Set(SignUpStatus::Final), ..UserUpdate::default() };
    world.sso.update_user_by_id(&ctx(), Actor::Trusted(None), user.user_id.as_str(), update).await.unwrap();
    world.clock.advance_seconds(86_400);
    let cleaned = world.sso.clean_up(&ctx()).await.unwrap();
    assert!(cleaned.counts().contains(&("sign_ups", 0)), "{cleaned:?}");
    // Without a limit, none does.
    let sso = world.reopened(open_but(json!({"signup.confirm_within": 0}))).await;
    let token = sso.sign_up(&ctx(), by("user5", "f@example.com")).await.unwrap().unwrap();
    world.clock.advance_seconds(400 * 86_400);
    sso.confirm_sign_up(&ctx(), &token).await.unwrap();
}

async fn a_sign_up_that_waits_owns_nothing(kind: Kind) {
    let more = json!({"password_reset.user_search_by": "username_or_email"});
    let server = SmtpServer::new(Manner::Kind).await;
    let world = World::with(kind, by_email(&server, more)).await;
    // Somebody's username is an address, as it is in many systems.
    let new = NewUser { email: Some("ann@work.example".to_owned()), ..new_user("ann@example.com") };
    world.sso.create_user(&ctx(), Actor::Trusted(None), new, true).await.unwrap();
    let squatter = with_password("squatter", "ann@example.com", OTHER);
    world.sso.sign_up(&ctx(), squatter).await.unwrap();
    server.email(1).await;
    world.sso.create_reset_token(&ctx(), "ann@example.com", None).await.unwrap();
    assert!(server.email(2).await.contains("To: ann@work.example\n"));
    // A super-user gives the address to somebody all the same.
    let new = NewUser { email: Some("ann@example.com".to_owned()), ..new_user("ann") };
    world.sso.create_user(&ctx(), Actor::Trusted(None), new, true).await.unwrap();
    world.sso.close().await;
}

async fn an_address_that_somebody_owns_is_given_to_nobody_else(kind: Kind) {
    let more = json!({"password_reset.user_search_by": "username_or_email"});
    let server = SmtpServer::new(Manner::Kind).await;
    let world = World::with(kind, by_email(&server, more)).await;
    world.sso.sign_up(&ctx(), with_password("zoe", "zoe@example.com", PASSWORD)).await.unwrap();
    world.sso.confirm_sign_up(&ctx(), &confirm_token(&server.email(1).await)).await.unwrap();
    server.email(2).await;
    // A username that is her email would take what is meant for her.
    let as_name = with_password("zoe@example.com", "other@example.com", OTHER);
    assert_eq!(refusal(world.sso.sign_up(&ctx(), as_name).await), Code::UsernameExists);
    let bob = world.user("bob").await;
    let change = async |update: UserUpdate, actor: Actor| {
        world.sso.update_user_by_id(&ctx(), actor, bob.user_id.as_str(), update).await
    };
    let name = || UserUpdate { username: Edit::Set("ZOE@example.com".to_owned()), ..UserUpdate::default() };
    assert_eq!(refusal(change(name(), Actor::Trusted(None)).await), Code::UsernameExists);
    // Nor does a change make it somebody else's.
    let email = || UserUpdate { email: Edit::Set("Zoe@example.com".to_owned()), ..UserUpdate::default() };
    assert_eq!(refusal(change(email(), Actor::Trusted(None)).await), Code::EmailExists);
    // Nor does a site.
    world.sso.create_site(&ctx(), trusted_site("shop")).await.unwrap();
    let site = world.sso.act_as_site(&ctx(), "shop").await.unwrap();
    let of_site = |login: &str, email: &str| NewSiteUser {
        login: Some(login.to_owned()),
        password: Some(Password::from(OTHER)),
        profile: Some(json!({"emails": [{"value": email}]})),
        ..NewSiteUser::default()
    };
    for (new, code) in [
        (of_site("zoe@example.com", "eve@example.com"), Code::UsernameExists),
        (of_site("eve", "zoe@example.com"), Code::EmailExists),
    ] {
        assert_eq!(refusal(world.sso.create_site_user(&ctx(), &site, new).await), code);
    }
    // Accounts that share it, from before all that, do not crowd her out; nor does a name.
    for number in 0..12 {
        let new = NewUser { email: Some("zoe@example.com".to_owned()), ..new_user(&format!("a{number:02}")) };
        world.sso.create_user(&ctx(), Actor::Trusted(None), new, true).await.unwrap();
    }
    execute(&world, "UPDATE sso_user SET username = 'zoe@example.com' WHERE username = 'bob'").await;
    world.sso.create_reset_token(&ctx(), "zoe@example.com", None).await.unwrap();
    server.email(12).await;
    world.sso.close().await;
    let emails = server.received().split_off(2);
    assert_eq!(emails.len(), 10);
    assert!(emails.iter().any(|email| email.contains("Hello zoe,")));
}

async fn the_email_of_a_sign_up_can_be_repeated(kind: Kind) {
    let server = SmtpServer::new(Manner::Kind).await;
    let world = World::with(kind, by_email(&server, json!({"signup.max_per_hour": 4}))).await;
    world.sso.sign_up(&ctx(), request("user1")).await.unwrap();
    let token = confirm_token(&server.email(1).await);
    let settle = async || {
        while !any_rows(&world, "SELECT kind FROM sso_outbox").await.is_empty() {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    settle().await;
    for (count, credential) in [(2, "user1"), (3, "USER1@example.com")] {
        world.sso.resend_confirmation(&ctx(), credential).await.unwrap();
        assert_eq!(confirm_token(&server.email(count).await).expose(), token.expose());
        settle().await;
    }
    for credential in ["nobody", "nobody@example.com", "", "\0", &"x".repeat(100_000)] {
        world.sso.resend_confirmation(&ctx(), credential).await.unwrap();
    }
    // Past the limit there is none, and no answer says so.
    for _ in 0..3 {
        world.sso.resend_confirmation(&ctx(), "user1").await.unwrap();
        settle().await;
    }
    assert_eq!(server.received().len(), 4);
    world.sso.confirm_sign_up(&ctx(), &token).await.unwrap();
    server.email(5).await;
    world.clock.advance_seconds(3600);
    world.sso.resend_confirmation(&ctx(), "user1").await.unwrap();
    settle().await;
    let unknown = world.sso.resend_confirmation(&ctx_of("Unknown", ""), "user1").await;
    assert_eq!(refusal(unknown), Code::AppListInvalid);

    // One that an earlier version has made gets another token.
    world.sso.sign_up(&ctx(), request("user2")).await.unwrap();
    server.email(6).await;
    settle().await;
    execute(&world, "UPDATE sso_user SET sign_up_token = NULL, sign_up_expiration = NULL").await;
    world.sso.resend_confirmation(&ctx(), "user2").await.unwrap();
    let token = confirm_token(&server.email(7).await);
    world.sso.confirm_sign_up(&ctx(), &token).await.unwrap();
    world.sso.close().await;
    assert_eq!(server.received().len(), 8);
}

async fn a_token_is_returned_where_nothing_else_would_tell_it(kind: Kind) {
    let server = SmtpServer::new(Manner::Kind).await;
    let world = World::with(kind, by_email(&server, json!({"signup.is_email_required": false}))).await;
    assert!(world.sso.sign_up(&ctx(), request("user1")).await.unwrap().is_none());
    let without = SignUpRequest { email: None, ..request("user2") };
    assert!(world.sso.sign_up(&ctx(), without).await.unwrap().is_some());
    world.sso.close().await;
    let sso = world.reopened(open()).await;
    assert!(sso.sign_up(&ctx(), request("user3")).await.unwrap().is_some());
}

async fn too_many_sign_ups_are_refused_whoever_has_the_email(kind: Kind) {
    let more = open_but(json!({"signup.max_per_hour": 2, "signup.max_per_hour_per_address": 6}));
    let world = World::with(kind, more).await;
    let made = NewUser { email: Some("made@example.com".to_owned()), ..new_user("made") };
    world.sso.create_user(&ctx(), Actor::Trusted(None), made, true).await.unwrap();
    let sign_up = async |name: &str, email: &str, address: &str| {
        world.sso.sign_up(&ctx_of("CRM", address), with_password(name, email, PASSWORD)).await.map(drop)
    };
    for email in ["made@example.com", "free@example.com"] {
        for number in 0..2 {
            drop(sign_up(&format!("user{number}"), email, "10.0.0.1").await);
        }
        let error = sign_up("user2", email, "10.0.0.2").await;
        assert_eq!(refusal(error), Code::AuthRateLimited);
    }
    for number in 3..5 {
        sign_up(&format!("user{number}"), &format!("e{number}@example.com"), "10.0.0.1").await.unwrap();
    }
    let error = sign_up("user6", "f@example.com", "10.0.0.1").await;
    assert_eq!(refusal(error), Code::AuthRateLimited);
    let error = world.sso.resend_confirmation(&ctx(), "nobody").await;
    assert_eq!(refusal(error), Code::AuthRateLimited);
    world.clock.advance_seconds(3600);
    sign_up("user6", "f@example.com", "10.0.0.1").await.unwrap();
}
