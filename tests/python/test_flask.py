"""`zato_sso.flask`."""

from __future__ import annotations

import io
from typing import Any

import pytest
from flask import Flask, redirect, render_template_string, request
from flask.testing import FlaskClient
from support import PASSWORD, changed
from web import PROBLEM, add_user, web_config
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.test import Client
from zato_sso import SSO, ValidationError
from zato_sso.flask import (
    SSOExtension,
    current_session,
    current_user,
    fresh_login_required,
    group_required,
    login_required,
    super_user_required,
)

HOME = {"Origin": "http://localhost"}
FORM = "<form>{{ csrf_token() }}</form>{% if current_user %}{{ current_user.username }}{% endif %}"


def build(sso: SSO | None, **options: Any) -> Flask:
    app = Flask("app")
    auth = SSOExtension(app, sso, cookie_secure=False, **options)

    @app.get("/hello")
    @login_required
    def hello() -> str:
        return current_user.username

    @app.post("/change")
    @login_required
    def change() -> str:
        return current_session.username

    @app.get("/admin")
    @super_user_required
    def admin() -> str:
        return current_user.username

    @app.get("/reports")
    @group_required("Finance", "audit")
    def reports() -> str:
        return current_user.username

    @app.get("/fresh")
    @fresh_login_required
    def fresh() -> str:
        return "fresh"

    @app.get("/stale")
    @fresh_login_required(minutes=-1)
    def stale() -> str:
        return "never"

    @app.route("/login", methods=["GET", "POST"])
    def login() -> Any:
        if request.method == "GET":
            return render_template_string(FORM)
        response = redirect(auth.next_url("/hello"))
        try:
            auth.login(response, request.form["username"], request.form["password"])
        except ValidationError as error:
            return str(error), 400
        return response

    @app.post("/logout")
    def logout() -> Any:
        response = redirect("/login")
        auth.logout(response)
        return response

    return app


@pytest.fixture
def sso(database_url: str) -> Any:
    with SSO(config=web_config(database_url)) as sso:
        yield sso


@pytest.fixture
def client(sso: SSO) -> FlaskClient:
    return build(sso).test_client()


def log_in(client: FlaskClient, username: str) -> Any:
    return client.post("/auth/login", json={"username": username, "password": PASSWORD})


def test_views_that_need_a_session(client: FlaskClient, sso: SSO) -> None:
    done = client.get("/hello", headers={"X-Request-ID": "c1"})
    assert (done.status_code, done.content_type, done.headers["X-Request-ID"]) == (401, PROBLEM, "c1")
    name = add_user(sso)
    done = log_in(client, name)
    assert done.status_code == 200
    assert "HttpOnly" in done.headers["Set-Cookie"]
    assert client.get("/hello").text == name
    assert client.get("/admin").status_code == 403
    assert client.get("/fresh").text == "fresh"
    done = client.get("/stale")
    assert (done.status_code, done.get_json()["code"]) == (403, "E005010")
    assert client.post("/auth/logout", headers=HOME).status_code == 200
    assert client.get("/hello").status_code == 401


@pytest.mark.parametrize("is_page", [False, True])
def test_a_login_keeps_a_token_of_the_device(database_url: str, is_page: bool) -> None:
    config = changed(web_config(database_url), login_throttle={"initial_delay": 60})
    with SSO(config=config) as sso:
        name = add_user(sso)
        app = build(sso)

        def status(client: FlaskClient, password: str) -> int:
            data = {"username": name, "password": password}
            done = client.post("/login", data=data) if is_page else client.post("/auth/login", json=data)
            return done.status_code

        client, other = app.test_client(), app.test_client()
        right, wrong = (302, 400) if is_page else (200, 403)
        assert status(client, PASSWORD) == right
        cookie = client.get_cookie("sso-device")
        assert cookie is not None
        assert (cookie.http_only, cookie.max_age, cookie.path, cookie.same_site) == (True, 31536000, "/", "Lax")
        # Others guess at the same address.
        assert [status(other, "wrong") for _ in range(5)] == [wrong] * 5
        assert status(other, PASSWORD) == (400 if is_page else 429)
        assert status(client, PASSWORD) == right
        again = client.get_cookie("sso-device")
        assert again is not None
        assert again.value == cookie.value


def test_a_super_user_is_let_in(client: FlaskClient, sso: SSO) -> None:
    name = add_user(sso, is_super_user=True)
    log_in(client, name)
    assert client.get("/admin").text == name


def test_members_of_a_group_are_let_in_as_long_as_they_are_in_it(client: FlaskClient, sso: SSO) -> None:
    name = add_user(sso)
    assert client.get("/reports").status_code == 401
    log_in(client, name)
    assert client.get("/reports").get_json()["code"] == "E005001"
    root = sso.user.login("cid", add_user(sso, is_super_user=True), PASSWORD, None, None).ust
    member = sso.user.get_user_by_username("cid", name)
    assert member is not None
    sso.group.create("cid", "finance", root, None, None)
    sso.group.add_member("cid", "finance", member.user_id, root, None, None)
    assert client.get("/reports").text == name
    sso.group.remove_member("cid", "finance", member.user_id, root, None, None)
    assert client.get("/reports").status_code == 403


