//! The sessions API over REST: the documented example key by key, paging, and every error.

use data_encoding::BASE64;
use serde_json::{Value, json};
use zato_sso::ops::{Actor, CreatedSite, NewSiteSession};

use crate::rest::{Answer, Server};
use crate::support::{Kind, PASSWORD, ctx, new_site, trusted_site};

on_both_databases! {
    the_documented_example_is_reproduced;
    one_session_is_started_read_and_ended;
    pages_are_of_any_size_and_in_both_directions;
    a_lifetime_is_a_number_or_digits;
    whoever_has_not_the_keys_is_told_so_and_nothing_else;
    what_is_wrong_is_told_in_the_same_envelope;
    users_are_made_looked_up_changed_and_read;
    every_path_has_its_suffix_or_none;
}

struct Stage {
    server: Server,
    created: CreatedSite,
}

impl Stage {
    async fn new(kind: Kind) -> Self {
        Self::with(kind, json!({})).await
    }

    async fn with(kind: Kind, more: Value) -> Self {
        let server = Server::with(kind, more).await;
        let created = server.world.sso.create_site(&ctx(), trusted_site("shop")).await.unwrap();
        Self { server, created }
    }

    fn keys(&self) -> String {
        keys(&self.created.site.public_key.to_string(), self.created.private_key.expose())
    }

    fn ask(&self, line: &str, body: &Value) -> Answer {
        let (method, path) = line.split_once(' ').unwrap();
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.server.ask(&format!("{method} root:{path}"), &[&self.keys()], &body)
    }

    /// The data of a success with this status.
    #[track_caller]
    fn data(&self, line: &str, body: &Value, status: u16) -> Value {
        let answer = self.ask(line, body);
        assert_eq!(answer.status, status, "{}", answer.body);
        answer.json()["response"]["result"]["data"].clone()
    }

    /// The identity of a new user.
    async fn identity(&self, username: &str) -> String {
        let user = self.server.world.user(username).await;
        let found = self.server.world.sso.list_identities(&ctx(), user.user_id.as_str()).await.unwrap();
        found[0].identity_token.to_string()
    }

    #[track_caller]
    fn refused(&self, line: &str, body: &Value) -> (u16, String) {
        let answer = self.ask(line, body);
        let path = line.split_once(' ').unwrap().1;
        (answer.status, told(&answer, path))
    }
}

fn keys(public_key: &str, private_key: &str) -> String {
    format!("Authorization: Basic {}", BASE64.encode(format!("{public_key}:{private_key}").as_bytes()))
}

/// What an error tells, after everything else about it was looked at.
#[track_caller]
fn told(answer: &Answer, resource: &str) -> String {
    let json = answer.json();
    let request = &json["response"]["request"];
    assert_eq!(json["response"].get("result"), None, "{json}");
    assert_eq!((&request["status"]["flag"], &request["resource"]), (&json!("error"), &json!(resource)));
    assert_eq!(request["status"]["code"], answer.status);
    assert_eq!(request["date"], "Wed, 25 Feb 2026 12:00:00 +0000");
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let info = request["status"]["info"].as_str().unwrap();
    assert!(info.len() > 20, "{info}");
    info.to_owned()
}

async fn the_documented_example_is_reproduced(kind: Kind) {
    let stage = Stage::with(kind, json!({"database.keep_time": false})).await;
    let mut tokens = Vec::new();
    for username in ["user1", "user2"] {
        let identity = stage.identity(username).await;
        let wanted = json!({"request": {"sso_session": {
            "top_realm": "garden", "sub_realm": "vegetables", "lifetime": 7200, "data": "carrot"}}});
        let path = format!("PUT /sso/sessions/identities/{identity}.json");
        let started = stage.data(&path, &wanted, 201);
        tokens.push((identity, started["sso_session"].clone()));
        stage.server.world.clock.advance_seconds(60);
    }
    stage.server.world.clock.advance_seconds(-120);
    let answer = stage.ask("GET /sso/sessions.json", &Value::Null);
    assert_eq!(answer.status, 200);
    let entry = |index: usize, created: &str, expires: &str| {
        let (identity, session): &(String, Value) = &tokens[index];
        json!({
            "sso_session_token": session["sso_session_token"], "user_token": session["user_token"],
            "identity_token": identity, "top_realm": "garden", "sub_realm": "vegetables", "data": "carrot",
            "date_update": created, "date_creation": created, "date_expiration": expires,
        })
    };
    let expected = json!({"response": {
        "request": {
            "date": "Wed, 25 Feb 2026 12:00:00 +0000",
            "resource": "/sso/sessions.json",
            "status": {"flag": "success", "code": 200, "info": "Your request has been processed successfully"},
        },
        "result": {"data": {"sso_sessions": {
            "pagination": {
                "current_page": 1, "total_pages": 1, "entries_per_page": 250, "total_entries": 2,
                "order": {"field": "date_creation", "direction": "desc"},
            },
            "count": 2,
            "entries": [
                entry(1, "Wed, 25 Feb 2026 12:01:00 +0000", "Wed, 25 Feb 2026 14:01:00 +0000"),
                entry(0, "Wed, 25 Feb 2026 12:00:00 +0000", "Wed, 25 Feb 2026 14:00:00 +0000"),
            ],
        }}},
    }});
    assert_eq!(answer.json(), expected);
}

