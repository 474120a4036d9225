"""The command, REST and Python on one database at the same time: what one does, the others see."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from zato_sso import SSO, ValidationError

PASSWORD = "correct horse battery staple"
KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
APP, ADDRESS = "CRM", "127.0.0.1"
# What another node on PostgreSQL changes is seen after so many seconds.
DELAY = 0.1

Command = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def environment(database_url: str) -> dict[str, str]:
    """Settings that the processes of one test share."""
    return {
        **os.environ,
        "ZATO_SSO_DATABASE_URL": database_url,
        "ZATO_SSO_SECRET_KEY": KEY,
        "ZATO_SSO_PASSWORD": PASSWORD,
        "ZATO_SSO_HASH_SECRET__MEMORY_KIB": "64",
        "ZATO_SSO_HASH_SECRET__ITERATIONS": "1",
        "ZATO_SSO_HASH_SECRET__ALLOW_WEAK": "true",
    }


@pytest.fixture
def command(environment: dict[str, str], tmp_path: Path) -> Command:
    """Runs a command of the wheel's console script."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        program = [sys.executable, "-m", "zato_sso", *arguments]
        return subprocess.run(
            program, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60
        )

    return run


@pytest.fixture
def rest(environment: dict[str, str], tmp_path: Path) -> Iterator[httpx.Client]:
    """A client of a server that was started by hand."""
    program = [sys.executable, "-m", "zato_sso", "--json", "serve", "--listen", "127.0.0.1:0"]
    with subprocess.Popen(program, env=environment, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        address = json.loads(server.stdout.readline())["url"]
        with httpx.Client(base_url=f"{address}/zato/sso", trust_env=False) as client:
            yield client
        server.send_signal(signal.SIGTERM)
        assert server.wait(30) == 0


@pytest.fixture
def sso(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[SSO]:
    """The same database from Python."""
    for name, value in environment.items():
        if name.startswith("ZATO_SSO_HASH"):
            monkeypatch.setenv(name, value)
    config = {"database.url": environment["ZATO_SSO_DATABASE_URL"], "main.secret_key": KEY, "audit.file": "off"}
    with SSO(config=config) as sso:
        yield sso


def answer(response: httpx.Response, status: int = 200) -> dict[str, Any]:
    """The body of a response that has this status."""
    assert response.status_code == status, response.text
    body: dict[str, Any] = response.json()
    return body


def login(rest: httpx.Client, username: str, status: int = 200) -> dict[str, Any]:
    """Log in over REST."""
    return answer(rest.post("/user/login", json={"username": username, "password": PASSWORD}), status)


def test_the_faces_share_users_and_sessions(command: Command, rest: httpx.Client, sso: SSO) -> None:
    made = command("create-super-user", "admin1")
    assert (made.returncode, made.stdout) == (0, "Created super-user `admin1`\n"), made.stderr
    admin = login(rest, "admin1")["ust"]

    new = {"ust": admin, "username": "user1", "password": PASSWORD, "auto_approve": True}
    user_id = answer(rest.post("/user", json=new))["user_id"]
    info = sso.user.login("cid", "user1", PASSWORD, APP, ADDRESS)
    assert info.user_id == user_id

    # A session of one face is a session of the others.
    both = {"target_ust": info.ust, "current_ust": admin}
    assert answer(rest.post("/user/session", json=both))["is_valid"] is True
    assert sso.user.session.verify("cid", info.ust, admin, APP, ADDRESS) is True

    # What one face changes the others see: at the next call, or as soon as nodes on PostgreSQL have to.
    locked = command("lock-user", "user1")
    time.sleep(DELAY)
    assert locked.stdout == "Locked user account `user1`\n", locked.stderr
    assert answer(rest.post("/user/session", json=both))["is_valid"] is False
    assert login(rest, "user1", 403)["sub_status"] == ["E005002"]
    with pytest.raises(ValidationError) as refused:
        sso.user.get_current_user("cid", info.ust, APP, ADDRESS)
    assert refused.value.sub_status == ["E007001"]

    # The session does not come back with the right to log in.
    sso.user.unlock_user("cid", user_id, admin, APP, ADDRESS)
    time.sleep(DELAY)
    assert answer(rest.post("/user/session", json=both))["is_valid"] is False
    info = sso.user.login("cid", "user1", PASSWORD, APP, ADDRESS)
    both = {"target_ust": info.ust, "current_ust": admin}
    assert answer(rest.post("/user/session", json=both))["is_valid"] is True
    assert answer(rest.get("/user", params={"ust": info.ust}))["username"] == "user1"

    assert answer(rest.post("/user/logout", json={"ust": info.ust}))["status"] == "ok"
    time.sleep(DELAY)
    assert sso.user.session.verify("cid", info.ust, admin, APP, ADDRESS) is False

    listed = command("--json", "list-users")
    assert [user["username"] for user in json.loads(listed.stdout)] == ["admin1", "user1"], listed.stderr


def test_the_worked_example_over_the_network(command: Command, rest: httpx.Client) -> None:
    command("create-user", "user1")
    right = login(rest, "user1")
    assert list(right) == ["cid", "status", "ust"]
    wrong = rest.post("/user/login", content=b'{"username":"user1","password":"wrong","current_app":"CRM"}')
    assert list(answer(wrong, 403)) == ["cid", "status", "sub_status"]
    assert wrong.json()["sub_status"] == ["E005001"]
    missing = rest.post("/user/login", content=b'{"password":"x","current_app":"CRM"}')
    assert list(answer(missing, 400)) == ["result", "cid", "details"]
    assert missing.json()["details"] == "Bad request: username is missing"


def test_clients_authenticate_by_linked_definitions(command: Command, rest: httpx.Client, sso: SSO) -> None:
    made = [
        json.loads(command("--json", "create-sec-def", *words).stdout)
        for words in (("basic_auth", "api", "client1"), ("jwt", "app", "client1"))
    ]
    command("create-super-user", "admin1")
    command("create-user", "user1")
    admin = sso.user.login("cid", "admin1", PASSWORD, APP, ADDRESS).ust
    user = sso.user.login("cid", "user1", PASSWORD, APP, ADDRESS)
    for definition in made:
        link = {"user_id": user.user_id, "auth_type": definition["sec_type"], "auth_username": "client1"}
        assert answer(rest.post("/user/linked", json=link, headers={"Authorization": f"Bearer {admin}"}))
    basic = httpx.BasicAuth("client1", made[0]["secret"])
    soon = datetime.now(timezone.utc) + timedelta(minutes=5)
    claims = {"sub": "client1", "exp": soon, "nbf": soon - timedelta(minutes=6), "iat": soon, "aud": "app"}
    headers = {"Authorization": f"Bearer {jwt.encode(claims, made[1]['secret'], algorithm='HS256')}"}
    for _ in range(2):
        assert answer(rest.get("/user", auth=basic))["username"] == "user1"
        assert answer(rest.get("/user", headers=headers))["username"] == "user1"
    other = {"Authorization": f"Bearer {jwt.encode(claims, made[0]['secret'], algorithm='HS256')}"}
    assert answer(rest.get("/user", headers=other), 403)["sub_status"] == ["E005001"]
    assert answer(rest.get("/user", auth=httpx.BasicAuth("client1", "wrong")), 403)["sub_status"] == ["E005001"]

    listed = sso.session.get_list("cid", user.ust, None, None, APP, ADDRESS)
    told = [(session["auth_type"], session["auth_principal"]) for session in listed]
    assert told == [("default", "user1"), ("basic_auth", "client1"), ("jwt", "client1")]
    assert command("delete-sec-def", "api", "--yes").stdout == "Deleted security definition `api`\n"
    assert answer(rest.get("/user", auth=basic), 403)["sub_status"] == ["E005001"]
    assert answer(rest.get("/user", headers=headers))["username"] == "user1"
    assert len(sso.session.get_list("cid", user.ust, None, None, APP, ADDRESS)) == 2
