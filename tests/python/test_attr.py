"""Custom attributes from Python: on users and sessions that calls return, and on the tree."""

from __future__ import annotations

import asyncio
import datetime
import inspect
from collections.abc import Iterator
from typing import Any

import pytest
from zato_sso import SSO, AttrEntity, ValidationError, aio

PASSWORD = "correct horse battery staple"
KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
APP, ADDRESS = "CRM", "127.0.0.1"
NEVER = datetime.datetime(9999, 12, 31)

VALUES: list[Any] = [
    "",
    "text \x00 é \U0001f511 \"'\\",
    0,
    -(2**70),
    2**64,
    0.1,
    -0.0,
    1e300,
    5e-324,
    1.0,
    True,
    False,
    None,
    [],
    {},
    [1, [2.5, [None, {"a": [True]}]]],
    {"": "", "a b": {"c": 10**30}, "é": 1.0},
]


@pytest.fixture
def sso(database_url: str, fast_config: dict[str, Any]) -> Iterator[SSO]:
    """A fresh database with a super-user and a user."""
    with SSO(database_url, config={**fast_config, "audit.file": "off"}, secret_key=KEY) as sso:
        for name, create in [("admin1", sso.user.create_super_user), ("user1", sso.user.create_user)]:
            data = {"username": name, "password": PASSWORD}
            create("cid", data, None, APP, ADDRESS, require_super_user=False, auto_approve=True)
        yield sso


def login(sso: SSO, username: str) -> str:
    """Open a session."""
    return sso.user.login("cid", username, PASSWORD, APP, ADDRESS).ust


def objects(sso: SSO) -> list[Any]:
    """The attributes of a user and of a session."""
    ust = login(sso, "user1")
    user = sso.user.get_current_user("cid", ust, APP, ADDRESS)
    session = sso.user.session.get("cid", ust, ust, APP, ADDRESS)
    return [user.attr, session.attr]


def codes(refused: pytest.ExceptionInfo[ValidationError]) -> list[str]:
    """What a refusal says."""
    return refused.value.sub_status


def test_every_json_value_comes_out_as_it_was_put_in(sso: SSO) -> None:
    for attr in objects(sso):
        for encrypt in (False, True):
            for number, value in enumerate(VALUES):
                attr.set(f"one{number}", value, encrypt=encrypt)
            attr.set_many([{"name": f"many{n}", "value": value} for n, value in enumerate(VALUES)], encrypt=encrypt)
            for number, value in enumerate(VALUES):
                for found in (attr.get(f"one{number}"), attr.get(f"many{number}")):
                    # 1 and True and 1.0 are equal, and not the same.
                    assert repr(found.value) == repr(value)
                    assert found.is_encrypted is encrypt


def test_what_json_cannot_hold_is_refused(sso: SSO) -> None:
    attr = objects(sso)[0]
    for value in (object(), b"bytes", {1: 2}, {1}, [object()]):
        with pytest.raises(TypeError):
            attr.set("a", value)
    deep: list[Any] = []
    for _ in range(200):
        deep = [deep]
    numbers = "JSON has no NaN and no infinity"
    for value, message in [
        (float("nan"), numbers),
        (float("-inf"), numbers),
        ("\ud800", "surrogates"),
        (deep, "nested too deeply"),
    ]:
        with pytest.raises(ValueError, match=message):
            attr.set("a", value)
    assert attr.names() == []


