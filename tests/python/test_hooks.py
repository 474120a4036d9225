"""Hooks: callables that take part in operations, on both trees, sync and async, whatever they do."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import json
import logging
import threading
import time
import weakref
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from support import ADDRESS, APP, PASSWORD, AsyncSSO, Config, changed, in_child, log_in, super_user
from zato_sso import SSO

if TYPE_CHECKING:
    from conftest import Run, Script

NAMES = ["session_expiry", "validate_signup", "on_signup", "send_email", "claims", "on_password_expiring"]
VARIABLE: contextvars.ContextVar[str] = contextvars.ContextVar("VARIABLE", default="unset")


def minutes(sso: SSO, username: str) -> float:
    """For how many minutes a session is opened."""
    info = sso.user.login("cid", username, PASSWORD, APP, ADDRESS)
    return (info.expiration_time - info.creation_time) / timedelta(minutes=1)


async def minutes_async(sso: AsyncSSO, username: str) -> float:
    """The same, awaited."""
    info = await sso.user.login("cid", username, PASSWORD, APP, ADDRESS)
    return (info.expiration_time - info.creation_time) / timedelta(minutes=1)


@pytest.fixture
def username(sso: SSO) -> str:
    """Somebody who may log in."""
    return super_user(sso)


@pytest.fixture(params=["blocking", "async"])
def minutes_with(request: pytest.FixtureRequest, config: Config, username: str, run: Run[float]) -> Any:
    """How long a session lives that somebody opens on either tree, with a hook for that."""

    def blocking(hook: Callable[..., Any]) -> float:
        with SSO(config=config, hooks={"session_expiry": hook}) as sso:
            return minutes(sso, username)

    def awaited(hook: Callable[..., Any]) -> float:
        async def main() -> float:
            async with AsyncSSO(config=config, hooks={"session_expiry": hook}) as sso:
                return await minutes_async(sso, username)

        return run(main())

    return {"blocking": blocking, "async": awaited}[request.param]


def test_a_hook_is_given_its_arguments_and_its_answer_counts(minutes_with: Any, username: str) -> None:
    asked: list[tuple[object, ...]] = []

    def hook(*arguments: object) -> int:
        asked.append(arguments)
        return 5

    assert minutes_with(hook) == 5
    assert asked == [(username, APP, 60)]


def test_an_async_hook_is_awaited(minutes_with: Any) -> None:
    async def hook(_username: str, _app: str, default: int) -> int:
        await asyncio.sleep(0.01)
        assert sum(await asyncio.gather(asyncio.sleep(0, 1), asyncio.sleep(0, 2))) == 3
        return default + 1

    assert minutes_with(hook) == 61

    class Later:
        def __await__(self) -> Generator[Any, Any, int]:
            yield from asyncio.sleep(0.01).__await__()
            return 7

    assert minutes_with(lambda *_: Later()) == 7


def test_a_hook_is_asked_at_every_renewal(config: Config, username: str, run: Run[None]) -> None:
    answers = iter([10, 20, 30])
    with SSO(config=config) as sso:
        sso.hooks.session_expiry = lambda *_: next(answers)
        info = sso.user.login("cid", username, PASSWORD, APP, ADDRESS)
        before = info.expiration_time
        for _ in range(2):
            after = sso.session.renew("cid", info.ust, APP, ADDRESS)
            assert after > before + timedelta(minutes=9)
            before = after
        sso.hooks.session_expiry = None
        assert sso.session.renew("cid", info.ust, APP, ADDRESS) > before + timedelta(minutes=29)


class PlantedError(Exception):
    """What it says is a secret."""


def raising(*_: object) -> int:
    """A hook that raises."""
    raise PlantedError("planted secret")


async def raising_async(*_: object) -> int:
    """A hook that raises when it is awaited."""
    await asyncio.sleep(0)
    raise PlantedError("planted secret")


async def cancelled(*_: object) -> int:
    """A hook that is cancelled from within."""
    raise asyncio.CancelledError


def leaving(*_: object) -> int:
    """A hook that would end the process."""
    raise SystemExit(5)


WRONG = {
    "raises": (raising, "raised PlantedError in test_hooks.py, line "),
    "raises when awaited": (raising_async, "raised PlantedError in test_hooks.py, line "),
    "is cancelled": (cancelled, "raised CancelledError"),
    "leaves": (leaving, "raised SystemExit in test_hooks.py, line "),
    "takes no arguments": (lambda: 5, "raised TypeError"),
    "answers text": (lambda *_: "planted secret", "answered str, expected int, a number of minutes"),
    "answers a flag": (lambda *_: True, "answered bool, expected int, a number of minutes"),
    "answers nothing": (lambda *_: None, "answered NoneType, expected int, a number of minutes"),
    "answers what is no 64-bit number": (lambda *_: 1 << 70, "answered int, expected int, a number of minutes"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_hook_that_fails_is_logged_without_secrets_and_the_default_holds(
    minutes_with: Any, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    hook, reason = WRONG[name]
    assert minutes_with(hook) == 60
    (record,) = [record for record in caplog.records if record.name == "zato_sso"]
    assert record.levelno == logging.ERROR
    assert record.getMessage().startswith(f"the hook session_expiry failed: it {reason}")
    assert "secret" not in caplog.text


@pytest.mark.parametrize("answer", [0, -1, 876_000 * 60 + 1])
def test_minutes_that_cannot_be_are_as_none(minutes_with: Any, answer: int) -> None:
    assert minutes_with(lambda *_: answer) == 60


def test_failures_are_in_the_audit_log(config: Config, username: str, tmp_path: Path) -> None:
    log = tmp_path / "audit.log"
    with SSO(config=changed(config, audit={"file": str(log)}), hooks={"session_expiry": raising}) as sso:
        assert minutes(sso, username) == 60
    (entry,) = [json.loads(line) for line in log.read_text().splitlines()]
    assert entry["extra"]["hook_error"].startswith("session_expiry: raised PlantedError in test_hooks.py, line ")
    assert "secret" not in str(entry)


def test_hooks_are_a_mapping_or_an_object_and_can_be_set(config: Config, username: str) -> None:
    class Mine:
        default = 3

        def session_expiry(self, *_: object) -> int:
            return self.default

    with SSO(config=config, hooks=Mine()) as sso:
        assert minutes(sso, username) == 3
        assert repr(sso.hooks) == "Hooks(session_expiry)"
        with SSO(config=config, hooks=sso.hooks) as other:
            assert minutes(other, username) == 3
    with SSO(config=config, hooks=SimpleNamespace(session_expiry=None, on_signup=print)) as sso:
        assert minutes(sso, username) == 60
        assert (sso.hooks.session_expiry, sso.hooks.on_signup) == (None, print)
    with SSO(config=config, hooks={}) as sso:
        assert repr(sso.hooks) == "Hooks()"
        for name in NAMES:
            assert getattr(sso.hooks, name) is None
            setattr(sso.hooks, name, raising)
            assert getattr(sso.hooks, name) is raising
        assert sso.hooks is sso.hooks


@pytest.mark.parametrize("make", [SSO, AsyncSSO], ids=["blocking", "async"])
def test_what_is_no_hook_is_refused(make: Any) -> None:
    known = "session_expiry, validate_signup, on_signup, send_email, claims, on_password_expiring"
    with pytest.raises(ValueError, match=f"no hook is named 'on_sigup', expected {known}"):
        make("sqlite::memory:", hooks={"on_sigup": print})
    with pytest.raises(ValueError, match="no hook is named 5"):
        make("sqlite::memory:", hooks={5: print})
    for wrong in (5, "text", {"session_expiry": 5}, SimpleNamespace(on_signup="text"), SimpleNamespace()):
        with pytest.raises(TypeError, match="hooks"):
            make("sqlite::memory:", hooks=wrong)
    hooks = make("sqlite::memory:").hooks
    with pytest.raises(TypeError, match=r"^hooks.session_expiry: expected a callable or None, not int$"):
        hooks.session_expiry = 5
    with pytest.raises(AttributeError):
        hooks.on_sigup = print


def test_hooks_of_blocking_calls_run_on_the_thread_of_the_caller(config: Config, username: str) -> None:
    local = threading.local()
    local.value = "mine"
    seen: list[object] = []

    def hook(*_: object) -> int:
        seen.append((threading.get_ident(), local.value, VARIABLE.get()))
        return 5

    async def hook_async(*arguments: object) -> int:
        return hook(*arguments)

    VARIABLE.set("here")
    with SSO(config=config) as sso:
        for one in (hook, hook_async):
            sso.hooks.session_expiry = one
            assert minutes(sso, username) == 5
    assert seen == [(threading.get_ident(), "mine", "here")] * 2


def test_an_async_hook_of_a_blocking_call_works_within_a_loop(config: Config, username: str, run: Run[None]) -> None:
    async def hook(*_: object) -> int:
        await asyncio.sleep(0.01)
        return 5 if VARIABLE.get() == "here" else 6

    async def main() -> None:
        VARIABLE.set("here")
        with SSO(config=config, hooks={"session_expiry": hook}) as sso:
            assert minutes(sso, username) == 5

    run(main())


def test_an_async_hook_leaves_the_loop_of_the_thread_alone(config: Config, username: str) -> None:
    mine = asyncio.new_event_loop()
    asyncio.set_event_loop(mine)
    left: list[asyncio.Task[None]] = []

    async def hook(*_: object) -> int:
        left.append(asyncio.ensure_future(asyncio.sleep(3600)))
        return 5

    try:
        with SSO(config=config, hooks={"session_expiry": hook}) as sso:
            assert minutes(sso, username) == 5
        assert asyncio.get_event_loop_policy().get_event_loop() is mine
        assert left[0].cancelled()
    finally:
        asyncio.set_event_loop(None)
        mine.close()


def test_async_hooks_run_in_the_loop_and_the_context_of_the_caller(
    config: Config, username: str, run: Run[None]
) -> None:
    async def main() -> None:
        event = asyncio.Event()
        asyncio.get_running_loop().call_later(0.05, event.set)

        async def hook(*_: object) -> int:
            assert (asyncio.get_running_loop(), threading.get_ident()) == (loop, thread)
            await event.wait()
            return 5 if VARIABLE.get() == "here" else 6

        loop, thread = asyncio.get_running_loop(), threading.get_ident()
        async with AsyncSSO(config=config, hooks={"session_expiry": hook}) as sso:
            VARIABLE.set("here")
            assert await minutes_async(sso, username) == 5

    run(main())


def test_a_sync_hook_does_not_block_the_loop(config: Config, username: str, run: Run[None]) -> None:
    is_free = threading.Event()

    def hook(*_: object) -> int:
        assert VARIABLE.get() == "here"
        return 5 if is_free.wait(30) else 6

    async def main() -> None:
        VARIABLE.set("here")
        async with AsyncSSO(config=config, hooks={"session_expiry": hook}) as sso:
            call = asyncio.ensure_future(minutes_async(sso, username))
            await asyncio.sleep(0.1)
            assert not call.done()
            is_free.set()
            assert await call == 5

    run(main())


def test_a_hook_may_call_the_api_again(config: Config, username: str, run: Run[None]) -> None:
    depth = threading.local()

    def hook(*_: object) -> int:
        if getattr(depth, "value", 0) == 3:
            return 5
        depth.value = getattr(depth, "value", 0) + 1
        try:
            return int(minutes(blocking, username)) + 1
        finally:
            depth.value -= 1

    with SSO(config=config, hooks={"session_expiry": hook}) as blocking:
        assert minutes(blocking, username) == 8

        async def main() -> None:
            async with AsyncSSO(config=config) as sso:
                # A thread of its own calls the blocking tree.
                sso.hooks.session_expiry = hook
                assert await minutes_async(sso, username) == 8

                async def again(*_: object) -> int:
                    sso.hooks.session_expiry = None
                    return int(await minutes_async(sso, username)) + 1

                sso.hooks.session_expiry = again
                assert await minutes_async(sso, username) == 61

        run(main())


def test_hooks_work_from_many_threads_and_tasks_at_once(config: Config, username: str, run: Run[None]) -> None:
    def hook(*_: object) -> int:
        time.sleep(0.005)
        assert blocking.user.get_user_by_username("cid", username) is not None
        return 5

    async def hook_async(*arguments: object) -> int:
        await asyncio.sleep(0.005)
        return hook(*arguments)

    with SSO(config=config, hooks={"session_expiry": hook}) as blocking:
        with ThreadPoolExecutor(8) as pool:
            assert set(pool.map(lambda _: minutes(blocking, username), range(40))) == {5}

        async def main() -> None:
            async with AsyncSSO(config=config) as sso:
                for one in (hook, hook_async):
                    sso.hooks.session_expiry = one
                    assert set(await asyncio.gather(*(minutes_async(sso, username) for _ in range(40)))) == {5}

        run(main())


def test_a_call_that_is_cancelled_runs_to_its_end_with_its_hook(
    config: Config, username: str, sso: SSO, run: Run[None]
) -> None:
    ended = threading.Event()

    async def hook(*_: object) -> int:
        await asyncio.sleep(0.1)
        ended.set()
        return 5

    async def main() -> None:
        async with AsyncSSO(config=config, hooks={"session_expiry": hook}) as shared:
            call = asyncio.ensure_future(minutes_async(shared, username))
            await asyncio.sleep(0.05)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            while not ended.is_set():
                await asyncio.sleep(0.01)
            # The test fails when the time of `run` is over.
            while len(await shared.session.get_list("cid", ust, None, None, APP, ADDRESS)) < 2:
                await asyncio.sleep(0.01)

    ust = log_in(sso, username)
    run(main())


def test_a_loop_that_ends_with_a_hook_under_way_holds_nothing_up(config: Config, username: str) -> None:
    async def hook(*_: object) -> int:
        await asyncio.sleep(3600)
        return 5

    async def main() -> None:
        await shared.open()
        call = asyncio.ensure_future(minutes_async(shared, username))
        await asyncio.sleep(0.2)
        assert not call.done()

    shared = AsyncSSO(config=config, hooks={"session_expiry": hook})
    # Ends by cancelling all tasks, that of the hook too.
    asyncio.run(main())
    start = time.monotonic()
    assert in_child(lambda: None) == 0
    assert time.monotonic() - start < 8
    asyncio.run(shared.close())


def test_a_tree_that_its_hook_holds_is_collected(config: Config, username: str) -> None:
    class Service:
        def __init__(self, make: Any) -> None:
            self.sso = make(config=config, hooks={"session_expiry": self.session_expiry})
            self.user, self.attr = self.sso.user, self.sso.session.attr

        def session_expiry(self, *_: object) -> int:
            return 5

    for make in (SSO, AsyncSSO):
        service = Service(make)
        if make is SSO:
            assert minutes(service.sso, username) == 5
        gone = weakref.ref(service)
        del service
        gc.collect()
        assert gone() is None


def test_hooks_are_there_for_as_long_as_any_part_of_the_tree_is(config: Config, username: str, run: Run[None]) -> None:
    def hook(*_: object) -> int:
        return 5 if kept else 6

    kept = [SSO(config=config, hooks={"session_expiry": hook}).user]
    gc.collect()
    info = kept[0].login("cid", username, PASSWORD, APP, ADDRESS)
    assert info.expiration_time - info.creation_time == timedelta(minutes=5)

    async def main() -> None:
        async def collecting(*_: object) -> int:
            gc.collect()
            await asyncio.sleep(0.05)
            gc.collect()
            return 5

        # Nobody but the call under way knows of the tree.
        call = AsyncSSO(config=config, hooks={"session_expiry": collecting}).user.login(
            "cid", username, PASSWORD, APP, ADDRESS
        )
        gc.collect()
        info = await call
        assert info.expiration_time - info.creation_time == timedelta(minutes=5)

    run(main())


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_hooks_come_along_to_a_child(config: Config, username: str, run: Run[None]) -> None:
    async def hook(*_: object) -> int:
        await asyncio.sleep(0)
        return 5

    def check() -> None:
        assert minutes(blocking, username) == 5
        assert asyncio.run(minutes_async(shared, username)) == 5

    with SSO(config=config, hooks={"session_expiry": hook}) as blocking:
        shared = AsyncSSO(config=config, hooks={"session_expiry": hook})
        check()
        assert in_child(check) == 0
        check()
        asyncio.run(shared.close())


FORKING = """
    import subprocess, os
    def fork():
        start = time.monotonic()
        pid = os.fork()
        if not pid:
            os._exit(7)
        took = time.monotonic() - start
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) if took < 8 else 0
    def hook(*_):
        return fork()
    async def hook_async(*_):
        await asyncio.sleep(0)
        return fork()
    with SSO(config=config) as sso:
        username = super_user(sso)
        def check(info):
            assert (info.expiration_time - info.creation_time).seconds == 7 * 60, info
        async def main():
            async with AsyncSSO(config=config) as shared:
                for one in (hook, hook_async):
                    shared.hooks.session_expiry = one
                    check(await shared.user.login("cid", username, PASSWORD, APP, ADDRESS))
        for one in (hook, hook_async):
            sso.hooks.session_expiry = one
            check(sso.user.login("cid", username, PASSWORD, APP, ADDRESS))
        asyncio.run(main())
    print("done")
