//! The resources of the sessions API that real clients use beside sessions, and the forms in which PHP writes a request.

use std::thread;

use data_encoding::BASE64;
use serde_json::{Value, json};
use zato_sso::ops::{BrowserCheck, CreatedSite};

use crate::rest::{Answer, Server};
use crate::support::{Kind, PASSWORD, any_rows, ctx, execute, new_site, trusted_site};

on_both_databases! {
    a_user_is_found_by_what_a_site_knows_them_by;
    an_empty_password_is_a_wrong_one;
    a_look_up_with_a_password_counts_as_a_login_by_whatever_the_user_is_found;
    an_externalid_is_mapped_and_is_one_users_in_a_site;
    a_user_is_synchronized_or_made;
    of_many_that_synchronize_at_once_one_makes_the_user;
    a_user_may_have_no_login;
    a_profile_is_replaced_or_appended_to;
    identities_are_listed_read_synchronized_and_deleted;
    an_identity_is_linked_to_another_user;
    a_user_is_deleted_with_all_that_is_theirs;
    connections_are_listed_until_they_are_read;
    a_site_reads_itself;
    super_users_are_changed_by_no_site;
    what_php_writes_is_understood;
    a_request_may_come_in_any_form_of_http;
}

/// Nobody and nothing has this token.
const UNKNOWN: &str = "11111111-1111-4111-8111-111111111111";

const LOOK_UP: &str = "POST /storage/users/user/lookup.json";
const SYNCHRONIZE: &str = "PUT /storage/users/user/synchronize.json";

struct Stage {
    server: Server,
    shop: CreatedSite,
    other: CreatedSite,
}

impl Stage {
    async fn new(kind: Kind) -> Self {
        let server = Server::new(kind).await;
        let sso = &server.world.sso;
        let shop = sso.create_site(&ctx(), new_site("shop", &["https://s.example/cb"])).await.unwrap();
        let other = sso.create_site(&ctx(), new_site("other", &[])).await.unwrap();
        Self { server, shop, other }
    }

    /// A request as it is written.
    fn send(&self, site: &CreatedSite, line: &str, headers: &[&str], body: &str) -> Answer {
        let keys = keys(site);
        let headers: Vec<&str> = headers.iter().copied().chain([keys.as_str()]).collect();
        let (method, path) = line.split_once(' ').unwrap();
        let answer = self.server.ask(&format!("{method} root:{path}"), &headers, body);
        let request = answer.json()["response"]["request"].clone();
        assert_eq!((&request["resource"], &request["status"]["code"]), (&json!(path), &json!(answer.status)));
        answer
    }

    fn ask(&self, site: &CreatedSite, line: &str, request: &Value) -> Answer {
        let body = if request.is_null() { String::new() } else { json!({"request": request}).to_string() };
        self.send(site, line, &[], &body)
    }

    /// What a success tells.
    #[track_caller]
    fn data(&self, line: &str, request: &Value, status: u16) -> Value {
        let answer = self.ask(&self.shop, line, request);
        assert_eq!(answer.status, status, "{line} {request} {}", answer.body);
        answer.json()["response"]["result"]["data"].clone()
    }

    #[track_caller]
    fn user(&self, line: &str, user: &Value, status: u16) -> Value {
        self.data(line, &json!({"user": user}), status)["user"].clone()
    }

    fn make(&self, user: &Value) -> Value {
        self.user("POST /storage/users.json", user, 201)
    }

    /// The status of a refusal, after everything else about it was looked at.
    #[track_caller]
    fn refused(&self, site: &CreatedSite, line: &str, request: &Value) -> u16 {
        let answer = self.ask(site, line, request);
        let json = answer.json();
        assert_eq!(
            json["response"]["request"]["status"]["flag"], "error",
            "{line} {request} {}",
            answer.body
        );
        assert_eq!(json["response"].get("result"), None);
        answer.status
    }
}

