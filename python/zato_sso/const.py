"""Values that arguments and results are made of, by name."""

from typing import Final

__all__ = ["approval_status", "auth_type", "search", "signup_status"]


class signup_status:
    """How far a user's sign-up has come: `User.sign_up_status`."""

    before_confirmation: Final = "before_confirmation"
    """Signed up, and the confirmation token was not used yet."""

    to_approve: Final = "to_approve"
    """Confirmed, and waiting for a super-user's approval."""

    final: Final = "final"
    """Confirmed, or created by a super-user or from the command line."""


class approval_status:
    """What the super-users decided about a user: `User.approval_status`."""

    before_decision: Final = "before_decision"
    """Nothing yet."""

    approved: Final = "approved"
    """The user may log in."""

    rejected: Final = "rejected"
    """The user may not log in."""


class search:
    """What a search of users can be told: `SearchCtx`."""

    and_: Final = "and"
    """`name_op`: every name that is given has to match."""

    or_: Final = "or"
    """`name_op`: one of the names that are given has to match."""

    page_size: Final = 50
    """How many users a page holds when neither the call nor the configuration says."""


class auth_type:
    """What a session was opened with: `Session.auth_type`."""

    default: Final = "default"
    """A username and a password."""

    basic_auth: Final = "basic_auth"
    """A linked Basic Auth definition."""

    jwt: Final = "jwt"
    """A linked JWT definition."""
