//! Reading the database of a Zato server: what it says of each user, and what cannot be read.

use serde_json::{Value, json};
use sqlx::{Connection, Executor, PgConnection, SqlSafeStr, SqliteConnection};
use zato_sso::config::AtRest;
use zato_sso::domain::{
    ImportRecord, ImportSource, ImportedAttr, ImportedUser, Password, SecType, Timestamp,
};
use zato_sso::ops::{SecDefHere, ZatoOptions, ZatoSource};

use crate::support::Kind;
use crate::zato_data::{USERS, Zato, expected};

on_both_databases! {
    every_user_is_read_as_expected;
    what_does_not_decrypt_is_told_of_its_user_and_the_others_come;
    what_is_in_clear_is_taken_only_where_configuration_says_so;
    attributes_are_read_whatever_they_are;
    links_lead_to_the_definitions_that_are_named;
    what_is_not_brought_over_is_counted;
    what_earlier_versions_lack_is_empty;
    what_is_no_database_of_zatos_is_told_in_one_line;
    another_servers_keys_are_refused;
    every_statement_prepares;
}

/// All of it, so many at a time.
async fn read(mut source: &mut ZatoSource, limit: usize) -> Vec<ImportRecord> {
    let mut all = Vec::new();
    loop {
        let batch = source.next_batch(limit).await.unwrap();
        assert!(batch.records.len() <= limit);
        if batch.records.is_empty() {
            return all;
        }
        assert!(batch.done <= batch.total.unwrap());
        all.extend(batch.records);
    }
}

async fn read_all(options: ZatoOptions) -> Vec<ImportRecord> {
    read(&mut ZatoSource::open(options).await.unwrap(), 10).await
}

async fn users(options: ZatoOptions) -> Vec<ImportedUser> {
    read_all(options).await.into_iter().map(|record| *record.user.unwrap()).collect()
}

async fn user(options: ZatoOptions, username: &str) -> Result<ImportedUser, String> {
    let start = format!("{username}.");
    for record in read_all(options).await {
        match record.user {
            Ok(user) if user.username.starts_with(&start) => return Ok(*user),
            Err(why) => return Err(format!("{}: {}", record.position, why.reason)),
            Ok(_) => {}
        }
    }
    panic!("there is no {username}");
}

fn told(source: &ZatoSource) -> Vec<String> {
    source.left_behind().iter().map(ToString::to_string).collect()
}

fn attr_of(attr: &ImportedAttr) -> (String, Value) {
    let value = attr.value.to_json().unwrap();
    (attr.name.clone(), json!({"is_encrypted": attr.is_encrypted, "value": value}))
}

fn secret(secret: &Option<Password>) -> Option<&str> {
    secret.as_ref().map(Password::expose)
}

/// A user in the form of `expected.json`, as far as that says anything.
fn shown(user: &ImportedUser, expected: &Value) -> Value {
    let mut all = json!({
        "user_id": user.user_id,
        "username": user.username,
        "email": user.email,
        // An empty name and none are the same here.
        "display_name": user.display_name.as_deref().unwrap_or_default(),
        "first_name": user.first_name,
        "middle_name": user.middle_name,
        "last_name": user.last_name,
        "is_super_user": user.is_super_user,
        "is_locked": user.is_locked,
        "is_totp_enabled": user.is_totp_enabled,
        "totp_key": secret(&user.totp_key),
        "totp_label": user.totp_label,
        "password_must_change": user.password_must_change,
        "sign_up_status": user.sign_up_status.as_str(),
        "approval_status": user.approval_status.as_str(),
        "attrs": user.attrs.iter().map(attr_of).collect::<serde_json::Map<_, _>>(),
        "password": expected["password"],
    });
    all.as_object_mut().unwrap().retain(|name, _| expected.get(name).is_some());
    all
}

