"""Users of a Zato 3.3 server: all come over as they were, and log in as before, from Python and over REST."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from faces import COMMAND, Rest, serving
from stage import refused
from support import ADDRESS, APP, Config, totp_code
from zato_sso import SSO

DATA = Path(__file__).resolve().parents[1] / "data" / "zato33"
USERS: list[dict[str, Any]] = json.loads((DATA / "expected.json").read_text(encoding="utf-8"))["users"]
NEW_PASSWORD = "chosen after moving"
MANY = 6_000


def environment(config: Config) -> dict[str, str]:
    """What the command needs to find the same database."""
    settings = {
        "DATABASE_URL": config["database"]["url"],
        "SECRET_KEY": config["main"]["secret_key"],
        **{f"HASH_SECRET__{name.upper()}": json.dumps(value) for name, value in config["hash_secret"].items()},
    }
    return {**os.environ, **{f"ZATO_SSO_{name}": value for name, value in settings.items()}}


def command(config: Config, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs the command on the database."""
    return subprocess.run(
        [COMMAND, "--json", *arguments], env=environment(config), capture_output=True, text=True, check=False
    )


def bring_over(config: Config, source: Path = DATA / "zato.db", *more: str) -> dict[str, Any]:
    """Imports all users; the summary."""
    options = ["--from", f"sqlite:///{source}", "--secrets", str(DATA / "secrets.conf"), *more]
    done = command(config, "import", "zato", *options)
    assert done.returncode == 0, done.stderr
    summary: dict[str, Any] = json.loads(done.stdout)
    return summary


def of_kind(kind: str) -> list[dict[str, Any]]:
    """The users whose name begins so."""
    found = [user for user in USERS if user["username"].startswith(kind + ".")]
    assert found
    return found


@pytest.fixture
def moved(config: Config) -> Config:
    """A database with all users of Zato's."""
    assert command(config, "migrate").returncode == 0
    summary = bring_over(config)
    assert (summary["read"], summary["imported"], summary["refused"], summary["incomplete"]) == (len(USERS),) * 2 + (
        0,
        0,
    )
    assert summary["left_behind"] == [{"what": "sessions", "count": 1, "why": "everybody logs in anew"}]
    return config


@pytest.fixture(params=["python", "rest"])
def log_in(request: pytest.FixtureRequest, moved: Config, tmp_path: Path) -> Iterator[Callable[..., str]]:
    """Logs in, from Python or over REST; the token."""
    with SSO(config=moved) as sso:
        if request.param == "python":
            yield (
                lambda user, **more: sso.user.login("cid", user["username"], user["password"], APP, ADDRESS, **more).ust
            )
        else:
            with serving(moved, tmp_path) as rest:
                yield lambda user, **more: rest_login(rest, user, more)


def rest_login(rest: Rest, user: dict[str, Any], more: dict[str, Any]) -> str:
    arguments = {"username": user["username"], "password": user["password"], "current_app": APP, **more}
    return str(rest.call("user.login", arguments)["ust"])


def test_every_user_is_there_as_expected(moved: Config) -> None:
    with SSO(config=moved) as sso:
        root = sso.user.login("cid", USERS[0]["username"], USERS[0]["password"], APP, ADDRESS).ust
        for expected in USERS:
            by_name = sso.user.get_user_by_username("cid", expected["username"], needs_approved=False)
            assert by_name is not None
            user = sso.user.get_user_by_id("cid", expected["user_id"], root, APP, ADDRESS, return_all_attrs=True)
            assert user.username == by_name.username == expected["username"]
            for name in expected.keys() - {"attrs", "password", "display_name"}:
                assert getattr(user, name) == expected[name], f"{expected['username']}: {name}"
            # The empty text is None here.
            assert user.display_name == (expected.get("display_name") or user.display_name)
            attrs = {
                name: {"is_encrypted": attr.is_encrypted, "value": attr.value}
                for name, attr in user.attr.to_dict().items()
            }
            assert attrs == expected["attrs"]
        (temporary, *_) = of_kind("attrs")
        attr = sso.user.attr.get(
            "cid", "temp", current_ust=root, current_app=APP, remote_addr=ADDRESS, user_id=temporary["user_id"]
        )
        assert attr is not None
        assert attr.expiration_time.isoformat() == "2036-11-19T15:51:42.033685"


def test_everybody_who_may_logs_in_with_the_old_password(log_in: Callable[..., str]) -> None:
    for kind in ("root", "plain", "attrs", "no_email", "names"):
        for user in of_kind(kind):
            # The first one is verified by the old hash, the second by the new one.
            assert log_in(user) != log_in(user)
            with refused("E005001"):
                log_in({**user, "password": user["password"] + "x"})


def test_totp_is_asked_for_as_before(log_in: Callable[..., str]) -> None:
    for user in of_kind("totp"):
        with refused("E005008"):
            log_in(user)
        assert log_in(user, totp_code=totp_code(user["totp_key"]))
        with refused("E005001"):
            log_in(user, totp_code=totp_code(user["totp_key"], steps=-20))


def test_those_who_may_not_are_told_why(log_in: Callable[..., str]) -> None:
    for kind, code in (
        ("locked", "E005002"),
        ("unconfirmed", "E005003"),
        ("unapproved", "E005004"),
        ("rejected", "E005004"),
        ("must_change", "E003007"),
    ):
        for user in of_kind(kind):
            with refused(code):
                log_in(user)
    for user in of_kind("must_change"):
        assert log_in(user, new_password=NEW_PASSWORD)
        assert log_in({**user, "password": NEW_PASSWORD})


