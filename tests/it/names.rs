//! Names and passwords are Unicode: one name has many forms, and different names can look alike.

use serde_json::json;
use zato_sso::domain::{Code, Edit, NewUser, Password, SignUpNames, UserSearch, UserUpdate};
use zato_sso::ops::{Actor, SetPassword, SignUpRequest, UsernamesMigrated};

use crate::support::{Kind, PASSWORD, World, any_rows, credentials, ctx, ctx_of, execute, new_user, refusal};

on_both_databases! {
    a_name_is_one_in_every_form;
    a_name_of_an_earlier_version_logs_in_as_it_is;
    what_is_not_seen_is_in_no_name;
    a_name_that_looks_like_anothers_is_taken_at_sign_up;
    of_two_look_alikes_at_once_one_signs_up;
    who_renames_oneself_keeps_the_rules_of_a_sign_up;
    an_address_list_is_that_of_every_form_of_a_name;
    failures_count_for_every_form_of_a_name;
    case_matters_where_the_database_says_so_until_names_are_migrated;
    a_name_that_is_shown_is_one_in_every_form;
    a_password_is_one_in_every_form;
    a_hash_of_a_raw_password_is_verified_and_replaced;
}

const NFC: &str = "J\u{fc}rgen";
const NFD: &str = "Ju\u{308}rgen";

async fn create(world: &World, username: &str) -> Result<(), Code> {
    let created = world.sso.create_user(&ctx(), Actor::Trusted(None), new_user(username), true).await;
    created.map(drop).map_err(|error| error.code())
}

fn sign_up(username: &str, email: &str) -> SignUpRequest {
    SignUpRequest {
        username: username.to_owned(),
        email: Some(email.to_owned()),
        names: SignUpNames::default(),
        password: Password::from(PASSWORD),
        app_list: None,
    }
}

async fn a_name_is_one_in_every_form(kind: Kind) {
    let more = json!({"apps.signup_allowed": ["CRM"], "signup.inform_if_user_exists": true});
    let world = World::with(kind, more).await;
    world.super_user("boss1").await;
    let boss = world.login("boss1").await;
    create(&world, NFD).await.unwrap();
    let forms = [NFC, NFD, "j\u{fc}rgen", "JU\u{308}RGEN", "\u{ff2a}\u{fc}rgen"];
    for form in forms {
        assert_eq!(create(&world, form).await, Err(Code::UsernameExists), "{form}");
        let signed_up = world.sso.sign_up(&ctx(), sign_up(form, "a@example.com")).await;
        assert_eq!(refusal(signed_up), Code::UsernameExists, "{form}");
        let info = world.sso.login(&ctx(), credentials(form, PASSWORD)).await.unwrap();
        assert_eq!(info.username, NFC);
        let search = UserSearch { username: Some(form.to_owned()), ..UserSearch::default() };
        assert_eq!(world.sso.search_users(&ctx(), &boss.ust, search).await.unwrap().total, 1, "{form}");
        let found = world.sso.get_user_by_username(&ctx(), form, true).await.unwrap().unwrap();
        assert_eq!(found.user.username, NFC);
    }
    // Another user takes the name no more than a new one does; oneself writes it otherwise.
    world.user("user2").await;
    let other = world.login("user2").await;
    let rename = |name: &str| UserUpdate { username: Edit::Set(name.to_owned()), ..UserUpdate::default() };
    let taken = world.sso.update_current_user(&ctx(), &other.ust, rename("JU\u{308}RGEN")).await;
    assert_eq!(refusal(taken), Code::UsernameExists);
    let own = world.sso.login(&ctx(), credentials(NFC, PASSWORD)).await.unwrap();
    world.sso.update_current_user(&ctx(), &own.ust, rename("JU\u{308}RGEN")).await.unwrap();
    assert_eq!(world.sso.login(&ctx(), credentials(NFD, PASSWORD)).await.unwrap().username, "J\u{dc}RGEN");
    world.sso.delete_user_by_username(&ctx(), &boss.ust, NFD).await.unwrap();
    assert!(world.sso.get_user_by_username(&ctx(), NFC, false).await.unwrap().is_none());
}

async fn a_name_of_an_earlier_version_logs_in_as_it_is(kind: Kind) {
    let world = World::new(kind).await;
    for (username, raw) in [("user1", "us\u{200b}er1"), ("user2", NFD), ("user3", "Boss \u{2603}")] {
        create(&world, username).await.unwrap();
        let sql = format!(
            "UPDATE sso_user SET username = '{raw}', username_key = NULL, username_skeleton = NULL \
             WHERE username = '{username}'"
        );
        execute(&world, &sql).await;
        assert_eq!(world.sso.login(&ctx(), credentials(raw, PASSWORD)).await.unwrap().username, raw);
    }
    // Until names are migrated, a new one may be another form of an old one: each is who wrote it so.
    create(&world, NFC).await.unwrap();
    assert_eq!(world.sso.login(&ctx(), credentials(NFD, PASSWORD)).await.unwrap().username, NFD);
    assert_eq!(world.sso.login(&ctx(), credentials(NFC, PASSWORD)).await.unwrap().username, NFC);
    world.super_user("boss1").await;
    let boss = world.login("boss1").await;
    world.sso.delete_user_by_username(&ctx(), &boss.ust, NFD).await.unwrap();
    assert!(world.sso.get_user_by_username(&ctx(), NFC, true).await.unwrap().is_some());
}

