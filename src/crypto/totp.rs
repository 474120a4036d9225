//! Time-based one-time codes (RFC 6238) as authenticator apps make them: SHA-1, 6 digits, 30 seconds.

use data_encoding::BASE32_NOPAD;
use totp_rs::{Builder, Secret, Totp};
use url::Url;
use zeroize::Zeroizing;

use super::compare;
use crate::domain::{Code, Error, Password, Random, Result, Timestamp};

const STEP_SECONDS: u64 = 30;
const DIGITS: usize = 6;

const URI_SCHEME: &str = "otpauth://";

/// What people write between the groups of a key: hyphens and dashes.
const DASHES: [char; 6] = ['-', '\u{2010}', '\u{2011}', '\u{2012}', '\u{2013}', '\u{2014}'];

/// 160 bits, as RFC 4226, section 4, recommends.
const NEW_KEY_BYTES: usize = 20;
/// 80 bits: keys of 16 characters were common, and those who have one keep it.
const MIN_KEY_BYTES: usize = 10;
const MAX_KEY_BYTES: usize = 128;

/// Which time step a code belongs to: the current one, the one before or the one after; None if to neither.
///
/// A code must work once only (RFC 6238, section 5.2): the caller refuses a step that is not after the last one used.
/// White space in the code does not matter: apps show `123 456`.
///
/// # Errors
/// [`Error::Internal`] when the key is not valid.
pub fn matching_step(key: &Password, code: &Password, now: Timestamp) -> Result<Option<i64>> {
    let totp = builder(key.expose()).ok_or_else(invalid_stored_key)?.build_noncompliant();
    let Some(code) = digits(code.expose()) else { return Ok(None) };
    let current = now.as_unix_seconds() / STEP_SECONDS;
    let mut matching = None;
    // All three are compared, and the latest wins: should two steps share a code, one use is still all it is good for.
    for step in current.saturating_sub(1)..=current + 1 {
        if compare::equal(code.as_bytes(), code_at(&totp, step).as_bytes()) {
            matching = Some(step);
        }
    }
    matching.map(i64::try_from).transpose().map_err(Error::internal)
}

/// The latest time step whose code is taken at this time.
pub fn last_step(now: Timestamp) -> i64 {
    i64::try_from(now.as_unix_seconds() / STEP_SECONDS + 1).unwrap_or(i64::MAX)
}

/// A new key: 160 random bits, in base32 without padding.
///
/// # Errors
/// As [`Random::fill`].
pub fn new_key(random: &dyn Random) -> Result<Password> {
    let bytes = Zeroizing::new(random.bytes::<NEW_KEY_BYTES>()?);
    Ok(Password::from(BASE32_NOPAD.encode(bytes.as_slice())))
}

/// Checks a given key and returns it in the stored form: upper case, without blanks, dashes and padding. The `otpauth://`
/// URI of a key is taken for the key.
///
/// # Errors
/// [`Code::CommonInvalidInput`] when it is not base32 (RFC 4648, section 6), or has less than 80 bits, or when the URI is
/// one of other codes than those that are checked here.
pub fn validate_key(key: &str) -> Result<Password> {
    let from_uri = if is_uri(key) { Some(key_of_uri(key)?) } else { None };
    let key = normalise_key(from_uri.as_deref().map_or(key, String::as_str));
    if !is_base32_length(key.len()) || decode_key(&key).is_none() {
        let detail = "a TOTP key is 16 to 205 characters of base32, the letters A to Z and the digits 2 to 7";
        return Err(Error::refused(Code::CommonInvalidInput, detail));
    }
    Ok(Password::from(key.as_str()))
}

/// Five bits a character: after some numbers of characters, a byte is begun and not finished (RFC 4648, section 6).
const fn is_base32_length(length: usize) -> bool {
    !matches!(length % 8, 1 | 3 | 6)
}

fn is_uri(key: &str) -> bool {
    key.trim_start().get(..URI_SCHEME.len()).is_some_and(|scheme| scheme.eq_ignore_ascii_case(URI_SCHEME))
}

/// The key of an `otpauth://` URI, which must be one of codes as they are made here.
fn key_of_uri(uri: &str) -> Result<Zeroizing<String>> {
    let refused = |detail: &str| Error::refused(Code::CommonInvalidInput, detail.to_owned());
    let url = Url::parse(uri.trim()).map_err(|_| refused("a TOTP key: not a valid otpauth:// URI"))?;
    if !url.host_str().is_some_and(|kind| kind.eq_ignore_ascii_case("totp")) {
        return Err(refused("a TOTP key: only otpauth://totp/ is known"));
    }
    let mut key = None;
    for (name, value) in url.query_pairs() {
        let is_usual = match &*name {
            "algorithm" => value.eq_ignore_ascii_case("SHA1"),
            "digits" => value == DIGITS.to_string(),
            "period" => value == STEP_SECONDS.to_string(),
            "secret" if key.is_some() => false,
            "secret" => {
                key = Some(Zeroizing::new(value.into_owned()));
                true
            }
            _ => true,
        };
        if !is_usual {
            return Err(refused("a TOTP key: only one secret for codes of SHA1, 6 digits and 30 seconds"));
        }
    }
    key.ok_or_else(|| refused("a TOTP key: the otpauth:// URI has no secret"))
}

