"""Single sign-on with arguments filled in."""

# Written by .ci/async_stubs.py from _core.pyi: change that one, and run it with Python.

import datetime
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, type_check_only

from typing_extensions import TypedDict, Unpack

from zato_sso._core import (
    _JSON,
    AccessTokenCtx,
    AttrAPI,
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
from zato_sso.aio import AttrAPI as AsyncAttrAPI
from zato_sso.ctx import AuditSearchCtx, SearchCtx, SignupCtx

__all__ = ["AsyncBoundSSO", "BoundSSO"]

@type_check_only
class _Context(TypedDict, total=False):
    cid: str
    current_app: str | None
    remote_addr: _RemoteAddr | None

@type_check_only
class _WithCurrentUstOrNone(_Context, total=False):
    current_ust: _Secret | None

@type_check_only
class _WithCurrentUst(_Context, total=False):
    current_ust: _Secret

@type_check_only
class _WithUserAgentOrNone(_Context, total=False):
    user_agent: str | None

@type_check_only
class _WithUst(_Context, total=False):
    ust: _Secret

@type_check_only
class _WithCid(TypedDict, total=False):
    cid: str

@type_check_only
class _WithCurrentUstUserAgentOrNone(_Context, total=False):
    current_ust: _Secret
    user_agent: str | None

@type_check_only
class _WithUstUserAgentOrNone(_Context, total=False):
    ust: _Secret
    user_agent: str | None

@type_check_only
class _WithCurrentUstOrNoneUserAgentOrNone(_Context, total=False):
    current_ust: _Secret | None
    user_agent: str | None

@type_check_only
class _WithTargetUstCurrentUst(_Context, total=False):
    target_ust: _Secret
    current_ust: _Secret

class BoundSSO:
    """The tree, with arguments filled in."""

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
        cid: str | None = ...,
        current_app: str | None = ...,
        remote_addr: _RemoteAddr | None = ...,
        user_agent: str | None = ...,
        current_ust: _Secret | None = ...,
    ) -> BoundSSO:
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

    @property
    def import_users(self) -> Callable[..., ImportSummary]:
        """`sso.import_users`, which takes none of these arguments."""

    def __init__(self, tree: Any, values: dict[str, Any]) -> None:
        """Private: call `SSO.bind`."""

    @property
    def cid(self) -> str:
        """The correlation ID of the calls."""

    @property
    def is_signed_in(self) -> bool:
        """Whether a session token is bound; it may be one that is not valid any more."""

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

    def create_user(
        self,
        data: dict[str, Any],
        require_super_user: bool = True,
        auto_approve: bool = False,
        **filled: Unpack[_WithCurrentUstOrNone],
    ) -> str:
        """Creates a user, who waits for approval unless ``auto_approve`` or the configuration says otherwise."""

    def create(
        self,
        data: dict[str, Any],
        require_super_user: bool = True,
        auto_approve: bool = False,
        **filled: Unpack[_WithCurrentUstOrNone],
    ) -> str:
        """Creates a user, who waits for approval unless ``auto_approve`` or the configuration says otherwise."""

    def create_super_user(
        self,
        data: dict[str, Any],
        require_super_user: bool = True,
        auto_approve: bool = False,
        **filled: Unpack[_WithCurrentUstOrNone],
    ) -> str:
        """Creates a super-user; otherwise the same as :meth:`create_user`."""

    def ensure_super_user(self, data: dict[str, Any], **filled: Unpack[_Context]) -> str:
        """Makes sure that there is a super-user of this name: for applications as they start. It creates one, who is approved, or
        leaves one who exists as they are, password included. Workers that start at the same time may all call it."""

    def signup(self, ctx: SignupCtx, **filled: Unpack[_Context]) -> str | None:
        """Signs a user up. Before they can log in, they confirm the sign-up with the token, and wait for approval unless
        the configuration says otherwise."""

    def confirm_signup(self, confirm_token: _Secret, **filled: Unpack[_Context]) -> None:
        """Confirms a sign-up."""

    def confirm_email(self, confirm_token: _Secret, **filled: Unpack[_Context]) -> None:
        """Confirms a new email, by the token that was sent there. It is the user's from then on."""

    def resend_confirmation(self, credential: str, **filled: Unpack[_Context]) -> None:
        """Has the email of a sign-up sent once more, with the same token."""

    def approve_user(self, user_id: str, **filled: Unpack[_WithCurrentUst]) -> None:
        """Approves a user, who may log in from now on. It can be repeated, and called after a rejection."""

    def approve(self, user_id: str, **filled: Unpack[_WithCurrentUst]) -> None:
        """Approves a user, who may log in from now on. It can be repeated, and called after a rejection."""

    def reject_user(self, user_id: str, **filled: Unpack[_WithCurrentUst]) -> None:
        """Rejects a user, who can no longer log in; their open sessions are rejected too."""

    def reject(self, user_id: str, **filled: Unpack[_WithCurrentUst]) -> None:
        """Rejects a user, who can no longer log in; their open sessions are rejected too."""

    def login(
        self,
        username: str,
        password: _Secret | None,
        has_remote_addr: bool = False,
        has_user_agent: bool = False,
        new_password: _Secret | None = "",
        totp_code: _Secret | None = None,
        skip_sec: bool = False,
        device_token: _Secret | None = None,
        **filled: Unpack[_WithUserAgentOrNone],
    ) -> SessionInfo:
        """Logs a user in: opens a session."""

    def logout(self, skip_sec: bool = False, **filled: Unpack[_WithUst]) -> None:
        """Logs a user out: ends the session."""

    def get_current_user(self, return_all_attrs: bool = False, **filled: Unpack[_WithCurrentUst]) -> User[AttrAPI]:
        """The user that the session belongs to."""

    def get_user_by_id(
        self, user_id: str, return_all_attrs: bool = False, **filled: Unpack[_WithCurrentUst]
    ) -> User[AttrAPI]:
        """A user: the caller's own, or any for super-users."""

    def get_user_by_username(
        self, username: str, needs_approved: bool = True, **filled: Unpack[_WithCid]
    ) -> User[AttrAPI] | None:
        """The user with this name, for trusted callers in the same process. None if there is no such user, or, with
        ``needs_approved``, the user is not approved."""

    def search(self, ctx: SearchCtx, serialize_dt: bool = False, **filled: Unpack[_WithCurrentUst]) -> dict[str, Any]:
        """Searches users, ordered by display name and username. For super-users."""

    def update_current_user(self, data: dict[str, Any], **filled: Unpack[_WithCurrentUst]) -> None:
        """Changes the caller's own user."""

    def update_user_by_id(self, user_id: str, data: dict[str, Any], **filled: Unpack[_WithCurrentUst]) -> None:
        """Changes a user: the caller's own, or any for super-users. Otherwise the same as :meth:`update_current_user`."""

    def update(self, data: dict[str, Any], user_id: str | None = None, **filled: Unpack[_WithCurrentUst]) -> None:
        """:meth:`update_user_by_id` where ``user_id`` is given, else :meth:`update_current_user`."""

    def delete_user_by_id(self, user_id: str, skip_sec: bool = False, **filled: Unpack[_WithCurrentUstOrNone]) -> None:
        """Deletes a user with all sessions, attributes, links and reset tokens. Callers cannot delete themselves."""

    def delete_user_by_username(
        self, username: str, skip_sec: bool = False, **filled: Unpack[_WithCurrentUstOrNone]
    ) -> None:
        """Deletes a user by name; otherwise the same as :meth:`delete_user_by_id`."""

    def delete(self, user_id: str, **filled: Unpack[_WithCurrentUst]) -> None:
        """Deletes a user: :meth:`delete_user_by_id` without ``skip_sec``."""

    def change_password(self, data: dict[str, Any], **filled: Unpack[_WithCurrentUst]) -> None:
        """Changes a password: the caller's own with the old password, or any for super-users."""

    def set_password(
        self,
        user_id: str,
        password: _Secret,
        must_change: bool,
        password_expiry: int | None,
        details: _JSON = None,
        **filled: Unpack[_Context],
    ) -> None:
        """Sets a user's password without a session or the old password. For trusted callers in the same process."""

    def validate_password(self, password: _Secret) -> None:
        """Checks a password against the configured rules that do not depend on a user."""

    def reset_totp_key(
        self,
        user_id: str | None,
        key: _Secret | None,
        key_label: str | None,
        skip_sec: bool = False,
        **filled: Unpack[_WithCurrentUstOrNone],
    ) -> str:
        """Replaces the TOTP key of a user. ``is_totp_enabled``, whether logins need a code, is not changed."""

    def create_linked_auth(
        self, user_id: str, auth_type: str, auth_username: str, is_active: bool, **filled: Unpack[_WithUst]
    ) -> tuple[str, int]:
        """Links a security definition to a user: requests that use it act as the user. For super-users."""

    def get_linked_auth_list(self, user_id: str | None = None, **filled: Unpack[_WithUst]) -> list[dict[str, Any]]:
        """The definitions that are linked to a user: the caller, or any user for super-users."""

    def delete_linked_auth(self, user_id: str, auth_type: str, auth_username: str, **filled: Unpack[_WithUst]) -> int:
        """Removes a link and ends the sessions that it opened. For super-users."""

    def get_user_by_linked_auth(
        self, sec_type: str, sec_username: str, return_all_attrs: bool = False, **filled: Unpack[_WithCurrentUst]
    ) -> User[AttrAPI]:
        """The user that a security definition is linked to: the caller, or any user for super-users."""

    def lock_user(
        self,
        user_id: str,
        require_super_user: bool = True,
        current_user: str | None = None,
        **filled: Unpack[_WithCurrentUstOrNone],
    ) -> None:
        """Locks an account: its user cannot log in, and open sessions are rejected."""

    def unlock_user(
        self,
        user_id: str,
        require_super_user: bool = True,
        current_user: str | None = None,
        **filled: Unpack[_WithCurrentUstOrNone],
    ) -> None:
        """Unlocks an account; otherwise the same as :meth:`lock_user`."""

