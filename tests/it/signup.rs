//! Signing up and confirming it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::json;
use zato_sso::domain::{
    ApprovalStatus, Code, Edit, NewUser, Password, Random, Result, SignUpDetails, SignUpNames, SignUpStatus,
    SignUpVerdict, SystemRandom, UserId, UserSearch, UserUpdate,
};
use zato_sso::ops::{Actor, HookError, HookFuture, Hooks, Parts, SignUpRequest, Sso};

use crate::support::{
    Kind, PASSWORD, START, TestDb, World, any_rows, config, credentials, ctx, ctx_of, dump, execute,
    new_user, parts, refusal,
};

on_both_databases! {
    names_come_with_a_sign_up;
    somebody_signs_up_confirms_and_logs_in;
    approval_is_asked_for_where_configured;
    every_value_is_checked_and_told_where_configured;
    real_names_sign_up_and_look_alikes_of_reserved_words_do_not;
    by_default_only_what_discloses_something_is_kept_back;
    no_name_is_a_link;
    an_address_is_one_however_it_is_written;
    what_is_no_address_is_refused_wherever_one_is_taken;
    where_nothing_is_told_every_refusal_is_the_same_and_hashes_once;
    applications_must_be_known_and_sign_users_up;
    of_two_at_once_one_signs_up;
    an_address_that_anybody_has_is_taken;
    a_token_confirms_once;
    the_token_goes_by_email_only_where_configured;
    a_name_with_an_address_list_is_not_for_whoever_comes_first;
    hooks_are_asked_and_told;
    no_secret_of_a_sign_up_is_stored_or_logged;
}

/// Configuration that lets people sign up, and tells all there is.
pub fn open() -> serde_json::Value {
    json!({
        "apps.signup_allowed": ["CRM"],
        "signup": {
            "inform_if_user_exists": true, "inform_if_user_invalid": true,
            "inform_if_email_exists": true, "inform_if_email_invalid": true,
        },
    })
}

/// The same with other values, by dotted name.
pub fn open_but(more: serde_json::Value) -> serde_json::Value {
    let mut all = json!({"apps.signup_allowed": ["CRM"]});
    for name in ["user_exists", "user_invalid", "email_exists", "email_invalid"] {
        all[format!("signup.inform_if_{name}")] = true.into();
    }
    all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    all
}

pub fn request(username: &str) -> SignUpRequest {
    SignUpRequest {
        username: username.to_owned(),
        email: Some(format!("{username}@example.com")),
        names: SignUpNames::default(),
        password: Password::from(PASSWORD),
        app_list: Some(vec!["CRM".to_owned()]),
    }
}

async fn names_come_with_a_sign_up(kind: Kind) {
    let world = World::with(kind, open_but(json!({}))).await;
    let text = |text: &str| Some(text.to_owned());
    let names = SignUpNames {
        first_name: text(" Ann "),
        middle_name: text(""),
        last_name: text("Lee"),
        ..SignUpNames::default()
    };
    world.sso.sign_up(&ctx(), SignUpRequest { names, ..request("user1") }).await.unwrap();
    let names =
        SignUpNames { display_name: text("Bob L."), first_name: text("Bob"), ..SignUpNames::default() };
    world.sso.sign_up(&ctx(), SignUpRequest { names, ..request("user2") }).await.unwrap();
    for (username, expected) in [
        ("user1", [Some("Ann Lee"), Some("Ann"), None, Some("Lee")]),
        ("user2", [Some("Bob L."), Some("Bob"), None, None]),
    ] {
        let user = world.sso.get_user_by_username(&ctx(), username, false).await.unwrap().unwrap().user;
        let names = [&user.display_name, &user.first_name, &user.middle_name, &user.last_name];
        assert_eq!(names.map(Option::as_deref), expected);
    }
    let names = SignUpNames { last_name: text("a\0b"), ..SignUpNames::default() };
    let wrong = world.sso.sign_up(&ctx(), SignUpRequest { names, ..request("user3") }).await;
    assert_eq!(refusal(wrong), Code::CommonInvalidInput);
}

