"""One request, whatever the framework: its correlation ID, its token, where it comes from, and whether it is forged."""

from __future__ import annotations

import base64
import hmac
import re
import unicodedata
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from zato_sso._core import client_address, issuer
from zato_sso.errors import BackendError, ValidationError
from zato_sso.web.settings import Settings, Transport

__all__ = [
    "ForgedError",
    "Incoming",
    "MalformedError",
    "NoSessionError",
    "TokenError",
    "bearer_errors",
    "check_audience",
    "check_groups",
    "csrf_token",
    "group_key",
    "problem_of",
]

_CID: Final = re.compile(r"[A-Za-z0-9._:+/=@-]{1,128}")
_DEVICE_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")
_SCOPES_OF_EVERYBODY: Final = frozenset({"openid", "profile", "email", "groups", "offline_access"})
"""The scopes that a client has for its users, whatever it is for, and with which it can register itself."""

_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


class NoSessionError(ValidationError):
    """The request has no session token: 401."""

    def __init__(self) -> None:
        """The code is that of an unknown session."""
        super().__init__(["E007001"])


class ForgedError(ValidationError):
    """The request has the cookie of a session and may come from another site: 403."""

    def __init__(self) -> None:
        """The code is that of any refusal."""
        super().__init__(["E005001"])

    def to_problem(self, *, instance: str | None = None) -> dict[str, Any]:
        """As usual, and says what is missing."""
        detail = "the request needs an Origin of this site, or the token of csrf_token in a header"
        return {**super().to_problem(instance=instance), "detail": detail}


class MalformedError(ValidationError):
    """The body of a request is not what an endpoint takes: 400."""

    def __init__(self, detail: str) -> None:
        """Takes what is wrong; it is shown to the client."""
        super().__init__(["E008002"], detail=detail)


class TokenError(ValidationError):
    """A request has no access token, or one that is not good enough: 401, or 403 without a scope (RFC 6750, 3.1)."""

    def __init__(self, error: ValidationError | None, scopes: Iterable[str] = ()) -> None:
        """Takes why the token was refused, None where there is none, and the scopes that it needs."""
        super().__init__(["E007001"] if error is None else error.sub_status, detail=error.detail if error else None)
        needed = " ".join(scopes)
        told = {"error": None, "error_description": self._description(), "scope": needed or None}
        if error is not None:
            told["error"] = "insufficient_scope" if self.http_status == 403 else "invalid_token"
        parts = [f'{name}="{value}"' for name, value in told.items() if value is not None]
        self.challenge = f"Bearer {', '.join(parts)}".strip()
        """The header `WWW-Authenticate` of the answer."""

    def _description(self) -> str | None:
        # Only what RFC 6750 allows there.
        text = "" if self.detail is None else "".join(c for c in self.detail if " " <= c <= "~" and c not in '"\\')
        return text or None


@contextmanager
def bearer_errors(scopes: Iterable[str]) -> Iterator[None]:
    """Makes refusals of an access token answers of RFC 6750."""
    try:
        yield
    except TokenError:
        raise
    except ValidationError as error:
        if error.sub_status[:1] not in (["E007001"], ["E005001"]):
            raise
        raise TokenError(error, scopes) from None


def check_audience(settings: Settings, scopes: Iterable[str], audience: str | None) -> None:
    """Checks that what a view asks of access tokens tells those for this service from those that any client has.

    Raises:
        RuntimeError: It asks for no audience, and for no scope beyond those of OpenID Connect.
    """
    if audience or settings.audience or not set(" ".join(scopes).split()) <= _SCOPES_OF_EVERYBODY:
        return
    raise RuntimeError(
        'access tokens: set audience="https://api.example" (in Django ZATO_SSO["AUDIENCE"]), the name by which clients '
        'ask for tokens for this service, or ask for a scope of this service, like "reports:read": as it is, the token '
        "that any application has got by a login would be taken here"
    )


def group_key(name: str) -> str:
    """The form in which names of groups are compared."""
    return unicodedata.normalize("NFC", name.strip().lower())


def check_groups(user: Any, groups: Iterable[str]) -> None:
    """Checks that a user is in one of these groups at least.

    Raises:
        ValidationError: E005001 if the user is in none of them: 403.
    """
    if {group_key(name) for name in user.groups}.isdisjoint(group_key(name) for name in groups):
        raise ValidationError(["E005001"])


def csrf_token(ust: str) -> str:
    """A token that goes with a session token, and from which the latter cannot be computed."""
    digest = hmac.digest(ust.encode(), b"zato_sso csrf token", "sha256")
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