async fn what_is_not_seen_is_in_no_name(kind: Kind) {
    let world = World::with(kind, json!({"apps.signup_allowed": ["CRM"]})).await;
    world.user("user1").await;
    let info = world.login("user1").await;
    for unseen in [
        "\u{200b}",
        "\u{202e}",
        "\u{2066}",
        "\u{feff}",
        "\u{ad}",
        "\u{3164}",
        "\u{2800}",
        "\u{378}",
        "\u{e0041}",
    ] {
        for name in [format!("an{unseen}na"), unseen.repeat(3)] {
            let expected = if name.contains(char::is_whitespace) {
                Code::UsernameHasWhitespace
            } else {
                Code::UsernameInvalid
            };
            assert_eq!(create(&world, &name).await, Err(expected), "{name:?}");
            let signed_up = world.sso.sign_up(&ctx(), sign_up(&name, "a@example.com")).await;
            assert_eq!(refusal(signed_up), expected, "{name:?}");
            for update in [
                UserUpdate { display_name: Edit::Set(name.clone()), ..UserUpdate::default() },
                UserUpdate { first_name: Edit::Set(name.clone()), ..UserUpdate::default() },
                UserUpdate { last_name: Edit::Set(name.clone()), ..UserUpdate::default() },
            ] {
                let updated = world.sso.update_current_user(&ctx(), &info.ust, update).await;
                assert_eq!(refusal(updated), Code::CommonInvalidInput, "{name:?}");
            }
        }
    }
    for name in
        ["李小龍", "Нина", "עומר", "علی\u{200c}رضا", "ガラ", "한글", "o'brien", "ann.lee+1@example.com"]
    {
        create(&world, name).await.unwrap();
        world.login(name).await;
    }
    let shown = UserUpdate {
        display_name: Edit::Set("山田\u{3000}太郎 ☃".to_owned()),
        ..UserUpdate::default()
    };
    world.sso.update_current_user(&ctx(), &info.ust, shown).await.unwrap();
}

async fn a_name_that_looks_like_anothers_is_taken_at_sign_up(kind: Kind) {
    let more = json!({"apps.signup_allowed": ["CRM"]});
    let world = World::with(kind, more.clone()).await;
    for name in ["paypal", "larry", "Modern"] {
        create(&world, name).await.unwrap();
    }
    let telling =
        world.reopened(json!({"apps.signup_allowed": ["CRM"], "signup.inform_if_user_exists": true})).await;
    for name in ["p\u{430}ypal", "Iarry", "modem", "\u{440}\u{430}\u{443}\u{440}\u{430}l", "PAYPA1"] {
        let request = || sign_up(name, "a@example.com");
        assert_eq!(refusal(world.sso.sign_up(&ctx(), request()).await), Code::AuthNotAllowed, "{name}");
        assert_eq!(refusal(telling.sign_up(&ctx(), request()).await), Code::UsernameExists, "{name}");
    }
    for (name, email) in [("paypals", "b@example.com"), ("barry", "c@example.com")] {
        world.sso.sign_up(&ctx(), sign_up(name, email)).await.unwrap();
    }
    // A super-user knows what they do, and configuration may say so for all.
    create(&world, "p\u{430}ypal").await.unwrap();
    let lax = json!({"apps.signup_allowed": ["CRM"], "user_validation.reject_look_alikes": false});
    let lax = world.reopened(lax).await;
    lax.sign_up(&ctx(), sign_up("Iarry", "d@example.com")).await.unwrap();
}

async fn of_two_look_alikes_at_once_one_signs_up(kind: Kind) {
    let world = World::with(kind, json!({"apps.signup_allowed": ["CRM"]})).await;
    let names = ["anna", "\u{430}nna", "ann\u{430}", "\u{430}nn\u{430}"];
    let tasks = names.iter().enumerate().map(|(number, name)| {
        let (sso, request) = (world.sso.clone(), sign_up(name, &format!("a{number}@example.com")));
        tokio::spawn(async move { sso.sign_up(&ctx(), request).await.is_ok() })
    });
    let mut signed_up = 0;
    for task in tasks.collect::<Vec<_>>() {
        signed_up += usize::from(task.await.unwrap());
    }
    assert_eq!(signed_up, 1);
}

