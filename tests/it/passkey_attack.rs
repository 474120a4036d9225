//! Passkeys against who has copied one, replays an answer, or sends what no authenticator does.

use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};
use zato_sso::domain::{Code, Context};

use crate::authenticator::{Authenticator, ELIGIBLE, PRESENT, VERIFIED};
use crate::passkey::{login, register, request, stage};
use crate::support::{Kind, World, any_rows, ctx, ctx_of, refusal, refusals};

on_both_databases! {
    an_answer_counts_once_and_for_five_minutes_on_any_node;
    of_many_at_once_one_gets_in;
    a_counter_that_goes_back_is_refused_and_audited;
    what_is_not_right_is_refused;
    a_registration_is_its_own_users;
    guesses_are_throttled_by_address;
    what_strangers_begin_costs_no_row;
    what_has_expired_is_cleaned_up;
}

async fn an_answer_counts_once_and_for_five_minutes_on_any_node(kind: Kind) {
    let (world, ust, mut authenticator) = stage(kind, json!({})).await;
    let other = world.reopened(json!({})).await;
    let options = world.sso.begin_passkey_login(&ctx(), None).await.unwrap();
    let answer = request(&authenticator.login(&options));
    other.finish_passkey_login(&ctx(), answer.clone()).await.unwrap();
    for node in [&world.sso, &other] {
        let again = node.finish_passkey_login(&ctx(), answer.clone()).await;
        assert_eq!(refusal(again), Code::PasskeyNoSuchCeremony);
    }
    let options = world.sso.begin_passkey_login(&ctx(), None).await.unwrap();
    world.clock.advance_seconds(5 * 60 - 1);
    other.finish_passkey_login(&ctx(), request(&authenticator.login(&options))).await.unwrap();
    let options = world.sso.begin_passkey_login(&ctx(), None).await.unwrap();
    let made = world.sso.begin_passkey_registration(&ctx(), &ust, None).await.unwrap();
    world.clock.advance_seconds(5 * 60);
    let late = other.finish_passkey_login(&ctx(), request(&authenticator.login(&options))).await;
    assert_eq!(refusal(late), Code::PasskeyNoSuchCeremony);
    let fresh = login(&world.sso, &mut authenticator).await.unwrap().ust;
    let late = Authenticator::new(-7).register(&made).to_string();
    let late = world.sso.finish_passkey_registration(&ctx(), &fresh, &late).await;
    assert_eq!(refusal(late), Code::PasskeyNoSuchCeremony);
}

async fn of_many_at_once_one_gets_in(kind: Kind) {
    let (world, _, mut authenticator) = stage(kind, json!({})).await;
    let options = world.sso.begin_passkey_login(&ctx(), None).await.unwrap();
    let answer = request(&authenticator.login(&options));
    let tries: Vec<_> = (0..20)
        .map(|_| {
            let (sso, answer) = (world.sso.clone(), answer.clone());
            tokio::spawn(async move { sso.finish_passkey_login(&ctx(), answer).await.is_ok() })
        })
        .collect();
    let mut successes = 0;
    for attempt in tries {
        successes += usize::from(attempt.await.unwrap());
    }
    assert_eq!(successes, 1);
}

async fn a_counter_that_goes_back_is_refused_and_audited(kind: Kind) {
    let (world, ust, mut authenticator) = stage(kind, json!({})).await;
    let copied = authenticator.counter;
    login(&world.sso, &mut authenticator).await.unwrap();
    // The copy counts from where it was made.
    let newest = authenticator.counter;
    authenticator.counter = copied;
    assert_eq!(refusal(login(&world.sso, &mut authenticator).await), Code::AuthNotAllowed);
    let why = "SELECT extra FROM sso_audit WHERE op = 'passkey.finish_login' AND result <> 'ok'";
    let why = any_rows(&world, why).await;
    assert!(String::from_utf8_lossy(&why[0]).contains("counter went back"), "{why:?}");
    // Nor does one that has stopped counting get in.
    authenticator.counter = None;
    assert_eq!(refusal(login(&world.sso, &mut authenticator).await), Code::AuthNotAllowed);
    authenticator.counter = newest;
    login(&world.sso, &mut authenticator).await.unwrap();

    // Those of phones never count.
    let mut phone = Authenticator::new(-7);
    phone.counter = None;
    register(&world.sso, &ust, &mut phone).await;
    for _ in 0..3 {
        login(&world.sso, &mut phone).await.unwrap();
    }
}

