"""Guessing for a name from the owner's own network, so that the attempts that an owner there has are used up."""

from __future__ import annotations

from collections.abc import Iterator

import requests

from target import APP, PASSWORD, main, target

OWNER = {"X-Forwarded-For": "198.51.100.7"}
NEIGHBOUR = {"X-Forwarded-For": "198.51.100.9"}


def attack(database_url: str | None) -> Iterator[str]:
    """A neighbour in the same /24, and somebody at the same address, guess without end; then the owner logs in."""
    # A delay that is not over by the next round, however slow the machine is.
    throttle = {"initial_delay": 60}
    with target(database_url, http={"trusted_proxies": ["127.0.0.1"]}, login_throttle=throttle) as server:
        owner = server.user()

        def log_in(token: str, password: str = PASSWORD) -> requests.Response:
            elements = {"username": owner, "password": password, "current_app": APP, "device_token": token}
            return server.call("POST", "/user/login", elements, headers=OWNER)

        def by_owner(token: str, password: str = PASSWORD) -> int:
            return log_in(token, password).status_code

        device = log_in("").json()["device_token"]

        let_in, without, told_to_wait = 0, 0, 0
        for round_ in range(30):
            for guess in range(8):
                headers = NEIGHBOUR if guess % 2 else OWNER
                answer = server.log_in(owner, f"guess {round_} {guess}", headers=headers)
                told_to_wait += answer.status_code == 429
            without += server.log_in(owner, headers=OWNER).status_code == 200
            without += by_owner(f"x{device[1:]}") == 200
            let_in += by_owner(device) == 200
        yield f"of 240 guesses {told_to_wait} had to wait; of 30 logins with the owner's device {let_in} went through"
        yield f"of 60 right logins without a device, or with a wrong one, {without} went through"
        assert let_in == 30, f"{let_in} of 30 logins of the owner went through"
        assert without < 15, "there is no delay that the device would spare"
        assert by_owner(device, "wrong") == 403, "a device takes the place of a password"


if __name__ == "__main__":
    main(attack)
