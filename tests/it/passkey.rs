//! Passkeys: registered, used, and managed.

use serde_json::{Value, json};
use zato_sso::domain::{Code, Edit, GroupUpdate, NewUser, Passkey, Password, SessionInfo, UserId, Ust};
use zato_sso::ops::{Actor, LoginRequest, LoginStep, PasskeyLogin, Sso};

use crate::authenticator::{Authenticator, BACKED_UP, ELIGIBLE, PRESENT, VERIFIED};
use crate::login::{totp_code, totp_user, with_code};
use crate::rest::Server;
use crate::support::{Kind, World, any_rows, credentials, ctx, ctx_of, new_user, refusal};

on_both_databases! {
    a_passkey_of_each_algorithm_is_registered_and_logs_in;
    a_user_has_twenty_at_most_and_each_once;
    verification_counts_as_two_factors;
    it_is_the_second_step_after_the_password;
    the_last_way_to_log_in_stays;
    what_changes_needs_a_fresh_login_and_is_emailed;
    passkeys_are_ones_own_and_those_of_whom_one_manages;
    a_login_is_like_any_other;
    whoever_has_proved_nothing_is_told_nothing_about_passkeys;
    a_key_that_keeps_no_list_is_asked_for_after_the_password;
    a_passkey_makes_a_session_fresh;
    how_a_login_began_counts_until_its_end;
    without_configuration_there_are_none;
    the_api_has_it_all;
}

/// Registers an authenticator.
pub async fn register(sso: &Sso, ust: &Ust, authenticator: &mut Authenticator) -> Passkey {
    let options = sso.begin_passkey_registration(&ctx(), ust, Some("phone".to_owned())).await.unwrap();
    let response = authenticator.register(&options).to_string();
    sso.finish_passkey_registration(&ctx(), ust, &response).await.unwrap()
}

pub fn request(response: &Value) -> PasskeyLogin {
    PasskeyLogin { response: response.to_string(), ..PasskeyLogin::default() }
}

/// Logs in with it.
pub async fn login(
    sso: &Sso,
    authenticator: &mut Authenticator,
) -> Result<SessionInfo, zato_sso::domain::Error> {
    let options = sso.begin_passkey_login(&ctx(), None).await?;
    sso.finish_passkey_login(&ctx(), request(&authenticator.login(&options))).await
}

/// A user who is logged in, and has a passkey.
pub async fn stage(kind: Kind, more: Value) -> (World, Ust, Authenticator) {
    let world = World::with(kind, more).await;
    world.user("user1").await;
    let ust = world.login("user1").await.ust;
    let mut authenticator = Authenticator::new(-7);
    register(&world.sso, &ust, &mut authenticator).await;
    (world, ust, authenticator)
}

async fn a_passkey_of_each_algorithm_is_registered_and_logs_in(kind: Kind) {
    let world = World::new(kind).await;
    let user = world.user("user1").await;
    let ust = world.login("user1").await.ust;
    for (index, algorithm) in [-7, -8, -35, -257].into_iter().enumerate() {
        let mut authenticator = Authenticator::new(algorithm);
        authenticator.attests = index % 2 == 1;
        authenticator.flags |= ELIGIBLE;
        let made = register(&world.sso, &ust, &mut authenticator).await;
        assert_eq!((made.name.as_str(), made.last_use), ("phone", None));
        assert_eq!(made.transports, ["hybrid", "internal"]);
        assert!(made.is_user_verified && made.is_backup_eligible && !made.is_backed_up);

        world.clock.advance_seconds(1);
        authenticator.flags |= BACKED_UP;
        let session = login(&world.sso, &mut authenticator).await.unwrap();
        assert_eq!((session.username.as_str(), &session.user_id), ("user1", &user.user_id));
        world.sso.get_current_user(&ctx(), &session.ust, false).await.unwrap();
        let list = world.sso.list_passkeys(&ctx(), &ust, None).await.unwrap();
        assert_eq!(list.len(), index + 1);
        assert_eq!(list[index].passkey_id, made.passkey_id);
        assert!(list[index].last_use.is_some() && list[index].is_backed_up);
    }
    let ops =
        any_rows(&world, "SELECT op FROM sso_audit WHERE op LIKE 'passkey.finish%' AND result = 'ok'").await;
    assert_eq!(ops.len(), 8);
    let options = world.sso.begin_passkey_login(&ctx(), None).await.unwrap();
    assert_eq!(options["allowCredentials"], json!([]));
    assert_eq!((&options["rpId"], &options["userVerification"]), (&json!("localhost"), &json!("preferred")));
    let named = world.sso.begin_passkey_login(&ctx(), Some("USER1")).await.unwrap();
    assert_eq!(named["allowCredentials"], json!([]));
}

