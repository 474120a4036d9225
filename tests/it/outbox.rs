//! The outbox: emails outlive the process that has caused them, are sent once, and cost bounded room.

use std::collections::HashSet;
use std::time::Duration;

use serde_json::{Value, json};
use zato_sso::domain::{Code, Error, NewUser, Password, User};
use zato_sso::ops::{Actor, Sso};

use crate::smtp::{Manner, SmtpServer, token_in};
use crate::support::{Kind, World, any_rows, ctx, ctx_of, execute, new_user};

on_both_databases! {
    what_closing_leaves_the_next_process_sends;
    what_a_node_held_that_is_gone_another_sends;
    two_nodes_send_each_email_once;
    one_email_of_a_kind_waits_for_a_user;
    a_full_outbox_refuses_and_forgets_nothing;
    what_fails_for_a_day_is_given_up_and_audited;
    a_message_moved_to_another_row_is_not_sent;
    an_email_to_a_user_who_is_gone_is_gone;
    an_address_is_nowhere_in_the_outbox_to_be_read;
}

async fn world(kind: Kind, server: &SmtpServer, more: Value) -> World {
    World::with(kind, with(server, more)).await
}

fn with(server: &SmtpServer, more: Value) -> Value {
    let mut all = json!({"smtp.url": server.url});
    all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    all
}

async fn user(world: &World, username: &str) -> User {
    let new = NewUser { email: Some(format!("{username}@example.com")), ..new_user(username) };
    world.sso.create_user(&ctx(), Actor::Trusted(None), new, true).await.unwrap()
}

async fn ask(sso: &Sso, username: &str) {
    sso.create_reset_token(&ctx(), username, None).await.unwrap();
}

async fn waiting(world: &World) -> Vec<String> {
    let mut kinds: Vec<_> = any_rows(world, "SELECT kind FROM sso_outbox")
        .await
        .into_iter()
        .map(|kind| String::from_utf8(kind).unwrap())
        .collect();
    kinds.sort();
    kinds
}

