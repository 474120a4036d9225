"""Servers as an operator runs them: at addresses of their own, where they can be started again."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import requests
from support import FAST
from with_postgres import free_port

COMMAND = str(Path(sys.executable).with_name("zato-sso"))


@dataclass
class Node:
    """A server, which can be started again at its address."""

    folder: Path
    database_url: str
    key: str
    options: dict[str, str] = field(default_factory=dict)
    settings: str = ""
    port: int = field(default_factory=free_port)
    admin_port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def environment(self) -> dict[str, str]:
        """What commands and servers on its database have in their environment."""
        listen = {"HTTP__LISTEN": f"127.0.0.1:{self.port}", "HTTP__ADMIN_LISTEN": f"127.0.0.1:{self.admin_port}"}
        hashing = {f"HASH_SECRET__{name.upper()}": str(value).lower() for name, value in FAST.items()}
        options = {
            **hashing,
            **({} if self.settings else listen),
            "DATABASE_URL": self.database_url,
            "SECRET_KEY": self.key,
            **self.options,
        }
        others = {name: value for name, value in os.environ.items() if not name.startswith("ZATO_SSO_")}
        path = os.pathsep.join([str(Path(COMMAND).parent), others["PATH"]])
        return {**others, "PATH": path, **{f"ZATO_SSO_{name}": value for name, value in options.items()}}

    def begin(self) -> subprocess.Popen[bytes]:
        """Starts it."""
        self.folder.mkdir(exist_ok=True)
        (self.folder / "sso.toml").write_text(self.settings, encoding="utf-8")
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [COMMAND, "serve"], cwd=self.folder, env=self.environment(), stdout=log, stderr=log
            )
        return self.process

    def start(self) -> None:
        """Starts it, and waits until it is ready."""
        process = self.begin()
        deadline = time.monotonic() + 30
        while not self.is_ready():
            assert process.poll() is None, self.log()
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.05)

    def is_ready(self) -> bool:
        try:
            return requests.get(f"{self.url}/health/ready", timeout=5).status_code == 200
        except requests.ConnectionError:
            return False

    def log(self) -> str:
        return (self.folder / "log").read_text(encoding="utf-8")

    def stop(self) -> None:
        """Stops it as the system does."""
        if self.process is not None:
            self.process.terminate()
            assert self.process.wait(20) == 0, self.log()
            self.process = None


@contextmanager
def running(node: Node) -> Iterator[Node]:
    """A node that runs until the end."""
    node.start()
    try:
        yield node
    finally:
        node.stop()


def log_in(url: str, username: str, password: str) -> requests.Response:
    """A login over REST."""
    elements = {"username": username, "password": password, "current_app": "CRM"}
    return requests.post(f"{url}/zato/sso/user/login", json=elements, timeout=30)