async fn a_user_has_twenty_at_most_and_each_once(kind: Kind) {
    let (world, ust, mut authenticator) = stage(kind, json!({})).await;
    let options = world.sso.begin_passkey_registration(&ctx(), &ust, None).await.unwrap();
    assert_eq!(options["excludeCredentials"].as_array().unwrap().len(), 1);
    assert_eq!(options["attestation"], "none");
    assert_eq!(options["authenticatorSelection"]["residentKey"], "preferred");
    let again = authenticator.register(&options).to_string();
    let again = world.sso.finish_passkey_registration(&ctx(), &ust, &again).await;
    assert_eq!(refusal(again), Code::PasskeyNotAcceptable);

    for _ in 1..20 {
        register(&world.sso, &ust, &mut Authenticator::new(-7)).await;
    }
    let more = world.sso.begin_passkey_registration(&ctx(), &ust, None).await;
    assert_eq!(refusal(more), Code::CommonInvalidOperation);
    assert_eq!(world.sso.list_passkeys(&ctx(), &ust, None).await.unwrap().len(), 20);
}

async fn verification_counts_as_two_factors(kind: Kind) {
    let world = World::new(kind).await;
    totp_user(&world).await;
    let ust = world.sso.login(&ctx(), with_code(&totp_code(0))).await.unwrap().ust;
    let mut authenticator = Authenticator::new(-7);
    register(&world.sso, &ust, &mut authenticator).await;
    login(&world.sso, &mut authenticator).await.unwrap();
    authenticator.flags = PRESENT;
    assert_eq!(refusal(login(&world.sso, &mut authenticator).await), Code::AuthTotpMissing);

    // Step by step, the code comes after it.
    let options = world.sso.begin_passkey_login(&ctx(), None).await.unwrap();
    let answer = request(&authenticator.login(&options));
    let (step, username) = world.sso.log_in_by_passkey(&ctx(), answer).await.unwrap();
    let LoginStep::CodeNeeded(ticket) = step else { panic!("{step:?}") };
    assert_eq!(username, "totp1");
    let code =
        LoginRequest { username, totp_code: Some(Password::from(totp_code(1))), ..LoginRequest::default() };
    let step = world.sso.log_in_by_steps(&ctx(), code, Some(ticket)).await.unwrap();
    assert!(matches!(step, LoginStep::Done(_)), "{step:?}");

    let strict = world.reopened(json!({"passkey.user_verification": "required"})).await;
    let options = strict.begin_passkey_registration(&ctx(), &ust, None).await.unwrap();
    assert_eq!(options["authenticatorSelection"]["userVerification"], "required");
    let mut other = Authenticator::new(-7);
    other.flags = PRESENT;
    let made = strict.finish_passkey_registration(&ctx(), &ust, &other.register(&options).to_string()).await;
    assert_eq!(refusal(made), Code::PasskeyNotAcceptable);
    assert_eq!(refusal(login(&strict, &mut authenticator).await), Code::AuthNotAllowed);
    authenticator.flags = PRESENT | VERIFIED;
    login(&strict, &mut authenticator).await.unwrap();
}

