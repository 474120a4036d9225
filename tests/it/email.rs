//! Emails: what they look like, who gets them, and what a server that misbehaves does to a call, which is nothing.

use std::fs;

use serde_json::{Value, json};
use zato_sso::config::Loader;
use zato_sso::domain::{Edit, NewUser, UserUpdate};
use zato_sso::ops::{Actor, Sso};

use crate::smtp::{Manner, SmtpServer, token_in};
use crate::support::{Kind, World, any_rows, config, ctx, new_user};

on_both_databases! {
    an_email_says_who_it_is_from_and_what_it_is_about;
    a_domain_of_other_letters_is_written_in_ascii;
    templates_of_a_folder_override_the_built_in_ones;
    a_dead_server_holds_up_no_call_and_no_closing;
    a_server_that_refuses_for_now_is_asked_again;
    a_server_that_refuses_for_good_is_not_asked_again;
    without_a_server_the_log_says_that_nothing_is_sent;
    a_link_that_nothing_sends_is_not_waited_for;
    a_name_in_an_email_is_no_link;
}

const ADDRESS: &str = "planted@example.com";

/// A database whose emails go to this server, and the path of its audit log. The user is there.
async fn world(kind: Kind, server: Option<&SmtpServer>, more: Value) -> (World, std::path::PathBuf) {
    let log = tempfile::tempdir().unwrap().keep().join("audit.jsonl");
    let mut all = json!({
        "audit.file": log.to_str().unwrap(),
        "smtp.url": server.map_or("", |server| &server.url),
        "password_reset.email_from": "Sign-on <sso@example.com>",
        "main.site_name": "Example & Co",
    });
    all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let world = World::with(kind, all).await;
    let new = NewUser { email: Some(ADDRESS.to_owned()), ..new_user("user1") };
    world.sso.create_user(&ctx(), Actor::Trusted(None), new, true).await.unwrap();
    (world, log)
}

async fn ask(world: &World) {
    world.sso.create_reset_token(&ctx(), "user1", None).await.unwrap();
}

/// What the log says became of emails: result, and attempts, error or the reason for not sending.
fn told(log: &std::path::Path) -> Vec<String> {
    let text = fs::read_to_string(log).unwrap();
    assert!(!text.contains("planted"), "{text}");
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let of_email = lines.filter(|line| line["op"] == "email.send");
    of_email
        .map(|line| {
            assert_eq!(line["extra"]["template"], "password-reset-link");
            let extra = ["attempts", "error", "not_sent"]
                .map(|name| line["extra"][name].as_str().unwrap_or_default());
            format!("{} {}", line["result"].as_str().unwrap(), extra.join(" ").trim())
        })
        .collect()
}

async fn until_told(log: &std::path::Path, count: usize) -> Vec<String> {
    while told(log).len() < count {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    told(log)
}

async fn an_email_says_who_it_is_from_and_what_it_is_about(kind: Kind) {
    let server = SmtpServer::new(Manner::Kind).await;
    let (world, log) =
        world(kind, Some(&server), json!({"password_reset.url": "https://example.com/reset"})).await;
    ask(&world).await;
    let email = server.email(1).await;
    for expected in [
        "From: Sign-on <sso@example.com>\n",
        "To: planted@example.com\n",
        "Subject: A new password for Example & Co\n",
        "Date: Wed, 25 Feb 2026 12:00:00 +0000\n",
        "Auto-Submitted: auto-generated\n",
        "Content-Type: text/plain; charset=utf-8\n",
        "Hello user1,\n",
        "\nhttps://example.com/reset?token=",
    ] {
        assert!(email.contains(expected), "{expected} is not in {email}");
    }
    assert_eq!(until_told(&log, 1).await, ["ok 1"]);
}

async fn templates_of_a_folder_override_the_built_in_ones(kind: Kind) {
    let server = SmtpServer::new(Manner::Kind).await;
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("password-reset-link.txt"), "Subject: Text\n\n{{token}}\n").unwrap();
    fs::write(folder.path().join("password-reset-link.html"), "<b>{{site_name}}</b>").unwrap();
    let more = json!({
        "email.templates": folder.path().to_str().unwrap(),
        "password_reset.email_title.en_GB": "Title of {{username}}",
    });
    let (world, _) = world(kind, Some(&server), more).await;
    ask(&world).await;
    let email = server.email(1).await;
    // A title is not a template.
    assert!(email.contains("Subject: Title of {{username}}\n"), "{email}");
    assert!(email.contains("Content-Type: multipart/alternative;"), "{email}");
    assert!(email.contains("<b>Example &amp; Co</b>"), "{email}");
    token_in(&email);

    fs::write(folder.path().join("signup-welcome.txt"), "{{password}}").unwrap();
    let all = json!({"email.templates": folder.path().to_str().unwrap()});
    let error = Sso::open(config(&world.db.url, all)).await.unwrap_err().to_string();
    assert!(
        error.starts_with("email.templates: ") && error.contains("signup-welcome.txt: line 1"),
        "{error}"
    );
}

