"""Telling by the time of the answer who has an account. The ratio is for people to read: no test asserts times."""

from __future__ import annotations

import secrets
import statistics
import time
from collections.abc import Iterator, Mapping
from typing import Any

import requests
from mailbox_of_attack import mailbox

from target import APP, main, target

REQUESTS = 600


def attack(database_url: str | None) -> Iterator[str]:
    """600 requests each for a reset and for a repeated email, of known and unknown users, in random order."""
    without_limits: dict[str, Any] = {"max_per_hour": 0, "max_per_hour_per_address": 0}
    sections: dict[str, Mapping[str, Any]] = {
        "apps": {"signup_allowed": [APP]},
        "signup": without_limits,
        "password_reset": without_limits,
    }
    with mailbox() as inbox, target(database_url, None, smtp={"url": inbox.url}, **sections) as server:
        known = [server.user(email=f"user{number}@example.com") for number in range(20)]
        with requests.Session() as session:
            for path in ("/password/reset", "/user/signup/resend"):
                times: dict[bool, list[float]] = {True: [], False: []}
                shapes = set()
                for number in range(2 * REQUESTS):
                    is_known = secrets.randbelow(2) == 1
                    credential = known[number % 20] if is_known else f"user-{secrets.token_hex(6)}"
                    start = time.perf_counter()
                    answer = session.post(f"{server.url}/zato/sso{path}", json={"credential": credential}, timeout=60)
                    times[is_known].append(time.perf_counter() - start)
                    shapes.add((answer.status_code, tuple(sorted(answer.json()))))
                medians = {which: statistics.median(values) for which, values in times.items()}
                ratio = medians[True] / medians[False]
                yield (
                    f"{path}: known {medians[True] * 1e3:.3f} ms, unknown {medians[False] * 1e3:.3f} ms, "
                    f"ratio {ratio:.3f}"
                )
                assert len(shapes) == 1, "the answers differ"


if __name__ == "__main__":
    main(attack)
