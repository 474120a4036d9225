"""Users by way of Python: making them, what can be seen of them, deciding about them, and their passwords."""

from __future__ import annotations

import base64
import unicodedata
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from stage import Stage, refused
from support import ADDRESS, APP, PASSWORD, log_in, unique
from zato_sso import User, const

NAMES = ["display_name", "first_name", "middle_name", "last_name"]
OWN = ["user_id", "username", "email", *NAMES, "is_totp_enabled", "totp_label", "groups"]
STATES = [
    *("is_active", "is_internal", "is_super_user", "is_locked", "locked_time", "locked_by"),
    *("sign_up_status", "sign_up_time", "sign_up_confirm_time"),
    *("approval_status", "approval_status_mod_time", "approval_status_mod_by", "is_approval_needed"),
    *("password_is_set", "password_last_set", "password_expiry", "password_must_change"),
    *("is_rate_limit_active", "rate_limit_type", "rate_limit_def", "rate_limit_check_parent_def"),
    "creation_ctx",
]
# RFC 4648 text of twenty bytes, as authenticators take it.
TOTP_KEY = base64.b32encode(bytes(range(20))).decode()


def utc_now() -> datetime:
    return datetime.now(timezone.utc).replace(tzinfo=None)


# Making them


def test_the_data_of_a_new_user_is_enriched_in_place(stage: Stage) -> None:
    username = unique("user")
    context = {"made": ["by", 1, 2.5, None, {"deep": True}]}
    data: dict[str, Any] = {
        "username": username,
        "password": PASSWORD,
        "email": " someone@example.com ",
        "first_name": " Ann ",
        "middle_name": "",
        "last_name": "Lee",
        "totp_key": TOTP_KEY,
        "totp_label": "phone",
        "creation_ctx": context,
    }
    before = utc_now()
    user_id = stage.sso.user.create_user("cid", data, stage.admin, APP, ADDRESS)
    after = utc_now()
    assert set(data) == {*OWN, *STATES, "totp_key"}
    assert data["user_id"] == user_id
    assert user_id.startswith("zusr")
    assert data["display_name"] == "Ann Lee"
    assert (data["first_name"], data["middle_name"], data["email"]) == ("Ann", None, "someone@example.com")
    assert (data["totp_key"], data["totp_label"], data["is_totp_enabled"]) == (TOTP_KEY, "phone", False)
    assert data["creation_ctx"] == context
    assert data["sign_up_status"] == const.signup_status.final
    assert data["approval_status"] == const.approval_status.before_decision
    assert data["is_approval_needed"] is True
    assert data["is_super_user"] is False
    assert before <= data["sign_up_time"] <= after
    assert data["password_expiry"] is None
    assert data["password_is_set"] is True


@pytest.mark.parametrize("alias", ["create_user", "create"])
def test_a_user_may_be_approved_at_once(stage: Stage, alias: str) -> None:
    data = {"username": unique("user"), "password": PASSWORD}
    getattr(stage.sso.user, alias)("cid", data, stage.admin, APP, ADDRESS, auto_approve=True)
    assert data["approval_status"] == const.approval_status.approved
    assert log_in(stage.sso, data["username"])
    with stage.changed(signup={"is_approval_needed": False}) as sso:
        data = {"username": unique("user")}
        sso.user.create_user("cid", data, require_super_user=False)
        assert data["approval_status"] == const.approval_status.approved


def test_super_users_are_made_by_their_own_call_alone(stage: Stage) -> None:
    data: dict[str, Any] = {"username": unique("super"), "password": PASSWORD}
    stage.sso.user.create_super_user("cid", data, stage.admin, APP, ADDRESS, auto_approve=True)
    assert (data["is_super_user"], data["sign_up_status"]) == (True, const.signup_status.final)
    assert stage.sso.session.verify("cid", stage.admin, log_in(stage.sso, data["username"]), APP, ADDRESS)
    with refused("E008002"):
        stage.sso.user.create_user(
            "cid", {"username": unique("user"), "is_super_user": True}, stage.admin, APP, ADDRESS
        )


def test_who_made_a_user_and_when_is_kept(stage: Stage) -> None:
    admin_id = stage.sso.user.get_current_user("cid", stage.admin, APP, ADDRESS).user_id
    data: dict[str, Any] = {"username": unique("user")}
    stage.sso.user.create_user("cid", data, stage.admin, APP, ADDRESS)
    assert data["approval_status_mod_by"] == admin_id
    data = {"username": unique("user")}
    stage.sso.user.create_user("cid", data, require_super_user=False)
    assert data["approval_status_mod_by"] == "auto"


