"""What has expired is deleted in the background of whoever has opened an object."""

from __future__ import annotations

import json
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from support import ADDRESS, APP, Config, in_child, log_in, super_user
from zato_sso import SSO

# From Python 3.12 on, a fork beside other threads warns.
pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")


def runs(log: Path) -> int:
    """How often something was deleted."""
    entries = [json.loads(line) for line in log.read_text().splitlines()]
    return sum(entry["op"] == "maintenance.clean_up" for entry in entries)


def expire_one(sso: SSO, ust: str, name: str, log: Path) -> None:
    """Makes an attribute that lives for a second, and waits until something was deleted."""
    before = runs(log)
    sso.user.attr.create("cid", name, 1, expiration=1, current_ust=ust, current_app="CRM", remote_addr="127.0.0.1")
    deadline = time.monotonic() + 30
    while runs(log) == before:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_it_is_deleted_on_both_sides_of_a_fork(config: Config, tmp_path: Path) -> None:
    log = tmp_path / "audit.jsonl"
    config = {**config, "cleanup": {"interval": 1}, "audit": {"file": str(log)}}
    with SSO(config=config) as sso:
        ust = log_in(sso, super_user(sso))
        expire_one(sso, ust, "parent", log)
        # The parent's object is closed for the fork and opened by its next call: only the child can delete it.
        assert in_child(lambda: expire_one(sso, ust, "child", log)) == 0
        expire_one(sso, ust, "parent again", log)


def tomorrow() -> datetime:
    """In a day, as the API has times."""
    return datetime.now(timezone.utc).replace(tzinfo=None) + timedelta(days=1)


def test_a_hook_hears_of_passwords_that_expire_soon(config: Config) -> None:
    heard: list[list[dict[str, Any]]] = []
    config = {**config, "cleanup": {"interval": 1}}
    with SSO(config=config, hooks={"on_password_expiring": heard.append}) as sso:
        username = super_user(sso)
        ust = log_in(sso, username)
        expiry = tomorrow()
        sso.user.update_current_user("cid", {"password_expiry": expiry}, ust, APP, ADDRESS)
        deadline = time.monotonic() + 30
        while not heard:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        user_id = sso.user.get_current_user("cid", ust, APP, ADDRESS).user_id
        time.sleep(2.5)
    # Once, however often maintenance has run since.
    assert heard == [[{"user_id": user_id, "username": username, "password_expiry": expiry}]]
