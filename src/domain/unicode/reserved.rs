//! Names and addresses that configuration keeps from people who sign up.

use crate::domain::unicode::look_alike::{looks, skeleton};
use crate::domain::unicode::property::{is_ignorable, nfkc};

/// Whether a username is one of these words: in any case of letters, any width and style, with characters that are not seen
/// or with letters that look like those of the word. A word inside a longer name is none.
#[must_use]
pub fn is_reserved_name(username: &str, words: &[String]) -> bool {
    let seen = without_ignorables(username);
    let folded = seen.to_lowercase();
    let looks = looks(&seen);
    words.iter().any(|word| {
        let word = without_ignorables(word.trim()).to_lowercase();
        word == folded || looks.contains(&skeleton(&word))
    })
}

/// Whether an address is one of these, in any case of letters: `ann@example.com` is that address, `example.com` and
/// `@example.com` are all addresses of that domain and of those below it, and any other word is what stands before the @.
#[must_use]
pub fn is_rejected_email(email: &str, rejected: &[String]) -> bool {
    let email = nfkc(email.trim()).to_lowercase();
    let Some((local, domain)) = email.rsplit_once('@') else { return false };
    rejected.iter().any(|item| {
        let item = nfkc(item.trim()).to_lowercase();
        match item.split_once('@') {
            Some(("", host)) => is_in_domain(domain, host),
            Some(_) => item == email,
            None if item.contains('.') => is_in_domain(domain, &item),
            None => item == local,
        }
    })
}

fn is_in_domain(domain: &str, parent: &str) -> bool {
    domain.strip_suffix(parent).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

fn without_ignorables(text: &str) -> String {
    nfkc(&nfkc(text).chars().filter(|character| !is_ignorable(*character)).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn a_reserved_word_is_refused_however_it_is_written() {
        let words = list(&["zato", "Admin", "root", "system", "sso"]);
        for name in [
            "admin",
            "ADMIN",
            "\u{ff41}dmin",
            "\u{1d41a}dmin",
            "ad\u{200b}min",
            "\u{202e}admin",
            "a\u{ad}dmin",
            "\u{430}dmin",
            "adm\u{456}n",
            "\u{391}dmin",
            "r\u{3bf}\u{3bf}t",
            "r00t",
            "RO\u{41e}T",
            "\u{405}\u{405}\u{41e}",
        ] {
            assert!(is_reserved_name(name, &words), "{name:?}");
        }
    }

    #[test]
    fn a_reserved_word_inside_a_name_is_no_reason() {
        let words = list(&["zato", "admin", "root", "system", "sso"]);
        for name in [
            "russo",
            "grootendorst",
            "badminton",
            "my-admin-1",
            "lazato",
            "ecosystems",
            "espresso",
            "r\u{f6}\u{f6}t",
        ] {
            assert!(!is_reserved_name(name, &words), "{name:?}");
        }
    }

    #[test]
    fn an_address_a_domain_or_a_mailbox_is_refused() {
        let rejected = list(&["ann@example.com", "Example.org", "@example.net", "postmaster"]);
        for email in [
            "Ann@Example.com",
            "bob@example.org",
            "bob@mail.example.org",
            "bob@example.net",
            "bob@a.EXAMPLE.net",
            "Postmaster@x.com",
        ] {
            assert!(is_rejected_email(email, &rejected), "{email}");
        }
        for email in [
            "anna@example.com",
            "bob@myexample.org",
            "bob@example.org.uk",
            "postmaster2@x.com",
            "russo@example.com",
        ] {
            assert!(!is_rejected_email(email, &rejected), "{email}");
        }
    }
}
