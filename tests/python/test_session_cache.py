"""Cached sessions never lie: random calls by several processes, beside one that reads the database each time."""

from __future__ import annotations

import json
import random
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from cache_worker import Worker
from support import Config, changed, config_of, new_key, super_user
from zato_sso import ValidationError

# What another node changes is seen after so long.
DELAY = 0.1
WORKERS = 3
STEPS = 250


class Process:
    """A worker in a process of its own."""

    def __init__(self, config: Config) -> None:
        command = [sys.executable, str(Path(__file__).with_name("cache_worker.py"))]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.write(config)

    def write(self, what: object) -> None:
        assert self.process.stdin
        self.process.stdin.write(json.dumps(what) + "\n")
        self.process.stdin.flush()

    def ask(self, name: str, *arguments: object) -> Any:
        """Has it make a call; its answer."""
        assert self.process.stdout
        self.write([name, arguments])
        return json.loads(self.process.stdout.readline())

    def kill(self) -> None:
        """Ends it where it stands."""
        self.process.kill()
        self.process.communicate()


class StaleAnswerError(AssertionError):
    """A cached answer was not what the database says."""


class Stage:
    """Processes on one database, whose answers are compared to those of an object without a cache."""

    def __init__(self, config: Config, seed: int, count: int = WORKERS) -> None:
        # Sessions outlast locks, so that there is something to be stale about afterwards.
        self.config = config = changed(config, session={"end_on_lock": False})
        self.random = random.Random(seed)  # noqa: S311
        self.is_server = str(config["database"]["url"]).startswith("postgresql")
        self.truth = Worker(changed(config, session={"cache": "off"}))
        self.root = self.truth.login(super_user(self.truth.sso))
        self.workers = [Process(config) for _ in range(count)]
        self.users: dict[str, str] = {}
        self.usts: list[str] = []
        for number in range(4):
            self.users[f"user{number}"] = str(self.truth.create(f"user{number}"))
            self.usts += [self.truth.login(f"user{number}") for _ in range(2)]

    def close(self) -> None:
        for worker in self.workers:
            worker.kill()
        self.truth.sso.close()

    def change(self, worker: Process) -> None:
        """One of the changes that a check has to see, by this worker."""
        username = self.random.choice(list(self.users))
        user_id, ust = self.users[username], self.random.choice(self.usts)
        name, arguments = self.random.choice(
            [
                ("lock", [user_id]),
                ("unlock", [user_id]),
                ("unlock", [user_id]),
                ("reject", [user_id, self.root]),
                ("approve", [user_id, self.root]),
                ("approve", [user_id, self.root]),
                ("renew", [ust]),
                ("renew", [ust]),
                ("rename", [ust, f"name {self.random.random()}"]),
                ("rename", [ust, f"name {self.random.random()}"]),
                ("logout", [ust]),
                ("login", [username]),
                ("delete", [user_id, self.root]),
            ]
        )
        answer = worker.ask(name, *arguments)
        if name == "login" and isinstance(answer, str):
            self.usts.append(answer)
        if name == "delete" and answer is None:
            self.users[username] = worker.ask("create", f"{username}x")
            self.users[f"{username}x"] = self.users.pop(username)
            self.usts.append(worker.ask("login", f"{username}x"))

    def compare(self, worker: Process, ust: str) -> None:
        """Has it answered as the database has it."""
        for name, arguments in (("verify", [ust, self.root]), ("user", [ust]), ("session", [ust])):
            answer, expected = worker.ask(name, *arguments), self.expected(name, *arguments)
            if answer != expected:
                raise StaleAnswerError(f"{name}: {answer}, and the database says {expected}")

    def expected(self, name: str, *arguments: object) -> Any:
        try:
            return getattr(self.truth, name)(*arguments)
        except ValidationError as error:
            return error.sub_status

    def compare_all(self) -> None:
        """The same, of all with all."""
        for worker in self.workers:
            for ust in self.usts:
                self.compare(worker, ust)

    def step(self) -> None:
        """A change by one, and checks by that one and another."""
        worker, other = self.random.sample(self.workers, 2)
        self.change(worker)
        checked = self.random.sample(self.usts, 3)
        for ust in checked:
            self.compare(worker, ust)
        if self.is_server:
            time.sleep(DELAY)
        for ust in checked:
            self.compare(other, ust)


@contextmanager
def on_stage(config: Config, seed: int, count: int = WORKERS) -> Iterator[Stage]:
    with closing(Stage(config, seed, count)) as stage:
        yield stage


