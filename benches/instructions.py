"""How many instructions the hot pieces take, counted by callgrind, and compared with those that are known.

Such counts do not depend on what else the machine does. They do depend on the compiler, so the known ones hold for the
one they were taken with: with another, nothing is compared, and that is an error.

    make instructions            compares with benches/instructions.json
    make instructions UPDATE=1   writes it anew

A piece that takes more than 3 % more than it did, or less, is an error too: the file is to say how it is.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from measure import target_folder

KNOWN = Path(__file__).with_name("instructions.json")
TOLERANCE = 0.03
# How often a piece is done: what comes before it, and after, is about the same in both runs and cancels out.
FEW, MANY = 500, 1_000
# So much has to be between two runs for what is not quite the same to be nothing beside it.
ENOUGH = 200_000_000
# Those that hand over to a thread of the database do not do so in the same way every time.
UNSTEADY_TOLERANCE = 0.15
UNSTEADY = {"verify_session, cache off"}


class CannotCountError(Exception):
    """Something that is needed is not there; the text says what to do."""


def output_of(*command: str) -> str:
    """Run a program and return what it writes."""
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def surroundings() -> dict[str, str]:
    """Return what counts depend on beside the source.

    Raises:
        CannotCountError: valgrind is not installed.
    """
    if shutil.which("valgrind") is None:
        raise CannotCountError("valgrind is not installed: on Debian, apt-get install valgrind")
    version = dict(re.findall(r"^(release|host): (.+)$", output_of("rustc", "--version", "--verbose"), re.MULTILINE))
    valgrind = output_of("valgrind", "--version").strip()
    return {"compiler": version["release"], "host": version["host"], "valgrind": valgrind}


def count(program: Path, name: str, times: int) -> int:
    """Return the instructions of a whole run.

    Raises:
        CannotCountError: the run failed.
    """
    command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={target_folder() / 'tmp' / 'callgrind.out'}"]
    done = subprocess.run([*command, program, name, str(times)], capture_output=True, text=True, check=False)
    found = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode != 0 or found is None:
        raise CannotCountError(f"{name}: {done.stderr}")
    return int(found[1])


def per_piece(program: Path, name: str) -> int:
    """Return the instructions of one piece."""
    few = count(program, name, FEW)
    about = max(20.0, (count(program, name, MANY) - few) / (MANY - FEW))
    more = round(ENOUGH / about)
    return round((count(program, name, FEW + more) - few) / more)


def complaints(known: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Return a line about everything that is not as it was.

    Args:
        known: what the file says.
        now: the same, as it is.
    """
    before = {name: known[name] for name in known if name != "instructions"}
    here = {name: now[name] for name in now if name != "instructions"}
    if before != here:
        text = ", ".join(f"{name} {before.get(name)} and not {here[name]}" for name in here)
        return [f"nothing was compared: the known counts are those of {text}; write them anew with UPDATE=1"]
    lines = []
    old, new = known["instructions"], now["instructions"]
    for name in [*old, *(name for name in new if name not in old)]:
        if name not in new:
            lines.append(f"{name}: there is no such piece any more")
        elif name not in old:
            lines.append(f"{name}: {new[name]:,}, which nobody has known of")
        elif abs(change := new[name] / old[name] - 1) > (UNSTEADY_TOLERANCE if name in UNSTEADY else TOLERANCE):
            lines.append(f"{name}: {old[name]:,} before, {new[name]:,} now, {change:+.1%}")
    return lines


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description="Count the instructions of the hot pieces.")
    parser.add_argument("--update", action="store_true", help="write them instead of comparing them")
    arguments = parser.parse_args()
    program = target_folder() / "release" / "examples" / "hot"
    try:
        now: dict[str, Any] = {**surroundings(), "instructions": {}}
        if not program.is_file():
            raise CannotCountError(f"there is no {program}: run make instructions")
        (target_folder() / "tmp").mkdir(parents=True, exist_ok=True)
        for name in output_of(str(program)).splitlines():
            now["instructions"][name] = per_piece(program, name)
            print(f"{now['instructions'][name]:>12,}  {name}", flush=True)
    except CannotCountError as error:
        print(f"instructions: {error}", file=sys.stderr)
        return 1
    if arguments.update:
        KNOWN.write_text(json.dumps(now, indent=2) + "\n", encoding="utf-8")
        return 0
    lines = complaints(json.loads(KNOWN.read_text(encoding="utf-8")), now)
    for line in lines:
        print(f"instructions: {line}", file=sys.stderr)
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
