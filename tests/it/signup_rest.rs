//! Signing up over REST.

use serde_json::json;

use crate::rest::Server;
use crate::support::{Kind, PASSWORD};

on_both_databases! {
    somebody_signs_up_over_rest;
    a_token_that_goes_by_email_only_is_not_answered;
    what_is_wrong_is_refused_or_a_bad_request;
}

async fn somebody_signs_up_over_rest(kind: Kind) {
    let more = json!({"apps.signup_allowed": ["CRM"], "signup.is_approval_needed": false});
    let server = Server::with(kind, more).await;
    for (name, confirm) in [("user1", "PATCH /user/signup"), ("user2", "POST /user/signup/confirm")] {
        let email = format!("{name}@example.com");
        let body = json!({"username": name, "password": PASSWORD, "email": email, "app_list": ["CRM"]});
        let answer = server.ask("POST /user/signup", &[], &body.to_string()).ok();
        assert_eq!(
            answer.as_object().unwrap().keys().collect::<Vec<_>>(),
            ["cid", "status", "confirm_token"]
        );
        let body = json!({"confirm_token": answer["confirm_token"]}).to_string();
        let login = json!({"username": name, "password": PASSWORD}).to_string();
        assert_eq!(server.ask("POST /user/login", &[], &login).refusal(), "E005003");
        let answer = server.ask(confirm, &[], &body).ok();
        assert_eq!(answer.as_object().unwrap().keys().collect::<Vec<_>>(), ["cid", "status"]);
        assert_eq!(server.ask(confirm, &[], &body).refusal(), "E005007");
        server.ask("POST /user/login", &[], &login).ok();
    }
}

async fn a_token_that_goes_by_email_only_is_not_answered(kind: Kind) {
    let more = json!({"apps.signup_allowed": ["CRM"], "signup.always_return_confirm_token": false});
    let server = Server::with(kind, more).await;
    let body =
        json!({"username": "user1", "password": PASSWORD, "email": "u@example.com", "app_list": ["CRM"]});
    let answer = server.ask("POST /user/signup", &[], &body.to_string()).ok();
    assert_eq!(answer.as_object().unwrap().keys().collect::<Vec<_>>(), ["cid", "status"]);
}

async fn what_is_wrong_is_refused_or_a_bad_request(kind: Kind) {
    let server = Server::with(kind, json!({"apps.signup_allowed": ["CRM"]})).await;
    let whole =
        json!({"username": "user1", "password": PASSWORD, "email": "u@example.com", "app_list": ["CRM"]});
    let with = |name: &str, value: serde_json::Value| {
        let mut body = whole.clone();
        body[name] = value;
        server.ask("POST /user/signup", &[], &body.to_string())
    };
    for name in ["username", "password", "app_list"] {
        let mut body = whole.clone();
        body.as_object_mut().unwrap().remove(name);
        assert_eq!(server.ask("POST /user/signup", &[], &body.to_string()).status, 400);
    }
    assert_eq!(with("app_list", json!({"CRM": 1})).status, 400);
    assert_eq!(with("username", json!(null)).refusal(), "E001001");
    assert_eq!(with("password", json!("")).refusal(), "E003002");
    assert_eq!(with("app_list", json!([])).refusal(), "E004001");
    assert_eq!(with("app_list", json!(["CRM", "Billing"])).refusal(), "E004002");
    assert_eq!(with("email", json!(null)).refusal(), "E002005");
    assert_eq!(server.ask("PATCH /user/signup", &[], "").status, 400);
    assert_eq!(server.ask("PATCH /user/signup", &[], r#"{"confirm_token": null}"#).refusal(), "E005006");
    assert_eq!(server.ask("PATCH /user/signup", &[], r#"{"confirm_token": "x"}"#).refusal(), "E005006");
}
