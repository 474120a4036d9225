//! Users as real clients of the sessions API find, make and change them. For their other calls see `site_resources`.

use std::thread;

use data_encoding::BASE64;
use serde_json::{Value, json};
use zato_sso::ops::CreatedSite;

use crate::rest::{Answer, Server};
use crate::support::{Kind, PASSWORD, any_rows, ctx, new_site, trusted_site};

on_both_databases! {
    a_user_is_found_by_what_a_site_knows_them_by;
    an_empty_password_is_a_wrong_one;
    a_look_up_with_a_password_counts_as_a_login_by_whatever_the_user_is_found;
    an_empty_device_token_asks_for_one;
    an_externalid_is_mapped_and_is_one_users_in_a_site;
    a_user_is_synchronized_or_made;
    of_many_that_synchronize_at_once_one_makes_the_user;
    a_user_may_have_no_login;
    a_profile_is_replaced_or_appended_to;
}

/// Nobody and nothing has this token.
pub const UNKNOWN: &str = "11111111-1111-4111-8111-111111111111";

pub const LOOK_UP: &str = "POST /storage/users/user/lookup.json";
pub const SYNCHRONIZE: &str = "PUT /storage/users/user/synchronize.json";

/// A server with two sites that have nothing to do with each other.
pub struct Stage {
    pub server: Server,
    pub shop: CreatedSite,
    pub other: CreatedSite,
}

impl Stage {
    pub async fn new(kind: Kind) -> Self {
        let server = Server::new(kind).await;
        let sso = &server.world.sso;
        let shop = sso.create_site(&ctx(), new_site("shop", &["https://s.example/cb"])).await.unwrap();
        let other = sso.create_site(&ctx(), new_site("other", &[])).await.unwrap();
        Self { server, shop, other }
    }

    /// A request as it is written.
    pub fn send(&self, site: &CreatedSite, line: &str, headers: &[&str], body: &str) -> Answer {
        let keys = keys(site);
        let headers: Vec<&str> = headers.iter().copied().chain([keys.as_str()]).collect();
        let (method, path) = line.split_once(' ').unwrap();
        let answer = self.server.ask(&format!("{method} root:{path}"), &headers, body);
        let request = answer.json()["response"]["request"].clone();
        assert_eq!((&request["resource"], &request["status"]["code"]), (&json!(path), &json!(answer.status)));
        answer
    }

    pub fn ask(&self, site: &CreatedSite, line: &str, request: &Value) -> Answer {
        let body = if request.is_null() { String::new() } else { json!({"request": request}).to_string() };
        self.send(site, line, &[], &body)
    }

    /// What a success tells.
    #[track_caller]
    pub fn data(&self, line: &str, request: &Value, status: u16) -> Value {
        let answer = self.ask(&self.shop, line, request);
        assert_eq!(answer.status, status, "{line} {request} {}", answer.body);
        answer.json()["response"]["result"]["data"].clone()
    }

    #[track_caller]
    pub fn user(&self, line: &str, user: &Value, status: u16) -> Value {
        self.data(line, &json!({"user": user}), status)["user"].clone()
    }

    pub fn make(&self, user: &Value) -> Value {
        self.user("POST /storage/users.json", user, 201)
    }

    /// The status of a refusal, after everything else about it was looked at.
    #[track_caller]
    pub fn refused(&self, site: &CreatedSite, line: &str, request: &Value) -> u16 {
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

pub fn keys(site: &CreatedSite) -> String {
    let keys = format!("{}:{}", site.site.public_key, site.private_key.expose());
    format!("Authorization: Basic {}", BASE64.encode(keys.as_bytes()))
}

pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

pub fn ann() -> Value {
    json!({"login": "ann", "password": PASSWORD, "externalid": "45673", "identity": {"displayName": "Ann"}})
}

pub fn synchronize(field: &str, value: &Value, user: &Value) -> Value {
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

async fn an_empty_device_token_asks_for_one(kind: Kind) {
    let stage = Stage::new(kind).await;
    stage.make(&ann());
    let token = |given: Value| {
        let user = json!({"login": "ann", "password": PASSWORD, "device_token": given});
        stage.data(LOOK_UP, &json!({"user": user}), 200).get("device_token").cloned()
    };
    let asked = token(json!(""));
    assert!(asked.as_ref().is_some_and(|token| !text(token).is_empty()), "{asked:?}");
    assert_eq!(token(Value::Null), None);
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
    // Where two places say it, the user's own counts.
    let told = json!({"update_mode": "replace", "identity": {"displayName": "Bea"}});
    let mut request = synchronize("login", &json!("ann"), &told);
    request["synchronize"]["update_mode"] = json!("append");
    let replaced = stage.data(SYNCHRONIZE, &request, 200);
    assert_eq!(profile(&replaced["user"]), json!(["Bea", null, null, null]));
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