fn keys(site: &CreatedSite) -> String {
    let keys = format!("{}:{}", site.site.public_key, site.private_key.expose());
    format!("Authorization: Basic {}", BASE64.encode(keys.as_bytes()))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

fn ann() -> Value {
    json!({"login": "ann", "password": PASSWORD, "externalid": "45673", "identity": {"displayName": "Ann"}})
}

fn synchronize(field: &str, value: &Value, user: &Value) -> Value {
    json!({"synchronize": {"identifier": {"field": field, "value": value}, "user": user}})
}

async fn a_user_is_found_by_what_a_site_knows_them_by(kind: Kind) {
    let stage = Stage::new(kind).await;
    let ann = stage.make(&ann());
    assert_eq!(ann["externalid"], "45673");
    let token = &ann["user_token"];
    let keys = [
        json!({"login": "ann"}),
        json!({"externalid": "45673"}),
        json!({"externalid": 45673}),
        json!({"user_token": token}),
    ];
    for key in &keys {
        assert_eq!(stage.user(LOOK_UP, key, 200), ann, "{key}");
        let with = |password: Value| {
            let mut user = key.clone();
            user["password"] = password;
            user
        };
        assert_eq!(stage.user(LOOK_UP, &with(json!(PASSWORD)), 200), ann);
        assert_eq!(stage.user(LOOK_UP, &with(Value::Null), 200), ann);
        assert_eq!(stage.refused(&stage.shop, LOOK_UP, &json!({"user": with(json!("wrong"))})), 401);
        // Of another site, it is nobody without the password; with it, by what is not a name of that site's own, somebody.
        assert_eq!(stage.refused(&stage.other, LOOK_UP, &json!({"user": key})), 404);
        let answer = stage.ask(&stage.other, LOOK_UP, &json!({"user": with(json!(PASSWORD))}));
        assert_eq!(answer.status, if key.get("externalid").is_some() { 401 } else { 200 }, "{key}");
    }
    // The first that is given counts.
    let both = json!({"login": "ann", "externalid": "other"});
    assert_eq!(stage.user(LOOK_UP, &both, 200), ann);
    let empty = json!({"login": "", "externalid": "45673", "password": null});
    assert_eq!(stage.user(LOOK_UP, &empty, 200), ann);
    for nobody in [
        json!({"login": "bea"}),
        json!({"login": "a\0"}),
        json!({"externalid": "1"}),
        json!({"externalid": "4\u{0}"}),
        json!({"externalid": "x".repeat(300)}),
        json!({"user_token": UNKNOWN}),
        json!({"user_token": "ann"}),
        json!({"login": token}),
        json!({"user_token": "00000000-0000-0000-0000-000000000000"}),
    ] {
        assert_eq!(stage.refused(&stage.shop, LOOK_UP, &json!({"user": nobody})), 404, "{nobody}");
        let mut with_password = nobody.clone();
        with_password["password"] = json!(PASSWORD);
        assert_eq!(stage.refused(&stage.shop, LOOK_UP, &json!({"user": with_password})), 401, "{nobody}");
    }
    for nothing in [json!(null), json!({}), json!([]), json!({"user": []}), json!({"user": {"login": ""}})] {
        assert_eq!(stage.refused(&stage.shop, LOOK_UP, &nothing), 400, "{nothing}");
    }
    // No session may be started because of a look-up without the password.
    let session = format!("PUT /sso/sessions/identities/{}.json", text(&ann["identity"]["identity_token"]));
    assert_eq!(stage.ask(&stage.shop, &session, &Value::Null).status, 201);
    let sso = &stage.server.world.sso;
    stage.server.world.user("nobodys").await;
    sso.create_site(&ctx(), trusted_site("all")).await.unwrap();
    assert_eq!(stage.refused(&stage.shop, LOOK_UP, &json!({"user": {"login": "nobodys"}})), 404);
    let verified = any_rows(&stage.server.world, "SELECT user_id FROM sso_site_verified").await;
    // By the password, twice: for the shop and for the other site.
    assert_eq!(verified.len(), 2);
}

async fn an_empty_password_is_a_wrong_one(kind: Kind) {
    let stage = Stage::new(kind).await;
    let ann = stage.make(&ann());
    // A login form passes on what a visitor has typed.
    for key in
        [json!({"login": "ann"}), json!({"externalid": "45673"}), json!({"user_token": ann["user_token"]})]
    {
        let mut user = key.clone();
        user["password"] = json!("");
        assert_eq!(stage.refused(&stage.shop, LOOK_UP, &json!({"user": user})), 401, "{key}");
    }
}

async fn a_look_up_with_a_password_counts_as_a_login_by_whatever_the_user_is_found(kind: Kind) {
    let stage = Stage::new(kind).await;
    let ann = stage.make(&ann());
    let wrong = |key: &Value| {
        let mut user = key.clone();
        user["password"] = json!("wrong");
        stage.ask(&stage.shop, LOOK_UP, &json!({"user": user})).status
    };
    let keys =
        [json!({"login": "ann"}), json!({"externalid": "45673"}), json!({"user_token": ann["user_token"]})];
    let mut statuses = Vec::new();
    for key in keys.iter().cycle().take(6) {
        statuses.push(wrong(key));
    }
    assert_eq!(statuses, [401, 401, 401, 401, 401, 429]);
    let right = json!({"user": {"externalid": "45673", "password": PASSWORD}});
    let answer = stage.ask(&stage.shop, LOOK_UP, &right);
    assert_eq!((answer.status, answer.header("retry-after").is_some()), (429, true));
    // Who reads needs no password, and has not failed.
    assert_eq!(stage.user(LOOK_UP, &keys[1], 200), ann);
    // Nobody is guessed for as well.
    for _ in 0..5 {
        assert_eq!(wrong(&json!({"user_token": UNKNOWN})), 401);
    }
    assert_eq!(wrong(&json!({"user_token": UNKNOWN})), 429);
    // A token that is somebody's login is a token all the same.
    assert_eq!(wrong(&json!({"user_token": "ann"})), 401);
}

async fn an_externalid_is_mapped_and_is_one_users_in_a_site(kind: Kind) {
    let stage = Stage::new(kind).await;
    let (ann, bea) = (stage.make(&json!({"login": "ann"})), stage.make(&json!({"login": "bea"})));
    assert_eq!(ann["externalid"], Value::Null);
    let path = |user: &Value| format!("/storage/users/{}.json", text(&user["user_token"]));
    let map = |user: &Value, name: Value, status| {
        stage.user(&format!("POST {}", path(user)), &json!({"externalid": name}), status)
    };
    assert_eq!(map(&ann, json!(45673), 200)["externalid"], "45673");
    assert_eq!(map(&ann, json!("45673"), 200)["externalid"], "45673");
    assert_eq!(stage.user(LOOK_UP, &json!({"externalid": "45673"}), 200)["login"], "ann");
    let taken = json!({"user": {"externalid": "45673"}});
    assert_eq!(stage.refused(&stage.shop, &format!("POST {}", path(&bea)), &taken), 409);
    assert_eq!(stage.refused(&stage.shop, &format!("PUT {}", path(&bea)), &taken), 409);
    assert_eq!(stage.refused(&stage.shop, "POST /storage/users.json", &taken), 409);
    // Another site knows another user by it.
    let theirs = stage.ask(
        &stage.other,
        "POST /storage/users.json",
        &json!({"user": {"login": "cy", "externalid": "45673"}}),
    );
    assert_eq!(theirs.status, 201);
    let found = stage.ask(&stage.other, LOOK_UP, &taken).json();
    assert_eq!(found["response"]["result"]["data"]["user"]["login"], "cy");
    // A new one takes the place of the former one, which is free then.
    assert_eq!(map(&ann, json!("7"), 200)["externalid"], "7");
    assert_eq!(stage.refused(&stage.shop, LOOK_UP, &taken), 404);
    assert_eq!(map(&bea, json!("45673"), 200)["externalid"], "45673");
    for wrong in [
        json!({}),
        json!([]),
        json!({"externalid": ""}),
        json!({"externalid": "a\n"}),
        json!({"externalid": "x".repeat(257)}),
    ] {
        assert_eq!(
            stage.refused(&stage.shop, &format!("POST {}", path(&ann)), &json!({"user": wrong})),
            400,
            "{wrong}"
        );
    }
    let unknown = format!("POST /storage/users/{UNKNOWN}.json");
    assert_eq!(stage.refused(&stage.shop, &unknown, &json!({"user": {"externalid": "9"}})), 404);
}

async fn a_user_is_synchronized_or_made(kind: Kind) {
    let stage = Stage::new(kind).await;
    let told = json!({"password": PASSWORD, "identity": {"displayName": "Ann"}});
    let made = stage.data(SYNCHRONIZE, &synchronize("login", &json!("ann"), &told), 201)["user"].clone();
    assert_eq!((&made["login"], &made["identity"]["displayName"]), (&json!("ann"), &json!("Ann")));
    stage.server.world.login("ann").await;
    let told = json!({"externalid": 45673, "identity": {"displayName": "Ann Lee"}});
    let changed = stage.data(SYNCHRONIZE, &synchronize("login", &json!("ann"), &told), 200)["user"].clone();
    assert_eq!((&changed["user_token"], &changed["externalid"]), (&made["user_token"], &json!("45673")));
    assert_eq!(changed["identity"]["displayName"], "Ann Lee");
    for (field, value, user, login) in [
        ("externalid", json!(45673), json!({"login": "anna"}), "anna"),
        ("EXTERNALID", json!("45673"), json!([]), "anna"),
        ("user_token", made["user_token"].clone(), json!({"login": "ann"}), "ann"),
        ("user_token", made["user_token"].clone(), Value::Null, "ann"),
    ] {
        let changed = stage.data(SYNCHRONIZE, &synchronize(field, &value, &user), 200)["user"].clone();
        assert_eq!(
            (&changed["user_token"], text(&changed["login"])),
            (&made["user_token"], login),
            "{field}"
        );
        assert_eq!(changed["identity"]["displayName"], "Ann Lee");
    }
    // Made by an externalid, without a login.
    let made =
        stage.data(SYNCHRONIZE, &synchronize("externalid", &json!("9"), &json!([])), 201)["user"].clone();
    assert_eq!((&made["login"], &made["externalid"]), (&Value::Null, &json!("9")));
    let made = stage.data(SYNCHRONIZE, &synchronize("login", &json!(2026), &json!({"externalid": 10})), 201)
        ["user"]
        .clone();
    assert_eq!((&made["login"], &made["externalid"]), (&json!("2026"), &json!("10")));

    let user = |field: &str, value: Value, user: Value| synchronize(field, &value, &user);
    for (request, status) in [
        (user("user_token", json!(UNKNOWN), json!({"login": "bea"})), 404),
        (user("user_token", json!("x"), json!({})), 404),
        (user("email", json!("x"), json!({})), 400),
        (user("login", json!(""), json!({})), 400),
        (user("login", Value::Null, json!({})), 400),
        (json!({"synchronize": {"user": {"login": "bea"}}}), 400),
        (json!({"synchronize": {"identifier": [], "user": {"login": "bea"}}}), 400),
        (json!({"synchronize": {"identifier": "login"}}), 400),
        (json!({"synchronize": []}), 400),
        (json!([]), 400),
        (user("login", json!("ann"), json!({"password": "short"})), 400),
        (user("login", json!("bea"), json!({"password": "short"})), 400),
        (user("login", json!("ann"), json!({"externalid": "9"})), 409),
        (user("externalid", json!("11"), json!({"login": "ann"})), 409),
    ] {
        assert_eq!(stage.refused(&stage.shop, SYNCHRONIZE, &request), status, "{request}");
    }
    // What is wrong is said where it stands.
    let wrong = stage.ask(&stage.shop, SYNCHRONIZE, &user("login", json!("ann"), json!({"login": true})));
    let info = wrong.json()["response"]["request"]["status"]["info"].clone();
    assert!(text(&info).starts_with("user login is not a string"), "{info}");
    // Whom another site has made is nobody's to change, and the login is taken.
    assert_eq!(stage.refused(&stage.other, SYNCHRONIZE, &user("login", json!("ann"), json!({}))), 409);
    assert_eq!(stage.data("GET /users.json", &Value::Null, 200)["users"]["count"], 3);
}

async fn of_many_that_synchronize_at_once_one_makes_the_user(kind: Kind) {
    let stage = Stage::new(kind).await;
    let request =
        |field: &str| synchronize(field, &json!("ann"), &json!({"identity": {"displayName": "Ann"}}));
    for field in ["login", "externalid"] {
        let request = request(field);
        let mut statuses: Vec<u16> = thread::scope(|scope| {
            let ask = || stage.ask(&stage.shop, SYNCHRONIZE, &request).status;
            let asked: Vec<_> = (0..8).map(|_| scope.spawn(ask)).collect();
            asked.into_iter().map(|asked| asked.join().unwrap()).collect()
        });
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 200, 200, 200, 200, 200, 200, 201], "{field}");
    }
    assert_eq!(stage.data("GET /users.json", &Value::Null, 200)["users"]["count"], 2);
}

