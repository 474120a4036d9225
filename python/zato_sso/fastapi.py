"""Single sign-on for FastAPI.

```python
from fastapi import FastAPI
from zato_sso.fastapi import ZatoSSO

auth = ZatoSSO("sqlite:///sso.db")
app = FastAPI(lifespan=auth.lifespan)
app.include_router(auth.router())
app.mount("/sso", auth.server())


@app.get("/hello")
async def hello(user: auth.User):  # 401 without a session
    return {"hello": user.username}


@app.get("/admin")
async def admin(user: auth.SuperUser):  # 403 for others
    ...


@app.get("/reports")
async def reports(user: auth.user(groups=["finance"])):  # 403 for those who are not in the group
    ...


@app.get("/api")
async def api(token: auth.token("reports:read")):  # OAuth access tokens: 401 without one, 403 without the scope
    ...
```
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Security
from fastapi.security import APIKeyCookie, APIKeyHeader, HTTPBearer, OpenIdConnect
from fastapi.security.base import SecurityBase
from starlette.requests import Request

import zato_sso
from zato_sso import starlette
from zato_sso._core import issuer
from zato_sso.asgi import Source
from zato_sso.bound import AsyncBoundSSO
from zato_sso.web.endpoints import ENDPOINTS, Endpoint
from zato_sso.web.request import check_audience
from zato_sso.web.settings import Settings

__all__ = ["Settings", "ZatoSSO"]

_SECRET = {"password", "old_password", "new_password", "device_token"}
_PROBLEM = {
    "description": "Refused",
    "content": {"application/problem+json": {"schema": {"type": "object", "title": "Problem (RFC 9457)"}}},
}


class ZatoSSO(starlette.ZatoSSO):
    """Single sign-on in a FastAPI application; see `zato_sso.starlette.ZatoSSO` for the arguments.

    Attributes:
        User: For annotations: the user of a request, 401 without a session.
        SuperUser: The same, and 403 if the user is no super-user.
        OptionalUser: The same as `User`, but None without a session.
        Bound: The tree, bound to the request: `sso.bind` with its correlation ID, address, user agent and token.
        require_user: The dependency of `User`. Type checkers want `Annotated[User, Depends(auth.require_user)]`.
        require_super_user: The same of `SuperUser`.
        require_bound: The same of `Bound`: `Annotated[AsyncBoundSSO, Depends(auth.require_bound)]`.
    """

    def __init__(self, sso: Source, *, settings: Settings | None = None, **options: Any) -> None:
        """Takes what the class of Starlette takes."""
        super().__init__(sso, settings=settings, **options)
        self._schemes = self._make_schemes()
        self.require_user = self.require_groups(None)
        self.require_super_user = self._dependency(self.current_super_user)
        self.require_bound = self._dependency(self._bound)
        self.User = Annotated[zato_sso.User, Depends(self.require_user)]
        self.SuperUser = Annotated[zato_sso.User, Depends(self.require_super_user)]
        self.OptionalUser = Annotated[zato_sso.User | None, Depends(self._dependency(self.current_user_or_none))]
        self.Bound = Annotated[AsyncBoundSSO, Depends(self.require_bound)]

    def _make_schemes(self) -> list[Any]:
        settings = self.settings
        known: dict[str, SecurityBase] = {
            "bearer": HTTPBearer(scheme_name="bearer", auto_error=False, description="A session token"),
            "cookie": APIKeyCookie(name=settings.name, scheme_name="cookie", auto_error=False),
            "header": APIKeyHeader(name=settings.header_name, scheme_name="header", auto_error=False),
        }
        return [known[transport] for transport in settings.transports]

    def user(self, groups: Collection[str] | None = None) -> Any:
        """For annotations: the user of a request, 401 without a session, 403 outside of the groups.

        Args:
            groups: Names of groups, in one of which the user must be; any case of letters. None for any user.
        """
        return Annotated[zato_sso.User, Depends(self.require_groups(groups))]

    def require_groups(self, groups: Collection[str] | None) -> Callable[..., Awaitable[Any]]:
        """The dependency of `user`. Type checkers want `Annotated[User, Depends(auth.require_groups(["finance"]))]`."""
        if isinstance(groups, str):
            raise TypeError("groups: a list of names, not a name")
        wanted = None if groups is None else tuple(groups)

        async def load(request: Request) -> Any:
            if wanted is None:
                return await self.current_user(request)
            return await self.current_member(request, wanted)

        return self._dependency(load)

    def token(self, *scopes: str, audience: str | None = None) -> Any:
        """For annotations: the OAuth access token of a request; 401 without a good one, 403 without a scope.

        Args:
            scopes: What it must be good for: all of them.
            audience: Whom it must be for; by default `Settings.audience`, or else the issuer: then one of the
                scopes must be this service's own.

        Raises:
            RuntimeError: There is no audience, and no scope beyond those of OpenID Connect.
        """
        return Annotated[zato_sso.Token, Depends(self.require_token(*scopes, audience=audience))]

    def require_token(self, *scopes: str, audience: str | None = None) -> Callable[..., Awaitable[Any]]:
        """The dependency of `token`. Type checkers want `Annotated[Token, Depends(auth.require_token("scope"))]`."""
        check_audience(self.settings, scopes, audience)

        async def load(request: Request) -> Any:
            return await self.current_token(request, *scopes, audience=audience)

        return self._dependency(load, [Security(self._make_token_scheme(), scopes=scopes)])

    def _make_token_scheme(self) -> Any:
        about = "An OAuth access token"
        address = issuer(self.sso)
        if address is None:
            return HTTPBearer(scheme_name="access_token", auto_error=False, description=about)
        return OpenIdConnect(
            openIdConnectUrl=f"{address}/.well-known/openid-configuration",
            scheme_name="access_token",
            auto_error=False,
            description=about,
        )

    async def _bound(self, request: Request) -> AsyncBoundSSO:
        return self.bound(request)

    async def current_user_or_none(self, request: Request) -> Any:
        """The user of a request, None without a valid session."""
        try:
            return await self.current_user(request)
        except zato_sso.ValidationError as error:
            if error.http_status == 401:
                return None
            raise

    def _dependency(
        self, load: Callable[[Request], Awaitable[Any]], schemes: Sequence[Any] | None = None
    ) -> Callable[..., Awaitable[Any]]:
        """A dependency that loads something for a request, described by security schemes: by default of sessions."""
        if schemes is None:
            schemes = [Security(scheme) for scheme in self._schemes]

        async def dependency(request: Request, **_schemes: object) -> Any:
            return await load(request)

        kind = inspect.Parameter.KEYWORD_ONLY
        parameters = [inspect.Parameter("request", kind, annotation=Request)]
        parameters += [
            inspect.Parameter(scheme.dependency.scheme_name, kind, annotation=Any, default=scheme) for scheme in schemes
        ]
        vars(dependency)["__signature__"] = inspect.Signature(parameters)
        return dependency

    def router(self, prefix: str = "/auth") -> APIRouter:
        """The JSON endpoints, described in the application's own documentation."""
        router = APIRouter(prefix=prefix, tags=["auth"])
        for endpoint in ENDPOINTS:
            router.add_api_route(
                endpoint.path,
                self._endpoint(endpoint),
                methods=[endpoint.method],
                summary=endpoint.summary,
                name=endpoint.name,
                dependencies=[] if endpoint.is_open else [Security(scheme) for scheme in self._schemes],
                responses={status: dict(_PROBLEM) for status in (400, 401, 403, 429)},
                openapi_extra=_described(endpoint),
            )
        return router

    def _endpoint(self, endpoint: Endpoint) -> Any:
        async def handle(request: Request) -> Any:
            return await self.answer(endpoint, request)

        # Not by name: this module has postponed annotations, and no closure.
        vars(handle)["__signature__"] = inspect.Signature(
            [inspect.Parameter("request", inspect.Parameter.KEYWORD_ONLY, annotation=Request)]
        )
        return handle


def _described(endpoint: Endpoint) -> dict[str, Any]:
    """What FastAPI cannot read from the function: elements of the path, of the query string, and the body."""
    text = {"type": "string"}
    secret = {"type": "string", "format": "password"}
    named = [(name, "path", True) for name in ("session_id",) if f"{{{name}}}" in endpoint.path]
    if endpoint.method == "GET":
        named += [(name, "query", False) for name in endpoint.optional]
    described: dict[str, Any] = {}
    if named:
        described["parameters"] = [
            {"name": name, "in": where, "required": needed, "schema": text} for name, where, needed in named
        ]
    if endpoint.method != "GET" and (endpoint.needed or endpoint.optional):
        elements = {name: secret if name in _SECRET else text for name in (*endpoint.needed, *endpoint.optional)}
        schema = {"type": "object", "properties": elements, "required": list(endpoint.needed)}
        described["requestBody"] = {
            "required": bool(endpoint.needed),
            "content": {"application/json": {"schema": {**schema, "additionalProperties": False}}},
        }
    return described
