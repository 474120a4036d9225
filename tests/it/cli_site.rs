//! The commands about sites.

use serde_json::json;
use zato_sso::domain::Password;
use zato_sso::ops::{Actor, NewSiteSession};

use crate::command::Folder;
use crate::support::{Kind, ctx};

on_both_databases! {
    a_private_key_is_shown_once_and_works;
    sites_are_listed_changed_and_deleted_after_asking;
    a_site_gets_another_private_key;
}

async fn a_private_key_is_shown_once_and_works(kind: Kind) {
    let folder = Folder::with_database(kind).await;
    let world = folder.world().await;
    let done = folder.run("create-site shop");
    let said = done.text();
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines[0], "Created site `shop`");
    let public_key = lines[1].strip_prefix("Public key: ").unwrap();
    let private_key = Password::from(lines[2].strip_prefix("Private key, shown only now: ").unwrap());
    let site = world.sso.authenticate_site(&ctx(), public_key, &private_key).await.unwrap();
    assert!(matches!(site, Actor::Site(site) if site.subdomain == "shop"));

    let said = folder
        .run("--json create-site blog --callback-uri https://b.example/x --callback-uri https://b.example")
        .json();
    assert_eq!(
        said,
        json!({"subdomain": "blog", "public_key": said["public_key"], "private_key": said["private_key"], "is_active": true,
            "is_trusted": false, "creation_time": said["creation_time"], "callback_uris": ["https://b.example/", "https://b.example/x"]})
    );
    let long = folder.run("create-site long --long-key --json").json();
    let (public_key, long_key) =
        (long["public_key"].as_str().unwrap(), long["private_key"].as_str().unwrap());
    assert_eq!(long_key.len(), 43);
    world.sso.authenticate_site(&ctx(), public_key, &Password::from(long_key)).await.unwrap();
    let listed = folder.run("--json list-sites");
    assert!(!listed.stdout.contains(long_key));
    assert!(listed.status == 0 && !listed.stdout.contains(private_key.expose()), "{listed}");
    for (line, expected) in [
        ("create-site shop", "E008001"),
        ("create-site Shop", "E008002"),
        ("create-site other --callback-uri https://b.example/x", "E008001"),
        ("create-site other --callback-uri http://b.example/x", "E008002"),
        ("update-site none", "E008002"),
        ("delete-site none --yes", "E008002"),
        ("delete-site none", "E008002"),
    ] {
        let done = folder.run(line);
        assert!(done.status == 1 && done.stderr.starts_with(&format!("zato-sso: {expected}")), "{done}");
    }
    assert_eq!(folder.run("create-site").status, 2);
}

async fn sites_are_listed_changed_and_deleted_after_asking(kind: Kind) {
    let folder = Folder::with_database(kind).await;
    let world = folder.world().await;
    assert_eq!(folder.run("list-sites").text(), "SUBDOMAIN  PUBLIC KEY  ACTIVE  TRUSTED  CALLBACK URIS\n");
    assert_eq!(folder.run("list-sites --json").json(), json!([]));
    folder.run("create-site shop --callback-uri https://a.example/");
    let updated =
        folder.run("update-site shop --callback-uri https://c.example/ --callback-uri https://b.example/");
    assert_eq!(updated.text(), "Updated site `shop`\n");
    let listed = folder.run("list-sites --json").json();
    assert_eq!(listed[0]["callback_uris"], json!(["https://b.example/", "https://c.example/"]));
    let listed = folder.run("list-sites");
    let table = listed.text();
    assert!(
        table.lines().nth(1).unwrap().ends_with("yes     no       https://b.example/ https://c.example/"),
        "{table}"
    );

    // What is not given stays.
    let said = folder.run("update-site shop --json").json();
    assert_eq!(said["callback_uris"], json!(["https://b.example/", "https://c.example/"]));
    let said = folder.run("update-site shop --no-callback-uri --json").json();
    assert_eq!(said["callback_uris"], json!([]));
    assert_eq!(folder.run("update-site shop --no-callback-uri --callback-uri https://b.example/").status, 2);
    folder.run("update-site shop --callback-uri https://c.example/ --callback-uri https://b.example/");
    for (line, is_trusted) in [("true", true), ("false", false), ("true", true)] {
        let said = folder.run(&format!("update-site shop --trusted {line} --json")).json();
        assert_eq!(said["is_trusted"], is_trusted);
        // The callback URIs stay.
        assert_eq!(said["callback_uris"], json!(["https://b.example/", "https://c.example/"]));
    }
    assert_eq!(folder.run("update-site shop --trusted maybe").status, 2);
    let made = folder.run("create-site all --trusted --json").json();
    assert_eq!(made["is_trusted"], true);

    let user = world.user("user1").await;
    let identities = world.sso.list_identities(&ctx(), user.user_id.as_str()).await.unwrap();
    let site = world.sso.act_as_site(&ctx(), "shop").await.unwrap();
    let identity = identities[0].identity_token.to_string();
    world.sso.start_site_session(&ctx(), &site, &identity, NewSiteSession::default()).await.unwrap();
    for answer in ["n\n", ""] {
        let done = folder.run_with("delete-site shop", answer);
        assert_eq!((done.status, done.stdout.as_str()), (0, "Site `shop` kept intact\n"));
        assert_eq!(done.stderr, "Delete site? `shop` [y/n] ");
    }
    let said = folder.run("delete-site shop --yes --json").json();
    assert_eq!(said, json!({"subdomain": "shop", "is_deleted": true, "sessions_ended": 1}));
    folder.run("create-site shop");
    let done = folder.run_with("delete-site shop", "y\n");
    assert_eq!((done.status, done.stdout.as_str()), (0, "Deleted site `shop`, sessions ended: 0\n"));
}

async fn a_site_gets_another_private_key(kind: Kind) {
    let folder = Folder::with_database(kind).await;
    let world = folder.world().await;
    let made = folder.run("create-site shop --callback-uri https://a.example/ --json").json();
    let public_key = made["public_key"].as_str().unwrap();
    let is_key =
        async |key: &str| world.sso.authenticate_site(&ctx(), public_key, &Password::from(key)).await.is_ok();
    let first = made["private_key"].as_str().unwrap();
    let said = folder.run("update-site shop --new-key --keep-old-key");
    let lines: Vec<&str> = said.stdout.lines().collect();
    assert_eq!((lines.len(), lines[0]), (3, "Updated site `shop`"), "{said}");
    let second = lines[1].strip_prefix("Private key, shown only now: ").unwrap();
    assert!(is_key(first).await && is_key(second).await);
    assert_eq!(folder.run("list-sites --json").json()[0]["has_old_key"], true);
    let ended = folder.run("update-site shop --end-old-key --json").json();
    assert_eq!((ended.get("private_key"), ended.get("has_old_key")), (None, None));
    assert_eq!((is_key(first).await, is_key(second).await), (false, true));
    let third = folder.run("update-site shop --new-key --long-key --json").json();
    assert_eq!(third["callback_uris"], json!(["https://a.example/"]));
    assert_eq!(third["public_key"], public_key);
    let third = third["private_key"].as_str().unwrap();
    assert_eq!((third.len(), is_key(second).await, is_key(third).await), (43, false, true));
    assert!(!folder.run("list-sites --json").stdout.contains(third));
    for wrong in ["--keep-old-key", "--long-key", "--new-key --end-old-key"] {
        assert_eq!(folder.run(&format!("update-site shop {wrong}")).status, 2, "{wrong}");
    }
}
