"""What the Python tests share: fresh databases on either engine, objects on them, and programs to run apart."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import signal
import sqlite3
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Protocol, TypeAlias, TypeVar
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
import uvloop
from chromium import Driver
from inbox import Inbox, inbox
from psycopg import sql
from relying import Provider, providing
from stage import Stage
from support import FAST, AsyncSSO, Config, Counter, changed, config_of, new_key, slow_login
from zato_sso import SSO

POSTGRES_VARIABLE = "ZATO_SSO_TEST_POSTGRES_URL"
# What can be asked for at most with 64 MiB.
MAX_PASSES = 128
PRELUDE = """\
import asyncio, json, os, signal, sys, threading, time
sys.path.insert(0, {folder!r})
from support import *
config = json.loads({config!r})
slow_config = json.loads({slow_config!r})
"""

T = TypeVar("T")
Run = Callable[[Coroutine[Any, Any, T]], T]
Heavy: TypeAlias = Callable[[float], Config]


def pytest_configure() -> None:
    # Settings of whoever runs the tests would override those of the tests.
    for name in [name for name in os.environ if name.startswith("ZATO_SSO_") and name != POSTGRES_VARIABLE]:
        del os.environ[name]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """How many processes `-n auto` starts: more than cores, since many tests wait for others to do something."""
    return 2 * (os.cpu_count() or 1)


@pytest.fixture(scope="session")
def postgres_server_url() -> str:
    """The PostgreSQL server on which tests may create databases."""
    url = os.environ.get(POSTGRES_VARIABLE)
    if not url:
        pytest.fail(f"{POSTGRES_VARIABLE} is not set: run `make test`, or this command through it", pytrace=False)
    return url


@contextmanager
def new_postgres(server_url: str, template: str = "template1") -> Iterator[str]:
    """A copy of a PostgreSQL database, by default of an empty one; dropped in the end."""
    name = f"test_{secrets.token_hex(8)}"
    # Copying files costs half as much as the default strategy.
    create = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy")
    with psycopg.connect(server_url, autocommit=True) as server:
        server.execute(create.format(sql.Identifier(name), sql.Identifier(template)))
        yield urlunsplit(urlsplit(server_url)._replace(path=f"/{name}"))
        server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(scope="session")
def postgres_with_schema(postgres_server_url: str) -> Iterator[str]:
    """The name of a PostgreSQL database with the schema and no rows, to be copied: quicker than to make the schema."""
    with new_postgres(postgres_server_url) as url:
        SSO(config=config_of(url, new_key())).close()
        with psycopg.connect(url) as database:
            database.execute("DELETE FROM sso_setting")
            database.execute("DELETE FROM sso_audit_key")
        yield urlsplit(url).path[1:]


@pytest.fixture(scope="session")
def sqlite_with_schema(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The content of an SQLite file with the schema and no rows."""
    file = tmp_path_factory.mktemp("schema") / "sso.db"
    SSO(config=config_of(f"sqlite:///{file}", new_key())).close()
    with closing(sqlite3.connect(file)) as database:
        database.execute("DELETE FROM sso_setting")
        database.execute("DELETE FROM sso_audit_key")
        database.commit()
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return file.read_bytes()


@pytest.fixture
def postgres_url(postgres_server_url: str) -> Iterator[str]:
    """An empty PostgreSQL database, dropped after the test."""
    with new_postgres(postgres_server_url) as url:
        yield url


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """An SQLite database that does not exist yet."""
    return f"sqlite:///{tmp_path / 'sso.db'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest) -> str:
    """A database without a schema; a test that asks for it runs once on each engine."""
    url: str = request.getfixturevalue({"sqlite": "sqlite_url", "postgresql": "postgres_url"}[request.param])
    return url