async fn it_is_the_second_step_after_the_password(kind: Kind) {
    let world = World::new(kind).await;
    totp_user(&world).await;
    world.user("user2").await;
    let ust = world.sso.login(&ctx(), with_code(&totp_code(0))).await.unwrap().ust;
    let step = world.sso.log_in_by_steps(&ctx(), credentials("totp1", crate::support::PASSWORD), None).await;
    let LoginStep::CodeNeeded(ticket) = step.unwrap() else { panic!("no code is needed") };
    // There is none yet, for this user; and no ticket is good for another.
    for name in ["totp1", "user2", "nobody"] {
        assert!(!world.sso.may_step_by_passkey(name, &ticket).await.unwrap());
        assert!(world.sso.begin_passkey_step(&ctx(), name, &ticket).await.unwrap().is_none());
    }
    let mut authenticator = Authenticator::new(-7);
    register(&world.sso, &ust, &mut authenticator).await;
    // A touch is enough after the password.
    authenticator.flags = PRESENT;
    assert!(world.sso.may_step_by_passkey("totp1", &ticket).await.unwrap());
    let wrong = Password::from("wrong");
    assert!(!world.sso.may_step_by_passkey("totp1", &wrong).await.unwrap());
    assert!(world.sso.begin_passkey_step(&ctx(), "totp1", &wrong).await.unwrap().is_none());
    let options = world.sso.begin_passkey_step(&ctx(), "totp1", &ticket).await.unwrap().unwrap();
    assert_eq!(options["allowCredentials"].as_array().unwrap().len(), 1);
    let answer = authenticator.login(&options).to_string();
    // It is no login by itself.
    let alone = PasskeyLogin { response: answer, ..PasskeyLogin::default() };
    assert_eq!(refusal(world.sso.finish_passkey_login(&ctx(), alone).await), Code::PasskeyNoSuchCeremony);
    let step = |passkey: String| LoginRequest {
        username: "totp1".to_owned(),
        passkey: Some(passkey),
        ..LoginRequest::default()
    };
    let options = world.sso.begin_passkey_step(&ctx(), "totp1", &ticket).await.unwrap().unwrap();
    let answer = authenticator.login(&options).to_string();
    let done = world.sso.log_in_by_steps(&ctx(), step(answer.clone()), Some(ticket.clone())).await.unwrap();
    assert!(matches!(done, LoginStep::Done(_)), "{done:?}");
    let used = world.sso.log_in_by_steps(&ctx(), step(answer), Some(ticket.clone())).await;
    assert_eq!(refusal(used), Code::PasskeyNoSuchCeremony);
    // Nor is an answer of the first step one of the second.
    let options = world.sso.begin_passkey_login(&ctx(), None).await.unwrap();
    let answer = authenticator.login(&options).to_string();
    let other = world.sso.log_in_by_steps(&ctx(), step(answer), Some(ticket)).await;
    assert_eq!(refusal(other), Code::PasskeyNoSuchCeremony);
}

async fn the_last_way_to_log_in_stays(kind: Kind) {
    let world = World::new(kind).await;
    let new = NewUser { password: None, ..new_user("user1") };
    let user = world.sso.create_user(&ctx(), Actor::Trusted(None), new, true).await.unwrap();
    let by_process = LoginRequest { skip_sec: true, ..credentials("user1", "") };
    let ust = world.sso.login(&ctx(), by_process).await.unwrap().ust;
    let (mut one, mut two) = (Authenticator::new(-7), Authenticator::new(-8));
    // One that is good for nothing but a second step is no way to log in.
    let mut key = Authenticator::new(-7);
    key.discoverable = Some(false);
    let third = register(&world.sso, &ust, &mut key).await;
    let first = register(&world.sso, &ust, &mut one).await;
    let second = register(&world.sso, &ust, &mut two).await;
    let delete = async |passkey: Option<&Passkey>| {
        let id = passkey.map(|passkey| passkey.passkey_id.as_str());
        world.sso.delete_passkeys(&ctx(), &ust, None, id).await
    };
    assert_eq!(refusal(delete(None).await), Code::PasskeyLastWayToLogIn);
    assert_eq!(delete(Some(&first)).await.unwrap(), 1);
    assert_eq!(refusal(delete(Some(&second)).await), Code::PasskeyLastWayToLogIn);
    assert_eq!(delete(Some(&third)).await.unwrap(), 1);
    let by_process =
        world.sso.delete_passkeys(&ctx(), Actor::Trusted(None), Some(user.user_id.as_str()), None).await;
    assert_eq!(refusal(by_process), Code::PasskeyLastWayToLogIn);
    assert_eq!(refusal(login(&world.sso, &mut one).await), Code::AuthNotAllowed);
    login(&world.sso, &mut two).await.unwrap();
    let change = zato_sso::ops::SetPassword {
        password: Password::from(crate::support::PASSWORD),
        must_change: false,
        password_expiry: None,
        details: None,
    };
    world.sso.set_password(&ctx(), user.user_id.as_str(), change).await.unwrap();
    let ust = login(&world.sso, &mut two).await.unwrap().ust;
    assert_eq!(world.sso.delete_passkeys(&ctx(), &ust, None, None).await.unwrap(), 1);
    assert_eq!(world.sso.delete_passkeys(&ctx(), &ust, None, None).await.unwrap(), 0);
}

