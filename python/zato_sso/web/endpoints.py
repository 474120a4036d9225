"""The JSON endpoints of the adapters, each written once.

An endpoint is a generator that yields calls of a bound tree and is sent their results: `run` and `run_async` drive it,
the one on the blocking tree, the other awaiting each call. It returns a `Reply`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from zato_sso.ctx import SearchCtx, SignupCtx
from zato_sso.web.request import Incoming, MalformedError, csrf_token
from zato_sso.web.settings import Settings, lifetime_of

__all__ = ["ENDPOINTS", "MAX_BODY", "Endpoint", "Reply", "read_body", "run", "run_async"]

MAX_BODY: Final = 64 * 1024
"""The bytes of the largest body. An adapter that has read more than so many reads no further."""


@dataclass(frozen=True)
class Reply:
    """What an endpoint answers with."""

    body: dict[str, Any]
    status: int = 200
    cookie: str | None = None
    """The value of the session's cookie to set; an empty one removes it."""

    max_age: int | None = None
    """How many seconds the cookie lives."""

    device: dict[str, Any] | None = None
    """The cookie with the token of the device, where one is to be set."""

    def cookies(self, settings: Settings) -> Iterator[dict[str, Any]]:
        """The arguments of each `set_cookie` of the response, which all frameworks name alike."""
        if self.cookie is not None and "cookie" in settings.transports:
            yield settings.cookie(self.cookie, self.max_age)
        if self.device is not None:
            yield self.device


Body = Mapping[str, Any]
Steps = Generator[Any, Any, Reply]


@dataclass(frozen=True)
class Endpoint:
    """An endpoint: where it is, what it takes, and what it does."""

    method: Literal["GET", "POST", "PATCH", "DELETE"]
    path: str
    steps: Callable[[Any, Body, Settings], Steps]
    needed: tuple[str, ...] = ()
    """Elements of the body, all of them strings."""

    optional: tuple[str, ...] = ()
    is_open: bool = False
    """Whether it needs no session."""

    takes_device: bool = False
    """Whether it takes the token of the device's cookie: as the element `kept_device`, which no client can send."""

    @property
    def name(self) -> str:
        """The name of its function."""
        return self.steps.__name__.strip("_")

    @property
    def summary(self) -> str:
        """The first line of the docstring."""
        return (self.steps.__doc__ or "").strip().splitlines()[0].rstrip(".")


def read_body(endpoint: Endpoint, request: Incoming, settings: Settings, raw: bytes, path: Body) -> Body:
    """The elements of a request.

    A body has to be JSON and say so: forms of other sites cannot send that without asking first (CORS).

    Raises:
        MalformedError: It is not what the endpoint takes.
    """
    if len(raw) > MAX_BODY:
        raise MalformedError("the body is too large")
    known = {*endpoint.needed, *endpoint.optional}
    sent: Any = {}
    if endpoint.method != "GET" and (raw or endpoint.needed):
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            raise MalformedError("expected a body of the type application/json")
        try:
            sent = json.loads(raw)
        except (ValueError, RecursionError):
            raise MalformedError("the body is not JSON") from None
    if not isinstance(sent, dict):
        raise MalformedError("expected an object")
    for name, value in sent.items():
        if name not in known:
            raise MalformedError(f"{name[:100]}: unknown, expected one of {', '.join(sorted(known))}")
        if not isinstance(value, str) and not (value is None and name in endpoint.optional):
            raise MalformedError(f"{name}: expected a string")
    for name in endpoint.needed:
        if name not in sent:
            raise MalformedError(f"{name}: missing")
    kept = {"kept_device": request.device(settings)} if endpoint.takes_device else {}
    return {**sent, **path, **kept}


