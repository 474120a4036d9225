//! What the endpoints of each block do, over real connections.

use serde_json::{Value, json};

use crate::rest::{Answer, Server};
use crate::support::{Kind, PASSWORD, ctx};

on_both_databases! {
    a_super_user_makes_a_user_and_decides_about_it;
    a_user_is_shown_by_visibility_and_without_empty_values;
    a_search_gives_pages_of_users;
    users_change_themselves_and_super_users_everybody;
    a_super_user_deletes_others;
    a_totp_key_is_shown_where_it_was_generated;
    too_many_attempts_and_requests_are_told_when_to_come_back;
    a_password_is_changed_with_the_old_one_or_by_a_super_user;
    sessions_are_verified_renewed_and_read;
    a_list_of_sessions_holds_their_history_and_no_token;
    a_login_with_a_password_about_to_expire_warns;
    logging_out_always_works;
    the_remote_address_is_the_clients_own;
    login_metadata_is_for_applications_that_may_send_it;
    naming_an_application_is_not_enough_to_send_metadata;
}

fn ask(server: &Server, line: &str, body: &Value) -> Answer {
    server.ask(line, &[], &body.to_string())
}

async fn a_super_user_makes_a_user_and_decides_about_it(kind: Kind) {
    let server = Server::new(kind).await;
    server.world.super_user("root1").await;
    let root = server.ust("root1");
    let made = ask(
        &server,
        "POST /user",
        &json!({"ust": root, "username": "ann", "password": PASSWORD, "first_name": " Ann ", "last_name": "Lee",
            "email": null, "password_must_change": "False", "is_locked": "0", "sign_up_status": "final"}),
    )
    .ok();
    assert_eq!(made["display_name"], "Ann Lee");
    assert_eq!(made["approval_status"], "before_decision");
    assert_eq!(made["is_approval_needed"], true);
    assert_eq!(made["sign_up_time"], "2026-02-25T12:00:00");
    assert!(made.get("email").is_none() && made.get("password").is_none() && made.get("totp_key").is_none());
    let user_id = made["user_id"].as_str().unwrap();

    let on = json!({"ust": root, "user_id": user_id});
    let login = json!({"username": "ann", "password": PASSWORD});
    assert_eq!(ask(&server, "POST /user/login", &login).refusal(), "E005004");
    ask(&server, "POST /user/approve", &on).ok();
    let ann = server.ust("ann");
    ask(&server, "POST /user/lock", &on).ok();
    assert_eq!(ask(&server, "GET /user", &json!({"ust": ann})).refusal(), "E007001");
    ask(&server, "DELETE /user/lock", &on).ok();
    assert_eq!(ask(&server, "GET /user", &json!({"ust": ann})).refusal(), "E007001");
    ask(&server, "POST /user/reject", &on).ok();
    assert_eq!(ask(&server, "POST /user/login", &login).refusal(), "E005004");
    ask(&server, "POST /user/approve", &on).ok();
    let ann = server.ust("ann");

    // What super-users may, others may not.
    let by_ann = json!({"ust": ann, "user_id": user_id, "username": "bob"});
    for line in
        ["POST /user/approve", "POST /user/reject", "POST /user/lock", "DELETE /user/lock", "POST /user"]
    {
        assert_eq!(ask(&server, line, &by_ann).refusal(), "E005001", "{line}");
    }
    let again = json!({"ust": root, "username": "ann"});
    assert_eq!(ask(&server, "POST /user", &again).refusal(), "E001002");
    let auto = json!({"ust": root, "username": "bob", "auto_approve": "True"});
    assert_eq!(ask(&server, "POST /user", &auto).ok()["approval_status"], "approved");
    for bad in [json!({"is_locked": "maybe"}), json!({"sign_up_status": "done"}), json!({"email": 5})] {
        let mut body = json!({"ust": root, "username": "carl"});
        body.as_object_mut().unwrap().extend(bad.as_object().unwrap().clone());
        assert_eq!(ask(&server, "POST /user", &body).status, 400, "{bad}");
    }
}

