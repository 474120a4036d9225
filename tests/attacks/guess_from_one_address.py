"""Guessing from one address, with logins of an account of one's own in between so that the address looks good."""

from __future__ import annotations

from collections.abc import Iterator

from target import main, target


def attack(database_url: str | None) -> Iterator[str]:
    """380 guesses, a login of one's own after every fourth."""
    with target(database_url, login_throttle={"max_failures": 100}) as server:
        own = server.user()
        others = [server.user() for _ in range(100)]
        tried = 0
        for guess in range(380):
            answer = server.log_in(others[guess % len(others)], f"guess {guess}")
            tried += answer.status_code != 429
            if guess % 4 == 3:
                server.log_in(own)
        yield f"of 380 guesses {tried} were tried"
        assert tried <= 110, f"{tried} guesses were tried"


if __name__ == "__main__":
    main(attack)
