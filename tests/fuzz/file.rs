//! Files that operators feed in: users to import, and the older format of the configuration.

use std::io::Cursor;

use zato_sso::config::convert;
use zato_sso::domain::ImportSource as _;
use zato_sso::ops::{FileFormat, FileSource};

use super::{run, texts};

/// What a file comes to: how many users there are, and how many lines that are none.
fn read(format: FileFormat, input: &[u8]) -> (usize, usize, bool) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut source = FileSource::new(Cursor::new(input.to_vec()), format, None);
    runtime.block_on(async {
        let (mut users, mut wrong) = (0, 0);
        loop {
            match source.next_batch(100).await {
                Ok(batch) if batch.records.is_empty() => return (users, wrong, true),
                Ok(batch) => {
                    let good = batch.records.iter().filter(|record| record.user.is_ok()).count();
                    users += good;
                    wrong += batch.records.len() - good;
                }
                Err(_) => return (users, wrong, false),
            }
        }
    })
}

#[test]
fn lines_of_json() {
    let seeds = texts(&[
        "{\"username\": \"ann\", \"attrs\": {\"a\": [1, {\"b\": null}]}, \"groups\": [\"a\", {\"name\": \"b\", \"scopes\": [\"c\"]}]}\n",
        "{\"username\":\"bob\",\"passkeys\":[{\"credential_id\":\"AAAA\",\"public_key\":\"pQEC\",\"transports\":[\"usb\"]}],\
         \"recovery_codes\":{\"keys\":[\"00\"],\"digests\":[]},\"totp_last_step\":5}\n",
        "{\"username\":\"c\",\"linked_auth\":[{\"auth_type\":\"jwt\",\"auth_username\":\"d\"}],\"locked_time\":\"2026-01-01\"}\n",
    ]);
    let words =
        ["username", "attrs", "passkeys", "\n", "\"is_encrypted\": true", "null", "password_hash", "[{"];
    run("lines_of_json", seeds, &words, |input| read(FileFormat::JsonLines, input));
}

#[test]
fn rows_of_csv() {
    let seeds = texts(&[
        "username,email,attr.city\nann,ann@example.com,Rome\n\"b\"\"ob\",,\"two\nlines\"\n",
        "sep=;\nusername;is_locked\nann;true\n",
        "\u{feff}username\ttotp_last_step\nann\t7\n",
    ]);
    run("rows_of_csv", seeds, &[",", ";", "\t", "\"", "\"\"", "\n", "sep=", "attr."], |input| {
        read(FileFormat::Csv, input)
    });
}

#[test]
fn the_older_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sso.conf");
    let seeds = texts(&[
        include_str!("../data/sso.conf"),
        "[main]\nencrypt_email=True\n[user_address_list]\nann=127.0.0.1, \\\n  ::1\n",
    ]);
    run("the_older_configuration", seeds, &["[", "]", "=", "\n", "#", ";", "True", "\\\n"], |input| {
        std::fs::write(&path, input).unwrap();
        convert(&path).map(|converted| converted.unmatched.len()).map_err(drop)
    });
}
