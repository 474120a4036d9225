//! The hot pieces, measured with criterion: how long each takes, and whether that has changed since the last time.
//!
//! ```text
//! cargo bench --bench micro [-- NAME] [-- --save-baseline before] [-- --baseline before]
//! ```
//!
//! Under `cargo test` each is done once, to see that it works.

#[allow(dead_code, reason = "the report and the client are for the others")]
mod support;

// Beside it and not within: the other benchmarks do not use it.
#[path = "support/hot.rs"]
mod pieces;

use criterion::Criterion;
use pieces::{Stage, plain_pieces};
use support::Result;

fn main() -> Result<()> {
    let stage = Stage::new()?;
    let mut criterion = Criterion::default().configure_from_args();
    for mut piece in plain_pieces()?.into_iter().chain(stage.pieces()?) {
        let mut outcome = Ok(());
        criterion.bench_function(piece.name, |bencher| {
            bencher.iter(|| {
                if let Err(error) = (piece.run)() {
                    outcome = Err(error);
                }
            });
        });
        outcome?;
    }
    criterion.final_summary();
    stage.remove()
}
