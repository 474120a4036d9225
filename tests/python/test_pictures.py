"""The pictures of pages in README.md and docs/pages.md: `make pictures` draws them.

Pixels are not compared: fonts differ from machine to machine.
"""

from __future__ import annotations

import os
import shutil
import struct
from contextlib import ExitStack
from pathlib import Path

import pytest
from chromium import Driver
from support import PASSWORD, Config
from test_browser import ROOT
from test_pages import ARTIFACTS, Stage
from zato_sso import SSO

SIGN_IN = "pages-sign-in.png"
ADMIN = "pages-admin.png"
LARGEST = 60_000
PEOPLE = [
    ("bo", "Bo Lindqvist", True),
    ("celine", "Céline Durand", True),
    ("dawid", "Dawid Nowak", False),
    ("eleni", "Ελένη Παππά", True),
    ("filip", "Filip Černý", False),
]


def size_of(picture: Path) -> tuple[int, int]:
    """Width and height of a PNG."""
    head = picture.read_bytes()[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n", picture
    width, height = struct.unpack(">II", head[16:24])
    return int(width), int(height)


def test_the_pages_that_pictures_show_are_drawn(config: Config, tmp_path: Path, driver: Driver) -> None:
    with ExitStack() as kept:
        stage = Stage(config, tmp_path, kept, driver)
        with SSO(config=stage.config) as sso:
            for username, display_name, is_approved in PEOPLE:
                data = {"username": username, "password": PASSWORD, "email": f"{username}@example.com"}
                data["display_name"] = display_name
                sso.user.create_user("cid", data, require_super_user=False, auto_approve=is_approved)
        chromium = stage.browser
        chromium.do("begin", {"viewport": {"width": 860, "height": 820}, "colorScheme": "light", "locale": "en"})
        assert "Forgot your password?" in chromium.open("/login")
        chromium.do("picture", [SIGN_IN, 520])
        assert chromium.sign_in("root-of-all") == "/account"
        text = chromium.open("/admin")
        assert all(display_name in text for _, display_name, _ in PEOPLE)
        chromium.do("picture", [ADMIN, 690])
        chromium.has_no_complaint()
    drawn = ARTIFACTS / config["database"]["url"].split(":")[0]
    for name in (SIGN_IN, ADMIN):
        assert 5_000 < (drawn / name).stat().st_size < LARGEST, name
        if os.environ.get("UPDATE_PICTURES"):
            shutil.copyfile(drawn / name, ROOT / "docs" / name)


@pytest.mark.parametrize("name", [SIGN_IN, ADMIN])
def test_the_pictures_are_there_and_small(name: str) -> None:
    picture = ROOT / "docs" / name
    assert picture.stat().st_size < LARGEST
    assert size_of(picture)[0] == 860
    assert f"(docs/{name})" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"({name})" in (ROOT / "docs" / "pages.md").read_text(encoding="utf-8")
