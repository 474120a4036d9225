"""A stolen session that is to become a stolen account: another email, another second factor, then a reset."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import psycopg

from target import APP, PASSWORD, Target, main, target

KEY = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"


def grow_old(server: Target) -> None:
    """Lets eleven minutes go by for every session."""
    url = str(server.config["database"]["url"])
    eleven_minutes = 11 * 60 * 1_000_000
    sql = f"UPDATE sso_session SET creation_time = creation_time - {eleven_minutes}"  # noqa: S608
    if url.startswith("sqlite"):
        with sqlite3.connect(url.removeprefix("sqlite:///")) as database:
            database.execute(sql)
    else:
        with psycopg.connect(url) as database:
            database.execute(sql)


def attack(database_url: str | None) -> Iterator[str]:
    """With the token alone, of a user and of a super-user."""
    # The clock is moved in the database, which nobody tells the cache of.
    with target(database_url, session={"cache": "off"}) as server:
        admin = {"username": "admin1", "password": PASSWORD}
        server.sso.user.create_super_user("cid", admin, require_super_user=False, auto_approve=True)
        username = server.user(email="owner@example.com")
        victim = server.sso.user.get_user_by_username("cid", username)
        assert victim is not None
        stolen, of_admin = (str(server.log_in(name).json()["ust"]) for name in (username, "admin1"))
        grow_old(server)

        changes: list[tuple[str, str, dict[str, object]]] = [
            ("PATCH", "/user", {"email": "thief@example.com"}),
            ("PATCH", "/user", {"email": None}),
            ("PATCH", "/user", {"username": "thief"}),
            ("PATCH", "/user", {"is_totp_enabled": False}),
            ("PATCH", "/user", {"totp_key": KEY}),
            ("PATCH", "/user", {"is_totp_enabled": True, "totp_key": KEY}),
            ("PATCH", "/user/totp", {"totp_key": KEY}),
            ("PATCH", "/user/totp", {}),
        ]
        for ust, more in ((stolen, {}), (of_admin, {"user_id": victim.user_id})):
            for method, path, elements in changes:
                answer = server.call(method, path, {"ust": ust, "current_app": APP, **more, **elements})
                assert answer.status_code == 403, f"{method} {path} {elements} was done"
                assert answer.json()["sub_status"] == ["E005010"], answer.text
        yield f"{2 * len(changes)} changes were asked for, and refused with E005010"
        password = {"ust": of_admin, "user_id": victim.user_id, "new_password": "a password of the thief"}
        answer = server.call("PATCH", "/user/password", {**password, "current_app": APP})
        assert answer.status_code == 403, "a super-user's stolen session has set a password"
        yield "nor did the session of a super-user set a password"

        for guess in range(8):
            guessed = {"ust": stolen, "password": f"guess {guess}", "current_app": APP}
            answer = server.call("POST", "/user/session/fresh", guessed)
            assert answer.status_code in (403, 429), "a guess has made the session fresh"
        assert answer.status_code == 429, "guesses are not slowed down"
        yield "guesses at the password are slowed down"
        now = server.sso.user.get_user_by_username("cid", username)
        assert now is not None
        assert (now.email, now.is_totp_enabled) == ("owner@example.com", False)
        yield "the account is as it was"


if __name__ == "__main__":
    main(attack)
