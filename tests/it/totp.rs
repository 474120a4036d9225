//! TOTP keys and codes outside of logins.

use serde_json::json;
use zato_sso::domain::{Code, Edit, NewUser, Password, UserUpdate, Ust};
use zato_sso::ops::{Actor, ResetTotpKey, TotpOwner};

use crate::login::{TOTP_KEY, code_of, totp_code, totp_user, with_code};
use crate::support::{Kind, World, any_rows, ctx, new_user, refusal, refusals};

on_both_databases! {
    a_key_is_replaced_by_its_user_or_a_super_user;
    a_new_keys_codes_are_neither_blocked_nor_usable_twice;
    a_code_is_valid_once_here_and_at_login;
    a_code_is_checked_whether_or_not_logins_ask_for_one;
    the_uri_is_the_callers_own;
}

/// Another key.
const OTHER_KEY: &str = "MFRGGZDFMZTWQ2LKMFRGGZDFMZTWQ2LK";

async fn a_key_is_replaced_by_its_user_or_a_super_user(kind: Kind) {
    let world = World::new(kind).await;
    world.super_user("root1").await;
    let (user, other) = (world.user("user1").await, world.user("user2").await);
    let (root, info) = (world.login("root1").await, world.login("user1").await);
    let reset = async |ust: &Ust, request: ResetTotpKey| world.sso.reset_totp_key(&ctx(), ust, request).await;
    let of = |user_id: &str| ResetTotpKey { user_id: Some(user_id.to_owned()), ..ResetTotpKey::default() };
    let kept = async || {
        let found = world.sso.get_user_by_username(&ctx(), "user1", true).await.unwrap().unwrap().user;
        let key = found.totp_key.as_ref().unwrap().expose().to_owned();
        (key, found.totp_label.clone(), found.is_totp_enabled)
    };
    let made = reset(&info.ust, ResetTotpKey::default()).await.unwrap();
    assert_eq!(kept().await, (made.expose().to_owned(), None, false));
    assert_eq!(made.expose().len(), 32);
    let label = Edit::Set(" phone ".to_owned());
    let given =
        ResetTotpKey { key: Some(Password::from("jbsw y3dp ehpk 3pxp")), label, ..of(user.user_id.as_str()) };
    assert_eq!(reset(&root.ust, given).await.unwrap().expose(), "JBSWY3DPEHPK3PXP");
    assert_eq!(kept().await, ("JBSWY3DPEHPK3PXP".to_owned(), Some("phone".to_owned()), false));
    let by_process = Actor::Trusted(None);
    let set = ResetTotpKey { key: Some(Password::from(TOTP_KEY)), ..of(user.user_id.as_str()) };
    world.sso.reset_totp_key(&ctx(), by_process.clone(), set).await.unwrap();
    assert_eq!(kept().await, (TOTP_KEY.to_owned(), Some("phone".to_owned()), false));
    // Another key by somebody else has ended the session.
    let info = world.login("user1").await;
    let without = ResetTotpKey { label: Edit::Set(String::new()), ..ResetTotpKey::default() };
    reset(&info.ust, without).await.unwrap();
    assert_eq!(kept().await.1, None);

    assert_eq!(refusal(reset(&info.ust, of(other.user_id.as_str())).await), Code::AuthNotAllowed);
    assert_eq!(refusal(reset(&root.ust, of("zusrnone")).await), Code::UserIdInvalid);
    let nobody = world.sso.reset_totp_key(&ctx(), by_process, ResetTotpKey::default()).await;
    assert_eq!(refusal(nobody), Code::UserIdInvalid);
    let no_key = ResetTotpKey { key: Some(Password::from("not base32")), ..ResetTotpKey::default() };
    assert_eq!(refusal(reset(&info.ust, no_key).await), Code::CommonInvalidInput);
    let long = ResetTotpKey { label: Edit::Set("x".repeat(257)), ..ResetTotpKey::default() };
    assert_eq!(refusal(reset(&info.ust, long).await), Code::CommonInvalidInput);
    // Of two refusals of one kind within a minute, the second is counted.
    world.sso.record_refusals().await.unwrap();
    let entries = any_rows(&world, "SELECT extra FROM sso_audit WHERE op = 'user.reset_totp_key'").await;
    assert_eq!(entries.len(), 9);
    assert!(entries.iter().all(|entry| !String::from_utf8_lossy(entry).contains(TOTP_KEY)));
}

