"""Sessions by way of Python: verified, renewed, read, listed; and what the classes of results have in common."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path

import psycopg
import pytest
from stage import Stage, refused
from support import ADDRESS, APP, PASSWORD, Config, Counter, changed, log_in, unique
from zato_sso import SSO, ValidationError, const

LISTED = {
    *("session_id", "auth_type", "auth_principal", "creation_time", "expiration_time", "remote_addr", "user_agent"),
    *("is_current", "session_state_change_list"),
}


def utc_now() -> datetime:
    return datetime.now(timezone.utc).replace(tzinfo=None)


# Verifying


def test_a_super_user_may_ask_whether_a_token_is_good(stage: Stage) -> None:
    someone, ust = stage.newcomer()
    verify = stage.sso.session.verify
    assert verify("cid", ust, stage.admin, APP, ADDRESS) is True
    assert verify("cid", stage.admin, stage.admin, APP, ADDRESS) is True
    for wrong in ("", "zust-unknown", ust + "x", ust[:-1], "\0"):
        assert verify("cid", wrong, stage.admin, APP, ADDRESS) is False
    stage.sso.user.lock_user("cid", someone.user_id, stage.admin, APP, ADDRESS)
    assert verify("cid", ust, stage.admin, APP, ADDRESS) is False


Decision = Callable[[Stage, str], None]


def updating(**data: object) -> Decision:
    """By an update of a super-user."""

    def decide(stage: Stage, user_id: str) -> None:
        stage.sso.user.update_user_by_id("cid", user_id, data, stage.admin, APP, ADDRESS)

    return decide


def calling(name: str, *, trusted: bool = False) -> Decision:
    """By a call of this name."""

    def decide(stage: Stage, user_id: str) -> None:
        call = getattr(stage.sso.user, name)
        if trusted:
            call("cid", user_id, require_super_user=False)
        else:
            call("cid", user_id, stage.admin, APP, ADDRESS)

    return decide


# Taking the right to log in away, and giving it back.
ENDINGS: dict[str, tuple[Decision, Decision]] = {
    "lock": (calling("lock_user"), calling("unlock_user")),
    "trusted lock": (calling("lock_user", trusted=True), calling("unlock_user", trusted=True)),
    "reject": (calling("reject_user"), calling("approve_user")),
    "update is_locked": (updating(is_locked=True), updating(is_locked=False)),
    "update approval_status": (updating(approval_status="rejected"), updating(approval_status="approved")),
    "update sign_up_status": (updating(sign_up_status="before_confirmation"), updating(sign_up_status="final")),
}


@pytest.mark.parametrize("way", ENDINGS)
def test_a_session_ends_for_good_when_its_user_may_not_log_in_any_more(stage: Stage, way: str) -> None:
    someone, ust = stage.newcomer()
    take, give = ENDINGS[way]
    take(stage, someone.user_id)
    with refused("E007001"):
        stage.sso.user.get_current_user("cid", ust, APP, ADDRESS)
    give(stage, someone.user_id)
    with refused("E007001"):
        stage.sso.user.get_current_user("cid", ust, APP, ADDRESS)
    assert stage.log_in(someone)


def test_a_session_outlasts_a_lock_where_configuration_says_so(stage: Stage) -> None:
    someone, ust = stage.newcomer()
    with stage.changed(session={"end_on_lock": False}) as sso:
        sso.user.lock_user("cid", someone.user_id, require_super_user=False)
        with refused("E005002"):
            sso.user.get_current_user("cid", ust, APP, ADDRESS)
        sso.user.unlock_user("cid", someone.user_id, require_super_user=False)
        assert sso.user.get_current_user("cid", ust, APP, ADDRESS).user_id == someone.user_id


# Ending


def test_a_list_tells_which_session_asks(stage: Stage) -> None:
    someone, first = stage.newcomer()
    second = stage.log_in(someone)
    get_list = stage.sso.session.get_list
    for ust, expected in ((first, [True, False]), (second, [False, True])):
        assert [listed["is_current"] for listed in get_list("cid", ust, None, None, APP, ADDRESS)] == expected
    listed = get_list("cid", None, second, stage.admin, APP, ADDRESS)
    assert [session["is_current"] for session in listed] == [False, False]


def test_one_session_is_ended_by_its_id(stage: Stage) -> None:
    someone, first = stage.newcomer()
    second, other = stage.log_in(someone), stage.newcomer()[1]
    end, get = stage.sso.session.end, stage.sso.session.get
    ids = {ust: get("cid", ust, ust, APP, ADDRESS).session_id for ust in (first, second, other)}
    for wrong in (ids[other], "", "nonsense", "\0", ids[other].upper(), ids[first] + "0"):
        with refused("E007001"):
            end("cid", wrong, second, APP, ADDRESS)
    end("cid", ids[first], second, APP, ADDRESS)
    for ust, code in ((first, "E007001"), (second, None), (other, None)):
        if code:
            with refused(code):
                stage.sso.user.get_current_user("cid", ust, APP, ADDRESS)
        else:
            stage.sso.user.get_current_user("cid", ust, APP, ADDRESS)
    end("cid", ids[second], second, APP, ADDRESS)
    end("cid", ids[other], stage.admin, APP, ADDRESS)
    for ust in (second, other):
        with refused("E007001"):
            stage.sso.user.get_current_user("cid", ust, APP, ADDRESS)


def test_all_other_sessions_are_ended_or_all(stage: Stage) -> None:
    someone, ust = stage.newcomer()
    end_all = stage.sso.session.end_all
    others = [stage.log_in(someone) for _ in range(2)]
    with refused("E005001"):
        end_all("cid", stage.newcomer()[1], someone.user_id)
    assert end_all("cid", ust) == 2
    for other in others:
        with refused("E007001"):
            stage.sso.user.get_current_user("cid", other, APP, ADDRESS)
    assert end_all("cid", ust, current_app=APP, remote_addr=ADDRESS) == 0
    assert end_all("cid", ust, None, False) == 1
    with refused("E007001"):
        stage.sso.user.get_current_user("cid", ust, APP, ADDRESS)
    stage.log_in(someone)
    assert end_all("cid", stage.admin, someone.user_id) == 1
    with refused("E001100"):
        end_all("cid", stage.admin, "zusr" + "0" * 26)


def test_a_session_of_a_site_is_ended_by_its_id(stage: Stage) -> None:
    someone, ust = stage.newcomer()
    name = unique("site")
    stage.sso.site.create("cid", name, [], trusted=True)
    (identity,) = stage.sso.identity.get_list("cid", someone.user_id)
    started = stage.sso.site.start_session("cid", name, identity["identity_token"])
    listed = stage.sso.session.get_list("cid", ust, None, None, APP, ADDRESS)
    (found,) = [session for session in listed if session["auth_type"] == "site"]
    assert not found["is_current"]
    stage.sso.session.end("cid", found["session_id"], ust, APP, ADDRESS)
    with refused("E007001"):
        stage.sso.site.get_session("cid", name, started["sso_session_token"])


def test_nobody_else_may_ask(stage: Stage) -> None:
    ust = stage.newcomer()[1]
    with refused("E005001"):
        stage.sso.session.verify("cid", ust, ust, APP, ADDRESS)


# Renewing


def test_a_renewal_gives_a_new_end(stage: Stage) -> None:
    ust = stage.newcomer()[1]
    before = utc_now()
    end = stage.sso.session.renew("cid", ust, APP, ADDRESS)
    assert end.tzinfo is None
    assert before <= end - timedelta(minutes=60) <= utc_now()
    assert stage.sso.session.get("cid", ust, ust, APP, ADDRESS).expiration_time == end


def test_a_renewal_stands_in_the_history(stage: Stage) -> None:
    someone = stage.someone()
    ust = stage.sso.user.login("cid", someone.username, PASSWORD, APP, "10.0.0.1", "first agent").ust
    stage.sso.session.renew("cid", ust, APP, ["10.0.0.2", "10.0.0.3"], "second agent")
    stage.sso.session.renew("cid", ust, APP, b"10.0.0.4")
    (listed,) = stage.sso.session.get_list("cid", ust, None, None, APP, ADDRESS)
    changes = listed["session_state_change_list"]
    assert [change["idx"] for change in changes] == [1, 2, 3]
    assert [change["ctx_source"] for change in changes] == ["login", "renew", "renew"]
    assert [change["remote_addr"] for change in changes] == ["10.0.0.1", "10.0.0.2, 10.0.0.3", "10.0.0.4"]
    assert [change["user_agent"] for change in changes] == ["first agent", "second agent", None]
    times = [change["timestamp_utc"] for change in changes]
    assert times == sorted(times)
    assert all(time.tzinfo is None for time in times)


def test_the_last_hundred_entries_of_a_history_are_kept(stage: Stage) -> None:
    ust = stage.newcomer()[1]
    for _ in range(104):
        stage.sso.session.renew("cid", ust, APP, ADDRESS)
    (listed,) = stage.sso.session.get_list("cid", ust, None, None, APP, ADDRESS)
    assert [change["idx"] for change in listed["session_state_change_list"]] == list(range(6, 106))


# Reading


def test_a_session_says_where_it_comes_from(stage: Stage) -> None:
    someone = stage.someone()
    info = stage.sso.user.login("cid", someone.username, PASSWORD, APP, "10.0.0.1", "agent\0 1")
    session = stage.sso.session.get("cid", info.ust, info.ust, APP, ADDRESS)
    assert (session.user_id, session.auth_principal) == (someone.user_id, someone.username)
    assert (session.remote_addr, session.user_agent) == ("10.0.0.1", "agent 1")
    assert session.auth_type == const.auth_type.default
    assert (session.creation_time, session.expiration_time) == (info.creation_time, info.expiration_time)
    assert session.to_dict() == {
        "creation_time": session.creation_time,
        "expiration_time": session.expiration_time,
        "remote_addr": "10.0.0.1",
        "user_agent": "agent 1",
    }


def test_super_users_read_any_session_and_others_their_own(stage: Stage) -> None:
    someone, ust = stage.newcomer()
    other, stranger = stage.log_in(someone), stage.newcomer()[1]
    assert stage.sso.session.get("cid", ust, stage.admin, APP, ADDRESS).user_id == someone.user_id
    assert stage.sso.session.get("cid", other, ust, APP, ADDRESS).user_id == someone.user_id
    for target in (stranger, stage.admin, "zust-unknown"):
        with refused("E005001"):
            stage.sso.session.get("cid", target, ust, APP, ADDRESS)
    with refused("E007001"):
        stage.sso.session.get("cid", "zust-unknown", stage.admin, APP, ADDRESS)


def test_an_expired_password_matters_unless_the_caller_says_so(stage: Stage) -> None:
    someone = stage.someone()
    stage.age_password(someone, days_left=0)
    ust = stage.sso.user.login("cid", someone.username, None, APP, ADDRESS, skip_sec=True).ust
    with stage.changed(password={"inform_if_expired": True}) as sso:
        with refused("E003004"):
            sso.session.get("cid", ust, ust, APP, ADDRESS)
        with refused("E003004"):
            sso.session.renew("cid", ust, APP, ADDRESS)
        session = sso.session.get("cid", ust, ust, APP, ADDRESS, check_if_password_expired=False)
        assert session.user_id == someone.user_id
    with refused("E005001"):
        stage.sso.session.get("cid", ust, ust, APP, ADDRESS)


# Listing


def test_sessions_are_listed_oldest_first_and_never_with_a_token(stage: Stage) -> None:
    someone, ust = stage.newcomer()
    tokens = [ust, stage.log_in(someone), stage.log_in(someone)]
    own = stage.sso.session.get_list("cid", ust, None, None, APP, ADDRESS)
    of_admin = stage.sso.session.get_list("cid", None, tokens[1], stage.admin, APP, ADDRESS)
    assert [{**listed, "is_current": False} for listed in own] == of_admin
    assert [set(listed) for listed in own] == [LISTED] * 3
    ids = [stage.sso.session.get("cid", token, token, APP, ADDRESS).session_id for token in tokens]
    assert [listed["session_id"] for listed in own] == ids
    assert not any(token in repr(own) for token in tokens)
    stage.sso.user.logout("cid", tokens[1], APP, ADDRESS)
    assert len(stage.sso.session.get_list("cid", ust, None, None, APP, ADDRESS)) == 2


@pytest.mark.parametrize("given", [(), ("ust", "target_ust"), ("ust", "current_ust"), ("target_ust",)])
def test_a_list_is_asked_for_in_one_of_two_ways(stage: Stage, given: tuple[str, ...]) -> None:
    tokens: dict[str, str | None] = dict.fromkeys(("ust", "target_ust", "current_ust"))
    tokens.update(dict.fromkeys(given, stage.admin))
    with pytest.raises(ValueError, match="either ust alone, or target_ust together with current_ust"):
        stage.sso.session.get_list("cid", **tokens, current_app=APP, remote_addr=ADDRESS)
    with pytest.raises(ValueError, match="either ust alone"):
        stage.sso.session.get_list("cid", stage.admin, stage.admin, stage.admin, APP, ADDRESS)


def test_regular_users_list_nobody_elses_sessions(stage: Stage) -> None:
    ust, stranger = stage.newcomer()[1], stage.newcomer()[1]
    with refused("E005001"):
        stage.sso.session.get_list("cid", None, stranger, ust, APP, ADDRESS)


# Ending


def execute(config: Config, statement: str) -> None:
    """Changes the database behind the product's back; SQLite from another process, whose locks are seen."""
    url = str(config["database"]["url"])
    if not url.startswith("sqlite:"):
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(statement.encode())
        return
    code = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute(sys.argv[2]); c.commit()"
    subprocess.run([sys.executable, "-c", code, url.removeprefix("sqlite:///"), statement], check=True)


