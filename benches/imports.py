"""How fast users are imported, beside bare sqlx inserts of the same rows, and how much memory that takes.

`make bench` runs it. It reads how much memory a command has had from the system, so it runs on Linux.

    ZATO_SSO_TEST_POSTGRES_URL=postgresql://... .venv/bin/python benches/imports.py [--smoke]

`--smoke` takes few users, so that the figures mean nothing: it shows that everything works.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from time import perf_counter

from measure import Contestant, Report, measure, once
from world import KEY, CannotMeasureError, Database, Parts, built, postgres, run, sqlite, temporary_folder

# Not tried out before it counts, as rates are: each takes as long as it takes.
UNIT = "users/s"
USERS, MORE = 100_000, 400_000
SMOKE_USERS, SMOKE_MORE = 500, 2000


def write_users(path: Path, count: int) -> None:
    """Write users with hashes as Zato and passlib have them."""
    with path.open("w", encoding="utf-8") as file:
        for number in range(count):
            digest = hashlib.sha512(str(number).encode()).digest()
            salt, expected = (
                base64.b64encode(part).decode().rstrip("=").replace("+", ".") for part in (digest[:16], digest)
            )
            user = {
                "username": f"user{number:07}",
                "email": f"user{number}@example.com",
                "first_name": "Ann",
                "last_name": f"Lee{number % 997}",
                "password_hash": f"$pbkdf2-sha512$25000${salt}${expected}",
                "sign_up_time": "2024-01-02T03:04:05",
            }
            print(json.dumps(user), file=file)


def command(database: Database, *arguments: str) -> tuple[float, float]:
    """Run the command, and return how many seconds it took and how many MB of memory it had at most."""
    environment = {"PATH": os.environ["PATH"], "ZATO_SSO_DATABASE_URL": database.url, "ZATO_SSO_SECRET_KEY": KEY}
    start = perf_counter()
    process = subprocess.Popen(
        [built("zato-sso"), *arguments], env=environment, cwd=database.folder, stdout=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise CannotMeasureError(f"zato-sso {' '.join(arguments)} has failed")
    return perf_counter() - start, usage.ru_maxrss * 1024 / 1e6


@contextlib.contextmanager
def empty(make: Callable[[], AbstractContextManager[Database]]) -> Iterator[Database]:
    """Have a database with nothing but the schema in it."""
    with make() as database:
        command(database, "migrate")
        yield database


def compare_on(
    report: Report,
    make: Callable[[], AbstractContextManager[Database]],
    name: str,
    paths: dict[int, Path],
    parts: Parts,
) -> None:
    """Measure everything on one kind of database; the files are of many users and of more."""
    users, more = paths
    titles = {users: "memory of an import", more: "memory of an import of four times as many"}
    memory = {count: Contestant(f"{title}, {name}", lambda _: 0, "MB") for count, title in titles.items()}

    def imported(count: int) -> float:
        with empty(make) as database:
            took, megabytes = command(database, "import", "users", "--format", "jsonl", str(paths[count]))
        memory[count].figures.append(megabytes)
        return count / took

    def inserted() -> float:
        with empty(make) as database:
            return float(parts.do("insert", url=database.url, users=users)["per_second"])

    whole = once(f"import of users, {name}", UNIT, lambda: imported(users))
    larger = once(f"import of four times as many users, {name}", UNIT, lambda: imported(more))
    bare = once(f"bare sqlx inserts, {name}", UNIT, inserted)
    measure([whole, larger, bare], is_smoke=users == SMOKE_USERS)
    report.add(whole, bare)
    report.add(larger, whole)
    report.add(memory[more], memory[users])


def compare(report: Report, *, is_smoke: bool) -> None:
    """Measure everything, and fill the report."""
    with temporary_folder() as folder, Parts() as parts:
        counts = (SMOKE_USERS, SMOKE_MORE) if is_smoke else (USERS, MORE)
        paths = {count: folder / f"{count}.jsonl" for count in counts}
        for count, path in paths.items():
            write_users(path, count)
        for name, make in (("SQLite", sqlite), ("PostgreSQL", postgres)):
            compare_on(report, make, name, paths, parts)


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description="Measure imports of users.")
    parser.add_argument("--smoke", action="store_true", help="few users, to see that everything works")
    arguments = parser.parse_args()
    report = Report("imports")
    return run("imports", lambda: report.make(compare, is_smoke=arguments.smoke))


if __name__ == "__main__":
    sys.exit(main())
