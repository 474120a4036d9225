//! Sites and their sessions: who they are, what is theirs, and what ends it.

use serde_json::json;
use zato_sso::domain::{
    AttrValue, Code, Direction, Edit, Page, PageRequest, Password, SiteSession, User, UserUpdate, Ust,
};
use zato_sso::ops::{
    Actor, CreatedSite, KeyChange, MAX_LIFETIME, NewSite, NewSiteSession, SetPassword, SiteUpdate,
};

use crate::support::{Kind, World, any_rows, ctx, ctx_of, dump, execute, new_site, refusal, trusted_site};

on_both_databases! {
    only_the_right_keys_are_those_of_a_site;
    sites_are_made_listed_changed_and_deleted;
    a_site_gets_another_key_and_keeps_the_former_one_if_that_is_asked_for;
    a_session_is_what_it_was_started_with;
    a_second_session_of_an_identity_ends_the_first;
    a_site_sees_only_its_own_sessions;
    sessions_are_listed_in_pages;
    what_ends_the_sessions_of_a_user_ends_these;
    these_sessions_stand_among_those_of_the_user;
    a_session_ends_when_its_time_has_come;
    no_token_of_a_site_acts_as_a_session;
    who_may_not_log_in_gets_no_session;
    what_a_session_cannot_be_made_of_is_refused;
    of_many_at_once_one_session_is_left;
    no_secret_of_a_site_is_stored;
}

struct Stage {
    world: World,
    user: User,
    identity_token: String,
    created: CreatedSite,
    site: Actor,
}

impl Stage {
    async fn new(kind: Kind) -> Self {
        Self::with(kind, json!({})).await
    }

    async fn with(kind: Kind, more: serde_json::Value) -> Self {
        let world = World::with(kind, more).await;
        let user = world.user("user1").await;
        let identity_token = identity_of(&world, &user).await;
        let created = world.sso.create_site(&ctx(), trusted_site("shop")).await.unwrap();
        let site = world.sso.act_as_site(&ctx(), "shop").await.unwrap();
        Self { world, user, identity_token, created, site }
    }

    async fn start(&self) -> SiteSession {
        let sso = &self.world.sso;
        let new = NewSiteSession::default();
        sso.start_site_session(&ctx(), &self.site, &self.identity_token, new).await.unwrap()
    }

    async fn get(&self, session: &SiteSession) -> zato_sso::domain::Result<SiteSession> {
        self.world.sso.get_site_session(&ctx(), &self.site, &session.sso_session_token).await
    }

    async fn page(&self, page: i64, entries_per_page: i64, direction: Direction) -> Page<SiteSession> {
        let request = PageRequest { page, entries_per_page, direction };
        self.world.sso.list_site_sessions(&ctx(), &self.site, request).await.unwrap()
    }
}

async fn identity_of(world: &World, user: &User) -> String {
    let identities = world.sso.list_identities(&ctx(), user.user_id.as_str()).await.unwrap();
    assert_eq!(identities.len(), 1);
    assert_eq!((identities[0].provider.as_str(), identities[0].site_id), ("storage", None));
    identities[0].identity_token.to_string()
}

