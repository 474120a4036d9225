//! The pages for super-users: who may come, what they find, and what they do.

use serde_json::json;
use zato_sso::domain::{Code, SignUpStatus};
use zato_sso::ops::Actor;

use crate::authenticator::Authenticator;
use crate::login::{totp_code, totp_user};
use crate::page::{Browser, Seen, unescaped};
use crate::passkey::register;
use crate::support::{Kind, PASSWORD, any_rows, credentials, ctx, new_site, new_user, refusal};

on_both_databases! {
    only_super_users_come_in;
    a_second_factor_is_asked_for_where_configuration_does;
    a_session_without_the_second_factor_administers_nothing;
    users_are_found_page_by_page;
    a_super_user_decides_about_a_user;
    what_is_risky_asks_who_it_is;
    sites_are_listed_without_their_keys;
    a_super_user_makes_fills_and_deletes_a_group;
    a_group_that_is_refused_keeps_what_was_typed;
    a_group_is_given_and_taken_on_the_page_of_a_user;
    rights_are_given_by_a_fresh_login_alone;
    members_of_a_large_group_are_seen_page_by_page;
    the_audit_is_read_by_what_it_is_about;
    who_may_read_the_audit_sees_that_and_nothing_else;
}

const PAGES: [&str; 12] = [
    "/admin/audit",
    "/admin",
    "/admin/sites",
    "/admin/user/zusr1",
    "/admin/groups",
    "/admin/group/zgrp1",
    "/admin/clients",
    "/admin/clients/new",
    "/admin/client/zcli1",
    "/admin/definitions",
    "/admin/keys",
    "/admin/health",
];

async fn only_super_users_come_in(kind: Kind) {
    let mut browser = Browser::new(kind).await;
    let user = browser.server.world.user("user1").await;
    for path in PAGES {
        assert!(browser.get(path).location().contains("login?next=admin"), "{path}");
    }
    browser.sign_in("user1");
    let page = browser.get("/account");
    assert!(!page.text().contains("Administration"));
    let form_token = page.input("form_token");
    for path in PAGES {
        browser.get(path).shows(403, "This cannot be done");
    }
    let path = format!("/admin/user/{}", user.user_id.as_str());
    browser.get(&path).shows(403, "This cannot be done");
    for action in ["approve", "lock", "delete", "reset", "end-sessions"] {
        browser.post(&path, &form_token, &[("action", action)]).shows(403, "This cannot be done");
    }
    browser.get("/account").shows(200, "user1");
}

async fn a_second_factor_is_asked_for_where_configuration_does(kind: Kind) {
    let mut browser = Browser::with(kind, json!({"admin.require_second_factor": true})).await;
    browser.server.world.super_user("admin1").await;
    browser.sign_in("admin1");
    assert_eq!(browser.get("/admin").location(), "./account/two-factor?done=second-factor");
    browser.get("/account/two-factor?done=second-factor").shows(200, "to use the administration");
    let form_token = browser.get("/account").input("form_token");
    assert_eq!(browser.post("/admin/user/x", &form_token, &[("action", "lock")]).status, 303);

    totp_user(&browser.server.world).await;
    let sso = browser.server.world.sso.clone();
    let user = sso.get_user_by_username(&ctx(), "totp1", false).await.unwrap().unwrap();
    let update = zato_sso::domain::UserUpdate {
        is_super_user: zato_sso::domain::Edit::Set(true),
        ..Default::default()
    };
    sso.update_user_by_id(&ctx(), Actor::Trusted(None), user.user.user_id.as_str(), update).await.unwrap();
    browser.cookies.clear();
    browser.submit("/login", &[("username", "totp1"), ("password", PASSWORD)]).location();
    browser.submit("/login/code", &[("totp_code", &totp_code(0))]).location();
    browser.get("/admin").shows(200, "Users");
}

