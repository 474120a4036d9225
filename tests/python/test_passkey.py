"""Passkeys from Python, with an authenticator that others wrote: blocking, awaited, and with arguments filled in."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest
from authenticator import Authenticator
from stage import refused
from support import ADDRESS, APP, PASSWORD, AsyncSSO, Config, changed
from zato_sso import SSO, Passkey, SessionInfo

WHERE = (APP, ADDRESS)


def signed_up(sso: SSO, username: str = "ann") -> str:
    sso.user.create_user(
        "cid", {"username": username, "password": PASSWORD}, require_super_user=False, auto_approve=True
    )
    return sso.user.login("cid", username, PASSWORD, *WHERE).ust


def test_a_passkey_is_registered_used_renamed_and_deleted(config: Config) -> None:
    with SSO(config=config) as sso:
        ust = signed_up(sso)
        key = Authenticator()
        options = sso.user.passkey.begin_registration("cid", ust, *WHERE, name="Ann's phone")
        assert options["user"]["name"] == "ann"
        made = sso.user.passkey.finish_registration("cid", key.register(options), ust, *WHERE)
        assert isinstance(made, Passkey)
        assert (made.name, made.last_use, made.is_user_verified) == ("Ann's phone", None, False)
        assert made.to_dict()["creation_time"] == made.creation_time.isoformat()

        options = sso.user.passkey.begin_login("cid", *WHERE)
        session = sso.user.passkey.finish_login("cid", key.login(options), *WHERE, user_agent="Firefox")
        assert isinstance(session, SessionInfo)
        assert session.username == "ann"
        # With the name, and as text.
        options = sso.user.passkey.begin_login("cid", *WHERE, username="ann")
        assert options["allowCredentials"] == []
        sso.user.passkey.finish_login("cid", json.dumps(key.login(options)), *WHERE)
        with refused("E005001"):
            options = sso.user.passkey.begin_login("cid", *WHERE, username="bob")
            sso.user.passkey.finish_login("cid", key.login(options), *WHERE)

        # A key that is only touched is one factor: what it makes fresh may change no second factor.
        other = sso.user.login("cid", "ann", PASSWORD, *WHERE).ust
        options = sso.user.passkey.begin_reauthentication("cid", other, *WHERE)
        assert len(options["allowCredentials"]) == 1
        answer, before = key.login(options), sso.user.session.get("cid", other, other, *WHERE).auth_time
        sso.user.passkey.finish_reauthentication("cid", answer, other, *WHERE)
        assert sso.user.session.get("cid", other, other, *WHERE).auth_time > before
        with refused("E012002"):
            sso.user.passkey.finish_reauthentication("cid", answer, other, *WHERE)
        with refused("E005010"):
            sso.user.passkey.delete("cid", made.passkey_id, other, *WHERE)

        sso.user.passkey.rename("cid", made.passkey_id, "key", ust, *WHERE)
        [listed] = sso.user.passkey.get_list("cid", session.ust, *WHERE)
        assert (listed.passkey_id, listed.name) == (made.passkey_id, "key")
        assert isinstance(listed.last_use, datetime)
        # It was found without being named.
        assert (made.is_discoverable, listed.is_discoverable) == (None, True)
        assert listed != made
        assert repr(listed).startswith("Passkey(passkey_id='zpky")
        sso.user.passkey.delete("cid", made.passkey_id, ust, *WHERE)
        assert sso.user.passkey.get_list("cid", ust, *WHERE) == []


async def test_all_of_it_is_awaited(config: Config) -> None:
    key = Authenticator()
    async with AsyncSSO(config=config) as sso:
        await sso.user.create_user(
            "cid", {"username": "ann", "password": PASSWORD}, require_super_user=False, auto_approve=True
        )
        me = sso.bind(current_app=APP, remote_addr=ADDRESS)
        ust = (await me.user.login("ann", PASSWORD)).ust
        me = me.bind(current_ust=ust)
        options = await me.user.passkey.begin_registration("phone")
        made = await me.user.passkey.finish_registration(key.register(options))
        session = await me.user.passkey.finish_login(key.login(await me.user.passkey.begin_login()))
        other = me.bind(current_ust=(await me.user.login("ann", PASSWORD)).ust)
        await other.user.passkey.finish_reauthentication(key.login(await other.user.passkey.begin_reauthentication()))
        assert session.user_id == made.user_id
        await me.user.passkey.delete(made.passkey_id)
        assert await me.user.passkey.get_list() == []


def test_what_is_wrong_is_refused(config: Config) -> None:
    with SSO(config=config) as sso:
        ust = signed_up(sso)
        key, evil = Authenticator(), Authenticator("https://evil.example")

        def begin() -> dict[str, Any]:
            return sso.user.passkey.begin_registration("cid", ust, *WHERE)

        with refused("E012001"):
            sso.user.passkey.finish_registration("cid", evil.register(begin()), ust, *WHERE)
        answer = key.register(begin())
        sso.user.passkey.finish_registration("cid", answer, ust, *WHERE)
        with refused("E012002"):
            sso.user.passkey.finish_registration("cid", answer, ust, *WHERE)
        answer = key.login(sso.user.passkey.begin_login("cid", *WHERE))
        sso.user.passkey.finish_login("cid", answer, *WHERE)
        with refused("E012002"):
            sso.user.passkey.finish_login("cid", answer, *WHERE)
        # A copy counts from where it was made.
        key.device.sign_count = 0
        with refused("E005001"):
            sso.user.passkey.finish_login("cid", key.login(sso.user.passkey.begin_login("cid", *WHERE)), *WHERE)
        nothing: list[object] = [None, 1, b"{}", []]
        for wrong in nothing:
            with pytest.raises(TypeError, match="expected dict or str"):
                sso.user.passkey.finish_login("cid", wrong, *WHERE)  # type: ignore[arg-type]
    with SSO(config=changed(config, passkey={"user_verification": "required"})) as sso, refused("E005001"):
        key.device.sign_count = 100
        sso.user.passkey.finish_login("cid", key.login(sso.user.passkey.begin_login("cid", *WHERE)), *WHERE)
