//! Sessions: verifying, renewing, reading and listing them, and what ends them.

use serde_json::json;
use zato_sso::domain::{
    ApprovalStatus, AuthType, ChangeSource, Code, Edit, Password, SignUpStatus, UserUpdate, Ust,
};
use zato_sso::ops::{Actor, ChangePassword, LoginRequest};

use crate::support::{Kind, PASSWORD, START, World, any_rows, credentials, ctx, ctx_of, execute, refusal};

on_both_databases! {
    verify_is_for_super_users_and_tells_valid_from_invalid;
    a_session_ends_with_its_time_and_renewing_gives_it_more;
    no_renewal_goes_past_the_absolute_limit;
    get_is_for_ones_own_session_or_for_super_users;
    the_session_that_acts_tells_whose_it_is;
    a_list_holds_open_sessions_and_their_history_but_no_token;
    the_history_holds_the_last_hundred_interactions;
    a_session_ends_for_good_when_its_user_may_not_log_in_any_more;
    a_session_may_outlast_a_lock_or_a_rejection;
    a_login_under_way_while_its_user_is_locked_leaves_no_session;
    a_change_through_one_handle_is_seen_by_the_next_call_of_another;
    sessions_opened_while_the_password_changes_do_not_outlive_the_change;
    a_session_is_ended_by_its_id_by_its_user_or_a_super_user;
    all_others_or_all_sessions_of_a_user_are_ended;
    a_list_of_sessions_holds_the_newest;
    a_user_has_so_many_sessions_and_a_login_ends_the_oldest;
}

async fn verify_is_for_super_users_and_tells_valid_from_invalid(kind: Kind) {
    let world = World::new(kind).await;
    world.super_user("root1").await;
    world.user("user1").await;
    let (root, user) = (world.login("root1").await, world.login("user1").await);
    assert!(world.sso.verify_session(&ctx(), &root.ust, &user.ust).await.unwrap());
    assert!(!world.sso.verify_session(&ctx(), &root.ust, &Ust::from("zustnone")).await.unwrap());
    assert!(!world.sso.verify_session(&ctx(), &root.ust, &Ust::from("")).await.unwrap());
    let by_user = world.sso.verify_session(&ctx(), &user.ust, &root.ust).await;
    assert_eq!(refusal(by_user), Code::AuthNotAllowed);
    let by_nobody = world.sso.verify_session(&ctx(), &Ust::from("zustnone"), &user.ust).await;
    assert_eq!(refusal(by_nobody), Code::SessionNoSuchSession);
    let elsewhere = world.sso.verify_session(&ctx_of("Unknown", ""), &root.ust, &user.ust).await;
    assert_eq!(refusal(elsewhere), Code::AppListInvalid);
}

async fn a_session_ends_with_its_time_and_renewing_gives_it_more(kind: Kind) {
    let world = World::new(kind).await;
    world.user("user1").await;
    let info = world.login("user1").await;
    world.clock.advance_seconds(59 * 60);
    let renewed = world.sso.renew_session(&ctx(), &info.ust, None).await.unwrap();
    assert_eq!(renewed, START.plus_minutes(119));
    world.clock.advance_seconds(60 * 60 - 1);
    world.sso.get_current_user(&ctx(), &info.ust, false).await.unwrap();
    world.clock.advance_seconds(1);
    let late = world.sso.get_current_user(&ctx(), &info.ust, false).await;
    assert_eq!(refusal(late), Code::SessionExpired);
    assert_eq!(refusal(world.sso.renew_session(&ctx(), &info.ust, None).await), Code::SessionExpired);
}

async fn no_renewal_goes_past_the_absolute_limit(kind: Kind) {
    let world = World::with(kind, json!({"session.max_lifetime": 2})).await;
    world.user("user1").await;
    let info = world.login("user1").await;
    world.clock.advance_seconds(50 * 60);
    world.sso.renew_session(&ctx(), &info.ust, None).await.unwrap();
    world.clock.advance_seconds(50 * 60);
    let renewed = world.sso.renew_session(&ctx(), &info.ust, None).await.unwrap();
    assert_eq!(renewed, START.plus_minutes(120));
    // A clock that steps back gives no more time.
    world.clock.advance_seconds(-60 * 60);
    let renewed = world.sso.renew_session(&ctx(), &info.ust, None).await.unwrap();
    assert!(renewed <= START.plus_minutes(120));
    world.clock.advance_seconds(2 * 60 * 60);
    let late = world.sso.get_current_user(&ctx(), &info.ust, false).await;
    assert_eq!(refusal(late), Code::SessionExpired);
}

