"""The pages in docs/ name all that there is: calls, endpoints, commands, keys of the configuration, status codes."""

from __future__ import annotations

import inspect
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import parse_qs, urlsplit

import pytest
import zato_sso
from support import config_of, new_key
from zato_sso import SSO, aio, status_code
from zato_sso._core import AttrAPI

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = {
    str(page.relative_to(DOCS)): page.read_text(encoding="utf-8")
    for page in [*sorted(DOCS.glob("*.md")), *sorted(DOCS.glob("guides/*.md"))]
}
COMMAND = str(Path(sys.executable).with_name("zato-sso"))
PREFIX = "/zato/sso"
Calls: TypeAlias = dict[str, str]


def joined(text: str) -> str:
    """A text on one line: calls may be broken over several."""
    return re.sub(r"(?<=\() | (?=\))", "", re.sub(r"\s+", " ", text))


def code_of(text: str) -> str:
    """What stands as code in a page: blocks, and words between backticks."""
    blocks = re.findall(r"^```\w*\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return joined("\n".join([*blocks, *re.findall(r"`([^`\n]+)`", text)]))


CODE = {name: code_of(text) for name, text in PAGES.items()}
ALL_CODE = "\n".join(CODE.values())


def stands_as_code(words: str, pages: str = ALL_CODE) -> bool:
    """Whether a page has these words as code, not as a part of longer ones."""
    return re.search(rf"(?<![\w.-]){re.escape(words)}(?![\w-])", pages) is not None


def public(branch: object, path: str = "") -> Iterator[tuple[str, Callable[..., Any]]]:
    """Every call of a branch, and of those that grow from it."""
    for name in dir(branch):
        if name.startswith("_"):
            continue
        found = getattr(branch, name)
        if callable(found):
            yield f"{path}{name}", found
        elif type(found).__module__ == "zato_sso._core":
            yield from public(found, f"{path}{name}.")


def calls_of(root: object) -> Calls:
    """Every call by its path, as it is written in the pages."""
    return {path: f"{path}{inspect.signature(call)}" for path, call in public(root)}


@cache
def calls() -> Calls:
    """The calls of both trees: that for asyncio has one more, `open`."""
    config = config_of("sqlite::memory:", new_key())
    with SSO(config=config) as sso:
        blocking = calls_of(sso)
    awaited = calls_of(aio.SSO(config=config))
    assert set(awaited) == {*blocking, "open"}
    assert all(awaited[path] == signature for path, signature in blocking.items())
    return awaited


def test_every_call_stands_on_a_page_with_its_signature() -> None:
    missing = [
        signature
        for path, signature in calls().items()
        # The same as sso.session; and attributes are described once, for users and for sessions.
        if not path.startswith("user.session.") and ".attr." not in path and signature not in ALL_CODE
    ]
    assert missing == []


def test_every_call_of_attributes_stands_on_their_page() -> None:
    page = CODE["attributes.md"]
    on_objects = {name: inspect.signature(getattr(AttrAPI, name)) for name in dir(AttrAPI) if not name.startswith("_")}
    for name, signature in on_objects.items():
        # Without `self`.
        shown = signature.replace(parameters=list(signature.parameters.values())[1:])
        assert f"attr.{name}{shown}" in page
    for path in calls():
        _, on_attributes, name = path.partition(".attr.")
        assert not on_attributes or name in on_objects


def test_every_hook_stands_on_the_page_of_hooks() -> None:
    hooks = aio.SSO(config=config_of("sqlite::memory:", new_key())).hooks
    names = [name for name in dir(hooks) if not name.startswith("_")]
    assert len(names) > 1
    for name in names:
        assert re.search(rf"^\| `{name}\(", PAGES["hooks.md"], re.MULTILINE), name


def test_what_the_package_exports_stands_on_the_page_of_python() -> None:
    for name in zato_sso.__all__:
        if not name.startswith("__"):
            page = CODE["python.md"]
            assert stands_as_code(name, page) or stands_as_code(f"zato_sso.{name}", page), name


def endpoints() -> dict[str, dict[str, Any]]:
    """What the OpenAPI document describes, by method and path behind the prefix."""
    document = json.loads((DOCS / "openapi.json").read_text(encoding="utf-8"))
    return {
        f"{method.upper()} {path.removeprefix(PREFIX)}": operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


def elements(operation: dict[str, Any]) -> list[str]:
    """The names of what an endpoint takes."""
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    return [parameter["name"] for parameter in operation.get("parameters", [])] + list(body.get("properties", {}))


ENDPOINTS = endpoints()


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_every_endpoint_stands_in_a_table_with_all_that_it_takes(endpoint: str) -> None:
    # Several methods on one path that take the same share a row.
    method, _, path = endpoint.partition(" ")
    rows = [
        row
        for text in PAGES.values()
        for row in re.findall(r"^\|.*$", text, re.MULTILINE)
        if (cell := re.match(r"\|([^|]*)\|", row)) and re.search(rf"`[A-Z, ]*\b{method}\b[A-Z, ]* {path}`", cell[1])
    ]
    assert len(rows) == 1
    for element in elements(ENDPOINTS[endpoint]):
        assert f"`{element}`" in rows[0], element


def test_tables_name_no_endpoint_that_there_is_not() -> None:
    beside = {"GET /metrics", "GET /openapi.json", "GET /docs"}
    # What browsers come for is not for programs, and so not in the document.
    beside |= {"GET /sso/library.js", "POST /sso/register", "GET /sso/check"}
    for name, text in PAGES.items():
        for methods, path in re.findall(r"^\| *`([A-Z, ]+) (/[\w/.]+)`", text, re.MULTILINE):
            for method in methods.split(", "):
                assert f"{method} {path}" in {*ENDPOINTS, *beside}, name


def test_curl_examples_call_what_there_is_with_what_it_takes() -> None:
    found = 0
    for name, text in PAGES.items():
        if name.startswith("guides/"):
            continue  # test_guides.py runs them
        for line in re.findall(r"^curl .*", text.replace("\\\n", " "), re.MULTILINE):
            words = shlex.split(line)
            url = urlsplit("//" + next(word for word in words if word.startswith("localhost")))
            body = json.loads(words[words.index("-d") + 1]) if "-d" in words else {}
            given = re.search(r" -X ?([A-Z]+)", line)
            method = given[1] if given else "POST" if body else "GET"
            operation = ENDPOINTS[f"{method} {url.path.removeprefix(PREFIX)}"]
            named = {*body, *parse_qs(url.query)} - {"current_app"}
            assert named <= set(elements(operation)), f"{name}: {line}"
            found += 1
    assert found > 0


@cache
def help_of(*command: str) -> str:
    done = subprocess.run([COMMAND, *command, "--help"], capture_output=True, text=True, check=True)
    return done.stdout


def commands() -> list[str]:
    """The commands that the help lists, each with those behind it."""
    listed = []
    for name in names_in(help_of()):
        listed.extend([f"{name} {other}" for other in names_in(help_of(name))] or [name])
    return listed


def names_in(text: str) -> list[str]:
    _, has_commands, listed = text.partition("\nCommands:\n")
    return re.findall(r"^  ([a-z][\w-]*)", listed.split("\n\n")[0], re.MULTILINE) if has_commands else []


def test_every_command_and_option_stands_on_the_page_of_the_command() -> None:
    page = CODE["command.md"]
    for alias in re.findall(r"\[alias: ([\w-]+)\]", help_of()):
        assert stands_as_code(alias, page), alias
    for command in commands():
        assert stands_as_code(f"zato-sso {command}", page) or stands_as_code(command, page), command
        text = help_of(*command.split())
        for option in re.findall(r"^ +(?:-\w, )?(--[\w-]+)", text, re.MULTILINE):
            assert stands_as_code(option, page), f"{command} {option}"


def defaults(folder: Path) -> dict[str, str]:
    """Every key with its default, as the command shows it where nothing is configured."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ZATO_SSO_")}
    done = subprocess.run(
        [COMMAND, "config", "show"], cwd=folder, env=environment, capture_output=True, text=True, check=True
    )
    lines = [line.removesuffix("  # default") for line in done.stdout.splitlines()]
    return dict(line.split(" = ", 1) for line in lines)


def test_every_key_of_the_configuration_stands_on_its_page_with_its_default(tmp_path: Path) -> None:
    rows = re.findall(r"^\| `([\w.]+)` \| (.*?) \| \S", PAGES["configuration.md"], re.MULTILINE)
    shown = {key: default.strip("`") for key, default in rows}
    assert len(rows) == len(shown)
    # Two have no line of their own: a table that is empty, and one with keys of one's own.
    tables = {"user_address_list": "{}", "password_reset.email_title": "{}"}
    assert shown == {**tables, **defaults(tmp_path)}


def test_every_key_that_a_page_names_is_one(tmp_path: Path) -> None:
    keys = defaults(tmp_path)
    # Other names of that form: calls and their branches, labels of status codes, an operation of the audit log, spans.
    spans = {"http.route", "password.hash", "password.verify", "password.complexity"}
    others = {*calls(), "session.attr", *codes().values(), "email.send", *logged_events(), *spans}
    sections = {key.partition(".")[0] for key in keys}
    for name, text in PAGES.items():
        for key in re.findall(r"`(\w+\.[a-z_]+)`", text):
            if key.partition(".")[0] in sections:
                assert key in keys or key in others, f"{name}: {key}"


def logged_events() -> set[str]:
    """What the code logs."""
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "src").rglob("*.rs")]
    return {event for source in sources for event in re.findall(r'LogLevel::\w+,\s*"(\w+\.\w+)"', source)}


def test_everything_that_is_logged_stands_on_the_page_of_operations() -> None:
    _, _, section = PAGES["operations.md"].partition("\n## The log\n")
    table = section.partition("\n## ")[0]
    first = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    assert {event for cell in first for event in re.findall(r"`([\w.]+)`", cell)} == logged_events()


def codes() -> dict[str, str]:
    """Every status code with its label."""
    return {
        code: f"{group}.{label}"
        for group in status_code.__all__
        if isinstance(labels := getattr(status_code, group), type)
        for label, code in vars(labels).items()
        if not label.startswith("_")
    }


def test_the_page_of_status_codes_has_every_code_with_its_label() -> None:
    rows = re.findall(r"^\| `([EW]\d{6})` \| `([\w.]+)` \|", PAGES["status-codes.md"], re.MULTILINE)
    assert dict(rows) == codes()


def test_pages_name_no_code_that_there_is_not() -> None:
    for name, text in PAGES.items():
        assert set(re.findall(r"\b[EW]\d{6}\b", text)) <= set(codes()), name


def test_the_list_of_pages_has_them_all() -> None:
    for name in PAGES:
        assert name == "README.md" or f"]({name})" in PAGES["README.md"], name


def test_the_map_of_the_source_is_true() -> None:
    page = PAGES["architecture.md"]
    header, _, *rows = re.findall(
        r"^\|.*\|$", page.partition("## Blocks")[2].partition("\n\nBlocks of")[0], re.MULTILINE
    )
    floors = [cell.strip() for cell in header.strip("|").split("|")]
    named = set(re.findall(r"`((?:domain|config|crypto|store|ops|http|python|cli)/\w+)/?`", page))
    for row in rows:
        for floor, cell in zip(floors[2:], row.strip("|").split("|")[2:], strict=True):
            named |= {f"{floor}/{path.rstrip('/')}" for path in re.findall(r"`([^`]+)`", cell)}
    source = ROOT / "src"
    assert [path for path in sorted(named) if not any((source / f"{path}{end}").exists() for end in ("", ".rs"))] == []
    folders = {str(folder.relative_to(source)) for folder in source.glob("*/*/") if folder.is_dir()}
    assert folders - named == set()


def test_the_tests_that_pages_name_exist() -> None:
    tests = "\n".join(file.read_text(encoding="utf-8") for file in (ROOT / "tests" / "it").rglob("*.rs"))
    column = " ".join(re.findall(r"^\|[^|]*\|[^|]*\|([^|]*)\|$", PAGES["compatibility.md"], re.MULTILINE))
    names = re.findall(r"`([a-z]+(?:_[a-z]+){3,})`", column)
    assert names
    for name in names:
        assert f"async fn {name}(" in tests, name


def defined_in(file: Path) -> set[str]:
    """The functions of a file."""
    return set(re.findall(r"\b(?:fn|def) (\w+)\(", file.read_text(encoding="utf-8")))


def test_every_test_that_the_page_of_security_names_exists() -> None:
    rows = re.findall(r"^\| .*\|$", PAGES["security.md"], re.MULTILINE)
    named = [re.findall(r"`([\w/]+\.(?:rs|py))(?:::(\w+))?`", row) for row in rows]
    assert sum(len(row) for row in named) > 50
    for row in named:
        for path, name in row:
            file = ROOT / path
            assert file.is_file(), path
            assert not name or name in defined_in(file), f"{path}::{name}"


def test_every_attack_stands_on_the_page_of_security() -> None:
    files = (ROOT / "tests" / "attacks").glob("*.py")
    attacks = [path for path in files if "attack" in defined_in(path)]
    assert attacks
    for path in attacks:
        assert f"| `tests/attacks/{path.name}` |" in PAGES["security.md"], path.name


def test_the_list_of_decisions_has_them_all() -> None:
    listed = (DOCS / "decisions" / "README.md").read_text(encoding="utf-8")
    for record in sorted((DOCS / "decisions").glob("[0-9]*.md")):
        heading = record.read_text(encoding="utf-8").partition("\n")[0]
        assert re.fullmatch(rf"# {record.name[:3]}: \S.*", heading), record.name
        assert f"[{record.name[:3]}]({record.name})" in listed, record.name


@pytest.mark.parametrize(
    "page", [*sorted(ROOT.glob("*.md")), *sorted(DOCS.rglob("*.md"))], ids=lambda page: str(page.relative_to(ROOT))
)
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        other = page.parent / path if path else page
        assert other.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.*)$", other.read_text(encoding="utf-8"), re.MULTILINE)
            anchors = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
            assert anchor in anchors, target
