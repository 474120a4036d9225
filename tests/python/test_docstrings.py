"""What `help()` shows: the arguments of each call, and examples that work as they stand."""

from __future__ import annotations

import doctest
import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support import config_of, new_key
from test_docs import public
from zato_sso import SSO, AuditSearchCtx, SearchCtx, SignupCtx, errors

PASSWORD = "correct horse battery staple"
# The calls that an application begins with.
MAIN = {
    *("user.create_user", "user.approve_user", "user.login", "user.logout", "user.get_current_user", "user.search"),
    *("user.signup", "user.update_current_user", "user.change_password", "session.verify", "session.renew"),
    *("session.get_list", "session.end_all", "totp.begin_enrolment", "password_reset.create_token", "site.create"),
    *("bind", "import_users"),
}


def calls() -> dict[str, Callable[..., Any]]:
    """Every call of the tree by its path; that of a session's branch once."""
    with SSO(config=config_of("sqlite::memory:", new_key())) as sso:
        return {path: call for path, call in public(sso) if not path.startswith("user.session.")}


CALLS = calls()
EXAMPLES = {path: call for path, call in CALLS.items() if "\nExample:" in (inspect.getdoc(call) or "")}


def documented(call: Callable[..., Any]) -> set[str]:
    """The arguments that a docstring describes."""
    section = re.search(r"^Args:\n((?:    .*\n?)+)", inspect.getdoc(call) or "", re.MULTILINE)
    return set(re.findall(r"^    (\w+): \S", section[1], re.MULTILINE)) if section else set()


def test_every_argument_is_described() -> None:
    missing: dict[str, set[str]] = {}
    for path, call in CALLS.items():
        # Calls of attributes have much in common, which their page describes once.
        if ".attr." not in path and (names := set(inspect.signature(call).parameters) - documented(call)):
            missing[path] = names
    assert missing == {}


def test_the_main_calls_have_an_example() -> None:
    assert {"user.attr.create"} | MAIN <= set(CALLS)
    assert MAIN - set(EXAMPLES) == set()


@pytest.fixture
def names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """What the examples speak of: an object, a user with a session, and a super-user with one."""
    monkeypatch.chdir(tmp_path)
    config = {**config_of("sqlite::memory:", new_key()), "signup": {"is_approval_needed": False}}
    with SSO(config=config) as sso:
        ann, admin = ({"username": name, "password": PASSWORD} for name in ("ann", "admin1"))
        user_id = sso.user.create_user("cid", ann, require_super_user=False, auto_approve=True)
        sso.user.ensure_super_user("cid", admin)
        ust, admin_ust = (sso.user.login("cid", name, PASSWORD, "CRM", "127.0.0.1").ust for name in ("ann", "admin1"))
        yield {
            **{"sso": sso, "user_id": user_id, "ust": ust, "admin_ust": admin_ust},
            **{"SSO": SSO, "SearchCtx": SearchCtx, "SignupCtx": SignupCtx, "AuditSearchCtx": AuditSearchCtx},
        }


def run(documentation: str, names: dict[str, Any], where: str) -> int:
    """Runs the examples of a docstring, and returns how many there are."""
    test = doctest.DocTestParser().get_doctest(documentation, names, where, None, None)
    said: list[str] = []
    outcome = doctest.DocTestRunner(verbose=False).run(test, out=said.append)
    assert outcome.failed == 0, "".join(said)
    return outcome.attempted


@pytest.mark.parametrize("path", EXAMPLES)
def test_an_example_works(path: str, names: dict[str, Any]) -> None:
    assert run(inspect.getdoc(EXAMPLES[path]) or "", names, path) > 0


def test_the_examples_of_classes_work(names: dict[str, Any]) -> None:
    assert run(inspect.getdoc(SSO) or "", dict(names), "SSO") > 0
    for each in (errors.ValidationError, errors.ValidationError.to_problem):
        assert run(inspect.getdoc(each) or "", {}, "errors") > 0
