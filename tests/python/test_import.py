"""Users from an iterable, blocking and for asyncio, and the files that the command reads."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import struct
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
        {"username": "bob", "password_hash": HASH, "attrs": {"city": "Rome"}, "groups": ["Sales", "IT", "sales"]},
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
    ust = sso.user.login("cid", "bob", PASSWORD, APP, ADDRESS).ust
    assert sso.user.get_current_user("cid", ust, APP, ADDRESS).groups == ["IT", "Sales"]
    assert ann.groups == []


def scrypt(salt: str, n: int, r: int) -> str:
    key = hashlib.scrypt(PASSWORD.encode(), salt=salt.encode(), n=n, r=r, p=1, maxmem=1 << 27)
    return key.hex()


def salted(name: str, prefix: str) -> str:
    digest = hashlib.new(name, PASSWORD.encode() + b"salt").digest()
    return prefix + base64.b64encode(digest + b"salt").decode()


def pbkdf2(name: str) -> bytes:
    return hashlib.pbkdf2_hmac(name, PASSWORD.encode(), b"saltsaltsaltsalt", 1000, 32)


HASHES: dict[str, Any] = {
    "werkzeug": f"scrypt:1024:8:1$salt${scrypt('salt', 1024, 8)}",
    "werkzeug-pbkdf2": f"pbkdf2:sha256:1000$saltsaltsaltsalt${pbkdf2('sha256').hex()}",
    "ssha": salted("sha1", "{SSHA}"),
    "ssha256": salted("sha256", "{SSHA256}"),
    "ssha512": salted("sha512", "{SSHA512}"),
    "better-auth": f"{'0a' * 16}:{scrypt('0a' * 16, 16384, 16)}",
    "lucia": f"s2:abcdefgh12345678:{scrypt('abcdefgh12345678', 16384, 16)}",
    "asp-net-2": base64.b64encode(b"\0saltsaltsaltsalt" + pbkdf2("sha1")).decode(),
    "asp-net-3": base64.b64encode(
        b"\1" + struct.pack(">III", 1, 1000, 16) + b"saltsaltsaltsalt" + pbkdf2("sha256")
    ).decode(),
}


def test_hashes_of_other_systems_are_verified_and_replaced(sso: SSO) -> None:
    summary = sso.import_users({"username": name, "password_hash": stored} for name, stored in HASHES.items())
    assert summary.findings == []
    for name in HASHES:
        with pytest.raises(ValidationError, match=status_code.auth.not_allowed):
            sso.user.login("cid", name, f"{PASSWORD}x", APP, ADDRESS)
        for _ in range(2):
            sso.user.login("cid", name, PASSWORD, APP, ADDRESS)


FIREBASE: dict[str, Any] = {
    "signer_key": "jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==",
    "salt_separator": "Bw==",
    "rounds": 8,
    "mem_cost": 14,
}


def test_hashes_of_firebase_need_the_parameters_of_their_project(sso: SSO) -> None:
    stored = {
        "passwordHash": "lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ==",
        "salt": "42xEC+ixf3L2lw==",
    }
    users = [{"username": "ann", "password_hash": stored}]
    (finding,) = sso.import_users(users).findings
    assert (finding["username"], "parameters of its project" in finding["reason"]) == ("ann", True)
    for wrong, reason in [({}, "base64_signer_key: needed"), ({**FIREBASE, "rounds": "many"}, "rounds: a number")]:
        with pytest.raises(ValueError, match=f"firebase: {reason}"):
            sso.import_users(users, firebase=wrong)
    assert counts(sso.import_users(users, firebase=FIREBASE)) == (1, 1, 0, 0, 0)
    lines = "\n".join(f"base64_{name}: {value}" for name, value in list(FIREBASE.items())[:2])
    console = f"hash_config {{\n{lines}\nrounds: 8,\nmem_cost: 14,\n}}"
    assert sso.import_users([{**users[0], "username": "bob"}], firebase=console).imported == 1
    for name in ("ann", "bob"):
        sso.user.login("cid", name, "user1password", APP, ADDRESS)


def test_an_unknown_hash_is_called_by_its_name_and_so_is_its_user(sso: SSO) -> None:
    hashes: dict[str, Any] = {
        "md5": "{MD5}PLTnMmMfR+brlh80VUt83g==",
        "crypt": "$1$o1zx/hrO$gsf3CS.nFZiXJMZlGwErs0",
        "number": 12345,
        "list": ["x"],
    }
    summary = sso.import_users({"username": name, "password_hash": stored} for name, stored in hashes.items())
    unknown = "password_hash: a stored password hash is of an unknown scheme: "
    assert [(found["username"], found["reason"]) for found in summary.findings] == [
        ("md5", f"{unknown}{{MD5}}"),
        ("crypt", f"{unknown}md5-crypt ($1$)"),
        ("number", "password_hash: expected text"),
        ("list", "password_hash: expected text"),
    ]


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
        ("item 3", "odd", "not a JSON value: Odd"),
        ("item 4", "lone", "not a dict of JSON values and datetimes"),
        ("item 5", "clear", "password: passwords in clear are not taken, give a hash in password_hash"),
        ("item 6", "ann", "the username has stood there before: the first one counts"),
        ("item 7", "number", "email: expected text"),
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
