"""Sub-interpreters: the import is refused with a clear reason, and the process ends."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import importlib, sys
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters
{before}
other = interpreters.create()
code = '''
import sys
sys.path[:] = {path!r}
for module in ("zato_sso", "zato_sso.aio", "zato_sso._core"):
    try:
        __import__(module)
    except ImportError as error:
        print(error, flush=True)
'''
interpreters.run_string(other, code)
{after}
print("end", flush=True)
"""
USE = 'import zato_sso; print(zato_sso.SSO("sqlite::memory:").user.get_user_by_username("cid", "nobody"), flush=True)'
DESTROY = "interpreters.destroy(other)"


@pytest.mark.parametrize(
    ("before", "after", "used"),
    [("", "", 0), (USE, "", 1), ("", USE, 1), (USE, f"{DESTROY}\n{USE}", 2)],
    ids=["alone", "after the main one", "before the main one", "in between"],
)
def test_a_sub_interpreter_is_refused_and_the_process_ends(before: str, after: str, used: int) -> None:
    program = PROGRAM.format(before=before, after=after, path=sys.path)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert lines.count("None") == used
    assert lines[-1] == "end"
    refusals = [line for line in lines if line not in {"None", "end"}]
    assert len(refusals) == 3, done.stdout
    assert all("sub-interpreter" in line for line in refusals), done.stdout