async fn only_the_right_keys_are_those_of_a_site(kind: Kind) {
    let Stage { world, created, .. } = Stage::new(kind).await;
    let other = world.sso.create_site(&ctx(), new_site("other", &[])).await.unwrap();
    let public_key = created.site.public_key.to_string();
    let authenticate = async |public_key: &str, private_key: &str| {
        world.sso.authenticate_site(&ctx(), public_key, &Password::from(private_key)).await
    };
    let right = created.private_key.expose();
    let site = authenticate(&public_key, right).await.unwrap();
    assert!(matches!(site, Actor::Site(site) if site.subdomain == "shop"));
    let public = other.site.public_key.to_string();
    for (public_key, private_key) in [
        (public_key.as_str(), ""),
        (public_key.as_str(), "wrong"),
        (public_key.as_str(), other.private_key.expose()),
        (public_key.as_str(), &right.to_uppercase()),
        (public.as_str(), right),
        ("00000000-0000-0000-0000-000000000000", right),
        ("shop", right),
        ("", ""),
        ("a\0b", "a\0b"),
    ] {
        let outcome = authenticate(public_key, private_key).await;
        assert_eq!(refusal(outcome), Code::AuthNotAllowed, "{public_key}");
    }
    // A long key is one that a site can have as well.
    let long = NewSite { has_long_key: true, ..new_site("long", &[]) };
    let long = world.sso.create_site(&ctx(), long).await.unwrap();
    let (long_public, long_private) = (long.site.public_key.to_string(), long.private_key.expose());
    assert_eq!((long_private.len(), right.len()), (43, 36));
    authenticate(&long_public, long_private).await.unwrap();
    assert_eq!(refusal(authenticate(&long_public, right).await), Code::AuthNotAllowed);
    assert_eq!(refusal(authenticate(&public_key, long_private).await), Code::AuthNotAllowed);
    assert!(!dump(&world).await.contains(long_private));

    execute(&world, "UPDATE sso_site SET is_active = FALSE WHERE subdomain = 'shop'").await;
    assert_eq!(refusal(authenticate(&public_key, right).await), Code::AuthNotAllowed);
}

async fn sites_are_made_listed_changed_and_deleted(kind: Kind) {
    let world = World::new(kind).await;
    let uris = |texts: &[&str]| SiteUpdate {
        callback_uris: Some(texts.iter().map(|text| (*text).to_owned()).collect()),
        ..SiteUpdate::default()
    };
    let sso = &world.sso;
    let one =
        sso.create_site(&ctx(), new_site("one", &["https://one.example/b", "https://one.example/a"])).await;
    assert_eq!(one.unwrap().site.callback_uris, ["https://one.example/a", "https://one.example/b"]);
    sso.create_site(&ctx(), new_site("a-site", &[])).await.unwrap();

    let taken = sso.create_site(&ctx(), new_site("one", &[])).await;
    assert_eq!(refusal(taken), Code::CommonInvalidOperation);
    let taken = sso.create_site(&ctx(), new_site("two", &["https://ONE.example/a"])).await;
    assert_eq!(refusal(taken), Code::CommonInvalidOperation);
    let taken =
        sso.update_site(&ctx(), "a-site", uris(&["https://x.example/", "https://one.example/b"])).await;
    assert_eq!(refusal(taken), Code::CommonInvalidOperation);
    for bad in ["", "Shop", "a.b", "a\0"] {
        assert_eq!(
            refusal(sso.create_site(&ctx(), new_site(bad, &[])).await),
            Code::CommonInvalidInput,
            "{bad:?}"
        );
    }
    let bad = sso.create_site(&ctx(), new_site("three", &["http://one.example/"])).await;
    assert_eq!(refusal(bad), Code::CommonInvalidInput);

    let listed = async || {
        let sites = sso.list_sites(&ctx(), Actor::Trusted(None)).await.unwrap();
        sites.into_iter().map(|site| (site.subdomain, site.callback_uris.len())).collect::<Vec<_>>()
    };
    assert_eq!(listed().await, [("a-site".to_owned(), 0), ("one".to_owned(), 2)]);
    sso.update_site(&ctx(), "one", uris(&["https://one.example/c"])).await.unwrap();
    sso.update_site(&ctx(), "a-site", uris(&["https://one.example/a"])).await.unwrap();
    assert_eq!(listed().await, [("a-site".to_owned(), 1), ("one".to_owned(), 1)]);
    assert_eq!(sso.delete_site(&ctx(), "one").await.unwrap(), 0);
    assert_eq!(listed().await, [("a-site".to_owned(), 1)]);
    for name in ["one", "none", "a\0"] {
        assert_eq!(refusal(sso.delete_site(&ctx(), name).await), Code::CommonInvalidInput, "{name:?}");
        assert_eq!(
            refusal(sso.update_site(&ctx(), name, uris(&[])).await),
            Code::CommonInvalidInput,
            "{name:?}"
        );
        assert_eq!(refusal(sso.act_as_site(&ctx(), name).await), Code::CommonInvalidInput, "{name:?}");
    }
}