async fn every_user_is_read_as_expected(kind: Kind) {
    let zato = Zato::new(kind).await;
    for limit in [1, 7, USERS, 1000] {
        let mut source = ZatoSource::open(zato.options()).await.unwrap();
        let records = read(&mut source, limit).await;
        assert_eq!(records.len(), USERS);
        for (record, expected) in records.iter().zip(expected()) {
            let user = record.user.as_ref().unwrap();
            assert_eq!(shown(user, &expected), expected);
            assert_eq!(user.lost, Vec::<String>::new());
            assert!(secret(&user.password_hash).unwrap().starts_with("$pbkdf2-sha512$120000$"));
            assert_eq!(user.creation_ctx, None);
            let expiry = user.password_expiry.unwrap();
            assert_eq!(expiry, user.password_last_set.unwrap().plus_days(730));
        }
    }
    let first = user(zato.options(), "root").await.unwrap();
    assert_eq!(first.sign_up_time, Timestamp::parse("2026-11-22T15:51:39.990848"));
    let attrs = user(zato.options(), "attrs").await.unwrap().attrs;
    assert_eq!(attrs[0].expiration_time, Some(Timestamp::NEVER));
    assert_eq!(attrs[2].expiration_time, Timestamp::parse("2036-11-19T15:51:42.033685"));
    assert_eq!(attrs[2].creation_time, Timestamp::parse("2026-11-22T15:51:42.033685"));
}

/// A token that none of the keys opens: the published one.
const FOREIGN: &str =
    "gAAAAAAdwJ6wAAECAwQFBgcICQoLDA0ODy021cpGVWKZ_eEwCGM4BLLF_5CV9dOPmrhuVUPgJobwOz7JcbmrR64jVmpU4IwqDA==";

async fn what_does_not_decrypt_is_told_of_its_user_and_the_others_come(kind: Kind) {
    let zato = Zato::new(kind).await;
    for (row, change) in [(2, "password"), (3, "email"), (4, "totp_key"), (5, "totp_label")] {
        zato.execute(&format!("UPDATE zato_sso_user SET {change} = '{FOREIGN}' WHERE id = {row}")).await;
    }
    zato.execute("UPDATE zato_sso_user SET approval_status = 'unheard-of' WHERE id = 6").await;
    zato.execute(&format!("UPDATE zato_sso_attr SET value = '\"{FOREIGN}\"' WHERE id = 2")).await;
    let records = read_all(zato.options()).await;
    assert_eq!(records.len(), USERS);
    let why = |row: usize| {
        let record = &records[row - 1];
        assert_eq!(record.position, format!("row {row}"));
        record
            .user
            .as_ref()
            .map(|user| user.lost.join(";"))
            .unwrap_or_else(|why| format!("refused: {}", why.reason))
    };
    assert_eq!(why(2), "refused: password: does not decrypt with any of the keys");
    assert_eq!(why(3), "refused: email: does not decrypt with any of the keys");
    assert_eq!(why(4), "refused: totp_key: does not decrypt with any of the keys");
    assert_eq!(why(5), "totp_label: does not decrypt with any of the keys");
    assert_eq!(why(6), "refused: approval_status: is none of those that there are");
    assert_eq!(why(8), "attribute \"ssn\": does not decrypt with any of the keys");
    assert_eq!(records[7].user.as_ref().unwrap().attrs.len(), 2);
    assert_eq!(records.iter().filter(|record| record.user.is_ok()).count(), USERS - 4);
}

async fn what_is_in_clear_is_taken_only_where_configuration_says_so(kind: Kind) {
    let zato = Zato::new(kind).await;
    zato.execute("UPDATE zato_sso_user SET email = 'ann@example.com' WHERE id = 2").await;
    let why = user(zato.options(), "locked").await.unwrap_err();
    assert!(why.starts_with("row 2: email: is not a Fernet token") && !why.contains("ann@"), "{why}");
    let in_clear = |email, password| ZatoOptions { at_rest: AtRest { email, password }, ..zato.options() };
    // What is encrypted all the same is decrypted.
    let emails: Vec<_> = users(in_clear(false, true)).await.into_iter().map(|user| user.email).collect();
    assert_eq!(emails[..2], [Some("root@example.com".to_owned()), Some("ann@example.com".to_owned())]);

    zato.execute("UPDATE zato_sso_user SET password = '$pbkdf2-sha512$1$c2FsdA$aGFzaA' WHERE id = 2").await;
    let plain = user(in_clear(false, false), "plain").await.unwrap();
    assert_eq!(secret(&plain.password_hash), Some("$pbkdf2-sha512$1$c2FsdA$aGFzaA"));
    assert!(user(in_clear(false, true), "plain").await.unwrap_err().starts_with("row 2: password: is not"));
    // TOTP keys always are.
    zato.execute("UPDATE zato_sso_user SET totp_key = 'U4MOS7AF5R2FQUOS' WHERE id = 2").await;
    assert!(user(in_clear(false, false), "plain").await.unwrap_err().starts_with("row 2: totp_key: is not"));
}