/// The URI that authenticator apps read from a QR code (the Key URI format that they share). It contains the key.
///
/// # Errors
/// [`Error::Internal`] when the key is not valid or the account is empty.
pub fn provisioning_uri(key: &Password, account: &str, issuer: &str) -> Result<Password> {
    // A colon ends the issuer in this format, there is no way to write one in a name.
    let (account, issuer) = (account.replace(':', " "), issuer.replace(':', " "));
    let totp = builder(key.expose())
        .ok_or_else(invalid_stored_key)?
        .with_account_name(account)
        .with_issuer((!issuer.is_empty()).then_some(issuer))
        .build_noncompliant();
    totp.to_url().map(Password::from).map_err(|_| Error::internal("a TOTP account has no name"))
}

/// The unchecked constructor is the one to finish it with: the checked one insists on 128 bits.
fn builder(key: &str) -> Option<Builder> {
    let secret = decode_key(&normalise_key(key))?;
    Some(Builder::new().with_step_duration(STEP_SECONDS).with_secret(secret))
}

fn normalise_key(key: &str) -> Zeroizing<String> {
    let mut normal = Zeroizing::new(String::with_capacity(key.len()));
    let significant = key.chars().filter(|c| !c.is_whitespace() && !DASHES.contains(c));
    let significant = significant.map(|c| c.to_ascii_uppercase());
    normal.extend(significant);
    let length = normal.trim_end_matches('=').len();
    normal.truncate(length);
    normal
}

/// As authenticators do, without minding bits past the last whole byte.
fn decode_key(key: &str) -> Option<Secret> {
    let secret = Secret::try_from_base32(key).ok()?;
    (MIN_KEY_BYTES..=MAX_KEY_BYTES).contains(&secret.as_bytes().len()).then_some(secret)
}

fn digits(code: &str) -> Option<Zeroizing<String>> {
    let mut digits = Zeroizing::new(String::with_capacity(4 * (DIGITS + 1)));
    digits.extend(code.chars().filter(|c| !c.is_whitespace()).take(DIGITS + 1));
    (digits.len() == DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit())).then_some(digits)
}

fn code_at(totp: &Totp, step: u64) -> Zeroizing<String> {
    Zeroizing::new(totp.generate(step * STEP_SECONDS).to_string())
}