async fn a_site_gets_another_key_and_keeps_the_former_one_if_that_is_asked_for(kind: Kind) {
    let Stage { world, created, .. } = Stage::new(kind).await;
    let public_key = created.site.public_key.to_string();
    let is_key = async |key: &Password| world.sso.authenticate_site(&ctx(), &public_key, key).await.is_ok();
    let change = async |key: KeyChange| {
        let update = SiteUpdate { key, ..SiteUpdate::default() };
        world.sso.update_site(&ctx(), "shop", update).await.unwrap()
    };
    let new = |keeps_old: bool| KeyChange::New { is_long: false, keeps_old };
    let first = created.private_key;
    assert!(change(KeyChange::Keep).await.private_key.is_none() && is_key(&first).await);
    // Without more said, the former one ends.
    let second = change(new(false)).await.private_key.unwrap();
    assert_eq!((is_key(&first).await, is_key(&second).await), (false, true));
    // One is kept, the last one.
    let changed = change(new(true)).await;
    let third = changed.private_key.unwrap();
    assert!(
        changed.site.has_old_key
            && world.sso.list_sites(&ctx(), Actor::Trusted(None)).await.unwrap()[0].has_old_key
    );
    assert_eq!((is_key(&second).await, is_key(&third).await), (true, true));
    let changed = change(KeyChange::New { is_long: true, keeps_old: true }).await;
    let fourth = changed.private_key.unwrap();
    assert_eq!(fourth.expose().len(), 43);
    assert_eq!((is_key(&second).await, is_key(&third).await, is_key(&fourth).await), (false, true, true));
    let ended = change(KeyChange::EndOld).await;
    assert!(ended.private_key.is_none() && !ended.site.has_old_key);
    assert_eq!((is_key(&third).await, is_key(&fourth).await), (false, true));
    assert!(!change(KeyChange::EndOld).await.site.has_old_key);
    // One that was kept ends with a new one that keeps nothing.
    let fifth = change(new(true)).await.private_key.unwrap();
    let sixth = change(new(false)).await.private_key.unwrap();
    assert_eq!((is_key(&fourth).await, is_key(&fifth).await, is_key(&sixth).await), (false, false, true));
    let stored = dump(&world).await;
    for key in [&first, &second, &third, &fourth, &fifth, &sixth] {
        assert!(!stored.contains(key.expose()));
    }
    // Not with what no key can be, either.
    for wrong in ["", "0", "00000000-0000-0000-0000-000000000000"] {
        assert!(!is_key(&Password::from(wrong)).await);
    }
}

async fn a_session_is_what_it_was_started_with(kind: Kind) {
    let stage = Stage::new(kind).await;
    let datas = [
        None,
        Some(json!("carrot")),
        Some(json!({"a": [1, null, "ä\0"]})),
        Some(json!(null)),
        Some(json!(7)),
    ];
    for data in datas {
        let new = NewSiteSession {
            top_realm: Some("garden".to_owned()),
            sub_realm: Some("vegetables".to_owned()),
            lifetime: Some(7200),
            data: data.clone(),
            user_agent: Some("client/1\n".to_owned()),
        };
        let sso = &stage.world.sso;
        let started = sso.start_site_session(&ctx(), &stage.site, &stage.identity_token, new).await.unwrap();
        let read = stage.get(&started).await.unwrap();
        for session in [&started, &read] {
            assert_eq!(session.sso_session_token.expose(), started.sso_session_token.expose());
            assert_eq!(session.identity_token.to_string(), stage.identity_token);
            assert_eq!(session.user_id, stage.user.user_id);
            assert_eq!(session.top_realm.as_deref(), Some("garden"));
            assert_eq!(session.sub_realm.as_deref(), Some("vegetables"));
            assert_eq!(session.data, data.as_ref().map(AttrValue::from));
            assert_eq!(session.num_cookies_set, 0);
            assert_eq!(session.creation_time.plus_seconds(7200), session.expiration_time);
            assert_eq!(session.update_time, session.creation_time);
        }
        assert_eq!(uuid::Uuid::parse_str(started.sso_session_token.expose()).unwrap().get_version_num(), 4);
        assert_eq!(started.user_token, read.user_token);
    }
    let plain = stage.start().await;
    assert_eq!(plain.creation_time.plus_seconds(86_400), plain.expiration_time);
    let users_tokens = any_rows(&stage.world, "SELECT user_token FROM sso_user").await;
    assert_eq!(users_tokens, [plain.user_token.as_bytes().to_vec()]);
}

