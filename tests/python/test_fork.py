"""An object made before `os.fork()` works in the parent and in the child."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from zato_sso import BackendError
from zato_sso._core import _Standin as SSO

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork"),
    pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning"),
]


def in_child(work) -> int:
    """Forks; the child runs `work` and ends with 0, with 1 if that raised, with 99 if it took too long."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            work()
            code = 0
        except BaseException:  # noqa: BLE001
            import traceback

            traceback.print_exc()
        finally:
            os._exit(code)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    os.kill(pid, 9)
    os.waitpid(pid, 0)
    return 99


def test_both_sides_of_a_fork_go_on(sso):
    assert sso.bump() == 1
    assert in_child(lambda: [sso.bump() for _ in range(10)]) == 0
    assert sso.value() == 11


def test_a_fork_of_a_fork_works(sso):
    def child():
        sso.bump()
        assert in_child(sso.bump) == 0
        sso.bump()

    sso.bump()
    assert in_child(child) == 0
    assert sso.value() == 4


def test_a_fork_before_the_first_call_works(path):
    sso = SSO(path, is_async=True)
    assert in_child(lambda: asyncio.run(sso.bump())) == 0
    assert asyncio.run(sso.value()) == 1


@pytest.mark.timeout(300)
def test_forks_while_eight_threads_call(sso):
    """Again and again: no deadlock on either side, and nothing that was acknowledged is lost."""
    stop = threading.Event()
    counts = [0] * 8
    failures = []

    def work(number):
        try:
            while not stop.is_set():
                sso.bump()
                counts[number] += 1
                sso.noop()
                if number == 0:
                    sso.hash(0.001)
        except BaseException as error:  # noqa: BLE001
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    forks = 40
    try:
        assert [in_child(lambda: [sso.bump() for _ in range(3)]) for _ in range(forks)] == [0] * forks
    finally:
        stop.set()
        for thread in threads:
            thread.join(30)
    assert not failures
    assert sso.value() == sum(counts) + 3 * forks


@pytest.mark.timeout(300)
def test_several_threads_fork_at_once(sso):
    stop = threading.Event()

    def work():
        while not stop.is_set():
            sso.bump()

    callers = [threading.Thread(target=work) for _ in range(4)]
    for thread in callers:
        thread.start()
    try:
        with ThreadPoolExecutor(4) as pool:
            results = list(pool.map(lambda _: in_child(lambda: [sso.bump() for _ in range(3)]), range(40)))
    finally:
        stop.set()
        for thread in callers:
            thread.join(30)
    assert results == [0] * 40


def test_multiprocessing_with_fork(sso):
    context = multiprocessing.get_context("fork")
    sso.bump()
    processes = [context.Process(target=lambda: [sso.bump() for _ in range(20)]) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(30)
    assert [process.exitcode for process in processes] == [0] * 4
    assert sso.value() == 81


def test_a_fork_from_a_running_loop(aio):
    async def main():
        sso = aio()
        calls = [asyncio.ensure_future(sso.slow_bump(0.1)) for _ in range(8)]
        await asyncio.sleep(0.02)

        def child():
            asyncio.set_event_loop(None)
            asyncio._set_running_loop(None)
            asyncio.run(sso.bump())

        assert in_child(child) == 0
        await asyncio.gather(*calls)
        result = await sso.value()
        await sso.close()
        return result

    assert asyncio.run(asyncio.wait_for(main(), 30)) == 9


def test_a_closed_object_stays_closed_in_the_child(path):
    sso = SSO(path)
    sso.close()

    def child():
        with pytest.raises(BackendError, match="^closed$"):
            sso.bump()

    assert in_child(child) == 0


def test_an_in_memory_database_stays_in_the_parent():
    sso = SSO(":memory:")
    assert sso.bump() == 1

    def child():
        with pytest.raises(BackendError, match="an in-memory database does not cross"):
            sso.bump()
        with pytest.raises(BackendError, match="an in-memory database does not cross"):
            sso.value()
        sso.close()
        with pytest.raises(BackendError, match="^closed$"):
            sso.bump()
        with SSO(":memory:") as other:
            assert other.bump() == 1

    for _ in range(5):
        assert in_child(child) == 0
    assert sso.bump() == 2
    sso.close()


def test_a_file_and_a_database_in_memory_side_by_side(sso):
    memory = SSO(":memory:")
    for turn in range(5):
        assert memory.bump() == turn + 1
        assert in_child(sso.bump) == 0
    assert sso.value() == 5
    memory.close()


def test_an_awaited_call_in_flight_ends_before_the_fork(aio, sso):
    started = threading.Event()
    done = []

    def loop():
        async def main():
            shared = aio()
            await shared.open()
            started.set()
            done.append(await shared.slow_bump(0.3))
            await shared.close()

        asyncio.run(main())

    thread = threading.Thread(target=loop)
    thread.start()
    started.wait(10)
    time.sleep(0.05)
    start = time.monotonic()
    assert in_child(sso.value) == 0
    assert time.monotonic() - start > 0.15
    thread.join(10)
    assert done == [1]


@pytest.mark.timeout(120)
def test_a_call_that_does_not_end_delays_a_fork_by_ten_seconds_at_most(path):
    """The parent goes on as if nothing was; in the child a file is out of reach, a server is not."""
    file, server = SSO(path), SSO(path + ".server", on_server=True)
    thread = threading.Thread(target=lambda: file.hash(13))
    thread.start()
    time.sleep(0.1)

    def child():
        with pytest.raises(BackendError, match="os.fork.. came while a call was in flight"):
            file.bump()
        server.bump()

    start = time.monotonic()
    assert in_child(child) == 0
    assert 9 < time.monotonic() - start < 13
    assert file.bump() == 1
    assert server.value() == 1
    thread.join()
    assert in_child(file.bump) == 0
    file.close()
    server.close()


def test_a_fork_that_runs_only_the_hook_of_the_child(path):
    """As servers written in C do it: the parent had no chance to close anything."""
    import ctypes

    file, server = SSO(path), SSO(path + ".server", on_server=True)
    pid = ctypes.PyDLL(None).fork()
    if pid == 0:
        code = 1
        try:
            ctypes.pythonapi.PyOS_AfterFork_Child()
            with pytest.raises(BackendError, match="os.fork"):
                file.bump()
            server.bump()
            code = 0
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert (file.bump(), server.bump()) == (1, 2)
    file.close()
    server.close()
