"""Links of security definitions to users, and the sessions that they open."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest
from stage import Stage, refused
from support import ADDRESS, APP, Definition, totp_code
from zato_sso import SSO, SessionInfo, const

BASIC, JWT = const.auth_type.basic_auth, const.auth_type.jwt
TOTP_KEY = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"


def enter(sso: SSO, definition: Definition, user_id: str, token: str | None = None, **more: Any) -> SessionInfo:
    """The session of a request that somebody else has authenticated by this definition."""
    by = (definition.sec_type, definition.sec_def_id, definition.username)
    return sso.session.on_external_auth_succeeded(
        "cid", *by, user_id, token, more.get("totp_code"), more.get("app", APP), ADDRESS, "agent"
    )


def test_links_are_made_listed_and_deleted(stage: Stage) -> None:
    someone, ust = stage.newcomer()
    other, other_ust = stage.newcomer()
    definition = stage.definition(BASIC)
    name = (BASIC, definition.username)
    user = stage.sso.user
    before = datetime.now(timezone.utc).replace(tzinfo=None)
    made = user.create_linked_auth("cid", stage.admin, someone.user_id, *name, False, APP, ADDRESS)
    assert made == (someone.user_id, definition.sec_def_id)
    (link,) = user.get_linked_auth_list("cid", ust, APP, ADDRESS)
    assert before <= link.pop("creation_time") <= datetime.now(timezone.utc).replace(tzinfo=None)
    assert link.pop("auth_name").startswith("definition-")
    assert link == {
        "auth_type": BASIC,
        "auth_username": definition.username,
        "auth_id": definition.sec_def_id,
        "user_id": someone.user_id,
        "is_active": False,
    }
    assert len(user.get_linked_auth_list("cid", stage.admin, APP, ADDRESS, someone.user_id)) == 1
    assert user.get_linked_auth_list("cid", other_ust, APP, ADDRESS) == []
    with refused("E005001"):
        user.get_linked_auth_list("cid", other_ust, APP, ADDRESS, someone.user_id)
    for taken in (someone, other):
        with refused("E008001"):
            user.create_linked_auth("cid", stage.admin, taken.user_id, *name, True, APP, ADDRESS)
    for wrong in ((JWT, definition.username), ("default", definition.username), (BASIC, "\0")):
        with refused("E008002"):
            user.create_linked_auth("cid", stage.admin, someone.user_id, *wrong, True, APP, ADDRESS)
        with refused("E008002"):
            user.delete_linked_auth("cid", stage.admin, someone.user_id, *wrong, APP, ADDRESS)
    deleted = user.delete_linked_auth("cid", stage.admin, someone.user_id, *name, APP, ADDRESS)
    assert deleted == definition.sec_def_id
    with refused("E008002"):
        user.delete_linked_auth("cid", stage.admin, someone.user_id, *name, APP, ADDRESS)


def test_an_id_that_no_definition_can_have_is_refused_in_a_word(stage: Stage) -> None:
    session = stage.sso.session
    for wrong in (2**63, -(2**63) - 1, 10**30):
        with pytest.raises(OverflowError):
            session.get_session_by_ext_id(BASIC, wrong)
        with pytest.raises(OverflowError):
            enter(stage.sso, Definition(BASIC, wrong, "nobody", ""), "zusrnobody")
    for unknown in (2**63 - 1, -(2**63), 0):
        assert session.get_session_by_ext_id(BASIC, unknown) is None
        with refused("E005001"):
            enter(stage.sso, Definition(BASIC, unknown, "nobody", ""), "zusrnobody")


def test_the_user_of_a_link_is_found_with_attributes(stage: Stage) -> None:
    someone, ust = stage.newcomer()
    name = (JWT, stage.linked(JWT, someone).username)
    find = stage.sso.user.get_user_by_linked_auth
    seen = find("cid", *name, stage.admin, APP, ADDRESS)
    assert (seen.user_id, seen.is_current_super_user, seen.totp_key) == (someone.user_id, True, None)
    assert find("cid", *name, ust, APP, ADDRESS, return_all_attrs=True).totp_key
    if stage.face == "blocking":
        seen.attr.set("a", 1)
        assert find("cid", *name, ust, APP, ADDRESS).attr.exists("a")
    with refused("E005001"):
        find("cid", *name, stage.newcomer()[1], APP, ADDRESS)
    with refused("E008002"):
        find("cid", JWT, "nobody", stage.admin, APP, ADDRESS)
    with refused("E005001"):
        find("cid", JWT, "nobody", ust, APP, ADDRESS)


def test_a_definition_opens_one_session_and_a_token_each_its_own(stage: Stage) -> None:
    someone = stage.someone()
    basic, jwt = stage.linked(BASIC, someone), stage.linked(JWT, someone)
    sso = stage.sso
    first = enter(sso, basic, someone.user_id)
    assert (first.username, first.user_id, first.has_w_about_to_exp) == (someone.username, someone.user_id, False)
    again = enter(sso, basic, someone.user_id, "whatever")
    assert (again.ust, again.creation_time) == (first.ust, first.creation_time)
    assert again.expiration_time > first.expiration_time
    one, two = (enter(sso, jwt, someone.user_id, token) for token in ("token-1", "token-2"))
    assert len({first.ust, one.ust, two.ust}) == 3
    with refused("E008003"):
        enter(sso, jwt, someone.user_id)

    listed = sso.session.get_list("cid", one.ust, None, None, APP, ADDRESS)
    told = [(session["auth_type"], session["auth_principal"]) for session in listed]
    assert told == [(BASIC, basic.username), (JWT, jwt.username), (JWT, jwt.username)]
    found = sso.session.get_session_by_ext_id(BASIC, basic.sec_def_id)
    assert found == listed[0]
    assert found is not None
    assert [change["ctx_source"] for change in found["session_state_change_list"]] == ["login", "renew"]
    assert sso.session.get_session_by_ext_id(JWT, jwt.sec_def_id, "token-2") == listed[2]
    for nothing in ((JWT, jwt.sec_def_id), (JWT, jwt.sec_def_id, "token-3"), (BASIC, 0), ("default", 1)):
        assert sso.session.get_session_by_ext_id(*nothing) is None

    # It is a session like any other, and ends with the link.
    assert sso.user.get_current_user("cid", one.ust, APP, ADDRESS).username == someone.username
    sso.user.delete_linked_auth("cid", stage.admin, someone.user_id, JWT, jwt.username, APP, ADDRESS)
    for ust in (one.ust, two.ust):
        with refused("E007001"):
            sso.session.renew("cid", ust, APP, ADDRESS)
    sso.session.renew("cid", first.ust, APP, ADDRESS)
    with refused("E005001"):
        enter(sso, jwt, someone.user_id, "token-1")


def test_the_checks_of_a_login_hold(stage: Stage) -> None:
    someone = stage.someone()
    basic = stage.linked(BASIC, someone)
    for wrong in (
        Definition(JWT, basic.sec_def_id, basic.username, ""),
        Definition("unknown", basic.sec_def_id, basic.username, ""),
        Definition(BASIC, basic.sec_def_id + 1, basic.username, ""),
        Definition(BASIC, basic.sec_def_id, "other", ""),
    ):
        with refused("E005001"):
            enter(stage.sso, wrong, someone.user_id, "token")
    with refused("E005001"):
        enter(stage.sso, basic, stage.someone().user_id)
    apps = {"all": ["CRM", "Billing"], "login_allowed": ["CRM"]}
    with stage.changed(apps=apps) as sso, refused("E004001"):
        enter(sso, basic, someone.user_id, app="Billing")
    stage.sso.user.lock_user("cid", someone.user_id, stage.admin, APP, ADDRESS)
    with refused("E005002"):
        enter(stage.sso, basic, someone.user_id)
    stage.sso.user.unlock_user("cid", someone.user_id, stage.admin, APP, ADDRESS)
    stage.sso.user.reject_user("cid", someone.user_id, stage.admin, APP, ADDRESS)
    with refused("E005004"):
        enter(stage.sso, basic, someone.user_id)


def test_a_code_is_asked_for_where_a_token_opens_a_session(stage: Stage) -> None:
    someone = stage.someone(is_totp_enabled=True, totp_key=TOTP_KEY)
    basic, jwt = stage.linked(BASIC, someone), stage.linked(JWT, someone)
    enter(stage.sso, basic, someone.user_id)
    with refused("E005008"):
        enter(stage.sso, jwt, someone.user_id, "token")
    with refused("E005001"):
        enter(stage.sso, jwt, someone.user_id, "token", totp_code="nothing")
    info = enter(stage.sso, jwt, someone.user_id, "token", totp_code=totp_code(TOTP_KEY))
    assert enter(stage.sso, jwt, someone.user_id, "token") == info


@pytest.mark.parametrize("wrong", [b"planted\xff", "planted\ud800"])
def test_a_token_that_is_no_text_is_not_shown(stage: Stage, wrong: Any) -> None:
    with pytest.raises(ValueError, match=r"UTF-8|surrogate") as raised:
        stage.sso.session.get_session_by_ext_id(JWT, 1, wrong)
    assert "planted" not in repr(raised.value)
