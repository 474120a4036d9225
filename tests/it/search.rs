//! Searching users: who may, what is found, in what order and on which page.

use serde_json::json;
use sqlx::{Connection, PgConnection, Row, SqliteConnection};
use zato_sso::domain::{
    ApprovalStatus, Code, NameOp, NewUser, Page, SignUpStatus, UserSearch, UserView, Ust, Visibility,
};
use zato_sso::ops::Actor;

use crate::support::{KEY, Kind, World, any_rows, ctx, ctx_of, execute, new_user, refusal};

on_both_databases! {
    names_of_one_character_are_found;
    users_are_found_by_what_they_are_like;
    wildcards_are_taken_literally_and_case_does_not_matter;
    an_email_is_found_though_it_is_sealed_and_whatever_key_sealed_it;
    pages_hold_what_was_asked_for_in_order;
    only_super_users_search_and_refusals_tell_nothing;
    what_no_user_can_be_like_is_not_found_or_refused;
    an_audit_entry_names_the_criteria_without_values;
    the_first_and_the_last_page_of_many_users_come_through_an_index;
    a_search_without_pages_finds_so_many_and_no_more;
}

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn by_name(first_name: &str) -> UserSearch {
    UserSearch { first_name: text(first_name), ..UserSearch::default() }
}

/// A super-user's token, and these users: username, email, first and last name.
async fn populated(world: &World) -> Ust {
    world.super_user("root1").await;
    let people = [
        ("ann", "ann@example.com", "Ann", "Lee"),
        ("anna", "ANNA@example.com", "Anna", "Smith"),
        ("bob", "", "Bob", "Lee"),
        ("emile", "emile@example.com", "\u{c9}mile", "Stra\u{df}e"),
        ("percent", "", "100%_!", "a\\b"),
    ];
    for (username, email, first_name, last_name) in people {
        let new = NewUser {
            email: text(email),
            first_name: text(first_name),
            last_name: text(last_name),
            ..new_user(username)
        };
        world.sso.create_user(&ctx(), Actor::Trusted(None), new, true).await.unwrap();
    }
    world.login("root1").await.ust
}

async fn search(world: &World, ust: &Ust, search: UserSearch) -> Page<UserView> {
    world.sso.search_users(&ctx(), ust, search).await.unwrap()
}

/// The usernames on a page, in order.
async fn found(world: &World, ust: &Ust, criteria: UserSearch) -> String {
    let page = search(world, ust, criteria).await;
    page.result.iter().map(|view| view.user.username.as_str()).collect::<Vec<_>>().join(" ")
}

