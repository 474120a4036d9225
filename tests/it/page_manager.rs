//! The pages for members of groups that may manage users, and what all pages have in common: a request is authenticated, and
//! counted, once.

use serde_json::json;
use zato_sso::domain::{Code, Edit, GroupUpdate, UserUpdate};
use zato_sso::ops::Actor;

use crate::page::Browser;
use crate::smtp::{Manner, SmtpServer};
use crate::support::{Kind, PASSWORD, any_rows, credentials, ctx, new_site, new_user, refusal};

on_both_databases! {
    a_member_who_may_manage_users_decides_about_users_and_sees_nothing_else;
    a_member_neither_sees_nor_changes_super_users;
    a_second_factor_is_asked_of_members_too;
    a_link_for_a_new_password_is_sent_in_the_name_of_who_asks;
    sites_are_looked_at_by_name;
    a_page_counts_as_one_request;
}

/// Makes a user who may manage others, and signs in.
async fn manager(browser: &mut Browser) {
    let world = &browser.server.world;
    let user = world.user("manager1").await;
    let rights = GroupUpdate {
        name: Edit::Set("managers".to_owned()),
        can_manage_users: Edit::Set(true),
        ..GroupUpdate::default()
    };
    world.sso.create_group(&ctx(), Actor::Trusted(None), rights).await.unwrap();
    let user_id = user.user_id.as_str();
    world.sso.add_group_member(&ctx(), Actor::Trusted(None), "managers", user_id).await.unwrap();
    browser.sign_in("manager1");
}

async fn a_member_who_may_manage_users_decides_about_users_and_sees_nothing_else(kind: Kind) {
    let mut browser = Browser::new(kind).await;
    browser.server.world.super_user("admin1").await;
    let user = browser.server.world.user("user1").await;
    manager(&mut browser).await;
    browser.get("/account").shows(200, "Administration");
    let page = browser.get("/admin");
    page.shows(200, "user1");
    assert!(!page.text().contains("admin1") && !page.body.contains("admin/sites"), "{}", page.text());
    for path in ["/admin/sites", "/admin/groups", "/admin/group/zgrp1"] {
        browser.get(path).shows(403, "This cannot be done");
    }
    let path = format!("/admin/user/{}", user.user_id.as_str());
    let page = browser.get(&path);
    page.shows(200, "user1");
    for hidden in ["creation_ctx", "rate_limit", "value=\"delete\"", "group-add", "end-session", "Attributes"]
    {
        assert!(!page.body.contains(hidden), "{hidden}");
    }
    // Passkeys are theirs to remove.
    page.shows(200, "Passkeys None");
    for path in ["/admin/clients", "/admin/clients/new", "/admin/definitions", "/admin/keys", "/admin/health"]
    {
        browser.get(path).shows(403, "This cannot be done");
    }
    let sso = browser.server.world.sso.clone();
    let login = async || sso.login(&ctx(), credentials("user1", PASSWORD)).await;
    let mut act = |action: &str| {
        let answer = browser.submit(&path, &[("action", action)]);
        (answer.status, answer.header("location").unwrap_or_default().to_owned())
    };
    for (action, done) in
        [("lock", "locked"), ("unlock", "unlocked"), ("reject", "rejected"), ("approve", "approved")]
    {
        assert_eq!(act(action), (303, format!("../..{path}?done={done}")));
        let expected = match action {
            "lock" => Some(Code::AuthLocked),
            "reject" => Some(Code::AuthNotApproved),
            _ => None,
        };
        assert_eq!(login().await.err().map(|error| error.code()), expected, "{action}");
    }
    for action in ["delete", "totp-off", "end-sessions", "group-add"] {
        assert_eq!(act(action).0, 422, "{action}");
    }
    login().await.unwrap();
    let rows = any_rows(
        &browser.server.world,
        "SELECT u.username FROM sso_audit a JOIN sso_user u ON u.user_id = a.actor_id WHERE a.op = 'user.lock'",
    );
    assert_eq!(rows.await, [b"manager1".to_vec()]);
}

async fn a_member_neither_sees_nor_changes_super_users(kind: Kind) {
    let mut browser = Browser::new(kind).await;
    let admin = browser.server.world.super_user("admin1").await;
    manager(&mut browser).await;
    let path = format!("/admin/user/{}", admin.user_id.as_str());
    let page = browser.get(&path);
    page.shows(422, "not allowed");
    assert!(!page.body.contains("admin1"));
    let form_token = browser.get("/account").input("form_token");
    for action in ["lock", "reject", "reset", "delete"] {
        let page = browser.post(&path, &form_token, &[("action", action)]);
        page.shows(422, "not allowed");
        assert!(!page.body.contains("admin1"));
    }
    browser.server.world.login("admin1").await;
    let page = browser.get("/admin?list=super-users");
    page.shows(200, "No users were found.");
    // Without the right, nothing is left of it.
    browser.server.world.user("user1").await;
    browser.cookies.clear();
    browser.sign_in("user1");
    browser.get("/admin").shows(403, "This cannot be done");
}