async fn what_changes_needs_a_fresh_login_and_is_emailed(kind: Kind) {
    let world = World::with(kind, json!({"smtp.url": "smtp://127.0.0.1:1"})).await;
    let new = NewUser { email: Some("user1@example.com".to_owned()), ..new_user("user1") };
    world.sso.create_user(&ctx(), Actor::Trusted(None), new, true).await.unwrap();
    let told = async || {
        let kinds = any_rows(&world, "SELECT kind FROM sso_outbox").await;
        crate::support::execute(&world, "DELETE FROM sso_outbox").await;
        assert!(kinds.iter().all(|kind| kind == b"second-factor-changed"), "{kinds:?}");
        kinds.len()
    };
    let ust = world.login("user1").await.ust;
    let mut key = Authenticator::new(-7);
    let made = register(&world.sso, &ust, &mut key).await;
    let id = made.passkey_id.as_str();
    assert_eq!(told().await, 1);
    world.sso.rename_passkey(&ctx(), &ust, id, "  tablet ".to_owned()).await.unwrap();
    assert_eq!(world.sso.list_passkeys(&ctx(), &ust, None).await.unwrap()[0].name, "tablet");
    assert_eq!(told().await, 0);
    let options = world.sso.begin_passkey_registration(&ctx(), &ust, None).await.unwrap();
    let answer = Authenticator::new(-7).register(&options).to_string();

    world.clock.advance_seconds(10 * 60);
    let begun = world.sso.begin_passkey_registration(&ctx(), &ust, None).await;
    assert_eq!(refusal(begun), Code::AuthFreshLoginNeeded);
    let finished = world.sso.finish_passkey_registration(&ctx(), &ust, &answer).await;
    assert_eq!(refusal(finished), Code::AuthFreshLoginNeeded);
    let deleted = world.sso.delete_passkeys(&ctx(), &ust, None, Some(id)).await;
    assert_eq!(refusal(deleted), Code::AuthFreshLoginNeeded);
    let ust = login(&world.sso, &mut key).await.unwrap().ust;
    world.sso.delete_passkeys(&ctx(), &ust, None, Some(id)).await.unwrap();
    assert_eq!(told().await, 1);
}

async fn passkeys_are_ones_own_and_those_of_whom_one_manages(kind: Kind) {
    let (world, ust, mut authenticator) = stage(kind, json!({})).await;
    let user_id = world.sso.get_current_user(&ctx(), &ust, false).await.unwrap().user.user_id.clone();
    let root_id = world.super_user("root1").await.user_id;
    let manager_id = world.user("manager1").await.user_id;
    world.user("user2").await;
    let id = world.sso.list_passkeys(&ctx(), &ust, None).await.unwrap()[0].passkey_id.clone();
    let root = world.login("root1").await.ust;
    register(&world.sso, &root, &mut Authenticator::new(-7)).await;
    let group = GroupUpdate {
        name: Edit::Set("managers".to_owned()),
        can_manage_users: Edit::Set(true),
        ..GroupUpdate::default()
    };
    world.sso.create_group(&ctx(), &root, group).await.unwrap();
    world.sso.add_group_member(&ctx(), &root, "managers", manager_id.as_str()).await.unwrap();
    let (manager, other) = (world.login("manager1").await.ust, world.login("user2").await.ust);
    let list = async |ust: &Ust, whose: &UserId| {
        world.sso.list_passkeys(&ctx(), ust, Some(whose.as_str())).await.map(|list| list.len())
    };
    assert_eq!(refusal(list(&other, &user_id).await), Code::AuthNotAllowed);
    assert_eq!(list(&manager, &user_id).await.unwrap(), 1);
    assert_eq!(list(&root, &user_id).await.unwrap(), 1);
    assert_eq!(refusal(list(&manager, &root_id).await), Code::AuthNotAllowed);

    let delete = async |ust: &Ust, whose: Option<&UserId>| {
        let whose = whose.map(UserId::as_str);
        world.sso.delete_passkeys(&ctx(), ust, whose, Some(id.as_str())).await
    };
    assert_eq!(refusal(delete(&other, None).await), Code::CommonInvalidInput);
    assert_eq!(refusal(delete(&other, Some(&user_id)).await), Code::AuthNotAllowed);
    assert_eq!(refusal(delete(&manager, Some(&root_id)).await), Code::AuthNotAllowed);
    let renamed = world.sso.rename_passkey(&ctx(), &other, id.as_str(), "mine".to_owned()).await;
    assert_eq!(refusal(renamed), Code::CommonInvalidInput);
    login(&world.sso, &mut authenticator).await.unwrap();
    assert_eq!(delete(&manager, Some(&user_id)).await.unwrap(), 1);
    assert_eq!(refusal(login(&world.sso, &mut authenticator).await), Code::AuthNotAllowed);
}

