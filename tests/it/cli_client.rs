//! The commands about clients of the OpenID Provider.

use serde_json::json;
use zato_sso::domain::Password;
use zato_sso::ops::ClientCredential;

use crate::command::Folder;
use crate::support::{Kind, ctx};

on_both_databases! {
    a_secret_is_shown_once_and_works;
    clients_are_listed_shown_changed_and_deleted_after_asking;
    signing_keys_are_rotated;
}

async fn a_secret_is_shown_once_and_works(kind: Kind) {
    let folder = Folder::with_database(kind).await;
    let world = folder.world().await;
    let done = folder.run("create-client shop --kind web --redirect-uri https://a.example/cb");
    let said = done.text();
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines[0], "Created client `shop`");
    let client_id = lines[1].strip_prefix("Client id: ").unwrap();
    let secret = lines[2].strip_prefix("Client secret, shown only now: ").unwrap();
    let prove = async |secret: &str| {
        let given = ClientCredential::Basic(client_id.to_owned(), Password::from(secret));
        world.sso.authenticate_client(&ctx(), &given, &[]).await.is_ok()
    };
    assert!(prove(secret).await);
    let rotated = folder.run(&format!("rotate-client-secret {client_id} --json")).json();
    let new = rotated["client_secret"].as_str().unwrap();
    let done = folder.run(&format!("rotate-client-secret {client_id} --keep-old-for 2"));
    let said = done.text();
    assert!(said.starts_with("Client `shop` has a new secret\nClient secret, shown only now: "), "{said}");
    assert!(said.ends_with("\nThe former secret is valid for 2 hours more\n"), "{said}");
    assert!(prove(new).await && !prove(secret).await);
    for line in
        ["list-clients", &format!("show-client {client_id}"), &format!("show-client {client_id} --json")]
    {
        let done = folder.run(line);
        assert!(done.status == 0 && !done.stdout.contains(new) && !done.stdout.contains("secret,"), "{done}");
    }
    let spa = folder.run("create-client spa --kind spa --redirect-uri https://a.example/cb");
    assert!(!spa.text().contains("secret"), "{spa}");
    for (line, expected) in [
        ("create-client other --kind robot", "E014002"),
        ("create-client other --kind web --redirect-uri http://b.example/x", "E014002"),
        ("show-client zcli0", "E014001"),
        ("update-client zcli0 --name x", "E014001"),
        ("rotate-client-secret zcli0", "E014001"),
        ("delete-client zcli0 --yes", "E014001"),
    ] {
        let done = folder.run(line);
        assert!(done.status == 1 && done.stderr.starts_with(&format!("zato-sso: {expected}")), "{done}");
    }
    assert_eq!(folder.run("create-client other").status, 2);
    let done = folder.run("create-client k --kind service --auth-method private_key_jwt --jwks none.json");
    assert!(done.status == 1 && done.stderr.contains("cannot read none.json"), "{done}");
}

async fn clients_are_listed_shown_changed_and_deleted_after_asking(kind: Kind) {
    let folder = Folder::with_database(kind).await;
    folder.world().await.sso.close().await;
    let made = folder.run("create-client job --kind service --scope orders --json").json();
    let client_id = made["client_id"].as_str().unwrap();
    assert_eq!(made["grants"], json!(["client_credentials"]));
    let done = folder.run("list-clients");
    let listed = done.text();
    assert!(listed.contains("NAME") && listed.contains(client_id), "{listed}");
    let change = "--name Job --trusted true --access-token-format opaque --default-audience https://api.example.com \
        --scope a --scope b";
    let changed = folder.run(&format!("update-client {client_id} {change}"));
    assert_eq!(changed.text(), "Updated client `Job`\n");
    let done = folder.run(&format!("show-client {client_id}"));
    let shown = done.text();
    for line in
        ["name: Job", "scopes: a b", "is_trusted: true", "default_audience: https://api.example.com", "app:"]
    {
        assert!(shown.lines().any(|shown| shown == line), "{line}: {shown}");
    }
    let cleared = folder.run(&format!("update-client {client_id} --default-audience= --json")).json();
    assert_eq!(cleared["default_audience"], json!(null));
    assert_eq!(folder.run(&format!("update-client {client_id}")).status, 1);
    let kept = folder.run_with(&format!("delete-client {client_id}"), "n\n");
    assert_eq!(kept.stdout, "Client `Job` kept intact\n");
    assert_eq!(folder.run(&format!("delete-client {client_id} --yes")).text(), "Deleted client `Job`\n");
    assert_eq!(folder.run("list-clients --json").json(), json!([]));
}

async fn signing_keys_are_rotated(kind: Kind) {
    let mut folder = Folder::with_database(kind).await;
    folder.world().await.sso.close().await;
    let done = folder.run("rotate-signing-keys");
    assert!(done.status == 1 && done.stderr.contains("set oidc.issuer"), "{done}");
    folder.set("ZATO_SSO_OIDC__ISSUER", "https://login.example.com");
    let done = folder.run("rotate-signing-keys");
    let lines: Vec<_> = done.stdout.lines().collect();
    assert!(done.status == 0 && lines.len() == 3, "{done}");
    for (line, alg) in lines.iter().zip(["RS256", "ES256", "EdDSA"]) {
        assert!(line.starts_with(&format!("{alg} key ")) && line.contains(" signs from "), "{line}");
    }
}
