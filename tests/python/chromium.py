"""Chromium, as the tests of pages use it: started once, forgetting everything between tests."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from support import PASSWORD

BROWSER_FILES = Path(__file__).resolve().parents[1] / "browser"
TOOLS = Path(__file__).resolve().parents[2] / "var" / "browser-tools" / "env.json"


def tool(name: str) -> list[str]:
    """The command for a program that .ci/browser_tools has found or brought."""
    if not TOOLS.exists():
        pytest.fail(
            "run .ci/browser_tools first, as `make test` does: it finds or brings Chromium, PHP and playwright-core"
        )
    command: list[str] = json.loads(TOOLS.read_text(encoding="utf-8"))[name]
    return command


class Driver:
    """A process that has a browser, and is told what to do with it. It starts when it is first needed."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[str] | None = None

    def do(self, name: str, given: object = None) -> dict[str, Any]:
        """Has one command done; its answer."""
        # One that a test has broken does not break the next one.
        if self.process is None or self.process.poll() is not None:
            command = [*tool("node"), str(BROWSER_FILES / "pages.mjs"), *tool("chromium")]
            self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(json.dumps([name, given]), file=self.process.stdin, flush=True)
        line = self.process.stdout.readline()
        if not line:
            self.close()
        assert line, f"{name} {given}: the driver has ended"
        answer: dict[str, Any] = json.loads(line)
        assert "error" not in answer, f"{name} {given}: {answer}"
        return answer

    def close(self) -> None:
        """Ends it and the browser."""
        process, self.process = self.process, None
        if process is not None:
            # Popen's own end of a `with` block closes both pipes, and waits.
            with process:
                pass


class Chromium:
    """A browser that knows nothing yet, and a server to use it on."""

    def __init__(self, driver: Driver, base: str, artifacts: Path) -> None:
        """Takes the driver, where the server is, and the folder for pictures."""
        self.driver = driver
        self.base = base
        self.do("renew", str(artifacts))

    def do(self, name: str, given: object = None) -> dict[str, Any]:
        """Has one command done; its answer."""
        return self.driver.do(name, given)

    def leave(self) -> None:
        """Closes all pages."""
        if self.driver.process is not None:
            self.do("leave")

    def open(self, path: str) -> str:
        """Opens a page; its text."""
        return str(self.do("open", path if path.startswith("http") else f"{self.base}{path}")["text"])

    def send(self, fields: dict[str, str], button: str = "main form button:not([type=button])") -> tuple[str, str]:
        """Fills fields in by name, and sends their form: the path of the next page, and its text."""
        self.do("fill", {f"[name={name}]": value for name, value in fields.items()})
        return self.click(button)

    def click(self, button: str) -> tuple[str, str]:
        """Follows a link or a button: the path of the next page, and its text."""
        seen = self.do("click", button)
        return str(seen["url"]).removeprefix(self.base), str(seen["text"])

    def sign_in(self, username: str, password: str = PASSWORD) -> str:
        """Signs in; the path that this leads to."""
        self.open("/login")
        return self.send({"username": username, "password": password})[0]

    def has_no_complaint(self) -> None:
        """Nothing was kept from running by the page's own policy."""
        assert self.do("complaints")["complaints"] == []
