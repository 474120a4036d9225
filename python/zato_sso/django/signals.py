"""What `login()` and `logout()` of Django do with the SSO session."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.http import HttpRequest

from zato_sso import ValidationError
from zato_sso.django.conf import bound, cookie_settings

__all__ = ["SESSION_KEY", "connect"]

# In Django's session: which SSO user it is. It is no secret.
SESSION_KEY = "_zato_sso_user_id"


def connect() -> None:
    """Connects the signals."""
    user_logged_in.connect(_logged_in, dispatch_uid="zato_sso")
    user_logged_out.connect(_logged_out, dispatch_uid="zato_sso")


def _logged_in(*, request: HttpRequest | None, user: Any, **_more: object) -> None:
    info = getattr(user, "sso_info", None)
    if request is not None and info is not None:
        request.session[SESSION_KEY] = info.user_id
        request._sso_info = info  # type: ignore[attr-defined]
        del user.sso_info


def _logged_out(*, request: HttpRequest | None, **_more: object) -> None:
    if request is None:
        return
    found = request.COOKIES.get(cookie_settings().name)
    request._sso_is_over = True  # type: ignore[attr-defined]
    if found:
        try:
            bound(request, found).user.logout()
        except ValidationError:
            # It has ended before.
            return