def test_what_is_none_is_as_good_as_not_given(stage: Stage) -> None:
    data: dict[str, Any] = dict.fromkeys([*NAMES, "email", "password", "totp_key", "totp_label", "creation_ctx"])
    data["username"] = unique("user")
    stage.sso.user.create_user("cid", data, stage.admin, APP, ADDRESS)
    assert [data[name] for name in [*NAMES, "email", "totp_label", "creation_ctx"]] == [None] * 7
    # A random one, which nobody knows.
    assert data["password_is_set"] is True
    assert data["password_last_set"] is None
    assert data["password_expiry"] is None
    assert "password" not in data
    assert len(base64.b32decode(data["totp_key"] + "=" * (-len(data["totp_key"]) % 8))) >= 20


WRONG_USERS: dict[str, tuple[dict[str, object], str]] = {
    "no username": ({"username": None}, "E001001"),
    "empty username": ({"username": ""}, "E001001"),
    "control characters": ({"username": "a\0b"}, "E001001"),
    "long username": ({"username": "x" * 129}, "E001003"),
    "whitespace in username": ({"username": "a b"}, "E001004"),
    "long email": ({"email": "x" * 128 + "@"}, "E002003"),
    "whitespace in email": ({"email": "a b@example.com"}, "E002004"),
    "common password": ({"password": "xxQWERTYxx"}, "E003001"),
    "short password": ({"password": "7 chars"}, "E003002"),
    "long password": ({"password": "x" * 257}, "E003003"),
    "unknown key": ({"user_name": "someone"}, "E008002"),
    "unknown key that is no text": ({5: "someone"}, "E008002"),  # type: ignore[dict-item]
    "username of another type": ({"username": 5}, "E008002"),
    "username in bytes": ({"username": b"someone"}, "E008002"),
    "lone surrogate": ({"username": "\ud800"}, "E008002"),
    "flag of another type": ({"is_locked": 1}, "E008002"),
    "unknown status": ({"sign_up_status": "finished"}, "E008002"),
    "key that is not base32": ({"totp_key": "0189"}, "E008002"),
    "context that is no JSON": ({"creation_ctx": {1, 2}}, "E008002"),
    "context that has no end": ({"creation_ctx": float("inf")}, "E008002"),
    "long name": ({"first_name": "x" * 257}, "E008002"),
    "password of another type": ({"password": 12345678}, "E008002"),
    "password in no encoding": ({"password": b"planted-secret\xff"}, "E008002"),
}


@pytest.mark.parametrize(("wrong", "code"), WRONG_USERS.values(), ids=WRONG_USERS)
def test_what_no_user_can_be_made_of_is_refused_and_left_as_it_was(
    stage: Stage, wrong: dict[str, object], code: str
) -> None:
    data: dict[Any, object] = {"username": unique("user"), "password": PASSWORD, **wrong}
    given = dict(data)
    with refused(code) as raised:
        stage.sso.user.create_user("cid", data, stage.admin, APP, ADDRESS)
    assert data == given
    assert "planted" not in repr(raised.value)
    assert "planted" not in str(raised.value)


def test_a_username_is_taken_once_in_all_its_forms(stage: Stage) -> None:
    someone = stage.someone(username=unique("ju\u0308rgen"))
    composed = unicodedata.normalize("NFC", someone.username)
    wide = composed.replace("j", "\uff4a")
    for form in (composed, someone.username, composed.upper(), wide):
        with refused("E001002"):
            stage.someone(username=form)
        found = stage.sso.user.get_user_by_username("cid", form)
        assert found is not None
        assert (found.user_id, found.username) == (someone.user_id, composed)


# Seeing them


def attributes(user: User) -> dict[str, object]:
    """All that there is to ask for, seen or not."""
    names = [*OWN, *STATES, "totp_key"]
    return {name: getattr(user, name) for name in names}


def test_users_see_of_themselves_what_is_theirs(stage: Stage) -> None:
    someone, ust = stage.newcomer(email="me@example.com", totp_key=TOTP_KEY, first_name="Ann")
    view = stage.sso.user.get_current_user("cid", ust, APP, ADDRESS)
    assert list(view.to_dict()) == OWN
    assert (view.username, view.email, view.display_name) == (someone.username, "me@example.com", "Ann")
    assert [attributes(view)[name] for name in [*STATES, "totp_key"]] == [None] * (len(STATES) + 1)
    assert view.is_current_super_user is False
    assert stage.sso.user.get_user_by_id("cid", someone.user_id, ust, APP, ADDRESS) == view


