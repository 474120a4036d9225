"""Authentication for Django REST framework: `Authorization: Bearer …` with a session token or an OAuth access token."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ImproperlyConfigured
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, NotAuthenticated, PermissionDenied
from rest_framework.permissions import BasePermission

from zato_sso import Token, ValidationError
from zato_sso.django.conf import bound, cookie_settings, incoming, setting
from zato_sso.django.tokens import verified
from zato_sso.django.users import follow, follow_owner
from zato_sso.web.request import TokenError, bearer_errors

__all__ = ["Authentication", "TokenAuthentication", "has_scope"]


class Authentication(BaseAuthentication):
    """Programs send a session's token; `request.auth` is the session. For the cookie, add `SessionAuthentication`.

    A view has this class or `TokenAuthentication`, not both.
    """

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


class TokenAuthentication(BaseAuthentication):
    """Programs send an OAuth access token: `request.auth` is that `Token`, `request.user` its user, read each time.

    A client that acts for itself has the `AnonymousUser`: give views a permission of `has_scope`. A view has this class
    or `Authentication`, not both: each takes `Authorization: Bearer` for its own, and refuses what the other accepts.

    Attributes:
        audience: Whom the token must be for; by default `ZATO_SSO["AUDIENCE"]`. One of them is needed.
    """

    audience: str | None = None

    def authenticate(self, request: Any) -> Any:
        """The user of Django and the token; None without one.

        Raises:
            ImproperlyConfigured: There is no audience. The issuer would not do: the token that any application has got
                by a login would be taken here.
        """
        if not (self.audience or setting("AUDIENCE")):
            raise ImproperlyConfigured(
                'TokenAuthentication: set ZATO_SSO["AUDIENCE"] = "https://api.example", the name by which clients ask '
                "for tokens for this service, or give a subclass the attribute audience"
            )
        if not incoming(request).bearer_token():
            return None
        try:
            token = verified(request, (), self.audience)
            with bearer_errors(()):
                owner = token.user
        except TokenError as error:
            request.META[_CHALLENGE] = error.challenge
            raise AuthenticationFailed(str(error), code=error.sub_status[0]) from None
        if owner is None:
            return AnonymousUser(), token
        user = follow_owner(owner)
        if user is None or not user.is_active:
            raise AuthenticationFailed
        return user, token

    def authenticate_header(self, request: Any) -> str:
        """The header of a 401."""
        return str(request.META.get(_CHALLENGE, "Bearer"))


_CHALLENGE = "zato_sso.challenge"


def has_scope(*scopes: str) -> type[BasePermission]:
    """A permission for requests whose access token is good for all of these scopes: 403 for others.

    ```python
    class Reports(APIView):
        authentication_classes = [TokenAuthentication]
        permission_classes = [has_scope("reports:read")]
    ```
    """

    class HasScope(BasePermission):
        def has_permission(self, request: Any, view: Any) -> bool:
            if not isinstance(request.auth, Token):
                raise NotAuthenticated
            if not set(scopes) <= set(request.auth.scope):
                refused = ValidationError(["E005001"], detail="scope: the access token does not have it")
                error = PermissionDenied(code="E005001")
                error.auth_header = TokenError(refused, scopes).challenge
                raise error
            return True

    return HasScope
