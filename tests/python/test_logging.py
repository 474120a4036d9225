"""Embedded, audit entries and faults go to Python's loggers, and nothing to the streams of the process."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support import ADDRESS, APP, PASSWORD, AsyncSSO, Config, changed, unique
from zato_sso import SSO, ValidationError

if TYPE_CHECKING:
    from conftest import Run

AUDIT = "zato_sso.audit"
FAULTS = "zato_sso"


@pytest.fixture
def logged(config: Config) -> Config:
    """A configuration whose audit is as by default."""
    return {name: values for name, values in config.items() if name != "audit"}


@pytest.fixture
def entries(caplog: pytest.LogCaptureFixture) -> Iterator[Callable[[], list[logging.LogRecord]]]:
    """The records of the audit so far."""
    with caplog.at_level(logging.INFO, logger=AUDIT):
        yield lambda: [record for record in caplog.records if record.name == AUDIT]


def until(found: Callable[[], list[logging.LogRecord]]) -> logging.LogRecord:
    """The first record that is found within some seconds."""
    end = time.monotonic() + 10
    while not found():
        assert time.monotonic() < end
        time.sleep(0.02)
    return found()[0]


def create(sso: SSO, username: str) -> None:
    sso.user.create_user("cid-1", {"username": username, "password": PASSWORD}, require_super_user=False)


def test_an_entry_is_a_record_when_its_call_returns(
    logged: Config, entries: Callable[[], list[logging.LogRecord]], capfd: pytest.CaptureFixture[str]
) -> None:
    with SSO(config=logged) as sso:
        create(sso, unique("user"))
        (record,) = entries()
        with pytest.raises(ValidationError):
            sso.user.login("cid-2", "nobody", PASSWORD, APP, ADDRESS)
        refused = entries()[-1]
    entry = json.loads(record.getMessage())
    assert (entry["op"], entry["cid"], entry["result"]) == ("user.create", "cid-1", "ok")
    assert {name: getattr(record, name) for name in entry} == entry
    assert (record.levelno, record.op, record.result) == (logging.INFO, "user.create", "ok")  # type: ignore[attr-defined]
    assert (refused.cid, refused.result) == ("cid-2", "E005001")  # type: ignore[attr-defined]
    assert refused.extra["remote_addr"] == ADDRESS  # type: ignore[attr-defined]
    assert capfd.readouterr() == ("", "")


def test_an_entry_is_a_record_when_its_call_was_awaited(
    logged: Config, entries: Callable[[], list[logging.LogRecord]], run: Run[Any]
) -> None:
    async def work() -> None:
        async with AsyncSSO(config=logged) as sso:
            data = {"username": unique("user"), "password": PASSWORD}
            await sso.user.create_user("cid-1", data, require_super_user=False)
            assert [record.op for record in entries()] == ["user.create"]  # type: ignore[attr-defined]

    run(work())


def test_by_default_nothing_is_written_anywhere(logged: Config) -> None:
    # Without any configuration of logging Python writes warnings to standard error.
    ended = script(
        logged,
        """
        with SSO(config={**config, "smtp": {"url": "smtp://127.0.0.1:1?tls=none"}}) as sso:
            data = {"username": "someone", "password": PASSWORD, "email": "a@example.com"}
            sso.user.create_user("cid", data, require_super_user=False)
            sso.password_reset.create_token("cid", "someone", APP, ADDRESS, "agent")
            time.sleep(1)
        """,
    )
    assert (ended.stdout, ended.stderr) == ("", "")


def script(config: Config, code: str) -> subprocess.CompletedProcess[str]:
    """A process of its own, run to its end."""
    prelude = f"""