async fn a_login_is_like_any_other(kind: Kind) {
    let more = json!({
        "session.max_per_user": 2, "login.email_on_new_device": true, "smtp.url": "smtp://127.0.0.1:1",
    });
    let (world, ust, mut authenticator) = stage(kind, more).await;
    let user_id = world.sso.get_current_user(&ctx(), &ust, false).await.unwrap().user.user_id.clone();
    let begin =
        async |app: &str, address: &str| world.sso.begin_passkey_login(&ctx_of(app, address), None).await;
    let finish = async |app: &str, address: &str, answer: &Value| {
        let request =
            PasskeyLogin { user_agent: Some("Mozilla/5.0 Firefox/140.0".to_owned()), ..request(answer) };
        world.sso.finish_passkey_login(&ctx_of(app, address), request).await
    };
    // An application without logins.
    assert_eq!(begin("Billing", "10.0.0.1").await.unwrap_err().code(), Code::AppListInvalid);
    // The oldest session ends.
    for address in ["10.0.0.1", "10.9.0.1"] {
        world.clock.advance_seconds(1);
        let options = begin("CRM", address).await.unwrap();
        finish("CRM", address, &authenticator.login(&options)).await.unwrap();
    }
    let ended = world.sso.get_current_user(&ctx(), &ust, false).await;
    assert_eq!(refusal(ended), Code::SessionNoSuchSession);
    let noted = "SELECT extra FROM sso_audit WHERE op = 'passkey.finish_login' AND result = 'ok'";
    let noted = any_rows(&world, noted).await;
    let count = |text: &str| noted.iter().filter(|row| String::from_utf8_lossy(row).contains(text)).count();
    assert_eq!((count("\"auth_method\":\"passkey\""), count("\"new_device\":\"yes\"")), (2, 2));

    // What strangers do to the name does not keep its user out.
    for _ in 0..20 {
        world.sso.login(&ctx_of("CRM", "172.16.0.1"), credentials("user1", "wrong")).await.unwrap_err();
    }
    let options = begin("CRM", "10.7.0.1").await.unwrap();
    finish("CRM", "10.7.0.1", &authenticator.login(&options)).await.unwrap();

    // Who is locked does not get in.
    world.sso.lock_user(&ctx(), Actor::Trusted(None), user_id.as_str()).await.unwrap();
    let options = begin("CRM", "10.0.0.1").await.unwrap();
    let locked = finish("CRM", "10.0.0.1", &authenticator.login(&options)).await;
    assert_eq!(refusal(locked), Code::AuthLocked);
}

async fn whoever_has_proved_nothing_is_told_nothing_about_passkeys(kind: Kind) {
    let (world, _, mut authenticator) = stage(kind, json!({})).await;
    world.user("user2").await;
    let begin = async |name: &str| world.sso.begin_passkey_login(&ctx(), Some(name)).await.unwrap();
    let mut seen = Vec::new();
    for name in ["user1", "user2", "nobody", "USER1", "a name that is none", ""] {
        let mut options = begin(name).await;
        let challenge = options["challenge"].take();
        seen.push((options, if name.is_empty() { None } else { Some(challenge.as_str().unwrap().len()) }));
    }
    let (options, length) = seen[0].clone();
    assert_eq!(options["allowCredentials"], json!([]));
    for (other, other_length) in &seen {
        assert_eq!(*other, options);
        assert!(other_length.is_none() || *other_length == length);
    }
    // A login that was begun for a name is for nobody else.
    let answer = authenticator.login(&begin("user2").await);
    assert_eq!(refusal(world.sso.finish_passkey_login(&ctx(), request(&answer)).await), Code::AuthNotAllowed);
    let answer = authenticator.login(&begin("USER1").await);
    world.sso.finish_passkey_login(&ctx(), request(&answer)).await.unwrap();
}

/// The methods of the sessions that there are.
async fn methods(world: &World) -> Vec<String> {
    let rows =
        any_rows(world, "SELECT COALESCE(auth_methods, '-') FROM sso_session ORDER BY session_id").await;
    rows.into_iter().map(|row| String::from_utf8(row).unwrap()).collect()
}

