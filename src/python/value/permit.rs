//! The actor of a call that both super-users and trusted callers in the same process make.

use crate::domain::{UserId, Ust};
use crate::ops::Actor;
use crate::python::value::convert::UstArgument;

/// A session, or the process itself. A required token that is missing is rejected like a wrong one.
pub(in crate::python) fn actor(
    current_ust: Option<UstArgument>,
    require_super_user: bool,
    current_user: Option<&str>,
) -> Actor {
    if require_super_user {
        Actor::Session(current_ust.map_or_else(|| Ust::from(""), |ust| ust.0))
    } else {
        Actor::Trusted(current_user.and_then(UserId::parse))
    }
}
