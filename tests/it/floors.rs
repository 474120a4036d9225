//! Guards the floors: who may import whom, and where a library of one floor may be named.

use std::fs;
use std::path::{Path, PathBuf};

/// The floors from the bottom up. A module imports from those before it and from itself.
const FLOORS: &[&str] = &["domain", "config", "crypto", "store", "ops"];

/// What stands on the floors. The faces do not import each other.
const FACES: &[&str] = &["http", "python", "cli"];

/// The files above all of it, which put the parts together.
const TOP: &[&str] = &["lib", "main"];

/// Libraries that only faces name.
const FACE_LIBRARIES: &[&str] =
    &["axum", "clap", "hyper", "hyper_util", "pyo3", "qrcode", "rpassword", "tower", "tower_http"];

/// The libraries that one floor alone names.
const LIBRARIES_OF_A_FLOOR: &[(&str, &str)] = &[("sqlx", "store"), ("lettre", "ops")];

#[test]
fn every_import_goes_down() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    find_sources(&root, &mut files);
    assert!(files.len() > 10, "only {} files were found under src", files.len());

    let mut violations = Vec::new();
    for file in files {
        let place = file.strip_prefix(&root).unwrap().to_path_buf();
        violations.extend(check(&place, &fs::read_to_string(&file).unwrap()));
    }
    assert!(violations.is_empty(), "src/lib.rs tells the floors\n{}", violations.join("\n"));
}