async fn somebody_signs_up_confirms_and_logs_in(kind: Kind) {
    let world = World::with(kind, open_but(json!({"signup.is_approval_needed": false}))).await;
    let token = world.sso.sign_up(&ctx(), request("user1")).await.unwrap().unwrap();
    assert_eq!(token.expose().len(), 32);
    let user = world.sso.get_user_by_username(&ctx(), "user1", false).await.unwrap().unwrap().user;
    assert_eq!(user.sign_up_status, SignUpStatus::BeforeConfirmation);
    assert_eq!((user.sign_up_time, user.sign_up_confirm_time), (START, None));
    assert_eq!(user.approval_status, ApprovalStatus::Approved);
    assert_eq!(user.approval_status_mod_by.as_deref(), Some("auto"));
    assert_eq!(user.email.as_deref(), Some("user1@example.com"));
    assert!(user.password_is_set && user.totp_key.is_some());
    assert!(!user.is_super_user && !user.is_locked && !user.is_totp_enabled);
    assert_eq!(user.password_expiry, None);
    let early = world.sso.login(&ctx(), credentials("user1", PASSWORD)).await;
    assert_eq!(refusal(early), Code::AuthInvalidSignupStatus);

    world.clock.advance_seconds(60);
    world.sso.confirm_sign_up(&ctx(), &token).await.unwrap();
    let user = world.sso.get_user_by_username(&ctx(), "user1", true).await.unwrap().unwrap().user;
    assert_eq!(user.sign_up_status, SignUpStatus::Final);
    assert_eq!(user.sign_up_confirm_time, Some(START.plus_minutes(1)));
    world.login("user1").await;
}

async fn approval_is_asked_for_where_configured(kind: Kind) {
    let world = World::with(kind, open()).await;
    world.super_user("boss1").await;
    let boss = world.login("boss1").await;
    let token = world.sso.sign_up(&ctx(), request("user1")).await.unwrap().unwrap();
    world.sso.confirm_sign_up(&ctx(), &token).await.unwrap();
    let user = world.sso.get_user_by_username(&ctx(), "user1", false).await.unwrap().unwrap().user;
    assert_eq!(user.approval_status, ApprovalStatus::BeforeDecision);
    let login = world.sso.login(&ctx(), credentials("user1", PASSWORD)).await;
    assert_eq!(refusal(login), Code::AuthNotApproved);
    world.sso.approve_user(&ctx(), &boss.ust, user.user_id.as_str()).await.unwrap();
    world.login("user1").await;
}

/// What is wrong with some sign-ups, and the code for it.
fn wrong_ones() -> Vec<(SignUpRequest, Code)> {
    let named = |name: &str| SignUpRequest { email: Some("a@example.com".to_owned()), ..request(name) };
    let email = |email: Option<&str>| SignUpRequest { email: email.map(str::to_owned), ..request("user2") };
    let password = |text: &str| SignUpRequest { password: Password::from(text), ..request("user2") };
    let long = "x".repeat(129);
    vec![
        (named(""), Code::UsernameInvalid),
        (named("a\0b"), Code::UsernameInvalid),
        (named("ADMIN"), Code::UsernameInvalid),
        (named("\u{430}dmin"), Code::UsernameInvalid),
        (named(&long), Code::UsernameTooLong),
        (named("user 2"), Code::UsernameHasWhitespace),
        (named("user1"), Code::UsernameExists),
        (email(Some("user1@EXAMPLE.com ")), Code::EmailExists),
        (email(Some("ann@mail.example.org")), Code::EmailInvalid),
        (email(Some("nobody")), Code::EmailInvalid),
        (email(Some("a@x.com,b@x.com")), Code::EmailInvalid),
        (email(Some("<a@x.com>")), Code::EmailInvalid),
        (email(Some("a@@x.com")), Code::EmailInvalid),
        (email(Some("a@x..com")), Code::EmailInvalid),
        (email(Some("a@-x.com")), Code::EmailInvalid),
        (email(Some("\"a\"@x.com")), Code::EmailInvalid),
        (email(Some("a@[127.0.0.1]")), Code::EmailInvalid),
        (email(Some("a\u{200b}@x.com")), Code::EmailInvalid),
        (email(Some("a\0@example.com")), Code::EmailInvalid),
        (email(Some(&format!("{long}@example.com"))), Code::EmailTooLong),
        (email(Some("a b@example.com")), Code::EmailHasWhitespace),
        (email(None), Code::EmailMissing),
        (email(Some(" ")), Code::EmailMissing),
        (password("my QWERTY keyboard"), Code::PasswordInvalid),
        (password("with white space"), Code::PasswordInvalid),
        (password(""), Code::PasswordTooShort),
        (password(&"x".repeat(257)), Code::PasswordTooLong),
    ]
}

