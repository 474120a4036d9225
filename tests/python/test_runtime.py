"""How calls run: blocking and awaited, interrupted, shared by threads, across forks, at exit.

Needs an object with a slow call and a quick one; `conftest.py` says which object that is.
"""

from __future__ import annotations

import asyncio
import gc
import os
import pickle
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone

import pytest
from zato_sso import BackendError, InternalError, InvalidTOTPError, ValidationError
from zato_sso._core import _Standin as SSO
from zato_sso._core import converted


@pytest.fixture(params=["asyncio", "uvloop"])
def run(request):
    """Runs a coroutine in a fresh event loop of either kind."""
    kind = pytest.importorskip(request.param)

    def run(coroutine):
        loop = kind.new_event_loop()
        try:
            return loop.run_until_complete(asyncio.wait_for(coroutine, 20))
        finally:
            loop.close()

    return run


# Blocking


def test_calls_return_and_count(sso):
    assert [sso.bump() for _ in range(3)] == [1, 2, 3]
    assert sso.value() == 3
    assert sso.noop() is None


def test_calls_release_the_interpreter(sso):
    with ThreadPoolExecutor(8) as pool:
        start = time.monotonic()
        list(pool.map(lambda _: sso.hash(0.3), range(8)))
    assert time.monotonic() - start < 1.2


def test_32_threads_share_one_object(sso):
    with ThreadPoolExecutor(32) as pool:
        results = list(pool.map(lambda _: sso.bump(), range(640)))
    assert sorted(results) == list(range(1, 641))


def test_a_blocking_call_works_inside_a_running_loop(sso, run):
    async def main():
        return sso.bump()

    assert run(main()) == 1


# Awaitable


def test_awaited_calls_return(aio, run):
    async def main():
        async with aio() as sso:
            assert await sso.noop() is None
            assert await sso.bump() == 1
            return await asyncio.gather(*(sso.bump() for _ in range(200)))

    assert sorted(run(main())) == list(range(2, 202))


def test_a_call_is_as_good_as_a_coroutine(aio):
    sso = aio()
    assert asyncio.run(sso.bump()) == 1

    async def main():
        task = asyncio.create_task(sso.bump())
        assert await asyncio.wait_for(sso.slow_bump(0.01), 5) in (2, 3)
        assert await task in (2, 3)
        assert await sso.value() == 3
        await sso.close()

    asyncio.run(main())


def test_the_loop_goes_on_while_a_call_waits(aio, run):
    async def main():
        sso = aio()
        await sso.open()
        call = asyncio.ensure_future(sso.hash(0.3))
        ticks = 0
        while not call.done():
            await asyncio.sleep(0.01)
            ticks += 1
        await sso.close()
        return ticks

    assert run(main()) > 10


def test_making_an_object_does_not_open_it(path, run):
    async def main():
        sso = SSO(path, is_async=True)
        assert not os.path.exists(path)
        await sso.open()
        assert os.path.exists(path)
        await sso.close()

    run(main())


def test_a_cancelled_call_runs_to_its_end(aio, sso, run):
    async def main():
        shared = aio()
        await shared.open()
        call = asyncio.ensure_future(shared.slow_bump(0.2))
        await asyncio.sleep(0.05)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(shared.slow_bump(0.2), 0.05)
        await asyncio.sleep(0.4)
        await shared.close()

    run(main())
    assert sso.value() == 2


def test_a_call_is_awaited_once(aio, run):
    async def main():
        sso = aio()
        call = sso.bump()
        await call
        with pytest.raises(RuntimeError, match="already awaited"):
            await call
        await sso.close()

    run(main())


def test_a_call_that_nobody_awaits_does_nothing_and_says_so(aio, sso):
    shared = aio()
    with pytest.warns(RuntimeWarning, match="never awaited"):
        shared.bump()
        gc.collect()
    assert sso.value() == 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        shared.bump().close()


def test_without_a_loop_a_call_says_so(aio):
    with pytest.raises(RuntimeError, match="no running event loop"):
        aio().bump().send(None)


def test_an_abandoned_call_leaves_no_garbage_behind(aio):
    sso = aio()

    async def main():
        await sso.open()
        asyncio.ensure_future(sso.slow_bump(0.2)).cancel()
        asyncio.ensure_future(sso.slow_bump(0.2))
        await asyncio.sleep(0.01)

    loop = asyncio.new_event_loop()
    loop.run_until_complete(main())
    loop.close()
    time.sleep(0.4)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        gc.collect()
    assert asyncio.run(sso.value()) == 1


def test_results_arrive_in_the_loop_that_asked(aio):
    sso = aio()

    async def many():
        results = await asyncio.gather(*(sso.switch() for _ in range(200)))
        assert results == [None] * 200
        return True

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(lambda _: asyncio.run(many()), range(16)))
    asyncio.run(sso.close())


# Closing


def test_close_is_final_and_may_come_twice(path):
    sso = SSO(path)
    sso.close()
    sso.close()
    with pytest.raises(BackendError, match="^closed$"):
        sso.bump()
    with SSO(path) as other:
        assert other.bump() == 1
    with pytest.raises(BackendError, match="^closed$"):
        other.bump()


def test_close_is_final_when_awaited(aio, run):
    async def main():
        sso = aio()
        async with sso:
            await sso.bump()
        await sso.close()
        with pytest.raises(BackendError, match="^closed$"):
            await sso.bump()

    run(main())


def test_calls_in_flight_at_close_end(path):
    sso = SSO(path)
    outcomes = []

    def work():
        try:
            while True:
                sso.bump()
        except BaseException as error:  # noqa: BLE001
            outcomes.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    time.sleep(0.1)
    sso.close()
    for thread in threads:
        thread.join(10)
    assert [(type(error), str(error)) for error in outcomes] == [(BackendError, "closed")] * 8


