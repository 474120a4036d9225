//! Bringing users over: tables, the text of files as it comes, and who works beside it.

use std::io::Cursor;
use std::time::{Duration, Instant};

use serde_json::json;
use zato_sso::domain::Error;
use zato_sso::ops::{Actor, AttrTarget, FileFormat, FileSource, ImportOptions};

use crate::import::{HASH, HASHED, Told, bring, bring_rows, count, counts, lines, run};
use crate::support::{Kind, World, credentials, ctx};

on_both_databases! {
    rows_of_a_table_are_users_too;
    semicolons_and_tabs_stand_between_values_too;
    times_are_read_as_databases_write_them;
    who_writes_beside_an_import_does_not_wait_for_it;
    a_stray_quote_costs_its_own_line_only;
    a_long_line_in_front_costs_no_good_record;
    what_is_no_list_of_users_is_refused_as_a_whole;
}

async fn rows_of_a_table_are_users_too(kind: Kind) {
    let world = World::new(kind).await;
    let text = format!(
        "\u{feff}username,password_hash,first_name,is_locked,sign_up_time,attr.colour\r\n\
         ann,{HASH},Ann,False,2020-01-02 03:04:05+00:00,\"red, \"\"very\"\"\nindeed\"\r\n\
         \r\n\
         bob,,,t,,\r\n\
         eve,,,maybe,,\r\n\
         short,,\r\n\
         carl\u{e9},!unusable,Carl,0,,"
    );
    let (summary, told) = bring_rows(&world, text).await;
    let expected = [
        "line 6 eve refused: is_locked: expected true or false",
        "line 7 short refused: 3 values, and the header names 6 columns",
    ];
    assert_eq!((summary, told.lines()), (counts(5, 3, 0, 2, 0), expected.map(str::to_owned).to_vec()));
    let found =
        async |name: &str| world.sso.get_user_by_username(&ctx(), name, true).await.unwrap().unwrap().user;
    let ann = found("ann").await;
    assert_eq!(ann.sign_up_time.to_string(), "2020-01-02T03:04:05");
    assert_eq!(ann.display_name.as_deref(), Some("Ann"));
    let whose = AttrTarget::User(Some(ann.user_id.as_str().to_owned()));
    let attrs = world.sso.all_attrs(&ctx(), Actor::Trusted(None), &whose, true).await.unwrap();
    let values: Vec<_> = attrs
        .iter()
        .map(|attr| (attr.name.as_str(), attr.value.as_ref().unwrap().to_json().unwrap()))
        .collect();
    assert_eq!(values, [("colour", json!("red, \"very\"\nindeed"))]);
    assert!(found("bob").await.is_locked);
    assert!(!found("carl\u{e9}").await.password_is_set);
    world.sso.login(&ctx(), credentials("ann", HASHED)).await.unwrap();
}

async fn semicolons_and_tabs_stand_between_values_too(kind: Kind) {
    let world = World::new(kind).await;
    let files = [
        "username;first_name;attr.colour\r\nann;\"Ann;a\";red, blue\r\n",
        "sep=;\nusername;first_name;attr.colour\nbob;Bob;x\n",
        "\u{feff}\"sep=|\"\n\nusername|first_name\neve|Eve\n",
        "username\tfirst_name\tattr.colour\ncarl\tCarl, jr.\t\n",
    ];
    for text in files {
        let (summary, told) = bring_rows(&world, text).await;
        assert_eq!((summary, told.lines()), (counts(1, 1, 0, 0, 0), vec![]), "{text}");
    }
    for (name, first_name) in [("ann", "Ann;a"), ("bob", "Bob"), ("eve", "Eve"), ("carl", "Carl, jr.")] {
        let found = world.sso.get_user_by_username(&ctx(), name, true).await.unwrap().unwrap();
        assert_eq!(found.user.first_name.as_deref(), Some(first_name));
    }
    let (_, told) = bring_rows(&world, "username;is_locked\ndan;maybe\nfay\n").await;
    let expected = [
        "line 2 dan refused: is_locked: expected true or false",
        "line 3 fay refused: 1 values, and the header names 2 columns",
    ];
    assert_eq!(told.lines(), expected);
    for (text, reason) in [
        ("username;colour\nann;red\n", "the header names a column that is not known: `colour`"),
        ("sep=ab\nusername\n", "the first line: sep= names one character, such as sep=;"),
        ("sep=;\n", "there is no header"),
    ] {
        let (outcome, _) = run(&world, text, FileFormat::Csv, ImportOptions::new("csv", false)).await;
        assert!(outcome.unwrap_err().to_string().contains(reason), "{text}");
    }
}

