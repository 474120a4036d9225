"""`zato_sso.django`."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import django
import pytest
from django.conf import settings
from django.http import HttpResponse
from django.urls import include, path
from inbox import Inbox
from issuer import AUDIENCE, Issuer, with_issuer
from support import PASSWORD, Config, changed, totp_code, unique
from web import add_user, token_to, web_config
from zato_sso import SSO

DRF = "zato_sso.django.drf.Authentication"
if not settings.configured:
    settings.configure(
        SECRET_KEY="test",
        DEBUG=False,
        ALLOWED_HOSTS=["testserver"],
        ROOT_URLCONF="test_django",
        USE_TZ=True,
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": str(Path(tempfile.mkdtemp()) / "django.db"),
                "OPTIONS": {"timeout": 20},
            }
        },
        INSTALLED_APPS=[
            "django.contrib.admin",
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "django.contrib.messages",
            "rest_framework",
            "zato_sso.django",
        ],
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "zato_sso.django.Middleware",
            "django.contrib.messages.middleware.MessageMiddleware",
        ],
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "APP_DIRS": True,
                "OPTIONS": {
                    "context_processors": [
                        "django.template.context_processors.request",
                        "django.contrib.auth.context_processors.auth",
                        "django.contrib.messages.context_processors.messages",
                    ]
                },
            }
        ],
        AUTHENTICATION_BACKENDS=["zato_sso.django.Backend"],
        LOGIN_URL="sso_login",
        LOGIN_REDIRECT_URL="/hello",
        ZATO_SSO={"URL": "sqlite::memory:"},
        REST_FRAMEWORK={"DEFAULT_AUTHENTICATION_CLASSES": [DRF]},
    )
    django.setup()

from django.contrib import admin  # noqa: E402
from django.contrib.auth import get_user_model  # noqa: E402
from django.contrib.auth.models import Group  # noqa: E402
from django.core import checks  # noqa: E402
from django.core.exceptions import ImproperlyConfigured  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.test import Client, override_settings  # noqa: E402
from django.views.generic import View  # noqa: E402
from rest_framework.permissions import IsAuthenticated  # noqa: E402
from rest_framework.response import Response  # noqa: E402
from rest_framework.views import APIView  # noqa: E402
from zato_sso.django.conf import bound, get_sso  # noqa: E402
from zato_sso.django.drf import TokenAuthentication, has_scope  # noqa: E402
from zato_sso.django.mixins import LoginRequiredMixin, SuperUserRequiredMixin  # noqa: E402
from zato_sso.django.models import Link  # noqa: E402
from zato_sso.django.tokens import token_required  # noqa: E402


class Hello(LoginRequiredMixin, View):
    def get(self, request: Any) -> HttpResponse:
        return HttpResponse(f"{request.user.get_username()} {request.sso.username}")


class ForAdmins(SuperUserRequiredMixin, View):
    def get(self, request: Any) -> HttpResponse:
        return HttpResponse("admin")


async def waits(request: Any) -> HttpResponse:
    user = await request.auser()
    return HttpResponse(user.get_username() if user.is_authenticated else "nobody")


def shows_its_cid(request: Any) -> HttpResponse:
    return HttpResponse(f"{bound(request).cid} {bound(request).cid}")


class API(APIView):
    permission_classes = (IsAuthenticated,)

    def post(self, request: Any) -> Response:
        return Response({"user": request.user.get_username(), "session": request.auth.session_id})


@token_required("reports:read")
def takes_tokens(request: Any) -> HttpResponse:
    return HttpResponse(request.sso_token.client_id)


@token_required("reports:write", audience=AUDIENCE)
async def takes_tokens_to_write(request: Any) -> HttpResponse:
    return HttpResponse(request.sso_token.client_id)


class TokensForUs(TokenAuthentication):
    audience = AUDIENCE


class Reports(APIView):
    authentication_classes: Any = (TokensForUs,)
    permission_classes = (has_scope("reports:read"),)

    def get(self, request: Any) -> Response:
        return Response({"user": request.user.get_username(), "client": request.auth.client_id})


class Writing(Reports):
    permission_classes = (has_scope("reports:read", "reports:write"),)


class WithTheSetting(Reports):
    authentication_classes = (TokenAuthentication,)


@token_required("openid")
def takes_any_token(request: Any) -> HttpResponse:
    return HttpResponse(request.sso_token.client_id)


urlpatterns = [
    path("token", takes_tokens),
    path("token/any", takes_any_token),
    path("setting", WithTheSetting.as_view()),
    path("token/write", takes_tokens_to_write),
    path("reports", Reports.as_view()),
    path("writing", Writing.as_view()),
    path("hello", Hello.as_view()),
    path("admins", ForAdmins.as_view()),
    path("waits", waits),
    path("cid", shows_its_cid),
    path("api", API.as_view()),
    path("accounts/", include("zato_sso.django.urls")),
    path("admin/", admin.site.urls),
]


@pytest.fixture(scope="module", autouse=True)
def _tables() -> None:
    call_command("migrate", verbosity=0)


@pytest.fixture
def web(database_url: str, mail: Inbox) -> Config:
    config = web_config(database_url, mail)
    config["apps"]["signup_allowed"] = ["default"]
    return changed(config, signup={"is_approval_needed": False})


@pytest.fixture
def sso(web: Config) -> Iterator[SSO]:
    get_user_model().objects.all().delete()
    with override_settings(ZATO_SSO={"CONFIG": web}):
        sso = get_sso()
        yield sso
        sso.close()


@pytest.fixture
def client(sso: SSO) -> Client:
    return Client()


def log_in(client: Client, username: str, **more: str) -> Any:
    return client.post("/accounts/login/", {"username": username, "password": PASSWORD, **more})


def test_the_user_of_django_follows_that_of_sso(client: Client, sso: SSO) -> None:
    assert client.get("/hello")["Location"] == "/accounts/login/?next=/hello"
    name = add_user(sso, first_name="Ann", email="ann@example.com")
    done = log_in(client, name)
    assert (done.status_code, done["Location"]) == (302, "/hello")
    cookie = done.cookies["__Host-sso"]
    assert (cookie["httponly"], cookie["secure"], cookie["samesite"], cookie["path"]) == (True, True, "Lax", "/")
    done = client.get("/hello", headers={"X-Request-ID": "c1"})
    assert (done.content.decode(), done["X-Request-ID"]) == (f"{name} {name}", "c1")
    user = get_user_model().objects.get(username=name)
    assert (user.first_name, user.email) == ("Ann", "ann@example.com")
    assert (user.is_staff, user.has_usable_password()) == (False, False)
    # No token is in the database of Django.
    assert cookie.value not in str(dict(client.session.items()))

    sso.user.update("cid", {"first_name": "Anna"}, cookie.value, None, None)
    log_in(Client(), name)
    user.refresh_from_db()
    assert user.first_name == "Anna"


def test_a_login_keeps_a_token_of_the_device(web: Config) -> None:
    with override_settings(ZATO_SSO={"CONFIG": changed(web, login_throttle={"initial_delay": 60})}):
        sso = get_sso()
        name = add_user(sso)
        client, other = Client(), Client()
        cookie = log_in(client, name).cookies["__Host-sso-device"]
        assert (cookie["httponly"], cookie["secure"], cookie["samesite"], cookie["path"]) == (True, True, "Lax", "/")
        assert cookie["max-age"] == 31536000
        # Others guess at the same address.
        for _ in range(5):
            assert log_in(other, name, password="wrong").status_code == 200
        assert log_in(other, name).status_code == 200
        assert "__Host-sso" not in other.cookies
        done = log_in(client, name)
        assert (done.status_code, done.cookies["__Host-sso-device"].value) == (302, cookie.value)
        sso.close()
    with override_settings(ZATO_SSO={"CONFIG": web, "DEVICE_COOKIE": False}):
        cookies = log_in(Client(), name).cookies
        assert "__Host-sso" in cookies
        assert "__Host-sso-device" not in cookies
        get_sso().close()


def test_a_session_that_ends_elsewhere_ends_in_django(client: Client, sso: SSO) -> None:
    ust = log_in(client, add_user(sso)).cookies["__Host-sso"].value
    assert client.get("/hello").status_code == 200
    sso.user.logout("cid", ust, None, None)
    assert client.get("/hello").status_code == 302
    assert "_auth_user_id" not in client.session


def test_a_logout_ends_the_session_of_sso(client: Client, sso: SSO) -> None:
    ust = log_in(client, add_user(sso)).cookies["__Host-sso"].value
    done = client.post("/accounts/logout/")
    assert done.cookies["__Host-sso"].value == ""
    assert sso.bind().session.get_list is not None
    client.cookies["__Host-sso"] = ust
    assert client.get("/hello").status_code == 302


def test_the_cookie_of_another_user_is_not_taken(client: Client, sso: SSO) -> None:
    log_in(client, add_user(sso))
    other = Client()
    client.cookies["__Host-sso"] = log_in(other, add_user(sso)).cookies["__Host-sso"].value
    assert client.get("/hello").status_code == 302


def test_super_users_are_staff_and_no_longer_if_they_are_not_super_users(client: Client, sso: SSO) -> None:
    name = add_user(sso, is_super_user=True)
    log_in(client, name)
    assert client.get("/admins").content == b"admin"
    user = get_user_model().objects.get(username=name)
    assert (user.is_staff, user.is_superuser) == (True, True)
    assert client.get("/admin/").status_code == 200
    other = Client()
    log_in(other, add_user(sso))
    assert other.get("/admins").status_code == 403
    assert Client().get("/admins").status_code == 302


def test_groups_are_mapped_as_the_setting_says_and_others_left_alone(web: Config, sso: SSO) -> None:
    name = add_user(sso)
    root = sso.user.login("cid", add_user(sso, is_super_user=True), PASSWORD, None, None).ust
    member = sso.user.get_user_by_username("cid", name)
    assert member is not None
    for group in ("finance", "sales", "hidden"):
        sso.group.create("cid", group, root, None, None)
        sso.group.add_member("cid", group, member.user_id, root, None, None)
    mapping = {"Finance": "Accounting", "sales": "Sellers", "none": "Nobody"}

    def groups() -> list[str]:
        return sorted(get_user_model().objects.get(username=name).groups.values_list("name", flat=True))

    with override_settings(ZATO_SSO={"URL": sso, "GROUPS": mapping}):
        client = Client()
        log_in(client, name)
        assert groups() == ["Accounting", "Sellers"]
        get_user_model().objects.get(username=name).groups.add(Group.objects.get_or_create(name="Own")[0])
        sso.group.remove_member("cid", "sales", member.user_id, root, None, None)
        assert client.get("/hello").status_code == 200
        assert groups() == ["Accounting", "Own"]
        sso.group.add_member("cid", "sales", member.user_id, root, None, None)
        client.get("/hello")
        assert groups() == ["Accounting", "Own", "Sellers"]
    # Where nothing is mapped, groups are Django's.
    with override_settings(ZATO_SSO={"URL": sso}):
        other = Client()
        log_in(other, name)
        assert groups() == ["Accounting", "Own", "Sellers"]


def test_whoever_signs_up_with_the_name_of_a_user_of_django_does_not_become_them(client: Client, sso: SSO) -> None:
    name = unique("root")
    get_user_model().objects.create_superuser(name, "root@example.com", "another password")
    add_user(sso, username=name)
    assert log_in(client, name).status_code == 200
    assert client.get("/hello").status_code == 302
    assert not Link.objects.exists()


def test_async_views_know_the_user_too(client: Client, sso: SSO) -> None:
    assert client.get("/waits").content == b"nobody"
    name = add_user(sso)
    ust = log_in(client, name).cookies["__Host-sso"].value
    assert client.get("/waits").content == name.encode()
    sso.user.logout("cid", ust, None, None)
    assert client.get("/waits").content == b"nobody"


def test_a_request_has_one_correlation_id(client: Client, sso: SSO) -> None:
    done = client.get("/cid")
    assert done.content.decode() == f"{done['X-Request-ID']} {done['X-Request-ID']}"
    assert client.get("/cid")["X-Request-ID"] != done["X-Request-ID"]


def test_pages_about_a_session_send_people_of_other_backends_to_the_login(client: Client, sso: SSO) -> None:
    user = get_user_model().objects.create_user(unique("old"), password="password of Django")
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    for page in ("sessions", "totp", "password/change"):
        for ask in (client.get, client.post):
            done = ask(f"/accounts/{page}/")
            assert (done.status_code, done["Location"]) == (302, f"/accounts/login/?next=/accounts/{page}/")


def test_a_session_that_has_ended_already_can_be_ended(client: Client, sso: SSO) -> None:
    log_in(client, add_user(sso))
    done = client.post("/accounts/sessions/", {"session_id": "unknown"})
    assert (done.status_code, done["Location"]) == (302, "/accounts/sessions/")


def test_programs_send_a_bearer_token_to_django_rest_framework(client: Client, sso: SSO) -> None:
    assert client.post("/api").status_code == 401
    name = add_user(sso)
    ust = sso.user.login("cid", name, PASSWORD, None, None).ust
    done = client.post("/api", headers={"Authorization": f"Bearer {ust}"})
    assert (done.status_code, done.json()["user"]) == (200, name)
    assert client.post("/api", headers={"Authorization": "Bearer wrong"}).status_code == 401
    # A cookie alone is not enough: any site can make a browser send that.
    log_in(client, name)
    assert client.post("/api").status_code == 401


def test_forms_say_why_they_are_not_accepted(client: Client, sso: SSO) -> None:
    name = add_user(sso)
    assert "not correct" in log_in(client, name, password="wrong").content.decode()
    key = sso.user.login("cid", name, PASSWORD, None, None).ust
    me = sso.bind(current_ust=key)
    totp = me.user.reset_totp_key(None, None, None)
    me.user.update_current_user({"is_totp_enabled": True, "totp_code": totp_code(totp)})
    assert "code of your authenticator." in log_in(client, name).content.decode()
    assert log_in(client, name, totp_code=totp_code(totp, 1)).status_code == 302


def test_a_login_leads_to_no_other_site(client: Client, sso: SSO) -> None:
    name = add_user(sso)
    done = log_in(client, name, next="https://evil.example/")
    assert done["Location"] == "/hello"


def test_pages_need_the_token_of_django_against_forged_requests(sso: SSO) -> None:
    strict = Client(enforce_csrf_checks=True)
    for page in ("login", "logout", "signup", "password/reset", "sessions"):
        assert strict.post(f"/accounts/{page}/", {}).status_code == 403


def test_the_whole_way_of_a_person(client: Client, sso: SSO, mail: Inbox) -> None:
    name, address = unique("ann"), f"{unique('ann')}@example.com"
    body = {"username": name, "email": address, "password": PASSWORD}
    assert b"email" in client.post("/accounts/signup/", body).content
    token = token_to(mail, address)
    assert client.get(f"/accounts/signup/confirm/?token={token}").status_code == 200
    assert client.post(f"/accounts/signup/confirm/?token={token}").status_code == 302
    assert log_in(client, name).status_code == 302
    change = {"old_password": PASSWORD, "new_password": "another horse battery staple"}
    assert b"is changed" in client.post("/accounts/password/change/", change).content
    client.post("/accounts/password/reset/", {"credential": name})
    link = f"/accounts/password/reset/confirm/?token={token_to(mail, address, 2)}"
    assert b"too short" in client.post(link, {"new_password": "x"}).content
    assert client.post(link, {"new_password": PASSWORD}).status_code == 302
    assert client.post(link, {"new_password": PASSWORD}).status_code == 200


def test_users_of_django_are_imported_with_their_passwords(client: Client, sso: SSO) -> None:
    users = get_user_model().objects
    name, taken = unique("old"), unique("taken")
    users.create_user(name, "old@example.com", PASSWORD, first_name="Old")
    users.create_user(taken, "taken@example.com", "the password of somebody else")
    add_user(sso, username=taken)
    out = io.StringIO()
    call_command("sso", "import-django-users", "--dry-run", stdout=out)
    assert sso.user.get_user_by_username("cid", name, needs_approved=False) is None
    call_command("sso", "import-django-users", stdout=out)
    assert "1 imported" in out.getvalue()
    assert "1 names were taken" in out.getvalue()
    assert [link.user.username for link in Link.objects.all()] == [name]
    assert log_in(client, name).status_code == 302
    assert client.get("/hello").content == f"{name} {name}".encode()
    assert get_user_model().objects.filter(username=name).count() == 1


def test_settings_that_cannot_work_are_found_by_checks() -> None:
    def found(**given: Any) -> set[str]:
        with override_settings(**given):
            return {one.id for one in checks.run_checks() if one.id and one.id.startswith("zato_sso.")}

    assert found() == set()
    assert found(ZATO_SSO={}) == {"zato_sso.E002"}
    assert found(ZATO_SSO={"URI": "x"}) == {"zato_sso.E001"}
    both = list(settings.MIDDLEWARE)
    assert found(MIDDLEWARE=[name for name in both if "zato_sso" not in name]) == {"zato_sso.E003"}
    assert found(MIDDLEWARE=sorted(both, key=lambda name: "zato_sso" not in name)) == {"zato_sso.E004"}
    backends = ["django.contrib.auth.backends.ModelBackend"]
    assert found(AUTHENTICATION_BACKENDS=backends) == {"zato_sso.W001", "zato_sso.W002"}


def test_the_models_have_their_migrations(sso: SSO) -> None:
    call_command("makemigrations", "zato_sso", check=True, dry_run=True, verbosity=0)


@pytest.mark.parametrize("format_", ["jwt", "opaque"])
def test_views_take_access_tokens(web: Config, format_: str) -> None:
    with override_settings(ZATO_SSO={"CONFIG": with_issuer(web)}):
        sso = get_sso()
        issuer = Issuer(sso)
        name = add_user(sso)
        ust = issuer.log_in(name)
        registered = issuer.client(access_token_format=format_)
        token = issuer.token_of(registered, ust, "openid reports:read")
        browser = Client(enforce_csrf_checks=True)

        def ask(path: str, token: str | None = token, method: str = "get") -> tuple[int, str]:
            headers = {} if token is None else {"Authorization": f"Bearer {token}"}
            done = getattr(browser, method)(path, headers=headers)
            return done.status_code, done.headers.get("WWW-Authenticate") or done.content.decode()

        assert ask("/token") == (200, registered["client_id"])
        # No form of another site has such a header.
        assert ask("/token", method="post") == (200, registered["client_id"])
        assert ask("/token", None) == (401, 'Bearer scope="reports:read"')
        assert ask("/token", "x")[1].startswith('Bearer error="invalid_token"')
        wide = issuer.token_of(registered, ust, "openid reports:write", resource=AUDIENCE)
        assert ask("/token/write", wide) == (200, registered["client_id"])
        assert ask("/token/write")[0] == 401
        status, told = ask("/token/write", issuer.token_of(registered, ust, "openid", resource=AUDIENCE))
        assert (status, told.partition(",")[0]) == (403, 'Bearer error="insufficient_scope"')

        client_id = registered["client_id"]
        # That for the issuer, which any application has, is not for this service.
        assert ask("/reports")[0] == 401
        ours = issuer.token_of(registered, ust, "openid reports:read", resource=AUDIENCE)
        assert ask("/reports", ours) == (200, f'{{"user":"{name}","client":"{client_id}"}}')
        assert ask("/reports", None) == (401, "Bearer")
        assert ask("/reports", "x")[1].startswith('Bearer error="invalid_token"')
        # What one kind of authentication takes, the other refuses.
        assert (ask("/reports", ust)[0], ask("/api", ours, "post")[0], ask("/api", ust, "post")[0]) == (401, 401, 200)
        status, told = ask("/writing", ours)
        assert (status, told.endswith('scope="reports:read reports:write"')) == (403, True)
        service = issuer.client("service", access_token_format=format_)
        assert ask("/reports", issuer.token_for(service, "reports:read", resource=AUDIENCE))[1].startswith('{"user":""')
        for path_, told in (("/token/any", "set audience="), ("/setting", r'set ZATO_SSO\["AUDIENCE"\] = ')):
            for shown in (None, token):
                with pytest.raises((RuntimeError, ImproperlyConfigured), match=told):
                    ask(path_, shown)
        with override_settings(ZATO_SSO={"URL": sso, "AUDIENCE": AUDIENCE}):
            for path_ in ("/token/any", "/setting"):
                assert (ask(path_)[0], ask(path_, ours)[0]) == (401, 200)
        sso.user.logout("cid", ust, None, None)
        # The framework reads the user, and so notices it of a JWT, too.
        with override_settings(ZATO_SSO={"URL": sso, "AUDIENCE": AUDIENCE}):
            assert (ask("/reports", ours)[0], ask("/setting", ours)[0]) == (401, 401)
        sso.close()
