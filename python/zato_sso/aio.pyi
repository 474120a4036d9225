"""Single sign-on for asyncio: the tree of `zato_sso.SSO` with every call awaitable."""

# Written by .ci/async_stubs.py from _core.pyi: change that one, and run it.

import datetime
import os
from typing import Any, final, type_check_only

from typing_extensions import Self

from zato_sso._core import Session, SessionInfo, User, _RemoteAddr, _Secret

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
        hooks: None = None,
    ) -> Self: ...
    @classmethod
    def from_config(cls, path: str | os.PathLike[str]) -> Self: ...
    @property
    def user(self) -> _UserAPI: ...
    @property
    def session(self) -> _SessionAPI: ...
    async def open(self) -> None: ...
    async def close(self) -> None: ...
    async def __aenter__(self) -> Self: ...
    async def __aexit__(self, *_exception: object) -> None: ...

@final
@type_check_only
class _UserAPI:
    """`sso.user`: users, logging in and out."""

    @property
    def session(self) -> _SessionAPI: ...
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
    ) -> User: ...
    async def get_user_by_id(
        self,
        cid: str,
        user_id: str,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
        return_all_attrs: bool = False,
    ) -> User: ...
    async def get_user_by_username(self, cid: str, username: str, needs_approved: bool = True) -> User | None: ...
    async def change_password(
        self,
        cid: str,
        data: dict[str, Any],
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
    ) -> None: ...
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
    async def get(
        self,
        cid: str,
        target_ust: _Secret,
        current_ust: _Secret,
        current_app: str | None,
        remote_addr: _RemoteAddr | None,
        user_agent: str | None = None,
        check_if_password_expired: bool = True,
    ) -> Session: ...
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
