"""Users from an iterable, blocking and for asyncio, and the files that the command reads."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import threading
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from support import ADDRESS, APP, PASSWORD, AsyncSSO, Config, make, totp_code
from zato_sso import SSO, ImportSummary, ValidationError, status_code

TOTP_KEY = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"


@pytest.fixture(params=["blocking", "async"])
def sso(request: pytest.FixtureRequest, config: Config) -> Iterator[SSO]:
    """An object of either tree on either engine."""
    loop = asyncio.new_event_loop()
    sso = make(request.param, config, loop)
    yield sso
    sso.close()
    loop.close()


def django_hash(password: str) -> str:
    """What Django stores, but for the number of rounds."""
    digest = hashlib.pbkdf2_hmac("sha256", password.encode(), b"seasalt", 1000)
    return f"pbkdf2_sha256$1000$seasalt${base64.b64encode(digest).decode()}"


HASH = django_hash(PASSWORD)


def counts(summary: ImportSummary) -> tuple[int, int, int, int, int]:
    return (summary.read, summary.imported, summary.already_there, summary.refused, summary.incomplete)


def test_users_come_with_all_that_is_theirs_and_log_in(sso: SSO, config: Config) -> None:
    time = datetime(2020, 1, 2, 3, 4, 5, 6, tzinfo=timezone(timedelta(hours=1)))
    users: list[dict[str, Any]] = [
        {
            "user_id": "zusr0ann",
            "username": "ann",
            "password_hash": HASH,
            "email": "ann@example.com",
            "sign_up_time": time,
            "is_totp_enabled": True,
            "totp_key": TOTP_KEY,
            "attrs": [{"name": "n", "value": 2**70, "is_encrypted": True, "expiration_time": datetime(2999, 1, 1)}],
        },
        {"username": "bob", "password_hash": HASH, "attrs": {"city": "Rome"}},
    ]
    summary = sso.import_users(users)
    assert counts(summary) == (2, 2, 0, 0, 0)
    assert repr(summary) == "ImportSummary(read=2, imported=2, already_there=0, refused=0, incomplete=0)"
    assert summary.findings == []
    ann = sso.user.get_user_by_username("cid", "ann")
    assert ann is not None
    assert ann.user_id == "zusr0ann"
    assert ann.sign_up_time == datetime(2020, 1, 2, 2, 4, 5, 6)
    with pytest.raises(ValidationError, match=status_code.auth.totp_missing):
        sso.user.login("cid", "ann", PASSWORD, APP, ADDRESS)
    with pytest.raises(ValidationError, match=status_code.auth.not_allowed):
        sso.user.login("cid", "bob", "wrong", APP, ADDRESS)
    session = sso.user.login("cid", "ann", PASSWORD, APP, ADDRESS, totp_code=totp_code(TOTP_KEY))
    with SSO(config=config) as other:
        attr = other.user.get_current_user("cid", session.ust, APP, ADDRESS).attr.get("n", decrypt=True)
    assert attr is not None
    assert (attr.value, attr.is_encrypted) == (2**70, True)
    sso.user.login("cid", "bob", PASSWORD, APP, ADDRESS)


def test_a_second_call_changes_nothing(sso: SSO) -> None:
    users = [{"username": f"user{number}", "password_hash": HASH} for number in range(3)]
    assert counts(sso.import_users(users)) == (3, 3, 0, 0, 0)
    user = sso.user.get_user_by_username("cid", "user1")
    assert user is not None
    sso.user.set_password("cid", user.user_id, "incorrect horse battery staple", False, None, APP, ADDRESS)
    assert counts(sso.import_users(iter(users))) == (3, 0, 3, 0, 0)
    sso.user.login("cid", "user1", "incorrect horse battery staple", APP, ADDRESS)


def test_what_is_wrong_with_an_item_costs_no_other(sso: SSO) -> None:
    class Odd:
        def __repr__(self) -> str:
            return "hunter2"

    users: list[Any] = [
        {"username": "ann"},
        "hunter2",
        {"username": "odd", "first_name": Odd()},
        {"username": "lone", "first_name": "\ud800"},
        {"username": "clear", "password": "hunter2"},
        {"username": "ann"},
        {"username": "number", "email": 7},
        {1: 2},
        {"username": "part", "attrs": {"deep": json.loads("[" * 62 + "]" * 62), "deeper": 1.5}},
        {"username": "bob"},
    ]
    summary = sso.import_users(users, dry_run=False)
    assert counts(summary) == (10, 3, 0, 7, 0)
    assert [(found["position"], found["username"], found["reason"]) for found in summary.findings] == [
        ("item 2", None, "not a dict"),
        ("item 3", None, "not a JSON value: Odd"),
        ("item 4", None, "not a dict of JSON values and datetimes"),
        ("item 5", None, "password: passwords in clear are not taken, give a hash in password_hash"),
        ("item 6", "ann", "the username has stood there before: the first one counts"),
        ("item 7", None, "email: expected text"),
        ("item 8", None, summary.findings[6]["reason"]),
    ]
    assert all(found["is_refused"] for found in summary.findings)
    assert "hunter2" not in str(summary.findings)


def test_a_dry_run_writes_nothing(sso: SSO) -> None:
    assert counts(sso.import_users([{"username": "ann"}], dry_run=True)) == (1, 1, 0, 0, 0)
    assert sso.user.get_user_by_username("cid", "ann") is None


def test_users_are_taken_as_they_are_needed_and_findings_are_so_many_at_most(sso: SSO) -> None:
    taken = 0

    def users() -> Iterator[dict[str, Any]]:
        nonlocal taken
        for number in range(9000):
            taken += 1
            if number == 8500:
                # The first batch is there, and the last is still to come.
                assert sso_there(sso, "user0")
            yield {"username": f"user{number}" if number % 2 == 0 else "a b"}

    summary = sso.import_users(users())
    assert taken == 9000
    assert counts(summary) == (9000, 4500, 0, 4500, 0)
    assert len(summary.findings) == 1000


def sso_there(sso: object, username: str) -> bool:
    """Whether somebody is there, asked for in the midst of an import, where no second loop can run."""
    if not isinstance(sso, SSO):
        return True
    return sso.user.get_user_by_username("cid", username) is not None


def test_what_the_iterable_raises_is_raised_and_what_came_before_stays(sso: SSO) -> None:
    def users() -> Iterable[dict[str, Any]]:
        for number in range(8500):
            yield {"username": f"user{number}"}
        raise LookupError("no more")

    with pytest.raises(LookupError, match="no more"):
        sso.import_users(users())
    assert sso.user.get_user_by_username("cid", "user0") is not None
    with pytest.raises(TypeError):
        sso.import_users(7)  # type: ignore[arg-type]


def test_a_blocking_call_runs_the_iterable_on_its_own_thread(config: Config) -> None:
    threads = set()

    def users() -> Iterator[dict[str, Any]]:
        for number in range(8500):
            threads.add(threading.get_ident())
            yield {"username": f"user{number}"}

    with SSO(config=config) as sso:
        sso.import_users(users())
    assert threads == {threading.get_ident()}


def test_an_event_loop_goes_on_meanwhile(config: Config) -> None:
    async def main() -> None:
        async with AsyncSSO(config=config) as sso:
            beat = 0

            async def heart() -> None:
                nonlocal beat
                while True:
                    beat += 1
                    await asyncio.sleep(0)

            task = asyncio.create_task(heart())
            summary = await sso.import_users({"username": f"user{number}"} for number in range(9000))
            task.cancel()
            assert summary.imported == 9000
            assert beat > 10

    asyncio.run(main())
