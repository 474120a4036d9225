"""What all Python tests share."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
from zato_sso._core import _Standin

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def path(tmp_path: Path) -> str:
    """A database file that does not exist yet."""
    return str(tmp_path / "sso.db")


@pytest.fixture
def sso(path: str):
    """A blocking object on a file."""
    with _Standin(path) as sso:
        yield sso


@pytest.fixture
def aio(path: str):
    """Makes an awaitable object on the same file as `sso`."""
    return lambda: _Standin(path, is_async=True)


@pytest.fixture
def script(path: str) -> Run:
    """Runs a Python program that has `path` and the API at hand; it must end in good time."""

    def run(code: str, *, interrupt_after: float | None = None, timeout: float = 20) -> object:
        prelude = (
            "import asyncio, os, signal, sys, threading, time\n"
            "from zato_sso._core import _Standin as SSO\n"
            f"path = {path!r}\n"
        )
        process = subprocess.Popen(
            [sys.executable, "-X", "faulthandler", "-c", prelude + textwrap.dedent(code)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            if interrupt_after is not None:
                assert process.stdout is not None
                assert process.stdout.readline() == "ready\n"
                try:
                    process.wait(interrupt_after)
                except subprocess.TimeoutExpired:
                    os.kill(process.pid, signal.SIGINT)
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGABRT)
            out, err = process.communicate()
            pytest.fail(f"did not end within {timeout} s\n{out}\n{err}")
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    return run
