//! What is wrong with a request of a client, by the names that OAuth 2 and OpenID Connect have for it.

use crate::domain::user::account::named;
use crate::domain::{Code, Error};

named! {
    /// A name for what is wrong (RFC 6749, sections 4.1.2.1 and 5.2; OpenID Connect Core, section 3.1.2.6).
    OAuthError {
        /// A parameter is missing, stands twice, or has a value that it cannot have.
        InvalidRequest = "invalid_request",
        /// The client did not prove who it is.
        InvalidClient = "invalid_client",
        /// The code, refresh token or device code is not good, not good any more, or another client's.
        InvalidGrant = "invalid_grant",
        /// The client may not do this.
        UnauthorizedClient = "unauthorized_client",
        /// The token endpoint knows no such grant.
        UnsupportedGrantType = "unsupported_grant_type",
        /// There is no such response type.
        UnsupportedResponseType = "unsupported_response_type",
        /// The client may not ask for this scope.
        InvalidScope = "invalid_scope",
        /// The client may not have tokens for this audience (RFC 8707).
        InvalidTarget = "invalid_target",
        /// The user said no.
        AccessDenied = "access_denied",
        /// The user would have to sign in, and nothing may be shown.
        LoginRequired = "login_required",
        /// The user would have to consent, and nothing may be shown.
        ConsentRequired = "consent_required",
        /// The user would have to choose, and nothing may be shown.
        AccountSelectionRequired = "account_selection_required",
        /// The user cannot sign in in the way that is essential (OpenID Connect Core Unmet Authentication Requirements).
        UnmetAuthenticationRequirements = "unmet_authentication_requirements",
        /// Request objects are not taken.
        RequestNotSupported = "request_not_supported",
        /// Only what was pushed is taken by its URI.
        RequestUriNotSupported = "request_uri_not_supported",
        /// Nothing was pushed by this URI, or it was used before.
        InvalidRequestUri = "invalid_request_uri",
        /// The access token is not good (RFC 6750).
        InvalidToken = "invalid_token",
        /// The access token is good, but not for this (RFC 6750).
        InsufficientScope = "insufficient_scope",
        /// The user has not answered yet (RFC 8628).
        AuthorizationPending = "authorization_pending",
        /// The same, and the client asks too often (RFC 8628).
        SlowDown = "slow_down",
        /// The user did not answer in time (RFC 8628).
        ExpiredToken = "expired_token",
        /// The proof of possession is not good (RFC 9449).
        InvalidDpopProof = "invalid_dpop_proof",
        /// The same, because it needs a nonce that the answer has (RFC 9449, section 8).
        UseDpopNonce = "use_dpop_nonce",
        /// A software statement or a setting of a client is not acceptable (RFC 7591).
        InvalidClientMetadata = "invalid_client_metadata",
        /// A redirect URI is not acceptable (RFC 7591).
        InvalidRedirectUri = "invalid_redirect_uri",
        /// The server is busy, or cannot reach what it needs.
        TemporarilyUnavailable = "temporarily_unavailable",
        /// Our fault.
        ServerError = "server_error",
    }
}

impl OAuthError {
    /// A refusal by this name, and what would be right, in words.
    pub fn because(self, description: impl std::fmt::Display) -> Error {
        Error::refused(Code::ClientRequestRefused, format!("{}: {description}", self.as_str()))
    }

    /// The name and the words of a refusal, if it is one of these.
    #[must_use]
    pub fn of(error: &Error) -> Option<(Self, &str)> {
        match error {
            Error::Refused { code: Code::ClientRequestRefused, detail } => {
                let (name, description) = detail.as_deref()?.split_once(": ")?;
                Some((Self::parse(name)?, description))
            }
            Error::Refused { .. }
            | Error::RateLimited { .. }
            | Error::Overloaded(_)
            | Error::Unavailable(_)
            | Error::Internal(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_its_name_and_why() {
        let error = OAuthError::InvalidGrant.because("the code: used before");
        assert_eq!(OAuthError::of(&error), Some((OAuthError::InvalidGrant, "the code: used before")));
        assert_eq!(OAuthError::of(&Code::ClientInvalid.into()), None);
        assert_eq!(OAuthError::of(&Error::refused(Code::ClientInvalid, "invalid_grant: x")), None);
    }
}
