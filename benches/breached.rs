//! A filter of breached passwords from so many generated SHA-1 lines: how long it takes to build, in how much memory, how large
//! it is, how long a look-up takes, and how many of as many other passwords seem to be in it.
//!
//! ```text
//! cargo bench --bench breached [-- NUMBER]
//! ```
//!
//! Without a number it is 10 million. Under `cargo test` it is 20,000, to see that it works.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::time::Instant;

use sha1::{Digest, Sha1};
use zato_sso::ops::{BreachedFilter, build_breached_filter};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// How many times a password is looked up for the time of one.
const LOOK_UPS: u64 = 1_000_000;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let is_bench = arguments.iter().any(|argument| argument == "--bench");
    let given = arguments.iter().find_map(|argument| argument.parse::<u64>().ok());
    let count = given.unwrap_or(if is_bench { 10_000_000 } else { 20_000 });

    let folder = tempfile::tempdir()?;
    let (list, out) = (folder.path().join("list"), folder.path().join("filter"));
    let mut writer = BufWriter::new(File::create(&list)?);
    for number in 0..count {
        for byte in Sha1::digest(number.to_le_bytes()) {
            write!(writer, "{byte:02X}")?;
        }
        writeln!(writer, ":{}", number % 1000)?;
    }
    writer.flush()?;
    drop(writer);

    let (before, begun) = (peak_memory(), Instant::now());
    let summary = build_breached_filter(&[list], &out, |_, _| ())?;
    let seconds = begun.elapsed().as_secs_f64();
    println!("lines: {count}; different: {}; built in {seconds:.1} s", summary.passwords);
    if let (Some(before), Some(after)) = (before, peak_memory()) {
        println!("memory: {} MiB more than {} MiB before", (after - before) / 1024, before / 1024);
    }
    let bits = summary.size as f64 * 8.0 / count as f64;
    println!("size: {} bytes, {bits:.1} bits a password", summary.size);

    let filter = BreachedFilter::open(&out)?;
    for number in 0..count {
        if number % 101 == 0 && !filter.has(&number.to_le_bytes())? {
            return Err(format!("{number} is not in the filter").into());
        }
    }
    let mut wrong = 0_u64;
    for number in count..count * 2 {
        wrong += u64::from(filter.has(&number.to_le_bytes())?);
    }
    let share = count.checked_div(wrong).map_or("none".to_owned(), |number| format!("1 in {number}"));
    println!("of {count} others, seem to be in it: {wrong} ({share})");
    let look_ups = LOOK_UPS.min(count * 10);
    let begun = Instant::now();
    let mut found = 0_u64;
    for number in 0..look_ups {
        found += u64::from(filter.has(&number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes())?);
    }
    let each = begun.elapsed().as_secs_f64() * 1e6 / look_ups as f64;
    println!("a look-up: {each:.2} microseconds ({found} found)");
    Ok(())
}

/// The most memory that the process has had so far, in KiB, where the system tells.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}