async fn a_user_may_have_no_login(kind: Kind) {
    let stage = Stage::new(kind).await;
    let user = json!({"externalid": 45673, "password": PASSWORD, "identity": {"displayName": "Ann"}});
    let made = stage.make(&user);
    assert_eq!((&made["login"], &made["externalid"]), (&Value::Null, &json!("45673")));
    let token = text(&made["user_token"]);
    assert_eq!(stage.data(&format!("GET /users/{token}.json"), &Value::Null, 200)["user"], made);
    let listed = stage.data("GET /users.json", &Value::Null, 200)["users"]["entries"].clone();
    assert_eq!((&listed[0]["login"], &listed[0]["user_token"]), (&Value::Null, &made["user_token"]));
    // Everything else is as with any other user.
    let found = stage.user(LOOK_UP, &json!({"externalid": "45673", "password": PASSWORD}), 200);
    assert_eq!(found, made);
    let session = format!("PUT /sso/sessions/identities/{}.json", text(&made["identity"]["identity_token"]));
    assert_eq!(stage.ask(&stage.shop, &session, &Value::Null).status, 201);
    // Two of them are two.
    let second = stage.make(&json!({"login": "", "identity": {"displayName": "Bea"}}));
    assert_ne!(second["user_token"], made["user_token"]);
    let named = stage.user(&format!("PUT /storage/users/{token}.json"), &json!({"login": "ann"}), 200);
    assert_eq!((&named["login"], &named["user_token"]), (&json!("ann"), &made["user_token"]));
    stage.server.world.login("ann").await;
    // A name that looks like one that was made is a name, unless it is the user's own.
    let other = stage.make(&json!({"login": format!("user-{token}")}));
    assert_eq!(other["login"], format!("user-{token}"));
    for nothing in [json!({}), json!([]), json!({"identity": []}), json!({"login": "", "password": PASSWORD})]
    {
        assert_eq!(
            stage.refused(&stage.shop, "POST /storage/users.json", &json!({"user": nothing})),
            400,
            "{nothing}"
        );
    }
}

