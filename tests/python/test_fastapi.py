"""`zato_sso.fastapi` and `zato_sso.starlette`.

Annotations are not postponed here: FastAPI evaluates them, and those of functions in functions name what is local.
"""

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import Annotated, Any

import httpx
import pytest
from fastapi import Depends, FastAPI
from fastapi.testclient import TestClient
from inbox import Inbox
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route
from support import PASSWORD, Config, changed, totp_code, unique
from web import PROBLEM, SITE, add_user, token_to, web_config
from zato_sso import SSO, User, ValidationError, starlette
from zato_sso.fastapi import ZatoSSO
from zato_sso.web.request import check_groups


def build(config: Any, **options: Any) -> tuple[FastAPI, ZatoSSO]:
    auth = ZatoSSO(config, cookie_secure=False, **options)
    app = FastAPI(lifespan=auth.lifespan)
    app.include_router(auth.router())
    app.mount("/sso", auth.server())

    @app.get("/hello")
    async def hello(user: auth.User) -> dict[str, str]:  # type: ignore[name-defined]
        return {"hello": user.username}

    @app.post("/change")
    async def change(user: Annotated[User, Depends(auth.current_user)]) -> dict[str, str]:
        return {"hello": user.username}

    @app.get("/admin")
    async def admin(user: auth.SuperUser) -> dict[str, str]:  # type: ignore[name-defined]
        return {"hello": user.username}

    @app.get("/reports")
    async def reports(user: auth.user(groups=["Finance", "audit"])) -> dict[str, str]:  # type: ignore[valid-type]
        return {"hello": user.username}

    @app.get("/maybe")
    async def maybe(user: auth.OptionalUser) -> bool:  # type: ignore[name-defined]
        return user is not None

    @app.get("/cids")
    async def cids(user: auth.User, me: auth.Bound, again: auth.Bound) -> list[str]:  # type: ignore[name-defined]
        return [me.cid, again.cid]

    @app.get("/bound")
    async def bound(me: auth.Bound) -> Any:  # type: ignore[name-defined]
        return [one["remote_addr"] for one in await me.session.get_list()]

    return app, auth


@pytest.fixture
def web(database_url: str, mail: Inbox) -> Config:
    return web_config(database_url, mail)


@pytest.fixture
def user(web: Config) -> str:
    with SSO(config=web) as sso:
        return add_user(sso)


@pytest.fixture
def client(web: Config) -> Iterator[TestClient]:
    with TestClient(build(web)[0]) as client:
        yield client


def log_in(client: TestClient, username: str, **more: str) -> Any:
    return client.post("/auth/login", json={"username": username, "password": PASSWORD, **more})


def test_without_a_session_a_view_is_not_reached(client: TestClient) -> None:
    done = client.get("/hello", headers={"X-Request-ID": "c1"})
    assert (done.status_code, done.headers["content-type"]) == (401, PROBLEM)
    assert (done.headers["www-authenticate"], done.headers["x-request-id"]) == ("Bearer", "c1")
    assert done.json()["code"] == "E007001"
    assert done.json()["instance"] == "urn:cid:c1"
    assert client.get("/hello", headers={"Authorization": "Bearer wrong"}).status_code == 401
    assert client.get("/hello", headers={"Cookie": "sso=wrong"}).status_code == 401
    assert client.get("/maybe").json() is False


def test_a_login_gives_a_cookie_that_scripts_cannot_read(client: TestClient, user: str) -> None:
    done = log_in(client, user)
    cookie = done.headers["set-cookie"]
    assert done.status_code == 200
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "ust" not in done.json()
    assert client.get("/hello").json() == {"hello": user}
    me = client.get("/auth/me").json()
    assert (me["username"], me["is_super_user"], me["csrf_token"]) == (user, False, done.json()["csrf_token"])
    assert client.get("/admin").status_code == 403
    assert client.post("/auth/logout", headers=SITE).status_code == 200
    assert client.get("/hello").status_code == 401


def test_a_request_has_one_correlation_id(client: TestClient, user: str) -> None:
    log_in(client, user)
    assert len(set(client.get("/cids").json())) == 1
    assert client.get("/cids").json() != client.get("/cids").json()


def test_cookies_are_secure_unless_that_is_switched_off(web: Config, user: str) -> None:
    auth = ZatoSSO(web)
    app = FastAPI(lifespan=auth.lifespan)
    app.include_router(auth.router())
    with TestClient(app, base_url="https://testserver") as client:
        cookie = log_in(client, user).headers["set-cookie"]
        assert cookie.startswith("__Host-sso=")
        assert "Secure" in cookie


