"""The middleware: a user of Django is logged in only as long as their SSO session lasts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from asgiref.sync import sync_to_async
from django.contrib.auth import BACKEND_SESSION_KEY, get_user, logout
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.utils.functional import SimpleLazyObject

from zato_sso import Session, ValidationError
from zato_sso.django.backend import Backend
from zato_sso.django.conf import bound, cookie_settings, incoming, setting
from zato_sso.django.signals import SESSION_KEY
from zato_sso.django.users import follow, mapped_groups
from zato_sso.web.settings import lifetime_of

__all__ = ["Middleware"]

_PATH = f"{Backend.__module__}.{Backend.__qualname__}"
_PATHS = {_PATH, "zato_sso.django.Backend"}
# In Django's session: the groups that the user was put into last.
_GROUPS_KEY = "_zato_sso_groups"


class Middleware:
    """Sets `request.sso`, the session or None, `request.user` and `request.auser`, and the session's cookie.

    It stands behind Django's `AuthenticationMiddleware`.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        """Takes what answers the request."""
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answers a request."""
        shown: Any = request
        shown.sso = SimpleLazyObject(lambda: _session(request))
        shown.user = SimpleLazyObject(lambda: _user(request))

        async def auser() -> Any:
            user = await sync_to_async(_user)(request)
            return user

        shown.auser = auser
        response = self.get_response(request)
        _set_cookie(request, response)
        return response


def _token(request: HttpRequest) -> str | None:
    """The token of the cookie. Others, of programs, are for the class of Django REST framework."""
    return request.COOKIES.get(cookie_settings().name) or None


def _session(request: HttpRequest) -> Session | None:
    token = _token(request)
    if token is None:
        return None
    if not hasattr(request, "_sso_session"):
        try:
            found = bound(request, token).session.get_current_session()
        except ValidationError as error:
            if error.http_status not in {401, 403}:
                raise
            found = None
        request._sso_session = found  # type: ignore[attr-defined]
    return request._sso_session  # type: ignore[attr-defined, no-any-return]


def _user(request: HttpRequest) -> Any:
    if not hasattr(request, "_sso_user"):
        request._sso_user = _checked(request)  # type: ignore[attr-defined]
    return request._sso_user  # type: ignore[attr-defined]


def _checked(request: HttpRequest) -> Any:
    user = get_user(request)
    if not user.is_authenticated or request.session.get(BACKEND_SESSION_KEY) not in _PATHS:
        return user
    session = _session(request)
    if session is None or session.user_id != request.session.get(SESSION_KEY):
        # It has ended elsewhere, or the cookie is somebody else's. `logout` reads the user, who is known here.
        request.user = user
        logout(request)
        return AnonymousUser()
    name = user.get_username()
    is_other = session.username != name
    is_other |= session.is_super_user != getattr(user, "is_superuser", session.is_super_user)
    if not is_other and not setting("GROUPS"):
        return user
    known = bound(request, _token(request)).user.get_current_user()
    groups = mapped_groups(known)
    if is_other or request.session.get(_GROUPS_KEY, []) != groups:
        user = follow(known, session) or user
        request.session[_GROUPS_KEY] = groups
    return user


def _set_cookie(request: HttpRequest, response: HttpResponse) -> None:
    settings = cookie_settings()
    info = getattr(request, "_sso_info", None)
    if info is not None:
        response.set_cookie(**settings.cookie(info.ust, lifetime_of(info)))
        if device := settings.cookie_of_device(info, incoming(request).device(settings)):
            response.set_cookie(**device)
    elif getattr(request, "_sso_is_over", False):
        response.set_cookie(**settings.cookie(""))
    response.headers.setdefault(settings.cid_header, incoming(request).cid(settings))
