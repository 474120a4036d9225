"""Every call of the documented API, on every face: it works, and each code that is documented for it is what it says.

The faces are the blocking tree, the awaited tree and REST, each on SQLite and PostgreSQL.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from typing import Any

import pytest
from calls import ATTR_CALLS, attr
from calls import CALLS as OTHER_CALLS
from faces import Arguments, Everywhere
from inbox import Inbox
from stage import Stage, refused, rows
from support import APP, Config, changed
from ways import (
    APPLICATION,
    BY_SESSION,
    EMAILS,
    FOR_SUPER_USERS,
    INFORMED,
    NO_CLIENT,
    NO_GROUP,
    NO_USER,
    ON_SOMEBODY,
    OTHER_APP,
    SITES,
    SPENDING,
    UPDATES,
    USERNAMES,
    Case,
    as_regular_user,
    attr_codes,
    confirmed,
    ctx,
    data,
    entering,
    expired,
    expires_soon,
    group_there,
    limited_login,
    linked_before,
    locked,
    logging_in,
    must_change,
    oneself,
    passwords,
    rejected,
    sets,
    stale,
    taken_by_another,
    unconfirmed,
    with_totp,
)

Build = Callable[[Stage], Arguments]


# Every call of the tree, and its arguments by name.
CALLS: dict[str, Build] = {
    **{name: build for name, (build, _) in OTHER_CALLS.items()},
    **{f"{branch}.attr.{call}": attr(branch, call) for branch in ("user", "session") for call in ATTR_CALLS},
}
INFORMING = ("inform_if_user_exists", "inform_if_user_invalid", "inform_if_email_exists", "inform_if_email_invalid")
SECTIONS: dict[str, Mapping[str, Any]] = {
    "apps": {"all": [APP, OTHER_APP], "login_allowed": [APP], "signup_allowed": [APP]},
    "signup": dict.fromkeys(INFORMING, True),
}


@pytest.fixture(scope="module", params=["blocking", "async", "rest"])
def everywhere(
    request: pytest.FixtureRequest, shared_config: Config, mail: Inbox, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Everywhere]:
    loop = asyncio.new_event_loop()
    config = changed(shared_config, **SECTIONS)
    stage = Everywhere(request.param, config, loop, mail, tmp_path_factory.mktemp("server"))
    yield stage
    stage.close()
    loop.close()


# Every call, and the codes that are documented for it beside those of the session that acts.
CODES: dict[str, dict[str, Case]] = {
    "user.create_user": {
        **USERNAMES,
        **EMAILS,
        **passwords("password", data),
        **FOR_SUPER_USERS,
        "E008002": data(totp_key="no base32!"),
    },
    "user.create": {**FOR_SUPER_USERS},
    "user.create_super_user": {
        "E005010": stale(),
        **USERNAMES,
        **EMAILS,
        **passwords("password", data),
        **FOR_SUPER_USERS,
    },
    "user.ensure_super_user": {**USERNAMES, **EMAILS, **passwords("password", data)},
    "user.approve_user": ON_SOMEBODY,
    "user.approve": ON_SOMEBODY,
    "user.reject_user": ON_SOMEBODY,
    "user.reject": ON_SOMEBODY,
    "user.lock_user": ON_SOMEBODY,
    "user.unlock_user": ON_SOMEBODY,
    "user.login": {
        "E003004": (logging_in(expired), INFORMED),
        "E003006": (logging_in(expires_soon), {"password": {"log_in_if_about_to_expire": False}}),
        "E003007": logging_in(must_change),
        **passwords("new_password", sets),
        "E005009": limited_login,
        "E004001": sets(current_app=OTHER_APP),
        "E005001": sets(password="wrong"),
        "E005002": logging_in(locked),
        "E005003": logging_in(unconfirmed),
        "E005004": logging_in(rejected),
        "E005008": logging_in(with_totp),
        "E006001": sets(has_user_agent=True, user_agent="agent"),
    },
    "user.logout": {"E005001": sets(ust="no-such-token")},
    "user.get_current_user": {},
    "user.get_user_by_id": ON_SOMEBODY,
    "user.get_user_by_username": {},
    "user.search": {**FOR_SUPER_USERS, "E008002": lambda _, arguments: {**arguments, "ctx": short_name()}},
    "user.update_current_user": {
        **UPDATES,
        "E005008": sets(data={"is_totp_enabled": True}),
        "E005001": sets(data={"is_totp_enabled": True, "totp_code": "000000"}),
    },
    "user.update_user_by_id": {**UPDATES, **ON_SOMEBODY},
    "user.update": {**UPDATES, **ON_SOMEBODY},
    "user.delete_user_by_id": {**ON_SOMEBODY, "E005010": stale(), "E008001": oneself},
    "user.delete_user_by_username": {**FOR_SUPER_USERS, "E005010": stale(), "E001001": sets(username="nobody")},
    "user.delete": {**ON_SOMEBODY, "E005010": stale(), "E008001": oneself},
    "user.change_password": {
        **passwords("new_password", data),
        **FOR_SUPER_USERS,
        "E001100": data(user_id="zusr" + "0" * 26),
        "E005010": stale(),
    },
    "session.verify": FOR_SUPER_USERS,
    "session.renew": {},
    "session.get": FOR_SUPER_USERS,
    "session.get_list": FOR_SUPER_USERS,
    "session.reauthenticate": {"E005001": sets(password="wrong")},
    "group.create": {
        **FOR_SUPER_USERS,
        "E013002": group_there,
        "E008002": sets(name="a\0b"),
        "E008003": sets(name=" "),
        "E005010": stale(can_read_audit=True),
    },
    "group.get": NO_GROUP,
    "group.get_list": FOR_SUPER_USERS,
    "group.update": {**NO_GROUP, "E008002": data(name="a\0b"), "E008003": sets(data={})},
    "group.delete": NO_GROUP,
    "group.add_member": {**NO_GROUP, "E001100": NO_USER},
    "group.remove_member": {**NO_GROUP, "E001100": NO_USER},
    "audit.search": {**FOR_SUPER_USERS, "E001100": ctx(user_id="no id"), "E008002": ctx(after="no cursor")},
    "group.get_members": {**NO_GROUP, "E001100": sets(after="no id")},
    "client.create": {**FOR_SUPER_USERS, "E005010": stale(), "E014002": sets(kind="robot")},
    "client.get": NO_CLIENT,
    "client.get_list": FOR_SUPER_USERS,
    "client.update": {
        **NO_CLIENT,
        "E005010": stale(),
        "E008003": sets(data={}),
        "E014002": data(redirect_uris=["http://app.example.com/callback"]),
    },
    "client.delete": {**NO_CLIENT, "E005010": stale()},
    "client.rotate_secret": {**NO_CLIENT, "E005010": stale(), "E014002": sets(keep_old_for=10_000)},
    "totp.begin_enrolment": {"E005010": stale()},
    "totp.finish_enrolment": {"E005010": stale(), "E005001": sets(code="000000"), "E008001": as_regular_user},
    "totp.disable": {"E005010": stale(), "E005001": sets(password="wrong")},
    "user.recovery_code.generate": {**ON_SOMEBODY, "E005010": stale()},
    "user.recovery_code.count": ON_SOMEBODY,
    "user.passkey.begin_registration": {"E005010": stale()},
    "user.passkey.finish_registration": {"E005010": stale(), "E012001": sets(response={})},
    "user.passkey.begin_login": APPLICATION,
    "user.passkey.finish_login": {"E005001": sets(response={})},
    "user.passkey.begin_reauthentication": {},
    "user.passkey.finish_reauthentication": {"E005001": sets(response={})},
    "user.passkey.get_list": ON_SOMEBODY,
    "user.passkey.rename": {"E008002": sets(passkey_id="zpkynone")},
    "user.passkey.delete": {**ON_SOMEBODY, "E005010": stale(), "E008002": sets(passkey_id="zpkynone")},
    # Somebody else's session is not there for a regular user.
    "session.end": {"E007001": as_regular_user},
    "session.end_all": ON_SOMEBODY,
    "password_reset.create_token": APPLICATION,
    "password_reset.access_token": {**APPLICATION, "E010001": sets(token="no-such-token")},
    "password_reset.change_password": {
        **APPLICATION,
        **passwords("new_password", sets),
        "E010001": sets(reset_key="no-such-key"),
    },
    "user.signup": {
        "E001001": ctx(username="\u0430dmin"),
        "E001002": taken_by_another("username"),
        "E001003": ctx(username="x" * 129),
        "E001004": ctx(username="a b"),
        "E002001": ctx(email="nobody"),
        "E002002": taken_by_another("email"),
        "E002003": ctx(email="x" * 128 + "@example.com"),
        "E002004": ctx(email="a b@example.com"),
        "E002005": ctx(email=None),
        **passwords("password", ctx),
        "E004001": ctx(app_list=["Unknown"]),
        "E004002": sets(current_app=OTHER_APP),
    },
    "user.confirm_signup": {**APPLICATION, "E005006": sets(confirm_token="no-such-token"), "E005007": confirmed},
    "user.confirm_email": {**APPLICATION, "E005006": sets(confirm_token="no-such-token")},
    "user.resend_confirmation": APPLICATION,
    "user.set_password": {**APPLICATION, **passwords("password", sets), "E001100": NO_USER},
    "user.validate_password": passwords("password", sets),
    "user.reset_totp_key": {**ON_SOMEBODY, "E005010": stale(), "E008002": sets(key="no base32!")},
    "user.create_linked_auth": {
        **ON_SOMEBODY,
        "E005010": stale(),
        "E008001": linked_before,
        "E008002": sets(auth_username="no-such-definition"),
    },
    "user.get_linked_auth_list": ON_SOMEBODY,
    "user.delete_linked_auth": {**FOR_SUPER_USERS, "E008002": sets(auth_username="no-such-definition")},
    "user.get_user_by_linked_auth": {**FOR_SUPER_USERS, "E008002": sets(sec_username="no-such-definition")},
    "session.get_current_session": {"E005001": sets(needs_super_user=True)},
    "session.require_super_user": FOR_SUPER_USERS,
    "session.on_external_auth_succeeded": {
        **APPLICATION,
        "E003004": (entering(expired), INFORMED),
        "E005001": sets(sec_def_username="no-such-definition"),
        "E005002": entering(locked),
        "E005003": entering(unconfirmed),
        "E005004": entering(rejected),
        "E005008": entering(with_totp),
        "E008003": sets(ext_session_id=None),
    },
    "session.get_session_by_ext_id": {},
    "totp.validate_code": {"E005001": sets(code="000000")},
    "totp.provisioning_uri": {},
    **SITES,
    **{f"user.attr.{call}": {**ON_SOMEBODY, **attr_codes(call)} for call in ATTR_CALLS},
    **{f"session.attr.{call}": {**FOR_SUPER_USERS, **attr_codes(call)} for call in ATTR_CALLS},
}
# What is said in place of a code, and why; None where nothing is wrong.
SAID_INSTEAD: dict[tuple[str, str], str | None] = {
    # A search says no more about the session than a login does.
    ("user.search", "E007001"): "E005001",
    ("user.search", "E007002"): "E005001",
    # Logging out is for everybody who is logged in, and says nothing else.
    **{("user.logout", code): None for code in ("E005002", "E005003", "E005004", "E005009", "E003004")},
    ("user.logout", "E007001"): "E005001",
    ("user.logout", "E007002"): "E005001",
}
# Codes that REST does not show, and why.
NOT_SHOWN = {
    **{("user.logout", code): "logging out always answers ok" for code in ("E004001", "E005001")},
}


def short_name() -> Any:
    from zato_sso import SearchCtx

    return SearchCtx(first_name="x", is_name_exact=False)


# Calls that nobody's session makes.
NO_SESSION = {
    *(
        "user.signup",
        "user.ensure_super_user",
        "user.confirm_signup",
        "user.resend_confirmation",
        "user.confirm_email",
        "user.set_password",
        "user.validate_password",
    ),
    *("session.on_external_auth_succeeded", "session.get_session_by_ext_id"),
    *("user.login", "user.passkey.begin_login", "user.passkey.finish_login", "user.get_user_by_username"),
    *(name for name in CODES if name.startswith(("password_reset.", "site.", "identity."))),
}


def check(stage: Everywhere, name: str, codes: Mapping[str, Case]) -> None:
    """What each case of a call comes to on the face of the stage."""
    shared: Arguments | None = None
    with rows() as row:
        for code, case in codes.items():
            with row(f"{name} {code}"):
                change, sections = case if isinstance(case, tuple) else (case, {})
                with stage.opened(**sections) if sections else nullcontext(stage):
                    if shared is None or change in SPENDING:
                        shared = CALLS[name](stage)
                    arguments = change(stage, shared)
                    said = SAID_INSTEAD.get((name, code), code)
                    is_refused = said is not None and not (stage.is_rest and (name, said) in NOT_SHOWN)
                    with refused(str(said)) if is_refused else nullcontext():
                        stage.call(name, arguments)
                if is_refused and change not in SPENDING:
                    continue
            # The arguments are used up, or a session may have ended.
            shared = None
            stage.tokens.clear()


@pytest.mark.parametrize("name", CODES)
def test_it_works(everywhere: Everywhere, name: str) -> None:
    if everywhere.has(name):
        everywhere.call(name, CALLS[name](everywhere))


@pytest.mark.parametrize("name", [name for name, codes in CODES.items() if codes])
def test_every_documented_code_is_said(everywhere: Everywhere, name: str) -> None:
    if everywhere.has(name):
        check(everywhere, name, CODES[name])


@pytest.mark.parametrize("name", sorted(set(CODES) - NO_SESSION))
def test_what_is_wrong_with_the_session_that_acts_is_said(everywhere: Everywhere, name: str) -> None:
    if everywhere.has(name):
        check(everywhere, name, BY_SESSION)
