//! The limit of a login: the hash of a password and nothing else, on all cores, in memory that is kept.

use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use argon2::{Algorithm, Argon2, Block, Params, Version};
use zato_sso::crypto::HashParams;

use super::database::PASSWORD;
use super::{Result, cores};

/// How many hashes all cores compute at the parameters that a login hashes with.
pub fn hashes_per_second(length: Duration) -> Result<f64> {
    let all_ready = Barrier::new(cores());
    thread::scope(|scope| {
        let threads: Vec<_> =
            (0..cores()).map(|_| scope.spawn(|| hashes_of_one_thread(&all_ready, length))).collect();
        threads.into_iter().map(|thread| thread.join().map_err(|_| "a thread panicked")?).sum()
    })
}

fn hashes_of_one_thread(all_ready: &Barrier, length: Duration) -> Result<f64> {
    let defaults = HashParams::DEFAULT;
    let params = Params::new(defaults.memory_kib(), defaults.iterations(), defaults.parallelism(), Some(32));
    // Nobody may wait at the barrier for one who never comes.
    let argon2 = params.map(|params| Argon2::new(Algorithm::Argon2id, Version::V0x13, params));
    let mut blocks = argon2
        .as_ref()
        .map_or_else(|_| Vec::new(), |argon2| vec![Block::new(); argon2.params().block_count()]);
    all_ready.wait();

    let (argon2, mut output, mut count) = (argon2?, [0; 32], 0_u32);
    let start = Instant::now();
    while start.elapsed() < length {
        argon2.hash_password_into_with_memory(PASSWORD.as_bytes(), &[7; 16], &mut output, &mut blocks)?;
        count += 1;
    }
    Ok(f64::from(count) / start.elapsed().as_secs_f64())
}