def test_a_session_whose_time_is_over_is_refused(stage: Stage) -> None:
    someone, ust = stage.newcomer()
    earlier = "creation_time = creation_time - 7200000000, expiration_time = expiration_time - 7200000000"
    execute(stage.config, f"UPDATE sso_session SET {earlier} WHERE user_id = '{someone.user_id}'")  # noqa: S608
    with stage.changed(session={"cache": "off"}) as sso:
        with refused("E007002"):
            sso.user.get_current_user("cid", ust, APP, ADDRESS)
        with refused("E007002"):
            sso.session.renew("cid", ust, APP, ADDRESS)
        with refused("E007002"):
            sso.session.get("cid", ust, stage.admin, APP, ADDRESS)
        assert sso.session.verify("cid", ust, stage.admin, APP, ADDRESS) is False
        other = log_in(sso, someone.username)
        assert len(sso.session.get_list("cid", other, None, None, APP, ADDRESS)) == 1


ANSWERER = """\
import sys
sys.path.insert(0, {folder!r})
from support import *
with SSO(config={config!r}) as sso:
    print("ready", flush=True)
    for line in sys.stdin:
        try:
            print(sso.user.get_current_user("cid", line.strip(), APP, ADDRESS).username, flush=True)
        except ValidationError as error:
            print(error.sub_status[0], flush=True)
"""


