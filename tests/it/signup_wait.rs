//! Sign-ups that wait for being confirmed: whose the address is until then, and how it ends.

use serde_json::json;
use zato_sso::domain::{
    Code, Direction, Edit, NewUser, PageRequest, Password, SignUpStatus, UserSearch, UserUpdate,
};
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
    in_one_network_an_owner_confirms_no_password_of_another;
    who_signs_up_again_with_the_same_password_keeps_it;
    a_sign_up_with_the_address_of_a_user_is_like_any_other;
    a_name_that_is_an_address_tells_no_more;
    where_nothing_is_mailed_a_known_address_is_refused;
    what_a_site_says_of_its_users_keeps_nobody_from_an_address;
    what_was_not_confirmed_in_time_is_not_seen_either;
    sign_ups_of_earlier_versions_end_too;
    a_click_verifies_the_address_that_the_link_went_to;
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

pub fn with_password(name: &str, email: &str, password: &str) -> SignUpRequest {
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
        // Whose the last password is, nobody knows: who has the mailbox sets one, and is sent what it takes.
        for (name, password) in [("ann", OTHER), ("ann", PASSWORD), (squatter, OTHER)] {
            let login = world.sso.login(&ctx(), credentials(name, password)).await;
            assert_eq!(refusal(login), Code::AuthNotAllowed);
        }
        set_by_reset(&world, &server, PASSWORD).await;
        world.login("ann").await;
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
    set_by_reset(&world, &server, PASSWORD).await;
    world.login("ann").await;
    world.sso.close().await;
}

