"""PostgreSQL through a network that fails: what is cut, silent, full or read-only costs few calls and few seconds."""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
import requests
import with_postgres
from psycopg import sql
from support import ADDRESS, APP, Config, changed, config_of, log_in, new_key, super_user, unique
from tcp_proxy import Proxy, proxy_to
from zato_sso import SSO, BackendError

COMMAND = str(Path(sys.executable).with_name("zato-sso"))
KEY = new_key()
REPLICATED = {**with_postgres.SETTINGS, "wal_level": "replica", "max_wal_senders": "4", "fsync": "off"}

# As many as there may be by default.
CONNECTIONS = 16


def through(proxy: Proxy, **database: object) -> Config:
    """The configuration of an object whose database is behind the proxy."""
    config = changed(config_of(proxy.url, new_key()), login_throttle={"enabled": False})
    return changed(config, database=database)


def failures(call: Callable[[], object], count: int, pause: float = 0) -> list[str]:
    """What goes wrong in so many calls, one after the other."""
    wrong = []
    for _ in range(count):
        try:
            call()
        except Exception as error:
            wrong.append(f"{type(error).__name__}: {error}")
        time.sleep(pause)
    return wrong


def at_once(call: Callable[[], object], count: int) -> list[str]:
    """The same, all at a time."""
    wrong: list[str] = []
    threads = [threading.Thread(target=lambda: wrong.extend(failures(call, 1))) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return wrong


def refusal(call: Callable[[], object]) -> tuple[str, float]:
    """The text of the error that says the database is unavailable, and after how many seconds it came."""
    start = time.monotonic()
    with pytest.raises(BackendError) as caught:
        call()
    assert type(caught.value) is BackendError, caught.value
    return str(caught.value), time.monotonic() - start


@contextmanager
def pooled(config: Config) -> Iterator[tuple[SSO, Callable[[], str]]]:
    """An object with as many connections as it may have, and a login that works."""
    with SSO(config=config) as sso:
        username = super_user(sso)

        def login() -> str:
            return log_in(sso, username)

        assert at_once(login, 4 * CONNECTIONS) == []
        yield sso, login


@pytest.fixture
def target(monkeypatch: pytest.MonkeyPatch) -> Any:
    """What starts a server on a database."""
    monkeypatch.syspath_prepend(str(Path(__file__).resolve().parents[1] / "attacks"))
    return importlib.import_module("target").target


@pytest.fixture
def proxy(postgres_url: str) -> Iterator[Proxy]:
    """A proxy before an empty database."""
    with proxy_to(postgres_url) as proxy:
        yield proxy


def test_connections_that_were_cut_fail_no_call(proxy: Proxy) -> None:
    with pooled(through(proxy)) as (sso, login):
        ust = login()
        for check in (login, lambda: sso.user.get_current_user("cid", ust, APP, ADDRESS)):
            assert proxy.open_count() > 1
            proxy.cut()
            assert failures(check, 25) == []
            at_once(login, CONNECTIONS)


def test_connections_that_the_server_ended_fail_no_call(postgres_url: str) -> None:
    config = changed(config_of(postgres_url, new_key()), session={"cache": "off"}, login_throttle={"enabled": False})
    end = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    with pooled(config) as (sso, login), psycopg.connect(postgres_url, autocommit=True) as beside:
        ust = login()
        for check in (login, lambda: sso.user.get_current_user("cid", ust, APP, ADDRESS)):
            at_once(login, CONNECTIONS)
            beside.execute(end)
            assert failures(check, 25) == []


def test_connections_that_a_firewall_has_forgotten_fail_no_call(proxy: Proxy) -> None:
    with pooled(through(proxy)) as (_, login):
        time.sleep(0.2)
        proxy.forget()
        start = time.monotonic()
        assert failures(login, 5) == []
        assert time.monotonic() - start < 5


def test_connections_that_are_closed_at_rest_fail_no_call(proxy: Proxy) -> None:
    with pooled(through(proxy)) as (_, login):
        proxy.closes_after = 0.2
        assert failures(login, 8, 0.35) == []


def test_the_idle_limit_of_the_server_fails_no_call(postgres_url: str) -> None:
    name = urlsplit(postgres_url).path[1:]
    with psycopg.connect(postgres_url, autocommit=True) as beside:
        beside.execute(sql.SQL("ALTER DATABASE {} SET idle_session_timeout = '200ms'").format(sql.Identifier(name)))
    config = changed(config_of(postgres_url, new_key()), login_throttle={"enabled": False})
    with pooled(config) as (_, login):
        assert failures(login, 8, 0.3) == []


def test_idle_connections_are_closed(proxy: Proxy) -> None:
    with pooled(through(proxy, idle_timeout=0.5)) as (_, login):
        assert proxy.open_count() > 2
        # One listens.
        deadline = time.monotonic() + 10
        while proxy.open_count() > 1 and time.monotonic() < deadline:
            time.sleep(0.1)
        assert proxy.open_count() <= 1
        login()


def test_a_silent_server_fails_calls_soon_and_holds_up_no_end(proxy: Proxy) -> None:
    sso = SSO(config=through(proxy, connect_timeout=1, statement_timeout=2))
    username = super_user(sso)
    log_in(sso, username)
    time.sleep(0.2)
    proxy.is_frozen = True
    # Looked at, given up, and a new connection tried.
    _, seconds = refusal(lambda: log_in(sso, username))
    assert seconds < 4
    _, seconds = refusal(lambda: log_in(sso, username))
    assert seconds < 3
    proxy.is_frozen = False
    log_in(sso, username)
    proxy.is_frozen = True
    start = time.monotonic()
    sso.close()
    assert time.monotonic() - start < 6


def test_a_silent_server_does_not_hold_up_the_end_of_serve(proxy: Proxy, target: Any) -> None:
    with target(proxy.url) as server:
        username = server.user()
        assert server.log_in(username).status_code == 200
        proxy.is_frozen = True
        caller = threading.Thread(target=failures, args=(lambda: server.log_in(username), 1))
        caller.start()
        time.sleep(0.5)
        start = time.monotonic()
    assert time.monotonic() - start < 15
    caller.join()


def test_a_silent_server_in_the_middle_of_a_call_fails_it(proxy: Proxy, postgres_url: str) -> None:
    with SSO(config=through(proxy, connect_timeout=1, statement_timeout=2)) as sso:
        username = super_user(sso)
        with psycopg.connect(postgres_url) as beside:
            beside.execute("LOCK TABLE sso_user")
            threading.Timer(0.5, lambda: setattr(proxy, "is_frozen", True)).start()
            _, seconds = refusal(lambda: log_in(sso, username))
        assert seconds < 5
        proxy.is_frozen = False
        assert failures(lambda: log_in(sso, username), 3) == []


def test_a_locked_table_fails_what_needs_it_and_nothing_else(postgres_url: str, target: Any) -> None:
    with target(postgres_url, database={"url": postgres_url, "statement_timeout": 1}) as server:
        username = server.user()
        with psycopg.connect(postgres_url) as beside:
            beside.execute("LOCK TABLE sso_user")
            start = time.monotonic()
            assert server.log_in(username).status_code == 503
            assert time.monotonic() - start < 4
            assert requests.get(f"{server.url}/health/ready", timeout=5).status_code == 200
        assert server.log_in(username).status_code == 200


def test_a_server_that_admits_few_connections_serves_all_calls(postgres_url: str) -> None:
    role = unique("role")
    name = urlsplit(postgres_url).path[1:]
    with psycopg.connect(postgres_url, autocommit=True) as beside:
        beside.execute(sql.SQL("CREATE ROLE {} LOGIN CONNECTION LIMIT 4").format(sql.Identifier(role)))
        beside.execute(sql.SQL("ALTER DATABASE {} OWNER TO {}").format(sql.Identifier(name), sql.Identifier(role)))
        beside.execute(sql.SQL("GRANT ALL ON SCHEMA public TO {}").format(sql.Identifier(role)))
    parts = urlsplit(postgres_url)
    url = urlunsplit(parts._replace(netloc=f"{role}@{parts.netloc.rpartition('@')[2]}"))
    config = changed(config_of(url, new_key()), login_throttle={"enabled": False})
    try:
        with pooled(config) as (_, login):
            assert at_once(login, 64) == []
        # All of them taken by others: the reason is named.
        others = [psycopg.connect(url) for _ in range(4)]
        try:
            with pytest.raises(BackendError, match="too many connections for role"):
                SSO(config=config)
        finally:
            for other in others:
                other.close()
    finally:
        with psycopg.connect(postgres_url, autocommit=True) as beside:
            beside.execute(sql.SQL("REASSIGN OWNED BY {} TO CURRENT_USER").format(sql.Identifier(role)))
            beside.execute(sql.SQL("DROP OWNED BY {}").format(sql.Identifier(role)))
            beside.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))


