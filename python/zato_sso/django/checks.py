"""System checks: settings that cannot work, and settings that are unsafe."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core import checks

__all__ = ["register"]

_AUTHENTICATION = "django.contrib.auth.middleware.AuthenticationMiddleware"
_MIDDLEWARE = {"zato_sso.django.Middleware", "zato_sso.django.middleware.Middleware"}
_BACKENDS = {"zato_sso.django.Backend", "zato_sso.django.backend.Backend"}


def register() -> None:
    """Registers the checks."""
    checks.register(_check, checks.Tags.security)
    checks.register(_check_deployment, checks.Tags.security, deploy=True)


def _check(app_configs: Any, **_more: object) -> list[checks.CheckMessage]:
    from zato_sso.django.conf import DEFAULTS, setting

    found: list[checks.CheckMessage] = []
    given = getattr(settings, "ZATO_SSO", {})
    if unknown := set(given) - set(DEFAULTS):
        hint = f"Known are {', '.join(DEFAULTS)}."
        found.append(checks.Error(f"ZATO_SSO: unknown {', '.join(sorted(unknown))}.", hint=hint, id="zato_sso.E001"))
    elif setting("URL") is None and setting("CONFIG") is None:
        found.append(checks.Error("ZATO_SSO: set URL or CONFIG.", id="zato_sso.E002"))
    order = list(settings.MIDDLEWARE)
    ours = next((place for place, name in enumerate(order) if name in _MIDDLEWARE), None)
    if ours is None:
        found.append(checks.Error("zato_sso.django.Middleware is not in MIDDLEWARE.", id="zato_sso.E003"))
    elif _AUTHENTICATION not in order[:ours]:
        problem = f"zato_sso.django.Middleware must stand behind {_AUTHENTICATION}."
        found.append(checks.Error(problem, id="zato_sso.E004"))
    if not _BACKENDS & set(settings.AUTHENTICATION_BACKENDS):
        problem = "zato_sso.django.Backend is not in AUTHENTICATION_BACKENDS: nobody logs in through SSO."
        found.append(checks.Warning(problem, id="zato_sso.W001"))
    if "django.contrib.auth.backends.ModelBackend" in settings.AUTHENTICATION_BACKENDS:
        problem = "ModelBackend logs users in by passwords of Django, past SSO, its throttle and TOTP."
        found.append(checks.Warning(problem, hint="Leave it out once all users are imported.", id="zato_sso.W002"))
    return found


def _check_deployment(app_configs: Any, **_more: object) -> list[checks.CheckMessage]:
    from zato_sso.django.conf import cookie_settings

    if cookie_settings().cookie_secure:
        return []
    return [checks.Warning("ZATO_SSO: COOKIE_SECURE is off: the token travels in the clear.", id="zato_sso.W003")]
