"""Single sign-on for asyncio: the tree of `zato_sso.SSO` with every call awaitable."""

# Written by .ci/async_stubs.py from _core.pyi: change that one, and run it with Python.

import datetime
import os
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from typing import Any, final, type_check_only

from typing_extensions import Self

from zato_sso._core import (
    _JSON,
    AccessTokenCtx,
    AttrEntity,
    Hooks,
    ImportSummary,
    Passkey,
    Session,
    SessionInfo,
    Token,
    User,
    _RemoteAddr,
    _Secret,
)
from zato_sso.bound import AsyncBoundSSO
from zato_sso.ctx import AuditSearchCtx, SearchCtx, SignupCtx

__all__ = ["SSO", "AttrAPI"]

@final
class SSO:
    """Single sign-on over one database, for asyncio: every call is awaitable and none blocks the event loop."""

    def __new__(
        cls,
        database_url: str | None = None,
        *,
        config: str | os.PathLike[str] | dict[str, Any] | None = None,
        secret_key: str | None = None,
        hooks: object = None,
        tz_aware: bool | None = None,
    ) -> Self: ...
    @classmethod
    def from_config(cls, path: str | os.PathLike[str]) -> Self:
        """Creates the object from a configuration file.

        Args:
            path: The path of the file.
        """
    @property
    def user(self) -> _UserAPI:
        """Users."""
    @property
    def session(self) -> _SessionAPI:
        """Sessions."""
    @property
    def password_reset(self) -> _PasswordResetAPI:
        """Password resets by email."""
    @property
    def totp(self) -> _TOTPAPI:
        """TOTP codes."""
    @property
    def group(self) -> _GroupAPI:
        """Groups of users."""
    @property
    def audit(self) -> _AuditAPI:
        """The audit trail."""
    @property
    def client(self) -> _ClientAPI:
        """Clients of the OpenID Provider."""
    @property
    def token(self) -> _TokenAPI:
        """Access tokens that services are shown."""
    @property
    def site(self) -> _SiteAPI:
        """Sites: clients of the sessions API."""
    @property
    def identity(self) -> _IdentityAPI:
        """Identities: users as the sites see them."""
    def bind(
        self,
        *,
        cid: str | None = None,
        current_app: str | None = None,
        remote_addr: _RemoteAddr | None = None,
        user_agent: str | None = None,
        current_ust: _Secret | None = None,
    ) -> AsyncBoundSSO:
        """The same tree with arguments filled in, for one request of a web service, say.

        In the tree that it returns ``cid``, ``current_app``, ``remote_addr``, ``user_agent`` and the caller's own
        token are keyword-only and may be left out; all other arguments keep their order.

        Args:
            cid: Correlation ID; by default a new one.
            current_app: The application on whose behalf calls are made; by default ``apps.default``.
            remote_addr: The address that calls come from.
            user_agent: The client's user agent.
            current_ust: The caller's session token, where there is one.

        Example:
            >>> me = sso.bind(current_app="CRM", remote_addr="127.0.0.1")
            >>> me.user.login("ann", "correct horse battery staple").username
            'ann'
        """
    @property
    def hooks(self) -> Hooks:
        """The hooks: callables that take part in operations. Set one to None to remove it."""
    async def import_users(
        self,
        users: Iterable[Mapping[str, Any]],
        dry_run: bool = False,
        *,
        firebase: Mapping[str, str | int] | str | None = None,
    ) -> ImportSummary:
        """Imports users from another system, with their password hashes.

        A user who exists already, by user_id or, where none is given, by username, is not changed. A mistake in
        one dict affects that dict alone, and is listed in the findings of the result. The iterable is read one
        batch at a time: by ``zato_sso.SSO`` on the calling thread, by ``zato_sso.aio.SSO`` never on the thread
        of the event loop.

        Args:
            users: Dicts with the fields of docs/import.md; times may be datetimes.
            dry_run: True to write nothing, and report what would be written.
            firebase: The hash parameters of a Firebase project, which its hashes need: a dict with signer_key,
                salt_separator, rounds and mem_cost, or the text that the Firebase console shows.

        Raises:
            ValueError: A parameter in ``firebase`` is missing or wrong.
            BackendError: The database became unreachable. Users imported until then are kept; call again to
                continue after them.
            Exception: Any exception that the iterable itself raises; likewise.

        Example:
            >>> sso.import_users([{"username": "dora", "email": "dora@example.com"}]).imported
            1
        """
    async def metrics(self) -> str:
        """What this object counts, as text in the format of Prometheus: operations and how long they took, hashes, the
        database, caches, limits, emails, sessions.

        Example:
            >>> "zato_sso_operations_total" in sso.metrics()
            True
        """
    async def open(self) -> None: ...
    async def close(self) -> None:
        """Closes the database. Later calls raise BackendError. May be called twice."""
    async def __aenter__(self) -> Self: ...
    async def __aexit__(self, *_exception: object) -> None: ...