def test_a_connection_has_the_name_that_the_url_gives_it(postgres_url: str) -> None:
    for parameters, name in [("", "zato-sso"), ("?application_name=billing", "billing")]:
        with SSO(config=config_of(postgres_url + parameters, KEY)), psycopg.connect(postgres_url) as beside:
            names = beside.execute(
                "SELECT DISTINCT application_name FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            ).fetchall()
            assert names == [(name,)]


def test_a_unix_socket_is_used(postgres_url: str, tmp_path: Path) -> None:
    parts = urlsplit(postgres_url)
    user = parts.username or "postgres"
    with proxy_to(postgres_url, tmp_path) as proxy:
        for url in (
            f"postgresql://{parts.path}?host={tmp_path}&user={user}",
            f"postgresql://{user}@{parts.path}?host={tmp_path}",
            f"postgresql://{user}@{str(tmp_path).replace('/', '%2F')}{parts.path}",
        ):
            before = proxy.accepted
            with SSO(config=config_of(url, KEY)) as sso:
                log_in(sso, super_user(sso))
            assert proxy.accepted > before, url
        # As libpq has it: without a host it is the socket.
        environment = {**os.environ, "PGHOST": str(tmp_path), "PGUSER": user}
        done = doctor(f"postgresql://{parts.path}", environment)
        assert "its schema is up to date" in done.stdout, done.stdout + done.stderr


def doctor(url: str, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """What the doctor says of a database."""
    environment = {**(environment or os.environ), "ZATO_SSO_DATABASE_URL": url, "ZATO_SSO_SECRET_KEY": KEY}
    return subprocess.run([COMMAND, "doctor"], env=environment, capture_output=True, text=True, check=False)


def test_several_hosts_are_tried_in_turn(proxy: Proxy, postgres_url: str) -> None:
    parts = urlsplit(postgres_url)
    here = parts.netloc.rpartition("@")[2]
    with proxy_to(postgres_url) as dead:
        dead.has_no_server = True
        hosts = f"{parts.username}@127.0.0.1:1,{dead.address},{proxy.address},{here}"
        url = urlunsplit(parts._replace(netloc=hosts, query="target_session_attrs=read-write"))
        with SSO(config=config_of(url, KEY)) as sso:
            username = super_user(sso)
            log_in(sso, username)
            assert proxy.open_count() > 0
            # Fail-over to the last one.
            proxy.has_no_server = True
            proxy.cut()
            assert failures(lambda: log_in(sso, username), 5) == []


def test_a_balancer_without_a_server_means_that_the_database_is_unavailable(proxy: Proxy) -> None:
    with SSO(config=through(proxy, connect_timeout=1)) as sso:
        username = super_user(sso)
        proxy.has_no_server = True
        proxy.cut()
        for _ in range(3):
            _, seconds = refusal(lambda: log_in(sso, username))
            assert seconds < 4
        with pytest.raises(BackendError):
            SSO(config=through(proxy, connect_timeout=1))


def test_a_fenced_primary_is_not_ready(postgres_url: str, target: Any) -> None:
    name = sql.Identifier(urlsplit(postgres_url).path[1:])
    with target(postgres_url) as server, psycopg.connect(postgres_url, autocommit=True) as beside:
        username = server.user()
        ready = f"{server.url}/health/ready"
        assert requests.get(ready, timeout=5).status_code == 200
        beside.execute(sql.SQL("ALTER DATABASE {} SET default_transaction_read_only = on").format(name))
        beside.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        assert requests.get(ready, timeout=5).status_code == 503
        assert server.log_in(username).status_code == 503
        refusal(lambda: log_in(server.sso, username))
        done = doctor(postgres_url)
        assert "read-only" in done.stdout, done.stdout
        assert done.returncode != 0
        # Where several hosts are named, a read-only one is none.
        url = f"{postgres_url}?target_session_attrs=read-write"
        config = changed(config_of(url, KEY), database={"connect_timeout": 0.5})
        with pytest.raises(BackendError, match="read-only"):
            SSO(config=config)
        beside.execute(sql.SQL("SET default_transaction_read_only = off"))
        beside.execute(sql.SQL("ALTER DATABASE {} RESET default_transaction_read_only").format(name))
        assert failures(lambda: log_in(server.sso, username), 3)[1:] == []
        assert requests.get(ready, timeout=5).status_code in {200, 503}
        server.log_in(username)
        assert server.log_in(username).status_code == 200
        assert requests.get(ready, timeout=5).status_code == 200


def test_a_database_that_cannot_hold_every_name_is_refused(postgres_server_url: str) -> None:
    name = unique("latin").replace("-", "_")
    parts = urlsplit(postgres_server_url)
    with psycopg.connect(postgres_server_url, autocommit=True) as server:
        server.execute(
            sql.SQL("CREATE DATABASE {} ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0").format(sql.Identifier(name))
        )
        try:
            with pytest.raises(BackendError, match="encoding is LATIN1"):
                SSO(config=config_of(urlunsplit(parts._replace(path=f"/{name}")), KEY))
        finally:
            server.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(name)))


