//! Files of a Zato 3.x server beside `sso.conf`, and what of that one tells how its database is to be read.

use std::path::Path;

use secrecy::SecretString;

use crate::config::load::error::{Error, Origin};
use crate::config::load::ini;
use crate::config::load::ini::Pair;
use crate::config::load::section::Section as _;
use crate::config::load::values::Values;
use crate::config::section::database::DatabaseUrl;
use crate::config::section::main::Main;

/// The section of `secrets.conf` that the keys are in.
const KEYS: &str = "secret_keys.";

/// What a Zato database keeps encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AtRest {
    /// Whether emails are.
    pub email: bool,
    /// Whether password hashes are.
    pub password: bool,
}

impl Default for AtRest {
    /// The value in an unchanged `sso.conf`.
    fn default() -> Self {
        Self { email: true, password: true }
    }
}

/// What an `sso.conf` says about encryption. Nothing else in it matters, and may be wrong.
///
/// # Errors
/// When it cannot be read, is not of that form, or a value is neither true nor false.
pub fn at_rest(path: &Path) -> Result<AtRest, Error> {
    let mut values = Values::default();
    for pair in read(path)? {
        if pair.key.starts_with("main.encrypt_") {
            values.set(pair.key, pair.value, Origin::File { path: path.to_owned(), line: pair.line });
        }
    }
    let main = Main::read(&values)?;
    Ok(AtRest { email: main.encrypt_email, password: main.encrypt_password })
}

/// The keys in a `secrets.conf`, in their order.
///
/// # Errors
/// When it cannot be read, is not of that form, or has none.
pub fn secret_keys(path: &Path) -> Result<Vec<SecretString>, Error> {
    let pairs = read(path)?;
    let keys = pairs.iter().filter(|pair| pair.key.starts_with(KEYS));
    let keys: Vec<_> = keys.filter_map(|pair| pair.value.string().map(SecretString::from)).collect();
    if keys.is_empty() {
        return Err(Error::Foreign {
            path: path.to_owned(),
            problem: "has no key in a section [secret_keys]: give the secrets.conf of a Zato server, which is in its \
                      folder config/repo",
        });
    }
    Ok(keys)
}

/// What is wrong with the URL of a database to read from. The URL is not repeated, for it may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSourceUrl {
    /// It has none of the accepted forms.
    #[error(
        "expected sqlite:///relative.db, sqlite:////absolute/path.db or postgresql://user:password@host/name, or with \
         a driver, as SQLAlchemy has it: postgresql+psycopg2://…"
    )]
    Form,
    /// It is one of MySQL's.
    #[error("a MySQL database cannot be read: copy its tables zato_sso_… into an SQLite file, and give that")]
    MySql,
}

/// The URL of a database to read from: as `database.url` is written, or as SQLAlchemy does it, with a driver.
///
/// # Errors
/// [`InvalidSourceUrl`].
pub fn source_url(url: &str) -> Result<DatabaseUrl, InvalidSourceUrl> {
    let (scheme, rest) = url.trim().split_once(':').ok_or(InvalidSourceUrl::Form)?;
    let dialect = scheme.split_once('+').map_or(scheme, |(dialect, _driver)| dialect);
    if matches!(dialect, "mysql" | "mariadb") {
        return Err(InvalidSourceUrl::MySql);
    }
    let url = format!("{dialect}:{rest}").parse().map_err(|_| InvalidSourceUrl::Form)?;
    if matches!(url, DatabaseUrl::SqliteMemory) {
        return Err(InvalidSourceUrl::Form);
    }
    Ok(url)
}

/// The values of a file of Zato's.
pub(in crate::config) fn read(path: &Path) -> Result<Vec<Pair>, Error> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| Error::Unreadable { path: path.to_owned(), source })?;
    parse(path, &text)
}

/// The values in the text of a file of Zato's.
pub(in crate::config) fn parse(path: &Path, text: &str) -> Result<Vec<Pair>, Error> {
    ini::parse(text.strip_prefix('\u{feff}').unwrap_or(text)).map_err(|problem| Error::Syntax {
        origin: Origin::File { path: path.to_owned(), line: problem.line },
        problem: problem.text,
    })
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    fn file(text: &str) -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("some.conf");
        std::fs::write(&path, text).unwrap();
        (folder, path)
    }

    #[test]
    fn all_keys_are_read_in_their_order() {
        let (_folder, path) =
            file("# Keys\n[zato]\nkey1=not this\n[secret_keys]\nkey2=b_-=\nkey1 = a== # older\n");
        let keys = secret_keys(&path).unwrap();
        let keys: Vec<_> = keys.iter().map(|key| key.expose_secret()).collect();
        assert_eq!(keys, ["b_-=", "a=="]);
    }

    #[test]
    fn a_file_without_keys_is_another_one() {
        let (_folder, path) = file("[main]\nencrypt_email=True\n");
        let said = secret_keys(&path).unwrap_err().to_string();
        assert!(said.ends_with("folder config/repo") && said.contains("some.conf: has no key"), "{said}");
        assert!(secret_keys(Path::new("nowhere.conf")).is_err());
    }

    #[test]
    fn urls_may_name_a_driver() {
        let shown = |url: &str| source_url(url).map(|url| url.to_string());
        for url in [
            "postgresql://u:secret@h:5432/zato",
            "postgres://u:secret@h:5432/zato",
            "postgresql+psycopg2://u:secret@h:5432/zato",
            "postgresql+pg8000://u:secret@h:5432/zato",
            " postgresql+psycopg://u:secret@h:5432/zato ",
        ] {
            assert!(shown(url).unwrap().ends_with("://u:***@h:5432/zato"), "{url}");
        }
        for url in ["sqlite:////srv/zato.db", "sqlite+pysqlite:////srv/zato.db"] {
            assert_eq!(shown(url).unwrap(), "sqlite:////srv/zato.db");
        }
        assert_eq!(shown("sqlite:///zato.db").unwrap(), "sqlite:///zato.db");
        for url in [
            "",
            "zato.db",
            "sqlite://zato.db",
            "sqlite:///:memory:",
            "sqlite::memory:",
            "oracle://u:secret@h/x",
        ] {
            assert_eq!(source_url(url).unwrap_err(), InvalidSourceUrl::Form, "{url}");
        }
        for url in ["mysql://u:secret@h/x", "mysql+pymysql://u:secret@h/x", "mariadb+mysqldb://h/x"] {
            assert_eq!(source_url(url).unwrap_err(), InvalidSourceUrl::MySql, "{url}");
        }
    }

    #[test]
    fn only_what_is_about_encryption_matters() {
        let (_folder, path) =
            file("[main]\nencrypt_email=False # Clear\nsmtp_conn=x\n[session]\nexpiry=soon\n");
        assert_eq!(at_rest(&path).unwrap(), AtRest { email: false, password: true });
        let (_folder, path) = file("[main]\nencrypt_password=maybe\n");
        assert!(at_rest(&path).unwrap_err().to_string().contains("some.conf:2: main.encrypt_password"));
        let (_folder, path) = file("");
        assert_eq!(at_rest(&path).unwrap(), AtRest::default());
    }
}