async fn users_are_found_by_what_they_are_like(kind: Kind) {
    let world = World::new(kind).await;
    let root = populated(&world).await;
    let base = UserSearch::default;
    assert_eq!(found(&world, &root, base()).await, "root1 percent ann anna bob emile");
    let ann =
        world.sso.get_user_by_username(&ctx(), "ann", true).await.unwrap().unwrap().user.user_id.clone();
    world.sso.reject_user(&ctx(), &root, ann.as_str()).await.unwrap();
    execute(&world, "UPDATE sso_user SET sign_up_status = 'to_approve' WHERE username IN ('ann', 'bob')")
        .await;
    let lee = || UserSearch { last_name: text("lee"), ..base() };
    let part = || UserSearch { is_name_exact: false, ..base() };
    let cases = [
        // The id wins over everything else, then the username; case matters there.
        (UserSearch { user_id: text(ann.as_str()), username: text("bob"), ..lee() }, "ann"),
        (
            UserSearch {
                user_id: text(ann.as_str()),
                approval_status: Some(ApprovalStatus::Approved),
                ..base()
            },
            "ann",
        ),
        (UserSearch { username: text("anna"), ..lee() }, "anna"),
        (UserSearch { username: text("ANNA"), ..base() }, "anna"),
        (UserSearch { user_id: text("zusrnobody"), username: text("bob"), ..base() }, ""),
        (lee(), "ann bob"),
        (UserSearch { first_name: text("ann"), ..lee() }, "ann"),
        (UserSearch { first_name: text("anna"), ..lee() }, ""),
        (UserSearch { first_name: text("anna"), name_op: NameOp::Or, ..lee() }, "ann anna bob"),
        (UserSearch { display_name: text(" anna smith "), ..base() }, "anna"),
        (UserSearch { first_name: text("nn"), ..part() }, "ann anna"),
        (UserSearch { first_name: text("nn"), last_name: text("mi"), ..part() }, "anna"),
        (
            UserSearch { display_name: text("n l"), last_name: text("mi"), name_op: NameOp::Or, ..part() },
            "ann anna",
        ),
        (UserSearch { middle_name: text("nn"), ..part() }, ""),
        // A part of the username is a criterion like others.
        (UserSearch { username: text("n"), ..part() }, "percent ann anna"),
        (UserSearch { username: text("NNA"), ..part() }, "anna"),
        (UserSearch { username: text("nn"), last_name: text("ee"), ..part() }, "ann"),
        (UserSearch { username: text("nn"), last_name: text("xx"), ..part() }, ""),
        (
            UserSearch {
                username: text("b"),
                first_name: text("nn"),
                last_name: text("ee"),
                name_op: NameOp::Or,
                ..part()
            },
            "bob",
        ),
        (UserSearch { username: text("nn"), email: text("anna@example.com"), ..part() }, "anna"),
        (UserSearch { username: text("%"), ..part() }, ""),
        (UserSearch { username: text("a\0"), ..part() }, ""),
        (UserSearch { user_id: text(ann.as_str()), username: text("bob"), ..part() }, "ann"),
        (UserSearch { approval_status: Some(ApprovalStatus::Rejected), ..base() }, "ann"),
        (UserSearch { approval_status: Some(ApprovalStatus::Approved), ..lee() }, "bob"),
        (UserSearch { sign_up_status: Some(SignUpStatus::ToApprove), ..base() }, "ann bob"),
        (
            UserSearch {
                sign_up_status: Some(SignUpStatus::ToApprove),
                approval_status: Some(ApprovalStatus::Rejected),
                email: text("ann@example.com"),
                ..lee()
            },
            "ann",
        ),
        // The email holds beside all that "or" joins.
        (
            UserSearch {
                first_name: text("bob"),
                email: text("ann@example.com"),
                name_op: NameOp::Or,
                ..lee()
            },
            "ann",
        ),
        // What is empty is no criterion.
        (
            UserSearch {
                user_id: text(""),
                username: text(""),
                email: text(" "),
                first_name: text(" "),
                ..lee()
            },
            "ann bob",
        ),
    ];
    for (number, (criteria, expected)) in cases.into_iter().enumerate() {
        assert_eq!(found(&world, &root, criteria).await, expected, "case {number}");
    }
    let page = search(&world, &root, UserSearch { username: text("ann"), ..base() }).await;
    let view = &page.result[0];
    assert_eq!((view.visibility, view.is_current_super_user), (Visibility::SuperUser, true));
    assert_eq!(view.user.email.as_deref(), Some("ann@example.com"));
}

async fn wildcards_are_taken_literally_and_case_does_not_matter(kind: Kind) {
    let world = World::new(kind).await;
    let root = populated(&world).await;
    for (first_name, expected) in [
        ("%%", ""),
        ("__", ""),
        ("0%", "percent"),
        ("%_!", "percent"),
        ("0_", ""),
        ("!%", ""),
        ("\u{e9}M", "emile"),
    ] {
        let part = UserSearch { is_name_exact: false, ..by_name(first_name) };
        assert_eq!(found(&world, &root, part).await, expected, "{first_name}");
    }
    for last_name in ["A\\B", "a\\b"] {
        for is_name_exact in [true, false] {
            let criteria = UserSearch { last_name: text(last_name), is_name_exact, ..UserSearch::default() };
            assert_eq!(found(&world, &root, criteria).await, "percent");
        }
    }
    assert_eq!(found(&world, &root, by_name("100%_!")).await, "percent");
    assert_eq!(found(&world, &root, by_name("100%%%")).await, "");
    let strasse = UserSearch { last_name: text("STRASSE"), ..UserSearch::default() };
    assert_eq!(found(&world, &root, strasse).await, "emile");
}

