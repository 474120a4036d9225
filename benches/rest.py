"""Sessions verified over REST, by `zato-sso serve` in a process of its own, beside an empty axum handler.

`make bench` runs it. The client is `wrk -t1 -c16` where that is installed, else one of our own that does the same:
16 kept connections on one thread.

    ZATO_SSO_TEST_POSTGRES_URL=postgresql://... .venv/bin/python benches/rest.py [--smoke]

`--smoke` makes the rounds few and so short that the figures mean nothing: it shows that everything works.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from measure import Contestant, Report, measure
from world import CONNECTIONS, CannotMeasureError, Parts, log_in, post, postgres, run, serving, sqlite, wrk
from zato_sso import SSO

VERIFY = "/zato/sso/user/session"
SECONDS = 2.0


class Wrk:
    """`wrk -t1 -c16`; the figure is how many answers come in a second."""

    def __init__(self, program: str, address: str, path: str, body: Mapping[str, object], folder: Path) -> None:
        """Prepare a request."""
        script = folder / f"{address.replace(':', '-')}.lua"
        # JSON of plain ASCII strings is a Lua string too.
        script.write_text(f'wrk.method = "POST"\nwrk.body = {json.dumps(json.dumps(body))}\n', encoding="utf-8")
        self.command = [program, "-t1", f"-c{CONNECTIONS}", "-s", str(script), f"http://{address}{path}"]

    def __call__(self, length: float) -> float:
        """Ask for so many seconds, of which wrk knows only whole ones."""
        command = [*self.command[:1], f"-d{max(1, round(length))}s", *self.command[1:]]
        output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        found = re.search(r"^Requests/sec:\s+([0-9.]+)", output, re.MULTILINE)
        if found is None or "Non-2xx" in output:
            raise CannotMeasureError(f"wrk: {output}")
        return float(found[1])


def compare(report: Report, *, is_smoke: bool) -> None:
    """Measure everything in turn, and fill the report."""
    program = None if is_smoke else wrk()
    with contextlib.ExitStack() as stack:
        parts = stack.enter_context(Parts())

        def asked(name: str, address: str, body: Mapping[str, object], expected: str, folder: Path) -> Contestant:
            figure: Callable[[float], float]
            own = parts.ask(name, [address], post(VERIFY, body), expected)
            if program is None:
                return own
            # wrk looks at the status alone; ours has seen an answer.
            own.figure(0.05)
            figure = Wrk(program, address, VERIFY, body, folder)
            return Contestant(name, figure)

        client = "wrk" if program else "client of our own"
        empty = None
        servers = []
        for make in (sqlite, postgres):
            database = stack.enter_context(make())
            with SSO(config=database.settings()) as sso:
                target, current, _ = log_in(sso)
            body = {"target_ust": target, "current_ust": current}
            if empty is None:
                address = parts.empty_handler()
                empty = asked(f"empty axum handler, {client}", address, body, "", database.folder)
            for label, settings in (("", {}), (", cache off", {"session__cache": "off"})):
                server = stack.enter_context(serving(database, **settings))
                name = f"REST verify{label}, {database.name}, {CONNECTIONS} connections"
                servers.append(asked(name, server.address, body, '"is_valid":true', database.folder))
        if empty is None:
            raise CannotMeasureError("there is no database")
        measure([empty, *servers], is_smoke=is_smoke, seconds=SECONDS)
    for server_figures in servers:
        report.add(server_figures, empty)


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description="Measure the REST API.")
    parser.add_argument("--smoke", action="store_true", help="short rounds, to see that everything works")
    arguments = parser.parse_args()
    report = Report("rest")
    return run("rest", lambda: report.make(compare, is_smoke=arguments.smoke))


if __name__ == "__main__":
    sys.exit(main())
