"""The Python API under pytest-benchmark: how the time of each call is spread, and whether a change made it longer.

    .venv/bin/python -m pip install --group bench
    .venv/bin/python -m pytest -p no:cacheprovider benches/test_faces.py --benchmark-autosave
    .venv/bin/python -m pytest -p no:cacheprovider benches/test_faces.py --benchmark-compare

The figures that are claimed come from `make bench`, which has a yardstick beside each; docs/decisions/022 says why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from world import ADDRESS, APP, CID, PASSWORD, log_in, sqlite
from zato_sso import SSO

Benchmark = Callable[..., object]


@dataclass
class Stage:
    """Single sign-on, and tokens: of a user, of a super-user, and of a session to renew."""

    sso: SSO
    target: str
    current: str
    renewed: str


@pytest.fixture(scope="module", params=["on", "off"], ids=["cache", "no cache"])
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    """Have a fresh SQLite file, with the cache of sessions and without."""
    with sqlite() as database, SSO(config=database.settings(session__cache=request.param)) as sso:
        yield Stage(sso, *log_in(sso))


def test_verify(benchmark: Benchmark, stage: Stage) -> None:
    """Verify a session."""
    assert benchmark(stage.sso.user.session.verify, CID, stage.target, stage.current, APP, ADDRESS)


def test_get_current_user(benchmark: Benchmark, stage: Stage) -> None:
    """Look at the user of a session."""
    assert benchmark(stage.sso.user.get_current_user, CID, stage.target, APP, ADDRESS)


def test_renew(benchmark: Benchmark, stage: Stage) -> None:
    """Renew a session."""
    assert benchmark(stage.sso.user.session.renew, CID, stage.renewed, APP, ADDRESS)


def test_login(benchmark: Benchmark, stage: Stage) -> None:
    """Log in, which is a hash and little more."""
    assert benchmark(stage.sso.user.login, CID, "user1", PASSWORD, APP, ADDRESS)
