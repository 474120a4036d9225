"""`sso.bind()`: the same tree with the arguments of a request filled in."""

from __future__ import annotations

import copy
import inspect
import operator
import pickle
from collections.abc import Callable
from typing import Any

import pytest
import zato_sso.bound
from stage import Stage
from support import ADDRESS, APP, PASSWORD, AsyncSSO, config_of, new_key, super_user, unique
from test_signatures import CALLS, documented, found
from zato_sso import SSO, SearchCtx, ValidationError
from zato_sso.bound import AsyncBoundSSO

FILLED = {"cid": "c1", "current_app": "app", "remote_addr": "1.2.3.4", "user_agent": "ua", "current_ust": "mine"}
OWN_TOKEN = {
    "user.logout": "ust",
    "user.create_linked_auth": "ust",
    "user.get_linked_auth_list": "ust",
    "user.delete_linked_auth": "ust",
    "session.renew": "ust",
    "session.reauthenticate": "ust",
}


def filled_of(branch: str, text: str) -> dict[str, str]:
    """The arguments of a call that are filled in, and the values that the test has bound."""
    name, signature = documented(text)
    known = {argument: FILLED[argument] for argument, _, _ in signature if argument in FILLED}
    if own := OWN_TOKEN.get(f"{branch}.{name}"):
        known[own] = "mine"
    if branch == "session.attr":
        known["target_ust"] = "mine"
    return known


# The stubs do not have it: the engine calls it.
make_bound: Callable[..., Any] = vars(zato_sso.bound)["bind"]


class Recorder:
    """A tree whose calls have the documented arguments, and return what they were given."""


def recorder() -> Any:
    tree: Any = Recorder()
    for branch, text in CALLS:
        node = tree
        for part in branch.split(".") if branch else ():
            if not hasattr(node, part):
                setattr(node, part, type(part, (), {})())
            node = getattr(node, part)
        if branch:
            name, signature = documented(text)
            names = ", ".join(f"{argument!r}: {argument}" for argument, _, _ in signature)
            space: dict[str, Any] = {}
            exec(f"def {text.replace('(', '(self, ', 1)}: return {{{names}}}", space)  # noqa: S102
            setattr(type(node), name, space[name])
    return tree


@pytest.mark.parametrize(
    ("branch", "text"), [call for call in CALLS if call[0]], ids=[f"{b}.{t.split('(')[0]}" for b, t in CALLS if b]
)
def test_every_call_gets_what_was_bound_and_the_rest_in_order(branch: str, text: str) -> None:
    name, signature = documented(text)
    filled = filled_of(branch, text)
    call = getattr(operator.attrgetter(branch)(make_bound(recorder(), **FILLED)), name)
    others = [entry for entry in signature if entry[0] not in filled]
    given = [argument for argument, kind, _ in others if kind is not inspect.Parameter.KEYWORD_ONLY]
    named = {argument: f"<{argument}>" for argument, kind, _ in others if kind is inspect.Parameter.KEYWORD_ONLY}
    all_given = {argument: f"<{argument}>" for argument in given}
    assert call(*all_given.values(), **named) == {**filled, **all_given, **named}
    # By name, and with another value for each that is filled in.
    other = dict.fromkeys(filled, "other")
    assert call(**all_given, **named, **other) == {**all_given, **named, **other}
    with pytest.raises(TypeError, match="positional"):
        call(*all_given.values(), "one too many", **named)
    if given:
        with pytest.raises(TypeError, match="multiple values"):
            call(*all_given.values(), **{given[0]: "again"}, **named)


@pytest.fixture(scope="module", params=[SSO, AsyncSSO], ids=["blocking", "async"])
def bound(request: pytest.FixtureRequest) -> Any:
    """A bound tree of either kind."""
    make: Callable[..., Any] = request.param
    return make(config=config_of("sqlite::memory:", new_key())).bind()


@pytest.mark.parametrize(
    ("branch", "text"), [call for call in CALLS if call[0]], ids=[f"{b}.{t.split('(')[0]}" for b, t in CALLS if b]
)
def test_the_signature_says_what_may_be_left_out(bound: Any, branch: str, text: str) -> None:
    name, signature = documented(text)
    filled = filled_of(branch, text)
    call = getattr(operator.attrgetter(branch)(bound), name)
    usual = [entry for entry in signature if entry[0] not in filled]
    named = [(a, inspect.Parameter.KEYWORD_ONLY, None) for a, _, _ in signature if a in filled]
    positional = [entry for entry in usual if entry[1] is not inspect.Parameter.KEYWORD_ONLY]
    assert found(call) == [*positional, *[entry for entry in usual if entry not in positional], *named]
    assert call.__doc__
    assert call.__name__ == name