/// A time of PostgreSQL in a zone of whole hours ends in two digits.
async fn times_are_read_as_databases_write_them(kind: Kind) {
    let world = World::new(kind).await;
    let text = "username,sign_up_time\n\
        postgres,2026-11-27 14:16:28.181969+00\n\
        warsaw,2026-11-27 15:16:28.181969+01\n\
        india,2026-11-27 19:46:28.181969+0530\n\
        rails,2026-11-27 14:16:28.181969 UTC\n\
        iso,2026-11-27T14:16:28.181969Z\n";
    let (summary, told) = bring_rows(&world, text).await;
    assert_eq!((summary, told.lines()), (counts(5, 5, 0, 0, 0), vec![]));
    for name in ["postgres", "warsaw", "india", "rails", "iso"] {
        let found = world.sso.get_user_by_username(&ctx(), name, true).await.unwrap().unwrap();
        assert_eq!(found.user.sign_up_time.to_string(), "2026-11-27T14:16:28.181969", "{name}");
    }
    let (summary, _) = bring_rows(&world, "username,sign_up_time\nshort,2026-11-27T14:16+00\n").await;
    assert_eq!(summary, counts(1, 1, 0, 0, 0));
}

/// Four thousand users with twenty attributes each were one transaction, for which a login waited to its end.
async fn who_writes_beside_an_import_does_not_wait_for_it(kind: Kind) {
    let world = World::new(kind).await;
    world.user("ann").await;
    let attrs: serde_json::Map<_, _> =
        (0..20).map(|number| (format!("attr{number}"), json!("x".repeat(40)))).collect();
    let users: Vec<_> =
        (0..4000).map(|number| json!({"username": format!("user{number}"), "attrs": attrs})).collect();
    let text = lines(&users);
    let sso = world.sso.clone();
    let importing = tokio::spawn(async move {
        let start = Instant::now();
        let source = FileSource::new(Cursor::new(text.into_bytes()), FileFormat::JsonLines, None);
        let options = ImportOptions::new("jsonl", false);
        let summary = sso.import_users(&ctx(), source, options, &mut Told::default()).await.unwrap();
        assert_eq!(summary, counts(4000, 4000, 0, 0, 0));
        start.elapsed()
    });
    let mut longest = Duration::ZERO;
    while !importing.is_finished() {
        let start = Instant::now();
        world.login("ann").await;
        longest = longest.max(start.elapsed());
    }
    let all = importing.await.unwrap();
    assert!(longest < all / 3, "a login took {longest:?}, the import {all:?}");
}

async fn a_stray_quote_costs_its_own_line_only(kind: Kind) {
    let world = World::new(kind).await;
    let mut text = "username,first_name\n".to_owned();
    for number in 2..=400 {
        match number {
            50 | 120 => text.push_str(&format!("user{number},\"Ann\n")),
            60 => text.push_str("user60,5\" tall\n"),
            65 => text.push_str("user65,Ann\"\n"),
            70 => text.push_str("user70,a\rb\n"),
            other => text.push_str(&format!("user{other},Ann\n")),
        }
    }
    let (summary, told) = bring_rows(&world, text).await;
    let quote = "refused: a quote in this line is not closed, or closed at the wrong place";
    let expected = [
        format!("line 50 user50 {quote}"),
        "line 70 user70 refused: first_name: control characters are not allowed".to_owned(),
        format!("line 120 user120 {quote}"),
    ];
    assert_eq!(told.lines(), expected);
    assert_eq!(summary, counts(399, 396, 0, 3, 0));
}

async fn a_long_line_in_front_costs_no_good_record(kind: Kind) {
    let world = World::new(kind).await;
    let text = [vec![b'x'; 17 << 20], b"{\"username\": \"good\"}".to_vec()].join(&b'\n');
    let (summary, told) = bring(&world, text).await;
    assert_eq!(told.lines(), ["line 1 - refused: longer than 16777216 bytes"]);
    assert_eq!(summary, counts(2, 1, 0, 1, 0));
}

async fn what_is_no_list_of_users_is_refused_as_a_whole(kind: Kind) {
    let world = World::new(kind).await;
    let cases: [(&[u8], FileFormat, &str); 9] = [
        (b"username,email\nann,\n", FileFormat::JsonLines, "not JSON Lines"),
        (b"[\n  {\n    \"username\": \"ann\"\n  }\n]\n", FileFormat::JsonLines, "not JSON Lines"),
        (b"SQLite format 3\0\x10\0\x01\x01", FileFormat::JsonLines, "not JSON Lines"),
        (b"\xff\xfe{\0}\0", FileFormat::JsonLines, "UTF-16"),
        (b"\xff\xfeu\0", FileFormat::Csv, "UTF-16"),
        (b"{\"username\": \"ann\"}\n", FileFormat::Csv, "not known"),
        (b"username/email\nann/\n", FileFormat::Csv, "not known: `username/email`"),
        (b"username,username\nann,\n", FileFormat::Csv, "twice"),
        (b"email\nann@example.com\n", FileFormat::Csv, "no column `username`"),
    ];
    for (text, format, reason) in cases {
        let (outcome, told) = run(&world, text, format, ImportOptions::new("file", false)).await;
        let error = outcome.unwrap_err();
        assert!(matches!(&error, Error::Refused { .. }), "{error}");
        assert!(error.to_string().contains(reason), "{error}");
        assert!(told.findings.is_empty());
    }
    assert_eq!(count(&world).await, 0);
    for format in [FileFormat::JsonLines, FileFormat::Csv] {
        let (outcome, _) = run(&world, "", format, ImportOptions::new("file", false)).await;
        assert_eq!(outcome.unwrap(), counts(0, 0, 0, 0, 0));
    }
}
