//! A filter of breached passwords: which of very many are in it, in 24 bits for each.
//!
//! It is made of blocks of 2 KiB, so that one short read answers. A key, the first 64 bits of a SHA-1, belongs to the block that
//! its share of all keys names. A block is an xor filter (Graf and Lemire, 2020) of 16 bits: three places in its three
//! thirds, whose values come to the key's fingerprint. One in 65,536 other passwords seems to be in it.

use sha1::{Digest, Sha1};

/// Bytes of a block.
pub const BLOCK: usize = 2048;

/// Bytes of the seed, which stands at the end of a block.
const SEED: usize = 2;

/// Places of a third.
const THIRD: usize = (BLOCK - SEED) / 2 / 3;

/// Keys that blocks have on average: few enough that none has more than three thirds can take.
pub const KEYS_PER_BLOCK: u64 = 690;

/// How many seeds are tried for a block.
const SEEDS: u16 = 200;

/// What a password is known by.
#[must_use]
pub fn key_of(password: &[u8]) -> u64 {
    first_bits(&Sha1::digest(password))
}

/// What a line of a list is known by: a SHA-1 in hexadecimal, with or without a count behind a colon, or else a password.
/// None for an empty line.
#[must_use]
pub fn key_of_line(line: &[u8]) -> Option<u64> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.is_empty() {
        return None;
    }
    let (digest, count) = line.split_at_checked(40).unwrap_or((&[], &[]));
    let is_counted = match count.split_first() {
        None => true,
        Some((b':', digits)) => !digits.is_empty() && digits.iter().all(u8::is_ascii_digit),
        Some(_) => false,
    };
    if is_counted
        && let Ok(bytes) = data_encoding::HEXLOWER_PERMISSIVE.decode(digest)
        && bytes.len() == 20
    {
        return Some(first_bits(&bytes));
    }
    Some(key_of(line))
}

fn first_bits(digest: &[u8]) -> u64 {
    let mut first = [0; 8];
    first.iter_mut().zip(digest).for_each(|(to, from)| *to = *from);
    u64::from_be_bytes(first)
}

/// Which of so many blocks a key belongs to: keys in order belong to blocks in order.
#[must_use]
pub fn block_of(key: u64, blocks: u64) -> u64 {
    // Both are 64 bits, and so is the upper half of their product.
    u64::try_from((u128::from(key) * u128::from(blocks)) >> 64).unwrap_or(0)
}

/// Where a key stands in a block, and its fingerprint there.
struct Spot {
    places: [usize; 3],
    fingerprint: u16,
}

fn spot(key: u64, seed: u16) -> Spot {
    // The finaliser of SplitMix64.
    let mix = |state: u64| {
        let state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        state ^ (state >> 31)
    };
    let hash = mix(key ^ mix(u64::from(seed).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15)));
    let place = |bits: u64, third: usize| {
        let part = usize::try_from(((bits & 0xffff) * THIRD as u64) >> 16).unwrap_or(0);
        third * THIRD + part
    };
    let places = [place(hash, 0), place(hash >> 16, 1), place(hash >> 32, 2)];
    Spot { places, fingerprint: u16::try_from(hash >> 48).unwrap_or(0) }
}

fn value(block: &[u8], place: usize) -> u16 {
    match block.get(place * 2..place * 2 + 2) {
        Some([low, high]) => u16::from_le_bytes([*low, *high]),
        _ => 0,
    }
}

/// Whether a block has this key.
#[must_use]
pub fn has(block: &[u8; BLOCK], key: u64) -> bool {
    let seed = value(block, BLOCK / 2 - 1);
    let Spot { places, fingerprint } = spot(key, seed);
    places.iter().fold(fingerprint, |rest, place| rest ^ value(block, *place)) == 0
}

/// A block that has these keys, each given once; None if there are too many.
#[must_use]
pub fn build(keys: &[u64]) -> Option<Box<[u8; BLOCK]>> {
    (0..SEEDS).find_map(|seed| build_with(keys, seed))
}