async fn a_profile_is_replaced_or_appended_to(kind: Kind) {
    let stage = Stage::new(kind).await;
    let first =
        json!({"displayName": "Ann", "name": {"givenName": "Ann"}, "emails": [{"value": "a@example.com"}]});
    let made = stage.make(&json!({"login": "ann", "identity": first}));
    let path = format!("PUT /storage/users/{}.json", text(&made["user_token"]));
    let profile = |user: &Value| {
        let identity = &user["identity"];
        json!([identity["displayName"], identity["name"], identity["emails"], identity["urls"]])
    };
    let more = json!({"name": {"familyName": "Lee"}, "emails": [{"value": "a@example.com"}, {"value": "b@example.com"}], "urls": ["https://a.example"]});
    let both = json!(["Ann", {"givenName": "Ann", "familyName": "Lee"}, [{"value": "a@example.com"}, {"value": "b@example.com"}], ["https://a.example"]]);
    // Where it says so: beside the user, or in it.
    let appended =
        stage.data(&path, &json!({"update_mode": "append", "user": {"identity": more}}), 200)["user"].clone();
    assert_eq!(profile(&appended), both);
    let again =
        stage.data(&path, &json!({"user": {"update_mode": "APPEND", "identity": more}}), 200)["user"].clone();
    assert_eq!(profile(&again), both);
    for beside in [
        json!({"update_mode": "append", "synchronize": {}}),
        json!({"synchronize": {"update_mode": "append"}}),
    ] {
        let mut request = beside.clone();
        request["synchronize"]["identifier"] = json!({"field": "login", "value": "ann"});
        request["synchronize"]["user"] = json!({"identity": {"urls": ["https://a.example"]}});
        assert_eq!(profile(&stage.data(SYNCHRONIZE, &request, 200)["user"]), both, "{beside}");
    }
    // Nothing is told by an empty one, in whatever way it is written.
    for empty in [json!([]), json!({}), json!(""), json!(null)] {
        for mode in ["append", "replace", ""] {
            let request = json!({"update_mode": mode, "user": {"identity": empty}});
            assert_eq!(profile(&stage.data(&path, &request, 200)["user"]), both, "{request}");
        }
    }
    let replaced = stage.data(
        &path,
        &json!({"update_mode": "replace", "user": {"identity": {"displayName": "A"}}}),
        200,
    );
    assert_eq!(profile(&replaced["user"]), json!(["A", null, null, null]));
    let replaced = stage.user(&path, &json!({"identity": {"urls": {"1": "x"}}}), 200);
    assert_eq!(profile(&replaced), json!([null, null, null, {"1": "x"}]));
    let appended =
        stage.data(&path, &json!({"update_mode": "append", "user": {"identity": {"urls": ["y"]}}}), 200);
    assert_eq!(profile(&appended["user"]), json!([null, null, null, ["x", "y"]]));
    for wrong in [json!("other"), json!(1), json!(true)] {
        let request = json!({"update_mode": wrong, "user": {"identity": {"a": 1}}});
        assert_eq!(stage.refused(&stage.shop, &path, &request), 400, "{wrong}");
    }
    // What grows has the same limit as what is sent.
    let long = |letter: &str| json!({"update_mode": "append", "user": {"identity": {"urls": [letter.repeat(40_000)]}}});
    stage.data(&path, &long("a"), 200);
    assert_eq!(stage.refused(&stage.shop, &path, &long("b")), 400);
}

