"""What must not type-check: each line that ends in `# wrong` is an error to mypy and to pyright. Nothing runs it."""

from __future__ import annotations

from zato_sso import SSO, SearchCtx, User, aio
from zato_sso.aio import AttrAPI as AsyncAttrAPI


def blocking(sso: SSO, ust: str) -> None:
    """Mistakes with the blocking tree."""
    sso.user.logon("cid", "user1", "password", None, None)  # wrong
    sso.user.login("cid", "user1")  # wrong
    sso.user.login("cid", "user1", 5, None, None)  # wrong
    sso.user.get_current_user("cid", ust, None, None).user_id = "x"  # wrong
    sso.user.get_current_user("cid", ust, None, None).attr.fetch("x")  # wrong
    sso.session.get_list("cid", current="x")  # wrong
    SearchCtx(user="user1")  # wrong
    SSO("sqlite:///sso.db", tz_aware="yes")  # wrong
    number: int = sso.user.login("cid", "user1", "password", None, None)  # wrong
    print(number)


def asynchronous(sso: aio.SSO, ust: str) -> User[AsyncAttrAPI]:
    """A call that was not awaited."""
    return sso.user.get_current_user("cid", ust, None, None)  # wrong


async def without_waiting(sso: aio.SSO, ust: str) -> None:
    """An attribute that was not awaited."""
    user = await sso.user.get_current_user("cid", ust, None, None)
    print(user.attr.get("color").value)  # wrong


def bound(sso: SSO) -> None:
    """Mistakes with a bound tree."""
    sso.bind(user="x")  # wrong
    me = sso.bind()
    me.user.login("cid", "user1", "password", None, None)  # wrong
    me.user.login("user1")  # wrong
    me.user.logon("user1", "password")  # wrong
    me.close()  # wrong
