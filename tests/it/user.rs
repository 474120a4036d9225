//! Users: who may make and see them, what they are made of, and how they are kept.

use serde_json::json;
use zato_sso::domain::{ApprovalStatus, Code, NewUser, Password, SignUpStatus, Ust, Visibility};
use zato_sso::ops::Actor;

use crate::support::{Kind, PASSWORD, START, World, ctx, new_user, refusal};

on_both_databases! {
    a_user_made_by_a_super_user_waits_for_approval;
    auto_approval_and_switched_off_approval_make_users_that_can_log_in;
    only_super_users_make_users;
    every_value_of_a_new_user_is_checked;
    of_two_users_with_the_same_name_one_is_made;
    names_make_the_display_name;
    a_user_sees_oneself_and_a_super_user_everybody;
    approval_and_locks_note_who_and_when;
    users_are_found_by_name_in_process;
    users_are_listed_in_pages;
    passwords_are_hashed_with_argon2id_and_sealed;
    emails_are_sealed_where_configured_and_read_either_way;
    swapped_secrets_are_an_error_and_never_a_wrong_value;
    no_secret_stands_in_the_database_in_clear;
}

async fn a_user_made_by_a_super_user_waits_for_approval(kind: Kind) {
    let world = World::new(kind).await;
    let root_user = world.super_user("root1").await;
    let root = world.login("root1").await;
    let by = &root.ust;
    let user = world.sso.create_user(&ctx(), by, new_user("user1"), false).await.unwrap();
    assert_eq!(user.sign_up_status, SignUpStatus::Final);
    assert_eq!(user.approval_status, ApprovalStatus::BeforeDecision);
    assert_eq!(user.approval_status_mod_by.as_deref(), Some(root_user.user_id.as_str()));
    assert_eq!((user.sign_up_time, user.approval_status_mod_time), (START, START));
    assert_eq!(user.password_expiry, None);
    assert!(user.password_is_set && user.is_active);
    assert!(!user.is_super_user && !user.is_locked && !user.is_internal && !user.password_must_change);
    assert!(!user.is_totp_enabled && user.totp_key.is_some());

    world.sso.approve_user(&ctx(), &root.ust, user.user_id.as_str()).await.unwrap();
    world.login("user1").await;
}

async fn auto_approval_and_switched_off_approval_make_users_that_can_log_in(kind: Kind) {
    let world = World::with(kind, json!({"signup.is_approval_needed": false})).await;
    let user = world.sso.create_user(&ctx(), Actor::Trusted(None), new_user("user1"), false).await.unwrap();
    assert_eq!(user.approval_status, ApprovalStatus::Approved);
    assert_eq!(user.approval_status_mod_by.as_deref(), Some("auto"));
    world.login("user1").await;
    world.user("user2").await;
    world.login("user2").await;
}

async fn only_super_users_make_users(kind: Kind) {
    let world = World::new(kind).await;
    world.user("user1").await;
    let user = world.login("user1").await;
    let by_user = world.sso.create_user(&ctx(), &user.ust, new_user("x"), true).await;
    assert_eq!(refusal(by_user), Code::AuthNotAllowed);
    let nobody = Ust::from("zustnone");
    let by_nobody = world.sso.create_super_user(&ctx(), &nobody, new_user("x"), true).await;
    assert_eq!(refusal(by_nobody), Code::SessionNoSuchSession);
    assert!(world.sso.get_user_by_username(&ctx(), "x", false).await.unwrap().is_none());
}