def test_a_second_import_changes_nothing_and_undoes_no_new_password(moved: Config) -> None:
    (user, *others) = of_kind("plain")
    with SSO(config=moved) as sso:
        ust = sso.user.login("cid", user["username"], user["password"], APP, ADDRESS).ust
        change = {"old_password": user["password"], "new_password": NEW_PASSWORD}
        sso.user.change_password("cid", change, ust, APP, ADDRESS)
        sso.user.update_current_user("cid", {"email": "moved@example.com"}, ust, APP, ADDRESS)
        sso.user.delete_user_by_id("cid", others[0]["user_id"], None, APP, ADDRESS, skip_sec=True)
    before = json.loads(command(moved, "list-users").stdout)
    summary = bring_over(moved)
    # Who was deleted here is still there in Zato.
    assert (summary["imported"], summary["already_there"]) == (1, len(USERS) - 1)
    summary = bring_over(moved)
    assert (summary["imported"], summary["already_there"]) == (0, len(USERS))
    after = [row for row in json.loads(command(moved, "list-users").stdout) if row["username"] != others[0]["username"]]
    assert before == after
    with SSO(config=moved) as sso:
        sso.user.login("cid", user["username"], NEW_PASSWORD, APP, ADDRESS)
        with refused("E005001"):
            sso.user.login("cid", user["username"], user["password"], APP, ADDRESS)
        again = sso.user.get_user_by_username("cid", user["username"])
        assert again is not None
        assert again.email == "moved@example.com"


def test_whoever_has_signed_up_confirms_with_the_token_that_was_sent(moved: Config) -> None:
    with closing(sqlite3.connect(DATA / "zato.db")) as zato:
        query = (
            "SELECT username, CAST(sign_up_confirm_token AS TEXT) FROM zato_sso_user WHERE sign_up_status <> 'final'"
        )
        waiting = dict(zato.execute(query).fetchall())
    assert len(waiting) == len(of_kind("unconfirmed"))
    with SSO(config=moved) as sso:
        for user in of_kind("unconfirmed"):
            sso.user.confirm_signup("cid", waiting[user["username"]], APP, ADDRESS)
            assert sso.user.login("cid", user["username"], user["password"], APP, ADDRESS).user_id == user["user_id"]
            with refused("E005007"):
                sso.user.confirm_signup("cid", waiting[user["username"]], APP, ADDRESS)


def test_a_dry_run_writes_nothing(config: Config, tmp_path: Path) -> None:
    assert command(config, "migrate").returncode == 0
    summary = bring_over(config, DATA / "zato.db", "--dry-run", "--report", str(tmp_path / "report.jsonl"))
    assert (summary["imported"], summary["dry_run"]) == (len(USERS), True)
    assert (tmp_path / "report.jsonl").read_text(encoding="utf-8") == ""
    assert json.loads(command(config, "list-users").stdout) == []


def many(folder: Path) -> Path:
    """A database of Zato's with very many users."""
    path = folder / "many.db"
    shutil.copy(DATA / "zato.db", path)
    with closing(sqlite3.connect(path)) as zato, zato:
        columns = [row[1] for row in zato.execute("PRAGMA table_info(zato_sso_user)")]
        own = {"id": "100 + n", **{name: f"{name} || n" for name in ("user_id", "username", "sign_up_confirm_token")}}
        selected = ", ".join(own.get(name, name) for name in columns)
        numbers = f"WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < {MANY})"  # noqa: S608
        copies = f"SELECT {selected} FROM zato_sso_user, number WHERE id = 2"  # noqa: S608
        zato.execute(f"{numbers} INSERT INTO zato_sso_user {copies}")
    return path


def count(config: Config) -> int:
    """How many users there are by now."""
    url, query = config["database"]["url"], "SELECT COUNT(*) FROM sso_user"
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"), timeout=60)) as other:
            return int(other.execute(query).fetchone()[0])
    with psycopg.connect(url) as other:
        row = other.execute(query).fetchone()
    assert row is not None
    return int(row[0])


def users_of(config: Config) -> list[dict[str, Any]]:
    """All users, but for since when they are locked: Zato does not know, so it is since the import."""
    users: list[dict[str, Any]] = json.loads(command(config, "list-users").stdout)
    return [{**user, "locked_time": None} for user in users]


def test_an_import_that_is_killed_half_way_is_ended_by_the_next_one(config: Config, tmp_path: Path) -> None:
    assert command(config, "migrate").returncode == 0
    source = many(tmp_path)
    options = ["--from", f"sqlite:///{source}", "--secrets", str(DATA / "secrets.conf")]
    with subprocess.Popen(
        [COMMAND, "import", "zato", *options], env=environment(config), stdout=subprocess.DEVNULL
    ) as process:
        deadline = time.monotonic() + 60
        while (there := count(config)) == 0 and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
    there = count(config)
    total = MANY + len(USERS)
    assert 0 < there < total
    summary = bring_over(config, source)
    assert (summary["already_there"], summary["imported"], summary["refused"]) == (there, total - there, 0)

    undisturbed = {**config, "database": {"url": f"sqlite:///{tmp_path / 'undisturbed.db'}"}}
    assert command(undisturbed, "migrate").returncode == 0
    assert bring_over(undisturbed, source)["imported"] == total
    assert users_of(config) == users_of(undisturbed)
