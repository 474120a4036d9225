//! Logging out: because a client asks for it, and clients that are told of it.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use zato_sso::domain::{ClientUpdate, Edit};
use zato_sso::ops::Actor;

use crate::openid::{CALLBACK, Provider, Registered, authorize};
use crate::page::encoded;
use crate::support::{Kind, ctx};

on_both_databases! {
    a_client_that_shows_the_id_token_logs_its_user_out;
    without_a_token_of_this_session_the_user_is_asked;
    nobody_is_sent_to_an_address_that_is_not_registered;
    a_hint_that_is_wrong_is_as_good_as_none;
    a_native_client_chooses_its_port_and_its_uri_is_kept_as_it_is;
    clients_are_told_whatever_ends_the_session;
    a_client_that_is_down_is_told_later;
    a_client_that_is_down_does_not_take_the_places_of_others;
}

const GOODBYE: &str = "https://app.example/goodbye";

async fn client(provider: &Provider, change: impl FnOnce(&mut ClientUpdate)) -> Registered {
    let settings = |new: &mut ClientUpdate| {
        new.is_trusted = Edit::Set(true);
        new.post_logout_redirect_uris = Edit::Set(vec![GOODBYE.to_owned()]);
        change(new);
    };
    provider.web(settings).await
}

fn logout(fields: &[(&str, &str)]) -> String {
    format!("/oauth2/logout?{}", encoded(fields.iter().copied()))
}

async fn a_client_that_shows_the_id_token_logs_its_user_out(kind: Kind) {
    let mut provider = Provider::new(kind).await;
    let client = client(&provider, |_| {}).await;
    let tokens = provider.tokens(&client, &[]);
    let hint = tokens["id_token"].as_str().unwrap();
    let path = logout(&[("id_token_hint", hint), ("post_logout_redirect_uri", GOODBYE), ("state", "s&t")]);
    let seen = provider.browser.get(&path);
    assert_eq!(seen.location(), format!("{GOODBYE}?state=s%26t"));
    assert!(!provider.browser.cookies.contains_key("zato_sso_session"));
    assert!(provider.browser.get(&authorize(&client, &[])).location().starts_with("/login?"));
    assert_eq!(provider.userinfo(tokens["access_token"].as_str().unwrap()).status, 401);
    // Once more there is nobody to log out.
    assert_eq!(provider.browser.get(&path).location(), format!("{GOODBYE}?state=s%26t"));
    // A form of the client works as well, by way of a redirect.
    let tokens = provider.tokens(&client, &[]);
    let body = encoded([("id_token_hint", tokens["id_token"].as_str().unwrap())].into_iter());
    let seen = provider.browser.send("POST", "/oauth2/logout", &["Sec-Fetch-Site: cross-site"], &body);
    let path = seen.location().to_owned();
    assert_eq!(provider.browser.get(&path).location(), "/login?done=logout");
}

async fn without_a_token_of_this_session_the_user_is_asked(kind: Kind) {
    let mut provider = Provider::new(kind).await;
    let client = client(&provider, |_| {}).await;
    let old = provider.tokens(&client, &[])["id_token"].as_str().unwrap().to_owned();
    provider.browser.sign_in("user1");
    for fields in [
        vec![("client_id", client.client_id.as_str()), ("post_logout_redirect_uri", GOODBYE)],
        vec![("id_token_hint", old.as_str()), ("post_logout_redirect_uri", GOODBYE)],
    ] {
        let location = provider.browser.get(&logout(&fields)).location().to_owned();
        assert!(location.starts_with("/logout?request="), "{location}");
        let page = provider.browser.get(&location);
        page.shows(200, "Sign out");
        let policy = page.header("content-security-policy").unwrap();
        assert!(policy.contains("form-action 'self' https://app.example;"), "{policy}");
        provider.browser.get("/account").shows(200, "Signed in as user1");
        let seen = provider.submit(&page, "/logout", &[]);
        assert_eq!(seen.location(), GOODBYE);
        assert!(!provider.browser.cookies.contains_key("zato_sso_session"));
        provider.browser.sign_in("user1");
    }
    assert!(provider.browser.get("/oauth2/logout").location().starts_with("/logout?"));
}

