//! Reading the text of stored hashes: its fields, numbers and alphabets. Errors never quote it.

use data_encoding::{BASE64_NOPAD, BitOrder, Encoding, Specification};

use crate::domain::{Error, Result};

/// The longest hash that there is a use for: Keycloak and scrypt go up to 64 bytes.
pub const MAX_OUTPUT_LENGTH: usize = 128;
/// Fewer bytes could match at random, and no bytes always would.
const MIN_OUTPUT_LENGTH: usize = 16;

/// What stands behind the name, of which nothing is missing and nothing left.
pub fn fields<const COUNT: usize>(stored: &str) -> Result<[&str; COUNT]> {
    let (_, fields) = stored.split_once('$').ok_or_else(malformed)?;
    exactly(fields.split('$'))
}

/// So many parts, and no other number of them.
pub fn exactly<'a, const COUNT: usize>(parts: impl Iterator<Item = &'a str>) -> Result<[&'a str; COUNT]> {
    parts.collect::<Vec<_>>().try_into().map_err(|_| malformed())
}

/// The text behind its start.
pub fn without<'a>(start: &str, text: &'a str) -> Result<&'a str> {
    text.strip_prefix(start).ok_or_else(malformed)
}

/// The number in `name=number`; the name includes the sign.
pub fn parameter<T: std::str::FromStr>(name: &str, text: &str) -> Result<T> {
    number(without(name, text)?)
}

/// Digits only: the parser would take a sign as well.
pub fn number<T: std::str::FromStr>(text: &str) -> Result<T> {
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(malformed());
    }
    text.parse().map_err(|_| malformed())
}

/// The logarithm of a cost that is a power of two.
pub fn log_of(n: u32) -> Result<u8> {
    if !n.is_power_of_two() {
        return Err(malformed());
    }
    u8::try_from(n.ilog2()).map_err(Error::internal)
}

/// Base64 without padding, `+` or passlib's `.` for 62.
pub fn adapted_base64(text: &str) -> Result<Vec<u8>> {
    decode(BASE64_NOPAD.decode(text.replace('.', "+").as_bytes()))
}

/// Base64 with or without its padding.
pub fn padded_base64(text: &str) -> Result<Vec<u8>> {
    decode(BASE64_NOPAD.decode(text.trim_end_matches('=').as_bytes()))
}

/// bcrypt's own alphabet. Older libraries did not clear the left-over bits, and none compares them.
pub fn bcrypt_base64() -> Result<Encoding> {
    let alphabet = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    encoding(alphabet, BitOrder::MostSignificantFirst)
}

/// An alphabet whose left-over bits do not count.
pub fn encoding(alphabet: &str, bit_order: BitOrder) -> Result<Encoding> {
    let mut specification = Specification::new();
    specification.symbols.push_str(alphabet);
    specification.bit_order = bit_order;
    specification.check_trailing_bits = false;
    specification.encoding().map_err(Error::internal)
}

/// What was decoded, or no more than that it was malformed.
pub fn decode(decoded: Result<Vec<u8>, data_encoding::DecodeError>) -> Result<Vec<u8>> {
    decoded.map_err(|_| malformed())
}

/// A hash of a length that is safe to compare.
pub fn output(bytes: Vec<u8>) -> Result<Vec<u8>> {
    let is_good = (MIN_OUTPUT_LENGTH..=MAX_OUTPUT_LENGTH).contains(&bytes.len());
    is_good.then_some(bytes).ok_or_else(malformed)
}

/// Without the parser's own words: they may quote the hash.
pub fn malformed() -> Error {
    Error::internal("a stored password hash is malformed")
}
