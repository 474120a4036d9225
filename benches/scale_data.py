"""Databases of any number of users and sessions, written in bulk: the same rows for the same seed.

    ZATO_SSO_TEST_POSTGRES_URL=postgresql://... .venv/bin/python benches/scale_data.py [--users 1000] [--sessions 5000]

`benches/scale.py` makes what it measures by itself; alone, this leaves the databases for a look at them.

The schema, a super-user and one password hash are the product's. All users share that hash, in an envelope that is not
encrypted, as `main.encrypt_password = false` stores it: an encrypted one would be bound to its row. Emails likewise.
They have no TOTP key. Everything else stands as the product would have written it.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import hashlib
import hmac
import itertools
import os
import shutil
import sqlite3
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import psycopg
from measure import target_folder
from zato_sso import SSO

POSTGRES_VARIABLE = "ZATO_SSO_TEST_POSTGRES_URL"
KINDS = ("SQLite", "PostgreSQL")
USERS, SESSIONS = 1_000_000, 5_000_000
SEED = "zato_sso"
PASSWORD = "correct horse battery staple"
ADMIN = "admin1"
MASTER_KEY = bytes(range(32))
CID, APP, ADDRESS = "bench", "CRM", "127.0.0.1"

# Times of the rows, in microseconds: sessions begin a second apart, and none ends while anybody measures.
FIRST_LOGIN = 1_767_225_600_000_000
SECOND = 1_000_000
LAST_MOMENT = 4_102_444_800_000_000

FIRST_NAMES = (
    "Ada Adam Agnes Ahmed Aiko Alan Alice Amara Amina Ana Andrei Anna Anton Ben Bianca Carla Carlos Chen Chloé Clara"
    " Daniel David Diego Dmitri Elena Elif Emil Emma Eva Farid Fatima Felix Finn Frida Georg Grace Hana Hans Hugo"
    " Ida Igor Ines Ingrid Ivan Jack Jan José Julia Kaito Karl Kofi Lars Layla Lea Leo Lin Lucas Luis Maja Marco Maria"
    " Mei Mia Mila Mohamed Nadia Nina Noah Nora Olga Oliver Omar Oscar Pablo Paula Pedro Petra Priya Rafael Ravi"
    " Rosa Ruth Samir Sara Sofia Stefan Tara Theo Tomás Vera Viktor Wei Yara Yuki Zoe Zofia Łukasz Øyvind Élise Özge"
).split()
LAST_NAMES = (
    "Abe Adams Ahmed Ali Andersen Bauer Becker Bell Berg Bianchi Brown Carter Castro Chen Clark Cohen Costa Cruz Dahl"
    " Davis Diaz Dubois Eriksson Evans Fernández Fischer Flores Fontaine Garcia Gomez González Gray Green Gupta Haas"
    " Hall Hansen Hill Hoffmann Horvat Huang Hughes Ito Ivanov Jackson Jansen Jensen Johansson Jones Kaya Keller Khan"
    " Kim King Klein Kovács Kowalski Kumar Larsen Lee Lewis Li Lopez Martin Mendes Meyer Miller Moreau Morris Müller"
    " Murphy Nagy Nakamura Nguyen Nielsen Novák O'Brien Okafor Olsen Owusu Park Patel Pereira Petrov Popescu Ramos"
    " Reyes Ricci Rossi Russo Santos Sato Schmidt Schneider Silva Singh Smith Sousa Suzuki Svensson Tanaka Taylor"
    " Thomas Torres Tran Turner Varga Virtanen Wagner Walker Wang Weber White Williams Wilson Wolf Wood Wright Wu"
    " Yamada Yang Yilmaz Young Zhang Zimmermann"
).split()
USER_AGENTS = tuple(
    f"Mozilla/5.0 ({system}) Gecko/20100101 Firefox/{version}.0"
    for system, version in itertools.product(("X11; Linux x86_64", "Windows NT 10.0; Win64; x64"), range(120, 140))
)

USER_COLUMNS = (
    "user_id user_token username email email_index email_is_claimed display_name first_name last_name"
    " display_name_upper first_name_upper last_name_upper is_active is_internal is_super_user is_locked locked_time"
    " sign_up_status sign_up_time approval_status approval_status_mod_time password_hash password_last_set"
    " password_expiry password_must_change is_totp_enabled totp_last_step is_rate_limit_active"
    " rate_limit_check_parent_def"
).split()
IDENTITY_COLUMNS = "identity_token user_id provider creation_time last_modified".split()
SESSION_COLUMNS = (
    "session_id ust_digest user_id creation_time expiration_time remote_addr user_agent auth_type auth_principal"
    " state_change_count"
).split()

Row: TypeAlias = Sequence[Any]


class CannotMeasureError(Exception):
    """Something that is needed is not there; the text says what to do."""


@dataclass(frozen=True)
class Size:
    """How much there is."""

    users: int
    sessions: int
    seed: str = SEED

    def bits(self, kind: str, number: int) -> bytes:
        """Return 32 bytes that are the same for the same row."""
        return hashlib.sha256(f"{self.seed} {kind} {number}".encode()).digest()

    def token(self, session: int) -> str:
        """Return the token of a session."""
        return "zust" + base64.urlsafe_b64encode(self.bits("session", session)).rstrip(b"=").decode()

    def user_of(self, session: int) -> int:
        """Return whose session it is."""
        return int.from_bytes(self.bits("session", session)[:8], "big") % self.users

    def names(self, user: int) -> tuple[str, str]:
        """Return the first and last name."""
        bits = self.bits("user", user)
        first = FIRST_NAMES[int.from_bytes(bits[16:20], "big") % len(FIRST_NAMES)]
        return first, LAST_NAMES[int.from_bytes(bits[20:24], "big") % len(LAST_NAMES)]

    def user_id(self, user: int) -> str:
        """Return the id of a user."""
        return f"zusr{self.bits('user', user)[:13].hex()}"


def username(user: int) -> str:
    """Return the name that a user logs in with."""
    return f"user{user}"


def may_log_in(user: int) -> bool:
    """Whether the user is neither locked nor without a confirmed address; a few are."""
    return user % 50 != 7 and user % 40 != 3


def users(size: Size, password_hash: bytes) -> Iterator[Row]:
    """Return the rows of the users, in the order of `USER_COLUMNS`."""
    email_key = hkdf(b"zato_sso 1 blind-index")
    for number in range(size.users):
        bits = size.bits("user", number)
        first, last = size.names(number)
        display = f"{first} {last}"
        email = f"{username(number)}@example.com"
        is_locked, is_confirmed = number % 50 == 7, number % 40 != 3
        joined = FIRST_LOGIN - (size.users - number) * SECOND
        yield (
            size.user_id(number),
            bits[:16],
            username(number),
            b"\0" + email.encode(),
            hmac.digest(email_key, email.encode(), "sha256"),
            True,
            *(display, first, last, display.upper(), first.upper(), last.upper()),
            *(True, False, False, is_locked, joined if is_locked else None),
            "final" if is_confirmed else "before_confirmation",
            joined,
            "approved" if is_confirmed else "before_decision",
            joined,
            password_hash,
            *(joined, LAST_MOMENT, False, False, 0, False, True),
        )


def identities(size: Size) -> Iterator[Row]:
    """Return the rows of the identities, one for each user, in the order of `IDENTITY_COLUMNS`."""
    for number in range(size.users):
        joined = FIRST_LOGIN - (size.users - number) * SECOND
        # UUID version 7: milliseconds, then chance.
        token = (joined // 1000).to_bytes(6, "big") + b"\x70\0\x80" + size.bits("identity", number)[:7]
        yield (token, size.user_id(number), "storage", joined, joined)


def sessions(size: Size) -> Iterator[Row]:
    """Return the rows of the sessions, in the order of `SESSION_COLUMNS`."""
    for number in range(size.sessions):
        bits = size.bits("session", number)
        user = int.from_bytes(bits[:8], "big") % size.users
        token = b"zust" + base64.urlsafe_b64encode(bits).rstrip(b"=")
        creation = FIRST_LOGIN + number * SECOND
        yield (
            # UUID version 7: milliseconds, then chance.
            (creation // 1000).to_bytes(6, "big")
            + bytes((0x70 | bits[8] & 15, bits[9], 0x80 | bits[10] & 63))
            + bits[11:18],
            hashlib.sha256(token).digest(),
            size.user_id(user),
            creation,
            LAST_MOMENT + number * SECOND,
            f"10.{bits[20]}.{bits[21]}.{bits[22]}",
            USER_AGENTS[bits[23] % len(USER_AGENTS)],
            "default",
            username(user),
            1,
        )


def hkdf(purpose: bytes) -> bytes:
    """Return a sub-key of the master key (RFC 5869, one block)."""
    pseudorandom = hmac.digest(b"\0" * 32, MASTER_KEY, "sha256")
    return hmac.digest(pseudorandom, purpose + b"\x01", "sha256")


@dataclass(frozen=True)
class Database:
    """A filled database, and how to open it."""

    kind: str
    size: Size
    url: str
    folder: Path

    def config(self, **settings: object) -> dict[str, object]:
        """Return the configuration: as the product comes, but for the audit log, and what is said here."""
        return {
            "main.secret_key": base64.b64encode(MASTER_KEY).decode(),
            "database.url": self.url,
            "audit.file": str(self.folder / "audit.jsonl"),
            **settings,
        }

    def bytes_on_disk(self) -> dict[str, int]:
        """Return how much the two large tables take, each with its indexes."""
        tables = ("sso_user", "sso_session")
        if self.kind == "PostgreSQL":
            with psycopg.connect(self.url) as connection:
                query = "SELECT pg_total_relation_size(%s::regclass)"
                return {table: only(connection.execute(query, [table]).fetchone()) for table in tables}
        with contextlib.closing(sqlite3.connect(self.url.removeprefix("sqlite:///"))) as connection:
            names = "SELECT name FROM sqlite_schema WHERE tbl_name = ?"
            query = f"SELECT SUM(pgsize) FROM dbstat WHERE aggregate = TRUE AND name IN ({names})"
            return {table: only(connection.execute(query, [table]).fetchone()) for table in tables}


def only(row: Sequence[Any] | None) -> int:
    """Return the one number of a row."""
    return int(row[0]) if row else 0


@contextlib.contextmanager
def database(kind: str, size: Size, folder: Path) -> Iterator[Database]:
    """Have a filled database; it is removed in the end."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        if kind == "SQLite":
            made = Database(kind, size, f"sqlite:///{folder / 'sso.db'}", folder)
            fill(made)
            yield made
            return
        server = os.environ.get(POSTGRES_VARIABLE)
        if not server:
            raise CannotMeasureError(f"{POSTGRES_VARIABLE} is not set: run make bench-scale, which starts a server")
        name = f"sso_scale_{os.getpid()}_{folder.name.rpartition('-')[2].lower()}"
        with psycopg.connect(server, autocommit=True) as admin:
            admin.execute(f"CREATE DATABASE {name}")
            try:
                made = Database(kind, size, urlsplit(server)._replace(path=f"/{name}").geturl(), folder)
                fill(made)
                yield made
            finally:
                admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def fill(made: Database) -> None:
    """Let the product make the schema and a super-user, and write the rest past it."""
    start = perf_counter()
    settings = {"main.encrypt_password": False, "cleanup.interval": 86_400}
    with SSO(config=made.config(**settings)) as sso:
        admin = {"username": ADMIN, "password": PASSWORD}
        sso.user.create_super_user(
            CID, admin, current_app=APP, remote_addr=ADDRESS, require_super_user=False, auto_approve=True
        )
    query = f"SELECT password_hash FROM sso_user WHERE username = '{ADMIN}'"
    if made.kind == "SQLite":
        with contextlib.closing(sqlite3.connect(made.url.removeprefix("sqlite:///"), isolation_level=None)) as to:
            (password_hash,) = to.execute(query).fetchone()
            fill_sqlite(to, made.size, password_hash)
    else:
        with psycopg.connect(made.url, autocommit=True) as connection:
            row = connection.execute(query).fetchone()
            fill_postgres(connection, made.size, row[0] if row else b"")
    took = perf_counter() - start
    print(
        f"{made.kind}: {made.size.users:,} users and {made.size.sessions:,} sessions in {took:.0f} s", file=sys.stderr
    )


