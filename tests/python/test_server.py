"""The server in this process: `zato_sso.asgi` and `zato_sso.wsgi` are the handlers of `zato-sso serve`."""

from __future__ import annotations

import asyncio
import html
import io
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from support import PASSWORD, Config, changed, config_of, log_in, new_key, super_user
from web import web_config
from zato_sso import SSO, aio, asgi, wsgi

LOGIN = "/zato/sso/user/login"


def body_of(username: str, password: str = PASSWORD) -> dict[str, str]:
    return {"username": username, "password": password, "current_app": "default"}


@pytest.fixture
def web(database_url: str) -> Config:
    return web_config(database_url)


@pytest.fixture
def name(web: Config) -> str:
    with SSO(config=web) as sso:
        return super_user(sso)


async def test_asgi_answers_as_the_server_does(web: Config, name: str) -> None:
    async with aio.SSO(config=web) as sso:
        transport = httpx.ASGITransport(asgi.Application(sso), client=("192.0.2.7", 123))
        async with httpx.AsyncClient(transport=transport, base_url="http://sso") as client:
            done = await client.post(LOGIN, json=body_of(name), headers={"X-Zato-CID": "c1"})
            assert (done.status_code, done.json()["status"], done.headers["x-zato-cid"]) == (200, "ok", "c1")
            assert done.headers["cache-control"] == "no-store"
            ust = done.json()["ust"]
            (listed,) = await sso.session.get_list("cid", current_ust=ust)
            assert listed["remote_addr"] == "192.0.2.7"
            assert (await client.post(LOGIN, json=body_of(name, "wrong"))).status_code == 403
            assert (await client.post(LOGIN, content=b"{")).status_code == 400
            assert (await client.get("/nothing")).status_code == 404
            assert (await client.get("/health/live")).status_code == 200


async def test_asgi_works_below_a_path(web: Config) -> None:
    from starlette.applications import Starlette
    from starlette.routing import Mount

    async with aio.SSO(config=web) as sso:
        app = Starlette(routes=[Mount("/sso", asgi.Application(sso))])
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://sso") as client:
            assert (await client.get("/sso/health/live")).status_code == 200
            assert (await client.get("/sso/zato/sso/user?ust=a%20b")).status_code == 403


async def test_bodies_stream_in_and_what_is_too_long_is_not_kept(web: Config, name: str) -> None:
    config = changed(web, http={"max_body_bytes": 2048})
    async with aio.SSO(config=config) as sso:
        transport = httpx.ASGITransport(asgi.Application(sso))
        async with httpx.AsyncClient(transport=transport, base_url="http://sso") as client:

            async def parts(text: str) -> AsyncIterator[bytes]:
                for start in range(0, len(text), 7):
                    yield text[start : start + 7].encode()

            done = await client.post(LOGIN, content=parts(json.dumps(body_of(name))))
            assert done.status_code == 200
            sent = 0

            async def endless() -> AsyncIterator[bytes]:
                nonlocal sent
                while sent < 10_000_000:
                    sent += 1000
                    yield b" " * 1000

            assert (await client.post(LOGIN, content=endless())).status_code == 413
            assert sent < 200_000


async def test_a_client_that_goes_away_ends_its_request(web: Config) -> None:
    messages: list[dict[str, Any]] = [
        {"type": "http.request", "body": b'{"username":', "more_body": True},
        {"type": "http.disconnect"},
    ]
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return messages.pop(0) if messages else await asyncio.Future()

    async def send(message: Any) -> None:
        sent.append(message)

    scope: dict[str, Any] = {
        "type": "http",
        "method": "POST",
        "path": LOGIN,
        "query_string": b"",
        "headers": [],
        "client": None,
    }
    async with aio.SSO(config=web) as sso:
        await asyncio.wait_for(asgi.Application(sso)(scope, receive, send), 10)
    assert sent[0]["status"] == 400


async def test_an_application_of_its_own_opens_and_closes_its_object(web: Config, tmp_path: Path) -> None:
    app = asgi.Application(web)
    told: list[str] = []
    messages = iter(["lifespan.startup", "lifespan.shutdown"])

    async def receive() -> dict[str, Any]:
        return {"type": next(messages)}

    async def send(message: Any) -> None:
        told.append(message["type"])

    await app({"type": "lifespan"}, receive, send)
    assert told == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert "closed" in repr(app._sso)


def test_each_kind_of_object_has_its_own_kind_of_application() -> None:
    config = config_of("sqlite::memory:", new_key())
    with SSO(config=config) as sso, pytest.raises(TypeError, match=r"zato_sso\.aio\.SSO"):
        asgi.Application(sso)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"zato_sso\.SSO"):
        wsgi.Application(aio.SSO(config=config))  # type: ignore[arg-type]


def call(app: Any, path: str, body: bytes = b"", **environ: Any) -> tuple[str, dict[str, str], bytes]:
    """One request as a WSGI server makes it."""
    told: list[Any] = []
    everything = {
        "REQUEST_METHOD": "POST" if body else "GET",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
        "REMOTE_ADDR": "192.0.2.7",
        **environ,
    }
    answer = app(everything, lambda status, headers: told.append((status, dict(headers))))
    return told[0][0], told[0][1], b"".join(answer)