async fn an_email_is_found_though_it_is_sealed_and_whatever_key_sealed_it(kind: Kind) {
    let world = World::new(kind).await;
    let root = populated(&world).await;
    let email = |email: &str| UserSearch { email: text(email), ..UserSearch::default() };
    assert_eq!(found(&world, &root, email(" Anna@EXAMPLE.com ")).await, "anna");
    assert_eq!(found(&world, &root, email("nna@example.com")).await, "");
    // Another key is active now; the rows have the index of the one before.
    let keys = format!("AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=,{KEY}");
    let rotating = world.reopened(json!({"main.secret_key": keys})).await;
    let new = NewUser { email: text("anna@example.com"), ..new_user("zoe") };
    rotating.create_user(&ctx(), Actor::Trusted(None), new, true).await.unwrap();
    let page = rotating.search_users(&ctx(), &root, email("anna@example.com")).await.unwrap();
    let names: Vec<&str> = page.result.iter().map(|view| view.user.username.as_str()).collect();
    assert_eq!(names, ["zoe", "anna"]);
}

async fn pages_hold_what_was_asked_for_in_order(kind: Kind) {
    let more = json!({"search.default_page_size": 3, "search.max_page_size": 4});
    let world = World::with(kind, more).await;
    let root = populated(&world).await;
    let all = ["root1", "percent", "ann", "anna", "bob", "emile"];
    let page = async |cur_page: i64, page_size: Option<i64>| {
        let criteria = UserSearch { cur_page, page_size, ..UserSearch::default() };
        let page = search(&world, &root, criteria).await;
        let names: Vec<String> = page.result.iter().map(|view| view.user.username.clone()).collect();
        let numbers = (page.total, page.num_pages(), page.page_size, page.cur_page);
        (names, numbers, page.prev_page(), page.next_page())
    };
    for (cur_page, page_size, from, to, numbers, prev, next) in [
        (1, None, 0, 3, (6, 2, 3, 1), None, Some(2)),
        (2, None, 3, 6, (6, 2, 3, 2), Some(1), None),
        (-7, Some(0), 0, 3, (6, 2, 3, 1), None, Some(2)),
        (0, Some(-1), 0, 3, (6, 2, 3, 1), None, Some(2)),
        (1, Some(i64::MAX), 0, 4, (6, 2, 4, 1), None, Some(2)),
        (2, Some(100), 4, 6, (6, 2, 4, 2), Some(1), None),
        (1, Some(1), 0, 1, (6, 6, 1, 1), None, Some(2)),
        (3, Some(1), 2, 3, (6, 6, 1, 3), Some(2), Some(4)),
        (4, Some(1), 3, 4, (6, 6, 1, 4), Some(3), Some(5)),
        (6, Some(1), 5, 6, (6, 6, 1, 6), Some(5), None),
        (3, None, 6, 6, (6, 2, 3, 3), Some(2), None),
        (i64::MAX, None, 6, 6, (6, 2, 3, i64::MAX), Some(2), None),
    ] {
        let expected = (all[from..to].iter().map(|name| (*name).to_owned()).collect(), numbers, prev, next);
        assert_eq!(page(cur_page, page_size).await, expected, "page {cur_page} of {page_size:?}");
    }
    let all_at_once =
        UserSearch { paginate: false, cur_page: 2, page_size: Some(1), ..UserSearch::default() };
    let page = search(&world, &root, all_at_once.clone()).await;
    assert_eq!((page.total, page.num_pages(), page.page_size, page.cur_page), (6, 1, 6, 1));
    assert_eq!(found(&world, &root, all_at_once).await, all.join(" "));
    let none = search(&world, &root, UserSearch { paginate: false, ..by_name("nobody") }).await;
    assert_eq!((none.total, none.num_pages(), none.next_page(), none.prev_page()), (0, 0, None, None));
}

async fn only_super_users_search_and_refusals_tell_nothing(kind: Kind) {
    let world = World::new(kind).await;
    let root = populated(&world).await;
    let user = world.login("ann").await.ust;
    let refused =
        async |ust: &Ust, criteria: UserSearch| refusal(world.sso.search_users(&ctx(), ust, criteria).await);
    for ust in [&user, &Ust::from("zustnone"), &Ust::from("")] {
        assert_eq!(refused(ust, UserSearch::default()).await, Code::AuthNotAllowed);
        // Nor is it told what is wrong with the criteria.
        assert_eq!(refused(ust, by_name("x")).await, Code::AuthNotAllowed);
    }
    let elsewhere = world.sso.search_users(&ctx_of("Nowhere", ""), &root, UserSearch::default()).await;
    assert_eq!(refusal(elsewhere), Code::AppListInvalid);
    world.clock.advance_seconds(2 * 3600);
    assert_eq!(refused(&root, UserSearch::default()).await, Code::AuthNotAllowed);
}

