"""What every attack stands on: a server of its own, made with the installed command, and people on it.

Each program here runs by itself, `python tests/attacks/NAME.py [--database URL]`: it starts a server, attacks
it, prints what it saw, and ends with status 0 if the server held. Without `--database` it takes a new SQLite file.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from zato_sso import SSO

APP = "CRM"
ADDRESS = "127.0.0.1"
PASSWORD = "correct horse battery staple"
COMMAND = str(Path(sys.executable).with_name("zato-sso"))


@dataclass(frozen=True)
class Target:
    """A running server, and the same database in process."""

    url: str
    pid: int
    sso: SSO
    config: Mapping[str, Any]
    folder: Path

    def call(self, method: str, path: str, elements: object = None, **options: Any) -> requests.Response:
        """One request of the REST API."""
        options.setdefault("timeout", 60)
        return requests.request(method, f"{self.url}/zato/sso{path}", json=elements, **options)

    def user(self, **data: object) -> str:
        """A new user, who may log in with `PASSWORD`; the username."""
        everything = {"username": f"user-{secrets.token_hex(6)}", "password": PASSWORD, **data}
        self.sso.user.create_user("cid", everything, require_super_user=False, auto_approve=True)
        return str(everything["username"])

    def log_in(self, username: str, password: str = PASSWORD, **options: Any) -> requests.Response:
        """A login over REST."""
        elements = {"username": username, "password": password, "current_app": APP}
        return self.call("POST", "/user/login", elements, **options)

    def memory(self) -> int:
        """Bytes that the server holds in memory."""
        status = Path(f"/proc/{self.pid}/status").read_text(encoding="utf-8")
        line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
        return int(line.split()[1]) * 1024


# One for all servers on a database.
SECRET_KEY = secrets.token_urlsafe(32) + "="


def settings(database_url: str, **sections: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration of a target: the defaults but for what a test machine needs, and what the attack adds."""
    config: dict[str, Any] = {
        "database": {"url": database_url},
        "main": {"secret_key": SECRET_KEY},
        "hash_secret": {"memory_kib": 64, "iterations": 1, "parallelism": 1, "allow_weak": True},
        "audit": {"file": "off"},
    }
    return {**config, **{name: {**config.get(name, {}), **values} for name, values in sections.items()}}


@contextmanager
def target(
    database_url: str | None = None, descriptors: int | None = None, **sections: Mapping[str, Any]
) -> Iterator[Target]:
    """A server on a database, started and stopped; it may open so many files."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        config = settings(database_url or f"sqlite:///{folder / 'sso.db'}", **sections)
        # Strings, numbers, booleans and lists are written alike in JSON and TOML.
        keys = [
            f"{section}.{key} = {json.dumps(value)}"
            for section, values in config.items()
            for key, value in values.items()
        ]
        path = folder / "sso.toml"
        path.write_text("\n".join(keys), encoding="utf-8")
        environment = {name: value for name, value in os.environ.items() if not name.startswith("ZATO_SSO_")}
        command = [COMMAND, "--config", str(path), "--json", "serve", "--listen", "127.0.0.1:0"]
        if descriptors is not None:
            command = ["sh", "-c", f'ulimit -n {descriptors}; exec "$@"', "sh", *command]
        with (
            SSO(config=config) as sso,
            subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process,
        ):
            assert process.stdout is not None
            try:
                url = "http://" + json.loads(process.stdout.readline())["listen"]
                yield Target(url, process.pid, sso, config, folder)
            finally:
                process.terminate()


def main(attack: Callable[[str | None], Iterator[str]]) -> None:
    """Runs an attack from the command line. An attack yields what it sees, and fails an assertion if it worked."""
    parser = argparse.ArgumentParser(description=attack.__doc__)
    parser.add_argument("--database", help="the URL of an empty database; default: a new SQLite file")
    try:
        for seen in attack(parser.parse_args().database):
            print(seen)
    except AssertionError as error:
        sys.exit(f"the attack worked: {error}")
    print("the server held")
