"""Times: without a timezone, or as aware datetimes."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Any

import pytest
from support import ADDRESS, APP, Config, changed, config_of, log_in, new_key, super_user, unique
from zato_sso import SSO, SearchCtx, aio

UTC = datetime.timezone.utc


def times_in(value: Any) -> Iterator[datetime.datetime]:
    """Every datetime in a result."""
    if isinstance(value, datetime.datetime):
        yield value
    elif isinstance(value, dict):
        for entry in value.values():
            yield from times_in(entry)
    elif isinstance(value, list):
        for entry in value:
            yield from times_in(entry)
    elif not isinstance(value, str | int | None | float):
        for name in dir(value):
            if not name.startswith("_") and name not in {"attr"} and not callable(getattr(value, name)):
                yield from times_in(getattr(value, name))


def everything(sso: SSO) -> list[Any]:
    """Results of all kinds that have times."""
    username = super_user(sso)
    info = sso.user.login("cid", username, "correct horse battery staple", APP, ADDRESS)
    me = sso.bind(current_ust=info.ust, current_app=APP, remote_addr=ADDRESS)
    user, session = me.user.get_current_user(), me.session.get_current_session()
    user.attr.create("color", "red", 60)
    data: dict[str, Any] = {"username": unique("user")}
    me.user.create_user(data)
    site = sso.site.create("cid", unique("site"), ["https://a.example/"])
    return [
        info,
        info.to_dict(serialize_dt=False),
        me.session.renew(),
        user,
        user.to_dict(),
        session,
        session.to_dict(),
        user.attr.get("color"),
        user.attr.to_dict(value_to_dict=True),
        me.user.search(SearchCtx(username=username)),
        me.session.get_list(),
        data,
        site,
        sso.site.get_list("cid"),
    ]


@pytest.mark.parametrize("is_aware", [None, False, True])
def test_all_times_are_aware_or_none_is(config: Config, is_aware: bool | None) -> None:
    with SSO(config=config, tz_aware=is_aware) as sso:
        for result in everything(sso):
            found = list(times_in(result))
            assert found, result
            assert {time.tzinfo for time in found} == {UTC if is_aware else None}, result


def test_the_configuration_says_it_too_and_the_argument_wins() -> None:
    config = changed(config_of("sqlite::memory:", new_key()), main={"tz_aware": True})
    for argument, expected in ((None, UTC), (False, None)):
        with SSO(config=config, tz_aware=argument) as sso:
            info = sso.user.login("cid", super_user(sso), "correct horse battery staple", APP, ADDRESS)
            assert info.creation_time.tzinfo is expected


async def test_the_async_tree_has_it_too() -> None:
    async with aio.SSO(config=config_of("sqlite::memory:", new_key()), tz_aware=True) as sso:
        data = {"username": "user1"}
        await sso.user.create_user("cid", data, require_super_user=False)
        user = await sso.user.get_user_by_username("cid", "user1", needs_approved=False)
        assert user is not None
        assert user.sign_up_time is not None
        assert user.sign_up_time.tzinfo is UTC


@pytest.mark.parametrize("is_aware", [False, True])
def test_every_to_dict_takes_serialize_dt(config: Config, is_aware: bool) -> None:
    with SSO(config=config, tz_aware=is_aware) as sso:
        ust = log_in(sso, super_user(sso))
        me = sso.bind(current_ust=ust, current_app=APP, remote_addr=ADDRESS)
        user, session = me.user.get_current_user(), me.session.get_current_session()
        user.attr.create("color", "red")
        attr = user.attr.get("color")
        assert attr is not None
        info = me.user.login(user.username, "correct horse battery staple")
        for thing, name in (
            (user, "sign_up_time"),
            (session, "creation_time"),
            (attr, "creation_time"),
            (info, "creation_time"),
        ):
            time, text = (thing.to_dict(serialize_dt=how)[name] for how in (False, True))
            assert isinstance(text, str)
            assert datetime.datetime.fromisoformat(text) == time == getattr(thing, name)
            assert text.endswith("+00:00") is is_aware
        # The defaults are what they were.
        assert isinstance(user.to_dict()["sign_up_time"], datetime.datetime)
        assert isinstance(session.to_dict()["creation_time"], datetime.datetime)
        assert isinstance(attr.to_dict()["creation_time"], datetime.datetime)
        assert isinstance(info.to_dict()["creation_time"], str)
        text_attr = user.attr.get("color", serialize_dt=True)
        assert text_attr is not None
        assert isinstance(text_attr.to_dict()["creation_time"], str)
        assert isinstance(text_attr.to_dict(serialize_dt=False)["creation_time"], datetime.datetime)