async fn who_renames_oneself_keeps_the_rules_of_a_sign_up(kind: Kind) {
    let world = World::new(kind).await;
    let user = world.user("user1").await;
    world.user("paypal").await;
    world.super_user("boss1").await;
    let (info, boss) = (world.login("user1").await, world.login("boss1").await);
    let rename = |name: &str| UserUpdate { username: Edit::Set(name.to_owned()), ..UserUpdate::default() };
    for (name, code) in [("p\u{430}ypal", Code::UsernameExists), ("\u{430}dmin", Code::UsernameInvalid)] {
        let own = world.sso.update_current_user(&ctx(), &info.ust, rename(name)).await;
        assert_eq!(refusal(own), code, "{name}");
        world.sso.update_user_by_id(&ctx(), &boss.ust, user.user_id.as_str(), rename(name)).await.unwrap();
    }
}

async fn an_address_list_is_that_of_every_form_of_a_name(kind: Kind) {
    let more = json!({"user_address_list": {"j\u{fc}rgen": ["10.0.0.0/8"]}, "apps.signup_allowed": ["CRM"]});
    let world = World::with(kind, more).await;
    let signed_up = world.sso.sign_up(&ctx(), sign_up("JU\u{308}RGEN", "a@example.com")).await;
    assert_eq!(refusal(signed_up), Code::UsernameInvalid);
    create(&world, NFD).await.unwrap();
    for form in [NFC, NFD, "JU\u{308}RGEN"] {
        let outside = world.sso.login(&ctx_of("CRM", "192.168.0.1"), credentials(form, PASSWORD)).await;
        assert_eq!(refusal(outside), Code::AuthNotAllowed, "{form}");
        world.sso.login(&ctx_of("CRM", "10.0.0.1"), credentials(form, PASSWORD)).await.unwrap();
    }
}

async fn failures_count_for_every_form_of_a_name(kind: Kind) {
    let world = World::with(kind, json!({"login_throttle.threshold": 4})).await;
    create(&world, NFC).await.unwrap();
    for form in [NFC, NFD, "JU\u{308}RGEN", "\u{ff2a}\u{fc}rgen"] {
        let wrong = world.sso.login(&ctx(), credentials(form, "wrong")).await;
        assert_eq!(refusal(wrong), Code::AuthNotAllowed, "{form}");
    }
    let next = world.sso.login(&ctx(), credentials("j\u{fc}rgen", "wrong")).await;
    assert_eq!(refusal(next), Code::AuthRateLimited);
}

async fn case_matters_where_the_database_says_so_until_names_are_migrated(kind: Kind) {
    let world = World::with(kind, json!({"user_validation.case_insensitive": false})).await;
    for name in ["anna", "ANNA", "Bob"] {
        create(&world, name).await.unwrap();
    }
    assert_eq!(create(&world, "A\u{ff2e}NA").await, Err(Code::UsernameExists));
    // What the database remembers counts; configuration is a wish.
    let sso = world.reopened(json!({})).await;
    assert!(!sso.is_case_insensitive());
    assert!(sso.warnings().iter().any(|warning| warning.contains("migrate --usernames")));
    let wrong_case = sso.login(&ctx(), credentials("bob", PASSWORD)).await;
    assert_eq!(refusal(wrong_case), Code::AuthNotAllowed);
    let clashes = sso.migrate_usernames(&ctx()).await.unwrap();
    let UsernamesMigrated::Clashes(mut clashes) = clashes else { panic!("{clashes:?}") };
    clashes[0].sort();
    assert_eq!(clashes, [["ANNA", "anna"]]);
    assert_eq!(sso.login(&ctx(), credentials("ANNA", PASSWORD)).await.unwrap().username, "ANNA");

    execute(&world, "DELETE FROM sso_user WHERE username = 'ANNA'").await;
    execute(
        &world,
        "UPDATE sso_user SET username_key = NULL, username_skeleton = NULL WHERE username = 'Bob'",
    )
    .await;
    let done = UsernamesMigrated::Done { users: 2, is_case_insensitive: true };
    assert_eq!(sso.migrate_usernames(&ctx()).await.unwrap(), done);
    for name in ["bob", "BOB", "Anna"] {
        sso.login(&ctx(), credentials(name, PASSWORD)).await.unwrap();
    }
    // A process that has been open since before stores no key of the other kind.
    assert_eq!(create(&world, "bOB").await, Err(Code::CommonInvalidOperation));
    assert_eq!(create(&world, "bOB").await, Err(Code::UsernameExists));
    create(&world, "Carl").await.unwrap();
    let keys = "SELECT username_key FROM sso_user ORDER BY username_key";
    assert_eq!(any_rows(&world, keys).await, [b"anna".to_vec(), b"bob".to_vec(), b"carl".to_vec()]);
    assert!(world.reopened(json!({})).await.is_case_insensitive());
}

