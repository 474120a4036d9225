"""A fork made in C, without the hooks of Python: no answer of another process, nothing hangs, nothing is shared."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import os
import threading
import time
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from support import ADDRESS, APP, AsyncSSO, Config, Counter, changed, config_of, log_in, new_key, status_of, super_user
from test_fork import is_on_a_file
from zato_sso import SSO, BackendError

if TYPE_CHECKING:
    from conftest import Script

# From Python 3.12 on, a fork beside other threads warns.
pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")

LIBC = ctypes.PyDLL(None)


def begin_child(work: Callable[[], object]) -> int:
    """Forks in C; the child runs `work` and ends with 0, with 1 if that raised."""
    pid: int = LIBC.fork()
    if pid == 0:
        code = 1
        try:
            work()
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    return pid


def in_child(work: Callable[[], object]) -> int:
    """The same, and waits for its end."""
    return status_of(begin_child(work), 30)


def check(config: Config, call: Callable[[], Any]) -> Any:
    """What a call in the child must do: work with a server, and with a file say why it cannot."""
    if not is_on_a_file(config):
        return call()
    with pytest.raises(BackendError, match="forked while the database file was in use"):
        call()
    return None


def test_a_child_gets_answers_of_its_own_and_so_does_the_parent(config: Config) -> None:
    with SSO(config=config) as sso:
        names = [super_user(sso) for _ in range(4)]

        def ask(name: str, seconds: float) -> None:
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                user = sso.user.get_user_by_username("cid", name)
                assert user is not None
                assert user.username == name

        ask(names[0], 0.1)
        children = [begin_child(lambda name=name: check(config, lambda: ask(name, 1.5))) for name in names[1:]]  # type: ignore[misc]
        ask(names[0], 1.5)
        assert [status_of(pid, 30) for pid in children] == [0, 0, 0]
        ask(names[0], 0.1)


def test_a_fork_beside_calls_in_flight_is_noticed(config: Config) -> None:
    """Not beside threads that run Python code, where CPython itself may hang."""
    with SSO(config=config) as sso:
        counter = Counter.new(sso)
        is_over = threading.Event()

        def hook(*_: object) -> int:
            is_over.wait(30)
            return 5

        sso.hooks.session_expiry = hook
        username = super_user(sso)
        threads = [threading.Thread(target=log_in, args=(sso, username)) for _ in range(4)]
        for thread in threads:
            thread.start()
        time.sleep(0.3)
        try:
            statuses = [in_child(lambda: check(config, counter.read)) for _ in range(4)]
        finally:
            is_over.set()
            for thread in threads:
                thread.join(60)
        assert statuses == [0] * 4
        counter.bump()


def test_a_cached_session_is_not_answered_from_what_was_inherited(config: Config) -> None:
    with SSO(config=config) as sso:
        ust = log_in(sso, super_user(sso))
        for _ in range(20):
            sso.user.get_current_user("cid", ust, APP, ADDRESS)
            time.sleep(0.01)
        assert in_child(lambda: check(config, lambda: sso.user.get_current_user("cid", ust, APP, ADDRESS))) == 0


def test_the_child_can_close_and_collect_what_it_inherited(config: Config) -> None:
    sso, other = SSO(config=config), SSO(config=config)
    username = super_user(sso)
    log_in(other, username)

    def close_and_collect() -> None:
        nonlocal other
        sso.close()
        with pytest.raises(BackendError, match=r"^closed$"):
            log_in(sso, username)
        assert "SSO" in repr(other)
        del other
        gc.collect()

    assert in_child(close_and_collect) == 0
    log_in(sso, username)
    log_in(other, username)
    sso.close()
    other.close()


def test_a_new_object_on_an_inherited_file_is_refused(config: Config, sqlite_url: str) -> None:
    elsewhere = config_of(f"{sqlite_url}-2", new_key())
    with SSO(config=config) as sso:
        super_user(sso)

        def open_again() -> None:
            with SSO(config=config) as again:
                super_user(again)

        def open_file() -> None:
            with SSO(config=elsewhere) as again:
                super_user(again)

        assert in_child(lambda: check(config, open_again)) == 0
        # What SQLite has in the memory of a process belongs to no file.
        assert in_child(lambda: check(config, open_file)) == 0
        super_user(sso)


def test_a_database_in_memory_stays_in_the_parent(config: Config) -> None:
    memory = changed(config, database={"url": "sqlite::memory:"})
    with SSO(config=memory) as sso:
        counter = Counter.new(sso)

        def fails() -> None:
            with pytest.raises(BackendError, match="in-memory database does not cross"):
                counter.bump()

        assert in_child(fails) == 0
        counter.bump()


def test_a_fork_of_the_child_works_as_well(config: Config) -> None:
    with SSO(config=config) as sso:
        counter = Counter.new(sso)
        counter.bump()

        def child() -> None:
            check(config, counter.bump)
            assert in_child(lambda: check(config, counter.bump)) == 0
            pid = os.fork()
            if pid == 0:
                code = 1
                try:
                    check(config, counter.bump)
                    code = 0
                finally:
                    os._exit(code)
            assert status_of(pid, 30) == 0

        assert in_child(child) == 0
        assert counter.value() == (1 if is_on_a_file(config) else 4)


def test_an_awaitable_object_notices_it(config: Config) -> None:
    sso = AsyncSSO(config=config)

    async def ask() -> None:
        await sso.user.get_user_by_username("cid", "nobody")

    asyncio.run(ask())
    assert in_child(lambda: check(config, lambda: asyncio.run(ask()))) == 0
    asyncio.run(ask())
    asyncio.run(sso.close())


@pytest.mark.parametrize("fork", [LIBC.fork, os.fork], ids=["in C", "os.fork"])
def test_a_hook_that_forks_goes_on_in_the_parent_only(config: Config, fork: Callable[[], int]) -> None:
    """The call that the hook is part of holds connections, and perhaps a transaction."""
    pids: list[int] = []

    def hook(*_: object) -> int:
        pids.append(fork())
        return 5

    with SSO(config=config) as sso:
        username = super_user(sso)
        sso.hooks.session_expiry = hook
        try:
            log_in(sso, username)
        except BackendError as error:
            os._exit(0 if "forked during this call" in str(error) and pids == [0] else 1)
        except BaseException:
            os._exit(1)
        if pids == [0]:
            os._exit(2)
        assert status_of(pids[0], 30) == 0
        sso.hooks.session_expiry = None
        log_in(sso, username)
        assert sso.user.get_user_by_username("cid", username) is not None


EXITS = {
    "the child uses it and ends": "check()",
    "the child ends without a call": "pass",
    "the child closes it": "sso.close()",
    "the child drops it": "del sso, counter; import gc; gc.collect()",
}


@pytest.mark.parametrize("child", EXITS.values(), ids=EXITS.keys())
def test_the_interpreter_of_the_child_ends(script: Script, config: Config, child: str) -> None:
    done = script(
        f"""
        import ctypes
        from zato_sso import BackendError
        sso = SSO(config=config)
        counter = Counter.new(sso)
        counter.bump()
        def check():
            try:
                counter.bump()
            except BackendError as error:
                assert "forked while" in str(error), error
        pid = ctypes.PyDLL(None).fork()
        if pid == 0:
            {child}
            print("child", flush=True)
            sys.exit(7)
        assert status_of(pid, 20) == 7
        counter.bump()
        print("parent")
        """
    )
    assert done.stdout.split() == ["child", "parent"], done.stdout + done.stderr
