"""Logging in and out by way of Python: what is asked for, in which order, and what is said when it is refused."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from stage import Someone, Stage, refused
from support import ADDRESS, APP, PASSWORD, totp_code
from zato_sso import SSO, SessionInfo, ValidationError

TOTP_KEY = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
NEW_PASSWORD = "another battery staple"


def login(sso: SSO, username: str, password: Any = PASSWORD, app: str = APP, **more: Any) -> SessionInfo:
    return sso.user.login("cid", username, password, app, more.pop("remote_addr", ADDRESS), **more)


def lets_in(sso: SSO, username: str, password: Any = PASSWORD, **more: Any) -> bool:
    """Whether a login opens a session, which is then good."""
    info = login(sso, username, password, **more)
    return sso.user.get_current_user("cid", info.ust, APP, ADDRESS).username == username


# Who gets in


@pytest.mark.parametrize("password", ["żółw correct battery", "x" * 200, " spaces around "])
def test_passwords_are_text_or_bytes(stage: Stage, password: str) -> None:
    someone = stage.someone(password=password)
    assert login(stage.sso, someone.username, password).user_id == someone.user_id
    assert login(stage.sso, someone.username, password.encode()).user_id == someone.user_id
    other = stage.someone(password=password.encode())
    assert login(stage.sso, other.username, password).user_id == other.user_id
    with refused("E005001"):
        login(stage.sso, someone.username, password[:-1] + "?")


def test_a_login_says_whose_session_it_is_and_how_long_it_lasts(stage: Stage) -> None:
    someone = stage.someone()
    info = login(stage.sso, someone.username)
    assert (info.username, info.user_id, info.has_w_about_to_exp) == (someone.username, someone.user_id, False)
    assert len(info.ust) >= 43
    assert info.creation_time.tzinfo is None
    assert info.expiration_time == info.creation_time + timedelta(minutes=60)
    assert info.to_dict() == {
        "username": someone.username,
        "user_id": someone.user_id,
        "ust": info.ust,
        "creation_time": info.creation_time.isoformat(),
        "expiration_time": info.expiration_time.isoformat(),
        "has_w_about_to_exp": False,
    }
    assert info.to_dict(serialize_dt=False)["creation_time"] == info.creation_time


def test_the_length_of_a_session_is_configured(stage: Stage) -> None:
    for section, length in [
        ({"expiry": 5}, timedelta(minutes=5)),
        ({"expiry": 600, "max_lifetime": 1}, timedelta(hours=1)),
    ]:
        with stage.changed(session=section) as sso:
            info = login(sso, stage.super_user)
            assert info.expiration_time - info.creation_time == length


@pytest.mark.parametrize(
    ("username", "password"),
    [
        ("nobody", PASSWORD),
        ("", PASSWORD),
        ("\0", PASSWORD),
        ("x" * 100_000, PASSWORD),
        (None, "wrong battery staple"),
        (None, ""),
        pytest.param(None, b"", id="empty bytes"),
        (None, None),
        (None, PASSWORD.upper()),
        (None, PASSWORD + "\0"),
    ],
)
def test_whatever_is_wrong_before_the_password_is_known_to_be_right_looks_the_same(
    stage: Stage, username: str | None, password: str | None
) -> None:
    someone = stage.someone()
    with refused("E005001") as raised:
        login(stage.sso, someone.username if username is None else username, password)
    assert raised.value.detail is None


def test_a_user_without_a_password_cannot_log_in(stage: Stage) -> None:
    someone = stage.someone(password=None)
    for password in ("", None, PASSWORD):
        with refused("E005001"):
            login(stage.sso, someone.username, password)


def test_a_trusted_caller_may_log_anybody_in_who_is_in_good_standing(stage: Stage) -> None:
    someone = stage.someone(is_totp_enabled=True)
    assert login(stage.sso, someone.username, None, skip_sec=True).user_id == someone.user_id
    with refused("E005001"):
        login(stage.sso, "nobody", None, skip_sec=True)
    stage.sso.user.lock_user("cid", someone.user_id, require_super_user=False)
    with refused("E005002"):
        login(stage.sso, someone.username, None, skip_sec=True)


# States


def locked(stage: Stage) -> Someone:
    return stage.someone(is_locked=True)


def unconfirmed(stage: Stage) -> Someone:
    return stage.someone(sign_up_status="before_confirmation")


def rejected(stage: Stage) -> Someone:
    someone = stage.someone()
    stage.sso.user.reject("cid", someone.user_id, stage.admin, APP, ADDRESS)
    return someone


def expired(stage: Stage) -> Someone:
    someone = stage.someone()
    stage.age_password(someone, days_left=0)
    return someone


def expiring(stage: Stage) -> Someone:
    someone = stage.someone()
    stage.age_password(someone, days_left=5)
    return someone


def must_change(stage: Stage) -> Someone:
    return stage.someone(password_must_change=True)


def with_totp(stage: Stage) -> Someone:
    return stage.someone(is_totp_enabled=True, totp_key=TOTP_KEY)


STRICT = {"log_in_if_about_to_expire": False}
STATES = {
    "locked": (locked, {}, "login", "inform_if_locked", "E005002"),
    "unconfirmed": (unconfirmed, {}, "login", "inform_if_not_confirmed", "E005003"),
    "rejected": (rejected, {}, "login", "inform_if_not_approved", "E005004"),
    "expired": (expired, {}, "password", "inform_if_expired", "E003004"),
    "expiring": (expiring, STRICT, "password", "inform_if_about_to_expire", "E003006"),
    "must change": (must_change, {}, "password", "inform_if_must_be_changed", "E003007"),
    "no TOTP code": (with_totp, {}, "login", "inform_if_totp_missing", "E005008"),
}


@pytest.mark.parametrize("state", STATES)
def test_a_user_who_may_not_log_in_learns_why_where_that_is_configured(stage: Stage, state: str) -> None:
    make, more, section, key, code = STATES[state]
    someone = make(stage)
    for informs, expected in [(True, code), (False, "E005001")]:
        with stage.changed(**{section: {**more, key: informs}}) as sso:
            with refused(expected):
                login(sso, someone.username)
            # Nobody learns anything without the password.
            with refused("E005001"):
                login(sso, someone.username, "wrong battery staple")


def test_a_password_that_expires_soon_is_a_warning(stage: Stage) -> None:
    someone = expiring(stage)
    info = login(stage.sso, someone.username)
    assert info.has_w_about_to_exp is True
    assert info.to_dict()["has_w_about_to_exp"] is True
    with stage.changed(password={"about_to_expire_threshold": 3}) as sso:
        assert login(sso, someone.username).has_w_about_to_exp is False
    with stage.changed(password={"inform_if_about_to_expire": False}) as sso:
        assert login(sso, someone.username).has_w_about_to_exp is False


@pytest.mark.parametrize("make", [expired, expiring, must_change])
def test_a_new_password_may_come_with_the_login(stage: Stage, make: Any) -> None:
    someone: Someone = make(stage)
    with refused("E005001"):
        login(stage.sso, someone.username, "wrong battery staple", new_password=NEW_PASSWORD)
    info = login(stage.sso, someone.username, new_password=NEW_PASSWORD)
    assert info.has_w_about_to_exp is False
    assert stage.sso.user.get_current_user("cid", info.ust, APP, ADDRESS).user_id == someone.user_id
    with refused("E005001"):
        login(stage.sso, someone.username)
    assert lets_in(stage.sso, someone.username, NEW_PASSWORD.encode())


@pytest.mark.parametrize(
    ("new_password", "code"),
    [(PASSWORD, "E003001"), ("xxgooglexx", "E003001"), ("short", "E003002"), ("x" * 257, "E003003")],
)
def test_a_new_password_must_keep_the_rules(stage: Stage, new_password: str, code: str) -> None:
    someone = stage.someone()
    with refused(code):
        login(stage.sso, someone.username, new_password=new_password)
    with stage.changed(password={"inform_if_invalid": False}) as sso, refused("E005001"):
        login(sso, someone.username, new_password=new_password)
    assert lets_in(stage.sso, someone.username)


def test_an_empty_new_password_is_none(stage: Stage) -> None:
    someone = stage.someone()
    for nothing in ("", b"", None):
        assert lets_in(stage.sso, someone.username, new_password=nothing)


# TOTP


def test_a_totp_code_works_once(stage: Stage) -> None:
    someone = with_totp(stage)
    code = totp_code(TOTP_KEY)
    assert login(stage.sso, someone.username, totp_code=code).user_id == someone.user_id
    with refused("E005001"):
        login(stage.sso, someone.username, totp_code=code)
    with stage.changed(login={"totp_single_use": False}) as sso:
        assert lets_in(sso, someone.username, totp_code=totp_code(TOTP_KEY).encode())


@pytest.mark.parametrize("wrong", ["", "000", "abcdef", "0" * 10_000, "\0"])
def test_a_wrong_totp_code_is_refused(stage: Stage, wrong: str) -> None:
    someone = with_totp(stage)
    with refused("E005001" if wrong else "E005008"):
        login(stage.sso, someone.username, totp_code=wrong)


def test_a_totp_code_of_another_time_is_refused(stage: Stage) -> None:
    someone = with_totp(stage)
    for steps in (-3, 3):
        with refused("E005001"):
            login(stage.sso, someone.username, totp_code=totp_code(TOTP_KEY, steps))


# Applications and addresses


def test_an_application_may_not_be_allowed_to_log_in(stage: Stage) -> None:
    someone = stage.someone()
    apps: dict[str, Any] = {"all": ["CRM", "Other"], "login_allowed": ["CRM"]}
    with stage.changed(apps=apps) as sso:
        with refused("E004001"):
            login(sso, someone.username, app="Other")
        # The password comes first.
        with refused("E005001"):
            login(sso, someone.username, "wrong battery staple", app="Other")
        ust = login(sso, someone.username).ust
        assert sso.user.get_current_user("cid", ust, "Other", ADDRESS).user_id == someone.user_id
    with stage.changed(apps={**apps, "inform_if_app_invalid": False}) as sso, refused("E005001"):
        login(sso, someone.username, app="Other")


@pytest.mark.parametrize("sent", [{"has_remote_addr": True}, {"has_user_agent": True}])
def test_login_metadata_is_for_applications_that_may_send_it(stage: Stage, sent: dict[str, Any]) -> None:
    with refused("E006001"):
        login(stage.sso, stage.super_user, user_agent="agent", **sent)
    with stage.changed(apps={"login_metadata_allowed": [APP]}) as sso:
        assert lets_in(sso, stage.super_user, user_agent="agent", **sent)


def test_users_may_be_bound_to_addresses(stage: Stage) -> None:
    someone, other = stage.someone(), stage.someone()
    lists = {someone.username: ["10.0.0.0/8", "2001:db8::1"], other.username: []}
    with stage.changed(user_address_list=lists) as sso:
        for allowed in ("10.1.2.3", b"2001:db8::1", ["10.0.0.1", "10.0.0.2"]):
            ust = login(sso, someone.username, remote_addr=allowed).ust
        for wrong in ("11.0.0.1", "10.0.0.1,11.0.0.1", ["11.0.0.1"], "localhost", "", None, []):
            with refused("E005001"):
                login(sso, someone.username, remote_addr=wrong)
            with refused("E005001"):
                sso.user.get_current_user("cid", ust, APP, wrong)
        with refused("E005001"):
            login(sso, other.username)
        assert lets_in(sso, stage.super_user)
    with stage.changed(login={"reject_if_not_listed": True}) as sso, refused("E005001"):
        login(sso, stage.super_user)


# Out again


def test_a_session_ends_by_logging_out_and_no_other_with_it(stage: Stage) -> None:
    someone, ust = stage.newcomer()
    other = stage.log_in(someone)
    stage.sso.user.logout("cid", ust, APP, ADDRESS)
    with refused("E007001"):
        stage.sso.user.get_current_user("cid", ust, APP, ADDRESS)
    with refused("E005001"):
        stage.sso.user.logout("cid", ust, APP, ADDRESS)
    assert stage.sso.user.get_current_user("cid", other, APP, ADDRESS).user_id == someone.user_id


@pytest.mark.parametrize("skip_sec", [False, True])
def test_a_locked_user_may_log_out(stage: Stage, skip_sec: bool) -> None:
    someone, ust = stage.newcomer()
    with stage.changed(session={"end_on_lock": False}) as sso:
        sso.user.lock_user("cid", someone.user_id, require_super_user=False)
        sso.user.logout("cid", ust, APP, ADDRESS, skip_sec)
    stage.sso.user.unlock_user("cid", someone.user_id, require_super_user=False)
    with refused("E007001"):
        stage.sso.user.get_current_user("cid", ust, APP, ADDRESS)


def test_an_upgrade_of_hashing_comes_with_the_next_login(stage: Stage) -> None:
    someone = stage.someone()
    with stage.changed(hash_secret={"memory_kib": 128}) as sso:
        login(sso, someone.username)
    with stage.changed(main={"encrypt_password": False}) as sso:
        assert lets_in(sso, someone.username)
    assert lets_in(stage.sso, someone.username)


def test_every_login_is_a_session_of_its_own(stage: Stage) -> None:
    someone = stage.someone()
    assert len({stage.log_in(someone) for _ in range(10)}) == 10


def test_a_device_token_gives_a_budget_of_its_own(stage: Stage) -> None:
    someone = stage.someone()
    # Nobody else's failures are counted for this address, nor these for theirs.
    home = "198.51.100.7"
    with stage.changed(login_throttle={"initial_delay": 3600, "max_delay": 3600}) as sso:
        first = login(sso, someone.username, remote_addr=home)
        token = first.device_token
        assert token is not None
        assert len(token) >= 43
        assert token not in repr(first)
        for _ in range(6):
            with suppress(ValidationError):
                login(sso, someone.username, password="a wrong guess", remote_addr=home)
        with refused("E005009"):
            login(sso, someone.username, remote_addr=home)
        info = login(sso, someone.username, remote_addr=home, device_token=token)
        assert info.device_token is None
        for wrong in [token + "x", "", b"x"]:
            for _ in range(6):
                with suppress(ValidationError):
                    login(sso, someone.username, password="a wrong guess", remote_addr=home)
            with refused("E005009"):
                login(sso, someone.username, remote_addr=home, device_token=wrong)
            login(sso, someone.username, remote_addr=home, device_token=token)
        # It takes the place of no password.
        with refused("E005001"):
            login(sso, someone.username, password=token, remote_addr=home, device_token=token)
