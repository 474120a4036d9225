"""Guessing with connections that are closed while the password is hashed, so that no guess is counted."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

from target import ADDRESS, APP, Target, main, target

GUESSES = 12


def guess(server: Target, username: str, password: str) -> None:
    """Sends a login, and hangs up before the answer."""
    body = json.dumps({"username": username, "password": password, "current_app": APP})
    head = f"POST /zato/sso/user/login HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.create_connection((ADDRESS, urlsplit(server.url).port or 0)) as connection:
        connection.sendall((head + body).encode())
        # The server has read it, and has not answered yet.
        time.sleep(0.05)


def attack(database_url: str | None) -> Iterator[str]:
    """A dozen such guesses; then a few that wait for their answer."""
    # A hash takes long enough to hang up before it is done.
    with target(database_url, hash_secret={"memory_kib": 65_536, "iterations": 3}) as server:
        owner = server.user()
        for number in range(GUESSES):
            guess(server, owner, f"guess {number}")
        # Fewer than would bring a delay by themselves; on a busy machine the others are still under way at first.
        for _ in range(3):
            status = server.log_in(owner, "wrong").status_code
            if status == 429:
                break
            time.sleep(1.5)
        yield f"after {GUESSES} guesses that nobody waited for, the next one is answered with {status}"
        assert status == 429, "guesses that nobody waits for are not counted"


if __name__ == "__main__":
    main(attack)
