"""Searching users from Python, blocking and for asyncio."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from support import ADDRESS, APP, PASSWORD, AsyncSSO
from zato_sso import SSO, SearchCtx, ValidationError, const, status_code


@pytest.fixture
def root(sso: SSO) -> str:
    root = {"username": "root1", "password": PASSWORD}
    sso.user.create_super_user("cid", root, require_super_user=False, auto_approve=True)
    for username, last_name in [("ann", "Lee"), ("bob", "Lee"), ("carl", "Smith")]:
        data = {"username": username, "email": f"{username}@example.com", "last_name": last_name}
        sso.user.create_user("cid", data, require_super_user=False, auto_approve=True)
    return sso.user.login("cid", "root1", PASSWORD, APP, ADDRESS).ust


def names(found: dict[str, Any]) -> list[str]:
    return [user["username"] for user in found["result"]]


def test_a_page_tells_about_its_neighbours(sso: SSO, root: str) -> None:
    ctx = SearchCtx(page_size=3)
    first = sso.user.search("cid", ctx, root, APP, ADDRESS)
    assert names(first) == ["root1", "ann", "bob"]
    result = first.pop("result")
    assert first == {
        "total": 4,
        "num_pages": 2,
        "page_size": 3,
        "cur_page": 1,
        "has_next_page": True,
        "has_prev_page": False,
        "next_page": 2,
        "prev_page": None,
    }
    assert result[1]["email"] == "ann@example.com"
    assert isinstance(result[1]["sign_up_time"], datetime)
    assert "totp_key" not in result[1]
    assert "password" not in result[1]
    ctx.cur_page = 2
    second = sso.user.search("cid", ctx, root, APP, ADDRESS, serialize_dt=True)
    assert names(second) == ["carl"]
    assert (second["prev_page"], second["next_page"]) == (1, None)
    assert datetime.fromisoformat(second["result"][0]["sign_up_time"]) > result[1]["sign_up_time"]


def test_criteria_are_assigned_or_given(sso: SSO, root: str) -> None:
    ctx = SearchCtx(last_name="lee")
    assert names(sso.user.search("cid", ctx, root, APP, ADDRESS)) == ["ann", "bob"]
    ctx.display_name, ctx.is_name_exact = "mit", False
    assert names(sso.user.search("cid", ctx, root, APP, ADDRESS)) == []
    ctx.name_op = const.search.or_
    assert names(sso.user.search("cid", ctx, root, APP, ADDRESS)) == ["ann", "bob", "carl"]
    ctx.email = "CARL@example.com"
    assert names(sso.user.search("cid", ctx, root, APP, ADDRESS)) == ["carl"]
    ctx.approval_status, ctx.sign_up_status = const.approval_status.rejected, const.signup_status.final
    assert names(sso.user.search("cid", ctx, root, APP, ADDRESS)) == []
    ctx.username = "bob"
    assert names(sso.user.search("cid", ctx, root, APP, ADDRESS)) == []
    ctx.is_name_exact = True
    assert names(sso.user.search("cid", ctx, root, APP, ADDRESS)) == ["bob"]
    assert len(names(sso.user.search("cid", SearchCtx(paginate=False, page_size=1), root, APP, ADDRESS))) == 4


def test_a_part_of_a_username_is_enough_where_names_need_not_be_exact(sso: SSO, root: str) -> None:
    for part, expected in [("o", ["bob"]), ("AN", ["ann"]), ("bob", ["bob"]), ("%", []), ("x", [])]:
        found = sso.user.search("cid", SearchCtx(username=part, is_name_exact=False), root, APP, ADDRESS)
        assert [name for name in names(found) if name != "root1"] == expected, part
    both = SearchCtx(username="n", last_name="le", is_name_exact=False)
    assert names(sso.user.search("cid", both, root, APP, ADDRESS)) == ["ann"]
    assert names(sso.user.search("cid", SearchCtx(username="an"), root, APP, ADDRESS)) == []


def test_a_context_is_a_value() -> None:
    ctx = SearchCtx(first_name="Ann")
    defaults = (ctx.paginate, ctx.cur_page, ctx.page_size, ctx.name_op, ctx.is_name_exact)
    assert defaults == (True, 1, None, "and", True)
    assert pickle.loads(pickle.dumps(ctx)) == ctx != SearchCtx()  # noqa: S301
    assert "first_name='Ann'" in repr(ctx)


def test_what_is_wrong_is_refused(sso: SSO, root: str) -> None:
    wrong: list[dict[str, Any]] = [
        {"first_name": "x", "is_name_exact": False},
        {"first_name": 5},
        {"name_op": "xor"},
        {"cur_page": "1"},
        {"page_size": True},
        {"paginate": 1},
        {"approval_status": "maybe"},
    ]
    for criteria in wrong:
        with pytest.raises(ValidationError) as refused:
            sso.user.search("cid", SearchCtx(**criteria), root, APP, ADDRESS)
        assert refused.value.sub_status == [status_code.common.invalid_input], criteria
    mistyped = SearchCtx()
    mistyped.frist_name = "Ann"  # type: ignore[attr-defined]
    with pytest.raises(ValidationError, match="frist_name"):
        sso.user.search("cid", mistyped, root, APP, ADDRESS)
    with pytest.raises(TypeError, match="SearchCtx"):
        sso.user.search("cid", {"first_name": "Ann"}, root, APP, ADDRESS)  # type: ignore[arg-type]
    with pytest.raises(ValidationError) as refused:
        sso.user.search("cid", SearchCtx(), "zustnone", APP, ADDRESS)
    assert refused.value.sub_status == [status_code.auth.not_allowed]


async def test_the_same_for_asyncio(root: str, aio: Callable[[], AsyncSSO]) -> None:
    async with aio() as shared:
        found = await shared.user.search("cid", SearchCtx(last_name="Lee"), root, APP, ADDRESS)
    assert names(found) == ["ann", "bob"]
