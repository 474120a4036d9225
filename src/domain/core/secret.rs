//! Secrets: types that do not print, do not serialise, and are wiped when dropped.

use secrecy::{ExposeSecret, SecretString};

macro_rules! secret {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $name(SecretString);

        impl $name {
            /// The secret itself, for the moment it is needed.
            #[must_use]
            pub fn expose(&self) -> &str {
                self.0.expose_secret()
            }

            /// Whether it is the empty string.
            #[must_use]
            pub fn is_empty(&self) -> bool {
                self.expose().is_empty()
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(SecretString::from(text))
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(SecretString::from(text))
            }
        }
    };
}

secret! {
    /// A password in clear, on its way to be hashed or compared. Also other short secrets that people type: TOTP codes and keys.
    Password
}
secret! {
    /// A user session token in clear: the bearer secret that a client keeps. Only its digest is ever stored.
    Ust
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_do_not_print() {
        assert!(!format!("{:?}", Password::from("hunter2")).contains("hunter2"));
        assert!(!format!("{:?}", Ust::from("zust-hunter2")).contains("hunter2"));
    }
}