async fn a_second_session_of_an_identity_ends_the_first(kind: Kind) {
    let stage = Stage::new(kind).await;
    stage.world.sso.create_site(&ctx(), trusted_site("other")).await.unwrap();
    let other = stage.world.sso.act_as_site(&ctx(), "other").await.unwrap();
    let sso = &stage.world.sso;
    let new = NewSiteSession::default();
    let theirs = sso.start_site_session(&ctx(), &other, &stage.identity_token, new).await.unwrap();
    let (first, second) = (stage.start().await, stage.start().await);
    assert_ne!(first.sso_session_token.expose(), second.sso_session_token.expose());
    assert_eq!(refusal(stage.get(&first).await), Code::SessionNoSuchSession);
    let found = sso.get_site_session_of_identity(&ctx(), &stage.site, &stage.identity_token).await.unwrap();
    assert_eq!(found.session_id, second.session_id);
    // What another site has started goes on.
    sso.get_site_session(&ctx(), &other, &theirs.sso_session_token).await.unwrap();
}

async fn a_site_sees_only_its_own_sessions(kind: Kind) {
    let stage = Stage::new(kind).await;
    stage.world.sso.create_site(&ctx(), new_site("other", &[])).await.unwrap();
    let other = stage.world.sso.act_as_site(&ctx(), "other").await.unwrap();
    let (sso, session) = (&stage.world.sso, stage.start().await);
    let (token, identity) = (&session.sso_session_token, stage.identity_token.as_str());
    let nothing = Code::SessionNoSuchSession;
    assert_eq!(refusal(sso.get_site_session(&ctx(), &other, token).await), nothing);
    assert_eq!(refusal(sso.end_site_session(&ctx(), &other, token).await), nothing);
    let unknown = Code::UserIdInvalid;
    assert_eq!(refusal(sso.get_site_session_of_identity(&ctx(), &other, identity).await), unknown);
    assert_eq!(refusal(sso.end_site_session_of_identity(&ctx(), &other, identity).await), unknown);
    let request = PageRequest { page: 1, entries_per_page: 500, direction: Direction::Ascending };
    let theirs = sso.list_site_sessions(&ctx(), &other, request).await.unwrap();
    assert_eq!((theirs.total, theirs.result.len()), (0, 0));
    for guessed in ["", "a\0b", "00000000-0000-0000-0000-000000000000", &session.session_id.to_string()] {
        let guessed = Password::from(guessed);
        assert_eq!(refusal(sso.get_site_session(&ctx(), &stage.site, &guessed).await), nothing);
        assert_eq!(refusal(sso.end_site_session(&ctx(), &stage.site, &guessed).await), nothing);
        let identity = guessed.expose();
        let outcome = sso.get_site_session_of_identity(&ctx(), &stage.site, identity).await;
        assert_eq!(refusal(outcome), Code::UserIdInvalid);
        let outcome = sso.end_site_session_of_identity(&ctx(), &stage.site, identity).await;
        assert_eq!(refusal(outcome), Code::UserIdInvalid);
    }
    sso.end_site_session(&ctx(), &stage.site, token).await.unwrap();
    assert_eq!(refusal(sso.end_site_session(&ctx(), &stage.site, token).await), nothing);
    stage.start().await;
    sso.end_site_session_of_identity(&ctx(), &stage.site, identity).await.unwrap();
    let outcome = sso.end_site_session_of_identity(&ctx(), &stage.site, identity).await;
    assert_eq!(refusal(outcome), nothing);
    let started = stage.start().await;
    assert_eq!(sso.delete_site(&ctx(), "shop").await.unwrap(), 1);
    assert_eq!(refusal(stage.get(&started).await), nothing);
}