async fn a_name_that_is_shown_is_one_in_every_form(kind: Kind) {
    let world = World::new(kind).await;
    world.super_user("boss1").await;
    let boss = world.login("boss1").await.ust;
    let user = world.user("user1").await;
    // As an earlier version has stored it.
    let (upper, lower) = (NFD.to_uppercase(), NFD);
    execute(
        &world,
        &format!(
            "UPDATE sso_user SET display_name = '{lower}', display_name_upper = '{upper}', first_name = '{lower}', \
             first_name_upper = '{upper}' WHERE username = 'user1'"
        ),
    )
    .await;
    let found = async |name: &str, is_name_exact: bool| {
        let search =
            UserSearch { display_name: Some(name.to_owned()), is_name_exact, ..UserSearch::default() };
        world.sso.search_users(&ctx(), &boss, search).await.unwrap().total
    };
    for name in [NFC, NFD, "j\u{fc}rgen"] {
        assert_eq!((found(name, true).await, found(name, false).await), (1, 1), "{name}");
    }
    assert_eq!((found("\u{fc}r", false).await, found("u\u{308}rg", false).await), (1, 1));
    // The next write of the user normalises what it does not change.
    let update = UserUpdate { last_name: Edit::Set("Lee".to_owned()), ..UserUpdate::default() };
    world.sso.update_user_by_id(&ctx(), &boss, user.user_id.as_str(), update).await.unwrap();
    let names =
        any_rows(&world, "SELECT display_name || first_name FROM sso_user WHERE username = 'user1'").await;
    assert_eq!(names, [format!("{NFC}{NFC}").into_bytes()]);
    for name in [NFC, NFD] {
        assert_eq!((found(name, true).await, found(name, false).await), (1, 1), "{name}");
    }
}

async fn a_password_is_one_in_every_form(kind: Kind) {
    let world = World::with(kind, json!({"password.history": 1})).await;
    let (nfc, nfd) = ("p\u{e4}ssw\u{f6}rter sind lang", "pa\u{308}sswo\u{308}rter\u{a0}sind lang");
    let new = NewUser { password: Some(Password::from(nfd)), ..new_user("user1") };
    let user = world.sso.create_user(&ctx(), Actor::Trusted(None), new, true).await.unwrap();
    for form in [nfc, nfd] {
        world.sso.login(&ctx(), credentials("user1", form)).await.unwrap();
        let set = SetPassword {
            password: Password::from(form),
            must_change: false,
            password_expiry: None,
            details: None,
        };
        let used = world.sso.set_password(&ctx(), user.user_id.as_str(), set).await;
        assert_eq!(refusal(used), Code::PasswordInvalid);
    }
    // Seven characters, however they are written.
    let short = NewUser {
        password: Some(Password::from("\u{e4}\u{e4}\u{e4}a\u{308}a\u{308}a\u{308}a")),
        ..new_user("user2")
    };
    let created = world.sso.create_user(&ctx(), Actor::Trusted(None), short, true).await;
    assert_eq!(refusal(created), Code::PasswordTooShort);
}

async fn a_hash_of_a_raw_password_is_verified_and_replaced(kind: Kind) {
    let world = World::with(kind, json!({"main.encrypt_password": false})).await;
    let user = world.user("user1").await;
    // bcrypt hashes what it is given: here a password in normal form D.
    let raw = "pa\u{308}ssword in parts";
    let hash = zato_hash(raw);
    let hex = data_encoding::HEXLOWER.encode(hash.as_bytes());
    let value = if kind == Kind::Sqlite { format!("x'00{hex}'") } else { format!("'\\x00{hex}'") };
    let sql =
        format!("UPDATE sso_user SET password_hash = {value} WHERE user_id = '{}'", user.user_id.as_str());
    execute(&world, &sql).await;
    let composed = "p\u{e4}ssword in parts";
    let early = world.sso.login(&ctx(), credentials("user1", composed)).await;
    assert_eq!(refusal(early), Code::AuthNotAllowed);
    world.sso.login(&ctx(), credentials("user1", raw)).await.unwrap();
    // The hash is of the normal form now.
    world.sso.login(&ctx(), credentials("user1", composed)).await.unwrap();
    world.sso.login(&ctx(), credentials("user1", raw)).await.unwrap();
}

/// PBKDF2-SHA512 as Zato stores it.
fn zato_hash(password: &str) -> String {
    let salt = [7; 16];
    let mut key = [0; 64];
    pbkdf2::pbkdf2_hmac::<sha2::Sha512>(password.as_bytes(), &salt, 1000, &mut key);
    let base64 = |bytes: &[u8]| data_encoding::BASE64_NOPAD.encode(bytes).replace('+', ".");
    format!("$pbkdf2-sha512$1000${}${}", base64(&salt), base64(&key))
}
