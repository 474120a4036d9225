//! How web frameworks, directories and `crypt(3)` write their hashes.

use std::borrow::Cow;

use data_encoding::{BASE64, BitOrder, HEXLOWER_PERMISSIVE};

use crate::crypto::password::foreign::{Before, Digest, OlderHash};
use crate::crypto::password::iterated::{ALPHABET, Iterated};
use crate::crypto::password::text::{
    adapted_base64, bcrypt_base64, decode, encoding, exactly, fields, log_of, malformed, number, output,
    padded_base64, parameter, without,
};
use crate::domain::Result;

/// A hash that is not Argon2, taken apart: how it was computed, with which salt, and what came out.
pub type Parts = (OlderHash, Vec<u8>, Vec<u8>);

/// Takes a hash apart; None if its notation is none of these.
pub fn parse(stored: &str) -> Option<Result<Parts>> {
    let start = |text: &str| stored.starts_with(text);
    Some(match stored {
        _ if start("$P$") || start("$H$") => phpass(stored, Iterated::phpass_md5, 22),
        _ if start("$S$") => phpass(stored, Iterated::phpass_sha512, 43),
        _ if start("$5$") => sha_crypt(stored, Iterated::sha256_crypt, 43),
        _ if start("$6$") => sha_crypt(stored, Iterated::sha512_crypt, 86),
        _ if start("$wp$2") => without("$wp", stored).and_then(|stored| bcrypt(stored, Before::WordPress)),
        _ if start("$bcrypt-sha256$") => passlib_bcrypt(stored),
        _ if start("$firebase-scrypt$") => firebase(stored),
        _ if start("scrypt:") => werkzeug_scrypt(stored),
        _ if start("pbkdf2:") => werkzeug_pbkdf2(stored),
        _ if start("{") => salted(stored)?,
        _ if stored.contains(':') => javascript_scrypt(stored)?,
        _ => asp_net(stored)?,
    })
}

/// What an LDAP server, Dovecot or Spring Security writes before a hash that is complete without it.
pub fn without_scheme(stored: &str) -> Option<Cow<'_, str>> {
    let (name, hash) = stored.strip_prefix('{')?.split_once('}')?;
    let name = name.to_ascii_uppercase();
    match name.as_str() {
        "CRYPT" | "BCRYPT" | "BLF-CRYPT" | "SHA256-CRYPT" | "SHA512-CRYPT" | "ARGON2" | "ARGON2I"
        | "ARGON2ID"
            if hash.starts_with('$') =>
        {
            Some(Cow::Borrowed(hash))
        }
        "PBKDF2" | "PBKDF2-SHA1" | "PBKDF2-SHA256" | "PBKDF2-SHA512" if hash.contains('$') => {
            Some(Cow::Owned(format!("${}${hash}", name.to_ascii_lowercase())))
        }
        _ => None,
    }
}

/// `$2b$cost$` with salt and hash, and nothing in between.
pub fn bcrypt(stored: &str, before: Before) -> Result<Parts> {
    let [version, cost, rest] = exactly(without("$", stored)?.split('$'))?;
    let is_known = matches!(version, "2a" | "2b" | "2y") && cost.len() == 2 && rest.len() == 53;
    let (salt, expected) = rest.split_at_checked(22).filter(|_| is_known).ok_or_else(malformed)?;
    of_bcrypt(number(cost)?, before, salt, expected)
}

fn of_bcrypt(cost: u32, before: Before, salt: &str, expected: &str) -> Result<Parts> {
    let hash = OlderHash::bcrypt(cost, before)?;
    let alphabet = bcrypt_base64()?;
    let bytes = |text: &str| decode(alphabet.decode(text.as_bytes()));
    Ok((hash, bytes(salt)?, output(bytes(expected)?)?))
}

/// `$bcrypt-sha256$v=2,t=2b,r=cost$salt$hash`, or without `v` and as `2b,cost` in the first version.
fn passlib_bcrypt(stored: &str) -> Result<Parts> {
    let [params, salt, expected] = fields(without("$", stored)?)?;
    let (before, kind, cost) = match params.split(',').collect::<Vec<_>>().as_slice() {
        ["v=2", kind, cost] => (Before::KeyedSha256, without("t=", kind)?, parameter("r=", cost)?),
        [kind, cost] => (Before::Base64Sha256, *kind, number(cost)?),
        _ => return Err(malformed()),
    };
    if !matches!(kind, "2a" | "2b" | "2y") || salt.len() != 22 || expected.len() != 31 {
        return Err(malformed());
    }
    of_bcrypt(cost, before, salt, expected)
}