async fn sessions_are_listed_in_pages(kind: Kind) {
    let stage = Stage::new(kind).await;
    let mut tokens = Vec::new();
    for number in 0..5 {
        let user = stage.world.user(&format!("more{number}")).await;
        let identity_token = identity_of(&stage.world, &user).await;
        let new = NewSiteSession::default();
        let sso = &stage.world.sso;
        let session = sso.start_site_session(&ctx(), &stage.site, &identity_token, new).await.unwrap();
        tokens.push(session.sso_session_token.expose().to_owned());
        stage.world.clock.advance_seconds(1);
    }
    let of = |page: &Page<SiteSession>| {
        page.result.iter().map(|session| session.sso_session_token.expose().to_owned()).collect::<Vec<_>>()
    };
    let page = stage.page(1, 500, Direction::Ascending).await;
    assert_eq!((page.total, page.num_pages(), of(&page)), (5, 1, tokens.clone()));
    let page = stage.page(2, 2, Direction::Ascending).await;
    assert_eq!((page.total, page.num_pages(), of(&page)), (5, 3, tokens[2..4].to_vec()));
    let page = stage.page(3, 2, Direction::Descending).await;
    assert_eq!(of(&page), tokens[..1]);
    let page = stage.page(5, 1, Direction::Descending).await;
    assert_eq!(of(&page), tokens[..1]);
    for past in [4, i64::MAX] {
        let page = stage.page(past, 2, Direction::Descending).await;
        assert_eq!((page.total, page.num_pages(), page.result.len()), (5, 3, 0));
    }
    for (page, entries_per_page) in [(0, 10), (-1, 10), (1, 0), (1, 501), (1, -1)] {
        let request = PageRequest { page, entries_per_page, direction: Direction::Ascending };
        let outcome = stage.world.sso.list_site_sessions(&ctx(), &stage.site, request).await;
        assert_eq!(refusal(outcome), Code::CommonInvalidInput, "{page} {entries_per_page}");
    }
}

async fn what_ends_the_sessions_of_a_user_ends_these(kind: Kind) {
    let stage = Stage::new(kind).await;
    let sso = &stage.world.sso;
    stage.world.super_user("root1").await;
    let root = stage.world.login("root1").await;
    let (by, user_id) = (&root.ust, stage.user.user_id.as_str());
    let is_gone = async |session: &SiteSession| {
        assert_eq!(refusal(stage.get(session).await), Code::SessionNoSuchSession);
        let identity = stage.identity_token.as_str();
        let outcome = sso.get_site_session_of_identity(&ctx(), &stage.site, identity).await;
        assert_eq!(refusal(outcome), Code::SessionNoSuchSession);
        assert_eq!(stage.page(1, 500, Direction::Ascending).await.total, 0);
    };

    let session = stage.start().await;
    sso.lock_user(&ctx(), by.clone(), user_id).await.unwrap();
    is_gone(&session).await;
    let outcome = sso.end_site_session(&ctx(), &stage.site, &session.sso_session_token).await;
    assert_eq!(refusal(outcome), Code::SessionNoSuchSession);
    sso.unlock_user(&ctx(), by.clone(), user_id).await.unwrap();
    is_gone(&session).await;

    let session = stage.start().await;
    sso.reject_user(&ctx(), &root.ust, user_id).await.unwrap();
    is_gone(&session).await;
    sso.approve_user(&ctx(), &root.ust, user_id).await.unwrap();
    is_gone(&session).await;

    let session = stage.start().await;
    sso.end_all_sessions(&ctx(), Actor::Trusted(None), Some(user_id), false).await.unwrap();
    is_gone(&session).await;

    let session = stage.start().await;
    let password = SetPassword {
        password: Password::from("another horse battery"),
        must_change: false,
        password_expiry: None,
        details: None,
    };
    sso.set_password(&ctx(), user_id, password).await.unwrap();
    is_gone(&session).await;

    let session = stage.start().await;
    let expired = UserUpdate { password_expiry: Edit::Set(stage.world_time()), ..UserUpdate::default() };
    sso.update_user_by_id(&ctx(), &root.ust, user_id, expired).await.unwrap();
    is_gone(&session).await;
    let valid =
        UserUpdate { password_expiry: Edit::Set(stage.world_time().plus_days(30)), ..UserUpdate::default() };
    sso.update_user_by_id(&ctx(), &root.ust, user_id, valid).await.unwrap();

    let session = stage.start().await;
    sso.delete_user_by_id(&ctx(), by, user_id).await.unwrap();
    assert_eq!(refusal(stage.get(&session).await), Code::SessionNoSuchSession);
    let outcome = sso.get_site_session_of_identity(&ctx(), &stage.site, &stage.identity_token).await;
    assert_eq!(refusal(outcome), Code::UserIdInvalid);
}