fn invalid_stored_key() -> Error {
    Error::internal("a stored TOTP key is not valid")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::SystemRandom;
    use proptest::prelude::*;

    /// The secret of RFC 6238, appendix B: `12345678901234567890`.
    const KEY: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

    /// Time and code of RFC 6238, appendix B (SHA-1); six digits are the last six of its eight.
    const VECTORS: [(i64, &str); 6] = [
        (59, "287082"),
        (1_111_111_109, "081804"),
        (1_111_111_111, "050471"),
        (1_234_567_890, "005924"),
        (2_000_000_000, "279037"),
        (20_000_000_000, "353130"),
    ];

    fn step(key: &str, code: &str, seconds: i64) -> Option<i64> {
        let now = Timestamp::from_micros(seconds * 1_000_000);
        matching_step(&Password::from(key), &Password::from(code), now).unwrap()
    }

    #[test]
    fn codes_are_those_of_the_rfc() {
        for (seconds, code) in VECTORS {
            assert_eq!(step(KEY, code, seconds), Some(seconds / 30), "{seconds}");
        }
    }

    #[test]
    fn one_step_of_drift_either_way_and_the_step_is_told() {
        let (seconds, code) = VECTORS[3];
        let expected = seconds / 30;
        for drift in [-1, 0, 1] {
            assert_eq!(step(KEY, code, seconds + drift * 30), Some(expected), "{drift}");
        }
        for drift in [-2, 2] {
            assert_eq!(step(KEY, code, seconds + drift * 30), None, "{drift}");
        }
    }

    #[test]
    fn spaces_do_not_matter_and_anything_else_is_no_code() {
        assert_eq!(step(KEY, " 287 082\n", 59), Some(1));
        for code in ["", "28708", "2870820", "287082 0", "+87082", "28708a", "２８７０８２", "287-082", "-1"]
        {
            assert_eq!(step(KEY, code, 59), None, "{code:?}");
        }
        assert_eq!(step(KEY, &" ".repeat(1_000_000), 59), None);
    }

    #[test]
    fn the_beginning_of_time_has_codes_too() {
        assert_eq!(step(KEY, "755224", 0), Some(0));
        assert_eq!(step(KEY, "755224", -1_000), Some(0));
    }

    #[test]
    fn keys_of_16_characters_work() {
        let key = validate_key("jbsw y3dp ehpk 3pxp").unwrap();
        assert_eq!(key.expose(), "JBSWY3DPEHPK3PXP");
        assert!(step(key.expose(), "000000", 59).is_none());
    }

    #[test]
    fn keys_are_normalised_and_anything_but_base32_is_refused() {
        assert_eq!(validate_key(&format!(" {}====== ", KEY.to_lowercase())).unwrap().expose(), KEY);
        let too_long = "A".repeat(207);
        for key in
            ["", "JBSWY3DPEHPK3PX", "JBSWY3DPEHPK3PX1", "JBSWY3DP=EHPK3PXP", "ключ-ключ-ключ-ключ", &too_long]
        {
            let error = validate_key(key).unwrap_err();
            assert_eq!(error.code(), Code::CommonInvalidInput, "{key}");
            assert!(key.is_empty() || !error.to_string().contains(key));
        }
        assert!(validate_key(&"A".repeat(205)).is_ok());
    }

    #[test]
    fn keys_are_taken_as_people_have_them() {
        const SHORT: &str = "JBSWY3DPEHPK3PXP";
        for key in [
            "JBSW-Y3DP-EHPK-3PXP",
            "jbsw\u{2013}y3dp\u{2013}ehpk\u{2013}3pxp",
            "jbsw\u{a0}y3dp\tehpk 3pxp====",
            "otpauth://totp/Zato:ann@example.com?secret=JBSWY3DPEHPK3PXP&issuer=Zato",
            " OTPAUTH://TOTP/ann?issuer=x&secret=jbsw%20y3dp-ehpk3pxp&algorithm=sha1&digits=6&period=30\n",
        ] {
            assert_eq!(validate_key(key).unwrap().expose(), SHORT, "{key}");
        }
        for key in [
            "otpauth://hotp/ann?secret=JBSWY3DPEHPK3PXP",
            "otpauth://totp/ann",
            "otpauth://totp/ann?secret=",
            "otpauth://totp/ann?secret=JBSWY3DPEHPK3PXP&secret=JBSWY3DPEHPK3PXP",
            "otpauth://totp/ann?secret=JBSWY3DPEHPK3PXPJ",
            "otpauth://totp/ann?secret=JBSWY3DPEHPK3PXP&digits=8",
            "otpauth://totp/ann?secret=JBSWY3DPEHPK3PXP&period=60",
            "otpauth://totp/ann?secret=JBSWY3DPEHPK3PXP&algorithm=SHA256",
            "otpauth://",
            "https://totp/ann?secret=JBSWY3DPEHPK3PXP",
        ] {
            let error = validate_key(key).unwrap_err();
            assert_eq!(error.code(), Code::CommonInvalidInput, "{key}");
            assert!(!error.to_string().contains(SHORT), "{error}");
        }
    }

    #[test]
    fn a_key_has_a_length_that_base32_can_have() {
        for length in 16..=40 {
            let is_length = validate_key(&"A".repeat(length)).is_ok();
            assert_eq!(is_length, ![1, 3, 6].contains(&(length % 8)), "{length}");
        }
        // What was stored before goes on working.
        assert!(step("JBSWY3DPEHPK3PXPJ", "000000", 59).is_none());
    }

    #[test]
    fn new_keys_are_160_bits_and_valid() {
        let key = new_key(&SystemRandom).unwrap();
        assert_eq!(key.expose().len(), 32);
        assert_eq!(validate_key(key.expose()).unwrap().expose(), key.expose());
        assert_ne!(new_key(&SystemRandom).unwrap().expose(), key.expose());
    }

    #[test]
    fn a_stored_key_that_is_not_valid_is_our_fault() {
        let now = Timestamp::from_micros(0);
        let error = matching_step(&"SHORT".into(), &"123456".into(), now).unwrap_err();
        assert!(matches!(error, Error::Internal(_)));
        assert!(provisioning_uri(&"SHORT".into(), "account", "").is_err());
    }

    #[test]
    fn uris_are_those_that_apps_read() {
        let uri = |account: &str, issuer: &str| provisioning_uri(&KEY.into(), account, issuer);
        assert_eq!(
            uri("user@example.com", "My Company").unwrap().expose(),
            format!("otpauth://totp/My%20Company:user%40example.com?secret={KEY}&issuer=My%20Company")
        );
        assert_eq!(uri("a:b", "").unwrap().expose(), format!("otpauth://totp/a%20b?secret={KEY}"));
        assert!(uri("", "").is_err());
    }

    proptest! {
        #[test]
        fn any_code_and_key_give_an_answer(key in "\\PC{0,40}|[A-Z2-7=]{0,40}", code in "\\PC{0,12}|[0-9 ]{6,8}") {
            let now = Timestamp::from_micros(59_000_000);
            let _ = matching_step(&Password::from(key.as_str()), &Password::from(code), now);
            let _ = validate_key(&key);
        }
    }
}