@pytest.mark.parametrize("password", ["12/SECRET", "12?SECRET", "12#SECRET", "p@SECRET", "p%SECRET", "p:SECRET"])
def test_a_password_is_in_no_error(password: str) -> None:
    url = f"postgresql://u:{password}@127.0.0.1:1/db"
    config = changed(config_of(url, KEY), database={"connect_timeout": 0.2})
    with pytest.raises(BackendError) as caught:
        SSO(config=config)
    assert "SECRET" not in f"{caught.value!r} {caught.value}"
    done = doctor(url)
    assert "SECRET" not in done.stdout + done.stderr


def test_a_call_that_was_given_up_gives_no_connection_back(proxy: Proxy, postgres_url: str) -> None:
    config = through(proxy, max_connections=1, statement_timeout=1)
    with SSO(config=changed(config, session={"cache": "off"})) as sso:
        username = super_user(sso)
        with psycopg.connect(postgres_url) as beside:
            beside.execute("LOCK TABLE sso_user")
            wrong = at_once(lambda: log_in(sso, username), 3)
            assert [text.partition(":")[0] for text in wrong] == ["BackendError"] * 3, wrong
        assert failures(lambda: log_in(sso, username), 3) == []


@contextmanager
def standby_of(primary: with_postgres.Server, folder: Path) -> Iterator[with_postgres.Server]:
    """A server that follows another one."""
    folder.chmod(0o755)
    standby = with_postgres.Server(folder, REPLICATED)
    shutil.rmtree(standby.data)
    copy = [str(standby.programs / "pg_basebackup"), "-R", "-X", "stream", "-c", "fast", "-D", str(standby.data)]
    subprocess.run([*copy, "-d", primary.url], user=standby.user, cwd=folder, check=True)
    try:
        standby.start()
        yield standby
    finally:
        standby.stop()


def test_a_standby_is_not_ready_and_a_failover_is_followed() -> None:
    with (
        with_postgres.running_server(REPLICATED) as primary,
        tempfile.TemporaryDirectory() as name,
        SSO(config=config_of(primary.url, KEY)) as sso,
    ):
        username = super_user(sso)
        with standby_of(primary, Path(name)) as standby:
            hosts = [urlsplit(server.url).netloc.rpartition("@")[2] for server in (standby, primary)]
            both = f"postgresql://postgres@{','.join(hosts)}/postgres?target_session_attrs=read-write"
            with SSO(config=config_of(standby.url, KEY)) as fixed, SSO(config=config_of(both, KEY)) as following:
                refusal(lambda: log_in(fixed, username))
                done = doctor(standby.url)
                assert "read-only" in done.stdout, done.stdout + done.stderr
                assert "standby" in done.stdout
                assert failures(lambda: log_in(following, username), 5) == []
                primary.stop()
                refusal(lambda: log_in(following, username))
                with psycopg.connect(standby.url, autocommit=True) as beside:
                    beside.execute("SELECT pg_promote()")
                assert failures(lambda: log_in(following, username), 5) == []
                assert failures(lambda: log_in(fixed, username), 5)[1:] == []
