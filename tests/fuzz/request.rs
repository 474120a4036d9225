//! Requests as strangers send them, to the whole router: whatever they say, the answer is no 5xx.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Method, Request};
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use serde_json::json;

use super::{run, texts};
use crate::support::{Kind, World};

/// The first line has method and target, then come headers, an empty line, and the body.
fn request(input: &[u8]) -> Option<Request<Body>> {
    let split = input.windows(2).position(|pair| pair == b"\n\n").unwrap_or(input.len());
    let (head, body) = input.split_at(split);
    let mut lines = head.split(|byte| *byte == b'\n');
    let first = lines.next()?;
    let blank = first.iter().position(|byte| *byte == b' ')?;
    let method = Method::from_bytes(&first[..blank]).ok()?;
    let mut request = Request::builder().method(method).uri(&first[blank + 1..]);
    for line in lines {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let name = HeaderName::from_bytes(&line[..colon]).ok()?;
        request = request.header(name, HeaderValue::from_bytes(line[colon + 1..].trim_ascii()).ok()?);
    }
    request.body(Body::from(body.get(2..).unwrap_or_default().to_vec())).ok()
}

/// What each request comes to: a status.
fn answered(name: &str, seeds: &[&str], words: &[&str]) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let settings = json!({
        "pages.is_active": true,
        "pages.url": "http://localhost:17010",
        "oidc.issuer": "http://localhost:17010/zato/sso",
        "login_throttle.enabled": false,
        "apps.signup_allowed": ["CRM"],
    });
    let world = Arc::new(runtime.block_on(World::with(Kind::Sqlite, settings)));
    let router = zato_sso::http::router(world.sso.clone());
    run(name, texts(seeds), words, |input| {
        let request = request(input)?;
        let service = TowerToHyperService::new(router.clone());
        let answer =
            runtime.block_on(async { service.call(request).await }).unwrap_or_else(|never| match never {});
        let status = answer.status().as_u16();
        assert!(status < 500, "{status} for {:?}", String::from_utf8_lossy(input));
        Some(status)
    });
}

#[test]
fn requests_of_the_api() {
    answered(
        "requests_of_the_api",
        &[
            "POST /zato/sso/user/login\ncontent-type: application/json\n\n{\"username\":\"ann\",\"password\":\"x\",\"current_app\":\"CRM\"}",
            "GET /zato/sso/user?ust=abc&current_app=CRM\nauthorization: Bearer abc\n\n",
            "PATCH /zato/sso/user/attr\nauthorization: Basic YW5uOng=\n\n{\"ust\":\"a\",\"data\":[{\"name\":\"b\",\"value\":{\"c\":[1]}}]}",
            "POST /zato/sso/user/login/passkey/options\n\n{\"username\":\"ann\",\"current_app\":\"CRM\"}",
            "POST /zato/sso/user/login/passkey\n\n{\"response\":{\"id\":\"AAAA\",\"type\":\"public-key\"},\"current_app\":\"CRM\"}",
            "POST /zato/sso/user/login/passkey?current_app=CRM\nx-forwarded-for: 10.0.0.1, ::1\n\nresponse=%7B%7D",
            "GET /zato/sso/user/search?ust=a&cur_page=2&page_size=-1\n\n",
            "POST /zato/sso/password/reset/token\ncontent-type: application/x-www-form-urlencoded\n\ncredential=ann&current_app=CRM",
            "GET /zato/sso/group/member?ust=a&group_id=b&after=zusr1&limit=99999999999\n\n",
        ],
        &[
            "authorization: ",
            "Basic ",
            "Bearer ",
            "content-type: ",
            "application/json",
            "cookie: ",
            "ust",
            "null",
            "[",
            "{\"",
            "%00",
            "&ust=",
            "x-forwarded-for: ",
        ],
    );
}

#[test]
fn requests_of_browsers() {
    answered(
        "requests_of_browsers",
        &[
            "GET /login?next=%2Faccount&again=2&login_hint=ann\ncookie: zato_sso_step=s.YW5u.abc; zato_sso_language=de\nhost: localhost:17010\n\n",
            "POST /login\ncookie: zato_sso_form=abc\nsec-fetch-site: same-origin\nhost: localhost:17010\n\nform_token=a&username=ann&password=x&keep=1",
            "POST /login/passkey\ncookie: zato_sso_form=abc; zato_sso_session=kabc\n\nresponse=%7B%22id%22%3A%22AAAA%22%7D",
            "GET /admin?after=abc&order=username&list=locked\ncookie: zato_sso_session=abc\naccept-language: de;q=0.5, *;q=0\n\n",
            "GET /zato/sso/oauth2/authorize?client_id=a&response_type=code&redirect_uri=https://a.test&request_uri=urn:x\n\n",
            "POST /zato/sso/oauth2/token\nauthorization: Basic YTpi\ncontent-type: application/x-www-form-urlencoded\n\ngrant_type=authorization_code&code=a",
            "GET /sso/check?callback=a\norigin: https://a.test\n\n",
            "GET /sso/sessions/identities/abc.json\nauthorization: Basic YTpi\n\n",
        ],
        &[
            "cookie: ",
            "zato_sso_session=",
            "zato_sso_draft=",
            "; ",
            "=",
            "q=",
            "sec-fetch-site: ",
            "next=//evil.test",
            "%2f%2f",
            "after=",
            "grant_type=refresh_token",
            "DPoP: ",
            "claims={",
        ],
    );
}