async fn a_session_without_the_second_factor_administers_nothing(kind: Kind) {
    let mut browser = Browser::new(kind).await;
    browser.server.world.super_user("admin1").await;
    browser.sign_in("admin1");
    browser.get("/admin").shows(200, "Users");
    let sso = browser.server.world.sso.clone();
    let ust = browser.server.world.login("admin1").await.ust;
    let mut key = Authenticator::new(-7);
    register(&sso, &ust, &mut key).await;
    // From now on there is one, and it was not shown.
    assert_eq!(browser.get("/admin/groups").location(), "../login?again=2&next=admin/groups");
    let fields = [("username", "admin1"), ("password", PASSWORD), ("again", "2"), ("next", "admin/groups")];
    let asked = browser.submit("/login?again=2&next=admin/groups", &fields);
    assert_eq!(asked.location(), "./login/code?next=admin%2Fgroups");
    let token = browser.get("/login/code").input("form_token");
    let options = browser.post("/login/code/passkey/options", &token, &[("username", "admin1")]);
    let answer = key.login(&serde_json::from_str(&options.body).unwrap()).to_string();
    browser.post("/login/code/passkey", &token, &[("response", &answer)]).location();
    browser.get("/admin/groups").shows(200, "Groups");
    let mut lenient = Browser::with(kind, json!({"admin.require_second_factor": false})).await;
    lenient.server.world.super_user("admin1").await;
    lenient.sign_in("admin1");
    let ust = lenient.server.world.login("admin1").await.ust;
    register(&lenient.server.world.sso, &ust, &mut Authenticator::new(-7)).await;
    lenient.get("/admin").shows(200, "Users");
}

async fn users_are_found_page_by_page(kind: Kind) {
    let mut browser = Browser::with(kind, json!({"search.default_page_size": 2})).await;
    browser.server.world.super_user("admin1").await;
    for name in ["ann", "anna", "bob", "joanna"] {
        let mut new = new_user(name);
        new.email = Some(format!("{name}@example.com"));
        if name == "bob" {
            new.sign_up_status = Some(SignUpStatus::ToApprove);
        }
        let is_approved = name != "bob";
        browser.server.world.clock.advance_seconds(1);
        browser.server.world.sso.create_user(&ctx(), Actor::Trusted(None), new, is_approved).await.unwrap();
    }
    browser.sign_in("admin1");
    let page = browser.get("/admin?q=ann&list=all");
    page.shows(200, "3 users");
    assert!(!page.text().contains("joanna") && !page.text().contains("First page"), "{}", page.text());
    let next = |page: &Seen| {
        let link = page.body.split("\" rel=\"next\"").next().unwrap().rsplit("href=\"").next().unwrap();
        unescaped(link)
    };
    let page = browser.get(&format!("/admin{}", next(&page)));
    page.shows(200, "joanna");
    assert!(page.text().contains("3 users") && !page.body.contains("rel=\"next\""), "{}", page.text());
    let first = page.body.split("\">First page").next().unwrap().rsplit("href=\"").next().unwrap();
    assert_eq!(unescaped(first), "?q=ann&list=all");
    let page = browser.get("/admin?order=newest");
    page.shows(200, "5 users");
    assert!(page.text().contains("joanna"), "{}", page.text());
    browser.get(&format!("/admin{}", next(&page))).shows(200, "anna");
    let page = browser.get("/admin?q=anna%40example.com");
    page.shows(200, "1 user");
    assert!(page.text().contains("anna@example.com"));
    browser.get("/admin?q=nobody").shows(200, "No users were found.");
    browser.get("/admin?list=waiting").shows(200, "bob");
    browser
        .get("/admin?list=locked&group=x&from=2020-01-01&until=2020-01-01&since=")
        .shows(200, "No users were found.");
    browser.get("/admin?from=yesterday").shows(422, "This cannot be used here.");
    for query in [
        "q=%22%3E%3Cscript%3E",
        "after=x&order=newest",
        "after=%00",
        "after=%22%3E%3Cscript%3E",
        "from=99999-01-01",
        "list=%00",
        "q=%00",
        "group=%00",
    ] {
        let page = browser.get(&format!("/admin?{query}"));
        assert!(matches!(page.status, 200 | 422), "{query}: {}", page.status);
        assert!(!page.body.contains("\"><script>"), "{query}");
    }
}

