//! JOSE: JSON Web Keys (RFC 7517, RFC 7638, RFC 8037) and signed JSON Web Tokens (RFC 7515, RFC 7519), for all that makes or
//! reads them. ring computes; docs/decisions/063-jose.md has why there is no crate between.
//!
//! What is read is bounded in size and strict (RFC 8725): the algorithm is that of the key and never one that the token
//! chooses, none and unknown extensions are refused, and so is a member that stands twice where it is looked at.

pub mod claims;
pub mod jwk;
pub mod jws;
pub mod linked;
pub mod signing_key;
