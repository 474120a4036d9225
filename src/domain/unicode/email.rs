//! Email addresses: the one rule for all that takes them, stores them and sends to them.

use idna::AsciiDenyList;
use idna::uts46::{DnsLength, Hyphens, Uts46};

use crate::domain::unicode::precis::{Class, class_of, may_stand_there};
use crate::domain::unicode::property::{is_mark, nfc};

/// The longest that mail servers must take (RFC 5321, section 4.5.3.1), in bytes.
const MAX_LENGTH: usize = 254;
/// The longest part before the @, in bytes.
const MAX_LOCAL_LENGTH: usize = 64;

/// What is wrong with an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvalidEmail {
    /// It is longer than mail servers take.
    TooLong,
    /// It has white space.
    HasWhitespace,
    /// It is none: what is said about it.
    Wrong(&'static str),
}

/// An email address as mail servers understand it (RFC 5321 and 6531): a dot-string, with letters of all languages, and a
/// domain name. No quoted strings, no address literals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmailAddress {
    text: String,
    at: usize,
    domain: String,
}

impl EmailAddress {
    /// From text, in normal form C.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, InvalidEmail> {
        let text = nfc(text);
        if text.chars().any(char::is_whitespace) {
            return Err(InvalidEmail::HasWhitespace);
        }
        let Some((local, domain)) = text.split_once('@') else { return Err(wrong("without an @")) };
        if domain.contains('@') {
            return Err(wrong("more than one @"));
        }
        if local.len() > MAX_LOCAL_LENGTH || text.len() > MAX_LENGTH {
            return Err(InvalidEmail::TooLong);
        }
        if !is_dot_string(local) {
            return Err(wrong("the part before the @ is no name of a mailbox"));
        }
        // The standard would leave out what is not seen, and take another width for the usual one.
        let is_seen = domain.chars().all(|character| {
            matches!(class_of(character), Class::Valid | Class::Contextual) || character == '。'
        });
        let domain = ascii_domain(domain).filter(|_| is_seen);
        let domain = domain.ok_or_else(|| wrong("the part after the @ is no name of a domain"))?;
        if local.len() + 1 + domain.len() > MAX_LENGTH {
            return Err(InvalidEmail::TooLong);
        }
        let at = local.len();
        Ok(Self { at, domain, text })
    }

    /// The address as it was given, in normal form C.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The part before the @.
    #[must_use]
    pub fn local(&self) -> &str {
        self.text.get(..self.at).unwrap_or_default()
    }

    /// The domain as name servers, and mail servers without SMTPUTF8, know it.
    #[must_use]
    pub fn ascii_domain(&self) -> &str {
        &self.domain
    }
}

const fn wrong(why: &'static str) -> InvalidEmail {
    InvalidEmail::Wrong(why)
}

/// Name and address of a sender: `SSO <sso@example.com>`, `"SSO, Ltd." <sso@example.com>`, or the address alone.
#[must_use]
pub fn split_sender(text: &str) -> (Option<&str>, &str) {
    let text = text.trim();
    let parts = text.strip_suffix('>').and_then(|text| text.rsplit_once('<'));
    let Some((name, address)) = parts else { return (None, text) };
    let name = name.trim();
    let name = name.strip_prefix('"').and_then(|name| name.strip_suffix('"')).unwrap_or(name);
    (Some(name).filter(|name| !name.is_empty()), address.trim())
}

/// The form in which addresses are compared: without white space around it, in lower case and normal form C, the domain as
/// name servers know it. Anything else than an address has one too, so that what was stored earlier is found.
#[must_use]
pub fn canonical_email(text: &str) -> String {
    let lower = nfc(&nfc(text.trim()).to_lowercase());
    match lower.rsplit_once('@') {
        Some((local, domain)) if !domain.is_ascii() => match ascii_domain(domain) {
            Some(domain) => format!("{local}@{domain}"),
            None => lower,
        },
        _ => lower,
    }
}

/// The name of a domain in ASCII (UTS 46). None for what is no such name: an empty label, one with a hyphen at an end, an
/// address of a host.
fn ascii_domain(domain: &str) -> Option<String> {
    let checks = (AsciiDenyList::STD3, Hyphens::CheckFirstLast, DnsLength::Verify);
    let ascii = Uts46::new().to_ascii(domain.as_bytes(), checks.0, checks.1, checks.2).ok()?;
    let is_number =
        ascii.rsplit('.').next().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()));
    (!is_number).then(|| ascii.into_owned())
}

