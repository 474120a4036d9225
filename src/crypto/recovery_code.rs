//! Recovery codes: 80 random bits each, in Crockford's base32, four groups of four: `7Q2M-X0DK-4RVE-9HTB`.

use zeroize::Zeroizing;

use crate::domain::{Password, Random, Result};

/// How many codes a user has.
pub const COUNT: usize = 10;

const SYMBOLS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Symbols of a code.
const LENGTH: usize = 16;

/// Symbols of a group.
const GROUP: usize = 4;

/// Bits of a symbol.
const BITS: usize = 5;

/// What people write between the groups: hyphens and dashes.
const DASHES: [char; 6] = ['-', '\u{2010}', '\u{2011}', '\u{2012}', '\u{2013}', '\u{2014}'];

/// A new code, as it is shown.
///
/// # Errors
/// As [`Random::fill`].
pub fn new_code(random: &dyn Random) -> Result<Password> {
    let bytes = Zeroizing::new(random.bytes::<10>()?);
    let bits = bytes.iter().fold(0_u128, |bits, byte| (bits << 8) | u128::from(*byte));
    let mut text = String::with_capacity(LENGTH + LENGTH / GROUP - 1);
    for place in 0..LENGTH {
        if place > 0 && place.is_multiple_of(GROUP) {
            text.push('-');
        }
        let index = (bits >> ((LENGTH - 1 - place) * BITS)) & 31;
        text.extend(
            usize::try_from(index).ok().and_then(|index| SYMBOLS.get(index)).map(|byte| char::from(*byte)),
        );
    }
    Ok(Password::from(text))
}

/// A code as it is compared: in upper case, without what stands between its groups. Crockford's alphabet takes O for 0,
/// and I and L for 1. None for what cannot be a code.
#[must_use]
pub fn normalise(text: &str) -> Option<Password> {
    let mut code = Zeroizing::new(String::with_capacity(LENGTH));
    for symbol in text.chars().filter(|symbol| !symbol.is_whitespace() && !DASHES.contains(symbol)) {
        let symbol = match symbol.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            other => other,
        };
        let is_known = u8::try_from(symbol).is_ok_and(|byte| SYMBOLS.contains(&byte));
        if !is_known || code.len() == LENGTH {
            return None;
        }
        code.push(symbol);
    }
    (code.len() == LENGTH).then(|| Password::from(code.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::SystemRandom;

    #[derive(Debug)]
    struct Fixed(u8);

    impl Random for Fixed {
        fn fill(&self, bytes: &mut [u8]) -> Result<()> {
            bytes.fill(self.0);
            Ok(())
        }
    }

    fn normal(text: &str) -> Option<String> {
        normalise(text).map(|code| code.expose().to_owned())
    }

    #[test]
    fn a_code_is_80_bits_in_four_groups() {
        assert_eq!(new_code(&Fixed(0)).unwrap().expose(), "0000-0000-0000-0000");
        assert_eq!(new_code(&Fixed(0xff)).unwrap().expose(), "ZZZZ-ZZZZ-ZZZZ-ZZZZ");
        assert_eq!(new_code(&Fixed(0b0000_1000)).unwrap().expose(), "1040-G208-1040-G208");
        assert_ne!(new_code(&SystemRandom).unwrap().expose(), new_code(&SystemRandom).unwrap().expose());
    }

    #[test]
    fn a_code_is_one_however_it_is_typed() {
        let code = new_code(&SystemRandom).unwrap();
        let plain = code.expose().replace('-', "");
        for typed in [
            code.expose().to_owned(),
            plain.clone(),
            code.expose().to_lowercase(),
            format!("  {} ", plain.to_lowercase()),
            code.expose().replace('-', "\u{2013}"),
            code.expose().replace('-', " "),
        ] {
            assert_eq!(normal(&typed).as_deref(), Some(plain.as_str()), "{typed}");
        }
        assert_eq!(normal("oOiI-lL00-0000-0000").as_deref(), Some("0011110000000000"));
    }

    #[test]
    fn nothing_else_is_a_code() {
        for text in ["", "123456", "0000-0000-0000-000", "0000-0000-0000-0000-0", "000U-0000-0000-0000", "ﬀ"]
        {
            assert_eq!(normal(text), None, "{text}");
        }
    }
}
