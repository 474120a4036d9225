"""Single sign-on for asyncio: the tree of `zato_sso.SSO` with every call awaitable."""

# Written by .ci/async_stubs.py from _core.pyi: change that one, and run it with Python.

import datetime
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, final, type_check_only

from typing_extensions import Self

from zato_sso._core import (
    _JSON,
    AccessTokenCtx,
    AttrEntity,
    Hooks,
    ImportSummary,
    Session,
    SessionInfo,
    User,
    _RemoteAddr,
    _Secret,
)
from zato_sso.ctx import SearchCtx, SignupCtx

__all__ = ["SSO"]

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
    ) -> Self: ...
    @classmethod
    def from_config(cls, path: str | os.PathLike[str]) -> Self: ...
    @property
    def user(self) -> _UserAPI: ...
    @property
    def session(self) -> _SessionAPI: ...
    @property
    def password_reset(self) -> _PasswordResetAPI: ...
    @property
    def totp(self) -> _TOTPAPI: ...
    @property
    def site(self) -> _SiteAPI: ...
    @property
    def identity(self) -> _IdentityAPI: ...
    @property
    def hooks(self) -> Hooks: ...
    async def import_users(
        self,
        users: Iterable[Mapping[str, Any]],
        dry_run: bool = False,
        *,
        firebase: Mapping[str, str | int] | str | None = None,
    ) -> ImportSummary: ...
    async def open(self) -> None: ...
    async def close(self) -> None: ...
    async def __aenter__(self) -> Self: ...
    async def __aexit__(self, *_exception: object) -> None: ...

