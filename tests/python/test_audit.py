"""The audit trail in the database, as a program that uses the package leaves it."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

import psycopg
import pytest
from support import ADDRESS, APP, PASSWORD, Config, unique
from zato_sso import SSO, ValidationError


def extras(config: Config, op: str, result: str) -> list[dict[str, Any]]:
    """What entries of an operation say beside the usual."""
    query = f"SELECT extra FROM sso_audit WHERE op = '{op}' AND result = '{result}'"  # noqa: S608
    url = config["database"]["url"]
    if url.startswith("sqlite"):
        file = sqlite3.connect(url.removeprefix("sqlite:///"))
        rows = file.execute(query).fetchall()
        file.close()
    else:
        with psycopg.connect(url) as postgres:
            rows = postgres.execute(query).fetchall()
    return [json.loads(extra) for (extra,) in rows]


def test_refusals_of_strangers_are_counted_and_there_after_closing(config: Config) -> None:
    with SSO(config=config) as sso:
        for _ in range(20):
            with pytest.raises(ValidationError):
                sso.user.login("cid", unique("nobody"), PASSWORD, APP, ADDRESS)
    counts = [extra["count"] for extra in extras(config, "user.login", "E005001")]
    assert sum(counts) == 20
    # One a minute, which may have passed.
    assert len(counts) <= 2


def test_a_login_without_a_password_says_so(config: Config) -> None:
    with SSO(config=config) as sso:
        data = {"username": unique("user"), "password": PASSWORD}
        sso.user.create_user("cid", data, require_super_user=False, auto_approve=True)
        sso.user.login("cid", data["username"], PASSWORD, APP, ADDRESS)
        sso.user.login("cid", data["username"], None, APP, ADDRESS, skip_sec=True)
    methods = [extra.get("auth_method") for extra in extras(config, "user.login", "ok")]
    assert sorted(methods, key=str) == [None, "skip_sec"]