@pytest.mark.parametrize("seed", [1, 2])
def test_no_answer_is_stale(config: Config, seed: int) -> None:
    with on_stage(config, seed) as stage:
        for _ in range(STEPS // 5 if stage.is_server else STEPS):
            stage.step()
        stage.compare_all()


def test_a_writer_that_is_killed_leaves_no_stale_answer(config: Config) -> None:
    with on_stage(config, 3) as stage:
        for _ in range(10):
            user_id = stage.random.choice(list(stage.users.values()))
            writer = Process(config)
            writer.ask("verify", stage.usts[0], stage.root)
            writer.write(["flicker", [user_id]])
            end = time.monotonic() + stage.random.uniform(0.02, 0.15)
            while time.monotonic() < end:
                # They cache what they can meanwhile.
                for worker in stage.workers:
                    worker.ask("verify", stage.random.choice(stage.usts), stage.root)
            writer.kill()
            if stage.is_server:
                time.sleep(DELAY)
            stage.compare_all()
            stage.truth.unlock(user_id)
            if stage.is_server:
                time.sleep(DELAY)
            stage.compare_all()


def lock_in_sqlite(config: Config) -> Callable[[str], None]:
    """Locks as somebody does who tells nobody."""
    path = str(config["database"]["url"]).removeprefix("sqlite:///")

    def lock(user_id: str) -> None:
        with closing(sqlite3.connect(path, isolation_level=None)) as database:
            database.execute("UPDATE sso_user SET is_locked = 1 WHERE user_id = ?", [user_id])

    return lock


def lock_in_postgres(config: Config) -> Callable[[str], None]:
    """The same, without the triggers."""

    def lock(user_id: str) -> None:
        with psycopg.connect(config["database"]["url"], autocommit=True) as database:
            database.execute("SET session_replication_role = replica")
            database.execute("UPDATE sso_user SET is_locked = TRUE WHERE user_id = %s", [user_id])

    return lock


def test_a_change_that_nobody_is_told_of_is_found_by_this_test(config: Config) -> None:
    with on_stage(config, 4) as stage:
        # Until all of them cache: with PostgreSQL it has to turn out first that changes are heard.
        for _ in range(20):
            stage.compare_all()
            time.sleep(0.05)
        lock = (lock_in_postgres if stage.is_server else lock_in_sqlite)(config)
        lock(stage.users["user0"])
        time.sleep(DELAY)
        with pytest.raises(StaleAnswerError):
            stage.compare_all()


def test_changes_by_hand_are_heard_from_postgresql(postgres_url: str) -> None:
    with on_stage(config_of(postgres_url, new_key()), 5) as stage:
        for statement in (
            "UPDATE sso_user SET is_locked = TRUE WHERE username = 'user0'",
            "UPDATE sso_user SET is_locked = FALSE",
            "DELETE FROM sso_session WHERE user_id IN (SELECT user_id FROM sso_user WHERE username = 'user1')",
            "DELETE FROM sso_user WHERE username = 'user2'",
            "TRUNCATE sso_session CASCADE",
        ):
            stage.compare_all()
            with psycopg.connect(postgres_url, autocommit=True) as database:
                database.execute(statement.encode())
            time.sleep(DELAY)
            if statement.startswith("TRUNCATE"):
                assert all(worker.ask("verify", stage.usts[0], stage.root) == ["E007001"] for worker in stage.workers)
            else:
                stage.compare_all()


class Proxy:
    """Stands between a node and PostgreSQL, and can stop to pass on what it hears where somebody listens."""

    def __init__(self, url: str) -> None:
        target = urlsplit(url)
        self.target = (target.hostname or "localhost", target.port or 5432)
        self.server = socket.create_server(("127.0.0.1", 0))
        self.url = target._replace(netloc=f"{target.username}@127.0.0.1:{self.server.getsockname()[1]}").geturl()
        self.is_silent = threading.Event()
        self.listening: list[socket.socket] = []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self) -> None:
        while True:
            client, _ = self.server.accept()
            server = socket.create_connection(self.target)
            for source, target in ((client, server), (server, client)):
                threading.Thread(target=self.pump, args=(source, target, client), daemon=True).start()

    def pump(self, source: socket.socket, target: socket.socket, client: socket.socket) -> None:
        while data := receive(source):
            if b"LISTEN" in data and source is client:
                self.listening.append(client)
            while self.is_silent.is_set() and client in self.listening:
                time.sleep(0.001)
            try:
                target.sendall(data)
            except OSError:
                break
        for end in (source, target):
            end.close()

    def cut(self) -> None:
        """Ends the connections that listen."""
        for client in self.listening:
            client.shutdown(socket.SHUT_RDWR)
        self.listening.clear()


def receive(source: socket.socket) -> bytes:
    try:
        return source.recv(65536)
    except OSError:
        return b""


@pytest.mark.parametrize("way", ["silent", "cut", "terminated"])
def test_a_channel_that_is_cut_turns_the_cache_off(postgres_url: str, way: str) -> None:
    proxy = Proxy(postgres_url)
    config = config_of(postgres_url, new_key())
    with ExitStack() as stack:
        stage = stack.enter_context(on_stage(config, 6, 1))
        node = Process(changed(config, database={"url": proxy.url}))
        stack.callback(node.kill)
        for _ in range(3):
            for ust in stage.usts:
                stage.compare(node, ust)
            assert proxy.listening
            if way == "silent":
                proxy.is_silent.set()
            elif way == "cut":
                proxy.cut()
            else:
                with psycopg.connect(postgres_url, autocommit=True) as database:
                    database.execute(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = 'SELECT 1'"
                        " AND application_name = 'zato-sso' AND datname = current_database()"
                    )
            for user_id in stage.users.values():
                stage.truth.lock(user_id)
            time.sleep(DELAY)
            for ust in stage.usts:
                stage.compare(node, ust)
            proxy.is_silent.clear()
            for user_id in stage.users.values():
                stage.truth.unlock(user_id)
            time.sleep(DELAY)
            for ust in stage.usts:
                stage.compare(node, ust)
            # Long enough to listen again.
            time.sleep(0.5)
