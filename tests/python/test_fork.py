"""An object made before `os.fork()` works in the parent and in the child."""

from __future__ import annotations

import asyncio
import ctypes
import multiprocessing
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from support import (
    PASSWORD,
    AsyncCounter,
    AsyncSSO,
    Config,
    Counter,
    in_child,
    log_in,
    slow_login,
    status_of,
    super_user,
    unique,
)
from zato_sso import SSO, BackendError

if TYPE_CHECKING:
    from conftest import Heavy

# From Python 3.12 on, a fork beside other threads warns.
pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")


def is_on_a_file(config: Config) -> bool:
    """Whether the database is SQLite's."""
    return str(config["database"]["url"]).startswith("sqlite:")


def bump_often(counter: Counter, times: int) -> None:
    """Counts so many times."""
    for _ in range(times):
        counter.bump()


def in_memory(config: Config) -> Config:
    """The same configuration for a database that lives as long as the object."""
    return {**config, "database": {"url": "sqlite::memory:"}}


def test_both_sides_of_a_fork_go_on(counter: Counter) -> None:
    counter.bump()
    assert in_child(lambda: bump_often(counter, 10)) == 0
    counter.bump()
    assert counter.value() == 12


def test_twenty_forks_in_a_row_work(counter: Counter) -> None:
    for _ in range(20):
        counter.bump()
        assert in_child(counter.bump) == 0
    assert counter.value() == 40


def test_a_child_may_log_in_for_its_parent(sso: SSO) -> None:
    username = super_user(sso)
    reader, writer = os.pipe()
    assert in_child(lambda: os.write(writer, log_in(sso, username).encode())) == 0
    ust = os.read(reader, 1000).decode()
    assert sso.session.get("cid", ust, ust, "CRM", "127.0.0.1").auth_principal == username
    os.close(reader)
    os.close(writer)


def test_a_fork_of_a_fork_works(counter: Counter) -> None:
    def child() -> None:
        counter.bump()
        assert in_child(counter.bump) == 0
        counter.bump()

    counter.bump()
    assert in_child(child) == 0
    assert counter.value() == 4


def test_a_fork_before_the_first_call_works(config: Config, counter: Counter) -> None:
    shared = counter.on(AsyncSSO(config=config))

    async def bump_and_close() -> None:
        await shared.bump()
        await shared.sso.close()

    assert in_child(lambda: asyncio.run(bump_and_close())) == 0
    asyncio.run(bump_and_close())
    assert counter.value() == 2


def test_forks_while_eight_threads_call_lose_nothing(counter: Counter) -> None:
    stop = threading.Event()
    counts = [0] * 8
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            while not stop.is_set():
                counter.bump()
                counts[number] += 1
                counter.read()
                if number == 0:
                    slow_login(counter.sso)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    forks = 20
    statuses: list[int] = []

    def fork_again_and_again() -> None:
        statuses.extend(in_child(lambda: bump_often(counter, 3)) for _ in range(forks))

    # Not from the main thread, as servers do it.
    forker = threading.Thread(target=fork_again_and_again)
    forker.start()
    forker.join(300)
    stop.set()
    for thread in threads:
        thread.join(60)
    assert statuses == [0] * forks
    assert not failures
    assert counter.value() == sum(counts) + 3 * forks


def test_several_threads_may_fork_at_once(counter: Counter) -> None:
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            counter.bump()

    callers = [threading.Thread(target=work) for _ in range(4)]
    for thread in callers:
        thread.start()
    try:
        with ThreadPoolExecutor(4) as pool:
            results = list(pool.map(lambda _: in_child(lambda: bump_often(counter, 3)), range(20)))
    finally:
        stop.set()
        for thread in callers:
            thread.join(60)
    assert results == [0] * 20