async fn a_user_is_shown_by_visibility_and_without_empty_values(kind: Kind) {
    let server = Server::new(kind).await;
    server.world.super_user("root1").await;
    let user_id = server.world.user("user1").await.user_id;
    let other_id = server.world.user("user2").await.user_id;
    let (root, user) = (server.ust("root1"), server.ust("user1"));
    let own = ask(&server, "GET /user", &json!({"ust": user})).ok();
    let names: Vec<&String> = own.as_object().unwrap().keys().collect();
    assert_eq!(names, ["cid", "status", "user_id", "username", "is_totp_enabled"]);
    let by_id = ask(&server, "GET /user", &json!({"ust": user, "user_id": user_id.as_str()})).ok();
    assert_eq!(by_id["username"], "user1");
    let other = ask(&server, "GET /user", &json!({"ust": user, "user_id": other_id.as_str()}));
    assert_eq!(other.refusal(), "E005001");
    let by_root = ask(&server, "GET /user", &json!({"ust": root, "user_id": user_id.as_str()})).ok();
    assert_eq!(by_root["password_is_set"], true);
    assert!(by_root.get("password_expiry").is_none());
    assert!(by_root.get("totp_key").is_none() && by_root.get("locked_time").is_none());
    let nobody = ask(&server, "GET /user", &json!({"ust": root, "user_id": "zusrnobody"}));
    assert_eq!(nobody.refusal(), "E001100");
}

async fn a_search_gives_pages_of_users(kind: Kind) {
    let server = Server::new(kind).await;
    server.world.super_user("root1").await;
    for username in ["ann", "bob", "carl"] {
        server.world.user(username).await;
    }
    let (root, user) = (server.ust("root1"), server.ust("ann"));
    let search = |query: &str| server.ask(&format!("GET /user/search?ust={root}{query}"), &[], "");
    let mut found = search("&page_size=2&username=&is_name_exact=False").ok();
    for entry in found["result"].as_array_mut().unwrap() {
        assert!(entry["is_super_user"].is_boolean() && entry["sign_up_time"].is_string());
        assert!(entry.get("email").is_none() && entry.get("totp_key").is_none());
        *entry = entry["username"].clone();
    }
    found.as_object_mut().unwrap().remove("cid");
    assert_eq!(
        found,
        json!({"status": "ok", "total": 4, "num_pages": 2, "page_size": 2, "cur_page": 1, "has_next_page": true,
            "has_prev_page": false, "next_page": 2, "result": ["ann", "bob"]})
    );
    let last = search("&page_size=2&cur_page=2").ok();
    assert_eq!((&last["has_next_page"], &last["prev_page"]), (&json!(false), &json!(1)));
    assert!(last.get("next_page").is_none());
    assert_eq!(search("&paginate=0").ok()["result"].as_array().unwrap().len(), 4);
    let body = json!({"ust": root, "username": "bob", "name_op": "or", "sign_up_status": "final",
        "approval_status": "approved", "cur_page": null});
    assert_eq!(ask(&server, "GET /user/search", &body).ok()["total"], 1);
    assert_eq!(search("&approval_status=rejected").ok()["total"], 0);

    assert_eq!(search("&first_name=x&is_name_exact=False").refusal(), "E008002");
    for ust in [user.as_str(), "zustnone", ""] {
        assert_eq!(ask(&server, "GET /user/search", &json!({"ust": ust})).refusal(), "E005001");
    }
    assert_eq!(ask(&server, "GET /user/search", &json!({})).status, 400);
    for wrong in ["name_op=xor", "page_size=many", "paginate=maybe", "approval_status=x", "sign_up_status="] {
        assert_eq!(search(&format!("&{wrong}")).status, 400, "{wrong}");
    }
}

