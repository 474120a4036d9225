"""The applications in `examples/`, each started as its README says and used over HTTP."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape
from pathlib import Path

import httpx
import pytest
from inbox import Inbox, free_port
from support import PASSWORD, totp_code, unique
from web import token_to

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
NEW = "another horse battery staple"


@contextmanager
def running(name: str, folder: Path, mail: Inbox) -> Iterator[httpx.Client]:
    """The application in a folder of its own; without what is installed already, and with the inbox of the tests."""
    shutil.copytree(EXAMPLES / name, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "password.txt").write_text(PASSWORD)
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    # Hashes that cost little.
    weak = {"MEMORY_KIB": "64", "ITERATIONS": "1", "PARALLELISM": "1", "ALLOW_WEAK": "true"}
    environment |= {f"ZATO_SSO_HASH_SECRET__{key}": value for key, value in weak.items()}
    environment |= {"ZATO_SSO_SMTP__URL": mail.url, "PYTHONDONTWRITEBYTECODE": "1"}
    block = re.findall(r"^```sh\n(.*?)^```", (EXAMPLES / name / "README.md").read_text(), re.DOTALL | re.MULTILINE)
    (*first, server) = block[0].splitlines()
    for line in first:
        if not line.startswith(("pip ", "python -m aiosmtpd ")):
            done = subprocess.run(
                ["sh", "-c", line], cwd=folder, env=environment, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, (line, done.stdout, done.stderr)
    port = free_port()
    assert server.endswith(" 8000")
    with (folder / "log").open("w") as log:
        command = [*shlex.split(server)[:-1], str(port)]
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
                wait_for(client, process, folder / "log")
                yield client
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
    assert PASSWORD not in (folder / "log").read_text()


def wait_for(client: httpx.Client, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(300):
        assert process.poll() is None, log.read_text()
        try:
            client.get("/")
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    pytest.fail(log.read_text())


def test_the_documentation_counts_their_lines() -> None:
    def lines_of(path: Path) -> int:
        return sum(1 for line in path.read_text().splitlines() if line.strip())

    web = (EXAMPLES.parent / "docs" / "web.md").read_text()
    for name, program in (("fastapi_app", "main.py"), ("flask_app", "app.py"), ("flask_pages_app", "with_pages.py")):
        folder = EXAMPLES / name
        counted = f"| `examples/{name}` | {lines_of(folder / program)}"
        for template in folder.glob("templates/*"):
            counted += f" and a template of {lines_of(template)}"
        assert f"{counted}, and {lines_of(folder / 'sso.toml')} of configuration |" in web


def test_fastapi(tmp_path: Path, mail: Inbox) -> None:
    with running("fastapi_app", tmp_path, mail) as client:
        same = {"Origin": str(client.base_url).rstrip("/")}
        name, address = unique("ann"), f"{unique('ann')}@example.com"

        def post(path: str, **body: str) -> httpx.Response:
            return client.post(f"/auth/{path}", json=body, headers=same)

        assert client.get("/hello").status_code == 401
        assert post("signup", username=name, email=address, password=PASSWORD).status_code == 202
        assert post("login", username=name, password=PASSWORD).status_code == 403
        assert post("signup/confirm", token=token_to(mail, address)).status_code == 200
        assert post("login", username=name, password=PASSWORD).status_code == 200
        assert client.get("/hello").json() == {"hello": name}
        assert client.get("/admin/users").status_code == 403
        assert len(client.get("/auth/sessions").json()["sessions"]) == 1

        key = post("totp").json()["totp_key"]
        assert post("totp/enable", totp_code=totp_code(key)).status_code == 200
        assert post("logout").status_code == 200
        assert post("login", username=name, password=PASSWORD).json()["code"] == "E005008"
        assert post("login", username=name, password=PASSWORD, totp_code=totp_code(key, 1)).status_code == 200

        assert post("password/forgot", credential=name).status_code == 202
        reset = {"token": token_to(mail, address, 2), "new_password": NEW}
        assert post("password/reset", **reset).status_code == 200
        assert client.get("/hello").status_code == 401

        assert post("login", username="admin", password=PASSWORD).status_code == 200
        assert set(client.get("/admin/users").json()) == {"admin", name}
        assert "/auth/login" in client.get("/openapi.json").json()["paths"]


def hidden(page: httpx.Response) -> dict[str, str]:
    """The hidden fields of a form."""
    fields = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page.text)
    return dict(fields)


def send(client: httpx.Client, path: str, **fields: str) -> httpx.Response:
    """Opens a page and sends its form."""
    page = client.get(path)
    assert page.status_code == 200, (path, page.status_code, page.text)
    return client.post(path, data={**hidden(page), **fields})


def test_flask(tmp_path: Path, mail: Inbox) -> None:
    with running("flask_app", tmp_path, mail) as client:
        name, address = unique("ann"), f"{unique('ann')}@example.com"
        assert client.get("/", headers={"Accept": "text/html"}).headers["location"].startswith("/login?next=")
        assert send(client, "/signup", username=name, email=address, password=PASSWORD).status_code == 200
        login = {"username": name, "password": PASSWORD, "totp_code": ""}
        assert send(client, "/login", **login).status_code == 403
        assert send(client, f"/confirm?token={token_to(mail, address)}").status_code == 200
        done = send(client, "/login?next=/sessions", **login)
        assert (done.status_code, done.headers["location"]) == (302, "/sessions")
        assert name in client.get("/").text
        assert client.get("/admin/users").status_code == 403
        assert client.get("/sessions").text.count("<li>") == 1
        assert client.post("/sessions").status_code == 403

        page = client.get("/totp")
        (key,) = re.findall(r"<code>(\w+)</code>", page.text)
        assert client.post("/totp", data={**hidden(page), "totp_code": totp_code(key)}).status_code == 200
        assert client.post("/logout", data=hidden(page)).status_code == 302
        assert send(client, "/login", **login).status_code == 403
        assert send(client, "/login", **{**login, "totp_code": totp_code(key, 1)}).status_code == 302
        assert send(client, "/sessions").text.count("<li>") == 1

        assert send(client, "/forgot", credential=name).status_code == 200
        token = token_to(mail, address, 2)
        assert send(client, f"/reset?token={token}", new_password=NEW).status_code == 200
        assert client.get("/").status_code in {302, 401}
        assert send(client, "/login", username="admin", password=PASSWORD, totp_code="").status_code == 302
        assert f"<li>{name}</li>" in client.get("/admin/users").text


def test_flask_with_pages(tmp_path: Path, mail: Inbox) -> None:
    with running("flask_pages_app", tmp_path, mail) as client:
        name, address = unique("ann"), f"{unique('ann')}@example.com"

        def fill(path: str, **fields: str) -> httpx.Response:
            """Opens a page, and sends its form as a browser does."""
            page = client.get(path)
            assert page.status_code == 200, (path, page.status_code, page.text)
            sent = {name: unescape(value) for name, value in hidden(page).items()}
            return client.post(path, data={**sent, **fields}, headers={"Sec-Fetch-Site": "same-origin"})

        assert client.get("/", headers={"Accept": "text/html"}).headers["location"] == "/login?next=/"
        fill("/signup", username=name, email=address, password=PASSWORD)
        fill("/signup/confirm", token=token_to(mail, address))
        done = fill("/login?next=/", username=name, password=PASSWORD)
        assert (done.status_code, done.headers["location"]) == (303, "/")
        assert name in client.get("/").text
        assert client.get("/users").status_code == 403
        assert client.get("/account/sessions").status_code == 200
        assert client.get("/account/two-factor").status_code == 200
        fill("/logout")
        assert client.get("/").headers["location"] == "/login?next=/"
        fill("/login", username="admin", password=PASSWORD)
        assert name in client.get("/users").json()
        assert name in client.get("/admin").text


def test_django(tmp_path: Path, mail: Inbox) -> None:
    with running("django_app", tmp_path, mail) as client:
        name, address = unique("ann"), f"{unique('ann')}@example.com"

        def send(path: str, **fields: str) -> httpx.Response:
            page = client.get(path)
            assert page.status_code == 200, (path, page.status_code, page.text)
            csrf = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text)
            return client.post(path, data={"csrfmiddlewaretoken": csrf[0], **fields})

        assert client.get("/").headers["location"] == "/accounts/login/?next=/"
        done = send("/accounts/signup/", username=name, email=address, password=PASSWORD)
        assert "email" in done.text
        assert send("/accounts/login/", username=name, password=PASSWORD).status_code == 200
        token = token_to(mail, address)
        assert send(f"/accounts/signup/confirm/?token={token}").status_code == 302
        done = send("/accounts/login/", username=name, password=PASSWORD)
        assert (done.status_code, done.headers["location"]) == (302, "/")
        assert client.get("/").text == f"Hello {name}"
        assert client.get("/admin/").status_code == 302
        assert client.get("/accounts/sessions/").text.count("<li>") == 1

        page = client.get("/accounts/totp/")
        (key,) = re.findall(r"<code>(\w+)</code>", page.text)
        csrf = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text)[0]
        code = {"csrfmiddlewaretoken": csrf, "totp_code": totp_code(key)}
        assert "from now on" in client.post("/accounts/totp/", data=code).text
        assert client.post("/accounts/logout/", data={"csrfmiddlewaretoken": csrf}).status_code == 200
        assert client.get("/").status_code == 302
        done = send("/accounts/login/", username=name, password=PASSWORD)
        assert "authenticator" in done.text
        code = {"totp_code": totp_code(key, 1)}
        assert send("/accounts/login/", username=name, password=PASSWORD, **code).status_code == 302

        send("/accounts/password/reset/", credential=name)
        token = token_to(mail, address, 2)
        link = f"/accounts/password/reset/confirm/?token={token}"
        assert "too short" in send(link, new_password="short").text
        assert send(link, new_password=NEW).status_code == 302
        assert client.get("/").status_code == 302

        done = send("/admin/login/?next=/admin/", username="admin", password=PASSWORD, next="/admin/")
        assert (done.status_code, done.headers["location"]) == (302, "/admin/")
        assert name in client.get("/admin/auth/user/").text
