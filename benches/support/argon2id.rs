//! The limit of a login: the hash of a password and nothing else, in memory that is kept.

use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use argon2::{Algorithm, Argon2, Block, Params, Version};

use super::Result;
use super::database::PASSWORD;

/// The parameters of a hash as long as the product's.
pub fn params(memory_kib: u32, iterations: u32, parallelism: u32) -> Result<Params> {
    Ok(Params::new(memory_kib, iterations, parallelism, Some(32))?)
}

/// How many hashes so many threads compute.
pub fn hashes_per_second(params: &Params, threads: usize, length: Duration) -> Result<f64> {
    let all_ready = Barrier::new(threads);
    thread::scope(|scope| {
        let threads: Vec<_> =
            (0..threads).map(|_| scope.spawn(|| hashes_of_one_thread(params, &all_ready, length))).collect();
        threads.into_iter().map(|thread| thread.join().map_err(|_| "a thread panicked")?).sum()
    })
}

fn hashes_of_one_thread(params: &Params, all_ready: &Barrier, length: Duration) -> Result<f64> {
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone());
    let mut blocks = vec![Block::new(); argon2.params().block_count()];
    all_ready.wait();

    let (mut output, mut count) = ([0; 32], 0_u32);
    let start = Instant::now();
    while count == 0 || start.elapsed() < length {
        argon2.hash_password_into_with_memory(PASSWORD.as_bytes(), &[7; 16], &mut output, &mut blocks)?;
        count += 1;
    }
    Ok(f64::from(count) / start.elapsed().as_secs_f64())
}