/// Keys are taken away one after the other, each where it is the only one left at one of its places; in the opposite order
/// that place is free to be given the value that makes it right.
fn build_with(keys: &[u64], seed: u16) -> Option<Box<[u8; BLOCK]>> {
    let mut counts = vec![0_u16; THIRD * 3];
    let mut sums = vec![0_u64; THIRD * 3];
    for key in keys {
        for place in spot(*key, seed).places {
            *counts.get_mut(place)? += 1;
            *sums.get_mut(place)? ^= key;
        }
    }
    let mut alone: Vec<usize> = (0..counts.len()).filter(|place| counts.get(*place) == Some(&1)).collect();
    let mut taken = Vec::with_capacity(keys.len());
    while let Some(place) = alone.pop() {
        if counts.get(place) != Some(&1) {
            continue;
        }
        let key = *sums.get(place)?;
        taken.push((key, place));
        for other in spot(key, seed).places {
            let count = counts.get_mut(other)?;
            *count -= 1;
            *sums.get_mut(other)? ^= key;
            if *count == 1 {
                alone.push(other);
            }
        }
    }
    if taken.len() != keys.len() {
        return None;
    }
    let mut block = Box::new([0; BLOCK]);
    for (key, place) in taken.into_iter().rev() {
        let Spot { places, fingerprint } = spot(key, seed);
        let rest = places.iter().filter(|other| **other != place);
        let wanted = rest.fold(fingerprint, |rest, other| rest ^ value(block.as_slice(), *other));
        block.get_mut(place * 2..place * 2 + 2)?.copy_from_slice(&wanted.to_le_bytes());
    }
    block.get_mut(BLOCK - SEED..)?.copy_from_slice(&seed.to_le_bytes());
    Some(block)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_has_its_keys_and_next_to_no_other() {
        let keys: Vec<u64> = (0..KEYS_PER_BLOCK).map(|number| key_of(&number.to_le_bytes())).collect();
        let block = build(&keys).unwrap();
        assert!(keys.iter().all(|key| has(&block, *key)));
        let others = (0..200_000_u64).map(|number| key_of(format!("other {number}").as_bytes()));
        // Three are expected.
        assert!(others.filter(|key| has(&block, *key)).count() < 16);
        assert!(has(&build(&keys[..1]).unwrap(), keys[0]));
        assert!(build(&[]).is_some());
    }

    #[test]
    fn more_keys_than_places_are_no_block() {
        let keys: Vec<u64> = (0..2_100_u64).map(|number| key_of(&number.to_le_bytes())).collect();
        assert!(build(&keys).is_none());
    }

    #[test]
    fn keys_in_order_belong_to_blocks_in_order() {
        assert_eq!((block_of(0, 7), block_of(u64::MAX, 7)), (0, 6));
        assert_eq!(block_of(u64::MAX / 2 + 1, 2), 1);
        assert_eq!(block_of(5, 0), 0);
    }

    #[test]
    fn a_line_is_a_sha_1_or_a_password() {
        let key = key_of(b"password");
        assert_eq!(key, 0x5baa_61e4_c9b9_3f3f);
        for line in [
            "password",
            "password\r",
            "5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8",
            "5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8:9545824",
            "5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8:1\r",
        ] {
            assert_eq!(key_of_line(line.as_bytes()), Some(key), "{line}");
        }
        assert_eq!(key_of_line(b""), None);
        assert_eq!(key_of_line(b"\r"), None);
        // A password that looks nearly like one.
        let nearly = "5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8:x";
        assert_eq!(key_of_line(nearly.as_bytes()), Some(key_of(nearly.as_bytes())));
        assert!(key_of_line("ünïcödé".as_bytes()).is_some() && key_of_line(&[0xff, 0xfe]).is_some());
    }
}