async fn identities_are_listed_read_synchronized_and_deleted(kind: Kind) {
    let stage = Stage::new(kind).await;
    let mut made = Vec::new();
    for number in 0..3 {
        made.push(
            stage
                .make(&json!({"login": format!("user{number}"), "externalid": number, "password": PASSWORD})),
        );
        stage.server.world.clock.advance_seconds(1);
    }
    let token = |user: &Value| text(&user["identity"]["identity_token"]).to_owned();
    let page = |query: &str| {
        let listed =
            stage.data(&format!("GET /identities.json{query}"), &Value::Null, 200)["identities"].clone();
        let entries: Vec<String> = listed["entries"]
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| text(&entry["identity_token"]).to_owned())
            .collect();
        (listed["pagination"].clone(), entries)
    };
    let (pagination, entries) = page("");
    assert_eq!(
        pagination,
        json!({"current_page": 1, "total_pages": 1, "entries_per_page": 250, "total_entries": 3,
            "order": {"field": "date_creation", "direction": "desc"}})
    );
    assert_eq!(entries, [token(&made[2]), token(&made[1]), token(&made[0])]);
    assert_eq!(page("?page=2&entries_per_page=2&order_direction=asc").1, [token(&made[2])]);
    let first = &stage.data("GET /identities.json?order_direction=asc", &Value::Null, 200)["identities"]["entries"]
        [0];
    assert_eq!(
        *first,
        json!({"identity_token": token(&made[0]), "provider": "storage", "externalid": "0", "user_token": made[0]["user_token"],
            "date_creation": made[0]["identity"]["date_creation"], "date_last_update": made[0]["identity"]["date_last_update"]})
    );

    // A session of an identity ends with it; the user stays, and what the site knows them by.
    let path = format!("/identities/{}.json", token(&made[0]));
    let session = format!("/sso/sessions/identities/{}.json", token(&made[0]));
    let started = stage.data(&format!("PUT {session}"), &Value::Null, 201)["sso_session"].clone();
    for unconfirmed in ["", "?", "?confirm_deletion=false"] {
        assert_eq!(stage.refused(&stage.shop, &format!("DELETE {path}{unconfirmed}"), &Value::Null), 400);
    }
    assert_eq!(
        stage.refused(&stage.other, &format!("DELETE {path}?confirm_deletion=true"), &Value::Null),
        404
    );
    let removed = stage.ask(&stage.shop, &format!("DELETE {path}?confirm_deletion=TRUE"), &Value::Null);
    assert_eq!((removed.status, removed.json()["response"].get("result")), (200, None));
    for gone in [format!("GET {path}"), format!("DELETE {path}?confirm_deletion=1"), format!("GET {session}")]
    {
        assert_eq!(stage.refused(&stage.shop, &gone, &Value::Null), 404, "{gone}");
    }
    let gone = format!("GET /sso/sessions/{}.json", text(&started["sso_session_token"]));
    assert_eq!(stage.refused(&stage.shop, &gone, &Value::Null), 404);
    let left = stage.user(LOOK_UP, &json!({"externalid": 0, "password": PASSWORD}), 200);
    assert_eq!(
        (&left["user_token"], left["identities"].as_array().unwrap().len()),
        (&made[0]["user_token"], 1)
    );
    assert_ne!(token(&left), token(&made[0]));
    stage.data(&format!("PUT /sso/sessions/identities/{}.json", token(&left)), &Value::Null, 201);

    // What a profile has and its user has not.
    let identity = format!("PUT /identities/{}/synchronize.json", token(&made[1]));
    for request in [
        json!(null),
        json!([]),
        json!({"synchronize": []}),
        json!({"synchronize": {"update_user_data": "TRUE", "force_token_update": 1}}),
    ] {
        let read = stage.data(&identity, &request, 200)["identity"].clone();
        assert_eq!(
            (&read["user_token"], &read["externalid"]),
            (&made[1]["user_token"], &json!("1")),
            "{request}"
        );
    }
    let wrong = json!({"synchronize": {"update_user_data": "maybe"}});
    assert_eq!(stage.refused(&stage.shop, &identity, &wrong), 400);
}