async fn get_is_for_ones_own_session_or_for_super_users(kind: Kind) {
    let world = World::new(kind).await;
    world.super_user("root1").await;
    for username in ["user1", "user2"] {
        world.user(username).await;
    }
    let request = LoginRequest { user_agent: Some("curl/8\n".to_owned()), ..credentials("user1", PASSWORD) };
    let user = world.sso.login(&ctx_of("CRM", "10.0.0.1,10.0.0.2"), request).await.unwrap();
    let (root, other) = (world.login("root1").await, world.login("user2").await);
    for current in [&user.ust, &root.ust] {
        let view = world.sso.get_session(&ctx(), current, Some(&user.ust), true).await.unwrap();
        assert_eq!((view.username.as_str(), view.is_super_user), ("user1", false));
        let session = view.session;
        assert_eq!(session.user_id, user.user_id);
        assert_eq!((session.creation_time, session.expiration_time), (START, START.plus_minutes(60)));
        assert_eq!(session.remote_addr, "10.0.0.1, 10.0.0.2");
        assert_eq!(session.user_agent.as_deref(), Some("curl/8"));
        assert_eq!(session.auth_type, AuthType::Default);
        assert_eq!(session.auth_principal, "user1");
    }
    let by_other = world.sso.get_session(&ctx(), &other.ust, Some(&user.ust), true).await;
    assert_eq!(refusal(by_other), Code::AuthNotAllowed);
    // Nor can a regular user find out which tokens exist.
    let guessed = world.sso.get_session(&ctx(), &other.ust, Some(&Ust::from("zustnone")), true).await;
    assert_eq!(refusal(guessed), Code::AuthNotAllowed);
    let by_root = world.sso.get_session(&ctx(), &root.ust, Some(&Ust::from("zustnone")), true).await;
    assert_eq!(refusal(by_root), Code::SessionNoSuchSession);
}

async fn the_session_that_acts_tells_whose_it_is(kind: Kind) {
    let world = World::new(kind).await;
    let (root, user) = (world.super_user("root1").await, world.user("user1").await);
    let (by_root, by_user) = (world.login("root1").await, world.login("user1").await);
    for (info, who, is_super_user) in [(&by_root, &root, true), (&by_user, &user, false)] {
        let view = world.sso.get_current_session(&ctx(), &info.ust).await.unwrap();
        assert_eq!((&view.username, view.is_super_user), (&who.username, is_super_user));
        assert_eq!(view.session.user_id, who.user_id);
    }
    let required = world.sso.require_super_user(&ctx(), &by_root.ust).await.unwrap();
    assert_eq!((required.username.as_str(), required.is_super_user), ("root1", true));
    let regular = world.sso.require_super_user(&ctx(), &by_user.ust).await;
    assert_eq!(refusal(regular), Code::AuthNotAllowed);
    let none = Ust::from("zustnone");
    assert_eq!(refusal(world.sso.get_current_session(&ctx(), &none).await), Code::SessionNoSuchSession);
    assert_eq!(refusal(world.sso.require_super_user(&ctx(), &none).await), Code::SessionNoSuchSession);
}

async fn a_list_holds_open_sessions_and_their_history_but_no_token(kind: Kind) {
    let world = World::new(kind).await;
    world.super_user("root1").await;
    world.user("user1").await;
    let ended = world.login("user1").await;
    world.sso.logout(&ctx(), &ended.ust).await.unwrap();
    let (first, second) = (world.login("user1").await, world.login("user1").await);
    let root = world.login("root1").await;
    world.clock.advance_seconds(60);
    world.sso.renew_session(&ctx_of("CRM", "10.9.9.9"), &first.ust, Some("renewer")).await.unwrap();

    let own = world.sso.list_sessions(&ctx(), &second.ust, None).await.unwrap();
    let by_root = world.sso.list_sessions(&ctx(), &root.ust, Some(&second.ust)).await.unwrap();
    for list in [own, by_root] {
        assert_eq!(list.len(), 2);
        let renewed = list.iter().find(|entry| entry.state_changes.len() == 2).unwrap();
        let sources: Vec<_> =
            renewed.state_changes.iter().map(|change| (change.idx, change.ctx_source)).collect();
        assert_eq!(sources, [(1, ChangeSource::Login), (2, ChangeSource::Renew)]);
        assert_eq!(renewed.state_changes[1].remote_addr, "10.9.9.9");
        assert_eq!(renewed.state_changes[1].user_agent.as_deref(), Some("renewer"));
        assert_eq!(renewed.state_changes[1].timestamp_utc, START.plus_seconds(60));
        assert!(!format!("{list:?}").contains(first.ust.expose()));
    }
    let denied = world.sso.list_sessions(&ctx(), &second.ust, Some(&root.ust)).await;
    assert_eq!(refusal(denied), Code::AuthNotAllowed);

    world.clock.advance_seconds(60 * 60 - 30);
    let left = world.sso.list_sessions(&ctx(), &first.ust, None).await.unwrap();
    assert_eq!(left.len(), 1);
}