async fn a_dead_server_holds_up_no_call_and_no_closing(kind: Kind) {
    let server = SmtpServer::new(Manner::Dead).await;
    let (world, log) = world(kind, Some(&server), json!({})).await;
    for _ in 0..20 {
        ask(&world).await;
    }
    assert!(told(&log).iter().all(|line| line == "ok one is waiting"));
    let start = std::time::Instant::now();
    world.sso.close().await;
    assert!(start.elapsed() < std::time::Duration::from_secs(6));
    // Nothing is lost by that.
    assert_eq!(any_rows(&world, "SELECT kind FROM sso_outbox").await, [b"password-reset-link".to_vec()]);
}

async fn a_server_that_refuses_for_now_is_asked_again(kind: Kind) {
    let server = SmtpServer::new(Manner::Refusing("451 busy", 1)).await;
    let (world, log) = world(kind, Some(&server), json!({})).await;
    ask(&world).await;
    let email = server.email(1).await;
    world.sso.access_reset_token(&ctx(), &token_in(&email).as_str().into(), None).await.unwrap();
    assert_eq!(until_told(&log, 1).await, ["ok 2"]);
}

async fn a_server_that_refuses_for_good_is_not_asked_again(kind: Kind) {
    let server = SmtpServer::new(Manner::Refusing("550 no such user", usize::MAX)).await;
    let (world, log) = world(kind, Some(&server), json!({})).await;
    ask(&world).await;
    assert_eq!(until_told(&log, 1).await, ["E008004 1 given up: the server answered 550"]);
    world.sso.close().await;
    assert_eq!((server.refused(), server.received().len()), (1, 0));
}

async fn without_a_server_the_log_says_that_nothing_is_sent(kind: Kind) {
    let (world, log) = world(kind, None, json!({})).await;
    ask(&world).await;
    ask(&world).await;
    assert_eq!(told(&log), ["E008004 not sent: smtp.url is not set, and no email is sent"]);
    assert!(any_rows(&world, "SELECT kind FROM sso_outbox").await.is_empty());
}

/// A configuration error is one line that names the key, and never holds the password.
#[tokio::test]
async fn a_server_or_sender_that_cannot_be_is_found_at_opening() {
    let error = Loader::new().argument("smtp.url", "smtp://u:hunter2@host?tls=maybe").load().unwrap_err();
    assert_eq!(error.to_string(), "argument: smtp.url has a tls that is none of starttls, wrapper, none");
    let all = json!({"smtp.url": "smtp://u:hunter2@localhost", "password_reset.email_from": "a@b@c"});
    let error = Loader::new().arguments(all).load().unwrap_err();
    assert_eq!(error.to_string(), "argument: password_reset.email_from must be an email address");
}

async fn a_domain_of_other_letters_is_written_in_ascii(kind: Kind) {
    // The server does not know SMTPUTF8.
    let server = SmtpServer::new(Manner::Kind).await;
    let more = json!({"password_reset.email_from": "Zö <sso@bücher.example>"});
    let (world, _) = world(kind, Some(&server), more).await;
    let new = NewUser { email: Some("ann@bücher.example".to_owned()), ..new_user("user2") };
    world.sso.create_user(&ctx(), Actor::Trusted(None), new, true).await.unwrap();
    world.sso.create_reset_token(&ctx(), "user2", None).await.unwrap();
    let email = server.email(1).await;
    assert!(email.contains("To: ann@xn--bcher-kva.example\n"), "{email}");
    assert!(email.contains("<sso@xn--bcher-kva.example>\n"), "{email}");
}

async fn a_link_that_nothing_sends_is_not_waited_for(kind: Kind) {
    let world = World::with(kind, json!({"email.confirm_change": true})).await;
    let warnings = world.sso.warnings().join("\n");
    assert!(warnings.contains("email.confirm_change is true, but nothing sends emails"), "{warnings}");
    world.user("user1").await;
    let ust = world.login("user1").await.ust;
    let update = UserUpdate { email: Edit::Set("new@example.com".to_owned()), ..UserUpdate::default() };
    world.sso.update_current_user(&ctx(), &ust, update).await.unwrap();
    let user = world.sso.get_current_user(&ctx(), &ust, false).await.unwrap().user;
    assert_eq!(user.email.as_deref(), Some("new@example.com"));
    let server = SmtpServer::new(Manner::Kind).await;
    let able = world.reopened(json!({"email.confirm_change": true, "smtp.url": server.url})).await;
    assert!(!able.warnings().join("\n").contains("confirm_change"));
}

async fn a_name_in_an_email_is_no_link(kind: Kind) {
    let server = SmtpServer::new(Manner::Kind).await;
    let world = World::with(kind, json!({"smtp.url": server.url})).await;
    let new = NewUser { email: Some("ann@example.com".to_owned()), ..new_user("www.evil.example/x") };
    world.sso.create_user(&ctx(), Actor::Trusted(None), new, true).await.unwrap();
    world.sso.create_reset_token(&ctx(), "www.evil.example/x", None).await.unwrap();
    let email = server.email(1).await;
    assert!(!email.contains("www.evil") && !email.contains("evil.example"), "{email}");
    world.sso.close().await;
}
