"""What calls are given that take many values at once."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["SearchCtx", "SignupCtx"]


@dataclass(kw_only=True)
class SearchCtx:
    """Whom `sso.user.search` looks for; what is None is no criterion.

    `user_id` wins over everything else, then `username`. All others are joined by "and", but for the names, which are
    joined by `name_op`.
    """

    user_id: str | None = None
    username: str | None = None
    email: str | None = None
    """The whole address; case does not matter."""

    display_name: str | None = None
    first_name: str | None = None
    middle_name: str | None = None
    last_name: str | None = None

    sign_up_status: str | None = None
    """One of `const.signup_status`."""

    approval_status: str | None = None
    """One of `const.approval_status`."""

    paginate: bool = True
    """Whether one page is wanted, not all users at once."""

    cur_page: int = 1
    """Which page; the first one is 1."""

    page_size: int | None = None
    """How many users a page holds; by default, and at most, what the configuration says."""

    name_op: str = "and"
    """One of `const.search.and_` and `const.search.or_`."""

    is_name_exact: bool = True
    """Whether names are whole ones; otherwise a part is enough. Case does not matter."""


@dataclass(kw_only=True)
class SignupCtx:
    """Who signs up by `sso.user.signup`."""

    username: str | None = None
    """The name to log in with."""

    email: str | None = None
    """Needed unless the configuration says otherwise."""

    password: str | bytes | None = field(default=None, repr=False)

    current_app: str | None = None
    """The application through which it is done; by default that of the call."""

    app_list: list[str] | None = None
    """The applications it is for; by default the one through which it is done."""

    sign_up_status: str = "before_confirmation"
    """What the account begins with: nothing else is accepted."""
