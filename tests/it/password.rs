//! Changing passwords, and the rules that they must keep.

use serde_json::json;
use zato_sso::domain::{Clock as _, Code, Error, NewUser, Password, SessionInfo, Ust};
use zato_sso::ops::{Actor, ChangePassword, LoginRequest, SetPassword};

use crate::support::{
    Kind, PASSWORD, START, World, any_rows, credentials, ctx, ctx_of, execute, new_user, refusal,
};

on_both_databases! {
    passwords_expire_only_where_that_is_asked_for;
    ones_own_password_is_changed_with_the_old_one;
    a_super_user_changes_anybodys_without_the_old_one;
    a_change_ends_the_users_other_sessions;
    changes_at_once_are_made_or_refused_and_never_fail;
    the_last_of_two_hundred_characters_counts;
    a_password_that_is_easy_to_guess_is_refused_wherever_it_is_chosen;
    former_passwords_are_refused_as_many_as_configured;
    a_former_password_is_kept_as_well_as_the_current_one;
    a_trusted_caller_sets_a_password;
    what_everybody_chooses_is_refused_and_a_phrase_is_not;
    what_is_known_from_a_breach_is_refused_and_logs_in_all_the_same;
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
        found.unwrap().user.password_expiry
    };
    set(in_days(10)).await.unwrap();
    assert_eq!(expiry().await, Some(START.plus_days(10)));
    set(in_days(-1)).await.unwrap();
    assert_eq!(expiry().await, None);
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
        async |info: &SessionInfo| world.sso.verify_session(&ctx(), &root.ust, &info.ust).await.unwrap();
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

fn set(password: &str) -> SetPassword {
    SetPassword {
        password: Password::from(password),
        must_change: false,
        password_expiry: None,
        details: None,
    }
}

async fn a_password_that_is_easy_to_guess_is_refused_wherever_it_is_chosen(kind: Kind) {
    let world = World::with(kind, json!({"password.min_complexity": 3, "main.site_name": "Umbrella"})).await;
    world.super_user("root1").await;
    let root = world.login("root1").await;
    let named = NewUser {
        email: Some("zanvrukolmid@example.com".to_owned()),
        display_name: Some("Trelwyn Obbrasquin".to_owned()),
        ..new_user("quxblorpfen")
    };
    // Words that are as good as any, but for somebody of whom they are known.
    for (password, known) in [
        ("asdf9876", false),
        ("quxblorpfen1", true),
        ("zanvrukolmid", true),
        ("Obbrasquin77", true),
        ("umbrella2026", false),
    ] {
        let validated = world.sso.validate_password(&Password::from(password)).await;
        assert_eq!(validated.is_err(), !known, "{password}");
        let new = NewUser { password: Some(Password::from(password)), ..named.clone() };
        let created = world.sso.create_user(&ctx(), Actor::Trusted(None), new, true).await;
        assert_eq!(refusal(created), Code::PasswordNotComplexEnough, "{password}");
    }
    let user = world.sso.create_user(&ctx(), Actor::Trusted(None), named, true).await.unwrap();
    let info = world.login("quxblorpfen").await;
    for weak in ["quxblorpfen1", "zanvrukolmid", "Obbrasquin77"] {
        let own = world.sso.change_password(&ctx(), &info.ust, change(Some(PASSWORD), weak)).await;
        assert_eq!(refusal(own), Code::PasswordNotComplexEnough, "{weak}");
        let user_id = Some(user.user_id.as_str().to_owned());
        let by_root = ChangePassword { user_id, ..change(None, weak) };
        let by_root = world.sso.change_password(&ctx(), &root.ust, by_root).await;
        assert_eq!(refusal(by_root), Code::PasswordNotComplexEnough, "{weak}");
        let new_password = Some(Password::from(weak));
        let login = LoginRequest { new_password, ..credentials("quxblorpfen", PASSWORD) };
        assert_eq!(refusal(world.sso.login(&ctx(), login).await), Code::PasswordNotComplexEnough, "{weak}");
        let trusted = world.sso.set_password(&ctx(), user.user_id.as_str(), set(weak)).await;
        assert_eq!(refusal(trusted), Code::PasswordNotComplexEnough, "{weak}");
    }
    // However long: the check has an end.
    world.sso.validate_password(&Password::from("4@8({[<3".repeat(32))).await.unwrap();
}

