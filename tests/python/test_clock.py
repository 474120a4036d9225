"""Processes whose clocks differ: libfaketime sets the clock of a whole process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support import Config, changed, log_in, super_user
from zato_sso import SSO

HERE = Path(__file__).parent
LIBRARIES = [
    Path("/usr/lib") / machine / "faketime/libfaketimeMT.so.1" for machine in ("x86_64-linux-gnu", "aarch64-linux-gnu")
]
PROGRAM = """
import json, sys
sys.path.insert(0, {folder!r})
from support import *
from zato_sso import SSO, ValidationError
config, ust, username = json.loads(sys.argv[1]), sys.argv[2], sys.argv[3]
with SSO(config=config) as sso:
    try:
        sso.user.get_current_user("cid", ust, APP, ADDRESS)
        print("valid")
    except ValidationError as error:
        print(error.sub_status[0])
    log_in(sso, username)
"""


def at(offset: str, config: Config, ust: str, username: str) -> str:
    """What a process finds of a session whose clock is so much off, and which can log in."""
    library = next((library for library in LIBRARIES if library.exists()), None)
    assert library is not None, ".ci/database_tools installs libfaketime"
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(folder=str(HERE)), json.dumps(config), ust, username],
        env={**os.environ, "LD_PRELOAD": str(library), "FAKETIME": offset, "DONT_FAKE_MONOTONIC": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("is_kept", [True, False], ids=["kept", "forgotten"])
def test_a_session_that_has_ended_is_not_valid_again_for_a_process_whose_clock_is_behind(
    config: Config, *, is_kept: bool
) -> None:
    config = changed(config, session={"max_lifetime": 1})
    config = changed(config, database={**config["database"], "keep_time": is_kept})
    with SSO(config=config) as sso:
        username = super_user(sso)
        ust = log_in(sso, username)
    assert at("+0", config, ust, username) == "valid"
    assert at("+2h", config, ust, username) == "E007002"
    for offset in ("+0", "-1h"):
        assert at(offset, config, ust, username) == ("E007002" if is_kept else "valid")
