//! Guards the floors and the blocks inside them: who may import whom, and that nothing is imported in a circle.
//!
//! `cargo test --test it print_order -- --nocapture` prints the circles and the order of the blocks.

mod calls;
mod circle_tests;
mod circles;
mod graph;
mod layers;
mod mentions;
mod names;
mod source;
mod types;

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use circles::Drawing;
use layers::{FACES, FLOORS};
use source::Source;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn homes() -> impl Iterator<Item = &'static str> {
    FLOORS.iter().chain(FACES).copied()
}

/// All files. Fails if a floor has hardly any: a check that finds nothing to look at has not passed.
fn all_sources() -> Vec<Source> {
    let sources = source::find(&root());
    assert!(sources.len() > 200, "only {} files were found under src", sources.len());
    for home in homes() {
        let found = sources.iter().filter(|source| source.home() == home).count();
        assert!(found > 10, "only {found} files were found under src/{home}");
    }
    sources
}

/// The drawing of all files. To parse them takes longer than anything that is asked of it.
static DRAWING: LazyLock<Drawing> = LazyLock::new(|| Drawing::new(&all_sources()));

#[test]
fn every_import_goes_down() {
    let violations: Vec<String> = all_sources().iter().flat_map(layers::check).collect();
    assert!(violations.is_empty(), "src/lib.rs tells the floors\n{}", violations.join("\n"));
}

#[test]
fn nothing_is_imported_in_a_circle() {
    let drawing = &*DRAWING;
    for home in homes() {
        let edges = drawing.edge_count(home);
        assert!(edges > 10, "only {edges} imports were found between the files of src/{home}");
        let circles = drawing.circles(home);
        assert!(circles.is_empty(), "{home} has circles\n{}", circles.join("\n"));
    }
}

/// Printed by `cargo test --test it print_order -- --nocapture`.
#[test]
fn print_order() {
    for home in homes() {
        let report = report(&DRAWING, home);
        println!("{report}");
        let blocks = report.lines().filter(|line| line.starts_with("order in ")).count();
        assert!(blocks > 0, "no order of blocks was found in src/{home}");
    }
}

/// The circles of a floor, and the order of its blocks.
fn report(drawing: &Drawing, home: &str) -> String {
    let circles = drawing.circles(home);
    let mut lines =
        vec![format!("== {home}: {} imports, {} circles", drawing.edge_count(home), circles.len())];
    lines.extend(circles);
    lines.extend(drawing.order(home).into_iter().map(|order| format!("order in {order}")));
    lines.join("\n")
}
