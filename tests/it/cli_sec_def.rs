//! The commands about security definitions.

use serde_json::json;
use zato_sso::domain::Password;
use zato_sso::ops::{ExternalCredential, SecDefName};

use crate::command::Folder;
use crate::linked_auth::{root, token_of};
use crate::support::{Kind, PASSWORD, World, ctx};

on_both_databases! {
    a_generated_secret_is_shown_once_and_works;
    a_secret_of_ones_own_is_read_from_where_it_was_put;
    definitions_are_listed_with_whom_they_act_as;
    a_definition_is_deleted_after_asking;
}

async fn link(world: &World, auth_type: &str, auth_username: &str) {
    let user = match world.sso.get_user_by_username(&ctx(), "user1", true).await.unwrap() {
        Some(view) => view.user.as_ref().clone(),
        None => world.user("user1").await,
    };
    let name = SecDefName { auth_type, auth_username };
    let user_id = user.user_id.as_str();
    world.sso.create_linked_auth(&ctx(), &root(world).await, user_id, name, true).await.unwrap();
}

async fn acts(world: &World, credential: ExternalCredential) -> bool {
    world.sso.authenticate_request(&ctx(), &credential, None, None).await.is_ok()
}

fn basic(username: &str, secret: &str) -> ExternalCredential {
    ExternalCredential::Basic { username: username.to_owned(), secret: Password::from(secret) }
}

async fn a_generated_secret_is_shown_once_and_works(kind: Kind) {
    let mut folder = Folder::with_database(kind).await;
    let world = folder.world().await;
    // Meant for users: not taken without being asked for.
    folder.set("ZATO_SSO_PASSWORD", PASSWORD);
    let done = folder.run("create-sec-def basic_auth api client1");
    let said = done.text();
    let (first, secret) = said.trim_end().split_once("\nSecret, shown only now: ").unwrap();
    assert_eq!((first, secret.len()), ("Created basic_auth definition `api`", 43));
    link(&world, "basic_auth", "client1").await;
    assert!(acts(&world, basic("client1", secret)).await);
    assert!(!acts(&world, basic("client1", PASSWORD)).await);

    let said = folder.run("--json create-sec-def jwt app client1").json();
    let key = said["secret"].as_str().unwrap();
    assert_eq!(
        said,
        json!({"sec_def_id": 2, "sec_type": "jwt", "name": "app", "username": "client1", "is_active": true,
            "creation_time": said["creation_time"], "linked_to": null, "audience": null, "max_lifetime": null, "secret": key})
    );
    link(&world, "jwt", "client1").await;
    assert!(acts(&world, ExternalCredential::Jwt(Password::from(token_of("client1", key, 1)))).await);
    let listed = folder.run("--json list-sec-defs");
    assert!(listed.status == 0 && !listed.stdout.contains(secret) && !listed.stdout.contains(key));
}

async fn a_secret_of_ones_own_is_read_from_where_it_was_put(kind: Kind) {
    let mut folder = Folder::with_database(kind).await;
    let world = folder.world().await;
    let create = |folder: &Folder, line: &str, input: &str| {
        let done = folder.run_with(&format!("create-sec-def basic_auth {line}"), input);
        assert_eq!((done.status, done.stdout.lines().count()), (0, 1), "{done}");
    };
    create(&folder, "one client1 --password from-the-option", "from standard input\n");
    create(&folder, "two client2 --password", "from standard input\n");
    folder.set("ZATO_SSO_PASSWORD", "from the environment");
    create(&folder, "three client3 --password", "from standard input\n");
    for (username, secret) in [
        ("client1", "from-the-option"),
        ("client2", "from standard input"),
        ("client3", "from the environment"),
    ] {
        link(&world, "basic_auth", username).await;
        assert!(acts(&world, basic(username, secret)).await, "{username}");
    }
    for (line, expected) in [
        ("create-sec-def basic_auth one client4", "E008001"),
        ("create-sec-def basic_auth four client1", "E001002"),
        ("create-sec-def basic_auth four client:4", "E001001"),
        ("create-sec-def jwt four client4 --password short-key", "E003002"),
    ] {
        let done = folder.run(line);
        assert!(done.status == 1 && done.stderr.starts_with(&format!("zato-sso: {expected}")), "{done}");
    }
    for line in ["create-sec-def default four client4", "create-sec-def jwt four", "delete-sec-def"] {
        assert_eq!(folder.run(line).status, 2, "{line}");
    }
}

async fn definitions_are_listed_with_whom_they_act_as(kind: Kind) {
    let folder = Folder::with_database(kind).await;
    let world = folder.world().await;
    assert_eq!(
        folder.run("list-sec-defs").text(),
        "NAME  ID  TYPE  USERNAME  ACTIVE  LINKED TO  AUDIENCE  MAX LIFETIME\n"
    );
    assert_eq!(folder.run("list-sec-defs --json").json(), json!([]));
    folder.run("create-sec-def jwt app client1 --audience api --max-lifetime 300");
    folder.run("create-sec-def basic_auth api client1");
    assert_eq!(folder.run("create-sec-def basic_auth other client2 --audience api").status, 1);
    link(&world, "basic_auth", "client1").await;
    insta::allow_duplicates! { insta::assert_snapshot!(folder.run("list-sec-defs"), @r"
    status 0
    out: NAME  ID  TYPE        USERNAME  ACTIVE  LINKED TO  AUDIENCE  MAX LIFETIME
    out: api   2   basic_auth  client1   yes     user1
    out: app   1   jwt         client1   yes                api       300
    "); }
    let listed = folder.run("list-sec-defs --json").json();
    assert_eq!(
        (&listed[0]["linked_to"], &listed[1]["name"], &listed[1]["sec_def_id"]),
        (&json!("user1"), &json!("app"), &json!(1))
    );
    assert_eq!((&listed[0]["audience"], &listed[0]["max_lifetime"]), (&json!(null), &json!(null)));
    assert_eq!((&listed[1]["audience"], &listed[1]["max_lifetime"]), (&json!("api"), &json!(300)));
}

async fn a_definition_is_deleted_after_asking(kind: Kind) {
    let folder = Folder::with_database(kind).await;
    let world = folder.world().await;
    let made = folder.run("--json create-sec-def basic_auth api client1").json();
    folder.run("create-sec-def jwt app client1");
    link(&world, "basic_auth", "client1").await;
    let credential = basic("client1", made["secret"].as_str().unwrap());
    for answer in ["n\n", "maybe\n", ""] {
        let done = folder.run_with("delete-sec-def api", answer);
        assert_eq!((done.status, done.stdout.as_str()), (0, "Security definition `api` kept intact\n"));
        assert_eq!(done.stderr, "Delete security definition? `api` [y/n] ");
    }
    assert!(acts(&world, credential.clone()).await);
    let done = folder.run_with("delete-sec-def api", "y\n");
    assert_eq!((done.status, done.stdout.as_str()), (0, "Deleted security definition `api`\n"));
    assert!(!acts(&world, credential).await);
    let said = folder.run("delete-sec-def app --yes --json").json();
    assert_eq!(said, json!({"sec_def_id": 2, "name": "app", "is_deleted": true}));
    let again = folder.run("delete-sec-def app --yes");
    assert!(again.status == 1 && again.stderr.contains("E008002"), "{again}");
}
