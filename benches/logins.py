"""Logins from Python and over REST, beside the hash alone, of the product's library and of libargon2.

`make bench` runs it. `--smoke` makes the rounds few and so short that the figures mean nothing.

    .venv/bin/python benches/logins.py [--smoke]
"""

from __future__ import annotations

import argparse
import contextlib
import sys

from argon2.low_level import Type, hash_secret_raw
from measure import CallsOfThreads, Contestant, Report, measure
from world import ADDRESS, APP, CID, CORES, PASSWORD, Parts, create_users, post, run, serving, sqlite
from zato_sso import SSO

# KiB, iterations, lanes: the product's, two more of OWASP's minima, and what other libraries come with.
PARAMETERS = ((19_456, 2, 1), (12_288, 3, 1), (47_104, 1, 1), (65_536, 3, 4))
# So many that a core has something to hash while a caller waits for the database.
CALLERS = 4 * CORES
# A login takes milliseconds, so that a shorter round would hold too few of them to count.
SECONDS = 1.5
LOGIN = "/zato/sso/user/login"


def compare(report: Report, *, is_smoke: bool) -> None:
    """Measure one set of parameters after the other, everything about one of them in turn, and fill the report."""
    for parameters in PARAMETERS[:1] if is_smoke else PARAMETERS:
        compare_at(report, parameters, is_smoke=is_smoke)


def compare_at(report: Report, parameters: tuple[int, int, int], *, is_smoke: bool) -> None:
    """Measure at these parameters."""
    memory_kib, iterations, parallelism = parameters
    label = f"{memory_kib} KiB, t={iterations}, p={parallelism}"
    names = [f"user{number:08}" for number in range(CALLERS)]
    settings = {
        "hash_secret__memory_kib": memory_kib,
        "hash_secret__iterations": iterations,
        "hash_secret__parallelism": parallelism,
    }
    with contextlib.ExitStack() as stack:
        database = stack.enter_context(sqlite())
        parts = stack.enter_context(Parts())
        sso = stack.enter_context(SSO(config=database.settings(**settings)))
        create_users(sso, *names)
        server = stack.enter_context(serving(database, **settings))

        calls = CallsOfThreads(CALLERS, sso.user.login, *((CID, name, PASSWORD, APP, ADDRESS) for name in names))
        login = Contestant(f"login, Python, {label}", calls)
        body = {"username": "user%NUMBER%", "password": PASSWORD, "current_app": APP}
        rest = parts.ask(
            f"login, REST, {label}", [server.address], post(LOGIN, body), '"ust":', CALLERS, connections=CALLERS
        )
        alone = parts.hashes(memory_kib, iterations, parallelism)
        arguments = (PASSWORD.encode(), b"7" * 16, iterations, memory_kib, parallelism, 32, Type.ID)
        libargon2 = Contestant(f"libargon2, {CORES} threads", CallsOfThreads(CORES, hash_secret_raw, arguments))
        measure([login, rest, alone, libargon2], is_smoke=is_smoke, seconds=SECONDS)
    for what in (login, rest):
        report.add(what, alone)
        report.add(what, libargon2)


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description="Measure logins.")
    parser.add_argument("--smoke", action="store_true", help="short rounds, to see that everything works")
    arguments = parser.parse_args()
    report = Report("logins")
    return run("logins", lambda: report.make(compare, is_smoke=arguments.smoke))


if __name__ == "__main__":
    sys.exit(main())
