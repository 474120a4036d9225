"""The examples of the README and of docs/ work as they stand."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]
# What moves users needs another system beside: test_recipes.py has it. test_guides.py has parts of files in examples/.
RECIPE = re.compile(r"<!-- (recipe [a-z0-9-]+|from [\w./-]+) -->$")
COMMAND = str(Path(sys.executable).with_name("zato-sso"))


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    page: Path
    line: int
    language: str
    text: str

    @property
    def name(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks(page: Path) -> Iterator[Block]:
    text = page.read_text(encoding="utf-8")
    for found in re.finditer(r"^```(\w+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        if RECIPE.search(text[: found.start()].rstrip()):
            continue
        yield Block(page, text.count("\n", 0, found.start()) + 1, found[1], found[2])


BLOCKS = [block for page in PAGES for block in blocks(page)]
PYTHON = [block for block in BLOCKS if block.language in {"python", "py"}]
SHELL = [block for block in BLOCKS if block.language in {"sh", "bash", "shell", "console"}]
README_PYTHON = [block for block in PYTHON if block.page.name == "README.md" and block.page.parent == ROOT]


def run_python(block: Block, folder: Path) -> subprocess.CompletedProcess[str]:
    # As in a shell where the environment with the package is the one in use, its commands are found.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", block.text],
        cwd=folder,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{block.name}\n{done.stdout}{done.stderr}"
    return done


@contextmanager
def server(folder: Path) -> Iterator[str]:
    """`zato-sso serve` on a free port; what stands for `localhost:17010`."""
    with (folder / "server.log").open("w") as log:
        process = subprocess.Popen(
            [COMMAND, "--json", "serve", "--listen", "127.0.0.1:0"],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    with process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line, (folder / "server.log").read_text()
            yield json.loads(line)["listen"]
        finally:
            process.terminate()
            status = process.wait(30)
    assert status == 0


@pytest.fixture(autouse=True)
def no_settings_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ZATO_SSO_DATABASE_URL", "ZATO_SSO_SECRET_KEY"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("block", PYTHON, ids=lambda block: block.name)
def test_a_python_block_runs_in_an_empty_folder(block: Block, tmp_path: Path) -> None:
    run_python(block, tmp_path)


def test_the_readme_has_one_python_example_of_at_most_fifteen_lines() -> None:
    (block,) = README_PYTHON
    assert len([line for line in block.text.splitlines() if line.strip()]) <= 15


def test_the_readme_leads_from_python_to_curl(tmp_path: Path) -> None:
    assert run_python(README_PYTHON[0], tmp_path).stdout.startswith("True\n")
    (curl,) = [block for block in SHELL if block.page == ROOT / "README.md" and "curl " in block.text]
    if shutil.which("curl") is None:
        pytest.fail("curl is not installed: the example needs it, and so does this test")
    with server(tmp_path) as listen:
        text = curl.text.replace("localhost:17010", listen).replace(
            "curl ", "curl --silent --show-error --noproxy '*' "
        )
        done = subprocess.run(["sh", "-c", text], cwd=tmp_path, capture_output=True, text=True, check=False)
    answer = json.loads(done.stdout)
    (shown,) = [json.loads(block.text) for block in BLOCKS if block.page == curl.page and block.language == "json"]
    assert list(answer) == list(shown)
    assert answer["status"] == shown["status"] == "ok"


def test_commands_that_are_named_exist() -> None:
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    code = re.findall(r"`([^`\n]+)`", text) + [line for block in SHELL for line in block.text.splitlines()]
    asked = set()
    for line in code:
        if found := re.match(r"make ([a-z]+)\b", line):
            assert re.search(rf"^{found[1]}:", makefile, re.MULTILINE), line
        if found := re.match(r"zato-sso ([a-z-]+)", line):
            arguments = [COMMAND, "--help"] if found[1].startswith("-") else [COMMAND, found[1], "--help"]
            if found[1] not in asked:
                assert subprocess.run(arguments, capture_output=True, check=False).returncode == 0, line
            asked.add(found[1])
