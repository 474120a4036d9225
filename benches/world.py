"""What the benchmarks stand on: databases, sessions in them, servers, and the parts to compare with."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import select
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
from measure import Contestant, target_folder
from zato_sso import SSO

POSTGRES_VARIABLE = "ZATO_SSO_TEST_POSTGRES_URL"
PASSWORD = "correct horse battery staple"
# The key of the databases.
KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
# What every call carries beside its own input.
CID, APP, ADDRESS = "bench", "CRM", "127.0.0.1"
CORES = os.cpu_count() or 1
# As `wrk -t1 -c16`.
CONNECTIONS = 16
SERVER_START = 30.0

# The whole of what a check needs is in these two rows, found by the digest of a token.
LOOKUP = (
    "SELECT s.session_id, s.user_id, s.creation_time, s.expiration_time, s.remote_addr, s.user_agent, s.auth_type,"
    " u.username, u.is_super_user, u.is_locked, u.sign_up_status, u.approval_status, u.password_expiry"
    " FROM sso_session s JOIN sso_user u ON u.user_id = s.user_id WHERE s.ust_digest = {}"
)
UPDATE = "UPDATE sso_session SET expiration_time = expiration_time + 1 WHERE ust_digest = {}"


class CannotMeasureError(Exception):
    """Something that is needed is not there; the text says what to do."""


def digest(ust: str) -> bytes:
    """Return what is stored of a token."""
    return hashlib.sha256(ust.encode()).digest()


def only_own_settings() -> None:
    """Forget the settings of the environment: they would override those of a benchmark."""
    for variable in [name for name in os.environ if name.startswith("ZATO_SSO_") and name != POSTGRES_VARIABLE]:
        del os.environ[variable]


@contextlib.contextmanager
def temporary_folder() -> Iterator[Path]:
    """Have a folder on the disk of what is built."""
    temporary = target_folder() / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=temporary) as folder:
        yield Path(folder)


@dataclass
class Database:
    """A fresh database."""

    name: str
    # What Python reaches it with.
    module: str
    url: str
    folder: Path
    # How a parameter is written in a statement.
    placeholder: str
    # Makes a bare statement about the session of a token into a call of Python.
    bare: Callable[[str, str], Callable[[], object]]

    def settings(self, **more: object) -> dict[str, object]:
        """Return a configuration: as the product comes, but that audit lines go to a file, not to the terminal."""
        own = {"database.url": self.url, "main.secret_key": KEY, "audit.file": str(self.folder / "audit.jsonl")}
        return {**own, **{name.replace("__", "."): value for name, value in more.items()}}


@contextlib.contextmanager
def sqlite() -> Iterator[Database]:
    """Have a file."""
    if sqlite3.sqlite_version_info < (3, 37):
        raise CannotMeasureError(
            f"SQLite of this Python is {sqlite3.sqlite_version}, and 3.37 is the first that reads STRICT tables: "
            "use a newer Python"
        )
    with temporary_folder() as folder:
        path = folder / "sso.db"
        # The statements must be committed as those of the product are. Threads take turns, they do not meet.
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")

        def bare(statement: str, ust: str) -> Callable[[], object]:
            sql, arguments = statement.format("?"), (digest(ust),)
            return lambda: connection.execute(sql, arguments).fetchone()

        with contextlib.closing(connection):
            yield Database("SQLite", "sqlite3", f"sqlite:///{path}", folder, "?", bare)


@contextlib.contextmanager
def postgres() -> Iterator[Database]:
    """Have a database of the server."""
    server = os.environ.get(POSTGRES_VARIABLE)
    if not server:
        raise CannotMeasureError(f"{POSTGRES_VARIABLE} is not set: run make bench, which starts a PostgreSQL server")
    name = f"sso_bench_python_{os.getpid()}"
    with psycopg.connect(server, autocommit=True) as admin, temporary_folder() as folder:
        admin.execute(f"CREATE DATABASE {name}")
        url = urlsplit(server)._replace(path=f"/{name}").geturl()
        try:
            with psycopg.connect(url, autocommit=True, prepare_threshold=0) as connection:

                def bare(statement: str, ust: str) -> Callable[[], object]:
                    sql, arguments = statement.format("%b"), (digest(ust),)
                    reads = statement.startswith("SELECT")

                    def call() -> object:
                        cursor = connection.execute(sql, arguments)
                        return cursor.fetchone() if reads else cursor.rowcount

                    return call

                yield Database("PostgreSQL", "psycopg", url, folder, "$1", bare)
        finally:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


def create_users(sso: SSO, *usernames: str) -> None:
    """Create ordinary users who can log in at once."""
    for username in usernames:
        data = {"username": username, "password": PASSWORD}
        sso.user.create_user(
            CID, data, current_app=APP, remote_addr=ADDRESS, require_super_user=False, auto_approve=True
        )


def log_in(sso: SSO) -> tuple[str, str, str]:
    """Return tokens: of a user, of a super-user who may verify it, and of one more session to renew."""
    create_users(sso, "user1")
    data = {"username": "admin1", "password": PASSWORD}
    sso.user.create_super_user(
        CID, data, current_app=APP, remote_addr=ADDRESS, require_super_user=False, auto_approve=True
    )
    target, current, renewed = (
        sso.user.login(CID, username, PASSWORD, APP, ADDRESS).ust for username in ("user1", "admin1", "user1")
    )
    return target, current, renewed


def built(path: str) -> Path:
    """Return a program that `make bench` has built; with `BENCH_BUILD=debug`, one that `cargo test` has built.

    Raises:
        CannotMeasureError: it is not there.
    """
    program = target_folder() / os.environ.get("BENCH_BUILD", "release") / path
    if not program.is_file():
        raise CannotMeasureError(
            f"there is no {program}: run make bench, or cargo build --release --bins --example parts"
        )
    return program


class Parts:
    """The parts that the product is made of, each alone: what `benches/parts.rs` does on request, in its process."""

    def __init__(self) -> None:
        """Start the process."""
        self.process = subprocess.Popen(
            [built("examples/parts")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __enter__(self) -> Parts:
        """Use it in a `with` block."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the process."""
        assert self.process.stdin is not None  # noqa: S101 - for the type checker
        self.process.stdin.close()
        self.process.wait(30)

    def do(self, what: str, **arguments: object) -> dict[str, Any]:
        """Have something done.

        Raises:
            CannotMeasureError: it failed.
        """
        assert self.process.stdin is not None  # noqa: S101 - for the type checker
        assert self.process.stdout is not None  # noqa: S101 - for the type checker
        print(json.dumps({"do": what, **arguments}), file=self.process.stdin, flush=True)
        line = self.process.stdout.readline()
        answer: dict[str, Any] = json.loads(line) if line else {"error": "it ended"}
        if "error" in answer:
            raise CannotMeasureError(f"parts, {what}: {answer['error']}")
        return answer

    def per_second(self, name: str, what: str, **arguments: object) -> Contestant:
        """Return something to compare with."""

        def figure(length: float) -> float:
            try:
                return float(self.do(what, seconds=length, **arguments)["per_second"])
            except CannotMeasureError as error:
                raise CannotMeasureError(f"{name}: {error}") from error

        return Contestant(name, figure)

    def query(self, name: str, database: Database, statement: str, usts: Sequence[str], callers: int = 1) -> Contestant:
        """Return a bare statement of sqlx about the sessions of some tokens, one after the other."""
        sql, digests = statement.format(database.placeholder), [digest(ust).hex() for ust in usts]
        return self.per_second(name, "query", url=database.url, sql=sql, digests=digests, callers=callers)

    def hashes(self, memory_kib: int, iterations: int, parallelism: int, *, threads: int = CORES) -> Contestant:
        """Return Argon2id and nothing else."""
        name = f"Argon2id alone, {threads} threads"
        parameters = {"memory_kib": memory_kib, "iterations": iterations, "parallelism": parallelism}
        return self.per_second(name, "hash", threads=threads, **parameters)

    def ask(
        self,
        name: str,
        addresses: Sequence[str],
        request: str,
        expected: str = "",
        numbers: int = 1,
        connections: int = CONNECTIONS,
    ) -> Contestant:
        """Return a server that is asked over kept connections."""
        what = {"addresses": addresses, "request": request, "expected": expected, "numbers": numbers}
        return self.per_second(name, "ask", connections=connections, **what)

    def empty_handler(self) -> str:
        """Start an axum handler that does nothing, and return its address."""
        return str(self.do("empty_handler")["address"])


