"""`zato_sso.testing`: the pytest plugin, in a pytest of its own."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

SUITE = """
import datetime
import pytest
from zato_sso import SignupCtx, ValidationError


def test_a_user_logs_in(sso, sso_user, sso_super_user):
    me = sso.bind(remote_addr="127.0.0.1")
    assert me.user.login(sso_user.username, sso_user.password).user_id == sso_user.user_id
    ust = me.user.login(sso_super_user.username, sso_super_user.password).ust
    assert me.bind(current_ust=ust).session.require_super_user().is_super_user
    assert sso_user.password not in repr(sso_user)


def test_each_test_has_an_object_of_its_own(sso):
    assert sso.user.get_user_by_username("cid", "test-user", needs_approved=False) is None


def test_time_is_moved(sso, sso_user, sso_clock):
    me = sso.bind(remote_addr="127.0.0.1")
    me = me.bind(current_ust=me.user.login(sso_user.username, sso_user.password).ust)
    before = sso_clock.now()
    sso_clock.advance(minutes=5)
    assert me.user.get_current_user().username == sso_user.username
    sso_clock.advance(datetime.timedelta(days=1), days=1)
    assert sso_clock.now() - before > datetime.timedelta(days=2)
    with pytest.raises(ValidationError) as ended:
        me.user.get_current_user()
    assert ended.value.http_status == 401


def test_emails_are_kept(sso, sso_user, sso_outbox):
    assert len(sso_outbox) == 0
    sso.bind(remote_addr="127.0.0.1").password_reset.create_token(sso_user.username)
    (email,) = sso_outbox.wait()
    assert email["to"] == sso_user.email
    assert email is sso_outbox[0] is list(sso_outbox)[0]


@pytest.fixture
def sso_config(sso_config):
    return {**sso_config, "session": {"expiry": 7}}


def test_configuration_is_changed_by_overriding_a_fixture(sso, sso_user):
    info = sso.bind(remote_addr="127.0.0.1").user.login(sso_user.username, sso_user.password)
    assert info.expiration_time - info.creation_time == datetime.timedelta(minutes=7)
"""
COUNT = 200
MANY = f"""
import pytest

@pytest.mark.parametrize("number", range({COUNT}))
def test_with_a_fresh_object(sso, number):
    assert sso.user.get_user_by_username("cid", "user1") is None
"""


def run(folder: Path, text: str, *options: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_suite.py").write_text(text)
    (folder / "pytest.ini").write_text("[pytest]\n")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:schemathesis",
        "-p",
        "no:asyncio",
        "-p",
        "no:cacheprovider",
        *options,
    ]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_the_fixtures_are_there_without_an_import(tmp_path: Path) -> None:
    done = run(tmp_path, SUITE, "-W", "error")
    assert "5 passed" in done.stdout, done.stdout + done.stderr


def test_fresh_objects_are_quick(tmp_path: Path) -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = run(tmp_path, MANY)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert f"{COUNT} passed" in done.stdout, done.stdout + done.stderr
    # Processor time, since other tests run beside this one, in a build for tests. It includes the start of pytest.
    took = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert took < COUNT * 0.02 + 4