def test_multiprocessing_with_fork_shares_the_object(counter: Counter) -> None:
    context = multiprocessing.get_context("fork")
    counter.bump()
    processes = [context.Process(target=bump_often, args=(counter, 20)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0] * 4
    assert counter.value() == 81


def test_a_fork_from_a_running_loop_works(config: Config, counter: Counter) -> None:
    def child(shared: AsyncCounter) -> None:
        asyncio.set_event_loop(None)
        asyncio._set_running_loop(None)
        asyncio.run(shared.bump())

    async def main() -> int:
        async with AsyncSSO(config=config) as sso:
            shared = counter.on(sso)
            calls = [asyncio.ensure_future(shared.bump()) for _ in range(8)]
            await asyncio.sleep(0)
            assert in_child(lambda: child(shared)) == 0
            await asyncio.gather(*calls)
            return await shared.value()

    assert asyncio.run(asyncio.wait_for(main(), 60)) == 9


def test_a_closed_object_stays_closed_in_the_child(config: Config) -> None:
    sso = SSO(config=config)
    sso.close()

    def child() -> None:
        with pytest.raises(BackendError, match=r"^closed$"):
            sso.user.get_user_by_username("cid", "nobody")

    assert in_child(child) == 0


def test_a_database_in_memory_stays_in_the_parent(config: Config) -> None:
    sso = SSO(config=in_memory(config))
    counter = Counter.new(sso)
    counter.bump()

    def child() -> None:
        for _ in range(2):
            with pytest.raises(BackendError, match="an in-memory database does not cross"):
                counter.bump()
        sso.close()
        with pytest.raises(BackendError, match=r"^closed$"):
            counter.bump()
        with SSO(config=in_memory(config)) as other:
            Counter.new(other).bump()

    for _ in range(5):
        assert in_child(child) == 0
    counter.bump()
    assert counter.value() == 2
    sso.close()


def test_a_database_in_memory_beside_another_does_not_keep_that_one_from_forking(
    config: Config, counter: Counter
) -> None:
    with SSO(config=in_memory(config)) as sso:
        memory = Counter.new(sso)
        for _ in range(5):
            memory.bump()
            assert in_child(counter.bump) == 0
        assert (memory.value(), counter.value()) == (5, 5)


def test_a_call_in_flight_ends_before_the_fork(heavy: Heavy) -> None:
    username = unique("in-flight")
    started = threading.Event()
    with SSO(config=heavy(1)) as sso:

        def create() -> None:
            started.set()
            sso.user.create_user("cid", {"username": username, "password": PASSWORD}, require_super_user=False)

        def child() -> None:
            assert sso.user.get_user_by_username("cid", username, needs_approved=False) is not None

        thread = threading.Thread(target=create)
        thread.start()
        started.wait(30)
        time.sleep(0.1)
        assert in_child(child) == 0
        thread.join(60)


def test_an_awaited_call_in_flight_ends_before_the_fork(heavy: Heavy) -> None:
    username = unique("in-flight")
    shared = AsyncSSO(config=heavy(1))
    started = threading.Event()

    async def create() -> None:
        await shared.open()
        started.set()
        data = {"username": username, "password": PASSWORD}
        await shared.user.create_user("cid", data, require_super_user=False)

    async def check() -> None:
        assert await shared.user.get_user_by_username("cid", username, needs_approved=False) is not None
        await shared.close()

    thread = threading.Thread(target=lambda: asyncio.run(create()))
    thread.start()
    started.wait(30)
    time.sleep(0.1)
    assert in_child(lambda: asyncio.run(check())) == 0
    thread.join(60)
    asyncio.run(check())


def fails_in_child(counter: Counter) -> None:
    with pytest.raises(BackendError, match=r"forked while the database file was in use"):
        counter.bump()


def test_a_fork_waits_for_a_call_in_flight_but_not_for_ever(heavy: Heavy, counter: Counter, config: Config) -> None:
    """The parent goes on as if nothing was; in the child a file is out of reach, a server is not."""
    username = super_user(counter.sso)
    is_under_way, is_over = threading.Event(), threading.Event()

    def hook(*_: object) -> int:
        is_under_way.set()
        # The fork waits for ten seconds. At their end a hash is under way; before, there is no need to compute.
        time.sleep(9)
        while not is_over.is_set():
            slow_login(sso)
        return 5

    with SSO(config=heavy(0.5)) as sso, SSO(config=config, hooks={"session_expiry": hook}) as hooked:
        slow = Counter(sso, counter.ust)
        thread = threading.Thread(target=log_in, args=(hooked, username))
        thread.start()
        assert is_under_way.wait(30)
        child: Callable[[], Any] = (lambda: fails_in_child(slow)) if is_on_a_file(config) else slow.bump
        try:
            assert in_child(child) == 0
            assert thread.is_alive()
            slow.bump()
            assert slow.value() == (1 if is_on_a_file(config) else 2)
        finally:
            is_over.set()
            thread.join(60)
        assert in_child(slow.bump) == 0


def test_a_fork_that_runs_only_the_hook_of_the_child_is_safe(counter: Counter, config: Config) -> None:
    """As servers written in C do it: the parent had no chance to close anything."""
    pid = ctypes.PyDLL(None).fork()
    if pid == 0:
        code = 1
        try:
            ctypes.pythonapi.PyOS_AfterFork_Child()
            if is_on_a_file(config):
                fails_in_child(counter)
            else:
                counter.bump()
            code = 0
        finally:
            os._exit(code)
    assert status_of(pid) == 0
    counter.bump()
    assert counter.value() == (1 if is_on_a_file(config) else 2)
