"""Every call of the documented API, on every face: it works, and each code that is documented for it is what it says.

The faces are the blocking tree, the awaited tree and REST, each on SQLite and PostgreSQL.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import pytest
from calls import ATTR_CALLS, attr
from calls import CALLS as OTHER_CALLS
from faces import Arguments, Everywhere
from inbox import Inbox
from stage import Someone, Stage, refused, rows
from support import ADDRESS, APP, Config, changed, log_in, super_user, unique

Build = Callable[[Stage], Arguments]


# Every call of the tree, and its arguments by name.
CALLS: dict[str, Build] = {
    **{name: build for name, (build, _) in OTHER_CALLS.items()},
    **{f"{branch}.attr.{call}": attr(branch, call) for branch in ("user", "session") for call in ATTR_CALLS},
}
OTHER_APP = "Billing"
INFORMING = ("inform_if_user_exists", "inform_if_user_invalid", "inform_if_email_exists", "inform_if_email_invalid")
SECTIONS: dict[str, Mapping[str, Any]] = {
    "apps": {"all": [APP, OTHER_APP], "login_allowed": [APP], "signup_allowed": [APP]},
    "signup": dict.fromkeys(INFORMING, True),
}

Change = Callable[[Everywhere, Arguments], Arguments]
# What a code needs: other arguments or other circumstances, and another configuration where the usual one is silent.
Case = Change | tuple[Change, dict[str, Mapping[str, Any]]]


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


# Ways to go wrong


SPENDING: set[Change] = set()


def spends(change: Change) -> Change:
    """Marks a change after which nobody else can use the arguments. All others may share them: a call is refused."""
    SPENDING.add(change)
    return change


def sets(**values: Any) -> Change:
    """Other arguments."""
    return lambda _, arguments: {**arguments, **values}


def data(**values: Any) -> Change:
    """Other values in `data`."""
    return lambda _, arguments: {**arguments, "data": {**arguments["data"], **values}}


def acting(arguments: Arguments) -> str:
    """The argument for the session that acts."""
    return "current_ust" if "current_ust" in arguments else "ust"


def as_regular_user(stage: Everywhere, arguments: Arguments) -> Arguments:
    return {**arguments, acting(arguments): stage.token(as_regular_user, lambda: stage.newcomer()[1])}


def after(change: Callable[[Everywhere, Someone], object]) -> Change:
    """By somebody to whom something has happened since they logged in."""

    def case(stage: Everywhere, arguments: Arguments) -> Arguments:
        def make() -> str:
            someone, ust = stage.newcomer()
            change(stage, someone)
            return ust

        return {**arguments, acting(arguments): stage.token(change, make)}

    return case


# By hand, so that sessions are not ended by it.


def locked(stage: Everywhere, someone: Someone) -> None:
    stage.execute("UPDATE sso_user SET is_locked = TRUE WHERE user_id = ?", someone.user_id)


def rejected(stage: Everywhere, someone: Someone) -> None:
    stage.execute("UPDATE sso_user SET approval_status = 'rejected' WHERE user_id = ?", someone.user_id)


def update(stage: Everywhere, someone: Someone, **values: object) -> None:
    stage.sso.user.update_user_by_id("cid", someone.user_id, values, stage.admin, APP, ADDRESS)


def unconfirmed(stage: Everywhere, someone: Someone) -> None:
    stage.execute("UPDATE sso_user SET sign_up_status = 'before_confirmation' WHERE user_id = ?", someone.user_id)


def expired(stage: Everywhere, someone: Someone) -> None:
    stage.execute("UPDATE sso_user SET password_expiry = 1 WHERE user_id = ?", someone.user_id)


def limited(stage: Everywhere, arguments: Arguments) -> Arguments:
    """By somebody who has logged in, and may not do more today."""
    ust = stage.token(limited, lambda: stage.newcomer(is_rate_limit_active=True, rate_limit_def="*=1/d")[1])
    return {**arguments, acting(arguments): ust}


def limited_login(stage: Everywhere, arguments: Arguments) -> Arguments:
    someone, _ = stage.newcomer(is_rate_limit_active=True, rate_limit_def="*=1/d")
    return {**arguments, "username": someone.username}


def session_expired(stage: Everywhere, someone: Someone) -> None:
    stage.execute("UPDATE sso_session SET expiration_time = 1 WHERE user_id = ?", someone.user_id)


def logging_in(change: Callable[[Everywhere, Someone], object], **more: Any) -> Change:
    """A login of somebody to whom something has happened."""

    def case(stage: Everywhere, arguments: Arguments) -> Arguments:
        someone = stage.someone()
        change(stage, someone)
        return {**arguments, "username": someone.username, **more}

    return case


def stale(**values: Any) -> Change:
    """By somebody, a super-user, who last proved who they are long ago."""

    def case(stage: Everywhere, arguments: Arguments) -> Arguments:
        def make() -> str:
            username = super_user(stage.sso)
            ust = log_in(stage.sso, username)
            stage.make_stale(username)
            return ust

        return {**arguments, acting(arguments): stage.token(stale, make), **values}

    return case


def with_totp(stage: Everywhere, someone: Someone) -> None:
    update(stage, someone, is_totp_enabled=True)


def must_change(stage: Everywhere, someone: Someone) -> None:
    update(stage, someone, password_must_change=True)


def expires_soon(stage: Everywhere, someone: Someone) -> None:
    stage.age_password(someone, 5)


def taken(stage: Everywhere, arguments: Arguments) -> Arguments:
    return {**arguments, "data": {**arguments["data"], "username": stage.someone().username}}


def oneself(stage: Everywhere, arguments: Arguments) -> Arguments:
    admin = stage.sso.user.get_current_user("cid", stage.admin, APP, ADDRESS)
    return {**arguments, "user_id": admin.user_id}


NO_USER = sets(user_id="zusr" + "0" * 26)
INFORMED: dict[str, Mapping[str, Any]] = {"password": {"inform_if_expired": True}}

# What every call says that acts by a session.
BY_SESSION: dict[str, Case] = {
    "E004001": sets(current_app="Unknown"),
    "E005002": after(locked),
    "E005003": after(unconfirmed),
    "E005004": after(rejected),
    "E003004": (after(expired), INFORMED),
    "E005009": limited,
    "E007001": lambda _, arguments: {**arguments, acting(arguments): "no-such-token"},
    "E007002": after(session_expired),
}
FOR_SUPER_USERS: dict[str, Case] = {"E005001": as_regular_user}
ON_SOMEBODY: dict[str, Case] = {**FOR_SUPER_USERS, "E001100": NO_USER}
USERNAMES: dict[str, Case] = {
    "E001001": data(username="a\0b"),
    "E001002": taken,
    "E001003": data(username="x" * 129),
    "E001004": data(username="a b"),
}
EMAILS: dict[str, Case] = {
    "E002001": data(email="a\0b@example.com"),
    "E002003": data(email="x" * 128 + "@example.com"),
    "E002004": data(email="a b@example.com"),
}
COMPLEX: dict[str, Mapping[str, Any]] = {"password": {"min_complexity": 3}}


def passwords(name: str, values: Callable[..., Change]) -> dict[str, Case]:
    """What is wrong with passwords, where an argument or a value of this name holds one."""
    return {
        "E003001": values(**{name: "my qwerty password"}),
        "E003002": values(**{name: "7 chars"}),
        "E003003": values(**{name: "x" * 257}),
        "E003008": (values(**{name: "aaaaaaaaaaaa"}), COMPLEX),
    }


def ctx(**values: Any) -> Change:
    """Other values in `ctx`."""

    def case(_: Everywhere, arguments: Arguments) -> Arguments:
        return {**arguments, "ctx": replace(arguments["ctx"], **values)}

    return case


def taken_by_another(name: str) -> Change:
    """The username or the email of somebody else."""

    def case(stage: Everywhere, arguments: Arguments) -> Arguments:
        other = unique("user")
        stage.someone(username=other, email=f"{other}@example.com")
        value = other if name == "username" else f"{other}@example.com"
        return ctx(**{name: value})(stage, arguments)

    return case


@spends
def confirmed(stage: Everywhere, arguments: Arguments) -> Arguments:
    stage.sso.user.confirm_signup(**arguments)
    return arguments


@spends
def linked_before(stage: Everywhere, arguments: Arguments) -> Arguments:
    stage.sso.user.create_linked_auth(**arguments)
    return {**arguments, "user_id": stage.someone().user_id}


def entering(change: Callable[[Everywhere, Someone], object]) -> Change:
    """By a definition of somebody to whom something has happened."""

    @spends
    def case(stage: Everywhere, arguments: Arguments) -> Arguments:
        user = stage.sso.user.get_user_by_id("cid", arguments["user_id"], stage.admin, APP, ADDRESS)
        change(stage, Someone(user.username, user.user_id))
        return arguments

    return case


NO_GROUP: dict[str, Case] = {**FOR_SUPER_USERS, "E013001": sets(group_id="no such group")}


NO_CLIENT: dict[str, Case] = {**FOR_SUPER_USERS, "E014001": sets(client_id="no such client")}


@spends
def group_there(stage: Everywhere, arguments: Arguments) -> Arguments:
    """The name of a group that is there already, in another case."""
    stage.sso.group.create(**arguments)
    return {**arguments, "name": arguments["name"].upper()}


STALE_UPDATE: dict[str, Case] = {"E005010": stale(data={"email": "new@example.com"})}
UPDATES: dict[str, Case] = {
    **USERNAMES,
    **EMAILS,
    **STALE_UPDATE,
    "E008002": data(username=None),
    "E008003": sets(data={}),
}

APPLICATION: dict[str, Case] = {"E004001": sets(current_app="Unknown")}


def item(**values: Any) -> Change:
    """Other values for an attribute, alone or as the only one of a list."""

    def case(_: Everywhere, arguments: Arguments) -> Arguments:
        if "data" in arguments:
            return {**arguments, "data": [{**arguments["data"][0], **values}]}
        if "names" in arguments:
            return {**arguments, "names": list(values.values())}
        return {**arguments, **values}

    return case


def attr_codes(call: str) -> dict[str, Case]:
    """What is documented for a call about attributes."""
    if call in {"names", "to_dict"}:
        return {}
    codes: dict[str, Case] = {"E008002": item(name="x" * 192)}
    if call.startswith("create"):
        codes["E009001"] = item(name="there")
    if call.startswith(("update", "set_expiry")):
        codes["E009002"] = item(name="missing")
    return codes


def site_there(stage: Everywhere, arguments: Arguments) -> Arguments:
    """The name of a site that is there already."""
    name = stage.sso.site.create("cid", unique("site"), [])["subdomain"]
    return {**arguments, "subdomain": name}


def on_identity(change: Callable[[Everywhere, Someone], object]) -> Change:
    """For the identity of somebody to whom something has happened."""

    def case(stage: Everywhere, arguments: Arguments) -> Arguments:
        someone = stage.someone()
        found = stage.sso.identity.get_list("cid", someone.user_id)
        change(stage, someone)
        return {**arguments, "identity_token": found[0]["identity_token"]}

    return case


NO_SITE: dict[str, Case] = {**APPLICATION, "E008002": sets(subdomain="no-such-site")}
NO_IDENTITY: dict[str, Case] = {"E001100": sets(identity_token="00000000-0000-0000-0000-000000000000")}
NO_SITE_SESSION: dict[str, Case] = {"E007001": sets(sso_session_token="no-such-token")}
NO_IDENTITY_SESSION: dict[str, Case] = {"E007001": on_identity(lambda *_: None)}
SITES: dict[str, dict[str, Case]] = {
    "site.create": {**APPLICATION, "E008001": site_there, "E008002": sets(subdomain="No Label")},
    "site.get_list": APPLICATION,
    "site.update": NO_SITE,
    "site.delete": NO_SITE,
    "site.start_session": {
        **NO_SITE,
        **NO_IDENTITY,
        "E003004": (on_identity(expired), INFORMED),
        "E005001": on_identity(expired),
        "E005002": on_identity(locked),
        "E005003": on_identity(unconfirmed),
        "E005004": on_identity(rejected),
    },
    "site.get_session_list": NO_SITE,
    "site.get_session": {**NO_SITE, **NO_SITE_SESSION},
    "site.get_identity_session": {**NO_SITE, **NO_IDENTITY, **NO_IDENTITY_SESSION},
    "site.end_session": {**NO_SITE, **NO_SITE_SESSION},
    "site.end_identity_session": {**NO_SITE, **NO_IDENTITY, **NO_IDENTITY_SESSION},
    "identity.get": {**APPLICATION, **NO_IDENTITY},
    "identity.get_list": {**APPLICATION, "E001100": NO_USER},
}
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
