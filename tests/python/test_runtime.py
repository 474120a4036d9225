"""How calls run: blocking and awaited, shared by threads, in event loops of either kind, under gevent; their errors."""

from __future__ import annotations

import asyncio
import gc
import pickle
import socket
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from support import (
    ADDRESS,
    APP,
    PASSWORD,
    AsyncSSO,
    Config,
    Counter,
    changed,
    config_of,
    new_key,
    slow_login,
    slow_login_async,
    super_user,
    unique,
)
from zato_sso import SSO, BackendError, InternalError, InvalidTOTPError, ValidationError

if TYPE_CHECKING:
    from conftest import Heavy, Run, Script

MakeAio = Callable[[], AsyncSSO]


@contextmanager
def port_that_answers_nobody() -> Iterator[int]:
    """A port that is taken and where nothing listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


# Blocking


def test_calls_return_and_count(counter: Counter) -> None:
    for expected in range(3):
        assert counter.value() == expected
        counter.bump()


def test_a_slow_call_lets_other_threads_run(heavy: Heavy) -> None:
    with SSO(config=heavy(1)) as sso:
        thread = threading.Thread(target=slow_login, args=(sso,))
        thread.start()
        turns = 0
        while thread.is_alive():
            turns += 1
            time.sleep(0.001)
    # With the interpreter held during the call there would be one or two.
    assert turns > 20


def test_too_many_logins_are_turned_away_at_once_and_hold_up_no_check(script: Script) -> None:
    ended = script(
        """
        from zato_sso import BackendError
        with SSO(config=config) as sso:
            root = log_in(sso, super_user(sso))
        sso, refused = SSO(config=slow_config), []
        def attempt():
            try:
                slow_login(sso)
            except BackendError as error:
                refused.append(str(error))
        # One for each core, 64 that wait for each, and some.
        for _ in range((os.cpu_count() or 1) * 65 + 8):
            threading.Thread(target=attempt, daemon=True).start()
        while not refused:
            time.sleep(0.01)
        assert sso.session.verify("cid", root, root, APP, ADDRESS)
        assert sso.session.renew("cid", root, APP, ADDRESS)
        print(refused[0], flush=True)
        os._exit(0)
        """
    )
    assert "too many passwords are waiting" in ended.stdout, ended


def test_32_threads_share_one_object(counter: Counter) -> None:
    def work(_: int) -> None:
        counter.bump()
        counter.read()

    with ThreadPoolExecutor(32) as pool:
        list(pool.map(work, range(320)))
    assert counter.value() == 320


def test_32_threads_may_make_the_first_call(config: Config) -> None:
    name = super_user(SSO(config=config))
    sso = AsyncSSO(config=config)

    async def found() -> bool:
        return await sso.user.get_user_by_username("cid", name) is not None

    with ThreadPoolExecutor(32) as pool:
        assert all(pool.map(lambda _: asyncio.run(found()), range(32)))
    asyncio.run(close(sso))


async def close(sso: AsyncSSO) -> None:
    await sso.close()


def test_a_blocking_call_works_inside_a_running_loop(counter: Counter, run: Run[int]) -> None:
    async def main() -> int:
        counter.bump()
        return counter.value()

    assert run(main()) == 1


# Awaitable


def test_awaited_calls_return(aio: MakeAio, counter: Counter, run: Run[int]) -> None:
    async def main() -> int:
        async with aio() as sso:
            shared = counter.on(sso)
            await shared.bump()
            assert await shared.value() == 1
            await asyncio.gather(*(shared.bump() for _ in range(100)))
            return await shared.value()

    assert run(main()) == 101


def test_a_call_is_as_good_as_a_coroutine(aio: MakeAio, counter: Counter) -> None:
    sso = aio()
    shared = counter.on(sso)

    async def main() -> None:
        task: asyncio.Task[Any] = asyncio.create_task(sso.session.renew("cid", counter.ust, APP, ADDRESS))
        assert await asyncio.wait_for(sso.user.get_user_by_username("cid", "nobody"), 30) is None
        assert await task > (await sso.session.get("cid", counter.ust, counter.ust, APP, ADDRESS)).creation_time
        assert await shared.value() == 1
        await sso.close()

    asyncio.run(main())


def test_the_loop_goes_on_while_a_call_waits(heavy: Heavy, run: Run[int]) -> None:
    async def main() -> int:
        async with AsyncSSO(config=heavy(1)) as sso:
            call = asyncio.ensure_future(slow_login_async(sso))
            ticks = 0
            while not call.done():
                await asyncio.sleep(0.001)
                ticks += 1
            await call
            return ticks

    assert run(main()) > 20


def test_making_an_awaitable_object_opens_nothing(sqlite_url: str, run: Run[None]) -> None:
    path = Path(sqlite_url.removeprefix("sqlite:///"))

    async def main() -> None:
        sso = AsyncSSO(config=config_of(sqlite_url, new_key()))
        assert not path.exists()
        await sso.open()
        assert path.exists()
        await sso.close()

    run(main())


def test_a_cancelled_call_runs_to_its_end(heavy: Heavy, sso: SSO, run: Run[None]) -> None:
    cancelled, late = unique("cancelled"), unique("late")

    async def create(shared: AsyncSSO, name: str) -> str:
        data = {"username": name, "password": PASSWORD}
        return await shared.user.create_user("cid", data, require_super_user=False)

    async def main() -> None:
        async with AsyncSSO(config=heavy(0.5)) as shared:
            call = asyncio.ensure_future(create(shared, cancelled))
            await asyncio.sleep(0.05)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(create(shared, late), 0.05)
            for name in (cancelled, late):
                while await shared.user.get_user_by_username("cid", name, needs_approved=False) is None:
                    await asyncio.sleep(0.05)

    run(main())
    assert sso.user.get_user_by_username("cid", cancelled, needs_approved=False) is not None


def test_a_call_is_awaited_once(aio: MakeAio, run: Run[None]) -> None:
    async def main() -> None:
        async with aio() as sso:
            call = sso.user.get_user_by_username("cid", "nobody")
            await call
            with pytest.raises(RuntimeError, match="already awaited"):
                await call

    run(main())


def test_a_call_that_nobody_awaits_does_nothing_and_says_so(aio: MakeAio, counter: Counter) -> None:
    shared = aio()
    with pytest.warns(RuntimeWarning, match="never awaited"):
        shared.session.renew("cid", counter.ust, APP, ADDRESS)  # type: ignore[unused-coroutine]
    assert counter.value() == 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        shared.session.renew("cid", counter.ust, APP, ADDRESS).close()


def test_without_a_loop_a_call_says_so(aio: MakeAio) -> None:
    with pytest.raises(RuntimeError, match="no running event loop"):
        aio().user.get_user_by_username("cid", "nobody").send(None)


def test_a_loop_may_go_while_calls_are_in_flight(heavy: Heavy, sso: SSO) -> None:
    names = [unique("abandoned"), unique("forgotten")]
    shared = AsyncSSO(config=heavy(0.3))

    async def main() -> None:
        await shared.open()
        for name in names:
            data = {"username": name, "password": PASSWORD}
            asyncio.ensure_future(shared.user.create_user("cid", data, require_super_user=False))  # noqa: RUF006
        await asyncio.sleep(0.05)

    loop = asyncio.new_event_loop()
    loop.run_until_complete(main())
    with warnings.catch_warnings():
        # asyncio says of its own tasks that they were pending.
        warnings.simplefilter("ignore")
        loop.close()
        deadline = time.monotonic() + 60
        while any(sso.user.get_user_by_username("cid", name, False) is None for name in names):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        gc.collect()
    asyncio.run(close(shared))


def test_results_arrive_in_the_loop_that_asked(aio: MakeAio, counter: Counter) -> None:
    sso = aio()

    async def many() -> bool:
        results = await asyncio.gather(
            *(sso.session.get("cid", counter.ust, counter.ust, APP, ADDRESS) for _ in range(50))
        )
        return all(result == results[0] for result in results)

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(lambda _: asyncio.run(many()), range(16)))
    asyncio.run(close(sso))


# Cooperative threads


def test_under_gevent_calls_give_the_same_results(script: Script) -> None:
    ended = script(
        """
        import gevent, gevent.pool
        with SSO(config=config) as sso:
            counter = Counter.new(sso)
            pool = gevent.pool.Pool(32)
            for _ in range(100):
                pool.spawn(counter.bump)
            assert pool.join(60)
            print(counter.value())
            try:
                sso.user.login("cid", "nobody", "wrong", APP, ADDRESS)
            except ValidationError as error:
                print(error)
            threads = [threading.Thread(target=counter.bump) for _ in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            print(in_child(counter.bump), counter.value())
        """,
        first="from gevent import monkey; monkey.patch_all()",
    )
    assert (ended.stdout, ended.stderr) == ("100\nE005001 auth.not_allowed\n0 109\n", "")
    assert ended.returncode == 0


# Closing


def test_close_is_final_and_may_come_twice(config: Config) -> None:
    sso = SSO(config=config)
    sso.close()
    sso.close()
    with pytest.raises(BackendError, match=r"^closed$"):
        sso.user.get_user_by_username("cid", "nobody")
    with SSO(config=config) as other:
        assert other.user.get_user_by_username("cid", "nobody") is None
    with pytest.raises(BackendError, match=r"^closed$"):
        other.user.get_user_by_username("cid", "nobody")
    with pytest.raises(BackendError, match=r"^closed$"), other:
        pass


def test_close_is_final_when_awaited(aio: MakeAio, run: Run[None]) -> None:
    async def main() -> None:
        sso = aio()
        async with sso:
            await sso.user.get_user_by_username("cid", "nobody")
        await sso.close()
        with pytest.raises(BackendError, match=r"^closed$"):
            await sso.user.get_user_by_username("cid", "nobody")
        with pytest.raises(BackendError, match=r"^closed$"):
            await sso.open()

    run(main())


def test_an_object_that_was_never_opened_can_be_closed(aio: MakeAio, run: Run[None]) -> None:
    run(close(aio()))


def test_calls_in_flight_at_close_end(config: Config) -> None:
    counter = Counter.new(SSO(config=config))
    outcomes: list[BaseException] = []
    counts = [0] * 8

    def work(number: int) -> None:
        try:
            while True:
                counter.bump()
                counts[number] += 1
        except BaseException as error:
            outcomes.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    time.sleep(0.2)
    counter.sso.close()
    for thread in threads:
        thread.join(30)
    assert [(type(error), str(error)) for error in outcomes] == [(BackendError, "closed")] * 8
    with SSO(config=config) as other:
        # What was acknowledged is there; a call that close() overtook may have done its work all the same.
        assert 0 <= Counter(other, counter.ust).value() - sum(counts) <= 8


# Errors


def test_a_folder_that_is_not_there_is_a_backend_error(tmp_path: Path, run: Run[None]) -> None:
    folder = tmp_path / "missing"
    config = config_of(f"sqlite:///{folder / 'sso.db'}", new_key())
    with pytest.raises(BackendError, match=r"cannot open the database .* check that its folder exists"):
        SSO(config=config)

    async def main() -> None:
        sso = AsyncSSO(config=config)
        with pytest.raises(BackendError, match="cannot open the database"):
            await sso.user.get_user_by_username("cid", "nobody")
        folder.mkdir()
        assert await sso.user.get_user_by_username("cid", "nobody") is None
        await sso.close()

    run(main())


def test_a_server_that_is_away_is_a_backend_error_without_its_password() -> None:
    async def main(sso: AsyncSSO) -> None:
        with pytest.raises(BackendError, match="cannot open the database") as raised:
            await sso.user.get_user_by_username("cid", "nobody")
        assert "planted" not in str(raised.value)
        await sso.close()

    with port_that_answers_nobody() as port:
        config = config_of(f"postgresql://someone:planted-in-url@127.0.0.1:{port}/sso", new_key())
        with pytest.raises(BackendError, match=f"127.0.0.1:{port}") as raised:
            SSO(config=config)
        assert not isinstance(raised.value, InternalError)
        assert "planted" not in str(raised.value)
        asyncio.run(main(AsyncSSO(config=config)))


def bumped(counter: Counter) -> bool:
    """Whether the database was there to count."""
    try:
        counter.bump()
    except InternalError:
        raise
    except BackendError:
        return False
    return True


def test_connections_that_the_server_ends_are_replaced(postgres_url: str) -> None:
    with SSO(config=config_of(postgres_url, new_key())) as sso:
        counter = Counter.new(sso)
        with psycopg.connect(postgres_url, autocommit=True) as other:
            other.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        deadline = time.monotonic() + 30
        while not bumped(counter):
            assert time.monotonic() < deadline
        assert counter.value() == 1


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ({"nothing": {"key": 1}}, "nothing"),
        ({"session": {"expiri": 1}}, "session.expiry"),
        ({"session": {"expiry": "soon"}}, "session.expiry"),
        ({"session": 5}, "session"),
        ({"hash_secret": {"allow_weak": False}}, "hash_secret.memory_kib"),
        ({"database": {"url": "mysql://someone:planted@host/sso"}}, "database.url"),
    ],
)
def test_a_configuration_that_is_wrong_is_a_value_error_that_says_where(wrong: Config, problem: str) -> None:
    config = {**config_of("sqlite::memory:", new_key()), **wrong}
    if "hash_secret" in wrong:
        config = changed(config_of("sqlite::memory:", new_key()), **wrong)
    for make in (SSO, AsyncSSO):
        with pytest.raises(ValueError, match=problem) as raised:
            make(config=config)
        assert "\n" not in str(raised.value)
        assert "planted" not in str(raised.value)


def test_a_database_of_another_key_is_refused_and_left_alone(config: Config, run: Run[None]) -> None:
    with SSO(config=config) as sso:
        name = super_user(sso)
    other = changed(config, main={"secret_key": new_key()})
    with pytest.raises(ValueError, match="key"):
        SSO(config=other)

    async def main() -> None:
        with pytest.raises(ValueError, match="key"):
            await AsyncSSO(config=other).open()

    run(main())
    with SSO(config=config) as sso:
        assert sso.user.get_user_by_username("cid", name) is not None


def test_a_server_without_a_key_is_refused(postgres_url: str) -> None:
    with pytest.raises(ValueError, match="ZATO_SSO_SECRET_KEY"):
        SSO(postgres_url)


def test_a_key_that_is_none_is_refused_without_being_shown() -> None:
    with pytest.raises(ValueError, match="key 1 of the keyring is not base64") as raised:
        SSO("sqlite::memory:", secret_key="planted-as-key")
    assert "planted" not in str(raised.value)


def test_what_only_opening_finds_wrong_is_a_value_error_too(run: Run[None]) -> None:
    costly = {"memory_kib": 65536, "iterations": 1000}
    config = changed(config_of("sqlite::memory:", new_key()), hash_secret=costly)
    problem = "hash_secret: iterations must be"
    with pytest.raises(ValueError, match=problem):
        SSO(config=config)

    async def main() -> None:
        with pytest.raises(ValueError, match=problem):
            await AsyncSSO(config=config).open()

    run(main())


@pytest.mark.parametrize("cls", [ValidationError, InvalidTOTPError])
def test_refusals_can_be_pickled(cls: type[ValidationError]) -> None:
    error = cls(["E005009"], detail="why", retry_after=2.5)
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert type(copy) is cls
    assert vars(copy) == vars(error)
    assert copy.args == error.args
    assert str(copy) == "E005009 auth.rate_limited: why: try again in 2.5 s"


@pytest.mark.parametrize("error", [BackendError("closed"), InternalError()])
def test_technical_errors_can_be_pickled(error: BackendError) -> None:
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert (type(copy), str(copy)) == (type(error), str(error))


def test_our_own_faults_show_nothing_but_in_the_log(
    postgres_url: str, caplog: pytest.LogCaptureFixture, run: Run[None]
) -> None:
    config = config_of(postgres_url, new_key())
    with SSO(config=config) as sso, psycopg.connect(postgres_url, autocommit=True) as other:
        super_user(sso)
        other.execute("ALTER TABLE sso_user RENAME COLUMN username TO planted")
        with pytest.raises(InternalError) as raised:
            sso.user.get_user_by_username("cid", "nobody")
        assert str(raised.value) == "internal error, see the log of zato_sso"
        assert "username" in caplog.text

        async def main() -> None:
            async with AsyncSSO(config=config) as shared:
                with pytest.raises(InternalError):
                    await shared.user.get_user_by_username("cid", "nobody")

        run(main())


async def _log_in_together(sso: AsyncSSO, username: str, count: int) -> list[object]:
    logins = (sso.user.login("cid", username, PASSWORD, APP, f"10.0.{number % 250}.1") for number in range(count))
    return list(await asyncio.gather(*logins, return_exceptions=True))


def test_three_hundred_logins_at_once_wait_for_each_other(database_url: str) -> None:
    costly = {"memory_kib": 1024, "iterations": 1, "parallelism": 1, "allow_weak": True}
    config = changed(config_of(database_url, new_key(), costly), hash={"max_wait": 120})
    with SSO(config=config) as sso:
        username = unique("user")
        data = {"username": username, "password": PASSWORD}
        sso.user.create_user("cid", data, require_super_user=False, auto_approve=True)

    async def run() -> list[object]:
        async with AsyncSSO(config=config) as sso:
            return await _log_in_together(sso, username, 300)

    outcomes = asyncio.run(run())
    assert [outcome for outcome in outcomes if isinstance(outcome, BaseException)] == []