def test_an_attribute_from_its_making_to_its_end(sso: SSO) -> None:
    for attr in objects(sso):
        assert attr.get("a") is None
        assert attr.exists("a") is False
        with pytest.raises(ValidationError) as refused:
            attr.update("a", 1)
        assert codes(refused) == ["E009002"]
        assert attr.create("a", 1, 60, True) is None
        with pytest.raises(ValidationError) as refused:
            attr.create("a", 1)
        assert codes(refused) == ["E009001"]

        made = attr.get("a")
        assert isinstance(made, AttrEntity)
        assert (made.name, made.value, made.is_encrypted) == ("a", 1, True)
        assert made.expiration_time - made.creation_time == datetime.timedelta(seconds=60)
        assert made == attr.get("a")
        assert attr.get("a", decrypt=False).value is None
        assert repr(made) == 'AttrEntity(name="a", is_encrypted=True)'

        # What is not given stays; what is given, False too, does not.
        attr.update("a", [1, 2])
        kept = attr.get("a")
        assert (kept.value, kept.is_encrypted) == ([1, 2], True)
        assert (kept.creation_time, kept.expiration_time) == (made.creation_time, made.expiration_time)
        assert kept.last_modified > made.last_modified
        attr.set("a", 3, encrypt=False)
        assert attr.get("a").is_encrypted is False

        attr.set_expiry("a", None)
        assert attr.get("a").expiration_time == NEVER
        as_text = attr.get("a", serialize_dt=True)
        assert as_text.expiration_time == "9999-12-31T00:00:00"
        assert as_text.to_dict()["creation_time"] == made.creation_time.isoformat()
        assert list(as_text.to_dict()) == [
            "name",
            "value",
            "creation_time",
            "last_modified",
            "expiration_time",
            "is_encrypted",
        ]
        attr.delete("a")
        attr.delete("a")
        assert attr.to_dict() == {}


def test_many_calls_are_all_or_nothing(sso: SSO) -> None:
    for attr in objects(sso):
        data = [{"name": "a", "value": 1}, {"name": "b", "value": 2, "expiration": 5, "encrypt": True}]
        attr.create_many(data, expiration=60)
        both = attr.get_many(["a", "b", "none"])
        assert list(both) == ["a", "b", "none"]
        assert both["none"] is None
        assert [both[name].is_encrypted for name in "ab"] == [False, True]
        assert both["a"].expiration_time - both["b"].expiration_time == datetime.timedelta(seconds=55)
        for call, code in [(attr.create_many, "E009001"), (attr.update_many, "E009002")]:
            with pytest.raises(ValidationError) as refused:
                call([{"name": "new", "value": 1}, {"name": "b", "value": 1}])
            assert codes(refused) == [code]
        assert attr.names() == ["a", "b"]
        attr.update_many([{"name": "a", "value": None}])
        attr.set_many([{"name": "b", "value": "x"}, {"name": "c", "value": "y"}])
        attr.set_expiry_many([{"name": "a"}, {"name": "b", "expiration": 60}], 30)
        with pytest.raises(ValidationError) as refused:
            attr.set_expiry_many([{"name": "a"}, {"name": "none"}], 30)
        assert codes(refused) == ["E009002"]
        assert attr.exists_many(["a", "none"]) == {"a": True, "none": False}
        assert {name: entity.value for name, entity in attr.to_dict().items()} == {"a": None, "b": "x", "c": "y"}
        assert attr.to_dict(value_to_dict=True, decrypt=False)["b"]["value"] is None
        attr.delete_many(["a", "b", "none"])
        assert attr.names() == ["c"]


@pytest.mark.parametrize(
    ("item", "code"),
    [
        ({"value": 1}, "E008003"),
        ({"name": "a"}, "E008003"),
        ({"name": 5, "value": 1}, "E008002"),
        ({"name": "a", "value": 1, "expiration": "soon"}, "E008002"),
        ({"name": "a", "value": 1, "expiration": -1}, "E008002"),
        ({"name": "a", "value": 1, "encrypted": True}, "E008002"),
        ({"name": "x" * 192, "value": 1}, "E008002"),
        ({"name": "a", "value": "x" * (1 << 16)}, "E008002"),
        ({"name": "fine", "value": 2}, "E008002"),
    ],
)
def test_an_item_that_is_not_acceptable_is_refused(sso: SSO, item: dict[str, Any], code: str) -> None:
    attr = objects(sso)[0]
    with pytest.raises(ValidationError) as refused:
        attr.set_many([{"name": "fine", "value": 1}, item])
    assert codes(refused) == [code]
    assert attr.names() == []


def test_a_name_that_stands_in_a_list_twice_is_refused(sso: SSO) -> None:
    for attr in objects(sso):
        attr.set("a", 1)
        for call in (attr.get_many, attr.exists_many, attr.delete_many):
            with pytest.raises(ValidationError) as refused:
                call(["a", "b", "a"])
            assert codes(refused) == ["E008002"]
        for write in (attr.create_many, attr.update_many, attr.set_many):
            with pytest.raises(ValidationError) as refused:
                write([{"name": "a", "value": 1}, {"name": "a", "value": 2}])
            assert codes(refused) == ["E008002"]
        with pytest.raises(ValidationError) as refused:
            attr.set_expiry_many([{"name": "a"}, {"name": "a"}], 60)
        assert codes(refused) == ["E008002"]
        assert attr.names() == ["a"]


