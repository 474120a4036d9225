"""A member of a group that may manage users, who wants more: rights, super-users, and other people's accounts."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from target import ADDRESS, APP, PASSWORD, Target, main, target

KEY = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
OTHER = "a battery of correct staples"


def attack(database_url: str | None) -> Iterator[str]:
    """With a session that is fresh."""
    sent: list[dict[str, Any]] = []
    with target(database_url) as server:
        server.sso.hooks.send_email = sent.append
        admin = {"username": "admin1", "password": PASSWORD, "email": "admin@example.com"}
        root = server.sso.user.create_super_user("cid", admin, require_super_user=False, auto_approve=True)
        names = [server.user(email=f"{name}@example.com") for name in ("manager", "auditor", "owner")]
        manager, auditor, owner = (user_id(server, name) for name in names)
        of_root = server.sso.user.login("cid", "admin1", PASSWORD, APP, ADDRESS).ust
        group = server.sso.group
        group.create("cid", "managers", of_root, APP, ADDRESS, can_manage_users=True)
        group.create("cid", "auditors", of_root, APP, ADDRESS, can_read_audit=True)
        group.add_member("cid", "managers", manager, of_root, APP, ADDRESS)
        group.add_member("cid", "auditors", auditor, of_root, APP, ADDRESS)
        ust = str(server.log_in(names[0]).json()["ust"])

        def refused(method: str, path: str, **elements: object) -> None:
            answer = server.call(method, path, {"ust": ust, "current_app": APP, **elements})
            assert answer.status_code in {400, 403}, f"{method} {path} {elements}: {answer.text}"

        for mine in (
            {"group_id": "auditors", "user_id": manager},
            {"group_id": "managers", "user_id": owner},
            {"group_id": "managers", "user_id": root},
        ):
            refused("POST", "/group/member", **mine)
        refused("POST", "/group", name="mine", can_read_audit=True)
        refused("PATCH", "/group", group_id="managers", can_read_audit=True)
        refused("DELETE", "/group", group_id="auditors")
        refused("DELETE", "/group/member", group_id="auditors", user_id=auditor)
        for rights in ({"is_super_user": True}, {"is_locked": False}, {"approval_status": "approved"}):
            refused("PATCH", "/user", **rights)
        yield "no right comes from a right"

        for whom in (root, auditor):
            refused("PATCH", "/user/password", user_id=whom, new_password=OTHER)
            refused("PATCH", "/user/totp", user_id=whom, totp_key=KEY)
            refused("POST", "/user/lock", user_id=whom)
            refused("POST", "/user/reject", user_id=whom)
        assert server.log_in("admin1").status_code == 200
        assert server.log_in(names[1]).status_code == 200
        yield "neither super-users nor those who may do more are reached"

        for taken in ({"email": "thief@example.com"}, {"username": "thief"}, {"is_totp_enabled": False}):
            refused("PATCH", "/user", user_id=owner, **taken)
        refused("DELETE", "/user", user_id=owner)
        refused("GET", "/user/search")
        refused("POST", "/user/recovery-code", user_id=owner)
        for silent in ({"must_change": False}, {"password_expiry": 1}):
            refused("PATCH", "/user/password", user_id=owner, new_password=OTHER, **silent)
        assert server.log_in(names[2]).status_code == 200
        assert not sent, f"an email about what was refused: {sent}"
        yield "no account is changed but by what its user notices"

        # What a manager may do, the user hears of.
        # In process, since the server has no way to send emails.
        change = {"user_id": owner, "new_password": OTHER}
        server.sso.user.change_password("cid", change, ust, APP, ADDRESS)
        answer = server.log_in(names[2], OTHER)
        assert answer.status_code == 403, "a password that somebody else has set is good for a login"
        deadline = time.monotonic() + 10
        while not sent and time.monotonic() < deadline:
            time.sleep(0.02)
        assert [message["to"] for message in sent] == ["owner@example.com"], f"told: {sent}"
        yield f"a reset is told to its user, and the password must be changed: {answer.json()['sub_status']}"


def user_id(server: Target, username: str) -> str:
    """The id of a user."""
    user = server.sso.user.get_user_by_username("cid", username)
    assert user is not None
    return str(user.user_id)


if __name__ == "__main__":
    main(attack)