@dataclass(frozen=True)
class Incoming:
    """A request, as an adapter shows it to this module: once, so that a request has one correlation ID."""

    method: str
    headers: Mapping[str, str] = field(repr=False)
    """By name in lower case."""

    cookies: Mapping[str, str] = field(repr=False)
    peer: str | None
    """The address that the connection comes from."""

    new_cid: str = field(default_factory=lambda: uuid.uuid4().hex)
    """The correlation ID where the client sends none that is acceptable."""

    def cid(self, settings: Settings) -> str:
        """The correlation ID of the client, if it is acceptable, or a new one."""
        sent = self.headers.get(settings.cid_header.lower(), "")
        return sent if _CID.fullmatch(sent) else self.new_cid

    def token(self, settings: Settings) -> tuple[str, Transport] | None:
        """The session token, and how it came. What a program sends on purpose comes before a cookie."""
        if "bearer" in settings.transports and (token := self.bearer_token()):
            return token, "bearer"
        if "header" in settings.transports and (token := self.headers.get(settings.header_name.lower(), "").strip()):
            return token, "header"
        if "cookie" in settings.transports and (token := self.cookies.get(settings.name, "")):
            return settings.token_in(token), "cookie"
        return None

    def bearer_token(self) -> str:
        """The token of the header `Authorization: Bearer`; empty for none."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else ""

    def device(self, settings: Settings) -> str:
        """The token of the device, from its cookie; empty for none, which asks a login for one."""
        found = self.cookies.get(settings.device_name, "") if settings.device_name else ""
        return found if _DEVICE_TOKEN.fullmatch(found) else ""

    def address(self, sso: Any) -> str | None:
        """The client's address: the peer's, or what `http.trusted_proxies` say of it."""
        if self.peer is None:
            return None
        forwarded = self.headers.get("x-forwarded-for")
        return client_address(sso, self.peer, [] if forwarded is None else [forwarded.encode("latin-1", "replace")])

    def bound(self, sso: Any, settings: Settings, *, is_open: bool = False) -> Any:
        """The tree of an object, bound to this request; without its token for an endpoint that is open to anybody.

        Raises:
            ForgedError: The request changes something, with the cookie of a session, and may come from another site.
        """
        found = None if is_open else self.token(settings)
        if is_open:
            self.check_origin(settings)
        elif found is not None and found[1] == "cookie":
            self.check_origin(settings, found[0])
        return self._tree(sso, settings, None if found is None else found[0])

    def verify_token(self, sso: Any, settings: Settings, scopes: Iterable[str], audience: str | None) -> Any:
        """The access token of the request, to be awaited on asyncio. No cookie counts, so that no request is forged.

        Raises:
            RuntimeError: The view asks for too little, see `check_audience`, or there is no OpenID Provider.
            TokenError: There is none, or, within `bearer_errors`, it is not good for these scopes and this audience.
        """
        scopes = tuple(scopes)
        check_audience(settings, scopes, audience)
        audience = audience or settings.audience or issuer(sso)
        if audience is None:
            raise RuntimeError("access tokens need an OpenID Provider: set oidc.issuer in the configuration")
        token = self.bearer_token()
        if not token:
            raise TokenError(None, scopes)
        return self._tree(sso, settings, None).token.verify(token, audience, " ".join(scopes) or None)

    def _tree(self, sso: Any, settings: Settings, ust: str | None) -> Any:
        return sso.bind(
            cid=self.cid(settings),
            current_app=settings.current_app,
            remote_addr=self.address(sso),
            user_agent=self.headers.get("user-agent"),
            current_ust=ust,
        )

    def is_from_elsewhere(self, settings: Settings) -> bool | None:
        """Whether a browser says that another site has sent this; None if it says nothing.

        Browsers say it by `Sec-Fetch-Site` and by `Origin`, neither of which a page can change.
        """
        origin = self.headers.get("origin")
        if origin is not None and origin in settings.trusted_origins:
            return False
        site = self.headers.get("sec-fetch-site")
        if site is not None:
            return site not in {"same-origin", "none"}
        if origin is not None:
            # `null`, of a sandboxed page for instance, has no host.
            host = origin.partition("://")[2].lower()
            return not host or host != self.headers.get("host", "").lower()
        return None

    def check_origin(self, settings: Settings, ust: str | None = None) -> None:
        """Rejects a request that changes something and that another site may have sent.

        Without a token, this is about a login: only what a browser says to come from elsewhere is rejected.

        Raises:
            ForgedError: It may come from another site.
        """
        if self.method.upper() in _SAFE_METHODS:
            return
        is_from_elsewhere = self.is_from_elsewhere(settings)
        if is_from_elsewhere is False or (is_from_elsewhere is None and ust is None):
            return
        sent = self.headers.get(settings.csrf_header.lower(), "")
        if ust is not None and sent and hmac.compare_digest(sent.encode(), csrf_token(ust).encode()):
            return
        raise ForgedError


def problem_of(error: ValidationError | BackendError, cid: str) -> tuple[int, dict[str, str], dict[str, Any]]:
    """The answer for an exception: status, headers, body."""
    problem = error.to_problem(instance=f"urn:cid:{cid}")
    headers = {"Content-Type": "application/problem+json", "Cache-Control": "no-store"}
    if error.retry_after is not None:
        headers["Retry-After"] = str(max(0, -int(-error.retry_after // 1)))
    if isinstance(error, TokenError):
        headers["WWW-Authenticate"] = error.challenge
    elif problem["status"] == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return int(problem["status"]), headers, problem