async fn users_change_themselves_and_super_users_everybody(kind: Kind) {
    let server = Server::new(kind).await;
    server.world.super_user("root1").await;
    let user_id = server.world.user("user1").await.user_id;
    server.world.user("user2").await;
    let (root, user) = (server.ust("root1"), server.ust("user1"));
    let update = |ust: &str, more: Value| {
        let mut body = json!({"ust": ust});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        ask(&server, "PATCH /user", &body)
    };
    let shown = || ask(&server, "GET /user", &json!({"ust": root, "user_id": user_id.as_str()})).ok();
    let personal = json!({"username": "ann", "email": "ann@example.com", "first_name": " Ann ",
        "display_name": "Ann", "is_totp_enabled": "False", "totp_label": "label", "unknown": 1});
    assert_eq!(update(&user, personal).ok().as_object().unwrap().len(), 2);
    let seen = shown();
    assert_eq!((&seen["username"], &seen["email"]), (&json!("ann"), &json!("ann@example.com")));
    assert_eq!((&seen["first_name"], &seen["totp_label"]), (&json!("Ann"), &json!("label")));

    // Null and the empty text take away, where that is allowed.
    update(&user, json!({"email": null, "first_name": "", "display_name": null})).ok();
    let seen = shown();
    assert!(["email", "first_name", "display_name"].iter().all(|name| seen.get(name).is_none()));
    assert_eq!(update(&user, json!({"username": null})).refusal(), "E008002");
    assert_eq!(update(&user, json!({"username": ""})).refusal(), "E001001");
    assert_eq!(update(&user, json!({"username": "user2"})).refusal(), "E001002");
    assert_eq!(update(&user, json!({})).refusal(), "E008003");
    assert_eq!(update(&user, json!({"is_locked": false})).refusal(), "E008002");
    assert_eq!(update(&user, json!({"is_super_user": true})).refusal(), "E008002");
    assert_eq!(update(&user, json!({"first_name": "x", "user_id": "zusrother"})).refusal(), "E005001");
    update(&user, json!({"first_name": "x", "user_id": user_id.as_str()})).ok();

    let administrative = json!({"user_id": user_id.as_str(), "is_locked": "1",
        "password_expiry": "2027-01-01T02:00:00+01:00", "password_must_change": "true",
        "sign_up_status": "to_approve", "approval_status": "rejected", "rate_limit_def": "*=1/d",
        "is_rate_limit_active": "0"});
    update(&root, administrative).ok();
    let seen = shown();
    assert_eq!((&seen["is_locked"], &seen["password_must_change"]), (&json!(true), &json!(true)));
    assert_eq!(seen["password_expiry"], "2027-01-01T01:00:00");
    assert_eq!(
        (&seen["sign_up_status"], &seen["approval_status"]),
        (&json!("to_approve"), &json!("rejected"))
    );
    assert_eq!(ask(&server, "GET /user", &json!({"ust": user})).refusal(), "E007001");
    let of_user = |name: &str, value: Value| update(&root, json!({"user_id": user_id.as_str(), name: value}));
    for is_super_user in [true, false] {
        of_user("is_super_user", json!(is_super_user)).ok();
        assert_eq!(shown()["is_super_user"], is_super_user);
    }
    assert_eq!(update(&root, json!({"is_super_user": "0"})).refusal(), "E008002");
    assert_eq!(of_user("is_locked", json!(null)).refusal(), "E008002");
    assert_eq!(of_user("rate_limit_def", json!("*=1/week")).refusal(), "E008002");
    for (name, value) in [
        ("is_locked", json!("maybe")),
        ("password_expiry", json!("tomorrow")),
        ("approval_status", json!("x")),
        ("email", json!(5)),
    ] {
        assert_eq!(of_user(name, value).status, 400, "{name}");
    }
    assert_eq!(update(&root, json!({"user_id": "zusrnobody", "first_name": "x"})).refusal(), "E001100");
    // A query string is input, too.
    server.ask(&format!("PATCH /user?ust={root}&last_name=Root+One"), &[], "").ok();
    assert_eq!(ask(&server, "GET /user", &json!({"ust": root})).ok()["last_name"], "Root One");
}

