"""The authentication backend: passwords and TOTP codes are checked by SSO."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest

from zato_sso import ValidationError
from zato_sso.django.conf import bound, cookie_settings, incoming
from zato_sso.django.users import follow

__all__ = ["Backend"]


class Backend(ModelBackend):
    """Logs users in through SSO. Permissions are those of Django, as `ModelBackend` reads them."""

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        totp_code: str | None = None,
        new_password: str | None = None,
        **kwargs: Any,
    ) -> Any:
        """The user of Django, or None. Why a login was rejected is in `request.sso_error`."""
        if username is None or password is None:
            return None
        me = bound(request)
        kept = "" if request is None else incoming(request).device(cookie_settings())
        try:
            info = me.user.login(
                username,
                password,
                totp_code=totp_code or None,
                new_password=new_password or "",
                device_token=kept,
            )
            me = me.bind(current_ust=info.ust)
            user = follow(me.user.get_current_user(), me.session.get_current_session())
        except ValidationError as error:
            if request is not None:
                request.sso_error = error  # type: ignore[attr-defined]
            return None
        if user is None or not self.user_can_authenticate(user):
            me.user.logout()
            return None
        # `login()` sends the signal that takes it from there: the token goes into a cookie, never into a database.
        user.sso_info = info
        return user