async fn every_value_of_a_new_user_is_checked(kind: Kind) {
    let world = World::new(kind).await;
    let text = |text: &str| Some(text.to_owned());
    let base = || new_user("user1");
    let password = |text: &str| NewUser { password: Some(Password::from(text)), ..base() };
    let cases: Vec<(NewUser, Code)> = vec![
        (NewUser::default(), Code::UsernameInvalid),
        (new_user(""), Code::UsernameInvalid),
        (new_user("a\0b"), Code::UsernameInvalid),
        (new_user(&"x".repeat(129)), Code::UsernameTooLong),
        (new_user("user one"), Code::UsernameHasWhitespace),
        (new_user("user\u{a0}one"), Code::UsernameHasWhitespace),
        (NewUser { email: Some(format!("{}@example.com", "x".repeat(128))), ..base() }, Code::EmailTooLong),
        (NewUser { email: text("a b@example.com"), ..base() }, Code::EmailHasWhitespace),
        (NewUser { email: text("a\0@example.com"), ..base() }, Code::EmailInvalid),
        (password("short12"), Code::PasswordTooShort),
        (password(&"x".repeat(257)), Code::PasswordTooLong),
        (password("my QWERTY keyboard"), Code::PasswordInvalid),
        (NewUser { first_name: Some("x".repeat(257)), ..base() }, Code::CommonInvalidInput),
        (NewUser { totp_key: Some(Password::from("not base32!")), ..base() }, Code::CommonInvalidInput),
        (NewUser { is_rate_limit_active: Some(true), ..base() }, Code::CommonInvalidInput),
        (NewUser { creation_ctx: text("\0"), ..base() }, Code::CommonInvalidInput),
    ];
    for (new, code) in cases {
        let outcome = world.sso.create_user(&ctx(), Actor::Trusted(None), new, true).await;
        assert_eq!(refusal(outcome), code);
    }
    // The limits themselves are fine, and counted in characters.
    for new in [new_user(&"é".repeat(128)), password(&"é".repeat(256)), password("12345 8x")] {
        let username = format!("{}{}", new.username.as_deref().unwrap().len(), new.password.is_some());
        let new = if new.username.as_deref() == Some("user1") {
            NewUser {
                username: Some(format!("{username}-{}", new.password.as_ref().unwrap().expose().len())),
                ..new
            }
        } else {
            new
        };
        world.sso.create_user(&ctx(), Actor::Trusted(None), new, true).await.unwrap();
    }
}

async fn of_two_users_with_the_same_name_one_is_made(kind: Kind) {
    let world = World::new(kind).await;
    let tries: Vec<_> = (0..8)
        .map(|_| {
            let sso = world.sso.clone();
            tokio::spawn(async move {
                sso.create_user(&ctx(), Actor::Trusted(None), new_user("user1"), true).await
            })
        })
        .collect();
    let mut made = 0;
    for outcome in tries {
        match outcome.await.unwrap() {
            Ok(_) => made += 1,
            refused => assert_eq!(refusal(refused), Code::UsernameExists),
        }
    }
    assert_eq!(made, 1);
    // Usernames are the same in any case.
    let other = world.sso.create_user(&ctx(), Actor::Trusted(None), new_user("User1"), true).await;
    assert_eq!(refusal(other), Code::UsernameExists);
}

async fn names_make_the_display_name(kind: Kind) {
    let world = World::new(kind).await;
    let new = NewUser {
        first_name: Some(" Ann ".to_owned()),
        middle_name: Some("  ".to_owned()),
        last_name: Some("Lee".to_owned()),
        ..new_user("user1")
    };
    let user = world.sso.create_user(&ctx(), Actor::Trusted(None), new, true).await.unwrap();
    assert_eq!(user.display_name.as_deref(), Some("Ann Lee"));
    assert_eq!(user.first_name.as_deref(), Some("Ann"));
    assert_eq!(user.middle_name, None);
}

async fn a_user_sees_oneself_and_a_super_user_everybody(kind: Kind) {
    let world = World::new(kind).await;
    let root_user = world.super_user("root1").await;
    let (user1, user2) = (world.user("user1").await, world.user("user2").await);
    let (root, user) = (world.login("root1").await, world.login("user1").await);

    let own = world.sso.get_current_user(&ctx(), &user.ust, false).await.unwrap();
    assert_eq!(own.user.user_id, user1.user_id);
    assert_eq!(own.visibility, Visibility::Own);
    let shown: Vec<_> = own.fields().into_iter().map(|(name, _)| name).collect();
    assert_eq!(
        shown,
        [
            "user_id",
            "username",
            "email",
            "display_name",
            "first_name",
            "middle_name",
            "last_name",
            "is_totp_enabled",
            "totp_label",
            "groups"
        ]
    );
    let own_by_id = world.sso.get_user_by_id(&ctx(), &user.ust, user1.user_id.as_str(), false).await.unwrap();
    assert_eq!(own_by_id.visibility, Visibility::Own);
    let everything = world.sso.get_current_user(&ctx(), &user.ust, true).await.unwrap();
    assert!(everything.fields().iter().any(|(name, _)| *name == "totp_key"));

    let by_root = world.sso.get_user_by_id(&ctx(), &root.ust, user2.user_id.as_str(), false).await.unwrap();
    assert_eq!((by_root.visibility, by_root.is_current_super_user), (Visibility::SuperUser, true));
    assert!(!by_root.fields().iter().any(|(name, _)| *name == "totp_key"));
    let root_view = world.sso.get_current_user(&ctx(), &root.ust, false).await.unwrap();
    assert_eq!(root_view.user.user_id, root_user.user_id);

    for other in [user2.user_id.as_str(), "zusrnone", "", "\0"] {
        let by_user = world.sso.get_user_by_id(&ctx(), &user.ust, other, false).await;
        assert_eq!(refusal(by_user), Code::AuthNotAllowed, "{other:?}");
    }
    for missing in ["zusrnone", "", "\0"] {
        let by_root = world.sso.get_user_by_id(&ctx(), &root.ust, missing, false).await;
        assert_eq!(refusal(by_root), Code::UserIdInvalid, "{missing:?}");
    }
}

