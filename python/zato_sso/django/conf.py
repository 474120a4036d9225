"""The setting `ZATO_SSO`, and the object that it describes."""

from __future__ import annotations

import threading
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.http import HttpRequest

from zato_sso import SSO
from zato_sso.bound import BoundSSO
from zato_sso.web.request import Incoming
from zato_sso.web.settings import Settings

__all__ = ["DEFAULTS", "bound", "cookie_settings", "get_sso", "incoming", "setting"]

DEFAULTS: dict[str, Any] = {
    # The URL of a database, or the path of a configuration file, or a dict with configuration; or both.
    "URL": None,
    "CONFIG": None,
    # The application on whose behalf calls are made.
    "APP": None,
    # What super-users are in Django.
    "SUPER_USERS_ARE_STAFF": True,
    "SUPER_USERS_ARE_SUPERUSERS": True,
    # Groups of SSO and the groups of Django that their members are in. Others of Django are left alone.
    "GROUPS": {},
    # Whether a user of Django with the same name, whom nothing links to an SSO user yet, becomes that one's. Safe only
    # where nobody can sign up.
    "LINK_BY_USERNAME": False,
    # Whom access tokens must be for; by default the issuer, where views ask for a scope that is this service's own.
    "AUDIENCE": None,
    # The cookie with the session's token.
    "COOKIE_NAME": "",
    "COOKIE_SECURE": None,
    "COOKIE_SAMESITE": "lax",
    # Whether a login sets another one for a year, by which the device is known.
    "DEVICE_COOKIE": True,
}

_lock = threading.Lock()
_objects: list[SSO] = []


def setting(name: str) -> Any:
    """A value of the setting `ZATO_SSO`, or its default."""
    given = getattr(settings, "ZATO_SSO", {})
    return given.get(name, DEFAULTS[name])


def get_sso() -> SSO:
    """The object of this process."""
    if not _objects:
        with _lock:
            if not _objects:
                url, config = setting("URL"), setting("CONFIG")
                if isinstance(url, SSO):
                    _objects.append(url)
                elif url is None and config is None:
                    raise ImproperlyConfigured("ZATO_SSO: set URL, or CONFIG")
                else:
                    _objects.append(SSO(url, config=config))
    return _objects[0]


def _forget(*, setting: str, **_more: object) -> None:
    if setting == "ZATO_SSO":
        _objects.clear()


# Tests override settings.
setting_changed.connect(_forget)


def cookie_settings() -> Settings:
    """How the token travels."""
    secure = setting("COOKIE_SECURE")
    return Settings(
        current_app=setting("APP"),
        transports=("cookie", "bearer"),
        cookie_name=setting("COOKIE_NAME"),
        cookie_secure=not settings.DEBUG if secure is None else secure,
        cookie_samesite=setting("COOKIE_SAMESITE"),
        device_cookie=setting("DEVICE_COOKIE"),
        audience=setting("AUDIENCE"),
    )


def incoming(request: HttpRequest) -> Incoming:
    """A request, as all adapters show it."""
    # In META, which Django's request and that of the REST framework share.
    found = request.META.get("zato_sso.incoming")
    if not isinstance(found, Incoming):
        headers = {name.lower(): value for name, value in request.headers.items()}
        peer = request.META.get("REMOTE_ADDR") or None
        found = Incoming(request.method or "GET", headers, request.COOKIES, peer)
        request.META["zato_sso.incoming"] = found
    return found


def bound(request: HttpRequest | None, ust: str | None = None) -> BoundSSO:
    """The tree, bound to a request: with a token, or with none. Django itself looks after forged requests."""
    sso = get_sso()
    if request is None:
        return sso.bind(current_app=setting("APP"), current_ust=ust)
    shown = incoming(request)
    return sso.bind(
        cid=shown.cid(cookie_settings()),
        current_app=setting("APP"),
        remote_addr=shown.address(sso),
        user_agent=shown.headers.get("user-agent"),
        current_ust=ust,
    )
