//! Why an answer of an authenticator is not accepted.

/// Why an answer of an authenticator is not accepted: for the audit, and for who registers a passkey.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is not what a browser makes of a credential.
    #[error("the answer is not a credential as browsers write it")]
    NotACredential,
    /// The client data are not readable.
    #[error("the client data are malformed")]
    ClientData,
    /// It belongs to the other kind of ceremony.
    #[error("the answer is of another kind of ceremony")]
    Kind,
    /// It was made for another web site.
    #[error("the origin is not one of passkey.origins")]
    Origin,
    /// It was made in a frame of another web site.
    #[error("the answer was made in a frame of another site")]
    CrossOrigin,
    /// The authenticator data are not readable.
    #[error("the authenticator data are malformed")]
    AuthenticatorData,
    /// It was made for another RP ID.
    #[error("the authenticator has answered for another passkey.rp_id")]
    RpId,
    /// Nobody was there.
    #[error("the authenticator has not seen the user")]
    UserNotPresent,
    /// The authenticator does not say who was there.
    #[error("the authenticator has not verified the user")]
    UserNotVerified,
    /// The attestation object is not readable.
    #[error("the attestation object is malformed")]
    Attestation,
    /// The attestation of the credential by itself is wrong.
    #[error("the attestation of the credential by itself is wrong")]
    SelfAttestation,
    /// The id of the credential is longer than any may be, or not the one that was verified.
    #[error("the id of the credential is wrong")]
    CredentialId,
    /// The key is not readable.
    #[error("the public key is malformed")]
    Key,
    /// The key is of an algorithm that was not offered.
    #[error("the algorithm of the key was not offered")]
    Algorithm,
    /// The signature is wrong.
    #[error("the signature is wrong")]
    Signature,
}
