"""What proves who somebody is changes only with a fresh login; by way of Python, blocking and awaited."""

from __future__ import annotations

from typing import Any

import pytest
from stage import Stage, refused
from support import ADDRESS, APP, PASSWORD, log_in, super_user, totp_code, unique
from zato_sso import InvalidTOTPError, ValidationError

KEY = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
OTHER_KEY = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
CHANGES: list[dict[str, Any]] = [
    {"email": "new@example.com"},
    {"email": None},
    {"username": "another-name"},
    {"is_totp_enabled": False},
    {"is_totp_enabled": True, "totp_code": "000000"},
    {"totp_key": KEY},
    {"totp_key": None},
    {"first_name": "Ann", "email": "new@example.com"},
]


def is_open(stage: Stage, ust: str) -> bool:
    try:
        stage.sso.user.get_current_user("cid", ust, APP, ADDRESS)
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize("data", CHANGES)
def test_a_stale_session_changes_nothing_that_proves_its_user(stage: Stage, data: dict[str, Any]) -> None:
    someone, ust = stage.newcomer()
    stage.make_stale(someone.username)
    update, update_by_id = stage.sso.user.update_current_user, stage.sso.user.update_user_by_id
    with refused("E005010"):
        update("cid", data, ust, APP, ADDRESS)
    with refused("E005010"):
        update_by_id("cid", someone.user_id, data, ust, APP, ADDRESS)
    with refused("E005010"):
        stage.sso.user.update("cid", data, ust, APP, ADDRESS)
    with refused("E005010"):
        stage.sso.user.reset_totp_key("cid", ust, None, None, None, APP, ADDRESS)
    update("cid", {"first_name": "Ann", "totp_label": "phone"}, ust, APP, ADDRESS)
    user = stage.sso.user.get_current_user("cid", ust, APP, ADDRESS)
    assert (user.username, user.email, user.is_totp_enabled) == (someone.username, None, False)


def test_a_stale_super_user_takes_over_nobody(stage: Stage) -> None:
    username, someone = super_user(stage.sso), stage.someone()
    ust = log_in(stage.sso, username)
    stage.make_stale(username)
    user = stage.sso.user
    for data in CHANGES:
        with refused("E005010"):
            user.update_user_by_id("cid", someone.user_id, data, ust, APP, ADDRESS)
    with refused("E005010"):
        user.reset_totp_key("cid", ust, someone.user_id, None, None, APP, ADDRESS)
    with refused("E005010"):
        user.change_password("cid", {"user_id": someone.user_id, "new_password": "other staple"}, ust, APP, ADDRESS)
    with refused("E005010"):
        user.create_super_user("cid", {"username": unique("super"), "password": PASSWORD}, ust, APP, ADDRESS)
    user.lock_user("cid", someone.user_id, ust, APP, ADDRESS)
    user.unlock_user("cid", someone.user_id, ust, APP, ADDRESS)
    user.approve_user("cid", someone.user_id, ust, APP, ADDRESS)
    user.update_user_by_id("cid", someone.user_id, {"display_name": "Ann"}, ust, APP, ADDRESS)

    stage.sso.session.reauthenticate("cid", ust, PASSWORD, None, APP, ADDRESS)
    user.update_user_by_id("cid", someone.user_id, {"email": "new@example.com"}, ust, APP, ADDRESS)
    user.change_password("cid", {"user_id": someone.user_id, "new_password": "other staple"}, ust, APP, ADDRESS)
    assert user.login("cid", someone.username, "other staple", APP, ADDRESS).user_id == someone.user_id


def test_the_process_itself_needs_no_fresh_login(stage: Stage) -> None:
    someone, ust = stage.newcomer()
    stage.make_stale(someone.username)
    key = stage.sso.user.reset_totp_key("cid", None, someone.user_id, None, None, APP, ADDRESS, skip_sec=True)
    assert len(key) == 32
    assert not is_open(stage, ust)


def test_a_session_becomes_fresh_by_the_password(stage: Stage) -> None:
    someone, ust = stage.newcomer()
    sibling = stage.log_in(someone)
    stage.make_stale(someone.username)
    reauthenticate = stage.sso.session.reauthenticate
    for wrong in ("wrong", "", b"wrong"):
        with refused("E005001"):
            reauthenticate("cid", ust, wrong, None, APP, ADDRESS)
    with refused("E005010"):
        stage.sso.user.update_current_user("cid", {"totp_key": KEY}, ust, APP, ADDRESS)
    with refused("E007001"):
        reauthenticate("cid", "no session", PASSWORD)
    reauthenticate("cid", ust, PASSWORD)
    with refused("E005010"):
        stage.sso.user.update_current_user("cid", {"totp_key": KEY}, sibling, APP, ADDRESS)
    stage.sso.user.update_current_user("cid", {"totp_key": KEY}, ust, APP, ADDRESS)