@type_check_only
class _SessionAPI:
    """`sso.user.session`, also `sso.session`: sessions."""

    @property
    def attr(self) -> _SessionAttrAPI:
        """Attributes of sessions."""

    def verify(self, target_ust: _Secret, **filled: Unpack[_WithCurrentUstUserAgentOrNone]) -> bool:
        """Whether a token belongs to a valid session whose user may log in. For super-users."""

    def renew(self, **filled: Unpack[_WithUstUserAgentOrNone]) -> datetime.datetime:
        """Extends a session."""

    def reauthenticate(
        self, password: _Secret, totp_code: _Secret | None = None, **filled: Unpack[_WithUstUserAgentOrNone]
    ) -> None:
        """Makes a session fresh: its user proves who they are once more. It is throttled as a login is."""

    def get(
        self,
        target_ust: _Secret,
        check_if_password_expired: bool = True,
        **filled: Unpack[_WithCurrentUstUserAgentOrNone],
    ) -> Session[AttrAPI]:
        """A session: the caller's own, or any for super-users."""

    def get_list(
        self,
        ust: _Secret | None = None,
        target_ust: _Secret | None = None,
        **filled: Unpack[_WithCurrentUstOrNoneUserAgentOrNone],
    ) -> list[dict[str, Any]]:
        """The open sessions of a user, oldest first: the caller's own with ``current_ust`` or ``ust`` alone, or, for
        super-users, those of the user that ``target_ust`` belongs to."""

    def end(self, session_id: str, **filled: Unpack[_WithCurrentUst]) -> None:
        """Ends an open session: one of the caller's own, or any for super-users."""

    def end_all(
        self, user_id: str | None = None, except_current: bool = True, **filled: Unpack[_WithCurrentUst]
    ) -> int:
        """Ends the open sessions of a user, those of sites and of linked definitions included."""

    def get_current_session(
        self, needs_super_user: bool = False, **filled: Unpack[_WithCurrentUst]
    ) -> Session[AttrAPI]:
        """The session of the caller."""

    def require_super_user(self, **filled: Unpack[_WithCurrentUst]) -> Session[AttrAPI]:
        """The session of the caller, who must be a super-user."""

    def on_external_auth_succeeded(
        self,
        sec_type: str,
        sec_def_id: int,
        sec_def_username: str,
        user_id: str,
        ext_session_id: _Secret | None,
        totp_code: _Secret | None,
        **filled: Unpack[_WithUserAgentOrNone],
    ) -> SessionInfo:
        """Opens a session for the user that a security definition is linked to, or renews the one that was opened before.
        For trusted callers in the same process that authenticated a request with that definition."""

    def get_session_by_ext_id(
        self, sec_type: str, sec_def_id: int, ext_session_id: _Secret | None = None
    ) -> dict[str, Any] | None:
        """The open session of a security definition. For trusted callers in the same process."""

@type_check_only
class _SiteAPI:
    """`sso.site`: sites, clients of the sessions API, and their sessions. For trusted callers."""

    def create(
        self,
        subdomain: str,
        callback_uris: Sequence[str],
        trusted: bool = False,
        long_key: bool = False,
        **filled: Unpack[_Context],
    ) -> dict[str, Any]:
        """Creates a site with a new key pair."""

    def get_list(self, **filled: Unpack[_Context]) -> list[dict[str, Any]]:
        """All sites, by subdomain, without their private keys."""

    def update(
        self,
        subdomain: str,
        callback_uris: Sequence[str] | None = None,
        trusted: bool | None = None,
        new_key: bool = False,
        long_key: bool = False,
        keep_old_key: bool = False,
        end_old_key: bool = False,
        **filled: Unpack[_Context],
    ) -> dict[str, Any]:
        """Replaces the callback URIs or the private key of a site, or whether it is trusted. What is not given stays."""

    def delete(self, subdomain: str, **filled: Unpack[_Context]) -> int:
        """Deletes a site and ends its sessions."""

    def start_session(
        self,
        subdomain: str,
        identity_token: str,
        top_realm: str | None = None,
        sub_realm: str | None = None,
        lifetime: int | None = None,
        session_data: _JSON = None,
        **filled: Unpack[_WithUserAgentOrNone],
    ) -> dict[str, Any]:
        """Starts a session for an identity, and ends the previous one that the site had for it."""

    def get_session_list(
        self,
        subdomain: str,
        page: int = 1,
        entries_per_page: int = 250,
        order_direction: str = "desc",
        **filled: Unpack[_Context],
    ) -> dict[str, Any]:
        """A page of the open sessions of a site, ordered by start time."""

    def get_session(self, subdomain: str, sso_session_token: _Secret, **filled: Unpack[_Context]) -> dict[str, Any]:
        """The open session of a site that has this token; of any site, for a trusted one."""

    def get_identity_session(self, subdomain: str, identity_token: str, **filled: Unpack[_Context]) -> dict[str, Any]:
        """The open session that a site has started for an identity."""

    def end_session(self, subdomain: str, sso_session_token: _Secret, **filled: Unpack[_Context]) -> None:
        """Ends a session of a site."""

    def end_identity_session(self, subdomain: str, identity_token: str, **filled: Unpack[_Context]) -> None:
        """Ends the session that a site has started for an identity."""

@type_check_only
class _ClientAPI:
    """`sso.client`: clients of the OpenID Provider, for super-users."""

    def create(
        self, name: str, kind: str, data: dict[str, Any] | None = None, **filled: Unpack[_WithCurrentUst]
    ) -> dict[str, Any]:
        """Creates a client. What is not given is what suits its kind."""

    def get(self, client_id: str, **filled: Unpack[_WithCurrentUst]) -> dict[str, Any]:
        """A client."""

    def get_list(self, **filled: Unpack[_WithCurrentUst]) -> list[dict[str, Any]]:
        """All clients, by name."""

    def update(self, client_id: str, data: dict[str, Any], **filled: Unpack[_WithCurrentUst]) -> dict[str, Any]:
        """Changes a client. Other processes see the change at once, or within a tenth of a second on PostgreSQL."""

    def delete(self, client_id: str, **filled: Unpack[_WithCurrentUst]) -> None:
        """Deletes a client, and what users allowed it."""

    def rotate_secret(
        self, client_id: str, keep_old_for: int = 24, **filled: Unpack[_WithCurrentUst]
    ) -> dict[str, Any]:
        """Gives a client a new secret."""