async fn a_new_keys_codes_are_neither_blocked_nor_usable_twice(kind: Kind) {
    let world = World::new(kind).await;
    totp_user(&world).await;
    let login = async |code: String| world.sso.login(&ctx(), with_code(&code)).await;
    let info = login(totp_code(1)).await.unwrap();
    let to = |key: &str| ResetTotpKey { key: Some(Password::from(key)), ..ResetTotpKey::default() };
    world.sso.reset_totp_key(&ctx(), &info.ust, to(OTHER_KEY)).await.unwrap();
    login(code_of(OTHER_KEY, 0)).await.unwrap();
    assert_eq!(refusal(login(code_of(OTHER_KEY, 0)).await), Code::AuthNotAllowed);
    assert_eq!(refusal(login(totp_code(0)).await), Code::AuthNotAllowed);
    // The same key once more starts nothing anew, whichever way it is given.
    world.sso.reset_totp_key(&ctx(), &info.ust, to(OTHER_KEY)).await.unwrap();
    let key = |key: &str| UserUpdate { totp_key: Edit::Set(Password::from(key)), ..UserUpdate::default() };
    world.sso.update_current_user(&ctx(), &info.ust, key(OTHER_KEY)).await.unwrap();
    assert_eq!(refusal(login(code_of(OTHER_KEY, 0)).await), Code::AuthNotAllowed);
    world.sso.update_current_user(&ctx(), &info.ust, key("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")).await.unwrap();
    login(code_of("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", 0)).await.unwrap();
}

async fn a_code_is_valid_once_here_and_at_login(kind: Kind) {
    let world = World::new(kind).await;
    totp_user(&world).await;
    let info = world.sso.login(&ctx(), with_code(&totp_code(-1))).await.unwrap();
    let (by_ust, by_name) = (TotpOwner::Ust(info.ust.clone()), TotpOwner::Username("totp1".to_owned()));
    let is_valid = async |owner: &TotpOwner, code: &str| {
        world.sso.validate_totp_code(&ctx(), owner, &Password::from(code)).await.unwrap()
    };
    assert!(!is_valid(&by_ust, &totp_code(-1)).await, "used by the login");
    assert!(!is_valid(&by_ust, "000000").await);
    assert!(is_valid(&by_ust, &totp_code(0)).await);
    assert!(!is_valid(&by_ust, &totp_code(0)).await);
    assert!(!is_valid(&by_name, &totp_code(0)).await);
    assert_eq!(refusal(world.sso.login(&ctx(), with_code(&totp_code(0))).await), Code::AuthNotAllowed);
    assert!(!is_valid(&by_name, "").await);
    assert!(is_valid(&by_name, &totp_code(1)).await);
    for nobody in ["nobody", "", "\0"] {
        assert!(!is_valid(&TotpOwner::Username(nobody.to_owned()), &totp_code(1)).await);
    }
    let none = TotpOwner::Ust(Ust::from("zustnone"));
    let refused = world.sso.validate_totp_code(&ctx(), &none, &Password::from("000000")).await;
    assert_eq!(refusal(refused), Code::SessionNoSuchSession);
    assert_eq!(refusals(&world, "totp.validate_code", "E005001").await, 8);

    let lenient = world.reopened(json!({"login.totp_single_use": false})).await;
    for _ in 0..2 {
        assert!(lenient.validate_totp_code(&ctx(), &by_ust, &Password::from(totp_code(0))).await.unwrap());
    }
}

async fn a_code_is_checked_whether_or_not_logins_ask_for_one(kind: Kind) {
    let world = World::new(kind).await;
    let new = NewUser { totp_key: Some(Password::from(TOTP_KEY)), ..new_user("user1") };
    world.sso.create_user(&ctx(), Actor::Trusted(None), new, true).await.unwrap();
    let owner = TotpOwner::Username("user1".to_owned());
    world.login("user1").await;
    assert!(world.sso.validate_totp_code(&ctx(), &owner, &Password::from(totp_code(0))).await.unwrap());
}

async fn the_uri_is_the_callers_own(kind: Kind) {
    let world = World::with(kind, json!({"main.site_name": "My Company"})).await;
    totp_user(&world).await;
    let info = world.sso.login(&ctx(), with_code(&totp_code(0))).await.unwrap();
    let uri = world.sso.totp_provisioning_uri(&ctx(), &info.ust).await.unwrap();
    let expected = format!("otpauth://totp/My%20Company:totp1?secret={TOTP_KEY}&issuer=My%20Company");
    assert_eq!(uri.expose(), expected);
    let none = world.sso.totp_provisioning_uri(&ctx(), &Ust::from("zustnone")).await;
    assert_eq!(refusal(none), Code::SessionNoSuchSession);
}