async fn a_totp_key_is_shown_where_it_was_generated(kind: Kind) {
    let server = Server::new(kind).await;
    server.world.super_user("root1").await;
    let user_id = server.world.user("user1").await.user_id;
    let (root, user) = (server.ust("root1"), server.ust("user1"));
    let made = ask(&server, "PATCH /user/totp", &json!({"ust": user, "totp_label": "phone"})).ok();
    assert_eq!(made["totp_key"].as_str().unwrap().len(), 32);
    let given = json!({"ust": root, "user_id": user_id.as_str(), "totp_key": "jbsw y3dp ehpk 3pxp"});
    assert_eq!(ask(&server, "PATCH /user/totp", &given).ok().get("totp_key"), None);
    let seen = async || {
        let found = server.world.sso.get_user_by_username(&ctx(), "user1", true).await;
        found.unwrap().unwrap().user
    };
    let found = seen().await;
    assert_eq!(found.totp_key.as_ref().unwrap().expose(), "JBSWY3DPEHPK3PXP");
    assert_eq!(found.totp_label.as_deref(), Some("phone"));
    // Another key by somebody else has ended the session.
    let user = server.ust("user1");
    ask(&server, "PATCH /user/totp", &json!({"ust": user, "totp_key": "", "totp_label": null})).ok();
    let found = seen().await;
    assert_eq!((found.totp_key.as_ref().unwrap().expose().len(), found.totp_label.clone()), (32, None));
    let others = json!({"ust": user, "user_id": "zusrother"});
    assert_eq!(ask(&server, "PATCH /user/totp", &others).refusal(), "E005001");
    let wrong = json!({"ust": user, "totp_key": "not base32"});
    assert_eq!(ask(&server, "PATCH /user/totp", &wrong).refusal(), "E008002");
    assert_eq!(ask(&server, "PATCH /user/totp", &json!({})).status, 400);
}

async fn too_many_attempts_and_requests_are_told_when_to_come_back(kind: Kind) {
    let server = Server::new(kind).await;
    server.world.super_user("root1").await;
    server.world.user("user1").await;
    let root = server.ust("root1");
    // What a client says of its address has no say in it, unless the application may.
    let wrong = |number: i32| {
        let remote_addr = format!("10.0.0.{number}");
        let body = json!({"username": "user1", "password": "wrong", "remote_addr": remote_addr});
        ask(&server, "POST /user/login", &body)
    };
    for number in 0..5 {
        assert_eq!(wrong(number).refusal(), "E005001");
    }
    let refused = wrong(5);
    assert_eq!((refused.status, refused.header("retry-after")), (429, Some("1")));
    assert_eq!(refused.json()["sub_status"], json!(["E005009"]));
    let places = "SELECT subject FROM sso_throttle WHERE kind = 'login_address'";
    assert_eq!(crate::support::any_rows(&server.world, places).await.len(), 1);

    let new = json!({"ust": root, "username": "user2", "password": PASSWORD, "auto_approve": true,
        "is_rate_limit_active": true, "rate_limit_def": "127.0.0.0/8=1/h"});
    assert_eq!(ask(&server, "POST /user", &new).ok()["is_rate_limit_active"], true);
    let ust = server.ust("user2");
    let refused = ask(&server, "GET /user", &json!({"ust": ust}));
    assert_eq!((refused.status, refused.header("retry-after")), (429, Some("3600")));
    assert_eq!(refused.json()["sub_status"], json!(["E005009"]));
}

async fn a_super_user_deletes_others(kind: Kind) {
    let server = Server::new(kind).await;
    let root_id = server.world.super_user("root1").await.user_id;
    let user_id = server.world.user("user1").await.user_id;
    let (root, user) = (server.ust("root1"), server.ust("user1"));
    let delete =
        |ust: &str, user_id: &str| ask(&server, "DELETE /user", &json!({"ust": ust, "user_id": user_id}));
    assert_eq!(delete(&user, root_id.as_str()).refusal(), "E005001");
    assert_eq!(delete(&user, user_id.as_str()).refusal(), "E005001");
    assert_eq!(delete(&root, root_id.as_str()).refusal(), "E008001");
    assert_eq!(delete(&root, "").refusal(), "E001100");
    assert_eq!(ask(&server, "DELETE /user", &json!({"ust": root})).status, 400);
    delete(&root, user_id.as_str()).ok();
    assert_eq!(ask(&server, "GET /user", &json!({"ust": user})).refusal(), "E007001");
    assert_eq!(delete(&root, user_id.as_str()).refusal(), "E001100");
}

