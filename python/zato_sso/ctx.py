"""Arguments of calls that take many values."""

from __future__ import annotations

from dataclasses import dataclass, field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["AuditSearchCtx", "SearchCtx", "SignupCtx"]


@dataclass(kw_only=True)
class SearchCtx:
    """The criteria of `sso.user.search`. A value of None is no criterion.

    If `user_id` is given, the others are ignored; otherwise, if `username` is given and `is_name_exact` is True, the
    rest is. All other criteria are combined with "and", except names, which are combined with `name_op`.
    """

    user_id: str | None = None
    username: str | None = None
    email: str | None = None
    """The complete address; case does not matter."""

    display_name: str | None = None
    first_name: str | None = None
    middle_name: str | None = None
    last_name: str | None = None

    sign_up_status: str | None = None
    """One of `const.signup_status`."""

    approval_status: str | None = None
    """One of `const.approval_status`."""

    group: str | None = None
    """The id or name of a group that they are in."""

    paginate: bool = True
    """True to return one page, False to return all users."""

    cur_page: int = 1
    """The number of the page, from 1."""

    page_size: int | None = None
    """The number of users on a page; by default, and at most, the configured one."""

    name_op: str = "and"
    """One of `const.search.and_` and `const.search.or_`."""

    is_name_exact: bool = True
    """True if a name and the username must match completely, False if a part is enough. Case matters in a complete
    username only."""


@dataclass(kw_only=True)
class SignupCtx:
    """The details of a sign-up, for `sso.user.signup`."""

    username: str | None = None
    """The name for logins."""

    email: str | None = None
    """The email address. Needed unless the configuration says otherwise."""

    password: str | bytes | None = field(default=None, repr=False)

    current_app: str | None = None
    """The application through which the user signs up; by default that of the call."""

    app_list: list[str] | None = None
    """The applications that the user signs up for; by default `current_app`."""

    sign_up_status: str = "before_confirmation"
    """The first status of the account. No other value is accepted."""

    display_name: str | None = None
    """By default the other three names, joined."""

    first_name: str | None = None
    middle_name: str | None = None
    last_name: str | None = None


@dataclass(kw_only=True)
class AuditSearchCtx:
    """The criteria of `sso.audit.search`: all that are given have to be met. A value of None is no criterion."""

    time_from: datetime | None = None
    """From this time on; one without a timezone is UTC."""

    time_before: datetime | None = None
    """Before this time."""

    op: str | None = None
    """The operation, such as `user.login`."""

    result: str | None = None
    """`ok`, a status code such as `E005001`, or `refused` for all but `ok`."""

    user_id: str | None = None
    """The user who acted, or to whom it was done; also one who is deleted."""

    cid: str | None = None
    """The correlation ID of a call."""

    remote_addr: str | None = None
    """The address that the call came from, as the entry has it."""

    after: str | None = None
    """Where to go on: `next` of the page before."""

    limit: int | None = None
    """How many entries at most: 50 by default, 1,000 at most."""
