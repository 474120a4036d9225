"""The pages for people, in Chromium: every flow with JavaScript and without. test_page_survey.py looks at each page."""

from __future__ import annotations

import itertools
import json
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, closing
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from chromium import Chromium, Driver
from faces import serving
from inbox import Inbox, inbox, text_of
from support import ADDRESS, APP, PASSWORD, Config, changed, totp_code
from test_browser import ROOT
from zato_sso import SSO

ARTIFACTS = ROOT / "target" / "pages"
# Links in emails begin with it. The server has a port that nobody knows beforehand.
PUBLIC = "http://login.example"
ANOTHER = "a quite different password"


class Stage:
    """A server that sends emails, and a browser."""

    def __init__(self, config: Config, folder: Path, kept: ExitStack, driver: Driver) -> None:
        """Starts the server, and gives it a browser that remembers nothing."""
        self.mail: Inbox = kept.enter_context(inbox())
        self.config = changed(
            config,
            smtp={"url": self.mail.url},
            password_reset={"email_from": "sso@example.com"},
            signup={"is_approval_needed": False},
            pages={"url": PUBLIC, "site_name": "Example", "allow_account_deletion": True},
        )
        with SSO(config=self.config) as sso:
            admin = {"username": "root-of-all", "password": PASSWORD}
            sso.user.create_super_user("cid", admin, require_super_user=False, auto_approve=True)
            ann = {"username": "ann", "password": PASSWORD, "email": "ann@example.com", "display_name": "Ann Åkesson"}
            sso.user.create_user("cid", ann, require_super_user=False, auto_approve=True)
        self.base = kept.enter_context(serving(self.config, folder)).url
        engine = config["database"]["url"].split(":")[0]
        self.browser = Chromium(driver, self.base, ARTIFACTS / engine)
        kept.callback(self.browser.leave)

    def link(self, address: str, count: int = 1) -> str:
        """The link of an email, to this server."""
        text = text_of(self.mail.wait(address, count))
        (link,) = (line for line in text.splitlines() if line.startswith(PUBLIC))
        return link.replace(PUBLIC, self.base)

    def follow(self, link: str, fields: dict[str, str], *, has_script: bool) -> tuple[str, str]:
        """Follows the link of an email and sends the form there. Without a script people copy the link into it."""
        self.browser.open(link)
        if has_script:
            assert self.browser.do("value", "[name=token]")["value"] == link.partition("#token=")[2]
            # The address, which others may see, does not have it any more.
            return self.browser.send(fields)
        return self.browser.send({"token": link, **fields})


@pytest.fixture
def stage(config: Config, tmp_path: Path, driver: Driver) -> Iterator[Stage]:
    """A server and a browser."""
    with ExitStack() as kept:
        yield Stage(config, tmp_path, kept, driver)


