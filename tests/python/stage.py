"""What tests of the API stand on: an object of either tree on a database, a super-user, and people to act as."""

from __future__ import annotations

import asyncio
import json
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import pytest
from inbox import Inbox, token_in
from support import (
    ADDRESS,
    APP,
    PASSWORD,
    Config,
    Definition,
    beside,
    changed,
    define_many,
    log_in,
    make,
    super_user,
    unique,
)
from zato_sso import SSO, ValidationError


@dataclass(frozen=True)
class Someone:
    """A user who may log in with the usual password."""

    username: str
    user_id: str


class Stage:
    """One object, blocking or awaited, and a super-user's session on it."""

    def __init__(self, face: str, config: Config, loop: asyncio.AbstractEventLoop, mail: Inbox) -> None:
        """Makes the object and the super-user."""
        self.mail = mail
        self.face = face
        self.config = config
        self.loop = loop
        self.kept = ExitStack()
        self.others: dict[str, SSO] = {}
        self.definitions: dict[str, list[Definition]] = {}
        self.beside: Callable[[str, str], object] | None = None
        self.sso: SSO = make(face, config, loop)
        self.kept.callback(self.sso.close)
        self.super_user = super_user(self.sso)
        self.login_of_admin = (log_in(self.sso, self.super_user), time.monotonic())

    @property
    def admin(self) -> str:
        """The super-user's token: of a fresh login, however long the tests take."""
        if time.monotonic() - self.login_of_admin[1] > 300:
            self.login_of_admin = (log_in(self.sso, self.super_user), time.monotonic())
        return self.login_of_admin[0]

    def close(self) -> None:
        """Closes every object that was made."""
        self.kept.close()

    @cached_property
    def closed(self) -> SSO:
        """An object of the same tree that was closed."""
        with self.changed() as other:
            return other

    def execute(self, sql: str, value: str) -> None:
        """Runs a statement beside the product."""
        if self.beside is None:
            self.beside = self.kept.enter_context(beside(self.config))
        self.beside(sql, value)

    def someone(self, **data: object) -> Someone:
        """A new user, approved unless `data` says something else."""
        everything = {"username": unique("user"), "password": PASSWORD, **data}
        user_id = self.sso.user.create_user("cid", everything, self.admin, APP, ADDRESS, auto_approve=True)
        return Someone(str(everything["username"]), user_id)

    def log_in(self, someone: Someone) -> str:
        """A token for them."""
        return log_in(self.sso, someone.username)

    def newcomer(self, **data: object) -> tuple[Someone, str]:
        """A new user, and a token for them."""
        someone = self.someone(**data)
        return someone, self.log_in(someone)

    def reset_token(self, someone: Someone) -> str:
        """A token to reset their password with, from the email that their address got for it."""
        user = self.sso.user.get_user_by_username("cid", someone.username)
        assert user is not None
        address = str(user.email)
        count = len(self.mail.to(address))
        self.sso.password_reset.create_token("cid", someone.username, APP, ADDRESS, None)
        return token_in(self.mail.wait(address, count + 1))

    def definition(self, sec_type: str) -> Definition:
        """A security definition that nobody has used yet. They are made by the dozen: each needs a process."""
        stock = self.definitions.setdefault(sec_type, [])
        if not stock:
            stock += define_many(self.config, sec_type, 12)
        return stock.pop()

    def make_stale(self, username: str) -> None:
        """Has them last prove who they are long ago, in sessions that nobody has looked at yet."""
        self.execute("UPDATE sso_session SET auth_time = 1 WHERE auth_principal = ?", username)

    def linked(self, sec_type: str, someone: Someone) -> Definition:
        """A new security definition that is linked to them."""
        made = self.definition(sec_type)
        who = (someone.user_id, sec_type, made.username)
        self.sso.user.create_linked_auth("cid", self.admin, *who, True, APP, ADDRESS)
        return made

    def age_password(self, someone: Someone, days_left: int) -> None:
        """Gives them the same password again, which expires in so many days; their sessions end by that."""
        data = {"user_id": someone.user_id, "new_password": PASSWORD, "password_expiry": days_left}
        self.sso.user.change_password("cid", data, self.admin, APP, ADDRESS)
        if days_left == 0:
            # It expires at this very moment; the next call comes later.
            time.sleep(0.001)

    def configured(self, **sections: Mapping[str, Any]) -> SSO:
        """Another object of the same tree on the same database, configured otherwise; kept for others who ask."""
        key = json.dumps(sections, sort_keys=True)
        if key not in self.others:
            self.others[key] = make(self.face, changed(self.config, **sections), self.loop)
            self.kept.callback(self.others[key].close)
        return self.others[key]

    @contextmanager
    def changed(self, **sections: Mapping[str, Any]) -> Iterator[SSO]:
        """Another object of the same tree on the same database, configured otherwise."""
        other = make(self.face, changed(self.config, **sections), self.loop)
        try:
            yield other
        finally:
            other.close()


@contextmanager
def refused(*codes: str) -> Iterator[pytest.ExceptionInfo[ValidationError]]:
    """What is called in here is refused with these codes."""
    with pytest.raises(ValidationError) as raised:
        yield raised
    assert (raised.value.sub_status, raised.value.status) == (list(codes), "error")


Row: TypeAlias = Callable[[object], AbstractContextManager[None]]


@contextmanager
def rows() -> Iterator[Row]:
    """Rows of a table in one test: each that fails is told by its name, and the others are looked at all the same."""
    failures: list[str] = []

    @contextmanager
    def row(name: object) -> Iterator[None]:
        try:
            yield
        except (KeyboardInterrupt, SystemExit, pytest.exit.Exception):
            raise
        except BaseException as error:
            failures.append(f"{name}\n{''.join(traceback.format_exception(error))}")

    yield row
    if failures:
        pytest.fail(f"{len(failures)} failed:\n\n" + "\n".join(failures), pytrace=False)
