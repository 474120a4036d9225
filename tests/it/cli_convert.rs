//! `config convert`: from the `sso.conf` of a Zato server to `sso.toml`.

use serde_json::json;

use crate::command::Folder;

const SSO_CONF: &str = include_str!("../data/sso.conf");

#[test]
fn the_file_that_comes_out_is_used_as_the_one_that_went_in() {
    let folder = Folder::new();
    folder.write("sso.conf", "[session]\nexpiry=7 # In minutes\n[user_address_list]\njoe.doe=10.0.0.1\n");
    let toml = folder.run("config convert sso.conf").text().to_owned();
    let shown = |file: &str| folder.run(&format!("--json --config {file} config show")).json();
    folder.write("sso.toml", &toml);
    let without_places = |mut entries: serde_json::Value| {
        let places: Vec<_> =
            entries.as_array_mut().unwrap().iter_mut().map(|entry| entry["origin"].take()).collect();
        (entries, places.len())
    };
    assert_eq!(without_places(shown("sso.toml")), without_places(shown("sso.conf")));
    assert!(toml.contains("\nexpiry = 7\n") && toml.contains("\n\"joe.doe\" = [\"10.0.0.1\"]\n"), "{toml}");
}

#[test]
fn what_has_no_counterpart_is_told_on_the_side_and_at_the_end() {
    let folder = Folder::new();
    folder.write("sso.conf", SSO_CONF);
    let done = folder.run("config convert sso.conf");
    assert_eq!((done.status, done.stderr.lines().count()), (0, 9), "{done}");
    let told =
        "line 4: main.smtp_conn: set smtp.url to the mail server that this connection of Zato's leads to";
    assert_eq!(done.stderr.lines().next().unwrap(), format!("zato-sso: sso.conf: {told}"));
    assert!(done.stdout.contains(&format!("\n# {told}\n")), "{done}");
    folder.write("sso.toml", &done.stdout);
    folder.run("config show").text();

    let said = folder.run("--json config convert sso.conf").json();
    assert_eq!(said["toml"], done.stdout);
    let unmatched = said["unmatched"].as_array().unwrap();
    assert_eq!(unmatched.len(), 9);
    let advice = "nothing to do: the salt of a hash has 16 bytes";
    assert_eq!(unmatched[4], json!({"key": "hash_secret.salt_size", "line": 14, "advice": advice}));
}

#[test]
fn another_file_is_one_line() {
    let folder = Folder::new();
    folder.write("secrets.conf", include_str!("../data/zato33/secrets.conf"));
    folder.write("sso.toml", "[session]\n");
    std::fs::write(folder.path("zato.conf"), [0x53, 0xff, 0x00]).unwrap();
    for (file, part) in [
        ("nowhere.conf", "nowhere.conf: cannot be read"),
        ("zato.conf", "zato.conf: cannot be read"),
        ("secrets.conf", "has none of the keys of an sso.conf"),
        ("sso.toml", "is TOML already"),
    ] {
        let done = folder.run(&format!("config convert {file}"));
        assert_eq!((done.status, done.stdout.as_str(), done.stderr.lines().count()), (1, "", 1), "{done}");
        assert!(done.stderr.contains(part) && !done.stderr.contains("czI9"), "{done}");
    }
}
