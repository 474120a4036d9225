"""The main job, measured in Rust: the table of what `cargo bench --bench main_job` printed.

cargo bench --features server --bench main_job | .venv/bin/python benches/main_job.py
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from measure import Contestant, Report


def contestant(series: Mapping[str, Any]) -> Contestant:
    """Return a series that was measured elsewhere."""
    measured = Contestant(series["name"], lambda _length: float("nan"))
    measured.figures.extend(series["figures"])
    return measured


def report_of(rows: Iterable[Mapping[str, Any]]) -> Report:
    """Return the report of these rows."""
    report = Report("main_job")
    for row in rows:
        report.add(contestant(row["what"]), contestant(row["yardstick"]))
    return report


def main() -> int:
    """Run the command line: rows on standard input."""
    measured = json.load(sys.stdin)
    report = report_of(measured["rows"])
    print(report.table())
    if measured["is_complete"]:
        report.save()
    return 0


if __name__ == "__main__":
    sys.exit(main())