async fn one_session_is_started_read_and_ended(kind: Kind) {
    let stage = Stage::new(kind).await;
    let identity = stage.identity("user1").await;
    let of_identity = format!("/sso/sessions/identities/{identity}.json");
    let data = json!({"cart": [1, 2.5, null], "ä": "☃"});
    let wanted = json!({"request": {"sso_session": {"top_realm": "garden", "data": data, "unknown": 1}}});
    let answer = stage.ask(&format!("PUT {of_identity}"), &wanted);
    let said = &answer.json()["response"]["request"];
    assert_eq!(
        said["status"],
        json!({"flag": "success", "code": 201, "info": "The SSO session has been created successfully"})
    );
    assert_eq!(said["resource"], of_identity.as_str());
    let session = answer.json()["response"]["result"]["data"]["sso_session"].clone();
    let token = session["sso_session_token"].as_str().unwrap().to_owned();
    assert_eq!(
        session,
        json!({
            "sso_session_token": token, "user_token": session["user_token"], "identity_token": identity,
            "top_realm": "garden", "sub_realm": null, "data": data, "num_cookies_set": 0,
            "date_update": "Wed, 25 Feb 2026 12:00:00 +0000", "date_creation": "Wed, 25 Feb 2026 12:00:00 +0000",
            "date_expiration": "Thu, 26 Feb 2026 12:00:00 +0000",
        })
    );
    let one = format!("/sso/sessions/{token}.json");
    assert_eq!(stage.data(&format!("GET {one}"), &Value::Null, 200)["sso_session"], session);
    assert_eq!(stage.data(&format!("GET {of_identity}"), &Value::Null, 200)["sso_session"], session);

    // Nothing is deleted until it is confirmed.
    for unconfirmed in [
        "",
        "?",
        "?confirm_deletion=",
        "?confirm_deletion=FALSE",
        "?confirm_deletion=0",
        "?confirm_deletion=yes",
        "?other=true",
    ] {
        for path in [&one, &of_identity] {
            let (status, info) = stage.refused(&format!("DELETE {path}{unconfirmed}"), &Value::Null);
            assert_eq!(status, 400);
            assert!(info.contains("confirm_deletion=true"), "{info}");
        }
    }
    assert_eq!(stage.data(&format!("GET {one}"), &Value::Null, 200)["sso_session"], session);
    let removed = stage.ask(&format!("DELETE {one}?confirm_deletion=true"), &Value::Null);
    let expected = json!({"response": {"request": {
        "date": "Wed, 25 Feb 2026 12:00:00 +0000",
        "resource": format!("{one}?confirm_deletion=true"),
        "status": {"flag": "success", "code": 200, "info": "The SSO session has been removed successfully"},
    }}});
    assert_eq!((removed.status, removed.json()), (200, expected));
    for gone in
        [format!("GET {one}"), format!("GET {of_identity}"), format!("DELETE {one}?confirm_deletion=true")]
    {
        assert_eq!(stage.refused(&gone, &Value::Null).0, 404, "{gone}");
    }

    // A second session ends the first.
    let first = stage.data(&format!("PUT {of_identity}"), &Value::Null, 201)["sso_session"].clone();
    let second =
        stage.data(&format!("PUT {of_identity}"), &json!({"request": {}}), 201)["sso_session"].clone();
    let token = |session: &Value| session["sso_session_token"].as_str().unwrap().to_owned();
    assert_eq!(stage.refused(&format!("GET /sso/sessions/{}.json", token(&first)), &Value::Null).0, 404);
    assert_eq!(stage.data(&format!("GET {of_identity}"), &Value::Null, 200)["sso_session"], second);
    stage.data(&format!("DELETE {of_identity}?confirm_deletion=true"), &Value::Null, 200);
    let outcome = stage.refused(&format!("DELETE {of_identity}?confirm_deletion=true"), &Value::Null);
    assert_eq!(outcome.0, 404);
    let outcome = stage.refused(&format!("GET /sso/sessions/{}.json", token(&second)), &Value::Null);
    assert_eq!(outcome.0, 404);
}