async fn a_second_factor_is_asked_of_members_too(kind: Kind) {
    let mut browser = Browser::with(kind, json!({"admin.require_second_factor": true})).await;
    manager(&mut browser).await;
    assert_eq!(browser.get("/admin").location(), "./account/two-factor?done=second-factor");
}

async fn a_link_for_a_new_password_is_sent_in_the_name_of_who_asks(kind: Kind) {
    let smtp = SmtpServer::new(Manner::Kind).await;
    let settings = json!({
        "smtp.url": smtp.url,
        "password_reset.email_from": "sso@example.com",
        "pages.is_active": true,
        "pages.url": "https://sso.example",
        // The user may come from elsewhere alone.
        "user_address_list": {"user1": ["10.0.0.0/8"]},
    });
    let mut browser = Browser::with(kind, settings).await;
    let mut new = new_user("user1");
    new.email = Some("user1@example.com".to_owned());
    let user = browser.server.world.sso.create_user(&ctx(), Actor::Trusted(None), new, true).await.unwrap();
    manager(&mut browser).await;
    let path = format!("/admin/user/{}", user.user_id.as_str());
    assert!(browser.submit(&path, &[("action", "reset")]).location().ends_with("?done=reset"));
    assert!(smtp.email(1).await.contains("https://sso.example/password/reset#token="));
    let rows = any_rows(
        &browser.server.world,
        "SELECT u.username || ' ' || v.username FROM sso_audit a JOIN sso_user u ON u.user_id = a.actor_id \
         JOIN sso_user v ON v.user_id = a.target_id WHERE a.op = 'password_reset.send' AND a.result = 'ok'",
    );
    assert_eq!(rows.await, [b"manager1 user1".to_vec()]);
    let sso = browser.server.world.sso.clone();
    let send = async |user_id: &str| {
        let actor = Actor::Trusted(None);
        sso.send_reset_token(&ctx(), actor, user_id, None).await
    };
    let id = user.user_id.as_str();
    sso.lock_user(&ctx(), Actor::Trusted(None), id).await.unwrap();
    assert_eq!(refusal(send(id).await), Code::AuthLocked);
    sso.unlock_user(&ctx(), Actor::Trusted(None), id).await.unwrap();
    sso.reject_user(&ctx(), Actor::Trusted(None), id).await.unwrap();
    assert_eq!(refusal(send(id).await), Code::AuthNotApproved);
    let without = browser.server.world.user("user2").await;
    assert_eq!(refusal(send(without.user_id.as_str()).await), Code::EmailMissing);
}

async fn sites_are_looked_at_by_name(kind: Kind) {
    let mut browser = Browser::new(kind).await;
    browser.server.world.super_user("admin1").await;
    let site = new_site("shop", &["https://shop.example/callback"]);
    browser.server.world.sso.create_site(&ctx(), site).await.unwrap();
    browser.sign_in("admin1");
    browser.get("/admin/sites").shows(200, "shop");
    let rows = any_rows(
        &browser.server.world,
        "SELECT u.username FROM sso_audit a JOIN sso_user u ON u.user_id = a.actor_id WHERE a.op = 'site.list'",
    );
    assert_eq!(rows.await, [b"admin1".to_vec()]);
    let sso = &browser.server.world.sso;
    sso.list_sites(&ctx(), Actor::Trusted(None)).await.unwrap();
    let user = browser.server.world.user("user1").await;
    let ust = browser.server.world.login(&user.username).await.ust;
    assert_eq!(refusal(sso.list_sites(&ctx(), &ust).await), Code::AuthNotAllowed);
}

async fn a_page_counts_as_one_request(kind: Kind) {
    let mut browser = Browser::new(kind).await;
    let admin = browser.server.world.super_user("admin1").await;
    browser.sign_in("admin1");
    let update = UserUpdate {
        is_rate_limit_active: Edit::Set(true),
        rate_limit_def: Edit::Set("*=5/h".to_owned()),
        ..UserUpdate::default()
    };
    let id = admin.user_id.as_str();
    browser.server.world.sso.update_user_by_id(&ctx(), Actor::Trusted(None), id, update).await.unwrap();
    // Each of them asks more than one operation.
    for path in ["/admin", &format!("/admin/user/{id}"), "/admin/sites", "/account/sessions", "/account"] {
        assert_eq!(browser.get(path).status, 200, "{path}");
    }
    assert_eq!(browser.get("/account").status, 429);
}
