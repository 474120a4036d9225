"""Greenlets of gevent where it has patched the process: calls wait in its pool of threads, and others run meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Script

PATCH = "from gevent import monkey; monkey.patch_all()"
# A login takes long enough here that others would notice if they could not run.
LOGIN = """
import gevent
config = changed(config, hash_secret={"memory_kib": 65536, "iterations": 4}, login_throttle={"enabled": False})
sso = SSO(config=config)
username = super_user(sso)
"""


def done(script: Script, code: str, first: str = PATCH) -> list[str]:
    ended = script(LOGIN + code, first=first)
    assert (ended.returncode, ended.stderr) == (0, ""), ended.stdout + ended.stderr
    return ended.stdout.split()


def test_others_run_while_a_password_is_hashed(script: Script) -> None:
    code = """
ticks = 0
def tick():
    global ticks
    while True:
        ticks += 1
        gevent.sleep(0.001)
ticker = gevent.spawn(tick)
gevent.sleep(0)
before = ticks
log_in(sso, username)
print(ticks - before > 5)
print(sso.user.get_user_by_username("cid", username).username == username)
"""
    assert done(script, code) == ["True", "True"]


def test_without_the_patch_a_call_blocks_as_ever(script: Script) -> None:
    code = """
ticks = 0
def tick():
    global ticks
    while True:
        ticks += 1
        gevent.sleep(0.001)
ticker = gevent.spawn(tick)
gevent.sleep(0)
before = ticks
log_in(sso, username)
print(ticks - before)
"""
    assert done(script, code, "") == ["0"]


def test_more_logins_than_the_pool_has_threads_all_end(script: Script) -> None:
    code = """
config = changed(config, hash_secret={"memory_kib": 64, "iterations": 1})
with SSO(config=config) as quick:
    names = [super_user(quick) for _ in range(3)]
    jobs = [gevent.spawn(log_in, quick, names[number % 3]) for number in range(60)]
    gevent.joinall(jobs, timeout=60)
    print(sum(job.successful() for job in jobs))
"""
    assert done(script, code) == ["60"]


def test_a_greenlet_that_gives_up_leaves_the_call_to_end(script: Script) -> None:
    code = """
gevent.sleep(0)
try:
    with gevent.Timeout(0.02):
        log_in(sso, username)
    print("logged in")
except gevent.Timeout:
    print("given up")
job = gevent.spawn(log_in, sso, username)
gevent.sleep(0.02)
job.kill()
print(job.dead)
print(len(log_in(sso, username)) > 20)
sso.close()
"""
    assert done(script, code) == ["given", "up", "True", "True"]


def test_errors_are_raised_in_the_greenlet_and_printed_nowhere(script: Script) -> None:
    code = """
gevent.sleep(0)
def wrong():
    try:
        sso.user.login("cid", username, "wrong", APP, ADDRESS)
    except ValidationError as error:
        return error.sub_status[0]
jobs = [gevent.spawn(wrong) for _ in range(4)]
gevent.joinall(jobs)
print(*{job.value for job in jobs})
"""
    assert done(script, code) == ["E005001"]


@pytest.mark.parametrize("inner", ["sso.user.get_user_by_username('cid', username)", "gevent.sleep(0.01)"])
def test_a_hook_may_call_and_may_sleep(script: Script, inner: str) -> None:
    code = f"""
import contextvars
variable = contextvars.ContextVar("variable")
def hook(*_):
    {inner}
    {inner}
    print(variable.get())
    return 5
sso.hooks.session_expiry = hook
gevent.sleep(0)
def work(number):
    variable.set(f"in-{{number}}")
    log_in(sso, username)
jobs = [gevent.spawn(work, number) for number in range(3)]
gevent.joinall(jobs, timeout=30)
print(all(job.successful() for job in jobs))
"""
    *inside, last = done(script, code)
    assert (sorted(inside), last) == (["in-0", "in-1", "in-2"], "True")


def test_a_fork_beside_greenlets_that_call(script: Script) -> None:
    code = (
        LOGIN
        + """
config = changed(config, hash_secret={"memory_kib": 64, "iterations": 1})
with SSO(config=config) as quick:
    counter = Counter.new(quick)
    jobs = [gevent.spawn(counter.bump) for _ in range(20)]
    gevent.sleep(0.005)
    codes = [in_child(counter.bump) for _ in range(3)]
    gevent.joinall(jobs, timeout=30)
    print(codes, counter.value())
"""
    )
    ended = script(code, first=PATCH)
    # No call is made in both processes.
    assert (ended.returncode, ended.stdout) == (0, "[0, 0, 0] 23\n"), ended.stdout + ended.stderr
    # The greenlets that a child has inherited in the middle of a call hear of it.
    errors = {line for line in ended.stderr.splitlines() if line.startswith("zato_sso.")}
    assert errors <= {
        "zato_sso.errors.BackendError: the process was forked during this call: it goes on in the parent only"
    }