async fn a_key_that_keeps_no_list_is_asked_for_after_the_password(kind: Kind) {
    let world = World::new(kind).await;
    world.user("user1").await;
    let ust = world.login("user1").await.ust;
    let mut phone = Authenticator::new(-7);
    phone.discoverable = Some(true);
    assert_eq!(register(&world.sso, &ust, &mut phone).await.is_discoverable, Some(true));
    // Who can log in with a passkey alone still logs in with the password on another device.
    world.login("user1").await;
    let asks = world.reopened(json!({"passkey.second_factor": true})).await;
    let password = || credentials("user1", crate::support::PASSWORD);
    assert_eq!(refusal(asks.login(&ctx(), password()).await), Code::AuthTotpMissing);

    let mut key = Authenticator::new(-7);
    (key.discoverable, key.flags) = (Some(false), PRESENT);
    let made = register(&world.sso, &ust, &mut key).await;
    assert!(made.is_second_factor_only());
    assert_eq!(refusal(world.sso.login(&ctx(), password()).await), Code::AuthTotpMissing);
    let again = world.sso.reauthenticate(&ctx(), &ust, Password::from(crate::support::PASSWORD), None).await;
    assert_eq!(refusal(again), Code::AuthTotpMissing);
    let never = world.reopened(json!({"passkey.second_factor": false})).await;
    never.login(&ctx(), password()).await.unwrap();
    // It is asked for whatever may be told of codes: there is none to guess.
    let silent = world.reopened(json!({"login.inform_if_totp_missing": false})).await;
    assert_eq!(refusal(silent.login(&ctx(), password()).await), Code::AuthTotpMissing);
    // A wrong password tells nothing.
    assert_eq!(refusal(world.sso.login(&ctx(), credentials("user1", "wrong")).await), Code::AuthNotAllowed);

    let step = silent.log_in_by_steps(&ctx(), password(), None).await.unwrap();
    let LoginStep::CodeNeeded(ticket) = step else { panic!("{step:?}") };
    let options = world.sso.begin_passkey_step(&ctx(), "user1", &ticket).await.unwrap().unwrap();
    let second = LoginRequest {
        username: "user1".to_owned(),
        passkey: Some(key.login(&options).to_string()),
        ..LoginRequest::default()
    };
    let step = world.sso.log_in_by_steps(&ctx(), second, Some(ticket)).await.unwrap();
    assert!(matches!(step, LoginStep::Done(_)), "{step:?}");
    assert!(methods(&world).await.contains(&"pwd pop mfa".to_owned()));
    // It is no login by itself, and goes on being asked for.
    assert_eq!(refusal(login(&world.sso, &mut key).await), Code::AuthNotAllowed);
    assert_eq!(refusal(world.sso.login(&ctx(), password()).await), Code::AuthTotpMissing);
    // A code of a key that was never switched on is none; a recovery code takes the place of the passkey.
    let totp = world.sso.totp_provisioning_uri(&ctx(), &ust).await.unwrap();
    let secret = totp.expose().split("secret=").nth(1).unwrap().split('&').next().unwrap();
    let with = |code: &str| LoginRequest { totp_code: Some(Password::from(code)), ..password() };
    let code = crate::login::code_of(secret, 0);
    assert_eq!(refusal(world.sso.login(&ctx(), with(&code)).await), Code::AuthNotAllowed);
    let codes = world.sso.generate_recovery_codes(&ctx(), &ust, None).await.unwrap();
    world.sso.login(&ctx(), with(codes[0].expose())).await.unwrap();
    assert_eq!(refusal(world.sso.login(&ctx(), with(codes[0].expose())).await), Code::AuthNotAllowed);
}

