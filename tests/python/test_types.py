"""What users write type-checks, in strict mode, and mistakes do not: `typed_right.py` and `typed_wrong.py`."""

from __future__ import annotations

import inspect
import json
import os
import re
import shutil
import subprocess
import sys
import typing
from pathlib import Path

import pytest
from zato_sso import SSO, AttrAPI, Session, User, aio

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
RIGHT, WRONG = HERE / "typed_right.py", HERE / "typed_wrong.py"


def mypy(path: Path) -> set[int]:
    """The lines in which mypy finds mistakes."""
    command = [sys.executable, "-m", "mypy", "--strict", "--no-incremental", "--config-file=", "--no-error-summary"]
    command += ["--python-version", "3.10", str(path)]
    environment = {**os.environ, "MYPYPATH": str(ROOT / "python")}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=ROOT, check=False)
    assert done.stderr == ""
    return {int(line) for line in re.findall(rf"{path.name}:(\d+): error", done.stdout)}


def pyright(path: Path, tmp_path: Path) -> set[int]:
    """The lines in which pyright finds mistakes."""
    # It takes what is beside its configuration.
    shutil.copy(path, tmp_path)
    settings = tmp_path / "pyrightconfig.json"
    python = str(ROOT / "python")
    settings.write_text(
        json.dumps(
            {
                "include": [path.name],
                "typeCheckingMode": "strict",
                "pythonVersion": "3.10",
                "extraPaths": [python],
                "reportMissingModuleSource": False,
            }
        )
    )
    command = [sys.executable, "-m", "pyright", "--outputjson", "-p", str(settings), "--pythonpath", sys.executable]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode in {0, 1}, done.stdout + done.stderr
    found = json.loads(done.stdout)
    assert found["summary"]["filesAnalyzed"] >= 1
    of_it = [one for one in found["generalDiagnostics"] if Path(one["file"]).name == path.name]
    assert len(of_it) == len(found["generalDiagnostics"])
    return {one["range"]["start"]["line"] + 1 for one in of_it if one["severity"] == "error"}


def marked(path: Path) -> set[int]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return {number for number, line in enumerate(lines, 1) if line.endswith("# wrong")}


def test_mypy_accepts_what_users_write() -> None:
    assert mypy(RIGHT) == set()


def test_mypy_finds_each_mistake() -> None:
    assert mypy(WRONG) == marked(WRONG) != set()


def test_pyright_accepts_what_users_write(tmp_path: Path) -> None:
    assert pyright(RIGHT, tmp_path) == set()


def test_pyright_finds_each_mistake(tmp_path: Path) -> None:
    assert pyright(WRONG, tmp_path) == marked(WRONG) != set()


@pytest.mark.parametrize("generic", [User, Session])
def test_annotations_can_be_evaluated(generic: type) -> None:
    space = {"Generic": generic, "AttrAPI": AttrAPI, "Async": aio.AttrAPI}
    code = "def f(a: 'Generic[AttrAPI]', b: 'Generic[Async] | None', c: 'Generic') -> 'list[Generic[AttrAPI]]': ..."
    exec(code, space)  # noqa: S102
    hints = typing.get_type_hints(space["f"])
    assert typing.get_origin(hints["a"]) is generic
    assert typing.get_args(hints["a"]) == (AttrAPI,)
    assert hints["c"] is generic


def test_editors_show_what_help_does() -> None:
    for stub in ("_core.pyi", "aio.pyi", "bound.pyi"):
        text = (ROOT / "python" / "zato_sso" / stub).read_text(encoding="utf-8")
        for call in (SSO(config={"database.url": "sqlite::memory:"}).user.login, User.to_dict):
            first = inspect.cleandoc(str(call.__doc__)).splitlines()[0]
            assert first in text or (stub != "_core.pyi" and call is User.to_dict)