def test_wsgi_answers_as_the_server_does(web: Config, name: str) -> None:
    with SSO(config=web) as sso:
        app = wsgi.Application(sso)
        status, headers, text = call(app, LOGIN, json.dumps(body_of(name)).encode(), HTTP_X_ZATO_CID="c1")
        assert (status, headers["x-zato-cid"]) == ("200 OK", "c1")
        ust = json.loads(text)["ust"]
        (listed,) = sso.session.get_list("cid", current_ust=ust)
        assert listed["remote_addr"] == "192.0.2.7"
        assert call(app, "/zato/sso/user", QUERY_STRING=f"ust={ust}")[0] == "200 OK"
        assert call(app, LOGIN, b"{")[0] == "400 Bad Request"
        assert call(app, "/nothing")[0] == "404 Not Found"


def test_the_client_behind_a_trusted_proxy_is_the_one_that_it_names(web: Config, name: str) -> None:
    config = changed(web, http={"trusted_proxies": ["192.0.2.7"]})
    with SSO(config=config) as sso:
        body = json.dumps(body_of(name)).encode()
        _, _, text = call(wsgi.Application(sso), LOGIN, body, HTTP_X_FORWARDED_FOR="10.0.0.1, 198.51.100.4")
        (listed,) = sso.session.get_list("cid", current_ust=json.loads(text)["ust"])
        assert listed["remote_addr"] == "198.51.100.4"


def test_odd_requests_are_answered(web: Config) -> None:
    with SSO(config=web) as sso:
        app = wsgi.Application(sso)
        assert call(app, "/", REQUEST_METHOD="BAD METHOD")[0] == "400 Bad Request"
        assert call(app, "/health/live", HTTP_X_ODD="a\nb")[0] == "400 Bad Request"
        many: dict[str, Any] = {f"HTTP_X_{number}": "a" for number in range(101)}
        assert call(app, "/health/live", **many)[0].startswith("431")
        assert call(app, "/zato/sso/\xff", QUERY_STRING="a=%zz")[0].startswith("4")


def test_a_body_that_breaks_off_is_not_taken_as_a_whole(web: Config, name: str) -> None:
    with SSO(config=web) as sso:
        body = json.dumps(body_of(name)).encode()
        status, _, _ = call(wsgi.Application(sso), LOGIN, body, CONTENT_LENGTH=str(len(body) + 1))
        assert status == "400 Bad Request"


def test_a_closed_object_is_said_to_be_closed(web: Config) -> None:
    from zato_sso import BackendError

    sso = SSO(config=web)
    app = wsgi.Application(sso)
    sso.close()
    with pytest.raises(BackendError, match="closed"):
        call(app, "/health/live")


def test_it_stays_the_same_server_from_request_to_request(sso: SSO) -> None:
    app = wsgi.Application(sso)
    for _ in range(3):
        call(app, "/health/live")
    _, _, text = call(app, "/metrics")
    counted = [line for line in text.decode().splitlines() if "health/live" in line and "_total" in line]
    assert any(line.endswith(" 3") for line in counted), counted
    assert log_in(sso, super_user(sso))


@pytest.mark.parametrize("prefix", ["", "/sso"])
async def test_pages_are_part_of_an_application_that_asks_for_them(web: Config, name: str, prefix: str) -> None:
    from starlette.applications import Starlette
    from starlette.routing import Mount

    async with aio.SSO(config=web) as off, aio.SSO(config=changed(web, pages={"is_active": True})) as sso:
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(asgi.Application(off)), base_url="http://x"
        ) as client:
            assert (await client.get("/login")).status_code == 404
        app = Starlette(routes=[Mount(prefix or "/", asgi.Application(sso))])
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
            page = await client.get(f"{prefix}/login?next=account/sessions")
            (form_token,) = {*re.findall(r'name="form_token" value="([\w-]+)"', page.text)}
            (action,) = re.findall(r'action="([^"]+)" novalidate', page.text)
            form = {"username": name, "password": PASSWORD, "form_token": form_token, "next": "account/sessions"}
            # Every link is relative: the application does not know where it is mounted.
            done = await client.post(page.url.join(html.unescape(action)), data=form, follow_redirects=True)
            assert (done.status_code, done.url.path) == (200, f"{prefix}/account/sessions")
            assert name in (await client.get(f"{prefix}/account")).text
            foreign = {"Origin": "https://evil.example"}
            assert (await client.post(f"{prefix}/logout", data={}, headers=foreign)).status_code == 403


def test_pages_are_part_of_a_wsgi_application(web: Config, name: str) -> None:
    with SSO(config=changed(web, pages={"is_active": True})) as sso:
        transport = httpx.WSGITransport(wsgi.Application(sso))
        with httpx.Client(transport=transport, base_url="http://localhost") as client:
            page = client.get("/login")
            (form_token,) = {*re.findall(r'name="form_token" value="([\w-]+)"', page.text)}
            form = {"username": name, "password": PASSWORD, "form_token": form_token}
            assert client.post("/login", data=form).headers["location"] == "./account"
            assert name in client.get("/account").text