async fn what_no_user_can_be_like_is_not_found_or_refused(kind: Kind) {
    let world = World::new(kind).await;
    let root = populated(&world).await;
    let base = UserSearch::default;
    for (name, exact) in [("x", [false].as_slice()), (" x ", &[false]), ("a\0b", &[true, false])] {
        for is_name_exact in exact.iter().copied() {
            let criteria = UserSearch { is_name_exact, ..by_name(name) };
            let outcome = world.sso.search_users(&ctx(), &root, criteria).await;
            assert_eq!(refusal(outcome), Code::CommonInvalidInput, "{name:?}");
        }
    }
    let longest = UserSearch { is_name_exact: false, ..by_name(&"%".repeat(256)) };
    let huge = "x".repeat(100_000);
    for criteria in [
        longest,
        UserSearch { user_id: text("\0"), ..base() },
        UserSearch { username: text("a\0b"), ..base() },
        UserSearch { username: text(&huge), ..base() },
        UserSearch { email: text("a\0b"), ..base() },
        UserSearch { email: text(&huge), ..base() },
    ] {
        assert_eq!(search(&world, &root, criteria).await.total, 0);
    }
}

async fn an_audit_entry_names_the_criteria_without_values(kind: Kind) {
    let world = World::new(kind).await;
    let root = populated(&world).await;
    let criteria = UserSearch { email: text("ann@example.com"), ..by_name("ann") };
    search(&world, &root, criteria).await;
    let entry = "SELECT extra FROM sso_audit WHERE op = 'user.search'";
    let expected = br#"{"criteria":"email, first_name","found":"1"}"#;
    assert_eq!(any_rows(&world, entry).await, [expected.to_vec()]);
}

/// How the database answers the page of so many users after so many, as the product asks.
async fn plan(world: &World, statement: &str, offset: i64) -> String {
    let explain = |how: &str| sqlx::AssertSqlSafe(format!("{how} {statement}"));
    if world.db.url.starts_with("sqlite") {
        let mut conn = SqliteConnection::connect(&world.db.url).await.unwrap();
        let query = sqlx::query(explain("EXPLAIN QUERY PLAN")).bind(50_i64).bind(offset);
        let rows = query.fetch_all(&mut conn).await.unwrap();
        rows.iter().map(|row| row.get::<String, _>("detail")).collect::<Vec<_>>().join("\n")
    } else {
        let mut conn = PgConnection::connect(&world.db.url).await.unwrap();
        let query = sqlx::query(explain("EXPLAIN")).bind(50_i64).bind(offset);
        let rows = query.fetch_all(&mut conn).await.unwrap();
        rows.iter().map(|row| row.get::<String, _>(0)).collect::<Vec<_>>().join("\n")
    }
}

/// Makes so many users of bob: user1, user2, ...
pub async fn multiply(world: &World, kind: Kind, count: u32) {
    let columns = any_rows(
        world,
        match kind {
            Kind::Sqlite => "SELECT name FROM pragma_table_info('sso_user')",
            Kind::Postgres => {
                "SELECT column_name::text FROM information_schema.columns WHERE table_name = 'sso_user'"
            }
        },
    );
    let (names, values): (Vec<String>, Vec<String>) = columns
        .await
        .into_iter()
        .map(|name| String::from_utf8(name).unwrap())
        .map(|name| match (name.as_str(), kind) {
            ("user_id", _) => (name, "'zusr' || n".to_owned()),
            ("username", _) => (name, "'user' || n".to_owned()),
            ("username_key" | "username_skeleton", _) => (name, "'user' || n".to_owned()),
            ("user_token", Kind::Sqlite) => (name, "randomblob(16)".to_owned()),
            ("user_token", Kind::Postgres) => (name, "gen_random_uuid()".to_owned()),
            // Sealed for another row, it would not open.
            ("totp_key", _) => (name, "NULL".to_owned()),
            ("display_name", _) => (name, "'Name ' || (100000 + n)".to_owned()),
            ("display_name_upper", _) => (name, "'NAME ' || (100000 + n)".to_owned()),
            _ => (name.clone(), name),
        })
        .unzip();
    let numbers = match kind {
        Kind::Sqlite => {
            format!("WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c LIMIT {count}) ")
        }
        Kind::Postgres => format!("WITH c AS (SELECT generate_series(1, {count}) AS n) "),
    };
    let insert = format!(
        "{numbers}INSERT INTO sso_user ({}) SELECT {} FROM sso_user, c WHERE username = 'bob'",
        names.join(", "),
        values.join(", ")
    );
    execute(world, &insert).await;
}