impl Stage {
    fn world_time(&self) -> zato_sso::domain::Timestamp {
        zato_sso::domain::Clock::now(&*self.world.clock)
    }
}

async fn these_sessions_stand_among_those_of_the_user(kind: Kind) {
    let stage = Stage::new(kind).await;
    let (sso, session) = (&stage.world.sso, stage.start().await);
    stage.world.clock.advance_seconds(1);
    let info = stage.world.login("user1").await;
    let listed = sso.list_sessions(&ctx(), &info.ust, None).await.unwrap();
    assert_eq!(listed.len(), 2);
    assert_eq!(listed[0].session.session_id, session.session_id);
    assert_eq!(listed[0].session.auth_type.as_str(), "site");
    assert_eq!(listed[0].session.auth_principal, "shop");
    sso.end_site_session(&ctx(), &stage.site, &session.sso_session_token).await.unwrap();
    assert_eq!(sso.list_sessions(&ctx(), &info.ust, None).await.unwrap().len(), 1);
}

async fn a_session_ends_when_its_time_has_come(kind: Kind) {
    let stage = Stage::with(kind, json!({"session.max_lifetime": 2})).await;
    let sso = &stage.world.sso;
    let short = NewSiteSession { lifetime: Some(60), ..NewSiteSession::default() };
    let session = sso.start_site_session(&ctx(), &stage.site, &stage.identity_token, short).await.unwrap();
    stage.world.clock.advance_seconds(59);
    stage.get(&session).await.unwrap();
    stage.world.clock.advance_seconds(1);
    assert_eq!(refusal(stage.get(&session).await), Code::SessionNoSuchSession);
    assert_eq!(stage.page(1, 10, Direction::Ascending).await.total, 0);
    // However long it is asked for, no session outlives what configuration says.
    let session = stage.start().await;
    assert_eq!(session.creation_time.plus_seconds(7200), session.expiration_time);
}

async fn no_token_of_a_site_acts_as_a_session(kind: Kind) {
    let stage = Stage::new(kind).await;
    let (sso, session) = (&stage.world.sso, stage.start().await);
    let token = session.sso_session_token.expose();
    for ust in [
        token.to_owned(),
        format!("sso_session_token:{token}"),
        stage.created.private_key.expose().to_owned(),
    ] {
        let outcome = sso.get_current_session(&ctx(), &Ust::from(ust.as_str())).await;
        assert_eq!(refusal(outcome), Code::SessionNoSuchSession);
        assert_eq!(refusal(sso.logout(&ctx(), &Ust::from(ust.as_str())).await), Code::AuthNotAllowed);
    }
}

