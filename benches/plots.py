"""Plots of the last figures: reads `target/bench/*.json` and writes `docs/plots/*.png`.

`make plots` runs it, and installs matplotlib for it into a place of its own, `target/bench/plots`.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib import pyplot
from report import read

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "plots"
OURS, OTHERS = "#1f6f8b", "#b8c4c9"


def bars(name: str, title: str, figures: Mapping[str, Mapping[str, Any]], ours: Sequence[str], *, log: bool) -> None:
    """Draw a bar for each figure, from the middle of its rounds, with their whole range; ours stand out."""
    labels = list(figures)
    middles = [figures[label]["summary"]["median"] for label in labels]
    below = [middle - figures[label]["summary"]["min"] for label, middle in zip(labels, middles, strict=True)]
    above = [figures[label]["summary"]["max"] - middle for label, middle in zip(labels, middles, strict=True)]
    figure, axes = pyplot.subplots(figsize=(8, 0.9 + 0.38 * len(labels)), layout="constrained")
    colours = [OURS if label in ours else OTHERS for label in labels]
    drawn = axes.barh(labels, middles, xerr=(below, above), color=colours, ecolor="#555555", capsize=2)
    axes.bar_label(drawn, labels=[f" {middle:,.0f}" for middle in middles], padding=4, fontsize=8)
    axes.invert_yaxis()
    axes.set_xlabel("per second" + (", each line ten times the one before" if log else ""))
    axes.set_title(title, loc="left", fontsize=11)
    axes.spines[["top", "right"]].set_visible(False)
    axes.margins(x=0.15)
    if log:
        axes.set_xscale("log")
    FOLDER.mkdir(parents=True, exist_ok=True)
    figure.savefig(FOLDER / f"{name}.png", dpi=100, metadata={"Software": None})
    pyplot.close(figure)


def series(rows: Sequence[Mapping[str, Any]], *wanted: str) -> dict[str, Mapping[str, Any]]:
    """Return everything in a report whose name has one of these at its beginning, in their order."""
    found = {side["name"]: side for row in rows for side in (row["what"], row["yardstick"])}
    return {name: found[name] for begin in wanted for name in found if name.startswith(begin)}


def main() -> int:
    """Draw what was measured."""
    mpl.use("Agg")
    measured = {name: report["rows"] for name, report in read().items() if "rows" in report}
    if peers := measured.get("peers"):
        names = ("fastapi-users", "Django", "better-auth")
        for what, verb, title in (
            ("REST verify", "check", "A session checked over HTTP"),
            ("REST login", "login", "A login over HTTP, Argon2id at 19,456 KiB, t=2, p=1"),
        ):
            shown = series(peers, what, *(f"{name} {verb}" for name in names), "Django sessions " + verb)
            bars(f"peers-{verb}", title, shown, [what], log=verb == "check")
    if faces := measured.get("python_faces"):
        what = ("session.verify, SQLite", "session.verify, cache off, SQLite", "get_current_user, SQLite")
        more = ("get_current_user, cache off, SQLite", "session.renew, SQLite", "session.renew, 16 threads, SQLite")
        limits = (
            "bare sqlite3 lookup",
            "bare sqlx lookup, SQLite",
            "bare sqlx update, SQLite",
            "bare sqlx update, 16 callers, SQLite",
        )
        bars("python", "From Python, on SQLite", series(faces, *what, *more, *limits), [*what, *more], log=True)
    if logins := measured.get("logins"):
        shown = {}
        for row in logins:
            what, yardstick = row["what"], row["yardstick"]
            parameters = what["name"].partition(", ")[2].partition(", ")[2]
            if what["name"].startswith("login, Python"):
                shown[what["name"]] = what
                shown[f"{yardstick['name'].partition(',')[0]}, {parameters}"] = yardstick
        bars("logins", "Logins beside the hash alone", shown, [name for name in shown if "login" in name], log=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
