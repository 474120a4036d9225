"""The Python API, measured: calls of one thread, on SQLite and PostgreSQL, beside the least that each could be.

`make bench` runs it, with a PostgreSQL server of its own. Beside one that runs already:

    ZATO_SSO_TEST_POSTGRES_URL=postgresql://... .venv/bin/python benches/python_faces.py [--smoke]

`--smoke` makes the rounds few and so short that the figures mean nothing: it shows that everything works.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import os
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from measure import Contestant, Report, measure, target_folder
from zato_sso import SSO

POSTGRES_VARIABLE = "ZATO_SSO_TEST_POSTGRES_URL"
PASSWORD = "correct horse battery staple"
# The key of the databases.
KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
# What every call carries beside its own input.
CID, APP, ADDRESS = "bench", "CRM", "127.0.0.1"

# The whole of what a check needs is in these two rows, found by the digest of a token.
LOOKUP = (
    "SELECT s.session_id, s.user_id, s.creation_time, s.expiration_time, s.remote_addr, s.user_agent, s.auth_type,"
    " u.username, u.is_super_user, u.is_locked, u.sign_up_status, u.approval_status, u.password_expiry"
    " FROM sso_session s JOIN sso_user u ON u.user_id = s.user_id WHERE s.ust_digest = {}"
)
UPDATE = "UPDATE sso_session SET expiration_time = expiration_time + 1 WHERE ust_digest = {}"


class CannotMeasureError(Exception):
    """Something that is needed is not there; the text says what to do."""


class Ten:
    """An object of ten attributes and no dictionary, as a user is."""

    __slots__ = ("a", "b", "c", "d", "e", "f", "g", "h", "i", "j")

    def __init__(self, cid: str, current_ust: str, current_app: str, remote_addr: str) -> None:
        """Set all ten."""
        self.a = self.b = self.c = cid
        self.d = self.e = self.f = current_ust
        self.g = self.h = current_app
        self.i = self.j = remote_addr


def empty(_cid: str, _target_ust: str, _current_ust: str, _current_app: str, _remote_addr: str) -> bool:
    """Do nothing, with the arguments of `verify`."""
    return True


def digest(ust: str) -> bytes:
    """Return what is stored of a token."""
    return hashlib.sha256(ust.encode()).digest()


@contextlib.contextmanager
def sqlite(folder: Path) -> Iterator[tuple[str, Callable[[str, str], Callable[[], object]]]]:
    """Have a file: its URL, and what makes a bare statement about the session of a token into a call."""
    if sqlite3.sqlite_version_info < (3, 37):
        raise CannotMeasureError(
            f"SQLite of this Python is {sqlite3.sqlite_version}, and 3.37 is the first that reads STRICT tables: "
            "use a newer Python"
        )
    path = folder / "sso.db"
    # The statements must be committed as those of the product are.
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")

    def bare(statement: str, ust: str) -> Callable[[], object]:
        sql, arguments = statement.format("?"), (digest(ust),)
        return lambda: connection.execute(sql, arguments).fetchone()

    with contextlib.closing(connection):
        yield f"sqlite:///{path}", bare


@contextlib.contextmanager
def postgres(_folder: Path) -> Iterator[tuple[str, Callable[[str, str], Callable[[], object]]]]:
    """Have a database of the server, likewise."""
    server = os.environ.get(POSTGRES_VARIABLE)
    if not server:
        raise CannotMeasureError(f"{POSTGRES_VARIABLE} is not set: run make bench, which starts a PostgreSQL server")
    name = f"sso_bench_python_{os.getpid()}"
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
        url = urlsplit(server)._replace(path=f"/{name}").geturl()
        try:
            with psycopg.connect(url, autocommit=True, prepare_threshold=0) as connection:

                def bare(statement: str, ust: str) -> Callable[[], object]:
                    sql, arguments = statement.format("%b"), (digest(ust),)
                    reads = statement is LOOKUP

                    def call() -> object:
                        cursor = connection.execute(sql, arguments)
                        return cursor.fetchone() if reads else cursor.rowcount

                    return call

                yield url, bare
        finally:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


def compare(report: Report, *, is_smoke: bool) -> None:
    """Measure everything in turn, and fill the report."""
    temporary = target_folder() / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    nothing = Contestant("empty Python function", empty, (CID, "target", "current", APP, ADDRESS))
    ten = Contestant("Python object of 10 attributes", Ten, (CID, "current", APP, ADDRESS))
    contestants, pairs = [nothing, ten], []
    with contextlib.ExitStack() as stack:
        for name, module, database in (("SQLite", "sqlite3", sqlite), ("PostgreSQL", "psycopg", postgres)):
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=temporary)))
            url, bare = stack.enter_context(database(folder))
            # Everything is as the product comes, but that audit lines go to a file, not to the terminal.
            config = {"database.url": url, "main.secret_key": KEY, "audit.file": str(folder / "audit.jsonl")}
            sso = stack.enter_context(SSO(config=config))
            target, current, renewed = log_in(sso)

            verify = Contestant(
                f"session.verify, {name}", sso.user.session.verify, (CID, target, current, APP, ADDRESS)
            )
            get = Contestant(f"get_current_user, {name}", sso.user.get_current_user, (CID, target, APP, ADDRESS))
            renew = Contestant(f"session.renew, {name}", sso.user.session.renew, (CID, renewed, APP, ADDRESS))
            lookup = Contestant(f"bare {module} lookup", bare(LOOKUP, target))
            update = Contestant(f"bare {module} update", bare(UPDATE, renewed))
            for contestant in (verify, get, lookup):
                if not contestant.function(*contestant.arguments):
                    raise CannotMeasureError(f"{contestant.name} does not work")
            contestants += [verify, get, renew, lookup, update]
            pairs += [(verify, lookup), (verify, nothing), (get, lookup), (get, ten), (renew, update)]
        measure(contestants, is_smoke=is_smoke)
    for what, yardstick in pairs:
        report.add(what, yardstick)


def log_in(sso: SSO) -> tuple[str, str, str]:
    """Return tokens: of a user, of a super-user who may verify it, and of one more session to renew."""
    for create, username in ((sso.user.create_user, "user1"), (sso.user.create_super_user, "admin1")):
        data = {"username": username, "password": PASSWORD}
        create(CID, data, current_app=APP, remote_addr=ADDRESS, require_super_user=False, auto_approve=True)
    target, current, renewed = (
        sso.user.login(CID, username, PASSWORD, APP, ADDRESS).ust for username in ("user1", "admin1", "user1")
    )
    return target, current, renewed


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description="Measure the Python API.")
    parser.add_argument("--smoke", action="store_true", help="short rounds, to see that everything works")
    arguments = parser.parse_args()
    # Settings of the environment would override those of the benchmark.
    for variable in [name for name in os.environ if name.startswith("ZATO_SSO_") and name != POSTGRES_VARIABLE]:
        del os.environ[variable]

    report = Report("python_faces")
    try:
        compare(report, is_smoke=arguments.smoke)
    except CannotMeasureError as error:
        print(f"python_faces: {error}", file=sys.stderr)
        return 1
    print(report.table())
    if not arguments.smoke:
        report.save()
    return 0


if __name__ == "__main__":
    sys.exit(main())
