//! The list of users in the administration: who sees whom, by which criteria, in which order, a page after the other.

use serde_json::json;
use zato_sso::domain::{
    ApprovalStatus, Code, Edit, Field, GroupUpdate, NewUser, Place, SignUpStatus, UserBrowse, UserCount,
    UserOrder, UserPage, UserState, UserUpdate, UserView, Ust, Visibility,
};
use zato_sso::ops::Actor;

use crate::search::multiply;
use crate::support::{Kind, World, any_rows, ctx, execute, new_user, refusal};

on_both_databases! {
    users_are_listed_by_part_email_state_and_group;
    users_are_listed_by_when_they_came_and_signed_in;
    pages_have_each_user_once_whatever_is_deleted_meanwhile;
    members_who_may_manage_users_see_no_super_users_and_less_of_others;
    many_users_are_read_by_an_index_and_counted_about;
    an_entry_of_the_audit_names_who_looked_and_by_which_criteria;
    what_no_user_can_be_like_is_not_found;
}

async fn someone(world: &World, username: &str, change: impl FnOnce(&mut NewUser)) -> String {
    let mut new = new_user(username);
    change(&mut new);
    let is_approved = username != "waiting";
    let user = world.sso.create_user(&ctx(), Actor::Trusted(None), new, is_approved).await.unwrap();
    user.user_id.as_str().to_owned()
}

/// A super-user's token, and users in all states.
async fn populated(world: &World) -> Ust {
    world.super_user("root1").await;
    someone(world, "ann", |new| {
        new.email = Some("ann@example.com".to_owned());
        new.display_name = Some("Ann Stra\u{df}e".to_owned());
    })
    .await;
    someone(world, "bob", |new| new.display_name = Some("Bob of Annapolis".to_owned())).await;
    someone(world, "locked", |new| new.is_locked = Some(true)).await;
    someone(world, "waiting", |_| {}).await;
    someone(world, "unconfirmed", |new| new.sign_up_status = Some(SignUpStatus::BeforeConfirmation)).await;
    let rejected = someone(world, "rejected", |_| {}).await;
    world.sso.reject_user(&ctx(), Actor::Trusted(None), &rejected).await.unwrap();
    world.login("root1").await.ust
}

async fn page(world: &World, ust: &Ust, browse: UserBrowse) -> UserPage {
    world.sso.browse_users(&ctx(), ust, browse).await.unwrap()
}

fn names(page: &UserPage) -> String {
    let names: Vec<&str> = page.users.iter().map(|view| view.user.username.as_str()).collect();
    names.join(" ")
}

async fn found(world: &World, ust: &Ust, browse: UserBrowse) -> String {
    let page = page(world, ust, browse).await;
    let count = i64::try_from(page.users.len()).unwrap();
    assert_eq!((page.count, page.next.as_ref()), (UserCount::Exact(count), None));
    names(&page)
}

fn part(part: &str) -> UserBrowse {
    UserBrowse { part: Some(part.to_owned()), ..UserBrowse::default() }
}

fn state(state: UserState) -> UserBrowse {
    UserBrowse { state: Some(state), ..UserBrowse::default() }
}

