"""Every program of `tests/attacks` runs against a server on each database, and the server holds."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

ATTACKS = Path(__file__).resolve().parents[1] / "attacks"
NAMES = sorted(path.stem for path in ATTACKS.glob("*.py") if path.stem not in {"target", "mailbox_of_attack"})


def test_there_are_attacks() -> None:
    assert NAMES


@pytest.mark.parametrize("name", NAMES)
def test_the_server_holds(name: str, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ATTACKS))
    monkeypatch.delitem(sys.modules, name, raising=False)
    attack = importlib.import_module(name).attack
    seen = list(attack(database_url))
    assert seen, "an attack says what it saw"
