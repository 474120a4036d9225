//! Who is a super-user: how the role is given and taken, and that one is left who can log in.

use zato_sso::domain::{
    ApprovalStatus, Code, Edit, NewUser, Password, SignUpStatus, UserId, UserUpdate, Ust,
};
use zato_sso::ops::Actor;

use crate::support::{Kind, World, any_rows, ctx, execute, new_user, refusal};
use crate::user_change::read;

on_both_databases! {
    super_users_give_and_take_the_role_and_the_last_one_keeps_it;
    two_who_take_the_role_from_each_other_leave_one;
    the_last_super_user_is_not_shut_out_either;
    of_programs_that_want_a_super_user_one_creates_it;
}

fn role(is_super_user: bool) -> UserUpdate {
    UserUpdate { is_super_user: Edit::Set(is_super_user), ..UserUpdate::default() }
}

async fn super_users_give_and_take_the_role_and_the_last_one_keeps_it(kind: Kind) {
    let world = World::new(kind).await;
    let root = world.super_user("root1").await.user_id;
    let user = world.user("user1").await.user_id;
    let (by_root, by_user) = (world.login("root1").await.ust, world.login("user1").await.ust);
    let set = async |by: &Ust, user_id: &UserId, is_super_user: bool| {
        world.sso.update_user_by_id(&ctx(), by, user_id.as_str(), role(is_super_user)).await
    };
    // Nobody gives it to oneself, and the last one keeps it, also where a process takes it.
    assert_eq!(refusal(set(&by_user, &user, true).await), Code::CommonInvalidInput);
    let outcome = world.sso.update_current_user(&ctx(), &by_user, role(true)).await;
    assert_eq!(refusal(outcome), Code::CommonInvalidInput);
    for is_locked in [false, true] {
        // One who cannot log in is not another one.
        set(&by_root, &user, true).await.unwrap();
        let lock = UserUpdate { is_locked: Edit::Set(is_locked), ..UserUpdate::default() };
        world.sso.update_user_by_id(&ctx(), &by_root, user.as_str(), lock).await.unwrap();
        if is_locked {
            assert_eq!(refusal(set(&by_root, &root, false).await), Code::CommonInvalidInput);
        }
        set(&by_root, &user, false).await.unwrap();
    }
    let by_process = Actor::Trusted(None);
    let outcome = world.sso.update_user_by_id(&ctx(), by_process, root.as_str(), role(false)).await;
    assert_eq!(refusal(outcome), Code::CommonInvalidInput);
    let null = UserUpdate { is_super_user: Edit::Clear, ..UserUpdate::default() };
    let outcome = world.sso.update_user_by_id(&ctx(), &by_root, user.as_str(), null).await;
    assert_eq!(refusal(outcome), Code::CommonInvalidInput);

    // It counts at once, for sessions that are open and cached as well.
    world.user("user2").await;
    let user2 = read(&world, "user2").await.user_id;
    let by_user2 = world.login("user2").await.ust;
    let may = async || world.sso.require_super_user(&ctx(), &by_user2).await.is_ok();
    assert!(!may().await && !may().await);
    set(&by_root, &user2, true).await.unwrap();
    assert!(may().await && may().await);
    set(&by_user2, &root, false).await.unwrap();
    assert_eq!(refusal(set(&by_root, &user2, false).await), Code::AuthNotAllowed);
    set(&by_user2, &root, true).await.unwrap();
    set(&by_root, &user2, false).await.unwrap();
    assert!(!may().await);
    // Only soon after a login.
    world.clock.advance_seconds(1200);
    assert_eq!(refusal(set(&by_root, &user2, true).await), Code::AuthFreshLoginNeeded);
    assert!(!read(&world, "user2").await.is_super_user);
}

async fn two_who_take_the_role_from_each_other_leave_one(kind: Kind) {
    let world = World::new(kind).await;
    for round in 0..10 {
        let mut names = [format!("one{round}"), format!("two{round}")];
        for name in &names {
            world.super_user(name).await;
        }
        execute(
            &world,
            &format!(
                "UPDATE sso_user SET is_super_user = FALSE WHERE username NOT IN ('one{round}', 'two{round}')"
            ),
        )
        .await;
        let mut tasks = Vec::new();
        for _ in 0..2 {
            let (sso, by) = (world.sso.clone(), world.login(&names[0]).await.ust);
            let other = read(&world, &names[1]).await.user_id;
            tasks.push(tokio::spawn(async move {
                sso.update_user_by_id(&ctx(), &by, other.as_str(), role(false)).await
            }));
            names.swap(0, 1);
        }
        let mut done = 0;
        for task in tasks {
            done += usize::from(task.await.unwrap().is_ok());
        }
        assert_eq!(done, 1, "round {round}");
        let left = any_rows(&world, "SELECT username FROM sso_user WHERE is_super_user = TRUE").await;
        assert_eq!(left.len(), 1);
    }
}