async fn who_may_not_log_in_gets_no_session(kind: Kind) {
    let address = json!({"user_address_list": {"user1": ["10.0.0.0/8"]}});
    let stage = Stage::with(kind, address).await;
    let sso = &stage.world.sso;
    let start = async |remote_addr: &str| {
        let new = NewSiteSession::default();
        let ctx = ctx_of("CRM", remote_addr);
        sso.start_site_session(&ctx, &stage.site, &stage.identity_token, new).await
    };
    start("10.0.0.1").await.unwrap();
    assert_eq!(refusal(start("192.168.0.1").await), Code::AuthNotAllowed);
    sso.lock_user(&ctx(), Actor::Trusted(None), stage.user.user_id.as_str()).await.unwrap();
    assert_eq!(refusal(start("10.0.0.1").await), Code::AuthLocked);
    let new = NewSiteSession::default();
    let ctx = ctx_of("Nothing", "10.0.0.1");
    let outcome = sso.start_site_session(&ctx, &stage.site, &stage.identity_token, new).await;
    assert_eq!(refusal(outcome), Code::AppListInvalid);
}

async fn what_a_session_cannot_be_made_of_is_refused(kind: Kind) {
    let stage = Stage::new(kind).await;
    let before = stage.start().await;
    let text = |length: usize| Some("x".repeat(length));
    for new in [
        NewSiteSession { lifetime: Some(0), ..NewSiteSession::default() },
        NewSiteSession { lifetime: Some(-1), ..NewSiteSession::default() },
        NewSiteSession { lifetime: Some(MAX_LIFETIME + 1), ..NewSiteSession::default() },
        NewSiteSession { top_realm: text(257), ..NewSiteSession::default() },
        NewSiteSession { sub_realm: Some("a\0".to_owned()), ..NewSiteSession::default() },
        NewSiteSession { data: text(65_536).map(Into::into), ..NewSiteSession::default() },
    ] {
        let sso = &stage.world.sso;
        let outcome = sso.start_site_session(&ctx(), &stage.site, &stage.identity_token, new).await;
        assert_eq!(refusal(outcome), Code::CommonInvalidInput);
    }
    stage.get(&before).await.unwrap();
    for longest in [
        NewSiteSession { lifetime: Some(MAX_LIFETIME), ..NewSiteSession::default() },
        NewSiteSession {
            data: text(65_534).map(Into::into),
            top_realm: text(256),
            ..NewSiteSession::default()
        },
    ] {
        let sso = &stage.world.sso;
        sso.start_site_session(&ctx(), &stage.site, &stage.identity_token, longest).await.unwrap();
    }
}

async fn of_many_at_once_one_session_is_left(kind: Kind) {
    let stage = Stage::new(kind).await;
    let starts = (0..20).map(|_| {
        let (sso, site, identity) =
            (stage.world.sso.clone(), stage.site.clone(), stage.identity_token.clone());
        tokio::spawn(async move {
            let new = NewSiteSession::default();
            sso.start_site_session(&ctx(), &site, &identity, new).await.unwrap()
        })
    });
    let mut sessions = Vec::new();
    for start in starts.collect::<Vec<_>>() {
        sessions.push(start.await.unwrap());
    }
    let mut open = 0;
    for session in &sessions {
        open += usize::from(stage.get(session).await.is_ok());
    }
    assert_eq!((open, stage.page(1, 500, Direction::Ascending).await.total), (1, 1));
}

async fn no_secret_of_a_site_is_stored(kind: Kind) {
    let stage = Stage::new(kind).await;
    let session = stage.start().await;
    let all = dump(&stage.world).await;
    assert!(all.contains("shop"));
    assert!(!all.contains(stage.created.private_key.expose()));
    assert!(!all.contains(session.sso_session_token.expose()));
    let debugged = format!("{:?} {session:?}", stage.created);
    assert!(!debugged.contains(stage.created.private_key.expose()));
    assert!(!debugged.contains(session.sso_session_token.expose()));
    // A token that is moved to another session is none.
    stage.world.user("user2").await;
    execute(
        &stage.world,
        "UPDATE sso_session SET session_id = (SELECT user_token FROM sso_user WHERE username = 'user2')",
    )
    .await;
    assert!(matches!(stage.get(&session).await, Err(zato_sso::domain::Error::Internal(_))));
}