def post(path: str, body: Mapping[str, object]) -> str:
    """Return the bytes of a request with a JSON body."""
    text = json.dumps(body)
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    # %NUMBER% becomes as many characters as it has itself.
    return f"{head}Content-Length: {len(text)}\r\n\r\n{text}"


@dataclass
class Server:
    """`zato-sso serve`."""

    address: str
    pid: int


@contextlib.contextmanager
def serving(database: Database, **more: object) -> Iterator[Server]:
    """Have a REST server, with these settings beside those of all benchmarks."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ZATO_SSO_")}
    for name, value in database.settings(**more).items():
        section, _, key = name.partition(".")
        environment[f"ZATO_SSO_{section}__{key}".upper()] = str(value)
    with (database.folder / "server.log").open("a") as log:
        process = subprocess.Popen(
            [built("zato-sso"), "--json", "serve", "--listen", "127.0.0.1:0"],
            cwd=database.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    with process:
        try:
            assert process.stdout is not None  # noqa: S101 - for the type checker
            if not select.select([process.stdout], [], [], SERVER_START)[0]:
                raise CannotMeasureError("zato-sso serve does not start")
            line = process.stdout.readline()
            if not line:
                raise CannotMeasureError((database.folder / "server.log").read_text())
            yield Server(json.loads(line)["listen"], process.pid)
        finally:
            process.terminate()


def wrk() -> str | None:
    """Return where the program is, if it is installed."""
    return shutil.which("wrk")


def run(name: str, benchmark: Callable[[], None]) -> int:
    """Run a command line; what cannot be measured is said in a line."""
    only_own_settings()
    try:
        benchmark()
    except CannotMeasureError as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 1
    return 0
