"""Django with its own users and sessions in the database, as `startproject` sets them up, and two views.

The hash has the parameters of ours. PEER_DATABASE is the file; `python with_django.py` makes it, with a user.
"""

from __future__ import annotations

import json
import os

import django
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.core.management import call_command

settings.configure(
    ALLOWED_HOSTS=["localhost"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ["PEER_DATABASE"]}},
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions"],
    MIDDLEWARE=[
        "django.middleware.security.SecurityMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.middleware.clickjacking.XFrameOptionsMiddleware",
    ],
    PASSWORD_HASHERS=[f"{__name__}.Hasher"],
    ROOT_URLCONF=__name__,
    SECRET_KEY="correct horse battery staple for a peer",
    USE_TZ=True,
)
django.setup()

from django.contrib.auth import authenticate, login  # noqa: E402 - nothing of it can be imported before the settings
from django.contrib.auth.hashers import Argon2PasswordHasher  # noqa: E402
from django.http import HttpRequest, HttpResponse, JsonResponse  # noqa: E402
from django.urls import path  # noqa: E402
from django.views.decorators.csrf import csrf_exempt  # noqa: E402


class Hasher(Argon2PasswordHasher):  # type: ignore[misc, unused-ignore]
    """Argon2id with the parameters of ours."""

    memory_cost = 19_456
    time_cost = 2
    parallelism = 1


@csrf_exempt
def log_in(request: HttpRequest) -> HttpResponse:
    """Open a session."""
    user = authenticate(request, **json.loads(request.body))
    if user is None:
        return JsonResponse({}, status=401)
    login(request, user)
    return JsonResponse({"username": user.get_username()})


def check(request: HttpRequest) -> HttpResponse:
    """Tell who asks."""
    if not request.user.is_authenticated:
        return JsonResponse({}, status=401)
    return JsonResponse({"username": request.user.get_username()})


urlpatterns = [path("login", log_in), path("check", check)]
application = WSGIHandler()

if __name__ == "__main__":
    call_command("migrate", verbosity=0)
    from django.contrib.auth.models import User

    User.objects.create_user("user1@example.com", password=os.environ["PEER_PASSWORD"])
