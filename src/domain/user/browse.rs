//! What the administration lists users by, and how many there are.

use crate::domain::user::account::named;
use crate::domain::{Code, Error, Result, Timestamp, UserView};

/// The largest number of users that is counted; above it, it is estimated.
pub const COUNTED: i64 = 10_000;

named! {
    /// A state that users are listed by.
    UserState {
        /// The sign-up is done, and a super-user has not decided yet.
        Waiting = "waiting",
        /// A super-user has rejected them.
        Rejected = "rejected",
        /// The sign-up is not confirmed.
        Unconfirmed = "unconfirmed",
        /// They are locked.
        Locked = "locked",
        /// They are super-users.
        SuperUser = "super-users",
    }
}

named! {
    /// The order of a list.
    UserOrder {
        /// By username.
        Name = "name",
        /// Who has signed up last comes first.
        Newest = "newest",
    }
}

/// What users are listed. What is None is no criterion; all others are joined by "and".
#[derive(Clone, Debug)]
pub struct UserBrowse {
    /// A part of the username or of the display name, in any case of letters.
    pub part: Option<String>,
    /// The whole email.
    pub email: Option<String>,
    /// The state.
    pub state: Option<UserState>,
    /// The id or name of a group that they are in.
    pub group: Option<String>,
    /// They have signed up at this time or later.
    pub signed_up_from: Option<Timestamp>,
    /// They have signed up before this time.
    pub signed_up_before: Option<Timestamp>,
    /// They have a session that began at this time or later. Sessions that are gone count for nothing.
    pub logged_in_from: Option<Timestamp>,
    /// In which order.
    pub order: UserOrder,
    /// Behind which place of an earlier page.
    pub after: Option<Place>,
    /// How many at most; None and below 1 are the configured number.
    pub limit: Option<i64>,
}

impl Default for UserBrowse {
    fn default() -> Self {
        Self {
            part: None,
            email: None,
            state: None,
            group: None,
            signed_up_from: None,
            signed_up_before: None,
            logged_in_from: None,
            order: UserOrder::Name,
            after: None,
            limit: None,
        }
    }
}

/// A place in a list: the last user before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// By name: the username.
    Name(String),
    /// By time: when the user signed up, and the id.
    Time(Timestamp, String),
}

impl Place {
    /// As it stands in addresses.
    #[must_use]
    pub fn to_text(&self) -> String {
        match self {
            Self::Name(name) => name.clone(),
            Self::Time(time, user_id) => format!("{} {user_id}", time.as_micros()),
        }
    }

    /// From that, in a list of this order.
    ///
    /// # Errors
    /// E008002 for what is no place of such a list.
    pub fn parse(order: UserOrder, text: &str) -> Result<Self> {
        let invalid = || Error::refused(Code::CommonInvalidInput, "after: no place of this list");
        if text.contains('\0') {
            return Err(invalid());
        }
        match order {
            UserOrder::Name => Ok(Self::Name(text.to_owned())),
            UserOrder::Newest => {
                let (micros, user_id) = text.split_once(' ').ok_or_else(invalid)?;
                let micros = micros.parse().map_err(|_| invalid())?;
                Ok(Self::Time(Timestamp::from_micros(micros), user_id.to_owned()))
            }
        }
    }
}

/// How many users there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserCount {
    /// So many.
    Exact(i64),
    /// About so many: an estimate, above [`COUNTED`].
    About(i64),
    /// More than so many.
    MoreThan(i64),
}

impl UserCount {
    /// An estimate as far as it says something: with two digits.
    #[must_use]
    pub fn about(estimate: i64) -> Self {
        let mut unit = 1_i64;
        while estimate / unit >= 100 {
            unit = unit.saturating_mul(10);
        }
        let rounded = estimate.saturating_add(unit / 2) / unit * unit;
        if rounded > COUNTED { Self::About(rounded) } else { Self::MoreThan(COUNTED) }
    }
}

/// A part of a list.
#[derive(Clone, Debug)]
pub struct UserPage {
    /// The users.
    pub users: Vec<UserView>,
    /// Where the next part begins, if there is one.
    pub next: Option<Place>,
    /// How many there are in the whole list.
    pub count: UserCount,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_as_it_was_written() {
        let by_name = Place::Name("ann lee".to_owned());
        assert_eq!(Place::parse(UserOrder::Name, &by_name.to_text()).unwrap(), by_name);
        let by_time = Place::Time(Timestamp::from_micros(-5), "zusr1".to_owned());
        assert_eq!(Place::parse(UserOrder::Newest, &by_time.to_text()).unwrap(), by_time);
        for wrong in ["", "zusr1", "x zusr1", "99999999999999999999 zusr1", "1 a\0"] {
            assert!(Place::parse(UserOrder::Newest, wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn an_estimate_has_two_digits_and_is_above_what_is_counted() {
        assert_eq!(UserCount::about(1_234_567), UserCount::About(1_200_000));
        assert_eq!(UserCount::about(999_999), UserCount::About(1_000_000));
        assert_eq!(UserCount::about(10_100), UserCount::MoreThan(COUNTED));
        assert_eq!(UserCount::about(-1), UserCount::MoreThan(COUNTED));
    }
}
