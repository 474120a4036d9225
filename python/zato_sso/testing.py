"""A pytest plugin: fixtures for tests of services that use `zato_sso`.

```python
def test_hello(sso, sso_user):
    info = sso.user.login("cid", sso_user.username, sso_user.password, None, "127.0.0.1")
    assert info.username == sso_user.username
```

It is there when the package is installed. Everything is in memory and fresh in each test. Passwords are hashed with
parameters that protect nothing: `allow_weak` says so in the configuration.
"""

from __future__ import annotations

import base64
import datetime
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from zato_sso import SSO, aio
from zato_sso._core import TestClock, with_clock

__all__ = ["Clock", "Outbox", "TestUser", "sso", "sso_clock", "sso_config", "sso_outbox", "sso_super_user", "sso_user"]

_PASSWORD = "correct horse battery staple"
_KEY = base64.b64encode(secrets.token_bytes(32)).decode()


class Clock:
    """The clock of `sso`: it goes as the system's does, and can be moved."""

    def __init__(self) -> None:
        """A clock that shows the time of the system."""
        self._clock = TestClock()

    def advance(self, seconds: float | datetime.timedelta = 0.0, *, minutes: float = 0.0, days: float = 0.0) -> None:
        """Moves the clock, forwards or backwards."""
        if isinstance(seconds, datetime.timedelta):
            seconds = seconds.total_seconds()
        self._clock.advance(seconds + minutes * 60 + days * 86_400)

    def now(self) -> datetime.datetime:
        """What the clock shows: UTC, without a timezone."""
        return self._clock.now()

    def sso(self, config: dict[str, Any], hooks: object = None) -> SSO:
        """An object whose time is this clock's."""
        found: SSO = with_clock(self._clock, config, False, hooks)
        return found

    def aio_sso(self, config: dict[str, Any], hooks: object = None) -> aio.SSO:
        """The same for asyncio. Its database in memory is one of its own."""
        found: aio.SSO = with_clock(self._clock, config, True, hooks)
        return found


@dataclass
class Outbox:
    """The emails that `sso` has sent, oldest first: dicts as the hook `send_email` gets them."""

    emails: list[dict[str, Any]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.emails)

    def __getitem__(self, index: int) -> dict[str, Any]:
        return self.emails[index]

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self.emails)

    def send_email(self, message: dict[str, Any]) -> None:
        """The hook."""
        self.emails.append(message)

    def wait(self, count: int = 1, timeout: float = 10.0) -> list[dict[str, Any]]:
        """The emails, as soon as there are so many: they are sent beside the call that caused them."""
        import time

        end = time.monotonic() + timeout
        while len(self.emails) < count:
            if time.monotonic() > end:
                raise AssertionError(f"{len(self.emails)} emails were sent, not {count}")
            time.sleep(0.005)
        return self.emails


@dataclass(frozen=True)
class TestUser:
    """A user who may log in."""

    __test__ = False

    user_id: str
    username: str
    password: str = field(repr=False)
    email: str


@pytest.fixture
def sso_config() -> dict[str, Any]:
    """The configuration of `sso`. Override this fixture to change it."""
    return {
        "database": {"url": "sqlite::memory:"},
        "main": {"secret_key": _KEY},
        "hash_secret": {"memory_kib": 64, "iterations": 1, "parallelism": 1, "allow_weak": True},
        "audit": {"file": "off"},
    }


@pytest.fixture
def sso_clock() -> Clock:
    """The clock of `sso`: `sso_clock.advance(minutes=61)`."""
    return Clock()


@pytest.fixture
def sso_outbox() -> Outbox:
    """The emails that `sso` sends."""
    return Outbox()


@pytest.fixture
def sso(sso_config: dict[str, Any], sso_clock: Clock, sso_outbox: Outbox) -> Iterator[SSO]:
    """A fresh `zato_sso.SSO`, in memory."""
    with sso_clock.sso(sso_config, {"send_email": sso_outbox.send_email}) as sso:
        yield sso


def _user(sso: SSO, create: Any, username: str) -> TestUser:
    email = f"{username}@example.com"
    data = {"username": username, "password": _PASSWORD, "email": email, "sign_up_status": "final"}
    user_id = create("test", data, require_super_user=False, auto_approve=True)
    return TestUser(user_id, username, _PASSWORD, email)


@pytest.fixture
def sso_user(sso: SSO) -> TestUser:
    """A user of `sso` who may log in."""
    return _user(sso, sso.user.create_user, "test-user")


@pytest.fixture
def sso_super_user(sso: SSO) -> TestUser:
    """A super-user of `sso`."""
    return _user(sso, sso.user.create_super_user, "test-super-user")
