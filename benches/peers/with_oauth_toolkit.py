"""Django with django-oauth-toolkit as a provider of OpenID Connect, on SQLite.

PEER_DATABASE is the file; `python with_oauth_toolkit.py` makes it. PEER_CLIENT is the JSON of its only client, PEER_KEY
a file with its signing key. POST /prepare?count=N makes so many codes.
"""

from __future__ import annotations

import json
import os
import secrets
from datetime import timedelta
from pathlib import Path

import django
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.core.management import call_command

CLIENT = json.loads(os.environ["PEER_CLIENT"])
SCOPE = "openid offline_access"
settings.configure(
    ALLOWED_HOSTS=["*"],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": os.environ["PEER_DATABASE"],
            "CONN_MAX_AGE": None,
            # As ours: write-ahead log, and writers that wait for their turn.
            "OPTIONS": {
                "timeout": 30,
                "transaction_mode": "IMMEDIATE",
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
            },
        }
    },
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
        "oauth2_provider",
    ],
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ],
    OAUTH2_PROVIDER={
        "OIDC_ENABLED": True,
        "OIDC_RSA_PRIVATE_KEY": Path(os.environ["PEER_KEY"]).read_text(encoding="utf-8"),
        "PKCE_REQUIRED": False,
        "SCOPES": {"openid": "openid", "offline_access": "offline_access"},
    },
    ROOT_URLCONF=__name__,
    SECRET_KEY="correct horse battery staple for a peer",
    USE_TZ=True,
)
django.setup()

from django.contrib.auth.models import User  # noqa: E402 - nothing of it can be imported before the settings
from django.http import HttpRequest, HttpResponse, JsonResponse  # noqa: E402
from django.urls import include, path  # noqa: E402
from django.utils import timezone  # noqa: E402
from django.views.decorators.csrf import csrf_exempt  # noqa: E402
from oauth2_provider.models import Application, Grant  # noqa: E402


@csrf_exempt
def prepare(request: HttpRequest) -> HttpResponse:
    """Make codes."""
    user, application = User.objects.get(), Application.objects.get()
    codes = [secrets.token_urlsafe(32) for _ in range(int(request.GET["count"]))]
    expires = timezone.now() + timedelta(seconds=60)
    uri = CLIENT["redirect_uris"][0]
    Grant.objects.bulk_create(
        Grant(user=user, application=application, code=code, expires=expires, redirect_uri=uri, scope=SCOPE)
        for code in codes
    )
    return JsonResponse(codes, safe=False)


urlpatterns = [path("o/", include("oauth2_provider.urls", namespace="oauth2_provider")), path("prepare", prepare)]
application = WSGIHandler()

if __name__ == "__main__":
    call_command("migrate", verbosity=0)
    user = User.objects.create_user("user1@example.com", password=secrets.token_hex())
    Application.objects.create(
        user=user,
        client_id=CLIENT["client_id"],
        client_secret=CLIENT["client_secret"],
        # A secret is random, and as good in any form; hashed it would be Django's hash of passwords that is measured.
        hash_client_secret=False,
        client_type=Application.CLIENT_CONFIDENTIAL,
        authorization_grant_type=Application.GRANT_AUTHORIZATION_CODE,
        redirect_uris=" ".join(CLIENT["redirect_uris"]),
        algorithm=Application.RS256_ALGORITHM,
    )
