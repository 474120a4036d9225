"""Emails that a hook sends in place of SMTP."""

from __future__ import annotations

import asyncio
import json
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support import ADDRESS, APP, PASSWORD, AsyncSSO, Config, changed
from zato_sso import SSO, SignupCtx

if TYPE_CHECKING:
    from conftest import Run


class PlantedError(Exception):
    """What a hook of the tests raises."""


def test_a_hook_sends_emails_in_place_of_smtp(config: Config, run: Run[None]) -> None:
    sent: list[dict[str, Any]] = []
    done = threading.Event()

    def send(message: dict[str, Any]) -> None:
        sent.append(message)
        done.set()
        raise PlantedError("planted secret")

    async def send_async(message: dict[str, Any]) -> None:
        await asyncio.sleep(0.01)
        sent.append(message)

    def check(token: str | None) -> str:
        # It goes by the email only.
        assert token is None
        message = sent.pop()
        assert not sent
        assert (message["to"], message["kind"]) == ("ann@example.com", "signup-confirm")
        (found,) = (line for line in message["text"].splitlines() if len(line) == 32 and " " not in line)
        assert set(message) == {"kind", "user_id", "username", "from", "to", "subject", "text", "html"}
        return str(found)

    ann = SignupCtx(username="ann", email="ann@example.com", password=PASSWORD, app_list=[APP])
    with SSO(config=config, hooks={"send_email": send}) as sso:
        answer = sso.user.signup("cid", ann, APP, ADDRESS)
        assert done.wait(30)
        token = check(answer)
        done.clear()
        sso.user.confirm_signup("cid", token, APP, ADDRESS)
        assert done.wait(30)
        assert sent.pop()["kind"] == "signup-welcome"
        sso.user.delete_user_by_username("cid", "ann", "", APP, ADDRESS, skip_sec=True)

    async def main() -> None:
        async with AsyncSSO(config=config, hooks={"send_email": send_async}) as shared:
            token = await shared.user.signup("cid", ann, APP, ADDRESS)
            while not sent:
                await asyncio.sleep(0.01)
            check(token)

    run(main())


@pytest.mark.parametrize("face", ["blocking", "async"])
def test_no_call_waits_for_a_hook_that_sends_and_closing_does(
    config: Config, run: Run[None], tmp_path: Path, face: str
) -> None:
    log = tmp_path / "audit.jsonl"
    config = changed(config, audit={"file": str(log)})
    running: list[str] = []
    sent: list[str] = []
    go_on = threading.Event()

    def end(message: dict[str, Any]) -> None:
        assert running == [message["username"]]
        running.clear()
        sent.append(message["username"])
        if message["username"] == "bob":
            raise PlantedError("planted secret")

    def send(message: dict[str, Any]) -> None:
        running.append(message["username"])
        assert go_on.wait(30)
        end(message)

    async def send_async(message: dict[str, Any]) -> None:
        running.append(message["username"])
        while not go_on.is_set():
            await asyncio.sleep(0.01)
        end(message)

    names = ["ann", "bob", "eve"]
    people = [
        SignupCtx(username=name, email=f"{name}@example.com", password=PASSWORD, app_list=[APP]) for name in names
    ]

    async def main() -> None:
        async with AsyncSSO(config=config, hooks={"send_email": send_async}) as sso:
            for one in people:
                await sso.user.signup("cid", one, APP, ADDRESS)
            assert not sent
            threading.Timer(0.2, go_on.set).start()

    if face == "async":
        run(main())
    else:
        with SSO(config=config, hooks={"send_email": send}) as sso:
            for one in people:
                sso.user.signup("cid", one, APP, ADDRESS)
            assert not sent
            threading.Timer(0.2, go_on.set).start()
    assert sent == names
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    extra = [line["extra"] for line in lines if line["op"] == "email.send"]
    assert [one["attempts"] for one in extra] == ["1", "1", "1"]
    failed = "given up: the hook send_email raised PlantedError in test_hook_emails.py, line"
    assert [one.get("error", "ok").startswith(failed) for one in extra] == [False, True, False]
    assert "planted secret" not in log.read_text(encoding="utf-8")