/// `$P$` or `$H$`, a character for the rounds, eight of salt, and the hash, of which Drupal stores the first bytes.
fn phpass(stored: &str, scheme: impl Fn(u32) -> Result<Iterated>, length: usize) -> Result<Parts> {
    let rest = stored.get(3..).ok_or_else(malformed)?;
    let log_rounds = rest.chars().next().and_then(|c| ALPHABET.find(c)).ok_or_else(malformed)?;
    let salt = rest.get(1..9).ok_or_else(malformed)?;
    let hash = rest.get(9..).filter(|hash| hash.len() == length).ok_or_else(malformed)?;
    let scheme = scheme(u32::try_from(log_rounds).map_err(|_| malformed())?)?;
    Ok((OlderHash::iterated(scheme), salt.into(), lowest_first(hash)?))
}

/// `$6$salt$hash` or `$6$rounds=rounds$salt$hash`.
fn sha_crypt(stored: &str, scheme: impl Fn(u32) -> Result<Iterated>, length: usize) -> Result<Parts> {
    /// Where none are written.
    const ROUNDS: u32 = 5000;
    const MAX_SALT: usize = 16;
    let (rounds, salt, hash) = match stored.split('$').skip(2).collect::<Vec<_>>().as_slice() {
        [salt, hash] => (ROUNDS, *salt, *hash),
        [rounds, salt, hash] => (parameter("rounds=", rounds)?, *salt, *hash),
        _ => return Err(malformed()),
    };
    if salt.len() > MAX_SALT || hash.len() != length {
        return Err(malformed());
    }
    Ok((OlderHash::iterated(scheme(rounds)?), salt.into(), lowest_first(hash)?))
}

fn lowest_first(hash: &str) -> Result<Vec<u8>> {
    output(decode(encoding(ALPHABET, BitOrder::LeastSignificantFirst)?.decode(hash.as_bytes()))?)
}

/// `{SSHA}`, `{SSHA256}`, `{SSHA384}` and `{SSHA512}`: base64 of the hash and, behind it, the salt. None for another name.
fn salted(stored: &str) -> Option<Result<Parts>> {
    let (name, coded) = stored.strip_prefix('{')?.split_once('}')?;
    let digest = match name.to_ascii_uppercase().as_str() {
        "SSHA" => Digest::Sha1,
        "SSHA256" | "SSHA-256" => Digest::Sha256,
        "SSHA384" | "SSHA-384" => Digest::Sha384,
        "SSHA512" | "SSHA-512" => Digest::Sha512,
        _ => return None,
    };
    Some(padded_base64(coded).and_then(|mut expected| {
        let salt = expected.split_off_checked(digest.length()).ok_or_else(malformed)?;
        Ok((OlderHash::salted(digest), salt, expected))
    }))
}

trait SplitOff: Sized {
    fn split_off_checked(&mut self, at: usize) -> Option<Self>;
}

impl SplitOff for Vec<u8> {
    /// What is behind that place, of which there must be something.
    fn split_off_checked(&mut self, at: usize) -> Option<Self> {
        (self.len() > at).then(|| self.split_off(at))
    }
}

/// `$firebase-scrypt$ln=…,r=…$salt$keystream`: ours, see [`crate::crypto::password::firebase`].
fn firebase(stored: &str) -> Result<Parts> {
    let [params, salt, expected] = fields(without("$", stored)?)?;
    let [log_n, r] = exactly(params.split(','))?;
    let hash = OlderHash::firebase(parameter("ln=", log_n)?, parameter("r=", r)?)?;
    Ok((hash, adapted_base64(salt)?, output(adapted_base64(expected)?)?))
}

/// `scrypt:N:r:p$salt$hash`: the salt as it stands, the hash in hexadecimal.
fn werkzeug_scrypt(stored: &str) -> Result<Parts> {
    let [method, salt, expected] = exactly(stored.split('$'))?;
    let [_, n, r, p] = exactly(method.split(':'))?;
    let hash = OlderHash::scrypt(log_of(number(n)?)?, number(r)?, number(p)?)?;
    Ok((hash, salt.into(), hexadecimal(expected)?))
}

