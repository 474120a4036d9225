//! What comes along with users: passkeys, recovery codes, the state of TOTP, groups with their rights.

use serde_json::{Value, json};
use zato_sso::domain::{Code, Edit, GroupUpdate, UserUpdate};
use zato_sso::ops::{Actor, LoginStep};

use crate::authenticator::Authenticator;
use crate::group::{managers, process};
use crate::import::{bring, counts, export, lines};
use crate::login::{totp_code, totp_user, with_code};
use crate::passkey::{login as passkey_login, register};
use crate::support::{Kind, PASSWORD, World, credentials, ctx, execute, refusal};

on_both_databases! {
    what_users_log_in_with_comes_along;
    groups_are_exported_and_imported;
}

async fn what_users_log_in_with_comes_along(kind: Kind) {
    let world = World::new(kind).await;
    totp_user(&world).await;
    let used = totp_code(0);
    let ust = world.sso.login(&ctx(), with_code(&used)).await.unwrap().ust;
    let (mut phone, mut key) = (Authenticator::new(-7), Authenticator::new(-8));
    key.discoverable = Some(false);
    register(&world.sso, &ust, &mut phone).await;
    register(&world.sso, &ust, &mut key).await;
    passkey_login(&world.sso, &mut phone).await.unwrap();
    let copied = phone.counter;
    let codes = world.sso.generate_recovery_codes(&ctx(), &ust, None).await.unwrap();
    world.sso.login(&ctx(), with_code(codes[0].expose())).await.unwrap();
    let group = GroupUpdate {
        name: Edit::Set("Payers".to_owned()),
        description: Edit::Set("All who pay".to_owned()),
        scopes: Edit::Set(vec!["pay".to_owned()]),
        can_manage_users: Edit::Set(true),
        ..GroupUpdate::default()
    };
    let user = world.sso.get_user_by_username(&ctx(), "totp1", false).await.unwrap().unwrap().user;
    let update = UserUpdate { email: Edit::Set("totp1@example.com".to_owned()), ..UserUpdate::default() };
    world.sso.update_user_by_id(&ctx(), Actor::Trusted(None), user.user_id.as_str(), update).await.unwrap();
    execute(&world, "UPDATE sso_user SET email_is_verified = TRUE").await;
    world.sso.create_group(&ctx(), Actor::Trusted(None), group).await.unwrap();
    world.sso.add_group_member(&ctx(), Actor::Trusted(None), "payers", user.user_id.as_str()).await.unwrap();
    let written = export(&world, true).await;
    assert!(
        export(&world, false)
            .await
            .iter()
            .all(|line| !line.contains("passkeys") && !line.contains("digests"))
    );

    let other = World::new(kind).await;
    assert_eq!(bring(&other, written[0].clone()).await.1.lines(), [] as [String; 0]);
    assert_eq!(export(&other, true).await, written);
    let group = other.sso.get_group(&ctx(), Actor::Trusted(None), "payers").await.unwrap();
    assert_eq!((group.scopes, group.can_manage_users), (vec!["pay".to_owned()], true));
    let node = &other.sso;
    // What was used there is used here, and what was not is not.
    assert_eq!(refusal(node.login(&ctx(), with_code(&used)).await), Code::AuthNotAllowed);
    assert_eq!(refusal(node.login(&ctx(), with_code(codes[0].expose())).await), Code::AuthNotAllowed);
    let ust = node.login(&ctx(), with_code(codes[1].expose())).await.unwrap().ust;
    assert_eq!(node.count_recovery_codes(&ctx(), &ust, None).await.unwrap(), 8);
    phone.counter = copied.map(|counter| counter - 1);
    assert_eq!(refusal(passkey_login(node, &mut phone).await), Code::AuthNotAllowed);
    phone.counter = copied;
    passkey_login(node, &mut phone).await.unwrap();
    let step = node.log_in_by_steps(&ctx(), credentials("totp1", PASSWORD), None).await.unwrap();
    assert!(matches!(step, LoginStep::CodeNeeded(_)), "{step:?}");

    // Under other keys everything is sealed anew; recovery codes cannot be, and that is told.
    let strange =
        World::with(kind, json!({"main.secret_key": "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="})).await;
    let (_, told) = bring(&strange, written[0].clone()).await;
    assert_eq!(
        told.lines(),
        [
            "line 1 totp1 left: recovery_codes: they were made with other keys: have the user generate new ones"
        ]
    );
    passkey_login(&strange.sso, &mut phone).await.unwrap();
    strange.clock.advance_seconds(60);
    strange.sso.login(&ctx(), with_code(&totp_code(2))).await.unwrap();

    // Who gets another id has another name for authenticators; a passkey is one user's.
    let mut line: Value = serde_json::from_str(&written[0]).unwrap();
    line["username"] = "twin1".into();
    line["user_id"] = "zusrtwin1".into();
    let (_, told) = bring(&other, line.to_string()).await;
    assert!(told.lines()[0].contains("passkey `phone`: another user has it"), "{:?}", told.lines());
    line["username"] = "twin2".into();
    line.as_object_mut().unwrap().remove("user_id");
    let (_, told) = bring(&strange, line.to_string()).await;
    assert_eq!(told.lines().len(), 3, "{:?}", told.lines());
    assert!(told.lines()[0].contains("user_id, which is missing"), "{:?}", told.lines());
    assert_eq!(line["passkeys"][0]["rp_id"], "localhost");
    line["passkeys"][0]["rp_id"] = "sso.example".into();
    (line["username"], line["user_id"]) = ("twin0".into(), "zusrtwin0".into());
    // One key of several may be the one that the codes were made with.
    line["recovery_codes"]["keys"].as_array_mut().unwrap().push("1".into());
    let (_, told) = bring(&other, line.to_string()).await;
    let lost = told.lines().join("\n");
    assert!(lost.contains("passkey `phone`: rp_id: browsers offer it at another site only"), "{lost}");
    assert!(lost.contains("recovery_codes: they were made with other keys"), "{lost}");
    line["passkeys"][0]["public_key"] = "AAAA".into();
    line["passkeys"][0]["rp_id"] = Value::Null;
    line["passkeys"][1]["credential_id"] = "?".into();
    line["recovery_codes"] = json!({"keys": [], "digests": ["00"]});
    (line["username"], line["user_id"]) = ("twin3".into(), "zusrtwin3".into());
    let (summary, _) = bring(&strange, line.to_string()).await;
    assert_eq!(summary, counts(1, 0, 0, 1, 0));
    line["recovery_codes"] = Value::Null;
    let (_, told) = bring(&strange, line.to_string()).await;
    assert!(told.lines().iter().any(|line| line.ends_with("public_key: not one")), "{:?}", told.lines());
    assert!(told.lines().iter().any(|line| line.contains("passkey 2: not as")), "{:?}", told.lines());
}