async fn an_identity_is_linked_to_another_user(kind: Kind) {
    let stage = Stage::new(kind).await;
    let with_email = json!({"displayName": "Ann", "emails": [{"value": "ann@example.com"}]});
    let ann =
        stage.make(&json!({"login": "ann", "externalid": 1, "password": PASSWORD, "identity": with_email}));
    stage.server.world.clock.advance_seconds(1);
    let bea = stage.make(&json!({"login": "bea", "externalid": 2}));
    let token = text(&ann["identity"]["identity_token"]);
    let session = format!("/sso/sessions/identities/{token}.json");
    stage.data(&format!("PUT {session}"), &Value::Null, 201);
    let link = format!("PUT /identities/{token}/link.json");
    let to = |user: &Value| json!({"user": {"user_token": user["user_token"]}});
    // To whom it is linked already: nothing happens.
    stage.data(&link, &to(&ann), 200);
    assert_eq!(stage.ask(&stage.shop, &format!("GET {session}"), &Value::Null).status, 200);

    let linked = stage.data(&link, &to(&bea), 200);
    assert_eq!(linked["user"]["user_token"], bea["user_token"]);
    let identity = &linked["identity"];
    assert_eq!((&identity["user_token"], &identity["identity_token"]), (&bea["user_token"], &json!(token)));
    assert_eq!(identity["displayName"], "Ann");
    assert_eq!(
        stage.data(&format!("GET /identities/{token}.json"), &Value::Null, 200)["identity"],
        *identity
    );
    // Sessions were those of the former user, who stays, and goes on being known by the same names.
    assert_eq!(stage.refused(&stage.shop, &format!("GET {session}"), &Value::Null), 404);
    for (name, user, identities) in [("1", &ann, 1), ("2", &bea, 2)] {
        let found = stage.user(LOOK_UP, &json!({"externalid": name}), 200);
        assert_eq!((&found["user_token"], &found["externalid"]), (&user["user_token"], &json!(name)));
        assert_eq!(found["identities"].as_array().unwrap().len(), identities, "{found}");
    }
    stage.user(LOOK_UP, &json!({"login": "ann", "password": PASSWORD}), 200);
    // The new user takes what they do not have; the email is that of the other.
    let answer = stage.ask(&stage.shop, &format!("PUT /identities/{token}/synchronize.json"), &Value::Null);
    assert!(matches!(answer.status, 200 | 409), "{answer:?}");
    let keeps = json!({"synchronize": {"update_user_data": 0}});
    stage.data(&format!("PUT /identities/{token}/synchronize.json"), &keeps, 200);
    let started = stage.data(&format!("PUT {session}"), &Value::Null, 201)["sso_session"].clone();
    assert_eq!(started["user_token"], bea["user_token"]);
    // One of two is deleted, and the name is the other's.
    let path = format!("/identities/{}.json", text(&bea["identity"]["identity_token"]));
    stage.data(&format!("DELETE {path}?confirm_deletion=true"), &Value::Null, 200);
    let found = stage.user(LOOK_UP, &json!({"externalid": 2}), 200);
    assert_eq!(
        (found["identities"].as_array().unwrap().len(), &found["identity"]["identity_token"]),
        (1, &json!(token))
    );
    assert_eq!(found["identity"]["externalid"], "2");

    for (user, status) in [
        (json!({}), 400),
        (json!([]), 400),
        (json!({"user_token": ""}), 400),
        (json!({"user_token": UNKNOWN}), 404),
        (json!({"user_token": "x"}), 404),
    ] {
        assert_eq!(stage.refused(&stage.shop, &link, &json!({"user": user})), status, "{user}");
    }
    assert_eq!(stage.refused(&stage.other, &link, &to(&bea)), 404);
    let theirs =
        stage.ask(&stage.other, "POST /storage/users.json", &json!({"user": {"login": "cy"}})).json();
    let theirs = theirs["response"]["result"]["data"]["user"].clone();
    assert_eq!(stage.refused(&stage.shop, &link, &to(&theirs)), 404);

    // Two that go to each other's user at once: both do, one after the other.
    let (one, two) = (stage.make(&json!({"login": "one"})), stage.make(&json!({"login": "two"})));
    for _ in 0..5 {
        let swap = |from: &Value, target: &Value| {
            let line = format!("PUT /identities/{}/link.json", text(&from["identity"]["identity_token"]));
            stage.ask(&stage.shop, &line, &to(target)).status
        };
        let statuses = thread::scope(|scope| {
            let (first, second) = (scope.spawn(|| swap(&one, &two)), scope.spawn(|| swap(&two, &one)));
            [first.join().unwrap(), second.join().unwrap()]
        });
        assert_eq!(statuses, [200, 200]);
    }
    // Everybody has an identity, whatever was linked and deleted.
    let without = "SELECT username FROM sso_user u WHERE NOT EXISTS (SELECT 1 FROM sso_identity i WHERE i.user_id = u.user_id)";
    assert_eq!(any_rows(&stage.server.world, without).await, Vec::<Vec<u8>>::new());
}

async fn a_user_is_deleted_with_all_that_is_theirs(kind: Kind) {
    let stage = Stage::new(kind).await;
    let ann = stage.make(&ann());
    let path = format!("/users/{}.json", text(&ann["user_token"]));
    let identity = text(&ann["identity"]["identity_token"]);
    let session = stage.data(&format!("PUT /sso/sessions/identities/{identity}.json"), &Value::Null, 201)["sso_session"].clone();
    let login = stage.server.world.login("ann").await;
    assert_eq!(stage.refused(&stage.shop, &format!("DELETE {path}"), &Value::Null), 400);
    assert_eq!(
        stage.refused(&stage.other, &format!("DELETE {path}?confirm_deletion=true"), &Value::Null),
        404
    );
    stage.data(&format!("GET {path}"), &Value::Null, 200);
    let removed = stage.ask(&stage.shop, &format!("DELETE {path}?confirm_deletion=true"), &Value::Null);
    assert_eq!((removed.status, removed.json()["response"].get("result")), (200, None));
    for gone in [
        format!("DELETE {path}?confirm_deletion=true"),
        format!("GET {path}"),
        format!("GET /identities/{identity}.json"),
        format!("GET /sso/sessions/{}.json", text(&session["sso_session_token"])),
    ] {
        assert_eq!(stage.refused(&stage.shop, &gone, &Value::Null), 404, "{gone}");
    }
    let outcome = stage.server.world.sso.get_current_session(&ctx(), &login.ust).await;
    assert!(outcome.is_err());
    let entries =
        any_rows(&stage.server.world, "SELECT result FROM sso_audit WHERE op = 'site.delete_user'").await;
    assert!(entries.contains(&b"ok".to_vec()), "{entries:?}");
    // The names are free.
    stage.make(&self::ann());
}

