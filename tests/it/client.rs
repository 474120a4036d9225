//! Clients of the OpenID Provider: what they may be, and who changes them.

use serde_json::json;
use zato_sso::domain::{
    AccessTokenFormat, AuthMethod, Client, ClientUpdate, ClientWithSecret, Code, Edit, Error, Grant,
    SigningAlg,
};
use zato_sso::ops::{Actor, Sso};

use crate::support::{Kind, World, ctx, dump, refusal};

on_both_databases! {
    a_client_is_made_read_changed_and_deleted;
    what_is_not_acceptable_says_what_would_be_right;
    clients_are_for_super_users_who_have_just_logged_in;
    a_change_is_seen_on_every_node;
    a_pairwise_subject_is_one_sectors;
    origins_are_those_of_active_public_clients;
}

pub const CALLBACK: &str = "https://app.example.com/callback";

pub fn set(texts: &[&str]) -> Edit<Vec<String>> {
    Edit::Set(texts.iter().map(|text| (*text).to_owned()).collect())
}

pub fn text(text: &str) -> Edit<String> {
    Edit::Set(text.to_owned())
}

/// The settings of a web application.
pub fn web(name: &str) -> ClientUpdate {
    ClientUpdate { name: text(name), redirect_uris: set(&[CALLBACK]), ..ClientUpdate::default() }
}

/// Those of a service.
pub fn named(name: &str) -> ClientUpdate {
    ClientUpdate { name: text(name), ..ClientUpdate::default() }
}

pub async fn create(sso: &Sso, kind: &str, new: ClientUpdate) -> ClientWithSecret {
    sso.create_client(&ctx(), Actor::Trusted(None), kind, new).await.unwrap()
}

async fn change(sso: &Sso, client: &Client, update: ClientUpdate) -> Result<Client, Error> {
    sso.update_client(&ctx(), Actor::Trusted(None), client.client_id.as_str(), update).await
}

