//! How many sign-ups there may be.

use serde_json::json;
use zato_sso::domain::{Code, Error, NewUser};
use zato_sso::ops::Actor;

use crate::signup::open_but;
use crate::signup_wait::with_password;
use crate::support::{Kind, PASSWORD, World, ctx, ctx_of, new_user, refusal};

on_both_databases! {
    too_many_sign_ups_are_refused_whoever_has_the_email;
    no_hour_has_more_sign_ups_than_the_limit_whenever_it_begins;
}

async fn too_many_sign_ups_are_refused_whoever_has_the_email(kind: Kind) {
    let more = open_but(json!({"signup.max_per_hour": 2, "signup.max_per_hour_per_address": 6}));
    let world = World::with(kind, more).await;
    let made = NewUser { email: Some("made@example.com".to_owned()), ..new_user("made") };
    world.sso.create_user(&ctx(), Actor::Trusted(None), made, true).await.unwrap();
    let sign_up = async |name: &str, email: &str, address: &str| {
        world.sso.sign_up(&ctx_of("CRM", address), with_password(name, email, PASSWORD)).await.map(drop)
    };
    for email in ["made@example.com", "free@example.com"] {
        for number in 0..2 {
            drop(sign_up(&format!("user{number}"), email, "10.0.0.1").await);
        }
        let error = sign_up("user2", email, "10.0.0.2").await;
        assert_eq!(refusal(error), Code::AuthRateLimited);
    }
    for number in 3..5 {
        sign_up(&format!("user{number}"), &format!("e{number}@example.com"), "10.0.0.1").await.unwrap();
    }
    let error = sign_up("user6", "f@example.com", "10.0.0.1").await;
    assert_eq!(refusal(error), Code::AuthRateLimited);
    let error = world.sso.resend_confirmation(&ctx(), "nobody").await;
    assert_eq!(refusal(error), Code::AuthRateLimited);
    world.clock.advance_seconds(3600);
    sign_up("user6", "f@example.com", "10.0.0.1").await.unwrap();
}

async fn no_hour_has_more_sign_ups_than_the_limit_whenever_it_begins(kind: Kind) {
    let world = World::with(kind, open_but(json!({"signup.max_per_hour_per_address": 4}))).await;
    let sign_up = async |number: usize| {
        let request = with_password(&format!("u{number}"), &format!("e{number}@example.com"), PASSWORD);
        world.sso.sign_up(&ctx(), request).await.map(drop)
    };
    // Shortly before the hour of the clock is over.
    world.clock.advance_seconds(3_590);
    for number in 0..4 {
        sign_up(number).await.unwrap();
    }
    let mut waited = 0;
    for seconds in [20, 1_800, 1_700] {
        world.clock.advance_seconds(seconds);
        waited += seconds;
        let Err(Error::RateLimited { retry_after }) = sign_up(4).await else { panic!("after {waited} s") };
        assert_eq!(i64::try_from(retry_after.as_secs()).unwrap(), 3_600 - waited);
    }
    world.clock.advance_seconds(3_600 - waited);
    // One after the other, and at no time more than four within an hour. What is refused is not counted.
    let mut times = Vec::new();
    for minute in 0..300 {
        if sign_up(10 + minute).await.is_ok() {
            times.push(minute);
        }
        world.clock.advance_seconds(60);
    }
    assert!(times.windows(5).all(|five| five[4] - five[0] >= 60), "{times:?}");
    assert!(times.len() >= 16, "{times:?}");
}