fn without_whitespace(name: &str) -> SignUpRequest {
    SignUpRequest { password: Password::from("correct-horse-battery-staple"), ..request(name) }
}

async fn every_value_is_checked_and_told_where_configured(kind: Kind) {
    let more = open_but(json!({"signup.password_allow_whitespace": false,
        "user_validation.reject_email": ["example.org"]}));
    let world = World::with(kind, more.clone()).await;
    let token = world.sso.sign_up(&ctx(), without_whitespace("user1")).await.unwrap().unwrap();
    world.sso.confirm_sign_up(&ctx(), &token).await.unwrap();
    for (wrong, code) in wrong_ones() {
        let wrong = if wrong.password.expose() == PASSWORD {
            SignUpRequest { password: Password::from("correct-horse-battery-staple"), ..wrong }
        } else {
            wrong
        };
        let described = format!("{wrong:?}");
        assert_eq!(refusal(world.sso.sign_up(&ctx(), wrong).await), code, "{described}");
    }
    // Each kind of thing is told by a flag of its own.
    let flags = [
        ("signup.inform_if_user_exists", vec![Code::UsernameExists]),
        (
            "signup.inform_if_user_invalid",
            vec![Code::UsernameInvalid, Code::UsernameTooLong, Code::UsernameHasWhitespace],
        ),
        ("signup.inform_if_email_exists", vec![Code::EmailExists]),
        (
            "signup.inform_if_email_invalid",
            vec![Code::EmailInvalid, Code::EmailTooLong, Code::EmailHasWhitespace, Code::EmailMissing],
        ),
        (
            "password.inform_if_invalid",
            vec![Code::PasswordInvalid, Code::PasswordTooShort, Code::PasswordTooLong],
        ),
    ];
    for (flag, codes) in flags {
        let mut quieter = more.clone();
        quieter[flag] = false.into();
        let sso = world.reopened(quieter).await;
        for (wrong, code) in wrong_ones() {
            let password = if wrong.password.expose() == PASSWORD {
                Password::from("correct-horse-battery-staple")
            } else {
                wrong.password.clone()
            };
            let told = refusal(sso.sign_up(&ctx(), SignUpRequest { password, ..wrong }).await);
            let expected = if codes.contains(&code) { Code::AuthNotAllowed } else { code };
            assert_eq!(told, expected, "{flag} {code:?}");
        }
    }
    // No email where none is required.
    let sso = world.reopened(open_but(json!({"signup.is_email_required": false}))).await;
    sso.sign_up(&ctx(), SignUpRequest { email: None, ..request("user3") }).await.unwrap();
    sso.sign_up(&ctx(), SignUpRequest { email: None, ..request("user4") }).await.unwrap();
}

async fn real_names_sign_up_and_look_alikes_of_reserved_words_do_not(kind: Kind) {
    let world = World::with(kind, json!({"apps.signup_allowed": ["CRM"]})).await;
    for name in ["russo", "grootendorst", "badminton", "ecosystems", "my-admin-1"] {
        world.sso.sign_up(&ctx(), request(name)).await.unwrap();
    }
    // Emails are nobody's concern by default.
    let mail = SignUpRequest { email: Some("root@example.org".to_owned()), ..request("jan") };
    world.sso.sign_up(&ctx(), mail).await.unwrap();
    for name in ["Root", "\u{ff41}dmin", "ad\u{200b}min", "\u{430}dmin", "r00t", "\u{405}SO", "s\u{443}stem"]
    {
        let request = SignUpRequest { email: Some("a@example.com".to_owned()), ..request(name) };
        let error = world.sso.sign_up(&ctx(), request).await.unwrap_err();
        assert_eq!(error.code(), Code::UsernameInvalid, "{name:?}");
        assert!(error.to_string().starts_with("E001001 username.invalid: username: "), "{error}");
    }
}

