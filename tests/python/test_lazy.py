"""What an import brings along: nothing that is not used."""

from __future__ import annotations

import json
import pickle
import pydoc
import subprocess
import sys
import typing

import pytest
import zato_sso

# What an interpreter of its own has imported, beside what it begins with.
PROGRAM = """
import json, sys
before = set(sys.modules)
{code}
print(json.dumps(sorted(set(sys.modules) - before)))
"""
# The name of the module that tells sub-interpreters apart depends on the version of Python.
INTERPRETERS = {"_interpreters", "_xxsubinterpreters"}


def brought(code: str, *options: str) -> set[str]:
    """The modules that code imports in an interpreter without any other package."""
    command = [sys.executable, *options, "-c", PROGRAM.format(code=code)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout)) - INTERPRETERS


def test_the_import_brings_nothing_but_the_package() -> None:
    assert brought("import zato_sso") == {"zato_sso", "zato_sso._interpreter"}


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("from zato_sso import SSO", {"_core"}),
        ("from zato_sso import SSO, User, Session, __version__", {"_core"}),
        ("from zato_sso.aio import SSO", {"_core", "aio"}),
        ("import zato_sso; zato_sso.const.auth_type", {"const"}),
        ("from zato_sso import status_code", {"status_code"}),
    ],
)
def test_a_name_brings_its_module(code: str, expected: set[str]) -> None:
    ours = {name for name in brought(code) if name.split(".")[0] == "zato_sso"}
    assert ours == {"zato_sso", "zato_sso._interpreter", *(f"zato_sso.{name}" for name in expected)}


def test_exceptions_and_constants_bring_nothing_else() -> None:
    code = "from zato_sso import SSO, ValidationError, const, status_code"
    expected = {f"zato_sso.{name}" for name in ("_core", "_interpreter", "const", "errors", "status_code")}
    assert brought(code) == {"zato_sso", *expected, "__future__"}


def test_their_annotations_can_be_evaluated() -> None:
    hints = typing.get_type_hints(zato_sso.ValidationError.to_problem)
    assert hints == {"instance": typing.Optional[str], "return": dict[str, object]}  # noqa: UP045


def test_the_compiled_module_brings_no_other() -> None:
    assert brought("import zato_sso._core") == {"zato_sso", "zato_sso._interpreter", "zato_sso._core"}


def test_what_an_object_needs_comes_with_it() -> None:
    modules = brought('import zato_sso; zato_sso.SSO("sqlite::memory:").close()')
    assert "logging" in modules
    assert modules & {"asyncio", "dataclasses", "inspect", "uuid", "zato_sso.aio", "zato_sso.bound", "json"} == set()


def test_every_name_is_listed_before_it_is_used() -> None:
    code = "import zato_sso; print(dir(zato_sso), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", PROGRAM.format(code=code)], capture_output=True, text=True, check=True)
    listed = set(json.loads(done.stderr.replace("'", '"')))
    assert {*zato_sso.__all__, "errors", "ctx"} <= listed
    assert listed & {"TYPE_CHECKING", "sys"} == set()


def test_a_star_brings_every_name() -> None:
    names: dict[str, object] = {}
    exec("from zato_sso import *", names)  # noqa: S102
    assert set(zato_sso.__all__) <= names.keys()


def test_a_name_is_the_same_each_time() -> None:
    from zato_sso import _core, ctx, errors

    assert zato_sso.SSO is zato_sso.SSO is _core.SSO
    assert zato_sso.ValidationError is errors.ValidationError
    assert zato_sso.SearchCtx is ctx.SearchCtx


def test_a_name_that_is_not_there_is_missing_as_usual() -> None:
    with pytest.raises(AttributeError, match="module 'zato_sso' has no attribute 'sso'"):
        zato_sso.sso  # type: ignore[attr-defined] # noqa: B018
    with pytest.raises(ImportError, match="cannot import name 'sso' from 'zato_sso'"):
        from zato_sso import sso  # type: ignore[attr-defined] # noqa: F401
    assert not hasattr(zato_sso, "TestClock")


def test_what_can_be_pickled_comes_back_in_another_process() -> None:
    values = [
        zato_sso.SearchCtx(username="ann"),
        zato_sso.SignupCtx(username="ann"),
        zato_sso.SSO,
        zato_sso.ValidationError,
    ]
    code = f"import pickle; print(pickle.loads({pickle.dumps(values)!r}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(values)


def test_help_shows_every_class() -> None:
    text = pydoc.plain(pydoc.render_doc(zato_sso))
    for name in ("SSO", "ValidationError", "SearchCtx", "User"):
        assert f"class {name}(" in text, name
