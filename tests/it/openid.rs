//! What the tests of the OpenID Provider share: a client, its user's browser, and what the client does.

use std::collections::BTreeMap;
use std::sync::Arc;

use data_encoding::{BASE64, BASE64URL_NOPAD};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use url::Url;
use zato_sso::crypto::jose::jwk::Jwk;
use zato_sso::crypto::jose::jws::Jws;
use zato_sso::domain::{ClientUpdate, Edit};
use zato_sso::ops::{Actor, Hooks, NoHooks};

use crate::page::{Browser, Seen, encoded};
use crate::rest::{Answer, Server};
use crate::support::{Kind, PASSWORD, World, ctx};

pub const ISSUER: &str = "https://sso.example";
pub const CALLBACK: &str = "https://app.example/callback";
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub const FORM: &str = "Content-Type: application/x-www-form-urlencoded";

/// A client that is registered.
#[derive(Clone, Debug)]
pub struct Registered {
    pub client_id: String,
    pub secret: Option<String>,
}

impl Registered {
    /// The header by which it proves who it is.
    pub fn header(&self) -> String {
        let secret = self.secret.as_deref().unwrap_or_default();
        format!("Authorization: Basic {}", BASE64.encode(format!("{}:{secret}", self.client_id).as_bytes()))
    }
}

/// A provider, and the browser of a user.
pub struct Provider {
    pub browser: Browser,
}

impl Provider {
    pub async fn new(kind: Kind) -> Self {
        Self::with(kind, json!({})).await
    }

    pub async fn with(kind: Kind, more: Value) -> Self {
        Self::with_hooks(kind, more, Arc::new(NoHooks)).await
    }

    pub async fn with_hooks(kind: Kind, more: Value, hooks: Arc<dyn Hooks>) -> Self {
        let mut settings = json!({"oidc.issuer": ISSUER, "pages.url": ISSUER});
        for (key, value) in more.as_object().unwrap() {
            settings[key] = value.clone();
        }
        let server = Server::of(World::with_hooks(kind, settings, hooks).await);
        let browser = Browser { server, host: "localhost".to_owned(), cookies: BTreeMap::new() };
        browser.server.world.user("user1").await;
        Self { browser }
    }

    /// Registers a client that keeps a secret.
    pub async fn web(&self, change: impl FnOnce(&mut ClientUpdate)) -> Registered {
        self.client("web", change).await
    }

    pub async fn client(&self, kind: &str, change: impl FnOnce(&mut ClientUpdate)) -> Registered {
        let scopes = ["openid", "profile", "email", "groups", "offline_access"].map(str::to_owned).to_vec();
        let mut new = ClientUpdate {
            name: Edit::Set("Example".to_owned()),
            id_token_alg: Edit::Set("ES256".to_owned()),
            ..ClientUpdate::default()
        };
        if kind != "service" {
            new.redirect_uris = Edit::Set(vec![CALLBACK.to_owned()]);
            new.scopes = Edit::Set(scopes);
        }
        change(&mut new);
        let sso = &self.browser.server.world.sso;
        let made = sso.create_client(&ctx(), Actor::Trusted(None), kind, new).await.unwrap();
        Registered {
            client_id: made.client.client_id.as_str().to_owned(),
            secret: made.client_secret.map(|secret| secret.expose().to_owned()),
        }
    }

    /// Follows the browser until it leaves for the client: signs in where it is asked to, and consents.
    #[track_caller]
    pub fn walk(&mut self, path: &str) -> Url {
        self.walk_as(path, "user1", "yes")
    }

    #[track_caller]
    pub fn walk_as(&mut self, path: &str, username: &str, answer: &str) -> Url {
        let mut place = Url::parse(ISSUER).unwrap().join(path).unwrap();
        for _ in 0..12 {
            if place.host_str() != Some("sso.example") {
                return place;
            }
            let path = path_of(&place);
            let seen = self.browser.get(&path);
            let seen = match (seen.status, place.path()) {
                (303, _) => seen,
                (200, "/login") => {
                    self.submit(&seen, "/login", &[("username", username), ("password", PASSWORD)])
                }
                (200, "/consent") => self.submit(&seen, "/consent", &[("answer", answer)]),
                _ => panic!("{path}: {} {}", seen.status, seen.text()),
            };
            place = place.join(seen.location()).unwrap();
        }
        panic!("the browser goes in circles: {place}")
    }