/// Waits until this is what waits.
async fn until_waiting(world: &World, expected: &[&str]) {
    let patience = tokio::time::timeout(Duration::from_secs(20), async {
        while waiting(world).await != expected {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    assert!(patience.await.is_ok(), "{:?}", waiting(world).await);
}

const RESET: &str = "password-reset-link";

async fn what_closing_leaves_the_next_process_sends(kind: Kind) {
    let dead = SmtpServer::new(Manner::Dead).await;
    let world = world(kind, &dead, json!({})).await;
    user(&world, "user1").await;
    ask(&world.sso, "user1").await;
    until_waiting(&world, &[RESET]).await;
    world.sso.close().await;
    assert_eq!(waiting(&world).await, [RESET]);

    let server = SmtpServer::new(Manner::Kind).await;
    let next = world.reopened(with(&server, json!({}))).await;
    let token = token_in(&server.email(1).await);
    next.access_reset_token(&ctx(), &Password::from(token), None).await.unwrap();
    until_waiting(&world, &[]).await;
    next.close().await;
    assert_eq!(server.received().len(), 1);
}

async fn what_a_node_held_that_is_gone_another_sends(kind: Kind) {
    let refusing = SmtpServer::new(Manner::Refusing("451 busy", usize::MAX)).await;
    let world = world(kind, &refusing, json!({})).await;
    user(&world, "user1").await;
    ask(&world.sso, "user1").await;
    until_waiting(&world, &[RESET]).await;
    world.sso.close().await;
    // As if the process had been killed while it sent.
    let now = crate::support::START.as_micros();
    execute(&world, &format!("UPDATE sso_outbox SET next_time = {now}, held_until = {now} + 30000000")).await;

    let server = SmtpServer::new(Manner::Kind).await;
    let next = world.reopened(with(&server, json!({}))).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(server.received().is_empty());
    world.clock.advance_seconds(30);
    // Whatever else happens there wakes the task.
    ask(&next, "nobody").await;
    server.email(1).await;
    next.close().await;
}

async fn two_nodes_send_each_email_once(kind: Kind) {
    let server = SmtpServer::new(Manner::Kind).await;
    let world = world(kind, &server, json!({})).await;
    let other = world.reopened(with(&server, json!({}))).await;
    for number in 0..20 {
        user(&world, &format!("user{number}")).await;
    }
    for number in 0..20 {
        let sso = if number % 2 == 0 { &world.sso } else { &other };
        ask(sso, &format!("user{number}")).await;
    }
    server.email(20).await;
    until_waiting(&world, &[]).await;
    other.close().await;
    world.sso.close().await;
    let to = |email: &String| email.lines().find(|line| line.starts_with("To: ")).unwrap().to_owned();
    let received = server.received();
    assert_eq!(received.len(), 20);
    assert_eq!(received.iter().map(to).collect::<HashSet<_>>().len(), 20);
}

async fn one_email_of_a_kind_waits_for_a_user(kind: Kind) {
    let dead = SmtpServer::new(Manner::Dead).await;
    let world = world(kind, &dead, json!({})).await;
    user(&world, "user1").await;
    user(&world, "user2").await;
    for username in ["user1", "user2", "user1", "user2", "user1"] {
        ask(&world.sso, username).await;
    }
    until_waiting(&world, &[RESET, RESET]).await;
    world.sso.close().await;
}

async fn a_full_outbox_refuses_and_forgets_nothing(kind: Kind) {
    let dead = SmtpServer::new(Manner::Dead).await;
    let world = world(kind, &dead, json!({"email.max_waiting": 2, "apps.signup_allowed": ["CRM"]})).await;
    for number in 0..3 {
        user(&world, &format!("user{number}")).await;
    }
    for username in ["user0", "user1"] {
        ask(&world.sso, username).await;
        until_waiting(&world, if username == "user0" { &[RESET] } else { &[RESET, RESET] }).await;
    }
    for username in ["user2", "nobody", "user0"] {
        let error = world.sso.create_reset_token(&ctx_of("CRM", ""), username, None).await.unwrap_err();
        assert!(matches!(error, Error::RateLimited { .. }), "{username} {error}");
        assert_eq!(error.code(), Code::AuthRateLimited);
    }
    assert_eq!(waiting(&world).await, [RESET, RESET]);
    // Of a sign-up that cannot be confirmed, nothing is left.
    let request = zato_sso::ops::SignUpRequest {
        username: "new1".to_owned(),
        email: Some("new1@example.com".to_owned()),
        password: Password::from(crate::support::PASSWORD),
        app_list: None,
        names: Default::default(),
    };
    let error = world.sso.sign_up(&ctx(), request).await.unwrap_err();
    assert_eq!(error.code(), Code::AuthRateLimited);
    assert!(world.sso.get_user_by_username(&ctx(), "new1", false).await.unwrap().is_none());
    world.sso.close().await;

    let server = SmtpServer::new(Manner::Kind).await;
    let next = world.reopened(with(&server, json!({}))).await;
    server.email(2).await;
    next.close().await;
}

async fn what_fails_for_a_day_is_given_up_and_audited(kind: Kind) {
    let server = SmtpServer::new(Manner::Refusing("451 busy", usize::MAX)).await;
    let world = world(kind, &server, json!({})).await;
    let user = user(&world, "user1").await;
    ask(&world.sso, "user1").await;
    while server.refused() < 2 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(waiting(&world).await, [RESET]);
    world.clock.advance_seconds(86_400);
    until_waiting(&world, &[]).await;
    let entries = any_rows(
        &world,
        "SELECT target_id || ' ' || result || ' ' || extra FROM sso_audit WHERE op = 'email.send'",
    )
    .await;
    let entries: Vec<_> = entries.into_iter().map(|entry| String::from_utf8(entry).unwrap()).collect();
    assert_eq!(entries.len(), 1);
    assert!(entries[0].starts_with(&format!("{} E008004 ", user.user_id)), "{entries:?}");
    assert!(entries[0].contains("given up: the server answered 451"), "{entries:?}");
    world.sso.close().await;
}

async fn a_message_moved_to_another_row_is_not_sent(kind: Kind) {
    let dead = SmtpServer::new(Manner::Dead).await;
    let world = world(kind, &dead, json!({})).await;
    let (one, two) = (user(&world, "user1").await, user(&world, "user2").await);
    ask(&world.sso, "user1").await;
    ask(&world.sso, "user2").await;
    until_waiting(&world, &[RESET, RESET]).await;
    world.sso.close().await;
    execute(
        &world,
        &format!(
            "UPDATE sso_outbox SET message = (SELECT message FROM sso_outbox WHERE user_id = '{}'), next_time = 0 \
             WHERE user_id = '{}'",
            one.user_id, two.user_id
        ),
    )
    .await;
    let server = SmtpServer::new(Manner::Kind).await;
    let next = world.reopened(with(&server, json!({}))).await;
    until_waiting(&world, &[]).await;
    next.close().await;
    let received = server.received();
    assert_eq!(received.len(), 1);
    assert!(received[0].contains("To: user1@example.com\n"));
    let entries = any_rows(&world, "SELECT extra FROM sso_audit WHERE op = 'email.send'").await;
    assert!(String::from_utf8_lossy(&entries[0]).contains("cannot be opened"));
}

async fn an_email_to_a_user_who_is_gone_is_gone(kind: Kind) {
    let dead = SmtpServer::new(Manner::Dead).await;
    let world = world(kind, &dead, json!({})).await;
    let user = user(&world, "user1").await;
    ask(&world.sso, "user1").await;
    until_waiting(&world, &[RESET]).await;
    let by = Actor::Trusted(None);
    world.sso.delete_user_by_id(&ctx(), by, user.user_id.as_str()).await.unwrap();
    assert!(waiting(&world).await.is_empty());
    world.sso.close().await;
}

async fn an_address_is_nowhere_in_the_outbox_to_be_read(kind: Kind) {
    let dead = SmtpServer::new(Manner::Dead).await;
    let world = world(kind, &dead, json!({"password_reset.user_search_by": "email"})).await;
    user(&world, "user1").await;
    ask(&world.sso, "user1@example.com").await;
    until_waiting(&world, &[RESET]).await;
    let everything = crate::support::dump(&world).await;
    assert!(!everything.contains("user1@example.com") && !everything.contains("Hello user1"));
    world.sso.close().await;
}
