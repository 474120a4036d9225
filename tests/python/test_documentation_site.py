"""The documentation as a site: it builds without a warning, has all calls and endpoints, and loads only its own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from test_docs import calls

ROOT = Path(__file__).resolve().parents[2]
# The elements that make a browser load something, by the attribute that says what.
LOADS = {
    "script": "src",
    "img": "src",
    "link": "href",
    "iframe": "src",
    "source": "src",
    "object": "data",
    "form": "action",
}


class Loads(HTMLParser):
    """What a page would load."""

    def __init__(self) -> None:
        super().__init__()
        self.urls: list[str] = []
        self.policies = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag in LOADS and values.get("rel") not in {"canonical", "next", "prev"}:
            self.urls.append(values.get(LOADS[tag]) or "")
        self.policies += values.get("http-equiv") == "Content-Security-Policy"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", "--site-dir", str(folder)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return folder


def test_it_loads_nothing_from_elsewhere(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    assert len(pages) > 50
    for page in pages:
        found = Loads()
        found.feed(page.read_text(encoding="utf-8"))
        assert found.policies == 1, page.name
        # The page for what is not there may be shown at any address, so its own are absolute.
        assert [url for url in found.urls if re.match(r"[a-z]+:|//", url)] == [], page.name
    for sheet in site.rglob("*.css"):
        urls = re.findall(r"url\(([^)]*)\)", sheet.read_text(encoding="utf-8"))
        assert [url for url in urls if re.match(r"[\"']?(https?:|//)", url)] == [], sheet.name


def test_the_reference_has_every_call(site: Path) -> None:
    pages = "\n".join(page.read_text(encoding="utf-8") for page in (site / "reference" / "python").glob("*.html"))
    named = set(re.findall(r'id="zato_sso\._core\.\w+\.(\w+)"', pages))
    assert {path.rpartition(".")[2] for path in calls()} - named - {"open"} == set()


def test_the_reference_has_every_endpoint(site: Path) -> None:
    document = json.loads((ROOT / "docs" / "openapi.json").read_text(encoding="utf-8"))
    pages = "\n".join(page.read_text(encoding="utf-8") for page in (site / "reference" / "rest").glob("*.html"))
    for path, methods in document["paths"].items():
        for method in methods:
            assert f">{method.upper()} {path}<" in pages
    # No part of the document was left as it is.
    assert "$ref" not in pages
