"""Both trees have the documented calls, with the same names, order and defaults of arguments; so have the stubs."""

from __future__ import annotations

import ast
import inspect
import operator
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zato_sso
from support import AsyncSSO, config_of, new_key
from zato_sso import SSO, _core, status_code

ROOT = Path(__file__).resolve().parents[2]

# The documented calls, without those that do not exist yet.
DOCUMENTED = {
    "": ["import_users(users, dry_run=False, *, firebase=None)", "metrics()", "close()"],
    "user": [
        "create_user(cid, data, current_ust=None, current_app=None, remote_addr=None, require_super_user=True,"
        " auto_approve=False)",
        "create(cid, data, current_ust=None, current_app=None, remote_addr=None, require_super_user=True,"
        " auto_approve=False)",
        "create_super_user(cid, data, current_ust=None, current_app=None, remote_addr=None, require_super_user=True,"
        " auto_approve=False)",
        "ensure_super_user(cid, data, current_app=None, remote_addr=None)",
        "signup(cid, ctx, current_app, remote_addr)",
        "confirm_signup(cid, confirm_token, current_app, remote_addr)",
        "confirm_email(cid, confirm_token, current_app, remote_addr)",
        "resend_confirmation(cid, credential, current_app, remote_addr)",
        "approve_user(cid, user_id, current_ust, current_app, remote_addr)",
        "approve(cid, user_id, current_ust, current_app, remote_addr)",
        "reject_user(cid, user_id, current_ust, current_app, remote_addr)",
        "reject(cid, user_id, current_ust, current_app, remote_addr)",
        "login(cid, username, password, current_app, remote_addr, user_agent=None, has_remote_addr=False,"
        " has_user_agent=False, new_password='', totp_code=None, skip_sec=False,"
        " device_token=None)",
        "logout(cid, ust, current_app, remote_addr, skip_sec=False)",
        "get_current_user(cid, current_ust, current_app, remote_addr, return_all_attrs=False)",
        "get_user_by_id(cid, user_id, current_ust, current_app, remote_addr, return_all_attrs=False)",
        "get_user_by_username(cid, username, needs_approved=True)",
        "search(cid, ctx, current_ust, current_app, remote_addr, serialize_dt=False)",
        "update_current_user(cid, data, current_ust, current_app, remote_addr)",
        "update_user_by_id(cid, user_id, data, current_ust, current_app, remote_addr)",
        "update(cid, data, current_ust, current_app, remote_addr, user_id=None)",
        "delete_user_by_id(cid, user_id, current_ust, current_app, remote_addr, skip_sec=False)",
        "delete_user_by_username(cid, username, current_ust, current_app, remote_addr, skip_sec=False)",
        "delete(cid, user_id, current_ust, current_app, remote_addr)",
        "change_password(cid, data, current_ust, current_app, remote_addr)",
        "set_password(cid, user_id, password, must_change, password_expiry, current_app, remote_addr, details=None)",
        "validate_password(password)",
        "reset_totp_key(cid, current_ust, user_id, key, key_label, current_app, remote_addr, skip_sec=False)",
        "create_linked_auth(cid, ust, user_id, auth_type, auth_username, is_active, current_app, remote_addr)",
        "get_linked_auth_list(cid, ust, current_app, remote_addr, user_id=None)",
        "delete_linked_auth(cid, ust, user_id, auth_type, auth_username, current_app, remote_addr)",
        "get_user_by_linked_auth(cid, sec_type, sec_username, current_ust, current_app, remote_addr,"
        " return_all_attrs=False)",
        "lock_user(cid, user_id, current_ust=None, current_app=None, remote_addr=None, require_super_user=True,"
        " current_user=None)",
        "unlock_user(cid, user_id, current_ust=None, current_app=None, remote_addr=None, require_super_user=True,"
        " current_user=None)",
    ],
    "session": [
        "verify(cid, target_ust, current_ust, current_app, remote_addr, user_agent=None)",
        "renew(cid, ust, current_app, remote_addr, user_agent=None)",
        "get(cid, target_ust, current_ust, current_app, remote_addr, user_agent=None, check_if_password_expired=True)",
        "get_list(cid, ust=None, target_ust=None, current_ust=None, current_app=None, remote_addr=None,"
        " user_agent=None)",
        "reauthenticate(cid, ust, password, totp_code=None, current_app=None, remote_addr=None, user_agent=None)",
        "end(cid, session_id, current_ust, current_app, remote_addr)",
        "end_all(cid, current_ust, user_id=None, except_current=True, current_app=None, remote_addr=None)",
        "get_current_session(cid, current_ust, current_app, remote_addr, needs_super_user=False)",
        "require_super_user(cid, current_ust, current_app, remote_addr)",
        "on_external_auth_succeeded(cid, sec_type, sec_def_id, sec_def_username, user_id, ext_session_id, totp_code,"
        " current_app, remote_addr, user_agent=None)",
        "get_session_by_ext_id(sec_type, sec_def_id, ext_session_id=None)",
    ],
    "totp": [
        "validate_code(cid, code, ust='', username='', current_app=None, remote_addr=None)",
        "provisioning_uri(cid, current_ust, current_app, remote_addr)",
        "begin_enrolment(cid, current_ust, current_app, remote_addr)",
        "finish_enrolment(cid, code, current_ust, current_app, remote_addr)",
        "disable(cid, password=None, code=None, current_ust=None, current_app=None, remote_addr=None)",
    ],
    "audit": ["search(cid, ctx, current_ust, current_app, remote_addr)"],
    "group": [
        "create(cid, name, current_ust, current_app, remote_addr, display_name=None, description=None, scopes=None,"
        " can_manage_users=False, can_read_audit=False)",
        "get(cid, group_id, current_ust, current_app, remote_addr)",
        "get_list(cid, current_ust, current_app, remote_addr)",
        "update(cid, group_id, data, current_ust, current_app, remote_addr)",
        "delete(cid, group_id, current_ust, current_app, remote_addr)",
        "add_member(cid, group_id, user_id, current_ust, current_app, remote_addr)",
        "remove_member(cid, group_id, user_id, current_ust, current_app, remote_addr)",
        "get_members(cid, group_id, current_ust, current_app, remote_addr, after=None, limit=None)",
    ],
    "client": [
        "create(cid, name, kind, current_ust, current_app, remote_addr, data=None)",
        "get(cid, client_id, current_ust, current_app, remote_addr)",
        "get_list(cid, current_ust, current_app, remote_addr)",
        "update(cid, client_id, data, current_ust, current_app, remote_addr)",
        "delete(cid, client_id, current_ust, current_app, remote_addr)",
        "rotate_secret(cid, client_id, current_ust, current_app, remote_addr, keep_old_for=24)",
    ],
    "token": [
        "verify(cid, access_token, audience=None, scope=None, current_app=None, remote_addr=None)",
    ],
    "user.recovery_code": [
        "generate(cid, current_ust, current_app, remote_addr, user_id=None)",
        "count(cid, current_ust, current_app, remote_addr, user_id=None)",
    ],
    "user.passkey": [
        "begin_registration(cid, current_ust, current_app, remote_addr, name=None)",
        "finish_registration(cid, response, current_ust, current_app, remote_addr)",
        "begin_login(cid, current_app, remote_addr, username=None)",
        "finish_login(cid, response, current_app, remote_addr, user_agent=None)",
        "begin_reauthentication(cid, current_ust, current_app, remote_addr)",
        "finish_reauthentication(cid, response, current_ust, current_app, remote_addr)",
        "get_list(cid, current_ust, current_app, remote_addr, user_id=None)",
        "rename(cid, passkey_id, name, current_ust, current_app, remote_addr)",
        "delete(cid, passkey_id, current_ust, current_app, remote_addr, user_id=None)",
    ],
    "user.grant": [
        "get_list(cid, current_ust, current_app, remote_addr, user_id=None)",
        "revoke(cid, client_id, current_ust, current_app, remote_addr, user_id=None)",
    ],
    "password_reset": [
        "create_token(cid, credential, current_app, remote_addr, user_agent)",
        "access_token(cid, token, current_app, remote_addr, user_agent)",
        "change_password(cid, new_password, token, reset_key, current_app, remote_addr, user_agent)",
    ],
    "site": [
        "create(cid, subdomain, callback_uris, current_app=None, remote_addr=None, trusted=False, long_key=False)",
        "get_list(cid, current_app=None, remote_addr=None)",
        "update(cid, subdomain, callback_uris=None, current_app=None, remote_addr=None, trusted=None, new_key=False,"
        " long_key=False, keep_old_key=False, end_old_key=False)",
        "delete(cid, subdomain, current_app=None, remote_addr=None)",
        "start_session(cid, subdomain, identity_token, top_realm=None, sub_realm=None, lifetime=None,"
        " session_data=None, current_app=None, remote_addr=None, user_agent=None)",
        "get_session_list(cid, subdomain, page=1, entries_per_page=250, order_direction='desc', current_app=None,"
        " remote_addr=None)",
        "get_session(cid, subdomain, sso_session_token, current_app=None, remote_addr=None)",
        "get_identity_session(cid, subdomain, identity_token, current_app=None, remote_addr=None)",
        "end_session(cid, subdomain, sso_session_token, current_app=None, remote_addr=None)",
        "end_identity_session(cid, subdomain, identity_token, current_app=None, remote_addr=None)",
    ],
    "identity": [
        "get(cid, identity_token, current_app=None, remote_addr=None)",
        "get_list(cid, user_id, current_app=None, remote_addr=None)",
    ],
}
# On the tree, the calls about attributes also take a correlation ID first, and keyword-only arguments at the end.
ATTRIBUTES = {
    "create": "name, value, expiration=None, encrypt=False, user_id=None",
    "create_many": "data, expiration=None, encrypt=False, user_id=None",
    "update": "name, value, expiration=None, encrypt=False, user_id=None",
    "update_many": "data, expiration=None, encrypt=False, user_id=None",
    "set": "name, value, expiration=None, encrypt=False, user_id=None",
    "set_many": "data, expiration=None, encrypt=False, user_id=None",
    "set_expiry": "name, expiration",
    "set_expiry_many": "data, expiration=None",
    "get": "name, decrypt=True, serialize_dt=False",
    "get_many": "names, decrypt=True, serialize_dt=False",
    "exists": "name",
    "exists_many": "names",
    "names": "",
    "delete": "name",
    "delete_many": "names",
    "to_dict": "decrypt=True, value_to_dict=False, serialize_dt=False",
}
for name, own in ATTRIBUTES.items():
    given = f"cid, {own}" if own else "cid"
    # The owner, where the call does not take it already.
    whose = "" if "user_id" in own else ", user_id=None"
    context = "current_ust, current_app, remote_addr"
    DOCUMENTED.setdefault("user.attr", []).append(f"{name}({given}, *, {context}{whose})")
    DOCUMENTED.setdefault("session.attr", []).append(f"{name}({given}, *, target_ust, {context})")