@contextmanager
def with_schema(request: pytest.FixtureRequest, engine: str, folder: Path) -> Iterator[str]:
    """A database that has the schema already, and no rows."""
    if engine == "sqlite":
        file = folder / "sso.db"
        file.touch(0o600)
        file.write_bytes(request.getfixturevalue("sqlite_with_schema"))
        yield f"sqlite:///{file}"
    else:
        server, template = (request.getfixturevalue(name) for name in ("postgres_server_url", "postgres_with_schema"))
        with new_postgres(server, template) as url:
            yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database with the schema and no rows; a test that asks for it runs once on each engine."""
    with with_schema(request, request.param, tmp_path) as url:
        yield url


@pytest.fixture
def fast_config() -> dict[str, Any]:
    """Configuration whose password hashing costs next to nothing, and protects nothing."""
    return {"hash_secret": dict(FAST)}


@pytest.fixture
def config(database_url: str) -> Config:
    """Configuration for objects on an empty database."""
    return config_of(database_url, new_key())


@pytest.fixture
def sso(config: Config) -> Iterator[SSO]:
    """A blocking object."""
    with SSO(config=config) as sso:
        yield sso


@pytest.fixture
def aio(config: Config) -> Callable[[], AsyncSSO]:
    """Makes an awaitable object on the same database as `sso`."""
    return lambda: AsyncSSO(config=config)


@pytest.fixture
def counter(sso: SSO) -> Counter:
    """A counter in the database."""
    return Counter.new(sso)


@pytest.fixture(params=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Run[Any]:
    """Runs a coroutine in a fresh event loop of either kind."""
    new_event_loop = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}[request.param]

    def run(coroutine: Coroutine[Any, Any, T]) -> T:
        loop = new_event_loop()
        try:
            return loop.run_until_complete(asyncio.wait_for(coroutine, 60))
        finally:
            loop.close()

    return run


@pytest.fixture(scope="session")
def seconds_of_a_pass() -> float:
    """How long Argon2id takes here for one pass over 64 MiB."""
    config = config_of("sqlite::memory:", new_key(), {**FAST, "memory_kib": 65536, "iterations": 8})
    with SSO(config=config) as sso:
        slow_login(sso)
        start = time.monotonic()
        slow_login(sso)
        return (time.monotonic() - start) / 8


@pytest.fixture
def heavy(config: Config, seconds_of_a_pass: float) -> Heavy:
    """The configuration with hashing that takes about so many seconds, or as long as is allowed."""

    def heavy(seconds: float) -> Config:
        passes = min(max(1, round(seconds / seconds_of_a_pass)), MAX_PASSES)
        return changed(config, hash_secret={"memory_kib": 65536, "iterations": passes})

    return heavy


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shared_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A database for the tests of one file, on either engine."""
    with with_schema(request, request.param, tmp_path_factory.mktemp("shared")) as url:
        yield url


@pytest.fixture(scope="session")
def mail() -> Iterator[Inbox]:
    """A server for emails, and what came to it."""
    with inbox() as mail:
        yield mail


@pytest.fixture(scope="session")
def driver() -> Iterator[Driver]:
    """A browser, shared by all tests that need one."""
    driver = Driver()
    yield driver
    driver.close()


@pytest.fixture(scope="module")
def shared_config(shared_url: str, mail: Inbox) -> Config:
    """Configuration for objects on that database, whose emails come to that server."""
    return changed(
        config_of(shared_url, new_key()),
        smtp={"url": mail.url},
        # By default only the email has it.
        signup={"always_return_confirm_token": True},
    )


@pytest.fixture(scope="module")
def provider(shared_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    """A server that is an OpenID Provider, for the tests of one file on either engine."""
    folder = tmp_path_factory.mktemp("provider") / "node"
    # Clients may register themselves, and have servers of their own here.
    options = {"OIDC__REGISTRATION": "open", "OIDC__ALLOW_PRIVATE_ADDRESSES": "true"}
    with providing(folder, shared_url, **options) as provider:
        yield provider


@pytest.fixture(scope="module", params=["blocking", "async"])
def stage(request: pytest.FixtureRequest, shared_config: Config, mail: Inbox) -> Iterator[Stage]:
    """An object of either tree on either engine, shared by the tests of one file."""
    loop = asyncio.new_event_loop()
    stage = Stage(request.param, shared_config, loop, mail)
    yield stage
    stage.close()
    loop.close()


class Script(Protocol):
    """Runs a Python program apart."""

    def __call__(
        self, code: str, *, first: str = "", interrupt_after: float | None = None, timeout: float = 60
    ) -> subprocess.CompletedProcess[str]: ...


@pytest.fixture
def script(config: Config, heavy: Heavy) -> Script:
    """Runs a Python program that has `support`, `config` and `slow_config` at hand; it must end in good time.

    `slow_config` is `config` with the slowest hashing that is allowed: seconds. `first` runs before anything is
    imported. With `interrupt_after`, so many seconds after the program has printed "ready" it gets a Ctrl-C.
    """

    def run(
        code: str, *, first: str = "", interrupt_after: float | None = None, timeout: float = 60
    ) -> subprocess.CompletedProcess[str]:
        prelude = PRELUDE.format(
            folder=str(Path(__file__).parent), config=json.dumps(config), slow_config=json.dumps(heavy(60.0))
        )
        process = subprocess.Popen(
            [sys.executable, "-X", "faulthandler", "-c", first + "\n" + prelude + textwrap.dedent(code)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            if interrupt_after is not None:
                assert process.stdout is not None
                if process.stdout.readline() == "ready\n":
                    time.sleep(interrupt_after)
                    process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGABRT)
            out, err = process.communicate()
            pytest.fail(f"did not end within {timeout} s\n{out}\n{err}")
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    return run