@type_check_only
class _TokenAPI:
    """`sso.token`: access tokens that services are shown."""

    def verify(
        self, access_token: _Secret, audience: str | None = None, scope: str | None = None, **filled: Unpack[_Context]
    ) -> Token[User[AttrAPI] | None]:
        """Verifies an access token of the OpenID Provider of this database. A JWT is verified without a query, and is good until it
        expires: that its session has ended is known to ``Token.user``, and by introspection. An opaque token is looked up, and ends
        with its session."""

@type_check_only
class _AuditAPI:
    """`sso.audit`: the audit trail, for super-users and members of groups that may read it."""

    def search(self, ctx: AuditSearchCtx, **filled: Unpack[_WithCurrentUst]) -> dict[str, Any]:
        """Searches the audit entries in the database, newest first, a page at a time."""

@type_check_only
class _GroupAPI:
    """`sso.group`: groups of users, for super-users."""

    def create(
        self,
        name: str,
        display_name: str | None = None,
        description: str | None = None,
        scopes: list[str] | None = None,
        can_manage_users: bool = False,
        can_read_audit: bool = False,
        **filled: Unpack[_WithCurrentUst],
    ) -> dict[str, Any]:
        """Creates a group."""

    def get(self, group_id: str, **filled: Unpack[_WithCurrentUst]) -> dict[str, Any]:
        """A group, by its id or name."""

    def get_list(self, **filled: Unpack[_WithCurrentUst]) -> list[dict[str, Any]]:
        """All groups, by name."""

    def update(self, group_id: str, data: dict[str, Any], **filled: Unpack[_WithCurrentUst]) -> dict[str, Any]:
        """Changes a group."""

    def delete(self, group_id: str, **filled: Unpack[_WithCurrentUst]) -> None:
        """Deletes a group. Its members stay."""

    def add_member(self, group_id: str, user_id: str, **filled: Unpack[_WithCurrentUst]) -> None:
        """Makes a user a member of a group. One who is a member stays one."""

    def remove_member(self, group_id: str, user_id: str, **filled: Unpack[_WithCurrentUst]) -> None:
        """Takes a user out of a group, if they are a member."""

    def get_members(
        self, group_id: str, after: str | None = None, limit: int | None = None, **filled: Unpack[_WithCurrentUst]
    ) -> list[dict[str, Any]]:
        """The members of a group, in the order of their ids."""

@type_check_only
class _IdentityAPI:
    """`sso.identity`: identities, under which sites know users. For trusted callers."""

    def get(self, identity_token: str, **filled: Unpack[_Context]) -> dict[str, Any]:
        """The identity with this token."""

    def get_list(self, user_id: str, **filled: Unpack[_Context]) -> list[dict[str, Any]]:
        """The identities of a user, oldest first. Every user has at least one."""

@type_check_only
class _TOTPAPI:
    """`sso.totp`: TOTP codes, and switching TOTP on and off."""

    def validate_code(
        self, code: _Secret, ust: _Secret | None = "", username: str | None = "", **filled: Unpack[_Context]
    ) -> None:
        """Checks a TOTP code against a user's key, even if logins do not ask for codes. Unless ``login.totp_single_use``
        is off, a correct code is used up by this: neither this call nor a login accepts it again."""

    def provisioning_uri(self, **filled: Unpack[_WithCurrentUst]) -> str:
        """The ``otpauth://`` URI of the caller's own key, for authenticator apps. It contains the key; its label is
        ``main.site_name`` and the username."""

    def begin_enrolment(self, **filled: Unpack[_WithCurrentUst]) -> tuple[str, str]:
        """Makes a TOTP key for the caller, which takes effect when :meth:`finish_enrolment` gets a code of it, within half an
        hour. A key that waited before does not any more."""

    def finish_enrolment(self, code: _Secret, **filled: Unpack[_WithCurrentUst]) -> list[str]:
        """Switches TOTP on for the caller with the key of :meth:`begin_enrolment`. The user's other sessions end."""

    def disable(
        self, password: _Secret | None = None, code: _Secret | None = None, **filled: Unpack[_WithCurrentUstOrNone]
    ) -> None:
        """Switches TOTP off for the caller, and ends the recovery codes. The user's other sessions end."""

@type_check_only
class _PasskeyAPI:
    """`sso.user.passkey`: passkeys, and logins with them."""

    def begin_registration(self, name: str | None = None, **filled: Unpack[_WithCurrentUst]) -> dict[str, Any]:
        """Begins to register a passkey for the caller. It is registered when :meth:`finish_registration` gets what the browser
        answers, within 5 minutes."""

    def finish_registration(self, response: dict[str, Any] | str, **filled: Unpack[_WithCurrentUst]) -> Passkey:
        """Registers the passkey that the browser has made. The user is emailed."""

    def begin_login(self, username: str | None = None, **filled: Unpack[_Context]) -> dict[str, Any]:
        """Begins a login with a passkey."""

    def finish_login(self, response: dict[str, Any] | str, **filled: Unpack[_WithUserAgentOrNone]) -> SessionInfo:
        """Logs in the user whose passkey has answered. One that has verified its owner counts as two factors: no TOTP code is
        asked for."""

    def begin_reauthentication(self, **filled: Unpack[_WithCurrentUst]) -> dict[str, Any]:
        """Begins to prove by a passkey who has the session. It names the caller's passkeys."""

    def finish_reauthentication(self, response: dict[str, Any] | str, **filled: Unpack[_WithCurrentUst]) -> None:
        """Makes the session as fresh as after a login, by what a passkey of the caller has answered."""

    def get_list(self, user_id: str | None = None, **filled: Unpack[_WithCurrentUst]) -> list[Passkey]:
        """The passkeys of a user, the oldest first."""

    def rename(self, passkey_id: str, name: str, **filled: Unpack[_WithCurrentUst]) -> None:
        """Gives one of the caller's passkeys another name."""

    def delete(self, passkey_id: str, user_id: str | None = None, **filled: Unpack[_WithCurrentUst]) -> None:
        """Deletes a passkey. The user is emailed."""

@type_check_only
class _RecoveryCodeAPI:
    """`sso.user.recovery_code`: codes that take the place of a TOTP code, each once."""

    def generate(self, user_id: str | None = None, **filled: Unpack[_WithCurrentUst]) -> list[str]:
        """Makes ten new recovery codes, in place of those that there were."""

    def count(self, user_id: str | None = None, **filled: Unpack[_WithCurrentUst]) -> int:
        """How many recovery codes are left."""

@type_check_only
class _UserGrantAPI:
    """`sso.user.grant`: applications that users have given access to."""

    def get_list(self, user_id: str | None = None, **filled: Unpack[_WithCurrentUst]) -> list[dict[str, Any]]:
        """The applications that may know of a user, and what, by name."""

    def revoke(self, client_id: str, user_id: str | None = None, **filled: Unpack[_WithCurrentUst]) -> None:
        """Withdraws what a user has allowed an application, and ends its tokens. It asks the user again the next time."""