async fn attributes_are_read_whatever_they_are(kind: Kind) {
    let zato = Zato::new(kind).await;
    zato.execute("DELETE FROM zato_sso_attr WHERE id > 3").await;
    for (id, value) in [(1, "'{\"a\": [1, 2.50, null]}'"), (2, "'\"in clear\"'"), (3, "NULL")] {
        zato.execute(&format!("UPDATE zato_sso_attr SET value = {value} WHERE id = {id}")).await;
    }
    let found = user(zato.options(), "attrs").await.unwrap();
    let values: Vec<_> = found.attrs.iter().map(|attr| attr.value.as_json_text()).collect();
    assert_eq!(values, ["{\"a\": [1, 2.50, null]}", "null"]);
    assert_eq!(found.lost, ["attribute \"ssn\": is not a Fernet token"]);

    zato.execute("UPDATE zato_sso_attr SET value = 'not json' WHERE id = 1").await;
    zato.execute("UPDATE zato_sso_attr SET serial_method = 'pickle' WHERE id = 2").await;
    zato.execute("UPDATE zato_sso_attr SET expiration_time = '2026-11-30 23:59:59' WHERE id = 3").await;
    let mut source = ZatoSource::open(zato.options()).await.unwrap();
    let records = read(&mut source, 100).await;
    let found = records[7].user.as_ref().unwrap();
    assert_eq!(
        (found.attrs.len(), found.lost.join(";").as_str()),
        (0, "attribute \"city\": is not JSON;attribute \"ssn\": is not kept as JSON")
    );
    assert_eq!(
        told(&source).pop().unwrap(),
        "expired attributes: 1 not imported, they do not exist any more"
    );
}