CONSTRUCTOR = "SSO(database_url=None, *, config=None, secret_key=None, hooks=None, tz_aware=None)"
CALLS = [(branch, text) for branch, texts in DOCUMENTED.items() for text in texts]
Signature = list[tuple[str, inspect._ParameterKind, object]]


def documented(text: str) -> tuple[str, Signature]:
    """The name of a call, and name, kind and default of each of its arguments, from text."""
    (function,) = ast.parse(f"def {text}: ...").body
    assert isinstance(function, ast.FunctionDef)
    arguments = function.args
    missing = [inspect.Parameter.empty] * (len(arguments.args) - len(arguments.defaults))
    defaults = [*missing, *(ast.literal_eval(default) for default in arguments.defaults)]
    named = [
        inspect.Parameter.empty if default is None else ast.literal_eval(default) for default in arguments.kw_defaults
    ]
    usual = inspect.Parameter.POSITIONAL_OR_KEYWORD
    signature: Signature = [
        (argument.arg, usual, default) for argument, default in zip(arguments.args, defaults, strict=True)
    ]
    for argument, default in zip(arguments.kwonlyargs, named, strict=True):
        signature.append((argument.arg, inspect.Parameter.KEYWORD_ONLY, default))
    return function.name, signature


def found(call: Callable[..., Any]) -> Signature:
    """Name, kind and default of each argument of a callable."""
    parameters = inspect.signature(call).parameters.values()
    return [(parameter.name, parameter.kind, parameter.default) for parameter in parameters]