async fn no_name_is_a_link(kind: Kind) {
    let world = World::with(kind, open()).await;
    for name in ["http://evil.example", "www.evil.example", "WWW.evil.example", "\u{ff57}ww.evil.example"] {
        let outcome =
            world.sso.sign_up(&ctx(), SignUpRequest { username: name.to_owned(), ..request("x") }).await;
        assert_eq!(refusal(outcome), Code::UsernameInvalid, "{name}");
        let text = || Some(name.to_owned());
        for names in [
            SignUpNames { display_name: text(), ..SignUpNames::default() },
            SignUpNames { first_name: text(), ..SignUpNames::default() },
            SignUpNames { middle_name: text(), ..SignUpNames::default() },
            SignUpNames { last_name: text(), ..SignUpNames::default() },
        ] {
            let outcome = world.sso.sign_up(&ctx(), SignUpRequest { names, ..request("user1") }).await;
            assert_eq!(refusal(outcome), Code::CommonInvalidInput, "{name}");
        }
    }
    for (name, email) in [("ann.lee", "a"), ("w.ww", "b"), ("ann/bob", "c"), ("a:b", "d")] {
        let email = Some(format!("{email}@example.com"));
        world.sso.sign_up(&ctx(), SignUpRequest { email, ..request(name) }).await.unwrap();
    }
}

async fn by_default_only_what_discloses_something_is_kept_back(kind: Kind) {
    let world = World::with(kind, json!({"apps.signup_allowed": ["CRM"]})).await;
    let token = world.sso.sign_up(&ctx(), request("user1")).await.unwrap().unwrap();
    world.sso.confirm_sign_up(&ctx(), &token).await.unwrap();
    for (wrong, code) in wrong_ones() {
        if matches!(wrong.password.expose(), "with white space")
            || wrong.email.as_deref() == Some("ann@mail.example.org")
        {
            continue;
        }
        let is_there = matches!(code, Code::UsernameExists | Code::EmailExists);
        let expected = if is_there { Code::AuthNotAllowed } else { code };
        let described = format!("{wrong:?}");
        assert_eq!(refusal(world.sso.sign_up(&ctx(), wrong).await), expected, "{described}");
    }
}

async fn an_address_is_one_however_it_is_written(kind: Kind) {
    let world = World::with(kind, open()).await;
    world.super_user("boss1").await;
    let boss = world.login("boss1").await;
    let with = |name: &str, email: &str| SignUpRequest { email: Some(email.to_owned()), ..request(name) };
    let first = with("user1", "Ju\u{308}rgen@B\u{fc}cher.example");
    let token = world.sso.sign_up(&ctx(), first).await.unwrap().unwrap();
    world.sso.confirm_sign_up(&ctx(), &token).await.unwrap();
    let user = world.sso.get_user_by_username(&ctx(), "user1", false).await.unwrap().unwrap().user;
    assert_eq!(user.email.as_deref(), Some("J\u{fc}rgen@B\u{fc}cher.example"));
    for email in [
        "j\u{fc}rgen@b\u{fc}cher.example",
        "J\u{dc}RGEN@BU\u{308}CHER.EXAMPLE",
        "j\u{fc}rgen@xn--bcher-kva.example",
        "ju\u{308}rgen@XN--BCHER-KVA.example",
    ] {
        assert_eq!(
            refusal(world.sso.sign_up(&ctx(), with("user2", email)).await),
            Code::EmailExists,
            "{email}"
        );
        let search = UserSearch { email: Some(email.to_owned()), ..UserSearch::default() };
        assert_eq!(world.sso.search_users(&ctx(), &boss.ust, search).await.unwrap().total, 1, "{email}");
    }
}

async fn what_is_no_address_is_refused_wherever_one_is_taken(kind: Kind) {
    let world = World::with(kind, open()).await;
    let user = world.user("user1").await;
    let info = world.login("user1").await;
    for email in ["notanemail", "a@x.com,b@x.com", "<a@x.com>", "a@x..com", "a@-x.com"] {
        let new = NewUser { email: Some(email.to_owned()), ..new_user("user2") };
        let created = world.sso.create_user(&ctx(), Actor::Trusted(None), new, true).await;
        assert_eq!(refusal(created), Code::EmailInvalid, "{email}");
        let update = UserUpdate { email: Edit::Set(email.to_owned()), ..UserUpdate::default() };
        let updated = world.sso.update_current_user(&ctx(), &info.ust, update).await;
        assert_eq!(refusal(updated), Code::EmailInvalid, "{email}");
    }
    // What was stored before stays readable.
    let sql = format!(
        "UPDATE sso_user SET email = {} WHERE user_id = '{}'",
        if kind == Kind::Sqlite { "x'00616e6e'" } else { "'\\x00616e6e'" },
        user.user_id.as_str()
    );
    execute(&world, &sql).await;
    let user = world.sso.get_user_by_username(&ctx(), "user1", true).await.unwrap().unwrap().user;
    assert_eq!(user.email.as_deref(), Some("ann"));
}

