"""The time that an import and a start take, and the memory of the server.

`make bench` runs it. It reads the memory of processes from `/proc`, so it runs on Linux.

    .venv/bin/python benches/server.py [--smoke]

`--smoke` takes few sessions and rounds, so that the figures mean nothing: it shows that everything works.
"""

from __future__ import annotations

import argparse
import contextlib
import re
import sqlite3
import statistics
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from time import perf_counter

from measure import Contestant, Report, goal, measure, once
from world import (
    KEY,
    CannotMeasureError,
    Database,
    Parts,
    create_users,
    digest,
    log_in,
    post,
    run,
    serving,
    sqlite,
)
from zato_sso import SSO

SESSIONS = 100_000
SMOKE_SESSIONS = 500
# Ours, without and with the compiled module; then those that it is compared with.
IMPORTS = ("import zato_sso", "from zato_sso import SSO", "import sqlite3", "import cryptography.fernet")
# How many interpreters are started for one figure.
STARTS = 15
VERIFY = "/zato/sso/user/session"
INSERT = (
    "INSERT INTO sso_session (session_id, ust_digest, user_id, creation_time, expiration_time, remote_addr, user_agent,"
    " auth_type, auth_principal, state_change_count) SELECT ?, ?, user_id, creation_time, expiration_time, remote_addr,"
    " user_agent, auth_type, auth_principal, state_change_count FROM sso_session WHERE ust_digest = ?"
)


def resident(pid: int) -> float:
    """How much memory a process has in use, in MB."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    found = re.search(r"^VmRSS:\s+(\d+) kB", status, re.MULTILINE)
    if found is None:
        raise CannotMeasureError(f"/proc/{pid}/status does not say how much memory is in use")
    return int(found[1]) * 1024 / 1e6


def milliseconds_of_python(code: str, runs: int) -> float:
    """How long an interpreter of its own takes for some code, from its start to its end: the median of so many."""
    figures = []
    for _ in range(runs):
        start = perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True)
        figures.append((perf_counter() - start) * 1e3)
    return statistics.median(figures)


def milliseconds_of_fresh(count: int) -> float:
    """How long an object in memory takes to be opened, asked once and closed, as in a test: the mean of so many."""
    hashing = {"memory_kib": 64, "iterations": 1, "parallelism": 1, "allow_weak": True}
    config = {"main": {"secret_key": KEY}, "hash_secret": hashing, "audit": {"file": "off"}}
    start = perf_counter()
    for _ in range(count):
        with SSO("sqlite::memory:", config=config) as sso:
            sso.user.get_user_by_username("cid", "user1")
    return (perf_counter() - start) * 1e3 / count


def milliseconds_to_ready(database: Database) -> float:
    """How long the server takes to say that it listens, which it does when it answers."""
    start = perf_counter()
    with serving(database):
        return (perf_counter() - start) * 1e3


def memory_when_idle(database: Database) -> float:
    """How much memory a server has that nobody has asked anything."""
    with serving(database) as server:
        time.sleep(0.2)
        return resident(server.pid)


def memory_with_sessions(database: Database, parts: Parts, current: str, sessions: int, rounds: int) -> list[float]:
    """How much memory the server has after each time that all sessions were verified."""
    body = {"target_ust": ust("%NUMBER%"), "current_ust": current}
    ask = {"request": post(VERIFY, body), "expected": '"is_valid":true', "numbers": sessions, "connections": 16}
    figures = []
    with serving(database) as server:
        for _ in range(rounds):
            done = 0.0
            # A figure is that of the length asked for, so as many as have been answered are known.
            while done < sessions:
                length = 1.0 if sessions == SESSIONS else 0.1
                done += parts.do("ask", addresses=[server.address], seconds=length, **ask)["per_second"] * length
            figures.append(resident(server.pid))
    return figures


def ust(number: str) -> str:
    """Return the token of a session that nobody has logged in for: as long as a real one."""
    return "zust" + "A" * (43 - 8) + number


def have_sessions(database: Database, like: str, count: int) -> None:
    """Add sessions that differ from that of a token in nothing but their own tokens."""
    rows = ((number.to_bytes(16, "big"), digest(ust(f"{number:08}")), digest(like)) for number in range(count))
    path = database.url.removeprefix("sqlite:///")
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.executemany(INSERT, rows)


def compare(report: Report, *, is_smoke: bool) -> None:
    """Measure everything, and fill the report."""
    sessions = SMOKE_SESSIONS if is_smoke else SESSIONS
    runs = 1 if is_smoke else STARTS
    codes = ("pass", *IMPORTS)
    started = {code: once(f"python -c '{code}'", "ms", partial(milliseconds_of_python, code, runs)) for code in codes}
    with sqlite() as database, Parts() as parts:
        with SSO(config=database.settings()) as sso:
            target, current, _ = log_in(sso)
            create_users(sso, "user2")
        ready = once("server ready", "ms", lambda: milliseconds_to_ready(database))
        idle = once("memory of the server, idle", "MB", lambda: memory_when_idle(database))
        fresh = once("fresh SSO in memory", "ms", lambda: milliseconds_of_fresh(2 if is_smoke else 200))
        goals = (goal(5, "ms"), goal(15, "ms"), goal(150, "ms"), goal(20, "MB"), goal(80, "MB"))
        measure([*started.values(), fresh, ready, idle, *goals], is_smoke=is_smoke)
        have_sessions(database, target, sessions)
        in_use = Contestant(f"memory of the server, {sessions:,} sessions in use", lambda _length: 0, "MB")
        in_use.figures = memory_with_sessions(database, parts, current, sessions, len(idle.figures))
    nothing = started["pass"]
    alone = {code: Contestant(f"{code}, beyond Python", lambda _length: 0, "ms") for code in IMPORTS}
    for code, contestant in alone.items():
        contestant.figures = [
            max(whole - empty, 0.0) for whole, empty in zip(started[code].figures, nothing.figures, strict=True)
        ]
    ours, with_engine, *others = alone.values()
    for what, yardstick in (
        (fresh, goals[0]),
        (ours, goals[1]),
        (with_engine, goals[1]),
        *((with_engine, other) for other in others),
        (ready, nothing),
        (ready, goals[2]),
        (idle, goals[3]),
        (in_use, goals[4]),
    ):
        report.add(what, yardstick)


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description="Measure the start and the memory of the server.")
    parser.add_argument("--smoke", action="store_true", help="few sessions, to see that everything works")
    arguments = parser.parse_args()
    report = Report("server")
    return run("server", lambda: report.make(compare, is_smoke=arguments.smoke))


if __name__ == "__main__":
    sys.exit(main())