async fn pages_are_of_any_size_and_in_both_directions(kind: Kind) {
    let stage = Stage::new(kind).await;
    let sso = &stage.server.world.sso;
    let site = sso.act_as_site(&ctx(), "shop").await.unwrap();
    let mut all = Vec::new();
    for number in 0..502 {
        let user = zato_sso::domain::NewUser {
            username: Some(format!("user{number}")),
            ..zato_sso::domain::NewUser::default()
        };
        let user = sso.create_user(&ctx(), Actor::Trusted(None), user, true).await.unwrap();
        let found = sso.list_identities(&ctx(), user.user_id.as_str()).await.unwrap();
        let identity = found[0].identity_token.to_string();
        let started =
            sso.start_site_session(&ctx(), &site, &identity, NewSiteSession::default()).await.unwrap();
        all.push(started.sso_session_token.expose().to_owned());
        stage.server.world.clock.advance_seconds(1);
    }
    let page = |query: &str| {
        let listed =
            stage.data(&format!("GET /sso/sessions.json{query}"), &Value::Null, 200)["sso_sessions"].clone();
        let token = |entry: &Value| entry["sso_session_token"].as_str().unwrap().to_owned();
        let entries: Vec<String> = listed["entries"].as_array().unwrap().iter().map(token).collect();
        assert_eq!(listed["count"], entries.len());
        (listed["pagination"].clone(), entries)
    };
    let mut backwards = all.clone();
    backwards.reverse();
    for (size, pages) in [(1, 502_usize), (250, 3), (500, 2)] {
        for (direction, expected) in [("asc", &all), ("desc", &backwards)] {
            for number in [1, 2, pages, pages + 1, 1_000_000_000_000] {
                let query = format!("?page={number}&entries_per_page={size}&order_direction={direction}");
                let (pagination, entries) = page(&query);
                assert_eq!(
                    pagination,
                    json!({
                        "current_page": number, "total_pages": pages, "entries_per_page": size,
                        "total_entries": 502, "order": {"field": "date_creation", "direction": direction},
                    })
                );
                let first = ((number - 1) * size).min(502);
                assert_eq!(entries, expected[first..(first + size).min(502)], "{query}");
            }
        }
    }
    for nothing in
        ["", "?", "?page=&entries_per_page=&order_direction=", "?page=1&order_direction=DESC&other[]=1"]
    {
        let (pagination, entries) = page(nothing);
        assert_eq!(
            (&pagination["entries_per_page"], &pagination["order"]["direction"]),
            (&json!(250), &json!("desc"))
        );
        assert_eq!(entries, backwards[..250]);
    }
    for wrong in [
        "page=0",
        "page=-1",
        "page=x",
        "page=1.5",
        "page=99999999999999999999",
        "entries_per_page=0",
        "entries_per_page=501",
        "entries_per_page=x",
        "order_direction=up",
        "page=%zz",
    ] {
        let (status, info) = stage.server_refusal(&format!("/sso/sessions.json?{wrong}"));
        assert_eq!(status, 400, "{wrong}");
        let name = wrong.split('=').next().unwrap();
        assert!(info.contains(name) || wrong.contains('%'), "{info}");
    }
}

impl Stage {
    /// The same as `refused`, at whatever time it is.
    fn server_refusal(&self, path: &str) -> (u16, String) {
        let answer = self.ask(&format!("GET {path}"), &Value::Null);
        let info = answer.json()["response"]["request"]["status"]["info"].as_str().unwrap().to_owned();
        (answer.status, info)
    }
}