/// Counts the salts that are drawn: one for each hash.
#[derive(Debug, Default)]
struct Salts(AtomicUsize);

impl Random for Salts {
    fn fill(&self, bytes: &mut [u8]) -> Result<()> {
        // A refusal draws an id for nobody; an account has two more things of this size.
        self.0.fetch_add(usize::from(bytes.len() == 16), Ordering::Relaxed);
        SystemRandom.fill(bytes)
    }
}

async fn where_nothing_is_told_every_refusal_is_the_same_and_hashes_once(kind: Kind) {
    let db = TestDb::new(kind).await;
    let salts = Arc::new(Salts::default());
    let clock = Arc::new(zato_sso::domain::ManualClock::new(START));
    let more = json!({"apps.signup_allowed": ["CRM"], "audit.to_database": false,
        "password.inform_if_invalid": false, "signup.password_allow_whitespace": false,
        "signup.inform_if_user_invalid": false, "signup.inform_if_email_invalid": false,
        "user_validation.reject_email": ["example.org"],
        "main.encrypt_email": false, "main.encrypt_password": false});
    let own = Parts { random: Arc::clone(&salts) as _, ..parts(&clock) };
    let sso = Sso::open_with(config(&db.url, more), own).await.unwrap();
    let token = sso.sign_up(&ctx(), without_whitespace("user1")).await.unwrap().unwrap();
    sso.confirm_sign_up(&ctx(), &token).await.unwrap();
    let taken = without_whitespace("user1");
    let drawn = async |request: SignUpRequest| {
        let before = salts.0.load(Ordering::Relaxed);
        let outcome = sso.sign_up(&ctx(), request).await;
        let error = outcome.unwrap_err();
        assert_eq!(error.to_string(), "E005001 auth.not_allowed");
        salts.0.load(Ordering::Relaxed) - before
    };
    // A name that is taken is found by trying: after an id, a token and a salt for the account.
    assert_eq!(drawn(taken).await, 3);
    for (wrong, code) in wrong_ones() {
        if matches!(code, Code::UsernameExists | Code::EmailExists) {
            continue;
        }
        // An id for nobody, and a salt.
        assert_eq!(drawn(wrong).await, 2, "{code:?}");
    }
}

async fn applications_must_be_known_and_sign_users_up(kind: Kind) {
    let world = World::with(kind, open()).await;
    let to = |apps: &[&str]| SignUpRequest {
        app_list: Some(apps.iter().map(|app| (*app).to_owned()).collect()),
        ..request("user1")
    };
    let cases: [(&str, &[&str], Code); 5] = [
        ("Unknown", &["CRM"], Code::AppListInvalid),
        ("CRM", &["CRM", "Unknown"], Code::AppListInvalid),
        ("CRM", &[], Code::AppListInvalid),
        ("CRM", &["CRM", "Billing"], Code::AppListNoSignup),
        ("Billing", &["CRM"], Code::AppListNoSignup),
    ];
    for (app, list, code) in cases {
        assert_eq!(
            refusal(world.sso.sign_up(&ctx_of(app, "10.0.0.1"), to(list)).await),
            code,
            "{app} {list:?}"
        );
    }
    let quiet = world.reopened(open_but(json!({"apps.inform_if_app_invalid": false}))).await;
    for (app, list, _) in cases {
        let told = refusal(quiet.sign_up(&ctx_of(app, "10.0.0.1"), to(list)).await);
        assert_eq!(told, Code::AuthNotAllowed);
    }
    // Nobody has said which: the one through which it is done.
    world.sso.sign_up(&ctx(), SignUpRequest { app_list: None, ..request("user1") }).await.unwrap();
    let unknown = world.sso.confirm_sign_up(&ctx_of("Unknown", ""), &Password::from("x")).await;
    assert_eq!(refusal(unknown), Code::AppListInvalid);
    // By default no application does.
    let closed = world.reopened(json!({})).await;
    assert_eq!(refusal(closed.sign_up(&ctx(), request("user2")).await), Code::AppListNoSignup);
}