/// What is said of a lie, and the authenticator that tells it.
type Lie<'a> = (&'a str, &'a dyn Fn(&mut Authenticator));

/// Changes a part of an answer that is base64.
fn flip(answer: &mut Value, name: &str, place: usize) {
    let part = &mut answer["response"][name];
    let mut bytes = BASE64URL_NOPAD.decode(part.as_str().unwrap().as_bytes()).unwrap();
    bytes[place] ^= 1;
    *part = BASE64URL_NOPAD.encode(&bytes).into();
}

async fn what_is_not_right_is_refused(kind: Kind) {
    let (world, _, mut authenticator) = stage(kind, json!({"login_throttle.enabled": false})).await;
    let sso = &world.sso;
    let user2 = world.user("user2").await;
    let attempt = async |authenticator: &mut Authenticator, change: &dyn Fn(&mut Value)| {
        let options = sso.begin_passkey_login(&ctx(), None).await.unwrap();
        let mut answer = authenticator.login(&options);
        change(&mut answer);
        sso.finish_passkey_login(&ctx(), request(&answer)).await
    };
    let none = |_: &mut Value| {};
    attempt(&mut authenticator, &none).await.unwrap();
    for origin in [
        "http://localhost.evil.test",
        "https://localhost",
        "http://evil.test",
        "null",
        "",
        "http://localhost:17010/",
    ] {
        authenticator.origin = origin.to_owned();
        assert_eq!(refusal(attempt(&mut authenticator, &none).await), Code::AuthNotAllowed, "{origin}");
    }
    authenticator.origin = crate::authenticator::ORIGIN.to_owned();
    authenticator.cross_origin = true;
    assert_eq!(refusal(attempt(&mut authenticator, &none).await), Code::AuthNotAllowed);
    authenticator.cross_origin = false;
    authenticator.rp_id = "evil.test".to_owned();
    assert_eq!(refusal(attempt(&mut authenticator, &none).await), Code::AuthNotAllowed);
    authenticator.rp_id = "localhost".to_owned();
    // Nobody was there; whether it may be on several devices has changed; it is where it cannot be.
    for flags in [VERIFIED, PRESENT | ELIGIBLE, PRESENT | 0x10, PRESENT | 0x40, PRESENT | 0x80] {
        authenticator.flags = flags;
        assert_eq!(refusal(attempt(&mut authenticator, &none).await), Code::AuthNotAllowed, "{flags}");
    }
    authenticator.flags = PRESENT | VERIFIED;
    let user2 = BASE64URL_NOPAD.encode(user2.user_id.as_str().as_bytes());
    let changes: [&dyn Fn(&mut Value); 10] = [
        &|answer| flip(answer, "signature", 9),
        &|answer| flip(answer, "authenticatorData", 36),
        &|answer| answer["response"]["userHandle"] = user2.clone().into(),
        &|answer| answer["id"] = "AAAA".into(),
        &|answer| answer["id"] = "".into(),
        &|answer| answer["type"] = "password".into(),
        &|answer| answer["response"]["signature"] = "".into(),
        &|answer| answer["response"]["authenticatorData"] = "AAAA".into(),
        &|answer| answer["response"]["clientDataJSON"] = "e30".into(),
        &|answer| answer["padding"] = "x".repeat(70_000).into(),
    ];
    for (index, change) in changes.into_iter().enumerate() {
        assert_eq!(refusal(attempt(&mut authenticator, change).await), Code::AuthNotAllowed, "{index}");
    }
    // Where an authenticator does not tell whose it is, the credential does.
    let unnamed = |answer: &mut Value| answer["response"]["userHandle"] = Value::Null;
    attempt(&mut authenticator, &unnamed).await.unwrap();
    // Another challenge than one that was given.
    let options = json!({"challenge": BASE64URL_NOPAD.encode(&[1; 32])});
    let invented = sso.finish_passkey_login(&ctx(), request(&authenticator.login(&options))).await;
    assert_eq!(refusal(invented), Code::PasskeyNoSuchCeremony);
    // A registration is no login, and the other way round.
    let options = sso.begin_passkey_login(&ctx(), None).await.unwrap();
    let mut answer = authenticator.login(&options);
    let create =
        json!({"type": "webauthn.create", "challenge": options["challenge"], "origin": authenticator.origin});
    answer["response"]["clientDataJSON"] = BASE64URL_NOPAD.encode(create.to_string().as_bytes()).into();
    let mixed = sso.finish_passkey_login(&ctx(), request(&answer)).await;
    assert_eq!(refusal(mixed), Code::AuthNotAllowed);
    for text in ["", "{}", "[]", "null", "\"x\"", &"[".repeat(60_000)] {
        let answer = zato_sso::ops::PasskeyLogin { response: text.to_owned(), ..Default::default() };
        assert_eq!(refusal(sso.finish_passkey_login(&ctx(), answer).await), Code::AuthNotAllowed);
    }
}