async fn a_lifetime_is_a_number_or_digits(kind: Kind) {
    let stage = Stage::new(kind).await;
    let path = format!("/sso/sessions/identities/{}.json", stage.identity("user1").await);
    let body = |lifetime: &Value| json!({"request": {"sso_session": {"lifetime": lifetime}}});
    for lifetime in [json!(7200), json!("7200"), json!("07200"), json!(7200.0)] {
        let session = stage.data(&format!("PUT {path}"), &body(&lifetime), 201)["sso_session"].clone();
        assert_eq!(session["date_expiration"], "Wed, 25 Feb 2026 14:00:00 +0000");
    }
    let mut session = Value::Null;
    for none in [json!(null), json!("")] {
        session = stage.data(&format!("PUT {path}"), &body(&none), 201)["sso_session"].clone();
        assert_eq!(session["date_expiration"], "Thu, 26 Feb 2026 12:00:00 +0000");
    }
    for wrong in
        [json!(0), json!(-1), json!("0"), json!("1h"), json!(1.5), json!([]), json!(true), json!(1e300)]
    {
        let (status, info) = stage.refused(&format!("PUT {path}"), &body(&wrong));
        assert!(status == 400 && info.contains("lifetime"), "{status} {info}");
    }
    // What was refused has ended nothing.
    assert_eq!(stage.data(&format!("GET {path}"), &Value::Null, 200)["sso_session"], session);
}

async fn whoever_has_not_the_keys_is_told_so_and_nothing_else(kind: Kind) {
    let stage = Stage::with(kind, json!({"login_throttle.enabled": false})).await;
    let identity = stage.identity("user1").await;
    let path = format!("/sso/sessions/identities/{identity}.json");
    let started = stage.data(&format!("PUT {path}"), &Value::Null, 201)["sso_session"].clone();
    let token = started["sso_session_token"].as_str().unwrap().to_owned();
    let other = stage.server.world.sso.create_site(&ctx(), new_site("other", &[])).await.unwrap();
    let public = stage.created.site.public_key.to_string();
    let ust = {
        let body = json!({"username": "user1", "password": PASSWORD}).to_string();
        stage.server.ask("POST /user/login", &[], &body).json()["ust"].as_str().unwrap().to_owned()
    };
    let wrong = [
        String::new(),
        keys(&public, ""),
        keys(&public, "wrong"),
        keys(&public, other.private_key.expose()),
        keys("", stage.created.private_key.expose()),
        keys("user1", PASSWORD),
        keys("00000000-0000-0000-0000-000000000000", stage.created.private_key.expose()),
        format!("Authorization: Bearer {ust}"),
        "Authorization: Basic %%%".to_owned(),
        "Authorization: Basic".to_owned(),
    ];
    let lines = [
        "GET /sso/sessions.json".to_owned(),
        "GET /sso/sessions.json?page=x".to_owned(),
        format!("GET /sso/sessions/{token}.json"),
        format!("DELETE /sso/sessions/{token}.json"),
        format!("PUT {path}"),
        format!("GET {path}"),
        format!("DELETE {path}?confirm_deletion=true"),
        "POST /storage/users.json".to_owned(),
        "POST /storage/users/user/lookup.json".to_owned(),
        format!("PUT /storage/users/{token}.json"),
        "PUT /storage/users/user/synchronize.json".to_owned(),
        format!("POST /storage/users/{token}.json"),
        "GET /users.json".to_owned(),
        format!("GET /users/{token}.json"),
        format!("DELETE /users/{token}.json?confirm_deletion=true"),
        "GET /identities.json".to_owned(),
        format!("GET /identities/{identity}.json"),
        format!("DELETE /identities/{identity}.json?confirm_deletion=true"),
        format!("PUT /identities/{identity}/link.json"),
        format!("PUT /identities/{identity}/synchronize.json"),
        "GET /connections.json".to_owned(),
        format!("GET /connections/{token}.json"),
        "GET /site.json".to_owned(),
    ];
    let mut said = std::collections::BTreeSet::new();
    for line in &lines {
        let (method, path) = line.split_once(' ').unwrap();
        for authorization in &wrong {
            let headers: &[&str] = if authorization.is_empty() { &[] } else { &[authorization] };
            let answer = stage.server.ask(&format!("{method} root:{path}"), headers, "{");
            assert_eq!(answer.status, 401, "{line} {authorization}");
            assert!(answer.header("www-authenticate").unwrap().starts_with("Basic "));
            said.insert(told(&answer, path));
        }
    }
    assert_eq!(said.len(), 1, "{said:?}");

    // The keys of another site are right, but what they ask for is not theirs.
    let theirs = keys(&other.site.public_key.to_string(), other.private_key.expose());
    let mut said = std::collections::BTreeSet::new();
    let guessed = "11111111-1111-4111-8111-111111111111";
    for guess in [token.as_str(), guessed, "x", "%00", "%ff", "..%2f..", "x.json", &"x".repeat(3000)] {
        for method in ["GET", "DELETE"] {
            let path = format!("/sso/sessions/{guess}.json?confirm_deletion=true");
            let answer = stage.server.ask(&format!("{method} root:{path}"), &[&theirs], "");
            assert_eq!(answer.status, 404, "{method} {guess}");
            said.insert(told(&answer, &path));
        }
    }
    assert_eq!(said.len(), 1, "{said:?}");
    let listed = stage.server.ask("GET root:/sso/sessions.json", &[&theirs], "").json();
    assert_eq!(listed["response"]["result"]["data"]["sso_sessions"]["count"], 0);
    stage.data(&format!("GET /sso/sessions/{token}.json"), &Value::Null, 200);
}