async fn of_two_at_once_one_signs_up(kind: Kind) {
    let world = World::with(kind, open()).await;
    let race = async |requests: Vec<SignUpRequest>, code: Option<Code>| {
        let tries: Vec<_> = requests
            .into_iter()
            .map(|request| {
                let sso = world.sso.clone();
                tokio::spawn(async move { sso.sign_up(&ctx(), request).await })
            })
            .collect();
        let mut made = 0;
        for outcome in tries {
            match outcome.await.unwrap() {
                Ok(_) => made += 1,
                refused => assert_eq!(Some(refusal(refused)), code),
            }
        }
        assert_eq!(made, if code.is_some() { 1 } else { 8 });
    };
    let with_email = |name: String, email: String| SignUpRequest { email: Some(email), ..request(&name) };
    let same_name = (0..8).map(|n| with_email("user1".to_owned(), format!("a{n}@example.com")));
    race(same_name.collect(), Some(Code::UsernameExists)).await;
    let same_email = (0..8).map(|n| with_email(format!("other{n}"), "same@example.com".to_owned()));
    // None of them has confirmed: the last one is left.
    race(same_email.collect(), None).await;
    let left = any_rows(&world, "SELECT username FROM sso_user WHERE username LIKE 'other%'").await;
    assert_eq!(left.len(), 1);
}

async fn an_address_that_anybody_has_is_taken(kind: Kind) {
    let world = World::with(kind, open()).await;
    let made = |name: &str| NewUser { email: Some("ann@example.com".to_owned()), ..new_user(name) };
    for name in ["made1", "made2"] {
        world.sso.create_user(&ctx(), Actor::Trusted(None), made(name), true).await.unwrap();
    }
    let signing_up = SignUpRequest { email: Some("Ann@Example.com".to_owned()), ..request("user1") };
    assert_eq!(refusal(world.sso.sign_up(&ctx(), signing_up).await), Code::EmailExists);
    // Nothing of it is left: the name is free.
    world.sso.sign_up(&ctx(), request("user1")).await.unwrap();
}

async fn a_token_confirms_once(kind: Kind) {
    let world = World::with(kind, open()).await;
    let token = world.sso.sign_up(&ctx(), request("user1")).await.unwrap().unwrap();
    for wrong in ["", "x", "\0", &"ż".repeat(10_000)] {
        let outcome = world.sso.confirm_sign_up(&ctx(), &Password::from(wrong)).await;
        assert_eq!(refusal(outcome), Code::AuthNoSuchSignUpToken);
    }
    let tries: Vec<_> = (0..8)
        .map(|_| {
            let (sso, token) = (world.sso.clone(), token.clone());
            tokio::spawn(async move { sso.confirm_sign_up(&ctx(), &token).await })
        })
        .collect();
    let mut confirmed = 0;
    for outcome in tries {
        match outcome.await.unwrap() {
            Ok(()) => confirmed += 1,
            refused => assert_eq!(refusal(refused), Code::AuthSignUpConfirmed),
        }
    }
    assert_eq!(confirmed, 1);
}

async fn the_token_goes_by_email_only_where_configured(kind: Kind) {
    let cases = [(true, true, true), (true, false, true), (false, false, true), (false, true, false)];
    for (always_return, by_email, is_returned) in cases {
        let more = json!({"signup.always_return_confirm_token": always_return,
            "signup.email_confirm_enabled": by_email});
        let world = World::with(kind, open_but(more)).await;
        let token = world.sso.sign_up(&ctx(), request("user1")).await.unwrap();
        assert_eq!(token.is_some(), is_returned);
    }
}

async fn a_name_with_an_address_list_is_not_for_whoever_comes_first(kind: Kind) {
    let world = World::with(kind, open_but(json!({"user_address_list": {"listed": ["*"]}}))).await;
    assert_eq!(refusal(world.sso.sign_up(&ctx(), request("listed")).await), Code::UsernameInvalid);
}

