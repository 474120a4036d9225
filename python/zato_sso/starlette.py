"""Single sign-on for Starlette.

```python
from starlette.applications import Starlette
from zato_sso.starlette import ZatoSSO

auth = ZatoSSO("sqlite:///sso.db")
app = Starlette(routes=[*auth.routes(), Mount("/sso", auth.server())], lifespan=auth.lifespan)


async def hello(request):
    user = await auth.current_user(request)  # 401 without a session
```
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import Any

from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from zato_sso import aio, asgi
from zato_sso.asgi import Application, Source
from zato_sso.bound import AsyncBoundSSO
from zato_sso.errors import BackendError, ValidationError
from zato_sso.web.endpoints import ENDPOINTS, MAX_BODY, Endpoint, Reply, read_body, run_async
from zato_sso.web.request import (
    Incoming,
    NoSessionError,
    bearer_errors,
    check_groups,
    csrf_token,
    problem_of,
)
from zato_sso.web.settings import Settings

__all__ = ["Settings", "ZatoSSO"]


class ZatoSSO:
    """Single sign-on in an application.

    Args:
        sso: A `zato_sso.aio.SSO`, the URL of a database, the path of a configuration file, or a dict with
            configuration.
        settings: How tokens travel.
        options: The fields of `Settings`, instead of `settings`.
    """

    def __init__(self, sso: Source, *, settings: Settings | None = None, **options: Any) -> None:
        """Takes what is described above."""
        self.sso: aio.SSO = asgi.opened(sso)
        self.settings = settings or Settings(**options)
        self._is_own = self.sso is not sso

    @asynccontextmanager
    async def lifespan(self, app: Any) -> AsyncIterator[None]:
        """Opens the object, and closes it again unless it was made elsewhere. `Starlette(lifespan=auth.lifespan)`."""
        self._answer_errors(app)
        await self.sso.open()
        try:
            yield
        finally:
            if self._is_own:
                await self.sso.close()

    def init_app(self, app: Any) -> None:
        """Makes an application answer exceptions with problems; for those that do not use `lifespan`."""
        for error in (ValidationError, BackendError):
            app.add_exception_handler(error, self.answer_error)

    def _answer_errors(self, app: Any) -> None:
        # In a lifespan, the middleware is built already: its handlers are the ones that are asked.
        layer = getattr(app, "middleware_stack", None)
        while layer is not None and not isinstance(layer, ExceptionMiddleware):
            layer = getattr(layer, "app", None)
        if layer is None:
            self.init_app(app)
            return
        for error in (ValidationError, BackendError):
            layer.add_exception_handler(error, self.answer_error)

    def server(self) -> Application:
        """The whole server, to be mounted: the REST API, the pages, the documentation."""
        return Application(self.sso)

    def routes(self, prefix: str = "/auth") -> list[Route]:
        """The JSON endpoints."""
        return [
            Route(prefix + endpoint.path, self._handler(endpoint), methods=[endpoint.method], name=endpoint.name)
            for endpoint in ENDPOINTS
        ]

    def bound(self, request: Request, *, is_open: bool = False) -> AsyncBoundSSO:
        """The tree, bound to a request.

        Raises:
            ValidationError: The request changes something with the session's cookie, and may come from another site.
        """
        found: AsyncBoundSSO = _incoming(request).bound(self.sso, self.settings, is_open=is_open)
        return found

    async def current_user(self, request: Request) -> Any:
        """The user of a request.

        Raises:
            ValidationError: E007001 without a session, E007002 if it has expired: 401.
        """
        me = self.bound(request)
        if not me.is_signed_in:
            raise NoSessionError
        return await me.user.get_current_user()

    async def current_member(self, request: Request, groups: Collection[str]) -> Any:
        """The user of a request, who must be in one of some groups.

        Args:
            request: The request.
            groups: Names of groups, in one of which the user must be; any case of letters.

        Raises:
            ValidationError: As `current_user`; E005001 outside of them: 403.
        """
        user = await self.current_user(request)
        check_groups(user, groups)
        return user

    async def current_super_user(self, request: Request) -> Any:
        """The user of a request, who must be a super-user.

        Raises:
            ValidationError: As with `current_user`, and E005001 if it is somebody else: 403.
        """
        me = self.bound(request)
        if not me.is_signed_in:
            raise NoSessionError
        await me.session.require_super_user()
        return await me.user.get_current_user()

    async def current_token(self, request: Request, *scopes: str, audience: str | None = None) -> Any:
        """The OAuth access token of a request, as `sso.token.verify` returns it.

        Args:
            request: The request.
            scopes: What it must be good for: all of them.
            audience: Whom it must be for; by default `Settings.audience`, or else the issuer: then one of the
                scopes must be this service's own.

        Raises:
            RuntimeError: There is no audience, and no scope beyond those of OpenID Connect.
            ValidationError: There is none, or it is not good: 401. Without a scope: 403.
        """
        with bearer_errors(scopes):
            return await _incoming(request).verify_token(self.sso, self.settings, scopes, audience)

    def csrf_token(self, request: Request) -> str | None:
        """The token for the header `X-CSRF-Token`, or for a hidden field; None without a session."""
        found = _incoming(request).token(self.settings)
        return None if found is None else csrf_token(found[0])

    async def answer_error(self, request: Request, error: Exception) -> Response:
        """The answer for an exception: a problem of RFC 9457."""
        if not isinstance(error, ValidationError | BackendError):
            raise error
        cid = _incoming(request).cid(self.settings)
        status, headers, body = problem_of(error, cid)
        return JSONResponse(body, status, {**headers, self.settings.cid_header: cid})

    def _handler(self, endpoint: Endpoint) -> Any:
        async def handle(request: Request) -> Response:
            return await self.answer(endpoint, request)

        handle.__name__ = endpoint.name
        handle.__doc__ = endpoint.steps.__doc__
        return handle

    async def answer(self, endpoint: Endpoint, request: Request) -> Response:
        """Answers a request to one of the JSON endpoints."""
        try:
            me = self.bound(request, is_open=endpoint.is_open)
            if not endpoint.is_open and not me.is_signed_in:
                raise NoSessionError
            path = {**request.path_params}
            if endpoint.method == "GET":
                path |= {name: value for name, value in request.query_params.items() if name in endpoint.optional}
            body = read_body(endpoint, _incoming(request), self.settings, await _small_body(request), path)
            reply = await run_async(endpoint, me, body, self.settings)
        except (ValidationError, BackendError) as error:
            return await self.answer_error(request, error)
        return self._written(reply, me.cid)

    def _written(self, reply: Reply, cid: str) -> Response:
        headers = {"Cache-Control": "no-store", self.settings.cid_header: cid}
        response = JSONResponse(reply.body, reply.status, headers)
        for cookie in reply.cookies(self.settings):
            response.set_cookie(**cookie)
        return response

    def set_cookie(self, response: Response, ust: str, max_age: int | None = None) -> None:
        """Gives a response the session's cookie; an empty token removes it."""
        response.set_cookie(**self.settings.cookie(ust, max_age))


async def _small_body(request: Request) -> bytes:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            break
    return body


def _incoming(request: Request) -> Incoming:
    # In the scope: each request has one of its own, but not on every server a state of its own.
    found = request.scope.get("zato_sso.incoming")
    if not isinstance(found, Incoming):
        found = request.scope["zato_sso.incoming"] = _shown(request)
    return found


def _shown(request: Request) -> Incoming:
    headers: dict[str, str] = {}
    for name, value in request.headers.items():
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    peer = request.client.host if request.client else None
    return Incoming(request.method, headers, request.cookies, peer)
