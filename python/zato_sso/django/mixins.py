"""Mixins for views."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.mixins import LoginRequiredMixin, UserPassesTestMixin
from django.contrib.auth.views import redirect_to_login

__all__ = ["LoginRequiredMixin", "SessionRequiredMixin", "SuperUserRequiredMixin"]


class SessionRequiredMixin(LoginRequiredMixin):
    """A view that needs a session of SSO: who has logged in by another backend is sent to the login, too."""

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """Answers the request."""
        if not request.sso:
            return redirect_to_login(request.get_full_path(), self.get_login_url())
        return super().dispatch(request, *args, **kwargs)


class SuperUserRequiredMixin(LoginRequiredMixin, UserPassesTestMixin):
    """A view for super-users of SSO: 403 for others, the page of the login without a session."""

    request: Any

    def test_func(self) -> bool:
        """Whether the session is a super-user's."""
        session = self.request.sso
        return bool(session) and bool(session.is_super_user)

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """Answers the request."""
        if request.user.is_authenticated and not self.test_func():
            self.raise_exception = True
        return super().dispatch(request, *args, **kwargs)
