"""The benchmarks work, and their reports say what they should; what they measure is not looked at here."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import report
from instructions import complaints
from main_job import report_of
from measure import Calls, CallsOfThreads, Contestant, Slowest, measure, rate, share

ROOT = Path(__file__).resolve().parents[2]
BENCHMARKS = ("python_faces", "logins", "rest", "server", "nodes", "imports")
LEFT_OUT = re.compile("100,000|t=3|t=1")
COUNTS = {"compiler": "1.95.0", "host": "x86_64", "valgrind": "3", "instructions": {"seal": 1000, "open": 2000}}


@pytest.mark.parametrize("name", BENCHMARKS)
@pytest.mark.usefixtures("postgres_server_url")
def test_a_benchmark_works(name: str) -> None:
    command = [sys.executable, str(ROOT / "benches" / f"{name}.py"), "--smoke"]
    # What it measures is not looked at, so what the tests are built with will do.
    environment = {**os.environ, "BENCH_BUILD": "debug"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    # A smoke run saves nothing, but it shows the names that the report looks for, and leaves some out.
    rows = [row for row in report.ROWS if row.source == name and not LEFT_OUT.search(row.what)]
    assert rows
    for row in rows:
        assert any(row.what in line and row.yardstick in line for line in done.stdout.splitlines()), row


def test_the_gap_of_an_event_loop_is_measured() -> None:
    command = [sys.executable, str(ROOT / "benches" / "event_loop.py"), "--smoke"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(r"5 logins, \d at a time: longest gap \d+\.\d ms", done.stdout)


def test_the_benchmark_of_providers_works_without_peers() -> None:
    command = [sys.executable, str(ROOT / "benches" / "peers" / "openid.py"), "--smoke", "--own"]
    environment = {**os.environ, "BENCH_BUILD": "debug"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    for what in ("code to token", "refresh", "sso.token.verify"):
        assert what in done.stdout


def test_what_rust_measured_becomes_a_table() -> None:
    rows = [{"what": {"name": "login", "figures": [1, 3, 2]}, "yardstick": {"name": "hash", "figures": [2, 2, 2]}}]
    table = report_of(rows).table().splitlines()
    assert re.split(r" {2,}", table[1]) == ["login", "2.00", "1.00 .. 3.00", "hash", "2.00", "1.000", "0.500 .. 1.500"]


def test_what_is_compared_with_nothing_is_infinitely_more() -> None:
    rows = [{"what": {"name": "import", "figures": [1, 1]}, "yardstick": {"name": "less", "figures": [0, 0]}}]
    table = report_of(rows).table().splitlines()
    assert re.split(r" {2,}", table[1])[-2:] == ["inf", "inf .. inf"]


def test_every_round_has_all_of_them_and_every_other_goes_backwards() -> None:
    done: list[str] = []

    def figure(name: str) -> Callable[[float], float]:
        def do(_length: float) -> float:
            done.append(name)
            return 1

        return do

    measure([Contestant("a", figure("a"), "ms"), Contestant("b", figure("b"), "ms")], is_smoke=True)
    assert done == ["a", "b", "b", "a"]


def test_calls_are_counted() -> None:
    made: list[int] = []
    calls = CallsOfThreads(3, made.append, (1,), (2,))
    assert calls.seconds(10) > 0
    assert sorted(made) == [1] * 8 + [2] * 4
    single = Calls(made.append, 3)
    assert single(0.001) > 0
    assert made.count(3) >= single.number > 0
    assert Slowest(made.append, 4)(0.001) > 0


@pytest.mark.parametrize(
    ("figure", "unit", "text"),
    [
        (1234567, "per second", "1,234,567"),
        (99.96, "per second", "100.0"),
        (4.2, "us", "4.20 us"),
        (0, "ms", "0.00 ms"),
    ],
)
def test_figures_have_the_digits_that_mean_something(figure: float, unit: str, text: str) -> None:
    assert rate(figure, unit) == text


def test_ratios_have_three_digits() -> None:
    assert [share(ratio) for ratio in (1.5, 0.5, 0.0123)] == ["1.500", "0.500", "0.0123"]


def series(name: str, median: float, unit: str = "per second") -> dict[str, object]:
    return {"name": name, "unit": unit, "summary": {"median": median, "min": median / 2, "max": median * 2}}


@pytest.mark.parametrize(
    ("row", "figure", "unit", "reached"),
    [
        (report.Row("b", "login", "hash", ratio=0.95), 96.0, "per second", "yes"),
        (report.Row("b", "login", "hash", ratio=0.95), 94.0, "per second", "no"),
        (report.Row("b", "login", "hash", figure=95), 96.0, "per second", "yes"),
        (report.Row("b", "login", "hash", figure=95, unit="ms"), 96.0, "ms", "no"),
        (report.Row("b", "login", "hash", figure=95, unit="ms"), 94.0, "ms", "yes"),
        (report.Row("b", "login", "hash"), 94.0, "ms", ""),
    ],
)
def test_the_report_says_what_is_reached(row: report.Row, figure: float, unit: str, reached: str) -> None:
    found = {
        "what": series("login", figure, unit),
        "yardstick": series("hash, 2 threads", 100, unit),
        "ratio": series("", figure / 100),
    }
    line = report.cells(row, {"b": {"rows": [found]}})
    assert line[3] == "hash, 2 threads"
    assert line[7] == reached


def test_the_report_leaves_blank_what_was_not_measured() -> None:
    row = report.Row("b", "login", "hash", ratio=0.95)
    assert report.cells(row, {}) == ("login", "0.95 x", "", "hash", "", "", "", "", "`make bench`")


def test_the_report_compares_costs_and_searches_with_their_goals() -> None:
    costs = {"what": "login", "few_us": 10.0, "many_us": 13.0, "ratio": {"median": 1.3, "min": 1.0, "max": 1.5}}
    search = {"what": "page 1", "p99_ms": 4.0, "goal_ms": 5.0, "bare_count_ms": 1.0, "bare_page_ms": 1.0}
    lines = list(report.of_scale({"costs": [costs], "searches": [search, {**search, "goal_ms": None}]}))
    assert [line[7] for line in lines] == ["no", "yes", ""]
    assert list(report.of_scale({})) == []


def test_the_same_counts_are_fine_and_small_differences_too() -> None:
    assert complaints(COUNTS, COUNTS) == []
    assert complaints(COUNTS, {**COUNTS, "instructions": {"seal": 1020, "open": 1950}}) == []


def test_other_counts_are_not() -> None:
    now = {"seal": 1050, "check": 1}
    assert complaints(COUNTS, {**COUNTS, "instructions": now}) == [
        "seal: 1,000 before, 1,050 now, +5.0%",
        "open: there is no such piece any more",
        "check: 1, which nobody has known of",
    ]


def test_counts_of_another_compiler_are_not_compared_and_that_is_said() -> None:
    (line,) = complaints(COUNTS, {**COUNTS, "compiler": "1.96.0"})
    assert line.startswith("nothing was compared")
    assert "1.95.0 and not 1.96.0" in line