async fn a_password_is_changed_with_the_old_one_or_by_a_super_user(kind: Kind) {
    let server = Server::new(kind).await;
    server.world.super_user("root1").await;
    let user_id = server.world.user("user1").await.user_id;
    let (root, user) = (server.ust("root1"), server.ust("user1"));
    let change = |body: Value| ask(&server, "PATCH /user/password", &body);
    let new = "an altogether new one";
    assert_eq!(change(json!({"ust": user, "new_password": new})).refusal(), "E008003");
    assert_eq!(
        change(json!({"ust": user, "new_password": new, "old_password": "wrong"})).refusal(),
        "E005001"
    );
    assert_eq!(
        change(json!({"ust": user, "new_password": null, "old_password": PASSWORD})).refusal(),
        "E003002"
    );
    assert_eq!(change(json!({"ust": user, "old_password": PASSWORD})).status, 400);
    change(json!({"ust": user, "new_password": new, "old_password": PASSWORD})).ok();
    let login = |password: &str| {
        ask(&server, "POST /user/login", &json!({"username": "user1", "password": password}))
    };
    assert_eq!(login(PASSWORD).refusal(), "E005001");
    login(new).ok();

    let mut by_root = json!({"ust": root, "user_id": user_id.as_str(), "new_password": PASSWORD,
        "password_expiry": "90", "must_change": "1"});
    change(by_root.clone()).ok();
    assert_eq!(login(PASSWORD).refusal(), "E003007");
    let shown = ask(&server, "GET /user", &json!({"ust": root, "user_id": user_id.as_str()})).ok();
    assert_eq!(shown["password_expiry"], "2026-05-26T12:00:00");
    by_root["password_expiry"] = json!("soon");
    assert_eq!(change(by_root).status, 400);
}

async fn sessions_are_verified_renewed_and_read(kind: Kind) {
    let server = Server::new(kind).await;
    server.world.super_user("root1").await;
    server.world.user("user1").await;
    let (root, user) = (server.ust("root1"), server.ust("user1"));
    let verify = |target: &str, current: &str| {
        ask(&server, "POST /user/session", &json!({"target_ust": target, "current_ust": current}))
    };
    assert_eq!(verify(&user, &root).ok()["is_valid"], true);
    assert_eq!(verify("zustnone", &root).ok()["is_valid"], false);
    assert_eq!(verify("", &root).ok()["is_valid"], false);
    assert_eq!(verify(&root, &user).refusal(), "E005001");

    server.world.clock.advance_seconds(60);
    let renewed =
        server.ask("PATCH /user/session", &["User-Agent: renewer"], &json!({"ust": user}).to_string());
    assert_eq!(renewed.ok()["expiration_time"], "2026-02-25T13:01:00");
    let both = json!({"target_ust": user, "current_ust": user});
    for line in ["GET /user/session", "GET /session"] {
        let mut session = ask(&server, line, &both).ok();
        session.as_object_mut().unwrap().remove("cid");
        assert_eq!(
            session,
            json!({"status": "ok", "creation_time": "2026-02-25T12:00:00",
                "expiration_time": "2026-02-25T13:01:00", "remote_addr": "127.0.0.1"})
        );
    }
    let of_root = json!({"target_ust": root, "current_ust": user});
    assert_eq!(ask(&server, "GET /user/session", &of_root).refusal(), "E005001");
    ask(&server, "GET /user/session", &json!({"target_ust": user, "current_ust": root})).ok();
    server.world.clock.advance_seconds(2 * 3600);
    assert_eq!(ask(&server, "GET /user/session", &both).refusal(), "E007002");
}

