//! Comparison in constant time.

use subtle::ConstantTimeEq;

/// Whether both hold the same bytes. How long it takes depends on their lengths only, which are no secret,
/// so that an attacker cannot find a digest or a code one byte after the other.
#[must_use]
pub fn equal(left: &[u8], right: &[u8]) -> bool {
    left.ct_eq(right).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_means_every_byte_and_the_length() {
        assert!(equal(b"", b""));
        assert!(equal(b"same", b"same"));
        for other in ["", "sam", "same ", "Same", "samE"] {
            assert!(!equal(b"same", other.as_bytes()), "{other:?}");
        }
    }
}
