"""What the Python tests are written with: objects on a database, a counter in it, and both trees read alike."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import os
import secrets
import struct
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from zato_sso import SSO, ValidationError, aio

if TYPE_CHECKING:
    import psycopg

APP = "CRM"
ADDRESS = "127.0.0.1"
PASSWORD = "correct horse battery staple"
# Hashing that costs next to nothing, and protects nothing.
FAST = {"memory_kib": 64, "iterations": 1, "parallelism": 1, "allow_weak": True}

AsyncSSO: TypeAlias = aio.SSO
Config: TypeAlias = dict[str, Any]


def new_key() -> str:
    """A secret key, for a database that is new."""
    return base64.b64encode(secrets.token_bytes(32)).decode()


def config_of(database_url: str, secret_key: str, hash_secret: Mapping[str, Any] = FAST) -> Config:
    """Configuration for an object on a database."""
    return {
        "database": {"url": database_url},
        "main": {"secret_key": secret_key},
        "hash_secret": dict(hash_secret),
        "audit": {"file": "off"},
        "apps": {"signup_allowed": [APP]},
    }


def changed(config: Config, **sections: Mapping[str, Any]) -> Config:
    """The configuration with other values in some sections."""
    return {**config, **{name: {**config.get(name, {}), **values} for name, values in sections.items()}}


def unique(prefix: str) -> str:
    """A name that nothing else has."""
    return f"{prefix}-{secrets.token_hex(6)}"


def super_user(sso: SSO) -> str:
    """Makes a super-user, who may log in; the username."""
    data = {"username": unique("super"), "password": PASSWORD}
    sso.user.create_super_user("cid", data, require_super_user=False, auto_approve=True)
    return str(data["username"])


def log_in(sso: SSO, username: str) -> str:
    """A token for somebody who has the usual password."""
    return sso.user.login("cid", username, PASSWORD, APP, ADDRESS).ust


def slow_login(sso: SSO) -> None:
    """A login that takes as long as a hash takes: nobody has this name, and that is only found out by hashing."""
    try:
        sso.user.login("cid", unique("nobody"), PASSWORD, APP, ADDRESS)
    except ValidationError as error:
        # After very many of them, all logins from here are slowed down.
        if error.sub_status not in (["E005001"], ["E005009"]):
            raise


@dataclass(frozen=True)
class Definition:
    """A security definition, and its secret."""

    sec_type: str
    sec_def_id: int
    username: str
    secret: str


DEFINE = """\
import sys
from zato_sso._core import command
for username in sys.argv[2:]:
    name = username.replace("client", "definition")
    if command(["zato-sso", "--json", "create-sec-def", sys.argv[1], name, username]):
        sys.exit(1)