async fn approval_and_locks_note_who_and_when(kind: Kind) {
    let world = World::new(kind).await;
    let root_user = world.super_user("root1").await;
    let user = world.user("user1").await;
    let root = world.login("root1").await;
    let (user_id, root_id) = (user.user_id.as_str(), root_user.user_id.as_str());
    world.clock.advance_seconds(60);
    let now = START.plus_seconds(60);
    let get = async || world.sso.get_user_by_username(&ctx(), "user1", false).await.unwrap().unwrap().user;

    world.sso.lock_user(&ctx(), &root.ust, user_id).await.unwrap();
    let locked = get().await;
    assert_eq!(
        (locked.is_locked, locked.locked_time, locked.locked_by.as_deref()),
        (true, Some(now), Some(root_id))
    );
    world.sso.unlock_user(&ctx(), Actor::Trusted(None), user_id).await.unwrap();
    let unlocked = get().await;
    assert_eq!((unlocked.is_locked, unlocked.locked_time), (false, Some(now)));
    assert_eq!(unlocked.locked_by.as_deref(), Some("auto"));

    world.sso.reject_user(&ctx(), &root.ust, user_id).await.unwrap();
    let rejected = get().await;
    assert_eq!(rejected.approval_status, ApprovalStatus::Rejected);
    assert_eq!(rejected.approval_status_mod_by.as_deref(), Some(root_id));
    assert_eq!(rejected.approval_status_mod_time, now);
    world.sso.approve_user(&ctx(), &root.ust, user_id).await.unwrap();
    world.sso.approve_user(&ctx(), &root.ust, user_id).await.unwrap();

    for missing in ["zusrnone", "", "user1"] {
        let lock = world.sso.lock_user(&ctx(), &root.ust, missing).await;
        assert_eq!(refusal(lock), Code::UserIdInvalid);
        let approve = world.sso.approve_user(&ctx(), &root.ust, missing).await;
        assert_eq!(refusal(approve), Code::UserIdInvalid);
    }
    let info = world.login("user1").await;
    let by_user = world.sso.lock_user(&ctx(), &info.ust, root_id).await;
    assert_eq!(refusal(by_user), Code::AuthNotAllowed);
    assert_eq!(refusal(world.sso.approve_user(&ctx(), &info.ust, user_id).await), Code::AuthNotAllowed);
}

async fn users_are_found_by_name_in_process(kind: Kind) {
    let world = World::new(kind).await;
    let pending = new_user("pending");
    world.sso.create_user(&ctx(), Actor::Trusted(None), pending, false).await.unwrap();
    let find = async |username: &str, needs_approved: bool| {
        world.sso.get_user_by_username(&ctx(), username, needs_approved).await.unwrap()
    };
    assert!(find("pending", true).await.is_none());
    assert_eq!(find("pending", false).await.unwrap().user.username, "pending");
    assert!(find("nobody", false).await.is_none());
    assert!(find("no\0body", false).await.is_none());
}

async fn users_are_listed_in_pages(kind: Kind) {
    let world = World::new(kind).await;
    for username in ["c", "a", "B", "d"] {
        world.user(username).await;
    }
    let page = async |after: &str| {
        let users = world.sso.list_users(&ctx(), after, 3).await.unwrap();
        users.into_iter().map(|user| user.username).collect::<Vec<_>>()
    };
    // By code point, on both databases.
    assert_eq!(page("").await, ["B", "a", "c"]);
    assert_eq!(page("c").await, ["d"]);
    assert_eq!(page("d").await, Vec::<String>::new());
}

