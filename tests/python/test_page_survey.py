"""Every page in seven languages, in Chromium: what axe-core finds, what is too wide, what the keyboard does not reach.

Pages do not depend on the database: SQLite alone. Each is opened once in a language, and looked at in several ways;
pictures are kept in target/pages.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from chromium import Chromium, Driver
from conftest import with_schema
from support import ADDRESS, APP, PASSWORD, config_of, new_key, totp_code
from test_pages import ARTIFACTS, Stage
from zato_sso import SSO

ISSUER = "https://login.example"
CALLBACK = "https://shop.example/callback"
# Scheme, width, what axe-core looks at, whether a picture is kept. Contrast has nothing to do with languages; and where
# texts alone differ, the rules about them are enough, unless FULL_AXE is set.
WORDS = "structure" if os.environ.get("FULL_AXE") else "words"
LOOKS: dict[str, list[tuple[str, int, str, bool]]] = {
    "en": [("light", 900, "all", True), ("dark", 900, "contrast", True)],
    "ar": [("light", 900, "structure", True), ("dark", 360, "", True)],
    "de": [("light", 360, "structure", True)],
    "fr": [("light", 360, WORDS, False)],
    "es": [("light", 360, WORDS, False)],
    "pl": [("light", 360, WORDS, False)],
    "ja": [("light", 360, WORDS, False)],
}
OPEN = ["/login", "/signup", "/signup/done", "/signup/confirm", "/signup/resend", "/password/forgot", "/password/sent"]
OPEN += ["/password/reset", "/email/confirm"]
OWN = ["", "/passkeys", "/email", "/password", "/two-factor", "/sessions", "/applications", "/delete"]
ADMIN = ["", "?q=nobody", "?list=locked&group=sales&from=2026-01-01", "?from=x", "?order=newest", "?list=waiting"]
ADMIN += ["/groups", "/clients", "/clients/new", "/sites", "/definitions", "/keys", "/keys?count=1", "/health"]


class Survey:
    """A browser in one language, and what was found so far."""

    def __init__(self, stage: Stage, language: str) -> None:
        """Begins."""
        self.chromium: Chromium = stage.browser
        self.language = language
        self.found: list[str] = []
        self.begin()

    def begin(self) -> None:
        """Forgets who was signed in."""
        self.chromium.do("begin", {"locale": self.language})

    def look(self, name: str) -> None:
        """Looks at the page that is open."""
        looks = [dict(zip(("scheme", "width", "axe", "shot"), look, strict=True)) for look in LOOKS[self.language]]
        answer = self.chromium.do("survey", [f"{self.language}-{name}", looks])
        self.found.extend(f"{name}: {problem}" for problem in answer["problems"])
        if self.language == "en":
            self.found.extend(f"{name}: {problem}" for problem in self.chromium.do("keyboard")["problems"])

    def visit(self, path: str) -> None:
        """Opens a page and looks at it."""
        text = self.chromium.open(path)
        assert "cannot be served" not in text, path
        self.look(re.sub(r"[^a-z0-9]+", "-", path.strip("/")))


def settle(stage: Stage) -> dict[str, str]:
    """Makes one of everything that pages show; the id and secret of a client."""
    with SSO(config=stage.config) as sso:
        root = sso.user.login("cid", "root-of-all", PASSWORD, APP, ADDRESS).ust
        ann = sso.user.login("cid", "ann", PASSWORD, APP, ADDRESS)
        sso.group.create("cid", "managers", root, APP, ADDRESS, can_manage_users=True, description="Who helps.")
        sso.group.add_member("cid", "managers", ann.user_id, root, APP, ADDRESS)
        sso.user.attr.set("cid", "favourite_colour", "blue", current_ust=ann.ust, current_app=APP, remote_addr=ADDRESS)
        sso.site.create("cid", "shop", ["https://shop.example/a/rather/long/address/to/come/back/to"], APP, ADDRESS)
        grants = ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"]
        data = {"redirect_uris": [CALLBACK], "grants": grants}
        made = sso.client.create("cid", "Example Shop", "web", root, APP, ADDRESS, data=data)
    return {"id": str(made["client_id"]), "secret": str(made["client_secret"])}


def authorize(client_id: str) -> str:
    """Where a client sends a browser."""
    query = {
        "client_id": client_id,
        "redirect_uri": CALLBACK,
        "response_type": "code",
        "scope": "openid profile email",
        "state": "s",
        "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        "code_challenge_method": "S256",
    }
    return f"/oauth2/authorize?{urlencode(query)}"


@contextmanager
def standing(request: pytest.FixtureRequest, folder: Path, driver: Driver) -> Iterator[Stage]:
    """A server on SQLite with a provider."""
    with with_schema(request, "sqlite", folder) as url, ExitStack() as kept:
        config = {**config_of(url, new_key()), "oidc": {"issuer": ISSUER}}
        yield Stage(config, folder, kept, driver)


@pytest.mark.parametrize("language", LOOKS)
def test_every_page_is_right_in_every_language(
    request: pytest.FixtureRequest, tmp_path: Path, driver: Driver, language: str
) -> None:
    with standing(request, tmp_path, driver) as stage:
        client = settle(stage)
        survey = Survey(stage, language)
        chromium = survey.chromium
        for path in OPEN:
            survey.visit(path)
        chromium.open("/login")
        chromium.send({"username": "ann", "password": "wrong"})
        survey.look("login-wrong")
        chromium.open("/signup")
        chromium.send({"username": "ann x", "password": "x"})
        survey.look("signup-wrong")
        survey.visit("/oauth2/authorize?client_id=x")

        chromium.open(authorize(client["id"]))
        survey.look("login-for-a-client")
        chromium.send({"username": "root-of-all", "password": PASSWORD})
        survey.look("consent")
        survey.visit("/device")
        for path in OWN:
            survey.visit(f"/account{path}")
        survey.visit("/logout")
        survey.visit("/login?again=1")
        for path in ADMIN:
            survey.visit(f"/admin{path}")
        chromium.open("/admin")
        chromium.click("tbody a:has-text('ann')")
        survey.look("admin-user")
        chromium.open("/admin/groups")
        chromium.click("tbody a >> nth=0")
        survey.look("admin-group")
        chromium.send({"name": ""}, "form:has([value=save]) button")
        survey.look("admin-group-wrong")
        chromium.open(f"/admin/client/{client['id']}")
        chromium.do("tap", "form summary")
        survey.look("admin-client")
        chromium.send({"access_token_lifetime": "1"}, "form:has([value=save]) button")
        survey.look("admin-client-wrong")
        chromium.open(f"/admin/client/{client['id']}")
        chromium.click("form:has([value=rotate]) button")
        survey.look("admin-client-secret")

        chromium.open("/account/two-factor")
        chromium.click("main form button")
        survey.look("account-set-up")
        key = parse_qs(urlsplit(chromium.do("qr")["text"]).query)["secret"][0]
        chromium.send({"totp_code": totp_code(key)})
        survey.look("account-codes")
        survey.visit("/account/two-factor")
        survey.begin()
        chromium.sign_in("root-of-all")
        survey.look("login-code")
        assert survey.found == []
        chromium.has_no_complaint()


def test_pages_are_light_and_appear_quickly_on_a_slow_phone(
    request: pytest.FixtureRequest, tmp_path: Path, driver: Driver
) -> None:
    with standing(request, tmp_path, driver) as stage:
        chromium = stage.browser
        measured: dict[str, Any] = {}
        chromium.sign_in("root-of-all")
        for path in ["/login?again=1", "/admin"]:
            # A processor four times as slow as this one, the median of five.
            measured[path] = chromium.do("paint", [f"{stage.base}{path}", 4, 5])
        (ARTIFACTS / "first-paint.json").write_text(json.dumps(measured, indent=1), encoding="utf-8")
        for path, figures in measured.items():
            # All of a page, compressed. One request: nothing else is fetched.
            assert figures["bytes"] < 40_000, path
            assert figures["requests"] == 1, path
            # Far above what it takes: machines that run tests are busy.
            assert figures["paint"] < 2000, path