async fn a_passkey_makes_a_session_fresh(kind: Kind) {
    let (world, ust, mut key) = stage(kind, json!({})).await;
    world.user("user2").await;
    let other = world.login("user1").await.ust;
    let sso = &world.sso;
    let none = world.login("user2").await.ust;
    let begun = sso.begin_passkey_reauthentication(&ctx(), &none).await;
    assert_eq!(refusal(begun), Code::CommonInvalidOperation);
    world.clock.advance_seconds(11 * 60);
    let delete = async || sso.delete_passkeys(&ctx(), &ust, None, None).await;
    assert_eq!(refusal(delete().await), Code::AuthFreshLoginNeeded);
    let options = sso.begin_passkey_reauthentication(&ctx(), &ust).await.unwrap();
    assert_eq!(options["allowCredentials"].as_array().unwrap().len(), 1);
    let answer = key.login(&options).to_string();
    // It is this session's, and no login.
    let finish =
        async |ust: &Ust, answer: &str| sso.finish_passkey_reauthentication(&ctx(), ust, answer).await;
    assert_eq!(refusal(finish(&other, &answer).await), Code::PasskeyNoSuchCeremony);
    let login = PasskeyLogin { response: answer.clone(), ..PasskeyLogin::default() };
    assert_eq!(refusal(sso.finish_passkey_login(&ctx(), login).await), Code::PasskeyNoSuchCeremony);
    let begun = sso.begin_passkey_login(&ctx(), None).await.unwrap();
    let login = key.login(&begun).to_string();
    assert_eq!(refusal(finish(&ust, &login).await), Code::PasskeyNoSuchCeremony);
    let options = sso.begin_passkey_reauthentication(&ctx(), &ust).await.unwrap();
    let answer = key.login(&options).to_string();
    finish(&ust, &answer).await.unwrap();
    assert_eq!(refusal(finish(&ust, &answer).await), Code::PasskeyNoSuchCeremony);
    assert!(methods(&world).await.contains(&"pop user mfa".to_owned()));
    assert_eq!(delete().await.unwrap(), 1);

    // With TOTP, a touch alone is not what a login asks for.
    let world = World::new(kind).await;
    totp_user(&world).await;
    let ust = world.sso.login(&ctx(), with_code(&totp_code(0))).await.unwrap().ust;
    let mut key = Authenticator::new(-7);
    register(&world.sso, &ust, &mut key).await;
    for (flags, expected) in [(PRESENT, Some(Code::AuthTotpMissing)), (PRESENT | VERIFIED, None)] {
        key.flags = flags;
        let options = world.sso.begin_passkey_reauthentication(&ctx(), &ust).await.unwrap();
        let answer = key.login(&options).to_string();
        let outcome = world.sso.finish_passkey_reauthentication(&ctx(), &ust, &answer).await;
        assert_eq!(outcome.err().map(|error| error.code()), expected);
    }
}

async fn how_a_login_began_counts_until_its_end(kind: Kind) {
    let (world, _, mut key) = stage(kind, json!({"login.inform_if_totp_missing": false})).await;
    let by_passkey = async |key: &mut Authenticator| {
        let options = world.sso.begin_passkey_login(&ctx(), None).await.unwrap();
        world.sso.log_in_by_passkey(&ctx(), request(&key.login(&options))).await.unwrap()
    };
    let user = world.sso.get_user_by_username(&ctx(), "user1", false).await.unwrap().unwrap().user;
    let must_change = async || {
        let change = zato_sso::ops::SetPassword {
            password: Password::from(crate::support::PASSWORD),
            must_change: true,
            password_expiry: None,
            details: None,
        };
        world.sso.set_password(&ctx(), user.user_id.as_str(), change).await.unwrap();
    };
    let another = |username: String| LoginRequest {
        username,
        new_password: Some(Password::from("another battery staple")),
        ..LoginRequest::default()
    };
    for (flags, expected) in [(PRESENT | VERIFIED, "pop user mfa"), (PRESENT, "pop")] {
        must_change().await;
        key.flags = flags;
        let (step, username) = by_passkey(&mut key).await;
        let LoginStep::NewPasswordNeeded(ticket, _) = step else { panic!("{step:?}") };
        let step = world.sso.log_in_by_steps(&ctx(), another(username), Some(ticket)).await.unwrap();
        assert!(matches!(step, LoginStep::Done(_)), "{step:?}");
        assert!(methods(&world).await.iter().any(|known| known == expected), "{expected}");
    }
    // Who has shown the key of a passkey is told that a code follows, whatever those are told who guess passwords.
    let (step, _) = {
        let totp = zato_sso::domain::UserUpdate { is_totp_enabled: Edit::Set(true), ..Default::default() };
        world.sso.update_user_by_id(&ctx(), Actor::Trusted(None), user.user_id.as_str(), totp).await.unwrap();
        by_passkey(&mut key).await
    };
    assert!(matches!(step, LoginStep::CodeNeeded(_)), "{step:?}");
}

