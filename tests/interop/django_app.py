"""A Django application whose users sign in by mozilla-django-oidc. The argument is a folder: port, and settings."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from wsgiref.simple_server import WSGIRequestHandler, make_server

import django
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.core.management import call_command
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import include, path

folder = Path(sys.argv[1])
given = json.loads((folder / "settings.json").read_text())

# The settings of the guide.
sys.path.insert(0, str(folder))
own = vars(importlib.import_module("shop.settings"))

settings.configure(
    SECRET_KEY="only for tests",
    ALLOWED_HOSTS=["localhost"],
    ROOT_URLCONF=__name__,
    USE_TZ=True,
    # Faults are written to standard error.
    DEBUG_PROPAGATE_EXCEPTIONS=True,
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": str(folder / "app.db")}},
    # Tables as they are now are quicker to make than step by step.
    MIGRATION_MODULES={"auth": None, "contenttypes": None, "sessions": None},
    SESSION_COOKIE_NAME="app_session",
    **{name: value for name, value in own.items() if name.isupper()},
)
django.setup()


def hello(request: HttpRequest) -> HttpResponse:
    """Who is signed in."""
    user = request.user
    if not user.is_authenticated:
        return JsonResponse({"user": None})
    session = request.session
    return JsonResponse({"user": user.email, "first_name": user.first_name, "id_token": session.get("oidc_id_token")})


def grow_old(request: HttpRequest) -> HttpResponse:
    """Lets the ID token of the session expire."""
    request.session["oidc_id_token_expiration"] = 0
    return JsonResponse({})


urlpatterns = [path("oidc/", include("mozilla_django_oidc.urls")), path("", hello), path("grow-old", grow_old)]


class Quiet(WSGIRequestHandler):
    """Logs no requests."""

    def log_message(self, *_: object) -> None:
        """Nothing."""


if __name__ == "__main__":
    call_command("migrate", run_syncdb=True, verbosity=0)
    with make_server("127.0.0.1", given["port"], WSGIHandler(), handler_class=Quiet) as server:
        server.serve_forever()
