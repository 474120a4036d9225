"""The compiled part of `zato_sso`. Its names are private: import them from `zato_sso` and `zato_sso.aio`."""

import datetime
import os
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Generic, TypeAlias, final

from typing_extensions import Self, TypeVar

from zato_sso.aio import SSO as AsyncSSO
from zato_sso.ctx import SearchCtx, SignupCtx

__all__ = [
    "SSO",
    "TOTPAPI",
    "AccessTokenCtx",
    "AsyncSSO",
    "AttrAPI",
    "AttrEntity",
    "Hooks",
    "IdentityAPI",
    "ImportSummary",
    "PasswordResetAPI",
    "Session",
    "SessionAPI",
    "SessionAttrAPI",
    "SessionInfo",
    "SiteAPI",
    "User",
    "UserAPI",
    "UserAttrAPI",
    "__version__",
    "code_label",
    "command",
    "status_codes",
]

__version__: str

_Secret: TypeAlias = str | bytes
_RemoteAddr: TypeAlias = str | bytes | Sequence[str | bytes]
# A JSON value: str, int, float, bool, None, or a list, tuple or dict of these.
_JSON: TypeAlias = str | float | bool | Sequence[Any] | Mapping[str, Any] | None

# The attributes of an object: their calls block, or, if the object came from `zato_sso.aio`, are awaited.
_Attr_co = TypeVar("_Attr_co", covariant=True, default=AttrAPI)

def code_label(code: str) -> str | None: ...
def status_codes() -> list[tuple[str, str, str]]: ...
def command(arguments: Sequence[str]) -> int: ...

@final
class SSO:
    """Single sign-on over one database. Calls block; threads may share the object, and it works after a fork."""

    def __new__(
        cls,
        database_url: str | None = None,
        *,
        config: str | os.PathLike[str] | dict[str, Any] | None = None,
        secret_key: str | None = None,
        hooks: object = None,
    ) -> Self: ...
    @classmethod
    def from_config(cls, path: str | os.PathLike[str]) -> Self: ...
    @property
    def user(self) -> UserAPI: ...
    @property
    def session(self) -> SessionAPI: ...
    @property
    def password_reset(self) -> PasswordResetAPI: ...
    @property
    def totp(self) -> TOTPAPI: ...
    @property
    def site(self) -> SiteAPI: ...
    @property
    def identity(self) -> IdentityAPI: ...
    @property
    def hooks(self) -> Hooks: ...
    def import_users(
        self,
        users: Iterable[Mapping[str, Any]],
        dry_run: bool = False,
        *,
        firebase: Mapping[str, str | int] | str | None = None,
    ) -> ImportSummary: ...
    def close(self) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *_exception: object) -> None: ...

@final
class Hooks:
    """`sso.hooks`: callables that take part in operations, sync or async; None where a hook is not set."""

    session_expiry: Callable[[str, str, int], int | Awaitable[int]] | None
    validate_signup: Callable[[dict[str, Any]], dict[str, Any] | Awaitable[dict[str, Any]]] | None
    on_signup: Callable[[dict[str, Any]], object] | None
    send_email: Callable[[dict[str, Any]], object] | None
    on_password_expiring: Callable[[list[dict[str, Any]]], object] | None

