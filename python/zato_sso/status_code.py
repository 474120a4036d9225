"""Status and sub-status codes, by their labels.

`status` is one of `status_code.ok`, `.warning` and `.error`. `sub_status` is a list of the others, for instance
`status_code.auth.not_allowed == "E005001"`. E stands for an error, W for a warning.
"""

from __future__ import annotations

# As in `errors`.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final
else:
    Final = object

__all__ = [
    "app_list",
    "attr",
    "auth",
    "client",
    "common",
    "email",
    "error",
    "group",
    "metadata",
    "ok",
    "passkey",
    "password",
    "password_reset",
    "session",
    "user_id",
    "username",
    "warning",
]

ok: Final = "ok"
"""The call succeeded."""

warning: Final = "warning"
"""The call succeeded with a warning, which `sub_status` names."""

error: Final = "error"
"""The call failed; `sub_status` says why."""


class username:
    """Usernames."""

    invalid: Final = "E001001"
    """No such username, or not allowed."""

    exists: Final = "E001002"
    """Already in use."""

    too_long: Final = "E001003"
    """Longer than the configuration allows."""

    has_whitespace: Final = "E001004"
    """Contains whitespace."""


class user_id:
    """User IDs."""

    invalid: Final = "E001100"
    """No such user ID."""


class email:
    """Email addresses."""

    invalid: Final = "E002001"
    """No such email, or not allowed."""

    exists: Final = "E002002"
    """Already in use, where emails must be unique."""

    too_long: Final = "E002003"
    """Longer than the configuration allows."""

    has_whitespace: Final = "E002004"
    """Contains whitespace."""

    missing: Final = "E002005"
    """Required and not given."""


class password:
    """Passwords."""

    invalid: Final = "E003001"
    """On the reject list, very common, known from a breach, or used before."""

    too_short: Final = "E003002"
    """Shorter than the configuration allows."""

    too_long: Final = "E003003"
    """Longer than the configuration allows."""

    expired: Final = "E003004"
    """Expired; it must be changed."""

    w_about_to_exp: Final = "W003005"
    """Login succeeded; the password expires soon."""

    e_about_to_exp: Final = "E003006"
    """Login rejected; the password expires soon."""

    must_send_new: Final = "E003007"
    """Must be changed; send `new_password` too."""

    not_complex_enough: Final = "E003008"
    """Below `password.min_complexity`."""


class app_list:
    """Applications on whose behalf calls are made."""

    invalid: Final = "E004001"
    """Unknown application, or not allowed here."""

    no_signup: Final = "E004002"
    """No sign-up through this application."""


class auth:
    """Permissions and logins."""

    not_allowed: Final = "E005001"
    """Rejected, for a reason that is not shown."""

    locked: Final = "E005002"
    """Account locked."""

    invalid_signup_status: Final = "E005003"
    """Sign-up not confirmed."""

    not_approved: Final = "E005004"
    """Not approved by a super-user."""

    super_user_required: Final = "E005005"
    """Only a super-user may do this."""

    no_such_sign_up_token: Final = "E005006"
    """No account is waiting for this token."""

    sign_up_confirmed: Final = "E005007"
    """The sign-up was confirmed before."""

    totp_missing: Final = "E005008"
    """A TOTP code is needed."""

    rate_limited: Final = "E005009"
    """Too many attempts or requests."""

    fresh_login_needed: Final = "E005010"
    """The login is too long ago for this change: log in again, or reauthenticate."""


class metadata:
    """Login metadata: the remote address and the user agent that a client sent."""

    not_allowed: Final = "E006001"
    """This application may not send login metadata."""


class session:
    """Sessions."""

    no_such_session: Final = "E007001"
    """Unknown, or ended."""

    expired: Final = "E007002"
    """The session has expired."""


class common:
    """Any call."""

    invalid_operation: Final = "E008001"
    """Not possible here."""

    invalid_input: Final = "E008002"
    """A value is invalid."""

    missing_input: Final = "E008003"
    """A value is missing."""

    internal_error: Final = "E008004"
    """A fault of zato_sso itself."""

    overloaded: Final = "E008005"
    """There is more to do than can be done."""

    unavailable: Final = "E008006"
    """The database is unreachable, or cannot be written to."""


class passkey:
    """Passkeys."""

    not_acceptable: Final = "E012001"
    """What the browser answered is not acceptable; the detail says why."""

    no_such_ceremony: Final = "E012002"
    """No passkey was asked for like that, or it was answered before, or too late."""

    last_way_to_log_in: Final = "E012003"
    """Without these passkeys, or this linked definition, the user could not log in any more."""


class group:
    """Groups of users."""

    no_such_group: Final = "E013001"
    """No such group."""

    exists: Final = "E013002"
    """The name is in use."""


class client:
    """Clients of the OpenID Provider."""

    no_such_client: Final = "E014001"
    """No such client."""

    invalid: Final = "E014002"
    """A setting of the client is not acceptable; the detail says what would be right."""

    request_refused: Final = "E014003"
    """A request of a client is refused; the detail has the name of OAuth 2."""


class attr:
    """Custom attributes of users and sessions."""

    already_exists: Final = "E009001"
    """An attribute with that name exists."""

    no_such_attr: Final = "E009002"
    """No attribute has that name."""


class password_reset:
    """Password resets."""

    could_not_access: Final = "E010001"
    """The token or the reset key is invalid, used or expired."""
