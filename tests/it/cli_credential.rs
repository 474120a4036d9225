//! The command: passwords and TOTP keys.

use serde_json::json;
use zato_sso::crypto::totp;
use zato_sso::domain::{Clock as _, Code, Password, SystemClock};
use zato_sso::ops::LoginRequest;

use crate::command::Folder;
use crate::support::{Kind, PASSWORD, any_rows, credentials, ctx, dump, execute, refusal};

on_both_databases! {
    a_password_is_changed_with_its_expiry_and_whether_it_must_change;
    a_reset_prints_a_random_password_once;
    a_totp_key_is_made_or_taken_as_given;
    what_cannot_be_changed_is_refused;
}

const NEW: &str = "another good one";

async fn a_password_is_changed_with_its_expiry_and_whether_it_must_change(kind: Kind) {
    let mut folder = Folder::with_database(kind).await;
    let world = folder.world().await;
    let user = world.user("user1").await;
    let ust = world.login("user1").await.ust;
    let done =
        folder.run_with("change-user-password user1 --expiry 5 --must-change true", &format!("{NEW}\n"));
    assert_eq!(done.text(), "Changed password for user `user1`\n");
    assert_eq!(refusal(world.sso.get_current_user(&ctx(), &ust, false).await), Code::SessionNoSuchSession);
    assert_eq!(refusal(world.sso.login(&ctx(), credentials("user1", PASSWORD)).await), Code::AuthNotAllowed);
    let shown = folder.run("show-user user1 --json").json();
    assert_eq!(shown["password_must_change"], true);
    let day = SystemClock.now().plus_days(5).to_string();
    assert_eq!(shown["password_expiry"].as_str().unwrap()[..10], day[..10]);

    folder.set("ZATO_SSO_PASSWORD", "from the environment");
    let said = folder.run("change-user-password user1 --json").json();
    assert_eq!(said, json!({"user_id": user.user_id.as_str(), "username": "user1"}));
    world.sso.login(&ctx(), credentials("user1", "from the environment")).await.unwrap();
    assert_eq!(folder.run("show-user user1 --json").json()["password_must_change"], false);
    assert_eq!(folder.run("change-user-password user1 --password given-as-option").status, 0);
    world.sso.login(&ctx(), credentials("user1", "given-as-option")).await.unwrap();

    let ops = any_rows(&world, "SELECT op FROM sso_audit WHERE op = 'user.set_password'").await;
    assert_eq!(ops.len(), 3);
    let all = dump(&world).await;
    assert!(![NEW, "from the environment", "given-as-option"].iter().any(|password| all.contains(password)));
}

async fn a_reset_prints_a_random_password_once(kind: Kind) {
    let folder = Folder::with_database(kind).await;
    let world = folder.world().await;
    world.user("user1").await;
    let first = folder.run("reset-user-password user1").text().trim_end().to_owned();
    // 192 bits in URL-safe base64.
    assert_eq!(first.len(), 32);
    world.sso.login(&ctx(), credentials("user1", &first)).await.unwrap();
    let said = folder.run("reset-user-password user1 --must-change yes --expiry 1 --json").json();
    let second = said["password"].as_str().unwrap();
    assert_ne!(second, first);
    assert_eq!(said["username"], "user1");
    let outcome = world.sso.login(&ctx(), credentials("user1", second)).await;
    assert_eq!(refusal(outcome), Code::PasswordMustSendNew);
    let all = dump(&world).await;
    assert!(!all.contains(&first) && !all.contains(second));
}

async fn a_totp_key_is_made_or_taken_as_given(kind: Kind) {
    let mut folder = Folder::with_database(kind).await;
    let world = folder.world().await;
    world.user("user1").await;
    execute(&world, "UPDATE sso_user SET is_totp_enabled = TRUE").await;
    let text = folder.run("reset-totp-key user1 --key-label phone").text().to_owned();
    // What is not a terminal gets no picture.
    let [key, uri] = text.lines().collect::<Vec<_>>()[..] else { panic!("{text}") };
    assert!(uri.starts_with("otpauth://totp/") && uri.contains("user1") && uri.contains(key), "{text}");
    assert_eq!(folder.run("show-user user1 --json").json()["totp_label"], "phone");

    let given = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
    folder.set("ZATO_SSO_TOTP_KEY", given);
    let said = folder.run("reset-totp-key user1 --json").json();
    assert_eq!((&said["username"], &said["totp_key"]), (&json!("user1"), &json!(null)));
    assert!(said["uri"].as_str().unwrap().contains(given), "{said}");
    assert_eq!(folder.run("reset-totp-key user1").text().lines().count(), 1);
    assert_eq!(folder.run("show-user user1 --json").json()["totp_label"], "phone");
    let user = world.sso.get_user_by_username(&ctx(), "user1", true).await.unwrap().unwrap().user;
    assert_eq!(user.totp_key.as_ref().unwrap().expose(), given);
    assert_eq!(totp::validate_key(key).unwrap().expose(), key);

    let outcome = world.sso.login(&ctx(), credentials("user1", PASSWORD)).await;
    assert_eq!(refusal(outcome), Code::AuthTotpMissing);
    let wrong = LoginRequest { totp_code: Some(Password::from("000000")), ..credentials("user1", PASSWORD) };
    assert_eq!(refusal(world.sso.login(&ctx(), wrong).await), Code::AuthNotAllowed);
    let all = dump(&world).await;
    assert!(!all.contains(key) && !all.contains(given));
}

async fn what_cannot_be_changed_is_refused(kind: Kind) {
    let mut folder = Folder::with_database(kind).await;
    folder.world().await.user("user1").await;
    insta::allow_duplicates! {
        insta::assert_snapshot!(folder.run("change-user-password user1"), @r"
        status 1
        err: zato-sso: no password: give one in ZATO_SSO_PASSWORD, on standard input or with --password
        ");
        folder.set("ZATO_SSO_PASSWORD", "short");
        insta::assert_snapshot!(folder.run("change-user-password user1"), @r"
        status 1
        err: zato-sso: E003002 password.too_short: password: at least 8 characters
        ");
        folder.set("ZATO_SSO_PASSWORD", NEW);
        for command in ["change-user-password", "reset-user-password", "reset-totp-key"] {
            insta::assert_snapshot!(folder.run(&format!("{command} nobody")), @r"
            status 1
            err: zato-sso: E001001 username.invalid: there is no user `nobody`, zato-sso list-users shows who there is
            ");
            assert_eq!(folder.run(command).status, 2, "{command}");
        }
        insta::assert_snapshot!(folder.run("reset-totp-key user1 --key none"), @r"
        status 1
        err: zato-sso: E008002 common.invalid_input: totp_key: E008002 common.invalid_input: a TOTP key is 16 to 205 characters of base32, the letters A to Z and the digits 2 to 7
        ");
    }
    for options in
        ["--expiry soon", "--expiry -1", "--expiry 40000", "--must-change perhaps", "--must-change"]
    {
        assert_eq!(folder.run(&format!("change-user-password user1 {options}")).status, 2, "{options}");
    }
}
