"""Backup and restore as docs/operations.md has them: under load, below a running server, and cut off at any moment."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests
from support import FAST, new_key

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
RECIPES = dict(re.findall(r"^<!-- recipe ([a-z0-9-]+) -->\n```\w+\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
COMMAND = Path(sys.executable).with_name("zato-sso")
PASSWORD = "correct horse battery staple"
WRITES_PER_SECOND = 40

sys.path.insert(0, str(ROOT / "tests"))
from with_postgres import find_programs  # noqa: E402 (the programs of PostgreSQL are found there)


@dataclass
class Site:
    """A folder with a database, and what commands in it have in their environment."""

    folder: Path
    environment: dict[str, str]

    @property
    def database(self) -> Path:
        return self.folder / "sso.db"

    def run(self, *arguments: str, **options: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(COMMAND), *arguments],
            cwd=self.folder,
            env={**self.environment, **options},
            capture_output=True,
            text=True,
            check=False,
        )

    def done(self, *arguments: str) -> str:
        done = self.run(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def recipe(self, name: str) -> str:
        """Runs an example of the page, word by word."""
        done = subprocess.run(
            ["sh", "-euc", RECIPES[name]],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, ""), f"{name}\n{done.stdout}{done.stderr}"
        return done.stdout

    def usernames(self) -> set[str]:
        return {user["username"] for user in json.loads(self.done("--json", "list-users"))}

    @contextmanager
    def server(self) -> Iterator[Server]:
        with subprocess.Popen(
            [str(COMMAND), "--json", "serve", "--listen", "127.0.0.1:0"],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout is not None
            try:
                yield Server(process, "http://" + json.loads(process.stdout.readline())["listen"])
            finally:
                process.terminate()


@dataclass
class Server:
    """A running server."""

    process: subprocess.Popen[str]
    url: str

    def log_in(self, username: str) -> requests.Response:
        elements = {"username": username, "password": PASSWORD, "current_app": "CRM"}
        return requests.post(f"{self.url}/zato/sso/user/login", json=elements, timeout=30)

    def is_valid(self, ust: str) -> bool:
        elements = {"target_ust": ust, "current_ust": ust, "current_app": "CRM"}
        answer = requests.get(f"{self.url}/zato/sso/user/session", json=elements, timeout=30)
        return answer.status_code == 200


@dataclass
class Load:
    """Logins, each of which writes a session, so many a second; how they were answered."""

    server: Server
    statuses: Counter[int] = field(default_factory=Counter)

    @contextmanager
    def going_on(self) -> Iterator[Load]:
        over = threading.Event()

        def work() -> None:
            while not over.wait(4 / WRITES_PER_SECOND):
                try:
                    self.statuses[self.server.log_in("ann").status_code] += 1
                except requests.ConnectionError:
                    self.statuses[0] += 1

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            over.set()
            for thread in threads:
                thread.join()


@pytest.fixture
def site(tmp_path: Path, database_url: str) -> Site:
    return prepared(tmp_path, database_url)


@pytest.fixture
def sqlite_site(tmp_path: Path, sqlite_url: str) -> Site:
    return prepared(tmp_path, sqlite_url)


def prepared(folder: Path, url: str) -> Site:
    """A database with one user, ann."""
    programs = [str(COMMAND.parent), str(find_programs()), os.environ["PATH"]]
    environment = {
        "PATH": os.pathsep.join(programs),
        "ZATO_SSO_DATABASE_URL": url,
        "ZATO_SSO_SECRET_KEY": new_key(),
        "ZATO_SSO_PASSWORD": PASSWORD,
        "ZATO_SSO_AUDIT__FILE": "off",
    }
    environment |= {f"ZATO_SSO_HASH_SECRET__{name.upper()}": str(value).lower() for name, value in FAST.items()}
    site = Site(folder, environment)
    site.done("migrate")
    site.done("create-user", "ann")
    return site


def assert_whole(database: Path) -> None:
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []


def fill(site: Site, count: int = 4000) -> None:
    """Users enough that restoring them takes a moment."""
    lines = [json.dumps({"username": f"user{number}", "email": f"u{number}@example.com"}) for number in range(count)]
    (site.folder / "users.jsonl").write_text("\n".join(lines))
    site.done("import", "users", "--format", "jsonl", "users.jsonl")


def test_a_backup_under_load_is_whole_and_ends(sqlite_site: Site) -> None:
    site = sqlite_site
    fill(site)
    with site.server() as server:
        ust = server.log_in("ann").json()["ust"]
        with Load(server).going_on() as load:
            time.sleep(0.5)
            begun = time.monotonic()
            site.recipe("backup-sqlite")
            seconds = time.monotonic() - begun
        assert set(load.statuses) == {200}, load.statuses
    assert seconds < 30
    copy = site.folder / "sso-copy.db"
    assert_whole(copy)
    for path in (copy, copy.with_name("sso-copy.db.key-id")):
        assert path.stat().st_mode & 0o777 == 0o600, path
    assert {path.name for path in site.folder.glob("sso-copy.db*")} == {"sso-copy.db", "sso-copy.db.key-id"}
    # What was acknowledged before is in it.
    environment = {**site.environment, "ZATO_SSO_DATABASE_URL": f"sqlite:///{copy}"}
    with Site(site.folder, environment).server() as other:
        assert other.is_valid(ust)


def test_a_restore_reaches_a_running_server(site: Site) -> None:
    engine = "sqlite" if site.database.exists() else "postgresql"
    site.recipe(f"backup-{engine}")
    with site.server() as server:
        ust = server.log_in("ann").json()["ust"]
        site.done("create-user", "later")
        # Twice: the second answer comes from the cache.
        assert server.is_valid(ust)
        assert server.is_valid(ust)
        site.recipe(f"restore-{engine}")
        assert not server.is_valid(ust)
        assert server.log_in("later").status_code != 200
        again = server.log_in("ann")
        assert again.status_code == 200
        assert server.is_valid(again.json()["ust"])
    assert site.usernames() == {"ann"}


def test_a_restore_under_load_loses_no_answer(sqlite_site: Site) -> None:
    site = sqlite_site
    fill(site)
    site.recipe("backup-sqlite")
    site.done("create-user", "later")
    with site.server() as server, Load(server).going_on() as load:
        time.sleep(0.5)
        site.recipe("restore-sqlite")
        time.sleep(0.5)
    assert set(load.statuses) == {200}, load.statuses
    assert "later" not in site.usernames()
    assert_whole(site.database)


def test_a_restore_that_is_killed_leaves_the_old_or_the_restored_data(sqlite_site: Site) -> None:
    site = sqlite_site
    fill(site)
    site.recipe("backup-sqlite")
    restored = site.usernames()
    command = [str(COMMAND), "restore", "sso-copy.db"]
    begun = time.monotonic()
    site.done("restore", "sso-copy.db")
    seconds = time.monotonic() - begun
    seen = set()
    for step in range(1, 9):
        site.done("create-user", f"later{step}")
        with subprocess.Popen(
            command, cwd=site.folder, env=site.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as process:
            time.sleep(seconds * step / 8)
            process.send_signal(signal.SIGKILL)
        more = site.usernames() - restored
        seen.add(bool(more))
        assert site.usernames() >= restored
        # All that has come since the last restore that ended, or nothing of it.
        assert not more or f"later{step}" in more
        assert_whole(site.database)
    site.recipe("restore-sqlite")
    assert site.usernames() == restored
    assert True in seen
    assert not list(site.folder.glob("*.restore*"))


def test_a_log_that_a_crash_left_is_not_applied_to_what_is_restored(sqlite_site: Site) -> None:
    site = sqlite_site
    fill(site, 200)
    site.recipe("backup-sqlite")
    log = site.folder / "sso.db-wal"
    for is_file_gone in (False, True):
        with site.server() as server:
            for _ in range(20):
                assert server.log_in("ann").status_code == 200
            server.process.kill()
            server.process.wait()
        assert log.stat().st_size > 0
        if is_file_gone:
            site.database.unlink()
        site.recipe("restore-sqlite")
        assert len(site.usernames()) == 201
        assert_whole(site.database)


def test_restores_at_the_same_time_do_not_mix(sqlite_site: Site) -> None:
    site = sqlite_site
    fill(site)
    site.recipe("backup-sqlite")
    with subprocess.Popen(
        [str(COMMAND), "restore", "sso-copy.db"], cwd=site.folder, env=site.environment, stdout=subprocess.DEVNULL
    ) as first:
        second = site.run("restore", "sso-copy.db")
    assert first.returncode == 0 or second.returncode == 0
    assert len(site.usernames()) == 4001
    assert_whole(site.database)


def test_another_key_changes_nothing(sqlite_site: Site) -> None:
    site = sqlite_site
    site.recipe("backup-sqlite")
    site.done("create-user", "later")
    done = site.run("restore", "sso-copy.db", ZATO_SSO_SECRET_KEY=new_key())
    assert done.returncode == 1
    assert "key" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert site.usernames() == {"ann", "later"}
