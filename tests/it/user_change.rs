//! Changing and deleting users: who may, what becomes of what is theirs.

use serde_json::json;
use zato_sso::domain::{
    ApprovalStatus, Code, Edit, NewUser, Password, SignUpStatus, Timestamp, User, UserUpdate, Ust,
};
use zato_sso::ops::Actor;

use crate::login::totp_code;
use crate::support::{
    Kind, PASSWORD, START, World, any_rows, credentials, ctx, envelope, execute, new_user, refusal,
};

on_both_databases! {
    users_change_what_is_their_own;
    a_name_with_an_address_list_is_not_given_away;
    super_users_change_anybody_and_more;
    what_is_forbidden_missing_or_wrong_is_refused_and_changes_nothing;
    a_value_is_taken_away_where_that_is_allowed;
    a_username_is_the_databases_to_give;
    an_email_is_unique_among_those_who_signed_up_and_found_again;
    sessions_stop_with_what_an_update_takes_away;
    changes_at_once_are_all_made;
    an_audit_entry_names_what_was_changed_without_values;
    a_deleted_user_is_gone_with_all_that_was_theirs;
    nobody_deletes_oneself_and_only_super_users_delete_others;
    who_is_deleted_must_exist;
}

async fn count(world: &World, table: &str) -> usize {
    any_rows(world, &format!("SELECT user_id FROM {table}")).await.len()
}

