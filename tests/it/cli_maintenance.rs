//! The command: what has expired, and what is about to.

use serde_json::json;
use zato_sso::domain::{Clock as _, SystemClock};

use crate::command::Folder;
use crate::support::{Kind, execute};

on_both_databases! {
    what_was_deleted_is_said;
    who_must_change_soon_is_listed;
}

async fn what_was_deleted_is_said(kind: Kind) {
    let folder = Folder::with_database(kind).await;
    let world = folder.world().await;
    world.user("user1").await;
    for _ in 0..3 {
        folder.run("login user1");
    }
    execute(
        &world,
        "UPDATE sso_session SET expiration_time = 1 WHERE creation_time < (SELECT MAX(creation_time) FROM \
        sso_session)",
    )
    .await;
    insta::allow_duplicates! {
        insta::assert_snapshot!(folder.run("cleanup"), @r"
        status 0
        out: user_attributes     0
        out: session_attributes  0
        out: browser_codes       0
        out: browser_sessions    0
        out: openid_codes        0
        out: openid_tokens       0
        out: openid_devices      0
        out: openid_sign_ins     0
        out: openid_requests     0
        out: sessions            2
        out: password_resets     0
        out: site_verifications  0
        out: sign_ups            0
        out: email_changes       0
        out: totp_enrolments     0
        out: passkey_ceremonies  0
        out: passkey_challenges  0
        out: throttle_counters   0
        out: known_places        0
        out: known_devices       0
        out: seen_clients        0
        out: client_secrets      0
        out: used_jwts           0
        out: audit_entries       0
        ");
    }
    let said = folder.run("cleanup --json").json();
    assert_eq!(said["sessions"], 0);
    assert_eq!(said.as_object().unwrap().len(), 24);
    assert_eq!(folder.run("list-sessions user1 --json").json().as_array().unwrap().len(), 1);
}

async fn who_must_change_soon_is_listed(kind: Kind) {
    let folder = Folder::with_database(kind).await;
    let world = folder.world().await;
    assert_eq!(folder.run("expiring-passwords").text(), "USERNAME  USER ID  PASSWORD EXPIRES  DAYS LEFT\n");
    assert_eq!(folder.run("expiring-passwords --json").json(), json!([]));
    // An hour more, for the test takes its time.
    let now = SystemClock.now().plus_seconds(3_600);
    for (name, days) in [("user1", 40), ("user2", 20), ("user3", 10)] {
        world.user(name).await;
        let expiry = now.plus_days(days).as_micros();
        execute(&world, &format!("UPDATE sso_user SET password_expiry = {expiry} WHERE username = '{name}'"))
            .await;
    }
    let listed = folder.run("expiring-passwords");
    let lines: Vec<&str> = listed.text().lines().skip(1).collect();
    assert!(lines[0].starts_with("user3     zusr") && lines[0].ends_with("  10"), "{listed}");
    assert!(lines[1].starts_with("user2     zusr") && lines[1].ends_with("  20"), "{listed}");
    assert_eq!(lines.len(), 2);
    let listed = folder.run("expiring-passwords --days 50 --json").json();
    assert_eq!(listed.as_array().unwrap().len(), 3);
    assert_eq!((&listed[2]["username"], &listed[2]["days_left"]), (&json!("user1"), &json!(40)));
    assert_eq!(listed[2]["password_expiry"], now.plus_days(40).to_string());
    for days in ["-1", "40000", "soon"] {
        assert_eq!(folder.run(&format!("expiring-passwords --days {days}")).status, 2, "{days}");
    }
}