import json, logging, os, sys, threading, time
sys.path.insert(0, {str(Path(__file__).parent)!r})
from support import *
from zato_sso import SSO
config = json.loads({json.dumps(config)!r})
"""
    return subprocess.run(
        [sys.executable, "-c", prelude + textwrap.dedent(code)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )


@pytest.mark.parametrize("sink", ["stderr", "file", "logging", "auto", "off"])
def test_configuration_says_which_way_entries_go(
    sink: str,
    logged: Config,
    entries: Callable[[], list[logging.LogRecord]],
    capfd: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    file = tmp_path / "audit.jsonl"
    audit = {"file": "off"} if sink == "off" else {"sink": sink}
    if sink == "file":
        audit["file"] = str(file)
    with SSO(config={**logged, "audit": audit}) as sso:
        create(sso, unique("user"))
    found = {
        "logging": len(entries()),
        "stderr": capfd.readouterr().err.count('"op":"user.create"'),
        "file": file.read_text(encoding="utf-8").count('"op":"user.create"') if file.exists() else 0,
    }
    expected = {"auto": "logging"}.get(sink, sink)
    assert found == {name: int(name == expected) for name in found}


def test_a_file_needs_a_name(logged: Config) -> None:
    with pytest.raises(ValueError, match=r"audit\.sink.*audit\.file"):
        SSO(config={**logged, "audit": {"sink": "file"}})


def test_an_email_that_is_not_sent_is_no_success(
    logged: Config, entries: Callable[[], list[logging.LogRecord]], caplog: pytest.LogCaptureFixture
) -> None:
    with SSO(config=logged) as sso:
        username = unique("user")
        data = {"username": username, "password": PASSWORD, "email": f"{username}@example.com"}
        sso.user.create_user("cid", data, require_super_user=False, auto_approve=True)
        sso.password_reset.create_token("cid", username, APP, ADDRESS, "agent")
        sent = until(lambda: [record for record in entries() if record.op == "email.send"])  # type: ignore[attr-defined]
        assert sent.result == "E008004"  # type: ignore[attr-defined]
        told = until(lambda: [record for record in caplog.records if record.name == FAULTS])
        assert (told.levelno, told.event) == (logging.WARNING, "email.not_sent")  # type: ignore[attr-defined]
        assert "smtp.url" in told.getMessage()


def test_an_smtp_server_that_is_away_is_told(logged: Config, caplog: pytest.LogCaptureFixture) -> None:
    settings = changed(logged, smtp={"url": "smtp://ann:hunter2@127.0.0.1:1?tls=none"})
    with SSO(config=settings) as sso:
        username = unique("user")
        data = {"username": username, "password": PASSWORD, "email": f"{username}@example.com"}
        sso.user.create_user("cid", data, require_super_user=False, auto_approve=True)
        sso.password_reset.create_token("cid", username, APP, ADDRESS, "agent")
        told = until(lambda: [record for record in caplog.records if record.name == FAULTS])
    assert (told.levelno, told.event) == (logging.WARNING, "email.deferred")  # type: ignore[attr-defined]
    assert "hunter2" not in told.getMessage()


def test_a_hook_that_fails_is_told(logged: Config, caplog: pytest.LogCaptureFixture) -> None:
    def session_expiry(*_: object) -> int:
        message = "no idea"
        raise RuntimeError(message)

    with SSO(config=logged, hooks={"session_expiry": session_expiry}) as sso:
        username = unique("user")
        data = {"username": username, "password": PASSWORD}
        sso.user.create_user("cid", data, require_super_user=False, auto_approve=True)
        sso.user.login("cid", username, PASSWORD, APP, ADDRESS)
    (told,) = [record for record in caplog.records if record.name == FAULTS]
    assert told.levelno == logging.ERROR
    assert "session_expiry" in told.getMessage()


class Calling(logging.Handler):
    """A handler that itself uses single sign-on."""

    def __init__(self, sso: SSO) -> None:
        super().__init__()
        self.sso = sso
        self.cids: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        cid = record.cid  # type: ignore[attr-defined]
        if cid == "cid-1":
            self.sso.user.get_user_by_username("cid-of-handler", "nobody")
        self.cids.append(cid)


def test_a_handler_may_call_single_sign_on(logged: Config) -> None:
    with SSO(config=logged) as sso:
        handler = Calling(sso)
        logger = logging.getLogger(AUDIT)
        logger.addHandler(handler)
        level = logger.level
        logger.setLevel(logging.INFO)
        try:
            threads = [threading.Thread(target=create, args=(sso, unique("user"))) for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(20)
                assert not thread.is_alive()
            # An entry may come to its handler later than the answer to its caller, who would close the object before.
            end = time.monotonic() + 20
            while handler.cids.count("cid-1") < 4 and time.monotonic() < end:
                time.sleep(0.01)
        finally:
            logger.removeHandler(handler)
            logger.setLevel(level)
    assert handler.cids.count("cid-1") == 4


def test_a_handler_that_raises_does_not_concern_the_call(logged: Config) -> None:
    class Broken(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            raise RuntimeError(record.name)

    handler = Broken()
    logger = logging.getLogger(AUDIT)
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    unraisable: list[object] = []
    before, sys.unraisablehook = sys.unraisablehook, unraisable.append
    try:
        with SSO(config=logged) as sso:
            create(sso, unique("user"))
    finally:
        sys.unraisablehook = before
        logger.removeHandler(handler)
        logger.setLevel(logging.NOTSET)
    assert len(unraisable) == 1


def test_what_is_caused_last_is_logged_at_exit(logged: Config, tmp_path: Path) -> None:
    log = tmp_path / "log"
    ended = script(
        logged,
        f"""
        logging.basicConfig(filename={str(log)!r}, level=logging.INFO, format="%(name)s %(cid)s %(op)s")
        sso = SSO(config=config)
        sso.user.create_user("cid-of-parent", {{"username": "someone"}}, require_super_user=False)
        """,
    )
    assert ended.stderr == ""
    assert log.read_text(encoding="utf-8") == f"{AUDIT} cid-of-parent user.create\n"


def test_parent_and_child_log_what_is_theirs(logged: Config, tmp_path: Path) -> None:
    log = tmp_path / "log"
    script(
        logged,
        f"""
        logging.basicConfig(filename={str(log)!r}, level=logging.INFO, format="%(cid)s %(process)d")
        sso = SSO(config=config)
        def create(who):
            cid = f"{{who}}-{{os.getpid()}}"
            sso.user.create_user(cid, {{"username": who}}, require_super_user=False)
        create("before")
        child = os.fork()
        create("parent" if child else "child")
        if child:
            os.waitpid(child, 0)
        """,
    )
    lines = log.read_text(encoding="utf-8").splitlines()
    assert sorted(line.split("-")[0] for line in lines) == ["before", "child", "parent"]
    assert all(line.split("-")[1].split()[0] == line.split()[1] for line in lines)
