"""A process ends promptly whatever is open or under way, and Ctrl-C interrupts a call."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Script

CASES = {
    "open object": """
        Counter.new(SSO(config=config)).bump()
    """,
    "open object in memory": """
        counter = Counter.new(SSO("sqlite::memory:", config=config))
        counter.bump()
    """,
    "call in flight in a daemon thread": """
        sso = SSO(config=slow_config)
        data = {"username": "u", "password": PASSWORD}
        create = lambda: sso.user.create_user("cid", data, require_super_user=False)
        threading.Thread(target=create, daemon=True).start()
        start_logins(sso, 40)
        time.sleep(0.2)
    """,
    "busy daemon threads": """
        counter = Counter.new(SSO(config=config))
        def work():
            while True:
                counter.bump()
                counter.read()
        for _ in range(8):
            threading.Thread(target=work, daemon=True).start()
        time.sleep(0.3)
    """,
    "busy daemon loops": """
        counter = Counter.new(SSO(config=config)).on(AsyncSSO(config=config))
        async def work():
            while True:
                await asyncio.gather(*(counter.read() for _ in range(20)))
        for _ in range(4):
            threading.Thread(target=lambda: asyncio.run(work()), daemon=True).start()
        time.sleep(0.3)
    """,
    "call that nobody awaits": """
        import warnings
        warnings.simplefilter("ignore")
        sso = AsyncSSO(config=config)
        sso.user.get_user_by_username("cid", "nobody")
        kept = sso.user.get_user_by_username("cid", "nobody")
    """,
    "loop gone after calls in flight": """
        counter = Counter.new(SSO(config=config)).on(AsyncSSO(config=config))
        async def main():
            await counter.sso.open()
            for _ in range(20):
                asyncio.ensure_future(counter.bump())
            await asyncio.sleep(0.01)
        asyncio.run(main())
        time.sleep(0.15)
    """,
    "loop gone, exit at once": """
        counter = Counter.new(SSO(config=config)).on(AsyncSSO(config=slow_config))
        async def main():
            await counter.sso.open()
            for _ in range(40):
                asyncio.ensure_future(counter.bump())
                asyncio.ensure_future(slow_login_async(counter.sso))
            await asyncio.sleep(0.01)
        asyncio.run(main())
    """,
    "closing at exit": """
        import atexit
        counter, shared = Counter.new(SSO(config=config)), AsyncSSO(config=config)
        def at_exit():
            counter.bump()
            asyncio.run(counter.on(shared).bump())
            assert counter.value() == 3
            counter.sso.close()
            asyncio.run(shared.close())
        atexit.register(at_exit)
        asyncio.run(counter.on(shared).bump())
    """,
    "used by a finaliser at the very end": """
        class Last:
            def __del__(self):
                counter.bump()
        counter = Counter.new(SSO(config=config))
        last = Last()
        last.me = counter
    """,
    "child that leaves by sys.exit": """
        counter = Counter.new(SSO(config=config))
        counter.bump()
        pid = os.fork()
        if pid == 0:
            counter.bump()
            sys.exit(0)
        assert status_of(pid) == 0
        assert counter.value() == 2
    """,
}


@pytest.mark.parametrize("code", CASES.values(), ids=CASES)
def test_a_process_ends_promptly(script: Script, code: str) -> None:
    for _ in range(2):
        # What is slow in there would take more than a minute.
        ended = script(code, timeout=40)
        assert (ended.returncode, ended.stderr) == (0, "")


CALLS = {
    "login": "slow_login(sso)",
    "create": 'sso.user.create_user("cid", {"username": "u", "password": PASSWORD}, require_super_user=False)',
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_ctrl_c_interrupts_a_call_that_would_take_more_than_a_minute(script: Script, call: str) -> None:
    ended = script(
        f"""
        sso = SSO(config=slow_config)
        start_logins(sso, 40)
        print("ready", flush=True)
        try:
            {call}
        except KeyboardInterrupt:
            print("interrupted", sso.user.get_user_by_username("cid", "u", needs_approved=False))
        """,
        interrupt_after=0.3,
        timeout=30,
    )
    assert (ended.stdout, ended.stderr, ended.returncode) == ("interrupted None\n", "", 0)


def test_ctrl_c_is_seen_within_a_second(script: Script) -> None:
    """The best of three: the machine may be busy."""
    ended = script(
        """
        sso = SSO(config=slow_config)
        def interrupt(*_):
            raise KeyboardInterrupt
        signal.signal(signal.SIGALRM, interrupt)
        took = []
        for _ in range(3):
            signal.setitimer(signal.ITIMER_REAL, 0.2)
            start = time.monotonic()
            try:
                slow_login(sso)
            except KeyboardInterrupt:
                took.append(time.monotonic() - start)
        print(len(took), min(took) < 0.2 + 1)
        """,
        timeout=30,
    )
    assert (ended.stdout, ended.stderr, ended.returncode) == ("3 True\n", "", 0)


def test_interrupted_calls_give_their_connections_back(script: Script) -> None:
    """More interrupted calls than the pool has connections, while somebody else holds the lock that they wait for."""
    ended = script(
        """
        sso = SSO(config=changed(config, database={"max_connections": 2}))
        counter = Counter.new(sso)
        def interrupt(*_):
            raise KeyboardInterrupt
        signal.signal(signal.SIGALRM, interrupt)
        interrupted = 0
        with writes_locked(config):
            for _ in range(6):
                signal.setitimer(signal.ITIMER_REAL, 0.05)
                try:
                    counter.bump()
                except KeyboardInterrupt:
                    interrupted += 1
        counter.bump()
        print(interrupted, counter.value())
        sso.close()
        """,
    )
    assert (ended.stdout, ended.stderr, ended.returncode) == ("6 1\n", "", 0)


def test_a_signal_handler_may_call_and_fork(script: Script) -> None:
    ended = script(
        """
        sso = SSO(config=slow_config)
        counter = Counter.new(SSO(config=config))
        def handle(*_):
            counter.bump()
            pid = os.fork()
            if pid == 0:
                os._exit(0)
            os.waitpid(pid, 0)
            raise KeyboardInterrupt
        signal.signal(signal.SIGALRM, handle)
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        try:
            slow_login(sso)
        except KeyboardInterrupt:
            print(counter.value())
        """,
        timeout=40,
    )
    assert (ended.stdout, ended.stderr, ended.returncode) == ("1\n", "", 0)
