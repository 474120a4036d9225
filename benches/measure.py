"""Measuring calls in turn, and the report: a table for people and JSON for programs."""

from __future__ import annotations

import asyncio
import json
import math
import os
import statistics
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import repeat
from pathlib import Path
from time import perf_counter, perf_counter_ns

ROUNDS = 5
SECONDS = 0.4
# How many rounds show that everything works, and how short they are.
SMOKE_ROUNDS = 2
SMOKE_SECONDS = 0.01

PER_SECOND = "per second"
TITLES = ("what", "figure", "min .. max", "yardstick", "figure", "ratio", "min .. max")
# Columns of text, which stand to the left; numbers stand to the right.
TEXT_COLUMNS = (0, 3)


def target_folder() -> Path:
    """Where cargo puts what it builds; a benchmark's databases and results go there too, on the same disk."""
    default = Path(__file__).resolve().parent.parent / "target"
    return Path(os.environ.get("CARGO_TARGET_DIR") or default)


@dataclass
class Contestant:
    """Something whose figure can be taken many times, and its figures, round by round."""

    name: str
    # Does it for about so many seconds, and says how it went, in this unit.
    figure: Callable[[float], float]
    unit: str = PER_SECOND
    figures: list[float] = field(default_factory=list)


class Calls:
    """A call that is made so many times in a row; the figure is how often it can be made in a second."""

    def __init__(self, function: Callable[..., object], *arguments: object) -> None:
        """Prepare a call with these arguments."""
        self.function = function
        self.arguments = arguments
        self.number = 0

    def __call__(self, length: float) -> float:
        """Make as many calls as fill about so many seconds; how many these are is found out, and kept."""
        if not self.number:
            self.number = self.calls_in(length)
        # Found out while something else was slow, they may be far too few: then it is done again.
        while (took := self.seconds(self.number)) < length / 2:
            self.number = max(self.number + 1, round(self.number * length / max(took, 1e-9)))
        return self.number / took

    def calls_in(self, length: float) -> int:
        """About how many calls fill so many seconds."""
        calls = 1
        while (took := self.seconds(calls)) < length / 4:
            calls *= 2
        return max(1, round(calls * length / took))

    def seconds(self, number: int) -> float:
        """How long so many calls take."""
        function, arguments = self.function, self.arguments
        start = perf_counter()
        for _ in repeat(None, number):
            function(*arguments)
        return perf_counter() - start


