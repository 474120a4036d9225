//! How a client has proved who it is: in one way, and not in several (RFC 6749, section 2.3).

use axum::http::header;
use axum::http::request::Parts;
use data_encoding::BASE64;

use crate::domain::{OAuthError, Parameters, Password, Result};
use crate::ops::ClientCredential;

/// The longest header that is read.
const MAX_LENGTH: usize = 8_192;

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// What a request has in its header and its form.
///
/// # Errors
/// `invalid_client` without any, `invalid_request` for what cannot be read or is there in several ways.
pub(super) fn credentials(parts: &Parts, parameters: &Parameters) -> Result<ClientCredential> {
    let by_header = basic(parts)?;
    let client_id = parameters.one("client_id")?;
    let secret = parameters.one("client_secret")?;
    let assertion = parameters.one("client_assertion")?;
    let ways =
        usize::from(by_header.is_some()) + usize::from(secret.is_some()) + usize::from(assertion.is_some());
    if ways > 1 {
        let why = "the client proves who it is in several ways: the header Authorization, client_secret and \
                   client_assertion exclude each other";
        return Err(OAuthError::InvalidRequest.because(why));
    }
    if let Some((id, secret)) = by_header {
        if client_id.is_some_and(|given| given != id) {
            let why = "client_id is another one in the header Authorization than in the form";
            return Err(OAuthError::InvalidRequest.because(why));
        }
        return Ok(ClientCredential::Basic(id, secret));
    }
    if let Some(assertion) = assertion {
        if parameters.one("client_assertion_type")? != Some(ASSERTION_TYPE) {
            let why = format!("client_assertion_type has to be {ASSERTION_TYPE}");
            return Err(OAuthError::InvalidRequest.because(why));
        }
        return Ok(ClientCredential::Assertion(Password::from(assertion), client_id.map(str::to_owned)));
    }
    match (client_id, secret) {
        (Some(id), Some(secret)) => Ok(ClientCredential::Post(id.to_owned(), Password::from(secret))),
        (Some(id), None) => Ok(ClientCredential::Id(id.to_owned())),
        (None, _) => {
            let why = "no client authentication: send client_id, and what the client is registered with";
            Err(OAuthError::InvalidClient.because(why))
        }
    }
}

/// The proof of possession that came along: one, or none (RFC 9449, section 4.3).
///
/// # Errors
/// `invalid_dpop_proof` for several.
pub(super) fn proof(parts: &Parts) -> Result<Option<&str>> {
    let mut given = parts.headers.get_all("dpop").iter();
    match (given.next(), given.next()) {
        (None, _) => Ok(None),
        (Some(one), None) => Ok(Some(one.to_str().unwrap_or_default())),
        (Some(_), Some(_)) => {
            Err(OAuthError::InvalidDpopProof.because("the header DPoP stands there several times"))
        }
    }
}

/// Both are encoded as in a form before they are encoded in base64 (RFC 6749, section 2.3.1).
fn basic(parts: &Parts) -> Result<Option<(String, Password)>> {
    let Some(value) = parts.headers.get(header::AUTHORIZATION) else { return Ok(None) };
    let wrong = || {
        OAuthError::InvalidClient
            .because("the header Authorization has to be Basic, with client_id and client_secret")
    };
    let (scheme, encoded) = value.to_str().ok().and_then(|value| value.split_once(' ')).ok_or_else(wrong)?;
    if !scheme.eq_ignore_ascii_case("Basic") || encoded.len() > MAX_LENGTH {
        return Err(wrong());
    }
    let decoded =
        BASE64.decode(encoded.trim().as_bytes()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let decoded = decoded.ok_or_else(wrong)?;
    let (id, secret) = decoded.split_once(':').ok_or_else(wrong)?;
    Ok(Some((unencoded(id), Password::from(unencoded(secret)))))
}

/// From the form in which applications send it: a plus is a space, %XX a byte. What was not encoded stays as it is.
fn unencoded(text: &str) -> String {
    let spaced = text.replace('+', " ");
    match percent_encoding::percent_decode_str(&spaced).decode_utf8() {
        Ok(decoded) => decoded.into_owned(),
        Err(_) => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    fn read(header: Option<&str>, form: &str) -> std::result::Result<String, String> {
        let mut request = Request::builder();
        if let Some(header) = header {
            request = request.header("authorization", header);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        match credentials(&parts, &Parameters::read(form.as_bytes()).unwrap()) {
            Ok(ClientCredential::Id(id)) => Ok(format!("id {id}")),
            Ok(ClientCredential::Basic(id, secret)) => Ok(format!("basic {id} {}", secret.expose())),
            Ok(ClientCredential::Post(id, secret)) => Ok(format!("post {id} {}", secret.expose())),
            Ok(ClientCredential::Assertion(token, id)) => Ok(format!("jwt {} {id:?}", token.expose())),
            Err(error) => Err(OAuthError::of(&error).unwrap().0.as_str().to_owned()),
        }
    }

    fn basic(text: &str) -> String {
        format!("Basic {}", BASE64.encode(text.as_bytes()))
    }

    #[test]
    fn a_client_proves_who_it_is_in_one_way() {
        let refused = |name: &str| Err(name.to_owned());
        let ok = |text: &str| Ok(text.to_owned());
        let jwt = format!("client_assertion=a.b.c&client_assertion_type={ASSERTION_TYPE}");
        for (header, form, expected) in [
            (Some(basic("a:b")), "", ok("basic a b")),
            (Some(basic("a:b%3Ac%2B+d")), "client_id=a", ok("basic a b:c+ d")),
            (Some(basic("a:b")), "client_id=c", refused("invalid_request")),
            (Some(basic("a:b")), "client_id=a&client_secret=b", refused("invalid_request")),
            (Some("Bearer x".to_owned()), "client_id=a", refused("invalid_client")),
            (Some("Basic !".to_owned()), "", refused("invalid_client")),
            (None, "client_id=a&client_secret=b", ok("post a b")),
            (None, "client_id=a", ok("id a")),
            (None, "client_id=a&client_id=b", refused("invalid_request")),
            (None, "", refused("invalid_client")),
            (None, &jwt, ok("jwt a.b.c None")),
            (None, "client_assertion=a.b.c", refused("invalid_request")),
        ] {
            assert_eq!(read(header.as_deref(), form), expected, "{header:?} {form}");
        }
    }
}
