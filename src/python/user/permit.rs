//! On what authority a call is made that a session or a trusted caller makes.

use crate::domain::{self, UserId};
use crate::ops::Authority;
use crate::python::value::convert::UstArgument;

/// On what authority a call is made that only super-users make.
pub(in crate::python) enum Permit {
    Ust(domain::Ust),
    Trusted(Option<UserId>),
}

impl Permit {
    /// A token that is required and not given is refused like a wrong one.
    pub fn new(
        current_ust: Option<UstArgument>,
        require_super_user: bool,
        current_user: Option<&str>,
    ) -> Self {
        if require_super_user {
            Self::Ust(current_ust.map_or_else(|| domain::Ust::from(""), |ust| ust.0))
        } else {
            Self::Trusted(current_user.and_then(UserId::parse))
        }
    }

    pub const fn authority(&self) -> Authority<'_> {
        match self {
            Self::Ust(ust) => Authority::Ust(ust),
            Self::Trusted(current_user) => Authority::Trusted(current_user.as_ref()),
        }
    }
}