/// `pbkdf2:digest:rounds$salt$hash`.
fn werkzeug_pbkdf2(stored: &str) -> Result<Parts> {
    let [method, salt, expected] = exactly(stored.split('$'))?;
    let [_, digest, rounds] = exactly(method.split(':'))?;
    let digest = match digest {
        "sha1" => Digest::Sha1,
        "sha256" => Digest::Sha256,
        "sha384" => Digest::Sha384,
        "sha512" => Digest::Sha512,
        _ => return Err(malformed()),
    };
    let expected = hexadecimal(expected)?;
    Ok((OlderHash::pbkdf2(digest, number(rounds)?, expected.len())?, salt.into(), expected))
}

fn hexadecimal(text: &str) -> Result<Vec<u8>> {
    output(decode(HEXLOWER_PERMISSIVE.decode(text.as_bytes()))?)
}

/// `salt:hash` of better-auth and Lucia, with a block size of 16, or `s2:salt:hash` of Lucia 2. Lucia 1, whose salts are
/// letters and digits and not hexadecimal, has 8. None if there is no such hash in it.
fn javascript_scrypt(stored: &str) -> Option<Result<Parts>> {
    const LENGTH: usize = 128;
    let (salt, expected, r) = match stored.split(':').collect::<Vec<_>>().as_slice() {
        ["s2", salt, expected] => (*salt, *expected, 16),
        [salt, expected] if salt.bytes().all(|byte| byte.is_ascii_hexdigit()) => (*salt, *expected, 16),
        [salt, expected] => (*salt, *expected, 8),
        _ => return None,
    };
    let is_hash = expected.len() == LENGTH && expected.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_salt = !salt.is_empty() && salt.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (is_hash && is_salt)
        .then(|| Ok((OlderHash::scrypt_of_composed(14, r, 1)?, salt.into(), hexadecimal(expected)?)))
}

/// ASP.NET Identity: base64 of the version and what it has. None if it is neither of its two.
fn asp_net(stored: &str) -> Option<Result<Parts>> {
    const SALT: usize = 16;
    const V2_LENGTH: usize = 1 + SALT + 32;
    let bytes = BASE64.decode(stored.as_bytes()).ok()?;
    match bytes.split_first()? {
        (0, rest) if bytes.len() == V2_LENGTH => {
            let (salt, expected) = rest.split_at_checked(SALT)?;
            let hash = OlderHash::pbkdf2(Digest::Sha1, 1000, expected.len());
            Some(hash.map(|hash| (hash, salt.into(), expected.into())))
        }
        (1, rest) => {
            let (digest, rest) = big_endian(rest)?;
            let (rounds, rest) = big_endian(rest)?;
            let (length, rest) = big_endian(rest)?;
            let (salt, expected) = rest.split_at_checked(usize::try_from(length).ok()?)?;
            let digest = match digest {
                0 => Digest::Sha1,
                1 => Digest::Sha256,
                2 => Digest::Sha512,
                _ => return None,
            };
            let expected = output(expected.into());
            Some(expected.and_then(|expected| {
                Ok((OlderHash::pbkdf2(digest, rounds, expected.len())?, salt.into(), expected))
            }))
        }
        _ => None,
    }
}

fn big_endian(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (number, rest) = bytes.split_first_chunk()?;
    Some((u32::from_be_bytes(*number), rest))
}

#[cfg(test)]
mod tests {
    use crate::crypto::{HashParams, Hasher, Verdict, recognise_hash};

    const PASSWORD: &str = "correct horse";
    const UMLAUTS: &str = "p\u{e4}ssw\u{f6}rd";

    fn verify(stored: &str, password: &str) -> Verdict {
        Hasher::new(HashParams::new(16, 1, 1).unwrap()).verify(stored, &password.into()).unwrap()
    }

    /// Each is of the password that it is known to be of, and of no other.
    #[track_caller]
    fn assert_verified(scheme: &str, password: &str, hashes: &[&str]) {
        for stored in hashes {
            assert_eq!(recognise_hash(stored).unwrap(), scheme, "{stored}");
            assert_eq!(verify(stored, password), Verdict::RightButOutdated, "{stored}");
            for wrong in [format!("{password}x"), format!("x{password}"), String::new()] {
                assert!(wrong == password || verify(stored, &wrong) == Verdict::Wrong, "{stored} {wrong}");
            }
        }
    }

