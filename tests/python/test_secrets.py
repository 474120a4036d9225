"""No secret that is handed to the API or by it shows where it should not: planted ones are looked for."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from stage import Stage
from support import ADDRESS, APP, Config, changed, make, totp_code, unique
from zato_sso import SSO, BackendError, ValidationError

PASSWORD = "planted-pass-word-7d1c"
NEW_PASSWORD = "planted-new-pass-word-93ab"
WRONG = "planted-wrong-0f42"
TOTP_KEY = "PLANTEDAAAAAAAAAAAAAAAAAAAAAAAAA"
EMAIL = "planted-email@example.com"
LABEL = "planted-label"


class Harvest:
    """Everything that a program might print or log."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def take(self, *things: object) -> None:
        """Keeps how these things look."""
        for thing in things:
            self.texts += [repr(thing), str(thing), f"{thing}"]

    def raised(self, call: Callable[..., object], *args: object, **kwargs: object) -> None:
        """Keeps how a call fails, in every form that an exception has."""
        with pytest.raises((ValidationError, BackendError, ValueError, TypeError)) as raised:
            call(*args, **kwargs)
        error = raised.value
        lines = traceback.TracebackException.from_exception(error).format_exception_only()
        self.take(error, error.args, vars(error), error.__cause__, error.__context__, "".join(lines))

    def shows(self, secrets: list[str]) -> list[str]:
        """Which of these secrets are in there."""
        return [secret for secret in secrets if any(secret in text for text in self.texts)]


def new_user(**more: object) -> dict[str, Any]:
    named = {"username": unique("user"), "password": PASSWORD, "email": EMAIL}
    return {**named, "totp_key": TOTP_KEY, "totp_label": LABEL, "is_totp_enabled": True, **more}


def live(sso: SSO) -> tuple[Harvest, list[str]]:
    """Does with secrets all that can be done; how it looks, and the tokens that came of it."""
    harvest = Harvest()
    data = new_user()
    user_id = sso.user.create_user("cid", data, require_super_user=False, auto_approve=True)
    name = data["username"]
    boss = new_user()
    sso.user.create_super_user("cid", boss, require_super_user=False, auto_approve=True)

    def login(username: str, password: str = PASSWORD, **more: Any) -> Any:
        return sso.user.login("cid", username, password, APP, ADDRESS, **more)

    info = login(name, totp_code=totp_code(TOTP_KEY))
    ust, admin = info.ust, login(boss["username"], totp_code=totp_code(TOTP_KEY)).ust
    mine = sso.user.get_current_user("cid", ust, APP, ADDRESS, return_all_attrs=True)
    session = sso.session.get("cid", ust, ust, APP, ADDRESS)
    harvest.take(info, mine, session, sso, sso.user, sso.session)
    harvest.take([info], {"info": info}, (mine,), [session.to_dict()])
    harvest.take(sso.session.get_list("cid", ust, None, None, APP, ADDRESS))
    harvest.take(sso.user.get_user_by_id("cid", user_id, admin, APP, ADDRESS))

    wrong_token = "planted-token-" + WRONG
    attempts: list[tuple[Callable[..., object], tuple[object, ...], dict[str, Any]]] = [
        (login, (name, WRONG), {}),
        (login, (name, PASSWORD), {}),
        (login, (name, PASSWORD), {"totp_code": WRONG}),
        (login, (name, PASSWORD), {"totp_code": WRONG, "new_password": NEW_PASSWORD}),
        (login, (name, b"planted-pass-word-7d1c\xff"), {}),
        (login, (name, [PASSWORD]), {}),
        (login, (name, PASSWORD), {"new_password": {"key": NEW_PASSWORD}}),
        (sso.user.create_user, ("cid", new_user(username=name)), {"require_super_user": False}),
        (sso.user.create_user, ("cid", new_user(password="planted")), {"require_super_user": False}),
        (sso.user.create_user, ("cid", new_user(password=[PASSWORD])), {"require_super_user": False}),
        (sso.user.create_user, ("cid", new_user(totp_key=TOTP_KEY + "1")), {"require_super_user": False}),
        (sso.user.create_user, ("cid", new_user(totp_key=5)), {"require_super_user": False}),
        (sso.user.create_user, ("cid", new_user(unknown=PASSWORD)), {"require_super_user": False}),
        (sso.user.get_current_user, ("cid", wrong_token, APP, ADDRESS), {}),
        (sso.user.get_current_user, ("cid", [wrong_token], APP, ADDRESS), {}),
        (sso.user.get_current_user, ("cid", ust, "Unknown", ADDRESS), {}),
        (sso.user.logout, ("cid", wrong_token, APP, ADDRESS), {}),
        (sso.session.renew, ("cid", wrong_token, APP, ADDRESS), {}),
        (sso.session.get, ("cid", admin, ust, APP, ADDRESS), {}),
        (sso.session.verify, ("cid", admin, ust, APP, ADDRESS), {}),
        (
            sso.user.change_password,
            ("cid", {"old_password": WRONG, "new_password": NEW_PASSWORD}, ust, APP, ADDRESS),
            {},
        ),
        (
            sso.user.change_password,
            ("cid", {"old_password": PASSWORD, "new_password": "planted"}, ust, APP, ADDRESS),
            {},
        ),
        (sso.user.change_password, ("cid", {"old_password": PASSWORD, "new": NEW_PASSWORD}, ust, APP, ADDRESS), {}),
    ]
    for call, args, more in attempts:
        harvest.raised(call, *args, **more)
    change = {"old_password": PASSWORD, "new_password": NEW_PASSWORD}
    sso.user.change_password("cid", change, ust, APP, ADDRESS)
    sso.session.renew("cid", ust, APP, ADDRESS)
    return harvest, [ust, admin]