async fn groups_are_exported_and_imported(kind: Kind) {
    let world = World::new(kind).await;
    world.sso.create_group(&ctx(), process(), managers("Managers")).await.unwrap();
    let users = [
        json!({"username": "ann", "groups": ["managers", " Sales ", "SALES", "zgrpx", ""]}),
        json!({"username": "bob", "groups": ["sales"]}),
        json!({"username": "carl", "groups": null}),
        json!({"username": "dora", "groups": "sales"}),
    ];
    let (summary, told) = bring(&world, lines(&users)).await;
    assert_eq!(summary, counts(4, 3, 0, 1, 1));
    assert_eq!(
        told.lines(),
        [
            "line 1 ann left: group `zgrpx`: name: zgrp is how ids begin",
            "line 1 ann left: group ``: name: a group needs one",
            "line 4 dora refused: groups: expected a list of names or objects",
        ]
    );
    // One that was there stays what it was, and a new one has no rights.
    let groups = world.sso.list_groups(&ctx(), process()).await.unwrap();
    let seen: Vec<_> =
        groups.iter().map(|group| (group.name.as_str(), group.num_members, group.can_manage_users)).collect();
    assert_eq!(seen, [("Managers", 1, true), ("Sales", 2, false)]);
    let written = export(&world, true).await;
    let of = |number: usize| {
        serde_json::from_str::<serde_json::Value>(&written[number]).unwrap()["groups"].clone()
    };
    let whole = json!({"name": "Managers", "can_manage_users": true, "can_read_audit": false});
    assert_eq!((of(0), of(1), of(2)), (json!([whole, "Sales"]), json!(["Sales"]), json!(null)));

    let other = World::new(kind).await;
    let text: String = written.iter().map(|line| format!("{line}\n")).collect();
    bring(&other, text.clone()).await;
    assert_eq!(export(&other, true).await, written);
    let groups = other.sso.list_groups(&ctx(), process()).await.unwrap();
    let seen: Vec<_> = groups.iter().map(|group| (group.name.as_str(), group.can_manage_users)).collect();
    assert_eq!(seen, [("Managers", true), ("Sales", false)]);
    // Once more, nothing changes.
    assert_eq!(bring(&other, text).await.0, counts(3, 0, 3, 0, 0));
    assert_eq!(other.sso.list_groups(&ctx(), process()).await.unwrap(), groups);
}