def test_super_users_see_everything_but_secrets(stage: Stage) -> None:
    someone = stage.someone(totp_key=TOTP_KEY)
    view = stage.sso.user.get_user_by_id("cid", someone.user_id, stage.admin, APP, ADDRESS)
    assert list(view.to_dict()) == [*OWN, *STATES]
    assert view.totp_key is None
    assert (view.is_super_user, view.is_current_super_user) == (False, True)
    own = stage.sso.user.get_current_user("cid", stage.admin, APP, ADDRESS)
    assert list(own.to_dict()) == [*OWN, *STATES]
    assert (own.is_super_user, own.is_current_super_user) == (True, True)


def test_all_attributes_are_there_for_whoever_asks_for_all(stage: Stage) -> None:
    someone, ust = stage.newcomer(totp_key=TOTP_KEY)
    views = [
        stage.sso.user.get_current_user("cid", ust, APP, ADDRESS, return_all_attrs=True),
        stage.sso.user.get_user_by_id("cid", someone.user_id, ust, APP, ADDRESS, return_all_attrs=True),
        stage.sso.user.get_user_by_id("cid", someone.user_id, stage.admin, APP, ADDRESS, True),
    ]
    for view in views:
        assert list(view.to_dict()) == [*OWN, *STATES, "totp_key"]
        assert view.to_dict() == attributes(view)
        assert view.totp_key == TOTP_KEY
        assert view.approval_status == const.approval_status.approved


def test_trusted_callers_find_users_by_name(stage: Stage) -> None:
    someone = stage.someone()
    found = stage.sso.user.get_user_by_username("cid", someone.username)
    assert found is not None
    assert (found.user_id, found.totp_key) == (someone.user_id, None)
    assert list(found.to_dict()) == [*OWN, *STATES]
    for missing in ("", "nobody", "\0", f"{someone.username}\u200b"):
        assert stage.sso.user.get_user_by_username("cid", missing) is None


def test_names_of_users_who_are_not_approved_are_found_only_where_that_is_asked_for(stage: Stage) -> None:
    data = {"username": unique("user")}
    stage.sso.user.create_user("cid", data, require_super_user=False)
    assert stage.sso.user.get_user_by_username("cid", data["username"]) is None
    assert stage.sso.user.get_user_by_username("cid", data["username"], needs_approved=False) is not None
    assert stage.sso.user.get_user_by_username("cid", data["username"], False) is not None


def test_times_are_naive_and_utc(stage: Stage) -> None:
    before = utc_now()
    someone = stage.someone()
    view = stage.sso.user.get_user_by_id("cid", someone.user_id, stage.admin, APP, ADDRESS)
    assert view.sign_up_time is not None
    assert view.sign_up_time.tzinfo is None
    assert before <= view.sign_up_time <= utc_now()
    assert view.sign_up_confirm_time is None


# Deciding about them


def test_approving_and_rejecting_may_come_in_any_order(stage: Stage) -> None:
    someone = stage.someone()
    decide = stage.sso.user
    for call, status in [
        (decide.reject_user, "rejected"),
        (decide.reject, "rejected"),
        (decide.approve_user, "approved"),
        (decide.approve, "approved"),
        (decide.reject, "rejected"),
    ]:
        call("cid", someone.user_id, stage.admin, APP, ADDRESS)
        view = stage.sso.user.get_user_by_id("cid", someone.user_id, stage.admin, APP, ADDRESS)
        assert (view.approval_status, view.is_approval_needed) == (status, False)


def test_a_rejected_user_is_out_at_once(stage: Stage) -> None:
    someone, ust = stage.newcomer()
    stage.sso.user.reject("cid", someone.user_id, stage.admin, APP, ADDRESS)
    with refused("E007001"):
        stage.sso.user.get_current_user("cid", ust, APP, ADDRESS)
    assert stage.sso.session.verify("cid", ust, stage.admin, APP, ADDRESS) is False
    stage.sso.user.approve("cid", someone.user_id, stage.admin, APP, ADDRESS)
    assert stage.sso.session.verify("cid", ust, stage.admin, APP, ADDRESS) is False
    assert stage.sso.session.verify("cid", stage.log_in(someone), stage.admin, APP, ADDRESS) is True


