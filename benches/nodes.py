"""Two servers on one PostgreSQL database beside one: what they verify in all, uncached.

`make bench` runs it. On a machine of few cores the servers, the database and the client share them, so the figures
there say what the machine holds and not what the database does.

    ZATO_SSO_TEST_POSTGRES_URL=postgresql://... .venv/bin/python benches/nodes.py [--smoke]
"""

from __future__ import annotations

import argparse
import sys

from measure import Report, measure
from world import CONNECTIONS, Parts, log_in, post, postgres, run, serving
from zato_sso import SSO

VERIFY = "/zato/sso/user/session"
SECONDS = 1.5


def compare(report: Report, *, is_smoke: bool) -> None:
    """Measure one and two in turn, and fill the report."""
    with postgres() as database, Parts() as parts:
        with SSO(config=database.settings()) as sso:
            target, current, _ = log_in(sso)
        request = post(VERIFY, {"target_ust": target, "current_ust": current})
        off = {"session__cache": "off"}
        with serving(database, **off) as first, serving(database, **off) as second:
            name = "REST verify, cache off, {}, {} connections"
            one, two = (
                parts.ask(
                    name.format(label, connections), addresses, request, '"is_valid":true', connections=connections
                )
                for label, addresses, connections in (
                    ("one node", [first.address], CONNECTIONS),
                    ("two nodes", [first.address, second.address], 2 * CONNECTIONS),
                )
            )
            measure([one, two], is_smoke=is_smoke, seconds=SECONDS)
    report.add(two, one)


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description="Measure two nodes on one database.")
    parser.add_argument("--smoke", action="store_true", help="short rounds, to see that everything works")
    arguments = parser.parse_args()
    report = Report("nodes")
    return run("nodes", lambda: report.make(compare, is_smoke=arguments.smoke))


if __name__ == "__main__":
    sys.exit(main())
