//! Fuzzing: what strangers send, and what operators feed in, makes nothing panic, hang or take memory without bound.
//!
//! Inputs are mutations of valid ones. An input that comes to an outcome which was not seen before is mutated further. Each target is a
//! test that runs for a moment; `make fuzz` runs them for minutes. CONTRIBUTING.md says how to add one.

mod file;
mod mutate;
mod passkey;
mod request;
mod text;

use std::collections::HashSet;
use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use mutate::Mutator;

/// How many inputs are mutated further.
const MOST_KEPT: usize = 2_000;

/// No input takes longer, in a build that is not optimized and on a machine that does other things as well.
const SLOWEST: Duration = Duration::from_secs(20);

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

/// For how long each target runs: `FUZZ_SECONDS`.
fn time() -> Duration {
    number("FUZZ_SECONDS").map_or(Duration::from_millis(300), Duration::from_secs)
}

/// Runs a target on mutations of these inputs. What it returns says to which outcome an input has come: different inputs with the same
/// outcome are as good as one.
pub fn run<T: Debug>(name: &str, seeds: Vec<Vec<u8>>, words: &[&str], target: impl Fn(&[u8]) -> T) {
    let seed = number("FUZZ_SEED").unwrap_or(1);
    let mut mutator = Mutator::new(seed, words);
    let mut inputs = seeds;
    let mut outcomes = HashSet::new();
    let mut slowest = (Duration::ZERO, Vec::new());
    let mut attempt = |input: &[u8]| {
        let begun = Instant::now();
        let outcome = catch_unwind(AssertUnwindSafe(|| target(input)));
        let took = begun.elapsed();
        if took > slowest.0 {
            slowest = (took, input.to_vec());
        }
        match outcome {
            Ok(outcome) => outcomes.insert(format!("{outcome:?}")),
            Err(_) => panic!("{name} panics, seed {seed}: the input is in {}", keep(name, input).display()),
        }
    };
    for input in &inputs {
        attempt(input);
    }
    let (end, mut count) = (Instant::now() + time(), 0_u64);
    while Instant::now() < end {
        let input = mutator.next(&inputs);
        count += 1;
        if attempt(&input) && inputs.len() < MOST_KEPT {
            inputs.push(input);
        }
    }
    let (took, input) = slowest;
    assert!(took < SLOWEST, "{name} takes {took:?}: the input is in {}", keep(name, &input).display());
    let (kept, ms) = (inputs.len(), took.as_millis());
    eprintln!("{name}: {count} inputs, {} outcomes, {kept} kept, slowest {ms} ms", outcomes.len());
}

/// Writes an input down, so that it can be tried again.
fn keep(name: &str, input: &[u8]) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/fuzz");
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join(format!("{name}.input"));
    std::fs::write(&path, input).unwrap();
    path
}

/// The text of an input, its bytes as far as they are none replaced.
fn text(input: &[u8]) -> String {
    String::from_utf8_lossy(input).into_owned()
}

fn texts(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}