"""


def define_many(config: Config, sec_type: str, count: int) -> list[Definition]:
    """Makes security definitions by the command, as an administrator would; all in one process."""
    settings = {"DATABASE_URL": config["database"]["url"], "SECRET_KEY": config["main"]["secret_key"]}
    environment = {**os.environ, **{f"ZATO_SSO_{name}": value for name, value in settings.items()}}
    usernames = [unique("client") for _ in range(count)]
    command = [sys.executable, "-c", DEFINE, sec_type, *usernames]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    made = [json.loads(line) for line in done.stdout.splitlines()]
    return [
        Definition(sec_type, one["sec_def_id"], username, one["secret"])
        for one, username in zip(made, usernames, strict=True)
    ]


def start_logins(sso: SSO, count: int) -> list[threading.Thread]:
    """Starts so many of these logins, each in a thread that no exit waits for. They queue for a core each."""
    threads = [threading.Thread(target=slow_login, args=(sso,), daemon=True) for _ in range(count)]
    for thread in threads:
        thread.start()
    return threads


async def slow_login_async(sso: AsyncSSO) -> None:
    """The same, awaited."""
    try:
        await sso.user.login("cid", unique("nobody"), PASSWORD, APP, ADDRESS)
    except ValidationError as error:
        if error.sub_status not in (["E005001"], ["E005009"]):
            raise


@dataclass(frozen=True)
class Counter:
    """Counts in the database: each renewal of one session adds one to the index of its last change."""

    sso: SSO
    ust: str

    @classmethod
    def new(cls, sso: SSO) -> Counter:
        """A counter that stands at 0."""
        return cls(sso, log_in(sso, super_user(sso)))

    def bump(self) -> None:
        """Counts."""
        self.sso.session.renew("cid", self.ust, APP, ADDRESS)

    def read(self) -> None:
        """A call that changes nothing."""
        self.sso.session.get("cid", self.ust, self.ust, APP, ADDRESS)

    def value(self) -> int:
        """What it stands at."""
        return last_index(self.sso.session.get_list("cid", self.ust, None, None, APP, ADDRESS))

    def on(self, sso: AsyncSSO) -> AsyncCounter:
        """The same counter by way of an awaitable object."""
        return AsyncCounter(sso, self.ust)


@dataclass(frozen=True)
class AsyncCounter:
    """A counter whose calls are awaited."""

    sso: AsyncSSO
    ust: str

    async def bump(self) -> None:
        """Counts."""
        await self.sso.session.renew("cid", self.ust, APP, ADDRESS)

    async def read(self) -> None:
        """A call that changes nothing."""
        await self.sso.session.get("cid", self.ust, self.ust, APP, ADDRESS)

    async def value(self) -> int:
        """What it stands at."""
        return last_index(await self.sso.session.get_list("cid", self.ust, None, None, APP, ADDRESS))


def last_index(sessions: list[dict[str, Any]]) -> int:
    """How often the only session there is was renewed."""
    (session,) = sessions
    index: int = session["session_state_change_list"][-1]["idx"]
    return index - 1


class Awaited:
    """An awaitable tree that reads like the blocking one: each call is awaited in an event loop."""

    def __init__(self, target: object, loop: asyncio.AbstractEventLoop) -> None:
        """Wraps an object of the tree."""
        self._target = target
        self._loop = loop

    def __setattr__(self, name: str, value: object) -> None:
        if name.startswith("_"):
            super().__setattr__(name, value)
        else:
            setattr(self._target, name, value)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._target, name)
        if not callable(found):
            return Awaited(found, self._loop)

        def call(*args: object, **kwargs: object) -> object:
            if name == "bind":
                return Awaited(found(*args, **kwargs), self._loop)

            async def wait() -> object:
                return await found(*args, **kwargs)

            return self._loop.run_until_complete(asyncio.wait_for(wait(), 60))

        return call


def make(face: str, config: Config, loop: asyncio.AbstractEventLoop) -> SSO:
    """An object of either tree, to be used like one of the blocking tree."""
    if face == "blocking":
        return SSO(config=config)
    return cast("SSO", Awaited(AsyncSSO(config=config), loop))


def connected(url: str, *, autocommit: bool = False) -> psycopg.Connection:
    """A connection to a PostgreSQL database, beside those of the product."""
    # Many small programs import this module. Few need psycopg, which would double their start time.
    import psycopg

    return psycopg.connect(url, autocommit=autocommit)


HOLDER = """\
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
sys.stdin.read()
"""


@contextmanager
def writes_locked(config: Config) -> Iterator[None]:
    """Holds up every write of a session, as a slow writer elsewhere would.

    On SQLite that is another process: the locks of two copies of SQLite in one process do not see each other.
    """
    url = str(config["database"]["url"])
    if not url.startswith("sqlite:"):
        with connected(url) as other:
            other.execute("LOCK TABLE sso_session")
            yield
        return
    command = [sys.executable, "-c", HOLDER, url.removeprefix("sqlite:///")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "locked\n"
        try:
            yield
        finally:
            holder.communicate()


EXECUTOR = """\
import json, sqlite3, sys
for line in sys.stdin:
    sql, value = json.loads(line)
    connection = sqlite3.connect(sys.argv[1], 10)
    connection.execute(sql, [value])
    connection.commit()
    connection.close()
    print("done", flush=True)
"""


@contextmanager
def beside(config: Config) -> Iterator[Callable[[str, str], object]]:
    """Runs statements beside the product; for SQLite in another process, whose locks are seen."""
    url = str(config["database"]["url"])
    if not url.startswith("sqlite:"):
        with connected(url, autocommit=True) as connection:
            yield lambda sql, value: connection.execute(sql.replace("?", "%s").encode(), [value])
        return
    command = [sys.executable, "-c", EXECUTOR, url.removeprefix("sqlite:///")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as executor:

        def execute(sql: str, value: str) -> None:
            assert executor.stdin is not None
            assert executor.stdout is not None
            print(json.dumps([sql, value]), file=executor.stdin, flush=True)
            assert executor.stdout.readline() == "done\n"

        yield execute
        executor.communicate()
    assert executor.returncode == 0


def totp_code(key: str, steps: int = 0) -> str:
    """The code that an authenticator shows for a key, so many steps from now (RFC 6238)."""
    counter = struct.pack(">Q", int(time.time()) // 30 + steps)
    padded = key + "=" * (-len(key) % 8)
    digest = hmac.digest(base64.b32decode(padded), counter, "sha1")
    offset = digest[-1] & 15
    return f"{(struct.unpack_from('>I', digest, offset)[0] & 0x7FFFFFFF) % 1_000_000:06}"


def in_child(work: Callable[[], object], patience: float = 60) -> int:
    """Forks; the child runs `work` and ends with 0, with 1 if that raised; 99 if it took too long."""
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            work()
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    return status_of(pid, patience)


def status_of(pid: int, patience: float = 60) -> int:
    """Waits for a child, and tells its exit status; 99 if it took too long."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    os.kill(pid, 9)
    os.waitpid(pid, 0)
    return 99