@pytest.mark.parametrize("face", ["blocking", "async"])
def test_secrets_stay_out_of_results_errors_logs_and_the_database(
    config: Config, face: str, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    audit = tmp_path / "audit.log"
    config = changed(config, audit={"file": str(audit), "session_checks": True})
    loop = asyncio.new_event_loop()
    sso = make(face, config, loop)
    harvest, tokens = live(sso)
    sso.close()
    loop.close()
    key = config["main"]["secret_key"]
    secrets = [PASSWORD, NEW_PASSWORD, WRONG, TOTP_KEY, EMAIL, LABEL, *tokens, key]

    assert harvest.shows(secrets) == []
    printed = capfd.readouterr()
    kept = audit.read_text()
    assert kept.count("\n") > 20
    for text in (printed.out, printed.err, caplog.text, kept):
        assert [secret for secret in secrets if secret in text] == []
    dumped = dump(config)
    assert b"user-" in dumped
    assert [secret for secret in secrets if secret.encode() in dumped] == []


def dump(config: Config) -> bytes:
    """All that the database keeps."""
    url = str(config["database"]["url"])
    if url.startswith("sqlite:"):
        path = Path(url.removeprefix("sqlite:///"))
        return b"".join(file.read_bytes() for file in path.parent.glob(f"{path.name}*"))
    everything = b""
    with psycopg.connect(url) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        assert len(tables) > 10
        for (table,) in tables:
            for row in connection.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(table))):
                everything += b"\n".join(value if isinstance(value, bytes) else str(value).encode() for value in row)
    return everything


def test_an_audit_goes_to_standard_error_if_so_configured(config: Config, capfd: pytest.CaptureFixture[str]) -> None:
    with SSO(config={**config, "audit": {"sink": "stderr"}}) as sso:
        sso.user.create_user("cid-of-mine", {"username": "someone"}, require_super_user=False)
    (line,) = capfd.readouterr().err.splitlines()
    assert '"cid":"cid-of-mine"' in line
    assert '"op":"user.create"' in line


def test_tokens_are_looked_for_in_the_right_places(stage: Stage) -> None:
    """The search above would find a secret: a token is where it is meant to be."""
    info = stage.sso.user.login("cid", stage.super_user, None, APP, ADDRESS, skip_sec=True)
    harvest = Harvest()
    harvest.take(info.to_dict())
    assert harvest.shows([info.ust, "planted"]) == [info.ust]