def test_a_login_keeps_a_token_of_the_device(web: Config, user: str) -> None:
    config = changed(web, login_throttle={"initial_delay": 60})
    with TestClient(build(config)[0]) as client:
        done = log_in(client, user)
        token = client.cookies["sso-device"]
        session, device = done.headers.get_list("set-cookie")
        assert session.startswith("sso=")
        assert device.startswith(f"sso-device={token};")
        for text in ("HttpOnly", "Max-Age=31536000", "Path=/", "SameSite=Lax"):
            assert text in device
        assert token not in done.text
        # It stays the same, and after a logout.
        client.post("/auth/logout", headers=SITE)
        assert log_in(client, user).status_code == 200
        assert client.cookies["sso-device"] == token
        # Others guess at the same address.
        client.cookies.clear()
        assert [log_in(client, user, password="wrong").status_code for _ in range(6)] == [403] * 5 + [429]
        assert log_in(client, user).status_code == 429
        for wrong in ("x" * 43, "a b", "\N{LATIN SMALL LETTER A WITH DIAERESIS}"):
            headers = {"Cookie": f"sso-device={wrong}".encode()}
            done = client.post("/auth/login", json={"username": user, "password": PASSWORD}, headers=headers)
            assert done.status_code == 429
        client.cookies.set("sso-device", token)
        done = log_in(client, user)
        assert done.status_code == 200
        # It is known by the throttle alone.
        client.cookies.clear()
        client.cookies.set("sso-device", token)
        assert client.get("/hello").status_code == 401


def test_programs_keep_the_token_of_the_device_themselves(client: TestClient, user: str) -> None:
    assert "device_token" not in log_in(client, user, transport="bearer").json()
    done = log_in(client, user, transport="bearer", device_token="")
    token = done.json()["device_token"]
    assert "set-cookie" not in done.headers
    assert "device_token" not in log_in(client, user, transport="bearer", device_token=token).json()
    # Only the cookie has that one.
    assert log_in(client, user, kept_device=token).status_code == 400


def test_the_cookie_of_the_device_can_be_switched_off(web: Config, user: str) -> None:
    with TestClient(build(web, device_cookie=False)[0]) as client:
        assert list(log_in(client, user).cookies) == ["sso"]


def test_programs_get_and_send_a_bearer_token(client: TestClient, user: str) -> None:
    done = log_in(client, user, transport="bearer")
    assert "set-cookie" not in done.headers
    bearer = {"Authorization": f"Bearer {done.json()['ust']}"}
    assert client.get("/hello", headers=bearer).status_code == 200
    # No browser sends it by itself.
    assert client.post("/change", headers={**bearer, "Origin": "https://evil.example"}).status_code == 200
    assert log_in(client, user, transport="header").status_code == 400


def test_the_header_is_a_transport_where_it_is_asked_for(web: Config, user: str) -> None:
    with TestClient(build(web, transports=["header"])[0]) as client:
        ust = log_in(client, user).json()["ust"]
        assert client.get("/hello", headers={"X-SSO-Token": ust}).status_code == 200
        assert client.get("/hello", headers={"Authorization": f"Bearer {ust}"}).status_code == 401
        assert client.get("/hello", headers={"Cookie": f"sso={ust}"}).status_code == 401


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 403),
        ({"Origin": "http://testserver"}, 200),
        ({"Origin": "https://app.example"}, 200),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "http://testserver.evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://["}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Sec-Fetch-Site": "same-site", "Origin": "http://testserver"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"X-CSRF-Token": "wrong"}, 403),
        ({"X-CSRF-Token": ""}, 403),
    ],
)
def test_another_site_cannot_use_the_cookie(web: Config, user: str, headers: dict[str, str], status: int) -> None:
    with TestClient(build(web, trusted_origins=["https://app.example"])[0]) as client:
        log_in(client, user)
        done = client.post("/change", headers=headers)
        assert done.status_code == status
        assert client.delete("/auth/sessions", headers=headers).status_code == status
        # It is safe to read.
        assert client.get("/hello", headers=headers).status_code == 200


def test_the_token_of_the_session_is_as_good_as_an_origin(client: TestClient, user: str) -> None:
    token = log_in(client, user).json()["csrf_token"]
    assert client.post("/change", headers={"X-CSRF-Token": token}).status_code == 200
    other = log_in(client, user, transport="bearer").json()["ust"]
    assert client.post("/change", headers={"X-CSRF-Token": other}).status_code == 403