async fn links_lead_to_the_definitions_that_are_named(kind: Kind) {
    let zato = Zato::new(kind).await;
    let id = user(zato.options(), "plain").await.unwrap().user_id.unwrap();
    for (number, kind, definition, principal) in [
        (1, "basic_auth", "7", "NULL"),
        (2, "jwt", "7", "NULL"),
        (3, "vault", "8", "NULL"),
        (4, "jwt", "NULL", "'x'"),
    ] {
        zato.execute(&format!(
            "INSERT INTO zato_sso_linked_auth VALUES ({number}, '1', '0', '2026-11-22 10:00:00', NULL, '0', '{kind}', \
             {definition}, {principal}, 'reserved', NULL, '{id}')"
        ))
        .await;
    }
    let found = user(zato.options(), "plain").await.unwrap();
    assert!(found.linked_auth.is_empty());
    insta::allow_duplicates! {
        insta::assert_snapshot!(found.lost.join("\n"), @r#"
        linked auth: basic_auth definition 7 of Zato's; make one with zato-sso create-sec-def basic_auth NAME USERNAME, and import with --sec-def basic_auth:7=USERNAME, or link it afterwards
        linked auth: jwt definition 7 of Zato's; make one with zato-sso create-sec-def jwt NAME USERNAME, and import with --sec-def jwt:7=USERNAME, or link it afterwards
        linked auth: definitions of the kind "vault" do not exist here
        linked auth: jwt "x" is known by a name only; make a definition with zato-sso create-sec-def jwt, and link it
        "#);
    }
    let here = SecDefHere { sec_type: SecType::Jwt, zato_id: 7, username: "client1".to_owned() };
    let found = user(ZatoOptions { sec_defs: vec![here], ..zato.options() }, "plain").await.unwrap();
    assert_eq!((found.linked_auth.len(), found.lost.len()), (1, 3));
    let link = &found.linked_auth[0];
    assert_eq!(
        (link.auth_type.as_str(), link.auth_username.as_str(), link.is_active),
        ("jwt", "client1", true)
    );
    assert_eq!(link.creation_time, Timestamp::parse("2026-11-22T10:00:00"));
}

async fn what_is_not_brought_over_is_counted(kind: Kind) {
    let zato = Zato::new(kind).await;
    let left = async || told(&ZatoSource::open(zato.options()).await.unwrap());
    assert_eq!(left().await, ["sessions: 1 not imported, everybody logs in anew"]);
    zato.execute("DELETE FROM zato_sso_session").await;
    zato.execute("UPDATE zato_sso_attr SET user_id = 'zusrgone' WHERE id < 3").await;
    zato.execute("UPDATE zato_sso_attr SET is_session_attr = '1' WHERE id = 3").await;
    assert_eq!(
        left().await,
        [
            "attributes of sessions: 1 not imported, their sessions are not imported",
            "attributes and links of deleted users: 2 not imported, Zato left them behind",
        ]
    );
}

async fn what_earlier_versions_lack_is_empty(kind: Kind) {
    let zato = Zato::new(kind).await;
    zato.execute("DROP TABLE zato_sso_password_reset").await;
    for column in ["totp_key", "totp_label", "rate_limit_def"] {
        zato.execute(&format!("ALTER TABLE zato_sso_user DROP COLUMN {column}")).await;
    }
    let all = users(zato.options()).await;
    assert_eq!(all.len(), USERS);
    assert!(
        all.iter()
            .all(|user| user.totp_key.is_none()
                && user.email.is_some() != user.username.starts_with("no_email"))
    );
}

async fn refused(options: ZatoOptions) -> String {
    let message = ZatoSource::open(options).await.err().unwrap().to_string();
    assert!(!message.contains('\n'), "{message}");
    message
}

async fn what_is_no_database_of_zatos_is_told_in_one_line(kind: Kind) {
    let zato = Zato::new(kind).await;
    zato.execute("ALTER TABLE zato_sso_user RENAME COLUMN is_locked TO was_locked").await;
    let said = refused(zato.options()).await;
    assert!(
        said.contains(" is not whole: the column is_locked of zato_sso_user is missing; copy it again"),
        "{said}"
    );
    zato.execute("DROP TABLE zato_sso_attr").await;
    let said = refused(zato.options()).await;
    assert!(said.contains(" is not whole: the table zato_sso_attr is missing; copy it again"), "{said}");
    for table in ["user", "group", "user_group", "session", "linked_auth", "password_reset"] {
        zato.execute(&format!("DROP TABLE zato_sso_{table}")).await;
    }
    let said = refused(zato.options()).await;
    assert!(said.contains(" is not that of a Zato server: it has no table zato_sso_user"), "{said}");
}

#[tokio::test]
async fn a_file_that_is_damaged_or_none_is_told_in_one_line() {
    let zato = Zato::new(Kind::Sqlite).await;
    let file = zato.db.folder.path().join("sso.db");
    let whole = std::fs::read(&file).unwrap();
    for length in [whole.len() / 2, 5000] {
        std::fs::write(&file, &whole[..length]).unwrap();
        let said = refused(zato.options()).await;
        assert!(said.contains(" is not whole: ") && said.contains("malformed"), "{said}");
    }
    std::fs::write(&file, "no database\n".repeat(100)).unwrap();
    let said = refused(zato.options()).await;
    assert!(said.contains("file is not a database"), "{said}");
    std::fs::write(&file, "").unwrap();
    assert!(refused(zato.options()).await.contains(" is not that of a Zato server"));
    std::fs::remove_file(&file).unwrap();
    let said = refused(zato.options()).await;
    assert!(said.contains("there is no such file") && !file.exists(), "{said}");
}

#[tokio::test]
async fn a_server_that_is_away_is_told_in_one_line() {
    let zato = Zato::new(Kind::Sqlite).await;
    let from = "postgresql://user:hunter2@127.0.0.1:1/zato".parse().unwrap();
    let said = refused(ZatoOptions { from, ..zato.options() }).await;
    assert!(said.contains("postgresql://127.0.0.1:1/zato") && !said.contains("hunter2"), "{said}");
}

/// Whoever reads may only be allowed to read, or not even that.
#[tokio::test]
async fn a_role_that_may_only_read_is_enough() {
    let zato = Zato::new(Kind::Postgres).await;
    let role = format!("reader_{}", std::process::id());
    zato.execute(&format!("CREATE ROLE {role} LOGIN")).await;
    let mut url = url::Url::parse(&zato.db.url).unwrap();
    url.set_username(&role).unwrap();
    let options = || ZatoOptions { from: url.as_str().parse().unwrap(), ..zato.options() };
    let said = refused(options()).await;
    assert!(said.contains("permission denied for table zato_sso_user"), "{said}");
    zato.execute(&format!("GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}")).await;
    assert_eq!(users(options()).await.len(), USERS);
    zato.execute(&format!("DROP OWNED BY {role}")).await;
    zato.execute(&format!("DROP ROLE {role}")).await;
}

/// The file is only read: it stays as it is, byte by byte, and nothing appears beside it.
#[tokio::test]
async fn a_file_is_left_as_it_is() {
    let zato = Zato::new(Kind::Sqlite).await;
    let content = || {
        let entries = std::fs::read_dir(zato.db.folder.path()).unwrap().map(|entry| entry.unwrap().path());
        entries.map(|path| (path.clone(), std::fs::read(path).unwrap())).collect::<Vec<_>>()
    };
    let before = content();
    users(zato.options()).await;
    assert_eq!(content(), before);
}

async fn another_servers_keys_are_refused(kind: Kind) {
    let zato = Zato::new(kind).await;
    let other = "cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=";
    let keys = |keys: &[&str]| keys.iter().map(|key| (*key).into()).collect();
    let said = refused(ZatoOptions { keys: keys(&[other]), ..zato.options() }).await;
    assert!(said.contains("decrypts with the keys of secrets.conf") && !said.contains(other), "{said}");
    let said = refused(ZatoOptions { keys: keys(&[other, "short"]), ..zato.options() }).await;
    assert!(said.starts_with("key number 2 of secrets.conf is no Fernet key"), "{said}");
    // Several keys, of which one is right, do; and so do none where nothing is encrypted.
    let mut both = zato.options();
    both.keys.insert(0, other.into());
    assert_eq!(users(both).await.len(), USERS);
    zato.execute("DELETE FROM zato_sso_user").await;
    assert!(read_all(ZatoOptions { keys: keys(&[other]), ..zato.options() }).await.is_empty());
}

/// Bytes in a column of texts are shown as hexadecimal by PostgreSQL.
#[tokio::test]
async fn tokens_that_became_hexadecimal_are_read() {
    let zato = Zato::new(Kind::Postgres).await;
    zato.execute("UPDATE zato_sso_user SET password = convert_to(password, 'UTF8')::text, email = convert_to(email, 'UTF8')::text").await;
    assert_eq!(users(zato.options()).await[0].email.as_deref(), Some("root@example.com"));
}

async fn every_statement_prepares(kind: Kind) {
    let zato = Zato::new(kind).await;
    let statements = zato_sso::store::import::zato::statements();
    assert_eq!(statements.len(), 3);
    for (name, text) in statements {
        let text = sqlx::AssertSqlSafe(text).into_sql_str();
        let prepared = match kind {
            Kind::Sqlite => {
                let mut conn = SqliteConnection::connect(&zato.db.url).await.unwrap();
                conn.prepare(text).await.map(drop)
            }
            Kind::Postgres => {
                let mut conn = PgConnection::connect(&zato.db.url).await.unwrap();
                conn.prepare(text).await.map(drop)
            }
        };
        assert!(prepared.is_ok(), "{name}: {}", prepared.err().unwrap());
    }
}
