"""Single sign-on for Flask.

```python
from flask import Flask
from zato_sso.flask import SSOExtension, current_user, login_required

app = Flask(__name__)
auth = SSOExtension(app, "sqlite:///sso.db")


@app.get("/hello")
@login_required
def hello():
    return f"Hello {current_user.username}"
```

Pages of your own log in by `auth.login` and out by `auth.logout`; a program uses the JSON endpoints below `/auth`.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast, overload
from urllib.parse import quote

from flask import Blueprint, Flask, Response, current_app, jsonify, redirect, request
from werkzeug.exceptions import HTTPException, NotFound
from werkzeug.local import LocalProxy
from werkzeug.wrappers import Response as AnyResponse

from zato_sso import SSO, Session, SessionInfo, Token, User, wsgi
from zato_sso.bound import BoundSSO
from zato_sso.errors import BackendError, ValidationError
from zato_sso.web.endpoints import ENDPOINTS, MAX_BODY, Endpoint, Reply, read_body, run
from zato_sso.web.request import (
    Incoming,
    NoSessionError,
    bearer_errors,
    check_groups,
    csrf_token,
    problem_of,
)
from zato_sso.web.settings import Settings, lifetime_of
from zato_sso.wsgi import Application, Source

__all__ = [
    "SSOExtension",
    "Settings",
    "current_session",
    "current_token",
    "current_user",
    "fresh_login_required",
    "group_required",
    "login_required",
    "super_user_required",
    "token_required",
]

_Function = TypeVar("_Function", bound=Callable[..., Any])
_Made = TypeVar("_Made")


class SSOExtension:
    """Single sign-on in a Flask application.

    Args:
        app: The application; or call `init_app` later.
        sso: A `zato_sso.SSO`, the URL of a database, the path of a configuration file, or a dict with configuration. By
            default `app.config["ZATO_SSO"]`.
        prefix: Where the JSON endpoints are; None for none.
        login_url: Where people without a session are sent who ask for a page: `login_required` adds `?next=` to it. By
            default they are answered with 401, or sent to the login of the pages.
        pages: Whether the application answers what it has no view for as the server does, with the pages for people:
            login, sign-up, account, administration. The object's configuration has `pages.is_active`.
        settings: How tokens travel.
        options: The fields of `Settings`, instead of `settings`.
    """

    def __init__(
        self,
        app: Flask | None = None,
        sso: Source | None = None,
        *,
        prefix: str | None = "/auth",
        login_url: str | None = None,
        pages: bool = False,
        settings: Settings | None = None,
        **options: Any,
    ) -> None:
        """Takes what is described above."""
        self._source = sso
        self._sso: SSO | None = None
        self.prefix = prefix
        self.login_url = login_url or ("/login" if pages else None)
        self.settings = settings or Settings(**{"pages": pages, **options})
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Adds single sign-on to an application."""
        source = self._source if self._source is not None else app.config.get("ZATO_SSO")
        if source is None:
            raise ValueError("SSOExtension: give it an object, or set ZATO_SSO in the configuration of the application")
        if self._sso is None:
            self._sso = wsgi.opened(source)
        app.extensions["zato_sso"] = self
        for error in (ValidationError, BackendError):
            app.register_error_handler(error, self.answer_error)
        app.context_processor(lambda: {"current_user": current_user, "csrf_token": self.csrf_token})
        if self.prefix is not None:
            app.register_blueprint(self.blueprint(), url_prefix=self.prefix)
        if self.settings.pages:
            app.wsgi_app = _WithPages(app, self.server())  # type: ignore[method-assign]

    @property
    def sso(self) -> SSO:
        """The object."""
        if self._sso is None:
            raise RuntimeError("SSOExtension: call init_app first")
        return self._sso

    def server(self) -> Application:
        """The whole server as a WSGI application, for `DispatcherMiddleware` for instance."""
        return Application(self.sso)

    def blueprint(self, name: str = "zato_sso") -> Blueprint:
        """The JSON endpoints."""
        blueprint = Blueprint(name, __name__)
        for endpoint in ENDPOINTS:
            path = endpoint.path.replace("{", "<").replace("}", ">")
            blueprint.add_url_rule(path, endpoint.name, self._view(endpoint), methods=[endpoint.method])
        return blueprint

    @property
    def bound(self) -> BoundSSO:
        """The tree, bound to the request.

        Raises:
            ValidationError: The request changes something with the session's cookie, and may come from another site.
        """
        return _once("bound", self._bind)

    def _bind(self, *, is_open: bool = False) -> BoundSSO:
        found: BoundSSO = self._incoming().bound(self.sso, self.settings, is_open=is_open)
        return found

    def _incoming(self) -> Incoming:
        return _once("incoming", self._shown)

    def _shown(self) -> Incoming:
        headers = {name.lower(): value for name, value in request.headers.items()}
        if self.settings.csrf_header.lower() not in headers and request.mimetype != "application/json":
            # A hidden field of a form.
            field = _once("csrf_field", lambda: request.form.get("csrf_token", ""))
            headers[self.settings.csrf_header.lower()] = field
        return Incoming(request.method, headers, request.cookies, request.remote_addr)

    def load_user(self) -> User | None:
        """The user of the request; None without a valid session."""
        return _once("user", self._user)

    def _user(self) -> User | None:
        if not self.bound.is_signed_in:
            return None
        try:
            return self.bound.user.get_current_user()
        except ValidationError as error:
            if error.http_status not in {401, 403}:
                raise
            return None

    def load_session(self) -> Session:
        """The session of the request.

        Raises:
            ValidationError: There is none, or it has ended: 401.
        """
        if not self.bound.is_signed_in:
            raise NoSessionError
        return self.bound.session.get_current_session()

    def load_token(self, *scopes: str, audience: str | None = None) -> Token:
        """The OAuth access token of the request, as `sso.token.verify` returns it.

        Args:
            scopes: What it must be good for: all of them.
            audience: Whom it must be for; by default `Settings.audience`, or else the issuer: then one of the
                scopes must be this service's own.

        Raises:
            RuntimeError: There is no audience, and no scope beyond those of OpenID Connect.
            ValidationError: There is none, or it is not good: 401. Without a scope: 403.
        """
        with bearer_errors(scopes):
            token: Token = self._incoming().verify_token(self.sso, self.settings, scopes, audience)
        request.environ["zato_sso.token"] = token
        return token

    def login(self, response: AnyResponse, username: str, password: str, **more: Any) -> SessionInfo:
        """Logs a user in, for a page of your own, and gives the response the cookies of the session and of the device.

        Args:
            response: The response that the page returns.
            username: The name of the user.
            password: The password.
            more: Other arguments of `sso.user.login`: `totp_code`, `new_password`.

        Raises:
            ValidationError: The login was rejected, or its form may come from another site.
        """
        kept = self._incoming().device(self.settings)
        info = self._bind(is_open=True).user.login(username, password, **{"device_token": kept, **more})
        self.set_cookie(response, info.ust, lifetime_of(info))
        if device := self.settings.cookie_of_device(info, kept):
            response.set_cookie(**device)
        return info

    def logout(self, response: AnyResponse) -> None:
        """Ends the session of the request, and removes its cookie."""
        if self.bound.is_signed_in:
            try:
                self.bound.user.logout()
            except ValidationError as error:
                if error.http_status != 401:
                    raise
        self.set_cookie(response, "")

    def csrf_token(self) -> str:
        """The token for the hidden field `csrf_token` of a form, or for a header; empty without a session."""
        found = self._incoming().token(self.settings)
        return "" if found is None else csrf_token(found[0])

    def set_cookie(self, response: AnyResponse, ust: str, max_age: int | None = None) -> None:
        """Gives a response the session's cookie; an empty token removes it."""
        response.set_cookie(**self.settings.cookie(ust, max_age))

    def answer_error(self, error: Exception) -> AnyResponse:
        """The answer for an exception: a problem of RFC 9457."""
        if not isinstance(error, ValidationError | BackendError):
            raise error
        cid = self._incoming().cid(self.settings)
        status, headers, body = problem_of(error, cid)
        response = jsonify(body)
        response.status_code = status
        response.headers.update({**headers, self.settings.cid_header: cid})
        return response

    def unauthorized(self) -> AnyResponse:
        """The answer where a session is needed: to the page of the login, or 401."""
        if self.login_url is not None and request.method == "GET" and request.accept_mimetypes.accept_html:
            # Only the path: a whole URL could lead elsewhere.
            wanted = request.full_path if request.query_string else request.path
            return redirect(f"{self.login_url}?next={quote(wanted)}")
        raise NoSessionError

    def next_url(self, default: str = "/") -> str:
        """Where `?next=` wants to go after a login, if that is a path of this site; else the default."""
        wanted = request.values.get("next", "")
        # Browsers read a backslash as a slash, and leave out what is not printable.
        is_path = wanted.startswith("/") and not wanted.startswith("//") and "\\" not in wanted
        return wanted if is_path and wanted.isprintable() else default

    def _view(self, endpoint: Endpoint) -> Callable[..., AnyResponse]:
        def view(**path: str) -> AnyResponse:
            # No endpoint takes a form, of which any size would be read.
            _once("csrf_field", str)
            raw = request.stream.read(MAX_BODY + 1)
            me = self._bind(is_open=endpoint.is_open)
            if not endpoint.is_open and not me.is_signed_in:
                raise NoSessionError
            if endpoint.method == "GET":
                path |= {name: value for name, value in request.args.items() if name in endpoint.optional}
            body = read_body(endpoint, self._incoming(), self.settings, raw, path)
            return self._written(run(endpoint, me, body, self.settings), me.cid)

        view.__name__ = endpoint.name
        view.__doc__ = endpoint.steps.__doc__
        return view

    def _written(self, reply: Reply, cid: str) -> Response:
        response = jsonify(reply.body)
        response.status_code = reply.status
        response.headers.update({"Cache-Control": "no-store", self.settings.cid_header: cid})
        for cookie in reply.cookies(self.settings):
            response.set_cookie(**cookie)
        return response