    /// Made by werkzeug 3.
    #[test]
    fn hashes_of_werkzeug_are_verified() {
        let scrypt = "scrypt:1024:8:1$rSSsGSPmGS9wCg7g$bbd2ed3aa77ea77c141064947877453ed3ab0276ec1551f7170ff417f98bdb63b8031b14bba7f7e279db6c089235fa0d67314961bb1564b4fd051c5974bf9ac3";
        assert_verified("scrypt", PASSWORD, &[scrypt]);
        assert_verified(
            "scrypt",
            UMLAUTS,
            &[
                "scrypt:1024:8:1$T7T5gSrrA5jMmWOp$7cbd09e984468b418faf91323169d6beb8edc3dd92cd356e6b4e520b7a0a25281ef862328aef99b9274abac5e17769cd7c3d251b9a720b7f13e7cc33c69a1a99",
            ],
        );
        assert_verified(
            "pbkdf2-sha256",
            PASSWORD,
            &[
                "pbkdf2:sha256:1000$c848WAL2q8UYuImw$fd00af064132cd22eebf48c492881e81a861392fb69e48c9db3a06e31422eeb4",
            ],
        );
        assert_verified(
            "pbkdf2-sha1",
            PASSWORD,
            &["pbkdf2:sha1:1000$6ae46MmPSlNOZPAY$2cf0f3123ed7be128e34cd40420d07c576920981"],
        );
        assert_verified(
            "pbkdf2-sha512",
            PASSWORD,
            &[
                "pbkdf2:sha512:1000$Bua84c5QEiH9lzJW$e346656c761688225ef8178ea386691bce4845bea07f4df6b2ba76f6fb4bf1a6397006c94c6339ec03137969336f3a624452952756876c73d09e6fa7b9fac0da",
            ],
        );
    }

    /// Made by passlib; the last one is hashcat's example.
    #[test]
    fn hashes_of_phpass_are_verified() {
        assert_verified(
            "phpass",
            PASSWORD,
            &["$P$58Z13/P5ZFm.gAgVBpgvA6QperH5OK0", "$P$BD7f/VeuBCQ.10joRxQG/SDqXMATNc/"],
        );
        assert_verified("phpass", UMLAUTS, &["$H$6LzJlIazhhEFPqM69NrS88CTEtCK1O1"]);
        assert_verified(
            "phpass-sha512",
            "hashcat",
            &["$S$C33783772bRXEx1aCsvY.dqgaaSu76XmVlKrW9Qu8IQlvxHlmzLf"],
        );
    }

    /// Made by Python's bcrypt of what WordPress 6.8 gives to bcrypt.
    #[test]
    fn hashes_of_wordpress_are_verified() {
        let stored = "$wp$2y$04$daLajCvzx93oRi4IjCO4Wu0lGfQpsFfMmoI4VKmnQenKJIqyAk1F.";
        assert_verified("bcrypt-sha384", PASSWORD, &[stored]);
        // WordPress takes white space off when a password is set, and off what is typed.
        assert_eq!(verify(stored, " correct horse\n"), Verdict::RightButOutdated);
    }

