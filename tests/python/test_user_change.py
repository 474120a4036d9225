"""Changing and deleting users from Python, blocking and for asyncio."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest
from support import ADDRESS, APP, PASSWORD, AsyncSSO
from zato_sso import SSO, ValidationError, status_code

if TYPE_CHECKING:
    from conftest import Script


@pytest.fixture(autouse=True)
def users(sso: SSO) -> None:
    sso.user.create_super_user("cid", account("root1"), require_super_user=False, auto_approve=True)
    sso.user.create_user("cid", account("user1"), require_super_user=False, auto_approve=True)


def account(username: str) -> dict[str, Any]:
    return {"username": username, "password": PASSWORD}


def ust(sso: SSO, username: str) -> str:
    return sso.user.login("cid", username, PASSWORD, APP, ADDRESS).ust


def user_id(sso: SSO, username: str) -> str:
    found = sso.user.get_user_by_username("cid", username)
    assert found is not None
    return found.user_id


def test_users_are_deleted_by_super_users_and_trusted_callers(sso: SSO) -> None:
    root, user = ust(sso, "root1"), ust(sso, "user1")
    user1, root1 = user_id(sso, "user1"), user_id(sso, "root1")
    with pytest.raises(ValidationError, match=status_code.auth.not_allowed):
        sso.user.delete_user_by_id("cid", root1, user, APP, ADDRESS)
    with pytest.raises(ValidationError, match=status_code.common.invalid_operation):
        sso.user.delete("cid", root1, root, APP, ADDRESS)
    sso.user.delete("cid", user1, root, APP, ADDRESS)
    with pytest.raises(ValidationError, match=status_code.user_id.invalid):
        sso.user.delete_user_by_id("cid", user1, current_ust=root, current_app=APP, remote_addr=ADDRESS)
    with pytest.raises(ValidationError, match=status_code.username.invalid):
        sso.user.delete_user_by_username("cid", "user1", root, APP, ADDRESS)

    sso.user.create_user("cid", account("user1"), require_super_user=False, auto_approve=True)
    assert user_id(sso, "user1") != user1
    sso.user.delete_user_by_username("cid", "user1", None, APP, ADDRESS, skip_sec=True)
    sso.user.delete_user_by_id("cid", root1, None, APP, ADDRESS, skip_sec=True)
    assert sso.user.get_user_by_username("cid", "root1") is None


def test_users_change_themselves(sso: SSO) -> None:
    user, user1 = ust(sso, "user1"), user_id(sso, "user1")
    data = {
        "username": "ann",
        "email": "ann@example.com",
        "display_name": " Ann ",
        "first_name": "A",
        "middle_name": "B",
        "last_name": "C",
        "is_totp_enabled": False,
        "totp_key": "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ",
        "totp_label": "label",
    }
    sso.user.update_current_user("cid", data, user, APP, ADDRESS)
    changed = sso.user.get_current_user("cid", user, APP, ADDRESS, return_all_attrs=True).to_dict()
    assert {name: changed[name] for name in data} == {**data, "display_name": "Ann"}
    sso.user.update("cid", {"email": None, "middle_name": "", "is_totp_enabled": None}, user, APP, ADDRESS)
    sso.user.update("cid", {"last_name": "D"}, user, APP, ADDRESS, user_id=user1)
    seen = sso.user.get_current_user("cid", user, APP, ADDRESS)
    assert (seen.email, seen.middle_name, seen.last_name, seen.is_totp_enabled) == (None, None, "D", False)


def test_super_users_change_everybody(sso: SSO) -> None:
    root, user1 = ust(sso, "root1"), user_id(sso, "user1")
    data = {
        "is_locked": True,
        "password_expiry": datetime(2030, 1, 2, 3, 4, 5, 678901),
        "password_must_change": True,
        "sign_up_status": "to_approve",
        "approval_status": "rejected",
        "is_rate_limit_active": False,
        "rate_limit_def": "*=1/d",
    }
    sso.user.update_user_by_id("cid", user1, data, root, APP, ADDRESS)
    changed = sso.user.get_user_by_id("cid", user1, root, APP, ADDRESS).to_dict()
    assert {name: changed[name] for name in data} == data
    in_paris = datetime(2030, 1, 1, 1, tzinfo=timezone(timedelta(hours=1)))
    sso.user.update("cid", {"password_expiry": in_paris}, root, APP, ADDRESS, user1)
    seen = sso.user.get_user_by_id("cid", user1, root, APP, ADDRESS)
    assert seen.password_expiry == in_paris.astimezone(timezone.utc).replace(tzinfo=None)
    sso.user.update("cid", {"password_expiry": None}, root, APP, ADDRESS, user1)
    assert sso.user.get_user_by_id("cid", user1, root, APP, ADDRESS).password_expiry is None


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ({}, status_code.common.missing_input),
        ({"frist_name": "Ann"}, status_code.common.invalid_input),
        ({"user_id": "zusr1"}, status_code.common.invalid_input),
        ({"first_name": b"Ann"}, status_code.common.invalid_input),
        ({"username": None}, status_code.common.invalid_input),
        ({"is_totp_enabled": 1}, status_code.common.invalid_input),
        ({"is_locked": None}, status_code.common.invalid_input),
        ({"is_locked": "True"}, status_code.common.invalid_input),
        ({"password_expiry": "2030-01-01T00:00:00"}, status_code.common.invalid_input),
        ({"password_must_change": 0}, status_code.common.invalid_input),
        ({"sign_up_status": "done"}, status_code.common.invalid_input),
        ({"is_rate_limit_active": True}, status_code.common.invalid_input),
        ({"username": ""}, status_code.username.invalid),
        ({"username": "root1"}, status_code.username.exists),
    ],
)
def test_what_is_wrong_is_refused(sso: SSO, data: dict[str, Any], code: str) -> None:
    root, user1 = ust(sso, "root1"), user_id(sso, "user1")
    with pytest.raises(ValidationError) as refused:
        sso.user.update_user_by_id("cid", user1, data, root, APP, ADDRESS)
    assert refused.value.sub_status == [code]


def test_what_only_super_users_may_change(sso: SSO) -> None:
    user, root1 = ust(sso, "user1"), user_id(sso, "root1")
    with pytest.raises(ValidationError, match=status_code.common.invalid_input):
        sso.user.update("cid", {"is_locked": False}, user, APP, ADDRESS)
    with pytest.raises(ValidationError, match=status_code.auth.not_allowed):
        sso.user.update("cid", {"first_name": "Ann"}, user, APP, ADDRESS, root1)


async def test_the_same_for_asyncio(sso: SSO, aio: Callable[[], AsyncSSO]) -> None:
    root, user1 = ust(sso, "root1"), user_id(sso, "user1")
    async with aio() as shared:
        await shared.user.update("cid", {"first_name": "Ann"}, root, APP, ADDRESS, user1)
        seen = await shared.user.get_user_by_id("cid", user1, root, APP, ADDRESS)
        assert seen.first_name == "Ann"
        await shared.user.delete("cid", user1, root, APP, ADDRESS)
        assert await shared.user.get_user_by_username("cid", "user1") is None


def test_super_users_give_and_take_the_role(sso: SSO) -> None:
    root, user1, root1 = ust(sso, "root1"), user_id(sso, "user1"), user_id(sso, "root1")
    with pytest.raises(ValidationError, match=status_code.common.invalid_input):
        sso.user.update_current_user("cid", {"is_super_user": True}, ust(sso, "user1"), APP, ADDRESS)
    with pytest.raises(ValidationError, match=status_code.common.invalid_input):
        sso.user.update_user_by_id("cid", root1, {"is_super_user": False}, root, APP, ADDRESS)
    sso.user.update("cid", {"is_super_user": True}, root, APP, ADDRESS, user_id=user1)
    sso.session.require_super_user("cid", ust(sso, "user1"), APP, ADDRESS)
    sso.user.update("cid", {"is_super_user": False}, ust(sso, "user1"), APP, ADDRESS, user_id=root1)
    with pytest.raises(ValidationError, match=status_code.auth.not_allowed):
        sso.session.require_super_user("cid", root, APP, ADDRESS)


def test_a_super_user_is_ensured(sso: SSO, aio: Callable[[], AsyncSSO], run: Callable[[Any], Any]) -> None:
    data = account("root2")
    root2 = sso.user.ensure_super_user("cid", data)
    assert (data["user_id"], data["is_super_user"], data["approval_status"]) == (root2, True, "approved")
    assert "password" not in data

    async def again() -> str:
        async with aio() as other:
            return await other.user.ensure_super_user("cid", {"username": "root2", "password": "another long one"})

    assert run(again()) == root2
    ust(sso, "root2")
    with pytest.raises(ValidationError, match=status_code.username.exists):
        sso.user.ensure_super_user("cid", account("user1"))


WORKER = """
from zato_sso import SSO
sso = SSO(config=config)
print(sso.user.ensure_super_user("cid", {"username": "root9", "password": PASSWORD}))
sso.close()
"""


def test_of_workers_that_start_together_one_creates_the_super_user(script: Script) -> None:
    with ThreadPoolExecutor() as pool:
        done = list(pool.map(script, [WORKER] * 4))
    assert [process.returncode for process in done] == [0] * 4, done
    assert len({process.stdout for process in done}) == 1
