"""Sessions that end because nobody uses them, as services in Python see it."""

from __future__ import annotations

import pytest
from support import ADDRESS, APP, Config, changed, log_in, super_user
from zato_sso import SSO, ValidationError
from zato_sso.testing import Clock


@pytest.fixture
def idle(config: Config) -> Config:
    return changed(config, session={"idle_timeout": 30, "expiry": 1000})


def code(sso: SSO, ust: str) -> str | None:
    try:
        sso.user.get_current_user("cid", ust, APP, ADDRESS)
    except ValidationError as error:
        return error.sub_status[0]
    return None


def test_a_session_lasts_as_long_as_it_is_used(idle: Config) -> None:
    clock = Clock()
    with clock.sso(idle) as sso, clock.sso(idle) as other:
        name = super_user(sso)
        ust, unused = log_in(sso, name), log_in(sso, name)
        for _ in range(5):
            # Most of these are answered without a look at the database.
            for _ in range(10):
                clock.advance(minutes=2)
                assert code(sso, ust) is None
                assert sso.session.get_current_session("cid", ust, APP, ADDRESS).username == name
        clock.advance(minutes=28)
        assert (code(other, ust), code(other, unused)) == (None, "E007002")
        assert len(sso.session.get_list("cid", current_ust=ust, current_app=APP, remote_addr=ADDRESS)) == 1
        assert sso.session.verify("cid", ust, ust, APP, ADDRESS) is True
        clock.advance(minutes=30)
        assert (code(sso, ust), code(other, ust)) == ("E007002", "E007002")


def test_a_session_that_is_verified_for_its_user_is_used(idle: Config) -> None:
    clock = Clock()
    with clock.sso(idle) as sso:
        name = super_user(sso)
        ust, service = log_in(sso, name), log_in(sso, name)
        for _ in range(20):
            clock.advance(minutes=4)
            assert sso.session.verify("cid", ust, service, APP, ADDRESS) is True
        assert code(sso, ust) is None
