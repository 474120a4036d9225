"""What calls of the object tree take: a class that has the object, correlation IDs, addresses, secrets."""

from __future__ import annotations

from typing import Any

import pytest
from calls import login
from stage import Someone, Stage
from support import ADDRESS, APP, PASSWORD
from test_api import call_of
from zato_sso import SSO


class Service:
    """The documented way to hold the object."""

    def __init__(self, sso: SSO) -> None:
        self.sso = sso

    def handle(self, someone: Someone) -> str:
        info = self.sso.user.login("cid", someone.username, PASSWORD, APP, ADDRESS)
        ust = info.ust
        self.sso.user.session.renew("cid", ust, APP, ADDRESS)
        username = self.sso.user.get_current_user("cid", ust, APP, ADDRESS).username
        self.sso.user.logout("cid", ust, APP, ADDRESS)
        return username


def test_the_documented_calls_work_from_a_class_that_has_the_object(stage: Stage) -> None:
    someone = stage.someone()
    assert Service(stage.sso).handle(someone) == someone.username

    class OnTheClass:
        sso = stage.sso

        def handle(self) -> str:
            return self.sso.user.login("cid", someone.username, PASSWORD, APP, ADDRESS).username

    assert OnTheClass().handle() == someone.username


@pytest.mark.parametrize("cid", ["", "a b", "ż", "x" * 1000, "\0", b"bytes"])
def test_any_text_may_be_a_correlation_id(stage: Stage, cid: Any) -> None:
    assert stage.sso.user.get_user_by_username(cid, stage.super_user) is not None


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("10.0.0.9", "10.0.0.9"),
        ("10.0.0.1,10.0.0.2 , ", "10.0.0.1, 10.0.0.2"),
        (b"10.0.0.1", "10.0.0.1"),
        (["10.0.0.1", "2001:db8::1"], "10.0.0.1, 2001:db8::1"),
        (["10.0.0.1", b"10.0.0.2,10.0.0.3"], "10.0.0.1, 10.0.0.2, 10.0.0.3"),
        (("10.0.0.1",), "10.0.0.1"),
        ("no address\0", "no address"),
        ([], ""),
        ("", ""),
        (None, ""),
    ],
)
def test_addresses_come_in_many_shapes(stage: Stage, given: Any, kept: str) -> None:
    ust = stage.sso.user.login("cid", stage.super_user, PASSWORD, APP, given).ust
    assert stage.sso.session.get("cid", ust, ust, APP, given).remote_addr == kept


@pytest.mark.parametrize("wrong", [5, [5], {"a": 1}, ["10.0.0.1", None]])
def test_what_is_no_address_is_a_type_error(stage: Stage, wrong: Any) -> None:
    with pytest.raises(TypeError, match="remote_addr"):
        stage.sso.session.renew("cid", stage.admin, APP, wrong)


@pytest.mark.parametrize("wrong", [b"planted\xff", "planted\ud800"])
def test_secrets_that_are_no_text_are_value_errors_that_do_not_show_them(stage: Stage, wrong: str) -> None:
    for arguments in ({"password": wrong}, {"new_password": wrong}, {"totp_code": wrong}):
        with pytest.raises(ValueError, match=r"UTF-8|surrogate") as raised:
            call_of(stage.sso, "user.login")(**{**login(stage), **arguments})
        assert "planted" not in repr(raised.value)
        assert "planted" not in repr(raised.value.__cause__)