@pytest.mark.parametrize("has_script", [True, False], ids=["with-javascript", "without-javascript"])
def test_a_person_comes_goes_and_comes_back(stage: Stage, has_script: bool) -> None:
    chromium = stage.browser
    chromium.do("begin", {"javaScriptEnabled": has_script})

    chromium.open("/login")
    assert chromium.click("a[href$=signup]")[0] == "/signup"
    path, text = chromium.send({"username": "eve", "email": "eve@example.com", "password": "short"})
    assert path == "/signup"
    assert "too short" in text
    assert chromium.do("value", "[name=email]")["value"] == "eve@example.com"
    assert chromium.do("value", "[name=password]")["value"] == ""
    path, text = chromium.send({"password": PASSWORD})
    assert (path, "Check your email" in text) == ("/signup/done", True)
    link = stage.link("eve@example.com")
    path, text = stage.follow(link, {}, has_script=has_script)
    assert path == "/login?done=signup"
    path, text = chromium.send({"username": "eve", "password": "wrong"})
    assert "Username or password is wrong" in text
    assert chromium.send({"username": "eve", "password": PASSWORD})[0] == "/account"
    path, text = chromium.send({"display_name": "Eve Ω"}, "section:first-of-type button")
    assert (path, "Your profile was saved" in text) == ("/account?done=profile", True)
    # The page before is shown again, and its form is not sent again.
    assert chromium.do("back")["url"] == f"{stage.base}/account"

    data = chromium.do("download", "form[action$=data] button")
    assert data["name"] == "my-data.json"
    assert json.loads(data["text"])["user"]["display_name"] == "Eve Ω"

    chromium.open("/account/two-factor")
    path, text = chromium.click("main form button")
    assert "Scan this picture" in text
    uri = chromium.do("qr")["text"]
    key = parse_qs(urlsplit(uri).query)["secret"][0]
    assert key in text.replace(" ", "")
    path, text = chromium.send({"totp_code": totp_code(key)})
    assert "They are not shown again" in text
    codes = chromium.do("texts", ".codes li")["texts"]
    assert len(codes) == 10

    chromium.do("begin", {"javaScriptEnabled": has_script})
    assert chromium.sign_in("eve") == "/login/code"
    path, text = chromium.send({"totp_code": "000000"})
    assert "The code is wrong" in text
    assert chromium.send({"totp_code": codes[0]})[0] == "/account"
    chromium.open("/account/sessions")
    assert chromium.do("count", "main li")["count"] == 2
    path, text = chromium.click("main li form button")
    assert (path, "Ended." in text) == ("/account/sessions?done=session", True)
    assert chromium.do("count", "main li")["count"] == 1

    chromium.open("/account/email")
    assert chromium.send({"email": "eve@example.org"})[0] == "/account?done=email-sent"
    assert stage.follow(stage.link("eve@example.org"), {}, has_script=has_script)[0] == "/account?done=email"
    assert "eve@example.org" in chromium.open("/account")
    path, text = chromium.click("header button")
    assert (path, "You are signed out" in text) == ("/login?done=logout", True)

    chromium.open("/password/forgot")
    assert chromium.send({"username": "eve"})[0] == "/password/sent"
    link = next(
        link
        for count in range(1, 9)
        if "/password/reset" in (link := text_of(stage.mail.wait("eve@example.org", count)))
    )
    link = next(line for line in link.splitlines() if line.startswith(PUBLIC)).replace(PUBLIC, stage.base)
    assert stage.follow(link, {"new_password": ANOTHER}, has_script=has_script)[0] == "/login?done=password"
    assert chromium.sign_in("eve", ANOTHER) == "/login/code"
    assert chromium.send({"totp_code": codes[1]})[0] == "/account"
    chromium.has_no_complaint()


@pytest.mark.parametrize("has_script", [True, False], ids=["with-javascript", "without-javascript"])
def test_a_super_user_finds_a_user_and_decides(stage: Stage, has_script: bool) -> None:
    chromium = stage.browser
    chromium.do("begin", {"javaScriptEnabled": has_script})
    chromium.open("/admin")
    assert chromium.send({"username": "root-of-all", "password": PASSWORD})[0] == "/admin"
    _, text = chromium.send({"q": "an"}, "main form button")
    assert "1 user" in text
    assert "Ann Åkesson" in text
    path, _ = chromium.click("td >> nth=0 >> xpath=../th/a")
    assert path.startswith("/admin/user/")
    for action, said in [("lock", "was locked"), ("unlock", "was unlocked"), ("reject", "was rejected")]:
        path, text = chromium.click(f"form:has([value={action}]) button")
        assert said in text
    assert "ann" not in chromium.open("/admin?list=waiting").split("List")[1]
    assert "ann@example.com" in chromium.open("/admin?list=rejected")
    chromium.has_no_complaint()


