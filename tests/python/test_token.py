"""Access tokens that a service is shown, from Python. tests/it/token_verify.rs has that good ones are accepted."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from stage import refused
from support import ADDRESS, APP, config_of, make, new_key
from zato_sso import SSO, Token


@pytest.fixture(params=["blocking", "async"])
def sso(request: pytest.FixtureRequest) -> Iterator[SSO]:
    """An object with an OpenID Provider."""
    config = {**config_of("sqlite::memory:", new_key()), "oidc": {"issuer": "https://login.example.com"}}
    loop = asyncio.new_event_loop()
    sso = make(request.param, config, loop)
    yield sso
    sso.close()
    loop.close()


@pytest.mark.parametrize("token", ["", "a.b.c", "zust-unknown", "eyJhbGciOiJub25lIn0.e30.", "\0", "ż" * 10_000])
def test_what_is_no_access_token_is_refused(sso: SSO, token: str) -> None:
    with refused("E007001"):
        sso.token.verify("cid", token)
    with refused("E007001"):
        sso.token.verify("cid", token.encode(), "https://api.example.com", "orders:read", APP, ADDRESS)


def test_an_unknown_application_is_refused(sso: SSO) -> None:
    with refused("E004001"):
        sso.token.verify("cid", "a.b.c", current_app="Unknown")


def test_tokens_are_made_by_nobody_else() -> None:
    with pytest.raises(TypeError):
        Token()
