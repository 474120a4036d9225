//! One hot piece, done so many times: what `benches/instructions.py` counts the instructions of.
//!
//! ```text
//! hot              names all pieces
//! hot NAME TIMES   does one of them
//! ```

#[allow(dead_code, reason = "the report and the client are for the others")]
mod support;

// Beside it and not within: the other benchmarks do not use it.
#[path = "support/hot.rs"]
mod pieces;

use pieces::{Piece, Stage, plain_pieces};
use support::Result;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (Some(name), Some(times)) = (arguments.next(), arguments.next()) else {
        let stage = Stage::new()?;
        plain_pieces()?.iter().chain(&stage.pieces()?).for_each(|piece| println!("{}", piece.name));
        return stage.remove();
    };
    let times = times.parse()?;
    // Without the stage where it is not needed: its threads take a little more or less each time.
    if repeat(plain_pieces()?, &name, times)? {
        return Ok(());
    }
    let stage = Stage::new()?;
    if !repeat(stage.pieces()?, &name, times)? {
        return Err("no such piece".into());
    }
    stage.remove()
}

/// Does the piece of this name so many times; whether there is one.
fn repeat(pieces: Vec<Piece<'_>>, name: &str, times: u32) -> Result<bool> {
    let Some(mut piece) = pieces.into_iter().find(|piece| piece.name == name) else { return Ok(false) };
    for _ in 0..times {
        (piece.run)()?;
    }
    Ok(true)
}