    /// Made by passlib.
    #[test]
    fn hashes_of_directories_are_verified() {
        assert_verified(
            "salted-sha1",
            PASSWORD,
            &["{SSHA}TryrN8IlITUJ1mjOmfwkP5F8jwCvNQag", "{ssha}TryrN8IlITUJ1mjOmfwkP5F8jwCvNQag"],
        );
        assert_verified(
            "salted-sha256",
            PASSWORD,
            &["{SSHA256}BmnLEF60mYzhoCNDzxB2//bDB3s63SPjfQyhL2c/rojOee/9v5dyjg=="],
        );
        assert_verified(
            "salted-sha512",
            PASSWORD,
            &[
                "{SSHA512}FDW2nZd8GiHWkkDldkl2gP73ZPxmV3WE6UwjEjxU5204ZkJwtzqChN1N7TqO+0FE2XacabHMLQuViP77ffTSEZPS+l/LeW8N",
            ],
        );
        let bcrypt = "$2b$04$tp/9gKjDb1BLWaCRFn7a0.3dpcuM28.dYW.sXY9R/quEEr4fsq44i";
        for name in ["CRYPT", "BCRYPT", "bcrypt", "BLF-CRYPT"] {
            assert_verified("bcrypt", PASSWORD, &[&format!("{{{name}}}{bcrypt}")]);
        }
        assert_verified(
            "sha512-crypt",
            PASSWORD,
            &[
                "{CRYPT}$6$rounds=1000$bA6mxzY4BXz1OVo7$uwqsq1FoIdn3vWW4GfV19KSd2mivcnoKbF3A3W.Li.oNZeuhoGmDPkaTS9fHgdSgEJEOCy0C3qSw38Fit5gcp0",
            ],
        );
        assert_verified(
            "sha256-crypt",
            PASSWORD,
            &["{CRYPT}$5$rounds=1000$I1JqHOJ39kKL/j6L$lAcUlRGfOxY7jQKHVn8p6fkPkmKokA.A5JLnbhU.0D9"],
        );
        assert_verified(
            "pbkdf2-sha256",
            PASSWORD,
            &["{PBKDF2-SHA256}1000$ljLGOGdsDeEco1TKOacUIg$RRirxWKTkpfA5/4lsINJqKu2y8hrtfVz4YeAtXIFiFI"],
        );
        assert_verified(
            "pbkdf2-sha512",
            PASSWORD,
            &[
                "{PBKDF2-SHA512}1000$jbH2PickRIjR2jtHSOk9hw$vQR4/14U6P57dXnlxtc0P1.DZOSRDD9R3bhWrbhlS4pPIV6kXDqWwCnfhTshcfi49UTiITeJp.yoI2So1k9zng",
            ],
        );
        assert_verified(
            "pbkdf2-sha1",
            PASSWORD,
            &["{PBKDF2}1000$EiIEAGAs5bw3BoDwfo8RIg$m2QR3JcM6nNLWxmnme/kx4uu9/U"],
        );
    }

    /// Made by passlib, but for the last two, which are of the specification of SHA-crypt.
    #[test]
    fn hashes_of_crypt_are_verified() {
        assert_verified(
            "sha512-crypt",
            PASSWORD,
            &[
                "$6$q..Garf4SRnH1wuf$nuXKZiGwYVoGotBTosNFR9yllh1xc3Zi4yNrbYmpOxt1b.t9kuUqIpqd8znJFkERBURD8OcAyugatEP8YeRdZ.",
            ],
        );
        assert_verified(
            "sha512-crypt",
            UMLAUTS,
            &[
                "$6$rounds=1234$cTC/FgI5.t76YCtH$GAmoO67SvZIKgeuX7Qox5QiuSqxiW.uJkAupcyGj34hDjol1EFnLwpy/Fkbx.rO.qsDLGP0db0AI6jF1wPnpd1",
            ],
        );
        assert_verified(
            "sha512-crypt",
            "",
            &[
                "$6$rounds=1000$s$u6h1nDplZjxDo4zJTtL/gDw7SGioQGm.0uRtQXjSgB6lTpGGOfGi4A6UMV.7Q7d2K2ppsidkHUrit0FKUiAv71",
            ],
        );
        assert_verified(
            "sha512-crypt",
            &"x".repeat(150),
            &[
                "$6$rounds=1000$0123456789abcdef$aS1h3/QhFlbZcSbL2NSuIpxOgRm/LgIRHSHIcX/LKrYv2b8cVMRqH9es2UnH5ade6NouetOTbaTQhv7kD8qHM/",
            ],
        );
        assert_verified(
            "sha256-crypt",
            PASSWORD,
            &["$5$ctgz9JF0VBKUjH2v$fHwdsFw9DyK2yLFHJjNBrIw2FhVc2V5f1aLHX2moOr3"],
        );
        assert_verified(
            "sha256-crypt",
            UMLAUTS,
            &["$5$rounds=1234$MUNfjqKFgX/tgxB6$zHd3TYkeHHBGCOcQsdlVDqX7nNoZaobp96RrBs76Yg6"],
        );
        assert_verified(
            "sha256-crypt",
            "",
            &["$5$rounds=1000$s$cdjvTno7yp4OJ1Yyxn95LrCQTyxHsv3TK6lXb48P4L1"],
        );
        assert_verified(
            "sha256-crypt",
            &"x".repeat(150),
            &["$5$rounds=1000$0123456789abcdef$J/dn71mmElnoz9MjSqMc8fE1eODlXCtS/1I1daU9j4D"],
        );
        assert_verified(
            "sha512-crypt",
            "Hello world!",
            &[
                "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1",
            ],
        );
        assert_verified(
            "sha256-crypt",
            "Hello world!",
            &["$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5"],
        );
    }