class _WithPages:
    """An application that answers what it has no view for as the server does."""

    def __init__(self, app: Flask, server: Application) -> None:
        self._urls, self._inner, self._server = app.url_map, app.wsgi_app, server

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        try:
            self._urls.bind_to_environ(environ).match()
        except NotFound:
            return self._server(environ, start_response)
        except HTTPException:
            # Another method, or a slash that is missing: Flask answers that.
            pass
        return self._inner(environ, start_response)


def _once(name: str, make: Callable[[], _Made]) -> _Made:
    """What is made once a request. Not in `g`, which several requests share inside of one `app.app_context()`."""
    kept = request.environ
    if f"zato_sso.{name}" not in kept:
        kept[f"zato_sso.{name}"] = make()
    return cast("_Made", kept[f"zato_sso.{name}"])


def _extension() -> SSOExtension:
    found = current_app.extensions.get("zato_sso")
    if found is None:
        raise RuntimeError("this application has no SSOExtension")
    return cast("SSOExtension", found)


current_user: User = cast("User", LocalProxy(lambda: _extension().load_user()))
"""The user of the request; false without a session."""

current_session: Session = cast("Session", LocalProxy(lambda: _extension().load_session()))
"""The session of the request; reading it raises a ValidationError without one."""

current_token: Token = cast("Token", LocalProxy(lambda: _once("token", _extension().load_token)))
"""The access token of the request; reading it raises a ValidationError without one."""


