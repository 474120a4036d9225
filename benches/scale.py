"""What a million users and five million sessions cost, beside a thousand and ten thousand, on SQLite and PostgreSQL.

`make bench-scale` runs it, with a PostgreSQL server of its own. Beside one that runs already:

    ZATO_SSO_TEST_POSTGRES_URL=postgresql://... .venv/bin/python benches/scale.py
        [--users 1000000] [--sessions 5000000] [--expired 200000] [--seed TEXT] [--kind SQLite] [--smoke]

The databases are made in `target/bench/scale` and removed in the end; they take some 10 GB meanwhile. `--smoke` makes
everything so small that the figures mean nothing: it shows that everything works.
"""

from __future__ import annotations

import argparse
import contextlib
import html
import io
import json
import os
import random
import re
import sqlite3
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import psycopg
from measure import target_folder
from scale_data import (
    ADDRESS,
    ADMIN,
    APP,
    CID,
    KINDS,
    PASSWORD,
    POSTGRES_VARIABLE,
    SEED,
    SESSIONS,
    USERS,
    CannotMeasureError,
    Database,
    Size,
    database,
    may_log_in,
    username,
)
from zato_sso import SSO, SearchCtx, ValidationError, wsgi

PAGE = 50
SEARCH_COLUMNS = "user_id, username, email, display_name, first_name, last_name, sign_up_status, approval_status"
# Where a figure is compared to that of few users.
SMALL = Size(1_000, 10_000)
SMOKE_SMALL, SMOKE = Size(100, 500), Size(200, 1_000)


@dataclass(frozen=True)
class Plan:
    """How often everything is done."""

    rounds: int = 5
    checks: int = 2_000
    renewals: int = 500
    logins: int = 20
    searches: int = 100


SMOKE_PLAN = Plan(rounds=2, checks=5, renewals=5, logins=1, searches=3)


@dataclass(frozen=True)
class Open:
    """A database with single sign-on on it, whose sessions are read at each call and never kept."""

    made: Database
    sso: SSO
    admin: str

    def sessions(self, seed: object, number: int) -> list[str]:
        """Return tokens of so many sessions by chance, of users in good standing."""
        chance, size = random.Random(str(seed)), self.made.size
        found: list[str] = []
        while len(found) < number:
            session = chance.randrange(size.sessions)
            if may_log_in(size.user_of(session)):
                found.append(size.token(session))
        return found

    def usernames(self, seed: object, number: int) -> list[str]:
        """Return the names of so many users by chance, in good standing."""
        chance = random.Random(str(seed))
        found: list[str] = []
        while len(found) < number:
            user = chance.randrange(self.made.size.users)
            if may_log_in(user):
                found.append(username(user))
        return found


@contextlib.contextmanager
def opened(made: Database) -> Iterator[Open]:
    """Have single sign-on, with nothing in memory and nothing in the background."""
    with SSO(config=made.config(**{"session.cache": "off", "cleanup.interval": 86_400})) as sso:
        yield Open(made, sso, sso.user.login(CID, ADMIN, PASSWORD, APP, ADDRESS).ust)


def verify(at: Open, seed: object, plan: Plan) -> float:
    """Return the seconds of a check of a session."""
    tokens, call, admin = at.sessions(seed, plan.checks), at.sso.user.session.verify, at.admin
    start = perf_counter()
    valid = [call(CID, token, admin, APP, ADDRESS) for token in tokens]
    took = perf_counter() - start
    if not all(valid):
        raise CannotMeasureError("a session that was made is not valid")
    return took / len(tokens)


def renew(at: Open, seed: object, plan: Plan) -> float:
    """Return the seconds of a renewal."""
    tokens, call = at.sessions(seed, plan.renewals), at.sso.user.session.renew
    start = perf_counter()
    for token in tokens:
        call(CID, token, APP, ADDRESS)
    return (perf_counter() - start) / len(tokens)


def log_in(at: Open, seed: object, plan: Plan) -> float:
    """Return the seconds of a login, its hash included."""
    names, call = at.usernames(seed, plan.logins), at.sso.user.login
    start = perf_counter()
    for name in names:
        call(CID, name, PASSWORD, APP, ADDRESS)
    return (perf_counter() - start) / len(names)


CALLS = {"session.verify": verify, "session.renew": renew, "login": log_in}


