//! Passkeys (Web Authentication, level 3): what a browser answers, read and verified. Signatures are checked by `ring`, CBOR and
//! keys are read by `coset`. No I/O: which challenge is expected, and which credential, is for others to know.

pub mod authenticator;
pub mod ceremony;
pub mod client_data;
pub mod key;
pub mod refusal;
pub mod response;

#[cfg(test)]
mod tests;