async fn the_last_super_user_is_not_shut_out_either(kind: Kind) {
    let world = World::new(kind).await;
    let root = world.super_user("root1").await.user_id;
    let root = root.as_str();
    let by_root = world.login("root1").await.ust;
    let base = UserUpdate::default;
    let ways: [(&str, UserUpdate); 4] = [
        ("locked", UserUpdate { is_locked: Edit::Set(true), ..base() }),
        ("rejected", UserUpdate { approval_status: Edit::Set(ApprovalStatus::Rejected), ..base() }),
        ("undecided", UserUpdate { approval_status: Edit::Set(ApprovalStatus::BeforeDecision), ..base() }),
        ("unfinished", UserUpdate { sign_up_status: Edit::Set(SignUpStatus::ToApprove), ..base() }),
    ];
    let all_refused = async || {
        for (way, update) in &ways {
            let outcome = world.sso.update_user_by_id(&ctx(), &by_root, root, update.clone()).await;
            assert_eq!(refusal(outcome), Code::CommonInvalidInput, "{way}");
        }
        let locked = world.sso.lock_user(&ctx(), &by_root, root).await;
        assert_eq!(refusal(locked), Code::CommonInvalidInput);
        let rejected = world.sso.reject_user(&ctx(), &by_root, root).await;
        assert_eq!(refusal(rejected), Code::CommonInvalidInput);
    };
    all_refused().await;
    // One who cannot log in is not another one.
    let second = world.super_user("root2").await.user_id;
    world.sso.lock_user(&ctx(), &by_root, second.as_str()).await.unwrap();
    all_refused().await;
    world.sso.unlock_user(&ctx(), &by_root, second.as_str()).await.unwrap();
    let by_second = world.login("root2").await.ust;
    world.sso.lock_user(&ctx(), &by_second, root).await.unwrap();
    world.sso.unlock_user(&ctx(), &by_second, root).await.unwrap();
    world.sso.reject_user(&ctx(), &by_second, root).await.unwrap();
    world.sso.delete_user_by_id(&ctx(), &by_second, root).await.unwrap();
    // Of two who shut each other out, one is left.
    for round in 0..6 {
        let third = world.super_user(&format!("three{round}")).await.user_id;
        let by_third = world.login(&format!("three{round}")).await.ust;
        let by_second = world.login("root2").await.ust;
        let acts = [(by_second, third.clone()), (by_third, second.clone())].map(|(by, user_id)| {
            let sso = world.sso.clone();
            tokio::spawn(async move {
                if round < 3 {
                    return sso.lock_user(&ctx(), &by, user_id.as_str()).await.is_ok();
                }
                let rejected = ApprovalStatus::Rejected;
                let update = UserUpdate { approval_status: Edit::Set(rejected), ..UserUpdate::default() };
                sso.update_user_by_id(&ctx(), &by, user_id.as_str(), update).await.is_ok()
            })
        });
        let mut done = 0;
        for act in acts {
            done += usize::from(act.await.unwrap());
        }
        assert_eq!(done, 1, "round {round}");
        world.sso.unlock_user(&ctx(), Actor::Trusted(None), second.as_str()).await.unwrap();
        world.sso.approve_user(&ctx(), Actor::Trusted(None), second.as_str()).await.unwrap();
        world.sso.delete_user_by_id(&ctx(), Actor::Trusted(None), third.as_str()).await.unwrap();
    }
    // The process itself can make another one at any time.
    world.sso.lock_user(&ctx(), Actor::Trusted(None), second.as_str()).await.unwrap();
    world.sso.delete_user_by_id(&ctx(), Actor::Trusted(None), second.as_str()).await.unwrap();
}

async fn of_programs_that_want_a_super_user_one_creates_it(kind: Kind) {
    let world = World::new(kind).await;
    let ensure = |username: &str| {
        let (sso, new) = (world.sso.clone(), new_user(username));
        tokio::spawn(async move { sso.ensure_super_user(&ctx(), new).await })
    };
    let tasks: Vec<_> = (0..8).map(|_| ensure("root1")).collect();
    let (mut ids, mut created) = (Vec::new(), 0);
    for task in tasks {
        let (user, is_new) = task.await.unwrap().unwrap();
        assert!(user.is_super_user && user.approval_status == ApprovalStatus::Approved);
        ids.push(user.user_id);
        created += usize::from(is_new);
    }
    ids.dedup();
    assert_eq!((ids.len(), created), (1, 1));
    // Who exists stays as they are, and nobody is promoted because of a name.
    let other = NewUser { password: Some(Password::from("another long password")), ..new_user("root1") };
    assert!(!world.sso.ensure_super_user(&ctx(), other).await.unwrap().1);
    world.login("root1").await;
    world.user("user1").await;
    assert_eq!(refusal(world.sso.ensure_super_user(&ctx(), new_user("user1")).await), Code::UsernameExists);
    assert!(!read(&world, "user1").await.is_super_user);
    let nameless = NewUser { username: None, ..new_user("x") };
    assert_eq!(refusal(world.sso.ensure_super_user(&ctx(), nameless).await), Code::UsernameInvalid);
}
