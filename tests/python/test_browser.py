"""Single sign-on between web sites in a real browser, and the sessions API from PHP.

Two web sites, which are PHP's own server with the client of tests/php, and this server have a host each, over TLS;
Chromium goes from one to the other. What it shows at each step is kept in target/browser.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
import trustme
from chromium import BROWSER_FILES, tool
from faces import serving
from support import PASSWORD, Config
from zato_sso import SSO

ROOT = Path(__file__).parents[2]
PHP_FILES = ROOT / "tests" / "php"
ARTIFACTS = ROOT / "target" / "browser"
SHOP, BLOG, SSO_URL = "https://shop.example", "https://blog.example", "https://sso.example"
NAME = "Ann Åkesson"


def keys_of(site: dict[str, Any]) -> dict[str, str]:
    return {"SSO_PUBLIC_KEY": site["public_key"], "SSO_PRIVATE_KEY": site["private_key"]}


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def web_site(url: str, api: str, keys: dict[str, str], folder: Path) -> Iterator[int]:
    """A web site in PHP; its port."""
    port = free_port()
    folder.mkdir()
    environment = {**os.environ, **keys, "SSO_API": api, "SSO_URL": SSO_URL, "SITE_URL": url}
    command = [
        *tool("php"),
        "-d",
        f"session.save_path={folder}",
        "-S",
        f"127.0.0.1:{port}",
        str(PHP_FILES / "site.php"),
    ]
    with (folder / "log").open("w") as log, subprocess.Popen(command, env=environment, stderr=log) as process:
        try:
            for _ in range(200):
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                assert process.poll() is None, (folder / "log").read_text()
                time.sleep(0.05)
            yield port
        finally:
            process.terminate()


class Ring:
    """A server with two web sites, and what it takes to send a browser there."""

    def __init__(self, config: Config, folder: Path, *, one_key_pair: bool) -> None:
        self.folder = folder
        callbacks = [f"{SHOP}/callback", f"{BLOG}/callback"]
        with SSO(config=config) as sso:
            if one_key_pair:
                self.shop = self.blog = sso.site.create("c1", "all", callbacks)
            else:
                self.shop = sso.site.create("c1", "shop", callbacks[:1])
                self.blog = sso.site.create("c2", "blog", callbacks[1:])
            # Only for a moment: web sites recognise each other's visitors without being trusted.
            sso.site.update("c6", self.shop["subdomain"], trusted=True)
            eve = sso.user.create_user("c3", {"username": "eve"}, require_super_user=False, auto_approve=True)
            (foreign,) = sso.identity.get_list("c4", eve)
            started = sso.site.start_session("c5", self.shop["subdomain"], foreign["identity_token"])
            self.foreign_token = started["sso_session_token"]
            sso.site.update("c7", self.shop["subdomain"], trusted=False)

    def drive(self, ports: dict[str, int], artifacts: Path, **more: object) -> dict[str, Any]:
        """Sends the browser; what it met."""
        authority = trustme.CA()
        certificate = authority.issue_cert("shop.example", "blog.example", "sso.example", "evil.example")
        certificate.private_key_pem.write_to_path(self.folder / "key.pem")
        certificate.cert_chain_pems[0].write_to_path(self.folder / "certificate.pem")
        shutil.rmtree(artifacts, ignore_errors=True)
        artifacts.mkdir(parents=True)
        (chromium,) = tool("chromium")
        config = {
            "key": str(self.folder / "key.pem"),
            "certificate": str(self.folder / "certificate.pem"),
            "profile": str(self.folder / "profile"),
            "chromium": chromium,
            "artifacts": str(artifacts),
            "ports": ports,
            "login": "ann",
            "password": PASSWORD,
            "foreignToken": self.foreign_token,
            **more,
        }
        (self.folder / "drive.json").write_text(json.dumps(config), encoding="utf-8")
        command = [*tool("node"), str(BROWSER_FILES / "drive.mjs"), str(self.folder / "drive.json")]
        done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
        assert done.returncode == 0, done.stderr
        met: dict[str, Any] = json.loads(done.stdout)
        assert "error" not in met["steps"], (met["steps"]["error"], met["messages"])
        return met


@pytest.mark.parametrize(
    ("one_key_pair", "blocked"), [(True, True), (False, False)], ids=["one-key-pair", "a-key-pair-each"]
)
def test_a_visitor_of_one_web_site_is_recognised_by_another(
    config: Config, tmp_path: Path, one_key_pair: bool, blocked: bool
) -> None:
    ring = Ring(config, tmp_path, one_key_pair=one_key_pair)
    with ExitStack() as stack:
        url = stack.enter_context(serving(config, tmp_path)).url
        ann = {"login": "ann", "password": PASSWORD, "identity": {"displayName": NAME}}
        keys = (ring.shop["public_key"], ring.shop["private_key"])
        made = requests.post(f"{url}/storage/users.json", json={"request": {"user": ann}}, auth=keys, timeout=60)
        assert made.status_code == 201, made.text
        shop = stack.enter_context(web_site(SHOP, url, keys_of(ring.shop), tmp_path / "shop"))
        blog = stack.enter_context(web_site(BLOG, url, keys_of(ring.blog), tmp_path / "blog"))
        ports = {"shop.example": shop, "blog.example": blog, "sso.example": int(url.rsplit(":", 1)[1])}
        engine = config["database"]["url"].split(":")[0]
        artifacts = ARTIFACTS / f"{'one-key-pair' if one_key_pair else 'a-key-pair-each'}-{engine}"
        met = ring.drive(ports, artifacts, oneKeyPair=one_key_pair, blockThirdPartyCookies=blocked)
    steps = met["steps"]

    def shown(name: str) -> tuple[str, str]:
        return steps[name]["url"], steps[name]["text"]

    there_and_back = ["GET blog.example/", "GET sso.example/sso/library.js", "GET sso.example/sso/check"]
    assert shown("blog-before") == (f"{BLOG}/?x=1#there", "Nobody")
    asked = [line for line in steps["blog-before"]["requests"] if "favicon" not in line]
    assert asked == [*there_and_back, "GET blog.example/"]

    assert shown("shop-logged-in") == (f"{SHOP}/", f"Hello {NAME}")
    assert steps["shop-logged-in"]["requests"].count("POST sso.example/sso/register") == 1
    (cookie,) = steps["shop-logged-in"]["cookies"]
    assert cookie.pop("value")
    assert cookie == {
        "name": "__Host-zato_sso",
        "domain": "sso.example",
        "path": "/",
        "secure": True,
        "httpOnly": True,
        "sameSite": "Lax",
    }
    assert "POST sso.example/sso/register" not in steps["shop-again"]["requests"]
    assert steps["shop-again"]["thirdPartyCookie"] == ("" if blocked else "third=1")

    assert shown("blog-recognised") == (f"{BLOG}/?x=2", f"Hello {NAME}")
    assert "POST blog.example/callback" in steps["blog-recognised"]["requests"]

    assert steps["foreign-session"]["isUnchanged"]
    assert "No web site of that origin" in steps["foreign-session"]["text"]
    # In a frame there is no cookie, and so nobody to recognise.
    assert "POST blog.example/callback" not in steps["foreign-frame"]["requests"]
    assert steps["foreign-callback"]["status"] == 400
    assert steps["foreign-callback"]["url"].startswith(f"{SSO_URL}/sso/check")
    assert "it is not on the list of a site" in steps["foreign-callback"]["text"]
    assert shown("foreign-code")[1] == f"Hello {NAME}"

    assert shown("shop-logged-out") == (f"{SHOP}/", "Nobody")
    if not one_key_pair:
        assert shown("blog-still")[1] == f"Hello {NAME}"
    assert shown("blog-forgotten")[1] == shown("blog-forgotten-anew")[1] == "Nobody"
    assert "GET sso.example/sso/check" in steps["blog-forgotten-anew"]["requests"]
    assert shown("shop-logged-in-again")[1] == shown("blog-recognised-again")[1] == f"Hello {NAME}"
    shots = sorted(path.name for path in artifacts.iterdir())
    assert len(shots) == len(steps)


def test_a_php_client_makes_every_documented_call(config: Config, tmp_path: Path) -> None:
    with SSO(config=config) as sso:
        site = sso.site.create("c1", "shop", [])
    with serving(config, tmp_path) as rest:
        environment = {**os.environ, **keys_of(site), "SSO_API": rest.url}
        command = [*tool("php"), str(PHP_FILES / "calls.php")]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    came = json.loads(done.stdout)

    user = came["created"]
    assert (user["login"], user["identity"]["displayName"]) == ("bea", "Bea Åkesson")
    assert user["identity"]["accounts"] == [{"id": 7}]
    assert user["identity"]["externalid"] == "45673"
    assert came["lookup"] == came["user"] == user
    assert came["identity"] == {**user["identity"], "user_token": user["user_token"]}
    assert came["updated"]["identity"]["displayName"] == "Bea"
    assert came["users"]["pagination"]["entries_per_page"] == 1
    assert came["users"]["entries"][0]["user_token"] == user["user_token"]
    assert came["wrong_password"] is None

    started = came["started"]
    assert started["identity_token"] == user["identity"]["identity_token"]
    assert (started["top_realm"], started["sub_realm"]) == ("garden", "vegetables")
    assert started["data"] == {"cart": [1, 2]}
    assert came["session"] == came["session_of_identity"] == started
    assert came["sessions"]["count"] == came["sessions"]["pagination"]["total_entries"] == 1
    assert came["sessions"]["entries"][0]["sso_session_token"] == started["sso_session_token"]
    for gone in ("replaced", "ended", "ended_of_identity", "guessed", "connection"):
        assert came[gone] is None, gone
    assert [came[name] for name in ("twice", "not_confirmed", "end_again", "wrong_key")] == [409, 400, 404, 401]

    assert (came["site"]["name"], came["site"]["subdomain"]) == ("shop", "shop")
    assert came["site"]["subscription_plan"]["features"]["has_single_signon"] is True
    token = user["user_token"]
    assert [found["user_token"] for found in came["found"] + came["with_password"]] == [token] * 6
    assert came["not_found"] == came["with_wrong_password"] == [None] * 3

    urls = [{"value": "https://a.example"}, {"value": "https://b.example"}]
    assert (came["replaced_profile"]["urls"], "displayName" in came["replaced_profile"]) == (urls[:1], False)
    assert (came["appended_profile"]["urls"], came["appended_profile"]["displayName"]) == (urls, "Bea")
    assert came["kept_profile"]["urls"] == urls

    anonymous, made = came["anonymous"], came["made"]
    assert (anonymous["login"], anonymous["externalid"], came["mapped"]) == (None, "7", "8")
    assert [found["user_token"] for found in came["synchronized"]] == [anonymous["user_token"]] * 3
    assert [found["login"] for found in came["synchronized"]] == ["cy"] * 3
    assert came["synchronized"][2]["identity"]["displayName"] == "Cy"
    assert (made["login"], made["externalid"]) == ("dora", "9")

    assert (came["identities"]["count"], came["identities"]["pagination"]["total_entries"]) == (2, 3)
    assert came["identities"]["entries"][0]["identity_token"] == user["identity"]["identity_token"]
    own = anonymous["identity"]["identity_token"]
    assert [found["identity_token"] for found in came["synchronized_identity"]] == [own, own]
    assert came["linked"]["user"]["user_token"] == came["linked"]["identity"]["user_token"] == made["user_token"]
    assert came["left"] == "8"
    assert [came[name] for name in ("mapped_twice", "nothing_to_make")] == [409, 404]
    assert [came[name] for name in ("identity_not_confirmed", "user_not_confirmed")] == [400, 400]
    assert [came[name] for name in ("identity_gone", "user_gone")] == [404, 404]
    assert came["connections"]["count"] == 0

    assert set(came["forms"].values()) == {user["identity"]["identity_token"]}
    assert came["flags"] == {"true": None, "TRUE": None, "1": None}
    assert list(came["strange"].values()) == ["users", "users", "site"]
    assert set(came["unknown"].values()) == {404, 405}
    assert (came["broken"], came["too_large"]) == (400, 413)
