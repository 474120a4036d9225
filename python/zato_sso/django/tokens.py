"""OAuth access tokens in views: `token_required`. For Django REST framework see `zato_sso.django.drf`."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any, TypeVar, cast

from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponse, JsonResponse

from zato_sso import Token, ValidationError
from zato_sso.django.conf import cookie_settings, get_sso, incoming
from zato_sso.web.request import bearer_errors, problem_of

__all__ = ["token_required", "verified"]

_Function = TypeVar("_Function", bound=Callable[..., Any])


def verified(request: HttpRequest, scopes: Collection[str], audience: str | None = None) -> Token:
    """The access token of a request, as `sso.token.verify` returns it.

    Raises:
        RuntimeError: There is no audience, and no scope beyond those of OpenID Connect.
        TokenError: There is none, or it is not good: 401. Without a scope: 403.
    """
    with bearer_errors(scopes):
        token: Token = incoming(request).verify_token(get_sso(), cookie_settings(), scopes, audience)
    return token


def token_required(*scopes: str, audience: str | None = None) -> Callable[[_Function], _Function]:
    """A view for OAuth access tokens: `request.sso_token`; 401 without a good one, 403 without a scope.

    No cookie counts here, so that requests need no CSRF token. Views may be asynchronous.

    Args:
        scopes: What it must be good for: all of them.
        audience: Whom it must be for; by default `ZATO_SSO["AUDIENCE"]`, or else the issuer: then one of the scopes
            must be this service's own, beyond those of OpenID Connect, or requests end with a RuntimeError.
    """

    def load(request: HttpRequest) -> HttpResponse | None:
        try:
            request.sso_token = verified(request, scopes, audience)  # type: ignore[attr-defined]
        except ValidationError as error:
            settings = cookie_settings()
            cid = incoming(request).cid(settings)
            status, headers, body = problem_of(error, cid)
            kind = headers.pop("Content-Type")
            headers[settings.cid_header] = cid
            return JsonResponse(body, status=status, content_type=kind, headers=headers)
        return None

    def decorate(view: _Function) -> _Function:
        guarded: Any
        if iscoroutinefunction(view):

            @wraps(view)
            async def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
                return await sync_to_async(load)(request) or await view(request, *args, **kwargs)
        else:

            @wraps(view)
            def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
                return load(request) or view(request, *args, **kwargs)

        guarded.csrf_exempt = True
        return cast("_Function", guarded)

    return decorate