@type_check_only
class _UserAttrAPI:
    """`sso.user.attr`: attributes of users."""

    def create(
        self,
        name: str,
        value: _JSON,
        expiration: int | None = None,
        encrypt: bool = False,
        user_id: str | None = None,
        **filled: Unpack[_WithCurrentUst],
    ) -> None:
        """Creates an attribute."""

    def create_many(
        self,
        data: list[dict[str, Any]],
        expiration: int | None = None,
        encrypt: bool = False,
        user_id: str | None = None,
        **filled: Unpack[_WithCurrentUst],
    ) -> None:
        """:meth:`create` for several attributes: all of them or none."""

    def update(
        self,
        name: str,
        value: _JSON,
        expiration: int | None = None,
        encrypt: bool = False,
        user_id: str | None = None,
        **filled: Unpack[_WithCurrentUst],
    ) -> None:
        """Changes the value of an attribute, and its expiration and encryption if they are given."""

    def update_many(
        self,
        data: list[dict[str, Any]],
        expiration: int | None = None,
        encrypt: bool = False,
        user_id: str | None = None,
        **filled: Unpack[_WithCurrentUst],
    ) -> None:
        """:meth:`update` for several attributes: all of them or none."""

    def set(
        self,
        name: str,
        value: _JSON,
        expiration: int | None = None,
        encrypt: bool = False,
        user_id: str | None = None,
        **filled: Unpack[_WithCurrentUst],
    ) -> None:
        """Creates an attribute, or updates it as :meth:`update` does."""

    def set_many(
        self,
        data: list[dict[str, Any]],
        expiration: int | None = None,
        encrypt: bool = False,
        user_id: str | None = None,
        **filled: Unpack[_WithCurrentUst],
    ) -> None:
        """:meth:`set` for several attributes: all of them or none."""

    def set_expiry(
        self, name: str, expiration: int | None, *, user_id: str | None = None, **filled: Unpack[_WithCurrentUst]
    ) -> None:
        """Sets the seconds until an attribute expires. With None it lives as long as its user or session."""

    def set_expiry_many(
        self,
        data: list[dict[str, Any]],
        expiration: int | None = None,
        *,
        user_id: str | None = None,
        **filled: Unpack[_WithCurrentUst],
    ) -> None:
        """:meth:`set_expiry` for several attributes: all of them or none."""

    def get(
        self,
        name: str,
        decrypt: bool = True,
        serialize_dt: bool = False,
        *,
        user_id: str | None = None,
        **filled: Unpack[_WithCurrentUst],
    ) -> AttrEntity | None:
        """An attribute, or None if there is none."""

    def get_many(
        self,
        names: Sequence[str],
        decrypt: bool = True,
        serialize_dt: bool = False,
        *,
        user_id: str | None = None,
        **filled: Unpack[_WithCurrentUst],
    ) -> dict[str, AttrEntity | None]:
        """A dict of what :meth:`get` returns for each name."""

    def exists(self, name: str, *, user_id: str | None = None, **filled: Unpack[_WithCurrentUst]) -> bool:
        """Whether there is an attribute with this name."""

    def exists_many(
        self, names: Sequence[str], *, user_id: str | None = None, **filled: Unpack[_WithCurrentUst]
    ) -> dict[str, bool]:
        """A dict of what :meth:`exists` returns for each name."""

    def names(self, *, user_id: str | None = None, **filled: Unpack[_WithCurrentUst]) -> list[str]:
        """The names of all attributes, in order."""

    def delete(self, name: str, *, user_id: str | None = None, **filled: Unpack[_WithCurrentUst]) -> None:
        """Deletes an attribute. It is no error if there is none."""

    def delete_many(
        self, names: Sequence[str], *, user_id: str | None = None, **filled: Unpack[_WithCurrentUst]
    ) -> None:
        """:meth:`delete` for several attributes."""

    def to_dict(
        self,
        decrypt: bool = True,
        value_to_dict: bool = False,
        serialize_dt: bool = False,
        *,
        user_id: str | None = None,
        **filled: Unpack[_WithCurrentUst],
    ) -> dict[str, Any]:
        """A dict of all attributes by name; with ``value_to_dict`` each is a dict."""

@type_check_only
class _SessionAttrAPI:
    """`sso.user.session.attr`, also `sso.session.attr`: attributes of sessions."""

    def create(
        self,
        name: str,
        value: _JSON,
        expiration: int | None = None,
        encrypt: bool = False,
        user_id: str | None = None,
        **filled: Unpack[_WithTargetUstCurrentUst],
    ) -> None:
        """Creates an attribute."""

    def create_many(
        self,
        data: list[dict[str, Any]],
        expiration: int | None = None,
        encrypt: bool = False,
        user_id: str | None = None,
        **filled: Unpack[_WithTargetUstCurrentUst],
    ) -> None:
        """:meth:`create` for several attributes: all of them or none."""

    def update(
        self,
        name: str,
        value: _JSON,
        expiration: int | None = None,
        encrypt: bool = False,
        user_id: str | None = None,
        **filled: Unpack[_WithTargetUstCurrentUst],
    ) -> None:
        """Changes the value of an attribute, and its expiration and encryption if they are given."""

    def update_many(
        self,
        data: list[dict[str, Any]],
        expiration: int | None = None,
        encrypt: bool = False,
        user_id: str | None = None,
        **filled: Unpack[_WithTargetUstCurrentUst],
    ) -> None:
        """:meth:`update` for several attributes: all of them or none."""

    def set(
        self,
        name: str,
        value: _JSON,
        expiration: int | None = None,
        encrypt: bool = False,
        user_id: str | None = None,
        **filled: Unpack[_WithTargetUstCurrentUst],
    ) -> None:
        """Creates an attribute, or updates it as :meth:`update` does."""

    def set_many(
        self,
        data: list[dict[str, Any]],
        expiration: int | None = None,
        encrypt: bool = False,
        user_id: str | None = None,
        **filled: Unpack[_WithTargetUstCurrentUst],
    ) -> None:
        """:meth:`set` for several attributes: all of them or none."""

    def set_expiry(self, name: str, expiration: int | None, **filled: Unpack[_WithTargetUstCurrentUst]) -> None:
        """Sets the seconds until an attribute expires. With None it lives as long as its user or session."""

    def set_expiry_many(
        self, data: list[dict[str, Any]], expiration: int | None = None, **filled: Unpack[_WithTargetUstCurrentUst]
    ) -> None:
        """:meth:`set_expiry` for several attributes: all of them or none."""

    def get(
        self, name: str, decrypt: bool = True, serialize_dt: bool = False, **filled: Unpack[_WithTargetUstCurrentUst]
    ) -> AttrEntity | None:
        """An attribute, or None if there is none."""

    def get_many(
        self,
        names: Sequence[str],
        decrypt: bool = True,
        serialize_dt: bool = False,
        **filled: Unpack[_WithTargetUstCurrentUst],
    ) -> dict[str, AttrEntity | None]:
        """A dict of what :meth:`get` returns for each name."""

    def exists(self, name: str, **filled: Unpack[_WithTargetUstCurrentUst]) -> bool:
        """Whether there is an attribute with this name."""

    def exists_many(self, names: Sequence[str], **filled: Unpack[_WithTargetUstCurrentUst]) -> dict[str, bool]:
        """A dict of what :meth:`exists` returns for each name."""

    def names(self, **filled: Unpack[_WithTargetUstCurrentUst]) -> list[str]:
        """The names of all attributes, in order."""

    def delete(self, name: str, **filled: Unpack[_WithTargetUstCurrentUst]) -> None:
        """Deletes an attribute. It is no error if there is none."""

    def delete_many(self, names: Sequence[str], **filled: Unpack[_WithTargetUstCurrentUst]) -> None:
        """:meth:`delete` for several attributes."""

    def to_dict(
        self,
        decrypt: bool = True,
        value_to_dict: bool = False,
        serialize_dt: bool = False,
        **filled: Unpack[_WithTargetUstCurrentUst],
    ) -> dict[str, Any]:
        """A dict of all attributes by name; with ``value_to_dict`` each is a dict."""

@type_check_only
class _PasswordResetAPI:
    """`sso.password_reset`: password resets by email."""

    def create_token(self, credential: str, **filled: Unpack[_WithUserAgentOrNone]) -> None:
        """Emails a token to the user with this credential. The caller cannot tell whether there is such a user."""

    def access_token(self, token: _Secret, **filled: Unpack[_WithUserAgentOrNone]) -> AccessTokenCtx:
        """Exchanges a token, once, for a key that allows a new password to be set."""

    def change_password(
        self, new_password: _Secret, token: _Secret, reset_key: _Secret, **filled: Unpack[_WithUserAgentOrNone]
    ) -> None:
        """Sets a new password, once. This ends all reset tokens of the user, and all sessions if
        ``session.end_on_password_change`` is set."""

