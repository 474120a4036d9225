"""Finding out by sign-ups which emails have an account."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import requests
from mailbox_of_attack import mailbox

from target import APP, PASSWORD, main, target

FOREIGN = "the wrong battery staple"


def shape(answer: requests.Response) -> tuple[int, Any]:
    """What of an answer is not its own alone."""
    body = {name: value for name, value in answer.json().items() if name != "cid"}
    return answer.status_code, body


def attack(database_url: str | None) -> Iterator[str]:
    """The same requests about the email of a user and about a free one; then everything that was learned by them."""
    with (
        mailbox() as inbox,
        target(database_url, smtp={"url": inbox.url}, apps={"signup_allowed": [APP]}) as server,
    ):
        owner = server.user(email="ann@example.com")

        def ask(letter: str, email: str) -> list[tuple[int, Any]]:
            def sign_up(number: int, email: str) -> tuple[int, Any]:
                elements = {"username": f"{letter}{number}", "email": email, "password": FOREIGN, "app_list": [APP]}
                return shape(server.call("POST", "/user/signup", elements))

            seen = [sign_up(1, email), sign_up(1, f"{letter}-1@example.com")]
            seen += [shape(server.log_in(f"{letter}1", password)) for password in (FOREIGN, PASSWORD)]
            seen += [sign_up(2, email), sign_up(1, f"{letter}-2@example.com"), sign_up(2, f"{letter}-3@example.com")]
            seen += [sign_up(number, email) for number in range(3, 14)]
            seen += [shape(server.call("POST", "/user/signup/resend", {"credential": f"{letter}2"}))]
            return seen

        of_user, of_nobody = ask("user", "ann@example.com"), ask("free", "free@example.com")
        yield f"{len(of_user)} answers about a user's email, and as many about a free one: {of_user == of_nobody}"
        assert of_user == of_nobody, "the answers differ"
        assert of_user[0][0] == 200, "a sign-up was refused"
        told = inbox.find("ann@example.com", "has tried to sign up")
        yield f"the owner was told: {told}"
        emails = inbox.to("ann@example.com")
        assert len(emails) <= 10, f"{len(emails)} emails to the owner"
        assert not any("user1" in text for text in emails), "an email says what a stranger has chosen"
        assert server.log_in(owner).status_code == 200


if __name__ == "__main__":
    main(attack)