async fn what_is_wrong_is_told_in_the_same_envelope(kind: Kind) {
    let stage = Stage::new(kind).await;
    let identity = stage.identity("user1").await;
    let path = format!("/sso/sessions/identities/{identity}.json");
    for (line, status) in [
        ("GET /sso/sessions/identities/11111111-1111-4111-8111-111111111111.json", 404),
        ("PUT /sso/sessions/identities/11111111-1111-4111-8111-111111111111.json", 404),
        ("DELETE /sso/sessions/identities/x.json?confirm_deletion=true", 404),
        ("GET /sso/sessions/one/two/three.json", 404),
        ("GET /sso/sessions.xml", 404),
        ("GET /users/x.json", 404),
        ("GET /identities/x.json", 404),
        ("GET /storage/none.json", 404),
        ("GET /storage.json", 404),
        ("GET /site/x.json", 404),
        ("GET /site.xml", 404),
        ("GET /connections/one/two.json", 404),
        ("PUT /identities/x/unknown.json", 404),
        ("PUT /identities/x/link.json", 400),
        ("DELETE /users/x.json", 400),
        ("POST /users/x.json", 405),
        ("DELETE /identities.json", 405),
        ("GET /identities/x/link.json", 405),
        ("DELETE /site.json", 405),
        ("POST /sso/sessions.json", 405),
        ("PATCH /users.json", 405),
    ] {
        assert_eq!(stage.refused(line, &Value::Null).0, status, "{line}");
    }
    let put = |body: &str| stage.server.ask(&format!("PUT root:{path}"), &[&stage.keys()], body);
    for body in [
        "{",
        "[1]",
        "1",
        "\"a\"",
        "{\"request\": 1}",
        "{\"request\": {\"sso_session\": [1]}}",
        "\u{feff}{}",
        r#"{"request": {"sso_session": {"top_realm": true}}}"#,
        r#"{"request": {"sso_session": {"sub_realm": {}}}}"#,
    ] {
        let answer = put(body);
        assert_eq!(answer.status, 400, "{body}");
        told(&answer, &path);
    }
    let long = json!({"request": {"sso_session": {"data": "x".repeat(70_000)}}});
    assert_eq!(stage.refused(&format!("PUT {path}"), &long).0, 400);
    let answer = put(&" ".repeat(1_100_000));
    assert_eq!(answer.status, 413);
    told(&answer, &path);

    // Who may not log in gets no session.
    let sso = &stage.server.world.sso;
    let user = sso.get_user_by_username(&ctx(), "user1", false).await.unwrap().unwrap();
    sso.lock_user(&ctx(), Actor::Trusted(None), user.user.user_id.as_str()).await.unwrap();
    let (status, info) = stage.refused(&format!("PUT {path}"), &Value::Null);
    assert!(status == 403 && info.contains("locked"), "{info}");

    sso.close().await;
    let answer = stage.ask("GET /sso/sessions.json", &Value::Null);
    assert_eq!(answer.status, 503);
    told(&answer, "/sso/sessions.json");
}