    /// Sends the form of a page with all that is hidden in it.
    #[track_caller]
    pub fn submit(&mut self, page: &Seen, path: &str, fields: &[(&str, &str)]) -> Seen {
        let mut sent: Vec<(&str, String)> =
            fields.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        for name in ["next", "again", "request"] {
            if page.has_input(name) {
                sent.push((name, page.input(name)));
            }
        }
        let sent: Vec<(&str, &str)> = sent.iter().map(|(name, value)| (*name, value.as_str())).collect();
        self.browser.post(path, &page.input("form_token"), &sent)
    }

    /// A code, as a client gets one.
    #[track_caller]
    pub fn code(&mut self, client: &Registered, more: &[(&str, &str)]) -> String {
        let place = self.walk(&authorize(client, more));
        answer_of(&place, "code").unwrap_or_else(|| panic!("no code: {place}"))
    }

    /// A request of a client to an endpoint.
    pub fn post(&self, endpoint: &str, headers: &[&str], fields: &[(&str, &str)]) -> Answer {
        let headers: Vec<&str> = headers.iter().copied().chain([FORM]).collect();
        let body = encoded(fields.iter().copied());
        self.browser.server.ask(&format!("POST root:/oauth2/{endpoint}"), &headers, &body)
    }

    /// A request of a client that proves who it is.
    pub fn post_as(&self, client: &Registered, endpoint: &str, fields: &[(&str, &str)]) -> Answer {
        match client.secret {
            Some(_) => self.post(endpoint, &[&client.header()], fields),
            None => {
                let fields: Vec<_> =
                    fields.iter().copied().chain([("client_id", client.client_id.as_str())]).collect();
                self.post(endpoint, &[], &fields)
            }
        }
    }

    pub fn redeem(&self, client: &Registered, code: &str) -> Answer {
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ];
        self.post_as(client, "token", &fields)
    }

    pub fn refresh(&self, client: &Registered, refresh_token: &str) -> Answer {
        self.post_as(client, "token", &[("grant_type", "refresh_token"), ("refresh_token", refresh_token)])
    }

    /// All tokens of a sign-in.
    #[track_caller]
    pub fn tokens(&mut self, client: &Registered, more: &[(&str, &str)]) -> Value {
        let code = self.code(client, more);
        let answer = self.redeem(client, &code);
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()
    }

    pub fn userinfo(&self, access_token: &str) -> Answer {
        let header = format!("Authorization: Bearer {access_token}");
        self.browser.server.ask("GET root:/oauth2/userinfo", &[&header], "")
    }

    pub fn introspect(&self, client: &Registered, token: &str) -> Value {
        let answer = self.post_as(client, "introspect", &[("token", token)]);
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()
    }

    /// What a token says, once its signature is verified by the published keys.
    #[track_caller]
    pub fn verified(&self, token: &str) -> Map<String, Value> {
        let answer = self.browser.server.ask("GET root:/oauth2/jwks.json", &[], "");
        let keys = Jwk::parse_set(&answer.body).unwrap();
        let jws = Jws::parse(token).unwrap();
        let key = keys.iter().find(|key| key.kid == jws.header.kid).unwrap();
        assert!(jws.is_signed_by(&key.key));
        jws.all_claims().unwrap()
    }
}

/// Path and query.
pub fn path_of(url: &Url) -> String {
    let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
    format!("{}{query}", url.path())
}

pub fn challenge() -> String {
    BASE64URL_NOPAD.encode(&Sha256::digest(VERIFIER.as_bytes()))
}

/// The address that a client sends a browser to. What is empty is left out.
pub fn authorize(client: &Registered, more: &[(&str, &str)]) -> String {
    let challenge = challenge();
    let mut fields = vec![
        ("client_id", client.client_id.as_str()),
        ("redirect_uri", CALLBACK),
        ("response_type", "code"),
        ("scope", "openid"),
        ("state", "s t&ate"),
        ("nonce", "n-1"),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ];
    for (name, value) in more {
        fields.retain(|(known, _)| known != name);
        if !value.is_empty() {
            fields.push((name, value));
        }
    }
    format!("/oauth2/authorize?{}", encoded(fields.into_iter()))
}

/// A parameter that a browser brings to the client.
pub fn answer_of(place: &Url, name: &str) -> Option<String> {
    place.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
}

/// The name of the error that a browser brings to the client, and why.
#[track_caller]
pub fn error_of(place: &Url) -> (String, String) {
    let error = answer_of(place, "error").unwrap_or_else(|| panic!("no error: {place}"));
    assert!(answer_of(place, "code").is_none());
    (error, answer_of(place, "error_description").unwrap_or_default())
}

/// The name of the error that an endpoint answers with.
#[track_caller]
pub fn refusal(answer: &Answer) -> String {
    assert!(matches!(answer.status, 400 | 401 | 403), "{} {}", answer.status, answer.body);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    answer.json()["error"].as_str().unwrap().to_owned()
}
