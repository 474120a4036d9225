"""An SQLite file that is deleted, moved or replaced while it is open, and one that is lost beside its key."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
from support import ADDRESS, APP, PASSWORD, Config, changed, config_of, log_in, new_key, super_user
from test_database import failures, refusal, target
from zato_sso import SSO, BackendError

__all__ = ["target"]

COMMAND = str(Path(sys.executable).with_name("zato-sso"))


@pytest.fixture
def config(sqlite_url: str) -> Config:
    """A database in a file."""
    return changed(config_of(sqlite_url, new_key()), login_throttle={"enabled": False})


@pytest.fixture
def file(config: Config) -> Path:
    """The file."""
    return Path(str(config["database"]["url"]).removeprefix("sqlite:///"))


def delete(file: Path) -> None:
    """Deletes it, with all that belongs to it."""
    for one in file.parent.glob(f"{file.name}*"):
        one.unlink()


def delete_alone(file: Path) -> None:
    """Deletes it, and nothing else."""
    file.unlink()


def move(file: Path) -> None:
    """Moves it away."""
    file.rename(file.with_name("moved.db"))


def replace(file: Path) -> None:
    """Puts a copy of it in its place."""
    copy = file.with_name("copy.db")
    shutil.copy(file, copy)
    copy.rename(file)


def link_elsewhere(file: Path) -> None:
    """Puts a symbolic link in its place."""
    other = file.with_name("other.db")
    shutil.copy(file, other)
    file.unlink()
    file.symlink_to(other)


LOSSES = [delete, delete_alone, move, replace, link_elsewhere]


@pytest.mark.parametrize("lose", LOSSES)
def test_nothing_is_acknowledged_that_goes_into_a_lost_file(
    config: Config, file: Path, lose: Callable[[Path], None]
) -> None:
    with SSO(config=config) as sso:
        username = super_user(sso)
        ust = log_in(sso, username)
        stop, is_lost = threading.Event(), threading.Event()
        late: list[str] = []

        def write() -> None:
            while not stop.is_set():
                was_lost = is_lost.is_set()
                try:
                    log_in(sso, username)
                except BackendError:
                    continue
                if was_lost:
                    late.append("acknowledged")

        threads = [threading.Thread(target=write) for _ in range(4)]
        for thread in threads:
            thread.start()
        time.sleep(0.2)
        lose(file)
        is_lost.set()
        time.sleep(0.3)
        stop.set()
        for thread in threads:
            thread.join(30)
        assert late == []
        calls: list[Callable[[], Any]] = [
            lambda: log_in(sso, username),
            lambda: sso.user.get_user_by_username("cid", username),
            lambda: sso.user.logout("cid", ust, APP, ADDRESS),
        ]
        for call in calls:
            text, seconds = refusal(call)
            assert "while it was in use" in text
            assert seconds < 2
        # No other file was made by looking.
        if lose in (delete, delete_alone, move):
            assert not file.exists()


def test_a_file_that_comes_back_is_used_again(config: Config, file: Path) -> None:
    with SSO(config=config) as sso:
        username = super_user(sso)
        move(file)
        refusal(lambda: log_in(sso, username))
        file.with_name("moved.db").rename(file)
        assert failures(lambda: log_in(sso, username), 3) == []


def test_a_replaced_file_is_used_by_who_opens_it_next(config: Config, file: Path) -> None:
    with SSO(config=config) as first:
        kept = super_user(first)
    shutil.copy(file, file.with_name("backup.db"))
    with SSO(config=config) as sso:
        lost = super_user(sso)
    with SSO(config=config) as old:
        log_in(old, lost)
        delete(file)
        file.with_name("backup.db").rename(file)
        refusal(lambda: log_in(old, lost))
        with SSO(config=config) as new:
            assert failures(lambda: log_in(new, kept), 3) == []
            assert new.user.get_user_by_username("cid", lost) is None
            refusal(lambda: log_in(old, lost))
        old.close()
        with SSO(config=config) as new:
            log_in(new, kept)


def test_serve_is_not_ready_without_its_file(config: Config, file: Path, target: Any) -> None:
    url = str(config["database"]["url"])
    with target(url) as server:
        username = server.user()
        ready = f"{server.url}/health/ready"
        assert requests.get(ready, timeout=5).status_code == 200
        move(file)
        assert requests.get(ready, timeout=5).status_code == 503
        assert server.log_in(username).status_code == 503
        assert not file.exists()
        file.with_name("moved.db").rename(file)
        assert server.log_in(username).status_code == 200
        assert requests.get(ready, timeout=5).status_code == 200


@pytest.fixture
def with_key_file(config: Config) -> Config:
    """The same with the key in a file beside it."""
    return {**config, "main": {}}


def truncate(file: Path) -> None:
    """Empties it."""
    delete(file)
    file.touch()


def without_key(lose: Callable[[Path], None]) -> Callable[[Path], None]:
    """The same, and the key stays."""

    def lose_all_but_the_key(file: Path) -> None:
        key = file.with_name(f"{file.name}.key")
        text = key.read_bytes()
        lose(file)
        key.write_bytes(text)
        key.chmod(0o600)

    return lose_all_but_the_key


@pytest.mark.parametrize("lose", [delete, delete_alone, move, truncate])
def test_no_empty_database_is_made_beside_a_key(
    with_key_file: Config, file: Path, lose: Callable[[Path], None]
) -> None:
    with SSO(config=with_key_file) as sso:
        super_user(sso)
    without_key(lose)(file)
    size = file.stat().st_size if file.exists() else None
    with pytest.raises(BackendError, match=r"database\.create"):
        SSO(config=with_key_file)
    if size is None:
        assert not file.exists()
    with SSO(config=changed(with_key_file, database={**with_key_file["database"], "create": "always"})) as sso:
        super_user(sso)
    # It is there now.
    with SSO(config=with_key_file) as sso:
        super_user(sso)


def test_a_write_ahead_log_is_not_thrown_away(config: Config, file: Path) -> None:
    with SSO(config=config) as sso:
        super_user(sso)
        log = file.with_name(f"{file.name}-wal").read_bytes()
    delete(file)
    file.with_name(f"{file.name}-wal").write_bytes(log)
    with pytest.raises(BackendError, match=r"-wal is there"):
        SSO(config=config)
    assert file.with_name(f"{file.name}-wal").read_bytes() == log


def test_whether_a_database_is_made_can_be_said(config: Config, file: Path, postgres_url: str) -> None:
    for other in (config, config_of(postgres_url, new_key())):
        never = changed(other, database={**other["database"], "create": "never"})
        with pytest.raises(BackendError, match="never"):
            SSO(config=never)
        if other is config:
            assert not file.exists()
        with SSO(config=other) as sso:
            super_user(sso)
        with SSO(config=never) as sso:
            super_user(sso)
    with SSO("sqlite::memory:", config={**config, "database": {"create": "never"}}) as sso:
        super_user(sso)


def command(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs the command in a folder."""
    return subprocess.run(
        [COMMAND, *arguments],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        input=f"{PASSWORD}\n",
        timeout=30,
        check=False,
    )


def test_the_command_makes_no_empty_database_beside_a_key_unless_it_is_told_to(tmp_path: Path) -> None:
    assert command(tmp_path, "init").returncode == 0
    create = ["create-super-user", "root1"]
    assert command(tmp_path, *create).returncode == 0
    without_key(delete)(tmp_path / "sso.db")
    for arguments in (["serve", "--listen", "127.0.0.1:0"], create, ["migrate"]):
        done = command(tmp_path, *arguments)
        assert done.returncode != 0, arguments
        assert "restore the database" in done.stderr or "there is no database" in done.stderr, done.stderr
        assert len(done.stderr.splitlines()) == 1
        assert not (tmp_path / "sso.db").exists()
    done = command(tmp_path, *create, ZATO_SSO_DATABASE__CREATE="always")
    assert done.returncode == 0, done.stderr
    without_key(delete)(tmp_path / "sso.db")
    assert command(tmp_path, "init").returncode == 0
    assert command(tmp_path, *create).returncode == 0


def test_many_that_begin_together_make_one(with_key_file: Config) -> None:
    wrong: list[str] = []

    def begin() -> None:
        wrong.extend(failures(lambda: SSO(config=with_key_file).close(), 1))

    threads = [threading.Thread(target=begin) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert wrong == []