async fn a_registration_is_its_own_users(kind: Kind) {
    let world = World::new(kind).await;
    world.user("user1").await;
    world.user("user2").await;
    let (one, two) = (world.login("user1").await.ust, world.login("user2").await.ust);
    let sso = &world.sso;
    let begin = async || sso.begin_passkey_registration(&ctx(), &one, None).await.unwrap();
    // Another user's.
    let answer = Authenticator::new(-7).register(&begin().await).to_string();
    let taken = sso.finish_passkey_registration(&ctx(), &two, &answer).await;
    assert_eq!(refusal(taken), Code::PasskeyNoSuchCeremony);
    // A login's.
    let mut options = sso.begin_passkey_login(&ctx(), None).await.unwrap();
    options["user"]["id"] = "AAAA".into();
    let answer = Authenticator::new(-7).register(&options).to_string();
    let mixed = sso.finish_passkey_registration(&ctx(), &one, &answer).await;
    assert_eq!(refusal(mixed), Code::PasskeyNoSuchCeremony);
    // What is not acceptable, and why.
    let changes: [Lie<'_>; 8] = [
        ("origin", &|it| it.origin = "http://evil.test".to_owned()),
        ("rp_id", &|it| it.rp_id = "evil.test".to_owned()),
        ("has not seen", &|it| it.flags = VERIFIED),
        ("frame", &|it| it.cross_origin = true),
        ("algorithm", &|it| it.algorithm = -37),
        ("key", &|it| it.algorithm = -8),
        ("key", &|it| it.algorithm = -257),
        ("id of the credential", &|it| it.id = vec![1; 1_024]),
    ];
    for (why, change) in changes {
        let mut authenticator = Authenticator::new(-7);
        change(&mut authenticator);
        let answer = authenticator.register(&begin().await).to_string();
        let error = sso.finish_passkey_registration(&ctx(), &one, &answer).await.unwrap_err();
        assert_eq!(error.code(), Code::PasskeyNotAcceptable, "{why}");
        assert!(error.to_string().contains(why), "{error}, not {why}");
    }
    let mut authenticator = Authenticator::new(-7);
    authenticator.attests = true;
    let mut answer = authenticator.register(&begin().await);
    flip(&mut answer, "attestationObject", 45);
    let wrong = sso.finish_passkey_registration(&ctx(), &one, &answer.to_string()).await;
    assert_eq!(refusal(wrong), Code::PasskeyNotAcceptable);
    assert!(sso.list_passkeys(&ctx(), &one, None).await.unwrap().is_empty());
    assert!(sso.list_passkeys(&ctx(), &two, None).await.unwrap().is_empty());
}