"""

LEAVING = """
    import atexit
    def hook(*_):
        time.sleep(0.05)
        return 5
    async def hook_async(*_):
        await asyncio.sleep(0.05)
        return 5
    sso = SSO(config=config)
    username = super_user(sso)
    shared = AsyncSSO(config=config)
    async def work():
        while True:
            await asyncio.gather(*(shared.user.login("cid", username, PASSWORD, APP, ADDRESS) for _ in range(4)))
    def block():
        while True:
            sso.user.login("cid", username, PASSWORD, APP, ADDRESS)
    shared.hooks.session_expiry = sso.hooks.session_expiry = {hook}
    for target in (block, lambda: asyncio.run(work())):
        threading.Thread(target=target, daemon=True).start()
    time.sleep(0.3)
    print("done")
"""


@pytest.mark.parametrize(
    "code",
    [FORKING, LEAVING.format(hook="hook"), LEAVING.format(hook="hook_async")],
    ids=["fork within a hook", "exit within hooks", "exit within async hooks"],
)
def test_a_process_goes_on_and_ends_promptly(script: Script, code: str) -> None:
    done = script(code)
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr
    assert "panicked" not in done.stderr


def test_ctrl_c_within_a_hook_interrupts_the_call(script: Script) -> None:
    code = """
        def hook(*_):
            print("ready", flush=True)
            time.sleep(60)
            return 5
        with SSO(config=config) as sso:
            username = super_user(sso)
            sso.hooks.session_expiry = hook
            try:
                sso.user.login("cid", username, PASSWORD, APP, ADDRESS)
                time.sleep(5)
            except KeyboardInterrupt:
                print("interrupted")
    """
    done = script(code, interrupt_after=0.3)
    assert (done.returncode, done.stdout) == (0, "interrupted\n"), done.stderr