def compare_costs(few: Database, many: Database, plan: Plan) -> Iterator[dict[str, Any]]:
    """Yield what each call costs with few and with many, measured in turn."""
    costs: dict[tuple[str, Size], list[float]] = {(name, of.size): [] for name in CALLS for of in (few, many)}
    with opened(few) as at_few, opened(many) as at_many:
        for number in range(plan.rounds):
            turns = [(name, at) for name in CALLS for at in (at_few, at_many)]
            for name, at in turns if number % 2 == 0 else reversed(turns):
                costs[name, at.made.size].append(CALLS[name](at, f"{name} {number}", plan))
    for name in CALLS:
        before, after = costs[name, few.size], costs[name, many.size]
        ratios = [more / less for less, more in zip(before, after, strict=True)]
        yield {
            "what": f"{name}, {many.kind}",
            "few_us": 1e6 * statistics.median(before),
            "many_us": 1e6 * statistics.median(after),
            "ratio": {"median": statistics.median(ratios), "min": min(ratios), "max": max(ratios)},
        }


@dataclass(frozen=True)
class Search:
    """A search, and what it comes to in SQL: how many there are, and one page of them."""

    name: str
    goal_ms: float | None
    criteria: dict[str, Any]
    where: str = ""
    pages: Callable[[int, random.Random], int] = lambda _last, _chance: 1


