//! An authorization request: what a client wants to know, and how its user is to be asked.

use serde_json::{Map, Value};

use crate::domain::user::account::named;
use crate::domain::{OAuthError, Result};

/// How many parameters are read, and how long they may be together.
const MAX_PARAMETERS: usize = 100;
const MAX_LENGTH: usize = 65_536;

/// The longest `state` and `nonce`.
const MAX_ECHO: usize = 4_096;

/// The longest `claims`.
const MAX_CLAIMS: usize = 8_192;

/// Parameters of a request, by name, in their order. An empty one was not sent (RFC 6749, section 3.1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// From pairs of names and values.
    ///
    /// # Errors
    /// `invalid_request` where there are too many.
    pub fn new(pairs: impl IntoIterator<Item = (String, String)>) -> Result<Self> {
        let mut read = Vec::new();
        let mut length = 0;
        for (name, value) in pairs {
            length += name.len() + value.len();
            if read.len() >= MAX_PARAMETERS || length > MAX_LENGTH {
                return Err(OAuthError::InvalidRequest.because("there are too many parameters"));
            }
            if value.contains('\0') || name.contains('\0') {
                return Err(OAuthError::InvalidRequest.because("a parameter has a zero byte in it"));
            }
            if !value.is_empty() {
                read.push((name, value));
            }
        }
        Ok(Self(read))
    }

    /// From a query string or a form.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn read(encoded: &[u8]) -> Result<Self> {
        let pairs = url::form_urlencoded::parse(encoded);
        Self::new(pairs.map(|(name, value)| (name.into_owned(), value.into_owned())))
    }

    /// The first of this name.
    #[must_use]
    pub fn first(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The one of this name.
    ///
    /// # Errors
    /// `invalid_request` where there are several.
    pub fn one(&self, name: &str) -> Result<Option<&str>> {
        let mut found = self.0.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str());
        match (found.next(), found.next()) {
            (value, None) => Ok(value),
            (_, Some(_)) => Err(OAuthError::InvalidRequest.because(format!("{name} stands there twice"))),
        }
    }

    /// The one of this name, which has to be there.
    ///
    /// # Errors
    /// `invalid_request` where there is none, or several.
    pub fn needed(&self, name: &str) -> Result<&str> {
        self.one(name)?.ok_or_else(|| OAuthError::InvalidRequest.because(format!("{name} is missing")))
    }

    /// All of this name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The same as a query string, without these.
    #[must_use]
    pub fn encoded_without(&self, names: &[&str]) -> String {
        let kept = self.0.iter().filter(|(name, _)| !names.contains(&name.as_str()));
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(kept).finish()
    }
}

named! {
    /// How an answer comes back (OAuth 2.0 Multiple Response Type Encoding Practices; Form Post Response Mode).
    ResponseMode {
        /// Behind the ? of the redirect URI.
        Query = "query",
        /// Behind its #.
        Fragment = "fragment",
        /// In a form that the browser sends there.
        FormPost = "form_post",
    }
}

/// What the client wants shown, whatever the server would do by itself (OpenID Connect Core, section 3.1.2.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Prompts {
    /// Nothing at all.
    pub none: bool,
    /// The sign-in page.
    pub login: bool,
    /// The consent page.
    pub consent: bool,
    /// A choice of accounts.
    pub select_account: bool,
    /// The sign-up page (Initiating User Registration 1.0).
    pub create: bool,
}

impl Prompts {
    fn read(text: Option<&str>) -> Result<Self> {
        let mut prompts = Self::default();
        for word in text.unwrap_or_default().split(' ').filter(|word| !word.is_empty()) {
            *match word {
                "none" => &mut prompts.none,
                "login" => &mut prompts.login,
                "consent" => &mut prompts.consent,
                "select_account" => &mut prompts.select_account,
                "create" => &mut prompts.create,
                _ => {
                    let known = "prompt has to be of none, login, consent, select_account and create";
                    return Err(OAuthError::InvalidRequest.because(format!("{known}, not {}", shown(word))));
                }
            } = true;
        }
        let more = prompts.login || prompts.consent || prompts.select_account || prompts.create;
        if prompts.none && more {
            return Err(OAuthError::InvalidRequest.because("prompt has none and something else"));
        }
        Ok(prompts)
    }
}