class AsyncBoundSSO:
    """The tree, with arguments filled in."""

    @property
    def user(self) -> _AsyncUserAPI:
        """Users."""

    @property
    def session(self) -> _AsyncSessionAPI:
        """Sessions."""

    @property
    def password_reset(self) -> _AsyncPasswordResetAPI:
        """Password resets by email."""

    @property
    def totp(self) -> _AsyncTOTPAPI:
        """TOTP codes."""

    @property
    def group(self) -> _AsyncGroupAPI:
        """Groups of users."""

    @property
    def audit(self) -> _AsyncAuditAPI:
        """The audit trail."""

    @property
    def client(self) -> _AsyncClientAPI:
        """Clients of the OpenID Provider."""

    @property
    def token(self) -> _AsyncTokenAPI:
        """Access tokens that services are shown."""

    @property
    def site(self) -> _AsyncSiteAPI:
        """Sites: clients of the sessions API."""

    @property
    def identity(self) -> _AsyncIdentityAPI:
        """Identities: users as the sites see them."""

    def bind(
        self,
        *,
        cid: str | None = ...,
        current_app: str | None = ...,
        remote_addr: _RemoteAddr | None = ...,
        user_agent: str | None = ...,
        current_ust: _Secret | None = ...,
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

    @property
    def import_users(self) -> Callable[..., Awaitable[ImportSummary]]:
        """`sso.import_users`, which takes none of these arguments."""

    def __init__(self, tree: Any, values: dict[str, Any]) -> None:
        """Private: call `SSO.bind`."""

    @property
    def cid(self) -> str:
        """The correlation ID of the calls."""

    @property
    def is_signed_in(self) -> bool:
        """Whether a session token is bound; it may be one that is not valid any more."""

@type_check_only
class _AsyncUserAPI:
    """`sso.user`: users, login and logout."""

    @property
    def session(self) -> _AsyncSessionAPI:
        """Sessions; the same as ``sso.session``."""

    @property
    def attr(self) -> _AsyncUserAttrAPI:
        """Attributes of users."""

    @property
    def recovery_code(self) -> _AsyncRecoveryCodeAPI:
        """Recovery codes."""

    @property
    def passkey(self) -> _AsyncPasskeyAPI:
        """Passkeys."""

    @property
    def grant(self) -> _AsyncUserGrantAPI:
        """Applications that have access."""

    async def create_user(
        self,
        data: dict[str, Any],
        require_super_user: bool = True,
        auto_approve: bool = False,
        **filled: Unpack[_WithCurrentUstOrNone],
    ) -> str:
        """Creates a user, who waits for approval unless ``auto_approve`` or the configuration says otherwise."""

    async def create(
        self,
        data: dict[str, Any],
        require_super_user: bool = True,
        auto_approve: bool = False,
        **filled: Unpack[_WithCurrentUstOrNone],
    ) -> str:
        """Creates a user, who waits for approval unless ``auto_approve`` or the configuration says otherwise."""

    async def create_super_user(
        self,
        data: dict[str, Any],
        require_super_user: bool = True,
        auto_approve: bool = False,
        **filled: Unpack[_WithCurrentUstOrNone],
    ) -> str:
        """Creates a super-user; otherwise the same as :meth:`create_user`."""

    async def ensure_super_user(self, data: dict[str, Any], **filled: Unpack[_Context]) -> str:
        """Makes sure that there is a super-user of this name: for applications as they start. It creates one, who is approved, or
        leaves one who exists as they are, password included. Workers that start at the same time may all call it."""

    async def signup(self, ctx: SignupCtx, **filled: Unpack[_Context]) -> str | None:
        """Signs a user up. Before they can log in, they confirm the sign-up with the token, and wait for approval unless
        the configuration says otherwise."""

    async def confirm_signup(self, confirm_token: _Secret, **filled: Unpack[_Context]) -> None:
        """Confirms a sign-up."""

    async def confirm_email(self, confirm_token: _Secret, **filled: Unpack[_Context]) -> None:
        """Confirms a new email, by the token that was sent there. It is the user's from then on."""

    async def resend_confirmation(self, credential: str, **filled: Unpack[_Context]) -> None:
        """Has the email of a sign-up sent once more, with the same token."""

    async def approve_user(self, user_id: str, **filled: Unpack[_WithCurrentUst]) -> None:
        """Approves a user, who may log in from now on. It can be repeated, and called after a rejection."""

    async def approve(self, user_id: str, **filled: Unpack[_WithCurrentUst]) -> None:
        """Approves a user, who may log in from now on. It can be repeated, and called after a rejection."""

    async def reject_user(self, user_id: str, **filled: Unpack[_WithCurrentUst]) -> None:
        """Rejects a user, who can no longer log in; their open sessions are rejected too."""

    async def reject(self, user_id: str, **filled: Unpack[_WithCurrentUst]) -> None:
        """Rejects a user, who can no longer log in; their open sessions are rejected too."""

    async def login(
        self,
        username: str,
        password: _Secret | None,
        has_remote_addr: bool = False,
        has_user_agent: bool = False,
        new_password: _Secret | None = "",
        totp_code: _Secret | None = None,
        skip_sec: bool = False,
        device_token: _Secret | None = None,
        **filled: Unpack[_WithUserAgentOrNone],
    ) -> SessionInfo:
        """Logs a user in: opens a session."""

    async def logout(self, skip_sec: bool = False, **filled: Unpack[_WithUst]) -> None:
        """Logs a user out: ends the session."""

    async def get_current_user(
        self, return_all_attrs: bool = False, **filled: Unpack[_WithCurrentUst]
    ) -> User[AsyncAttrAPI]:
        """The user that the session belongs to."""

    async def get_user_by_id(
        self, user_id: str, return_all_attrs: bool = False, **filled: Unpack[_WithCurrentUst]
    ) -> User[AsyncAttrAPI]:
        """A user: the caller's own, or any for super-users."""

    async def get_user_by_username(
        self, username: str, needs_approved: bool = True, **filled: Unpack[_WithCid]
    ) -> User[AsyncAttrAPI] | None:
        """The user with this name, for trusted callers in the same process. None if there is no such user, or, with
        ``needs_approved``, the user is not approved."""

    async def search(
        self, ctx: SearchCtx, serialize_dt: bool = False, **filled: Unpack[_WithCurrentUst]
    ) -> dict[str, Any]:
        """Searches users, ordered by display name and username. For super-users."""

    async def update_current_user(self, data: dict[str, Any], **filled: Unpack[_WithCurrentUst]) -> None:
        """Changes the caller's own user."""

    async def update_user_by_id(self, user_id: str, data: dict[str, Any], **filled: Unpack[_WithCurrentUst]) -> None:
        """Changes a user: the caller's own, or any for super-users. Otherwise the same as :meth:`update_current_user`."""

    async def update(self, data: dict[str, Any], user_id: str | None = None, **filled: Unpack[_WithCurrentUst]) -> None:
        """:meth:`update_user_by_id` where ``user_id`` is given, else :meth:`update_current_user`."""

    async def delete_user_by_id(
        self, user_id: str, skip_sec: bool = False, **filled: Unpack[_WithCurrentUstOrNone]
    ) -> None:
        """Deletes a user with all sessions, attributes, links and reset tokens. Callers cannot delete themselves."""

    async def delete_user_by_username(
        self, username: str, skip_sec: bool = False, **filled: Unpack[_WithCurrentUstOrNone]
    ) -> None:
        """Deletes a user by name; otherwise the same as :meth:`delete_user_by_id`."""

    async def delete(self, user_id: str, **filled: Unpack[_WithCurrentUst]) -> None:
        """Deletes a user: :meth:`delete_user_by_id` without ``skip_sec``."""

    async def change_password(self, data: dict[str, Any], **filled: Unpack[_WithCurrentUst]) -> None:
        """Changes a password: the caller's own with the old password, or any for super-users."""

    async def set_password(
        self,
        user_id: str,
        password: _Secret,
        must_change: bool,
        password_expiry: int | None,
        details: _JSON = None,
        **filled: Unpack[_Context],
    ) -> None:
        """Sets a user's password without a session or the old password. For trusted callers in the same process."""

    async def validate_password(self, password: _Secret) -> None:
        """Checks a password against the configured rules that do not depend on a user."""

    async def reset_totp_key(
        self,
        user_id: str | None,
        key: _Secret | None,
        key_label: str | None,
        skip_sec: bool = False,
        **filled: Unpack[_WithCurrentUstOrNone],
    ) -> str:
        """Replaces the TOTP key of a user. ``is_totp_enabled``, whether logins need a code, is not changed."""

    async def create_linked_auth(
        self, user_id: str, auth_type: str, auth_username: str, is_active: bool, **filled: Unpack[_WithUst]
    ) -> tuple[str, int]:
        """Links a security definition to a user: requests that use it act as the user. For super-users."""

    async def get_linked_auth_list(
        self, user_id: str | None = None, **filled: Unpack[_WithUst]
    ) -> list[dict[str, Any]]:
        """The definitions that are linked to a user: the caller, or any user for super-users."""

    async def delete_linked_auth(
        self, user_id: str, auth_type: str, auth_username: str, **filled: Unpack[_WithUst]
    ) -> int:
        """Removes a link and ends the sessions that it opened. For super-users."""

    async def get_user_by_linked_auth(
        self, sec_type: str, sec_username: str, return_all_attrs: bool = False, **filled: Unpack[_WithCurrentUst]
    ) -> User[AsyncAttrAPI]:
        """The user that a security definition is linked to: the caller, or any user for super-users."""

    async def lock_user(
        self,
        user_id: str,
        require_super_user: bool = True,
        current_user: str | None = None,
        **filled: Unpack[_WithCurrentUstOrNone],
    ) -> None:
        """Locks an account: its user cannot log in, and open sessions are rejected."""

    async def unlock_user(
        self,
        user_id: str,
        require_super_user: bool = True,
        current_user: str | None = None,
        **filled: Unpack[_WithCurrentUstOrNone],
    ) -> None:
        """Unlocks an account; otherwise the same as :meth:`lock_user`."""

@type_check_only
class _AsyncSessionAPI:
    """`sso.user.session`, also `sso.session`: sessions."""

    @property
    def attr(self) -> _AsyncSessionAttrAPI:
        """Attributes of sessions."""

    async def verify(self, target_ust: _Secret, **filled: Unpack[_WithCurrentUstUserAgentOrNone]) -> bool:
        """Whether a token belongs to a valid session whose user may log in. For super-users."""

    async def renew(self, **filled: Unpack[_WithUstUserAgentOrNone]) -> datetime.datetime:
        """Extends a session."""

    async def reauthenticate(
        self, password: _Secret, totp_code: _Secret | None = None, **filled: Unpack[_WithUstUserAgentOrNone]
    ) -> None:
        """Makes a session fresh: its user proves who they are once more. It is throttled as a login is."""

    async def get(
        self,
        target_ust: _Secret,
        check_if_password_expired: bool = True,
        **filled: Unpack[_WithCurrentUstUserAgentOrNone],
    ) -> Session[AsyncAttrAPI]:
        """A session: the caller's own, or any for super-users."""

    async def get_list(
        self,
        ust: _Secret | None = None,
        target_ust: _Secret | None = None,
        **filled: Unpack[_WithCurrentUstOrNoneUserAgentOrNone],
    ) -> list[dict[str, Any]]:
        """The open sessions of a user, oldest first: the caller's own with ``current_ust`` or ``ust`` alone, or, for
        super-users, those of the user that ``target_ust`` belongs to."""

    async def end(self, session_id: str, **filled: Unpack[_WithCurrentUst]) -> None:
        """Ends an open session: one of the caller's own, or any for super-users."""

    async def end_all(
        self, user_id: str | None = None, except_current: bool = True, **filled: Unpack[_WithCurrentUst]
    ) -> int:
        """Ends the open sessions of a user, those of sites and of linked definitions included."""

    async def get_current_session(
        self, needs_super_user: bool = False, **filled: Unpack[_WithCurrentUst]
    ) -> Session[AsyncAttrAPI]:
        """The session of the caller."""

    async def require_super_user(self, **filled: Unpack[_WithCurrentUst]) -> Session[AsyncAttrAPI]:
        """The session of the caller, who must be a super-user."""

    async def on_external_auth_succeeded(
        self,
        sec_type: str,
        sec_def_id: int,
        sec_def_username: str,
        user_id: str,
        ext_session_id: _Secret | None,
        totp_code: _Secret | None,
        **filled: Unpack[_WithUserAgentOrNone],
    ) -> SessionInfo:
        """Opens a session for the user that a security definition is linked to, or renews the one that was opened before.
        For trusted callers in the same process that authenticated a request with that definition."""

    async def get_session_by_ext_id(
        self, sec_type: str, sec_def_id: int, ext_session_id: _Secret | None = None
    ) -> dict[str, Any] | None:
        """The open session of a security definition. For trusted callers in the same process."""

@type_check_only
class _AsyncSiteAPI:
    """`sso.site`: sites, clients of the sessions API, and their sessions. For trusted callers."""

    async def create(
        self,
        subdomain: str,
        callback_uris: Sequence[str],
        trusted: bool = False,
        long_key: bool = False,
        **filled: Unpack[_Context],
    ) -> dict[str, Any]:
        """Creates a site with a new key pair."""

    async def get_list(self, **filled: Unpack[_Context]) -> list[dict[str, Any]]:
        """All sites, by subdomain, without their private keys."""

    async def update(
        self,
        subdomain: str,
        callback_uris: Sequence[str] | None = None,
        trusted: bool | None = None,
        new_key: bool = False,
        long_key: bool = False,
        keep_old_key: bool = False,
        end_old_key: bool = False,
        **filled: Unpack[_Context],
    ) -> dict[str, Any]:
        """Replaces the callback URIs or the private key of a site, or whether it is trusted. What is not given stays."""

    async def delete(self, subdomain: str, **filled: Unpack[_Context]) -> int:
        """Deletes a site and ends its sessions."""

    async def start_session(
        self,
        subdomain: str,
        identity_token: str,
        top_realm: str | None = None,
        sub_realm: str | None = None,
        lifetime: int | None = None,
        session_data: _JSON = None,
        **filled: Unpack[_WithUserAgentOrNone],
    ) -> dict[str, Any]:
        """Starts a session for an identity, and ends the previous one that the site had for it."""

    async def get_session_list(
        self,
        subdomain: str,
        page: int = 1,
        entries_per_page: int = 250,
        order_direction: str = "desc",
        **filled: Unpack[_Context],
    ) -> dict[str, Any]:
        """A page of the open sessions of a site, ordered by start time."""

    async def get_session(
        self, subdomain: str, sso_session_token: _Secret, **filled: Unpack[_Context]
    ) -> dict[str, Any]:
        """The open session of a site that has this token; of any site, for a trusted one."""

    async def get_identity_session(
        self, subdomain: str, identity_token: str, **filled: Unpack[_Context]
    ) -> dict[str, Any]:
        """The open session that a site has started for an identity."""

    async def end_session(self, subdomain: str, sso_session_token: _Secret, **filled: Unpack[_Context]) -> None:
        """Ends a session of a site."""

    async def end_identity_session(self, subdomain: str, identity_token: str, **filled: Unpack[_Context]) -> None:
        """Ends the session that a site has started for an identity."""

@type_check_only
class _AsyncClientAPI:
    """`sso.client`: clients of the OpenID Provider, for super-users."""

    async def create(
        self, name: str, kind: str, data: dict[str, Any] | None = None, **filled: Unpack[_WithCurrentUst]
    ) -> dict[str, Any]:
        """Creates a client. What is not given is what suits its kind."""

    async def get(self, client_id: str, **filled: Unpack[_WithCurrentUst]) -> dict[str, Any]:
        """A client."""

    async def get_list(self, **filled: Unpack[_WithCurrentUst]) -> list[dict[str, Any]]:
        """All clients, by name."""

    async def update(self, client_id: str, data: dict[str, Any], **filled: Unpack[_WithCurrentUst]) -> dict[str, Any]:
        """Changes a client. Other processes see the change at once, or within a tenth of a second on PostgreSQL."""

    async def delete(self, client_id: str, **filled: Unpack[_WithCurrentUst]) -> None:
        """Deletes a client, and what users allowed it."""

    async def rotate_secret(
        self, client_id: str, keep_old_for: int = 24, **filled: Unpack[_WithCurrentUst]
    ) -> dict[str, Any]:
        """Gives a client a new secret."""

@type_check_only
class _AsyncTokenAPI:
    """`sso.token`: access tokens that services are shown."""

    async def verify(
        self, access_token: _Secret, audience: str | None = None, scope: str | None = None, **filled: Unpack[_Context]
    ) -> Token[Awaitable[User[AsyncAttrAPI] | None]]:
        """Verifies an access token of the OpenID Provider of this database. A JWT is verified without a query, and is good until it
        expires: that its session has ended is known to ``Token.user``, and by introspection. An opaque token is looked up, and ends
        with its session."""

@type_check_only
class _AsyncAuditAPI:
    """`sso.audit`: the audit trail, for super-users and members of groups that may read it."""

    async def search(self, ctx: AuditSearchCtx, **filled: Unpack[_WithCurrentUst]) -> dict[str, Any]:
        """Searches the audit entries in the database, newest first, a page at a time."""

@type_check_only
class _AsyncGroupAPI:
    """`sso.group`: groups of users, for super-users."""

    async def create(
        self,
        name: str,
        display_name: str | None = None,
        description: str | None = None,
        scopes: list[str] | None = None,
        can_manage_users: bool = False,
        can_read_audit: bool = False,
        **filled: Unpack[_WithCurrentUst],
    ) -> dict[str, Any]:
        """Creates a group."""

    async def get(self, group_id: str, **filled: Unpack[_WithCurrentUst]) -> dict[str, Any]:
        """A group, by its id or name."""

    async def get_list(self, **filled: Unpack[_WithCurrentUst]) -> list[dict[str, Any]]:
        """All groups, by name."""

    async def update(self, group_id: str, data: dict[str, Any], **filled: Unpack[_WithCurrentUst]) -> dict[str, Any]:
        """Changes a group."""

    async def delete(self, group_id: str, **filled: Unpack[_WithCurrentUst]) -> None:
        """Deletes a group. Its members stay."""

    async def add_member(self, group_id: str, user_id: str, **filled: Unpack[_WithCurrentUst]) -> None:
        """Makes a user a member of a group. One who is a member stays one."""

    async def remove_member(self, group_id: str, user_id: str, **filled: Unpack[_WithCurrentUst]) -> None:
        """Takes a user out of a group, if they are a member."""

    async def get_members(
        self, group_id: str, after: str | None = None, limit: int | None = None, **filled: Unpack[_WithCurrentUst]
    ) -> list[dict[str, Any]]:
        """The members of a group, in the order of their ids."""

@type_check_only
class _AsyncIdentityAPI:
    """`sso.identity`: identities, under which sites know users. For trusted callers."""

    async def get(self, identity_token: str, **filled: Unpack[_Context]) -> dict[str, Any]:
        """The identity with this token."""

    async def get_list(self, user_id: str, **filled: Unpack[_Context]) -> list[dict[str, Any]]:
        """The identities of a user, oldest first. Every user has at least one."""

@type_check_only
class _AsyncTOTPAPI:
    """`sso.totp`: TOTP codes, and switching TOTP on and off."""

    async def validate_code(
        self, code: _Secret, ust: _Secret | None = "", username: str | None = "", **filled: Unpack[_Context]
    ) -> None:
        """Checks a TOTP code against a user's key, even if logins do not ask for codes. Unless ``login.totp_single_use``
        is off, a correct code is used up by this: neither this call nor a login accepts it again."""

    async def provisioning_uri(self, **filled: Unpack[_WithCurrentUst]) -> str:
        """The ``otpauth://`` URI of the caller's own key, for authenticator apps. It contains the key; its label is
        ``main.site_name`` and the username."""

    async def begin_enrolment(self, **filled: Unpack[_WithCurrentUst]) -> tuple[str, str]:
        """Makes a TOTP key for the caller, which takes effect when :meth:`finish_enrolment` gets a code of it, within half an
        hour. A key that waited before does not any more."""

    async def finish_enrolment(self, code: _Secret, **filled: Unpack[_WithCurrentUst]) -> list[str]:
        """Switches TOTP on for the caller with the key of :meth:`begin_enrolment`. The user's other sessions end."""

    async def disable(
        self, password: _Secret | None = None, code: _Secret | None = None, **filled: Unpack[_WithCurrentUstOrNone]
    ) -> None:
        """Switches TOTP off for the caller, and ends the recovery codes. The user's other sessions end."""

@type_check_only
class _AsyncPasskeyAPI:
    """`sso.user.passkey`: passkeys, and logins with them."""

    async def begin_registration(self, name: str | None = None, **filled: Unpack[_WithCurrentUst]) -> dict[str, Any]:
        """Begins to register a passkey for the caller. It is registered when :meth:`finish_registration` gets what the browser
        answers, within 5 minutes."""

    async def finish_registration(self, response: dict[str, Any] | str, **filled: Unpack[_WithCurrentUst]) -> Passkey:
        """Registers the passkey that the browser has made. The user is emailed."""

    async def begin_login(self, username: str | None = None, **filled: Unpack[_Context]) -> dict[str, Any]:
        """Begins a login with a passkey."""

    async def finish_login(self, response: dict[str, Any] | str, **filled: Unpack[_WithUserAgentOrNone]) -> SessionInfo:
        """Logs in the user whose passkey has answered. One that has verified its owner counts as two factors: no TOTP code is
        asked for."""

    async def begin_reauthentication(self, **filled: Unpack[_WithCurrentUst]) -> dict[str, Any]:
        """Begins to prove by a passkey who has the session. It names the caller's passkeys."""

    async def finish_reauthentication(self, response: dict[str, Any] | str, **filled: Unpack[_WithCurrentUst]) -> None:
        """Makes the session as fresh as after a login, by what a passkey of the caller has answered."""

    async def get_list(self, user_id: str | None = None, **filled: Unpack[_WithCurrentUst]) -> list[Passkey]:
        """The passkeys of a user, the oldest first."""

    async def rename(self, passkey_id: str, name: str, **filled: Unpack[_WithCurrentUst]) -> None:
        """Gives one of the caller's passkeys another name."""

    async def delete(self, passkey_id: str, user_id: str | None = None, **filled: Unpack[_WithCurrentUst]) -> None:
        """Deletes a passkey. The user is emailed."""

@type_check_only
class _AsyncRecoveryCodeAPI:
    """`sso.user.recovery_code`: codes that take the place of a TOTP code, each once."""

    async def generate(self, user_id: str | None = None, **filled: Unpack[_WithCurrentUst]) -> list[str]:
        """Makes ten new recovery codes, in place of those that there were."""

    async def count(self, user_id: str | None = None, **filled: Unpack[_WithCurrentUst]) -> int:
        """How many recovery codes are left."""

@type_check_only
class _AsyncUserGrantAPI:
    """`sso.user.grant`: applications that users have given access to."""

    async def get_list(self, user_id: str | None = None, **filled: Unpack[_WithCurrentUst]) -> list[dict[str, Any]]:
        """The applications that may know of a user, and what, by name."""

    async def revoke(self, client_id: str, user_id: str | None = None, **filled: Unpack[_WithCurrentUst]) -> None:
        """Withdraws what a user has allowed an application, and ends its tokens. It asks the user again the next time."""

@type_check_only
class _AsyncUserAttrAPI:
    """`sso.user.attr`: attributes of users."""

    async def create(
        self,
        name: str,
        value: _JSON,
        expiration: int | None = None,
        encrypt: bool = False,
        user_id: str | None = None,
        **filled: Unpack[_WithCurrentUst],
    ) -> None:
        """Creates an attribute."""

    async def create_many(
        self,
        data: list[dict[str, Any]],
        expiration: int | None = None,
        encrypt: bool = False,
        user_id: str | None = None,
        **filled: Unpack[_WithCurrentUst],
    ) -> None:
        """:meth:`create` for several attributes: all of them or none."""

    async def update(
        self,
        name: str,
        value: _JSON,
        expiration: int | None = None,
        encrypt: bool = False,
        user_id: str | None = None,
        **filled: Unpack[_WithCurrentUst],
    ) -> None:
        """Changes the value of an attribute, and its expiration and encryption if they are given."""

    async def update_many(
        self,
        data: list[dict[str, Any]],
        expiration: int | None = None,
        encrypt: bool = False,
        user_id: str | None = None,
        **filled: Unpack[_WithCurrentUst],
    ) -> None:
        """:meth:`update` for several attributes: all of them or none."""

    async def set(
        self,
        name: str,
        value: _JSON,
        expiration: int | None = None,
        encrypt: bool = False,
        user_id: str | None = None,
        **filled: Unpack[_WithCurrentUst],
    ) -> None:
        """Creates an attribute, or updates it as :meth:`update` does."""

    async def set_many(
        self,
        data: list[dict[str, Any]],
        expiration: int | None = None,
        encrypt: bool = False,
        user_id: str | None = None,
        **filled: Unpack[_WithCurrentUst],
    ) -> None:
        """:meth:`set` for several attributes: all of them or none."""

    async def set_expiry(
        self, name: str, expiration: int | None, *, user_id: str | None = None, **filled: Unpack[_WithCurrentUst]
    ) -> None:
        """Sets the seconds until an attribute expires. With None it lives as long as its user or session."""

    async def set_expiry_many(
        self,
        data: list[dict[str, Any]],
        expiration: int | None = None,
        *,
        user_id: str | None = None,
        **filled: Unpack[_WithCurrentUst],
    ) -> None:
        """:meth:`set_expiry` for several attributes: all of them or none."""

    async def get(
        self,
        name: str,
        decrypt: bool = True,
        serialize_dt: bool = False,
        *,
        user_id: str | None = None,
        **filled: Unpack[_WithCurrentUst],
    ) -> AttrEntity | None:
        """An attribute, or None if there is none."""

    async def get_many(
        self,
        names: Sequence[str],
        decrypt: bool = True,
        serialize_dt: bool = False,
        *,
        user_id: str | None = None,
        **filled: Unpack[_WithCurrentUst],
    ) -> dict[str, AttrEntity | None]:
        """A dict of what :meth:`get` returns for each name."""

    async def exists(self, name: str, *, user_id: str | None = None, **filled: Unpack[_WithCurrentUst]) -> bool:
        """Whether there is an attribute with this name."""

    async def exists_many(
        self, names: Sequence[str], *, user_id: str | None = None, **filled: Unpack[_WithCurrentUst]
    ) -> dict[str, bool]:
        """A dict of what :meth:`exists` returns for each name."""

    async def names(self, *, user_id: str | None = None, **filled: Unpack[_WithCurrentUst]) -> list[str]:
        """The names of all attributes, in order."""

    async def delete(self, name: str, *, user_id: str | None = None, **filled: Unpack[_WithCurrentUst]) -> None:
        """Deletes an attribute. It is no error if there is none."""

    async def delete_many(
        self, names: Sequence[str], *, user_id: str | None = None, **filled: Unpack[_WithCurrentUst]
    ) -> None:
        """:meth:`delete` for several attributes."""

    async def to_dict(
        self,
        decrypt: bool = True,
        value_to_dict: bool = False,
        serialize_dt: bool = False,
        *,
        user_id: str | None = None,
        **filled: Unpack[_WithCurrentUst],
    ) -> dict[str, Any]:
        """A dict of all attributes by name; with ``value_to_dict`` each is a dict."""

@type_check_only
class _AsyncSessionAttrAPI:
    """`sso.user.session.attr`, also `sso.session.attr`: attributes of sessions."""

    async def create(
        self,
        name: str,
        value: _JSON,
        expiration: int | None = None,
        encrypt: bool = False,
        user_id: str | None = None,
        **filled: Unpack[_WithTargetUstCurrentUst],
    ) -> None:
        """Creates an attribute."""

    async def create_many(
        self,
        data: list[dict[str, Any]],
        expiration: int | None = None,
        encrypt: bool = False,
        user_id: str | None = None,
        **filled: Unpack[_WithTargetUstCurrentUst],
    ) -> None:
        """:meth:`create` for several attributes: all of them or none."""

    async def update(
        self,
        name: str,
        value: _JSON,
        expiration: int | None = None,
        encrypt: bool = False,
        user_id: str | None = None,
        **filled: Unpack[_WithTargetUstCurrentUst],
    ) -> None:
        """Changes the value of an attribute, and its expiration and encryption if they are given."""

    async def update_many(
        self,
        data: list[dict[str, Any]],
        expiration: int | None = None,
        encrypt: bool = False,
        user_id: str | None = None,
        **filled: Unpack[_WithTargetUstCurrentUst],
    ) -> None:
        """:meth:`update` for several attributes: all of them or none."""

    async def set(
        self,
        name: str,
        value: _JSON,
        expiration: int | None = None,
        encrypt: bool = False,
        user_id: str | None = None,
        **filled: Unpack[_WithTargetUstCurrentUst],
    ) -> None:
        """Creates an attribute, or updates it as :meth:`update` does."""

    async def set_many(
        self,
        data: list[dict[str, Any]],
        expiration: int | None = None,
        encrypt: bool = False,
        user_id: str | None = None,
        **filled: Unpack[_WithTargetUstCurrentUst],
    ) -> None:
        """:meth:`set` for several attributes: all of them or none."""

    async def set_expiry(self, name: str, expiration: int | None, **filled: Unpack[_WithTargetUstCurrentUst]) -> None:
        """Sets the seconds until an attribute expires. With None it lives as long as its user or session."""

    async def set_expiry_many(
        self, data: list[dict[str, Any]], expiration: int | None = None, **filled: Unpack[_WithTargetUstCurrentUst]
    ) -> None:
        """:meth:`set_expiry` for several attributes: all of them or none."""

    async def get(
        self, name: str, decrypt: bool = True, serialize_dt: bool = False, **filled: Unpack[_WithTargetUstCurrentUst]
    ) -> AttrEntity | None:
        """An attribute, or None if there is none."""

    async def get_many(
        self,
        names: Sequence[str],
        decrypt: bool = True,
        serialize_dt: bool = False,
        **filled: Unpack[_WithTargetUstCurrentUst],
    ) -> dict[str, AttrEntity | None]:
        """A dict of what :meth:`get` returns for each name."""

    async def exists(self, name: str, **filled: Unpack[_WithTargetUstCurrentUst]) -> bool:
        """Whether there is an attribute with this name."""

    async def exists_many(self, names: Sequence[str], **filled: Unpack[_WithTargetUstCurrentUst]) -> dict[str, bool]:
        """A dict of what :meth:`exists` returns for each name."""

    async def names(self, **filled: Unpack[_WithTargetUstCurrentUst]) -> list[str]:
        """The names of all attributes, in order."""

    async def delete(self, name: str, **filled: Unpack[_WithTargetUstCurrentUst]) -> None:
        """Deletes an attribute. It is no error if there is none."""

    async def delete_many(self, names: Sequence[str], **filled: Unpack[_WithTargetUstCurrentUst]) -> None:
        """:meth:`delete` for several attributes."""

    async def to_dict(
        self,
        decrypt: bool = True,
        value_to_dict: bool = False,
        serialize_dt: bool = False,
        **filled: Unpack[_WithTargetUstCurrentUst],
    ) -> dict[str, Any]:
        """A dict of all attributes by name; with ``value_to_dict`` each is a dict."""

@type_check_only
class _AsyncPasswordResetAPI:
    """`sso.password_reset`: password resets by email."""

    async def create_token(self, credential: str, **filled: Unpack[_WithUserAgentOrNone]) -> None:
        """Emails a token to the user with this credential. The caller cannot tell whether there is such a user."""

    async def access_token(self, token: _Secret, **filled: Unpack[_WithUserAgentOrNone]) -> AccessTokenCtx:
        """Exchanges a token, once, for a key that allows a new password to be set."""

    async def change_password(
        self, new_password: _Secret, token: _Secret, reset_key: _Secret, **filled: Unpack[_WithUserAgentOrNone]
    ) -> None:
        """Sets a new password, once. This ends all reset tokens of the user, and all sessions if
        ``session.end_on_password_change`` is set."""