def _login(me: Any, body: Body, settings: Settings) -> Steps:
    """Log in."""
    transport = body.get("transport") or settings.transports[0]
    if transport not in settings.transports:
        raise MalformedError(f"transport: expected one of {', '.join(settings.transports)}")
    kept, sent = body["kept_device"], body.get("device_token")
    info = yield me.user.login(
        body["username"],
        body["password"],
        totp_code=body.get("totp_code"),
        new_password=body.get("new_password") or "",
        # A program keeps its own.
        device_token=kept if transport == "cookie" else sent,
    )
    shown = info.to_dict()
    if transport != "cookie":
        is_given = sent is not None and info.device_token is not None
        return Reply({**shown, "device_token": info.device_token} if is_given else shown)
    ust = shown.pop("ust")
    device = settings.cookie_of_device(info, kept)
    return Reply({**shown, "csrf_token": csrf_token(ust)}, cookie=ust, max_age=lifetime_of(info), device=device)


def _logout(me: Any, body: Body, settings: Settings) -> Steps:
    """Log out."""
    yield me.user.logout()
    return Reply({}, cookie="")


_USER: Final = (
    "user_id",
    "username",
    "email",
    "display_name",
    "first_name",
    "middle_name",
    "last_name",
    "is_totp_enabled",
    "is_super_user",
    "groups",
)


def _me(me: Any, body: Body, settings: Settings) -> Steps:
    """The user who is logged in."""
    user = yield me.user.get_current_user()
    session = yield me.session.get_current_session()
    shown = {name: getattr(user, name) for name in _USER}
    # Only super-users see this field of users.
    shown["is_super_user"] = session.is_super_user
    shown["expiration_time"] = session.expiration_time.isoformat()
    # Only here is the token itself needed.
    return Reply({**shown, "csrf_token": csrf_token(me._values["current_ust"])})


def _update_me(me: Any, body: Body, settings: Settings) -> Steps:
    """Change one's own names and email."""
    yield me.user.update_current_user(dict(body))
    return Reply({})


def _signup(me: Any, body: Body, settings: Settings) -> Steps:
    """Sign up: a confirmation goes to the email."""
    yield me.user.signup(SignupCtx(current_app=settings.current_app, **body))
    return Reply({}, status=202)


def _confirm_signup(me: Any, body: Body, settings: Settings) -> Steps:
    """Confirm a sign-up by the token of its email."""
    yield me.user.confirm_signup(body["token"])
    return Reply({})


def _resend_confirmation(me: Any, body: Body, settings: Settings) -> Steps:
    """Send the confirmation of a sign-up again."""
    yield me.user.resend_confirmation(body["credential"])
    return Reply({}, status=202)


def _confirm_email(me: Any, body: Body, settings: Settings) -> Steps:
    """Confirm a changed email by the token of its email."""
    yield me.user.confirm_email(body["token"])
    return Reply({})


def _request_reset(me: Any, body: Body, settings: Settings) -> Steps:
    """Ask for a password reset: a token goes to the email."""
    yield me.password_reset.create_token(body["credential"])
    return Reply({}, status=202)


def _reset_password(me: Any, body: Body, settings: Settings) -> Steps:
    """Set a new password by the token of an email."""
    access = yield me.password_reset.access_token(body["token"])
    yield me.password_reset.change_password(body["new_password"], body["token"], access.reset_key)
    return Reply({}, cookie="")


def _change_password(me: Any, body: Body, settings: Settings) -> Steps:
    """Change one's own password."""
    yield me.user.change_password(dict(body))
    return Reply({})


def _sessions(me: Any, body: Body, settings: Settings) -> Steps:
    """One's own open sessions."""
    listed = yield me.session.get_list()
    times = ("creation_time", "expiration_time")
    names = ("session_id", "remote_addr", "user_agent", "is_current", "auth_type")
    shown = [{name: one[name] for name in names} | {name: one[name].isoformat() for name in times} for one in listed]
    return Reply({"sessions": shown})


def _end_session(me: Any, body: Body, settings: Settings) -> Steps:
    """End one of one's own sessions."""
    yield me.session.end(body["session_id"])
    return Reply({})


def _end_other_sessions(me: Any, body: Body, settings: Settings) -> Steps:
    """End all of one's own sessions but this one."""
    ended = yield me.session.end_all()
    return Reply({"ended": ended})


def _renew(me: Any, body: Body, settings: Settings) -> Steps:
    """Extend the session."""
    end = yield me.session.renew()
    return Reply({"expiration_time": end.isoformat()})


