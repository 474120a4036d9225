"""Guessing for a name without end, so that its owner cannot log in."""

from __future__ import annotations

from collections.abc import Iterator

from target import main, target

HOME = {"X-Forwarded-For": "198.51.100.7"}
STRANGER = {"X-Forwarded-For": "203.0.113.9"}


def attack(database_url: str | None) -> Iterator[str]:
    """40 rounds of guesses from elsewhere, and one from a neighbour for another name; then the owner logs in."""
    with target(database_url, http={"trusted_proxies": ["127.0.0.1"]}, login_throttle={"max_failures": 10}) as server:
        owner = server.user()
        assert server.log_in(owner, headers=HOME).status_code == 200
        let_in, told_to_wait = 0, 0
        for round_ in range(40):
            for guess in range(6):
                answer = server.log_in(owner, f"guess {round_} {guess}", headers=STRANGER)
                told_to_wait += answer.status_code == 429
            # Whoever is behind the same address can have that one wait.
            server.log_in(f"somebody-{round_}", "wrong", headers=HOME)
            let_in += server.log_in(owner, headers=HOME).status_code == 200
        yield f"of 240 guesses {told_to_wait} had to wait; of 40 logins of the owner {let_in} went through"
        assert let_in == 40, f"{let_in} of 40 logins of the owner went through"
        assert told_to_wait > 200, f"only {told_to_wait} of 240 guesses had to wait"


if __name__ == "__main__":
    main(attack)