def fill_sqlite(to: sqlite3.Connection, size: Size, password_hash: bytes) -> None:
    """Write the rows, then the indexes: sorted, they cost a fraction."""
    for pragma in (
        "journal_mode = OFF",
        "synchronous = OFF",
        "cache_size = -1000000",
        "foreign_keys = OFF",
        "threads = 2",
    ):
        to.execute(f"PRAGMA {pragma}")
    tables = "tbl_name IN ('sso_user', 'sso_identity', 'sso_session') AND type = 'index' AND sql IS NOT NULL"
    indexes = to.execute(f"SELECT name, sql FROM sqlite_schema WHERE {tables}").fetchall()
    to.execute("BEGIN")
    for name, _ in indexes:
        to.execute(f"DROP INDEX {name}")
    for table, columns, rows in (
        ("sso_user", USER_COLUMNS, users(size, password_hash)),
        ("sso_identity", IDENTITY_COLUMNS, identities(size)),
        ("sso_session", SESSION_COLUMNS, sessions(size)),
    ):
        places = ", ".join("?" * len(columns))
        to.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})", rows)
    for _, text in indexes:
        to.execute(text)
    to.execute("COMMIT")
    to.execute("PRAGMA journal_mode = WAL")


def fill_postgres(to: psycopg.Connection[Any], size: Size, password_hash: bytes) -> None:
    """Write the rows by COPY, without looking each one's user up, then the indexes."""
    to.execute("SET session_replication_role = replica")
    to.execute("SET maintenance_work_mem = '512MB'")
    secondary = "tablename IN ('sso_user', 'sso_identity', 'sso_session') AND indexname NOT LIKE '%_pkey'"
    indexes = to.execute(f"SELECT indexname, indexdef FROM pg_indexes WHERE {secondary}").fetchall()
    with to.transaction():
        for name, _ in indexes:
            to.execute(f"DROP INDEX {name}")
        for table, columns, rows in (
            ("sso_user", USER_COLUMNS, users(size, password_hash)),
            ("sso_identity", IDENTITY_COLUMNS, identities(size)),
            ("sso_session", SESSION_COLUMNS, sessions(size)),
        ):
            with to.cursor().copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as copy:
                for block in blocks(rows):
                    copy.write("".join("\t".join(map(copied, row)) + "\n" for row in block))
        for _, text in indexes:
            to.execute(text)
    to.execute("VACUUM (ANALYZE) sso_user, sso_identity, sso_session")
    to.execute("CHECKPOINT")


def blocks(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Return the rows, a thousand at a time."""
    rows = iter(rows)
    while block := list(itertools.islice(rows, 1000)):
        yield block


def copied(value: Any) -> str:
    """Return a value as COPY reads it; nothing here has a tab or a backslash in it."""
    if value is None:
        return "\\N"
    if isinstance(value, bytes):
        # An id of 16 bytes is a UUID.
        return value.hex() if len(value) == 16 else "\\\\x" + value.hex()
    return str(value)


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description="Make databases of any number of users and sessions.")
    parser.add_argument("--users", type=int, default=USERS)
    parser.add_argument("--sessions", type=int, default=SESSIONS)
    parser.add_argument("--seed", default=SEED)
    parser.add_argument("--kind", choices=KINDS, action="append", help="by default both")
    arguments = parser.parse_args()
    size = Size(arguments.users, arguments.sessions, arguments.seed)
    try:
        with contextlib.ExitStack() as stack:
            for kind in arguments.kind or KINDS:
                made = stack.enter_context(database(kind, size, target_folder() / "bench" / "scale" / kind))
                print(made.kind, made.url, made.bytes_on_disk())
            print("They are removed when the input ends.")
            sys.stdin.read()
    except CannotMeasureError as error:
        print(f"scale_data: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