async fn users_are_listed_by_part_email_state_and_group(kind: Kind) {
    let world = World::new(kind).await;
    let root = populated(&world).await;
    let all = found(&world, &root, UserBrowse::default()).await;
    assert_eq!(all, "ann bob locked rejected root1 unconfirmed waiting");
    assert_eq!(found(&world, &root, part("ANN")).await, "ann bob");
    assert_eq!(found(&world, &root, part("strasse")).await, "ann");
    assert_eq!(found(&world, &root, part("%%")).await, "");
    assert_eq!(found(&world, &root, part("nobody")).await, "");
    let email = |email: &str| UserBrowse { email: Some(email.to_owned()), ..UserBrowse::default() };
    assert_eq!(found(&world, &root, email("ANN@example.com ")).await, "ann");
    assert_eq!(found(&world, &root, email("bob@example.com")).await, "");
    for (wanted, expected) in [
        (UserState::Waiting, "waiting"),
        (UserState::Rejected, "rejected"),
        (UserState::Unconfirmed, "unconfirmed"),
        (UserState::Locked, "locked"),
        (UserState::SuperUser, "root1"),
    ] {
        for order in [UserOrder::Name, UserOrder::Newest] {
            let of_state = UserBrowse { order, ..state(wanted) };
            assert_eq!(found(&world, &root, of_state).await, expected, "{wanted:?} {order:?}");
        }
        assert_eq!(found(&world, &root, UserBrowse { part: Some("x".repeat(3)), ..state(wanted) }).await, "");
    }
    let group = GroupUpdate { name: Edit::Set("Sales".to_owned()), ..GroupUpdate::default() };
    let group = world.sso.create_group(&ctx(), Actor::Trusted(None), group).await.unwrap();
    for username in ["bob", "locked"] {
        let user = world.sso.get_user_by_username(&ctx(), username, false).await.unwrap().unwrap();
        let user_id = user.user.user_id.as_str();
        world.sso.add_group_member(&ctx(), Actor::Trusted(None), "Sales", user_id).await.unwrap();
    }
    for name in ["SALES", group.group_id.as_str()] {
        let members = UserBrowse { group: Some(name.to_owned()), ..UserBrowse::default() };
        let seen = page(&world, &root, members.clone()).await;
        assert_eq!(
            (names(&seen).as_str(), seen.users[0].user.groups.as_slice()),
            ("bob locked", &["Sales".to_owned()][..])
        );
        let locked = UserBrowse { state: Some(UserState::Locked), ..members };
        assert_eq!(found(&world, &root, locked).await, "locked");
    }
    let nobody = UserBrowse { group: Some("others".to_owned()), ..UserBrowse::default() };
    assert_eq!(found(&world, &root, nobody).await, "");
}

async fn users_are_listed_by_when_they_came_and_signed_in(kind: Kind) {
    let world = World::new(kind).await;
    world.super_user("root1").await;
    let began = world.sso.now();
    for username in ["zoe", "ann", "bob"] {
        world.clock.advance_seconds(86_400);
        someone(&world, username, |_| {}).await;
    }
    world.login("zoe").await;
    world.clock.advance_seconds(60);
    let later = world.sso.now();
    world.login("ann").await;
    let root = world.login("root1").await.ust;
    let newest = UserBrowse { order: UserOrder::Newest, ..UserBrowse::default() };
    assert_eq!(found(&world, &root, newest.clone()).await, "bob ann zoe root1");
    let from = Some(began.plus_days(2));
    for (order, expected) in [(UserOrder::Name, "ann bob"), (UserOrder::Newest, "bob ann")] {
        let recent = UserBrowse { order, signed_up_from: from, ..UserBrowse::default() };
        assert_eq!(found(&world, &root, recent).await, expected);
        let before =
            UserBrowse { order, signed_up_before: from, part: Some("zo".into()), ..UserBrowse::default() };
        assert_eq!(found(&world, &root, before).await, "zoe");
    }
    let since = |time| UserBrowse { logged_in_from: Some(time), ..UserBrowse::default() };
    assert_eq!(found(&world, &root, since(began)).await, "ann root1 zoe");
    assert_eq!(found(&world, &root, since(later)).await, "ann root1");
}

async fn pages_have_each_user_once_whatever_is_deleted_meanwhile(kind: Kind) {
    let world = World::new(kind).await;
    world.super_user("root1").await;
    for number in 10..20 {
        someone(&world, &format!("user{number}"), |_| {}).await;
    }
    let root = world.login("root1").await.ust;
    for (order, wanted) in [
        (UserOrder::Name, UserBrowse::default()),
        (UserOrder::Newest, UserBrowse::default()),
        (UserOrder::Name, part("user")),
        (UserOrder::Newest, part("user")),
    ] {
        let (mut after, mut seen, mut rounds) = (None, Vec::new(), 0);
        loop {
            let wanted = UserBrowse { order, after, limit: Some(4), ..wanted.clone() };
            let page = page(&world, &root, wanted).await;
            seen.extend(page.users.iter().map(|view| view.user.username.clone()));
            rounds += 1;
            // A place goes through an address and back.
            match page.next {
                Some(next) => after = Some(Place::parse(order, &next.to_text()).unwrap()),
                None => break,
            }
        }
        let count = if wanted.part.is_some() { 10 } else { 11 };
        assert_eq!((seen.len(), rounds), (count, 3), "{seen:?}");
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), count);
    }
    let first = page(&world, &root, UserBrowse { limit: Some(4), ..part("user") }).await;
    let last = first.users[3].user.user_id.clone();
    world.sso.delete_user_by_id(&ctx(), &root, last.as_str()).await.unwrap();
    let next = UserBrowse { after: first.next, limit: Some(4), ..part("user") };
    assert_eq!(names(&page(&world, &root, next).await), "user14 user15 user16 user17");
}

