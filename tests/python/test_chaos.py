"""The chaos programs, in a reduced form; `make chaos` runs them whole."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).resolve().parents[1] / "chaos" / "kill_server.py"


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_what_a_killed_server_has_acknowledged_is_there(kind: str, request: pytest.FixtureRequest) -> None:
    options = []
    if kind == "postgresql":
        request.getfixturevalue("postgres_url")
        options = ["--postgresql"]
    command = [sys.executable, str(PROGRAM), "--kills", "2", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ}, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 lost" in done.stdout
    assert "are sealed" in done.stdout