def test_a_login_and_what_follows_need_no_context(stage: Stage) -> None:
    name = super_user_of(stage)
    me = stage.sso.bind(cid="c1", current_app=APP, remote_addr=ADDRESS, user_agent="agent")
    info = me.user.login(name, PASSWORD)
    me = me.bind(current_ust=info.ust)
    assert me.user.get_current_user().username == name
    assert me.session.verify(info.ust) is True
    assert me.session.get(info.ust).user_agent == "agent"
    (listed,) = me.session.get_list()
    assert listed["is_current"] is True
    me.session.attr.set("cart", [1, 2])
    cart = me.session.attr.get("cart")
    assert cart is not None
    assert cart.value == [1, 2]
    assert me.user.search(SearchCtx(username=name))["total"] == 1
    user_id = me.user.create_user({"username": unique("user")})
    me.user.approve(user_id)
    me.user.attr.set("color", "red", user_id=user_id)
    assert me.user.get_user_by_id(user_id, return_all_attrs=True).username
    me.session.renew()
    me.user.logout()
    with pytest.raises(ValidationError) as ended:
        me.user.get_current_user()
    assert ended.value.sub_status == ["E007001"]


def super_user_of(stage: Stage) -> str:
    data = {"username": unique("super"), "password": PASSWORD}
    stage.sso.user.create_super_user("cid", data, require_super_user=False, auto_approve=True)
    return str(data["username"])


def test_own_sessions_are_listed_by_one_keyword(stage: Stage) -> None:
    listed = stage.sso.session.get_list("cid", current_ust=stage.admin)
    assert listed == stage.sso.session.get_list("cid", stage.admin, None, None, None, None)
    for wrong in ({}, {"ust": stage.admin, "current_ust": stage.admin}, {"target_ust": stage.admin}):
        with pytest.raises(ValueError, match="expected either"):
            stage.sso.session.get_list("cid", **wrong)


async def test_calls_of_the_async_tree_are_awaited() -> None:
    async with AsyncSSO(config=config_of("sqlite::memory:", new_key())) as sso:
        me = sso.bind(current_app=APP, remote_addr=ADDRESS)
        assert isinstance(me, AsyncBoundSSO)
        data = {"username": "admin", "password": PASSWORD}
        await me.user.create_super_user(data, require_super_user=False, auto_approve=True)
        info = await me.user.login("admin", PASSWORD)
        user = await me.bind(current_ust=info.ust).user.get_current_user()
        assert user.username == "admin"


def test_without_a_token_a_call_says_that_it_needs_one() -> None:
    with SSO(config=config_of("sqlite::memory:", new_key())) as sso:
        me = sso.bind()
        assert not me.is_signed_in
        with pytest.raises(TypeError, match="current_ust"):
            me.user.get_current_user()
        # A call that may do without does.
        me.user.create_user({"username": "user1"}, require_super_user=False)


def test_an_empty_token_is_none() -> None:
    with SSO(config=config_of("sqlite::memory:", new_key())) as sso, pytest.raises(TypeError, match="current_ust"):
        sso.bind(current_ust="").user.get_current_user()


def test_each_bind_has_a_correlation_id_of_its_own() -> None:
    with SSO(config=config_of("sqlite::memory:", new_key())) as sso:
        assert sso.bind().cid != sso.bind().cid
        assert sso.bind(cid="c1").cid == "c1"
        assert sso.bind(cid="c1").bind(current_ust="a").cid == "c1"


def test_a_bound_tree_shows_and_gives_away_no_token() -> None:
    with SSO(config=config_of("sqlite::memory:", new_key())) as sso:
        me = sso.bind(current_ust="zust-hunter2", current_app=APP, remote_addr=ADDRESS)
        for thing in (me, me.user, me.user.login, me.session.attr):
            assert "hunter2" not in repr(thing)
        for wrong in (me, me.user):
            with pytest.raises(TypeError, match="token"):
                pickle.dumps(wrong)
            with pytest.raises(TypeError, match="token"):
                copy.copy(wrong)


def test_what_is_not_there_is_said_to_be_missing() -> None:
    with SSO(config=config_of("sqlite::memory:", new_key())) as sso:
        bind: Callable[..., Any] = sso.bind
        me = bind()
        for name in ("user.logon", "users", "close", "open", "user._branch_of"):
            with pytest.raises(AttributeError):
                operator.attrgetter(name)(me)
        with pytest.raises(TypeError, match="unexpected"):
            me.bind(usr_agent="x")
        with pytest.raises(TypeError):
            bind("c1")
        assert me.hooks is sso.hooks
        assert {"login", "session", "attr"} <= set(dir(me.user))


def test_a_bound_tree_works_on_a_real_database(sso: SSO) -> None:
    me = sso.bind(current_app=APP, remote_addr=ADDRESS)
    assert me.user.login(super_user(sso), PASSWORD).ust