def test_another_site_cannot_log_in(client: TestClient, user: str) -> None:
    body = {"username": user, "password": PASSWORD}
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert client.post("/auth/login", json=body, headers=headers).status_code == 403
    # A form cannot send JSON.
    assert client.post("/auth/login", data=body).status_code == 400
    assert client.post("/auth/login", content=b"{}", headers={"Content-Type": "text/plain"}).status_code == 400


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'"x"', b'{"username": "a"}', b'{"username": 1, "password": "x"}', b"[" * 50_000]
)
def test_bodies_that_are_not_right_are_a_problem(client: TestClient, body: bytes) -> None:
    done = client.post("/auth/login", content=body, headers={"Content-Type": "application/json"})
    assert (done.status_code, done.headers["content-type"], done.json()["code"]) == (400, PROBLEM, "E008002")


def test_large_bodies_are_not_read(client: TestClient) -> None:
    done = client.post("/auth/login", content=b" " * 100_000, headers={"Content-Type": "application/json"})
    assert done.status_code == 400


def test_refusals_of_calls_are_problems_anywhere(web: Config) -> None:
    app, auth = build(web)

    @app.get("/refused")
    async def refused() -> None:
        raise ValidationError(["E005009"], retry_after=2.5)

    @app.get("/gone")
    async def gone() -> None:
        await auth.sso.close()
        await auth.sso.user.get_user_by_username("cid", "user1")

    with TestClient(app) as client:
        done = client.get("/refused")
        assert (done.status_code, done.headers["retry-after"], done.headers["content-type"]) == (429, "3", PROBLEM)
        done = client.get("/gone")
        assert (done.status_code, done.headers["content-type"]) == (503, PROBLEM)


def test_a_super_user_is_let_in(web: Config) -> None:
    with SSO(config=web) as sso:
        name = add_user(sso, is_super_user=True)
        add_user(sso, first_name="Ann")
    with TestClient(build(web)[0]) as client:
        log_in(client, name)
        assert client.get("/admin").json() == {"hello": name}
        assert client.get("/auth/users?page=1").json()["total"] == 2
        assert client.get("/auth/users?page=x").status_code == 400


def test_members_of_a_group_are_let_in_as_long_as_they_are_in_it(web: Config, client: TestClient, user: str) -> None:
    assert client.get("/reports").status_code == 401
    log_in(client, user)
    done = client.get("/reports")
    assert (done.status_code, done.json()["code"]) == (403, "E005001")
    with SSO(config=web) as sso:
        root = sso.user.login("cid", add_user(sso, is_super_user=True), PASSWORD, None, None).ust
        member = sso.user.get_user_by_username("cid", user)
        assert member is not None
        for name in ("finance", "other"):
            sso.group.create("cid", name, root, None, None)
        sso.group.add_member("cid", "other", member.user_id, root, None, None)
        assert client.get("/reports").status_code == 403
        sso.group.add_member("cid", "finance", member.user_id, root, None, None)
        _until(lambda: client.get("/reports").status_code == 200)
        assert client.get("/auth/me").json()["groups"] == ["finance", "other"]
        sso.group.remove_member("cid", "finance", member.user_id, root, None, None)
        _until(lambda: client.get("/reports").status_code == 403)
    auth = ZatoSSO(web)
    with pytest.raises(TypeError, match="a list of names"):
        auth.user(groups="finance")
    # In no group of none is anybody.
    with pytest.raises(ValidationError):
        check_groups(member, [])


def _until(holds: Callable[[], bool]) -> None:
    for _ in range(200):
        if holds():
            return
        time.sleep(0.02)
    raise AssertionError("another process does not see it")


def test_the_whole_way_of_a_person(web: Config, client: TestClient, mail: Inbox) -> None:
    name = unique("ann")
    body = {"username": name, "password": PASSWORD, "email": f"{name}@example.com", "first_name": "Ann"}
    assert client.post("/auth/signup", json=body).status_code == 202
    assert log_in(client, name).status_code == 403
    token = token_to(mail, f"{name}@example.com")
    assert client.post("/auth/signup/confirm", json={"token": token}).status_code == 200
    with SSO(config=web) as sso:
        admin = sso.user.login("cid", add_user(sso, is_super_user=True), PASSWORD, None, None).ust
        found = sso.user.get_user_by_username("cid", name, needs_approved=False)
        assert found is not None
        if found.approval_status != "approved":
            sso.user.approve("cid", found.user_id, admin, None, None)
    assert log_in(client, name).status_code == 200

    key = client.post("/auth/totp", headers=SITE).json()
    assert key["uri"].startswith("otpauth://")
    code = {"totp_code": totp_code(key["totp_key"])}
    done = client.post("/auth/totp/enable", json=code, headers=SITE)
    assert (done.status_code, len(done.json()["recovery_codes"])) == (200, 10)
    assert log_in(client, name).json()["code"] == "E005008"

    sessions = client.get("/auth/sessions").json()["sessions"]
    assert [one["is_current"] for one in sessions] == [True]
    assert client.delete(f"/auth/sessions/{sessions[0]['session_id']}", headers=SITE).status_code == 200
    assert client.get("/hello").status_code == 401

    assert client.post("/auth/password/forgot", json={"credential": name}).status_code == 202
    token = token_to(mail, f"{name}@example.com", 2)
    reset = {"token": token, "new_password": "another horse battery staple"}
    assert client.post("/auth/password/reset", json=reset).status_code == 200
    assert client.post("/auth/password/reset", json=reset).status_code == 400