async fn a_list_of_sessions_holds_their_history_and_no_token(kind: Kind) {
    let server = Server::new(kind).await;
    server.world.super_user("root1").await;
    server.world.user("user1").await;
    let body = json!({"username": "user1", "password": PASSWORD}).to_string();
    let first = server.ask("POST /user/login", &["User-Agent: first"], &body).ok();
    let first = first["ust"].as_str().unwrap();
    let root = server.ust("root1");
    server.world.clock.advance_seconds(60);
    server.ask("PATCH /user/session", &["User-Agent: second"], &json!({"ust": first}).to_string()).ok();
    let own = ask(&server, "GET /user/session/list", &json!({"ust": first}));
    assert!(!own.body.contains(first));
    let mut result = own.ok()["result"].clone();
    let session_id = result[0].as_object_mut().unwrap().remove("session_id").unwrap();
    assert_eq!(session_id.as_str().unwrap().len(), 36);
    assert_eq!(
        result,
        json!([{
            "auth_type": "default", "auth_principal": "user1", "creation_time": "2026-02-25T12:00:00",
            "expiration_time": "2026-02-25T13:01:00", "remote_addr": "127.0.0.1", "user_agent": "first",
            "is_current": true, "session_state_change_list": [
                {"remote_addr": "127.0.0.1", "user_agent": "first", "timestamp_utc": "2026-02-25T12:00:00",
                    "ctx_source": "login", "idx": 1},
                {"remote_addr": "127.0.0.1", "user_agent": "second", "timestamp_utc": "2026-02-25T12:01:00",
                    "ctx_source": "renew", "idx": 2},
            ],
        }])
    );
    let by_root = ask(&server, "GET /session/list", &json!({"target_ust": first, "current_ust": root})).ok();
    assert_eq!(by_root["result"][0]["session_id"], session_id);
    assert_eq!(by_root["result"][0]["is_current"], false);
    let by_user = json!({"target_ust": root, "current_ust": first});
    assert_eq!(ask(&server, "GET /session/list", &by_user).refusal(), "E005001");

    let end = |ust: &str, session_id: &Value| {
        ask(&server, "DELETE /user/session", &json!({"ust": ust, "session_id": session_id}))
    };
    let other = server.ust("user1");
    let of_root = ask(&server, "GET /session/list", &json!({"ust": root})).ok()["result"][0].clone();
    assert_eq!(end(&other, &of_root["session_id"]).refusal(), "E007001");
    assert_eq!(end(&other, &json!("none")).refusal(), "E007001");
    end(&other, &session_id).ok();
    assert_eq!(ask(&server, "GET /user", &json!({"ust": first})).refusal(), "E007001");
    let last = server.ust("user1");
    let all = |more: Value| ask(&server, "DELETE /session/list", &more).ok()["num_ended"].clone();
    assert_eq!(all(json!({"ust": last})), 1);
    assert_eq!(all(json!({"ust": last, "except_current": "false"})), 1);
    assert_eq!(ask(&server, "GET /user", &json!({"ust": last})).refusal(), "E007001");
    server.ust("user1");
    let user_id = server.world.sso.get_user_by_username(&ctx(), "user1", true).await.unwrap().unwrap();
    let user_id = user_id.user.user_id.to_string();
    assert_eq!(all(json!({"ust": root, "user_id": user_id})), 1);
}

async fn a_login_with_a_password_about_to_expire_warns(kind: Kind) {
    let server = Server::with(kind, json!({"password.expiry": 10})).await;
    server.world.user("user1").await;
    let answer = ask(&server, "POST /user/login", &json!({"username": "user1", "password": PASSWORD}));
    insta::allow_duplicates! {
        insta::assert_snapshot!(
            answer.shape(), @r#"200 {"cid":"…","status":"warning","sub_status":["W003005"],"ust":"…"}"#
        );
    }
}