async fn passwords_are_hashed_with_argon2id_and_sealed(kind: Kind) {
    let world = World::new(kind).await;
    world.user("user1").await;
    let hash = crate::support::stored_hash(&world, "user1").await;
    assert!(hash.starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "{hash}");
    let envelope = crate::support::envelope(&world, "password_hash", "user1").await;
    assert_eq!(envelope[0], 1, "sealed");

    let open = world.reopened(json!({"main.encrypt_password": false})).await;
    let new = new_user("user2");
    open.create_user(&ctx(), Actor::Trusted(None), new, true).await.unwrap();
    let envelope = crate::support::envelope(&world, "password_hash", "user2").await;
    assert!(envelope.starts_with(b"\0$argon2id$"));
    // Either kind is understood whatever the setting, and the next login brings it up to the setting.
    world.login("user2").await;
    assert_eq!(crate::support::envelope(&world, "password_hash", "user2").await[0], 1);
    open.login(&ctx(), crate::support::credentials("user1", PASSWORD)).await.unwrap();
}

async fn emails_are_sealed_where_configured_and_read_either_way(kind: Kind) {
    let world = World::new(kind).await;
    let open = world.reopened(json!({"main.encrypt_email": false})).await;
    let with_email =
        |username: &str| NewUser { email: Some("Ann@Example.com".to_owned()), ..new_user(username) };
    world.sso.create_user(&ctx(), Actor::Trusted(None), with_email("user1"), true).await.unwrap();
    open.create_user(&ctx(), Actor::Trusted(None), with_email("user2"), true).await.unwrap();
    assert_eq!(crate::support::envelope(&world, "email", "user1").await[0], 1);
    assert_eq!(crate::support::envelope(&world, "email", "user2").await, b"\0Ann@Example.com");
    for sso in [&world.sso, &open] {
        for username in ["user1", "user2"] {
            let found = sso.get_user_by_username(&ctx(), username, true).await.unwrap().unwrap();
            assert_eq!(found.user.email.as_deref(), Some("Ann@Example.com"));
        }
    }
}

async fn swapped_secrets_are_an_error_and_never_a_wrong_value(kind: Kind) {
    let world = World::new(kind).await;
    for column in ["email", "totp_key"] {
        for username in ["user1", "user2"] {
            let username = format!("{username}-{column}");
            let new = NewUser { email: Some(format!("{username}@example.com")), ..new_user(&username) };
            world.sso.create_user(&ctx(), Actor::Trusted(None), new, true).await.unwrap();
        }
        let moved = format!(
            "UPDATE sso_user SET {column} = (SELECT {column} FROM sso_user WHERE username = 'user1-{column}') \
             WHERE username = 'user2-{column}'"
        );
        crate::support::execute(&world, &moved).await;
        let outcome = world.sso.get_user_by_username(&ctx(), &format!("user2-{column}"), true).await;
        let error = outcome.unwrap_err().to_string();
        assert!(error.contains(column), "{error}");
    }
}

async fn no_secret_stands_in_the_database_in_clear(kind: Kind) {
    let world = World::new(kind).await;
    world.super_user("root1").await;
    let new = NewUser {
        email: Some("planted-email@example.com".to_owned()),
        totp_key: Some(Password::from("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")),
        totp_label: Some("planted-label".to_owned()),
        ..new_user("user1")
    };
    world.sso.create_user(&ctx(), Actor::Trusted(None), new, true).await.unwrap();
    let root = world.login("root1").await;
    let info = world.login("user1").await;
    let wrong = crate::support::credentials("user1", "planted-wrong-password");
    assert!(world.sso.login(&ctx(), wrong).await.is_err());
    world.sso.renew_session(&ctx(), &info.ust, None).await.unwrap();
    world.sso.get_user_by_id(&ctx(), &root.ust, info.user_id.as_str(), true).await.unwrap();

    let dump = crate::support::dump(&world).await;
    assert!(dump.contains("user1") && dump.contains(info.user_id.as_str()), "the dump is not one");
    let raw_key = "12345678901234567890";
    let tokens = [root.ust.expose(), info.ust.expose()];
    let planted =
        [PASSWORD, "planted-wrong-password", "planted-email", "GEZDGNBVGY3TQOJQ", "planted-label", raw_key];
    for secret in planted.into_iter().chain(tokens) {
        assert!(!dump.contains(secret), "{secret}");
    }
}
