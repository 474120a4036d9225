//! What the header `Authorization` says: a session's token, or a linked definition.

use axum::http::{HeaderMap, header};
use data_encoding::BASE64;

use crate::crypto::jose::jws;
use crate::domain::Password;
use crate::ops::ExternalCredential;

/// The longest credentials of Basic Auth, in base64.
const MAX_BASIC_LENGTH: usize = 8192;

/// Who acts, by the header.
#[derive(Debug)]
pub(in crate::http) enum Authorization {
    /// A user session token.
    Ust(Password),
    /// A linked definition.
    External(ExternalCredential),
}

impl Authorization {
    /// Reads the header; None if there is none, or it is of another scheme. Credentials that cannot be read are wrong
    /// ones, not a bad request.
    pub fn read(headers: &HeaderMap) -> Option<Self> {
        let value = headers.get(header::AUTHORIZATION)?.as_bytes();
        let position = value.iter().position(|byte| *byte == b' ')?;
        let (scheme, rest) = value.split_at(position);
        let rest = rest.trim_ascii();
        if scheme.eq_ignore_ascii_case(b"Basic") {
            let (username, secret) = basic(rest).unwrap_or_default();
            let secret = Password::from(secret);
            return Some(Self::External(ExternalCredential::Basic { username, secret }));
        }
        if !scheme.eq_ignore_ascii_case(b"Bearer") {
            return None;
        }
        let token = std::str::from_utf8(rest).ok()?;
        let secret = Password::from(token);
        Some(if jws::has_shape(token) {
            Self::External(ExternalCredential::Jwt(secret))
        } else {
            Self::Ust(secret)
        })
    }
}

/// The username and the secret of Basic authentication; wrong ones if they cannot be read, None if there are none.
pub(in crate::http) fn basic_credentials(headers: &HeaderMap) -> Option<(String, Password)> {
    match Authorization::read(headers)? {
        Authorization::External(ExternalCredential::Basic { username, secret }) => Some((username, secret)),
        Authorization::External(ExternalCredential::Jwt(_)) | Authorization::Ust(_) => None,
    }
}

/// Username and secret of `Authorization: Basic` (RFC 7617): the first colon is between them.
fn basic(encoded: &[u8]) -> Option<(String, String)> {
    if encoded.len() > MAX_BASIC_LENGTH {
        return None;
    }
    let text = String::from_utf8(BASE64.decode(encoded).ok()?).ok()?;
    let (username, secret) = text.split_once(':')?;
    Some((username.to_owned(), secret.to_owned()))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn read(value: &[u8]) -> Option<Authorization> {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, HeaderValue::from_bytes(value).unwrap());
        Authorization::read(&headers)
    }

    /// How it was read, secrets and all.
    fn told(value: &[u8]) -> String {
        match read(value) {
            None => "nothing".to_owned(),
            Some(Authorization::Ust(ust)) => format!("ust {}", ust.expose()),
            Some(Authorization::External(ExternalCredential::Jwt(token))) => {
                format!("jwt {}", token.expose())
            }
            Some(Authorization::External(ExternalCredential::Basic { username, secret })) => {
                format!("basic {username} {}", secret.expose())
            }
        }
    }

    fn encoded(plain: &[u8]) -> Vec<u8> {
        format!("Basic {}", BASE64.encode(plain)).into_bytes()
    }

    #[test]
    fn a_bearer_is_a_session_unless_it_has_the_shape_of_a_jwt() {
        for (value, expected) in [
            ("Bearer zust-_1", "ust zust-_1"),
            ("bearer  zust1 ", "ust zust1"),
            ("BEARER a.b.c", "jwt a.b.c"),
            ("Bearer a.b", "ust a.b"),
            ("Bearer a..c", "ust a..c"),
            ("Bearer a.b.c.d", "ust a.b.c.d"),
            ("Bearer a.b.c=", "ust a.b.c="),
            ("Bearer ", "ust "),
            ("Bearer", "nothing"),
            ("zust1", "nothing"),
            ("Digest username=\"a\"", "nothing"),
            ("", "nothing"),
        ] {
            assert_eq!(told(value.as_bytes()), expected, "{value:?}");
        }
        assert_eq!(told(b"Bearer \xff"), "nothing");
    }

    #[test]
    fn basic_is_username_and_secret_or_wrong() {
        // RFC 7617, sections 2 and 2.1.
        assert_eq!(told(b"Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="), "basic Aladdin open sesame");
        assert_eq!(told(b"basic  dGVzdDoxMjPCow== "), "basic test 123\u{a3}");
        assert_eq!(told(&encoded(b"a:b:c")), "basic a b:c");
        assert_eq!(told(&encoded(b":")), "basic  ");
        for wrong in [
            encoded(b"no colon"),
            encoded(b"a:\xff"),
            encoded(b""),
            b"Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ".to_vec(),
            b"Basic QWxh ZGRpbg==".to_vec(),
            b"Basic !!!!".to_vec(),
            b"Basic \xff\xff\xff\xff".to_vec(),
            b"Basic ".to_vec(),
            encoded(&[b"a:".as_slice(), &vec![b'x'; 10_000]].concat()),
        ] {
            assert_eq!(told(&wrong), "basic  ", "{wrong:?}");
        }
        assert_eq!(
            told(&encoded(&[b"a:".as_slice(), &vec![b'x'; 6_000]].concat())).len(),
            "basic a ".len() + 6_000
        );
    }

    #[test]
    fn secrets_do_not_print() {
        for value in [encoded(b"a:hunter2"), b"Bearer hunter2".to_vec(), b"Bearer hunter2.b.c".to_vec()] {
            assert!(!format!("{:?}", read(&value)).contains("hunter2"));
        }
    }

    proptest! {
        #[test]
        fn what_was_encoded_is_read(username in "[^:\\x00]{0,20}", secret in "\\PC{0,40}") {
            let both = format!("{username}:{secret}");
            prop_assert_eq!(told(&encoded(both.as_bytes())), format!("basic {username} {secret}"));
        }

        #[test]
        fn any_value_is_read_or_not(value in "(Basic|Bearer|)[ -~]{0,60}") {
            let _ = read(value.as_bytes());
        }
    }
}