async fn guesses_are_throttled_by_address(kind: Kind) {
    let (world, _, mut authenticator) = stage(kind, json!({"login_throttle.max_failures": 5})).await;
    let from = |address: &str| -> Context { ctx_of("CRM", address) };
    let mut codes = Vec::new();
    for _ in 0..8 {
        let code = match world.sso.begin_passkey_login(&from("172.16.0.9"), None).await {
            Ok(options) => {
                let mut answer = authenticator.login(&options);
                flip(&mut answer, "signature", 9);
                refusal(world.sso.finish_passkey_login(&from("172.16.0.9"), request(&answer)).await)
            }
            Err(error) => error.code(),
        };
        codes.push(code);
    }
    assert_eq!(codes.iter().filter(|code| **code == Code::AuthNotAllowed).count(), 5, "{codes:?}");
    assert_eq!(codes.last(), Some(&Code::AuthRateLimited));
    login(&world.sso, &mut authenticator).await.unwrap();
    assert!(refusals(&world, "passkey.finish_login", "%").await >= 5);
}

async fn what_strangers_begin_costs_no_row(kind: Kind) {
    let (world, ust, mut authenticator) = stage(kind, json!({})).await;
    let count =
        async |table: &str| any_rows(&world, &format!("SELECT challenge_digest FROM {table}")).await.len();
    let first = world.sso.begin_passkey_login(&ctx(), None).await.unwrap();
    for place in 0..300 {
        let from = ctx_of("CRM", &format!("172.16.{place}.4"));
        world.sso.begin_passkey_login(&from, Some("user1")).await.unwrap();
    }
    world.sso.begin_passkey_reauthentication(&ctx(), &ust).await.unwrap();
    assert_eq!((count("sso_passkey_ceremony").await, count("sso_passkey_used_challenge").await), (0, 0));
    // Who began first is in nobody's way. What was answered is kept, and a wrong answer is not.
    let mut wrong = authenticator.login(&first);
    flip(&mut wrong, "signature", 9);
    world.sso.finish_passkey_login(&ctx(), request(&wrong)).await.unwrap_err();
    assert_eq!(count("sso_passkey_used_challenge").await, 0);
    world.sso.finish_passkey_login(&ctx(), request(&authenticator.login(&first))).await.unwrap();
    assert_eq!(count("sso_passkey_used_challenge").await, 1);
    for _ in 0..10 {
        world.sso.begin_passkey_registration(&ctx(), &ust, None).await.unwrap();
    }
    assert_eq!(count("sso_passkey_ceremony").await, 5);
}

async fn what_has_expired_is_cleaned_up(kind: Kind) {
    let (world, ust, mut authenticator) = stage(kind, json!({})).await;
    world.sso.begin_passkey_registration(&ctx(), &ust, None).await.unwrap();
    login(&world.sso, &mut authenticator).await.unwrap();
    let cleaned = async || {
        let cleaned = world.sso.clean_up(&ctx()).await.unwrap();
        let counts = cleaned.counts();
        ["passkey_ceremonies", "passkey_challenges"]
            .map(|table| counts.iter().find(|(name, _)| *name == table).unwrap().1)
    };
    assert_eq!(cleaned().await, [0, 0]);
    world.clock.advance_seconds(5 * 60);
    assert_eq!(cleaned().await, [1, 0]);
    // A used challenge outlives its end, by the clock of whichever node cleans.
    world.clock.advance_seconds(5 * 60);
    assert_eq!(cleaned().await, [0, 1]);
}
