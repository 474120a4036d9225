"""Others beside ours: a session checked and a user logged in over HTTP, at the same hash parameters, all on SQLite.

`make bench-peers` runs it. What the peers need goes into `target/bench/peers`: Python packages, and Node packages where
node and npm are installed; better-auth is left out where they are not. One client asks all: 16 kept connections on one
thread. uvicorn has a worker a core, gunicorn the number that its documentation recommends, node is one process.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
sys.path.insert(1, str(HERE.parents[1] / "tests"))

from measure import Contestant, Report, measure, target_folder  # noqa: E402 - they are one folder up
from with_postgres import free_port  # noqa: E402
from world import (  # noqa: E402
    APP,
    CONNECTIONS,
    CORES,
    PASSWORD,
    SERVER_START,
    CannotMeasureError,
    Parts,
    log_in,
    run,
    serving,
    sqlite,
    temporary_folder,
)
from zato_sso import SSO  # noqa: E402

FOLDER = target_folder() / "bench" / "peers"
BIN = FOLDER / "venv" / "bin"
NODE = FOLDER / "node"
EMAIL = "user1@example.com"
SECONDS = 2.0


@dataclass
class Peer:
    """A server that answers, and the bytes of its two requests."""

    name: str
    address: str
    check: str
    login: str


def install() -> bool:
    """Install what the peers need; whether there is Node."""
    if not (BIN / "python").exists():
        subprocess.run([sys.executable, "-m", "venv", FOLDER / "venv"], check=True)
    subprocess.run([BIN / "pip", "install", "--quiet", "-r", HERE / "requirements.txt"], check=True)
    if not shutil.which("npm") or not shutil.which("node"):
        print("peers: node and npm are not installed: better-auth is left out", file=sys.stderr)
        return False
    NODE.mkdir(parents=True, exist_ok=True)
    wanted = (HERE / "package.json").read_text(encoding="utf-8")
    installed = NODE / "installed.json"
    if not installed.exists() or installed.read_text(encoding="utf-8") != wanted:
        (NODE / "package.json").write_text(wanted, encoding="utf-8")
        for command in (["install", "--no-audit", "--no-fund"], ["rebuild", "better-sqlite3"]):
            subprocess.run(["npm", *command], cwd=NODE, check=True)
        installed.write_text(wanted, encoding="utf-8")
    return True


def request(method: str, path: str, headers: Mapping[str, str], body: str = "") -> str:
    """Return the bytes of a request."""
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", *(f"{name}: {value}" for name, value in headers.items())]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", body])


def ask(address: str, path: str, headers: Mapping[str, str], body: str) -> tuple[str, str]:
    """Post something, and return the cookie of the answer and its text."""
    asked = urllib.request.Request(f"http://{address}{path}", body.encode(), dict(headers))
    asked.add_header("Host", "localhost")
    with urllib.request.urlopen(asked, timeout=10) as answer:  # noqa: S310 - our own
        cookies = [cookie.partition(";")[0] for cookie in answer.headers.get_all("Set-Cookie", [])]
        return "; ".join(cookies), answer.read().decode()


@contextlib.contextmanager
def started(command: Sequence[object], folder: Path, **environment: str) -> Iterator[str]:
    """Have a server; its address once it answers."""
    address = f"127.0.0.1:{environment['PEER_PORT']}"
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [str(part) for part in command], cwd=HERE, env={**os.environ, **environment}, stdout=log, stderr=log
        )
    try:
        deadline = time.monotonic() + SERVER_START
        while True:
            try:
                urllib.request.urlopen(f"http://{address}/", timeout=5).close()
                break
            except urllib.error.HTTPError:
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise CannotMeasureError((folder / "log").read_text()) from None
                time.sleep(0.05)
        yield address
    finally:
        process.terminate()
        process.wait(30)


JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@contextlib.contextmanager
def fastapi_users(folder: Path) -> Iterator[Peer]:
    """Have fastapi-users."""
    port = str(free_port())
    settings = {"PEER_DATABASE": str(folder / "peer.db"), "PEER_PORT": port}
    prepare = [str(BIN / "python"), "with_fastapi_users.py"]
    subprocess.run(prepare, cwd=HERE, env={**os.environ, **settings}, check=True)
    command = [BIN / "uvicorn", "with_fastapi_users:app", "--port", port, "--workers", CORES, "--no-access-log"]
    with started(command, folder, **settings) as address:
        ask(address, "/auth/register", JSON, json.dumps({"email": EMAIL, "password": PASSWORD}))
        body = urlencode({"username": EMAIL, "password": PASSWORD})
        token = json.loads(ask(address, "/auth/jwt/login", FORM, body)[1])["access_token"]
        check = request("GET", "/authenticated-route", {"Authorization": f"Bearer {token}"})
        yield Peer("fastapi-users", address, check, request("POST", "/auth/jwt/login", FORM, body))


@contextlib.contextmanager
def django(folder: Path) -> Iterator[Peer]:
    """Have Django."""
    port = str(free_port())
    settings = {"PEER_DATABASE": str(folder / "peer.db"), "PEER_PASSWORD": PASSWORD, "PEER_PORT": port}
    prepare = [str(BIN / "python"), "with_django.py"]
    subprocess.run(prepare, cwd=HERE, env={**os.environ, **settings}, check=True)
    command = [BIN / "gunicorn", "with_django:application", "--bind", f"127.0.0.1:{port}"]
    with started([*command, "--workers", 2 * CORES + 1], folder, **settings) as address:
        body = json.dumps({"username": EMAIL, "password": PASSWORD})
        cookie, _ = ask(address, "/login", JSON, body)
        check = request("GET", "/check", {"Cookie": cookie})
        yield Peer("Django sessions", address, check, request("POST", "/login", JSON, body))


@contextlib.contextmanager
def better_auth(folder: Path) -> Iterator[Peer]:
    """Have better-auth."""
    port = str(free_port())
    settings = {"PEER_DATABASE": str(folder / "peer.db"), "PEER_PACKAGES": str(NODE), "PEER_PORT": port}
    settings["NODE_ENV"] = "production"
    with started(["node", "with_better_auth.mjs"], folder, **settings) as address:
        user = {"email": EMAIL, "password": PASSWORD}
        headers = {**JSON, "Origin": f"http://localhost:{port}"}
        ask(address, "/api/auth/sign-up/email", headers, json.dumps({**user, "name": "User"}))
        cookie, _ = ask(address, "/api/auth/sign-in/email", headers, json.dumps(user))
        check = request("GET", "/api/auth/get-session", {"Cookie": cookie})
        login = request("POST", "/api/auth/sign-in/email", headers, json.dumps(user))
        yield Peer("better-auth", address, check, login)


@contextlib.contextmanager
def ours(_folder: Path) -> Iterator[Peer]:
    """Have the REST server of this project."""
    with sqlite() as database:
        with SSO(config=database.settings()) as sso:
            target, current, _ = log_in(sso)
        with serving(database) as server:
            tokens = {"target_ust": target, "current_ust": current}
            user = {"username": "user1", "password": PASSWORD, "current_app": APP}
            check = request("POST", "/zato/sso/user/session", JSON, json.dumps(tokens))
            yield Peer("REST", server.address, check, request("POST", "/zato/sso/user/login", JSON, json.dumps(user)))


def compare(report: Report, *, is_smoke: bool) -> None:
    """Measure all in turn, and fill the report."""
    has_node = install()
    expected = {"REST": ("is_valid", "ust"), "fastapi-users": ("Hello", "access_token"), "better-auth": ("user",) * 2}
    checks: list[Contestant] = []
    logins: list[Contestant] = []
    with contextlib.ExitStack() as stack:
        parts = stack.enter_context(Parts())
        for start in (ours, fastapi_users, django, *([better_auth] if has_node else [])):
            peer = stack.enter_context(start(stack.enter_context(temporary_folder())))
            in_check, in_login = expected.get(peer.name, ("user1", "user1"))
            verb = "verify" if peer.name == "REST" else "check"
            checks.append(parts.ask(f"{peer.name} {verb}", [peer.address], peer.check, in_check))
            logins.append(parts.ask(f"{peer.name} login", [peer.address], peer.login, in_login))
        measure([*checks, *logins], is_smoke=is_smoke, seconds=SECONDS)
    for verb, (own, *others) in (("check", checks), ("login", logins)):
        for other in others:
            report.add(own, other)
        best = max(others, key=lambda other: statistics.median(other.figures))
        report.add(own, Contestant(f"the quickest peer's {verb}: {best.name}", best.figure, figures=best.figures))


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=f"Measure peers, over {CONNECTIONS} connections.")
    parser.add_argument("--smoke", action="store_true", help="short rounds, to see that everything works")
    arguments = parser.parse_args()
    report = Report("peers")
    return run("peers", lambda: report.make(compare, is_smoke=arguments.smoke))


if __name__ == "__main__":
    sys.exit(main())
