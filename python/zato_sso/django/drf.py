"""Authentication for Django REST framework: `Authorization: Bearer …` with a session token."""

from __future__ import annotations

from typing import Any

from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed

from zato_sso import ValidationError
from zato_sso.django.conf import bound, cookie_settings, incoming
from zato_sso.django.users import follow

__all__ = ["Authentication"]


class Authentication(BaseAuthentication):
    """Programs send a session's token; `request.auth` is the session. For the cookie, add `SessionAuthentication`."""

    def authenticate(self, request: Any) -> Any:
        """The user of Django and the session; None without a token."""
        found = incoming(request).token(cookie_settings())
        if found is None or found[1] != "bearer":
            return None
        me = bound(request, found[0])
        try:
            session = me.session.get_current_session()
            user = follow(me.user.get_current_user(), session)
        except ValidationError as error:
            raise AuthenticationFailed(str(error), code=error.sub_status[0]) from None
        if user is None or not user.is_active:
            raise AuthenticationFailed
        return user, session

    def authenticate_header(self, request: Any) -> str:
        """The header of a 401."""
        return "Bearer"
