//! The description of the API, as the server gives it.

use serde_json::{Value, json};

use crate::rest::Server;
use crate::support::Kind;

on_both_databases! {
    the_document_describes_the_paths_of_this_server;
    the_page_shows_and_runs_nothing;
    all_that_is_shown_of_a_user_is_described;
}

async fn the_document_describes_the_paths_of_this_server(kind: Kind) {
    let server = Server::with(kind, json!({"http.prefix": "/sign-on"})).await;
    let answer = server.ask("GET root:/openapi.json", &[], "");
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    let document = answer.json();
    assert_eq!(document, zato_sso::http::document("/sign-on"));
    assert!(document["paths"]["/sign-on/user/login"]["post"].is_object());
    assert!(document["paths"]["/health/live"]["get"].is_object());
    assert_eq!(server.ask("POST root:/openapi.json", &[], "").status, 405);
}

async fn the_page_shows_and_runs_nothing(kind: Kind) {
    let server = Server::new(kind).await;
    let answer = server.ask("GET root:/docs", &[], "");
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("text/html; charset=utf-8")));
    assert!(answer.header("content-security-policy").unwrap().starts_with("default-src 'none'"));
    assert!(
        answer.body.contains("<code>&#x2f;zato&#x2f;sso&#x2f;user&#x2f;login</code>")
            && !answer.body.contains("<script")
    );
}

async fn all_that_is_shown_of_a_user_is_described(kind: Kind) {
    let server = Server::new(kind).await;
    server.world.super_user("root1").await;
    let root = server.ust("root1");
    let document = zato_sso::http::document("");
    let described = &document["components"]["schemas"]["User"]["properties"];
    let make = json!({"ust": root, "username": "ann", "email": "ann@example.com", "display_name": "Ann",
        "first_name": "Ann", "middle_name": "M", "last_name": "Lee", "totp_label": "phone"});
    let made = server.ask("POST /user", &[], &make.to_string()).ok();
    let on = json!({"ust": root, "user_id": made["user_id"]});
    server.ask("POST /user/lock", &[], &on.to_string()).ok();
    let shown = server.ask("GET /user", &[], &on.to_string()).ok();
    for (name, value) in
        shown.as_object().unwrap().iter().filter(|(name, _)| !matches!(name.as_str(), "cid" | "status"))
    {
        let kind = if value.is_boolean() { "boolean" } else { "string" };
        assert_eq!(described[name]["type"], kind, "{name}");
    }
    assert_eq!(described["locked_time"]["pattern"], described["sign_up_time"]["pattern"]);
    assert!(
        described["locked_time"]["pattern"].is_string() && described["username"]["pattern"] == Value::Null
    );
}