async fn the_history_holds_the_last_hundred_interactions(kind: Kind) {
    let world = World::new(kind).await;
    world.user("user1").await;
    let info = world.login("user1").await;
    for _ in 0..99 {
        world.sso.renew_session(&ctx(), &info.ust, None).await.unwrap();
    }
    let history = async || {
        let list = world.sso.list_sessions(&ctx(), &info.ust, None).await.unwrap();
        list[0].state_changes.iter().map(|change| change.idx).collect::<Vec<_>>()
    };
    assert_eq!(history().await, (1..=100).collect::<Vec<_>>());
    for _ in 0..3 {
        world.sso.renew_session(&ctx(), &info.ust, None).await.unwrap();
    }
    assert_eq!(history().await, (4..=103).collect::<Vec<_>>());
}

async fn a_session_ends_for_good_when_its_user_may_not_log_in_any_more(kind: Kind) {
    let world = World::new(kind).await;
    world.super_user("root1").await;
    let user = world.user("user1").await;
    let root = world.login("root1").await;
    let (sso, by, user_id) = (&world.sso, &root.ust, user.user_id.as_str());
    let change = async |value: serde_json::Value| {
        let status = |name: &str| value.get(name).and_then(serde_json::Value::as_str);
        let update = UserUpdate {
            is_locked: value.get("is_locked").map_or(Edit::Keep, |locked| Edit::Set(*locked == true)),
            approval_status: status("approval_status")
                .map_or(Edit::Keep, |name| Edit::Set(ApprovalStatus::parse(name).unwrap())),
            sign_up_status: status("sign_up_status")
                .map_or(Edit::Keep, |name| Edit::Set(SignUpStatus::parse(name).unwrap())),
            ..UserUpdate::default()
        };
        sso.update_user_by_id(&ctx(), by, user_id, update).await.unwrap();
    };
    for way in 0..6 {
        let session = world.login("user1").await;
        // Cached, too.
        sso.get_current_user(&ctx(), &session.ust, false).await.unwrap();
        match way {
            0 => {
                sso.lock_user(&ctx(), by, user_id).await.unwrap();
                sso.unlock_user(&ctx(), by, user_id).await.unwrap();
            }
            1 => {
                sso.lock_user(&ctx(), Actor::Trusted(None), user_id).await.unwrap();
                sso.unlock_user(&ctx(), Actor::Trusted(None), user_id).await.unwrap();
            }
            2 => {
                sso.reject_user(&ctx(), by, user_id).await.unwrap();
                sso.approve_user(&ctx(), by, user_id).await.unwrap();
            }
            3 => {
                change(json!({"is_locked": true})).await;
                change(json!({"is_locked": false})).await;
            }
            4 => {
                for status in ["rejected", "before_decision", "approved"] {
                    change(json!({"approval_status": status})).await;
                }
            }
            _ => {
                change(json!({"sign_up_status": "before_confirmation"})).await;
                change(json!({"sign_up_status": "final"})).await;
            }
        }
        let outcome = sso.get_current_user(&ctx(), &session.ust, false).await;
        assert_eq!(refusal(outcome), Code::SessionNoSuchSession, "way {way}");
        assert_eq!(refusal(sso.renew_session(&ctx(), &session.ust, None).await), Code::SessionNoSuchSession);
        assert!(sso.list_sessions_of_user(&ctx(), Actor::Trusted(None), user_id).await.unwrap().is_empty());
    }
    // What neither locks nor rejects keeps them.
    let session = world.login("user1").await;
    sso.unlock_user(&ctx(), by, user_id).await.unwrap();
    sso.approve_user(&ctx(), by, user_id).await.unwrap();
    change(json!({"is_locked": false, "approval_status": "approved"})).await;
    sso.get_current_user(&ctx(), &session.ust, false).await.unwrap();
}