async fn a_super_user_decides_about_a_user(kind: Kind) {
    let mut browser = Browser::new(kind).await;
    browser.server.world.super_user("admin1").await;
    let user = browser.server.world.user("user1").await;
    let path = format!("/admin/user/{}", user.user_id.as_str());
    let ust = browser.server.world.login("user1").await.ust;
    browser.sign_in("admin1");
    let page = browser.get(&path);
    page.shows(200, "user1");
    assert!(!page.body.contains("zust"));
    let act = |browser: &mut Browser, action: &str| {
        let answer = browser.submit(&path, &[("action", action)]);
        answer.location().to_owned()
    };
    let back = format!("../../admin/user/{}", user.user_id.as_str());
    let sso = browser.server.world.sso.clone();
    let login = async || sso.login(&ctx(), credentials("user1", PASSWORD)).await;
    assert_eq!(act(&mut browser, "end-sessions"), format!("{back}?done=session"));
    refusal(sso.get_current_session(&ctx(), &ust).await);
    assert_eq!(act(&mut browser, "lock"), format!("{back}?done=locked"));
    assert_eq!(refusal(login().await), Code::AuthLocked);
    assert_eq!(act(&mut browser, "unlock"), format!("{back}?done=unlocked"));
    assert_eq!(act(&mut browser, "reject"), format!("{back}?done=rejected"));
    assert_eq!(refusal(login().await), Code::AuthNotApproved);
    assert_eq!(act(&mut browser, "approve"), format!("{back}?done=approved"));
    login().await.unwrap();
    assert_eq!(act(&mut browser, "nonsense"), back);
    // It is in the audit log by name.
    let rows = any_rows(&browser.server.world, "SELECT op FROM sso_audit WHERE op LIKE 'user.lock%'").await;
    assert_eq!(rows.len(), 1);
    assert_eq!(act(&mut browser, "delete"), "../../admin?done=deleted");
    browser.get(&path).shows(422, "There is no such user.");
}

async fn what_is_risky_asks_who_it_is(kind: Kind) {
    let mut browser = Browser::new(kind).await;
    browser.server.world.super_user("admin1").await;
    let user = browser.server.world.user("user1").await;
    let path = format!("/admin/user/{}", user.user_id.as_str());
    browser.sign_in("admin1");
    browser.server.world.clock.advance_seconds(11 * 60);
    let answer = browser.submit(&path, &[("action", "delete")]);
    assert_eq!(answer.location(), format!("../../login?again=1&next={}", &path[1..]));
    browser.submit(&path, &[("action", "lock")]).location();
}

async fn sites_are_listed_without_their_keys(kind: Kind) {
    let mut browser = Browser::new(kind).await;
    browser.server.world.super_user("admin1").await;
    let site = new_site("shop", &["https://shop.example/callback"]);
    let made = browser.server.world.sso.create_site(&ctx(), site).await.unwrap();
    browser.sign_in("admin1");
    let page = browser.get("/admin/sites");
    page.shows(200, "https://shop.example/callback");
    assert!(page.text().contains("shop") && !page.body.contains(made.private_key.expose()));
}

/// Makes a group by the page; its path.
fn new_group(browser: &mut Browser, fields: &[(&str, &str)]) -> String {
    let answer = browser.submit("/admin/groups", fields);
    let path = answer.location().strip_prefix("../admin/group/").unwrap();
    let (group_id, done) = path.split_once('?').unwrap();
    assert_eq!(done, "done=group-created");
    format!("/admin/group/{group_id}")
}