/// Atoms, with a dot between each two (RFC 5321, section 4.1.2; RFC 6531, section 3.3).
fn is_dot_string(local: &str) -> bool {
    let characters: Vec<char> = local.chars().collect();
    let is_allowed = |(at, character): (usize, &char)| match character {
        '.' => true,
        character if character.is_ascii() => {
            character.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(*character)
        }
        character => match class_of(*character) {
            Class::Valid => true,
            Class::Contextual => may_stand_there(&characters, at),
            Class::Free | Class::Disallowed | Class::Unassigned => false,
        },
    };
    let begins_well = |atom: &str| atom.chars().next().is_some_and(|first| !is_mark(first));
    local.split('.').all(begins_well) && characters.iter().enumerate().all(is_allowed)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn addresses_are_told_from_what_is_none() {
        for text in [
            "ann@example.com",
            "Ann.Lee+sso@Example.co.uk",
            "o'brien@example.com",
            "a@b",
            "jürgen@example.com",
            "jürgen@bücher.example",
            "李@例え.テスト",
            "用户@example.com",
            "ann@xn--bcher-kva.example",
            "a@r3---sn.example.com",
            "!#$%&'*+-/=?^_`{|}~@example.com",
        ] {
            assert!(EmailAddress::parse(text).is_ok(), "{text}: {:?}", EmailAddress::parse(text));
        }
        for text in [
            "",
            "@",
            "ann",
            "notanemail",
            "@example.com",
            "ann@",
            "a@x,b@x",
            "a@x,b",
            "a,b@x",
            "a;b@x",
            "a@@x",
            "a@x@y",
            "a@x..y",
            "a@.x",
            "a@x.",
            "a..b@x",
            ".a@x",
            "a.@x",
            "<a@x>",
            "Ann<a@x>",
            "a(b)@x",
            "a@-x.com",
            "a@x-.com",
            "a@x_y.com",
            "a@x:25",
            "a@[127.0.0.1]",
            "a@127.0.0.1",
            "a@[IPv6:::1]",
            "\"a b\"@x",
            "\"ab\"@x",
            "a\\b@x",
            "a\0@x",
            "a\r\nBcc:b@x",
            "a\u{200b}@x",
            "\u{202e}a@x",
            "a@ex\u{ad}ample.com",
            "a@ex\u{200b}ample.com",
            "\u{ff41}nn@example.com",
            "a\u{ff20}b@x",
            "ann\u{ff20}example.com",
            "a☃@x",
            "\u{301}a@x",
            "a@xn--zzzzzzz-.com",
        ] {
            assert!(EmailAddress::parse(text).is_err(), "{text:?}");
        }
        let long = |local: usize, label: usize| format!("{}@{}.com", "a".repeat(local), "b".repeat(label));
        assert!(EmailAddress::parse(&long(64, 63)).is_ok());
        assert_eq!(EmailAddress::parse(&long(65, 5)), Err(InvalidEmail::TooLong));
        assert!(EmailAddress::parse(&long(5, 64)).is_err());
        assert_eq!(EmailAddress::parse("a b@x"), Err(InvalidEmail::HasWhitespace));
    }

    #[test]
    fn one_domain_has_one_form_to_compare() {
        let forms = ["ann@bücher.example", "Ann@BU\u{308}CHER.example", " ann@xn--bcher-kva.EXAMPLE "];
        for form in forms {
            assert_eq!(canonical_email(form), "ann@xn--bcher-kva.example");
        }
        assert_eq!(canonical_email("JOSÉ@Example.COM\n"), "josé@example.com");
        assert_eq!(canonical_email("jose\u{301}@example.com"), canonical_email("josé@example.com"));
        assert_eq!(canonical_email("NotAnEmail"), "notanemail");
        let address = EmailAddress::parse("Ju\u{308}rgen@bücher.example").unwrap();
        assert_eq!((address.as_str(), address.local()), ("Jürgen@bücher.example", "Jürgen"));
        assert_eq!(address.ascii_domain(), "xn--bcher-kva.example");
    }

    proptest! {
        #[test]
        fn nothing_that_is_an_address_can_be_two_or_leave_its_line(text in "\\PC{0,30}@\\PC{0,30}") {
            if let Ok(address) = EmailAddress::parse(&text) {
                let sent = format!("{}@{}", address.local(), address.ascii_domain());
                prop_assert!(!sent.chars().any(|c| c.is_control() || c.is_whitespace() || "<>,;:\"()[]\\".contains(c)));
                prop_assert_eq!(sent.matches('@').count(), 1);
                prop_assert_eq!(EmailAddress::parse(address.as_str()), Ok(address.clone()));
                prop_assert_eq!(canonical_email(&sent), canonical_email(&text));
            }
        }

        #[test]
        fn the_form_to_compare_is_its_own(text in "\\PC{0,20}(@\\PC{0,20})?") {
            let canonical = canonical_email(&text);
            prop_assert_eq!(canonical_email(&canonical), canonical.clone());
            prop_assert_eq!(canonical_email(&nfc(&text)), canonical);
        }
    }
}