@final
class UserAPI:
    """`sso.user`: users, login and logout."""

    @property
    def session(self) -> SessionAPI: ...
    @property
    def attr(self) -> UserAttrAPI: ...
    def create_user(
        self,
        cid: str,
        data: dict[str, Any],
        current_ust: _Secret | None = None,
        current_app: str | None = None,
        remote_addr: _RemoteAddr | None = None,
        require_super_user: bool = True,
        auto_approve: bool = False,
    ) -> str: ...
    def create(
        self,
        cid: str,
        data: dict[str, Any],
        current_ust: _Secret | None = None,
        current_app: str | None = None,
        remote_addr: _RemoteAddr | None = None,
        require_super_user: bool = True,
        auto_approve: bool = False,
    ) -> str: ...
    def create_super_user(
        self,
        cid: str,
        data: dict[str, Any],
        current_ust: _Secret | None = None,
        current_app: str | None = None,
        remote_addr: _RemoteAddr | None = None,
        require_super_user: bool = True,
        auto_approve: bool = False,
    ) -> str: ...
    def ensure_super_user(
        self,
        cid: str,
        data: dict[str, Any],
        current_app: str | None = None,
        remote_addr: _RemoteAddr | None = None,
    ) -> str: ...
    def signup(
        self,
        cid: str,
        ctx: SignupCtx,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> str | None: ...
    def confirm_signup(
        self,
        cid: str,
        confirm_token: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> None: ...
    def confirm_email(
        self,
        cid: str,
        confirm_token: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> None: ...
    def resend_confirmation(
        self,
        cid: str,
        credential: str,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> None: ...
    def approve_user(
        self,
        cid: str,
        user_id: str,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> None: ...
    def approve(
        self,
        cid: str,
        user_id: str,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> None: ...
    def reject_user(
        self,
        cid: str,
        user_id: str,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> None: ...
    def reject(
        self,
        cid: str,
        user_id: str,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> None: ...
    def login(
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
    ) -> SessionInfo: ...
    def logout(
        self,
        cid: str,
        ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
        skip_sec: bool = False,
    ) -> None: ...
    def get_current_user(
        self,
        cid: str,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
        return_all_attrs: bool = False,
    ) -> User: ...
    def get_user_by_id(
        self,
        cid: str,
        user_id: str,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
        return_all_attrs: bool = False,
    ) -> User: ...
    def get_user_by_username(self, cid: str, username: str, needs_approved: bool = True) -> User | None: ...
    def search(
        self,
        cid: str,
        ctx: SearchCtx,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
        serialize_dt: bool = False,
    ) -> dict[str, Any]: ...
    def update_current_user(
        self,
        cid: str,
        data: dict[str, Any],
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> None: ...
    def update_user_by_id(
        self,
        cid: str,
        user_id: str,
        data: dict[str, Any],
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> None: ...
    def update(
        self,
        cid: str,
        data: dict[str, Any],
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
        user_id: str | None = None,
    ) -> None: ...
    def delete_user_by_id(
        self,
        cid: str,
        user_id: str,
        current_ust: _Secret | None,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
        skip_sec: bool = False,
    ) -> None: ...
    def delete_user_by_username(
        self,
        cid: str,
        username: str,
        current_ust: _Secret | None,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
        skip_sec: bool = False,
    ) -> None: ...
    def delete(
        self,
        cid: str,
        user_id: str,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> None: ...
    def change_password(
        self,
        cid: str,
        data: dict[str, Any],
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> None: ...
    def set_password(
        self,
        cid: str,
        user_id: str,
        password: _Secret,
        must_change: bool,
        password_expiry: int | None,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
        details: _JSON = None,
    ) -> None: ...
    def validate_password(self, password: _Secret) -> None: ...
    def reset_totp_key(
        self,
        cid: str,
        current_ust: _Secret | None,
        user_id: str | None,
        key: _Secret | None,
        key_label: str | None,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
        skip_sec: bool = False,
    ) -> str: ...
    def create_linked_auth(
        self,
        cid: str,
        ust: _Secret,
        user_id: str,
        auth_type: str,
        auth_username: str,
        is_active: bool,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> tuple[str, int]: ...
    def get_linked_auth_list(
        self,
        cid: str,
        ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
        user_id: str | None = None,
    ) -> list[dict[str, Any]]: ...
    def delete_linked_auth(
        self,
        cid: str,
        ust: _Secret,
        user_id: str,
        auth_type: str,
        auth_username: str,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> int: ...
    def get_user_by_linked_auth(
        self,
        cid: str,
        sec_type: str,
        sec_username: str,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
        return_all_attrs: bool = False,
    ) -> User: ...
    def lock_user(
        self,
        cid: str,
        user_id: str,
        current_ust: _Secret | None = None,
        current_app: str | None = None,
        remote_addr: _RemoteAddr | None = None,
        require_super_user: bool = True,
        current_user: str | None = None,
    ) -> None: ...
    def unlock_user(
        self,
        cid: str,
        user_id: str,
        current_ust: _Secret | None = None,
        current_app: str | None = None,
        remote_addr: _RemoteAddr | None = None,
        require_super_user: bool = True,
        current_user: str | None = None,
    ) -> None: ...

@final
class SessionAPI:
    """`sso.user.session`, also `sso.session`: sessions."""

    @property
    def attr(self) -> SessionAttrAPI: ...
    def verify(
        self,
        cid: str,
        target_ust: _Secret,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
        user_agent: str | None = None,
    ) -> bool: ...
    def renew(
        self,
        cid: str,
        ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
        user_agent: str | None = None,
    ) -> datetime.datetime: ...
    def reauthenticate(
        self,
        cid: str,
        ust: _Secret,
        password: _Secret,
        totp_code: _Secret | None = None,
        current_app: str | None = None,
        remote_addr: _RemoteAddr | None = None,
        user_agent: str | None = None,
    ) -> None: ...
    def get(
        self,
        cid: str,
        target_ust: _Secret,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
        user_agent: str | None = None,
        check_if_password_expired: bool = True,
    ) -> Session: ...
    def get_list(
        self,
        cid: str,
        ust: _Secret | None,
        target_ust: _Secret | None,
        current_ust: _Secret | None,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
        user_agent: str | None = None,
    ) -> list[dict[str, Any]]: ...
    def end(
        self,
        cid: str,
        session_id: str,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> None: ...
    def end_all(
        self,
        cid: str,
        current_ust: _Secret,
        user_id: str | None = None,
        except_current: bool = True,
        current_app: str | None = None,
        remote_addr: _RemoteAddr | None = None,
    ) -> int: ...
    def get_current_session(
        self,
        cid: str,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
        needs_super_user: bool = False,
    ) -> Session: ...
    def require_super_user(
        self,
        cid: str,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> Session: ...
    def on_external_auth_succeeded(
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
    ) -> SessionInfo: ...
    def get_session_by_ext_id(
        self,
        sec_type: str,
        sec_def_id: int,
        ext_session_id: _Secret | None = None,
    ) -> dict[str, Any] | None: ...

@final
class SiteAPI:
    """`sso.site`: sites, clients of the sessions API, and their sessions. For trusted callers."""

    def create(
        self,
        cid: str,
        subdomain: str,
        callback_uris: Sequence[str],
        current_app: str | None = None,
        remote_addr: _RemoteAddr | None = None,
        trusted: bool = False,
        long_key: bool = False,
    ) -> dict[str, Any]: ...
    def get_list(
        self,
        cid: str,
        current_app: str | None = None,
        remote_addr: _RemoteAddr | None = None,
    ) -> list[dict[str, Any]]: ...
    def update(
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
    ) -> dict[str, Any]: ...
    def delete(
        self,
        cid: str,
        subdomain: str,
        current_app: str | None = None,
        remote_addr: _RemoteAddr | None = None,
    ) -> int: ...
    def start_session(
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
    ) -> dict[str, Any]: ...
    def get_session_list(
        self,
        cid: str,
        subdomain: str,
        page: int = 1,
        entries_per_page: int = 250,
        order_direction: str = "desc",
        current_app: str | None = None,
        remote_addr: _RemoteAddr | None = None,
    ) -> dict[str, Any]: ...
    def get_session(
        self,
        cid: str,
        subdomain: str,
        sso_session_token: _Secret,
        current_app: str | None = None,
        remote_addr: _RemoteAddr | None = None,
    ) -> dict[str, Any]: ...
    def get_identity_session(
        self,
        cid: str,
        subdomain: str,
        identity_token: str,
        current_app: str | None = None,
        remote_addr: _RemoteAddr | None = None,
    ) -> dict[str, Any]: ...
    def end_session(
        self,
        cid: str,
        subdomain: str,
        sso_session_token: _Secret,
        current_app: str | None = None,
        remote_addr: _RemoteAddr | None = None,
    ) -> None: ...
    def end_identity_session(
        self,
        cid: str,
        subdomain: str,
        identity_token: str,
        current_app: str | None = None,
        remote_addr: _RemoteAddr | None = None,
    ) -> None: ...

@final
class IdentityAPI:
    """`sso.identity`: identities, under which sites know users. For trusted callers."""

    def get(
        self,
        cid: str,
        identity_token: str,
        current_app: str | None = None,
        remote_addr: _RemoteAddr | None = None,
    ) -> dict[str, Any]: ...
    def get_list(
        self,
        cid: str,
        user_id: str,
        current_app: str | None = None,
        remote_addr: _RemoteAddr | None = None,
    ) -> list[dict[str, Any]]: ...

@final
class TOTPAPI:
    """`sso.totp`: TOTP codes."""

    def validate_code(
        self,
        cid: str,
        code: _Secret,
        ust: _Secret | None = "",
        username: str | None = "",
        current_app: str | None = None,
        remote_addr: _RemoteAddr | None = None,
    ) -> None: ...
    def provisioning_uri(
        self,
        cid: str,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> str: ...

@final
class AttrAPI:
    """The attributes of one user or one session: `user.attr` and `session.attr` of the objects that calls return."""

    def create(
        self,
        name: str,
        value: _JSON,
        expiration: int | None = None,
        encrypt: bool = False,
        user_id: str | None = None,
    ) -> None: ...
    def create_many(
        self,
        data: list[dict[str, Any]],
        expiration: int | None = None,
        encrypt: bool = False,
        user_id: str | None = None,
    ) -> None: ...
    def update(
        self,
        name: str,
        value: _JSON,
        expiration: int | None = None,
        encrypt: bool = False,
        user_id: str | None = None,
    ) -> None: ...
    def update_many(
        self,
        data: list[dict[str, Any]],
        expiration: int | None = None,
        encrypt: bool = False,
        user_id: str | None = None,
    ) -> None: ...
    def set(
        self,
        name: str,
        value: _JSON,
        expiration: int | None = None,
        encrypt: bool = False,
        user_id: str | None = None,
    ) -> None: ...
    def set_many(
        self,
        data: list[dict[str, Any]],
        expiration: int | None = None,
        encrypt: bool = False,
        user_id: str | None = None,
    ) -> None: ...
    def set_expiry(self, name: str, expiration: int | None) -> None: ...
    def set_expiry_many(self, data: list[dict[str, Any]], expiration: int | None = None) -> None: ...
    def get(self, name: str, decrypt: bool = True, serialize_dt: bool = False) -> AttrEntity | None: ...
    def get_many(
        self,
        names: Sequence[str],
        decrypt: bool = True,
        serialize_dt: bool = False,
    ) -> dict[str, AttrEntity | None]: ...
    def exists(self, name: str) -> bool: ...
    def exists_many(self, names: Sequence[str]) -> dict[str, bool]: ...
    def names(self) -> list[str]: ...
    def delete(self, name: str) -> None: ...
    def delete_many(self, names: Sequence[str]) -> None: ...
    def to_dict(
        self,
        decrypt: bool = True,
        value_to_dict: bool = False,
        serialize_dt: bool = False,
    ) -> dict[str, Any]: ...

@final
class UserAttrAPI:
    """`sso.user.attr`: attributes of users."""

    def create(
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
    ) -> None: ...
    def create_many(
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
    ) -> None: ...
    def update(
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
    ) -> None: ...
    def update_many(
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
    ) -> None: ...
    def set(
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
    ) -> None: ...
    def set_many(
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
    ) -> None: ...
    def set_expiry(
        self,
        cid: str,
        name: str,
        expiration: int | None,
        *,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
        user_id: str | None = None,
    ) -> None: ...
    def set_expiry_many(
        self,
        cid: str,
        data: list[dict[str, Any]],
        expiration: int | None = None,
        *,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
        user_id: str | None = None,
    ) -> None: ...
    def get(
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
    ) -> AttrEntity | None: ...
    def get_many(
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
    ) -> dict[str, AttrEntity | None]: ...
    def exists(
        self,
        cid: str,
        name: str,
        *,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
        user_id: str | None = None,
    ) -> bool: ...
    def exists_many(
        self,
        cid: str,
        names: Sequence[str],
        *,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
        user_id: str | None = None,
    ) -> dict[str, bool]: ...
    def names(
        self,
        cid: str,
        *,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
        user_id: str | None = None,
    ) -> list[str]: ...
    def delete(
        self,
        cid: str,
        name: str,
        *,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
        user_id: str | None = None,
    ) -> None: ...
    def delete_many(
        self,
        cid: str,
        names: Sequence[str],
        *,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
        user_id: str | None = None,
    ) -> None: ...
    def to_dict(
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
    ) -> dict[str, Any]: ...

@final
class SessionAttrAPI:
    """`sso.user.session.attr`, also `sso.session.attr`: attributes of sessions."""

    def create(
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
    ) -> None: ...
    def create_many(
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
    ) -> None: ...
    def update(
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
    ) -> None: ...
    def update_many(
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
    ) -> None: ...
    def set(
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
    ) -> None: ...
    def set_many(
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
    ) -> None: ...
    def set_expiry(
        self,
        cid: str,
        name: str,
        expiration: int | None,
        *,
        target_ust: _Secret,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> None: ...
    def set_expiry_many(
        self,
        cid: str,
        data: list[dict[str, Any]],
        expiration: int | None = None,
        *,
        target_ust: _Secret,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> None: ...
    def get(
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
    ) -> AttrEntity | None: ...
    def get_many(
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
    ) -> dict[str, AttrEntity | None]: ...
    def exists(
        self,
        cid: str,
        name: str,
        *,
        target_ust: _Secret,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> bool: ...
    def exists_many(
        self,
        cid: str,
        names: Sequence[str],
        *,
        target_ust: _Secret,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> dict[str, bool]: ...
    def names(
        self,
        cid: str,
        *,
        target_ust: _Secret,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> list[str]: ...
    def delete(
        self,
        cid: str,
        name: str,
        *,
        target_ust: _Secret,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> None: ...
    def delete_many(
        self,
        cid: str,
        names: Sequence[str],
        *,
        target_ust: _Secret,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> None: ...
    def to_dict(
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
    ) -> dict[str, Any]: ...

@final
class AttrEntity:
    """An attribute. Datetimes are ISO 8601 text if `serialize_dt=True` was given."""

    @property
    def name(self) -> str: ...
    @property
    def value(self) -> Any: ...
    @property
    def creation_time(self) -> datetime.datetime | Any: ...
    @property
    def last_modified(self) -> datetime.datetime | Any: ...
    @property
    def expiration_time(self) -> datetime.datetime | Any: ...
    @property
    def is_encrypted(self) -> bool: ...
    def to_dict(self) -> dict[str, Any]: ...
    def __eq__(self, other: object, /) -> bool: ...

@final
class PasswordResetAPI:
    """`sso.password_reset`: password resets by email."""

    def create_token(
        self,
        cid: str,
        credential: str,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
        user_agent: str | None,
    ) -> None: ...
    def access_token(
        self,
        cid: str,
        token: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
        user_agent: str | None,
    ) -> AccessTokenCtx: ...
    def change_password(
        self,
        cid: str,
        new_password: _Secret,
        token: _Secret,
        reset_key: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
        user_agent: str | None,
    ) -> None: ...

@final
class AccessTokenCtx:
    """The key that a password reset token was exchanged for, and its user."""

    @property
    def reset_key(self) -> str: ...
    @property
    def user(self) -> dict[str, str]: ...
    def __eq__(self, other: object, /) -> bool: ...

@final
class ImportSummary:
    """The result of an import."""

    @property
    def read(self) -> int: ...
    @property
    def imported(self) -> int: ...
    @property
    def already_there(self) -> int: ...
    @property
    def refused(self) -> int: ...
    @property
    def incomplete(self) -> int: ...
    @property
    def findings(self) -> list[dict[str, Any]]: ...

@final
class SessionInfo:
    """A new session, as a login returns it."""

    @property
    def username(self) -> str: ...
    @property
    def user_id(self) -> str: ...
    @property
    def ust(self) -> str: ...
    @property
    def creation_time(self) -> datetime.datetime: ...
    @property
    def expiration_time(self) -> datetime.datetime: ...
    @property
    def has_w_about_to_exp(self) -> bool: ...
    def to_dict(self, serialize_dt: bool = True) -> dict[str, Any]: ...
    def __eq__(self, other: object, /) -> bool: ...

@final
class Session(Generic[_Attr_co]):
    """A session, without its token."""

    @property
    def session_id(self) -> str: ...
    @property
    def user_id(self) -> str: ...
    @property
    def username(self) -> str: ...
    @property
    def is_super_user(self) -> bool: ...
    @property
    def creation_time(self) -> datetime.datetime: ...
    @property
    def expiration_time(self) -> datetime.datetime: ...
    @property
    def remote_addr(self) -> str: ...
    @property
    def user_agent(self) -> str | None: ...
    @property
    def auth_type(self) -> str: ...
    @property
    def auth_principal(self) -> str: ...
    @property
    def attr(self) -> _Attr_co: ...
    def to_dict(self) -> dict[str, Any]: ...
    def __eq__(self, other: object, /) -> bool: ...

@final
class User(Generic[_Attr_co]):
    """A user. Fields that the caller may not see are None."""

    @property
    def user_id(self) -> str: ...
    @property
    def username(self) -> str: ...
    @property
    def email(self) -> str | None: ...
    @property
    def display_name(self) -> str | None: ...
    @property
    def first_name(self) -> str | None: ...
    @property
    def middle_name(self) -> str | None: ...
    @property
    def last_name(self) -> str | None: ...
    @property
    def is_totp_enabled(self) -> bool: ...
    @property
    def totp_label(self) -> str | None: ...
    @property
    def totp_key(self) -> str | None: ...
    @property
    def is_active(self) -> bool | None: ...
    @property
    def is_internal(self) -> bool | None: ...
    @property
    def is_super_user(self) -> bool | None: ...
    @property
    def is_locked(self) -> bool | None: ...
    @property
    def locked_time(self) -> datetime.datetime | None: ...
    @property
    def locked_by(self) -> str | None: ...
    @property
    def sign_up_status(self) -> str | None: ...
    @property
    def sign_up_time(self) -> datetime.datetime | None: ...
    @property
    def sign_up_confirm_time(self) -> datetime.datetime | None: ...
    @property
    def approval_status(self) -> str | None: ...
    @property
    def approval_status_mod_time(self) -> datetime.datetime | None: ...
    @property
    def approval_status_mod_by(self) -> str | None: ...
    @property
    def is_approval_needed(self) -> bool | None: ...
    @property
    def password_is_set(self) -> bool | None: ...
    @property
    def password_last_set(self) -> datetime.datetime | None: ...
    @property
    def password_expiry(self) -> datetime.datetime | None: ...
    @property
    def password_must_change(self) -> bool | None: ...
    @property
    def is_rate_limit_active(self) -> bool | None: ...
    @property
    def rate_limit_type(self) -> str | None: ...
    @property
    def rate_limit_def(self) -> str | None: ...
    @property
    def rate_limit_check_parent_def(self) -> bool | None: ...
    @property
    def creation_ctx(self) -> Any: ...
    @property
    def is_current_super_user(self) -> bool: ...
    @property
    def attr(self) -> _Attr_co: ...
    def to_dict(self) -> dict[str, Any]: ...
    def __eq__(self, other: object, /) -> bool: ...