class CallsOfThreads(Calls):
    """The same number of calls, shared out to threads that run at a time."""

    def __init__(self, threads: int, function: Callable[..., object], *argument_lists: Sequence[object]) -> None:
        """Prepare calls: thread after thread takes the next of these arguments, then the first again."""
        super().__init__(function)
        self.threads = [argument_lists[number % len(argument_lists)] for number in range(threads)]

    def seconds(self, number: int) -> float:
        """How long so many calls take in all, from the moment when all threads are there."""
        calls = -(-number // len(self.threads))
        barrier = threading.Barrier(len(self.threads) + 1)
        with ThreadPoolExecutor(len(self.threads)) as pool:
            done = [pool.submit(self._run, barrier, calls, arguments) for arguments in self.threads]
            barrier.wait()
            start = perf_counter()
            for future in done:
                future.result()
            took = perf_counter() - start
        # What was done is a little more than what was asked for.
        return took * number / (calls * len(self.threads))

    def _run(self, barrier: threading.Barrier, calls: int, arguments: Sequence[object]) -> None:
        function = self.function
        barrier.wait()
        for _ in repeat(None, calls):
            function(*arguments)


class CallsOfTasks(Calls):
    """Awaitable calls, shared out to tasks of one event loop that run at a time."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        tasks: int,
        function: Callable[..., Awaitable[object]],
        *arguments: object,
    ) -> None:
        """Prepare calls with these arguments."""
        super().__init__(function, *arguments)
        self.awaited = function
        self.loop = loop
        self.tasks = tasks

    def seconds(self, number: int) -> float:
        """How long so many calls take in all."""
        calls = -(-number // self.tasks)
        return self.loop.run_until_complete(self._all(calls)) * number / (calls * self.tasks)

    async def _all(self, calls: int) -> float:
        start = perf_counter()
        await asyncio.gather(*(self._some(calls) for _ in range(self.tasks)))
        return perf_counter() - start

    async def _some(self, calls: int) -> None:
        function, arguments = self.awaited, self.arguments
        for _ in repeat(None, calls):
            await function(*arguments)


class Slowest:
    """How long all but the slowest hundredth of calls take, in microseconds, the look at the clock included."""

    def __init__(self, function: Callable[..., object], *arguments: object) -> None:
        """Prepare a call with these arguments."""
        self.function = function
        self.arguments = arguments

    def __call__(self, length: float) -> float:
        """Make calls for so many seconds, with the clock read around each."""
        function, arguments = self.function, self.arguments
        took: list[int] = []
        end = perf_counter_ns() + round(length * 1e9)
        before = 0
        while before < end:
            before = perf_counter_ns()
            function(*arguments)
            took.append(perf_counter_ns() - before)
        took.sort()
        return took[len(took) * 99 // 100] / 1000


def once(name: str, unit: str, figure: Callable[[], float]) -> Contestant:
    """Return something that is done once in a round, however long that takes."""
    return Contestant(name, lambda _length: figure(), unit)


def goal(figure: float, unit: str) -> Contestant:
    """Return what is asked for, as something to compare with where there is no other yardstick."""
    return Contestant("the goal", lambda _length: figure, unit)


def measure(contestants: Sequence[Contestant], *, is_smoke: bool, seconds: float = SECONDS) -> None:
    """Run all of them in turn, so that whatever else the machine does meets all alike.

    Before that each runs a quarter of a round that does not count. Every other round goes backwards: nobody always runs
    after the same one, and a machine that gets slower all the time does so for all.
    """
    rounds, length = (SMOKE_ROUNDS, SMOKE_SECONDS) if is_smoke else (ROUNDS, seconds)
    for contestant in contestants:
        if contestant.unit == PER_SECOND:
            contestant.figure(length if isinstance(contestant.figure, Calls) else length / 4)
    for number in range(rounds):
        for contestant in contestants if number % 2 == 0 else reversed(contestants):
            contestant.figures.append(contestant.figure(length))


class Report:
    """What one benchmark found out: each figure beside its yardstick."""

    def __init__(self, name: str) -> None:
        """Make an empty one."""
        self.name = name
        self.rows: list[tuple[Contestant, Contestant]] = []

    def add(self, what: Contestant, yardstick: Contestant) -> None:
        """Add something with what it is compared to."""
        self.rows.append((what, yardstick))

    def make(self, compare: Callable[..., None], *, is_smoke: bool) -> None:
        """Have it filled, print it, and save it if its figures mean something."""
        compare(self, is_smoke=is_smoke)
        print(self.table())
        if not is_smoke:
            self.save()

    def table(self) -> str:
        """Return the table, as plain text."""
        is_rate = all(what.unit == PER_SECOND for what, _ in self.rows)
        titles = tuple(title.replace("figure", PER_SECOND) if is_rate else title for title in TITLES)
        lines = [titles, *(cells(what, yardstick) for what, yardstick in self.rows)]
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
        # JSON has no word for infinity: such a report is refused rather than written in a way that nobody can read.
        text = json.dumps(report, indent=2, allow_nan=False)
        (folder / f"{self.name}.json").write_text(text + "\n", encoding="utf-8")


def ratios(what: Contestant, yardstick: Contestant) -> list[float]:
    """Return the ratio of each round, which is not that of the medians."""
    pairs = zip(what.figures, yardstick.figures, strict=True)
    # A short round may find that something takes no time at all, or that nothing was done.
    return [figure / limit if limit else math.inf for figure, limit in pairs]


def figures(rounds: Sequence[float]) -> dict[str, object]:
    """Return some rounds with their middle and how far they lie apart."""
    return {"rounds": rounds, "summary": {"median": statistics.median(rounds), "min": min(rounds), "max": max(rounds)}}


def series(contestant: Contestant) -> Mapping[str, object]:
    """Return a contestant for programs."""
    return {"name": contestant.name, "unit": contestant.unit, **figures(contestant.figures)}


def cells(what: Contestant, yardstick: Contestant) -> tuple[str, ...]:
    """Return one line of the table."""
    ratio = ratios(what, yardstick)
    return (
        what.name,
        rate(statistics.median(what.figures), what.unit),
        f"{rate(min(what.figures))} .. {rate(max(what.figures), what.unit)}",
        yardstick.name,
        rate(statistics.median(yardstick.figures), yardstick.unit),
        share(statistics.median(ratio)),
        f"{share(min(ratio))} .. {share(max(ratio))}",
    )


def aligned(line: Sequence[str], widths: Sequence[int]) -> list[str]:
    """Return the cells of a line, as wide as their columns."""
    return [
        cell.ljust(width) if column in TEXT_COLUMNS else cell.rjust(width)
        for column, (cell, width) in enumerate(zip(line, widths, strict=True))
    ]


def rate(figure: float, unit: str = PER_SECOND) -> str:
    """Return a figure with as many digits as mean something, thousands apart, and its unit unless it is a rate."""
    digits = 2 if figure < 10 else 1 if figure < 1000 else 0
    return f"{figure:,.{digits}f}" + ("" if unit == PER_SECOND else f" {unit}")


def share(ratio: float) -> str:
    """Return a ratio, with three digits that mean something."""
    zeros = max(0, math.floor(-math.log10(ratio))) if 0 < ratio < 1 else 0
    return f"{ratio:.{3 + zeros}f}"
