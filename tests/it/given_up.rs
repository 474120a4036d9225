//! Attempts whose callers go away while they are under way: counted, recorded, and done, as if somebody had waited.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use tokio::time::sleep;
use zato_sso::domain::{Code, Password, SecType};
use zato_sso::ops::{ChangePassword, TotpOwner};

use crate::linked_auth::{basic, define, root};
use crate::login::totp_user;
use crate::support::{
    Kind, PASSWORD, World, any_rows, credentials, ctx, ctx_of, new_site, refusal, refusals,
};

on_both_databases! {
    a_login_that_is_given_up_is_counted_and_recorded;
    whatever_finds_out_about_a_secret_goes_on_to_its_end;
    a_change_that_is_given_up_is_made;
}

/// Begins a call, and does not wait for it, unless it need not wait.
async fn give_up<T>(call: impl Future<Output = T>) {
    let mut call = Box::pin(call);
    poll_fn(|cx| {
        drop(call.as_mut().poll(cx));
        Poll::Ready(())
    })
    .await;
}

/// Waits until so many failures are counted under this kind.
async fn until_counted(world: &World, kind: &str, count: i64) {
    let sql = format!("SELECT subject FROM sso_throttle WHERE kind = '{kind}' AND count = {count}");
    for _ in 0..500 {
        if !any_rows(world, &sql).await.is_empty() {
            return;
        }
        sleep(Duration::from_millis(10)).await;
    }
    panic!("{count} failures are never counted as {kind}");
}

async fn a_login_that_is_given_up_is_counted_and_recorded(kind: Kind) {
    let world = World::new(kind).await;
    world.user("user1").await;
    for count in 1..=5 {
        give_up(world.sso.login(&ctx(), credentials("user1", "wrong"))).await;
        until_counted(&world, "login_user", count).await;
    }
    assert_eq!(refusal(world.sso.login(&ctx(), credentials("user1", PASSWORD)).await), Code::AuthRateLimited);
    // The entry comes after the count.
    for _ in 0..500 {
        if refusals(&world, "user.login", "E005001").await == 5 {
            return;
        }
        sleep(Duration::from_millis(10)).await;
    }
    panic!("{} are recorded", refusals(&world, "user.login", "E005001").await);
}

async fn whatever_finds_out_about_a_secret_goes_on_to_its_end(kind: Kind) {
    let world = World::new(kind).await;
    totp_user(&world).await;
    let user = world.user("user1").await;
    let root = root(&world).await;
    define(&world.sso, SecType::BasicAuth, "chosen", Some(PASSWORD)).await;
    let owner = TotpOwner::Username("totp1".to_owned());
    give_up(world.sso.validate_totp_code(&ctx(), &owner, &Password::from("000000"))).await;
    until_counted(&world, "totp", 1).await;
    give_up(world.sso.authenticate_request(&ctx(), &basic("chosen-client", "wrong"), None, None)).await;
    until_counted(&world, "login_definition", 1).await;
    world.sso.create_site(&ctx(), new_site("shop", &[])).await.unwrap();
    let site = world.sso.act_as_site(&ctx(), "shop").await.unwrap();
    give_up(world.sso.look_up_site_user(&ctx(), &site, "user1", Password::from("wrong"))).await;
    until_counted(&world, "login_user", 1).await;
    let change = ChangePassword {
        old_password: Some(Password::from("wrong")),
        new_password: Password::from("a new and different one"),
        user_id: None,
        password_expiry: None,
        must_change: None,
    };
    give_up(world.sso.change_password(&ctx_of("CRM", "192.0.2.1"), &root, change)).await;
    until_counted(&world, "login_place", 1).await;
    drop(user);
}

async fn a_change_that_is_given_up_is_made(kind: Kind) {
    let world = World::new(kind).await;
    let new = "a new and different one";
    world.user("user1").await;
    let info = world.login("user1").await;
    let change = ChangePassword {
        old_password: Some(Password::from(PASSWORD)),
        new_password: Password::from(new),
        user_id: None,
        password_expiry: None,
        must_change: None,
    };
    give_up(world.sso.change_password(&ctx(), &info.ust, change)).await;
    for _ in 0..500 {
        if world.sso.login(&ctx(), credentials("user1", new)).await.is_ok() {
            return;
        }
        // Well below what the delay begins with.
        world.clock.advance_seconds(60);
        sleep(Duration::from_millis(10)).await;
    }
    panic!("the password is never changed");
}
