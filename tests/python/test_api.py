"""What holds for every call of the object tree, blocking and awaited alike, from one table."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import pytest
from calls import CALLS, Arguments
from stage import Stage, refused, rows
from support import AsyncSSO, config_of, new_key
from zato_sso import BackendError

# As these arguments are, only super-users may make these calls: they are about somebody else.
FOR_SUPER_USERS = {
    *(name for name in CALLS if name.startswith(("user.create", "user.approve", "user.reject")) or "lock" in name),
    *(name for name in CALLS if name.startswith("user.delete")),
    *("user.search", "user.update_user_by_id", "user.update", "user.reset_totp_key", "session.require_super_user"),
    *(name for name in CALLS if name.startswith("user.delete") or "linked_auth" in name),
    *("user.search", "user.update_user_by_id", "user.update"),
    *("user.get_user_by_id", "user.change_password", "session.verify", "session.get", "session.get_list"),
    "session.end_all",
    *("user.recovery_code.generate", "user.recovery_code.count"),
    *("user.passkey.get_list", "user.passkey.delete"),
    *(name for name in CALLS if name.startswith(("group.", "client.", "audit."))),
}
# Arguments that may be None everywhere, and those that may be in some calls.
OPTIONAL = {"current_app", "remote_addr", "user_agent", "new_password", "totp_code", "current_user"}
OPTIONAL_IN = {
    **{
        name: {"current_ust"}
        for name in CALLS
        if ("create" in name and not name.startswith(("group.", "client."))) or "lock" in name or "delete_user" in name
    },
    "site.update": {"callback_uris", "trusted"},
    "site.start_session": {"top_realm", "sub_realm", "lifetime", "session_data"},
    "user.login": {"password"},
    "user.update": {"user_id"},
    "user.set_password": {"password_expiry", "details"},
    "user.reset_totp_key": {"current_ust", "user_id", "key", "key_label"},
    "totp.validate_code": {"ust", "username"},
    "group.create": {"display_name", "description", "scopes"},
    "group.get_members": {"after", "limit"},
    "client.create": {"data"},
    "totp.disable": {"password", "code", "current_ust"},
    "user.recovery_code.generate": {"user_id"},
    "user.recovery_code.count": {"user_id"},
    "user.passkey.begin_registration": {"name"},
    "user.passkey.begin_login": {"username"},
    "user.passkey.get_list": {"user_id"},
    "user.passkey.delete": {"user_id"},
    "user.get_linked_auth_list": {"user_id"},
    "session.on_external_auth_succeeded": {"ext_session_id"},
    "session.get_session_by_ext_id": {"ext_session_id"},
    "session.get_list": {"ust", "target_ust", "current_ust"},
    "session.end_all": {"user_id"},
}
NOT_OPTIONAL_IN = {"password_reset.change_password": {"new_password"}}
every_call = pytest.mark.parametrize("name", CALLS)


def call_of(sso: object, name: str) -> Callable[..., Any]:
    call: Callable[..., Any] = operator.attrgetter(name)(sso)
    return call


def test_the_table_has_every_call() -> None:
    sso = AsyncSSO(config=config_of("sqlite::memory:", new_key()))
    public = {
        f"{branch}.{name}"
        for branch in (
            "user",
            "user.recovery_code",
            "user.passkey",
            "session",
            "totp",
            "group",
            "audit",
            "client",
            "password_reset",
            "site",
            "identity",
        )
        for name in dir(operator.attrgetter(branch)(sso))
        # Branches of their own: sessions stand here, attributes and grants have tests of their own.
        if not name.startswith("_") and name not in {"session", "attr", "recovery_code", "passkey", "grant"}
    }
    assert set(CALLS) == public


def arguments_may_be_given_by_name(stage: Stage, name: str, arguments: Arguments) -> None:
    assert type(call_of(stage.sso, name)(**arguments)) is CALLS[name][1]


def arguments_may_be_given_by_position(stage: Stage, name: str, arguments: Arguments) -> None:
    assert type(call_of(stage.sso, name)(*arguments.values())) is CALLS[name][1]


def arguments_of_a_wrong_type_are_type_errors(stage: Stage, name: str, arguments: Arguments) -> None:
    for wrong in arguments:
        with pytest.raises(TypeError, match=wrong):
            call_of(stage.sso, name)(**{**arguments, wrong: object()})
    with pytest.raises(TypeError):
        call_of(stage.sso, name)()
    with pytest.raises(TypeError):
        call_of(stage.sso, name)(**arguments, unknown=1)


def arguments_are_none_only_where_that_means_something(stage: Stage, name: str, arguments: Arguments) -> None:
    optional = (OPTIONAL | OPTIONAL_IN.get(name, set())) - NOT_OPTIONAL_IN.get(name, set())
    for argument in set(arguments) - optional:
        with pytest.raises(TypeError, match=argument):
            call_of(stage.sso, name)(**{**arguments, argument: None})


def tokens_may_be_bytes(stage: Stage, name: str, arguments: Arguments) -> None:
    tokens = {key: value.encode() for key, value in arguments.items() if key.endswith("ust") and value}
    assert type(call_of(stage.sso, name)(**{**arguments, **tokens})) is CALLS[name][1]


def no_application_is_the_default_one(stage: Stage, name: str, arguments: Arguments) -> None:
    if "current_app" in arguments:
        call_of(stage.sso, name)(**{**arguments, "current_app": None, "remote_addr": None})


def an_unknown_application_is_refused(stage: Stage, name: str, arguments: Arguments) -> None:
    if "current_app" in arguments:
        with refused("E004001"):
            call_of(stage.sso, name)(**{**arguments, "current_app": "Unknown"})
        silent = stage.configured(apps={"inform_if_app_invalid": False})
        with refused("E005001"):
            call_of(silent, name)(**{**arguments, "current_app": "Unknown"})


def a_token_of_no_session_is_refused(stage: Stage, name: str, arguments: Arguments) -> None:
    for key in ("current_ust", "ust"):
        if arguments.get(key):
            # Without a token, validate_code wants a name.
            empty = [] if name == "totp.validate_code" else [""]
            for wrong in (*empty, "zust-unknown", "\0", "ż" * 10_000):
                with refused("E005001" if name in ("user.logout", "user.search") else "E007001"):
                    call_of(stage.sso, name)(**{**arguments, key: wrong})
    if "require_super_user" in arguments:
        with refused("E007001"):
            call_of(stage.sso, name)(**{**arguments, "current_ust": None})


def regular_users_may_not_act_on_others(stage: Stage, name: str, arguments: Arguments) -> None:
    if name in FOR_SUPER_USERS:
        who = "current_ust" if "current_ust" in arguments else "ust"
        with refused("E005001"):
            call_of(stage.sso, name)(**{**arguments, who: stage.newcomer()[1]})


def a_trusted_caller_needs_no_session(stage: Stage, name: str, arguments: Arguments) -> None:
    if "require_super_user" in arguments:
        trusted = {**arguments, "current_ust": None, "require_super_user": False}
        assert type(call_of(stage.sso, name)(**trusted)) is CALLS[name][1]


def a_user_that_is_not_there_is_refused(stage: Stage, name: str, arguments: Arguments) -> None:
    deleted = "zusr" + "0" * 26
    for wrong in (deleted, "", "no such user", "\0", "zusr" * 1000):
        if "user_id" in arguments:
            # Nobody is told what exactly is wrong with who came in.
            with refused("E005001" if name == "session.on_external_auth_succeeded" else "E001100"):
                call_of(stage.sso, name)(**{**arguments, "user_id": wrong})
        elif name == "user.change_password":
            with refused("E001100"):
                call_of(stage.sso, name)(**{**arguments, "data": {**arguments["data"], "user_id": wrong}})


def a_closed_object_refuses_everything(stage: Stage, name: str, arguments: Arguments) -> None:
    with pytest.raises(BackendError, match=r"^closed$"):
        call_of(stage.closed, name)(**arguments)


WORKING = (
    arguments_may_be_given_by_name,
    arguments_may_be_given_by_position,
    tokens_may_be_bytes,
    no_application_is_the_default_one,
    a_trusted_caller_needs_no_session,
)
# A call that is refused changes nothing, so all of these share their arguments.
REFUSED = (
    arguments_of_a_wrong_type_are_type_errors,
    arguments_are_none_only_where_that_means_something,
    an_unknown_application_is_refused,
    a_token_of_no_session_is_refused,
    regular_users_may_not_act_on_others,
    a_user_that_is_not_there_is_refused,
    a_closed_object_refuses_everything,
)


@every_call
def test_it_works_however_its_arguments_are_given(stage: Stage, name: str) -> None:
    with rows() as row:
        for check in WORKING:
            with row(f"{name}: {check.__name__}"):
                check(stage, name, CALLS[name][0](stage))


@every_call
def test_it_refuses_what_is_wrong(stage: Stage, name: str) -> None:
    arguments = CALLS[name][0](stage)
    with rows() as row:
        for check in REFUSED:
            with row(f"{name}: {check.__name__}"):
                check(stage, name, arguments)