async fn a_client_is_made_read_changed_and_deleted(kind: Kind) {
    let world = World::new(kind).await;
    world.super_user("root1").await;
    let root = world.login("root1").await.ust;
    let sso = &world.sso;
    let made = sso.create_client(&ctx(), &root, "web", web(" Grafana ")).await.unwrap();
    let (client, secret) = (made.client, made.client_secret.unwrap());
    assert_eq!((client.client_id.as_str().len(), &client.client_id.as_str()[..4]), (30, "zcli"));
    assert_eq!((client.name.as_str(), client.auth_method), ("Grafana", AuthMethod::ClientSecretBasic));
    assert_eq!(client.scopes, ["email", "openid", "profile"]);
    assert_eq!(client.grants, [Grant::AuthorizationCode, Grant::RefreshToken]);
    assert!(client.require_pkce && client.is_active && !client.is_trusted);
    assert_eq!(secret.expose().len(), 43);
    assert!(!dump(&world).await.contains(secret.expose()));
    let client_id = client.client_id.as_str();
    assert_eq!(sso.get_client(&ctx(), &root, client_id).await.unwrap(), client);

    world.clock.advance_seconds(60);
    let update = ClientUpdate {
        name: text("Graphs"),
        redirect_uris: set(&[CALLBACK, CALLBACK, "http://localhost:3000/callback"]),
        post_logout_redirect_uris: set(&["https://app.example.com/bye"]),
        backchannel_logout_uri: text("https://app.example.com/logout"),
        scopes: set(&["openid", "groups"]),
        grants: set(&["authorization_code"]),
        id_token_alg: text("EdDSA"),
        access_token_format: text("opaque"),
        access_token_lifetime: Edit::Set(60),
        refresh_token_lifetime: Edit::Set(3_600),
        refresh_token_idle: Edit::Set(600),
        default_audience: text("https://api.example.com"),
        audiences: set(&["https://other.example.com"]),
        is_trusted: Edit::Set(true),
        require_pkce: Edit::Set(false),
        app: text("Billing"),
        logo_uri: text("https://app.example.com/logo.png"),
        policy_uri: text("https://app.example.com/policy"),
        tos_uri: text("https://app.example.com/terms"),
        pairwise_sector: text("example.com"),
        is_active: Edit::Set(false),
        ..ClientUpdate::default()
    };
    let changed = sso.update_client(&ctx(), &root, client_id, update).await.unwrap();
    assert_eq!(changed.redirect_uris, [CALLBACK, "http://localhost:3000/callback"]);
    assert_eq!(
        (changed.scopes.as_slice(), changed.grants.as_slice()),
        (&["groups".to_owned(), "openid".to_owned()][..], &[Grant::AuthorizationCode][..])
    );
    assert_eq!(changed.id_token_alg, SigningAlg::EdDsa);
    assert_eq!(changed.access_token_format, AccessTokenFormat::Opaque);
    assert!(
        changed.may_address("https://api.example.com") && changed.may_address("https://other.example.com")
    );
    assert!(!changed.may_address("https://third.example.com"));
    assert!(changed.last_modified > changed.creation_time);
    assert_eq!(sso.list_clients(&ctx(), &root).await.unwrap(), std::slice::from_ref(&changed));

    let cleared = ClientUpdate {
        backchannel_logout_uri: Edit::Clear,
        grants: Edit::Clear,
        access_token_lifetime: Edit::Clear,
        app: Edit::Clear,
        pairwise_sector: Edit::Clear,
        ..ClientUpdate::default()
    };
    let cleared = sso.update_client(&ctx(), &root, client_id, cleared).await.unwrap();
    assert_eq!((cleared.backchannel_logout_uri, cleared.app, cleared.pairwise_sector), (None, None, None));
    assert_eq!((cleared.grants.len(), cleared.access_token_lifetime), (2, None));

    sso.delete_client(&ctx(), &root, client_id).await.unwrap();
    for id in [client_id, "zcli0000", "no id", "zcli\0"] {
        assert_eq!(refusal(sso.get_client(&ctx(), &root, id).await), Code::ClientNoSuchClient, "{id:?}");
        assert_eq!(refusal(sso.delete_client(&ctx(), &root, id).await), Code::ClientNoSuchClient);
        let changed = sso.update_client(&ctx(), &root, id, named("x")).await;
        assert_eq!(refusal(changed), Code::ClientNoSuchClient);
        let rotated = sso.rotate_client_secret(&ctx(), &root, id, 0).await;
        assert_eq!(refusal(rotated), Code::ClientNoSuchClient);
    }
}