/// Makes a user who may manage others; their token.
async fn manager(world: &World) -> Ust {
    let user = world.user("manager1").await;
    let rights = GroupUpdate {
        name: Edit::Set("managers".to_owned()),
        can_manage_users: Edit::Set(true),
        ..GroupUpdate::default()
    };
    world.sso.create_group(&ctx(), Actor::Trusted(None), rights).await.unwrap();
    let user_id = user.user_id.as_str();
    world.sso.add_group_member(&ctx(), Actor::Trusted(None), "managers", user_id).await.unwrap();
    world.login("manager1").await.ust
}

async fn members_who_may_manage_users_see_no_super_users_and_less_of_others(kind: Kind) {
    let world = World::new(kind).await;
    let root = populated(&world).await;
    let manager = manager(&world).await;
    let listed = found(&world, &manager, UserBrowse::default()).await;
    assert_eq!(listed, "ann bob locked manager1 rejected unconfirmed waiting");
    assert_eq!(found(&world, &manager, state(UserState::SuperUser)).await, "");
    assert_eq!(found(&world, &manager, part("root")).await, "");
    let user = world.user("user1").await;
    refusal(world.sso.browse_users(&ctx(), &world.login("user1").await.ust, UserBrowse::default()).await);

    let view = world.sso.get_user_to_manage(&ctx(), &manager, user.user_id.as_str()).await.unwrap();
    assert_eq!((view.visibility, view.user.totp_key.is_none()), (Visibility::UserManager, true));
    let seen: Vec<&str> = view.fields().into_iter().map(|(name, _)| name).collect();
    for hidden in ["creation_ctx", "rate_limit_def", "password_expiry", "is_super_user", "locked_by"] {
        assert!(!seen.contains(&hidden), "{hidden}");
    }
    assert!(view.fields().contains(&("is_locked", Field::Bool(false))));
    let whole = world.sso.get_user_to_manage(&ctx(), &root, user.user_id.as_str()).await.unwrap();
    assert_eq!((whole.visibility, whole.is_current_super_user), (Visibility::SuperUser, true));

    let of = async |username: &str| {
        let user: UserView = world.sso.get_user_by_username(&ctx(), username, false).await.unwrap().unwrap();
        user.user.user_id.clone()
    };
    let look = async |user_id: &str| world.sso.get_user_to_manage(&ctx(), &manager, user_id).await;
    assert_eq!(refusal(look(of("root1").await.as_str()).await), Code::AuthNotAllowed);
    assert_eq!(refusal(look("zusrnobody").await), Code::UserIdInvalid);
    let ust = world.login("user1").await.ust;
    let own = world.sso.get_user_to_manage(&ctx(), &ust, user.user_id.as_str()).await;
    assert_eq!(refusal(own), Code::AuthNotAllowed);
    // Rights that are taken are gone at once.
    let user_id = of("manager1").await;
    world.sso.remove_group_member(&ctx(), &root, "managers", user_id.as_str()).await.unwrap();
    let refused = world.sso.browse_users(&ctx(), &manager, UserBrowse::default()).await;
    assert_eq!(refusal(refused), Code::AuthNotAllowed);
}

