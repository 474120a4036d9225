//! Circles are found in every form in which they can be written, and nothing else is reported as one.

use super::circles::Drawing;
use super::source::Source;

/// The circles of `ops` when these are its files.
fn circles(files: &[(&str, &str)]) -> Vec<String> {
    drawing(files).circles("ops")
}

fn drawing(files: &[(&str, &str)]) -> Drawing {
    let sources: Vec<Source> =
        files.iter().map(|(place, text)| Source::parse(place, text).unwrap()).collect();
    Drawing::new(&sources)
}

const MOD: (&str, &str) = ("ops/mod.rs", "mod a; mod b; mod c; pub use a::A; use b::B;");

/// Whether `ops/a.rs` and `ops/b.rs` are found to need each other when this is all that `ops/b.rs` has of `A`.
fn needs_a(text: &str) -> bool {
    let a = ("ops/a.rs", "use super::b::B; pub struct A; pub fn f() {} macro_rules! m { () => {} }");
    let found = circles(&[MOD, a, ("ops/b.rs", &format!("pub struct B; {text}"))]);
    assert!(found.len() < 2, "{found:?}");
    found.len() == 1
}

#[test]
fn a_circle_is_told_with_what_makes_it() {
    let found = circles(&[
        MOD,
        ("ops/a.rs", "//! A.\n\nuse super::b::B;\n\npub struct A(B);"),
        ("ops/b.rs", "pub struct B;\n\nfn f() {\n    crate::ops::c::f();\n}"),
        ("ops/c.rs", "pub fn f() { super::a::A::new() }"),
    ]);
    insta::assert_snapshot!(found.join("\n"), @r"
    a circle of 3: ops/a.rs, ops/b.rs, ops/c.rs
        ops/a.rs:3: super::b::B  (ops/a.rs -> ops/b.rs)
        ops/b.rs:4: crate::ops::c::f  (ops/b.rs -> ops/c.rs)
        ops/c.rs:1: super::a::A::new  (ops/c.rs -> ops/a.rs)
    ");
}

#[test]
fn a_circle_is_found_however_it_is_written() {
    for text in [
        "use super::a::A;",
        "use crate::ops::a::A;",
        "use crate::ops::{a::{self}};",
        "use super::a;",
        "use super::a::*;",
        "use super::a as other;",
        "fn f() -> super::a::A { loop {} }",
        "fn f() { super::a::f() }",
        "fn f() { if let super::a::A { .. } = x {} }",
        "fn f() { use super::a::f; }",
        "mod inner { use super::super::a::A; }",
        "macro_rules! m { () => { $crate::ops::a::f() } }",
        "macro_rules! m { ($name:ident) => { mod $name { use super::super::a::A; } } }",
        "fn f() { format!(\"{}\", super::a::f()) }",
        "fn f() { matches!(x, super::a::A { .. }) }",
        "m! { name = super::a::A; }",
        "#[m(super::a::A)] struct S;",
        "impl super::a::A {}",
        "trait T: Into<super::a::A> {}",
    ] {
        assert!(needs_a(text), "{text}");
    }
}

#[test]
fn a_re_export_does_not_hide_a_circle() {
    for text in [
        "use super::A;",
        "use crate::ops::A;",
        "use super::*; struct S(A);",
        "fn f() -> super::A { loop {} }",
        "use crate::ops; fn f() -> ops::A { loop {} }",
    ] {
        assert!(needs_a(text), "{text}");
    }
    // Through two of them, one of which gives another name.
    let found = circles(&[
        ("ops/mod.rs", "mod a; mod b; pub use a::Other;"),
        ("ops/a/mod.rs", "mod deep; pub use deep::Deep as Other;"),
        ("ops/a/deep.rs", "use crate::ops::b::B; pub struct Deep;"),
        ("ops/b.rs", "use super::Other; pub struct B;"),
    ]);
    insta::assert_snapshot!(
        found.join("\n"),
        @r"
    a circle of 2: ops/a/deep.rs, ops/b.rs
        ops/a/deep.rs:1: crate::ops::b::B  (ops/a/deep.rs -> ops/b.rs)
        ops/b.rs:1: super::Other  (ops/b.rs -> ops/a/deep.rs)
    "
    );
}

#[test]
fn what_is_no_import_makes_no_circle() {
    for text in [
        "// use super::a::A;\nconst S: &str = \"super::a::A\";",
        "/// [`A`](super::a::A)\n/// [`super::a::f`]\npub struct C;",
        "pub(in crate::ops::a) struct C;",
        "#[cfg(test)] mod tests { use super::super::a::A; }",
        "#[cfg(all(test, feature = \"server\"))] mod tests { use super::super::a::A; }",
        "#[cfg(test)] use super::a::A;",
        "#[cfg(test)] fn f() { super::a::f() }",
        "fn f(a: u8) -> u8 { a + x.a }",
        "use std::a::A; use other::ops::a;",
        "macro_rules! m { ($a:ident) => { $a::f(); other::a::f() } }",
        // The macro of another file that is not there for it.
        "fn f() { m!() }",
    ] {
        assert!(!needs_a(text), "{text}");
    }
    assert!(needs_a("#[cfg(not(test))] use super::a::A;"));
    assert!(needs_a("#[cfg(feature = \"server\")] use super::a::A;"));
}

#[test]
fn files_of_tests_import_what_they_like() {
    let a = ("ops/a.rs", "pub struct A; #[cfg(test)] mod tests;");
    let tests = ("ops/a/tests.rs", "use super::super::b::B; use super::A;");
    assert_eq!(
        circles(&[MOD, a, tests, ("ops/b.rs", "use super::a::A; pub struct B;")]),
        Vec::<String>::new()
    );
}

#[test]
fn a_mod_file_counts_once_it_has_items() {
    let a = ("ops/a.rs", "use super::f;");
    assert_eq!(circles(&[("ops/mod.rs", "mod a; pub use a::f;"), a]), Vec::<String>::new());
    for text in [
        "mod a; pub fn f() { a::g() }",
        "mod a; use a::A; pub fn f() {}",
        "mod a; pub use a::A; pub fn f() -> A { loop {} }",
        "mod a; pub struct S(a::A); pub fn f() {}",
    ] {
        assert_eq!(circles(&[("ops/mod.rs", text), a, ("ops/b.rs", "")]).len(), 1, "{text}");
    }
    // It re-exports and has an item, which needs nothing.
    assert_eq!(circles(&[("ops/mod.rs", "mod a; pub use a::A; pub fn f() {}"), a]), Vec::<String>::new());
}

/// Whether `ops/b.rs`, which `ops/a.rs` calls, is found to call a method of `ops/a.rs`.
fn calls_a(text: &str) -> bool {
    let a = "use super::Sso; impl Sso { pub fn first(&self) -> u8 { self.second() } pub fn get(&self) {} \
        pub fn both(&self) {} }";
    let found = circles(&[
        ("ops/mod.rs", "mod sso; mod a; mod b; mod c; pub use sso::Sso;"),
        (
            "ops/sso.rs",
            "pub struct Sso { other: Other } impl Sso { pub fn other(&self) -> &Other { &self.other } }",
        ),
        ("ops/a.rs", a),
        ("ops/b.rs", &format!("use super::Sso; impl Sso {{ pub fn second(&self) {{}} }} {text}")),
        (
            "ops/c.rs",
            "pub struct Other; impl Other { pub fn both(&self) {} pub fn sso(&self) -> Sso {} } use super::Sso;",
        ),
    ]);
    assert!(found.len() < 2, "{found:?}");
    found.len() == 1
}

#[test]
fn methods_of_one_type_in_several_files_make_circles() {
    for text in [
        "impl Sso { fn f(&self) { self.first() } }",
        "impl Sso { fn f(&self) { self.get() } }",
        "impl Sso { fn f(&self) { let x = async { self.both().await? }; } }",
        "impl Sso { fn f(&self) { Self::first(self) } }",
        "impl Sso { fn f(&self) { format!(\"{}\", self.first()) } }",
        "impl Sso { fn f(&self) { select! { x = self.first() => {} } } }",
        "impl Sso { fn f(&self) { let sso = self.clone(); move || sso.get() } }",
        "fn f(sso: &Sso) { sso.both() }",
        "fn f(sso: Arc<Sso>) { let again = Arc::clone(&sso); again.get() }",
        "fn f() { Sso::first(x) }",
        "fn f() { x.map(Sso::get) }",
        "fn f() { let sso: Sso = x; sso.get() }",
        "fn f(x: &super::c::Other) { x.sso().get() }",
        "fn f() { let y = |sso: &Sso| sso.both(); }",
        "struct S { sso: Sso } impl S { fn f(&self) { self.sso.get() } }",
        "fn make() -> Result<Sso> { x } fn f() { let sso = make()?; sso.get() }",
        // Nothing else has a method of this name.
        "fn f() { x.y().first() }",
    ] {
        assert!(calls_a(text), "{text}");
    }
}

#[test]
fn a_method_of_something_else_makes_none() {
    for text in [
        "",
        "impl Sso { fn f(&self) { self.second() } }",
        "impl Sso { fn f(&self) { self.other().both() } }",
        "impl Sso { fn f(&self) { self.other.both() } }",
        // It could be any type's.
        "fn f() { x.get(); x.both() }",
        "fn f(x: Vec<Sso>) { x.get() }",
        "fn f(sso: &Sso) { let sso = x.y(); sso.get() }",
        "fn f(sso: &Sso) { if let Some(sso) = x { sso.get() } }",
        "#[cfg(test)] mod tests { fn f(sso: &super::Sso) { sso.first() } }",
    ] {
        assert!(!calls_a(text), "{text}");
    }
}

#[test]
fn a_macro_that_files_call_by_name_alone_makes_a_circle() {
    let macros = ("ops/macros.rs", "macro_rules! m { () => { $crate::ops::a::f() } }");
    let a = ("ops/a.rs", "pub fn f() { m!() }");
    let found = circles(&[("ops/mod.rs", "#[macro_use] mod macros; mod a;"), macros, a]);
    insta::assert_snapshot!(found.join("\n"), @r"
    a circle of 2: ops/a.rs, ops/macros.rs
        ops/a.rs:1: m!  (ops/a.rs -> ops/macros.rs)
        ops/macros.rs:1: crate::ops::a::f  (ops/macros.rs -> ops/a.rs)
    ");
    let own = ("ops/a.rs", "macro_rules! m { () => {} } pub fn f() { m!() }");
    let none = circles(&[("ops/mod.rs", "#[macro_use] mod macros; mod a;"), macros, own]);
    assert_eq!(none, Vec::<String>::new());
    let by_path = ("ops/macros.rs", "macro_rules! m { () => { $crate::ops::a::f() } } pub(super) use m;");
    let a = ("ops/a.rs", "use super::macros::m; pub fn f() { m!() }");
    assert_eq!(circles(&[("ops/mod.rs", "mod macros; mod a;"), by_path, a]).len(), 1);
}

#[test]
fn blocks_that_need_each_other_are_a_circle_though_their_files_are_not() {
    let files = [
        ("ops/mod.rs", "mod user; mod site; mod mail;"),
        ("ops/user/mod.rs", "mod name; mod login; pub use login::Login; pub use name::Name;"),
        ("ops/user/name.rs", "pub struct Name;"),
        ("ops/user/login.rs", "use super::name::Name; use crate::ops::site::Site; pub struct Login;"),
        ("ops/site.rs", "use super::user::Name; pub struct Site;"),
        ("ops/mail.rs", "use super::user::Login;"),
    ];
    insta::assert_snapshot!(circles(&files).join("\n"), @r"
    between blocks, a circle of 2: ops/site, ops/user
        ops/site.rs:1: super::user::Name  (ops/site -> ops/user)
        ops/user/login.rs:1: crate::ops::site::Site  (ops/user -> ops/site)
    ");
}

#[test]
fn blocks_are_put_in_the_order_in_which_they_need_each_other() {
    let files = [
        ("ops/mod.rs", "mod user; mod site; mod mail;"),
        ("ops/user/mod.rs", "mod name; mod login;"),
        ("ops/user/name.rs", "use super::login::Login; use super::super::site::Site; pub struct Name;"),
        ("ops/user/login.rs", "pub struct Login;"),
        ("ops/site.rs", "use super::mail::f; pub struct Site;"),
        ("ops/mail.rs", "pub fn f() {}"),
    ];
    assert_eq!(circles(&files), Vec::<String>::new());
    insta::assert_snapshot!(drawing(&files).order("ops").join("\n"), @r"
    ops: mail < site < user
    ops/user: login < name
    ");
}

#[test]
fn an_import_from_another_floor_is_no_edge() {
    let files = [
        ("store/mod.rs", "mod a;"),
        ("store/a.rs", "use crate::ops::b::B; pub struct A;"),
        ("ops/mod.rs", "mod b;"),
        ("ops/b.rs", "use crate::store::a::A; pub struct B;"),
    ];
    assert_eq!(circles(&files), Vec::<String>::new());
    assert_eq!(drawing(&files).edge_count("ops"), 0);
}