def test_the_description_has_the_schemes_and_the_endpoints(client: TestClient) -> None:
    described = client.get("/openapi.json").json()
    schemes = described["components"]["securitySchemes"]
    assert schemes["cookie"] == {"type": "apiKey", "in": "cookie", "name": "sso"}
    assert schemes["bearer"]["scheme"] == "bearer"
    login = described["paths"]["/auth/login"]["post"]
    assert login["requestBody"]["content"]["application/json"]["schema"]["required"] == ["username", "password"]
    assert "security" not in login
    assert described["paths"]["/hello"]["get"]["security"]
    assert described["paths"]["/auth/me"]["get"]["security"]
    (parameter,) = described["paths"]["/auth/sessions/{session_id}"]["delete"]["parameters"]
    assert parameter["in"] == "path"


def test_the_whole_server_is_below_its_path(client: TestClient) -> None:
    assert client.get("/sso/health/live").status_code == 200


def test_the_client_behind_a_trusted_proxy_is_the_one_that_it_names(web: Config, user: str) -> None:
    config = changed(web, http={"trusted_proxies": ["192.0.2.7"]})
    with TestClient(build(config)[0], client=("192.0.2.7", 1)) as client:
        client.headers["X-Forwarded-For"] = "10.9.9.9, 198.51.100.4"
        log_in(client, user)
        assert client.get("/bound").json() == ["198.51.100.4"]


def test_starlette_alone_has_it_too(web: Config, user: str) -> None:
    auth = starlette.ZatoSSO(web, cookie_secure=False)

    async def hello(request: Any) -> JSONResponse:
        return JSONResponse((await auth.current_user(request)).username)

    routes = [*auth.routes(), Mount("/sso", auth.server()), Route("/hello", hello)]
    with TestClient(Starlette(routes=routes, lifespan=auth.lifespan)) as client:
        done = client.get("/hello")
        assert (done.status_code, done.headers["content-type"]) == (401, PROBLEM)
        log_in(client, user)
        assert client.get("/hello").json() == user
        assert client.get("/sso/health/live").status_code == 200


@pytest.mark.parametrize(
    "options",
    [
        {"transports": ["cookies"]},
        {"transports": []},
        {"cookie_samesite": "none", "cookie_secure": False},
        {"cookie_name": "__Host-x", "cookie_secure": False},
        {"trusted_origins": ["app.example"]},
        {"trusted_origins": ["https://app.example/"]},
    ],
)
def test_settings_that_cannot_work_are_rejected(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"expected|needed|needs|browsers"):
        ZatoSSO("sqlite::memory:", **options)


async def test_the_event_loop_goes_on_while_passwords_are_hashed(web: Config) -> None:
    config = changed(web, hash_secret={"memory_kib": 65536, "iterations": 6})
    with SSO(config=config) as sso:
        user = add_user(sso)
    app, auth = build(config)
    # The processor time that the loop's thread takes from one turn to the next: other processes do not count.
    turns = []

    async def watch() -> None:
        while True:
            start = time.thread_time()
            await asyncio.sleep(0)
            turns.append(time.thread_time() - start)
            await asyncio.sleep(0.002)

    async with auth.lifespan(app):
        watcher = asyncio.ensure_future(watch())
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
            body = {"username": user, "password": PASSWORD}
            start = time.process_time()
            done = await asyncio.gather(*(client.post("/auth/login", json=body) for _ in range(10)))
            took = time.process_time() - start
        watcher.cancel()
    assert {one.status_code for one in done} == {200}
    assert len(turns) > 10
    # A turn in which a password was hashed would take as long as a login does.
    assert max(turns) < took / 10 / 2