def test_another_site_cannot_use_the_cookie(client: FlaskClient, sso: SSO) -> None:
    name = add_user(sso)
    token = log_in(client, name).get_json()["csrf_token"]
    assert client.post("/change").status_code == 403
    assert client.post("/change", headers={"Origin": "https://evil.example"}).status_code == 403
    assert client.post("/change", headers=HOME).text == name
    assert client.post("/change", headers={"X-CSRF-Token": token}).text == name
    # In a form, and the template has it.
    assert token in client.get("/login").text
    assert name in client.get("/login").text
    assert client.post("/change", data={"csrf_token": token}).text == name
    assert client.post("/change", data={"csrf_token": "wrong"}).status_code == 403


def test_pages_log_in_and_out(client: FlaskClient, sso: SSO) -> None:
    form = {"username": add_user(sso), "password": PASSWORD}
    assert client.post("/login", data={**form, "password": "wrong"}).status_code == 400
    assert client.post("/login", data=form, headers={"Origin": "https://evil.example"}).status_code == 400
    done = client.post("/login", data=form)
    assert (done.status_code, done.location) == (302, "/hello")
    assert client.get("/hello").text == form["username"]
    assert client.post("/logout").status_code == 403
    assert client.post("/logout", headers=HOME).status_code == 302
    assert client.get("/hello").status_code == 401


@pytest.mark.parametrize(
    ("wanted", "leads_to"),
    [
        ("/reports?a=1", "/reports?a=1"),
        ("//evil.example", "/hello"),
        ("//[", "/hello"),
        ("/\\evil.example", "/hello"),
        ("https://evil.example/", "/hello"),
        ("/a\\b", "/hello"),
        ("javascript:alert(1)", "/hello"),
        ("/\t/evil.example", "/hello"),
        ("", "/hello"),
        ("hello", "/hello"),
    ],
)
def test_a_login_leads_to_no_other_site(client: FlaskClient, sso: SSO, wanted: str, leads_to: str) -> None:
    form = {"username": add_user(sso), "password": PASSWORD, "next": wanted}
    assert client.post("/login", data=form).location == leads_to


def test_requests_inside_of_one_application_context_are_not_mixed_up(client: FlaskClient, sso: SSO) -> None:
    with client.application.app_context():
        assert client.get("/hello").status_code == 401
        name = add_user(sso)
        log_in(client, name)
        assert client.get("/hello").text == name
        assert client.post("/auth/logout", headers=HOME).status_code == 200
        assert client.get("/hello").status_code == 401


def test_endpoints_take_no_form_and_read_none(client: FlaskClient, sso: SSO) -> None:
    class Endless(io.RawIOBase):
        asked = 0

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: Any) -> int:
            self.asked += len(buffer)
            buffer[:] = b"x" * len(buffer)
            return len(buffer)

    body = Endless()
    kind = "multipart/form-data; boundary=b"
    sent = {"wsgi.input": body, "CONTENT_LENGTH": str(1 << 40), "CONTENT_TYPE": kind}
    done = client.post("/auth/login", environ_overrides=sent)
    assert (done.status_code, done.content_type) == (400, PROBLEM)
    assert body.asked < 1_000_000


def test_people_without_a_session_are_sent_to_the_login(sso: SSO) -> None:
    client = build(sso, login_url="/login").test_client()
    done = client.get("/hello?a=1", headers={"Accept": "text/html"})
    assert (done.status_code, done.location) == (302, "/login?next=/hello%3Fa%3D1")
    assert client.post("/change").status_code == 401


def test_programs_send_a_bearer_token(client: FlaskClient, sso: SSO) -> None:
    body = {"username": add_user(sso), "password": PASSWORD, "transport": "bearer"}
    ust = client.post("/auth/login", json=body).get_json()["ust"]
    assert client.post("/change", headers={"Authorization": f"Bearer {ust}"}).status_code == 200


def test_the_address_of_a_trusted_proxy_is_not_the_client_s(database_url: str) -> None:
    config = changed(web_config(database_url), http={"trusted_proxies": ["127.0.0.1"]})
    with SSO(config=config) as sso:
        client = build(sso).test_client()
        name = add_user(sso)
        body = {"username": name, "password": PASSWORD, "transport": "bearer"}
        done = client.post("/auth/login", json=body, headers={"X-Forwarded-For": "10.9.9.9, 198.51.100.4"})
        (listed,) = sso.session.get_list("cid", current_ust=done.get_json()["ust"])
        assert listed["remote_addr"] == "198.51.100.4"


def test_bodies_that_are_not_right_are_a_problem(client: FlaskClient) -> None:
    for body in (b"", b"{", b"[]", b'{"username": 1, "password": "x"}', b" " * 100_000):
        done = client.post("/auth/login", data=body, content_type="application/json")
        assert (done.status_code, done.content_type) == (400, PROBLEM)


def test_it_takes_its_object_from_the_configuration_of_the_application(database_url: str) -> None:
    app = Flask("app")
    auth = SSOExtension(prefix=None)
    with pytest.raises(RuntimeError, match="init_app"):
        auth.sso  # noqa: B018
    with pytest.raises(ValueError, match="ZATO_SSO"):
        auth.init_app(app)
    app.config["ZATO_SSO"] = web_config(database_url)
    auth.init_app(app)
    assert app.test_client().get("/auth/me").status_code == 404
    auth.sso.close()


def test_the_whole_server_stands_beside_the_application(sso: SSO) -> None:
    app = build(sso)
    both = DispatcherMiddleware(app, {"/sso": app.extensions["zato_sso"].server()})
    assert Client(both).get("/sso/health/live").status_code == 200