async fn logging_out_always_works(kind: Kind) {
    let server = Server::new(kind).await;
    server.world.user("user1").await;
    let ust = server.ust("user1");
    for given in [json!(ust), json!(ust), json!("zustnone"), json!(""), json!(null)] {
        let answer = ask(&server, "POST /user/logout", &json!({"ust": given}));
        insta::allow_duplicates! {
            insta::assert_snapshot!(answer.shape(), @r#"200 {"cid":"…","status":"ok"}"#);
        }
    }
    assert_eq!(ask(&server, "GET /user", &json!({"ust": ust})).refusal(), "E007001");
    assert_eq!(ask(&server, "POST /user/logout", &json!({})).status, 400);
    let unknown_app = json!({"ust": ust, "current_app": "Unknown"});
    ask(&server, "POST /user/logout", &unknown_app).ok();
}

/// The address that a login over this server, with these headers, was made from.
fn seen_address(server: &Server, headers: &[&str]) -> String {
    let body = json!({"username": "user1", "password": PASSWORD}).to_string();
    let ust = server.ask("POST /user/login", headers, &body).ok()["ust"].clone();
    let session = ask(server, "GET /user/session", &json!({"target_ust": ust, "current_ust": ust})).ok();
    session["remote_addr"].as_str().unwrap().to_owned()
}

async fn the_remote_address_is_the_clients_own(kind: Kind) {
    let forwarded =
        ["X-Forwarded-For: 1.1.1.1, 198.51.100.1:4711", "X-Forwarded-For: 10.2.3.4, [2001:db8::7]:80"];
    let proxies = json!({"http.trusted_proxies": ["127.0.0.0/8", "10.0.0.0/8", "2001:db8::/64"]});
    let behind_proxies = Server::with(kind, proxies).await;
    behind_proxies.world.user("user1").await;
    assert_eq!(seen_address(&behind_proxies, &forwarded), "198.51.100.1");
    assert_eq!(seen_address(&behind_proxies, &[]), "127.0.0.1");

    let direct = Server::new(kind).await;
    direct.world.user("user1").await;
    assert_eq!(seen_address(&direct, &forwarded), "127.0.0.1");
}

async fn login_metadata_is_for_applications_that_may_send_it(kind: Kind) {
    let server = Server::with(kind, json!({"http.trusted_proxies": ["127.0.0.1"]})).await;
    server.world.user("user1").await;
    let login = |app: &str, name: &str, value: Value| {
        let body = json!({"username": "user1", "password": PASSWORD, "current_app": app, name: value});
        server.ask("POST /user/login", &["User-Agent: curl"], &body.to_string())
    };
    assert_eq!(login("CRM", "remote_addr", json!("192.0.2.1")).refusal(), "E006001");
    assert_eq!(login("CRM", "user_agent", json!("theirs")).refusal(), "E006001");
    login("CRM", "remote_addr", json!(null)).ok();
    login("CRM", "user_agent", json!("")).ok();
    let seen = |answer: Answer| {
        let ust = answer.ok()["ust"].clone();
        ask(&server, "GET /user/session", &json!({"target_ust": ust, "current_ust": ust})).ok()
    };
    let session = seen(login("Metadata", "remote_addr", json!("192.0.2.1, 10.0.0.1")));
    assert_eq!(
        (&session["remote_addr"], &session["user_agent"]),
        (&json!("192.0.2.1, 10.0.0.1"), &json!("curl"))
    );
    let session = seen(login("Metadata", "user_agent", json!("theirs")));
    assert_eq!((&session["remote_addr"], &session["user_agent"]), (&json!("127.0.0.1"), &json!("theirs")));
}

async fn naming_an_application_is_not_enough_to_send_metadata(kind: Kind) {
    let server = Server::new(kind).await;
    server.world.user("user1").await;
    let anybody = Server::with(kind, json!({"apps.login_metadata_from_anybody": true})).await;
    anybody.world.user("user1").await;
    for (name, value) in [("remote_addr", "192.0.2.1"), ("user_agent", "theirs")] {
        let body = json!({"username": "user1", "password": PASSWORD, name: value});
        let named = with_element(&body, "current_app", "Metadata");
        assert_eq!(ask(&server, "POST /user/login", &named).refusal(), "E006001");
        let header = ["X-Zato-SSO-Current-App: Metadata"];
        assert_eq!(server.ask("POST /user/login", &header, &body.to_string()).refusal(), "E006001");
        // An address that may not be sent is not the one that counts.
        let forwarded = ["X-Zato-SSO-Current-App: Metadata", "X-Forwarded-For: 192.0.2.1"];
        assert_eq!(server.ask("POST /user/login", &forwarded, &body.to_string()).refusal(), "E006001");
        ask(&anybody, "POST /user/login", &named).ok();
        assert_eq!(ask(&anybody, "POST /user/login", &body).refusal(), "E006001");
    }
}

fn with_element(base: &Value, name: &str, value: &str) -> Value {
    let mut all = base.clone();
    all[name] = json!(value);
    all
}
