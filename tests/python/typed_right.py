"""What users of the package write. It must type-check with mypy and pyright, both strict. Nothing runs it."""

from __future__ import annotations

import datetime

from zato_sso import SSO, AttrAPI, BackendError, SearchCtx, Session, SessionInfo, SignupCtx, User, ValidationError, aio
from zato_sso.aio import AttrAPI as AsyncAttrAPI
from zato_sso.bound import AsyncBoundSSO, BoundSSO


def log_in(sso: SSO, username: str, password: str) -> SessionInfo:
    """A login, positional as in Zato."""
    return sso.user.login("cid", username, password, "CRM", "127.0.0.1")


def current(sso: SSO, ust: str) -> User:
    """A plain `User` is one of either tree."""
    return sso.user.get_current_user("cid", ust, None, None)


def color(sso: SSO, ust: str) -> object:
    """Attributes of an object of the blocking tree."""
    attr = sso.user.get_current_user("cid", ust, None, None).attr.get("color")
    return None if attr is None else attr.value


async def current_async(sso: aio.SSO, ust: str) -> User:
    """The same, awaited."""
    return await sso.user.get_current_user("cid", ust, None, None)


async def session_async(sso: aio.SSO, ust: str) -> Session:
    """A session, awaited."""
    return await sso.session.get_current_session("cid", ust, None, None)


def owner(sso: SSO, access_token: str) -> str | None:
    """The user of an access token."""
    user = sso.token.verify("cid", access_token, scope="read").user
    return None if user is None else user.username


async def owner_async(sso: aio.SSO, access_token: str) -> str | None:
    """The same, awaited; bound as well."""
    token = await sso.bind().token.verify(access_token)
    user = await (await sso.token.verify("cid", access_token)).user
    return token.client_id if user is None else user.username


async def exact(sso: aio.SSO, ust: str) -> User[AsyncAttrAPI]:
    """A user whose attributes are awaited."""
    user = await sso.user.get_current_user("cid", ust, None, None)
    attr = await user.attr.get("color")
    if attr is not None:
        print(attr.value, attr.is_encrypted)
    return user


def exact_blocking(sso: SSO, ust: str) -> User[AttrAPI]:
    """A user whose attributes are not."""
    return sso.user.get_current_user("cid", ust, None, None)


async def use(sso: aio.SSO, ust: str) -> None:
    """What was declared as `User` can still be used."""
    user = await current_async(sso, ust)
    await user.attr.set("color", "red")
    name: str | None = user.display_name
    since: datetime.datetime | None = user.sign_up_time
    print(name, since, user.to_dict(serialize_dt=True))


def bound(sso: SSO, username: str, password: str) -> int:
    """A bound tree."""
    me = sso.bind(remote_addr="127.0.0.1", current_app="CRM")
    info = me.user.login(username, password, totp_code="123456")
    me = me.bind(current_ust=info.ust)
    me.user.signup(SignupCtx(username="user1", email="user1@example.com", password=password))
    me.user.get_current_user().attr.set("color", "red")
    me.user.get_user_by_id("some-id", current_ust="another")
    found = me.user.search(SearchCtx(username="user1"))
    me.session.attr.set("cart", [1, 2], expiration=60)
    return len(me.session.get_list()) + int(found["total"])


async def bound_async(me: AsyncBoundSSO) -> User[AsyncAttrAPI]:
    """A bound tree whose calls are awaited."""
    await me.session.renew()
    sessions = await me.session.get_list()
    print(sessions[0]["session_id"])
    return await me.user.get_current_user()


def annotated(me: BoundSSO) -> bool:
    """Names for annotations."""
    return me.is_signed_in and bool(me.cid)


def answer(sso: SSO) -> tuple[int, dict[str, object]]:
    """What a web service does with refusals."""
    try:
        sso.session.get_list("cid", current_ust="token")
    except ValidationError as error:
        return error.http_status, error.to_problem(instance="cid")
    except BackendError as error:
        print(error.retry_after)
        return error.http_status, error.to_problem()
    return 200, {}


def opened() -> SSO:
    """All that a constructor takes."""
    return SSO("sqlite:///sso.db", secret_key="key", tz_aware=True, config={"session": {"expiry": 60}})