async fn without_configuration_there_are_none(kind: Kind) {
    let world = World::with(kind, json!({"http.listen": "0.0.0.0:17010"})).await;
    world.user("user1").await;
    let ust = world.login("user1").await.ust;
    let sso = &world.sso;
    let begun = sso.begin_passkey_registration(&ctx(), &ust, None).await;
    assert!(begun.as_ref().unwrap_err().to_string().contains("passkey.rp_id"), "{begun:?}");
    assert_eq!(refusal(begun), Code::CommonInvalidOperation);
    assert_eq!(refusal(sso.begin_passkey_login(&ctx(), None).await), Code::CommonInvalidOperation);
    let finished = sso.finish_passkey_login(&ctx(), PasskeyLogin::default()).await;
    assert_eq!(refusal(finished), Code::CommonInvalidOperation);
    assert!(!sso.may_step_by_passkey("user1", &Password::from("x")).await.unwrap());
    // What there is can be seen and deleted all the same.
    assert!(sso.list_passkeys(&ctx(), &ust, None).await.unwrap().is_empty());
    assert_eq!(sso.delete_passkeys(&ctx(), &ust, None, None).await.unwrap(), 0);
}

async fn the_api_has_it_all(kind: Kind) {
    let more = json!({"passkey.rp_id": "example.com", "passkey.origins": ["https://a.example.com", "https://b.example.com"]});
    let server = Server::with(kind, more).await;
    server.world.user("user1").await;
    let ust = server.ust("user1");
    let ask = |line: &str, body: Value| server.ask(line, &[], &body.to_string()).json();
    let mut authenticator = Authenticator::new(-7);
    authenticator.rp_id = "example.com".to_owned();
    for origin in ["https://a.example.com", "https://b.example.com"] {
        authenticator.origin = origin.to_owned();
        authenticator.id = origin.as_bytes().to_vec();
        let begun = ask("POST /user/passkey/options", json!({"ust": ust, "name": origin}));
        assert_eq!(begun["options"]["rp"]["id"], "example.com");
        let response = authenticator.register(&begun["options"]);
        let made = ask("POST /user/passkey", json!({"ust": ust, "response": response}));
        assert_eq!((&made["status"], &made["passkey"]["name"]), (&json!("ok"), &json!(origin)), "{made}");
        let id = made["passkey"]["passkey_id"].clone();
        let named = ask("PATCH /user/passkey", json!({"ust": ust, "passkey_id": id, "name": "key"}));
        assert_eq!(named["status"], "ok");

        let begun = ask("POST /user/login/passkey/options", json!({}));
        let response = authenticator.login(&begun["options"]);
        // As text, too.
        let response = if origin.contains('a') { response } else { response.to_string().into() };
        let opened = ask("POST /user/login/passkey", json!({"response": response}));
        assert_eq!(opened["username"], "user1", "{opened}");
        assert_eq!(ask("GET /user", json!({"ust": opened["ust"]}))["username"], "user1");
        let again = ask("POST /user/login/passkey", json!({"response": response}));
        assert_eq!(again["sub_status"], json!(["E012002"]));

        let begun = ask("POST /user/session/fresh/passkey/options", json!({"ust": ust}));
        let response = authenticator.login(&begun["options"]);
        let proof = json!({"ust": ust, "response": response});
        assert_eq!(ask("POST /user/session/fresh/passkey", proof.clone())["status"], "ok");
        assert_eq!(ask("POST /user/session/fresh/passkey", proof)["sub_status"], json!(["E012002"]));

        let listed = ask("GET /user/passkey", json!({"ust": ust}));
        assert_eq!(listed["result"][0]["name"], "key");
        assert_eq!(listed["result"][0]["is_discoverable"], true);
        assert!(listed["result"][0]["last_use"].is_string(), "{listed}");
        let deleted = ask("DELETE /user/passkey", json!({"ust": ust, "passkey_id": id}));
        assert_eq!(deleted["status"], "ok");
        assert_eq!(ask("GET /user/passkey", json!({"ust": ust}))["result"], json!([]));
    }
    let begun = ask("POST /user/login/passkey/options", json!({"username": "user1"}));
    authenticator.origin = "https://c.example.com".to_owned();
    let response = authenticator.login(&begun["options"]);
    let refused = ask("POST /user/login/passkey", json!({"response": response}));
    assert_eq!(refused["sub_status"], json!(["E005001"]));
}
