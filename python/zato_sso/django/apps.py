"""The application."""

from __future__ import annotations

from django.apps import AppConfig


class ZatoSSOConfig(AppConfig):
    """The Django application `zato_sso`."""

    name = "zato_sso.django"
    label = "zato_sso"
    verbose_name = "Single sign-on"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Registers checks and signals, and the form with TOTP codes for the admin."""
        from django.apps import apps

        from zato_sso.django import checks, signals

        checks.register()
        signals.connect()
        if apps.is_installed("django.contrib.admin"):
            from django.contrib import admin

            from zato_sso.django.forms import AdminLoginForm

            if admin.site.login_form is None:
                admin.site.login_form = AdminLoginForm
                admin.site.login_template = "zato_sso/admin_login.html"
