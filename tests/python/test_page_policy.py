"""What a browser makes of the pages' policy, and of somebody in a hurry: in Chromium."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qs, urlencode, urlsplit

from chromium import Driver
from support import ADDRESS, APP, PASSWORD, Config, changed, totp_code
from test_pages import Stage, enrolled
from zato_sso import SSO

TEMPLATE = """\
{% extends "layout.html" %}
{% block main %}
<h1>Mine</h1>
<script>document.title = "evil"</script>
<p id="styled" style="color: rgb(1, 2, 3)" onclick="document.title = 'evil'">x</p>
<img src="http://evil.example/x.png" onerror="document.title = 'evil'" alt="">
<a id="link" href="javascript:document.title='evil'">y</a>
<iframe src="login"></iframe>
{% endblock %}
"""


def test_nothing_runs_that_is_not_of_the_pages(config: Config, tmp_path: Path, driver: Driver) -> None:
    templates = tmp_path / "templates"
    templates.mkdir()
    (templates / "forgot.html").write_text(TEMPLATE, encoding="utf-8")
    # Written on Windows: its ends of lines are others when a browser hashes them.
    css = tmp_path / "own.css"
    css.write_bytes(b"h1 {\r\n  color: rgb(9, 8, 7)\r\n}\r\n")
    own = changed(config, pages={"templates": str(templates), "css": str(css)})
    with ExitStack() as kept:
        chromium = Stage(own, tmp_path, kept, driver).browser
        assert "Mine" in chromium.open("/password/forgot")
        chromium.do("tap", "#styled")
        chromium.do("tap", "#link")
        seen = chromium.open("/login")
        assert "evil" not in seen
        complaints = chromium.do("complaints")["complaints"]
        for directive in ("script-src", "style-src", "img-src", "default-src"):
            assert any(directive in complaint for complaint in complaints), (directive, complaints)
        chromium.open("/password/forgot")
        assert chromium.do("style", ["#styled", "color"])["value"] != "rgb(1, 2, 3)"
        assert chromium.do("style", ["h1", "color"])["value"] == "rgb(9, 8, 7)"


def test_a_button_that_is_pressed_twice_sends_its_form_once(config: Config, tmp_path: Path, driver: Driver) -> None:
    with ExitStack() as kept:
        stage = Stage(config, tmp_path, kept, driver)
        key = enrolled(stage)
        chromium = stage.browser
        assert chromium.sign_in("ann") == "/login/code"
        chromium.do("fill", {"[name=totp_code]": totp_code(key, 1)})
        # A code is good once: the second form would be refused.
        assert chromium.do("double", "main form button")["url"] == f"{stage.base}/account"
        chromium.open("/account/password")
        chromium.do("fill", {"[name=old_password]": PASSWORD, "[name=new_password]": "a quite different password"})
        assert chromium.do("double", "main form button:not([type=button])")["url"].endswith("/account?done=password")
        chromium.has_no_complaint()


@contextmanager
def web_site(onward: str = "") -> Iterator[str]:
    """A client's web site, which shows what it got, or redirects to another web site with it."""

    class Pages(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(303 if onward else 200)
            if onward:
                self.send_header("Location", f"{onward}/landed?{urlsplit(self.path).query}")
            self.send_header("Content-Type", "text/plain")
            self.end_headers()
            self.wfile.write(b"Welcome to the shop")

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.do_GET()

        def log_message(self, *_: object) -> None:
            """Is silent."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Pages) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_client_may_redirect_what_it_gets_to_another_origin(config: Config, tmp_path: Path, driver: Driver) -> None:
    # Chromium holds all redirects behind a form against form-action.
    own = changed(config, oidc={"issuer": "https://login.example"})
    with ExitStack() as kept:
        landing = kept.enter_context(web_site())
        shop = kept.enter_context(web_site(landing))
        stage = Stage(own, tmp_path, kept, driver)
        chromium = stage.browser
        callback, goodbye = f"{shop}/callback", f"{shop}/goodbye"
        with SSO(config=stage.config) as sso:
            root = sso.user.login("cid", "root-of-all", PASSWORD, APP, ADDRESS).ust
            data = {"redirect_uris": [callback], "post_logout_redirect_uris": [goodbye]}
            client_id = sso.client.create("cid", "Shop", "spa", root, APP, ADDRESS, data=data)["client_id"]
            sso.site.create("cid", "shop", [f"{shop}/basket"], APP, ADDRESS)

        def authorize(**more: str) -> str:
            query = {
                "client_id": client_id,
                "redirect_uri": callback,
                "response_type": "code",
                "scope": "openid",
                "state": "s",
                "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
                "code_challenge_method": "S256",
                **more,
            }
            return f"/oauth2/authorize?{urlencode(query)}"

        def lands(button: str, fields: dict[str, str]) -> dict[str, list[str]]:
            chromium.do("fill", {f"[name={name}]": value for name, value in fields.items()})
            chromium.do("tap", button)
            seen = chromium.do("arrive", f"{landing}/**")
            assert seen["text"] == "Welcome to the shop"
            return parse_qs(urlsplit(seen["url"]).query)

        # After consent, after signing in, by a form that sends itself, and after signing out.
        chromium.open(authorize())
        chromium.send({"username": "ann", "password": PASSWORD})
        assert "code" in lands("button[value=yes]", {})
        sign_in = "main form button:not([type=button])"
        chromium.open(authorize(prompt="login"))
        assert "code" in lands(sign_in, {"password": PASSWORD})
        chromium.open(authorize(prompt="login", response_mode="form_post"))
        lands(sign_in, {"password": PASSWORD})
        logout = {"client_id": client_id, "post_logout_redirect_uri": goodbye, "state": "bye"}
        chromium.open(f"/oauth2/logout?{urlencode(logout)}")
        assert lands("main form button", {}) == {"state": ["bye"]}
        # The same of a site.
        chromium.open(f"/login?{urlencode({'next': f'{shop}/basket'})}")
        lands(sign_in, {"username": "ann", "password": PASSWORD})
        chromium.has_no_complaint()