async fn nobody_is_sent_to_an_address_that_is_not_registered(kind: Kind) {
    let mut provider = Provider::new(kind).await;
    let one = client(&provider, |_| {}).await;
    let other = client(&provider, |_| {}).await;
    let hint = provider.tokens(&one, &[])["id_token"].as_str().unwrap().to_owned();
    for fields in [
        vec![("post_logout_redirect_uri", GOODBYE)],
        vec![("post_logout_redirect_uri", "https://evil.example"), ("client_id", one.client_id.as_str())],
        vec![("post_logout_redirect_uri", "https://app.example/goodbye/"), ("id_token_hint", hint.as_str())],
        vec![("post_logout_redirect_uri", CALLBACK), ("id_token_hint", hint.as_str())],
        vec![("id_token_hint", hint.as_str()), ("client_id", other.client_id.as_str())],
    ] {
        let seen = provider.browser.get(&logout(&fields));
        seen.shows(400, "The application asked for something that cannot be done");
        assert!(!seen.text().contains("evil.example"));
        provider.browser.get("/account").shows(200, "Signed in as user1");
    }
    // A page of ours with a request that is wrong leads nowhere either.
    let wrong = encoded([("post_logout_redirect_uri", "https://evil.example")].into_iter());
    let path = format!("/logout?{}", encoded([("request", wrong.as_str())].into_iter()));
    let page = provider.browser.get(&path);
    assert!(page.header("content-security-policy").unwrap().contains("form-action 'self';"));
    assert_eq!(provider.submit(&page, "/logout", &[]).location(), "./login?done=logout");
}

async fn a_hint_that_is_wrong_is_as_good_as_none(kind: Kind) {
    let mut provider = Provider::new(kind).await;
    let one = client(&provider, |_| {}).await;
    let id = one.client_id.as_str();
    let hint = ("id_token_hint", "a.b.c");
    // Its user is asked; whose URI it would be is said by the client's id alone.
    for (fields, target) in [
        (vec![hint], "./login?done=logout"),
        (vec![hint, ("post_logout_redirect_uri", GOODBYE)], "./login?done=logout"),
        (vec![hint, ("client_id", id), ("post_logout_redirect_uri", GOODBYE)], GOODBYE),
    ] {
        provider.browser.sign_in("user1");
        let location = provider.browser.get(&logout(&fields)).location().to_owned();
        assert!(location.starts_with("/logout?request="), "{location}");
        let page = provider.browser.get(&location);
        assert_eq!(provider.submit(&page, "/logout", &[]).location(), target);
    }
    let wrong = [hint, ("client_id", id), ("post_logout_redirect_uri", "https://evil.example")];
    provider.browser.get(&logout(&wrong)).shows(400, "The application asked for something");
}

async fn a_native_client_chooses_its_port_and_its_uri_is_kept_as_it_is(kind: Kind) {
    let mut provider = Provider::new(kind).await;
    let uris = ["http://127.0.0.1/bye?x='%7e'", "com.example.app:/bye"].map(str::to_owned).to_vec();
    let native = |new: &mut ClientUpdate| {
        new.post_logout_redirect_uris = Edit::Set(uris);
    };
    let client = provider.client("native", native).await;
    let to = |uri: &str| {
        logout(&[
            ("client_id", client.client_id.as_str()),
            ("post_logout_redirect_uri", uri),
            ("state", "a b"),
        ])
    };
    for (uri, expected) in [
        ("http://127.0.0.1:7001/bye?x='%7e'", "http://127.0.0.1:7001/bye?x='%7e'&state=a+b"),
        ("com.example.app:/bye", "com.example.app:/bye?state=a+b"),
    ] {
        assert_eq!(provider.browser.get(&to(uri)).location(), expected);
    }
    for wrong in ["http://127.0.0.1:7001/bye", "http://127.0.0.2/bye?x='%7e'", "com.example.app:/bye/"] {
        provider
            .browser
            .get(&to(wrong))
            .shows(400, "The application asked for something that cannot be done");
    }
}

/// A client's server: what it is sent, and how it answers.
async fn listener(answers: Vec<&'static str>) -> (String, mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("http://{}/backchannel", listener.local_addr().unwrap());
    let (sender, receiver) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let mut answers = answers.into_iter();
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut sent = Vec::new();
            let body = loop {
                if stream.read_buf(&mut sent).await.unwrap() == 0 {
                    break String::new();
                }
                let text = String::from_utf8_lossy(&sent).into_owned();
                let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
                let head = head.to_ascii_lowercase();
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
                if body.len() == length.parse::<usize>().unwrap() {
                    break body.to_owned();
                }
            };
            let answer =
                format!("HTTP/1.1 {}\r\nContent-Length: 0\r\n\r\n", answers.next().unwrap_or("200 OK"));
            stream.write_all(answer.as_bytes()).await.unwrap();
            sender.send(body).unwrap();
        }
    });
    (uri, receiver)
}