@contextmanager
def another_process(config: Config) -> Iterator[subprocess.Popen[str]]:
    """A process with an object of its own, which tells whose session a token is."""
    code = ANSWERER.format(folder=str(Path(__file__).parent), config=config)
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process
        process.communicate(timeout=30)


def test_what_one_process_changes_another_sees_at_its_next_call(config: Config) -> None:
    if config["database"]["url"].startswith("postgresql:"):
        # With the cache it takes a moment there.
        config = changed(config, session={"cache": "off"})
    with SSO(config=config) as sso, another_process(config) as other:

        def answer(ust: str) -> str:
            assert other.stdin is not None
            assert other.stdout is not None
            other.stdin.write(ust + "\n")
            other.stdin.flush()
            return other.stdout.readline().strip()

        ust = Counter.new(sso).ust
        user = sso.user.get_current_user("cid", ust, APP, ADDRESS)
        for _ in range(3):
            assert answer(ust) == user.username
            sso.user.lock_user("cid", user.user_id, require_super_user=False)
            assert answer(ust) == "E007001"
            sso.user.unlock_user("cid", user.user_id, require_super_user=False)
            assert answer(ust) == "E007001"
            ust = log_in(sso, user.username)
        second = log_in(sso, user.username)
        assert answer(second) == user.username
        sso.user.logout("cid", second, APP, ADDRESS)
        assert answer(second) == "E007001"
        assert answer(ust) == user.username
        data = {"old_password": PASSWORD, "new_password": "another battery staple"}
        third = log_in(sso, user.username)
        sso.user.change_password("cid", data, third, APP, ADDRESS)
        assert (answer(ust), answer(third)) == ("E007001", user.username)


