"""A process ends promptly whatever is open or under way, and Ctrl-C interrupts a call."""

from __future__ import annotations

import time

import pytest

CASES = {
    "open object": """
        sso = SSO(path)
        sso.bump()
    """,
    "open object in memory": """
        sso = SSO(":memory:")
        sso.bump()
    """,
    "call in flight in a daemon thread": """
        sso = SSO(path)
        threading.Thread(target=lambda: sso.hash(60), daemon=True).start()
        threading.Thread(target=lambda: sso.slow_bump(60), daemon=True).start()
        time.sleep(0.2)
    """,
    "busy daemon threads": """
        sso = SSO(path)
        def work():
            while True:
                sso.bump()
                sso.noop()
        for _ in range(8):
            threading.Thread(target=work, daemon=True).start()
        time.sleep(0.3)
    """,
    "busy daemon loops": """
        sso = SSO(path, is_async=True)
        async def work():
            while True:
                await asyncio.gather(*(sso.switch() for _ in range(20)))
        for _ in range(4):
            threading.Thread(target=lambda: asyncio.run(work()), daemon=True).start()
        time.sleep(0.3)
    """,
    "call that nobody awaits": """
        import warnings
        warnings.simplefilter("ignore")
        sso = SSO(path, is_async=True)
        sso.bump()
        kept = sso.bump()
    """,
    "loop gone while calls are in flight": """
        sso = SSO(path, is_async=True)
        async def main():
            await sso.open()
            for _ in range(20):
                asyncio.ensure_future(sso.slow_bump(0.1))
                asyncio.ensure_future(sso.hash(0.05))
            await asyncio.sleep(0.01)
        asyncio.run(main())
        time.sleep(0.15)
    """,
    "loop gone, exit at once": """
        sso = SSO(path, is_async=True)
        async def main():
            await sso.open()
            for _ in range(20):
                asyncio.ensure_future(sso.switch())
                asyncio.ensure_future(sso.hash(30))
            await asyncio.sleep(0.01)
        asyncio.run(main())
    """,
    "closing at exit": """
        import atexit
        sso, aio = SSO(path), SSO(path, is_async=True)
        atexit.register(lambda: (sso.bump(), sso.close(), asyncio.run(aio.close())))
        asyncio.run(aio.bump())
    """,
    "used by a finaliser at the very end": """
        class Last:
            def __del__(self):
                sso.bump()
        sso = SSO(path)
        last = Last()
        last.me = sso
    """,
    "child that leaves by sys.exit": """
        sso = SSO(path)
        count = sso.bump()
        pid = os.fork()
        if pid == 0:
            sso.bump()
            sys.exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        assert sso.value() == count + 1
    """,
}


@pytest.mark.parametrize("code", CASES.values(), ids=CASES)
def test_a_process_ends_promptly(script, code):
    for _ in range(3):
        start = time.monotonic()
        ended = script(code)
        assert (ended.returncode, ended.stderr) == (0, "")
        assert time.monotonic() - start < 5


@pytest.mark.parametrize("call", ["hash(30)", "slow_bump(30)"])
def test_ctrl_c_interrupts_a_blocking_call(script, call):
    ended = script(
        f"""
        sso = SSO(path)
        print("ready", flush=True)
        start = time.monotonic()
        try:
            sso.{call}
        except KeyboardInterrupt:
            took = time.monotonic() - start
            print(f"interrupted {{took < 1.3}}", sso.bump())
        """,
        interrupt_after=0.3,
        timeout=10,
    )
    assert (ended.stdout, ended.stderr) == ("interrupted True 1\n", "")
    assert ended.returncode == 0


def test_ctrl_c_gives_connections_back(script):
    """More interrupted calls than the pool has connections."""
    ended = script(
        """
        sso = SSO(path)
        def interrupt(*_):
            raise KeyboardInterrupt
        signal.signal(signal.SIGALRM, interrupt)
        for _ in range(8):
            signal.setitimer(signal.ITIMER_REAL, 0.02)
            try:
                sso.slow_bump(10)
            except KeyboardInterrupt:
                pass
        print("ready", sso.bump())
        sso.close()
        """,
    )
    assert (ended.stdout, ended.stderr, ended.returncode) == ("ready 1\n", "", 0)


def test_a_signal_handler_may_call_and_fork(script):
    ended = script(
        """
        sso = SSO(path)
        def handle(*_):
            sso.bump()
            pid = os.fork()
            if pid == 0:
                os._exit(0)
            os.waitpid(pid, 0)
        signal.signal(signal.SIGALRM, handle)
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        sso.hash(0.5)
        print(sso.value())
        """,
        timeout=8,
    )
    assert (ended.stdout, ended.stderr, ended.returncode) == ("1\n", "", 0)