@pytest.mark.parametrize("has_script", [True, False], ids=["with-javascript", "without-javascript"])
def test_a_super_user_makes_a_group_and_fills_it(stage: Stage, has_script: bool) -> None:
    chromium = stage.browser
    chromium.do("begin", {"javaScriptEnabled": has_script})
    chromium.open("/admin")
    chromium.send({"username": "root-of-all", "password": PASSWORD})
    assert chromium.click("main nav a[href$=groups]")[0] == "/admin/groups"
    chromium.do("check", "[name=can_read_audit]")
    path, text = chromium.send({"name": "auditors", "description": "Who reads.\nAll of it."})
    assert (path.startswith("/admin/group/zgrp"), "The group was created" in text) == (True, True)
    assert chromium.do("value", "[name=description]")["value"] == "Who reads.\nAll of it."
    _, text = chromium.send({"username": "nobody"}, "form:has([value=add]) button")
    assert "There is no such user" in text
    _, text = chromium.send({"username": "ann"}, "form:has([value=add]) button")
    assert "1 member" in text
    chromium.click("main li a:has-text('ann')")
    _, text = chromium.click("form:has([value=group-remove]) button")
    assert "not in the group any more" in text
    chromium.open(path)
    chromium.do("tap", "summary")
    path, text = chromium.click("details button")
    assert (path, "The group was deleted" in text) == ("/admin/groups?done=group-deleted", True)
    chromium.has_no_complaint()


@pytest.mark.parametrize("has_script", [True, False], ids=["with-javascript", "without-javascript"])
def test_a_super_user_registers_a_client_and_looks_after_it(stage: Stage, has_script: bool) -> None:
    chromium = stage.browser
    chromium.do("begin", {"javaScriptEnabled": has_script})
    chromium.open("/admin/clients")
    assert chromium.send({"username": "root-of-all", "password": PASSWORD})[0] == "/admin/clients"
    assert chromium.click("main a[href$=new]")[0] == "/admin/clients/new"
    path, text = chromium.send({"name": "Shop", "redirect_uris": "http://shop.example/"})
    assert (path, "https" in text) == ("/admin/clients/new", True)
    path, text = chromium.send({"redirect_uris": "https://shop.example/a\nhttps://shop.example/b"})
    assert ("It is not shown again" in text, "Secret of Shop" in text) == (True, True)
    first = chromium.do("texts", "#secret")["texts"][0]
    path, text = chromium.click("main a[href*=zcli]")
    assert (path.startswith("/admin/client/zcli"), first in text) == (True, False)
    assert chromium.do("value", "[name=redirect_uris]")["value"] == "https://shop.example/a\nhttps://shop.example/b"
    chromium.do("check", "[name=is_trusted]")
    saved, text = chromium.send({"scopes": "openid groups"}, "form:has([value=save]) button")
    assert (saved, "The client was saved" in text) == (f"{path}?done=client-saved", True)
    _, text = chromium.send({"keep_old_for": "2"}, "form:has([value=rotate]) button")
    assert "for 2 hours more" in text
    assert chromium.do("texts", "#secret")["texts"][0] != first
    chromium.open(path)
    chromium.do("tap", "summary >> nth=-1")
    gone, text = chromium.click("details:last-of-type form button.danger")
    assert (gone, "There are no clients yet" in text) == ("/admin/clients?done=client-deleted", True)
    for page, said in [("keys", "Active key"), ("health", "can do its work"), ("definitions", "none yet")]:
        assert said in chromium.open(f"/admin/{page}").replace("no security definitions yet", "none yet")
    chromium.has_no_complaint()