@pytest.fixture(scope="module", params=[SSO, AsyncSSO], ids=["blocking", "async"])
def tree(request: pytest.FixtureRequest) -> Any:
    """An object of either tree."""
    make: Callable[..., Any] = request.param
    return make(config=config_of("sqlite::memory:", new_key()))


def branch_of(tree: Any, name: str) -> Any:
    return operator.attrgetter(name)(tree) if name else tree


@pytest.mark.parametrize(("branch", "text"), CALLS, ids=[f"{branch}.{text.split('(')[0]}" for branch, text in CALLS])
def test_calls_have_the_documented_arguments(tree: Any, branch: str, text: str) -> None:
    name, signature = documented(text)
    assert found(getattr(branch_of(tree, branch), name)) == signature


@pytest.mark.parametrize("make", [SSO, AsyncSSO], ids=["blocking", "async"])
def test_objects_are_made_with_the_documented_arguments(make: Callable[..., Any]) -> None:
    assert documented(CONSTRUCTOR) == ("SSO", found(make))


@pytest.mark.parametrize("branch", [name for name in DOCUMENTED if name])
def test_there_is_no_call_that_is_not_documented(tree: Any, branch: str) -> None:
    public = {name for name in dir(branch_of(tree, branch)) if not name.startswith("_")}
    assert public - {"session", "attr", "recovery_code", "passkey", "grant"} == {
        documented(text)[0] for text in DOCUMENTED[branch]
    }


