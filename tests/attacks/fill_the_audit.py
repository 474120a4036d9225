"""Refusals that anybody can cause, with a session or without, so that the table of audit entries grows without end."""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from collections.abc import Iterator

import psycopg
import requests

from target import Target, main, target

ROUNDS = 300
MAX_ROWS = 50


def counts(server: Target) -> tuple[int, int]:
    """How many rows of refusals there are, and how many refusals they speak of."""
    url = server.config["database"]["url"]
    if url.startswith("sqlite"):
        by_count = "SELECT COUNT(*), COALESCE(SUM(COALESCE(json_extract(extra, '$.count'), 1)), 0) FROM sso_audit"
        with sqlite3.connect(url.removeprefix("sqlite:///")) as file:
            rows, refusals = file.execute(f"{by_count} WHERE result <> 'ok'").fetchone()
        file.close()
        return rows, refusals
    by_count = "SELECT COUNT(*), COALESCE(SUM(COALESCE((extra::json->>'count')::int, 1)), 0) FROM sso_audit"
    with psycopg.connect(url) as postgres:
        row = postgres.execute(f"{by_count} WHERE result <> 'ok'").fetchone()
    assert row is not None
    return int(row[0]), int(row[1])


def attack(database_url: str | None) -> Iterator[str]:
    """Thousands of refusals of nine kinds; then the server ends, and has written what it counted."""
    with target(database_url, login_throttle={"enabled": False}) as server, requests.Session() as session:
        caused = 0
        ust = server.log_in(server.user()).json()["ust"]
        for number in range(ROUNDS):
            for method, path, elements in [
                ("POST", "/user/login", {"username": f"name-{number}", "password": "wrong"}),
                ("POST", "/user", {"ust": f"zust{number}", "username": "x"}),
                ("DELETE", "/user", {"ust": f"zust{number}", "user_id": "zusrx"}),
                ("POST", "/user/lock", {"ust": f"zust{number}", "user_id": "zusrx"}),
                ("POST", "/user/login", {"username": "x", "password": "x", "current_app": f"app-{number}"}),
                # A regular user, in a session of their own.
                ("GET", "/user/search", {"ust": ust}),
                ("GET", "/user", {"ust": ust, "user_id": f"zusr{number:022}"}),
                ("POST", "/user/attr", {"ust": ust, "name": "", "value": "x"}),
            ]:
                address = f"{server.url}/zato/sso{path}"
                caused += session.request(method, address, json=elements, timeout=60).status_code >= 400
        rows, _ = counts(server)
        assert rows < MAX_ROWS, f"{caused} refusals have made {rows} rows"
        os.kill(server.pid, signal.SIGTERM)
        deadline = time.monotonic() + 20
        while (counted := counts(server)[1]) < caused and time.monotonic() < deadline:
            time.sleep(0.1)
        rows, counted = counts(server)
        yield f"{caused} refusals have made {rows} rows, which speak of {counted}"
        assert rows < MAX_ROWS, f"{caused} refusals have made {rows} rows"
        assert counted == caused, f"the rows speak of {counted} refusals of {caused}"


if __name__ == "__main__":
    main(attack)