async fn former_passwords_are_refused_as_many_as_configured(kind: Kind) {
    let world = World::with(kind, json!({"password.history": 2})).await;
    let user = world.user("user1").await;
    let put = async |password: &str| {
        world.clock.advance_seconds(1);
        world.sso.set_password(&ctx(), user.user_id.as_str(), set(password)).await
    };
    let used = |outcome| match outcome {
        Err(Error::Refused { code, detail }) => (code, detail.unwrap_or_default().into_owned()),
        other => panic!("expected a refusal, not {other:?}"),
    };
    let (one, two, three) = ("the first new one", "the second new one", "the third new one");
    let refused = (Code::PasswordInvalid, "password: used before".to_owned());
    put(one).await.unwrap();
    put(two).await.unwrap();
    for former in [PASSWORD, one, two] {
        assert_eq!(used(put(former).await), refused, "{former}");
    }
    put(three).await.unwrap();
    // The one before the last two may be used again; the rows of older ones are gone.
    assert_eq!(any_rows(&world, "SELECT password_hash FROM sso_password_history").await.len(), 2);
    let info = world.sso.login(&ctx(), credentials("user1", three)).await.unwrap();
    for former in [one, two] {
        let changed = world.sso.change_password(&ctx(), &info.ust, change(Some(three), former)).await;
        assert_eq!(used(changed), refused, "{former}");
        let new_password = Some(Password::from(former));
        let login = LoginRequest { new_password, ..credentials("user1", three) };
        assert_eq!(refusal(world.sso.login(&ctx(), login).await), Code::PasswordInvalid);
    }
    put(PASSWORD).await.unwrap();
    world.login("user1").await;

    let without = world.reopened(json!({})).await;
    without.set_password(&ctx(), user.user_id.as_str(), set(three)).await.unwrap();
    without.set_password(&ctx(), user.user_id.as_str(), set(three)).await.unwrap();
}

async fn a_former_password_is_kept_as_well_as_the_current_one(kind: Kind) {
    let world = World::with(kind, json!({"password.history": 5})).await;
    let user = world.user("user1").await;
    let put = async |password: &str| {
        world.clock.advance_seconds(1);
        world.sso.set_password(&ctx(), user.user_id.as_str(), set(password)).await
    };
    put("the first new one").await.unwrap();
    put("the second new one").await.unwrap();
    for envelope in any_rows(&world, "SELECT password_hash FROM sso_password_history").await {
        assert!(!String::from_utf8_lossy(&envelope).contains("argon2"));
    }
    // Bound to its row: one in the place of another does not open.
    let other = "(SELECT password_hash FROM sso_password_history ORDER BY replaced_time, history_id LIMIT 1)";
    execute(&world, &format!("UPDATE sso_password_history SET password_hash = {other}")).await;
    assert!(matches!(put("the third new one").await, Err(Error::Internal(_))));
}

