"""Measuring calls in turn, and the report: a table for people and JSON for programs."""

from __future__ import annotations

import json
import math
import os
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from pathlib import Path
from time import perf_counter

ROUNDS = 5
SECONDS = 0.4
# How many rounds show that everything works, and how short they are.
SMOKE_ROUNDS = 2
SMOKE_SECONDS = 0.01

TITLES = ("what", "per second", "min .. max", "yardstick", "per second", "ratio", "min .. max")
# Columns of text, which stand to the left; numbers stand to the right.
TEXT_COLUMNS = (0, 3)


def target_folder() -> Path:
    """Where cargo puts what it builds; a benchmark's databases and results go there too, on the same disk."""
    default = Path(__file__).resolve().parent.parent / "target"
    return Path(os.environ.get("CARGO_TARGET_DIR") or default)


@dataclass
class Contestant:
    """A call that can be made many times in a row, and how often it could be made in a second, round by round."""

    name: str
    function: Callable[..., object]
    arguments: tuple[object, ...] = ()
    figures: list[float] = field(default_factory=list)

    def seconds(self, number: int) -> float:
        """How long so many calls take."""
        function, arguments = self.function, self.arguments
        start = perf_counter()
        for _ in repeat(None, number):
            function(*arguments)
        return perf_counter() - start


def measure(contestants: Sequence[Contestant], *, is_smoke: bool) -> None:
    """Run all of them in turn, so that whatever else the machine does meets all alike.

    Before that each is called until it is known how many calls fill a round. Every other round goes backwards: nobody
    always runs after the same one, and a machine that gets slower all the time does so for all.
    """
    rounds, length = (SMOKE_ROUNDS, SMOKE_SECONDS) if is_smoke else (ROUNDS, SECONDS)
    plan = [(contestant, calls_in(contestant, length)) for contestant in contestants]
    for number in range(rounds):
        for contestant, calls in plan if number % 2 == 0 else reversed(plan):
            contestant.figures.append(calls / contestant.seconds(calls))


def calls_in(contestant: Contestant, length: float) -> int:
    """About how many calls fill so many seconds."""
    calls = 1
    while (took := contestant.seconds(calls)) < length / 4:
        calls *= 2
    return max(1, round(calls * length / took))


class Report:
    """What one benchmark found out: each figure beside its yardstick."""

    def __init__(self, name: str) -> None:
        """Make an empty one."""
        self.name = name
        self.rows: list[tuple[Contestant, Contestant]] = []

    def add(self, what: Contestant, yardstick: Contestant) -> None:
        """Add something with what it is compared to."""
        self.rows.append((what, yardstick))

    def table(self) -> str:
        """Return the table, as plain text."""
        lines = [TITLES, *(cells(what, yardstick) for what, yardstick in self.rows)]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        return "\n".join("  ".join(aligned(line, widths)).rstrip() for line in lines)

    def save(self) -> None:
        """Write `target/bench/<name>.json`."""
        rows = [
            {"what": series(what), "yardstick": series(yardstick), "ratio": figures(ratios(what, yardstick))}
            for what, yardstick in self.rows
        ]
        report = {"benchmark": self.name, "cores": os.cpu_count(), "rows": rows}
        folder = target_folder() / "bench"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{self.name}.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


def ratios(what: Contestant, yardstick: Contestant) -> list[float]:
    """Return the ratio of each round, which is not that of the medians."""
    return [figure / limit for figure, limit in zip(what.figures, yardstick.figures, strict=True)]


def figures(rounds: Sequence[float]) -> dict[str, object]:
    """Return some rounds with their middle and how far they lie apart."""
    return {"rounds": rounds, "summary": {"median": statistics.median(rounds), "min": min(rounds), "max": max(rounds)}}


def series(contestant: Contestant) -> Mapping[str, object]:
    """Return a contestant for programs."""
    return {"name": contestant.name, "unit": "per second", **figures(contestant.figures)}


def cells(what: Contestant, yardstick: Contestant) -> tuple[str, ...]:
    """Return one line of the table."""
    ratio = ratios(what, yardstick)
    return (
        what.name,
        rate(statistics.median(what.figures)),
        f"{rate(min(what.figures))} .. {rate(max(what.figures))}",
        yardstick.name,
        rate(statistics.median(yardstick.figures)),
        share(statistics.median(ratio)),
        f"{share(min(ratio))} .. {share(max(ratio))}",
    )


def aligned(line: Sequence[str], widths: Sequence[int]) -> list[str]:
    """Return the cells of a line, as wide as their columns."""
    return [
        cell.ljust(width) if column in TEXT_COLUMNS else cell.rjust(width)
        for column, (cell, width) in enumerate(zip(line, widths, strict=True))
    ]


def rate(figure: float) -> str:
    """Return a figure with as many digits as mean something, thousands apart."""
    return f"{figure:.1f}" if figure < 1000 else f"{figure:,.0f}"


def share(ratio: float) -> str:
    """Return a ratio, with three digits that mean something."""
    zeros = max(0, math.floor(-math.log10(ratio))) if ratio > 0 else 0
    return f"{ratio:.{3 + zeros}f}"
