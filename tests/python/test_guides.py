"""The start and the guides: each page runs from top to bottom in one folder, as a reader would go through it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from inbox import Inbox
from support import new_key
from test_readme import Block, run_python, server

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
BLOCK = re.compile(r"^(?:<!-- (?:from|(recipe)) (\S+) -->\n)?```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PAGES = sorted(DOCS.rglob("*.md"))


def blocks(path: Path) -> Iterator[tuple[str | None, Block]]:
    """The blocks of a page, each with the file that it is a part of, without recipes and pictures."""
    text = path.read_text(encoding="utf-8")
    for found in BLOCK.finditer(text):
        if not found[1] and found[3] != "mermaid":
            yield found[2], Block(path, text.count("\n", 0, found.start()) + 1, found[3], found[4])


PARTS = [(source, block) for page in PAGES for source, block in blocks(page) if source]
SETTINGS = [block for page in PAGES for _, block in blocks(page) if block.language == "toml"]


@pytest.mark.parametrize(("source", "block"), PARTS, ids=lambda value: getattr(value, "name", ""))
def test_a_part_of_an_example_is_in_its_file(source: str, block: Block) -> None:
    # test_web_examples.py runs the files.
    assert source.startswith("examples/")
    assert f"\n{block.text}" in f"\n{(ROOT / source).read_text(encoding='utf-8')}"


@pytest.mark.parametrize("block", SETTINGS, ids=lambda block: block.name)
def test_settings_are_accepted(block: Block, tmp_path: Path) -> None:
    file = tmp_path / "sso.toml"
    file.write_text(block.text)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ZATO_SSO_")}
    command = [sys.executable, "-m", "zato_sso", "--config", str(file), "config", "show"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{block.name}\n{done.stderr}"


def run_page(name: str, folder: Path, **environment: str) -> None:
    """Runs the blocks of a page: a server goes on until the end, JSON is what the command before it printed."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "NO_PROXY": "*", **environment}
    listen, printed, ran = "localhost:17010", "", 0
    with ExitStack() as stack:
        for source, block in blocks(DOCS / name):
            if source:
                continue
            if block.language == "toml":
                (folder / block.text.partition("\n")[0].removeprefix("# ")).write_text(block.text)
            elif block.language == "json":
                assert list(json.loads(block.text)) == list(json.loads(printed)), block.name
            elif block.language == "python":
                run_python(block, folder)
            elif block.text == "zato-sso serve\n":
                listen = stack.enter_context(server(folder))
            else:
                lines = [line for line in block.text.splitlines() if not line.startswith("pip ")]
                text = "\n".join(lines).replace("localhost:17010", listen)
                done = subprocess.run(
                    ["bash", "-euo", "pipefail", "-c", text],
                    cwd=folder,
                    env=environment,
                    capture_output=True,
                    text=True,
                    check=False,
                )
                assert done.returncode == 0, f"{block.name}\n{done.stdout}{done.stderr}"
                printed = done.stdout
            ran += 1
    assert ran > 0


@pytest.mark.parametrize(
    "page",
    ["quick-start.md", "guides/applications.md", "guides/sites.md", "guides/existing-users.md", "guides/two-factor.md"],
)
def test_a_page_runs_from_top_to_bottom(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ZATO_SSO_DATABASE_URL", "ZATO_SSO_SECRET_KEY"):
        monkeypatch.delenv(name, raising=False)
    run_page(page, tmp_path)


def test_the_page_about_production_runs_on_postgresql(tmp_path: Path, postgres_url: str, mail: Inbox) -> None:
    run_page(
        "guides/production.md",
        tmp_path,
        ZATO_SSO_DATABASE_URL=postgres_url,
        ZATO_SSO_SECRET_KEY=new_key(),
        ZATO_SSO_SMTP__URL=mail.url,
        ZATO_SSO_AUDIT__FILE="off",
    )


def test_every_guide_runs_or_is_a_part_of_an_example() -> None:
    running = Path(__file__).read_text(encoding="utf-8")
    for page in (DOCS / "guides").glob("*.md"):
        shell = [block for source, block in blocks(page) if source is None and block.language == "sh"]
        assert not shell or f'"guides/{page.name}"' in running, page.name
