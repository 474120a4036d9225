"""PgBouncer in front of PostgreSQL, as it is installed from packages: by session, and by transaction."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from support import ADDRESS, APP, Config, changed, config_of, log_in, new_key, super_user
from test_database import at_once, failures
from zato_sso import SSO, BackendError, ValidationError

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "scaling.md").read_text(encoding="utf-8")
RECIPES = dict(re.findall(r"^<!-- recipe ([a-z0-9-]+) -->\n```\w+\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
KEY = new_key()
SETTINGS = """\
[databases]
* = host={host} port={port} user={user}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen}
unix_socket_dir =
auth_type = any
pool_mode = {mode}
default_pool_size = {size}
max_client_conn = 200
"""


@contextmanager
def pooler(server_url: str, mode: str, size: int) -> Iterator[str]:
    """A PgBouncer in front of a database, and its URL for it."""
    program = shutil.which("pgbouncer") or "/usr/sbin/pgbouncer"
    server = urlsplit(server_url)
    user = server.username or "postgres"
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listen = listener.getsockname()[1]
    with tempfile.TemporaryDirectory() as name:
        # It does not run as root, and has to read this.
        folder = Path(name)
        folder.chmod(0o755)
        settings = folder / "pgbouncer.ini"
        place = {"host": server.hostname, "port": server.port, "user": user}
        settings.write_text(SETTINGS.format(**place, listen=listen, mode=mode, size=size), encoding="utf-8")
        other = "nobody" if os.geteuid() == 0 else None
        with subprocess.Popen([program, "-q", str(settings)], user=other, cwd=folder) as process:
            try:
                url = urlunsplit(server._replace(netloc=f"{user}@127.0.0.1:{listen}"))
                wait_for(url, process)
                yield url
            finally:
                process.terminate()


def wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    """Waits until the pooler answers."""
    deadline = time.monotonic() + 10
    while True:
        try:
            psycopg.connect(url, connect_timeout=2).close()
        except psycopg.OperationalError:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        else:
            return


def behind(url: str, **database: object) -> Config:
    """The configuration of an object behind a pooler."""
    return changed(config_of(url, KEY), database=database, login_throttle={"enabled": False})


def test_a_pooler_by_session_needs_no_setting(postgres_url: str) -> None:
    with pooler(postgres_url, "session", 20) as url, SSO(config=behind(url)) as sso:
        username = super_user(sso)
        assert at_once(lambda: log_in(sso, username), 32) == []


def test_a_pooler_by_session_with_few_connections_serves_all_calls(postgres_url: str) -> None:
    with pooler(postgres_url, "session", 3) as url, SSO(config=behind(url)) as sso:
        username = super_user(sso)
        for _ in range(3):
            assert at_once(lambda: log_in(sso, username), 16) == []


def test_a_pooler_by_transaction_that_is_not_named_is_noticed(postgres_url: str) -> None:
    with pooler(postgres_url, "transaction", 4) as url, pytest.raises(BackendError, match=r"database\.pooler"):
        SSO(config=behind(url))


def test_what_is_not_heard_through_a_pooler_is_not_cached(postgres_url: str, caplog: pytest.LogCaptureFixture) -> None:
    with (
        pooler(postgres_url, "transaction", 4) as url,
        SSO(config=behind(postgres_url, listen_url=url)) as deaf,
        SSO(config=behind(postgres_url)) as other,
    ):
        username = super_user(deaf)
        start = time.monotonic()
        while time.monotonic() - start < 3:
            ust = log_in(other, username)
            for _ in range(5):
                deaf.user.get_current_user("cid", ust, APP, ADDRESS)
            other.user.logout("cid", ust, APP, ADDRESS)
            with pytest.raises(ValidationError):
                deaf.user.get_current_user("cid", ust, APP, ADDRESS)
    assert any("sessions are not cached" in record.message for record in caplog.records)


def test_the_settings_of_the_page_are_those_for_a_pooler_by_transaction(postgres_url: str, tmp_path: Path) -> None:
    text = RECIPES["pooler"]
    with pooler(postgres_url, "transaction", 4) as url:
        places = {
            "postgresql://sso:secret@pgbouncer:6432/sso": url,
            "postgresql://sso:secret@db:5432/sso": postgres_url,
        }
        for place, other in places.items():
            assert place in text
            text = text.replace(place, other)
        settings = tmp_path / "sso.toml"
        settings.write_text(text + f'main.secret_key = "{KEY}"\n', encoding="utf-8")
        with SSO(config=str(settings)) as sso:
            username = super_user(sso)
            assert at_once(lambda: log_in(sso, username), 8) == []


def test_a_pooler_by_transaction_is_supported(postgres_url: str) -> None:
    with (
        pooler(postgres_url, "transaction", 4) as url,
        SSO(config=behind(url, pooler="transaction")) as sso,
        SSO(config=behind(url, pooler="transaction", listen_url=postgres_url)) as cached,
        SSO(config=behind(postgres_url)) as direct,
    ):
        username = super_user(sso)
        for _ in range(3):
            assert at_once(lambda: log_in(sso, username), 32) == []
        ust = log_in(sso, username)

        def is_valid(one: SSO, token: str) -> bool:
            try:
                one.user.get_current_user("cid", token, APP, ADDRESS)
            except ValidationError:
                return False
            return True

        for one in (sso, cached, direct):
            check = partial(one.user.get_current_user, "cid", ust, APP, ADDRESS)
            assert failures(check, 20, 0.02) == []
        for _ in range(5):
            token = log_in(direct, username)
            assert is_valid(sso, token)
            assert is_valid(cached, token)
            direct.user.logout("cid", token, APP, ADDRESS)
            # Without listen_url there is no cache.
            assert not is_valid(sso, token)
            time.sleep(0.15)
            assert not is_valid(cached, token)
        # No lock and no setting is left to whom the connections belong to next.
        with psycopg.connect(postgres_url, autocommit=True) as beside:
            locks = beside.execute(
                "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' "
                "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
            ).fetchone()
            assert locks == (0,)
        with psycopg.connect(url, autocommit=True, prepare_threshold=None) as beside:
            assert beside.execute("SHOW statement_timeout").fetchone() == ("0",)