def _guarded(view: _Function, check: Callable[[SSOExtension], object] | None = None) -> _Function:
    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        extension = _extension()
        if extension.load_user() is None:
            return extension.unauthorized()
        if check is not None:
            check(extension)
        return current_app.ensure_sync(view)(*args, **kwargs)

    return cast("_Function", guarded)


def login_required(view: _Function) -> _Function:
    """A view that needs a session: 401, or the page of the login, without one."""
    return _guarded(view)


def super_user_required(view: _Function) -> _Function:
    """A view for super-users: 403 for others, and as `login_required` without a session."""
    return _guarded(view, lambda extension: extension.bound.session.require_super_user())


def group_required(*groups: str) -> Callable[[_Function], _Function]:
    """A view for members of one of these groups: 403 for others, and as `login_required` without a session.

    Args:
        groups: Names of groups; any case of letters.
    """
    return lambda view: _guarded(view, lambda extension: check_groups(extension.load_user(), groups))


def token_required(*scopes: str, audience: str | None = None) -> Callable[[_Function], _Function]:
    """A view for OAuth access tokens: `current_token`; 401 without a good one, 403 without a scope.

    Args:
        scopes: What it must be good for: all of them.
        audience: Whom it must be for; by default `Settings.audience`, or else the issuer: then one of the
            scopes must be this service's own.
    """

    def decorate(view: _Function) -> _Function:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            _extension().load_token(*scopes, audience=audience)
            return current_app.ensure_sync(view)(*args, **kwargs)

        return cast("_Function", guarded)

    return decorate


@overload
def fresh_login_required(view: _Function) -> _Function: ...
@overload
def fresh_login_required(view: None = None, *, minutes: int = 10) -> Callable[[_Function], _Function]: ...
def fresh_login_required(view: Any = None, *, minutes: int = 10) -> Any:
    """A view for a session whose user has proved who they are within so many minutes.

    Others get E005010: they log in again, or call `POST /auth/session/fresh`.
    """

    def check(extension: SSOExtension) -> None:
        proved = extension.load_session().auth_time
        now = datetime.datetime.now(datetime.timezone.utc)
        if now.replace(tzinfo=proved.tzinfo) - proved > datetime.timedelta(minutes=minutes):
            raise ValidationError(["E005010"])

    def decorate(view: _Function) -> _Function:
        return _guarded(view, check)

    return decorate if view is None else decorate(view)