/// What the client wants to know beyond scopes (OpenID Connect Core, section 5.5). What stands beside a claim's name says what it
/// is to be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClaimsRequest {
    /// In the ID token.
    pub id_token: Map<String, Value>,
    /// From the userinfo endpoint.
    pub userinfo: Map<String, Value>,
}

impl ClaimsRequest {
    /// From JSON.
    ///
    /// # Errors
    /// `invalid_request` for anything else.
    pub fn read(text: &str) -> Result<Self> {
        let wrong = || {
            OAuthError::InvalidRequest
                .because("claims has to be a JSON object with the members id_token and userinfo")
        };
        if text.len() > MAX_CLAIMS {
            return Err(
                OAuthError::InvalidRequest.because(format!("claims is longer than {MAX_CLAIMS} bytes"))
            );
        }
        let Ok(Value::Object(mut members)) = serde_json::from_str::<Value>(text) else { return Err(wrong()) };
        let mut take = |name: &str| match members.remove(name) {
            None | Some(Value::Null) => Ok(Map::new()),
            Some(Value::Object(claims)) => Ok(claims),
            Some(_) => Err(wrong()),
        };
        Ok(Self { id_token: take("id_token")?, userinfo: take("userinfo")? })
    }

    /// The values of a claim of the ID token that are essential: a sign-in that has none of them is of no use.
    #[must_use]
    pub fn essential(&self, name: &str) -> Option<Vec<&str>> {
        let wanted = self.id_token.get(name)?;
        if wanted.get("essential") != Some(&Value::Bool(true)) {
            return None;
        }
        let one = wanted.get("value").into_iter();
        let several = wanted.get("values").and_then(Value::as_array).into_iter().flatten();
        Some(one.chain(several).filter_map(Value::as_str).collect())
    }
}

/// An authorization request of a client that is known, with a redirect URI that is its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of the parameters")]
pub struct AuthorizationRequest {
    pub scopes: Vec<String>,
    /// Those of them that the client may not have.
    pub ignored_scopes: Vec<String>,
    pub nonce: Option<String>,
    pub code_challenge: Option<String>,
    pub prompts: Prompts,
    /// In seconds.
    pub max_age: Option<i64>,
    pub login_hint: Option<String>,
    pub id_token_hint: Option<String>,
    pub acr_values: Vec<String>,
    pub ui_locales: Option<String>,
    /// As it was sent, if that can be read.
    pub claims: Option<String>,
    pub claims_request: ClaimsRequest,
    pub resources: Vec<String>,
    /// Of the key that the code is bound to (RFC 9449, section 10).
    pub dpop_jkt: Option<String>,
}

/// The beginning of what somebody sent, for a message.
#[must_use]
pub fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(100).collect()
}

fn words(text: Option<&str>) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in text.unwrap_or_default().split(' ').filter(|word| !word.is_empty()) {
        if !words.iter().any(|known| known == word) {
            words.push(word.to_owned());
        }
    }
    words
}

fn echo(parameters: &Parameters, name: &str) -> Result<Option<String>> {
    let text = parameters.one(name)?;
    if text.is_some_and(|text| text.len() > MAX_ECHO) {
        return Err(OAuthError::InvalidRequest.because(format!("{name} is longer than {MAX_ECHO} bytes")));
    }
    Ok(text.map(str::to_owned))
}

