"""Names for values in arguments and results."""

from __future__ import annotations

# As in `errors`.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final
else:
    Final = object

__all__ = ["approval_status", "auth_type", "search", "signup_status"]


class signup_status:
    """The progress of a sign-up: `User.sign_up_status`."""

    before_confirmation: Final = "before_confirmation"
    """Signed up; the confirmation token was not used yet."""

    to_approve: Final = "to_approve"
    """Confirmed; a super-user has to approve it."""

    final: Final = "final"
    """Confirmed, or created by a super-user or from the command line."""


class approval_status:
    """The decision of a super-user about a user: `User.approval_status`."""

    before_decision: Final = "before_decision"
    """No decision yet."""

    approved: Final = "approved"
    """The user may log in."""

    rejected: Final = "rejected"
    """The user may not log in."""


class search:
    """Values for the search of users: `SearchCtx`."""

    and_: Final = "and"
    """`name_op`: all given names must match."""

    or_: Final = "or"
    """`name_op`: at least one of the given names must match."""

    page_size: Final = 50
    """The number of users on a page, unless the call or the configuration sets it."""


class auth_type:
    """The kind of login that opened a session: `Session.auth_type`."""

    default: Final = "default"
    """A username and a password."""

    basic_auth: Final = "basic_auth"
    """A linked Basic Auth definition."""

    jwt: Final = "jwt"
    """A linked JWT definition."""
