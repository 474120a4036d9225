"""Applications that others wrote sign users in, refresh and log out: one provider on each database for all of them.

What they are configured with stands in docs/guides/applications.md, and is taken from there.
"""

from __future__ import annotations

import configparser
import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import pytest
import requests
from chromium import Chromium, Driver, tool
from fastapi import Depends, FastAPI
from relying import CALLBACK, GOODBYE, VERIFIER, Person, Provider, listening
from starlette.testclient import TestClient
from support import ADDRESS, APP, PASSWORD, changed, config_of, log_in
from with_postgres import free_port
from zato_sso import Token, aio
from zato_sso.fastapi import ZatoSSO

ROOT = Path(__file__).resolve().parents[2]
FILES = ROOT / "tests" / "interop"
PAGE = (ROOT / "docs" / "guides" / "applications.md").read_text(encoding="utf-8")
RECIPES = dict(re.findall(r"^<!-- recipe ([a-z]+) -->\n```\w+\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
LOGIN = "https://login.example.com"
CHALLENGE = urlsafe_b64encode(sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


def recipe(name: str, provider: Provider, client: dict[str, Any], places: dict[str, str]) -> str:
    """An example of the guide, with a client and addresses of this run."""
    text: str = RECIPES[name]
    places = {LOGIN: provider.url, "CLIENT_ID": client["client_id"], **places}
    if client["client_secret"]:
        places["CLIENT_SECRET"] = client["client_secret"]
    for place, other in places.items():
        parts = re.split(rf"(?<!\w){re.escape(place)}(?!\w)", text)
        assert len(parts) > 1, place
        text = other.join(parts)
    return text


def wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Waits until a server answers."""
    parts = urlsplit(url)
    assert parts.hostname
    assert parts.port
    deadline = time.monotonic() + 30
    while True:
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        try:
            socket.create_connection(("127.0.0.1", parts.port), timeout=5).close()
        except OSError:
            time.sleep(0.02)
        else:
            return


# --- openid-client


@pytest.mark.parametrize(("method", "is_pushed"), [("client_secret_basic", False), ("client_secret_post", True)])
def test_openid_client(provider: Provider, method: str, is_pushed: bool) -> None:
    client = provider.client(auth_method=method, id_token_alg="ES256" if is_pushed else "RS256")
    ann = provider.person(email="ann@example.com")
    given = {
        **{name: client[name] for name in ("client_id", "client_secret", "auth_method")},
        **{"issuer": provider.url, "is_pushed": is_pushed},
        **{"redirect_uri": CALLBACK, "post_logout_redirect_uri": GOODBYE},
    }
    command = [*tool("node"), str(FILES / "openid_client.mjs"), json.dumps(given)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        while "url" in (said := json.loads(process.stdout.readline())):
            if is_pushed and "/oauth2/authorize" in said["url"] and "request_uri" in said["url"]:
                assert "scope" not in said["url"]
            print(ann.follow(said["url"]), file=process.stdin, flush=True)
    assert process.returncode == 0
    assert said["claims"]["preferred_username"] == ann.username
    assert said["info"]["email"] == "ann@example.com"
    assert said["told"]["active"] is True
    assert said["goodbye"] == f"{GOODBYE}?state=bye"
    assert '"state"' in said["refusals"]["state"]
    assert '"nonce"' in said["refusals"]["nonce"]
    assert said["refusals"]["verifier"]
    assert said["after"]
    # One password for four sign-ins of one browser, and consent once.
    assert (ann.passwords, ann.consents) == (1, 1)


# --- Apache with mod_auth_openidc

MODULES = Path("/usr/lib/apache2/modules")


@contextmanager
def apache(provider: Provider) -> Iterator[str]:
    """A web site behind Apache."""
    port = free_port()
    url = f"http://localhost:{port}"
    client = provider.client(
        redirect_uris=[f"{url}/oidc/callback"],
        post_logout_redirect_uris=[f"{url}/goodbye.html"],
        backchannel_logout_uri=f"{url}/oidc/callback?logout=backchannel",
        is_trusted=True,
    )
    # Its processes run as somebody who may not look into the folders of tests.
    with tempfile.TemporaryDirectory(prefix="zato-sso-apache-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "www").mkdir()
        for page in ("index", "goodbye"):
            (folder / "www" / f"{page}.html").write_text(f"<!doctype html><title>{page}</title>{page}")
        site = recipe("apache", provider, client, {"https://intranet.example.com": url})
        (folder / "site.conf").write_text(site)
        around = (FILES / "apache.conf").read_text(encoding="utf-8")
        user = "User www-data\nGroup www-data" if os.geteuid() == 0 else ""
        values = {"folder": folder, "port": port, "modules": MODULES, "user": user}
        (folder / "apache.conf").write_text(around.format(**values))
        log = folder / "error.log"
        program = shutil.which("apache2") or "/usr/sbin/apache2"
        command = [program, "-f", str(folder / "apache.conf"), "-D", "FOREGROUND"]
        with (folder / "out").open("w") as out:
            process = subprocess.Popen(command, stdout=out, stderr=out)
        try:
            wait_for(url, process, folder / "out")
            yield url
            assert process.poll() is None
        except BaseException:
            print((folder / "out").read_text(), log.read_text() if log.exists() else "")
            raise
        finally:
            process.terminate()
            process.wait(20)


def test_apache(provider: Provider) -> None:
    """mod_auth_openidc signs in, refreshes, and is told of logouts; another application needs no second password."""
    with apache(provider) as site, listening() as listener:
        ann = provider.person(email="ann@example.com")

        def visit(path: str = "/") -> requests.Response:
            return ann.visit(f"{site}{path}")

        def stays() -> bool:
            answer = ann.browser.get(f"{site}/", allow_redirects=False, timeout=30)
            return answer.status_code == 200

        page = visit()
        assert page.text.endswith("index"), page.text
        assert (page.headers["x-user"], page.headers["x-email"]) == (ann.username, "ann@example.com")
        assert stays()

        # Refreshes.
        before = page.headers["x-token"]
        back = quote(f"{site}/", safe="")
        page = visit(f"/oidc/callback?refresh={back}&access_token={quote(before)}")
        assert (page.status_code, page.url) == (200, f"{site}/")
        after = page.headers["x-token"]
        assert after != before
        headers = {"Authorization": f"Bearer {after}"}
        assert requests.get(provider.metadata["userinfo_endpoint"], headers=headers, timeout=10).ok

        # A state that somebody has altered leads nowhere.
        other = provider.person()
        answer = other.browser.get(f"{site}/", allow_redirects=False, timeout=30)
        tampered = answer.headers["location"].replace("state=", "state=x")
        answer = other.visit(tampered)
        assert answer.status_code == 400 or "x-token" not in answer.headers
        assert "index" not in answer.text

        # Another application, in the same browser: no second password. Then one logout for both.
        second = provider.client(is_trusted=True, backchannel_logout_uri=listener.url)
        url = f"{provider.url}/oauth2/authorize?response_type=code&client_id={second['client_id']}&scope=openid"
        url += f"&redirect_uri={quote(CALLBACK)}&code_challenge={'c' * 43}&code_challenge_method=S256"
        assert "code" in ann.bring(url)
        assert ann.passwords == 1
        ann.log_out()
        assert set(listener.came.get(timeout=20)) == {"logout_token"}
        deadline = time.monotonic() + 20
        while stays():
            assert time.monotonic() < deadline, "Apache was not told of the logout"
            time.sleep(0.05)

        # Logs out by a link of its own.
        assert visit().headers["x-user"] == ann.username
        assert ann.passwords == 2
        page = visit(f"/oidc/callback?logout={quote(f'{site}/goodbye.html', safe='')}")
        assert page.url == f"{site}/goodbye.html"
        assert page.text.endswith("goodbye")
        assert not stays()
        visit()
        assert ann.passwords == 3


# --- mozilla-django-oidc


@contextmanager
def django_site(provider: Provider, folder: Path) -> Iterator[str]:
    """A Django application."""
    folder.mkdir()
    port = free_port()
    url = f"http://localhost:{port}"
    client = provider.client(redirect_uris=[f"{url}/oidc/callback/"], post_logout_redirect_uris=[f"{url}/"])
    text = recipe("django", provider, client, {"https://shop.example.com": url})
    (folder / "shop").mkdir()
    (folder / "shop" / "settings.py").write_text(text)
    (folder / "settings.json").write_text(json.dumps({"port": port}))
    log = folder / "log"
    with log.open("w") as out:
        command = [sys.executable, str(FILES / "django_app.py"), str(folder)]
        process = subprocess.Popen(command, stdout=out, stderr=out)
    try:
        wait_for(url, process, log)
        yield url
    except BaseException:
        print(log.read_text())
        raise
    finally:
        process.terminate()
        process.wait(20)


def test_django(provider: Provider, tmp_path: Path) -> None:
    """mozilla-django-oidc signs in, asks again without a page, and logs out."""
    with django_site(provider, tmp_path / "site") as site:
        ann = provider.person(email="ann@example.com")
        page = ann.visit(f"{site}/oidc/authenticate/")
        assert page.url == f"{site}/"
        assert page.json()["user"] == "ann@example.com"
        assert (ann.passwords, ann.consents) == (1, 1)

        # Its middleware goes by prompt=none, and has a new ID token afterwards.
        ann.visit(f"{site}/grow-old")
        again = ann.visit(f"{site}/").json()
        assert again["user"] == "ann@example.com"
        assert again["id_token"] != page.json()["id_token"]
        assert (ann.passwords, ann.consents) == (1, 1)

        # A state of another browser, and one that was altered.
        other = provider.person(email="other@example.com")
        answer = other.browser.get(f"{site}/oidc/authenticate/", allow_redirects=False, timeout=30)
        assert other.visit(answer.headers["location"].replace("state=", "state=x")).status_code == 400
        assert other.visit(f"{site}/").json()["user"] is None

        # By a form, as Django wants it.
        token = ann.browser.cookies.get("csrftoken") or "t" * 32
        ann.browser.cookies.set("csrftoken", token, domain="localhost.local")
        answer = ann.browser.post(
            f"{site}/oidc/logout/", data={"csrfmiddlewaretoken": token}, allow_redirects=False, timeout=30
        )
        assert answer.status_code == 302, answer.text
        page = ann.visit(answer.headers["location"])
        assert page.url == f"{site}/"
        assert page.json()["user"] is None
        ann.visit(f"{site}/oidc/authenticate/")
        assert ann.passwords == 2


# --- oidc-client-ts in Chromium


@contextmanager
def page_site(answers: dict[str, tuple[str, bytes]]) -> Iterator[str]:
    """Files of a web site on this machine, as a page of any path that is not one of them."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            kind, body = answers.get(urlsplit(self.path).path, answers["/"])
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def test_oidc_client_ts_in_chromium(provider: Provider, driver: Driver, tmp_path: Path) -> None:
    """A page without a server signs in, comes back to where it was, refreshes, renews in a frame, and logs out."""
    library = FILES / "node_modules" / "oidc-client-ts" / "dist" / "browser" / "oidc-client-ts.min.js"
    answers = {
        "/": ("text/html; charset=utf-8", (FILES / "spa.html").read_bytes()),
        "/spa.js": ("text/javascript; charset=utf-8", (FILES / "spa.js").read_bytes()),
        "/oidc-client-ts.min.js": ("text/javascript; charset=utf-8", library.read_bytes()),
    }
    with page_site(answers) as site:
        client = provider.client(
            "spa", redirect_uris=[f"{site}/callback"], post_logout_redirect_uris=[f"{site}/goodbye"]
        )
        text = recipe("spa", provider, client, {"https://dashboard.example.com": site})
        answers["/settings.js"] = ("text/javascript; charset=utf-8", text.encode())
        username = provider.user()
        chromium = Chromium(driver, provider.url, tmp_path)
        try:
            walk_the_page(chromium, site, username)
        finally:
            chromium.leave()


def walk_the_page(chromium: Chromium, site: str, username: str) -> None:
    def said() -> str:
        return str(chromium.do("appears", "#said")["text"])

    def who() -> str:
        return str(chromium.do("appears", "#who")["text"])

    chromium.open(f"{site}/reports#top")
    assert (said(), who()) == ("Ready", "Nobody")
    chromium.click("#sign-in")
    chromium.send({"username": username, "password": PASSWORD})
    chromium.do("tap", "button[value=yes]")
    chromium.do("arrive", f"{site}/reports#top")
    assert (said(), who()) == ("Ready", f"Hello {username}")

    for way in ("#refresh", "#silent"):
        chromium.do("tap", way)
        assert (
            chromium.do("appears", "#said:has-text('renewed'), #said:has-text('failed')")["text"] == "renewed for Ann"
        )
        chromium.open(f"{site}/reports")
        said()

    # A state that this browser has not begun.
    chromium.open(f"{site}/callback?code=x&state=y")
    assert said() == "failed: No matching state found in storage"

    chromium.open(f"{site}/reports")
    said()
    chromium.do("tap", "#sign-out")
    chromium.do("arrive", f"{site}/goodbye?state=**")
    chromium.open(f"{site}/goodbye")
    assert (said(), who()) == ("Goodbye", "Nobody")
    # Gone here as well: it asks for the password.
    chromium.click("#sign-in")
    assert chromium.do("count", "[name=password]")["count"] == 1
    chromium.has_no_complaint()


# --- a resource server


def test_a_resource_server_in_fastapi(provider: Provider) -> None:
    """Access tokens are checked by scope: JWTs by keys, opaque ones by a look-up, which a lock on another node ends."""
    config = changed(config_of(provider.node.database_url, provider.node.key), oidc={"issuer": provider.url})
    auth = ZatoSSO(aio.SSO(config=config))
    api = FastAPI(lifespan=auth.lifespan)

    async def mail(token: Token = Depends(auth.require_token("email", audience=provider.url))) -> str:  # noqa: B008
        return token.sub

    api.get("/mail")(mail)
    with TestClient(api) as service:

        def status(token: str | None) -> int:
            headers = {} if token is None else {"Authorization": f"Bearer {token}"}
            return int(service.get("/mail", headers=headers).status_code)

        assert status(None) == 401
        for kind in ("jwt", "opaque"):
            client = provider.client(access_token_format=kind, is_trusted=True)
            ann = provider.person()

            def sign_in(scope: str, client: dict[str, Any] = client, ann: Person = ann) -> str:
                fields = {"response_type": "code", "client_id": client["client_id"], "scope": scope}
                fields |= {"redirect_uri": CALLBACK, "code_challenge": CHALLENGE, "code_challenge_method": "S256"}
                code = ann.bring(f"{provider.metadata['authorization_endpoint']}?{urlencode(fields)}")["code"]
                fields = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
                auth = (client["client_id"], client["client_secret"])
                data = {**fields, "code_verifier": VERIFIER}
                answer = requests.post(provider.metadata["token_endpoint"], data=data, auth=auth, timeout=30)
                return str(answer.json()["access_token"])

            token = sign_in("openid email")
            assert status(token) == 200
            assert status(sign_in("openid")) == 403
            assert status(token[:-4] + "AAAA") == 401
            if kind == "opaque":
                # From the other node: this process has another object on the same database.
                found = provider.sso.user.get_current_user("cid", log_in(provider.sso, ann.username), APP, ADDRESS)
                assert found is not None
                provider.sso.user.lock_user("cid", found.user_id, provider.root, APP, ADDRESS)
                assert status(token) == 401


# --- the examples of the guide


def test_the_settings_of_the_guide_can_be_read(provider: Provider) -> None:
    """Those of applications that do not run here: by a reader of their format, and with endpoints that there are."""
    metadata = {value: name for name, value in provider.metadata.items() if isinstance(value, str)}
    grafana = configparser.ConfigParser(interpolation=None)
    grafana.read_string(RECIPES["grafana"].replace(LOGIN, provider.url))
    oauth = grafana["auth.generic_oauth"]
    assert [metadata[oauth[name]] for name in ("auth_url", "token_url", "api_url")] == [
        "authorization_endpoint",
        "token_endpoint",
        "userinfo_endpoint",
    ]
    assert metadata[oauth["signout_redirect_url"].partition("?")[0]] == "end_session_endpoint"

    ruby = re.search(r"omniauth_providers'\] = (.*)", RECIPES["gitlab"], re.DOTALL)
    assert ruby
    (gitlab,) = json.loads(re.sub(r"(\w+): ", r'"\1": ', ruby[1]))
    assert gitlab["args"]["client_auth_method"] == "basic"
    assert gitlab["args"]["issuer"] == LOGIN

    _, command = RECIPES["nextcloud"].replace("\\\n", "").splitlines()
    words = dict(word[2:].split("=", 1) for word in shlex.split(command) if word.startswith("--"))
    assert words["discoveryuri"] == f"{LOGIN}/.well-known/openid-configuration"
    assert set(words["scope"].split()) <= set(provider.metadata["scopes_supported"])