impl AuthorizationRequest {
    /// Reads what stands beside client and redirect URI.
    ///
    /// # Errors
    /// What is wrong, as the client is told.
    pub fn read(parameters: &Parameters, needs_pkce: bool) -> Result<Self> {
        if parameters.first("request").is_some() {
            let why = "request objects are not supported: send the parameters as they are, or push them";
            return Err(OAuthError::RequestNotSupported.because(why));
        }
        match parameters.needed("response_type")? {
            "code" => {}
            other => {
                let why = format!("response_type has to be code, not {}", shown(other));
                return Err(OAuthError::UnsupportedResponseType.because(why));
            }
        }
        let max_age = match parameters.one("max_age")? {
            None => None,
            Some(text) => Some(text.parse().ok().filter(|seconds| *seconds >= 0).ok_or_else(|| {
                let why = format!("max_age has to be a number of seconds, 0 or more, not {}", shown(text));
                OAuthError::InvalidRequest.because(why)
            })?),
        };
        let claims = parameters.one("claims")?;
        let claims_request = claims.map(ClaimsRequest::read).transpose()?.unwrap_or_default();
        Ok(Self {
            scopes: words(parameters.one("scope")?),
            ignored_scopes: Vec::new(),
            nonce: echo(parameters, "nonce")?,
            code_challenge: challenge(parameters, needs_pkce)?,
            prompts: Prompts::read(parameters.one("prompt")?)?,
            max_age,
            login_hint: parameters.one("login_hint")?.map(str::to_owned),
            id_token_hint: parameters.one("id_token_hint")?.map(str::to_owned),
            acr_values: words(parameters.one("acr_values")?),
            ui_locales: parameters.one("ui_locales")?.map(str::to_owned),
            claims: claims.map(str::to_owned),
            claims_request,
            resources: parameters.all("resource").map(str::to_owned).collect(),
            dpop_jkt: thumbprint(parameters)?,
        })
    }

    /// Whether it asks for this scope.
    #[must_use]
    pub fn has_scope(&self, scope: &str) -> bool {
        self.scopes.iter().any(|asked| asked == scope)
    }
}

/// A thumbprint by SHA-256, in base64url (RFC 7638).
fn thumbprint(parameters: &Parameters) -> Result<Option<String>> {
    let given = parameters.one("dpop_jkt")?;
    if given.is_some_and(|text| !is_digest(text)) {
        let why = "dpop_jkt has to be the thumbprint of a key by SHA-256 in base64url, 43 characters";
        return Err(OAuthError::InvalidRequest.because(why));
    }
    Ok(given.map(str::to_owned))
}