def test_a_lock_and_its_end_say_who_and_when(stage: Stage) -> None:
    someone, ust = stage.newcomer()
    admin_id = stage.sso.user.get_current_user("cid", stage.admin, APP, ADDRESS).user_id
    for call, is_locked in [(stage.sso.user.lock_user, True), (stage.sso.user.unlock_user, False)]:
        before = utc_now()
        call("cid", someone.user_id, stage.admin, APP, ADDRESS)
        view = stage.sso.user.get_user_by_id("cid", someone.user_id, stage.admin, APP, ADDRESS)
        assert (view.is_locked, view.locked_by) == (is_locked, admin_id)
        assert view.locked_time is not None
        assert before <= view.locked_time <= utc_now()
        with refused("E007001"):
            stage.sso.user.get_current_user("cid", ust, APP, ADDRESS)
        if is_locked:
            with refused("E005002"):
                stage.log_in(someone)
    ust = stage.log_in(someone)
    assert stage.sso.user.get_current_user("cid", ust, APP, ADDRESS).user_id == someone.user_id


def test_a_trusted_lock_may_say_whose_it_is(stage: Stage) -> None:
    someone = stage.someone()
    for current_user, by in [(None, "auto"), (someone.user_id, someone.user_id)]:
        stage.sso.user.lock_user("cid", someone.user_id, require_super_user=False, current_user=current_user)
        view = stage.sso.user.get_user_by_id("cid", someone.user_id, stage.admin, APP, ADDRESS)
        assert (view.is_locked, view.locked_by) == (True, by)


# Their passwords


def change(stage: Stage, ust: str, **data: object) -> None:
    stage.sso.user.change_password("cid", data, ust, APP, ADDRESS)


def test_users_change_their_own_password_with_the_old_one(stage: Stage) -> None:
    someone, ust = stage.newcomer()
    other = stage.log_in(someone)
    new = "another battery staple"
    change(stage, ust, old_password=PASSWORD, new_password=new.encode())
    assert stage.sso.user.login("cid", someone.username, new, APP, ADDRESS).user_id == someone.user_id
    with refused("E005001"):
        stage.log_in(someone)
    assert stage.sso.user.get_current_user("cid", ust, APP, ADDRESS).user_id == someone.user_id
    with refused("E007001"):
        stage.sso.user.get_current_user("cid", other, APP, ADDRESS)


def test_super_users_change_any_password(stage: Stage) -> None:
    someone, ust = stage.newcomer()
    new = "another battery staple"
    change(stage, stage.admin, user_id=someone.user_id, new_password=new, password_expiry=90, must_change=True)
    view = stage.sso.user.get_user_by_id("cid", someone.user_id, stage.admin, APP, ADDRESS)
    assert view.password_last_set is not None
    assert view.password_expiry is not None
    assert abs(view.password_expiry - view.password_last_set - timedelta(days=90)) < timedelta(minutes=1)
    assert view.password_must_change is True
    with refused("E007001"):
        stage.sso.user.get_current_user("cid", ust, APP, ADDRESS)


WRONG_CHANGES: dict[str, tuple[dict[str, object], str]] = {
    "wrong old password": ({"old_password": "wrong battery staple"}, "E005001"),
    "no old password": ({"old_password": None}, "E008003"),
    "empty old password": ({"old_password": ""}, "E008003"),
    "no new password": ({"new_password": None}, "E008003"),
    "the same password": ({"new_password": PASSWORD}, "E003001"),
    "common password": ({"new_password": "xxLETMEINxx"}, "E003001"),
    "short password": ({"new_password": "short"}, "E003002"),
    "empty password": ({"new_password": ""}, "E003002"),
    "long password": ({"new_password": "x" * 257}, "E003003"),
    "expiry without the right to": ({"password_expiry": 5}, "E005001"),
    "flag without the right to": ({"must_change": False}, "E005001"),
    "unknown key": ({"password": "x"}, "E008002"),
    "expiry that is no number": ({"password_expiry": True}, "E008002"),
    "expiry that is text": ({"password_expiry": "5"}, "E008002"),
    "huge expiry": ({"password_expiry": 2**64}, "E008002"),
    "password of another type": ({"new_password": ["x"]}, "E008002"),
}


@pytest.mark.parametrize(("wrong", "code"), WRONG_CHANGES.values(), ids=WRONG_CHANGES)
def test_a_change_that_is_not_right_is_refused(stage: Stage, wrong: dict[str, object], code: str) -> None:
    someone, ust = stage.newcomer()
    with refused(code):
        change(stage, ust, **{"old_password": PASSWORD, "new_password": "another battery staple", **wrong})
    assert stage.log_in(someone)


def test_an_expiry_is_at_most_a_hundred_years_away(stage: Stage) -> None:
    someone = stage.someone()
    with refused("E008002"):
        change(stage, stage.admin, user_id=someone.user_id, new_password="another battery", password_expiry=36_501)