# What results have in common


def test_results_are_equal_when_they_say_the_same(stage: Stage) -> None:
    someone, ust = stage.newcomer()
    other = stage.newcomer()[1]
    get = stage.sso.session.get
    assert get("cid", ust, ust, APP, ADDRESS) == get("cid", ust, stage.admin, APP, ADDRESS)
    assert get("cid", ust, ust, APP, ADDRESS) != get("cid", other, other, APP, ADDRESS)
    me = stage.sso.user.get_current_user
    assert me("cid", ust, APP, ADDRESS) == me("cid", ust, APP, ADDRESS)
    assert me("cid", ust, APP, ADDRESS) != me("cid", ust, APP, ADDRESS, return_all_attrs=True)
    assert me("cid", ust, APP, ADDRESS) != me("cid", other, APP, ADDRESS)
    infos = [stage.sso.user.login("cid", someone.username, PASSWORD, APP, ADDRESS) for _ in range(2)]
    assert infos[0] == infos[0]
    assert infos[0] != infos[1]
    for result in (get("cid", ust, ust, APP, ADDRESS), me("cid", ust, APP, ADDRESS), infos[0]):
        assert result != "something else"
        assert result != None  # noqa: E711
        assert (result == 5) is False


def test_results_do_not_change(stage: Stage) -> None:
    info = stage.sso.user.login("cid", stage.super_user, PASSWORD, APP, ADDRESS)
    session = stage.sso.session.get("cid", info.ust, info.ust, APP, ADDRESS)
    user = stage.sso.user.get_current_user("cid", info.ust, APP, ADDRESS)
    for result in (info, session, user):
        with pytest.raises(AttributeError):
            result.user_id = "someone else"  # type: ignore[misc]
    user.to_dict()["username"] = "someone else"
    assert user.username == stage.super_user


def test_a_refusal_can_be_pickled_and_copied(stage: Stage) -> None:
    with refused("E001003") as raised:
        stage.sso.user.create_user("cid", {"username": "x" * 500}, require_super_user=False)
    for again in (pickle.loads(pickle.dumps(raised.value)), copy.copy(raised.value)):  # noqa: S301
        assert type(again) is ValidationError
        assert vars(again) == vars(raised.value)
        assert str(again) == "E001003 username.too_long: username: at most 128 characters"