def test_an_object_that_cannot_be_opened_raises(tmp_path, run):
    missing = str(tmp_path / "missing" / "sso.db")
    with pytest.raises(BackendError):
        SSO(missing)

    async def main():
        sso = SSO(missing, is_async=True)
        with pytest.raises(BackendError):
            await sso.bump()
        os.mkdir(os.path.dirname(missing))
        assert await sso.bump() == 1
        await sso.close()

    run(main())


# Errors


def test_refusals_say_why(sso):
    with pytest.raises(ValidationError) as raised:
        sso.fail("refused")
    error = raised.value
    assert (error.sub_status, error.status, error.return_status) == (["E008002"], "error", False)
    assert error.detail == "email: expected one @"
    assert str(error) == "E008002 common.invalid_input: email: expected one @"
    with pytest.raises(ValidationError) as raised:
        sso.fail("code")
    assert str(raised.value) == "E005001 auth.not_allowed"
    assert type(raised.value) is ValidationError
    with pytest.raises(InvalidTOTPError, match="^E005001 auth.not_allowed$"):
        sso.fail_totp()


def test_a_rate_limit_says_when_to_come_back(sso):
    with pytest.raises(ValidationError) as raised:
        sso.fail("rate")
    assert raised.value.sub_status == ["E005009"]
    assert raised.value.retry_after == 1.5


def test_a_database_that_is_away_is_a_backend_error(sso):
    with pytest.raises(BackendError, match="no route to the database") as raised:
        sso.fail("unavailable")
    assert not isinstance(raised.value, InternalError)


def test_our_own_faults_show_nothing_but_in_the_log(sso, caplog, run, aio):
    with pytest.raises(InternalError) as raised:
        sso.fail("internal")
    assert str(raised.value) == "internal error, see the log of zato_sso"
    assert "a source that only the log sees" in caplog.text
    for waits in (False, True):
        with pytest.raises(InternalError):
            sso.panic(waits)
        with pytest.raises(InternalError):
            run(aio().panic(waits))
    assert sso.bump() == 1


def test_awaited_calls_raise_the_same(aio, run):
    for kind in ("refused", "rate", "unavailable", "internal"):
        with pytest.raises((ValidationError, BackendError)):
            run(aio().fail(kind))


@pytest.mark.parametrize("cls", [ValidationError, InvalidTOTPError])
def test_exceptions_can_be_pickled(cls):
    error = cls(["E005009"], detail="why", retry_after=2.5)
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is cls
    assert vars(copy) == vars(error)
    assert str(copy) == "E005009 auth.rate_limited: why: try again in 2.5 s"
    assert str(pickle.loads(pickle.dumps(InternalError()))) == str(InternalError())


# Arguments

NOON = datetime(2026, 2, 25, 12, 0, 0, 81767)


@pytest.mark.parametrize(
    ("given", "joined"),
    [
        ("10.0.0.1, 10.0.0.2", "10.0.0.1, 10.0.0.2"),
        (b"10.0.0.1", "10.0.0.1"),
        (["10.0.0.1", b"10.0.0.2"], "10.0.0.1, 10.0.0.2"),
        (("10.0.0.1",), "10.0.0.1"),
        ([], ""),
        (None, ""),
    ],
)
def test_addresses_come_in_many_shapes(given, joined):
    assert converted("p", given, "cid", NOON)[1] == joined


def test_passwords_are_str_or_bytes():
    assert converted("żółw", None, "cid", NOON)[0] == "żółw"
    assert converted("żółw".encode(), None, "cid", NOON)[0] == "żółw"
    for wrong, error in ((b"secret\xff", ValueError), ("secret\ud800", ValueError), (5, TypeError)):
        with pytest.raises(error) as raised:
            converted(wrong, None, "cid", NOON)
        assert "secret" not in repr(raised.value)
    for wrong in (5, [5], {"a": 1}):
        with pytest.raises(TypeError):
            converted("p", wrong, "cid", NOON)
        with pytest.raises(TypeError):
            converted("p", None, wrong, NOON)
        with pytest.raises(TypeError):
            converted("p", None, "cid", wrong)


@pytest.mark.parametrize(
    "time", [NOON, datetime(1, 1, 1), datetime(9999, 12, 31), datetime(1969, 12, 31, 23, 59, 59, 999999)]
)
def test_times_are_naive_and_come_back(time):
    assert converted("p", None, "cid", time)[3] == time


def test_aware_times_are_converted():
    zone = timezone(timedelta(hours=-5, minutes=-30))
    assert converted("p", None, "cid", NOON.replace(tzinfo=zone))[3] == NOON + timedelta(hours=5, minutes=30)
    assert converted("p", None, "cid", NOON.replace(tzinfo=timezone.utc))[3] == NOON


# Hooks: Python code that runs inside a call


@pytest.mark.parametrize("elsewhere", [False, True], ids=["own thread", "blocking pool"])
def test_a_hook_may_call_the_api(sso, aio, run, elsewhere):
    assert sso.hook(sso.bump, elsewhere) == 1
    assert sso.hook(lambda: sso.hook(sso.bump, elsewhere), elsewhere) == 2
    assert run(aio().hook(sso.bump, elsewhere)) == 3


@pytest.mark.parametrize("elsewhere", [False, True], ids=["own thread", "blocking pool"])
def test_a_hook_may_fork(sso, elsewhere):
    def fork():
        pid = os.fork()
        if pid == 0:
            try:
                sso.bump()
            except BackendError as error:
                os._exit(7 if "os.fork() came while" in str(error) else 1)
            os._exit(2)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    start = time.monotonic()
    assert sso.hook(fork, elsewhere) == 7
    assert time.monotonic() - start < 5
    assert sso.bump() == 1
