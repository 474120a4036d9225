"""Every program of `tests/attacks` runs against a server on each database, and the server holds."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

ATTACKS = Path(__file__).resolve().parents[1] / "attacks"
NAMES = sorted(path.stem for path in ATTACKS.glob("*.py") if path.stem not in {"target", "mailbox_of_attack"})
# Numbers that show something to people: how long answers take, and that thousands change nothing. A test needs fewer.
FEWER = {"REQUESTS": 50, "ROUNDS": 60}


def test_there_are_attacks() -> None:
    assert NAMES


@pytest.mark.parametrize("name", NAMES)
def test_the_server_holds(name: str, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ATTACKS))
    monkeypatch.delitem(sys.modules, name, raising=False)
    module = importlib.import_module(name)
    for number in FEWER.keys() & vars(module).keys():
        monkeypatch.setattr(module, number, FEWER[number])
    seen = list(module.attack(database_url))
    assert seen, "an attack says what it saw"