def test_guesses_at_the_password_are_throttled(stage: Stage) -> None:
    _, ust = stage.newcomer()
    for _ in range(5):
        with refused("E005001"):
            stage.sso.session.reauthenticate("cid", ust, "wrong battery staple", None, APP, "192.0.2.77")
    with refused("E005009"):
        stage.sso.session.reauthenticate("cid", ust, "wrong battery staple", None, APP, "192.0.2.77")


def test_a_code_is_asked_for_where_totp_is_enabled(stage: Stage) -> None:
    someone, ust = stage.newcomer(totp_key=KEY)
    on = {"is_totp_enabled": True}
    update = stage.sso.user.update_current_user
    with refused("E005008"):
        update("cid", on, ust, APP, ADDRESS)
    for wrong in ("000000", totp_code(OTHER_KEY)):
        with pytest.raises(InvalidTOTPError) as raised:
            update("cid", {**on, "totp_code": wrong}, ust, APP, ADDRESS)
        assert raised.value.sub_status == ["E005001"]
    with pytest.raises(InvalidTOTPError):
        update("cid", {**on, "totp_key": OTHER_KEY, "totp_code": totp_code(KEY)}, ust, APP, ADDRESS)
    update("cid", {**on, "totp_key": OTHER_KEY, "totp_code": totp_code(OTHER_KEY).encode()}, ust, APP, ADDRESS)
    reauthenticate = stage.sso.session.reauthenticate
    with refused("E005008"):
        reauthenticate("cid", ust, PASSWORD, None, APP, ADDRESS)
    with refused("E005001"):
        reauthenticate("cid", ust, PASSWORD, "000000", APP, ADDRESS)
    # The code that switched it on is used up.
    with refused("E005001"):
        reauthenticate("cid", ust, PASSWORD, totp_code(OTHER_KEY), APP, ADDRESS)
    # Others need none to switch it on for somebody.
    other = stage.someone()
    stage.sso.user.update_user_by_id("cid", other.user_id, on, stage.admin, APP, ADDRESS)
    assert stage.sso.user.get_user_by_id("cid", someone.user_id, stage.admin, APP, ADDRESS).is_totp_enabled


def test_another_second_factor_ends_the_other_sessions(stage: Stage) -> None:
    someone, ust = stage.newcomer()
    other = stage.log_in(someone)
    stage.sso.user.reset_totp_key("cid", ust, None, KEY, None, APP, ADDRESS)
    assert (is_open(stage, ust), is_open(stage, other)) == (True, False)
    other = stage.log_in(someone)
    on = {"is_totp_enabled": True, "totp_code": totp_code(KEY)}
    stage.sso.user.update_current_user("cid", on, ust, APP, ADDRESS)
    assert (is_open(stage, ust), is_open(stage, other)) == (True, False)
    stage.sso.user.update_user_by_id("cid", someone.user_id, {"is_totp_enabled": False}, stage.admin, APP, ADDRESS)
    assert not is_open(stage, ust)


def test_there_is_no_limit_where_configuration_says_so(stage: Stage) -> None:
    someone, ust = stage.newcomer()
    stage.make_stale(someone.username)
    with stage.changed(login={"fresh_for": 0}) as sso:
        sso.user.update_current_user("cid", {"totp_key": KEY}, ust, APP, ADDRESS)


def test_a_totp_key_is_shown_only_while_fresh(stage: Stage) -> None:
    someone, ust = stage.newcomer(totp_key=KEY)
    user, totp = stage.sso.user, stage.sso.totp
    assert user.get_current_user("cid", ust, APP, ADDRESS, return_all_attrs=True).totp_key == KEY
    assert KEY in totp.provisioning_uri("cid", ust, APP, ADDRESS)
    # A session that no cache knows as fresh.
    stale = stage.log_in(someone)
    stage.make_stale(someone.username)
    assert user.get_current_user("cid", stale, APP, ADDRESS, return_all_attrs=True).totp_key is None
    with refused("E005010"):
        totp.provisioning_uri("cid", stale, APP, ADDRESS)
