"""Passwords that trusted callers set, what passwords must be like, TOTP keys and codes."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
from stage import Stage, refused
from support import ADDRESS, APP, PASSWORD, totp_code, unique
from zato_sso import InvalidTOTPError, ValidationError

NEW = "another battery staple"
KEY = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"


def test_a_password_is_set_without_a_session(stage: Stage) -> None:
    someone, ust = stage.newcomer()
    stage.sso.user.set_password("cid", someone.user_id, NEW.encode(), True, 10, APP, ADDRESS, {"why": ["asked"]})
    with refused("E007001"):
        stage.sso.session.renew("cid", ust, APP, ADDRESS)
    with refused("E003007"):
        stage.sso.user.login("cid", someone.username, NEW, APP, ADDRESS)
    stage.sso.user.set_password("cid", someone.user_id, PASSWORD, False, None, APP, ADDRESS)
    stage.log_in(someone)
    with refused("E003002"):
        stage.sso.user.set_password("cid", someone.user_id, "short", False, None, APP, ADDRESS)


@pytest.mark.parametrize(
    ("password", "code"),
    [("short", "E003002"), ("x" * 257, "E003003"), ("Letmein-in-1", "E003001"), ("qwER43@!", "E003008")],
)
def test_a_password_is_checked_for_nobody_in_particular(stage: Stage, password: str, code: str) -> None:
    with stage.changed(password={"min_complexity": 3}) as sso:
        with refused(code):
            sso.user.validate_password(password)
        sso.user.validate_password(PASSWORD)
        sso.user.validate_password(PASSWORD.encode())


def test_a_former_password_is_refused_where_a_history_is_kept(stage: Stage) -> None:
    someone = stage.someone()
    with stage.changed(password={"history": 1}) as sso:
        sso.user.set_password("cid", someone.user_id, NEW, False, None, APP, ADDRESS)
        for former in (PASSWORD, NEW):
            with refused("E003001") as raised:
                sso.user.set_password("cid", someone.user_id, former, False, None, APP, ADDRESS)
            assert raised.value.detail == "password: used before"


def test_a_totp_key_is_given_or_made(stage: Stage) -> None:
    someone, ust = stage.newcomer(is_totp_enabled=False)
    reset = stage.sso.user.reset_totp_key
    made = reset("cid", ust, None, None, None, APP, ADDRESS)
    assert len(made) == 32
    assert reset("cid", stage.admin, someone.user_id, KEY.lower().encode(), "phone", APP, ADDRESS) == KEY
    # That has ended the session.
    ust = stage.log_in(someone)
    found = stage.sso.user.get_current_user("cid", ust, APP, ADDRESS, return_all_attrs=True)
    assert (found.totp_key, found.totp_label, found.is_totp_enabled) == (KEY, "phone", False)
    assert reset("cid", None, someone.user_id, made, None, APP, ADDRESS, skip_sec=True) == made
    with pytest.raises(ValueError, match="give user_id"):
        reset("cid", ust, None, None, None, APP, ADDRESS, skip_sec=True)
    with refused("E008002"):
        reset("cid", stage.log_in(someone), None, "not base32", None, APP, ADDRESS)


def test_a_code_is_valid_once(stage: Stage) -> None:
    someone, ust = stage.newcomer(totp_key=KEY)
    code = totp_code(KEY)
    stage.sso.totp.validate_code("cid", code, ust, current_app=APP, remote_addr=ADDRESS)
    callers: list[dict[str, Any]] = [{"ust": ust}, {"username": someone.username}, {"username": unique("nobody")}]
    for who in callers:
        for wrong in (code, b"000000", ""):
            with pytest.raises(InvalidTOTPError) as raised:
                stage.sso.totp.validate_code("cid", wrong, **who)
            assert raised.value.sub_status == ["E005001"]
    with refused("E007001") as other:
        stage.sso.totp.validate_code("cid", code, "no session")
    assert type(other.value) is ValidationError


@pytest.mark.parametrize("who", [{}, {"ust": "", "username": ""}, {"ust": None}, {"ust": "a", "username": "b"}])
def test_a_code_is_checked_for_one_user(stage: Stage, who: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="exactly one of ust and username"):
        stage.sso.totp.validate_code("cid", "000000", **who)


def test_the_uri_is_for_authenticators(stage: Stage) -> None:
    someone, ust = stage.newcomer(totp_key=KEY)
    with stage.changed(main={"site_name": "My Company"}) as sso:
        uri = sso.totp.provisioning_uri("cid", ust, APP, ADDRESS)
    assert uri == f"otpauth://totp/My%20Company:{someone.username}?secret={KEY}&issuer=My%20Company"


def test_the_current_session_tells_whose_it_is(stage: Stage) -> None:
    someone, ust = stage.newcomer()
    session = stage.sso.session.get_current_session("cid", ust, APP, ADDRESS)
    assert (session.user_id, session.username, session.is_super_user) == (someone.user_id, someone.username, False)
    own = stage.sso.session.require_super_user("cid", stage.admin, APP, ADDRESS)
    assert (own.username, own.is_super_user) == (stage.super_user, True)
    assert own == stage.sso.session.get_current_session("cid", stage.admin, APP, ADDRESS, needs_super_user=True)
    with refused("E005001"):
        stage.sso.session.get_current_session("cid", ust, APP, ADDRESS, True)
    with refused("E005001"):
        stage.sso.session.require_super_user("cid", ust, APP, ADDRESS)


def test_results_that_hold_a_token_or_the_database_are_not_pickled(stage: Stage) -> None:
    info = stage.sso.user.login("cid", stage.super_user, PASSWORD, APP, ADDRESS)
    session = stage.sso.session.get_current_session("cid", info.ust, APP, ADDRESS)
    user = stage.sso.user.get_current_user("cid", info.ust, APP, ADDRESS)
    for result in (info, session, user):
        for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
            with pytest.raises(TypeError, match=rf"a {type(result).__name__} cannot be pickled .* to_dict"):
                attempt(result)
        assert pickle.loads(pickle.dumps(result.to_dict())) == result.to_dict()  # noqa: S301


def test_who_fails_too_often_has_to_wait(stage: Stage) -> None:
    someone, admin = stage.someone(), stage.admin
    for _ in range(5):
        with refused("E005001"):
            stage.sso.user.login("cid", someone.username, "wrong battery staple", APP, ADDRESS)
    with refused("E005009") as raised:
        stage.sso.user.login("cid", someone.username, PASSWORD, APP, ADDRESS)
    assert raised.value.retry_after is not None
    assert 0 < raised.value.retry_after <= 1
    stage.sso.user.unlock_user("cid", someone.user_id, admin, APP, ADDRESS)
    stage.log_in(someone)


def test_requests_are_limited_where_that_is_asked_for(stage: Stage) -> None:
    limited = {"is_rate_limit_active": True, "rate_limit_def": "127.0.0.1=2/d"}
    someone, ust = stage.newcomer(**limited)
    stage.sso.session.renew("cid", ust, APP, ADDRESS)
    with refused("E005009") as raised:
        stage.sso.session.renew("cid", ust, APP, ADDRESS)
    assert raised.value.retry_after is not None
    with refused("E005001"):
        stage.sso.session.renew("cid", ust, APP, "10.0.0.1")
    with refused("E008002") as wrong:
        data = {"rate_limit_def": "*=1/week"}
        stage.sso.user.update_user_by_id("cid", someone.user_id, data, stage.admin, APP, ADDRESS)
    assert str(wrong.value.detail).startswith("rate_limit_def: line 1: ")