def searches() -> list[Search]:
    """Return what is looked for: the names are those that the generator gives."""
    middle = 3
    return [
        Search("page 1", 5, {}),
        Search("deep page", 20, {}, pages=lambda last, chance: max(1, last // middle + chance.randrange(-2, 3))),
        Search("page in the middle", None, {}, pages=lambda last, _chance: max(1, last // 2)),
        Search("last page", None, {}, pages=lambda last, _chance: last),
        Search(
            *("part of a name, many", 100, {"last_name": "son", "is_name_exact": False}),
            "WHERE last_name_upper LIKE '%SON%'",
        ),
        Search(
            *("part of a name, few", 100, {"display_name": "uki o'b", "is_name_exact": False}),
            "WHERE display_name_upper LIKE '%UKI O''B%'",
        ),
        Search(
            *("part of a name, nobody", 100, {"display_name": "qqq", "is_name_exact": False}),
            "WHERE display_name_upper LIKE '%QQQ%'",
        ),
        Search("whole name", None, {"display_name": "Ada Lee"}, "WHERE display_name_upper = 'ADA LEE'"),
        Search(
            "not approved", None, {"approval_status": "before_decision"}, "WHERE approval_status = 'before_decision'"
        ),
    ]


Bare = Callable[[str], Any]


@contextlib.contextmanager
def bare(made: Database) -> Iterator[Bare]:
    """Have the database's own library for Python. SQLite's is not to be open beside single sign-on in one process."""
    if made.kind == "SQLite":
        with contextlib.closing(
            sqlite3.connect(made.url.removeprefix("sqlite:///"), isolation_level=None)
        ) as connection:
            yield lambda text: connection.execute(text).fetchall()
        return
    with psycopg.connect(made.url, autocommit=True) as connection:
        yield lambda text: connection.execute(text.encode()).fetchall()


@dataclass
class Times:
    """How long the calls of one search took, in milliseconds: whole, and its page in plain SQL."""

    whole: list[float] = field(default_factory=list)
    counts: list[float] = field(default_factory=list)
    pages: list[float] = field(default_factory=list)
    total: int = 0


def measure_searches(made: Database, plan: Plan) -> Iterator[dict[str, Any]]:
    """Yield the slowest of a hundred, and the median, of each search, beside its two statements alone."""
    times = {search.name: Times() for search in searches()}
    last = -(-(made.size.users + 1) // PAGE)
    for number in range(plan.rounds):
        calls = -(-plan.searches // plan.rounds)
        with opened(made) as at:
            for search in searches():
                took, chance = times[search.name], random.Random(f"{search.name} {number}")
                for _ in range(calls):
                    criteria = SearchCtx(cur_page=search.pages(last, chance), page_size=PAGE, **search.criteria)
                    start = perf_counter()
                    found = at.sso.user.search(CID, criteria, at.admin, APP, ADDRESS)
                    took.whole.append(1e3 * (perf_counter() - start))
                    took.total = found["total"]
        with bare(made) as execute:
            for search in searches():
                took, chance = times[search.name], random.Random(f"{search.name} {number}")
                nulls = " NULLS FIRST" if made.kind == "PostgreSQL" else ""
                for _ in range(max(1, calls // 20)):
                    offset = PAGE * (search.pages(last, chance) - 1)
                    start = perf_counter()
                    execute(f"SELECT COUNT(*) FROM sso_user {search.where}")
                    middle = perf_counter()
                    execute(
                        f"SELECT {SEARCH_COLUMNS} FROM sso_user {search.where}"
                        f" ORDER BY display_name{nulls}, username LIMIT {PAGE} OFFSET {offset}"
                    )
                    took.counts.append(1e3 * (middle - start))
                    took.pages.append(1e3 * (perf_counter() - middle))
    for search in searches():
        took = times[search.name]
        yield {
            "what": f"{search.name}, {made.kind}",
            "found": took.total,
            "median_ms": statistics.median(took.whole),
            "p99_ms": sorted(took.whole)[-1 - len(took.whole) // 100],
            "goal_ms": search.goal_ms,
            "bare_count_ms": statistics.median(took.counts),
            "bare_page_ms": statistics.median(took.pages),
        }


def lists(size: Size) -> dict[str, str]:
    """Return what the administration lists users by: in words, and as a query."""
    last = size.users - 1
    return {
        "everybody": "",
        "the latest first": "order=newest",
        "a part that everybody has": "q=user",
        "a part that some have": "q=lee",
        "a part that few have": f"q={username(last)}",
        "a part that nobody has": "q=xyzzy",
        "an email": f"q={username(last)}%40example.com",
        "locked": "list=locked",
        "locked, and a part that few have": f"list=locked&q={username(last)}",
        "locked, the latest first": "list=locked&order=newest",
        "signed up in an hour": "from=2025-12-31&until=2025-12-31",
        "signed in since": "since=2026-01-01",
    }


def measure_lists(made: Database, plan: Plan) -> Iterator[dict[str, Any]]:
    """Yield how long a page of the administration takes, and one after a hundred others, by what it lists."""
    with SSO(config=made.config(**{"pages.is_active": True, "cleanup.interval": 86_400})) as sso:
        ust, application = sso.user.login(CID, ADMIN, PASSWORD, APP, ADDRESS).ust, wsgi.Application(sso)

        def page(query: str) -> tuple[float, str]:
            environ = {
                "REQUEST_METHOD": "GET",
                "PATH_INFO": "/admin",
                "QUERY_STRING": query,
                "HTTP_HOST": "localhost",
                "HTTP_COOKIE": f"zato_sso_session={ust}",
                "REMOTE_ADDR": ADDRESS,
                "wsgi.input": io.BytesIO(),
            }
            statuses: list[str] = []
            start = perf_counter()
            body = b"".join(application(environ, lambda status, _headers, *_: statuses.append(status)))
            took = perf_counter() - start
            if not statuses[0].startswith("200"):
                raise CannotMeasureError(f"/admin?{query}: {statuses[0]}")
            return took, body.decode()

        for what, query in lists(made.size).items():
            times = [page(query)[0] for _ in range(plan.rounds * 4)]
            text, deep = page(query)[1], query
            for _ in range(100 if plan.rounds > 2 else 2):
                found = re.search(r'href="\?([^"]*)" rel="next"', text)
                if not found:
                    break
                deep = html.unescape(found[1])
                text = page(deep)[1]
            count = re.search(r"<p>([^<]*) users?</p>", page(query)[1])
            yield {
                "what": f"{what}, {made.kind}",
                "median_ms": 1e3 * statistics.median(times),
                "slowest_ms": 1e3 * max(times),
                "page_101_ms": 1e3 * statistics.median(page(deep)[0] for _ in range(plan.rounds)),
                "users": count[1] if count else "none",
            }


def measure_cleanup(made: Database, expired: int, plan: Plan) -> dict[str, Any]:
    """Let another process delete expired sessions while this one renews others, and see who waits for how long."""
    with opened(made) as at:
        alone = renew(at, "alone", plan)
    with bare(made) as execute:
        ids = f"SELECT session_id FROM sso_session ORDER BY session_id LIMIT {expired}"
        text = f"UPDATE sso_session SET expiration_time = 1 WHERE session_id IN ({ids}) RETURNING 1"
        number = len(execute(text))
    waits: list[float] = []
    settings = made.config(**{"audit.file": str(made.folder / "cleanup.jsonl")})
    environment = {f"ZATO_SSO_{key.upper().replace('.', '__')}": str(value) for key, value in settings.items()}
    command = [sys.executable, "-m", "zato_sso", "--json", "cleanup"]
    with opened(made) as at:
        start = perf_counter()
        with subprocess.Popen(
            command, env={**os.environ, **environment}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as cleaning:
            while cleaning.poll() is None:
                for token in at.sessions(f"cleanup {len(waits)}", 20):
                    before = perf_counter()
                    # One that has expired is refused, sooner than it would be renewed.
                    with contextlib.suppress(ValidationError):
                        at.sso.user.session.renew(CID, token, APP, ADDRESS)
                        waits.append(perf_counter() - before)
            took = perf_counter() - start
            said, complaint = cleaning.communicate()
    if cleaning.returncode != 0 or not waits:
        raise CannotMeasureError(f"the clean-up failed: {complaint}")
    return {
        "what": f"clean-up, {made.kind}",
        "deleted": json.loads(said)["sessions"],
        "rows_per_second": number / took,
        "renewals_meanwhile": len(waits),
        "renewal_alone_ms": 1e3 * alone,
        "renewal_median_ms": 1e3 * statistics.median(waits),
        "renewal_p99_ms": 1e3 * sorted(waits)[-1 - len(waits) // 100],
        "renewal_longest_ms": 1e3 * max(waits),
    }


def lines(rows: list[dict[str, Any]]) -> str:
    """Return rows as a table, as plain text."""
    table = [list(rows[0]), *([shown(value) for value in row.values()] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if at else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in table
    )


def shown(value: object) -> str:
    """Return a value with as many digits as mean something."""
    if isinstance(value, dict):
        return f"{value['median']:.3f} ({value['min']:.3f} .. {value['max']:.3f})"
    if isinstance(value, float):
        return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
    return "" if value is None else f"{value:,}" if isinstance(value, int) else str(value)


def measure_all(arguments: argparse.Namespace) -> dict[str, list[dict[str, Any]]]:
    """Measure everything; the tables by their names."""
    is_smoke = arguments.smoke
    plan = SMOKE_PLAN if is_smoke else Plan()
    few, many = (SMOKE_SMALL, SMOKE) if is_smoke else (SMALL, Size(arguments.users, arguments.sessions))
    few, many = (Size(size.users, size.sessions, arguments.seed) for size in (few, many))
    tables: dict[str, list[dict[str, Any]]] = {
        "costs": [],
        "searches": [],
        "lists": [],
        "clean-up": [],
        "size": [],
    }
    folder = target_folder() / "bench" / "scale"
    for kind in arguments.kind or KINDS:
        with (
            database(kind, few, folder / f"{kind}-few") as made_few,
            database(kind, many, folder / f"{kind}-many") as made_many,
        ):
            taken = made_many.bytes_on_disk()
            users, sessions = taken["sso_user"] / many.users, taken["sso_session"] / many.sessions
            tables["size"].append({"what": kind, "bytes_per_user": users, "bytes_per_session": sessions})
            tables["lists"].extend(measure_lists(made_many, plan))
            if arguments.only_lists:
                continue
            tables["costs"].extend(compare_costs(made_few, made_many, plan))
            tables["searches"].extend(measure_searches(made_many, plan))
            expired = min(arguments.expired, many.sessions // 5)
            tables["clean-up"].append(measure_cleanup(made_many, expired, plan))
    return tables


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description="Measure what a million users and five million sessions cost.")
    parser.add_argument("--users", type=int, default=USERS)
    parser.add_argument("--sessions", type=int, default=SESSIONS)
    parser.add_argument("--expired", type=int, default=200_000, help="how many sessions the clean-up finds")
    parser.add_argument("--seed", default=SEED, help="what the rows are made of")
    parser.add_argument("--kind", choices=KINDS, action="append", help="by default both")
    parser.add_argument("--only-lists", action="store_true", help="nothing but the lists of the administration")
    parser.add_argument("--smoke", action="store_true", help="few and little, to see that everything works")
    arguments = parser.parse_args()
    # Settings of the environment would override those of the benchmark.
    for variable in [name for name in os.environ if name.startswith("ZATO_SSO_") and name != POSTGRES_VARIABLE]:
        del os.environ[variable]
    try:
        tables = measure_all(arguments)
    except CannotMeasureError as error:
        print(f"scale: {error}", file=sys.stderr)
        return 1
    print("\n\n".join(lines(table) for table in tables.values() if table))
    if not arguments.smoke and not arguments.only_lists:
        path = target_folder() / "bench" / "scale.json"
        path.write_text(json.dumps({"benchmark": "scale", "cores": os.cpu_count(), **tables}, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