async fn a_login_under_way_while_its_user_is_locked_leaves_no_session(kind: Kind) {
    let world = World::new(kind).await;
    let user = world.user("user1").await;
    for _ in 0..8 {
        let logins: Vec<_> = (0..8)
            .map(|_| {
                let sso = world.sso.clone();
                tokio::spawn(async move { sso.login(&ctx(), credentials("user1", PASSWORD)).await })
            })
            .collect();
        tokio::task::yield_now().await;
        let (by, user_id) = (Actor::Trusted(None), user.user_id.as_str());
        world.sso.lock_user(&ctx(), by.clone(), user_id).await.unwrap();
        let ended: Vec<_> = futures_of(logins).await;
        world.sso.unlock_user(&ctx(), by, user_id).await.unwrap();
        for info in ended.into_iter().flatten() {
            let outcome = world.sso.get_current_user(&ctx(), &info.ust, false).await;
            assert_eq!(refusal(outcome), Code::SessionNoSuchSession);
        }
    }
}

/// What came of tasks.
async fn futures_of<T>(tasks: Vec<tokio::task::JoinHandle<T>>) -> Vec<T> {
    let mut outcomes = Vec::new();
    for task in tasks {
        outcomes.push(task.await.unwrap());
    }
    outcomes
}

async fn a_session_may_outlast_a_lock_or_a_rejection(kind: Kind) {
    let world = World::with(kind, json!({"session.end_on_lock": false})).await;
    world.super_user("root1").await;
    let user = world.user("user1").await;
    let (root, info) = (world.login("root1").await, world.login("user1").await);
    let user_id = user.user_id.as_str();
    let valid = async || world.sso.verify_session(&ctx(), &root.ust, &info.ust).await.unwrap();
    let current = async || world.sso.get_current_user(&ctx(), &info.ust, false).await;

    world.sso.lock_user(&ctx(), &root.ust, user_id).await.unwrap();
    assert!(!valid().await);
    assert_eq!(refusal(current().await), Code::AuthLocked);
    world.sso.unlock_user(&ctx(), &root.ust, user_id).await.unwrap();
    assert!(valid().await);
    world.sso.reject_user(&ctx(), &root.ust, user_id).await.unwrap();
    assert!(!valid().await);
    assert_eq!(refusal(current().await), Code::AuthNotApproved);
    world.sso.approve_user(&ctx(), &root.ust, user_id).await.unwrap();
    assert!(valid().await);
}

async fn a_change_through_one_handle_is_seen_by_the_next_call_of_another(kind: Kind) {
    let world = World::new(kind).await;
    let other = world.reopened(json!({})).await;
    let user = world.user("user1").await;
    let info = other.login(&ctx(), credentials("user1", PASSWORD)).await.unwrap();
    world.sso.get_current_user(&ctx(), &info.ust, false).await.unwrap();
    other.lock_user(&ctx(), Actor::Trusted(None), user.user_id.as_str()).await.unwrap();
    let locked = world.sso.get_current_user(&ctx(), &info.ust, false).await;
    assert_eq!(refusal(locked), Code::SessionNoSuchSession);
}

async fn sessions_opened_while_the_password_changes_do_not_outlive_the_change(kind: Kind) {
    let world = World::new(kind).await;
    world.user("user1").await;
    let keeper = world.login("user1").await;
    let logins: Vec<_> = (0..16)
        .map(|_| {
            let sso = world.sso.clone();
            tokio::spawn(async move { sso.login(&ctx(), credentials("user1", PASSWORD)).await })
        })
        .collect();
    let change = ChangePassword {
        old_password: Some(Password::from(PASSWORD)),
        new_password: Password::from("a new and different one"),
        user_id: None,
        password_expiry: None,
        must_change: None,
    };
    world.clock.advance_seconds(1);
    world.sso.change_password(&ctx(), &keeper.ust, change).await.unwrap();
    for login in logins {
        if let Ok(info) = login.await.unwrap() {
            let outcome = world.sso.get_current_user(&ctx(), &info.ust, false).await;
            assert_eq!(refusal(outcome), Code::SessionNoSuchSession);
        }
    }
    world.sso.get_current_user(&ctx(), &keeper.ust, false).await.unwrap();
}

