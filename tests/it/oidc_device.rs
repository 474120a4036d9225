//! Devices that show a code, which their users enter elsewhere (RFC 8628).

use serde_json::Value;
use zato_sso::domain::{ClientUpdate, Code, Edit, SecType};

use crate::linked_auth::{basic, enter, linked};
use crate::openid::{ISSUER, Provider, Registered, refusal};
use crate::page::Seen;
use crate::support::{Kind, ctx};

on_both_databases! {
    a_device_gets_tokens_once_its_user_has_said_yes;
    a_device_waits_and_not_for_ever;
    guessed_codes_are_slowed_down;
    a_network_takes_its_own_place_alone;
    a_definition_allows_no_device_anything;
}

const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

async fn device(provider: &Provider) -> Registered {
    let grants = |new: &mut ClientUpdate| {
        new.grants = Edit::Set(vec![GRANT.to_owned(), "refresh_token".to_owned()]);
        new.redirect_uris = Edit::Keep;
    };
    provider.client("native", grants).await
}

fn begin(provider: &Provider, client: &Registered) -> Value {
    let answer = provider.post_as(client, "device_authorization", &[("scope", "openid profile")]);
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()
}

fn poll(provider: &Provider, client: &Registered, begun: &Value) -> crate::rest::Answer {
    let device_code = begun["device_code"].as_str().unwrap();
    provider.post_as(client, "token", &[("grant_type", GRANT), ("device_code", device_code)])
}

#[track_caller]
fn answer(provider: &mut Provider, user_code: &str, answer: &str) -> Seen {
    let page = provider.browser.get("/device");
    let page = provider.submit(&page, "/device", &[("user_code", user_code)]);
    page.shows(200, "Example asks for access");
    page.shows(200, "Your name and username");
    let user_code = page.input("user_code");
    provider.submit(&page, "/device", &[("answer", answer), ("user_code", &user_code)])
}

async fn a_device_gets_tokens_once_its_user_has_said_yes(kind: Kind) {
    let mut provider = Provider::new(kind).await;
    let client = device(&provider).await;
    let begun = begin(&provider, &client);
    assert_eq!(begun["verification_uri"], format!("{ISSUER}/device"));
    assert_eq!((begun["interval"].as_i64(), begun["expires_in"].as_i64()), (Some(5), Some(600)));
    let user_code = begun["user_code"].as_str().unwrap().to_owned();
    assert_eq!(refusal(&poll(&provider, &client, &begun)), "authorization_pending");
    assert_eq!(provider.browser.get("/device").location(), "./login?next=device");
    provider.browser.sign_in("user1");
    // However it is typed.
    let typed = user_code.to_lowercase().replace('-', " ");
    answer(&mut provider, &typed, "yes").location();
    // Another client cannot have it.
    let other = device(&provider).await;
    assert_eq!(refusal(&poll(&provider, &other, &begun)), "invalid_grant");
    provider.browser.server.world.clock.advance_seconds(10);
    let tokens = poll(&provider, &client, &begun);
    assert_eq!(tokens.status, 200, "{}", tokens.body);
    let tokens = tokens.json();
    let id_token = provider.verified(tokens["id_token"].as_str().unwrap());
    assert_eq!(id_token["preferred_username"], "user1");
    assert_eq!(provider.refresh(&client, tokens["refresh_token"].as_str().unwrap()).status, 200);
    assert_eq!(refusal(&poll(&provider, &client, &begun)), "invalid_grant", "once");
    provider.browser.get("/account/applications").shows(200, "Example");
}

async fn a_device_waits_and_not_for_ever(kind: Kind) {
    let mut provider = Provider::new(kind).await;
    let client = device(&provider).await;
    let clock = provider.browser.server.world.clock.clone();
    let begun = begin(&provider, &client);
    assert_eq!(refusal(&poll(&provider, &client, &begun)), "authorization_pending");
    assert_eq!(refusal(&poll(&provider, &client, &begun)), "slow_down");
    clock.advance_seconds(5);
    assert_eq!(refusal(&poll(&provider, &client, &begun)), "slow_down", "the pause has grown");
    clock.advance_seconds(15);
    assert_eq!(refusal(&poll(&provider, &client, &begun)), "authorization_pending");
    provider.browser.sign_in("user1");
    let user_code = begun["user_code"].as_str().unwrap().to_owned();
    answer(&mut provider, &user_code, "no").location();
    clock.advance_seconds(60);
    assert_eq!(refusal(&poll(&provider, &client, &begun)), "access_denied");
    let begun = begin(&provider, &client);
    clock.advance_seconds(600);
    assert_eq!(refusal(&poll(&provider, &client, &begun)), "expired_token");
    // Only who is registered for it.
    let web = provider.web(|_| {}).await;
    let answer = provider.post_as(&web, "device_authorization", &[]);
    assert_eq!(refusal(&answer), "unauthorized_client");
    assert_eq!(refusal(&poll(&provider, &web, &begun)), "unauthorized_client");
}

async fn guessed_codes_are_slowed_down(kind: Kind) {
    let settings = serde_json::json!({"login_throttle.max_failures": 10});
    let mut provider = Provider::with(kind, settings).await;
    provider.browser.sign_in("user1");
    let mut last = 0;
    for number in 0..40 {
        let page = provider.browser.get("/device");
        let code = format!("BCDF-{}", ["GHJK", "LMNP", "QRST", "VWXZ"][number % 4]);
        last = provider.submit(&page, "/device", &[("user_code", &code)]).status;
        if last == 429 {
            break;
        }
        assert_eq!(last, 422);
    }
    assert_eq!(last, 429, "nobody tries 40 codes without a pause");
}

async fn a_network_takes_its_own_place_alone(kind: Kind) {
    let provider = Provider::new(kind).await;
    let client = device(&provider).await;
    let world = &provider.browser.server.world;
    let first = begin(&provider, &client);
    // Another network's, which has waited for longer.
    crate::support::execute(world, "UPDATE sso_device_code SET expiration_time = expiration_time - 1").await;
    let place = "UPDATE sso_device_code SET place_digest = user_code_digest";
    crate::support::execute(world, place).await;
    let second = begin(&provider, &client);
    world.clock.advance_seconds(1);
    for _ in 0..100 {
        begin(&provider, &client);
    }
    assert_eq!(refusal(&poll(&provider, &client, &second)), "invalid_grant", "the oldest one made room");
    assert_eq!(refusal(&poll(&provider, &client, &first)), "authorization_pending");
    let waiting = crate::support::any_rows(world, "SELECT device_digest FROM sso_device_code").await;
    assert_eq!(waiting.len(), 101);
}

async fn a_definition_allows_no_device_anything(kind: Kind) {
    let provider = Provider::new(kind).await;
    let client = device(&provider).await;
    let begun = begin(&provider, &client);
    let world = &provider.browser.server.world;
    let user = world.user("user2").await;
    let (_, secret) = linked(world, SecType::BasicAuth, "a", &user).await;
    let ust = enter(world, &basic("a-client", &secret)).await.unwrap();
    let code = begun["user_code"].as_str().unwrap();
    let asked = world.sso.get_device_question(&ctx(), ust.clone(), code).await;
    assert_eq!(crate::support::refusal(asked), Code::AuthNotAllowed);
    let answered = world.sso.answer_device(&ctx(), ust, code, true).await;
    assert_eq!(crate::support::refusal(answered), Code::AuthNotAllowed);
    assert_eq!(refusal(&poll(&provider, &client, &begun)), "authorization_pending");
}
