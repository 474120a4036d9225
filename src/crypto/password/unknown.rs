//! What a hash that cannot be verified is called, so that a report says which one it was.

use crate::domain::Error;

/// The error for a hash of an unknown scheme. It says the name of the scheme, if the hash has one, and nothing else of it.
pub fn unknown(stored: &str) -> Error {
    match name_of(stored) {
        Some(name) => Error::internal(format!("a stored password hash is of an unknown scheme: {name}")),
        None => Error::internal("a stored password hash is of an unknown scheme"),
    }
}

fn name_of(stored: &str) -> Option<String> {
    if let Some((name, _)) = stored.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
        return is_name(name).then(|| format!("{{{name}}}"));
    }
    let known = match stored {
        _ if stored.starts_with("$1$") => "md5-crypt ($1$)",
        _ if stored.starts_with("$apr1$") => "md5-crypt of Apache ($apr1$)",
        _ if stored.starts_with("$2x$") || stored.starts_with("$2$") => "an early bcrypt ($2$ or $2x$)",
        _ if stored.starts_with("$3$") => "NT hash ($3$)",
        _ if stored.starts_with("$7$") => "scrypt of crypt(3) ($7$)",
        _ if stored.starts_with("$y$") || stored.starts_with("$gy$") => "yescrypt ($y$)",
        _ if stored.starts_with("SCRAM-SHA-256$") => "SCRAM-SHA-256 of PostgreSQL",
        _ if is_hexadecimal(stored.strip_prefix("md5"), &[32]) => "MD5 of PostgreSQL",
        _ if is_hexadecimal(stored.strip_prefix('*'), &[40]) => "SHA-1 of MySQL",
        _ if is_hexadecimal(Some(stored), &[32]) => "MD5 or an NT hash, in hexadecimal",
        _ if is_hexadecimal(Some(stored), &[40]) => "SHA-1, in hexadecimal",
        _ if is_hexadecimal(Some(stored), &[64]) => "SHA-256, in hexadecimal",
        _ if is_hexadecimal(Some(stored), &[96, 128]) => "SHA-384 or SHA-512, in hexadecimal",
        _ => return named_by_itself(stored),
    };
    Some(known.to_owned())
}

/// `$name$…$…` or `name$…$…`. What is short may be a password in clear, of which nothing is said.
fn named_by_itself(stored: &str) -> Option<String> {
    const SHORTEST: usize = 24;
    let is_bare = !stored.starts_with('$');
    let (name, rest) = stored.strip_prefix('$').unwrap_or(stored).split_once('$')?;
    let is_hash = stored.len() >= SHORTEST && rest.contains('$');
    let sign = if is_bare { "" } else { "$" };
    (is_known_name(name) || is_name(name) && is_hash).then(|| format!("{sign}{name}$"))
}

/// Whether a name is that of a hash function, by how it begins: a password in clear is none.
pub fn is_known_name(name: &str) -> bool {
    const ROOTS: [&str; 9] =
        ["md5", "sha", "pbkdf2", "scrypt", "bcrypt", "argon2", "crypt", "unsalted", "hmac"];
    is_name(name) && ROOTS.iter().any(|root| name.to_ascii_lowercase().starts_with(root))
}

fn is_name(name: &str) -> bool {
    const LONGEST: usize = 32;
    let is_in_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:@/+,= ".contains(&byte);
    (1..=LONGEST).contains(&name.len()) && name.bytes().all(is_in_name)
}

fn is_hexadecimal(text: Option<&str>, lengths: &[usize]) -> bool {
    text.is_some_and(|text| {
        lengths.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_hashes_are_called_by_their_names() {
        let hash = "0123456789abcdef0123456789abcdef";
        let cases = [
            ("{MD5}PLTnMmMfR+brlh80VUt83g==", "{MD5}"),
            ("{SMD5}Bur3zEbrpze3U+z79EdxR68VohQ=", "{SMD5}"),
            ("{SHA}L55TUjtiq8FBorTWAZ0jy6g129A=", "{SHA}"),
            ("{noop}hunter2", "{noop}"),
            ("{pbkdf2@SpringSecurity_v5_8}00ff", "{pbkdf2@SpringSecurity_v5_8}"),
            ("{pbkdf2}00ff", "{pbkdf2}"),
            ("$1$o1zx/hrO$gsf3CS.nFZiXJMZlGwErs0", "md5-crypt ($1$)"),
            ("$apr1$o1zx/hrO$gsf3CS.nFZiXJMZlGwErs0", "md5-crypt of Apache ($apr1$)"),
            ("$y$j9T$F5Jx5fExrKuPp53xLKQ..1$X3DX6M94c7o", "yescrypt ($y$)"),
            ("md5$IvSQKKSSYQ62$0dc66ea0492af8e04082249936a7b40c", "md5$"),
            ("sha1$M3ThBRlFFdn4$4ac1b6dae9abc4276faf2d8378ea6cc786e7f97e", "sha1$"),
            ("sha256$rSSsGSPm$0dc66ea0492af8e04082249936a7b40c", "sha256$"),
            ("$pbkdf2-sha3-512$1000$c2FsdA$AAAA", "$pbkdf2-sha3-512$"),
            ("$whirlpool$c2FsdHNhbHQ$AAAAAAAAAAAA", "$whirlpool$"),
            (hash, "MD5 or an NT hash, in hexadecimal"),
            (&hash.repeat(4), "SHA-384 or SHA-512, in hexadecimal"),
            (&format!("*{hash}01234567"), "SHA-1 of MySQL"),
        ];
        for (stored, name) in cases {
            let said = unknown(stored).to_string();
            assert!(
                said.ends_with(&format!("a stored password hash is of an unknown scheme: {name}")),
                "{said}"
            );
        }
        for secret in ["hunter2", "$hunter2$x", "hunter2$x$y", "{hunter2", "", "$", "$$", "$hunter\n2$x$"] {
            let said = unknown(secret).to_string();
            assert!(said.ends_with("unknown scheme"), "{said}");
        }
    }
}