/// The public ids of sessions, and which one asks.
async fn ids(world: &World, ust: &Ust) -> Vec<(String, bool)> {
    let listed = world.sso.list_sessions(&ctx(), ust, None).await.unwrap();
    listed.iter().map(|listing| (listing.session.session_id.to_string(), listing.is_current)).collect()
}

async fn is_over(world: &World, ust: &Ust) -> bool {
    match world.sso.get_current_user(&ctx(), ust, false).await {
        Ok(_) => false,
        outcome => refusal(outcome) == Code::SessionNoSuchSession,
    }
}

async fn a_session_is_ended_by_its_id_by_its_user_or_a_super_user(kind: Kind) {
    let world = World::new(kind).await;
    world.super_user("root1").await;
    for username in ["user1", "user2"] {
        world.user(username).await;
    }
    let root = world.login("root1").await.ust;
    let first = world.login("user1").await.ust;
    world.clock.advance_seconds(1);
    let (second, other) = (world.login("user1").await.ust, world.login("user2").await.ust);
    let listed = ids(&world, &second).await;
    assert_eq!(listed.iter().map(|(_, is_current)| *is_current).collect::<Vec<_>>(), [false, true]);
    let seen_by_root = world.sso.list_sessions(&ctx(), &root, Some(&second)).await.unwrap();
    assert!(seen_by_root.iter().all(|listing| !listing.is_current));
    let [(first_id, _), (second_id, _)] = listed.try_into().unwrap();
    let other_id = ids(&world, &other).await.remove(0).0;
    let end = async |ust: &Ust, session_id: &str| {
        world.sso.end_session(&ctx(), ust, session_id, None).await.map(|ended| ended.session.session_id)
    };

    // Cached, and ended all the same.
    assert!(!is_over(&world, &first).await);
    // Somebody else's session is refused like one that there is not.
    let unknown = "01936d5e-0000-7000-8000-000000000000";
    for wrong in [other_id.as_str(), unknown, "", "nonsense", "\0"] {
        assert_eq!(refusal(end(&second, wrong).await), Code::SessionNoSuchSession, "{wrong:?}");
    }
    assert!(!is_over(&world, &other).await);
    assert_eq!(end(&second, &first_id).await.unwrap().to_string(), first_id);
    assert!(is_over(&world, &first).await && !is_over(&world, &second).await);
    assert_eq!(refusal(end(&second, &first_id).await), Code::SessionNoSuchSession);
    // The current one, too.
    end(&second, &second_id).await.unwrap();
    assert!(is_over(&world, &second).await);
    // Super-users end anybody's.
    end(&root, &other_id).await.unwrap();
    assert!(is_over(&world, &other).await);
    assert_eq!(refusal(end(&root, &other_id).await), Code::SessionNoSuchSession);

    // One that has expired is not there any more.
    let late = world.login("user1").await.ust;
    let late_id = ids(&world, &late).await.remove(0).0;
    world.clock.advance_seconds(3600);
    let root = world.login("root1").await.ust;
    assert_eq!(refusal(end(&root, &late_id).await), Code::SessionNoSuchSession);
}

async fn all_others_or_all_sessions_of_a_user_are_ended(kind: Kind) {
    let world = World::new(kind).await;
    world.super_user("root1").await;
    let user = world.user("user1").await;
    world.user("user2").await;
    let root = world.login("root1").await.ust;
    let other = world.login("user2").await.ust;
    let user_id = Some(user.user_id.as_str());
    let end_all = async |ust: &Ust, user_id: Option<&str>, except_current: bool| {
        world.sso.end_all_sessions(&ctx(), ust, user_id, except_current).await.map(|ended| ended.count)
    };
    for named in [None, user_id] {
        let mut usts = Vec::new();
        for _ in 0..3 {
            usts.push(world.login("user1").await.ust);
        }
        let current = usts.pop().unwrap();
        assert_eq!(end_all(&current, named, true).await.unwrap(), 2);
        for ust in &usts {
            assert!(is_over(&world, ust).await);
        }
        assert!(!is_over(&world, &current).await);
        assert_eq!(end_all(&current, named, false).await.unwrap(), 1);
        assert!(is_over(&world, &current).await);
    }

    let ust = world.login("user1").await.ust;
    assert_eq!(refusal(end_all(&other, user_id, true).await), Code::AuthNotAllowed);
    assert_eq!(refusal(end_all(&other, Some("nonsense"), true).await), Code::AuthNotAllowed);
    assert_eq!(refusal(end_all(&root, Some("nonsense"), true).await), Code::UserIdInvalid);
    assert!(!is_over(&world, &ust).await);
    // None of somebody else's sessions is the current one.
    assert_eq!(end_all(&root, user_id, true).await.unwrap(), 1);
    assert!(is_over(&world, &ust).await && !is_over(&world, &root).await && !is_over(&world, &other).await);
}

