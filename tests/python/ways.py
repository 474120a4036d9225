"""What may be wrong with a call: other arguments or other circumstances, and what they are refused with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from faces import Arguments, Everywhere
from stage import Someone
from support import ADDRESS, APP, log_in, super_user, unique

OTHER_APP = "Billing"

Change = Callable[[Everywhere, Arguments], Arguments]
# What a code needs: other arguments or other circumstances, and another configuration where the usual one is silent.
Case = Change | tuple[Change, dict[str, Mapping[str, Any]]]


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
