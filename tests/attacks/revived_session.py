"""A stolen session waits until the account that was locked or rejected because of it is in order again."""

from __future__ import annotations

from collections.abc import Iterator

from target import ADDRESS, APP, PASSWORD, main, target


def attack(database_url: str | None) -> Iterator[str]:
    """The session is tried while the account is locked or rejected, and after that."""
    with target(database_url) as server:
        admin = {"username": "admin1", "password": PASSWORD}
        server.sso.user.create_super_user("cid", admin, require_super_user=False, auto_approve=True)
        acting = server.log_in("admin1").json()["ust"]
        username = server.user()
        user = server.sso.user.get_user_by_username("cid", username)
        assert user is not None
        user_id = user.user_id
        ways = {
            "locked": (("POST", "/user/lock", {}), ("DELETE", "/user/lock", {})),
            "rejected": (("POST", "/user/reject", {}), ("POST", "/user/approve", {})),
            "no longer approved": (
                ("PATCH", "/user", {"approval_status": "before_decision"}),
                ("PATCH", "/user", {"approval_status": "approved"}),
            ),
        }
        for way, steps in ways.items():
            stolen = server.log_in(username).json()["ust"]
            for method, path, elements in steps:
                on = {"ust": acting, "user_id": user_id, "current_app": APP, **elements}
                assert server.call(method, path, on).status_code == 200
                answer = server.call("GET", "/user", {"ust": stolen, "current_app": APP})
                assert answer.status_code == 403, f"after {method} {path} the session of a user who was {way} works"
            yield f"a session of a user who was {way} is over: {answer.json()['sub_status']}"
        stolen = server.sso.user.login("cid", username, PASSWORD, APP, ADDRESS).ust
        server.sso.user.lock_user("cid", user_id, require_super_user=False)
        server.sso.user.unlock_user("cid", user_id, require_super_user=False)
        answer = server.call("PATCH", "/user/session", {"ust": stolen, "current_app": APP})
        assert answer.status_code == 403, "a session was renewed after an unlock by another process"
        yield "so is one of a user whom another process locked"


if __name__ == "__main__":
    main(attack)