/// As if whoever has a session had logged in 600 times more.
pub async fn log_in_600_times(world: &World, kind: Kind) {
    let id = if kind == Kind::Sqlite { "randomblob(16)" } else { "gen_random_uuid()" };
    let digest = if kind == Kind::Sqlite { "randomblob(32)" } else { "decode(md5(n::text), 'hex')" };
    let copies = format!(
        "INSERT INTO sso_session (session_id, user_id, creation_time, expiration_time, remote_addr, auth_type, \
         auth_principal, state_change_count, ust_digest) \
         WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < 600) \
         SELECT {id}, user_id, creation_time + n, expiration_time, remote_addr, auth_type, auth_principal, 1, {digest} \
         FROM sso_session, number"
    );
    execute(world, &copies).await;
}

async fn a_list_of_sessions_holds_the_newest(kind: Kind) {
    let world = World::new(kind).await;
    let user = world.user("user1").await;
    let ust = world.login("user1").await.ust;
    log_in_600_times(&world, kind).await;
    let listed = world.sso.list_sessions(&ctx(), &ust, None).await.unwrap();
    assert_eq!(listed.len(), 500);
    assert!(listed.is_sorted_by_key(|one| one.session.creation_time));
    assert_eq!(listed[499].session.creation_time.as_micros() - START.as_micros(), 600);
    let root = Actor::Trusted(None);
    let of_user = world.sso.list_sessions_of_user(&ctx(), root.clone(), user.user_id.as_str()).await.unwrap();
    assert_eq!(of_user.len(), 500);
    // One that is not listed can be ended all the same.
    let own = world.sso.get_current_session(&ctx(), &ust).await.unwrap().session.session_id;
    world.sso.end_session(&ctx(), root.clone(), &own.to_string(), None).await.unwrap();
    let ended = world.sso.end_all_sessions(&ctx(), root, Some(user.user_id.as_str()), false).await.unwrap();
    // What ends is counted, and no more of it is read than a list holds.
    assert_eq!((ended.count, ended.sessions.len()), (600, 500));
}

async fn a_user_has_so_many_sessions_and_a_login_ends_the_oldest(kind: Kind) {
    let world = World::with(kind, json!({"session.max_per_user": 3})).await;
    for username in ["user1", "user2"] {
        world.user(username).await;
    }
    let other = world.login("user2").await.ust;
    let mut usts = Vec::new();
    for _ in 0..3 {
        usts.push(world.login("user1").await.ust);
        world.clock.advance_seconds(60);
    }
    // Used last, although it is the oldest.
    world.sso.renew_session(&ctx(), &usts[0], None).await.unwrap();
    let states = async |usts: &[Ust]| {
        let mut ended = Vec::new();
        for ust in usts {
            ended.push(is_over(&world, ust).await);
        }
        ended
    };
    assert_eq!(states(&usts).await, [false, false, false]);
    usts.push(world.login("user1").await.ust);
    assert_eq!(states(&usts).await, [false, true, false, false]);
    assert!(!is_over(&world, &other).await);
    let entries = "SELECT extra FROM sso_audit WHERE op = 'session.end'";
    let entry = String::from_utf8(any_rows(&world, entries).await.remove(0)).unwrap();
    assert!(entry.contains("session.max_per_user") && entry.contains("session_id"), "{entry}");
    // A lower limit counts at the next login.
    let sso = world.reopened(json!({"session.max_per_user": 1})).await;
    let last = sso.login(&ctx(), credentials("user1", PASSWORD)).await.unwrap().ust;
    assert_eq!(states(&usts).await, [true, true, true, true]);
    assert!(!is_over(&world, &last).await);
    // No limit.
    let sso = world.reopened(json!({"session.max_per_user": 0})).await;
    for _ in 0..5 {
        sso.login(&ctx(), credentials("user1", PASSWORD)).await.unwrap();
    }
    assert!(!is_over(&world, &last).await);
}
