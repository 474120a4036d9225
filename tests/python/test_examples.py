"""`make run` and `make serve` work, and work again."""

from __future__ import annotations

import os
import re
import signal
import stat
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DEMO = [sys.executable, "-W", "error", str(ROOT / "examples" / "demo.py")]


def demo(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*DEMO, "--directory", str(folder), *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_demonstration_may_be_repeated(tmp_path: Path) -> None:
    folder = tmp_path / "var" / "demo"
    first = demo(folder, "run")
    assert first.returncode == 0, first.stdout + first.stderr
    key = (folder / "sso.db.key").read_bytes()
    second = demo(folder, "run")
    assert second.returncode == 0, second.stdout + second.stderr
    assert (folder / "sso.db.key").read_bytes() == key

    for output in (first.stdout, second.stdout):
        assert "verified: True" in output
        assert "rejected with ['E007001']" in output
        assert '"status":"ok"' in output
        assert "make serve" in output
        assert "http://127.0.0.1:17010/login" in output
        assert "http://127.0.0.1:17010/admin" in output


def test_the_demonstration_shows_no_secret(tmp_path: Path) -> None:
    done = demo(tmp_path, "run")
    password = (tmp_path / "admin1.password").read_text().strip()
    assert password not in done.stdout + done.stderr + (tmp_path / "server.log").read_text()
    assert re.findall(r"[\w-]{40,}", done.stdout) == []
    assert stat.S_IMODE((tmp_path / "admin1.password").stat().st_mode) == 0o600


def test_the_demonstration_keeps_to_its_folder(tmp_path: Path) -> None:
    theirs = tmp_path / "theirs.db"
    done = demo(tmp_path / "demo", "run", ZATO_SSO_DATABASE_URL=f"sqlite:///{theirs}", ZATO_SSO_PASSWORD="theirs")
    assert done.returncode == 0, done.stdout + done.stderr
    assert not theirs.exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["demo"]


def test_serve_is_the_server_on_that_database_until_it_is_told_to_stop(tmp_path: Path) -> None:
    arguments = [*DEMO, "--directory", str(tmp_path), "serve", "--listen", "127.0.0.1:0"]
    with subprocess.Popen(arguments, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            line = next(line for line in process.stderr if "listens on" in line)
        finally:
            process.send_signal(signal.SIGINT)
            status = process.wait(30)
    assert "http://127.0.0.1:" in line
    assert status == 0
    assert (tmp_path / "sso.db").exists()
