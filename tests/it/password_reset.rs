//! Password resets: tokens that work once and for a while, answers that tell nothing, and what ends when one succeeds.

use serde_json::{Value, json};
use zato_sso::domain::{Code, Edit, NewUser, Password, User, UserUpdate};
use zato_sso::ops::{Actor, ChangePassword, ResetAccess};

use crate::smtp::{Manner, SmtpServer, token_in};
use crate::support::{
    Kind, PASSWORD, World, any_rows, credentials, ctx, ctx_of, dump, execute, new_user, refusal,
};

on_both_databases! {
    a_token_becomes_a_key_and_a_key_a_password;
    a_token_lives_so_many_minutes_and_a_key_so_many_seconds;
    a_token_and_a_key_work_once;
    of_fifty_at_once_one_gets_the_key_and_one_sets_the_password;
    a_token_stays_valid_when_asked_for_again;
    a_request_of_somebody_else_does_not_end_a_reset_under_way;
    no_more_is_mailed_than_the_limit_and_no_answer_says_so;
    an_address_that_asks_too_often_is_told_so_whoever_it_asks_for;
    a_change_of_email_ends_tokens;
    of_requests_at_once_one_token_is_left;
    a_key_goes_with_its_token_only;
    an_invalid_password_does_not_use_up_the_key;
    whoever_asks_cannot_tell_whether_there_is_such_a_user;
    those_who_may_not_log_in_get_no_email_and_no_further;
    users_are_found_by_what_is_configured;
    those_who_share_an_email_get_one_each;
    success_ends_sessions_where_configured_and_every_token;
    a_reset_clears_flag_and_expiry_and_asks_for_totp_all_the_same;
    the_database_and_the_audit_trail_hold_no_token_and_no_key;
}

const NEW: &str = "a new and different one";

/// A database whose emails arrive here.
struct Office {
    world: World,
    server: SmtpServer,
}

impl Office {
    async fn new(kind: Kind) -> Self {
        Self::with(kind, json!({})).await
    }

    async fn with(kind: Kind, more: Value) -> Self {
        let server = SmtpServer::new(Manner::Kind).await;
        let mut all = json!({"smtp.url": server.url});
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        Self { world: World::with(kind, all).await, server }
    }

    async fn user(&self, username: &str) -> User {
        self.user_at(username, &format!("{username}@example.com")).await
    }

    async fn user_at(&self, username: &str, email: &str) -> User {
        let new = NewUser { email: Some(email.to_owned()), ..new_user(username) };
        self.world.sso.create_user(&ctx(), Actor::Trusted(None), new, true).await.unwrap()
    }

    async fn ask(&self, credential: &str) {
        self.world.sso.create_reset_token(&ctx(), credential, Some("agent")).await.unwrap();
    }

    /// A token, by way of an email.
    async fn token(&self, credential: &str) -> Password {
        self.settle().await;
        let count = self.server.received().len();
        self.ask(credential).await;
        Password::from(token_in(&self.server.email(count + 1).await))
    }

    async fn access(&self, token: &Password) -> zato_sso::domain::Result<ResetAccess> {
        self.world.sso.access_reset_token(&ctx(), token, None).await
    }

    async fn change(&self, token: &Password, key: &Password, password: &str) -> zato_sso::domain::Result<()> {
        self.world.sso.reset_password(&ctx(), token, key, Password::from(password)).await
    }

