"""How tokens travel between a browser or program and a web application."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from zato_sso import SessionInfo

__all__ = ["Settings", "Transport", "lifetime_of"]

Transport = Literal["cookie", "bearer", "header"]
_YEAR = 365 * 86400
_TRANSPORTS = ("cookie", "bearer", "header")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings of an adapter. The defaults are safe behind HTTPS; `cookie_secure=False` is for `http://localhost`."""

    current_app: str | None = None
    """The application on whose behalf calls are made; by default `apps.default`."""

    transports: Sequence[Transport] = ("cookie", "bearer")
    """Where tokens are looked for. A login returns its token by the first one, unless the request names another."""

    cookie_name: str = ""
    """By default `__Host-sso`, which only HTTPS can set; `sso` where the cookie is not secure or has another path."""

    cookie_secure: bool = True
    """Whether browsers send the cookie over HTTPS only."""

    cookie_samesite: Literal["lax", "strict", "none"] = "lax"
    cookie_path: str = "/"

    header_name: str = "X-SSO-Token"
    """The header of the transport `header`."""

    csrf_header: str = "X-CSRF-Token"
    """The header with the token of `csrf_token`, for clients that send no `Origin`."""

    trusted_origins: Sequence[str] = ()
    """Origins beside the application's own that may send requests with the cookie: `https://app.example.com`."""

    pages: bool = False
    """Whether the application serves the server's own pages, on the same host: then both share the session's cookie,
    and people log in and out on the pages."""

    device_cookie: bool = True
    """Whether a login that sets the cookie sets another one as well, for a year: with the token by which the device is
    known, so that failed logins of others do not delay its user."""

    audience: str | None = None
    """Whom access tokens must be for: the name by which clients ask for tokens for this service (`resource`). By
    default the issuer, which tokens are for when their client names nothing: then views ask for a scope of this
    service, beyond those of OpenID Connect, or name an audience of their own."""

    cid_header: str = "X-Request-ID"
    """The header with the correlation ID, taken from requests and returned in answers."""

    name: str = field(init=False, repr=False, default="")
    """The name of the cookie in effect."""

    device_name: str = field(init=False, repr=False, default="")
    """The name of the cookie with the token of the device; empty for none."""

    def __post_init__(self) -> None:
        """Rejects what cannot work, and what would be unsafe."""
        for transport in self.transports:
            if transport not in _TRANSPORTS:
                raise ValueError(f"transports: unknown {transport!r}, expected some of {', '.join(_TRANSPORTS)}")
        if not self.transports:
            raise ValueError("transports: at least one is needed")
        if self.cookie_samesite not in {"lax", "strict", "none"}:
            raise ValueError("cookie_samesite: expected lax, strict or none")
        if self.cookie_samesite == "none" and not self.cookie_secure:
            raise ValueError("cookie_samesite: browsers take none from secure cookies only")
        for origin in self.trusted_origins:
            parts = urlsplit(origin)
            if not parts.scheme or not parts.netloc or f"{parts.scheme}://{parts.netloc}" != origin:
                raise ValueError(f"trusted_origins: expected https://host or https://host:port, not {origin!r}")
        is_host_only = self.cookie_secure and self.cookie_path == "/"
        if self.pages and (self.cookie_name or self.cookie_path != "/" or self.cookie_samesite != "lax"):
            raise ValueError("pages: the cookie is that of the pages, without a name, path or samesite of one's own")
        usual = ("__Host-" if is_host_only else "") + ("zato_sso_session" if self.pages else "sso")
        object.__setattr__(self, "name", self.cookie_name or usual)
        if self.name.startswith("__Host-") and not is_host_only:
            raise ValueError("cookie_name: __Host- needs cookie_secure=True and cookie_path='/'")
        keeps_devices = self.device_cookie and "cookie" in self.transports
        device_name = self.name.replace("_session", "_device") if self.pages else f"{self.name}-device"
        object.__setattr__(self, "device_name", device_name if keeps_devices else "")

    def token_in(self, cookie: str) -> str:
        """The token in the session's cookie. Pages mark the one that is to outlast the browser."""
        return cookie.removeprefix("k") if self.pages else cookie

    def cookie(self, ust: str, max_age: int | None = None) -> dict[str, Any]:
        """The arguments of `set_cookie`, which all frameworks name alike; an empty token removes the cookie."""
        return self._cookie(self.name, ust, max_age if ust else 0)

    def cookie_of_device(self, info: SessionInfo, kept: str) -> dict[str, Any] | None:
        """The same with the token of the device, after a login that has sent the token that the browser had, if any.

        None if there is nothing to set.
        """
        token = info.device_token or kept
        return self._cookie(self.device_name, token, _YEAR) if token and self.device_name else None

    def _cookie(self, name: str, value: str, max_age: int | None) -> dict[str, Any]:
        return {
            "key": name,
            "value": value,
            "max_age": max_age,
            "path": self.cookie_path,
            "secure": self.cookie_secure,
            "httponly": True,
            "samesite": self.cookie_samesite.capitalize(),
        }


def lifetime_of(info: SessionInfo) -> int:
    """How many seconds a session lasts from its login on."""
    return int((info.expiration_time - info.creation_time).total_seconds())