async fn a_trusted_caller_sets_a_password(kind: Kind) {
    let world = World::new(kind).await;
    let user = world.user("user1").await;
    let info = world.login("user1").await;
    let put =
        async |request: SetPassword| world.sso.set_password(&ctx(), user.user_id.as_str(), request).await;
    let details = Some(r#"{"ticket":"T-1000"}"#.to_owned());
    put(SetPassword { must_change: true, password_expiry: Some(10), details, ..set(NEW) }).await.unwrap();
    let gone = world.sso.get_current_user(&ctx(), &info.ust, false).await;
    assert_eq!(refusal(gone), Code::SessionNoSuchSession);
    let login = world.sso.login(&ctx(), credentials("user1", NEW)).await;
    assert_eq!(refusal(login), Code::PasswordMustSendNew);
    let found = world.sso.get_user_by_username(&ctx(), "user1", true).await.unwrap().unwrap().user;
    assert_eq!(found.password_expiry, Some(START.plus_days(10)));
    let sql = "SELECT extra FROM sso_audit WHERE op = 'user.set_password'";
    let entry = String::from_utf8(any_rows(&world, sql).await.remove(0)).unwrap();
    assert!(entry.contains("T-1000") && !entry.contains(NEW), "{entry}");

    put(SetPassword { password_expiry: Some(-1), ..set(PASSWORD) }).await.unwrap();
    world.login("user1").await;
    let found = world.sso.get_user_by_username(&ctx(), "user1", true).await.unwrap().unwrap().user;
    assert_eq!(found.password_expiry, None);
    assert_eq!(refusal(put(set("short")).await), Code::PasswordTooShort);
    assert_eq!(refusal(put(set("xx letmein xx")).await), Code::PasswordInvalid);
    let long = SetPassword { details: Some("x".repeat(4097)), ..set(NEW) };
    assert_eq!(refusal(put(long).await), Code::CommonInvalidInput);
    let late = SetPassword { password_expiry: Some(i64::MAX), ..set(NEW) };
    assert_eq!(refusal(put(late).await), Code::CommonInvalidInput);
    let nobody = world.sso.set_password(&ctx(), "zusrnone", set(NEW)).await;
    assert_eq!(refusal(nobody), Code::UserIdInvalid);
    let elsewhere = world.sso.set_password(&ctx_of("Unknown", ""), user.user_id.as_str(), set(NEW)).await;
    assert_eq!(refusal(elsewhere), Code::AppListInvalid);
}

async fn passwords_expire_only_where_that_is_asked_for(kind: Kind) {
    let world = World::with(kind, json!({"password.inform_if_expired": true})).await;
    let user = world.user("user1").await;
    assert_eq!(user.password_expiry, None);
    world.clock.advance_seconds(10_000 * 86_400);
    let info = world.login("user1").await;
    assert!(!info.has_w_about_to_exp);
    let days = async |sso: &zato_sso::ops::Sso, days: Option<i64>| {
        let request = SetPassword { password_expiry: days, ..set(NEW) };
        sso.set_password(&ctx(), user.user_id.as_str(), request).await.unwrap();
        let found = sso.get_user_by_username(&ctx(), "user1", true).await.unwrap().unwrap().user;
        found.password_expiry.map(|expiry| expiry.since(world.clock.now()).as_secs() / 86_400)
    };
    assert_eq!(days(&world.sso, Some(10)).await, Some(10));
    // A date that was set stays until the next change, and counts.
    world.clock.advance_seconds(11 * 86_400);
    assert_eq!(refusal(world.sso.login(&ctx(), credentials("user1", NEW)).await), Code::PasswordExpired);
    assert_eq!(days(&world.sso, None).await, None);
    world.sso.login(&ctx(), credentials("user1", NEW)).await.unwrap();

    let yearly = world.reopened(json!({"password.expiry": 365})).await;
    assert_eq!(days(&yearly, None).await, Some(365));
}

async fn what_everybody_chooses_is_refused_and_a_phrase_is_not(kind: Kind) {
    let world = World::new(kind).await;
    for common in ["iloveyou", "sunshine", "00000000", "SunShine", "princess"] {
        let error = world.sso.validate_password(&Password::from(common)).await.unwrap_err();
        assert_eq!(error.code(), Code::PasswordInvalid, "{common}");
        assert!(error.to_string().contains("common"), "{error}");
    }
    let new = NewUser { password: Some(Password::from("iloveyou")), ..new_user("user1") };
    assert_eq!(
        refusal(world.sso.create_user(&ctx(), Actor::Trusted(None), new, true).await),
        Code::PasswordInvalid
    );
    let phrase = "vkq password rumtel odnaw spiek ghtz wolp";
    assert_eq!(phrase.chars().count(), 41);
    world.sso.validate_password(&Password::from(phrase)).await.unwrap();
    let lenient = world.reopened(json!({"password.reject_common": false})).await;
    lenient.validate_password(&Password::from("iloveyou")).await.unwrap();
    // Who has such a password already logs in.
    let new = NewUser { password: Some(Password::from("iloveyou")), ..new_user("user1") };
    lenient.create_user(&ctx(), Actor::Trusted(None), new, true).await.unwrap();
    world.sso.login(&ctx(), credentials("user1", "iloveyou")).await.unwrap();
}

async fn what_is_known_from_a_breach_is_refused_and_logs_in_all_the_same(kind: Kind) {
    let folder = tempfile::tempdir().unwrap();
    let (list, out) = (folder.path().join("list.txt"), folder.path().join("breached.filter"));
    std::fs::write(&list, format!("{PASSWORD}\ncaf\u{e9} cr\u{e8}me soir\n")).unwrap();
    let command = crate::command::Folder::new();
    let line = format!("build-breached-filter {} {}", list.display(), out.display());
    let said = command.run(&line);
    assert!(said.text().contains("2 different passwords in 2 lines, 4096 bytes"), "{said}");
    assert_eq!(command.run(&format!("{line} --json")).json()["passwords"], 2);
    let missing = command.run(&format!("build-breached-filter nowhere {}", out.display()));
    assert!(missing.status == 1 && missing.stderr.contains("nowhere"), "{missing}");

    let world = World::new(kind).await;
    world.user("user1").await;
    let strict = world.reopened(json!({"password.breached_filter": out.to_str().unwrap()})).await;
    // As it is in the list, and in the other form of Unicode.
    for breached in [PASSWORD, "caf\u{e9} cr\u{e8}me soir", "cafe\u{301} cre\u{300}me soir"] {
        let error = strict.validate_password(&Password::from(breached)).await.unwrap_err();
        assert_eq!(error.code(), Code::PasswordInvalid, "{breached}");
        assert!(error.to_string().contains("data breach"), "{error}");
    }
    strict.validate_password(&Password::from(NEW)).await.unwrap();
    strict.login(&ctx(), credentials("user1", PASSWORD)).await.unwrap();
}