async fn next(
    provider: &Provider,
    receiver: &mut mpsc::UnboundedReceiver<String>,
) -> serde_json::Map<String, Value> {
    let body = tokio::time::timeout(Duration::from_secs(20), receiver.recv()).await.unwrap().unwrap();
    let token = body.strip_prefix("logout_token=").unwrap().to_owned();
    let jws = zato_sso::crypto::jose::jws::Jws::parse(&token).unwrap();
    assert!(jws.is_typ("logout+jwt"));
    provider.verified(&token)
}

async fn clients_are_told_whatever_ends_the_session(kind: Kind) {
    let mut provider = Provider::new(kind).await;
    let (uri, mut receiver) = listener(Vec::new()).await;
    let told = client(&provider, |new| new.backchannel_logout_uri = Edit::Set(uri)).await;
    let silent = client(&provider, |_| {}).await;
    for way in ["page", "all sessions", "lock", "deletion"] {
        let tokens = provider.tokens(&told, &[]);
        provider.tokens(&silent, &[]);
        let id_token = provider.verified(tokens["id_token"].as_str().unwrap());
        let sso = provider.browser.server.world.sso.clone();
        let user_id = id_token["sub"].as_str().unwrap();
        match way {
            "page" => {
                let page = provider.browser.get("/logout");
                provider.submit(&page, "/logout", &[]).location();
            }
            "all sessions" => {
                let ended = sso.end_all_sessions(&ctx(), Actor::Trusted(None), Some(user_id), false).await;
                ended.unwrap();
            }
            "lock" => {
                sso.lock_user(&ctx(), Actor::Trusted(None), user_id).await.unwrap();
            }
            _ => {
                sso.delete_user_by_id(&ctx(), Actor::Trusted(None), user_id).await.unwrap();
            }
        }
        let claims = next(&provider, &mut receiver).await;
        assert_eq!((&claims["sid"], &claims["sub"]), (&id_token["sid"], &id_token["sub"]), "{way}");
        assert_eq!(claims["aud"], told.client_id);
        assert_eq!(claims["events"], json!({"http://schemas.openid.net/event/backchannel-logout": {}}));
        assert!(claims.get("nonce").is_none() && claims["jti"].is_string());
        if way == "lock" {
            sso.unlock_user(&ctx(), Actor::Trusted(None), user_id).await.unwrap();
        }
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(receiver.try_recv().is_err(), "each is told once");
}

async fn a_client_that_is_down_is_told_later(kind: Kind) {
    let mut provider = Provider::new(kind).await;
    let (uri, mut receiver) = listener(vec!["503 Busy", "200 OK", "400 No", "200 OK"]).await;
    let told = client(&provider, |new| new.backchannel_logout_uri = Edit::Set(uri)).await;
    let sign_out = |provider: &mut Provider| {
        provider.tokens(&told, &[]);
        let page = provider.browser.get("/logout");
        provider.submit(&page, "/logout", &[]).location();
    };
    sign_out(&mut provider);
    let first = next(&provider, &mut receiver).await;
    provider.browser.server.world.clock.advance_seconds(60);
    let second = next(&provider, &mut receiver).await;
    assert_eq!(first["sid"], second["sid"]);
    assert_ne!(first["jti"], second["jti"]);
    // One that does not want it is not asked again.
    sign_out(&mut provider);
    next(&provider, &mut receiver).await;
    provider.browser.server.world.clock.advance_seconds(600);
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(receiver.try_recv().is_err());
    let world = &provider.browser.server.world;
    let rows = crate::support::any_rows(world, "SELECT CAST(COUNT(*) AS TEXT) FROM sso_logout_notice").await;
    assert_eq!(rows[0], b"0");
}

async fn a_client_that_is_down_does_not_take_the_places_of_others(kind: Kind) {
    let mut provider = Provider::new(kind).await;
    let (uri, mut receiver) = listener(vec!["503 Busy"; 2]).await;
    let down = client(&provider, |new| new.backchannel_logout_uri = Edit::Set(uri)).await;
    let mut user_id = Value::Null;
    for _ in 0..5 {
        provider.browser.cookies.clear();
        let tokens = provider.tokens(&down, &[]);
        user_id = provider.verified(tokens["id_token"].as_str().unwrap())["sub"].clone();
    }
    let sso = provider.browser.server.world.sso.clone();
    sso.end_all_sessions(&ctx(), Actor::Trusted(None), user_id.as_str(), false).await.unwrap();
    for _ in 0..2 {
        next(&provider, &mut receiver).await;
    }
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert!(receiver.try_recv().is_err(), "all that waits for it waits");
    provider.browser.server.world.clock.advance_seconds(60);
    for _ in 0..5 {
        next(&provider, &mut receiver).await;
    }
}
