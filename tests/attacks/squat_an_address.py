"""Signing up with an address of somebody else, so that its owner cannot, or confirms the password of the attacker."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from mailbox_of_attack import mailbox

from target import APP, PASSWORD, main, target

FOREIGN = "the wrong battery staple"
SIGNUP = {"is_approval_needed": False}


def attack(database_url: str | None) -> Iterator[str]:
    """Before the owner, after the owner, by a username, by sharing the address, and without end."""
    sections: dict[str, Mapping[str, Any]] = {"apps": {"signup_allowed": [APP]}, "signup": SIGNUP}
    reset = {"user_search_by": "username_or_email"}
    with (
        mailbox() as inbox,
        target(database_url, None, smtp={"url": inbox.url}, password_reset=reset, **sections) as server,
    ):

        def sign_up(username: str, email: str, password: str) -> int:
            elements = {"username": username, "email": email, "password": password, "app_list": [APP]}
            answer = server.call("POST", "/user/signup", elements)
            assert "confirm_token" not in answer.json(), "the token is told to whoever signs up"
            return answer.status_code

        def confirm(token: str) -> int:
            return server.call("PATCH", "/user/signup", {"confirm_token": token}).status_code

        assert sign_up("ann", "ann@example.com", FOREIGN) == 200
        of_attacker = inbox.token("ann@example.com")
        assert sign_up("ann", "ann@example.com", PASSWORD) == 200, "the owner cannot sign up"
        of_owner = inbox.token("ann@example.com", 2)
        assert confirm(of_attacker) != 200, "the link of the attacker's sign-up works"
        assert confirm(of_owner) == 200
        # Whose the last password is, nobody knows: who has the mailbox is sent what it takes to set one.
        assert server.log_in("ann", FOREIGN).status_code == 403, "the attacker's password works"
        email = inbox.text("ann@example.com", "new password for your account").replace("\r", "")
        token = re.findall(r"^[\w-]{43}$", email, re.MULTILINE)[0]
        reset_key = server.call("PATCH", "/password/reset", {"token": token}).json()["reset_key"]
        elements = {"token": token, "reset_key": reset_key, "password": PASSWORD}
        assert server.call("DELETE", "/password/reset", elements).status_code == 200
        assert server.log_in("ann").status_code == 200
        yield "the owner's sign-up takes the place of the attacker's"

        # The other way round, from the same network: the link that works is the attacker's.
        assert sign_up("eve", "eve@example.com", PASSWORD) == 200
        inbox.token("eve@example.com")
        assert sign_up("eve", "eve@example.com", FOREIGN) == 200
        assert confirm(inbox.token("eve@example.com", 2)) == 200
        assert server.log_in("eve", FOREIGN).status_code == 403, "the owner's click confirms the attacker's password"
        yield "a click of the owner confirms no password of the attacker"

        # Not refused, which would tell that there is such a user; but nobody gets anything by it.
        sign_up("mallory", "ann@example.com", FOREIGN)
        assert server.log_in("mallory", FOREIGN).status_code == 403
        assert sign_up("ann@example.com", "mallory@example.com", FOREIGN) != 200, "a username is somebody's email"
        mallory = server.user(email="mallory@example.com")
        ust = server.log_in(mallory).json()["ust"]
        server.call("PATCH", "/user", {"ust": ust, "email": "ann@example.com"})
        users = server.sso.user.get_user_by_username("cid", mallory)
        assert users is not None
        assert users.email != "ann@example.com", "an update takes the address"
        for _ in range(12):
            server.user(email="ann@example.com", username=f"a-{_:02}")
        server.call("POST", "/password/reset", {"credential": "ann@example.com"})
        message = inbox.find("ann@example.com", "Hello ann,")
        yield f"the owner gets their reset beside twelve who share the address: {message}"

        answers = [server.call("POST", "/user/signup/resend", {"credential": who}) for who in ("ann", "nobody")]
        shapes = {(answer.status_code, tuple(sorted(answer.json()))) for answer in answers}
        assert len(shapes) == 1, "an answer tells who has signed up"
        yield "asking for another email tells nothing"


if __name__ == "__main__":
    main(attack)
