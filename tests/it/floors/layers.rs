//! The floors: from which of them a file may import, and where a library of one floor may be named.

use proc_macro2::{TokenStream, TokenTree};

use super::mentions::{line, mentions, text};
use super::names::absolute;
use super::source::Source;

/// The floors from the bottom up. A module imports from those before it and from itself.
pub(super) const FLOORS: &[&str] = &["domain", "config", "crypto", "store", "ops"];

/// What stands on the floors. The faces do not import each other.
pub(super) const FACES: &[&str] = &["http", "python", "cli"];

/// The files above all of it, which put the parts together.
const TOP: &[&str] = &["lib", "main", "in_process"];

/// Libraries that only faces name.
const FACE_LIBRARIES: &[&str] =
    &["axum", "clap", "hyper", "hyper_util", "pyo3", "qrcode", "rpassword", "tower", "tower_http"];

/// Where a floor calls other programs by what faces answer with: the one client of HTTP, and traces, which go by it.
const CLIENTS: &[(&str, &[&str])] = &[("ops/courier", &["hyper", "hyper_util"]), ("ops/otlp/", &["hyper"])];

/// The libraries that one floor alone names.
const LIBRARIES_OF_A_FLOOR: &[(&str, &str)] = &[("sqlx", "store"), ("lettre", "ops")];

/// What is wrong with one file, each with its line.
pub(super) fn check(source: &Source) -> Vec<String> {
    let (place, home) = (&source.place, source.home());
    if !FLOORS.contains(&home) && !FACES.contains(&home) && !TOP.contains(&home) {
        return vec![format!("{place}: {home} is on no floor")];
    }
    let mut violations = Vec::new();
    for mention in mentions(source) {
        let target = absolute(&mention.module, &mention.names);
        if let Some(what) = target.and_then(|target| objection(home, target.first())) {
            violations.push(format!("{place}:{}: {what}", mention.line));
        }
    }
    check_libraries(source, &source.tokens, &mut violations);
    violations
}

/// Why a module may not import what has this name at the root of the crate; None if it may.
fn objection(home: &str, target: Option<&String>) -> Option<String> {
    // A `*` has no name.
    let target = target.map_or("*", String::as_str);
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

/// A library's name is looked for as a word: it stands in attributes and macros too.
fn check_libraries(source: &Source, tokens: &TokenStream, violations: &mut Vec<String>) {
    let home = source.home();
    for tree in tokens.clone() {
        match tree {
            TokenTree::Group(group) => check_libraries(source, &group.stream(), violations),
            TokenTree::Ident(ident) => {
                let (name, place) = (text(&ident), format!("{}:{}", source.place, line(&ident)));
                let is_client = CLIENTS.iter().any(|(folder, libraries)| {
                    source.place.starts_with(folder) && libraries.contains(&name.as_str())
                });
                if FACE_LIBRARIES.contains(&name.as_str()) && FLOORS.contains(&home) && !is_client {
                    violations.push(format!("{place}: {home} names {name}, which only faces do"));
                }
                for (library, floor) in LIBRARIES_OF_A_FLOOR {
                    if name == *library && home != *floor {
                        violations.push(format!("{place}: {home} names {library}, which only {floor} does"));
                    }
                }
            }
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
}

fn violations(place: &str, text: &str) -> Vec<String> {
    check(&Source::parse(place, text).unwrap())
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
        "macro_rules! m { () => { use $crate::{domain::{Clock, User}, ops::Sso}; } }",
        "macro_rules! m { ($name:ident) => { mod $name { use super::super::super::ops::Sso; } } }",
        "fn f() { m!(a, crate::ops::f()) }",
        "fn f() { m!(crate::ops::m!()) }",
        "fn f() { crate::ops::m!() }",
        "m! { name = super::super::ops::Sso; }",
        "#[cfg(test)] mod tests { fn f() { crate::ops::f() } }",
        "#[m(crate::ops::Sso)] struct S;",
        "struct S<T: Into<crate::ops::Sso>>(T);",
        "impl<T> From<T> for S<T> where T: crate::ops::Of {}",
        "fn f() { <u8 as crate::ops::Of>::f() }",
        "fn f() { if let crate::ops::Sso { .. } = x {} }",
        "fn f() { use crate::ops::Sso; }",
        "use ::zato_sso::ops::Sso;",
        "use self::super::super::ops::Sso;",
        "use crate::r#ops::Sso;",
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
            "// use crate::ops::Sso;\n/* crate::ops /* nested */ crate::http */ const S: &str = \"crate::ops\";",
        ),
        ("store/user.rs", "//! [`crate::ops`]\nconst S: &str = r##\"crate::ops \"# sqlx\"##; struct r#type;"),
        ("store/user/names.rs", "use super::super::ops::Sso;"),
        ("config/load.rs", "mod tests { use super::super::http::Http; fn f() {} }"),
        ("store/migrate.rs", "use sqlx::Row; pub(crate) fn f() {}"),
        ("store/user.rs", "pub(in crate::store) fn f() {} pub(super) struct S;"),
        (
            "store/user.rs",
            "macro_rules! m { ($crate_name:ident) => { $crate::store::f(); other::crate_of::ops() } }",
        ),
        ("http/user.rs", "use axum::Router; use crate::ops::Sso; use super::super::ops::Login;"),
        ("python/module.rs", "fn main() -> u8 { crate::command(args) }"),
        ("lib.rs", "pub mod cli; pub mod http; pub fn run() { cli::run(http::serve) }"),
        ("main.rs", "fn main() { zato_sso::command() }"),
        ("python/server.rs", "fn f(sso: &Sso) { crate::service(sso) }"),
        ("in_process.rs", "use crate::http; use crate::python::Service;"),
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
    assert_eq!(violations("domain/user.rs", "use crate as everything;").len(), 1);
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
    for text in [
        "#[pyo3::pyclass] struct S;",
        "#[derive(clap::Args)] struct S;",
        "use tower_http::limit;",
        "fn f() { rpassword::prompt() }",
        "fn f() { m!(rpassword::prompt()) }",
    ] {
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

#[test]
fn a_file_that_cannot_be_read_is_told_with_its_line() {
    let error = Source::parse("store/user.rs", "use crate::domain;\nfn 7() {}").err();
    insta::assert_snapshot!(error.unwrap_or_default(), @"store/user.rs:2: expected identifier");
}