@final
@type_check_only
class _UserAPI:
    """`sso.user`: users, login and logout."""

    @property
    def session(self) -> _SessionAPI:
        """Sessions; the same as ``sso.session``."""
    @property
    def attr(self) -> _UserAttrAPI:
        """Attributes of users."""
    @property
    def recovery_code(self) -> _RecoveryCodeAPI:
        """Recovery codes."""
    @property
    def passkey(self) -> _PasskeyAPI:
        """Passkeys."""
    @property
    def grant(self) -> _UserGrantAPI:
        """Applications that have access."""
    async def create_user(
        self,
        cid: str,
        data: dict[str, Any],
        current_ust: _Secret | None = None,
        current_app: str | None = None,
        remote_addr: _RemoteAddr | None = None,
        require_super_user: bool = True,
        auto_approve: bool = False,
    ) -> str:
        """Creates a user, who waits for approval unless ``auto_approve`` or the configuration says otherwise.

        Args:
            cid: Correlation ID.
            data: username, password, email, display_name, first_name, middle_name, last_name, is_locked,
                sign_up_status, password_must_change, is_totp_enabled, totp_key, totp_label,
                is_rate_limit_active, rate_limit_def, creation_ctx. Values that were assigned are added to
                it, and the password is removed from it.
            current_ust: The session token of a super-user.
            current_app: The application on whose behalf the call is made; by default ``apps.default``.
            remote_addr: The address that the call comes from.
            require_super_user: False for trusted callers in the same process, who need no session token.
            auto_approve: True to approve the user immediately.

        Returns:
            The user_id of the new user.

        Raises:
            ValidationError: E001xxx, E002xxx, E003xxx or E008002 for an invalid value; E005001 without permission.

        Example:
            >>> data = {"username": "bea", "password": "a lamp in the window"}
            >>> user_id = sso.user.create_user("cid-1", data, admin_ust, "CRM", "127.0.0.1", auto_approve=True)
        """
    async def create(
        self,
        cid: str,
        data: dict[str, Any],
        current_ust: _Secret | None = None,
        current_app: str | None = None,
        remote_addr: _RemoteAddr | None = None,
        require_super_user: bool = True,
        auto_approve: bool = False,
    ) -> str:
        """Creates a user, who waits for approval unless ``auto_approve`` or the configuration says otherwise.

        Args:
            cid: Correlation ID.
            data: username, password, email, display_name, first_name, middle_name, last_name, is_locked,
                sign_up_status, password_must_change, is_totp_enabled, totp_key, totp_label,
                is_rate_limit_active, rate_limit_def, creation_ctx. Values that were assigned are added to
                it, and the password is removed from it.
            current_ust: The session token of a super-user.
            current_app: The application on whose behalf the call is made; by default ``apps.default``.
            remote_addr: The address that the call comes from.
            require_super_user: False for trusted callers in the same process, who need no session token.
            auto_approve: True to approve the user immediately.

        Returns:
            The user_id of the new user.

        Raises:
            ValidationError: E001xxx, E002xxx, E003xxx or E008002 for an invalid value; E005001 without permission.

        Example:
            >>> data = {"username": "bea", "password": "a lamp in the window"}
            >>> user_id = sso.user.create_user("cid-1", data, admin_ust, "CRM", "127.0.0.1", auto_approve=True)
        """
    async def create_super_user(
        self,
        cid: str,
        data: dict[str, Any],
        current_ust: _Secret | None = None,
        current_app: str | None = None,
        remote_addr: _RemoteAddr | None = None,
        require_super_user: bool = True,
        auto_approve: bool = False,
    ) -> str:
        """Creates a super-user; otherwise the same as :meth:`create_user`.

        Args:
            cid: Correlation ID.
            data: As for :meth:`create_user`.
            current_ust: The session token of a super-user.
            current_app: The application on whose behalf the call is made.
            remote_addr: The address that the call comes from.
            require_super_user: False for trusted callers in the same process, who need no session token.
            auto_approve: True to approve the user immediately.
        """
    async def ensure_super_user(
        self,
        cid: str,
        data: dict[str, Any],
        current_app: str | None = None,
        remote_addr: _RemoteAddr | None = None,
    ) -> str:
        """Makes sure that there is a super-user of this name: for applications as they start. It creates one, who is approved, or
        leaves one who exists as they are, password included. Workers that start at the same time may all call it.

        For trusted callers in the same process: it needs no session.

        Args:
            cid: Correlation ID.
            data: As for :meth:`create_user`; the username is required.
            current_app: The application on whose behalf the call is made; by default ``apps.default``.
            remote_addr: The address that the call comes from.

        Returns:
            The user_id of the super-user.

        Raises:
            ValidationError: E001002 if the name is that of a user who is not a super-user; otherwise as
                :meth:`create_user`.

        Example:
            >>> data = {"username": "admin1", "password": "correct horse battery staple"}
            >>> user_id = sso.user.ensure_super_user("cid-1", data)
        """
    async def signup(
        self,
        cid: str,
        ctx: SignupCtx,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> str | None:
        """Signs a user up. Before they can log in, they confirm the sign-up with the token, and wait for approval unless
        the configuration says otherwise.

        Args:
            cid: Correlation ID.
            ctx: The details of the sign-up.
            current_app: The application on whose behalf the call is made; by default the one in ``ctx``,
                else ``apps.default``.
            remote_addr: The address that the call comes from.

        Returns:
            The token; None where it is sent by email only.

        Raises:
            ValidationError: E004001 or E004002 for an application; E001xxx, E002xxx, E003xxx where the configuration
                allows them to be shown, else E005001; E008002 for a value of a wrong type.
            ValueError: ``ctx`` names another application than ``current_app``.

        Example:
            >>> ctx = SignupCtx(username="cleo", email="cleo@example.com", password="a lamp in the window")
            >>> token = sso.user.signup("cid-1", ctx, "CRM", "127.0.0.1")
            >>> sso.user.confirm_signup("cid-2", token, "CRM", "127.0.0.1")
        """
    async def confirm_signup(
        self,
        cid: str,
        confirm_token: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> None:
        """Confirms a sign-up.

        Args:
            cid: Correlation ID.
            confirm_token: The token from :meth:`signup`.
            current_app: The application on whose behalf the call is made.
            remote_addr: The address that the call comes from.

        Raises:
            ValidationError: E005006 if there is no such token, E005007 if it was confirmed before.
        """
    async def confirm_email(
        self,
        cid: str,
        confirm_token: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> None:
        """Confirms a new email, by the token that was sent there. It is the user's from then on.

        Args:
            cid: Correlation ID.
            confirm_token: The token from the email.
            current_app: The application on whose behalf the call is made.
            remote_addr: The address that the call comes from.

        Raises:
            ValidationError: E005006 if the token is not valid, was used or has expired, E002002 if somebody else has the
                email by now, E005001 if the user may not log in.
        """
    async def resend_confirmation(
        self,
        cid: str,
        credential: str,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> None:
        """Has the email of a sign-up sent once more, with the same token.

        The answer is the same whether or not somebody has signed up with the credential, and whether or not they have
        confirmed.

        Args:
            cid: Correlation ID.
            credential: The username or the email of the sign-up.
            current_app: The application on whose behalf the call is made.
            remote_addr: The address that the call comes from.

        Raises:
            ValidationError: E005009 after too many requests from one address.
        """
    async def approve_user(
        self,
        cid: str,
        user_id: str,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> None:
        """Approves a user, who may log in from now on. It can be repeated, and called after a rejection.

        Args:
            cid: Correlation ID.
            user_id: The user.
            current_ust: The session token of a super-user.
            current_app: The application on whose behalf the call is made.
            remote_addr: The address that the call comes from.

        Raises:
            ValidationError: E005001 without permission, E001100 if there is no such user.

        Example:
            >>> sso.user.approve_user("cid-1", user_id, admin_ust, "CRM", "127.0.0.1")
        """
    async def approve(
        self,
        cid: str,
        user_id: str,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> None:
        """Approves a user, who may log in from now on. It can be repeated, and called after a rejection.

        Args:
            cid: Correlation ID.
            user_id: The user.
            current_ust: The session token of a super-user.
            current_app: The application on whose behalf the call is made.
            remote_addr: The address that the call comes from.

        Raises:
            ValidationError: E005001 without permission, E001100 if there is no such user.

        Example:
            >>> sso.user.approve_user("cid-1", user_id, admin_ust, "CRM", "127.0.0.1")
        """
    async def reject_user(
        self,
        cid: str,
        user_id: str,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> None:
        """Rejects a user, who can no longer log in; their open sessions are rejected too.

        Args:
            cid: Correlation ID.
            user_id: The user.
            current_ust: The session token of a super-user.
            current_app: The application on whose behalf the call is made.
            remote_addr: The address that the call comes from.

        Raises:
            ValidationError: As :meth:`approve_user`.
        """
    async def reject(
        self,
        cid: str,
        user_id: str,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> None:
        """Rejects a user, who can no longer log in; their open sessions are rejected too.

        Args:
            cid: Correlation ID.
            user_id: The user.
            current_ust: The session token of a super-user.
            current_app: The application on whose behalf the call is made.
            remote_addr: The address that the call comes from.

        Raises:
            ValidationError: As :meth:`approve_user`.
        """
    async def login(
        self,
        cid: str,
        username: str,
        password: _Secret | None,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
        user_agent: str | None = None,
        has_remote_addr: bool = False,
        has_user_agent: bool = False,
        new_password: _Secret | None = "",
        totp_code: _Secret | None = None,
        skip_sec: bool = False,
        device_token: _Secret | None = None,
    ) -> SessionInfo:
        """Logs a user in: opens a session.

        Args:
            cid: Correlation ID.
            username: The name of the user.
            password: The password; str, or bytes in UTF-8.
            current_app: The application on whose behalf the call is made.
            remote_addr: The address that the call comes from.
            user_agent: The client's user agent.
            has_remote_addr: Whether the client itself sent the remote address, as login metadata.
            has_user_agent: Whether the client itself sent the user agent, as login metadata.
            new_password: A new password, to replace the current one.
            totp_code: The TOTP code, where TOTP is enabled.
            skip_sec: True for trusted callers in the same process: neither password nor TOTP code is checked.
            device_token: What an earlier login from the same device has returned. It takes the place of no
                password: with it, the login does not wait for the failures of others.

        Raises:
            ValidationError: E005001, or the exact code where the configuration allows it to be shown.

        Example:
            >>> session = sso.user.login("cid-1", "ann", "correct horse battery staple", "CRM", "127.0.0.1")
            >>> session.username
            'ann'
        """
    async def logout(
        self,
        cid: str,
        ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
        skip_sec: bool = False,
    ) -> None:
        """Logs a user out: ends the session.

        Args:
            cid: Correlation ID.
            ust: The session token.
            current_app: The application on whose behalf the call is made.
            remote_addr: The address that the call comes from.
            skip_sec: Reserved. The token alone is enough to end the session, even if its user is locked.

        Raises:
            ValidationError: E005001 if the token belongs to no valid session.

        Example:
            >>> sso.user.logout("cid-1", ust, "CRM", "127.0.0.1")
        """
    async def get_current_user(
        self,
        cid: str,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
        return_all_attrs: bool = False,
    ) -> User[AttrAPI]:
        """The user that the session belongs to.

        Args:
            cid: Correlation ID.
            current_ust: The caller's session token.
            current_app: The application on whose behalf the call is made.
            remote_addr: The address that the call comes from.
            return_all_attrs: True for what the caller may not see, too.

        Raises:
            ValidationError: The code of an invalid session, or of a check that every call makes.

        Example:
            >>> sso.user.get_current_user("cid-1", ust, "CRM", "127.0.0.1").username
            'ann'
        """
    async def get_user_by_id(
        self,
        cid: str,
        user_id: str,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
        return_all_attrs: bool = False,
    ) -> User[AttrAPI]:
        """A user: the caller's own, or any for super-users.

        Args:
            cid: Correlation ID.
            user_id: The user; others than the caller only for super-users.
            current_ust: The caller's session token.
            current_app: The application on whose behalf the call is made.
            remote_addr: The address that the call comes from.
            return_all_attrs: True for what the caller may not see, too.

        Raises:
            ValidationError: E005001 without permission, E001100 if there is no such user.
        """
    async def get_user_by_username(self, cid: str, username: str, needs_approved: bool = True) -> User[AttrAPI] | None:
        """The user with this name, for trusted callers in the same process. None if there is no such user, or, with
        ``needs_approved``, the user is not approved.

        Args:
            cid: Correlation ID.
            username: The name, in any of its forms.
            needs_approved: Whether a user who is not approved is None, too.

        Example:
            >>> sso.user.get_user_by_username("cid-1", "nobody") is None
            True
        """
    async def search(
        self,
        cid: str,
        ctx: SearchCtx,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
        serialize_dt: bool = False,
    ) -> dict[str, Any]:
        """Searches users, ordered by display name and username. For super-users.

        Args:
            cid: Correlation ID.
            ctx: The criteria.
            current_ust: The session token of a super-user.
            current_app: The application on whose behalf the call is made.
            remote_addr: The address that the call comes from.
            serialize_dt: Whether datetimes become ISO 8601 text.

        Returns:
            A dict: total, num_pages, page_size, cur_page, has_next_page, has_prev_page, next_page, prev_page, and
            result, a list of users as dicts.

        Raises:
            ValidationError: E005001 without permission; E008002 for a criterion of a wrong type, a name of
                less than 2 characters, or an unknown attribute.

        Example:
            >>> ctx = SearchCtx(username="ann")
            >>> found = sso.user.search("cid-1", ctx, admin_ust, "CRM", "127.0.0.1")
            >>> [user["username"] for user in found["result"]]
            ['ann']
        """
    async def update_current_user(
        self,
        cid: str,
        data: dict[str, Any],
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> None:
        """Changes the caller's own user.

        Args:
            cid: Correlation ID.
            data: username, email, display_name, first_name, middle_name, last_name, is_totp_enabled, totp_key,
                totp_label, totp_code (a code of the key, to switch TOTP on); for super-users also is_locked, password_expiry (a datetime), password_must_change,
                sign_up_status, approval_status, is_rate_limit_active, rate_limit_def. None removes an email, a
                name or a label, and generates a new TOTP key; a missing key leaves the value unchanged.
            current_ust: The caller's session token.
            current_app: The application on whose behalf the call is made.
            remote_addr: The address that the call comes from.

        Raises:
            ValidationError: E008003 if there is nothing to change, E008002 for an unknown key, one that only
                super-users may change, a wrong type, or None where a value is needed; E001xxx and E002xxx for an
                invalid username or email; E005010 if the login is not fresh, for a username, an email or TOTP; E005008
                if totp_code is missing.
            InvalidTOTPError: E005001 if totp_code is wrong.

        Example:
            >>> sso.user.update_current_user("cid-1", {"first_name": "Ann"}, ust, "CRM", "127.0.0.1")
        """
    async def update_user_by_id(
        self,
        cid: str,
        user_id: str,
        data: dict[str, Any],
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> None:
        """Changes a user: the caller's own, or any for super-users. Otherwise the same as :meth:`update_current_user`.

        Args:
            cid: Correlation ID.
            user_id: The user.
            data: What changes, by name.
            current_ust: The caller's session token.
            current_app: The application on whose behalf the call is made.
            remote_addr: The address that the call comes from.

        Raises:
            ValidationError: As :meth:`update_current_user`; E005001 without permission, E001100 if there is no such
                user.
        """
    async def update(
        self,
        cid: str,
        data: dict[str, Any],
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
        user_id: str | None = None,
    ) -> None:
        """:meth:`update_user_by_id` where ``user_id`` is given, else :meth:`update_current_user`.

        Args:
            cid: Correlation ID.
            data: What changes, by name.
            current_ust: The caller's session token.
            current_app: The application on whose behalf the call is made.
            remote_addr: The address that the call comes from.
            user_id: The user; None for the caller.
        """
    async def delete_user_by_id(
        self,
        cid: str,
        user_id: str,
        current_ust: _Secret | None,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
        skip_sec: bool = False,
    ) -> None:
        """Deletes a user with all sessions, attributes, links and reset tokens. Callers cannot delete themselves.

        Args:
            cid: Correlation ID.
            user_id: The user to delete.
            current_ust: The session token of a super-user.
            current_app: The application on whose behalf the call is made.
            remote_addr: The address that the call comes from.
            skip_sec: True for trusted callers in the same process: ``current_ust`` is ignored.

        Raises:
            ValidationError: E005001 without permission, E008001 for the caller's own user, E001100 if there is no such
                user.
        """
    async def delete_user_by_username(
        self,
        cid: str,
        username: str,
        current_ust: _Secret | None,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
        skip_sec: bool = False,
    ) -> None:
        """Deletes a user by name; otherwise the same as :meth:`delete_user_by_id`.

        Args:
            cid: Correlation ID.
            username: The name of the user.
            current_ust: The session token of a super-user.
            current_app: The application on whose behalf the call is made.
            remote_addr: The address that the call comes from.
            skip_sec: True for trusted callers in the same process, who need no session token.

        Raises:
            ValidationError: As :meth:`delete_user_by_id`, but E001001 if there is no such user.
        """
    async def delete(
        self,
        cid: str,
        user_id: str,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> None:
        """Deletes a user: :meth:`delete_user_by_id` without ``skip_sec``.

        Args:
            cid: Correlation ID.
            user_id: The user.
            current_ust: The session token of a super-user.
            current_app: The application on whose behalf the call is made.
            remote_addr: The address that the call comes from.
        """
    async def change_password(
        self,
        cid: str,
        data: dict[str, Any],
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> None:
        """Changes a password: the caller's own with the old password, or any for super-users.

        Args:
            cid: Correlation ID.
            data: old_password, new_password, user_id, password_expiry (days), must_change.
            current_ust: The caller's session token.
            current_app: The application on whose behalf the call is made.
            remote_addr: The address that the call comes from.

        Raises:
            ValidationError: E005001 without permission or with a wrong old password, E008003 if a value is
                missing, E001100 if there is no such user, E003xxx for the new password.

        Example:
            >>> change = {"old_password": "correct horse battery staple", "new_password": "a lamp in the window"}
            >>> sso.user.change_password("cid-1", change, ust, "CRM", "127.0.0.1")
        """
    async def set_password(
        self,
        cid: str,
        user_id: str,
        password: _Secret,
        must_change: bool,
        password_expiry: int | None,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
        details: _JSON = None,
    ) -> None:
        """Sets a user's password without a session or the old password. For trusted callers in the same process.

        Args:
            cid: Correlation ID.
            user_id: The user.
            password: The new password; the usual rules apply.
            must_change: Whether it must be changed at the next login.
            password_expiry: The days until it expires; None or a negative number means the default.
            current_app: The application on whose behalf the call is made.
            remote_addr: The address that the call comes from.
            details: A JSON value for the audit entry, up to 4096 bytes, without secrets.

        Raises:
            ValidationError: E001100 if there is no such user, E003xxx for the password, E008002 for another value.
        """
    async def validate_password(self, password: _Secret) -> None:
        """Checks a password against the configured rules that do not depend on a user.

        Args:
            password: The password.

        Raises:
            ValidationError: E003001, E003002, E003003 or E003008.
        """
    async def reset_totp_key(
        self,
        cid: str,
        current_ust: _Secret | None,
        user_id: str | None,
        key: _Secret | None,
        key_label: str | None,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
        skip_sec: bool = False,
    ) -> str:
        """Replaces the TOTP key of a user. ``is_totp_enabled``, whether logins need a code, is not changed.

        Args:
            cid: Correlation ID.
            current_ust: The caller's session token.
            user_id: The user; None is the caller. Other users are for super-users only.
            key: The key, in base32; None generates one.
            key_label: The label of the key; None leaves it unchanged, an empty text removes it.
            current_app: The application on whose behalf the call is made.
            remote_addr: The address that the call comes from.
            skip_sec: True for trusted callers in the same process: ``current_ust`` is ignored.

        Returns:
            The new key.

        Raises:
            ValidationError: E005001 without permission, E001100 if there is no such user, E008002 for an invalid key.
            ValueError: No ``user_id`` was given with ``skip_sec``.
        """
    async def create_linked_auth(
        self,
        cid: str,
        ust: _Secret,
        user_id: str,
        auth_type: str,
        auth_username: str,
        is_active: bool,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> tuple[str, int]:
        """Links a security definition to a user: requests that use it act as the user. For super-users.

        Args:
            cid: Correlation ID.
            ust: The session token of a super-user.
            user_id: The user to link it to.
            auth_type: The kind of the definition: ``const.auth_type.basic_auth`` or ``const.auth_type.jwt``.
            auth_username: The username of the definition.
            is_active: Whether requests may use it.
            current_app: The application on whose behalf the call is made.
            remote_addr: The address that the call comes from.

        Returns:
            The user_id and the auth_id, which is the id of the definition.

        Raises:
            ValidationError: E005001 without permission, E001100 if there is no such user, E008002 if there is no such
                definition, E008001 if it is linked already.
        """
    async def get_linked_auth_list(
        self,
        cid: str,
        ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
        user_id: str | None = None,
    ) -> list[dict[str, Any]]:
        """The definitions that are linked to a user: the caller, or any user for super-users.

        Args:
            cid: Correlation ID.
            ust: The caller's session token.
            current_app: The application on whose behalf the call is made.
            remote_addr: The address that the call comes from.
            user_id: Whose they are; None for the caller's own.

        Returns:
            A list of dicts: auth_type, auth_username, auth_id, auth_name, user_id, creation_time, is_active.

        Raises:
            ValidationError: E005001 without permission, E001100 if there is no such user.
        """
    async def delete_linked_auth(
        self,
        cid: str,
        ust: _Secret,
        user_id: str,
        auth_type: str,
        auth_username: str,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> int:
        """Removes a link and ends the sessions that it opened. For super-users.

        Args:
            cid: Correlation ID.
            ust: The session token.
            user_id: The user that it is linked to.
            auth_type: ``const.auth_type.basic_auth`` or ``jwt``.
            auth_username: The username of the security definition.
            current_app: The application on whose behalf the call is made.
            remote_addr: The address that the call comes from.

        Returns:
            The auth_id, which is the id of the definition.

        Raises:
            ValidationError: E005001 without permission, E001100 if there is no such user, E008002 if there is no such
                definition, or it is not linked to this user, E012003 if the user could not log in any more.
        """
    async def get_user_by_linked_auth(
        self,
        cid: str,
        sec_type: str,
        sec_username: str,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
        return_all_attrs: bool = False,
    ) -> User[AttrAPI]:
        """The user that a security definition is linked to: the caller, or any user for super-users.

        Args:
            cid: Correlation ID.
            sec_type: ``const.auth_type.basic_auth`` or ``jwt``.
            sec_username: The username of the security definition.
            current_ust: The caller's session token.
            current_app: The application on whose behalf the call is made.
            remote_addr: The address that the call comes from.
            return_all_attrs: True for what the caller may not see, too.

        Raises:
            ValidationError: E005001 without permission; E008002 if there is no such definition, or it is not linked.
        """
    async def lock_user(
        self,
        cid: str,
        user_id: str,
        current_ust: _Secret | None = None,
        current_app: str | None = None,
        remote_addr: _RemoteAddr | None = None,
        require_super_user: bool = True,
        current_user: str | None = None,
    ) -> None:
        """Locks an account: its user cannot log in, and open sessions are rejected.

        Args:
            cid: Correlation ID.
            user_id: The user to lock.
            current_ust: The session token of a super-user.
            current_app: The application on whose behalf the call is made; by default ``apps.default``.
            remote_addr: The address that the call comes from.
            require_super_user: False for trusted callers in the same process, who need no session token.
            current_user: For those callers, the user_id of the user on whose behalf they act.

        Raises:
            ValidationError: E005001 without permission, E001100 if there is no such user.

        Example:
            >>> sso.user.lock_user("cid-1", user_id, admin_ust, "CRM", "127.0.0.1")
        """
    async def unlock_user(
        self,
        cid: str,
        user_id: str,
        current_ust: _Secret | None = None,
        current_app: str | None = None,
        remote_addr: _RemoteAddr | None = None,
        require_super_user: bool = True,
        current_user: str | None = None,
    ) -> None:
        """Unlocks an account; otherwise the same as :meth:`lock_user`.

        Args:
            cid: Correlation ID.
            user_id: The user.
            current_ust: The session token of a super-user.
            current_app: The application on whose behalf the call is made.
            remote_addr: The address that the call comes from.
            require_super_user: False for trusted callers in the same process, who need no session token.
            current_user: The user_id to record as the acting user, of trusted callers.
        """

@final
@type_check_only
class _SessionAPI:
    """`sso.user.session`, also `sso.session`: sessions."""

    @property
    def attr(self) -> _SessionAttrAPI:
        """Attributes of sessions."""
    async def verify(
        self,
        cid: str,
        target_ust: _Secret,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
        user_agent: str | None = None,
    ) -> bool:
        """Whether a token belongs to a valid session whose user may log in. For super-users.

        Args:
            cid: Correlation ID.
            target_ust: The token to check.
            current_ust: The session token of a super-user.
            current_app: The application on whose behalf the call is made.
            remote_addr: The address that the call comes from.
            user_agent: The client's user agent.

        Raises:
            ValidationError: The code of an invalid ``current_ust``, or E005001 if it is not a super-user's.

        Example:
            >>> sso.session.verify("cid-1", ust, admin_ust, "CRM", "127.0.0.1")
            True
        """
    async def renew(
        self,
        cid: str,
        ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
        user_agent: str | None = None,
    ) -> datetime.datetime:
        """Extends a session.

        Args:
            cid: Correlation ID.
            ust: The session token.
            current_app: The application on whose behalf the call is made.
            remote_addr: The address that the call comes from.
            user_agent: The client's user agent.

        Returns:
            The new expiration time: a datetime in UTC, without a timezone.

        Raises:
            ValidationError: The code of an invalid session, or of a check that every call makes.

        Example:
            >>> expiration_time = sso.session.renew("cid-1", ust, "CRM", "127.0.0.1")
        """
    async def reauthenticate(
        self,
        cid: str,
        ust: _Secret,
        password: _Secret,
        totp_code: _Secret | None = None,
        current_app: str | None = None,
        remote_addr: _RemoteAddr | None = None,
        user_agent: str | None = None,
    ) -> None:
        """Makes a session fresh: its user proves who they are once more. It is throttled as a login is.

        Changing an email, a username or TOTP needs a session whose login, or the last call of this, is not older than
        ``login.fresh_for`` minutes.

        Args:
            cid: Correlation ID.
            ust: The session's token.
            password: The user's password.
            totp_code: A code of the user's authenticator, if TOTP is enabled.
            current_app: The application on whose behalf the call is made.
            remote_addr: The address that the call comes from.
            user_agent: The client's user agent.

        Raises:
            ValidationError: The code of an invalid session; E005001 for a wrong password or code, E005008 if the code is
                missing, E005009 while the user has to wait after failures.

        Example:
            >>> sso.session.reauthenticate("cid-1", ust, "correct horse battery staple")
        """
    async def get(
        self,
        cid: str,
        target_ust: _Secret,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
        user_agent: str | None = None,
        check_if_password_expired: bool = True,
    ) -> Session[AttrAPI]:
        """A session: the caller's own, or any for super-users.

        Args:
            cid: Correlation ID.
            target_ust: The token of the session that the call is about.
            current_ust: The caller's session token: that of the session's user, or a super-user's.
            current_app: The application on whose behalf the call is made.
            remote_addr: The address that the call comes from.
            user_agent: The client's user agent.
            check_if_password_expired: False to return the session of a user whose password has expired.

        Raises:
            ValidationError: E005001 without permission, E007001 or E007002 if the session has ended.
        """
    async def get_list(
        self,
        cid: str,
        ust: _Secret | None = None,
        target_ust: _Secret | None = None,
        current_ust: _Secret | None = None,
        current_app: str | None = None,
        remote_addr: _RemoteAddr | None = None,
        user_agent: str | None = None,
    ) -> list[dict[str, Any]]:
        """The open sessions of a user, oldest first: the caller's own with ``current_ust`` or ``ust`` alone, or, for
        super-users, those of the user that ``target_ust`` belongs to.

        Args:
            cid: Correlation ID.
            ust: The caller's session token, as ``current_ust``.
            target_ust: The token of a session of the user whose sessions are wanted, for super-users.
            current_ust: The caller's session token.
            current_app: The application on whose behalf the call is made.
            remote_addr: The address that the call comes from.
            user_agent: The client's user agent.

        Returns:
            A list of dicts: session_id, auth_type, auth_principal, creation_time, expiration_time, remote_addr,
            user_agent, is_current (whether it is the session that asks), session_state_change_list. Tokens are not
            included.

        Raises:
            ValidationError: As :meth:`get`.
            ValueError: Neither a token of the caller alone nor ``target_ust`` with ``current_ust`` was given.

        Example:
            >>> sessions = sso.session.get_list("cid-1", current_ust=ust, current_app="CRM", remote_addr="127.0.0.1")
            >>> len(sessions)
            1
        """
    async def end(
        self,
        cid: str,
        session_id: str,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> None:
        """Ends an open session: one of the caller's own, or any for super-users.

        Args:
            cid: Correlation ID.
            session_id: The public id of the session, as :meth:`get_list` shows it.
            current_ust: The caller's session token.
            current_app: The application on whose behalf the call is made.
            remote_addr: The address that the call comes from.

        Raises:
            ValidationError: E007001 if there is no such session, or it is somebody else's.
        """
    async def end_all(
        self,
        cid: str,
        current_ust: _Secret,
        user_id: str | None = None,
        except_current: bool = True,
        current_app: str | None = None,
        remote_addr: _RemoteAddr | None = None,
    ) -> int:
        """Ends the open sessions of a user, those of sites and of linked definitions included.

        Args:
            cid: Correlation ID.
            current_ust: The caller's session token.
            user_id: Whose sessions; None for the caller's own. Those of others only for super-users.
            except_current: Whether the caller's current session goes on.
            current_app: The application on whose behalf the call is made.
            remote_addr: The address that the call comes from.

        Returns:
            The number of sessions that have ended.

        Raises:
            ValidationError: E005001 without permission, E001100 if there is no such user.

        Example:
            >>> sso.session.end_all("cid-1", ust, current_app="CRM", remote_addr="127.0.0.1")
            0
        """
    async def get_current_session(
        self,
        cid: str,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
        needs_super_user: bool = False,
    ) -> Session[AttrAPI]:
        """The session of the caller.

        Args:
            cid: Correlation ID.
            current_ust: The caller's session token.
            current_app: The application on whose behalf the call is made.
            remote_addr: The address that the call comes from.
            needs_super_user: Whether it must belong to a super-user, as with :meth:`require_super_user`.

        Raises:
            ValidationError: The code of an invalid session, or of a check that every call makes.
        """
    async def require_super_user(
        self,
        cid: str,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> Session[AttrAPI]:
        """The session of the caller, who must be a super-user.

        Args:
            cid: Correlation ID.
            current_ust: The caller's session token.
            current_app: The application on whose behalf the call is made.
            remote_addr: The address that the call comes from.

        Raises:
            ValidationError: As :meth:`get_current_session`, and E005001 if the caller is not a super-user.
        """
    async def on_external_auth_succeeded(
        self,
        cid: str,
        sec_type: str,
        sec_def_id: int,
        sec_def_username: str,
        user_id: str,
        ext_session_id: _Secret | None,
        totp_code: _Secret | None,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
        user_agent: str | None = None,
    ) -> SessionInfo:
        """Opens a session for the user that a security definition is linked to, or renews the one that was opened before.
        For trusted callers in the same process that authenticated a request with that definition.

        Args:
            cid: Correlation ID.
            sec_type: The kind of the definition: ``const.auth_type.basic_auth`` or ``const.auth_type.jwt``.
            sec_def_id: The id of the definition.
            sec_def_username: Its username.
            user_id: The user that it is linked to.
            ext_session_id: For JWT, the token: each token has a session of its own. A Basic Auth definition has one
                session in all, and ignores this.
            totp_code: The TOTP code, needed where a JWT opens a session and TOTP is enabled.
            current_app: The application on whose behalf the call is made.
            remote_addr: The address that the call comes from.
            user_agent: The client's user agent.

        Returns:
            The session, which has the same token each time.

        Raises:
            ValidationError: E005001 if there is no such definition, or it is not linked to this user; E008003 for a JWT
                without its token; otherwise as for a login.
        """
    async def get_session_by_ext_id(
        self,
        sec_type: str,
        sec_def_id: int,
        ext_session_id: _Secret | None = None,
    ) -> dict[str, Any] | None:
        """The open session of a security definition. For trusted callers in the same process.

        Args:
            sec_type: The kind of the definition.
            sec_def_id: The id of the definition.
            ext_session_id: For JWT, the token.

        Returns:
            A dict as in :meth:`get_list`, or None if there is no such session.
        """

@final
@type_check_only
class _SiteAPI:
    """`sso.site`: sites, clients of the sessions API, and their sessions. For trusted callers."""

    async def create(
        self,
        cid: str,
        subdomain: str,
        callback_uris: Sequence[str],
        current_app: str | None = None,
        remote_addr: _RemoteAddr | None = None,
        trusted: bool = False,
        long_key: bool = False,
    ) -> dict[str, Any]:
        """Creates a site with a new key pair.

        Args:
            cid: Correlation ID.
            subdomain: The name of the site: a label as in host names.
            callback_uris: The URIs that browsers may be redirected back to.
            current_app: The application on whose behalf the call is made.
            remote_addr: The address that the call comes from.
            trusted: Whether it speaks for all users, except super-users. Any other site does for those that it made, or
                whose password it has verified within an hour.
            long_key: Whether the private key has 256 random bits, rather than being a UUID of 122.

        Returns:
            A dict: subdomain, public_key, private_key, is_active, is_trusted, creation_time, callback_uris. The private
            key cannot be read again.

        Raises:
            ValidationError: E008002 for an invalid subdomain or URI, E008001 for one that another site has.

        Example:
            >>> site = sso.site.create("cid-1", "shop", ["https://shop.example/callback"])
            >>> public_key, private_key = site["public_key"], site["private_key"]
        """
    async def get_list(
        self,
        cid: str,
        current_app: str | None = None,
        remote_addr: _RemoteAddr | None = None,
    ) -> list[dict[str, Any]]:
        """All sites, by subdomain, without their private keys.

        Args:
            cid: Correlation ID.
            current_app: The application on whose behalf the call is made.
            remote_addr: The address that the call comes from.

        Returns:
            A list of dicts: subdomain, public_key, is_active, is_trusted, creation_time, callback_uris; and
            has_old_key, which is True, where the key that it had before is valid as well.
        """
    async def update(
        self,
        cid: str,
        subdomain: str,
        callback_uris: Sequence[str] | None = None,
        current_app: str | None = None,
        remote_addr: _RemoteAddr | None = None,
        trusted: bool | None = None,
        new_key: bool = False,
        long_key: bool = False,
        keep_old_key: bool = False,
        end_old_key: bool = False,
    ) -> dict[str, Any]:
        """Replaces the callback URIs or the private key of a site, or whether it is trusted. What is not given stays.

        Args:
            cid: Correlation ID.
            subdomain: The name of the site.
            callback_uris: The URIs that browsers may be redirected back to, in the place of the former ones.
            current_app: The application on whose behalf the call is made.
            remote_addr: The address that the call comes from.
            trusted: Whether it speaks for all users, as in ``create``.
            new_key: Whether it gets another private key.
            long_key: Whether that has 256 random bits, as in ``create``.
            keep_old_key: Whether the key that it had goes on being valid beside the new one, until ``end_old_key``.
            end_old_key: Whether the key that was kept ends.

        Returns:
            The site, as in ``get_list``; with ``new_key`` also private_key, which cannot be read again.

        Raises:
            ValidationError: E008002 if there is no such site, or for an invalid URI, E008001 for one that another site
                has.
            ValueError: For a combination of arguments about keys that makes no sense.
        """
    async def delete(
        self,
        cid: str,
        subdomain: str,
        current_app: str | None = None,
        remote_addr: _RemoteAddr | None = None,
    ) -> int:
        """Deletes a site and ends its sessions.

        Args:
            cid: Correlation ID.
            subdomain: The name of the site.
            current_app: The application on whose behalf the call is made.
            remote_addr: The address that the call comes from.

        Returns:
            The number of sessions that ended.

        Raises:
            ValidationError: E008002 if there is no such site.
        """
    async def start_session(
        self,
        cid: str,
        subdomain: str,
        identity_token: str,
        top_realm: str | None = None,
        sub_realm: str | None = None,
        lifetime: int | None = None,
        session_data: _JSON = None,
        current_app: str | None = None,
        remote_addr: _RemoteAddr | None = None,
        user_agent: str | None = None,
    ) -> dict[str, Any]:
        """Starts a session for an identity, and ends the previous one that the site had for it.

        Args:
            cid: Correlation ID.
            subdomain: The site.
            identity_token: The identity.
            top_realm: The site's name for a group of its web sites.
            sub_realm: A part of that group.
            lifetime: The seconds that the session lasts; by default a day.
            session_data: A JSON value to store with the session.
            current_app: The application on whose behalf the call is made.
            remote_addr: The address that the call comes from.
            user_agent: The client's user agent.

        Returns:
            A dict: sso_session_token, session_id, user_id, user_token, identity_token, top_realm, sub_realm, data,
            num_cookies_set, creation_time, update_time, expiration_time.

        Raises:
            ValidationError: E001100 if there is no such identity, or the site is not trusted, did not create it, and has not
                verified the password of its user within an hour; E005001 for a super-user whose password the site has
                not verified; E005001, E005002, E005003, E005004 or E003004 if the user may not log in; E008002 if there
                is no such site, or a value is invalid.
        """
    async def get_session_list(
        self,
        cid: str,
        subdomain: str,
        page: int = 1,
        entries_per_page: int = 250,
        order_direction: str = "desc",
        current_app: str | None = None,
        remote_addr: _RemoteAddr | None = None,
    ) -> dict[str, Any]:
        """A page of the open sessions of a site, ordered by start time.

        Args:
            cid: Correlation ID.
            subdomain: The site.
            page: The number of the page, from 1.
            entries_per_page: The most sessions on a page: 1 to 500.
            order_direction: ``asc`` or ``desc``.
            current_app: The application on whose behalf the call is made.
            remote_addr: The address that the call comes from.

        Returns:
            A dict: total, num_pages, page_size, cur_page, and result, a list of dicts as from ``start_session``.

        Raises:
            ValueError: order_direction is neither ``asc`` nor ``desc``.
            ValidationError: E008002 if there is no such site, or page or entries_per_page is invalid.
        """
    async def get_session(
        self,
        cid: str,
        subdomain: str,
        sso_session_token: _Secret,
        current_app: str | None = None,
        remote_addr: _RemoteAddr | None = None,
    ) -> dict[str, Any]:
        """The open session of a site that has this token; of any site, for a trusted one.

        Args:
            cid: Correlation ID.
            subdomain: The name of the site.
            sso_session_token: The token of the session.
            current_app: The application on whose behalf the call is made.
            remote_addr: The address that the call comes from.

        Returns:
            A dict as from ``start_session``.

        Raises:
            ValidationError: E008002 if there is no such site, E007001 if it has no such session.
        """
    async def get_identity_session(
        self,
        cid: str,
        subdomain: str,
        identity_token: str,
        current_app: str | None = None,
        remote_addr: _RemoteAddr | None = None,
    ) -> dict[str, Any]:
        """The open session that a site has started for an identity.

        Args:
            cid: Correlation ID.
            subdomain: The name of the site.
            identity_token: The token of the identity.
            current_app: The application on whose behalf the call is made.
            remote_addr: The address that the call comes from.

        Returns:
            A dict as from ``start_session``.

        Raises:
            ValidationError: E008002 if there is no such site, E001100 if there is no such identity, E007001 if there is
                no such session.
        """
    async def end_session(
        self,
        cid: str,
        subdomain: str,
        sso_session_token: _Secret,
        current_app: str | None = None,
        remote_addr: _RemoteAddr | None = None,
    ) -> None:
        """Ends a session of a site.

        Args:
            cid: Correlation ID.
            subdomain: The name of the site.
            sso_session_token: The token of the session.
            current_app: The application on whose behalf the call is made.
            remote_addr: The address that the call comes from.

        Raises:
            ValidationError: As ``get_session``.
        """
    async def end_identity_session(
        self,
        cid: str,
        subdomain: str,
        identity_token: str,
        current_app: str | None = None,
        remote_addr: _RemoteAddr | None = None,
    ) -> None:
        """Ends the session that a site has started for an identity.

        Args:
            cid: Correlation ID.
            subdomain: The name of the site.
            identity_token: The token of the identity.
            current_app: The application on whose behalf the call is made.
            remote_addr: The address that the call comes from.

        Raises:
            ValidationError: As ``get_identity_session``.
        """

@final
@type_check_only
class _ClientAPI:
    """`sso.client`: clients of the OpenID Provider, for super-users."""

    async def create(
        self,
        cid: str,
        name: str,
        kind: str,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
        data: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Creates a client. What is not given is what suits its kind.

        Args:
            cid: Correlation ID.
            name: The name that people see.
            kind: web, which keeps a secret; spa or native, which keep none; or service, which has no users.
            current_ust: The session token of a super-user.
            current_app: The application on whose behalf the call is made.
            remote_addr: The address that the call comes from.
            data: Its other settings: see :meth:`update`.

        Returns:
            A dict: client_id, kind, creation_time, last_modified, the keys of :meth:`update`, and client_secret: it cannot be shown
            again, and is None where the client has none.

        Raises:
            ValidationError: E005001 without permission, E005010 if the login is not fresh, E014002 for a setting that is not
                acceptable.
        """
    async def get(
        self,
        cid: str,
        client_id: str,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> dict[str, Any]:
        """A client.

        Args:
            cid: Correlation ID.
            client_id: The id of the client.
            current_ust: The session token of a super-user.
            current_app: The application on whose behalf the call is made.
            remote_addr: The address that the call comes from.

        Returns:
            A dict, as from :meth:`create`, without client_secret.

        Raises:
            ValidationError: E005001 without permission, E014001 if there is no such client.
        """
    async def get_list(
        self,
        cid: str,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> list[dict[str, Any]]:
        """All clients, by name.

        Args:
            cid: Correlation ID.
            current_ust: The session token of a super-user.
            current_app: The application on whose behalf the call is made.
            remote_addr: The address that the call comes from.

        Returns:
            A list of dicts, as from :meth:`get`.

        Raises:
            ValidationError: E005001 without permission.
        """
    async def update(
        self,
        cid: str,
        client_id: str,
        data: dict[str, Any],
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> dict[str, Any]:
        """Changes a client. Other processes see the change at once, or within a tenth of a second on PostgreSQL.

        Args:
            cid: Correlation ID.
            client_id: The id of the client.
            data: Those that change; None takes a value away, or sets what suits the kind. name, is_active, is_trusted: no consent is
                asked for, redirect_uris, post_logout_redirect_uris, backchannel_logout_uri, scopes, grants, auth_method,
                jwks: a dict or its text, require_pkce, id_token_alg, access_token_format, access_token_lifetime,
                refresh_token_lifetime, refresh_token_idle: seconds, default_audience, audiences, own_audiences, app, pairwise_sector, logo_uri,
                policy_uri, tos_uri.
            current_ust: The session token of a super-user.
            current_app: The application on whose behalf the call is made.
            remote_addr: The address that the call comes from.

        Returns:
            A dict, as from :meth:`get`.

        Raises:
            ValidationError: As :meth:`create`, E014001 if there is no such client, and E008003 if nothing is to change.
        """
    async def delete(
        self,
        cid: str,
        client_id: str,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> None:
        """Deletes a client, and what users allowed it.

        Args:
            cid: Correlation ID.
            client_id: The id of the client.
            current_ust: The session token of a super-user.
            current_app: The application on whose behalf the call is made.
            remote_addr: The address that the call comes from.

        Raises:
            ValidationError: E005001 without permission, E005010 if the login is not fresh, E014001 if there is no such client.
        """
    async def rotate_secret(
        self,
        cid: str,
        client_id: str,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
        keep_old_for: int = 24,
    ) -> dict[str, Any]:
        """Gives a client a new secret.

        Args:
            cid: Correlation ID.
            client_id: The id of the client.
            current_ust: The session token of a super-user.
            current_app: The application on whose behalf the call is made.
            remote_addr: The address that the call comes from.
            keep_old_for: For how many hours the secret that it has stays valid. 0 ends it at once.

        Returns:
            A dict, as from :meth:`create`, with the new client_secret.

        Raises:
            ValidationError: E005001 without permission, E005010 if the login is not fresh, E014001 if there is no such client,
                E014002 if it has no secret, or for too many hours.
        """

@final
@type_check_only
class _TokenAPI:
    """`sso.token`: access tokens that services are shown."""

    async def verify(
        self,
        cid: str,
        access_token: _Secret,
        audience: str | None = None,
        scope: str | None = None,
        current_app: str | None = None,
        remote_addr: _RemoteAddr | None = None,
    ) -> Token[Awaitable[User[AttrAPI] | None]]:
        """Verifies an access token of the OpenID Provider of this database. A JWT is verified without a query, and is good until it
        expires: that its session has ended is known to ``Token.user``, and by introspection. An opaque token is looked up, and ends
        with its session.

        Args:
            cid: Correlation ID.
            access_token: The token, as the header ``Authorization: Bearer`` has it.
            audience: For whom it must be: the name of this service.
            scope: What it must be good for: one or several scopes with blanks between them.
            current_app: The application on whose behalf the call is made.
            remote_addr: The address that the call comes from.

        Raises:
            ValidationError: E007001 for a token that is not good, has expired or is for another audience; E005001 for one without
                the scope.
        """

@final
@type_check_only
class _AuditAPI:
    """`sso.audit`: the audit trail, for super-users and members of groups that may read it."""

    async def search(
        self,
        cid: str,
        ctx: AuditSearchCtx,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> dict[str, Any]:
        """Searches the audit entries in the database, newest first, a page at a time.

        Rejections of callers without a session, and those of users that repeat, are there once their minute is over.

        Args:
            cid: Correlation ID.
            ctx: The criteria.
            current_ust: The session token of a super-user, or of a member of a group that may read the audit.
            current_app: The application on whose behalf the call is made.
            remote_addr: The address that the call comes from.

        Returns:
            A dict: result, a list of dicts with audit_id, time, cid, op, current_user, current_username, target_user,
            target_username, result, current_app, remote_addr, how and extra; and next, which goes into ``ctx.after`` for the
            next page, or None.

        Raises:
            ValidationError: E005001 without permission, E001100 if ``user_id`` is no user_id, E008002 for a wrong type, or if
                ``after`` comes from no search.

        Example:
            >>> ctx = AuditSearchCtx(op="user.login", result="refused")
            >>> sso.audit.search("cid", ctx, admin_ust, "CRM", "127.0.0.1")["result"]
            []
        """

@final
@type_check_only
class _GroupAPI:
    """`sso.group`: groups of users, for super-users."""

    async def create(
        self,
        cid: str,
        name: str,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
        display_name: str | None = None,
        description: str | None = None,
        scopes: list[str] | None = None,
        can_manage_users: bool = False,
        can_read_audit: bool = False,
    ) -> dict[str, Any]:
        """Creates a group.

        Args:
            cid: Correlation ID.
            name: Its name, unique in any case of letters.
            current_ust: The session token of a super-user.
            current_app: The application on whose behalf the call is made.
            remote_addr: The address that the call comes from.
            display_name: The name to show.
            description: What it is for.
            scopes: What its members may be granted: a list of str.
            can_manage_users: Whether members may approve, reject, lock and unlock users, and reset their passwords and TOTP
                keys; not those of super-users.
            can_read_audit: Whether members may read the audit.

        Returns:
            A dict: group_id, name, display_name, description, scopes, can_manage_users, can_read_audit, num_members,
            creation_time, last_modified.

        Raises:
            ValidationError: E005001 without permission, E013002 if there is one with the name, E008002 or E008003 for an
                invalid value; E005010 if it is to have rights and the login is not fresh.
        """
    async def get(
        self,
        cid: str,
        group_id: str,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> dict[str, Any]:
        """A group, by its id or name.

        Args:
            cid: Correlation ID.
            group_id: The id or name of the group.
            current_ust: The session token of a super-user.
            current_app: The application on whose behalf the call is made.
            remote_addr: The address that the call comes from.

        Returns:
            A dict, as from :meth:`create`.

        Raises:
            ValidationError: E005001 without permission, E013001 if there is no such group.
        """
    async def get_list(
        self,
        cid: str,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> list[dict[str, Any]]:
        """All groups, by name.

        Args:
            cid: Correlation ID.
            current_ust: The session token of a super-user.
            current_app: The application on whose behalf the call is made.
            remote_addr: The address that the call comes from.

        Returns:
            A list of dicts, as from :meth:`create`.

        Raises:
            ValidationError: E005001 without permission.
        """
    async def update(
        self,
        cid: str,
        group_id: str,
        data: dict[str, Any],
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> dict[str, Any]:
        """Changes a group.

        Args:
            cid: Correlation ID.
            group_id: The id or name of the group.
            data: name, display_name, description, scopes, can_manage_users, can_read_audit: those that change. None
                empties a value.
            current_ust: The session token of a super-user.
            current_app: The application on whose behalf the call is made.
            remote_addr: The address that the call comes from.

        Returns:
            A dict, as from :meth:`create`.

        Raises:
            ValidationError: As :meth:`create`, and E013001 if there is no such group.
        """
    async def delete(
        self,
        cid: str,
        group_id: str,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> None:
        """Deletes a group. Its members stay.

        Args:
            cid: Correlation ID.
            group_id: The id or name of the group.
            current_ust: The session token of a super-user.
            current_app: The application on whose behalf the call is made.
            remote_addr: The address that the call comes from.

        Raises:
            ValidationError: E005001 without permission, E013001 if there is no such group.
        """
    async def add_member(
        self,
        cid: str,
        group_id: str,
        user_id: str,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> None:
        """Makes a user a member of a group. One who is a member stays one.

        Args:
            cid: Correlation ID.
            group_id: The id or name of the group.
            user_id: The user.
            current_ust: The session token of a super-user.
            current_app: The application on whose behalf the call is made.
            remote_addr: The address that the call comes from.

        Raises:
            ValidationError: E005001 without permission, E013001 or E001100 if there is no such group or user, E008001 if the
                user is in too many groups; E005010 if the group has rights and the login is not fresh.
        """
    async def remove_member(
        self,
        cid: str,
        group_id: str,
        user_id: str,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> None:
        """Takes a user out of a group, if they are a member.

        Args:
            cid: Correlation ID.
            group_id: The id or name of the group.
            user_id: The user.
            current_ust: The session token of a super-user.
            current_app: The application on whose behalf the call is made.
            remote_addr: The address that the call comes from.

        Raises:
            ValidationError: E005001 without permission, E013001 or E001100 if there is no such group or user.
        """
    async def get_members(
        self,
        cid: str,
        group_id: str,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
        after: str | None = None,
        limit: int | None = None,
    ) -> list[dict[str, Any]]:
        """The members of a group, in the order of their ids.

        Args:
            cid: Correlation ID.
            group_id: The id or name of the group.
            current_ust: The session token of a super-user.
            current_app: The application on whose behalf the call is made.
            remote_addr: The address that the call comes from.
            after: The user_id after which to begin: the last one of the list before.
            limit: How many, at most 1,000.

        Returns:
            A list of dicts: user_id, username, display_name, added_time.

        Raises:
            ValidationError: E005001 without permission, E013001 if there is no such group, E001100 if ``after`` is no user_id.
        """

@final
@type_check_only
class _IdentityAPI:
    """`sso.identity`: identities, under which sites know users. For trusted callers."""

    async def get(
        self,
        cid: str,
        identity_token: str,
        current_app: str | None = None,
        remote_addr: _RemoteAddr | None = None,
    ) -> dict[str, Any]:
        """The identity with this token.

        Args:
            cid: Correlation ID.
            identity_token: The token of the identity.
            current_app: The application on whose behalf the call is made.
            remote_addr: The address that the call comes from.

        Returns:
            A dict: identity_token, user_id, user_token, provider, external_id, profile, creation_time, last_modified.

        Raises:
            ValidationError: E001100 if there is no such identity.
        """
    async def get_list(
        self,
        cid: str,
        user_id: str,
        current_app: str | None = None,
        remote_addr: _RemoteAddr | None = None,
    ) -> list[dict[str, Any]]:
        """The identities of a user, oldest first. Every user has at least one.

        Args:
            cid: Correlation ID.
            user_id: The user.
            current_app: The application on whose behalf the call is made.
            remote_addr: The address that the call comes from.

        Returns:
            A list of dicts, as from ``get``.

        Raises:
            ValidationError: E001100 if there is no such user.
        """

@final
@type_check_only
class _TOTPAPI:
    """`sso.totp`: TOTP codes, and switching TOTP on and off."""

    async def validate_code(
        self,
        cid: str,
        code: _Secret,
        ust: _Secret | None = "",
        username: str | None = "",
        current_app: str | None = None,
        remote_addr: _RemoteAddr | None = None,
    ) -> None:
        """Checks a TOTP code against a user's key, even if logins do not ask for codes. Unless ``login.totp_single_use``
        is off, a correct code is used up by this: neither this call nor a login accepts it again.

        Args:
            cid: Correlation ID.
            code: The code to check.
            ust: The session token of the user.
            username: Instead of ``ust``, the user's name; for trusted callers in the same process.
            current_app: The application on whose behalf the call is made; by default ``apps.default``.
            remote_addr: The address that the call comes from.

        Raises:
            InvalidTOTPError: E005001 if the code is missing, wrong or used, or there is no such user.
            ValidationError: The code of an invalid session, or of a check that every call makes.
            ValueError: Not exactly one of ``ust`` and ``username`` was given.
        """
    async def provisioning_uri(
        self,
        cid: str,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> str:
        """The ``otpauth://`` URI of the caller's own key, for authenticator apps. It contains the key; its label is
        ``main.site_name`` and the username.

        Args:
            cid: Correlation ID.
            current_ust: The caller's session token.
            current_app: The application on whose behalf the call is made.
            remote_addr: The address that the call comes from.

        Raises:
            ValidationError: The code of an invalid session, or of a check that every call makes.
        """
    async def begin_enrolment(
        self,
        cid: str,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> tuple[str, str]:
        """Makes a TOTP key for the caller, which takes effect when :meth:`finish_enrolment` gets a code of it, within half an
        hour. A key that waited before does not any more.

        Args:
            cid: Correlation ID.
            current_ust: The caller's session token.
            current_app: The application on whose behalf the call is made.
            remote_addr: The address that the call comes from.

        Returns:
            A tuple: the ``otpauth://`` URI, to be shown as a QR code, and the key in base32.

        Raises:
            ValidationError: The code of an invalid session; E005010 if the login is not fresh.

        Example:
            >>> uri, key = sso.totp.begin_enrolment("cid-1", ust, "CRM", "127.0.0.1")
            >>> uri.startswith("otpauth://totp/")
            True
        """
    async def finish_enrolment(
        self,
        cid: str,
        code: _Secret,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> list[str]:
        """Switches TOTP on for the caller with the key of :meth:`begin_enrolment`. The user's other sessions end.

        Args:
            cid: Correlation ID.
            code: A code of the new key.
            current_ust: The caller's session token.
            current_app: The application on whose behalf the call is made.
            remote_addr: The address that the call comes from.

        Returns:
            A list of ten recovery codes, in place of those that there were. They cannot be read again.

        Raises:
            InvalidTOTPError: E005001 if the code is wrong.
            ValidationError: The code of an invalid session; E005010 if the login is not fresh, E008001 if no key waits,
                E005009 while the user has to wait after wrong codes.
        """
    async def disable(
        self,
        cid: str,
        password: _Secret | None = None,
        code: _Secret | None = None,
        current_ust: _Secret | None = None,
        current_app: str | None = None,
        remote_addr: _RemoteAddr | None = None,
    ) -> None:
        """Switches TOTP off for the caller, and ends the recovery codes. The user's other sessions end.

        Args:
            cid: Correlation ID.
            password: The password of the caller.
            code: Instead of it, a TOTP code or a recovery code.
            current_ust: The caller's session token.
            current_app: The application on whose behalf the call is made; by default ``apps.default``.
            remote_addr: The address that the call comes from.

        Raises:
            ValidationError: The code of an invalid session; E005010 if the login is not fresh, E005001 for a wrong password
                or code, E005009 while the user has to wait after failures.
            ValueError: Not exactly one of ``password`` and ``code`` was given.
        """

@final
@type_check_only
class _PasskeyAPI:
    """`sso.user.passkey`: passkeys, and logins with them."""

    async def begin_registration(
        self,
        cid: str,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
        name: str | None = None,
    ) -> dict[str, Any]:
        """Begins to register a passkey for the caller. It is registered when :meth:`finish_registration` gets what the browser
        answers, within 5 minutes.

        Args:
            cid: Correlation ID.
            current_ust: The caller's session token.
            current_app: The application on whose behalf the call is made.
            remote_addr: The address that the call comes from.
            name: What the passkey is to be called.

        Returns:
            A dict for ``PublicKeyCredential.parseCreationOptionsFromJSON`` of the browser.

        Raises:
            ValidationError: The code of an invalid session; E005010 if the login is not fresh, E008001 if passkeys are not
                configured or the caller has 20 already.
        """
    async def finish_registration(
        self,
        cid: str,
        response: dict[str, Any] | str,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> Passkey:
        """Registers the passkey that the browser has made. The user is emailed.

        Args:
            cid: Correlation ID.
            response: What ``toJSON()`` of the browser's credential says: a dict or its JSON.
            current_ust: The caller's session token.
            current_app: The application on whose behalf the call is made.
            remote_addr: The address that the call comes from.

        Returns:
            The Passkey.

        Raises:
            ValidationError: The code of an invalid session; E005010 if the login is not fresh, E012001 if the response is not
                acceptable, E012002 if nothing like it was asked for, or too long ago.
        """
    async def begin_login(
        self,
        cid: str,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
        username: str | None = None,
    ) -> dict[str, Any]:
        """Begins a login with a passkey.

        Args:
            cid: Correlation ID.
            current_app: The application on whose behalf the call is made.
            remote_addr: The address that the call comes from.
            username: With it, only passkeys of the user with this name log in. Which ones there are is not told.

        Returns:
            A dict for ``PublicKeyCredential.parseRequestOptionsFromJSON`` of the browser.

        Raises:
            ValidationError: E008001 if passkeys are not configured; E005009 after too many failures.
        """
    async def finish_login(
        self,
        cid: str,
        response: dict[str, Any] | str,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
        user_agent: str | None = None,
    ) -> SessionInfo:
        """Logs in the user whose passkey has answered. One that has verified its owner counts as two factors: no TOTP code is
        asked for.

        Args:
            cid: Correlation ID.
            response: What ``toJSON()`` of the browser's credential says: a dict or its JSON.
            current_app: The application on whose behalf the call is made.
            remote_addr: The address that the call comes from.
            user_agent: The client's user agent.

        Returns:
            A SessionInfo.

        Raises:
            ValidationError: E005001 if the response is not right, E012002 if nothing like it was asked for, or too long ago;
                E005008 if the user has TOTP and the authenticator has not verified its owner; else as ``sso.user.login``.
        """
    async def begin_reauthentication(
        self,
        cid: str,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> dict[str, Any]:
        """Begins to prove by a passkey who has the session. It names the caller's passkeys.

        Args:
            cid: Correlation ID.
            current_ust: The caller's session token.
            current_app: The application on whose behalf the call is made.
            remote_addr: The address that the call comes from.

        Returns:
            A dict for ``PublicKeyCredential.parseRequestOptionsFromJSON`` of the browser.

        Raises:
            ValidationError: The code of an invalid session; E008001 if passkeys are not configured, or the caller has none.
        """
    async def finish_reauthentication(
        self,
        cid: str,
        response: dict[str, Any] | str,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> None:
        """Makes the session as fresh as after a login, by what a passkey of the caller has answered.

        Args:
            cid: Correlation ID.
            response: What ``toJSON()`` of the browser's credential says: a dict or its JSON.
            current_ust: The caller's session token.
            current_app: The application on whose behalf the call is made.
            remote_addr: The address that the call comes from.

        Raises:
            ValidationError: The code of an invalid session; E005001 if the response is not right, E012002 if nothing like it was
                asked for in this session, or too long ago; E005008 if the user has TOTP and the authenticator has not verified
                its owner, E005009 after too many failures.
        """
    async def get_list(
        self,
        cid: str,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
        user_id: str | None = None,
    ) -> list[Passkey]:
        """The passkeys of a user, the oldest first.

        Args:
            cid: Correlation ID.
            current_ust: The caller's session token.
            current_app: The application on whose behalf the call is made.
            remote_addr: The address that the call comes from.
            user_id: Whose; by default the caller's own. Others' only for those who may manage users.

        Returns:
            A list of Passkey.

        Raises:
            ValidationError: The code of an invalid session; E005001 without permission, E001100 if there is no such user.
        """
    async def rename(
        self,
        cid: str,
        passkey_id: str,
        name: str,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> None:
        """Gives one of the caller's passkeys another name.

        Args:
            cid: Correlation ID.
            passkey_id: The ID of the passkey.
            name: Its new name.
            current_ust: The caller's session token.
            current_app: The application on whose behalf the call is made.
            remote_addr: The address that the call comes from.

        Raises:
            ValidationError: The code of an invalid session; E008002 if there is no such passkey, or the name is not valid.
        """
    async def delete(
        self,
        cid: str,
        passkey_id: str,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
        user_id: str | None = None,
    ) -> None:
        """Deletes a passkey. The user is emailed.

        Args:
            cid: Correlation ID.
            passkey_id: The ID of the passkey.
            current_ust: The caller's session token.
            current_app: The application on whose behalf the call is made.
            remote_addr: The address that the call comes from.
            user_id: Whose it is; by default the caller's own. Others' only for those who may manage users.

        Raises:
            ValidationError: The code of an invalid session; E005010 if the login is not fresh, E005001 without permission,
                E001100 if there is no such user, E008002 if there is no such passkey, E012003 if the user could not log in
                any more.
        """

@final
@type_check_only
class _RecoveryCodeAPI:
    """`sso.user.recovery_code`: codes that take the place of a TOTP code, each once."""

    async def generate(
        self,
        cid: str,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
        user_id: str | None = None,
    ) -> list[str]:
        """Makes ten new recovery codes, in place of those that there were.

        Args:
            cid: Correlation ID.
            current_ust: The caller's session token.
            current_app: The application on whose behalf the call is made.
            remote_addr: The address that the call comes from.
            user_id: Whose; by default the caller's own. Others' only for super-users.

        Returns:
            A list of codes such as ``7Q2M-X0DK-4RVE-9HTB``. They cannot be read again.

        Raises:
            ValidationError: The code of an invalid session; E005010 if the login is not fresh, E005001 without permission,
                E001100 if there is no such user.
        """
    async def count(
        self,
        cid: str,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
        user_id: str | None = None,
    ) -> int:
        """How many recovery codes are left.

        Args:
            cid: Correlation ID.
            current_ust: The caller's session token.
            current_app: The application on whose behalf the call is made.
            remote_addr: The address that the call comes from.
            user_id: Whose; by default the caller's own. Others' only for super-users.

        Raises:
            ValidationError: The code of an invalid session; E005001 without permission, E001100 if there is no such user.
        """

@final
@type_check_only
class _UserGrantAPI:
    """`sso.user.grant`: applications that users have given access to."""

    async def get_list(
        self,
        cid: str,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
        user_id: str | None = None,
    ) -> list[dict[str, Any]]:
        """The applications that may know of a user, and what, by name.

        Args:
            cid: Correlation ID.
            current_ust: The caller's session token.
            current_app: The application on whose behalf the call is made.
            remote_addr: The address that the call comes from.
            user_id: Whose; by default the caller's own. Others' only for super-users.

        Returns:
            A list of dicts: client_id, name, logo_uri, scopes, creation_time, last_modified, last_sign_in: None if nothing of
            it is left.

        Raises:
            ValidationError: The code of an invalid session; E005001 without permission, E001100 if there is no such user.
        """
    async def revoke(
        self,
        cid: str,
        client_id: str,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
        user_id: str | None = None,
    ) -> None:
        """Withdraws what a user has allowed an application, and ends its tokens. It asks the user again the next time.

        Args:
            cid: Correlation ID.
            client_id: The id of the application.
            current_ust: The caller's session token.
            current_app: The application on whose behalf the call is made.
            remote_addr: The address that the call comes from.
            user_id: Whose; by default the caller's own. Others' only for super-users.

        Raises:
            ValidationError: The code of an invalid session; E005001 without permission, E014001 if the user has not allowed that
                application anything.
        """

@final
class AttrAPI:
    """The attributes of one user or one session: `user.attr` and `session.attr` of the objects that calls return."""

    async def create(
        self,
        name: str,
        value: _JSON,
        expiration: int | None = None,
        encrypt: bool = False,
        user_id: str | None = None,
    ) -> None:
        """Creates an attribute.

        Args:
            name: 1 to 191 characters.
            value: A JSON value, up to 64 KiB (``attr.max_value_bytes``).
            expiration: The seconds until it expires.
            encrypt: Whether its value is encrypted in the database.
            user_id: The owner, if not the caller; for super-users.

        Raises:
            ValidationError: E009001 if it exists already; E008002 for an invalid name, value or
                expiration; E005001 without permission.
            TypeError: The value is not a JSON value.
        """
    async def create_many(
        self,
        data: list[dict[str, Any]],
        expiration: int | None = None,
        encrypt: bool = False,
        user_id: str | None = None,
    ) -> None:
        """:meth:`create` for several attributes: all of them or none.

        Args:
            data: Dicts with name, value, and optionally expiration, encrypt and user_id, which default to those
                of the call.

        Raises:
            ValidationError: As :meth:`create`; E008003 if the list is empty, or a dict lacks name or value.
        """
    async def update(
        self,
        name: str,
        value: _JSON,
        expiration: int | None = None,
        encrypt: bool = False,
        user_id: str | None = None,
    ) -> None:
        """Changes the value of an attribute, and its expiration and encryption if they are given.

        Args:
            name: 1 to 191 characters.
            value: A JSON value, up to 64 KiB (``attr.max_value_bytes``).
            expiration: The seconds until it expires.
            encrypt: Whether its value is encrypted in the database.
            user_id: The owner, if not the caller; for super-users.

        Raises:
            ValidationError: E009002 if it does not exist; E008002 for an invalid name, value or
                expiration; E005001 without permission.
            TypeError: The value is not a JSON value.
        """
    async def update_many(
        self,
        data: list[dict[str, Any]],
        expiration: int | None = None,
        encrypt: bool = False,
        user_id: str | None = None,
    ) -> None:
        """:meth:`update` for several attributes: all of them or none.

        Args:
            data: Dicts with name, value, and optionally expiration, encrypt and user_id, which default to those
                of the call.

        Raises:
            ValidationError: As :meth:`update`; E008003 if the list is empty, or a dict lacks name or value.
        """
    async def set(
        self,
        name: str,
        value: _JSON,
        expiration: int | None = None,
        encrypt: bool = False,
        user_id: str | None = None,
    ) -> None:
        """Creates an attribute, or updates it as :meth:`update` does.

        Args:
            name: 1 to 191 characters.
            value: A JSON value, up to 64 KiB (``attr.max_value_bytes``).
            expiration: The seconds until it expires.
            encrypt: Whether its value is encrypted in the database.
            user_id: The owner, if not the caller; for super-users.

        Raises:
            ValidationError: E008002 for an invalid name, value or
                expiration; E005001 without permission.
            TypeError: The value is not a JSON value.
        """
    async def set_many(
        self,
        data: list[dict[str, Any]],
        expiration: int | None = None,
        encrypt: bool = False,
        user_id: str | None = None,
    ) -> None:
        """:meth:`set` for several attributes: all of them or none.

        Args:
            data: Dicts with name, value, and optionally expiration, encrypt and user_id, which default to those
                of the call.

        Raises:
            ValidationError: As :meth:`set`; E008003 if the list is empty, or a dict lacks name or value.
        """
    async def set_expiry(self, name: str, expiration: int | None) -> None:
        """Sets the seconds until an attribute expires. With None it lives as long as its user or session.

        Raises:
            ValidationError: E009002 if it does not exist; E008002 if it would expire immediately; E005001
                without permission.
        """
    async def set_expiry_many(self, data: list[dict[str, Any]], expiration: int | None = None) -> None:
        """:meth:`set_expiry` for several attributes: all of them or none.

        Args:
            data: Dicts with name, and optionally user_id and expiration, which defaults to that of the call.
        """
    async def get(self, name: str, decrypt: bool = True, serialize_dt: bool = False) -> AttrEntity | None:
        """An attribute, or None if there is none.

        Args:
            name: The name of the attribute.
            decrypt: False to leave out the value if it is encrypted.
            serialize_dt: Whether datetimes become ISO 8601 text.
        """
    async def get_many(
        self,
        names: Sequence[str],
        decrypt: bool = True,
        serialize_dt: bool = False,
    ) -> dict[str, AttrEntity | None]:
        """A dict of what :meth:`get` returns for each name."""
    async def exists(self, name: str) -> bool:
        """Whether there is an attribute with this name."""
    async def exists_many(self, names: Sequence[str]) -> dict[str, bool]:
        """A dict of what :meth:`exists` returns for each name."""
    async def names(self) -> list[str]:
        """The names of all attributes, in order."""
    async def delete(self, name: str) -> None:
        """Deletes an attribute. It is no error if there is none."""
    async def delete_many(self, names: Sequence[str]) -> None:
        """:meth:`delete` for several attributes."""
    async def to_dict(
        self,
        decrypt: bool = True,
        value_to_dict: bool = False,
        serialize_dt: bool = False,
    ) -> dict[str, Any]:
        """A dict of all attributes by name; with ``value_to_dict`` each is a dict."""

@final
@type_check_only
class _UserAttrAPI:
    """`sso.user.attr`: attributes of users."""

    async def create(
        self,
        cid: str,
        name: str,
        value: _JSON,
        expiration: int | None = None,
        encrypt: bool = False,
        user_id: str | None = None,
        *,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> None:
        """Creates an attribute.

        Args:
            name: 1 to 191 characters.
            value: A JSON value, up to 64 KiB (``attr.max_value_bytes``).
            expiration: The seconds until it expires.
            encrypt: Whether its value is encrypted in the database.
            user_id: The owner, if not the caller; for super-users.

        Raises:
            ValidationError: E009001 if it exists already; E008002 for an invalid name, value or
                expiration; E005001 without permission.
            TypeError: The value is not a JSON value.
        """
    async def create_many(
        self,
        cid: str,
        data: list[dict[str, Any]],
        expiration: int | None = None,
        encrypt: bool = False,
        user_id: str | None = None,
        *,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> None:
        """:meth:`create` for several attributes: all of them or none.

        Args:
            data: Dicts with name, value, and optionally expiration, encrypt and user_id, which default to those
                of the call.

        Raises:
            ValidationError: As :meth:`create`; E008003 if the list is empty, or a dict lacks name or value.
        """
    async def update(
        self,
        cid: str,
        name: str,
        value: _JSON,
        expiration: int | None = None,
        encrypt: bool = False,
        user_id: str | None = None,
        *,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> None:
        """Changes the value of an attribute, and its expiration and encryption if they are given.

        Args:
            name: 1 to 191 characters.
            value: A JSON value, up to 64 KiB (``attr.max_value_bytes``).
            expiration: The seconds until it expires.
            encrypt: Whether its value is encrypted in the database.
            user_id: The owner, if not the caller; for super-users.

        Raises:
            ValidationError: E009002 if it does not exist; E008002 for an invalid name, value or
                expiration; E005001 without permission.
            TypeError: The value is not a JSON value.
        """
    async def update_many(
        self,
        cid: str,
        data: list[dict[str, Any]],
        expiration: int | None = None,
        encrypt: bool = False,
        user_id: str | None = None,
        *,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> None:
        """:meth:`update` for several attributes: all of them or none.

        Args:
            data: Dicts with name, value, and optionally expiration, encrypt and user_id, which default to those
                of the call.

        Raises:
            ValidationError: As :meth:`update`; E008003 if the list is empty, or a dict lacks name or value.
        """
    async def set(
        self,
        cid: str,
        name: str,
        value: _JSON,
        expiration: int | None = None,
        encrypt: bool = False,
        user_id: str | None = None,
        *,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> None:
        """Creates an attribute, or updates it as :meth:`update` does.

        Args:
            name: 1 to 191 characters.
            value: A JSON value, up to 64 KiB (``attr.max_value_bytes``).
            expiration: The seconds until it expires.
            encrypt: Whether its value is encrypted in the database.
            user_id: The owner, if not the caller; for super-users.

        Raises:
            ValidationError: E008002 for an invalid name, value or
                expiration; E005001 without permission.
            TypeError: The value is not a JSON value.
        """
    async def set_many(
        self,
        cid: str,
        data: list[dict[str, Any]],
        expiration: int | None = None,
        encrypt: bool = False,
        user_id: str | None = None,
        *,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> None:
        """:meth:`set` for several attributes: all of them or none.

        Args:
            data: Dicts with name, value, and optionally expiration, encrypt and user_id, which default to those
                of the call.

        Raises:
            ValidationError: As :meth:`set`; E008003 if the list is empty, or a dict lacks name or value.
        """
    async def set_expiry(
        self,
        cid: str,
        name: str,
        expiration: int | None,
        *,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
        user_id: str | None = None,
    ) -> None:
        """Sets the seconds until an attribute expires. With None it lives as long as its user or session.

        Raises:
            ValidationError: E009002 if it does not exist; E008002 if it would expire immediately; E005001
                without permission.
        """
    async def set_expiry_many(
        self,
        cid: str,
        data: list[dict[str, Any]],
        expiration: int | None = None,
        *,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
        user_id: str | None = None,
    ) -> None:
        """:meth:`set_expiry` for several attributes: all of them or none.

        Args:
            data: Dicts with name, and optionally user_id and expiration, which defaults to that of the call.
        """
    async def get(
        self,
        cid: str,
        name: str,
        decrypt: bool = True,
        serialize_dt: bool = False,
        *,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
        user_id: str | None = None,
    ) -> AttrEntity | None:
        """An attribute, or None if there is none.

        Args:
            name: The name of the attribute.
            decrypt: False to leave out the value if it is encrypted.
            serialize_dt: Whether datetimes become ISO 8601 text.
        """
    async def get_many(
        self,
        cid: str,
        names: Sequence[str],
        decrypt: bool = True,
        serialize_dt: bool = False,
        *,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
        user_id: str | None = None,
    ) -> dict[str, AttrEntity | None]:
        """A dict of what :meth:`get` returns for each name."""
    async def exists(
        self,
        cid: str,
        name: str,
        *,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
        user_id: str | None = None,
    ) -> bool:
        """Whether there is an attribute with this name."""
    async def exists_many(
        self,
        cid: str,
        names: Sequence[str],
        *,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
        user_id: str | None = None,
    ) -> dict[str, bool]:
        """A dict of what :meth:`exists` returns for each name."""
    async def names(
        self,
        cid: str,
        *,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
        user_id: str | None = None,
    ) -> list[str]:
        """The names of all attributes, in order."""
    async def delete(
        self,
        cid: str,
        name: str,
        *,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
        user_id: str | None = None,
    ) -> None:
        """Deletes an attribute. It is no error if there is none."""
    async def delete_many(
        self,
        cid: str,
        names: Sequence[str],
        *,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
        user_id: str | None = None,
    ) -> None:
        """:meth:`delete` for several attributes."""
    async def to_dict(
        self,
        cid: str,
        decrypt: bool = True,
        value_to_dict: bool = False,
        serialize_dt: bool = False,
        *,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
        user_id: str | None = None,
    ) -> dict[str, Any]:
        """A dict of all attributes by name; with ``value_to_dict`` each is a dict."""

@final
@type_check_only
class _SessionAttrAPI:
    """`sso.user.session.attr`, also `sso.session.attr`: attributes of sessions."""

    async def create(
        self,
        cid: str,
        name: str,
        value: _JSON,
        expiration: int | None = None,
        encrypt: bool = False,
        user_id: str | None = None,
        *,
        target_ust: _Secret,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> None:
        """Creates an attribute.

        Args:
            name: 1 to 191 characters.
            value: A JSON value, up to 64 KiB (``attr.max_value_bytes``).
            expiration: The seconds until it expires.
            encrypt: Whether its value is encrypted in the database.
            user_id: The owner, if not the caller; for super-users.

        Raises:
            ValidationError: E009001 if it exists already; E008002 for an invalid name, value or
                expiration; E005001 without permission.
            TypeError: The value is not a JSON value.
        """
    async def create_many(
        self,
        cid: str,
        data: list[dict[str, Any]],
        expiration: int | None = None,
        encrypt: bool = False,
        user_id: str | None = None,
        *,
        target_ust: _Secret,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> None:
        """:meth:`create` for several attributes: all of them or none.

        Args:
            data: Dicts with name, value, and optionally expiration, encrypt and user_id, which default to those
                of the call.

        Raises:
            ValidationError: As :meth:`create`; E008003 if the list is empty, or a dict lacks name or value.
        """
    async def update(
        self,
        cid: str,
        name: str,
        value: _JSON,
        expiration: int | None = None,
        encrypt: bool = False,
        user_id: str | None = None,
        *,
        target_ust: _Secret,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> None:
        """Changes the value of an attribute, and its expiration and encryption if they are given.

        Args:
            name: 1 to 191 characters.
            value: A JSON value, up to 64 KiB (``attr.max_value_bytes``).
            expiration: The seconds until it expires.
            encrypt: Whether its value is encrypted in the database.
            user_id: The owner, if not the caller; for super-users.

        Raises:
            ValidationError: E009002 if it does not exist; E008002 for an invalid name, value or
                expiration; E005001 without permission.
            TypeError: The value is not a JSON value.
        """
    async def update_many(
        self,
        cid: str,
        data: list[dict[str, Any]],
        expiration: int | None = None,
        encrypt: bool = False,
        user_id: str | None = None,
        *,
        target_ust: _Secret,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> None:
        """:meth:`update` for several attributes: all of them or none.

        Args:
            data: Dicts with name, value, and optionally expiration, encrypt and user_id, which default to those
                of the call.

        Raises:
            ValidationError: As :meth:`update`; E008003 if the list is empty, or a dict lacks name or value.
        """
    async def set(
        self,
        cid: str,
        name: str,
        value: _JSON,
        expiration: int | None = None,
        encrypt: bool = False,
        user_id: str | None = None,
        *,
        target_ust: _Secret,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> None:
        """Creates an attribute, or updates it as :meth:`update` does.

        Args:
            name: 1 to 191 characters.
            value: A JSON value, up to 64 KiB (``attr.max_value_bytes``).
            expiration: The seconds until it expires.
            encrypt: Whether its value is encrypted in the database.
            user_id: The owner, if not the caller; for super-users.

        Raises:
            ValidationError: E008002 for an invalid name, value or
                expiration; E005001 without permission.
            TypeError: The value is not a JSON value.
        """
    async def set_many(
        self,
        cid: str,
        data: list[dict[str, Any]],
        expiration: int | None = None,
        encrypt: bool = False,
        user_id: str | None = None,
        *,
        target_ust: _Secret,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> None:
        """:meth:`set` for several attributes: all of them or none.

        Args:
            data: Dicts with name, value, and optionally expiration, encrypt and user_id, which default to those
                of the call.

        Raises:
            ValidationError: As :meth:`set`; E008003 if the list is empty, or a dict lacks name or value.
        """
    async def set_expiry(
        self,
        cid: str,
        name: str,
        expiration: int | None,
        *,
        target_ust: _Secret,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> None:
        """Sets the seconds until an attribute expires. With None it lives as long as its user or session.

        Raises:
            ValidationError: E009002 if it does not exist; E008002 if it would expire immediately; E005001
                without permission.
        """
    async def set_expiry_many(
        self,
        cid: str,
        data: list[dict[str, Any]],
        expiration: int | None = None,
        *,
        target_ust: _Secret,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> None:
        """:meth:`set_expiry` for several attributes: all of them or none.

        Args:
            data: Dicts with name, and optionally user_id and expiration, which defaults to that of the call.
        """
    async def get(
        self,
        cid: str,
        name: str,
        decrypt: bool = True,
        serialize_dt: bool = False,
        *,
        target_ust: _Secret,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> AttrEntity | None:
        """An attribute, or None if there is none.

        Args:
            name: The name of the attribute.
            decrypt: False to leave out the value if it is encrypted.
            serialize_dt: Whether datetimes become ISO 8601 text.
        """
    async def get_many(
        self,
        cid: str,
        names: Sequence[str],
        decrypt: bool = True,
        serialize_dt: bool = False,
        *,
        target_ust: _Secret,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> dict[str, AttrEntity | None]:
        """A dict of what :meth:`get` returns for each name."""
    async def exists(
        self,
        cid: str,
        name: str,
        *,
        target_ust: _Secret,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> bool:
        """Whether there is an attribute with this name."""
    async def exists_many(
        self,
        cid: str,
        names: Sequence[str],
        *,
        target_ust: _Secret,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> dict[str, bool]:
        """A dict of what :meth:`exists` returns for each name."""
    async def names(
        self,
        cid: str,
        *,
        target_ust: _Secret,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> list[str]:
        """The names of all attributes, in order."""
    async def delete(
        self,
        cid: str,
        name: str,
        *,
        target_ust: _Secret,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> None:
        """Deletes an attribute. It is no error if there is none."""
    async def delete_many(
        self,
        cid: str,
        names: Sequence[str],
        *,
        target_ust: _Secret,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> None:
        """:meth:`delete` for several attributes."""
    async def to_dict(
        self,
        cid: str,
        decrypt: bool = True,
        value_to_dict: bool = False,
        serialize_dt: bool = False,
        *,
        target_ust: _Secret,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> dict[str, Any]:
        """A dict of all attributes by name; with ``value_to_dict`` each is a dict."""

@final
@type_check_only
class _PasswordResetAPI:
    """`sso.password_reset`: password resets by email."""

    async def create_token(
        self,
        cid: str,
        credential: str,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
        user_agent: str | None,
    ) -> None:
        """Emails a token to the user with this credential. The caller cannot tell whether there is such a user.

        Args:
            cid: Correlation ID.
            credential: A username or an email address, as ``password_reset.user_search_by`` says.
            current_app: The application on whose behalf the call is made.
            remote_addr: The address that the call comes from.
            user_agent: The client's user agent.

        Raises:
            ValidationError: E004001 for an unknown application.

        Example:
            >>> sso.password_reset.create_token("cid-1", "ann", "CRM", "127.0.0.1", "Mozilla/5.0")
        """
    async def access_token(
        self,
        cid: str,
        token: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
        user_agent: str | None,
    ) -> AccessTokenCtx:
        """Exchanges a token, once, for a key that allows a new password to be set.

        Args:
            cid: Correlation ID.
            token: The token from the email.
            current_app: The application on whose behalf the call is made.
            remote_addr: The address that the call comes from.
            user_agent: The client's user agent.

        Returns:
            An AccessTokenCtx: the key, valid for ``password_reset.password_change_session_duration`` seconds, and its
            user.

        Raises:
            ValidationError: E010001 if the token is invalid, used or expired, or its user may not log in.
        """
    async def change_password(
        self,
        cid: str,
        new_password: _Secret,
        token: _Secret,
        reset_key: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
        user_agent: str | None,
    ) -> None:
        """Sets a new password, once. This ends all reset tokens of the user, and all sessions if
        ``session.end_on_password_change`` is set.

        Args:
            cid: Correlation ID.
            new_password: The new password.
            token: The token from the email.
            reset_key: The key that it was exchanged for.
            current_app: The application on whose behalf the call is made.
            remote_addr: The address that the call comes from.
            user_agent: The client's user agent.

        Raises:
            ValidationError: E010001 if the token or key is invalid, used or expired, or its user may not log in;
                E003xxx if the password is not accepted, after which token and key can be used again.
        """