fn find_sources(folder: &Path, files: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            find_sources(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// What is wrong with one file, each with its line. The place is relative to `src`.
fn check(place: &Path, text: &str) -> Vec<String> {
    let parts: Vec<String> =
        place.with_extension("").iter().map(|part| part.to_string_lossy().into_owned()).collect();
    let home = parts[0].as_str();
    if !FLOORS.contains(&home) && !FACES.contains(&home) && !TOP.contains(&home) {
        return vec![format!("{}: {home} is on no floor", place.display())];
    }
    // How many `super` lead from the file to the root: `mod.rs` is its folder's module.
    let depth = if TOP.contains(&home) {
        0
    } else {
        parts.len() - usize::from(parts.last().is_some_and(|part| part == "mod"))
    };

    let tokens = tokens(text);
    let mut violations = Vec::new();
    let mut report = |line: usize, what: String| {
        violations.push(format!("{}:{line}: {what}", place.display()));
    };
    for (line, target) in imports(&tokens, depth) {
        if let Some(what) = objection(home, &target) {
            report(line, what);
        }
    }
    for token in &tokens {
        if FACE_LIBRARIES.contains(&token.text.as_str()) && FLOORS.contains(&home) {
            report(token.line, format!("{home} names {}, which only faces do", token.text));
        }
        for (library, floor) in LIBRARIES_OF_A_FLOOR {
            if token.text == *library && home != *floor {
                report(token.line, format!("{home} names {library}, which only {floor} does"));
            }
        }
    }
    violations
}

/// Why a module may not import from the target; `None` if it may.
fn objection(home: &str, target: &str) -> Option<String> {
    if TOP.contains(&home) || home == target {
        return None;
    }
    let floor = |name| FLOORS.iter().position(|floor| *floor == name);
    match (floor(home), floor(target)) {
        (Some(here), Some(there)) if there < here => None,
        (None, Some(_)) => None,
        (_, Some(_)) => Some(format!("{home} imports {target}, which is above it")),
        (Some(_), None) if FACES.contains(&target) => Some(format!("{home} imports the face {target}")),
        (None, None) if FACES.contains(&target) => Some(format!("the face {home} imports the face {target}")),
        // What stands at the root is above the floors; a face may call it, as the wheel's console script does.
        (None, None) => None,
        (Some(_), None) => Some(format!("{home} names crate::{target}, which is on no floor below it")),
    }
}

/// The names that follow the root of the crate: `crate::NAME`, each NAME of `crate::{NAME, NAME}`, and `super::NAME` with
/// as many `super` as lead out of the top-level module. With the lines they are on.
fn imports(tokens: &[Token], depth: usize) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let inner_depths = inner_depths(tokens);
    let text = |index: usize| tokens.get(index).map_or("", |token| token.text.as_str());
    let mut index = 0;
    while index < tokens.len() {
        let is_path_start = index == 0 || text(index - 1) != "::";
        let mut next = index;
        if is_path_start && ["crate", "zato_sso"].contains(&text(index)) && text(index + 1) == "::" {
            next = index + 2;
        } else if is_path_start {
            while text(next) == "super" && text(next + 1) == "::" {
                next += 2;
            }
            if (next - index) / 2 != depth + inner_depths[index] {
                next = index;
            }
        }
        if next == index {
            index += 1;
            continue;
        }
        let mut take = |position: usize| found.push((tokens[position].line, text(position).to_owned()));
        if text(next) == "{" {
            let mut nesting = 0_usize;
            let mut position = next;
            while position < tokens.len() {
                match text(position) {
                    "{" => nesting += 1,
                    "}" => nesting -= 1,
                    _ if nesting == 1 && ["{", ","].contains(&text(position - 1)) => take(position),
                    _ => {}
                }
                if nesting == 0 {
                    break;
                }
                position += 1;
            }
        } else if next < tokens.len() {
            take(next);
        }
        index = next;
    }
    found
}

/// How many modules of the file itself each token is in.
fn inner_depths(tokens: &[Token]) -> Vec<usize> {
    let mut depths = Vec::with_capacity(tokens.len());
    // For each open brace, whether it is a module's.
    let mut braces = Vec::new();
    for (index, token) in tokens.iter().enumerate() {
        match token.text.as_str() {
            "{" => braces.push(index >= 2 && tokens[index - 2].text == "mod"),
            "}" => drop(braces.pop()),
            _ => {}
        }
        depths.push(braces.iter().filter(|is_module| **is_module).count());
    }
    depths
}

/// A word, `::`, or another single character, and the line it is on.
#[derive(Debug)]
struct Token {
    text: String,
    line: usize,
}

/// Splits Rust into tokens, leaving out comments and what stands in quotes.
fn tokens(source: &str) -> Vec<Token> {
    let chars: Vec<char> = source.chars().collect();
    let at = |index: usize| chars.get(index).copied().unwrap_or('\0');
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut found = Vec::new();
    let (mut index, mut line) = (0, 1);
    while index < chars.len() {
        let start = index;
        match (at(index), at(index + 1)) {
            ('/', '/') => {
                while index < chars.len() && at(index) != '\n' {
                    index += 1;
                }
            }
            ('/', '*') => index = end_of_block_comment(&chars, index),
            ('"', _) => index = end_of_string(&chars, index),
            ('\'', _) => index = end_of_quote(&chars, index),
            (':', ':') => {
                found.push(Token { text: "::".to_owned(), line });
                index += 2;
            }
            (c, _) if is_word(c) => {
                while is_word(at(index)) {
                    index += 1;
                }
                let word: String = chars[start..index].iter().collect();
                if ["r", "br", "cr"].contains(&word.as_str())
                    && let Some(end) = end_of_raw_string(&chars, index)
                {
                    index = end;
                } else {
                    found.push(Token { text: word, line });
                }
            }
            (c, _) => {
                if !c.is_whitespace() {
                    found.push(Token { text: c.to_string(), line });
                }
                index += 1;
            }
        }
        line += chars[start..index.min(chars.len())].iter().filter(|c| **c == '\n').count();
    }
    found
}

/// Where a block comment ends; they nest.
fn end_of_block_comment(chars: &[char], start: usize) -> usize {
    let (mut nesting, mut index) = (0_usize, start);
    while index < chars.len() {
        match chars[index..] {
            ['/', '*', ..] => nesting += 1,
            ['*', '/', ..] => nesting -= 1,
            _ => {
                index += 1;
                continue;
            }
        }
        index += 2;
        if nesting == 0 {
            break;
        }
    }
    index
}

/// Where a string ends that begins with a quote.
fn end_of_string(chars: &[char], start: usize) -> usize {
    let mut index = start + 1;
    while index < chars.len() && chars[index] != '"' {
        index += if chars[index] == '\\' { 2 } else { 1 };
    }
    index + 1
}

/// Where a character literal ends; a lifetime is only its apostrophe, the name is a word.
fn end_of_quote(chars: &[char], start: usize) -> usize {
    match chars[start + 1..] {
        ['\\', _, ..] => {
            let rest = chars[start + 3..].iter().position(|c| *c == '\'');
            rest.map_or(chars.len(), |length| start + 4 + length)
        }
        [_, '\'', ..] => start + 3,
        _ => start + 1,
    }
}

/// Where a raw string ends whose `#` or quote is at the start; `None` if it is a raw identifier.
fn end_of_raw_string(chars: &[char], start: usize) -> Option<usize> {
    let hashes = chars[start..].iter().take_while(|c| **c == '#').count();
    if chars.get(start + hashes) != Some(&'"') {
        return None;
    }
    let mut index = start + hashes + 1;
    while index < chars.len() {
        if chars[index] == '"'
            && chars[index + 1..].iter().take(hashes).filter(|c| **c == '#').count() == hashes
        {
            return Some(index + 1 + hashes);
        }
        index += 1;
    }
    Some(index)
}

fn violations(place: &str, text: &str) -> Vec<String> {
    check(Path::new(place), text)
}

#[test]
fn an_import_from_above_is_caught() {
    insta::assert_snapshot!(
        violations("store/user.rs", "use crate::domain::User;\n\nuse crate::ops::Sso;\n").join("\n"),
        @"store/user.rs:3: store imports ops, which is above it"
    );
    insta::assert_snapshot!(
        violations("config/mod.rs", "fn f() -> crate::crypto::Keyring { loop {} }").join("\n"),
        @"config/mod.rs:1: config imports crypto, which is above it"
    );
    insta::assert_snapshot!(
        violations("ops/login.rs", "use crate::http::Server;").join("\n"),
        @"ops/login.rs:1: ops imports the face http"
    );
}

#[test]
fn it_is_caught_however_it_is_written() {
    for text in [
        "pub use crate::ops::Sso;",
        "use crate::{domain::{Clock, User}, ops::Sso};",
        "use crate::{\n    domain,\n    ops,\n};",
        "use super::super::ops::Sso;",
        "mod tests { use super::super::super::ops::Sso; }",
        "use super::super::{ops::Sso, domain::User};",
        "use zato_sso::ops::Sso;",
        "use crate :: ops::Sso;",
        "use crate::/* over */ops::Sso;",
        "use crate::ops as operations;",
        "macro_rules! m { () => { $crate::ops::f() } }",
        "const QUOTE: char = '\"'; use crate::ops::Sso;",
        "const QUOTE: char = '\\''; use crate::ops::Sso;",
        "fn f<'a>(x: &'a str) -> crate::ops::Of<'a> { loop {} }",
        "const S: &str = \"a\\\"\"; use crate::ops::Sso;",
        "const S: &str = r#\"a\"\"#; use crate::ops::Sso;",
    ] {
        assert_eq!(violations("store/user.rs", text).len(), 1, "{text}");
    }
}

#[test]
fn an_import_from_below_or_beside_is_fine() {
    for (place, text) in [
        ("store/user.rs", "use crate::domain::User; use super::Db; use crate::store::Error;"),
        ("crypto/password.rs", "use crate::config::HashSecret;"),
        (
            "store/user.rs",
            "// use crate::ops::Sso;\n/* crate::ops /* nested */ crate::http */ let s = \"crate::ops\";",
        ),
        ("store/user.rs", "//! [`crate::ops`]\nconst S: &str = r##\"crate::ops \"# sqlx\"##; struct r#type;"),
        ("store/user/names.rs", "use super::super::ops::Sso;"),
        ("config/load.rs", "mod tests { use super::super::http::Http; fn f() {} }"),
        ("store/migrate.rs", "use sqlx::Row; pub(crate) fn f() {}"),
        ("http/user.rs", "use axum::Router; use crate::ops::Sso; use super::super::ops::Login;"),
        ("python/module.rs", "fn main() -> u8 { crate::command(args) }"),
        ("lib.rs", "pub mod cli; pub mod http; pub fn run() { cli::run(http::serve) }"),
        ("main.rs", "fn main() { zato_sso::command() }"),
    ] {
        assert_eq!(violations(place, text), Vec::<String>::new());
    }
}

#[test]
fn faces_that_import_each_other_are_caught() {
    insta::assert_snapshot!(
        violations("cli/serve.rs", "use crate::http::serve;\nuse crate::ops::Sso;").join("\n"),
        @"cli/serve.rs:1: the face cli imports the face http"
    );
    assert_eq!(violations("python/mod.rs", "use super::cli;").len(), 1);
}

#[test]
fn a_floor_that_names_the_root_is_caught() {
    insta::assert_snapshot!(
        violations("ops/user.rs", "use crate::User;").join("\n"),
        @"ops/user.rs:1: ops names crate::User, which is on no floor below it"
    );
    assert_eq!(violations("domain/user.rs", "use crate::*;").len(), 1);
}

#[test]
fn a_library_on_the_wrong_floor_is_caught() {
    insta::assert_snapshot!(
        violations("ops/user.rs", "use sqlx::Row;\nimpl axum::response::IntoResponse for Error {}").join("\n"),
        @r"
    ops/user.rs:1: ops names sqlx, which only store does
    ops/user.rs:2: ops names axum, which only faces do
    "
    );
    for text in ["#[pyo3::pyclass]", "#[derive(clap::Args)]", "use tower_http::limit;", "rpassword::prompt()"]
    {
        assert_eq!(violations("domain/user.rs", text).len(), 1, "{text}");
    }
    assert_eq!(violations("http/user.rs", "use ::sqlx::Row;").len(), 1);
    assert_eq!(violations("config/smtp.rs", "use lettre::Address;").len(), 1);
}

#[test]
fn a_module_on_no_floor_is_caught() {
    insta::assert_snapshot!(violations("util.rs", "").join("\n"), @"util.rs: util is on no floor");
    insta::assert_snapshot!(violations("helpers/text.rs", "").join("\n"), @"helpers/text.rs: helpers is on no floor");
}
