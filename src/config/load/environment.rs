//! Environment variables of ours: which key one is for, and values that stand in a file that a variable names.

use std::ffi::OsString;
use std::io::Read as _;

use zeroize::Zeroizing;

use crate::config::load::error::{Error, Origin};
use crate::config::load::schema::{Schema, nearest, variable_of};

/// What all our environment variables begin with.
pub(in crate::config) const PREFIX: &str = "ZATO_SSO_";

/// What the name of a variable ends in whose value is the path of a file with the value.
const FILE: &str = "_FILE";

/// Variables with a shorter name than the key's own.
pub(in crate::config) const SHORT: [(&str, &str); 2] =
    [("ZATO_SSO_DATABASE_URL", "database.url"), ("ZATO_SSO_SECRET_KEY", "main.secret_key")];

/// Variables that are secrets of commands.
const OF_COMMANDS: [&str; 4] =
    ["ZATO_SSO_PASSWORD", "ZATO_SSO_UST", "ZATO_SSO_TOTP_KEY", "ZATO_SSO_IMPORT_FROM"];

/// What variables of the project's own tests begin with.
const OF_TESTS: [&str; 2] = ["ZATO_SSO_TEST_", "ZATO_SSO_UPDATE_OPENAPI"];

/// The longest value that is read from a file, in bytes.
const MAX_VALUE: u64 = 64 * 1024;

/// What a variable says.
pub(in crate::config) enum Said {
    /// The value of a key.
    Value(String),
    /// The path of a file with the value of a key.
    File(String),
    /// Nothing of the configuration.
    Nothing,
}

/// What a variable says, by its name and, for one that Kubernetes makes, its value.
///
/// # Errors
/// When it is none of ours: it may be meant to be one, and to go on without it would quietly use another database or key.
pub(in crate::config) fn said_by(schema: &Schema, name: &str, value: &str) -> Result<Said, Error> {
    if let Some((_, key)) = SHORT.iter().find(|(short, _)| *short == name) {
        return Ok(Said::Value((*key).to_owned()));
    }
    if let Ok(key) = schema.key_of_variable(name) {
        return Ok(Said::Value(key));
    }
    if let Some(base) = name.strip_suffix(FILE) {
        if OF_COMMANDS.contains(&base) {
            return Ok(Said::Nothing);
        }
        let short = SHORT.iter().find(|(short, _)| *short == base).map(|(_, key)| (*key).to_owned());
        let key = short.or_else(|| schema.key_of_variable(base).ok().filter(|key| schema.is_secret(key)));
        if let Some(key) = key {
            return Ok(Said::File(key));
        }
    }
    let is_other = OF_COMMANDS.contains(&name)
        || OF_TESTS.iter().any(|start| name.starts_with(start))
        || is_service_link(name, value);
    if is_other { Ok(Said::Nothing) } else { Err(unknown(schema, name)) }
}

fn unknown(schema: &Schema, name: &str) -> Error {
    let shorts = SHORT.iter().map(|(short, _)| (*short).to_owned());
    let secrets = schema.keys().filter(|key| key.is_secret).map(|key| variable_of(key.dotted));
    let files = shorts.clone().chain(secrets).chain(OF_COMMANDS.map(str::to_owned));
    let known: Vec<String> = shorts
        .chain(schema.keys().map(|key| variable_of(key.dotted)))
        .chain(OF_COMMANDS.map(str::to_owned))
        .chain(files.map(|name| name + FILE))
        .collect();
    // One that lacks an underscore is nearest to itself with it.
    let with_both = known.iter().find(|known| known.replace("__", "_") == name);
    let nearest = with_both
        .map_or_else(|| nearest(name, known.iter().map(String::as_str), |known| known), String::as_str);
    Error::UnknownVariable { name: name.to_owned(), nearest: nearest.to_owned() }
}

/// Whether Kubernetes or Docker made the variable, for a service whose name begins with `zato-sso`.
fn is_service_link(name: &str, value: &str) -> bool {
    let Some(rest) = name.strip_prefix(PREFIX) else { return false };
    let is_url = value.starts_with("tcp://") || value.starts_with("udp://") || value.starts_with("sctp://");
    let number = |text: &str| {
        let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
        (!digits.is_empty()).then(|| text.trim_start_matches(|c: char| c.is_ascii_digit()).to_owned())
    };
    // Also of a service such as zato-sso-web, whose variables begin with ZATO_SSO_WEB_.
    let behind = |mark: &str| {
        let at =
            if rest.starts_with(mark) { Some(0) } else { rest.rfind(&format!("_{mark}")).map(|at| at + 1) };
        at.and_then(|at| rest.get(at + mark.len()..))
    };
    if behind("SERVICE_HOST") == Some("") {
        return true;
    }
    if behind("SERVICE_PORT").is_some_and(|rest| rest.is_empty() || rest.starts_with('_')) {
        return value.bytes().all(|byte| byte.is_ascii_digit());
    }
    if behind("PORT") == Some("") && is_url {
        return true;
    }
    let protocols = ["_TCP", "_UDP", "_SCTP"];
    behind("PORT_").and_then(number).is_some_and(|rest| {
        protocols.iter().filter_map(|protocol| rest.strip_prefix(protocol)).any(|end| match end {
            "" => is_url,
            "_PROTO" | "_PORT" | "_ADDR" => true,
            _ => false,
        })
    })
}

/// The value in a file, without the white space around it.
///
/// # Errors
/// When it cannot be read, is empty, or is not a short text.
pub(in crate::config) fn read_value(path: &str, origin: &Origin) -> Result<String, Error> {
    let wrong = |problem: String| Error::Syntax { origin: origin.clone(), problem };
    let mut bytes = Zeroizing::new(Vec::new());
    let read = std::fs::File::open(path).and_then(|file| file.take(MAX_VALUE + 1).read_to_end(&mut bytes));
    read.map_err(|error| wrong(format!("names the file {path}, which cannot be read: {error}")))?;
    if bytes.len() as u64 > MAX_VALUE {
        return Err(wrong(format!("names the file {path}, which is too long for a value")));
    }
    let text = std::str::from_utf8(&bytes)
        .map_err(|_| wrong(format!("names the file {path}, which is not UTF-8")))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).trim();
    if text.is_empty() {
        return Err(wrong(format!("names the file {path}, which is empty")));
    }
    Ok(text.to_owned())
}

/// The value of a secret variable of commands that stands in the file which `NAME_FILE` names; None if that is not set.
///
/// # Errors
/// As [`read_value`].
pub fn value_from_file(name: &str) -> Result<Option<String>, Error> {
    let name = format!("{name}{FILE}");
    let Some(path) = std::env::var_os(&name) else { return Ok(None) };
    read_value(&path.to_string_lossy(), &Origin::Environment(name)).map(Some)
}

/// The text of a variable.
///
/// # Errors
/// When it is not UTF-8.
pub(in crate::config) fn text_of(value: OsString, origin: &Origin) -> Result<String, Error> {
    value.into_string().map_err(|_| Error::Syntax { origin: origin.clone(), problem: "is not UTF-8".into() })
}