@final
@type_check_only
class _UserAPI:
    """`sso.user`: users, login and logout."""

    @property
    def session(self) -> _SessionAPI: ...
    @property
    def attr(self) -> _UserAttrAPI: ...
    async def create_user(
        self,
        cid: str,
        data: dict[str, Any],
        current_ust: _Secret | None = None,
        current_app: str | None = None,
        remote_addr: _RemoteAddr | None = None,
        require_super_user: bool = True,
        auto_approve: bool = False,
    ) -> str: ...
    async def create(
        self,
        cid: str,
        data: dict[str, Any],
        current_ust: _Secret | None = None,
        current_app: str | None = None,
        remote_addr: _RemoteAddr | None = None,
        require_super_user: bool = True,
        auto_approve: bool = False,
    ) -> str: ...
    async def create_super_user(
        self,
        cid: str,
        data: dict[str, Any],
        current_ust: _Secret | None = None,
        current_app: str | None = None,
        remote_addr: _RemoteAddr | None = None,
        require_super_user: bool = True,
        auto_approve: bool = False,
    ) -> str: ...
    async def ensure_super_user(
        self,
        cid: str,
        data: dict[str, Any],
        current_app: str | None = None,
        remote_addr: _RemoteAddr | None = None,
    ) -> str: ...
    async def signup(
        self,
        cid: str,
        ctx: SignupCtx,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> str | None: ...
    async def confirm_signup(
        self,
        cid: str,
        confirm_token: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> None: ...
    async def confirm_email(
        self,
        cid: str,
        confirm_token: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> None: ...
    async def resend_confirmation(
        self,
        cid: str,
        credential: str,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> None: ...
    async def approve_user(
        self,
        cid: str,
        user_id: str,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> None: ...
    async def approve(
        self,
        cid: str,
        user_id: str,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> None: ...
    async def reject_user(
        self,
        cid: str,
        user_id: str,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> None: ...
    async def reject(
        self,
        cid: str,
        user_id: str,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> None: ...
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
    ) -> SessionInfo: ...
    async def logout(
        self,
        cid: str,
        ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
        skip_sec: bool = False,
    ) -> None: ...
    async def get_current_user(
        self,
        cid: str,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
        return_all_attrs: bool = False,
    ) -> User[_AttrAPI]: ...
    async def get_user_by_id(
        self,
        cid: str,
        user_id: str,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
        return_all_attrs: bool = False,
    ) -> User[_AttrAPI]: ...
    async def get_user_by_username(
        self, cid: str, username: str, needs_approved: bool = True
    ) -> User[_AttrAPI] | None: ...
    async def search(
        self,
        cid: str,
        ctx: SearchCtx,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
        serialize_dt: bool = False,
    ) -> dict[str, Any]: ...
    async def update_current_user(
        self,
        cid: str,
        data: dict[str, Any],
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> None: ...
    async def update_user_by_id(
        self,
        cid: str,
        user_id: str,
        data: dict[str, Any],
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> None: ...
    async def update(
        self,
        cid: str,
        data: dict[str, Any],
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
        user_id: str | None = None,
    ) -> None: ...
    async def delete_user_by_id(
        self,
        cid: str,
        user_id: str,
        current_ust: _Secret | None,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
        skip_sec: bool = False,
    ) -> None: ...
    async def delete_user_by_username(
        self,
        cid: str,
        username: str,
        current_ust: _Secret | None,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
        skip_sec: bool = False,
    ) -> None: ...
    async def delete(
        self,
        cid: str,
        user_id: str,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> None: ...
    async def change_password(
        self,
        cid: str,
        data: dict[str, Any],
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> None: ...
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
    ) -> None: ...
    async def validate_password(self, password: _Secret) -> None: ...
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
    ) -> str: ...
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
    ) -> tuple[str, int]: ...
    async def get_linked_auth_list(
        self,
        cid: str,
        ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
        user_id: str | None = None,
    ) -> list[dict[str, Any]]: ...
    async def delete_linked_auth(
        self,
        cid: str,
        ust: _Secret,
        user_id: str,
        auth_type: str,
        auth_username: str,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> int: ...
    async def get_user_by_linked_auth(
        self,
        cid: str,
        sec_type: str,
        sec_username: str,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
        return_all_attrs: bool = False,
    ) -> User[_AttrAPI]: ...
    async def lock_user(
        self,
        cid: str,
        user_id: str,
        current_ust: _Secret | None = None,
        current_app: str | None = None,
        remote_addr: _RemoteAddr | None = None,
        require_super_user: bool = True,
        current_user: str | None = None,
    ) -> None: ...
    async def unlock_user(
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
@type_check_only
class _SessionAPI:
    """`sso.user.session`, also `sso.session`: sessions."""

    @property
    def attr(self) -> _SessionAttrAPI: ...
    async def verify(
        self,
        cid: str,
        target_ust: _Secret,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
        user_agent: str | None = None,
    ) -> bool: ...
    async def renew(
        self,
        cid: str,
        ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
        user_agent: str | None = None,
    ) -> datetime.datetime: ...
    async def reauthenticate(
        self,
        cid: str,
        ust: _Secret,
        password: _Secret,
        totp_code: _Secret | None = None,
        current_app: str | None = None,
        remote_addr: _RemoteAddr | None = None,
        user_agent: str | None = None,
    ) -> None: ...
    async def get(
        self,
        cid: str,
        target_ust: _Secret,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
        user_agent: str | None = None,
        check_if_password_expired: bool = True,
    ) -> Session[_AttrAPI]: ...
    async def get_list(
        self,
        cid: str,
        ust: _Secret | None,
        target_ust: _Secret | None,
        current_ust: _Secret | None,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
        user_agent: str | None = None,
    ) -> list[dict[str, Any]]: ...
    async def end(
        self,
        cid: str,
        session_id: str,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> None: ...
    async def end_all(
        self,
        cid: str,
        current_ust: _Secret,
        user_id: str | None = None,
        except_current: bool = True,
        current_app: str | None = None,
        remote_addr: _RemoteAddr | None = None,
    ) -> int: ...
    async def get_current_session(
        self,
        cid: str,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
        needs_super_user: bool = False,
    ) -> Session[_AttrAPI]: ...
    async def require_super_user(
        self,
        cid: str,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> Session[_AttrAPI]: ...
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
    ) -> SessionInfo: ...
    async def get_session_by_ext_id(
        self,
        sec_type: str,
        sec_def_id: int,
        ext_session_id: _Secret | None = None,
    ) -> dict[str, Any] | None: ...

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
    ) -> dict[str, Any]: ...
    async def get_list(
        self,
        cid: str,
        current_app: str | None = None,
        remote_addr: _RemoteAddr | None = None,
    ) -> list[dict[str, Any]]: ...
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
    ) -> dict[str, Any]: ...
    async def delete(
        self,
        cid: str,
        subdomain: str,
        current_app: str | None = None,
        remote_addr: _RemoteAddr | None = None,
    ) -> int: ...
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
    ) -> dict[str, Any]: ...
    async def get_session_list(
        self,
        cid: str,
        subdomain: str,
        page: int = 1,
        entries_per_page: int = 250,
        order_direction: str = "desc",
        current_app: str | None = None,
        remote_addr: _RemoteAddr | None = None,
    ) -> dict[str, Any]: ...
    async def get_session(
        self,
        cid: str,
        subdomain: str,
        sso_session_token: _Secret,
        current_app: str | None = None,
        remote_addr: _RemoteAddr | None = None,
    ) -> dict[str, Any]: ...
    async def get_identity_session(
        self,
        cid: str,
        subdomain: str,
        identity_token: str,
        current_app: str | None = None,
        remote_addr: _RemoteAddr | None = None,
    ) -> dict[str, Any]: ...
    async def end_session(
        self,
        cid: str,
        subdomain: str,
        sso_session_token: _Secret,
        current_app: str | None = None,
        remote_addr: _RemoteAddr | None = None,
    ) -> None: ...
    async def end_identity_session(
        self,
        cid: str,
        subdomain: str,
        identity_token: str,
        current_app: str | None = None,
        remote_addr: _RemoteAddr | None = None,
    ) -> None: ...

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
    ) -> dict[str, Any]: ...
    async def get_list(
        self,
        cid: str,
        user_id: str,
        current_app: str | None = None,
        remote_addr: _RemoteAddr | None = None,
    ) -> list[dict[str, Any]]: ...

@final
@type_check_only
class _TOTPAPI:
    """`sso.totp`: TOTP codes."""

    async def validate_code(
        self,
        cid: str,
        code: _Secret,
        ust: _Secret | None = "",
        username: str | None = "",
        current_app: str | None = None,
        remote_addr: _RemoteAddr | None = None,
    ) -> None: ...
    async def provisioning_uri(
        self,
        cid: str,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> str: ...

@final
@type_check_only
class _AttrAPI:
    """The attributes of one user or one session: `user.attr` and `session.attr` of the objects that calls return."""

    async def create(
        self,
        name: str,
        value: _JSON,
        expiration: int | None = None,
        encrypt: bool = False,
        user_id: str | None = None,
    ) -> None: ...
    async def create_many(
        self,
        data: list[dict[str, Any]],
        expiration: int | None = None,
        encrypt: bool = False,
        user_id: str | None = None,
    ) -> None: ...
    async def update(
        self,
        name: str,
        value: _JSON,
        expiration: int | None = None,
        encrypt: bool = False,
        user_id: str | None = None,
    ) -> None: ...
    async def update_many(
        self,
        data: list[dict[str, Any]],
        expiration: int | None = None,
        encrypt: bool = False,
        user_id: str | None = None,
    ) -> None: ...
    async def set(
        self,
        name: str,
        value: _JSON,
        expiration: int | None = None,
        encrypt: bool = False,
        user_id: str | None = None,
    ) -> None: ...
    async def set_many(
        self,
        data: list[dict[str, Any]],
        expiration: int | None = None,
        encrypt: bool = False,
        user_id: str | None = None,
    ) -> None: ...
    async def set_expiry(self, name: str, expiration: int | None) -> None: ...
    async def set_expiry_many(self, data: list[dict[str, Any]], expiration: int | None = None) -> None: ...
    async def get(self, name: str, decrypt: bool = True, serialize_dt: bool = False) -> AttrEntity | None: ...
    async def get_many(
        self,
        names: Sequence[str],
        decrypt: bool = True,
        serialize_dt: bool = False,
    ) -> dict[str, AttrEntity | None]: ...
    async def exists(self, name: str) -> bool: ...
    async def exists_many(self, names: Sequence[str]) -> dict[str, bool]: ...
    async def names(self) -> list[str]: ...
    async def delete(self, name: str) -> None: ...
    async def delete_many(self, names: Sequence[str]) -> None: ...
    async def to_dict(
        self,
        decrypt: bool = True,
        value_to_dict: bool = False,
        serialize_dt: bool = False,
    ) -> dict[str, Any]: ...

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
    ) -> None: ...
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
    ) -> None: ...
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
    ) -> None: ...
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
    ) -> None: ...
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
    ) -> None: ...
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
    ) -> None: ...
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
    ) -> None: ...
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
    ) -> None: ...
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
    ) -> AttrEntity | None: ...
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
    ) -> dict[str, AttrEntity | None]: ...
    async def exists(
        self,
        cid: str,
        name: str,
        *,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
        user_id: str | None = None,
    ) -> bool: ...
    async def exists_many(
        self,
        cid: str,
        names: Sequence[str],
        *,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
        user_id: str | None = None,
    ) -> dict[str, bool]: ...
    async def names(
        self,
        cid: str,
        *,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
        user_id: str | None = None,
    ) -> list[str]: ...
    async def delete(
        self,
        cid: str,
        name: str,
        *,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
        user_id: str | None = None,
    ) -> None: ...
    async def delete_many(
        self,
        cid: str,
        names: Sequence[str],
        *,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
        user_id: str | None = None,
    ) -> None: ...
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
    ) -> dict[str, Any]: ...

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
    ) -> None: ...
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
    ) -> None: ...
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
    ) -> None: ...
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
    ) -> None: ...
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
    ) -> None: ...
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
    ) -> None: ...
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
    ) -> None: ...
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
    ) -> None: ...
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
    ) -> AttrEntity | None: ...
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
    ) -> dict[str, AttrEntity | None]: ...
    async def exists(
        self,
        cid: str,
        name: str,
        *,
        target_ust: _Secret,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> bool: ...
    async def exists_many(
        self,
        cid: str,
        names: Sequence[str],
        *,
        target_ust: _Secret,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> dict[str, bool]: ...
    async def names(
        self,
        cid: str,
        *,
        target_ust: _Secret,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> list[str]: ...
    async def delete(
        self,
        cid: str,
        name: str,
        *,
        target_ust: _Secret,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> None: ...
    async def delete_many(
        self,
        cid: str,
        names: Sequence[str],
        *,
        target_ust: _Secret,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> None: ...
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
    ) -> dict[str, Any]: ...

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
    ) -> None: ...
    async def access_token(
        self,
        cid: str,
        token: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
        user_agent: str | None,
    ) -> AccessTokenCtx: ...
    async def change_password(
        self,
        cid: str,
        new_password: _Secret,
        token: _Secret,
        reset_key: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
        user_agent: str | None,
    ) -> None: ...