@pytest.mark.parametrize("has_script", [True, False], ids=["with-javascript", "without-javascript"])
def test_a_member_who_may_manage_users_decides_and_sees_nothing_else(stage: Stage, has_script: bool) -> None:
    chromium = stage.browser
    chromium.do("begin", {"javaScriptEnabled": has_script})
    with SSO(config=stage.config) as sso:
        root = sso.user.login("cid", "root-of-all", PASSWORD, APP, ADDRESS).ust
        bob = {"username": "bob", "password": PASSWORD}
        bob_id = sso.user.create_user("cid", bob, require_super_user=False, auto_approve=True)
        sso.group.create("cid", "managers", root, APP, ADDRESS, can_manage_users=True)
        sso.group.add_member("cid", "managers", bob_id, root, APP, ADDRESS)
    chromium.sign_in("bob")
    assert chromium.click("header a[href$=admin]")[0] == "/admin"
    text = chromium.open("/admin")
    assert ("ann@example.com" in text, "root-of-all" in text) == (True, False)
    assert chromium.do("texts", "main nav a")["texts"] == ["Users", "Waiting for approval"]
    chromium.click("tbody a:has-text('ann')")
    for action, said in [("lock", "was locked"), ("unlock", "was unlocked"), ("reset", "on its way")]:
        assert said in chromium.click(f"form:has([value={action}]) button")[1]
    assert "password/reset" in text_of(stage.mail.wait("ann@example.com", 1))
    assert chromium.do("count", "[value=delete], [value=group-add]")["count"] == 0
    chromium.has_no_complaint()


@pytest.mark.parametrize("has_script", [True, False], ids=["with-javascript", "without-javascript"])
def test_what_was_typed_outlives_the_session_and_an_account_ends(stage: Stage, has_script: bool) -> None:
    chromium = stage.browser
    chromium.do("begin", {"javaScriptEnabled": has_script})
    chromium.sign_in("ann")
    with SSO(config=stage.config) as sso:
        root = sso.user.login("cid", "root-of-all", PASSWORD, APP, ADDRESS).ust
        ann = sso.user.login("cid", "ann", PASSWORD, APP, ADDRESS).user_id
        sso.session.end_all("cid", root, user_id=ann, current_app=APP, remote_addr=ADDRESS)
    assert chromium.send({"display_name": "Ann Ω"}, "section:first-of-type button")[0].startswith("/login?next=account")
    path, text = chromium.send({"username": "ann", "password": PASSWORD})
    assert (path, "is shown again" in text) == ("/account?done=form-kept", True)
    assert chromium.do("value", "[name=display_name]")["value"] == "Ann Ω"
    assert "was saved" in chromium.click("section:first-of-type button")[1]

    assert chromium.click("main a[href$=delete]")[0] == "/account/delete"
    assert "not the username" in chromium.send({"username": "bob"})[1]
    path, text = chromium.send({"username": "ann"})
    assert (path, "Your account was deleted" in text) == ("/login?done=account-deleted", True)
    _, text = chromium.send({"username": "ann", "password": PASSWORD})
    assert "Username or password is wrong" in text
    chromium.has_no_complaint()


def test_a_sign_in_leads_on_to_a_registered_site(stage: Stage) -> None:
    chromium = stage.browser
    with SSO(config=stage.config) as sso:
        sso.site.create("cid", "shop", [f"{stage.base.replace('127.0.0.1', 'localhost')}/callback"], APP, ADDRESS)
    onward = f"{stage.base.replace('127.0.0.1', 'localhost')}/login?done=logout"
    chromium.open(f"/login?next={onward.replace('?', '%3F').replace('=', '%3D')}")
    # By a page that goes on by itself, whatever the policy of the form's page says.
    chromium.do("fill", {"[name=username]": "ann", "[name=password]": PASSWORD})
    chromium.do("tap", "main form button:not([type=button])")
    assert "You are signed out" in chromium.do("arrive", onward)["text"]
    chromium.has_no_complaint()


def test_the_script_shows_passwords_and_hides_them_when_they_are_sent(stage: Stage) -> None:
    chromium = stage.browser
    chromium.open("/login")
    chromium.do("tap", "button.show")
    assert chromium.do("attribute", ["#password", "type"])["value"] == "text"
    chromium.do("tap", "button.show")
    assert chromium.do("attribute", ["#password", "type"])["value"] == "password"
    chromium.has_no_complaint()