/// Whether it can be a SHA-256 in base64url.
fn is_digest(text: &str) -> bool {
    text.len() == 43 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

/// The challenge of PKCE (RFC 7636): SHA-256 of the verifier, in base64url.
fn challenge(parameters: &Parameters, is_needed: bool) -> Result<Option<String>> {
    let method = parameters.one("code_challenge_method")?;
    let Some(challenge) = parameters.one("code_challenge")? else {
        return match (is_needed, method) {
            (false, None) => Ok(None),
            _ => Err(OAuthError::InvalidRequest
                .because("code_challenge is missing: PKCE with code_challenge_method=S256 is required")),
        };
    };
    if method != Some("S256") {
        let given = method.map_or_else(|| "plain, which is meant if there is none".to_owned(), shown);
        let why = format!("code_challenge_method has to be S256, not {given}");
        return Err(OAuthError::InvalidRequest.because(why));
    }
    if !is_digest(challenge) {
        let length = challenge.len();
        let why = format!(
            "code_challenge has to be the SHA-256 of the verifier in base64url, 43 characters, and has {length}"
        );
        return Err(OAuthError::InvalidRequest.because(why));
    }
    Ok(Some(challenge.to_owned()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(query: &str) -> Result<AuthorizationRequest> {
        AuthorizationRequest::read(&Parameters::read(query.as_bytes()).unwrap(), true)
    }

    #[track_caller]
    fn refused(query: &str) -> (OAuthError, String) {
        let error = read(query).unwrap_err();
        let (name, why) = OAuthError::of(&error).unwrap();
        (name, why.to_owned())
    }

    const PKCE: &str = "response_type=code&code_challenge_method=S256&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    #[test]
    fn a_request_is_read_and_what_is_wrong_is_said() {
        let request =
            read(&format!("{PKCE}&scope=openid+email++openid&nonce=n&max_age=0&prompt=login+consent"));
        let request = request.unwrap();
        assert_eq!(request.scopes, ["openid", "email"]);
        assert_eq!((request.nonce.as_deref(), request.max_age), (Some("n"), Some(0)));
        assert!(request.prompts.login && request.prompts.consent && !request.prompts.none);
        for (query, name, part) in [
            ("", OAuthError::InvalidRequest, "response_type is missing"),
            ("response_type=token", OAuthError::UnsupportedResponseType, "code"),
            ("response_type=code", OAuthError::InvalidRequest, "PKCE"),
            ("response_type=code&code_challenge=abc", OAuthError::InvalidRequest, "S256"),
            (
                "response_type=code&code_challenge=abc&code_challenge_method=plain",
                OAuthError::InvalidRequest,
                "S256",
            ),
            (
                "response_type=code&code_challenge=abc&code_challenge_method=S256",
                OAuthError::InvalidRequest,
                "43",
            ),
            (&format!("{PKCE}&request=x"), OAuthError::RequestNotSupported, "push"),
            (&format!("{PKCE}&prompt=none+login"), OAuthError::InvalidRequest, "none"),
            (&format!("{PKCE}&prompt=x"), OAuthError::InvalidRequest, "select_account"),
            (&format!("{PKCE}&max_age=-1"), OAuthError::InvalidRequest, "seconds"),
            (&format!("{PKCE}&max_age=x"), OAuthError::InvalidRequest, "seconds"),
            (&format!("{PKCE}&nonce=a&nonce=b"), OAuthError::InvalidRequest, "twice"),
            (&format!("{PKCE}&claims=[]"), OAuthError::InvalidRequest, "JSON"),
            (&format!("{PKCE}&nonce={}", "n".repeat(4_097)), OAuthError::InvalidRequest, "longer"),
        ] {
            let (found, why) = refused(query);
            assert_eq!(found, name, "{query}");
            assert!(why.contains(part), "{query}: {why}");
        }
    }

    #[test]
    fn an_empty_parameter_was_not_sent_and_too_many_are_refused() {
        assert_eq!(Parameters::read(b"a=&a=1").unwrap().one("a").unwrap(), Some("1"));
        assert!(Parameters::read("a=1&".repeat(101).as_bytes()).is_err());
        assert!(Parameters::read(format!("a={}", "x".repeat(70_000)).as_bytes()).is_err());
        assert!(Parameters::read(b"a=%00").is_err());
        let parameters = Parameters::read(b"a=1&b=2&a=3").unwrap();
        assert_eq!(parameters.encoded_without(&["b"]), "a=1&a=3");
    }

    #[test]
    fn essential_values_are_found() {
        let claims =
            r#"{"id_token":{"acr":{"essential":true,"values":["a","b"]},"auth_time":null},"userinfo":null}"#;
        let claims = ClaimsRequest::read(claims).unwrap();
        assert_eq!(claims.essential("acr"), Some(vec!["a", "b"]));
        assert_eq!(claims.essential("auth_time"), None);
        assert!(claims.userinfo.is_empty());
    }

    /// A value that somebody may send: what is right, what is nearly right, and anything else.
    fn value() -> impl Strategy<Value = String> {
        prop_oneof![
            "\\PC{0,60}",
            "[a-z_ ]{0,40}",
            prop::sample::select(vec![
                "code",
                "S256",
                "plain",
                "none",
                "login consent",
                "openid email",
                "{}",
                "[]",
                "0",
                "-1",
                "9223372036854775808",
                "{\"id_token\":{\"acr\":{\"essential\":true,\"values\":[1,null]}}}",
                "\u{0}"
            ])
            .prop_map(str::to_owned),
        ]
    }

    proptest! {
        /// Whatever comes, it is read or refused by a name that clients know; and what was read is written as it was.
        #[test]
        fn any_parameters_are_read_or_refused(pairs in prop::collection::vec((prop::sample::select(vec![
            "response_type", "scope", "nonce", "code_challenge", "code_challenge_method", "prompt", "max_age", "claims", "request",
            "resource", "dpop_jkt", "acr_values", "login_hint", "x",
        ]), value()), 0..12)) {
            let pairs = pairs.into_iter().map(|(name, value)| (name.to_owned(), value));
            if let Ok(parameters) = Parameters::new(pairs) {
                let again = Parameters::read(parameters.encoded_without(&[]).as_bytes()).unwrap();
                prop_assert_eq!(&again, &parameters);
                match AuthorizationRequest::read(&parameters, true) {
                    Ok(request) => prop_assert!(request.code_challenge.is_some()),
                    Err(error) => prop_assert!(OAuthError::of(&error).is_some()),
                }
            }
        }

        #[test]
        fn any_bytes_are_parameters_or_none(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(parameters) = Parameters::read(&bytes) {
                let again = Parameters::read(parameters.encoded_without(&[]).as_bytes()).unwrap();
                prop_assert_eq!(again, parameters);
            }
        }
    }
}