    #[test]
    fn a_long_password_costs_an_iterated_hash_nothing() {
        let long = "x".repeat(1 << 20);
        for stored in [
            "$P$BD7f/VeuBCQ.10joRxQG/SDqXMATNc/",
            "$5$ctgz9JF0VBKUjH2v$fHwdsFw9DyK2yLFHJjNBrIw2FhVc2V5f1aLHX2moOr3",
        ] {
            assert_eq!(verify(stored, &long), Verdict::Wrong);
        }
        // Zeros are what nothing computes.
        assert_eq!(verify("$P$BD7f/VeuB......................", &long), Verdict::Wrong);
    }

    /// Made by passlib.
    #[test]
    fn hashes_of_passlib_bcrypt_sha256_are_verified() {
        assert_verified(
            "bcrypt-sha256",
            PASSWORD,
            &[
                "$bcrypt-sha256$v=2,t=2b,r=4$UyiiY88XpE0o7udkIhS7HO$TGQ0CrNbcdX5UH/kbzQSmzWmTzlfK8O",
                "$bcrypt-sha256$2b,4$ukb6UkQGZDsPBahxas.yhu$B/Ha.8BjYQ3iuoFlcMPV6evBtbHJE3m",
            ],
        );
        assert_verified(
            "bcrypt-sha256",
            &"y".repeat(100),
            &["$bcrypt-sha256$v=2,t=2b,r=4$kqDr3xY9iKJPMBJGDmTeHe$EFqwhhvvn99USlzTuTrI2kl/9EeBcuG"],
        );
    }

    /// Made by better-auth 1 and Lucia 3; those of Lucia 1 and 2 by Python's hashlib.
    #[test]
    fn hashes_of_better_auth_and_lucia_are_verified() {
        assert_verified(
            "scrypt",
            PASSWORD,
            &[
                "b23580e7343e5882eb31d59e9c52b765:696ebe1e0a50dad234a2b5558f4d2d78ea7e712a2e036a4ee2bc3da40717d19bd9ba23dc45590fa7682a847ddde4501a299a57d179d1286f9099e02b0c27d5ac",
                "43911fd16235ff11324d8f5c1d9765dc:0ce39f2bd4660561840259478092c22b17d0e94f1b18f9a19317f1fe485f58b1462a94d1f4c4886fed87182b41aaa49e15d3a06562b903df9512e98d8bd50f2a",
                "s2:a7463d0db3ee94e4a2e1910ce85451d0:ced3304c6e1d72a0760d99f222824483c0484379b36b146ba785cc2dfe607a4ebb38345389a4710635076ef7604ebd8030746b82a567336a1dec27b74bf821f8",
                "a1b2c3d4e5f6g7h8:17898ee1c47e0b89eca9e2a2893af8943c7e433926732cb09f7f9dfff3bb0bca840bf459310cd3c618b61d9e0bf9da86319d8066b47e9c0cfd8ff2f2d0000fb4",
                "s2:a1b2c3d4e5f6g7h8:45d876efdfe378f4fb147f528ad63210bc0704d18ba74b9f54e4f6bd508932ac7470ec33e216ceef56bd1c657bf7ec5ed9f53db3ba0972017a1a419a0a7ef144",
            ],
        );
        let composed = "771c0ae8ef3c2434692af4eea34e4ccd:32c9f2ee31156d541b9cfa6be709c419416a02a7565fed223394cb3b3aefa8ac4c49782ed0dff5159526c2d3e7b568345ec9b5ebb95de8eb410874c5afea9bf9";
        for password in ["\u{fb01}re w\u{f6}rk", "fire wo\u{308}rk"] {
            assert_eq!(verify(composed, password), Verdict::RightButOutdated, "{password}");
        }
        assert_eq!(verify(composed, "fire work"), Verdict::Wrong);
    }

