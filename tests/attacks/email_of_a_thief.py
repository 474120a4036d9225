"""A session that is stolen while it is fresh: the account gets an email of the thief, who then resets the password."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from target import ADDRESS, APP, PASSWORD, main, target

OWNER, THIEF = "owner@example.com", "thief@example.com"


def attack(database_url: str | None) -> Iterator[str]:
    """The thief may set an email, and gets nothing by it; the address of somebody else is not disclosed either."""
    sent: list[dict[str, Any]] = []

    def wait_for(kind: str, to: str) -> dict[str, Any]:
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            for message in sent:
                if (message["kind"], message["to"]) == (kind, to):
                    return message
            time.sleep(0.02)
        raise AssertionError(f"no {kind} came to {to}")

    with target(database_url) as server:
        server.sso.hooks.send_email = sent.append
        username = server.user(email=OWNER)
        other = server.user(email="other@example.com")
        stolen = str(server.log_in(username).json()["ust"])
        update = server.sso.user.update_current_user
        update("cid", {"email": THIEF}, stolen, APP, ADDRESS)
        wait_for("email-changed", OWNER)
        yield "the owner was told at once"

        server.sso.password_reset.create_token("cid", username, APP, ADDRESS, None)
        wait_for("password-reset-link", OWNER)
        assert not [message for message in sent if message["to"] == THIEF and message["kind"] != "email-confirm"]
        yield "a reset goes to the owner as before"

        # The owner takes the account back; the link that the thief has is worth nothing then.
        link = wait_for("email-confirm", THIEF)
        token = max(str(link["text"]).split(), key=len)
        user = server.sso.user.get_user_by_username("cid", username)
        assert user is not None
        server.sso.user.set_password("cid", user.user_id, "the owner's new one", False, None, APP, ADDRESS)
        answer = server.call("POST", "/user/email/confirm", {"confirm_token": token, "current_app": APP})
        assert answer.status_code == 403, "the thief has confirmed an email after the password was changed"
        user = server.sso.user.get_user_by_username("cid", username)
        assert user is not None
        assert user.email == OWNER, f"the email is {user.email}"
        yield f"the thief's link is worth nothing after that: {answer.json()['sub_status']}"

        # Whether somebody has an address shows nowhere.
        asking = str(server.log_in(other).json()["ust"])
        answers = {
            address: update("cid", {"email": address}, asking, APP, ADDRESS)
            for address in (OWNER, "nobody@example.com")
        }
        assert set(answers.values()) == {None}
        yield "the answers for an address that somebody has and for one that nobody has are the same"
        assert server.log_in(username, PASSWORD).status_code == 403


if __name__ == "__main__":
    main(attack)
