"""All that is asked for, and what the last runs of the benchmarks say of it: one table in Markdown.

`make bench` ends with it. It reads `target/bench/*.json`; what was not measured is left blank.

    .venv/bin/python benches/report.py
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from measure import rate, share, target_folder

TITLES = ("what", "goal", "figure", "yardstick", "its figure", "ratio", "min .. max", "reached", "command")
BENCH = "`make bench`"


@dataclass(frozen=True)
class Row:
    """One thing that is asked for, and where its figure is found."""

    # The benchmark, and the names in its report.
    source: str
    what: str
    yardstick: str
    # The figure to reach, or the ratio; a time or a size may not be greater, a rate may not be smaller.
    figure: float | None = None
    ratio: float | None = None
    command: str = BENCH
    # Of the goal, where it is not a rate: a time or a size.
    unit: str = ""

    @property
    def is_upper(self) -> bool:
        """Whether less is better."""
        return bool(self.unit)

    def goal(self) -> str:
        """Return the goal in words."""
        parts = [] if self.figure is None else [f"{self.figure:,g} {self.unit}".strip()]
        parts += [] if self.ratio is None else [f"{self.ratio} x"]
        return ("at most " if self.is_upper else "") + ", ".join(parts)

    def is_reached(self, figure: float, ratio: float) -> bool:
        """Tell whether these are what is asked for."""
        pairs = [(figure, self.figure), (ratio, self.ratio)]
        return all(goal is None or (value <= goal if self.is_upper else value >= goal) for value, goal in pairs)


def both(source: str, what: str, yardstick: str, **goals: Any) -> list[Row]:
    """Return a row for each database; `{}` stands for its name, `{module}` for what Python reaches it with."""
    modules = {"SQLite": "sqlite3", "PostgreSQL": "psycopg"}
    return [
        Row(source, what.format(name), yardstick.format(name, module=module), **goals)
        for name, module in modules.items()
    ]


# How much more a call may cost with many users than with few.
MAX_GROWTH = 1.2
CORES = os.cpu_count() or 1
LOGINS = ("19456 KiB, t=2, p=1", "12288 KiB, t=3, p=1", "47104 KiB, t=1, p=1", "65536 KiB, t=3, p=4")
FACES, HTTP = "python_faces", "16 connections"
# As the specification lists them.
ROWS: list[Row] = [
    *both(FACES, "session.verify, {}", "empty Python function", figure=650_000),
    *both(FACES, "slowest 1 % of session.verify, {}", "the goal", figure=5, unit="us"),
    *both(FACES, "get_current_user, {}", "Python object of 10 attributes", figure=300_000),
    *both(FACES, "session.verify, cache off, {}", "two bare sqlx lookups", ratio=0.8),
    *both(FACES, "get_current_user, cache off, {}", "bare sqlx lookup", ratio=0.8),
    *both(FACES, "session.verify, 16 threads, {}", "session.verify, {}", ratio=1),
    *both(FACES, "await session.verify, 200 tasks, {}", "session.verify, {}", ratio=1),
    Row(FACES, "session.renew, SQLite", "bare sqlx update", figure=10_000),
    Row(FACES, "session.renew, 16 threads, SQLite", "bare sqlx update, 16 callers", figure=40_000),
    Row(FACES, "session.renew, PostgreSQL", "bare sqlx update"),
    Row(FACES, "session.renew, 16 threads, PostgreSQL", "bare sqlx update, 16 callers"),
    *(Row("logins", f"login, Python, {set_}", "Argon2id alone", ratio=0.95) for set_ in LOGINS),
    *(Row("logins", f"login, Python, {set_}", "libargon2") for set_ in LOGINS),
    *(Row("logins", f"login, REST, {set_}", "Argon2id alone", ratio=0.95) for set_ in LOGINS),
    *both(FACES, f"session.verify, {2 * CORES} logins in flight, {{}}", "session.verify, {}", ratio=0.5),
    *both("rest", f"REST verify, {{}}, {HTTP}", "empty axum handler", ratio=0.6),
    Row("peers", "REST verify", "the quickest peer's check", ratio=60, command="`make bench-peers`"),
    Row("peers", "REST login", "the quickest peer's login", command="`make bench-peers`"),
    Row("server", "memory of the server, idle", "the goal", figure=20, unit="MB"),
    Row("server", "memory of the server, 100,000 sessions in use", "the goal", figure=80, unit="MB"),
    Row("server", "import zato_sso, beyond Python", "the goal", figure=15, unit="ms"),
    Row("server", "from zato_sso import SSO, beyond Python", "the goal", figure=15, unit="ms"),
    Row("server", "from zato_sso import SSO, beyond Python", "import sqlite3, beyond Python"),
    Row("server", "from zato_sso import SSO, beyond Python", "import cryptography.fernet, beyond Python"),
    Row("server", "fresh SSO in memory", "the goal", figure=5, unit="ms"),
    Row("server", "server ready", "python -c 'pass'", figure=150, unit="ms"),
    Row("imports", "import of users, SQLite", "bare sqlx inserts, SQLite", figure=20_000),
    Row("imports", "import of users, PostgreSQL", "bare sqlx inserts, PostgreSQL", figure=10_000),
    *both("imports", "memory of an import of four times as many, {}", "memory of an import, {}", ratio=1.2, unit="MB"),
    Row("nodes", "REST verify, cache off, two nodes, 32 connections", "REST verify, cache off, one node", ratio=1.8),
]


def read() -> dict[str, Mapping[str, Any]]:
    """Return what was measured: the report of each benchmark."""
    folder = target_folder() / "bench"
    reports = (json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json")))
    return {report["benchmark"]: report for report in reports}


def of_scale(report: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """Yield the lines about many users, whose figures are costs."""
    command = "`make bench-scale`"
    for row in report.get("costs", []):
        ratio = row["ratio"]
        yield (
            f"{row['what']}, many users",
            f"at most {MAX_GROWTH} x the cost",
            f"{row['many_us']:,.0f} us",
            "1,000 users",
            f"{row['few_us']:,.0f} us",
            share(ratio["median"]),
            f"{share(ratio['min'])} .. {share(ratio['max'])}",
            "yes" if ratio["median"] <= MAX_GROWTH else "no",
            command,
        )
    for row in report.get("searches", []):
        goal, bare = row["goal_ms"], row["bare_count_ms"] + row["bare_page_ms"]
        figures = (f"{row['p99_ms']:,.1f} ms", "plain SQL, median", f"{bare:,.1f} ms", share(row["p99_ms"] / bare), "")
        reached = "" if goal is None else "yes" if row["p99_ms"] <= goal else "no"
        yield (f"search: {row['what']}", "" if goal is None else f"at most {goal:g} ms", *figures, reached, command)


def cells(row: Row, measured: Mapping[str, Mapping[str, Any]]) -> tuple[str, ...]:
    """Return one line of the table."""
    for found in measured.get(row.source, {}).get("rows", []):
        what, yardstick = found["what"], found["yardstick"]
        if what["name"] == row.what and yardstick["name"].startswith(row.yardstick):
            break
    else:
        return (row.what, row.goal(), "", row.yardstick, "", "", "", "", row.command)
    figure, limit, ratio = (found[name]["summary"] for name in ("what", "yardstick", "ratio"))
    has_goal = row.figure is not None or row.ratio is not None
    reached = "yes" if row.is_reached(figure["median"], ratio["median"]) else "no"
    return (
        row.what,
        row.goal(),
        rate(figure["median"], what["unit"]),
        yardstick["name"],
        rate(limit["median"], yardstick["unit"]),
        share(ratio["median"]),
        f"{share(ratio['min'])} .. {share(ratio['max'])}",
        reached if has_goal else "",
        row.command,
    )


def main() -> int:
    """Run the command line."""
    measured = read()
    lines = [TITLES, ("---",) * len(TITLES), *(cells(row, measured) for row in ROWS)]
    lines += of_scale(measured.get("scale", {}))
    for line in lines:
        print("| " + " | ".join(line) + " |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