async fn what_is_not_acceptable_says_what_would_be_right(kind: Kind) {
    let world = World::new(kind).await;
    let sso = &world.sso;
    let why = |outcome: Result<ClientWithSecret, Error>| match outcome {
        Err(Error::Refused { code: Code::ClientInvalid, detail }) => detail.unwrap().into_owned(),
        other => panic!("{other:?}"),
    };
    let redirect = |uri: &str| ClientUpdate { redirect_uris: set(&[uri]), ..named("a") };
    let keys =
        |jwks: &str| ClientUpdate { jwks: text(jwks), auth_method: text("private_key_jwt"), ..web("a") };
    let private = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
    for (kind, new, part) in [
        ("robot", web("a"), "one of web, spa, native, service"),
        ("web", ClientUpdate { name: Edit::Keep, ..web("a") }, "name: a client needs one"),
        ("web", web("a\u{200b}"), "name: "),
        ("web", named("a"), "authorization_code needs at least one, as in https://app.example.com/callback"),
        ("web", redirect("http://app.example.com/callback"), "must begin with https://"),
        ("web", redirect("com.example.app:/callback"), "schemes of their own are for native clients"),
        ("native", redirect("app:/callback"), "a scheme of your own that has a dot"),
        ("spa", redirect("https://app.example.com/#a"), "without a fragment"),
        ("spa", redirect("/callback"), "must be an absolute URI"),
        ("spa", redirect("https://*.example.com/callback"), "without wildcards"),
        (
            "spa",
            ClientUpdate { auth_method: text("client_secret_basic"), ..web("a") },
            "of spa clients, none",
        ),
        (
            "web",
            ClientUpdate { auth_method: text("none"), ..web("a") },
            "of web clients, client_secret_basic",
        ),
        ("web", ClientUpdate { auth_method: text("password"), ..web("a") }, "one of client_secret_basic, "),
        (
            "web",
            ClientUpdate { auth_method: text("private_key_jwt"), ..web("a") },
            "needs the client's public keys",
        ),
        (
            "web",
            ClientUpdate { jwks_uri: text("http://app.example.com/jwks"), ..web("a") },
            "must begin with https://",
        ),
        ("web", keys("{}"), "a JSON object with a list `keys`"),
        ("web", keys(r#"{"keys":[]}"#), "none of its keys can be used"),
        ("web", keys(private), "it holds a private key"),
        ("spa", ClientUpdate { require_pkce: Edit::Set(false), ..web("a") }, "of spa clients it stays true"),
        ("spa", ClientUpdate { grants: set(&["client_credentials"]), ..web("a") }, "a spa client does not"),
        ("service", web("a"), "no users to send back"),
        ("service", ClientUpdate { grants: set(&["refresh_token"]), ..named("a") }, "which have no users"),
        ("web", ClientUpdate { grants: set(&["refresh_token"]), ..web("a") }, "goes with authorization_code"),
        ("web", ClientUpdate { grants: set(&["password"]), ..web("a") }, "one of authorization_code, "),
        ("web", ClientUpdate { scopes: set(&["a b"]), ..web("a") }, "scopes: "),
        ("web", ClientUpdate { id_token_alg: text("HS256"), ..web("a") }, "one of RS256, ES256, EdDSA"),
        ("web", ClientUpdate { access_token_format: text("xml"), ..web("a") }, "one of jwt, opaque"),
        ("web", ClientUpdate { access_token_lifetime: Edit::Set(5), ..web("a") }, "from 10 to 86400 seconds"),
        ("web", ClientUpdate { default_audience: text("a b"), ..web("a") }, "default_audience: "),
        ("web", ClientUpdate { logo_uri: text("javascript:alert(1)"), ..web("a") }, "logo_uri: "),
        ("web", ClientUpdate { app: text("Unknown"), ..web("a") }, "one of apps.all: CRM, Billing, Metadata"),
        ("web", ClientUpdate { pairwise_sector: text("https://a"), ..web("a") }, "a host name"),
    ] {
        let why = why(sso.create_client(&ctx(), Actor::Trusted(None), kind, new).await);
        assert!(why.contains(part), "{part}: {why}");
        assert!(!why.contains("nWGxne"), "{why}");
    }
    assert!(sso.list_clients(&ctx(), Actor::Trusted(None)).await.unwrap().is_empty());
    let made = create(sso, "web", web("a")).await.client;
    let nothing = change(sso, &made, ClientUpdate::default()).await;
    assert_eq!(refusal(nothing), Code::CommonMissingInput);
    let without = ClientUpdate { redirect_uris: Edit::Clear, ..ClientUpdate::default() };
    assert_eq!(refusal(change(sso, &made, without).await), Code::ClientInvalid);
    let kept = sso.get_client(&ctx(), Actor::Trusted(None), made.client_id.as_str()).await.unwrap();
    assert_eq!(kept, made);
}

async fn clients_are_for_super_users_who_have_just_logged_in(kind: Kind) {
    let world = World::new(kind).await;
    world.super_user("root1").await;
    world.user("user1").await;
    let (root, user) = (world.login("root1").await.ust, world.login("user1").await.ust);
    let sso = &world.sso;
    let made = create(sso, "web", web("a")).await.client;
    let client_id = made.client_id.as_str();
    let denied = Code::AuthNotAllowed;
    assert_eq!(refusal(sso.create_client(&ctx(), &user, "web", web("b")).await), denied);
    assert_eq!(refusal(sso.get_client(&ctx(), &user, client_id).await), denied);
    assert_eq!(refusal(sso.list_clients(&ctx(), &user).await), denied);
    assert_eq!(refusal(sso.update_client(&ctx(), &user, client_id, named("b")).await), denied);
    assert_eq!(refusal(sso.rotate_client_secret(&ctx(), &user, client_id, 0).await), denied);
    assert_eq!(refusal(sso.delete_client(&ctx(), &user, client_id).await), denied);
    // What makes a way to log in needs a fresh login; what only looks does not.
    world.clock.advance_seconds(10 * 60);
    let stale = Code::AuthFreshLoginNeeded;
    assert_eq!(refusal(sso.create_client(&ctx(), &root, "web", web("b")).await), stale);
    assert_eq!(refusal(sso.update_client(&ctx(), &root, client_id, named("b")).await), stale);
    assert_eq!(refusal(sso.rotate_client_secret(&ctx(), &root, client_id, 0).await), stale);
    assert_eq!(refusal(sso.delete_client(&ctx(), &root, client_id).await), stale);
    sso.get_client(&ctx(), &root, client_id).await.unwrap();
    assert_eq!(sso.list_clients(&ctx(), &root).await.unwrap().len(), 1);
}

async fn a_change_is_seen_on_every_node(kind: Kind) {
    let issuer = json!({"oidc.issuer": "https://login.example.com"});
    let world = World::with(kind, issuer.clone()).await;
    let other = world.reopened(issuer).await;
    let made = create(&world.sso, "web", web("a")).await.client;
    let known = async |sso: &Sso| sso.known_client(&made.client_id).await.unwrap();
    for sso in [&world.sso, &other] {
        assert!(known(sso).await.unwrap().client.is_active);
    }
    let off = ClientUpdate { is_active: Edit::Set(false), ..ClientUpdate::default() };
    change(&world.sso, &made, off).await.unwrap();
    assert!(!known(&world.sso).await.unwrap().client.is_active);
    // A tenth of a second on PostgreSQL; a slow machine gets more.
    for attempt in 0.. {
        if !known(&other).await.unwrap().client.is_active {
            break;
        }
        assert!(kind == Kind::Postgres && attempt < 100, "the other node has not heard of it");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    world.sso.delete_client(&ctx(), Actor::Trusted(None), made.client_id.as_str()).await.unwrap();
    for attempt in 0.. {
        if known(&other).await.is_none() {
            break;
        }
        assert!(kind == Kind::Postgres && attempt < 100, "the other node has not heard of it");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

async fn a_pairwise_subject_is_one_sectors(kind: Kind) {
    let world = World::new(kind).await;
    let (user, other) = (world.user("user1").await.user_id, world.user("user2").await.user_id);
    let sector = |name: &str, sector: &str| ClientUpdate { pairwise_sector: text(sector), ..web(name) };
    let plain = create(&world.sso, "web", web("plain")).await.client;
    let one = create(&world.sso, "web", sector("one", "a.example")).await.client;
    let same = create(&world.sso, "web", sector("same", "a.example")).await.client;
    let two = create(&world.sso, "web", sector("two", "b.example")).await.client;
    let sub = async |sso: &Sso, client: &Client| sso.subject_of(client, &user).await.unwrap();
    assert_eq!(sub(&world.sso, &plain).await, user.as_str());
    let subject = sub(&world.sso, &one).await;
    assert_eq!(subject.len(), 43);
    assert_eq!(sub(&world.sso, &same).await, subject);
    assert_ne!(sub(&world.sso, &two).await, subject);
    assert_ne!(world.sso.subject_of(&one, &other).await.unwrap(), subject);
    // It is the same on every node, and for good.
    let again = world.reopened(json!({})).await;
    assert_eq!(sub(&again, &one).await, subject);
}

async fn origins_are_those_of_active_public_clients(kind: Kind) {
    let world = World::new(kind).await;
    let sso = &world.sso;
    let spa = create(sso, "spa", web("spa")).await.client;
    create(sso, "web", ClientUpdate { redirect_uris: set(&["https://web.example.com/cb"]), ..web("web") })
        .await;
    assert!(sso.is_public_origin("https://app.example.com").await.unwrap());
    for other in
        ["https://web.example.com", "https://app.example.com/", "http://app.example.com", "null", "", "\0"]
    {
        assert!(!sso.is_public_origin(other).await.unwrap(), "{other:?}");
    }
    change(sso, &spa, ClientUpdate { is_active: Edit::Set(false), ..ClientUpdate::default() }).await.unwrap();
    assert!(!sso.is_public_origin("https://app.example.com").await.unwrap());
}
