"""Asking for password resets as fast as one can: to fill the queue, and to make a user's token useless."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from mailbox_of_attack import mailbox

from target import ADDRESS, APP, main, target


def attack(database_url: str | None) -> Iterator[str]:
    """320 requests for one user over REST, 300 for others in process from many addresses, and one for a bystander."""
    with mailbox() as inbox, target(database_url, smtp={"url": inbox.url}) as server:
        victim = server.user(email="victim@example.com")
        bystander = server.user(email="bystander@example.com")
        others = [server.user(email=f"other{number}@example.com") for number in range(30)]

        server.call("POST", "/password/reset", {"credential": victim})
        token = inbox.token("victim@example.com")
        answers = Counter(
            server.call("POST", "/password/reset", {"credential": victim}).status_code for _ in range(320)
        )
        yield f"320 requests from one address: {dict(answers)}"
        assert answers[429] >= 100, "one address may ask without a limit"

        for number in range(300):
            address = f"10.1.{number // 250}.{number % 250}"
            server.sso.password_reset.create_token("cid", others[number % 30], APP, address, None)
        server.sso.password_reset.create_token("cid", bystander, APP, "10.2.0.1", None)
        inbox.token("bystander@example.com")
        yield "the email of a bystander arrives"

        emails = len(inbox.to("victim@example.com"))
        yield f"the victim got {emails} emails"
        assert emails <= 5, f"{emails} emails to one user"
        access = server.sso.password_reset.access_token("cid", token, APP, ADDRESS, None)
        assert access.user["username"] == victim
        yield "the first token is as good as it was"


if __name__ == "__main__":
    main(attack)