async fn the_first_and_the_last_page_of_many_users_come_through_an_index(kind: Kind) {
    let world = World::new(kind).await;
    let root = populated(&world).await;
    multiply(&world, kind, 100_000).await;
    execute(&world, "ANALYZE").await;

    let page = async |cur_page: i64| {
        let page = search(&world, &root, UserSearch { cur_page, ..UserSearch::default() }).await;
        let first = page.result[0].user.username.clone();
        (page.total, first, page.result.len(), page.result.last().unwrap().user.username.clone())
    };
    assert_eq!(page(1).await, (100_006, "root1".to_owned(), 50, "user45".to_owned()));
    assert_eq!(page(2001).await, (100_006, "user99996".to_owned(), 6, "emile".to_owned()));
    let statements = match kind {
        Kind::Sqlite => zato_sso::store::user::search::statements_sqlite(),
        Kind::Postgres => zato_sso::store::user::search::statements_postgres(),
    };
    // Those without criteria have no third argument and no first but the limit.
    let is_page_of_all = |text: &&String| text.contains("LIMIT $1 ");
    let pages: Vec<&String> = statements.iter().filter(is_page_of_all).collect();
    assert_eq!(pages.len(), if kind == Kind::Sqlite { 4 } else { 2 });
    for statement in pages {
        let plan = plan(&world, statement, 50_000).await;
        // Whoever is skipped is skipped in the index, without a look at the table; the page itself is sorted once more.
        assert!(plan.contains("sso_user_order"), "{statement}\n{plan}");
        assert!(plan.contains("COVERING INDEX") || plan.contains("Index Only Scan"), "{statement}\n{plan}");
        assert!(!plan.contains("SCAN sso_user\n") && !plan.contains("Seq Scan"), "{statement}\n{plan}");
    }
    let exact = UserSearch { display_name: text("name 150000"), ..UserSearch::default() };
    assert_eq!(found(&world, &root, exact).await, "user50000");

    // Of the ten thousand who have this in their names the first page is found in order, others by the names' index.
    for (cur_page, first) in [(1, "user50000"), (100, "user54950"), (101, "user55000"), (200, "user59950")] {
        let part = UserSearch { display_name: text("me 15"), is_name_exact: false, ..UserSearch::default() };
        let page = search(&world, &root, UserSearch { cur_page, ..part }).await;
        assert_eq!((page.total, page.result.len()), (10_000, 50));
        assert_eq!(page.result[0].user.username, first);
    }
}

async fn a_search_without_pages_finds_so_many_and_no_more(kind: Kind) {
    let world = World::with(kind, json!({"search.max_unpaginated": 5})).await;
    let root = populated(&world).await;
    let unpaged =
        |last_name: &str| UserSearch { paginate: false, last_name: text(last_name), ..UserSearch::default() };
    assert_eq!(refusal(world.sso.search_users(&ctx(), &root, unpaged("")).await), Code::CommonInvalidInput);
    assert_eq!(search(&world, &root, unpaged("lee")).await.total, 2);
    assert_eq!(search(&world, &root, UserSearch::default()).await.total, 6);
    let free = world.reopened(json!({"search.max_unpaginated": 0})).await;
    assert_eq!(free.search_users(&ctx(), &root, unpaged("")).await.unwrap().total, 6);
}

async fn names_of_one_character_are_found(kind: Kind) {
    let world = World::new(kind).await;
    let root = populated(&world).await;
    for (username, first_name) in [("li", "李"), ("xiaoli", "小李"), ("em", "M"), ("emma", "Emma")] {
        let new = NewUser { first_name: text(first_name), ..new_user(username) };
        world.sso.create_user(&ctx(), Actor::Trusted(None), new, true).await.unwrap();
    }
    let part = |name: &str| UserSearch { is_name_exact: false, ..by_name(name) };
    assert_eq!(found(&world, &root, by_name("李")).await, "li");
    assert_eq!(found(&world, &root, part("李")).await, "xiaoli li");
    assert_eq!(found(&world, &root, by_name("m")).await, "em");
    assert_eq!(found(&world, &root, by_name("é")).await, "");
    assert_eq!(refusal(world.sso.search_users(&ctx(), &root, part("m")).await), Code::CommonInvalidInput);
}