async fn a_super_user_makes_fills_and_deletes_a_group(kind: Kind) {
    let mut browser = Browser::new(kind).await;
    let admin = browser.server.world.super_user("admin1").await;
    let user = browser.server.world.user("user1").await;
    browser.sign_in("admin1");
    browser.get("/admin/groups").shows(200, "There are no groups yet.");
    let fields = [
        ("name", "sales"),
        ("display_name", "Sales & more"),
        ("description", "Who sells.\nAnd who helps."),
        ("scopes", " orders:write  orders:read "),
        ("can_manage_users", "1"),
    ];
    let path = new_group(&mut browser, &fields);
    let sso = browser.server.world.sso.clone();
    let group = sso.get_group(&ctx(), Actor::Trusted(None), "sales").await.unwrap();
    assert_eq!(group.display_name.as_deref(), Some("Sales & more"));
    assert_eq!(group.description.as_deref(), Some("Who sells.\nAnd who helps."));
    assert_eq!(group.scopes, ["orders:read", "orders:write"]);
    assert!(group.can_manage_users && !group.can_read_audit);
    browser.get("/admin/groups").shows(200, "Sales & more 0 Manage users");

    let page = browser.get(&path);
    assert_eq!(
        (page.input("name"), page.input("scopes")),
        ("sales".to_owned(), "orders:read orders:write".to_owned())
    );
    assert!(page.body.contains("rows=\"3\">\nWho sells.\nAnd who helps.</textarea>"), "{}", page.body);
    assert!(page.body.contains("name=\"can_manage_users\" value=\"1\" checked"));
    let save = [("action", "save"), ("name", "sales2"), ("can_read_audit", "1")];
    assert!(browser.submit(&path, &save).location().ends_with("?done=group-saved"));
    let group = sso.get_group(&ctx(), Actor::Trusted(None), "sales2").await.unwrap();
    assert_eq!((group.display_name, group.description, group.scopes.len()), (None, None, 0));
    assert!(!group.can_manage_users && group.can_read_audit);

    let add = [("action", "add"), ("username", "user1")];
    assert!(browser.submit(&path, &add).location().ends_with("?done=member-added"));
    let groups = async || {
        let user = sso.get_user_by_username(&ctx(), "user1", false).await.unwrap().unwrap();
        user.user.groups.clone()
    };
    assert_eq!(groups().await, ["sales2"]);
    browser.get(&path).shows(200, "1 member user1");
    let page = browser.submit(&path, &[("action", "add"), ("username", "nobody")]);
    page.shows(422, "There is no such user.");
    assert!(page.body.contains("id=\"username-error\"") && page.input("username") == "nobody");
    assert_eq!(page.input("name"), "sales2");
    let remove = [("action", "remove"), ("user_id", user.user_id.as_str())];
    assert!(browser.submit(&path, &remove).location().ends_with("?done=member-removed"));
    assert!(groups().await.is_empty());
    assert_eq!(browser.submit(&path, &[("action", "nonsense")]).location(), format!("../..{path}"));

    let answer = browser.submit(&path, &[("action", "delete")]);
    assert_eq!(answer.location(), "../../admin/groups?done=group-deleted");
    browser.get("/admin/groups?done=group-deleted").shows(200, "There are no groups yet.");
    browser.get(&path).shows(422, "There is no such group.");
    // All of it is in the audit by name.
    let sql = format!(
        "SELECT op FROM sso_audit WHERE op LIKE 'group.%' AND op NOT LIKE 'group.get%' AND actor_id = '{}' \
         AND result = 'ok' ORDER BY audit_id",
        admin.user_id.as_str()
    );
    let rows = any_rows(&browser.server.world, &sql).await;
    assert_eq!(rows.len(), 5, "{rows:?}");
}

async fn a_group_that_is_refused_keeps_what_was_typed(kind: Kind) {
    let mut browser = Browser::new(kind).await;
    browser.server.world.super_user("admin1").await;
    browser.sign_in("admin1");
    let path = new_group(&mut browser, &[("name", "sales")]);
    for (fields, field, said) in [
        ([("name", "SALES"), ("scopes", "a b")], "name", "There is a group of this name already."),
        ([("name", ""), ("scopes", "a b")], "name", "Fill in what is missing."),
        ([("name", "other"), ("scopes", "\u{e4}")], "scopes", "This cannot be used here."),
    ] {
        let page = browser.submit("/admin/groups", &fields);
        page.shows(422, said);
        assert!(page.body.contains(&format!("id=\"{field}-error\"")), "{}", page.body);
        assert_eq!(
            (page.input("name"), page.input("scopes")),
            (fields[0].1.to_owned(), fields[1].1.to_owned())
        );
        let page = browser.submit(&path, &[("action", "save"), fields[0], ("scopes", "\u{e4}")]);
        assert_eq!((page.status, page.input("name")), (422, fields[0].1.to_owned()));
    }
}

async fn a_group_is_given_and_taken_on_the_page_of_a_user(kind: Kind) {
    let mut browser = Browser::new(kind).await;
    browser.server.world.super_user("admin1").await;
    let user = browser.server.world.user("user1").await;
    browser.sign_in("admin1");
    new_group(&mut browser, &[("name", "Sales of <all>")]);
    let path = format!("/admin/user/{}", user.user_id.as_str());
    let add = [("action", "group-add"), ("group", " sales of <ALL> ")];
    assert!(browser.submit(&path, &add).location().ends_with("?done=member-added"));
    browser.get(&path).shows(200, "Groups Sales of <all> Remove");
    let page = browser.submit(&path, &[("action", "group-add"), ("group", "other")]);
    page.shows(422, "There is no such group.");
    assert!(page.body.contains("id=\"group-error\""), "{}", page.body);
    browser.submit(&path, &[("action", "group-add"), ("group", "")]).shows(422, "There is no such group.");
    let remove = [("action", "group-remove"), ("group", "Sales of <all>")];
    assert!(browser.submit(&path, &remove).location().ends_with("?done=member-removed"));
    browser.get(&path).shows(200, "Groups None");
}