    /// Waits until every request was looked at, and every email sent.
    async fn settle(&self) {
        while !any_rows(&self.world, "SELECT kind FROM sso_outbox").await.is_empty() {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    }

    /// How many resets there are.
    async fn count(&self) -> usize {
        any_rows(&self.world, "SELECT token_digest FROM sso_password_reset").await.len()
    }
}

const NO_ACCESS: Code = Code::PasswordResetCouldNotAccess;

async fn a_token_becomes_a_key_and_a_key_a_password(kind: Kind) {
    let office = Office::new(kind).await;
    let user = office.user("user1").await;
    let token = office.token("user1").await;
    let access = office.access(&token).await.unwrap();
    assert_eq!((access.user_id, access.username.as_str()), (user.user_id, "user1"));
    assert_eq!(access.reset_key.expose().len(), 43);
    office.change(&token, &access.reset_key, NEW).await.unwrap();
    let before = office.world.sso.login(&ctx(), credentials("user1", PASSWORD)).await;
    assert_eq!(refusal(before), Code::AuthNotAllowed);
    office.world.sso.login(&ctx(), credentials("user1", NEW)).await.unwrap();

    for wrong in ["", "nothing", "\0", "ż"] {
        let wrong = Password::from(wrong);
        assert_eq!(refusal(office.access(&wrong).await), NO_ACCESS);
        assert_eq!(refusal(office.change(&wrong, &wrong, NEW).await), NO_ACCESS);
    }
}

async fn a_token_lives_so_many_minutes_and_a_key_so_many_seconds(kind: Kind) {
    let more = json!({"password_reset.valid_for": 5, "password_reset.password_change_session_duration": 7});
    let office = Office::with(kind, more).await;
    office.user("user1").await;
    let token = office.token("user1").await;
    office.world.clock.advance_seconds(300);
    assert_eq!(refusal(office.access(&token).await), NO_ACCESS);

    let token = office.token("user1").await;
    office.world.clock.advance_seconds(299);
    let access = office.access(&token).await.unwrap();
    office.world.clock.advance_seconds(7);
    assert_eq!(refusal(office.change(&token, &access.reset_key, NEW).await), NO_ACCESS);

    let token = office.token("user1").await;
    let access = office.access(&token).await.unwrap();
    office.world.clock.advance_seconds(6);
    office.change(&token, &access.reset_key, NEW).await.unwrap();
}

async fn a_token_and_a_key_work_once(kind: Kind) {
    let office = Office::new(kind).await;
    office.user("user1").await;
    let token = office.token("user1").await;
    let access = office.access(&token).await.unwrap();
    assert_eq!(refusal(office.access(&token).await), NO_ACCESS);
    office.change(&token, &access.reset_key, NEW).await.unwrap();
    assert_eq!(refusal(office.change(&token, &access.reset_key, PASSWORD).await), NO_ACCESS);
    assert_eq!(refusal(office.access(&token).await), NO_ACCESS);
    office.world.sso.login(&ctx(), credentials("user1", NEW)).await.unwrap();
}

async fn of_fifty_at_once_one_gets_the_key_and_one_sets_the_password(kind: Kind) {
    let office = Office::new(kind).await;
    office.user("user1").await;
    let token = office.token("user1").await;
    let accesses: Vec<_> = (0..50)
        .map(|_| {
            let (sso, token) = (office.world.sso.clone(), token.clone());
            tokio::spawn(async move { sso.access_reset_token(&ctx(), &token, None).await })
        })
        .collect();
    let mut keys = Vec::new();
    for outcome in accesses {
        match outcome.await.unwrap() {
            Ok(access) => keys.push(access.reset_key),
            refused => assert_eq!(refusal(refused), NO_ACCESS),
        }
    }
    assert_eq!(keys.len(), 1);

    let changes: Vec<_> = (0..50)
        .map(|number| {
            let (sso, token, key) = (office.world.sso.clone(), token.clone(), keys[0].clone());
            let password = Password::from(format!("{NEW} {number}"));
            tokio::spawn(async move { sso.reset_password(&ctx(), &token, &key, password).await })
        })
        .collect();
    let mut winners = Vec::new();
    for (number, outcome) in changes.into_iter().enumerate() {
        match outcome.await.unwrap() {
            Ok(()) => winners.push(number),
            refused => assert_eq!(refusal(refused), NO_ACCESS),
        }
    }
    assert_eq!(winners.len(), 1);
    let password = format!("{NEW} {}", winners[0]);
    office.world.sso.login(&ctx(), credentials("user1", &password)).await.unwrap();
}

async fn a_token_stays_valid_when_asked_for_again(kind: Kind) {
    let office = Office::new(kind).await;
    office.user("user1").await;
    let first = office.token("user1").await;
    office.world.clock.advance_seconds(60);
    let again = office.token("user1").await;
    assert_eq!(again.expose(), first.expose());
    // The email says for how long.
    let emails = office.server.received();
    assert!(emails[0].contains("within 30 minutes") && emails[1].contains("within 29 minutes"), "{emails:?}");
    office.access(&first).await.unwrap();
    let next = office.token("user1").await;
    assert_ne!(next.expose(), first.expose());
}

async fn a_request_of_somebody_else_does_not_end_a_reset_under_way(kind: Kind) {
    let office = Office::new(kind).await;
    office.user("user1").await;
    let first = office.token("user1").await;
    let key = office.access(&first).await.unwrap().reset_key;
    let second = office.token("user1").await;
    office.change(&first, &key, NEW).await.unwrap();
    assert_eq!(refusal(office.access(&second).await), NO_ACCESS);
    assert_eq!(office.count().await, 0);
}

async fn no_more_is_mailed_than_the_limit_and_no_answer_says_so(kind: Kind) {
    let office = Office::with(kind, json!({"password_reset.max_per_hour": 3})).await;
    office.user("user1").await;
    office.user("user2").await;
    for _ in 0..6 {
        office.ask("user1").await;
        office.settle().await;
    }
    let emails = office.server.received();
    assert_eq!(emails.len(), 3);
    let tokens: std::collections::HashSet<_> = emails.iter().map(|email| token_in(email)).collect();
    assert_eq!(tokens.len(), 1);
    // Others are not concerned, and after an hour neither is the user.
    office.token("user2").await;
    office.world.clock.advance_seconds(3600);
    office.token("user1").await;
}

async fn an_address_that_asks_too_often_is_told_so_whoever_it_asks_for(kind: Kind) {
    let office = Office::with(kind, json!({"password_reset.max_per_hour_per_address": 4})).await;
    office.user("user1").await;
    let ask = async |credential: &str, address: &str| {
        office.world.sso.create_reset_token(&ctx_of("CRM", address), credential, None).await
    };
    for credential in ["user1", "nobody", "user1", "nobody"] {
        ask(credential, "2001:db8::1").await.unwrap();
    }
    for credential in ["user1", "nobody"] {
        let error = ask(credential, "2001:db8::2").await.unwrap_err();
        assert_eq!(error.code(), Code::AuthRateLimited);
        assert!(
            matches!(error, zato_sso::domain::Error::RateLimited { retry_after } if retry_after.as_secs() == 3600)
        );
        ask(credential, "2001:db8:1::1").await.unwrap();
    }
    office.world.clock.advance_seconds(3600);
    ask("user1", "2001:db8::1").await.unwrap();
}

async fn a_change_of_email_ends_tokens(kind: Kind) {
    let office = Office::new(kind).await;
    let user = office.user("user1").await;
    let change = async |update: UserUpdate| {
        let by = Actor::Trusted(None);
        office.world.sso.update_user_by_id(&ctx(), by, user.user_id.as_str(), update).await.unwrap();
    };
    let token = office.token("user1").await;
    change(UserUpdate { first_name: Edit::Set("Ann".to_owned()), ..UserUpdate::default() }).await;
    let key = office.access(&token).await.unwrap().reset_key;
    let token2 = office.token("user1").await;
    change(UserUpdate { email: Edit::Set("new@example.com".to_owned()), ..UserUpdate::default() }).await;
    assert_eq!(refusal(office.change(&token, &key, NEW).await), NO_ACCESS);
    assert_eq!(refusal(office.access(&token2).await), NO_ACCESS);
}

async fn of_requests_at_once_one_token_is_left(kind: Kind) {
    let office = Office::new(kind).await;
    office.user("user1").await;
    let requests: Vec<_> = (0..10)
        .map(|_| {
            let sso = office.world.sso.clone();
            tokio::spawn(async move { sso.create_reset_token(&ctx(), "user1", None).await })
        })
        .collect();
    for outcome in requests {
        outcome.await.unwrap().unwrap();
    }
    office.settle().await;
    assert_eq!(office.count().await, 1);
}

async fn a_key_goes_with_its_token_only(kind: Kind) {
    let office = Office::new(kind).await;
    for username in ["user1", "user2"] {
        office.user(username).await;
    }
    let (first, second) = (office.token("user1").await, office.token("user2").await);
    let key_of_first = office.access(&first).await.unwrap().reset_key;
    assert_eq!(refusal(office.change(&second, &key_of_first, NEW).await), NO_ACCESS);
    let key_of_second = office.access(&second).await.unwrap().reset_key;
    assert_eq!(refusal(office.change(&second, &key_of_first, NEW).await), NO_ACCESS);
    assert_eq!(refusal(office.change(&second, &second, NEW).await), NO_ACCESS);
    assert_eq!(refusal(office.change(&second, &Password::from(""), NEW).await), NO_ACCESS);
    office.change(&second, &key_of_second, NEW).await.unwrap();
    office.world.sso.login(&ctx(), credentials("user2", NEW)).await.unwrap();
    office.world.sso.login(&ctx(), credentials("user1", PASSWORD)).await.unwrap();
}

async fn an_invalid_password_does_not_use_up_the_key(kind: Kind) {
    let office = Office::new(kind).await;
    office.user("user1").await;
    let token = office.token("user1").await;
    let key = office.access(&token).await.unwrap().reset_key;
    for (password, code) in [
        ("short".to_owned(), Code::PasswordTooShort),
        ("x".repeat(257), Code::PasswordTooLong),
        ("xx letmein xx".to_owned(), Code::PasswordInvalid),
    ] {
        assert_eq!(refusal(office.change(&token, &key, &password).await), code);
    }
    office.change(&token, &key, NEW).await.unwrap();
}

async fn whoever_asks_cannot_tell_whether_there_is_such_a_user(kind: Kind) {
    let office = Office::with(kind, json!({"password_reset.user_search_by": "username_or_email"})).await;
    office.user("user1").await;
    office.world.user("nomail").await;
    office.token("user1").await;
    for unknown in ["nobody", "nobody@example.com", "nomail", "", "\0", "ż", &"x".repeat(100_000)] {
        office.ask(unknown).await;
    }
    // Each leaves one entry with the same result, made by one transaction each, and no token but one.
    let entries =
        any_rows(&office.world, "SELECT op || result FROM sso_audit WHERE op LIKE 'password%'").await;
    assert_eq!(entries.len(), 8);
    assert!(entries.iter().all(|entry| entry == b"password_reset.create_tokenok"));
    assert_eq!(office.count().await, 1);
    office.world.sso.close().await;
    assert_eq!(office.server.received().len(), 1);

    let elsewhere = office.world.reopened(json!({})).await;
    let unknown_app = elsewhere.create_reset_token(&ctx_of("Unknown", ""), "user1", None).await;
    assert_eq!(refusal(unknown_app), Code::AppListInvalid);
}

async fn those_who_may_not_log_in_get_no_email_and_no_further(kind: Kind) {
    let more = json!({"user_address_list": {"athome": ["192.168.0.0/16"]}});
    let office = Office::with(kind, more).await;
    office.world.super_user("root1").await;
    let root = office.world.login("root1").await;
    let locked = office.user("locked").await;
    let rejected = office.user("rejected").await;
    office.user("athome").await;
    let before = (office.token("locked").await, office.token("rejected").await);
    let key = office.access(&before.0).await.unwrap().reset_key;
    let (sso, by) = (&office.world.sso, &root.ust);
    sso.lock_user(&ctx(), by, locked.user_id.as_str()).await.unwrap();
    sso.reject_user(&ctx(), &root.ust, rejected.user_id.as_str()).await.unwrap();
    assert_eq!(refusal(office.change(&before.0, &key, NEW).await), NO_ACCESS);
    assert_eq!(refusal(office.access(&before.1).await), NO_ACCESS);
    for username in ["locked", "rejected", "athome"] {
        office.ask(username).await;
    }
    office.settle().await;
    // What was asked for before is as good as before once the account is.
    sso.unlock_user(&ctx(), by, locked.user_id.as_str()).await.unwrap();
    sso.approve_user(&ctx(), &root.ust, rejected.user_id.as_str()).await.unwrap();
    office.change(&before.0, &key, NEW).await.unwrap();
    office.access(&before.1).await.unwrap();
    sso.close().await;
    // The two with a token, and one about the new password.
    assert_eq!(office.server.received().len(), 3);
}

async fn users_are_found_by_what_is_configured(kind: Kind) {
    let by = |what: &str| json!({"password_reset.user_search_by": what});
    for (what, expected) in
        [("username", [true, false]), ("email", [false, true]), ("username_or_email", [true, true])]
    {
        let office = Office::with(kind, by(what)).await;
        office.user("user1").await;
        for (credential, is_found) in ["user1", " User1@Example.COM"].into_iter().zip(expected) {
            let count = office.count().await;
            office.ask(credential).await;
            office.settle().await;
            assert_eq!(office.count().await, usize::from(is_found || count == 1), "{what} {credential}");
        }
        // It goes to the address of the user, not to the one that was asked for.
        assert!(office.server.email(1).await.contains("To: user1@example.com\n"));
    }
}

async fn those_who_share_an_email_get_one_each(kind: Kind) {
    let office = Office::with(kind, json!({"password_reset.user_search_by": "email"})).await;
    for username in ["user1", "user2"] {
        office.user_at(username, "shared@example.com").await;
    }
    office.ask("shared@example.com").await;
    office.server.email(2).await;
    let mut emails = office.server.received();
    emails.sort_by_key(|email| email.contains("Hello user2"));
    for (email, username) in emails.iter().zip(["user1", "user2"]) {
        assert!(email.contains(&format!("Hello {username},")), "{email}");
        let access = office.access(&Password::from(token_in(email))).await.unwrap();
        assert_eq!(access.username, username);
    }
}

async fn success_ends_sessions_where_configured_and_every_token(kind: Kind) {
    for (ends, more) in [(true, json!({})), (false, json!({"session.end_on_password_change": false}))] {
        let office = Office::with(kind, more).await;
        office.user("user1").await;
        office.user("user2").await;
        let (info, other) = (office.world.login("user1").await, office.world.login("user2").await);
        let of_other = office.token("user2").await;
        let token = office.token("user1").await;
        let key = office.access(&token).await.unwrap().reset_key;
        office.change(&token, &key, NEW).await.unwrap();
        let after = office.world.sso.get_current_user(&ctx(), &info.ust, false).await;
        assert_eq!(after.is_err(), ends);
        office.world.sso.get_current_user(&ctx(), &other.ust, false).await.unwrap();
        assert_eq!(office.count().await, 1);

        // A password that is changed otherwise ends tokens too.
        let change = ChangePassword {
            old_password: Some(Password::from(PASSWORD)),
            new_password: Password::from(NEW),
            user_id: None,
            password_expiry: None,
            must_change: None,
        };
        office.world.sso.change_password(&ctx(), &other.ust, change).await.unwrap();
        assert_eq!(refusal(office.access(&of_other).await), NO_ACCESS);
    }
}

async fn a_reset_clears_flag_and_expiry_and_asks_for_totp_all_the_same(kind: Kind) {
    let office = Office::new(kind).await;
    let new = NewUser {
        email: Some("user1@example.com".to_owned()),
        is_totp_enabled: Some(true),
        password_must_change: Some(true),
        ..new_user("user1")
    };
    office.world.sso.create_user(&ctx(), Actor::Trusted(None), new, true).await.unwrap();
    execute(&office.world, "UPDATE sso_user SET password_expiry = 1 WHERE username = 'user1'").await;
    let token = office.token("user1").await;
    let key = office.access(&token).await.unwrap().reset_key;
    office.change(&token, &key, NEW).await.unwrap();

    let without = office.world.sso.login(&ctx(), credentials("user1", NEW)).await;
    assert_eq!(refusal(without), Code::AuthTotpMissing);
    let user = office.world.sso.get_user_by_username(&ctx(), "user1", true).await.unwrap().unwrap().user;
    assert!(!user.password_must_change);
    assert_eq!(user.password_expiry, None);
}

async fn the_database_and_the_audit_trail_hold_no_token_and_no_key(kind: Kind) {
    let log = tempfile::tempdir().unwrap().keep().join("audit.jsonl");
    let office = Office::with(kind, json!({"audit.file": log.to_str().unwrap()})).await;
    office.user("user1").await;
    let token = office.token("user1").await;
    let access = office.access(&token).await.unwrap();
    assert!(!format!("{access:?}").contains(access.reset_key.expose()));
    let both = dump(&office.world).await;
    office.change(&token, &access.reset_key, NEW).await.unwrap();
    assert!(office.access(&token).await.is_err());
    let everything = [both, dump(&office.world).await, std::fs::read_to_string(&log).unwrap()].concat();
    for secret in [token.expose(), access.reset_key.expose(), NEW, "user1@example.com"] {
        assert!(!everything.contains(secret), "{secret}");
    }
    office.world.sso.record_refusals().await.unwrap();
    let operations = ["create_token ok", "access_token ok", "change_password ok", "access_token E010001"];
    let rows = any_rows(
        &office.world,
        "SELECT op || ' ' || result FROM sso_audit WHERE op LIKE 'password_reset%' ORDER BY audit_id",
    );
    let rows: Vec<_> = rows.await.into_iter().map(|row| String::from_utf8(row).unwrap()).collect();
    let mut expected = operations.map(|operation| format!("password_reset.{operation}")).to_vec();
    expected.sort();
    let mut rows = rows;
    rows.sort();
    assert_eq!(rows, expected);
}
