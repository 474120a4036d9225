"""SIGKILL of the server under load, again and again: what it has acknowledged is there afterwards.

    python tests/chaos/kill_server.py [--kills 50] [--postgresql] [--program zato-sso]

Clients create users, lock them, log in and log out, and write down what they were told. The server is killed at random
moments and started again. In the end every acknowledged user, lock, session and logout is looked for, and
`doctor --audit` checks the chain of the audit. The last line has the figures.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PASSWORD = "correct horse battery staple"
PREFIX = "/zato/sso"
CLIENTS = 8


def free_port() -> int:
    """Return a TCP port of the loopback interface that is free for now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@dataclass
class Server:
    """The server, in a folder of its own."""

    program: str
    folder: Path
    database_url: str
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    def environment(self) -> dict[str, str]:
        """What the server and commands have in their environment."""
        key = self.folder / "key"
        if not key.exists():
            key.write_text(b64encode(secrets.token_bytes(32)).decode("ascii"), encoding="ascii")
            key.chmod(0o600)
        settings = {
            "DATABASE_URL": self.database_url,
            "MAIN__SECRET_KEY_FILE": str(key),
            "HTTP__LISTEN": f"127.0.0.1:{self.port}",
            "DATABASE__CREATE": "always",
            "AUDIT__FILE": "off",
            "LOGIN_THROTTLE__ENABLED": "false",
            "HASH_SECRET__MEMORY_KIB": "64",
            "HASH_SECRET__ITERATIONS": "1",
            "HASH_SECRET__ALLOW_WEAK": "true",
        }
        others = {name: value for name, value in os.environ.items() if not name.startswith("ZATO_SSO_")}
        return {**others, **{f"ZATO_SSO_{name}": value for name, value in settings.items()}}

    def command(self, *words: str, status: int = 0, secret: str = "") -> str:
        """Runs a command; what it prints."""
        environment = {**self.environment(), "ZATO_SSO_PASSWORD": secret} if secret else self.environment()
        done = subprocess.run(
            [self.program, *words], cwd=self.folder, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == status, f"{words}: {done.stdout}{done.stderr}"
        return done.stdout

    def start(self) -> float:
        """Starts it; how long it takes until it answers, in seconds."""
        begin = time.monotonic()
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [self.program, "serve"], cwd=self.folder, env=self.environment(), stdout=log, stderr=log
            )
        while True:
            try:
                if self.call("GET", "/health/ready", prefix="")[0] == 200:
                    return time.monotonic() - begin
            except OSError:
                pass
            assert self.process.poll() is None, (self.folder / "log").read_text(encoding="utf-8")
            assert time.monotonic() - begin < 60, "it does not begin to answer"
            time.sleep(0.01)

    def kill(self) -> None:
        """Ends it as nothing can be done about."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def memory(self) -> float:
        """What it has in memory, in MiB."""
        assert self.process is not None
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        return int(status.split("VmRSS:")[1].split()[0]) / 1024

    def call(
        self, method: str, path: str, elements: Mapping[str, object] | None = None, prefix: str = PREFIX
    ) -> tuple[int, Any]:
        """A request of its own connection: the status, and the answer. OSError or HTTPException if there is none."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            body = json.dumps(elements) if elements is not None else None
            connection.request(method, f"{prefix}{path}", body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            text = answer.read()
            return answer.status, json.loads(text) if text else None
        except http.client.HTTPException as error:
            raise OSError(str(error)) from error
        finally:
            connection.close()


@dataclass
class Client:
    """Somebody who uses the server, and writes down what was acknowledged."""

    server: Server
    admin: list[str]
    number: int
    users: list[tuple[str, str]] = field(default_factory=list)
    locked: set[str] = field(default_factory=set)
    sessions: dict[str, str] = field(default_factory=dict)
    ended: set[str] = field(default_factory=set)
    operations: int = 0
    failures: int = 0

    def work(self, stop: threading.Event) -> None:
        """One operation after the other, whatever becomes of the server."""
        while not stop.is_set():
            try:
                self.once()
                self.operations += 1
            except OSError:
                self.failures += 1
                time.sleep(0.01)

    def once(self) -> None:
        """A user who is created, logs in, and is locked or logs out, now and then."""
        username = f"user-{self.number}-{secrets.token_hex(6)}"
        status, answer = self.server.call(
            "POST", "/user", {"ust": self.admin[0], "username": username, "password": PASSWORD, "current_app": "CRM"}
        )
        if status != 200:
            raise OSError(str(answer))
        user_id = str(answer["user_id"])
        self.users.append((user_id, username))
        self.operations += 1
        status, answer = self.server.call("POST", "/user/approve", {"ust": self.admin[0], "user_id": user_id})
        status, answer = self.server.call(
            "POST", "/user/login", {"username": username, "password": PASSWORD, "current_app": "CRM"}
        )
        if status != 200:
            raise OSError(str(answer))
        ust = str(answer["ust"])
        self.sessions[ust] = user_id
        self.operations += 1
        what = random.random()
        if what < 0.3:
            del self.sessions[ust]
            if self.server.call("POST", "/user/logout", {"ust": ust, "current_app": "CRM"})[0] == 200:
                self.ended.add(ust)
        elif what < 0.6:
            del self.sessions[ust]
            if self.server.call("POST", "/user/lock", {"ust": self.admin[0], "user_id": user_id})[0] == 200:
                self.locked.add(user_id)
                self.ended.add(ust)


def lost_of(server: Server, admin: str, client: Client) -> list[str]:
    """What was acknowledged to a client, and is not there."""
    lost = []
    for user_id, username in client.users:
        status, answer = server.call("GET", "/user", {"ust": admin, "user_id": user_id, "current_app": "CRM"})
        if status != 200 or answer["username"] != username:
            lost.append(f"user {username}")
        elif user_id in client.locked and not answer["is_locked"]:
            lost.append(f"lock of {username}")
    for ust in client.sessions:
        status, answer = server.call("GET", "/user", {"ust": ust, "current_app": "CRM"})
        if status != 200:
            lost.append(f"session of {client.sessions[ust]}: {answer}")
    for ust in client.ended:
        if server.call("GET", "/user", {"ust": ust, "current_app": "CRM"})[0] == 200:
            lost.append("end of a session")
    return lost


def run(program: str, database_url: str, kills: int) -> str:
    """All of it; the line with the figures."""
    with tempfile.TemporaryDirectory(prefix="zato-sso-chaos-") as name:
        folder = Path(name)
        server = Server(program, folder, database_url or f"sqlite:///{folder / 'sso.db'}")
        server.command("create-super-user", "admin", secret=PASSWORD)
        starts = [server.start()]
        admin = [json.loads(server.command("--json", "login", "admin"))["ust"]]
        clients = [Client(server, admin, number) for number in range(CLIENTS)]
        stop = threading.Event()
        threads = [threading.Thread(target=client.work, args=(stop,)) for client in clients]
        for thread in threads:
            thread.start()
        try:
            time.sleep(1)
            memory = [server.memory()]
            for _ in range(kills):
                time.sleep(random.uniform(0.05, 1))
                server.kill()
                starts.append(server.start())
            time.sleep(1)
            memory.append(server.memory())
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        lost = [what for client in clients for what in lost_of(server, admin[0], client)]
        assert server.process is not None
        server.process.terminate()
        assert server.process.wait(30) == 0
        chain = next(line for line in server.command("doctor", "--audit").splitlines() if "are sealed" in line)
        operations = sum(client.operations for client in clients)
        failures = sum(client.failures for client in clients)
        figures = (
            f"{kills} kills, {operations} acknowledged operations, {len(lost)} lost, {failures} unanswered, "
            f"longest start {max(starts):.2f} s, memory {memory[0]:.0f} to {memory[1]:.0f} MiB; "
            f"audit chain:{chain.split('ok', 1)[1]}"
        )
        assert not lost, f"{figures}\n" + "\n".join(lost[:50])
        return figures


def new_database() -> str:
    """The URL of an empty database on the server that is there."""
    import psycopg

    url = os.environ["ZATO_SSO_TEST_POSTGRES_URL"]
    name = f"chaos_{secrets.token_hex(6)}"
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")
    return f"{url.rsplit('/', 1)[0]}/{name}"


def main() -> int:
    """Reads the arguments; prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--postgresql", action="store_true", help="on the server that with_postgres.py has started")
    parser.add_argument("--program", default=str(Path(sys.executable).with_name("zato-sso")))
    arguments = parser.parse_args()
    database_url = new_database() if arguments.postgresql else ""
    kind = "PostgreSQL" if arguments.postgresql else "SQLite"
    print(f"kill_server on {kind}: {run(arguments.program, database_url, arguments.kills)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
