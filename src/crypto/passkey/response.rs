//! What a browser answers, as the method `toJSON()` of its credential writes it (section 5.1).

use data_encoding::BASE64URL_NOPAD;
use serde::Deserialize;

use crate::crypto::passkey::authenticator::MAX_CREDENTIAL_ID;
use crate::crypto::passkey::client_data::ClientData;
use crate::crypto::passkey::refusal::Refusal;

/// The longest answer that is read, in bytes.
pub const MAX_RESPONSE: usize = 65_536;

/// How many ways to reach an authenticator are kept, and how long their names may be.
const MAX_TRANSPORTS: (usize, usize) = (8, 20);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Credential<T> {
    id: String,
    r#type: String,
    response: T,
    #[serde(default)]
    client_extension_results: Option<ExtensionResults>,
}

/// Of extensions (section 10), what is asked for.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ExtensionResults {
    #[serde(default)]
    cred_props: Option<CredentialProperties>,
}

#[derive(Deserialize)]
struct CredentialProperties {
    #[serde(default)]
    rk: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Attestation {
    #[serde(rename = "clientDataJSON")]
    client_data: String,
    attestation_object: String,
    #[serde(default)]
    transports: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Assertion {
    #[serde(rename = "clientDataJSON")]
    client_data: String,
    authenticator_data: String,
    signature: String,
    #[serde(default)]
    user_handle: Option<String>,
}

/// The answer to a registration.
#[derive(Clone, Debug)]
pub struct RegistrationResponse {
    /// The id that the credential says it has.
    pub credential_id: Vec<u8>,
    /// What the browser says.
    pub client_data: ClientData,
    /// What the authenticator says, CBOR.
    pub attestation_object: Vec<u8>,
    /// How the authenticator can be reached, such as `internal`, `hybrid` and `usb`.
    pub transports: Vec<String>,
    /// Whether the authenticator finds it without being told its id; None where the browser does not say (section 10.1.3).
    pub is_discoverable: Option<bool>,
}

/// The answer to a login.
#[derive(Clone, Debug)]
pub struct LoginResponse {
    /// The id of the credential.
    pub credential_id: Vec<u8>,
    /// What the browser says.
    pub client_data: ClientData,
    /// What the authenticator says.
    pub authenticator_data: Vec<u8>,
    /// What it has signed that with.
    pub signature: Vec<u8>,
    /// Whose the credential is, where the authenticator knows.
    pub user_handle: Option<Vec<u8>>,
}

impl RegistrationResponse {
    /// Reads one.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(json: &str) -> Result<Self, Refusal> {
        let credential: Credential<Attestation> = credential(json)?;
        let transports = known_transports(credential.response.transports.unwrap_or_default());
        let properties = credential.client_extension_results.and_then(|results| results.cred_props);
        Ok(Self {
            credential_id: credential_id(&credential.id)?,
            client_data: ClientData::read(&decoded(&credential.response.client_data)?)?,
            attestation_object: decoded(&credential.response.attestation_object)?,
            transports,
            is_discoverable: properties.and_then(|properties| properties.rk),
        })
    }
}

impl LoginResponse {
    /// Reads one.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(json: &str) -> Result<Self, Refusal> {
        let credential: Credential<Assertion> = credential(json)?;
        // Some write an empty one where there is none.
        let user_handle = credential.response.user_handle.filter(|handle| !handle.is_empty());
        Ok(Self {
            credential_id: credential_id(&credential.id)?,
            client_data: ClientData::read(&decoded(&credential.response.client_data)?)?,
            authenticator_data: decoded(&credential.response.authenticator_data)?,
            signature: decoded(&credential.response.signature)?,
            user_handle: user_handle.map(|handle| decoded(&handle)).transpose()?,
        })
    }
}

fn credential<'a, T: Deserialize<'a>>(json: &'a str) -> Result<Credential<T>, Refusal> {
    if json.len() > MAX_RESPONSE {
        return Err(Refusal::NotACredential);
    }
    let credential: Credential<T> = serde_json::from_str(json).map_err(|_| Refusal::NotACredential)?;
    if credential.r#type == "public-key" { Ok(credential) } else { Err(Refusal::NotACredential) }
}

fn credential_id(text: &str) -> Result<Vec<u8>, Refusal> {
    let id = decoded(text)?;
    if id.is_empty() || id.len() > MAX_CREDENTIAL_ID { Err(Refusal::CredentialId) } else { Ok(id) }
}

/// Browsers write no padding; programs that are not browsers may.
fn decoded(text: &str) -> Result<Vec<u8>, Refusal> {
    BASE64URL_NOPAD.decode(text.trim_end_matches('=').as_bytes()).map_err(|_| Refusal::NotACredential)
}

/// Those that can be ways to reach an authenticator, each once, in order.
#[must_use]
pub fn known_transports(mut transports: Vec<String>) -> Vec<String> {
    transports.retain(|name| is_transport(name));
    transports.sort_unstable();
    transports.dedup();
    transports.truncate(MAX_TRANSPORTS.0);
    transports
}

fn is_transport(name: &str) -> bool {
    let is_plain = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
    is_plain && !name.is_empty() && name.len() <= MAX_TRANSPORTS.1
}