def test_a_user_and_a_session_have_so_much_and_no_more(sso: SSO) -> None:
    for attr in objects(sso):
        attr.set_many([{"name": str(number), "value": number} for number in range(1000)])
        with pytest.raises(ValidationError) as refused:
            attr.set("one more", 1)
        assert codes(refused) == ["E008002"]
        attr.delete_many([str(number) for number in range(1000)])
        attr.set_many([{"name": str(number), "value": "x" * 65_000} for number in range(16)])
        with pytest.raises(ValidationError) as refused:
            attr.set("one more", "x" * 65_000)
        assert codes(refused) == ["E008002"]
        assert len(attr.names()) == 16


def test_the_tree_has_the_same_calls_with_their_context(sso: SSO) -> None:
    admin, ust = login(sso, "admin1"), login(sso, "user1")
    user = sso.user.get_current_user("cid", ust, APP, ADDRESS)
    own: dict[str, Any] = {"current_ust": ust, "current_app": APP, "remote_addr": ADDRESS}
    by_admin = {**own, "current_ust": admin}
    sso.user.attr.create("cid", "a", "of the user", **own)
    sso.user.attr.create("cid", "b", 1, user_id=user.user_id, **by_admin)
    sso.user.attr.set_many("cid", [{"name": "c", "value": 1, "user_id": user.user_id}], **by_admin)
    assert sso.user.attr.names("cid", **own) == ["a", "b", "c"]
    assert sso.user.attr.names("cid", **by_admin) == []
    found = sso.user.attr.get("cid", "a", user_id=user.user_id, **by_admin)
    assert found is not None
    assert found.value == "of the user"

    on_session = {**own, "target_ust": ust}
    sso.user.session.attr.set("cid", "a", "of the session", **on_session)
    assert sso.session.attr.to_dict("cid", value_to_dict=True, **on_session)["a"]["value"] == "of the session"
    assert user.attr.get("a") == found

    # Objects act for who got them; trusted callers need nobody's session.
    by_id = sso.user.get_user_by_id("cid", user.user_id, admin, APP, ADDRESS)
    trusted = sso.user.get_user_by_username("cid", "user1")
    assert trusted is not None
    assert by_id.attr.names() == trusted.attr.names() == ["a", "b", "c"]
    with pytest.raises(ValidationError) as refused:
        sso.user.attr.names("cid", **own, user_id="zusr00000000000000000000000000")
    assert codes(refused) == ["E005001"]
    sso.user.logout("cid", ust, APP, ADDRESS)
    with pytest.raises(ValidationError):
        user.attr.names()


def test_signatures_show_their_defaults(sso: SSO) -> None:
    shown = str(inspect.signature(sso.user.attr.create))
    assert shown == (
        "(cid, name, value, expiration=None, encrypt=False, user_id=None, *, current_ust, current_app, remote_addr)"
    )
    shown = str(inspect.signature(sso.session.attr.get))
    assert shown == (
        "(cid, name, decrypt=True, serialize_dt=False, *, target_ust, current_ust, current_app, remote_addr)"
    )


def test_asyncio_has_the_same(database_url: str, fast_config: dict[str, Any]) -> None:
    async def run() -> None:
        async with aio.SSO(database_url, config={**fast_config, "audit.file": "off"}, secret_key=KEY) as sso:
            data = {"username": "user1", "password": PASSWORD}
            await sso.user.create_user("cid", data, None, APP, ADDRESS, require_super_user=False, auto_approve=True)
            ust = (await sso.user.login("cid", "user1", PASSWORD, APP, ADDRESS)).ust
            user = await sso.user.get_current_user("cid", ust, APP, ADDRESS)
            await user.attr.set_many([{"name": str(number), "value": number} for number in range(1000)])
            assert len(await user.attr.names()) == 1000
            entity = await user.attr.get("7")
            assert entity is not None
            assert entity.value == 7

    asyncio.run(run())