/// Says something to sign-ups, and notes what it is told.
#[derive(Debug, Default)]
struct Voice {
    verdict: Option<std::result::Result<SignUpVerdict, HookError>>,
    told: Mutex<Vec<(Option<UserId>, SignUpDetails)>>,
}

impl Hooks for Voice {
    fn validate_signup(&self, details: &SignUpDetails) -> Option<HookFuture<SignUpVerdict>> {
        self.told.lock().unwrap().push((None, details.clone()));
        let verdict = self.verdict.clone()?;
        Some(Box::pin(async { verdict }))
    }

    fn on_signup(&self, user_id: &UserId, details: &SignUpDetails) -> Option<HookFuture<()>> {
        self.told.lock().unwrap().push((Some(user_id.clone()), details.clone()));
        Some(Box::pin(async { Err(HookError::new("planted failure")) }))
    }
}

async fn hooks_are_asked_and_told(kind: Kind) {
    let refused = |code| Some(Ok(SignUpVerdict::Refused(code)));
    let cases = [
        (None, None),
        (Some(Ok(SignUpVerdict::Accepted)), None),
        (refused(None), Some(Code::AuthNotAllowed)),
        (refused(Some(Code::PasswordInvalid)), Some(Code::PasswordInvalid)),
        (refused(Some(Code::UsernameInvalid)), Some(Code::UsernameInvalid)),
        (refused(Some(Code::UsernameExists)), Some(Code::AuthNotAllowed)),
        (Some(Err(HookError::new("planted failure"))), Some(Code::AuthNotAllowed)),
    ];
    for (verdict, code) in cases {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("audit.log");
        let voice = Arc::new(Voice { verdict, ..Voice::default() });
        let more = json!({"apps.signup_allowed": ["CRM"], "audit.file": log});
        let world = World::with_hooks(kind, more, Arc::clone(&voice) as _).await;
        // What the built-in rules refuse, no hook sees.
        let short = SignUpRequest { password: Password::from("short"), ..request("user1") };
        assert_eq!(refusal(world.sso.sign_up(&ctx(), short).await), Code::PasswordTooShort);
        assert!(voice.told.lock().unwrap().is_empty());

        let email = Some(" user1@example.com ".to_owned());
        let outcome = world.sso.sign_up(&ctx(), SignUpRequest { email, ..request("user1") }).await;
        let told = voice.told.lock().unwrap().clone();
        let expected = SignUpDetails {
            username: "user1".to_owned(),
            email: Some("user1@example.com".to_owned()),
            names: SignUpNames::default(),
            current_app: "CRM".to_owned(),
            app_list: vec!["CRM".to_owned()],
            sign_up_status: SignUpStatus::BeforeConfirmation,
        };
        assert!(told.iter().all(|(_, details)| *details == expected));
        let user = world.sso.get_user_by_username(&ctx(), "user1", false).await.unwrap();
        match code {
            None => {
                outcome.unwrap();
                // It has failed, and the account stands.
                assert_eq!(told[1].0, Some(user.unwrap().user.user_id.clone()));
            }
            Some(code) => {
                assert_eq!(refusal(outcome), code);
                assert!(user.is_none() && told.len() == 1);
            }
        }
        let log = std::fs::read_to_string(log).unwrap();
        let has_failed = code.is_none() || matches!(voice.verdict, Some(Err(_)));
        assert_eq!(log.contains("signup: planted failure"), has_failed, "{log}");
    }
}

async fn no_secret_of_a_sign_up_is_stored_or_logged(kind: Kind) {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("audit.log");
    let world = World::with(kind, open_but(json!({"audit.file": log}))).await;
    let token = world.sso.sign_up(&ctx(), request("user1")).await.unwrap().unwrap();
    world.sso.confirm_sign_up(&ctx(), &token).await.unwrap();
    refusal(world.sso.confirm_sign_up(&ctx(), &token).await);
    refusal(world.sso.sign_up(&ctx(), request("user1")).await);
    let all = dump(&world).await + &std::fs::read_to_string(log).unwrap();
    for secret in [token.expose(), PASSWORD, "user1@example.com"] {
        assert!(!all.contains(secret), "{secret}");
    }
    assert!(all.contains("user.signup") && all.contains("user.confirm_signup"));
}