def _reauthenticate(me: Any, body: Body, settings: Settings) -> Steps:
    """Make the session fresh, which some changes need."""
    yield me.session.reauthenticate(body["password"], totp_code=body.get("totp_code"))
    return Reply({})


def _totp_key(me: Any, body: Body, settings: Settings) -> Steps:
    """A TOTP key for an authenticator, which takes effect by a code of it."""
    uri, key = yield me.totp.begin_enrolment()
    return Reply({"totp_key": key, "uri": uri})


def _enable_totp(me: Any, body: Body, settings: Settings) -> Steps:
    """Ask for TOTP codes at logins, by a code of the new key; returns recovery codes."""
    codes = yield me.totp.finish_enrolment(body["totp_code"])
    return Reply({"recovery_codes": codes})


def _disable_totp(me: Any, body: Body, settings: Settings) -> Steps:
    """Ask for no TOTP codes any more, by the password or a code."""
    if (body.get("password") is None) == (body.get("totp_code") is None):
        raise MalformedError("expected either password or totp_code")
    yield me.totp.disable(body.get("password"), body.get("totp_code"))
    return Reply({})


def _users(me: Any, body: Body, settings: Settings) -> Steps:
    """Users, by page. For super-users."""
    page = body.get("page") or "1"
    if not page.isdecimal() or len(page) > 9:
        raise MalformedError("page: expected a number")
    found = yield me.user.search(SearchCtx(cur_page=int(page)), serialize_dt=True)
    return Reply(found)


_LOGIN: Final = ("totp_code", "new_password", "transport", "device_token")
_NAMES: Final = ("display_name", "first_name", "middle_name", "last_name")

ENDPOINTS: Final = (
    Endpoint("POST", "/login", _login, ("username", "password"), _LOGIN, is_open=True, takes_device=True),
    Endpoint("POST", "/logout", _logout),
    Endpoint("GET", "/me", _me),
    Endpoint("PATCH", "/me", _update_me, (), ("email", "username", *_NAMES)),
    Endpoint("POST", "/signup", _signup, ("username", "password"), ("email", *_NAMES), True),
    Endpoint("POST", "/signup/confirm", _confirm_signup, ("token",), (), True),
    Endpoint("POST", "/signup/resend", _resend_confirmation, ("credential",), (), True),
    Endpoint("POST", "/email/confirm", _confirm_email, ("token",), (), True),
    Endpoint("POST", "/password/forgot", _request_reset, ("credential",), (), True),
    Endpoint("POST", "/password/reset", _reset_password, ("token", "new_password"), (), True),
    Endpoint("POST", "/password/change", _change_password, ("old_password", "new_password")),
    Endpoint("GET", "/sessions", _sessions),
    Endpoint("DELETE", "/sessions/{session_id}", _end_session),
    Endpoint("DELETE", "/sessions", _end_other_sessions),
    Endpoint("POST", "/session/renew", _renew),
    Endpoint("POST", "/session/fresh", _reauthenticate, ("password",), ("totp_code",)),
    Endpoint("POST", "/totp", _totp_key),
    Endpoint("POST", "/totp/enable", _enable_totp, ("totp_code",)),
    Endpoint("POST", "/totp/disable", _disable_totp, (), ("password", "totp_code")),
    Endpoint("GET", "/users", _users, (), ("page",)),
)


def run(endpoint: Endpoint, me: Any, body: Body, settings: Settings) -> Reply:
    """Runs an endpoint on the blocking tree."""
    steps = endpoint.steps(me, body, settings)
    try:
        call = next(steps)
        while True:
            call = steps.send(call)
    except StopIteration as end:
        reply: Reply = end.value
        return reply


async def run_async(endpoint: Endpoint, me: Any, body: Body, settings: Settings) -> Reply:
    """Runs an endpoint on the tree for asyncio."""
    steps = endpoint.steps(me, body, settings)
    try:
        call = next(steps)
        while True:
            call = steps.send(await call)
    except StopIteration as end:
        reply: Reply = end.value
        return reply