/// The email of this kind that has come, or comes.
async fn email_with(server: &SmtpServer, part: &str) -> String {
    loop {
        if let Some(email) = server.received().into_iter().find(|email| email.contains(part)) {
            return email;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

/// Sets the password with what was sent to the owner of the address without being asked for.
async fn set_by_reset(world: &World, server: &SmtpServer, password: &str) {
    let email = email_with(server, "Subject: A new password").await;
    let token = Password::from(crate::smtp::token_in(&email));
    let access = world.sso.access_reset_token(&ctx(), &token, None).await.unwrap();
    world.sso.reset_password(&ctx(), &token, &access.reset_key, Password::from(password)).await.unwrap();
}

async fn in_one_network_an_owner_confirms_no_password_of_another(kind: Kind) {
    let server = SmtpServer::new(Manner::Kind).await;
    let world = World::with(kind, by_email(&server, json!({}))).await;
    let sign_up = async |address: &str, password: &str| {
        let request = with_password("ann", "ann@example.com", password);
        world.sso.sign_up(&ctx_of("CRM", address), request).await.unwrap();
    };
    // The owner, and a neighbour in the same /24 behind them; the link that is valid is the neighbour's.
    sign_up("10.0.0.1", PASSWORD).await;
    server.email(1).await;
    sign_up("10.0.0.2", OTHER).await;
    let token = confirm_token(&server.email(2).await);
    world.sso.confirm_sign_up(&ctx_of("CRM", "10.0.0.1"), &token).await.unwrap();
    for password in [OTHER, PASSWORD] {
        let login = world.sso.login(&ctx_of("CRM", "10.0.0.2"), credentials("ann", password)).await;
        assert_eq!(refusal(login), Code::AuthNotAllowed);
    }
    set_by_reset(&world, &server, PASSWORD).await;
    world.login("ann").await;
    world.sso.close().await;
}

async fn who_signs_up_again_with_the_same_password_keeps_it(kind: Kind) {
    let server = SmtpServer::new(Manner::Kind).await;
    let world = World::with(kind, by_email(&server, json!({}))).await;
    for (count, name) in [(1, "an"), (2, "ann"), (3, "ann")] {
        world.sso.sign_up(&ctx(), with_password(name, "ann@example.com", PASSWORD)).await.unwrap();
        server.email(count).await;
    }
    let token = confirm_token(&server.email(3).await);
    world.sso.confirm_sign_up(&ctx_of("CRM", "10.9.9.9"), &token).await.unwrap();
    world.login("ann").await;
    world.sso.close().await;
}

/// Waits until nothing is to be sent.
async fn settle(world: &World) {
    while !any_rows(world, "SELECT kind FROM sso_outbox").await.is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

/// The same, and nothing tells who has an account.
fn hiding(server: &SmtpServer, more: serde_json::Value) -> serde_json::Value {
    let mut all = by_email(server, json!({"signup.inform_if_email_exists": false}));
    all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    all
}

async fn a_sign_up_with_the_address_of_a_user_is_like_any_other(kind: Kind) {
    let server = SmtpServer::new(Manner::Kind).await;
    let world = World::with(kind, hiding(&server, json!({}))).await;
    world.super_user("root1").await;
    let owner = NewUser { email: Some("ann@example.com".to_owned()), ..new_user("ann") };
    world.sso.create_user(&ctx(), Actor::Trusted(None), owner, true).await.unwrap();
    let sign_up = async |name: &str, email: &str| {
        let outcome = world.sso.sign_up(&ctx(), with_password(name, email, OTHER)).await;
        outcome.map(|token| token.is_some()).map_err(|error| error.to_string())
    };
    let log_in = async |name: &str, password: &str| {
        let outcome = world.sso.login(&ctx(), credentials(name, password)).await;
        outcome.map(drop).map_err(|error| error.to_string())
    };
    // Of a user, and of nobody: whatever is tried next, it goes the same way.
    let mut all = Vec::new();
    for (letter, email) in [("k", "ann@example.com"), ("f", "free@example.com")] {
        let name = |number: u8| format!("{letter}{letter}{number}");
        let mut seen = vec![sign_up(&name(1), email).await];
        // The name is taken, and the password known, as long as it waits.
        seen.push(sign_up(&name(1), &format!("{letter}-other@example.com")).await);
        for password in [OTHER, PASSWORD] {
            seen.push(log_in(&name(1), password).await.map(|()| true));
        }
        seen.push(sign_up(&name(2), &email.to_uppercase()).await);
        // The first name is free again, and the second one is not.
        seen.push(sign_up(&name(1), &format!("{letter}-another@example.com")).await);
        seen.push(sign_up(&name(2), &format!("{letter}-third@example.com")).await);
        seen.push(log_in(&name(2), OTHER).await.map(|()| true));
        for credential in [&*name(2), email] {
            settle(&world).await;
            world.sso.resend_confirmation(&ctx(), credential).await.unwrap();
            settle(&world).await;
        }
        // Past the limit of the address.
        for number in 3..13 {
            seen.push(sign_up(&name(number), email).await);
        }
        all.push(seen);
    }
    assert_eq!(all[0], all[1]);
    assert_eq!(all[0][0], Ok(false));
    assert!(all[0].iter().any(|outcome| outcome.as_ref().is_err_and(|error| error.starts_with("E005009"))));

    // The owner is told, without a token, and without anything that a stranger has chosen.
    let email = email_with(&server, "Subject: You have an account at").await;
    assert!(email.contains("To: ann@example.com\n") && email.contains("Hello ann,"), "{email}");
    assert!(!email.contains("kk"), "{email}");
    // Nobody sees what is left of that.
    let root = world.login("root1").await.ust;
    let search =
        UserSearch { sign_up_status: Some(SignUpStatus::BeforeConfirmation), ..UserSearch::default() };
    let found = world.sso.search_users(&ctx(), &root, search).await.unwrap();
    let names: Vec<_> = found.result.iter().map(|view| view.user.username.clone()).collect();
    assert_eq!(names.iter().filter(|name| name.starts_with("kk")).collect::<Vec<_>>(), ["kk1"], "{names:?}");
    let all_users = world.sso.list_users(&ctx(), "", 100).await.unwrap();
    assert_eq!(i64::try_from(all_users.len()).unwrap(), found.total + 2);
    // Nor does a site that sees everybody.
    world.sso.create_site(&ctx(), trusted_site("shop")).await.unwrap();
    let site = world.sso.act_as_site(&ctx(), "shop").await.unwrap();
    let seen = seen_by_site(&world, &site).await;
    assert_eq!(seen.0, all_users.iter().map(|user| user.username.clone()).collect::<Vec<_>>());
    assert_eq!(seen.1, seen.0.len());
    let decoys = any_rows(&world, "SELECT username FROM sso_user WHERE sign_up_is_decoy").await;
    assert!(!decoys.is_empty());
    for decoy in decoys {
        let name = String::from_utf8(decoy).unwrap();
        assert_eq!(refusal(world.sso.find_site_user(&ctx(), &site, &*name).await), Code::UserIdInvalid);
    }
    world.login("ann").await;
    // It ends as any other does.
    world.clock.advance_seconds(25 * 3600);
    world.sso.clean_up(&ctx()).await.unwrap();
    let names = any_rows(&world, "SELECT username FROM sso_user ORDER BY username").await;
    assert_eq!(names, [b"ann".to_vec(), b"root1".to_vec()]);
    world.sso.close().await;
    let to_owner = server.received().into_iter().filter(|email| email.contains("To: ann@example.com\n"));
    assert!(to_owner.clone().count() <= 10);
    assert!(
        to_owner.clone().all(|email| email.contains("You have an account")),
        "no link of a stranger's sign-up"
    );
}

/// The names of the users that a site lists, and how many identities.
async fn seen_by_site(world: &World, site: &Actor) -> (Vec<String>, usize) {
    let mut all = None;
    for direction in [Direction::Descending, Direction::Ascending] {
        let page = PageRequest { page: 1, entries_per_page: 100, direction };
        let users = world.sso.list_site_users(&ctx(), site, page).await.unwrap();
        let mut names: Vec<_> = users.result.into_iter().map(|one| one.user.username).collect();
        names.sort();
        assert_eq!(i64::try_from(names.len()).unwrap(), users.total);
        let identities = world.sso.list_site_identities(&ctx(), site, page).await.unwrap();
        assert_eq!(i64::try_from(identities.result.len()).unwrap(), identities.total);
        let seen = (names, identities.result.len());
        assert!(all.is_none_or(|before| before == seen));
        all = Some(seen);
    }
    all.unwrap()
}

async fn a_name_that_is_an_address_tells_no_more(kind: Kind) {
    let server = SmtpServer::new(Manner::Kind).await;
    let more = json!({"password_reset.user_search_by": "username_or_email"});
    let world = World::with(kind, hiding(&server, more)).await;
    for (name, email) in [("ann", "ann@example.com"), ("zoe@example.com", "zoe@example.com")] {
        let owner = NewUser { email: Some(email.to_owned()), ..new_user(name) };
        world.sso.create_user(&ctx(), Actor::Trusted(None), owner, true).await.unwrap();
    }
    for email in ["ann@example.com", "zoe@example.com", "free@example.com"] {
        for _ in 0..2 {
            let own = world.sso.sign_up(&ctx(), with_password(email, email, OTHER)).await;
            assert!(own.unwrap().is_none(), "{email}");
        }
        let foreign = world.sso.sign_up(&ctx(), with_password(email, "mallory@example.com", OTHER)).await;
        assert_eq!(refusal(foreign), Code::UsernameInvalid, "{email}");
    }
    world.login("zoe@example.com").await;
    world.sso.close().await;
}

async fn where_nothing_is_mailed_a_known_address_is_refused(kind: Kind) {
    let hidden = open_but(json!({"signup.inform_if_email_exists": false}));
    let world = World::with(kind, hidden).await;
    let owner = NewUser { email: Some("ann@example.com".to_owned()), ..new_user("ann") };
    world.sso.create_user(&ctx(), Actor::Trusted(None), owner, true).await.unwrap();
    let outcome = world.sso.sign_up(&ctx(), with_password("mallory", "ann@example.com", OTHER)).await;
    assert_eq!(refusal(outcome), Code::AuthNotAllowed);
}

async fn what_a_site_says_of_its_users_keeps_nobody_from_an_address(kind: Kind) {
    let server = SmtpServer::new(Manner::Kind).await;
    let world = World::with(kind, by_email(&server, json!({}))).await;
    world.sso.create_site(&ctx(), trusted_site("shop")).await.unwrap();
    let site = world.sso.act_as_site(&ctx(), "shop").await.unwrap();
    let new = NewSiteUser {
        login: Some("squatter".to_owned()),
        password: Some(Password::from(OTHER)),
        profile: Some(json!({"emails": [{"value": "ann@example.com"}]})),
        ..NewSiteUser::default()
    };
    world.sso.create_site_user(&ctx(), &site, new).await.unwrap();
    world.sso.sign_up(&ctx(), with_password("ann", "ann@example.com", PASSWORD)).await.unwrap();
    world.sso.confirm_sign_up(&ctx(), &confirm_token(&server.email(1).await)).await.unwrap();
    world.login("ann").await;
    // Now it is owned.
    let late = world.sso.sign_up(&ctx(), with_password("late", "ann@example.com", OTHER)).await;
    assert_eq!(refusal(late), Code::EmailExists);
    world.sso.close().await;
}

async fn what_was_not_confirmed_in_time_is_not_seen_either(kind: Kind) {
    let world = World::with(kind, open_but(json!({"signup.confirm_within": 2}))).await;
    world.super_user("root1").await;
    world.sso.sign_up(&ctx(), with_password("user1", "a@example.com", PASSWORD)).await.unwrap();
    let user_id = world.sso.list_users(&ctx(), "root1", 10).await.unwrap()[0].user_id.to_string();
    world.sso.create_site(&ctx(), trusted_site("shop")).await.unwrap();
    let site = world.sso.act_as_site(&ctx(), "shop").await.unwrap();
    let identity = world.sso.list_identities(&ctx(), &user_id).await.unwrap().remove(0);
    let (user_token, identity_token) = (identity.user_token.to_string(), identity.identity_token.to_string());
    let seen = async || {
        let root = world.login("root1").await.ust;
        let search = |username: Option<&str>, user_id: Option<&str>| UserSearch {
            username: username.map(str::to_owned),
            user_id: user_id.map(str::to_owned),
            ..UserSearch::default()
        };
        let mut found = Vec::new();
        for search in [search(None, None), search(Some("user1"), None), search(None, Some(&user_id))] {
            found.push(world.sso.search_users(&ctx(), &root, search).await.unwrap().total);
        }
        found.push(i64::from(world.sso.get_user_by_id(&ctx(), &root, &user_id, false).await.is_ok()));
        found
            .push(i64::from(world.sso.get_user_by_username(&ctx(), "user1", false).await.unwrap().is_some()));
        found.push(i64::try_from(world.sso.list_users(&ctx(), "", 10).await.unwrap().len()).unwrap());
        found.push(i64::try_from(seen_by_site(&world, &site).await.1).unwrap());
        for is_there in [
            world.sso.get_site_user(&ctx(), &site, &user_token).await.is_ok(),
            world.sso.get_site_identity(&ctx(), &site, &identity_token).await.is_ok(),
            world.sso.get_identity(&ctx(), &identity_token).await.is_ok(),
            world.sso.list_identities(&ctx(), &user_id).await.is_ok(),
        ] {
            found.push(i64::from(is_there));
        }
        found
    };
    world.clock.advance_seconds(2 * 3600 - 1);
    assert_eq!(seen().await, [2, 1, 1, 1, 1, 2, 2, 1, 1, 1, 1]);
    world.clock.advance_seconds(1);
    assert_eq!(seen().await, [1, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0]);
}

async fn sign_ups_of_earlier_versions_end_too(kind: Kind) {
    let world = World::with(kind, open()).await;
    let mut tokens = Vec::new();
    for name in ["user1", "user2"] {
        tokens.push(world.sso.sign_up(&ctx(), request(name)).await.unwrap().unwrap());
    }
    let earlier = "UPDATE sso_user SET sign_up_token = NULL, sign_up_expiration = NULL";
    execute(&world, earlier).await;
    // Without a limit they stay.
    let for_good = world.reopened(open_but(json!({"signup.confirm_within": 0}))).await;
    for_good.clean_up(&ctx()).await.unwrap();
    world.clock.advance_seconds(400 * 86_400);
    // They have as long as those that begin now.
    world.sso.clean_up(&ctx()).await.unwrap();
    world.clock.advance_seconds(24 * 3600 - 1);
    world.sso.confirm_sign_up(&ctx(), &tokens[0]).await.unwrap();
    world.clock.advance_seconds(1);
    assert_eq!(refusal(world.sso.confirm_sign_up(&ctx(), &tokens[1]).await), Code::AuthNoSuchSignUpToken);
    world.sso.clean_up(&ctx()).await.unwrap();
    let names = any_rows(&world, "SELECT username FROM sso_user").await;
    assert_eq!(names, [b"user1".to_vec()]);
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

async fn a_click_verifies_the_address_that_the_link_went_to(kind: Kind) {
    let server = SmtpServer::new(Manner::Kind).await;
    let world = World::with(kind, by_email(&server, json!({}))).await;
    let sso = &world.sso;
    let verified =
        async || any_rows(&world, "SELECT user_id FROM sso_user WHERE email_is_verified").await.len();
    sso.sign_up(&ctx(), with_password("ann", "ann@example.com", PASSWORD)).await.unwrap();
    let former = confirm_token(&server.email(1).await);
    let user = sso.get_user_by_username(&ctx(), "ann", false).await.unwrap().unwrap().user;
    let update = UserUpdate { email: Edit::Set("bob@example.com".to_owned()), ..UserUpdate::default() };
    sso.update_user_by_id(&ctx(), Actor::Trusted(None), user.user_id.as_str(), update).await.unwrap();
    // Who has the link to the one address has not shown that the other is theirs.
    assert_eq!(refusal(sso.confirm_sign_up(&ctx(), &former).await), Code::AuthNoSuchSignUpToken);
    sso.resend_confirmation(&ctx(), "ann").await.unwrap();
    let token = confirm_token(&email_with(&server, "To: bob@example.com").await);
    sso.confirm_sign_up(&ctx(), &token).await.unwrap();
    assert_eq!(verified().await, 1);

    // A token that the answer had shows nothing, whatever is configured by the time it is used.
    let open = world.reopened(by_email(&server, json!({"signup.always_return_confirm_token": true}))).await;
    let token = open.sign_up(&ctx(), with_password("eve", "eve@example.com", PASSWORD)).await.unwrap();
    sso.confirm_sign_up(&ctx(), &token.unwrap()).await.unwrap();
    assert_eq!(verified().await, 1);
    open.close().await;
}
