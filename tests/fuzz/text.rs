//! Short texts with a grammar of their own: hashes, tokens, parameters, limits, addresses.

use serde_json::json;
use zato_sso::config::Loader;
use zato_sso::crypto::jose::jwk::{Jwk, PublicKey};
use zato_sso::crypto::jose::jws::Jws;
use zato_sso::crypto::jose::linked::Jwt;
use zato_sso::crypto::{recognise_hash, recovery_code, totp};
use zato_sso::domain::{AuthorizationRequest, Parameters, RateLimits, RemoteAddr, Timestamp};

use super::{run, text, texts};

#[test]
fn password_hashes() {
    let seeds = [
        "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g",
        "$pbkdf2-sha512$1212$RHY0Fr3IDMSVO/RSZyb5ow$eNLfBK.eVozomMr.1gYa17k9B7KIK25NOEshvhrSX.esqY3s",
        "pbkdf2_sha256$260000$salt$c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2U=",
        "$2b$12$EXRkfkdmXn2gzds2SSitu.MW9.gAVqa9eLS1//RYtYCmB1eLHg.9q",
        "scrypt:32768:8:1$abcdefgh$00112233",
        "$6$rounds=5000$salt$abc./",
        "{SSHA}teysqyvPWApd23CGxYfV6bSKJhRmDCFk",
        "$P$BabcdefghijklmnopqrstuvwxyzABCD",
    ];
    let words = ["$", "rounds=", "m=4294967295", "t=0", "{CRYPT}", "sha256", "=="];
    run("password_hashes", texts(&seeds), &words, |input| recognise_hash(&text(input)).ok());
}

#[test]
fn signed_tokens() {
    let part = |json: &str| data_encoding::BASE64URL_NOPAD.encode(json.as_bytes());
    let token =
        |header: &str, claims: &str| format!("{}.{}.{}", part(header), part(claims), part("signature"));
    let seeds = [
        token(r#"{"alg":"HS256","typ":"JWT"}"#, r#"{"sub":"api","exp":1772020800,"aud":["a"]}"#),
        token(r#"{"alg":"RS256","kid":"k","typ":"at+jwt"}"#, r#"{"sub":"api","exp":1.5e9,"nbf":0}"#),
        token(r#"{"alg":"none","crit":["x"]}"#, "{}"),
    ];
    let seeds = seeds.iter().map(|seed| seed.as_bytes().to_vec()).collect();
    run("signed_tokens", seeds, &["eyJhbGciOiJub25lIn0", ".", "e30"], |input| {
        let text = text(input);
        let linked = Jwt::parse(&text).map(|jwt| jwt.is_signed_with(&[1; 32]));
        let jws = Jws::parse(&text);
        (
            linked,
            jws.map(|jws| (jws.all_claims().map(|claims| claims.len()), jws.is_authenticated_with(&[1; 32]))),
        )
    });
}

#[test]
fn public_keys_as_json() {
    let seeds = texts(&[
        r#"{"keys":[{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0","kid":"1"}]}"#,
        r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
        r#"{"kty":"RSA","n":"sXchDaQebHnPiGvyDOAT4saGEUetSyo9MKLOoWFsueri23bOdgWp4Dy1WlUzewbgBHod5pcM9H95GQRV3JDXboIRROSBigeC5yjU1hGzHHyXss8UDprecbAYxknTcQkhslANGRUZmdTOQ5qTRsLAt6BTYuyvVRdhS8exSZEy_c4gs_7svlJJQ4H9_NxsiIoLwAEk7-Q3UXERGYw_75IDrGA84-lA_-Ct4eTlXHBIY2EaV7t7LjJaynVJCpkv4LKjTTAumiGUIuQhrNhZLuF_RJLqHpM2kgWFLU7-VTdL1VbC2tejvcI2BlMkEpk1BzBZI0KQB0GaDWFLN-aEAw3vRw","e":"AQAB"}"#,
    ]);
    run("public_keys_as_json", seeds, &["kty", "EC", "RSA", "P-384", "use", "AQAB"], |input| {
        let text = text(input);
        (PublicKey::parse(&text).is_some(), Jwk::parse_set(&text).map(|keys| keys.len()).ok())
    });
}

#[test]
fn parameters_of_oauth() {
    let seeds = texts(&[
        "response_type=code&client_id=web&redirect_uri=https%3A%2F%2Fa.test%2Fcb&scope=openid+email&state=s&nonce=n&\
         code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256&prompt=login+consent&max_age=10",
        "client_id=a&claims=%7B%22userinfo%22%3A%7B%22email%22%3A%7B%22essential%22%3Atrue%7D%7D%7D&response_mode=form_post",
    ]);
    let words =
        ["&", "=", "%", "%ff", "+", "max_age=-1", "prompt=none", "request_uri=urn:", "resource=", "claims="];
    run("parameters_of_oauth", seeds, &words, |input| {
        let parameters = Parameters::read(input).map_err(|error| error.code())?;
        let left = parameters.encoded_without(&["state"]).is_empty();
        AuthorizationRequest::read(&parameters, true).map(|_| left).map_err(|error| error.code())
    });
}

#[test]
fn rate_limits() {
    let seeds = texts(&["*=100/m", "10.0.0.0/8=5/s\n*=10/h", "::1/128 = 1/d", "a=0/x"]);
    let words = ["/s", "/m", "/h", "=", "*", "0.0.0.0/0", "/129", "\n", "99999999999999999999"];
    run("rate_limits", seeds, &words, |input| {
        let read = RateLimits::parse(&text(input)).map_err(drop)?;
        Ok::<_, ()>(read.matching(&RemoteAddr::from("10.0.0.1")).is_some())
    });
}

#[test]
fn addresses() {
    let seeds = texts(&["10.0.0.1, ::1", "[2001:db8::1]:443,unknown", "::ffff:10.0.0.1", "10.0.0.1:65536"]);
    run("addresses", seeds, &[",", "[", "]:", "::", "unknown", "_hidden"], |input| {
        RemoteAddr::from(&*text(input)).ips().map(|ip| ip.map(|ip| ip.is_ipv6())).take(8).collect::<Vec<_>>()
    });
}

#[test]
fn lists_of_addresses_in_the_configuration() {
    let seeds = texts(&["10.0.0.0/8,192.168.1.1", "*", "2001:db8::/32", ""]);
    run("lists_of_addresses", seeds, &["/", "*", ",", "::", "/33"], |input| {
        let list: Vec<String> = text(input).split(',').map(str::to_owned).collect();
        Loader::new().arguments(json!({"user_address_list": {"ann": list}})).load().is_ok()
    });
}

#[test]
fn codes_and_times() {
    let seeds = texts(&[
        "ABCD-EFGH-JKMN-PQRS",
        "otpauth://totp/a:b?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=a",
        "GEZDGNBVGY3TQOJQ",
        "2026-02-25T15:51:52.123456+01:00",
        "2026-02-25 15:51 UTC",
    ]);
    run("codes_and_times", seeds, &["secret=", "otpauth://", "-", "T", "Z", "+14:00", "99"], |input| {
        let text = text(input);
        let code = recovery_code::normalise(&text).is_some();
        (code, totp::validate_key(&text).is_ok(), Timestamp::parse(&text).is_some())
    });
}
