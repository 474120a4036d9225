"""Forms."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth import authenticate
from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import ValidationError as FormError

from zato_sso import ValidationError, status_code

__all__ = ["AdminLoginForm", "LoginForm", "PasswordChangeForm", "PasswordForm", "ResetForm", "SignupForm", "say"]

_SAID = {
    status_code.auth.totp_missing: "Enter the code of your authenticator.",
    status_code.auth.not_allowed: "This is not correct, or not allowed.",
    status_code.auth.locked: "This account is locked.",
    status_code.auth.invalid_signup_status: "Confirm your sign-up first: the link is in your email.",
    status_code.auth.not_approved: "This account waits for approval.",
    status_code.auth.fresh_login_needed: "Log in again to do this.",
    status_code.password.expired: "Your password has expired.",
    status_code.password.must_send_new: "Your password has to be changed.",
    status_code.password.too_short: "This password is too short.",
    status_code.password.too_long: "This password is too long.",
    status_code.password.invalid: "This password is not accepted.",
    status_code.password.not_complex_enough: "This password is too easy to guess.",
    status_code.username.exists: "This name is taken.",
    status_code.email.exists: "This email is taken.",
    status_code.email.invalid: "This is no email address.",
    status_code.email.missing: "An email address is needed.",
    status_code.password_reset.could_not_access: "This link is not valid any more.",
    status_code.auth.no_such_sign_up_token: "This link is not valid any more.",
}


def say(error: ValidationError) -> FormError:
    """An error of a form, in words for people."""
    code = error.sub_status[0] if error.sub_status else ""
    if error.retry_after is not None:
        return FormError(f"Too many attempts. Try again in {error.retry_after:.0f} seconds.", code="rate_limited")
    return FormError(_SAID.get(code, "This is not accepted."), code=code)


class _TOTP(forms.Form):
    totp_code = forms.CharField(
        label="Code of your authenticator, if you use one",
        required=False,
        max_length=16,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric"}),
    )


class LoginForm(AuthenticationForm, _TOTP):
    """Username, password, and a TOTP code."""

    def clean(self) -> dict[str, Any]:
        """Logs in."""
        name, password = self.cleaned_data.get("username"), self.cleaned_data.get("password")
        if name is not None and password:
            code = self.cleaned_data.get("totp_code")
            self.user_cache = authenticate(self.request, username=name, password=password, totp_code=code)
            if self.user_cache is None:
                error = getattr(self.request, "sso_error", None)
                raise say(error) if isinstance(error, ValidationError) else self.get_invalid_login_error()
            self.confirm_login_allowed(self.user_cache)
        return dict(self.cleaned_data)


class AdminLoginForm(LoginForm):
    """The same for the admin, which lets staff in."""

    def confirm_login_allowed(self, user: Any) -> None:
        """Rejects everybody else."""
        super().confirm_login_allowed(user)
        if not user.is_staff:
            raise self.get_invalid_login_error()


def _password(label: str, autocomplete: str) -> forms.CharField:
    widget = forms.PasswordInput(attrs={"autocomplete": autocomplete})
    return forms.CharField(label=label, strip=False, widget=widget)


class SignupForm(forms.Form):
    """A sign-up."""

    username = forms.CharField(max_length=128)
    email = forms.EmailField()
    password = _password("Password", "new-password")


class ResetForm(forms.Form):
    """Whose password is to be reset."""

    credential = forms.CharField(label="Username or email", max_length=320)


class PasswordForm(forms.Form):
    """A new password."""

    new_password = _password("New password", "new-password")


class PasswordChangeForm(PasswordForm):
    """A new password, and the old one."""

    old_password = _password("Old password", "current-password")
    field_order = ("old_password", "new_password")


class CodeForm(forms.Form):
    """A TOTP code."""

    totp_code = forms.CharField(label="Code", max_length=16)
