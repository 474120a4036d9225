"""The Python API, measured on SQLite and PostgreSQL, beside the least that each call could be.

`make bench` runs it, with a PostgreSQL server of its own. Beside one that runs already:

    ZATO_SSO_TEST_POSTGRES_URL=postgresql://... .venv/bin/python benches/python_faces.py [--smoke]

`--smoke` makes the rounds few and so short that the figures mean nothing: it shows that everything works.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

from measure import Calls, CallsOfTasks, CallsOfThreads, Contestant, Report, Slowest, goal, measure
from world import (
    ADDRESS,
    APP,
    CID,
    CORES,
    LOOKUP,
    PASSWORD,
    UPDATE,
    CannotMeasureError,
    Database,
    Parts,
    create_users,
    log_in,
    postgres,
    run,
    sqlite,
)
from zato_sso import SSO, aio

THREADS = 16
TASKS = 200


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


@dataclass
class Race:
    """What runs in turn, and which is compared to which."""

    contestants: list[Contestant] = field(default_factory=list)
    pairs: list[tuple[Contestant, Contestant]] = field(default_factory=list)

    def add(self, what: Contestant, *yardsticks: Contestant) -> Contestant:
        """Let something take part, beside yardsticks that may take part already."""
        known = {id(contestant) for contestant in self.contestants}
        self.contestants += [one for one in (what, *yardsticks) if id(one) not in known]
        self.pairs += [(what, yardstick) for yardstick in yardsticks]
        return what


class LoginsInFlight:
    """Calls that are made while others log in all the time, more of them than there are cores."""

    def __init__(self, sso: SSO, calls: Calls) -> None:
        """Have the users for it."""
        self.sso = sso
        self.calls = calls
        self.usernames = [f"busy{number}" for number in range(2 * CORES)]
        create_users(sso, *self.usernames)

    def __call__(self, length: float) -> float:
        """Make the calls for about so many seconds."""
        is_over = threading.Event()
        have_begun = threading.Barrier(len(self.usernames) + 1)

        def log_in_again_and_again(username: str) -> None:
            have_begun.wait()
            while not is_over.is_set():
                self.sso.user.login(CID, username, PASSWORD, APP, ADDRESS)

        threads = [threading.Thread(target=log_in_again_and_again, args=(name,)) for name in self.usernames]
        for thread in threads:
            thread.start()
        have_begun.wait()
        try:
            return self.calls(length)
        finally:
            is_over.set()
            for thread in threads:
                thread.join()


def add_database(race: Race, database: Database, parts: Parts, stack: contextlib.ExitStack) -> None:
    """Let everything on this database take part."""
    name = database.name
    sso = stack.enter_context(SSO(config=database.settings()))
    strict = stack.enter_context(SSO(config=database.settings(session__cache="off")))
    tokens = log_in(sso)
    target, current, renewed = tokens
    verified, known = (CID, target, current, APP, ADDRESS), (CID, target, APP, ADDRESS)
    for api in (sso, strict):
        if not api.user.session.verify(*verified) or api.user.get_current_user(*known) is None:
            raise CannotMeasureError(f"a session cannot be verified on {name}")

    nothing = race.contestants[0]
    ten = race.contestants[1]
    bare = Contestant(f"bare {database.module} lookup", Calls(database.bare(LOOKUP, target)))
    one = parts.query(f"bare sqlx lookup, {name}", database, LOOKUP, [target])
    two = parts.query(f"two bare sqlx lookups, {name}", database, LOOKUP, [target, current])

    verify = race.add(Contestant(f"session.verify, {name}", Calls(sso.user.session.verify, *verified)), bare, nothing)
    race.add(Contestant(f"get_current_user, {name}", Calls(sso.user.get_current_user, *known)), bare, ten)
    race.add(Contestant(f"session.verify, cache off, {name}", Calls(strict.user.session.verify, *verified)), two)
    race.add(Contestant(f"get_current_user, cache off, {name}", Calls(strict.user.get_current_user, *known)), one)
    race.add(
        Contestant(f"slowest 1 % of session.verify, {name}", Slowest(sso.user.session.verify, *verified), "us"),
        Contestant("slowest 1 % of an empty Python function", Slowest(empty, *verified), "us"),
        goal(5, "us"),
    )
    in_threads = CallsOfThreads(THREADS, sso.user.session.verify, verified)
    race.add(Contestant(f"session.verify, {THREADS} threads, {name}", in_threads), verify)
    in_tasks, one_task = stack.enter_context(tasks(database, verified))
    race.add(Contestant(f"await session.verify, {TASKS} tasks, {name}", in_tasks), verify)
    race.add(Contestant(f"await session.verify, 1 task, {name}", one_task), verify)
    busy = LoginsInFlight(sso, Calls(sso.user.session.verify, *verified))
    race.add(Contestant(f"session.verify, {2 * CORES} logins in flight, {name}", busy), verify)

    renewal = (CID, renewed, APP, ADDRESS)
    race.add(
        Contestant(f"session.renew, {name}", Calls(sso.user.session.renew, *renewal)),
        Contestant(f"bare {database.module} update", Calls(database.bare(UPDATE, renewed))),
        parts.query(f"bare sqlx update, {name}", database, UPDATE, [renewed]),
    )
    create_users(sso, "renewer")
    own = [sso.user.login(CID, "renewer", PASSWORD, APP, ADDRESS).ust for _ in range(THREADS)]
    renewals = CallsOfThreads(THREADS, sso.user.session.renew, *((CID, ust, APP, ADDRESS) for ust in own))
    race.add(
        Contestant(f"session.renew, {THREADS} threads, {name}", renewals),
        parts.query(f"bare sqlx update, {THREADS} callers, {name}", database, UPDATE, [renewed], THREADS),
    )


@contextlib.contextmanager
def tasks(database: Database, verified: tuple[str, ...]) -> Iterator[tuple[CallsOfTasks, CallsOfTasks]]:
    """Have the awaitable face verify a session: in many tasks, and in one."""
    loop = asyncio.new_event_loop()
    api = aio.SSO(config=database.settings())
    try:
        verify = api.user.session.verify
        yield CallsOfTasks(loop, TASKS, verify, *verified), CallsOfTasks(loop, 1, verify, *verified)
    finally:
        loop.run_until_complete(api.close())
        loop.close()


def compare(report: Report, *, is_smoke: bool) -> None:
    """Measure everything in turn, and fill the report."""
    race = Race()
    race.add(Contestant("empty Python function", Calls(empty, CID, "target", "current", APP, ADDRESS)))
    race.add(Contestant("Python object of 10 attributes", Calls(Ten, CID, "current", APP, ADDRESS)))
    with contextlib.ExitStack() as stack:
        parts = stack.enter_context(Parts())
        for make in (sqlite, postgres):
            add_database(race, stack.enter_context(make()), parts, stack)
        measure(race.contestants, is_smoke=is_smoke)
    for what, yardstick in race.pairs:
        report.add(what, yardstick)


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description="Measure the Python API.")
    parser.add_argument("--smoke", action="store_true", help="short rounds, to see that everything works")
    arguments = parser.parse_args()
    report = Report("python_faces")
    return run("python_faces", lambda: report.make(compare, is_smoke=arguments.smoke))


if __name__ == "__main__":
    sys.exit(main())