async fn many_users_are_read_by_an_index_and_counted_about(kind: Kind) {
    let world = World::new(kind).await;
    let root = populated(&world).await;
    multiply(&world, kind, 30_000).await;
    execute(&world, "ANALYZE").await;
    let first = page(&world, &root, UserBrowse::default()).await;
    assert_eq!((first.count, first.users.len()), (UserCount::About(30_000), 50));
    let newest = UserBrowse { order: UserOrder::Newest, ..UserBrowse::default() };
    assert_eq!(page(&world, &root, newest).await.count, UserCount::About(30_000));
    // Nearly everybody is found in a stretch of the order, few are by their names.
    let many = page(&world, &root, part("user")).await;
    assert_eq!((many.count, many.users.len()), (UserCount::About(30_000), 50));
    let behind = page(&world, &root, UserBrowse { after: many.next, ..part("user") }).await;
    assert_eq!(behind.users.len(), 50);
    assert!(many.users[49].user.username < behind.users[0].user.username);
    for (wanted, expected) in [("user29999", "user29999"), ("annapol", "bob"), ("name 129999", "user29999")] {
        assert_eq!(found(&world, &root, part(wanted)).await, expected);
    }
    let some = page(&world, &root, part("user2999")).await;
    assert_eq!((some.count, some.users.len()), (UserCount::Exact(11), 11));
    execute(&world, "UPDATE sso_user SET is_locked = TRUE WHERE username LIKE 'user1%'").await;
    let locked = page(&world, &root, state(UserState::Locked)).await;
    assert_eq!((locked.count, locked.users.len()), (UserCount::MoreThan(10_000), 50));
    let few =
        page(&world, &root, UserBrowse { part: Some("user1999".into()), ..state(UserState::Locked) }).await;
    assert_eq!(few.count, UserCount::Exact(11));
}

async fn an_entry_of_the_audit_names_who_looked_and_by_which_criteria(kind: Kind) {
    let world = World::new(kind).await;
    let root = populated(&world).await;
    let wanted = UserBrowse { state: Some(UserState::Locked), ..part("secret part") };
    page(&world, &root, wanted).await;
    let rows = any_rows(
        &world,
        "SELECT u.username || ' ' || a.extra FROM sso_audit a JOIN sso_user u ON u.user_id = a.actor_id \
         WHERE a.op = 'user.browse'",
    )
    .await;
    let entry = String::from_utf8(rows[0].clone()).unwrap();
    assert!(entry.starts_with("root1 ") && entry.contains("part, state"), "{entry}");
    assert!(!entry.contains("secret"), "{entry}");
}

async fn what_no_user_can_be_like_is_not_found(kind: Kind) {
    let world = World::with(kind, json!({"search.default_page_size": 2})).await;
    let root = populated(&world).await;
    for wrong in ["a\nb", "x"] {
        let outcome = world.sso.browse_users(&ctx(), &root, part(wrong)).await;
        assert_eq!(refusal(outcome), Code::CommonInvalidInput, "{wrong:?}");
    }
    assert_eq!(
        found(&world, &root, UserBrowse { group: Some("a\0b".into()), ..UserBrowse::default() }).await,
        ""
    );
    assert_eq!(found(&world, &root, part("a\0b")).await, "");
    // Whoever rejected somebody sees the decision, and no hidden sign-ups.
    let update = UserUpdate { approval_status: Edit::Set(ApprovalStatus::Rejected), ..UserUpdate::default() };
    let user = world.sso.get_user_by_username(&ctx(), "bob", false).await.unwrap().unwrap();
    world.sso.update_user_by_id(&ctx(), &root, user.user.user_id.as_str(), update).await.unwrap();
    assert_eq!(found(&world, &root, state(UserState::Rejected)).await, "bob rejected");
    execute(
        &world,
        "UPDATE sso_user SET sign_up_expiration = 1, sign_up_is_decoy = TRUE WHERE username = 'unconfirmed'",
    )
    .await;
    assert_eq!(found(&world, &root, state(UserState::Unconfirmed)).await, "");
    let all = page(&world, &root, UserBrowse::default()).await;
    assert_eq!((all.count, all.users.len()), (UserCount::Exact(6), 2));
}