    /// Made by Python's hashlib, in the layout of ASP.NET Core Identity's `PasswordHasher`.
    #[test]
    fn hashes_of_asp_net_are_verified() {
        assert_verified(
            "pbkdf2-sha1",
            PASSWORD,
            &[
                "AOv2uLvZKfliixsCHLD4KXsVUAAw2OpJEMHnzDS3IwJK1NAqugZNyptj40cSOY9GvQ==",
                "AQAAAAAAAAPoAAAAEOv2uLvZKfliixsCHLD4KXsVUAAw2OpJEMHnzDS3IwJK1NAqugZNyptj40cSOY9GvQ==",
            ],
        );
        assert_verified(
            "pbkdf2-sha256",
            PASSWORD,
            &["AQAAAAEAAAPoAAAAEOv2uLvZKfliixsCHLD4KXvNeYv8GFN8ApXCzFOF5z9hrKF8Nc0oRtEcOCj2RpNZTg=="],
        );
        assert_verified(
            "pbkdf2-sha512",
            PASSWORD,
            &["AQAAAAIAAAPoAAAAEOv2uLvZKfliixsCHLD4KXu2rpkpqUZwWQ0TaBjp3C8ZgqJd695q3jHpFUDUZYY+Ag=="],
        );
    }

    #[test]
    fn what_they_may_cost_is_bounded() {
        let hex = "0".repeat(64);
        let asp = data_encoding::BASE64
            .encode(&[&[1, 0, 0, 0, 1, 255, 255, 255, 255, 0, 0, 0, 16][..], &[7; 48]].concat());
        for stored in [
            format!("scrypt:1048576:8:1$salt${hex}"),
            format!("scrypt:2147483648:4294967295:4294967295$salt${hex}"),
            format!("pbkdf2:sha256:10000001$salt${hex}"),
            "$P$z8Z13/P5ZFm.gAgVBpgvA6QperH5OK0".to_owned(),
            "$P$.8Z13/P5ZFm.gAgVBpgvA6QperH5OK0".to_owned(),
            format!("$6$rounds=999999999$salt${}", ".".repeat(86)),
            format!("$6$rounds=10$salt${}", ".".repeat(86)),
            format!("$wp$2y$31${}", ".".repeat(53)),
            format!("$bcrypt-sha256$v=2,t=2b,r=31${}${}", ".".repeat(22), ".".repeat(31)),
            format!("$firebase-scrypt$ln=30,r=8$c2FsdA${}", "A".repeat(86)),
            asp,
        ] {
            let error = recognise_hash(&stored).unwrap_err().to_string();
            assert!(error.contains("out of bounds"), "{stored} {error}");
        }
    }

    #[test]
    fn what_is_malformed_is_an_error() {
        let hex = "0".repeat(64);
        for stored in [
            format!("scrypt:1000:8:1$salt${hex}"),
            format!("scrypt:1024:8$salt${hex}"),
            "scrypt:1024:8:1$salt$xyz".to_owned(),
            "scrypt:1024:8:1$salt$".to_owned(),
            format!("pbkdf2:md5:1000$salt${hex}"),
            format!("pbkdf2:sha256$salt${hex}"),
            "$P$".to_owned(),
            "$P$B\u{e9}".to_owned(),
            "$P$BD7f/VeuBCQ.10joRxQG/SDqXMATNc".to_owned(),
            "$6$salt$short".to_owned(),
            format!("$6$saltsaltsaltsaltsalt${}", ".".repeat(86)),
            "{SSHA}AAAA".to_owned(),
            "{SSHA}!".to_owned(),
            "{SSHA256}TryrN8IlITUJ1mjOmfwkP5F8jwCvNQag".to_owned(),
            "$wp$2y$10$short".to_owned(),
            "$bcrypt-sha256$v=3,t=2b,r=4$UyiiY88XpE0o7udkIhS7HO$TGQ0CrNbcdX5UH/kbzQSmzWmTzlfK8O".to_owned(),
            "$firebase-scrypt$ln=14$c2FsdA$AAAA".to_owned(),
        ] {
            let error = recognise_hash(&stored).unwrap_err().to_string();
            assert!(error.contains("malformed"), "{stored} {error}");
        }
    }
}