def test_a_person_signs_in_by_keyboard_alone(stage: Stage) -> None:
    chromium = stage.browser
    chromium.open("/login")
    # The first field has the focus; paste and typing are the same to it.
    chromium.do("type", "ann")
    assert chromium.do("press", "Tab")["focus"] == "password"
    chromium.do("type", "wrong")
    seen = chromium.do("enter")
    assert "Username or password is wrong" in seen["text"]
    # What is wrong is where the reader of a screen is.
    assert chromium.do("press", "Tab")["focus"] == "username"
    assert chromium.do("press", "Tab")["focus"] == "password"
    chromium.do("type", PASSWORD)
    assert chromium.do("enter")["url"] == f"{stage.base}/account"


class Balancer:
    """Sends each request to another server than the one before: nobody stays where they were."""

    def __init__(self, servers: list[str]) -> None:
        """Listens on a port of this machine."""
        turn = itertools.cycle(urlsplit(server).netloc for server in servers)

        class Passing(BaseHTTPRequestHandler):
            def pass_on(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                with closing(HTTPConnection(next(turn), timeout=30)) as server:
                    server.request(self.command, self.path, body, dict(self.headers.items()))
                    answer = server.getresponse()
                    content = answer.read()
                self.send_response_only(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = pass_on  # noqa: N815

            def log_message(self, *_: object) -> None:
                """Is silent."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Passing)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Ends."""
        self.server.shutdown()
        self.server.server_close()


def test_two_servers_behind_a_balancer_serve_one_flow_and_a_stolen_session_ends(stage: Stage, tmp_path: Path) -> None:
    chromium = stage.browser
    folder = tmp_path / "second"
    folder.mkdir()
    with serving(stage.config, folder) as second, closing(Balancer([stage.base, second.url])) as balancer:
        chromium.base = balancer.url
        key = enrolled(stage)
        chromium.open("/login")
        path, _ = chromium.send({"username": "ann", "password": PASSWORD})
        assert path == "/login/code"
        assert chromium.send({"totp_code": totp_code(key, 1)})[0] == "/account"
        path, text = chromium.send({"display_name": "Ann Ω"}, "section:first-of-type button")
        assert (path, "was saved" in text) == ("/account?done=profile", True)

        # Another user: two sessions, one of which somebody has stolen.
        chromium.do("begin", {})
        assert chromium.sign_in("root-of-all") == "/account"
        with SSO(config=stage.config) as sso:
            stolen = sso.user.login("cid", "root-of-all", PASSWORD, APP, ADDRESS).ust

        def status(server: str) -> int:
            cookies = {"zato_sso_session": stolen}
            return requests.get(f"{server}/account", cookies=cookies, allow_redirects=False, timeout=30).status_code

        assert (status(stage.base), status(second.url)) == (200, 200)
        chromium.open("/account/sessions")
        assert chromium.do("count", "main li")["count"] == 2
        path, text = chromium.click("main li form button")
        assert (path, "Ended." in text) == ("/account/sessions?done=session", True)
        # To the sign-in page, on either.
        assert (status(second.url), status(stage.base)) == (303, 303)
        assert "Signed in as root-of-all" in chromium.open("/account")
        chromium.has_no_complaint()


def enrolled(stage: Stage) -> str:
    """Turns two-step sign-in on for ann; the key."""
    with SSO(config=stage.config) as sso:
        ust = sso.user.login("cid", "ann", PASSWORD, APP, ADDRESS).ust
        _, key = sso.totp.begin_enrolment("cid", ust, APP, ADDRESS)
        sso.totp.finish_enrolment("cid", totp_code(key), ust, APP, ADDRESS)
    return key


def test_style_and_script_are_small() -> None:
    folder = ROOT / "src" / "http" / "page" / "static"
    files = b"".join(file.read_bytes() for file in sorted(folder.iterdir()))
    assert len(zlib.compress(files)) < 40_000