async fn a_deleted_user_is_gone_with_all_that_was_theirs(kind: Kind) {
    let world = World::new(kind).await;
    world.super_user("root1").await;
    let (root, by) = (world.login("root1").await, Actor::Trusted(None));
    for username in ["user1", "user2"] {
        let user = world.user(username).await;
        let info = world.login(username).await;
        let user_id = user.user_id.as_str();
        for row in [
            format!("sso_password_history VALUES (X'01', '{user_id}', X'01', 1)"),
            format!("sso_user_attr VALUES ('{user_id}', 'name', X'01', FALSE, 1, 1, 1)"),
            "sso_sec_def VALUES (7, 'jwt', 'one', 'one', X'01', TRUE, 1, NULL, NULL)".to_owned(),
            format!("sso_linked_auth VALUES (7, '{user_id}', TRUE, 1)"),
            format!(
                "sso_password_reset VALUES (X'01', '{user_id}', X'01', 1, NULL, NULL, 1, NULL, NULL, NULL, NULL)"
            ),
            format!("sso_email_change VALUES ('{user_id}', X'01', X'01', X'01', 1, 1)"),
        ] {
            execute(&world, &literals(kind, &row)).await;
        }
        if username == "user1" {
            let by_root = &root.ust;
            world.sso.delete_user_by_id(&ctx(), by_root, user_id).await.unwrap();
        } else {
            world.sso.delete_user_by_username(&ctx(), by.clone(), username).await.unwrap();
        }
        for table in [
            "sso_password_history",
            "sso_user_attr",
            "sso_linked_auth",
            "sso_password_reset",
            "sso_email_change",
        ] {
            assert_eq!(count(&world, table).await, 0, "{table}");
        }
        assert_eq!((count(&world, "sso_user").await, count(&world, "sso_session").await), (1, 1));
        execute(&world, "DELETE FROM sso_sec_def").await;

        let outcome = world.sso.get_current_user(&ctx(), &info.ust, false).await;
        assert_eq!(refusal(outcome), Code::SessionNoSuchSession);
        let outcome = world.sso.login(&ctx(), credentials(username, PASSWORD)).await;
        assert_eq!(refusal(outcome), Code::AuthNotAllowed);
        // The name is free again, the id is not used anew.
        assert_ne!(world.user(username).await.user_id, user.user_id);
        world.sso.delete_user_by_username(&ctx(), by.clone(), username).await.unwrap();
    }
    // The audit trail outlives whom it is about.
    let kept = "SELECT extra FROM sso_audit WHERE op = 'user.delete_by_id'";
    assert_eq!(any_rows(&world, kept).await, [br#"{"username":"user1"}"#.to_vec()]);
}

/// An insertion, with bytes as the database writes them.
fn literals(kind: Kind, row: &str) -> String {
    match kind {
        Kind::Sqlite => format!("INSERT INTO {row}"),
        Kind::Postgres if row.starts_with("sso_password") => {
            let uuid = "'00000000-0000-0000-0000-000000000001'";
            format!("INSERT INTO {}", row.replacen("X'01'", uuid, 1).replace("X'01'", "'\\x01'"))
        }
        Kind::Postgres => format!("INSERT INTO {}", row.replace("X'01'", "'\\x01'")),
    }
}

async fn nobody_deletes_oneself_and_only_super_users_delete_others(kind: Kind) {
    let world = World::new(kind).await;
    let root_user = world.super_user("root1").await;
    let other_root = world.super_user("root2").await;
    let user = world.user("user1").await;
    let (root, info) = (world.login("root1").await, world.login("user1").await);
    let (by_root, by_user) = (&root.ust, &info.ust);
    let by_id = async |by, user_id: &str| world.sso.delete_user_by_id(&ctx(), by, user_id).await;
    let by_name = async |by, username: &str| world.sso.delete_user_by_username(&ctx(), by, username).await;
    for user_id in [root_user.user_id.as_str(), user.user_id.as_str(), "zusrnobody", ""] {
        assert_eq!(refusal(by_id(by_user, user_id).await), Code::AuthNotAllowed, "{user_id}");
    }
    for username in ["root1", "user1", "nobody"] {
        assert_eq!(refusal(by_name(by_user, username).await), Code::AuthNotAllowed, "{username}");
    }
    assert_eq!(refusal(by_id(by_root, root_user.user_id.as_str()).await), Code::CommonInvalidOperation);
    assert_eq!(refusal(by_name(by_root, "root1").await), Code::CommonInvalidOperation);
    world.sso.get_current_user(&ctx(), &root.ust, false).await.unwrap();
    world.login("user1").await;
    // Another super-user is like any other user.
    by_id(by_root, other_root.user_id.as_str()).await.unwrap();
}

async fn who_is_deleted_must_exist(kind: Kind) {
    let world = World::new(kind).await;
    let by = Actor::Trusted(None);
    let gone = world.user("user1").await.user_id;
    world.sso.delete_user_by_id(&ctx(), by.clone(), gone.as_str()).await.unwrap();
    for user_id in [gone.as_str(), "zusrnobody", "", "\0"] {
        let outcome = world.sso.delete_user_by_id(&ctx(), by.clone(), user_id).await;
        assert_eq!(refusal(outcome), Code::UserIdInvalid, "{user_id:?}");
    }
    for username in ["user1", "", "\0"] {
        let outcome = world.sso.delete_user_by_username(&ctx(), by.clone(), username).await;
        assert_eq!(refusal(outcome), Code::UsernameInvalid, "{username:?}");
    }
}

fn set(text: &str) -> Edit<String> {
    Edit::Set(text.to_owned())
}

pub async fn read(world: &World, username: &str) -> User {
    world.sso.get_user_by_username(&ctx(), username, false).await.unwrap().unwrap().user.as_ref().clone()
}

async fn users_change_what_is_their_own(kind: Kind) {
    let world = World::new(kind).await;
    let before = world.user("user1").await;
    let ust = world.login("user1").await.ust;
    let update = UserUpdate {
        username: set("ann"),
        email: set(" Ann@Example.com "),
        display_name: set("  Ann L. "),
        first_name: set("Ann"),
        middle_name: set("\u{e9}lise"),
        last_name: set("Lee"),
        is_totp_enabled: Edit::Set(true),
        totp_key: Edit::Set(Password::from("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")),
        totp_label: set("planted-label"),
        totp_code: Some(Password::from(totp_code(0))),
        ..UserUpdate::default()
    };
    world.sso.update_current_user(&ctx(), &ust, update).await.unwrap();
    let user = read(&world, "ann").await;
    assert_eq!(user.user_id, before.user_id);
    assert_eq!(user.email.as_deref(), Some("Ann@Example.com"));
    assert_eq!(user.display_name.as_deref(), Some("Ann L."));
    assert_eq!(
        (user.first_name.as_deref(), user.middle_name.as_deref(), user.last_name.as_deref()),
        (Some("Ann"), Some("\u{e9}lise"), Some("Lee"))
    );
    assert!(user.is_totp_enabled);
    assert_eq!(user.totp_key.unwrap().expose(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
    assert_eq!(user.totp_label.as_deref(), Some("planted-label"));
    assert_eq!(envelope(&world, "middle_name_upper", "ann").await, "\u{c9}LISE".as_bytes());
    let sealed = envelope(&world, "email", "ann").await;
    assert!(!String::from_utf8_lossy(&sealed).contains("Example"));

    // One value at a time; the others stay. One's own id is oneself.
    let update = UserUpdate { last_name: set("Loo"), ..UserUpdate::default() };
    world.sso.update_user_by_id(&ctx(), &ust, before.user_id.as_str(), update).await.unwrap();
    let user = read(&world, "ann").await;
    assert_eq!(user.last_name.as_deref(), Some("Loo"));
    assert_eq!(user.display_name.as_deref(), Some("Ann L."));
    assert_eq!(envelope(&world, "last_name_upper", "ann").await, b"LOO");
    assert_eq!(user.email.as_deref(), Some("Ann@Example.com"));
    assert_eq!((user.password_expiry, user.sign_up_time), (before.password_expiry, before.sign_up_time));
}

async fn super_users_change_anybody_and_more(kind: Kind) {
    let world = World::new(kind).await;
    let root_user = world.super_user("root1").await;
    let user = world.user("user1").await;
    let root = world.login("root1").await.ust;
    world.clock.advance_seconds(60);
    let now = START.plus_seconds(60);
    let update = UserUpdate {
        is_locked: Edit::Set(true),
        password_expiry: Edit::Set(START.plus_days(3)),
        password_must_change: Edit::Set(true),
        sign_up_status: Edit::Set(SignUpStatus::ToApprove),
        approval_status: Edit::Set(ApprovalStatus::Rejected),
        is_rate_limit_active: Edit::Set(false),
        rate_limit_def: set("*=1/d\n10.0.0.0/8=*"),
        ..UserUpdate::default()
    };
    world.sso.update_user_by_id(&ctx(), &root, user.user_id.as_str(), update.clone()).await.unwrap();
    let user = read(&world, "user1").await;
    let by = Some(root_user.user_id.as_str());
    assert!(user.is_locked && user.password_must_change);
    assert_eq!((user.locked_time, user.locked_by.as_deref()), (Some(now), by));
    assert_eq!(user.password_expiry, Some(START.plus_days(3)));
    assert_eq!(user.sign_up_status, SignUpStatus::ToApprove);
    assert_eq!(user.approval_status, ApprovalStatus::Rejected);
    assert_eq!((user.approval_status_mod_time, user.approval_status_mod_by.as_deref()), (now, by));
    assert_eq!(user.rate_limit_def.as_deref(), Some("*=1/d\n10.0.0.0/8=*"));

    // Also about themselves.
    let expiry = UserUpdate { password_expiry: Edit::Set(Timestamp::NEVER), ..UserUpdate::default() };
    world.sso.update_current_user(&ctx(), &root, expiry).await.unwrap();
    assert_eq!(read(&world, "root1").await.password_expiry, Some(Timestamp::NEVER));
    // None is no date at all.
    let never = UserUpdate { password_expiry: Edit::Clear, ..UserUpdate::default() };
    world.sso.update_current_user(&ctx(), &root, never).await.unwrap();
    assert_eq!(read(&world, "root1").await.password_expiry, None);
    let nobody = world.sso.update_user_by_id(&ctx(), &root, "zusrnobody", update).await;
    assert_eq!(refusal(nobody), Code::UserIdInvalid);
}

async fn what_is_forbidden_missing_or_wrong_is_refused_and_changes_nothing(kind: Kind) {
    let world = World::new(kind).await;
    let root_id = world.super_user("root1").await.user_id;
    world.user("user1").await;
    let (root, ust) = (world.login("root1").await.ust, world.login("user1").await.ust);
    let base = UserUpdate::default;
    let rename = || UserUpdate { first_name: set("Ann"), ..base() };
    let other = world.sso.update_user_by_id(&ctx(), &ust, root_id.as_str(), rename()).await;
    assert_eq!(refusal(other), Code::AuthNotAllowed);
    let nobody = world.sso.update_current_user(&ctx(), &Ust::from("zustnone"), base()).await;
    assert_eq!(refusal(nobody), Code::SessionNoSuchSession);

    let administrative = || {
        [
            UserUpdate { is_locked: Edit::Set(false), ..rename() },
            UserUpdate { password_expiry: Edit::Set(START.plus_days(99)), ..rename() },
            UserUpdate { password_must_change: Edit::Set(false), ..rename() },
            UserUpdate { sign_up_status: Edit::Set(SignUpStatus::Final), ..rename() },
            UserUpdate { approval_status: Edit::Set(ApprovalStatus::Approved), ..rename() },
            UserUpdate { is_rate_limit_active: Edit::Set(false), ..rename() },
            UserUpdate { rate_limit_def: set(""), ..rename() },
        ]
    };
    for update in administrative() {
        world.sso.update_current_user(&ctx(), &root, update.clone()).await.unwrap();
        let outcome = world.sso.update_current_user(&ctx(), &ust, update).await;
        assert_eq!(refusal(outcome), Code::CommonInvalidInput);
    }
    let cases = [
        (base(), Code::CommonMissingInput),
        (UserUpdate { username: Edit::Clear, ..rename() }, Code::CommonInvalidInput),
        (UserUpdate { is_locked: Edit::Clear, ..rename() }, Code::CommonInvalidInput),
        (UserUpdate { password_must_change: Edit::Clear, ..rename() }, Code::CommonInvalidInput),
        (UserUpdate { sign_up_status: Edit::Clear, ..rename() }, Code::CommonInvalidInput),
        (UserUpdate { approval_status: Edit::Clear, ..rename() }, Code::CommonInvalidInput),
        (UserUpdate { is_rate_limit_active: Edit::Clear, ..rename() }, Code::CommonInvalidInput),
        (UserUpdate { rate_limit_def: Edit::Clear, ..rename() }, Code::CommonInvalidInput),
        (UserUpdate { is_rate_limit_active: Edit::Set(true), ..rename() }, Code::CommonInvalidInput),
        (UserUpdate { rate_limit_def: set("\0"), ..rename() }, Code::CommonInvalidInput),
        (UserUpdate { username: set(""), ..rename() }, Code::UsernameInvalid),
        (UserUpdate { username: set("a b"), ..rename() }, Code::UsernameHasWhitespace),
        (UserUpdate { username: set(&"x".repeat(129)), ..rename() }, Code::UsernameTooLong),
        (UserUpdate { email: set("a b@example.com"), ..rename() }, Code::EmailHasWhitespace),
        (UserUpdate { email: set("\0"), ..rename() }, Code::EmailInvalid),
        (UserUpdate { last_name: set(&"x".repeat(257)), ..rename() }, Code::CommonInvalidInput),
        (UserUpdate { totp_label: set("a\0b"), ..rename() }, Code::CommonInvalidInput),
        (
            UserUpdate { totp_key: Edit::Set(Password::from("not base32!")), ..rename() },
            Code::CommonInvalidInput,
        ),
        (
            UserUpdate { password_expiry: Edit::Set(Timestamp::from_micros(i64::MIN)), ..rename() },
            Code::CommonInvalidInput,
        ),
    ];
    let user_id = read(&world, "user1").await.user_id;
    for (number, (update, code)) in cases.into_iter().enumerate() {
        let outcome = world.sso.update_user_by_id(&ctx(), &root, user_id.as_str(), update).await;
        assert_eq!(refusal(outcome), code, "case {number}");
    }
    let user = read(&world, "user1").await;
    assert_eq!((user.first_name, user.locked_time, user.rate_limit_def), (None, None, None));
}

async fn a_value_is_taken_away_where_that_is_allowed(kind: Kind) {
    let world = World::new(kind).await;
    let new = NewUser {
        email: Some("ann@example.com".to_owned()),
        first_name: Some("Ann".to_owned()),
        totp_label: Some("label".to_owned()),
        ..new_user("user1")
    };
    let made = world.sso.create_user(&ctx(), Actor::Trusted(None), new, true).await.unwrap();
    let ust = world.login("user1").await.ust;
    let update = UserUpdate {
        email: Edit::Clear,
        display_name: Edit::Clear,
        first_name: set("  "),
        is_totp_enabled: Edit::Clear,
        totp_key: Edit::Clear,
        totp_label: Edit::Clear,
        ..UserUpdate::default()
    };
    world.sso.update_current_user(&ctx(), &ust, update).await.unwrap();
    let user = read(&world, "user1").await;
    assert_eq!((user.email, user.display_name, user.first_name, user.totp_label), (None, None, None, None));
    assert!(!user.is_totp_enabled);
    // There always is a key: another one was made.
    assert_ne!(user.totp_key.unwrap().expose(), made.totp_key.unwrap().expose());
    let left = "SELECT username FROM sso_user WHERE email IS NULL AND email_index IS NULL AND totp_label IS NULL \
        AND first_name_upper IS NULL AND display_name_upper IS NULL";
    assert_eq!(any_rows(&world, left).await, [b"user1".to_vec()]);
}

async fn a_username_is_the_databases_to_give(kind: Kind) {
    let world = World::new(kind).await;
    for username in ["user1", "user2"] {
        world.user(username).await;
    }
    let (one, two) = (world.login("user1").await.ust, world.login("user2").await.ust);
    let rename = async |ust: &Ust, username: &str| {
        let update = UserUpdate { username: set(username), ..UserUpdate::default() };
        world.sso.update_current_user(&ctx(), ust, update).await
    };
    assert_eq!(refusal(rename(&one, "user2").await), Code::UsernameExists);
    // One's own name is free to oneself in any case, another's is in none.
    rename(&one, "user1").await.unwrap();
    rename(&one, "USER1").await.unwrap();
    assert_eq!(refusal(rename(&one, "USER2").await), Code::UsernameExists);
    let (first, second) = tokio::join!(rename(&one, "wanted"), rename(&two, "wanted"));
    let (won, lost) = if first.is_ok() { (first, second) } else { (second, first) };
    won.unwrap();
    assert_eq!(refusal(lost), Code::UsernameExists);
}

async fn an_email_is_unique_among_those_who_signed_up_and_found_again(kind: Kind) {
    let world = World::new(kind).await;
    for username in ["user1", "user2", "user3"] {
        world.user(username).await;
    }
    execute(&world, "UPDATE sso_user SET email_is_claimed = TRUE WHERE username <> 'user3'").await;
    let change = async |username: &str, email: &str| {
        let ust = world.login(username).await.ust;
        let update = UserUpdate { email: set(email), ..UserUpdate::default() };
        world.sso.update_current_user(&ctx(), &ust, update).await
    };
    change("user1", "ann@example.com").await.unwrap();
    assert_eq!(refusal(change("user2", "ANN@example.com").await), Code::EmailExists);
    // Who owns nothing does not share it either.
    assert_eq!(refusal(change("user3", "ann@example.com").await), Code::EmailExists);
    change("user3", "shared@example.com").await.unwrap();
    change("user1", "other@example.com").await.unwrap();
    change("user2", "ann@example.com").await.unwrap();
    let index = async |username: &str| envelope(&world, "email_index", username).await;
    assert_ne!(index("user2").await, index("user3").await);
    assert_ne!(index("user1").await, index("user2").await);
}

async fn sessions_stop_with_what_an_update_takes_away(kind: Kind) {
    let world = World::with(kind, json!({"session.end_on_lock": false})).await;
    world.super_user("root1").await;
    let user = world.user("user1").await;
    let (root, ust) = (world.login("root1").await.ust, world.login("user1").await.ust);
    let base = UserUpdate::default;
    let cases = [
        (UserUpdate { is_locked: Edit::Set(true), ..base() }, Code::AuthLocked),
        (
            UserUpdate {
                is_locked: Edit::Set(false),
                sign_up_status: Edit::Set(SignUpStatus::BeforeConfirmation),
                ..base()
            },
            Code::AuthInvalidSignupStatus,
        ),
        (
            UserUpdate {
                sign_up_status: Edit::Set(SignUpStatus::Final),
                approval_status: Edit::Set(ApprovalStatus::BeforeDecision),
                ..base()
            },
            Code::AuthNotApproved,
        ),
        (
            UserUpdate {
                approval_status: Edit::Set(ApprovalStatus::Approved),
                password_expiry: Edit::Set(START),
                ..base()
            },
            Code::AuthNotAllowed,
        ),
    ];
    for (update, code) in cases {
        world.sso.update_user_by_id(&ctx(), &root, user.user_id.as_str(), update).await.unwrap();
        let outcome = world.sso.get_current_user(&ctx(), &ust, false).await;
        assert_eq!(refusal(outcome), code);
    }
    let update = UserUpdate { password_expiry: Edit::Set(START.plus_days(300)), ..base() };
    world.sso.update_user_by_id(&ctx(), &root, user.user_id.as_str(), update).await.unwrap();
    world.sso.get_current_user(&ctx(), &ust, false).await.unwrap();
}

async fn changes_at_once_are_all_made(kind: Kind) {
    let world = World::new(kind).await;
    world.user("user1").await;
    let ust = world.login("user1").await.ust;
    let (sso, context, base) = (&world.sso, ctx(), UserUpdate::default);
    for round in 0..10 {
        let name = format!("name{round}");
        let one = UserUpdate { first_name: set(&name), ..base() };
        let two = UserUpdate { last_name: set(&name), ..base() };
        let three = UserUpdate { totp_label: set(&name), ..base() };
        let (one, two, three) = tokio::join!(
            sso.update_current_user(&context, &ust, one),
            sso.update_current_user(&context, &ust, two),
            sso.update_current_user(&context, &ust, three),
        );
        one.and(two).and(three).unwrap();
        let user = read(&world, "user1").await;
        let name = Some(name);
        assert_eq!((user.first_name, user.last_name, user.totp_label), (name.clone(), name.clone(), name));
    }
}

async fn an_audit_entry_names_what_was_changed_without_values(kind: Kind) {
    let world = World::new(kind).await;
    world.super_user("root1").await;
    let root = world.login("root1").await.ust;
    let update = UserUpdate {
        email: set("planted@example.com"),
        totp_key: Edit::Clear,
        is_locked: Edit::Set(false),
        ..UserUpdate::default()
    };
    world.sso.update_current_user(&ctx(), &root, update).await.unwrap();
    let entry = "SELECT extra FROM sso_audit WHERE op = 'user.update_current' AND result = 'ok'";
    assert_eq!(any_rows(&world, entry).await, [br#"{"changed":"email, totp_key, is_locked"}"#.to_vec()]);
}

async fn a_name_with_an_address_list_is_not_given_away(kind: Kind) {
    let lists = json!({"user_address_list": {"user1": ["10.0.0.0/8"], "anywhere": ["*"]}});
    let world = World::with(kind, lists).await;
    world.super_user("root1").await;
    let user = world.user("user1").await;
    world.user("user2").await;
    let (root, first, second) =
        (world.login("root1").await, world.login("user1").await, world.login("user2").await);
    let rename = |to: &str| UserUpdate { username: Edit::Set(to.to_owned()), ..UserUpdate::default() };
    for (info, to) in [(&first, "free"), (&second, "anywhere")] {
        let refused = world.sso.update_current_user(&ctx(), &info.ust, rename(to)).await;
        assert_eq!(refusal(refused), Code::CommonInvalidInput, "{to}");
    }
    // The same name is no change, and super-users know what they do.
    world.sso.update_current_user(&ctx(), &first.ust, rename("user1")).await.unwrap();
    world.sso.update_current_user(&ctx(), &second.ust, rename("user3")).await.unwrap();
    let by_root = world.sso.update_user_by_id(&ctx(), &root.ust, user.user_id.as_str(), rename("free")).await;
    by_root.unwrap();
}
