"""Pages: login, sign-up, password reset and change, sessions, TOTP."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import suppress
from typing import Any

from django import forms as django_forms
from django.contrib.auth import views
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse_lazy
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic import FormView, TemplateView

from zato_sso import SignupCtx, ValidationError
from zato_sso.django import forms
from zato_sso.django.conf import bound, cookie_settings, setting
from zato_sso.django.mixins import SessionRequiredMixin

__all__ = [
    "LoginView",
    "LogoutView",
    "PasswordChangeView",
    "PasswordResetConfirmView",
    "PasswordResetView",
    "SessionsView",
    "SignupConfirmView",
    "SignupView",
    "TOTPView",
]


class LoginView(views.LoginView):
    """The login, with TOTP codes."""

    form_class = forms.LoginForm
    template_name = "zato_sso/form.html"
    extra_context = {"title": "Log in", "links": True}  # noqa: RUF012 - as Django has it


class LogoutView(views.LogoutView):
    """The logout, by POST."""

    template_name = "zato_sso/done.html"
    extra_context = {"title": "You are logged out."}  # noqa: RUF012


@method_decorator([never_cache, csrf_protect, sensitive_post_parameters()], name="dispatch")
class _SSOView(ABC, FormView):
    """A form that makes one call."""

    template_name = "zato_sso/form.html"
    title = ""
    done = ""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """What the template shows."""
        return super().get_context_data(title=self.title, **kwargs)

    @abstractmethod
    def call(self, me: Any, data: dict[str, Any]) -> None:
        """The call."""

    def form_valid(self, form: django_forms.Form) -> HttpResponse:
        """Makes the call; what it rejects is shown in the form."""
        token = self.request.COOKIES.get(cookie_settings().name)
        try:
            self.call(bound(self.request, token), form.cleaned_data)
        except ValidationError as error:
            form.add_error(None, forms.say(error))
            return self.form_invalid(form)
        if self.done:
            context = {**self.get_context_data(form=form), "title": self.done}
            self.template_name = "zato_sso/done.html"
            return self.render_to_response(context)
        return super().form_valid(form)


class SignupView(_SSOView):
    """A sign-up. The confirmation goes to the email."""

    form_class = forms.SignupForm
    title = "Sign up"
    done = "Follow the link in the email that was sent to you."

    def call(self, me: Any, data: dict[str, Any]) -> None:
        """Signs up."""
        me.user.signup(SignupCtx(current_app=setting("APP"), **data))


class SignupConfirmView(_SSOView):
    """The page of the link in that email: it confirms at a click, which mail scanners do not make."""

    form_class = django_forms.Form
    title = "Confirm your sign-up"
    success_url = reverse_lazy("sso_login")

    def call(self, me: Any, data: dict[str, Any]) -> None:
        """Confirms."""
        me.user.confirm_signup(self.request.GET.get("token", ""))


class PasswordResetView(_SSOView):
    """Asks for an email with a link. The answer is the same for everybody."""

    form_class = forms.ResetForm
    title = "Reset your password"
    done = "If there is such an account, an email is on its way."

    def call(self, me: Any, data: dict[str, Any]) -> None:
        """Asks."""
        me.password_reset.create_token(data["credential"])


class PasswordResetConfirmView(_SSOView):
    """The page of that link: a new password."""

    form_class = forms.PasswordForm
    title = "Choose a new password"
    success_url = reverse_lazy("sso_login")

    def call(self, me: Any, data: dict[str, Any]) -> None:
        """Sets it. A password that is not accepted can be followed by another one."""
        token = self.request.GET.get("token", "")
        key = self.request.session.get("_zato_sso_reset")
        if not key or key[0] != _digest(token):
            key = [_digest(token), me.password_reset.access_token(token).reset_key]
            self.request.session["_zato_sso_reset"] = key
        me.password_reset.change_password(data["new_password"], token, key[1])
        del self.request.session["_zato_sso_reset"]


def _digest(token: str) -> str:
    import hashlib

    return hashlib.sha256(token.encode()).hexdigest()


class PasswordChangeView(SessionRequiredMixin, _SSOView):
    """A new password, by the old one."""

    form_class = forms.PasswordChangeForm
    title = "Change your password"
    done = "Your password is changed."

    def call(self, me: Any, data: dict[str, Any]) -> None:
        """Changes it."""
        me.user.change_password(dict(data))


class TOTPView(SessionRequiredMixin, _SSOView):
    """Turns TOTP on: shows a key, and takes a code of it."""

    form_class = forms.CodeForm
    template_name = "zato_sso/totp.html"
    title = "Two-factor authentication"
    done = "Codes are needed at logins from now on. These replace one each, if you lose your authenticator:"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """A new key, unless codes are asked for already."""
        me = bound(request, request.COOKIES.get(cookie_settings().name))
        user = me.user.get_current_user()
        if user.is_totp_enabled:
            return self.render_to_response(self.get_context_data(is_enabled=True))
        try:
            uri, key = me.totp.begin_enrolment()
        except ValidationError:
            return redirect("sso_login")
        return self.render_to_response(self.get_context_data(key=key, uri=uri))

    def call(self, me: Any, data: dict[str, Any]) -> None:
        """Turns it on."""
        self.extra_context = {"codes": me.totp.finish_enrolment(data["totp_code"])}


@method_decorator([never_cache, csrf_protect], name="dispatch")
class SessionsView(SessionRequiredMixin, TemplateView):
    """One's own open sessions, and a button to end each."""

    template_name = "zato_sso/sessions.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """The sessions."""
        me = bound(self.request, self.request.COOKIES.get(cookie_settings().name))
        return super().get_context_data(title="Your sessions", sessions=me.session.get_list(), **kwargs)

    def post(self, request: HttpRequest) -> HttpResponse:
        """Ends one, or all others."""
        me = bound(request, request.COOKIES.get(cookie_settings().name))
        # One that has ended meanwhile is what was asked for.
        with suppress(ValidationError):
            if session_id := request.POST.get("session_id"):
                me.session.end(session_id)
            else:
                me.session.end_all()
        return redirect("sso_sessions")
