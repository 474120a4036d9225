//! What pages look like: the policy that allows their style and script, files of one's own, and every language.

use data_encoding::BASE64;
use serde_json::json;
use zato_sso::config::Loader;
use zato_sso::crypto::token;
use zato_sso::http;
use zato_sso::ops::Sso;

use crate::page::{Browser, Seen};
use crate::support::Kind;

on_both_databases! {
    the_policy_allows_what_stands_in_the_page_by_its_hash;
    a_site_has_its_own_name_picture_colour_style_texts_and_templates;
    every_page_says_something_in_every_language;
}

const LANGUAGES: [&str; 7] = ["en", "de", "fr", "es", "pl", "ja", "ar"];

const ANYBODYS: &[&str] = &[
    "/login",
    "/signup",
    "/signup/done",
    "/signup/resend",
    "/signup/confirm",
    "/email/confirm",
    "/password/forgot",
    "/password/sent",
    "/password/reset",
];

const ONES_OWN: &[&str] = &[
    "/login?again=1",
    "/logout",
    "/account",
    "/account/email",
    "/account/password",
    "/account/two-factor",
    "/account/sessions",
    "/admin",
    "/admin?q=nobody",
    "/admin/sites",
    "/admin/audit",
    "/admin/groups",
    "/account/delete",
];

fn element<'a>(page: &'a Seen, name: &str) -> &'a str {
    let (_, rest) = page.body.split_once(&format!("<{name}>")).unwrap();
    rest.split_once(&format!("</{name}>")).unwrap().0
}

fn assert_allowed(page: &Seen) {
    let policy = page.header("content-security-policy").unwrap();
    for (name, directive) in [("style", "style-src"), ("script", "script-src")] {
        let hash = BASE64.encode(&token::digest(element(page, name)));
        assert!(policy.contains(&format!("{directive} 'sha256-{hash}'")), "{name}: {policy}");
    }
    assert_eq!(page.body.matches("<script").count(), 1);
    assert_eq!(page.body.matches("<style").count(), 1);
}

async fn the_policy_allows_what_stands_in_the_page_by_its_hash(kind: Kind) {
    let mut browser = Browser::with(kind, json!({"pages.accent_color": "#fd0"})).await;
    let page = browser.get("/login");
    assert_allowed(&page);
    assert!(element(&page, "style").contains("--accent:#fd0;--on-accent:#000"));
    // Nothing comes from elsewhere, and nothing is fetched beside the page.
    assert!(!page.body.contains("http://") && !page.body.contains("https://"), "{}", page.body);
    assert!(!page.body.contains(":&#x2f;&#x2f;"), "{}", page.body);
    assert!(!page.body.contains("<link") && !page.body.contains("<img"));
    // A page and all that it needs is small on any line.
    assert!(page.body.len() < 20_000, "{}", page.body.len());
}

async fn a_site_has_its_own_name_picture_colour_style_texts_and_templates(kind: Kind) {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let logo = file("logo.svg", "<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>");
    let css = file("own.css", "body{letter-spacing:.01em}");
    file("en.ftl", "login-title = Come in\n");
    file(
        "logout.html",
        "{% extends \"layout.html\" %}{% block main %}<h1>Bye, {{ user.name }}</h1>{% endblock %}",
    );
    let settings = json!({
        "pages.site_name": "Garden & Co",
        "pages.logo": logo,
        "pages.css": css,
        "pages.templates": folder.path().to_str().unwrap(),
        "pages.terms_url": "https://garden.example/terms",
    });
    let mut browser = Browser::with(kind, settings).await;
    browser.server.world.user("user1").await;
    let page = browser.get("/login");
    page.shows(200, "Come in");
    assert!(page.body.contains("alt=\"Garden &amp; Co\"") && page.body.contains("letter-spacing"));
    assert!(page.body.contains("href=\"https:&#x2f;&#x2f;garden.example&#x2f;terms\""), "{}", page.body);
    assert_allowed(&page);
    let picture = browser.get("/logo");
    assert_eq!((picture.status, picture.header("content-type")), (200, Some("image/svg+xml")));
    // A script in it does not run where it is opened by itself.
    assert!(picture.header("content-security-policy").unwrap().ends_with("sandbox"));
    browser.sign_in("user1");
    browser.get("/logout").shows(200, "Bye, user1");

    // What cannot be used keeps the server from starting, and says why.
    file("logn.html", "");
    let settings = json!({
        "database.url": "sqlite::memory:",
        "audit.file": "off",
        "hash_secret": {"memory_kib": 64, "iterations": 1, "parallelism": 1, "allow_weak": true},
        "pages.templates": folder.path().to_str().unwrap(),
    });
    let sso = Sso::open(Loader::new().arguments(settings).load().unwrap()).await.unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let failed = http::serve(sso, listener, std::future::pending()).await.unwrap_err().to_string();
    assert!(failed.contains("pages.templates") && failed.contains("logn.html"), "{failed}");
}

async fn every_page_says_something_in_every_language(kind: Kind) {
    let settings = json!({"apps.signup_allowed": ["CRM"], "pages.allow_account_deletion": true});
    let mut browser = Browser::with(kind, settings).await;
    let admin = browser.server.world.super_user("admin1").await;
    let one_user = format!("/admin/user/{}", admin.user_id.as_str());
    let mut said = std::collections::BTreeMap::new();
    let mut look = |browser: &mut Browser, path: &str| {
        for language in LANGUAGES {
            let separator = if path.contains('?') { '&' } else { '?' };
            let page = browser.get(&format!("{path}{separator}ui_locales={language}"));
            assert_eq!(page.status, 200, "{path} {language}: {}", page.text());
            assert!(page.body.contains(&format!("<html lang=\"{language}\"")), "{path} {language}");
            let main = page.body.split("<main").nth(1).unwrap().split("</main>").next().unwrap().to_owned();
            // A text that there is not stands there by its id, a value that is not given by its name.
            assert!(!main.contains("{$") && !main.contains("-title<") && !main.contains("-text<"), "{main}");
            let heading = main.split("<h1>").nth(1).unwrap().split("</h1>").next().unwrap().to_owned();
            assert!(!heading.trim().is_empty(), "{path} {language}");
            said.entry(path.to_owned()).or_insert_with(Vec::new).push(heading);
        }
    };
    for path in ANYBODYS {
        look(&mut browser, path);
    }
    browser.sign_in("admin1");
    for path in ONES_OWN {
        look(&mut browser, path);
    }
    look(&mut browser, &one_user);
    for (path, headings) in said {
        let different: std::collections::BTreeSet<&String> = headings.iter().collect();
        // A name is the same in all of them.
        assert!(path == one_user || different.len() >= 6, "{path}: {headings:?}");
    }
}