async fn users_are_made_looked_up_changed_and_read(kind: Kind) {
    let stage = Stage::new(kind).await;
    let profile = json!({"displayName": "Ann Lee", "name": {"givenName": "Ann", "familyName": "Lee"},
        "emails": [{"value": "ann@example.com"}], "urls": [{"value": "https://a.example"}], "identity_token": "mine"});
    let user = json!({"login": "ann", "password": PASSWORD, "externalid": "45673", "identity": profile});
    let made =
        stage.data("POST /storage/users.json", &json!({"request": {"user": user}}), 201)["user"].clone();
    let (user_token, identity) = (made["user_token"].as_str().unwrap(), &made["identity"]);
    let identity_token = identity["identity_token"].as_str().unwrap();
    let date = "Wed, 25 Feb 2026 12:00:00 +0000";
    assert_eq!(
        *identity,
        json!({
            "displayName": "Ann Lee", "name": {"givenName": "Ann", "familyName": "Lee"},
            "emails": [{"value": "ann@example.com"}], "urls": [{"value": "https://a.example"}],
            "identity_token": identity_token, "provider": "storage", "externalid": "45673",
            "date_creation": date, "date_last_update": date,
        })
    );
    assert_eq!((&made["login"], &made["date_creation"]), (&json!("ann"), &json!(date)));
    assert_eq!(made["externalid"], "45673");
    assert_eq!(stage.data(&format!("GET /users/{user_token}.json"), &Value::Null, 200)["user"], made);
    let mut read = identity.clone();
    read["user_token"] = json!(user_token);
    let path = format!("GET /identities/{identity_token}.json");
    assert_eq!(stage.data(&path, &Value::Null, 200)["identity"], read);
    assert_eq!(made["identities"], json!([identity]));

    let look_up = |login: &str, password: &str| {
        let body = json!({"request": {"user": {"login": login, "password": password}}});
        stage.ask("POST /storage/users/user/lookup.json", &body)
    };
    let found = look_up("ann", PASSWORD);
    assert_eq!((found.status, &found.json()["response"]["result"]["data"]["user"]), (200, &made));
    for (login, password) in [("ann", "wrong"), ("nobody", PASSWORD), ("", ""), ("a\0", "b")] {
        let answer = look_up(login, password);
        assert_eq!(answer.status, 401);
        assert!(told(&answer, "/storage/users/user/lookup.json").contains("login and password"));
    }
    // A session is started with what the look-up tells.
    let put = format!("PUT /sso/sessions/identities/{identity_token}.json");
    assert_eq!(stage.data(&put, &Value::Null, 201)["sso_session"]["user_token"], user_token);

    let change = json!({"request": {"user": {"login": "anna", "password": "another horse battery"}}});
    let changed = stage.data(&format!("PUT /storage/users/{user_token}.json"), &change, 200)["user"].clone();
    assert_eq!((&changed["login"], &changed["identity"]), (&json!("anna"), identity));
    assert_eq!(look_up("anna", "another horse battery").status, 200);

    let users = stage.data("GET /users.json", &Value::Null, 200)["users"].clone();
    assert_eq!(
        users,
        json!({
            "pagination": {"current_page": 1, "total_pages": 1, "entries_per_page": 250, "total_entries": 1,
                "order": {"field": "login", "direction": "asc"}},
            "count": 1,
            "entries": [{"user_token": user_token, "login": "anna", "date_creation": date}],
        })
    );

    let user = |user: Value| json!({"request": {"user": user}});
    for (line, body, status) in [
        ("POST /storage/users.json", json!({}), 400),
        ("POST /storage/users.json", user(json!({"login": true})), 400),
        ("POST /storage/users.json", user(json!({"login": "a b"})), 400),
        ("POST /storage/users.json", user(json!({"login": "bob", "password": "short"})), 400),
        ("POST /storage/users.json", user(json!({"login": "bob", "identity": [1]})), 400),
        ("POST /storage/users.json", user(json!({"login": "anna"})), 409),
        ("POST /storage/users.json", user(json!({"login": "bob", "externalid": "45673"})), 409),
        ("PUT /storage/users/11111111-1111-4111-8111-111111111111.json", user(json!({"login": "bob"})), 404),
    ] {
        let (told, info) = stage.refused(line, &body);
        assert_eq!(told, status, "{line} {body} {info}");
    }
    // A user whom the site did not make is not its to change.
    stage.server.world.user("user1").await;
    let page = stage.data("GET /users.json?order_direction=desc", &Value::Null, 200)["users"].clone();
    let theirs = page["entries"][0]["user_token"].as_str().unwrap().to_owned();
    assert_eq!(stage.refused(&format!("PUT /storage/users/{theirs}.json"), &change).0, 403);
}

async fn every_path_has_its_suffix_or_none(kind: Kind) {
    let stage = Stage::new(kind).await;
    let identity = stage.identity("user1").await;
    for suffix in ["", ".json"] {
        let session =
            stage.data(&format!("PUT /sso/sessions/identities/{identity}{suffix}"), &Value::Null, 201);
        let token = session["sso_session"]["sso_session_token"].as_str().unwrap().to_owned();
        for path in ["/sso/sessions".to_owned(), format!("/sso/sessions/{token}"), "/users".to_owned()] {
            stage.data(&format!("GET {path}{suffix}"), &Value::Null, 200);
        }
    }
}