async fn rights_are_given_by_a_fresh_login_alone(kind: Kind) {
    let mut browser = Browser::new(kind).await;
    browser.server.world.super_user("admin1").await;
    browser.sign_in("admin1");
    browser.server.world.clock.advance_seconds(11 * 60);
    let answer = browser.submit("/admin/groups", &[("name", "managers"), ("can_manage_users", "1")]);
    assert_eq!(answer.location(), "../login?again=1&next=admin/groups");
    new_group(&mut browser, &[("name", "readers")]);
}

async fn members_of_a_large_group_are_seen_page_by_page(kind: Kind) {
    let mut browser = Browser::new(kind).await;
    browser.server.world.super_user("admin1").await;
    browser.sign_in("admin1");
    let path = new_group(&mut browser, &[("name", "all")]);
    let sso = browser.server.world.sso.clone();
    for number in 0..101 {
        let mut new = new_user(&format!("user{number}"));
        new.password = None;
        let user = sso.create_user(&ctx(), Actor::Trusted(None), new, true).await.unwrap();
        sso.add_group_member(&ctx(), Actor::Trusted(None), "all", user.user_id.as_str()).await.unwrap();
    }
    let page = browser.get(&path);
    page.shows(200, "101 members");
    let count = |page: &Seen| page.body.matches("admin/user/zusr").count();
    assert_eq!(count(&page), 100);
    let next = page.body.split("\" rel=\"next\"").next().unwrap().rsplit("href=\"").next().unwrap();
    assert_eq!(count(&browser.get(&format!("{path}{next}"))), 1);
    browser.get(&format!("{path}?after=x")).shows(422, "There is no such user.");
}

async fn the_audit_is_read_by_what_it_is_about(kind: Kind) {
    let mut browser = Browser::new(kind).await;
    let world = &browser.server.world;
    world.super_user("admin1").await;
    let user = world.user("user1").await;
    for _ in 0..60 {
        world.sso.lock_user(&ctx(), Actor::Trusted(None), user.user_id.as_str()).await.unwrap();
    }
    browser.sign_in("admin1");
    let page = browser.get("/admin/audit?op=user.lock&user=user1");
    page.shows(200, "user.lock");
    assert!(page.text().contains("skip_sec") && !page.text().contains("user.create"));
    let next = page.body.split("href=\"?").nth(1).unwrap().split('"').next().unwrap().replace("&amp;", "&");
    let last = browser.get(&format!("/admin/audit?{}", next.replace("&#x2f;", "/")));
    assert_eq!(last.body.matches("<th scope=\"row\">user.lock</th>").count(), 10, "{}", last.body);
    let by_id = format!("/admin/audit?result=ok&op=user.create&user={}", user.user_id.as_str());
    browser.get(&by_id).shows(200, "user.create");
    browser.get("/admin/audit?user=nobody").shows(200, "No entries were found");
    browser.get("/admin/audit?from=yesterday&op=user.lock").shows(422, "This cannot be used here.");
    browser.get("/admin/audit?after=x").shows(422, "This cannot be used here.");
    browser
        .get(&format!("/admin/user/{}", user.user_id.as_str()))
        .shows(200, "All audit entries of this user");
}

async fn who_may_read_the_audit_sees_that_and_nothing_else(kind: Kind) {
    let mut browser = Browser::new(kind).await;
    let world = &browser.server.world;
    let user = world.user("user1").await;
    let readers = zato_sso::domain::GroupUpdate {
        name: zato_sso::domain::Edit::Set("readers".to_owned()),
        can_read_audit: zato_sso::domain::Edit::Set(true),
        ..Default::default()
    };
    world.sso.create_group(&ctx(), Actor::Trusted(None), readers).await.unwrap();
    world.sso.add_group_member(&ctx(), Actor::Trusted(None), "readers", user.user_id.as_str()).await.unwrap();
    browser.sign_in("user1");
    browser.get("/admin/audit").shows(200, "user.login");
    assert!(browser.get("/account").body.contains("admin/audit"));
    for path in PAGES.into_iter().filter(|path| *path != "/admin/audit") {
        browser.get(path).shows(403, "This cannot be done");
    }
}
