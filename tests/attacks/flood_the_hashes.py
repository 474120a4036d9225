"""Sign-ups and logins of strangers, as fast as they can be sent, so that nobody else's password is hashed."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Iterator
from typing import Any

import requests

from target import APP, main, target

# What a hash costs here, so that there are more passwords than can be hashed.
HASH = {"memory_kib": 19456, "iterations": 2}
STRANGER = {"X-Forwarded-For": "203.0.113.9"}
OWNER = {"X-Forwarded-For": "198.51.100.7"}


def attack(database_url: str | None) -> Iterator[str]:
    """64 connections that sign up and log in from one network; meanwhile the owner logs in from another one."""
    with target(
        database_url,
        hash_secret=HASH,
        http={"trusted_proxies": ["127.0.0.1"]},
        apps={"signup_allowed": [APP]},
        signup={"max_per_hour_per_address": 0, "max_per_hour": 0},
        login_throttle={"enabled": False},
    ) as server:
        owner = server.user()
        end = time.monotonic() + 4
        durations: list[float] = []

        def flood(number: int) -> None:
            with requests.Session() as session:
                while time.monotonic() < end:
                    start = time.monotonic()
                    name = f"n{number}x{len(durations)}"
                    elements: dict[str, Any] = {"username": name, "password": "a wrong guess", "current_app": APP}
                    path = "/user/login"
                    if number % 2:
                        path = "/user/signup"
                        elements.update(email=f"{name}@example.com", app_list=[APP])
                    session.post(f"{server.url}/zato/sso{path}", json=elements, headers=STRANGER, timeout=60)
                    durations.append(time.monotonic() - start)

        floods = [threading.Thread(target=flood, args=(number,)) for number in range(64)]
        for thread in floods:
            thread.start()
        time.sleep(0.5)
        times, refused = [], 0
        while time.monotonic() < end - 0.5:
            start = time.monotonic()
            refused += server.log_in(owner, headers=OWNER).status_code != 200
            times.append(time.monotonic() - start)
        for thread in floods:
            thread.join()
        usual, own = statistics.mean(durations), statistics.mean(times)
        yield f"{len(durations)} requests of strangers took {usual:.2f} s each, the owner's logins {own:.2f} s"
        assert refused == 0, f"{refused} of {len(times)} right logins were refused"
        # Without turns, each waits for all that came before it.
        assert own < usual / 2, "the owner waits as long as the strangers"


if __name__ == "__main__":
    main(attack)