async fn connections_are_listed_until_they_are_read(kind: Kind) {
    let stage = Stage::new(kind).await;
    let sso = &stage.server.world.sso;
    let list = |query: &str| {
        stage.data(&format!("GET /connections.json{query}"), &Value::Null, 200)["connections"].clone()
    };
    assert_eq!((&list("")["count"], &list("")["entries"]), (&json!(0), &json!([])));
    let ann = stage.make(&ann());
    let identity = text(&ann["identity"]["identity_token"]);
    let session = stage.data(&format!("PUT /sso/sessions/identities/{identity}.json"), &Value::Null, 201);
    let token = zato_sso::domain::Password::from(text(&session["sso_session"]["sso_session_token"]));
    let registered =
        sso.register_browser(&ctx(), "https://s.example", &token, "https://s.example/").await.unwrap();
    let cookie = registered.cookie.unwrap().value;
    let check = BrowserCheck { callback_uri: "https://s.example/cb".to_owned(), ..BrowserCheck::default() };
    let mut codes = Vec::new();
    for _ in 0..2 {
        let checked = sso.check_browser(&ctx(), Some(&cookie), check.clone()).await.unwrap();
        codes.push(checked.connection_token.unwrap());
        stage.server.world.clock.advance_seconds(1);
    }
    let listed = list("");
    assert_eq!(listed["pagination"]["order"], json!({"field": "date_creation", "direction": "desc"}));
    assert_eq!(
        listed["entries"][1],
        json!({"connection_token": codes[0].expose(), "user_token": ann["user_token"], "plugin": "single_sign_on",
            "date_creation": "Wed, 25 Feb 2026 12:00:00 +0000"})
    );
    let second = list("?page=2&entries_per_page=1&order_direction=asc");
    assert_eq!(
        (&second["count"], &second["entries"][0]["connection_token"]),
        (&json!(1), &json!(codes[1].expose()))
    );
    let theirs = stage.ask(&stage.other, "GET /connections.json", &Value::Null).json();
    assert_eq!(theirs["response"]["result"]["data"]["connections"]["count"], 0);
    // The text of a code is in the database for nobody else to read.
    let dumped = crate::support::dump(&stage.server.world).await;
    assert!(!dumped.contains(codes[0].expose()));
    stage.data(&format!("GET /connections/{}.json", codes[0].expose()), &Value::Null, 200);
    assert_eq!(list("")["count"], 1);
    stage.server.world.clock.advance_seconds(60);
    assert_eq!(list("")["count"], 0);
    assert_eq!(stage.refused(&stage.shop, "GET /connections.json?page=0", &Value::Null), 400);
}

async fn a_site_reads_itself(kind: Kind) {
    let stage = Stage::new(kind).await;
    for path in ["/site.json", "/site", "/site.json?"] {
        let site = stage.data(&format!("GET {path}"), &Value::Null, 200)["site"].clone();
        assert_eq!(
            site,
            json!({"name": "shop", "subdomain": "shop", "date_creation": "Wed, 25 Feb 2026 12:00:00 +0000",
                "subscription_plan": {"features": {"has_single_signon": true}}})
        );
    }
}

async fn super_users_are_changed_by_no_site(kind: Kind) {
    let stage = Stage::new(kind).await;
    let (ann, bea) = (stage.make(&ann()), stage.make(&json!({"login": "bea"})));
    execute(&stage.server.world, "UPDATE sso_user SET is_super_user = TRUE WHERE username = 'ann'").await;
    let (user, identity) = (text(&ann["user_token"]), text(&ann["identity"]["identity_token"]));
    let of_bea = text(&bea["identity"]["identity_token"]);
    let about = |user: Value| json!({"user": user});
    for (line, request) in [
        (format!("POST /storage/users/{user}.json"), about(json!({"externalid": "1"}))),
        (format!("PUT /storage/users/{user}.json"), about(json!({"login": "anna"}))),
        (SYNCHRONIZE.to_owned(), synchronize("login", &json!("ann"), &json!({"login": "anna"}))),
        (
            SYNCHRONIZE.to_owned(),
            synchronize("externalid", &json!("45673"), &json!({"password": "another horse battery"})),
        ),
        (SYNCHRONIZE.to_owned(), synchronize("user_token", &json!(user), &json!([]))),
        (LOOK_UP.to_owned(), about(json!({"login": "ann"}))),
        (LOOK_UP.to_owned(), about(json!({"externalid": "45673"}))),
        (LOOK_UP.to_owned(), about(json!({"user_token": user}))),
        (format!("PUT /identities/{identity}/link.json"), about(json!({"user_token": bea["user_token"]}))),
        (format!("PUT /identities/{of_bea}/link.json"), about(json!({"user_token": user}))),
        (format!("PUT /identities/{identity}/synchronize.json"), Value::Null),
        (format!("DELETE /identities/{identity}.json?confirm_deletion=true"), Value::Null),
        (format!("DELETE /users/{user}.json?confirm_deletion=true"), Value::Null),
    ] {
        assert_eq!(stage.refused(&stage.shop, &line, &request), 403, "{line} {request}");
    }
    stage.server.world.login("ann").await;
    assert_eq!(
        stage.user(LOOK_UP, &json!({"login": "ann", "password": PASSWORD}), 200)["externalid"],
        "45673"
    );
}

