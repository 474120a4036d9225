"""The wrapper around the tests passes on what the command says, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

ROOT = Path(__file__).resolve().parents[2]
WRAPPER = [sys.executable, "-W", "error", str(ROOT / "tests" / "with_postgres.py")]
# Says where the server is and where its data are, and does what it is told then.
TELL = """
import os, psycopg, sys, time
url = os.environ["ZATO_SSO_TEST_POSTGRES_URL"]
with psycopg.connect(url) as server:
    folder = server.execute("SHOW data_directory").fetchone()[0]
    print(url, folder, server.execute("SHOW fsync").fetchone()[0], flush=True)
"""


def assert_gone(line: str) -> None:
    url, folder, _fsync = line.split()
    assert not Path(folder).exists()
    assert not Path(folder).parent.exists()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url, connect_timeout=5)


@pytest.mark.parametrize(("options", "fsync"), [([], "off"), (["--durable"], "on")])
def test_the_status_is_that_of_the_command(options: list[str], fsync: str) -> None:
    command = [*WRAPPER, *options, "--", sys.executable, "-c", f"{TELL}\nsys.exit(7)"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (7, "")
    assert done.stdout.split()[-1] == fsync
    assert_gone(done.stdout)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_both(number: signal.Signals) -> None:
    command = [*WRAPPER, "--", sys.executable, "-c", f"{TELL}\ntime.sleep(60)"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        process.send_signal(number)
        assert process.wait(30) == 128 + number
    assert_gone(line)


def test_a_signal_reaches_what_a_shell_has_started(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(f"{TELL}\ntime.sleep(600)", encoding="utf-8")
    command = [*WRAPPER, "--", "sh", "-c", f"{sys.executable} {script}; true"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        # Whoever still ran would hold the pipe open.
        assert process.communicate(timeout=30)[0] == ""
    assert_gone(line)


def test_ctrl_c_ends_both(tmp_path: Path) -> None:
    # As at a terminal, the signal is for the whole group. Whoever runs the tests may be deaf to it; the command is not.
    hear = "import signal; signal.signal(signal.SIGINT, signal.SIG_DFL)"
    command = [*WRAPPER, "--", sys.executable, "-c", f"{hear}\n{TELL}\ntime.sleep(60)"]
    with (
        (tmp_path / "errors").open("w") as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True, start_new_session=True) as process,
    ):
        assert process.stdout is not None
        line = process.stdout.readline()
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(30) == 130
    assert_gone(line)


def test_a_command_that_is_not_there_is_said() -> None:
    done = subprocess.run([*WRAPPER, "--", "no-such-command"], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 127
    assert done.stderr == "with_postgres: no such command: no-such-command\n"
