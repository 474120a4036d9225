"""Passkeys on the pages, in Chromium with virtual authenticators: platform and roaming, of all kinds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from chromium import Chromium, Driver
from faces import serving
from support import ADDRESS, APP, PASSWORD, Config, changed, log_in, super_user
from test_pages import ARTIFACTS
from zato_sso import SSO

PLATFORM = {"transport": "internal", "hasResidentKey": True, "hasUserVerification": True, "isUserVerified": True}
ROAMING = {**PLATFORM, "transport": "usb"}
# A key that is touched, and neither knows its owner nor keeps a list.
TOUCHED = {"transport": "usb", "hasResidentKey": False, "hasUserVerification": False}
BUTTON = "form[data-passkey] button"
# Only the button asks for passkeys.
NO_AUTOFILL = "window.PublicKeyCredential.isConditionalMediationAvailable = async () => false;"


class Stage:
    """A server at localhost, where passkeys may be, and a browser."""

    def __init__(self, config: Config, folder: Path, kept: ExitStack, driver: Driver) -> None:
        """Starts them."""
        self.config = changed(config, pages={"site_name": "Example"})
        with SSO(config=self.config) as sso:
            ann = {"username": "ann", "password": PASSWORD}
            sso.user.create_user("cid", ann, require_super_user=False, auto_approve=True)
        self.base = kept.enter_context(serving(self.config, folder)).url.replace("127.0.0.1", "localhost")
        engine = config["database"]["url"].split(":")[0]
        self.browser = Chromium(driver, self.base, ARTIFACTS / engine)
        kept.callback(self.browser.leave)

    def add(self, options: dict[str, Any], name: str = "phone") -> str:
        """Signs in with the password and adds a passkey of a new authenticator; the id of that one."""
        chromium = self.browser
        authenticator: str = chromium.do("authenticator", options)["authenticatorId"]
        if "/login" in chromium.do("open", f"{self.base}/account/passkeys")["url"]:
            chromium.send({"username": "ann", "password": PASSWORD})
        chromium.open("/account/passkeys")
        path, text = chromium.send({"name][id=name": name}, "form[data-passkey=create] button")
        assert (path, name in text) == ("/account/passkeys?done=passkey-added", True)
        return authenticator

    def sign_out(self) -> None:
        """Signs out."""
        self.browser.open("/account")
        assert self.browser.click("header button")[0] == "/login?done=logout"

    def enroll(self) -> None:
        """Has somebody else turn two-step sign-in on for ann: with a passkey, her password alone does not do it."""
        with SSO(config=self.config) as sso:
            root = log_in(sso, super_user(sso))
            ann = sso.user.get_user_by_username("cid", "ann")
            assert ann
            sso.user.update_user_by_id("cid", ann.user_id, {"is_totp_enabled": True}, root, APP, ADDRESS)


@pytest.fixture
def stage(config: Config, tmp_path: Path, driver: Driver) -> Iterator[Stage]:
    with ExitStack() as kept:
        yield Stage(config, tmp_path, kept, driver)


@pytest.mark.parametrize("options", [PLATFORM, ROAMING], ids=["platform", "roaming"])
def test_a_passkey_is_added_used_by_the_button_renamed_and_removed(stage: Stage, options: dict[str, Any]) -> None:
    chromium = stage.browser
    chromium.do("init", NO_AUTOFILL)
    authenticator = stage.add(options, "Ann's key")
    [credential] = chromium.do("webauthn", ["getCredentials", {"authenticatorId": authenticator}])["credentials"]
    assert (credential["isResidentCredential"], credential["rpId"]) == (True, "localhost")
    # The same device has no second one of this account.
    chromium.do("tap", "form[data-passkey=create] button")
    assert "No passkey was added" in chromium.do("appears", "form[data-passkey=create] [data-failed]")["text"]
    assert chromium.do("axe")["violations"] == []
    stage.sign_out()
    assert chromium.click(BUTTON)[0] == "/account"
    assert "Signed in as ann" in chromium.open("/account")
    chromium.open("/account/passkeys")
    path, text = chromium.send({"name": "key"}, "li form.row button")
    assert (path, "was renamed" in text) == ("/account/passkeys?done=passkey-renamed", True)
    path, text = chromium.click("li button.danger")
    assert (path, "You have no passkeys yet" in text) == ("/account/passkeys?done=passkey-removed", True)
    stage.sign_out()
    # The device still has it.
    path, text = chromium.click(BUTTON)
    assert (path, "This passkey cannot be used here" in text) == ("/login/passkey", True)
    chromium.has_no_complaint()


def test_the_browser_offers_a_passkey_by_itself(stage: Stage) -> None:
    chromium = stage.browser
    stage.add(PLATFORM)
    chromium.open("/account")
    # The list under the username field: a virtual authenticator chooses without being asked.
    chromium.do("tap", "header button")
    assert chromium.do("arrive", f"{stage.base}/account")["url"] == f"{stage.base}/account"
    chromium.has_no_complaint()


def test_a_touched_key_is_the_second_step(stage: Stage) -> None:
    chromium = stage.browser
    authenticator = stage.add(TOUCHED)
    [credential] = chromium.do("webauthn", ["getCredentials", {"authenticatorId": authenticator}])["credentials"]
    assert credential["isResidentCredential"] is False
    stage.enroll()
    # Its session has ended with the change of the second factor.
    assert chromium.sign_in("ann") == "/login/code"
    assert chromium.click(BUTTON)[0] == "/account"
    chromium.has_no_complaint()


def test_with_verification_it_counts_for_both_steps(stage: Stage) -> None:
    chromium = stage.browser
    chromium.do("init", NO_AUTOFILL)
    stage.add(ROAMING)
    stage.enroll()
    chromium.open("/login")
    assert chromium.click(BUTTON)[0] == "/account"
    chromium.has_no_complaint()


def test_a_copied_key_is_found_out(stage: Stage) -> None:
    chromium = stage.browser
    chromium.do("init", NO_AUTOFILL)
    authenticator = stage.add(ROAMING)
    whose = {"authenticatorId": authenticator}
    stage.sign_out()
    [copied] = chromium.do("webauthn", ["getCredentials", whose])["credentials"]
    assert chromium.click(BUTTON)[0] == "/account"
    assert chromium.click("header button")[0] == "/login?done=logout"
    chromium.do("webauthn", ["clearCredentials", whose])
    chromium.do("webauthn", ["addCredential", {**whose, "credential": {**copied, "signCount": 0}}])
    path, text = chromium.click(BUTTON)
    assert (path, "This passkey cannot be used here" in text) == ("/login/passkey", True)


def test_without_javascript_nothing_of_it_is_in_the_way(stage: Stage) -> None:
    chromium: Chromium = stage.browser
    chromium.do("begin", {"javaScriptEnabled": False})
    text = chromium.open("/login")
    assert "passkey" not in text
    assert chromium.send({"username": "ann", "password": PASSWORD})[0] == "/account"
    assert "Passkeys need JavaScript" in chromium.open("/account/passkeys")