def test_sessions_are_in_two_places_of_the_tree(tree: Any) -> None:
    assert tree.session is tree.user.session
    assert {name for name in dir(tree) if not name.startswith("_")} - {"open"} == {
        *(
            "audit",
            "bind",
            "client",
            "close",
            "from_config",
            "group",
            "hooks",
            "identity",
            "import_users",
            "metrics",
            "password_reset",
            "session",
            "site",
            "token",
            "totp",
            "user",
        ),
    }


def test_every_public_class_and_call_says_what_it_is(tree: Any) -> None:
    for branch, text in CALLS:
        assert getattr(branch_of(tree, branch), documented(text)[0]).__doc__
    for name in zato_sso.__all__:
        assert name == "__version__" or getattr(zato_sso, name).__doc__


@pytest.mark.parametrize("module", ["zato_sso", "zato_sso.aio", "zato_sso.errors"])
def test_every_exported_name_exists(module: str) -> None:
    imported = __import__(module, fromlist=["__all__"])
    assert all(hasattr(imported, name) for name in imported.__all__)


def test_the_async_stubs_follow_the_others() -> None:
    command = [sys.executable, str(ROOT / ".ci" / "async_stubs.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_stubs_and_package_need_nothing_that_is_not_installed_with_them() -> None:
    # Only the stubs need `typing_extensions`, and only type checkers read those.
    code = "import sys, zato_sso, zato_sso.aio; print('typing_extensions' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_status_codes_agree_with_those_of_the_engine() -> None:
    ours = {
        (code, group, label)
        for group in status_code.__all__
        if isinstance(labels := getattr(status_code, group), type)
        for label, code in vars(labels).items()
        if not label.startswith("_")
    }
    theirs = _core.status_codes()
    assert len(theirs) == len(set(theirs)) == len({code for code, _, _ in theirs})
    assert ours == set(theirs)
    for code, group, label in theirs:
        assert _core.code_label(code) == f"{group}.{label}"
    assert _core.code_label("E999999") is None