async fn what_php_writes_is_understood(kind: Kind) {
    let stage = Stage::new(kind).await;
    let made = stage.make(&ann());
    let (user, identity) = (text(&made["user_token"]), text(&made["identity"]["identity_token"]));
    let session = format!("PUT /sso/sessions/identities/{identity}.json");
    // Each as json_encode writes it: empty arrays, absent values in each of their forms, digits and numbers, keys that nobody
    // knows.
    for (line, body, status) in [
        (session.as_str(), r"[]", 201),
        (&session, r#"{"request":[]}"#, 201),
        (&session, r#"{"request":{"sso_session":[]}}"#, 201),
        (
            &session,
            r#"{"request":{"sso_session":{"top_realm":"","sub_realm":null,"lifetime":"","data":""}}}"#,
            201,
        ),
        (
            &session,
            r#"{"request":{"sso_session":{"top_realm":7,"sub_realm":0,"lifetime":"7200","data":[]}}}"#,
            201,
        ),
        (
            &session,
            r#"{"request":{"sso_session":{"lifetime":7200.0,"data":{"cart":[],"1":2}},"0":[]},"other":1}"#,
            201,
        ),
        (&session, " \r\n", 201),
        (
            "POST /storage/users.json",
            r#"{"request":{"user":{"login":20260225,"password":"correct horse battery staple","externalid":7,"identity":[]}}}"#,
            201,
        ),
        (
            "POST /storage/users.json",
            r#"{"request":{"user":{"login":"b1","password":"","externalid":"","identity":{"name":[],"emails":[],"accounts":[],"gender":"","age":0}}}}"#,
            201,
        ),
        (
            "POST /storage/users.json",
            r#"{"request":{"user":{"login":"b2","password":null,"externalid":null,"identity":{"emails":{"1":{"value":"b2@example.com"}}}}}}"#,
            201,
        ),
        (
            "POST /storage/users.json",
            "{\"request\":{\"user\":{\"login\":\"b3\",\"identity\":{\"displayName\":\"B\\u00e9a \\/ \\ud83d\\ude00\"}}}}",
            201,
        ),
        (
            LOOK_UP,
            r#"{"request":{"user":{"login":"20260225","password":"correct horse battery staple"}}}"#,
            200,
        ),
        (LOOK_UP, r#"{"request":{"user":{"login":20260225,"externalid":""}}}"#, 200),
        (LOOK_UP, r#"{"request":{"user":{"externalid":7,"login":null}}}"#, 200),
        (
            SYNCHRONIZE,
            r#"{"request":{"synchronize":{"identifier":{"field":"externalid","value":7},"user":[]}}}"#,
            200,
        ),
        (
            SYNCHRONIZE,
            r#"{"request":{"synchronize":{"identifier":{"field":"login","value":"ann"},"user":{"identity":[],"password":"","externalid":45673}},"update_mode":""}}"#,
            200,
        ),
        ("GET /users.json?", "", 200),
        ("GET /users.json?page=&entries_per_page=&order_direction=ASC&", "[]", 200),
        ("GET /sso/sessions.json?page=1&entries_per_page=10", "{}", 200),
        ("GET /identities.json?", "null", 200),
        ("GET /connections.json?0=a&b[]=c", "", 200),
        ("GET /site.json?", "", 200),
    ] {
        for headers in [
            &[][..],
            &["Content-Type: application/x-www-form-urlencoded"],
            &["Content-Type: text/plain"],
            &["Content-Type:"],
        ] {
            let answer = stage.send(&stage.shop, line, headers, body);
            let status = if status == 201 && answer.status == 409 { 409 } else { status };
            assert_eq!(answer.status, status, "{line} {body} {}", answer.body);
        }
    }
    let found = stage.user(LOOK_UP, &json!({"externalid": "7"}), 200);
    assert_eq!(found["login"], "20260225");
    for (path, body) in [
        ("", "[]"),
        ("", ""),
        ("?", r#"{"request":{"user":[]}}"#),
        ("", r#"{"request":{"user":{"identity":[]}}}"#),
    ] {
        let line = format!("PUT /storage/users/{user}.json{path}");
        let answer = stage.send(&stage.shop, &line, &[], body);
        assert_eq!(
            (answer.status, &answer.json()["response"]["result"]["data"]["user"]["identity"]["displayName"]),
            (200, &json!("Ann"))
        );
    }
    // A session's data is what was sent.
    let started =
        stage.data(&session, &json!({"sso_session": {"data": [], "top_realm": 7, "sub_realm": ""}}), 201);
    let started = &started["sso_session"];
    assert_eq!(
        (&started["data"], &started["top_realm"], &started["sub_realm"]),
        (&json!([]), &json!("7"), &Value::Null)
    );
    assert_eq!(stage.data(&session, &json!({"sso_session": {"data": ""}}), 201)["sso_session"]["data"], "");
    for flag in ["true", "TRUE", "True", "1"] {
        stage.data(&session, &Value::Null, 201);
        let line = format!("DELETE /sso/sessions/identities/{identity}.json?confirm_deletion={flag}");
        assert_eq!(stage.send(&stage.shop, &line, &[], "[]").status, 200, "{flag}");
    }
}

async fn a_request_may_come_in_any_form_of_http(kind: Kind) {
    let stage = Stage::new(kind).await;
    let keys = keys(&stage.shop);
    let made = stage.make(&ann());
    let path = format!("/sso/sessions/identities/{}.json", text(&made["identity"]["identity_token"]));
    let body = r#"{"request":{"sso_session":[]}}"#;
    let length = body.len();
    for (version, more) in [
        ("1.1", "Expect: 100-continue\r\n"),
        ("1.1", "Accept-Encoding: gzip, deflate, br\r\nAccept: */*\r\n"),
        ("1.0", "Connection: close\r\n"),
        ("1.0", "Connection: keep-alive\r\n"),
        ("1.0", ""),
    ] {
        let mut connection = stage.server.connect();
        let head = format!(
            "PUT {path} HTTP/{version}\r\nHost: localhost\r\n{keys}\r\n{more}Content-Length: {length}\r\n\r\n"
        );
        connection.write(&head);
        connection.write(body);
        let answer = if more.starts_with("Expect") { connection.continued() } else { connection.answer() };
        assert_eq!(answer.status, 201, "{version} {more} {}", answer.body);
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(answer.json()["response"]["request"]["status"]["code"], 201);
    }
    // No length, no body.
    for method in ["PUT", "GET", "DELETE"] {
        let mut connection = stage.server.connect();
        connection.write(format!(
            "{method} {path}?confirm_deletion=1 HTTP/1.1\r\nHost: localhost\r\n{keys}\r\n\r\n"
        ));
        let answer = connection.answer();
        assert!(matches!(answer.status, 200 | 201), "{method} {}", answer.body);
    }
    // In pieces.
    let mut connection = stage.server.connect();
    connection.write(format!(
        "PUT {path} HTTP/1.1\r\nHost: localhost\r\n{keys}\r\nTransfer-Encoding: chunked\r\n\r\n"
    ));
    connection.write(format!("{length:x}\r\n{body}\r\n0\r\n\r\n"));
    assert_eq!(connection.answer().status, 201);
}
