"""The pages: `path("accounts/", include("zato_sso.django.urls"))`."""

from __future__ import annotations

from django.urls import path

from zato_sso.django import views

urlpatterns = [
    path("login/", views.LoginView.as_view(), name="sso_login"),
    path("logout/", views.LogoutView.as_view(), name="sso_logout"),
    path("signup/", views.SignupView.as_view(), name="sso_signup"),
    path("signup/confirm/", views.SignupConfirmView.as_view(), name="sso_signup_confirm"),
    path("password/reset/", views.PasswordResetView.as_view(), name="sso_password_reset"),
    path("password/reset/confirm/", views.PasswordResetConfirmView.as_view(), name="sso_password_reset_confirm"),
    path("password/change/", views.PasswordChangeView.as_view(), name="sso_password_change"),
    path("sessions/", views.SessionsView.as_view(), name="sso_sessions"),
    path("totp/", views.TOTPView.as_view(), name="sso_totp"),
]
