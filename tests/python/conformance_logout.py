"""The modules of the plans RP-Initiated Logout OP and Back-Channel Logout OP."""

from __future__ import annotations

import time

import jwt
import requests
from conformance import Signed, Suite, altered_to_none, module
from relying import GOODBYE, listening

RP = "RP-Initiated Logout"
BACK = "Back-Channel Logout"


@module("oidcc-rp-initiated-logout-discovery-endpoint-verification", RP)
def rp_discovery(suite: Suite) -> None:
    assert suite.metadata["end_session_endpoint"].startswith(suite.provider.url)


@module("oidcc-rp-initiated-logout", RP)
def rp_initiated_logout(suite: Suite) -> None:
    signed = suite.sign_in()
    assert suite.log_out(signed) == f"{GOODBYE}?state=bye"
    assert not suite.is_signed_in(signed)


@module("oidcc-rp-initiated-logout-no-state", RP)
def no_state(suite: Suite) -> None:
    signed = suite.sign_in()
    assert suite.log_out(signed, state=None) == GOODBYE
    assert not suite.is_signed_in(signed)


def stays(suite: Suite, signed: Signed, **parameters: str | None) -> None:
    """The person sees what is wrong, is not sent back, and is signed in still."""
    fields = {"id_token_hint": signed.tokens["id_token"], "post_logout_redirect_uri": GOODBYE, "state": "bye"}
    assert suite.shows_an_error(signed.person, suite.logout_url(**{**fields, **parameters}))
    assert suite.is_signed_in(signed)


@module("oidcc-rp-initiated-logout-bad-post-logout-redirect-uri", RP)
def bad_uri(suite: Suite) -> None:
    stays(suite, suite.sign_in(), post_logout_redirect_uri=f"{GOODBYE}/other")


@module("oidcc-rp-initiated-logout-query-added-to-post-logout-redirect-uri", RP)
def query_added(suite: Suite) -> None:
    stays(suite, suite.sign_in(), post_logout_redirect_uri=f"{GOODBYE}?foo=bar")


def asks_and_sends_nobody_back(suite: Suite, signed: Signed, hint: str) -> None:
    """A hint that is wrong is as good as none, and says nothing of whose address it would be."""
    url = suite.logout_url(id_token_hint=hint, post_logout_redirect_uri=GOODBYE, state="bye")
    page = signed.person.browser.get(url, timeout=30)
    assert 'name="form_token"' in page.text
    assert suite.is_signed_in(signed)
    page = signed.person.visit(url)
    assert isinstance(page, requests.Response)
    assert page.url.startswith(suite.provider.url)
    assert "done=logout" in page.url


@module("oidcc-rp-initiated-logout-modified-id-token-hint", RP)
def modified_hint(suite: Suite) -> None:
    signed = suite.sign_in()
    asks_and_sends_nobody_back(suite, signed, altered_to_none(signed.tokens["id_token"]))


@module("oidcc-rp-initiated-logout-bad-id-token-hint", RP)
def bad_hint(suite: Suite) -> None:
    signed = suite.sign_in()
    asks_and_sends_nobody_back(suite, signed, jwt.encode(signed.claims, "k" * 32, algorithm="HS256"))


@module("oidcc-rp-initiated-logout-no-id-token-hint", RP)
def no_hint(suite: Suite) -> None:
    stays(suite, suite.sign_in(), id_token_hint=None)


def asks_and_logs_out(suite: Suite, *, is_its_own: bool = False, **parameters: str | None) -> None:
    """The person is asked unless the client has shown whose session it is, and sees that it has ended."""
    signed = suite.sign_in()
    hint = signed.tokens["id_token"] if is_its_own else None
    url = suite.logout_url(id_token_hint=hint, **parameters)
    if not is_its_own:
        page = signed.person.browser.get(url, timeout=30)
        assert 'name="form_token"' in page.text
        assert suite.is_signed_in(signed)
    page = signed.person.visit(url)
    assert isinstance(page, requests.Response)
    assert page.url.startswith(suite.provider.url)
    assert "done=logout" in page.url
    assert not suite.is_signed_in(signed)


@module("oidcc-rp-initiated-logout-no-params", RP)
def no_params(suite: Suite) -> None:
    asks_and_logs_out(suite)


@module("oidcc-rp-initiated-logout-only-state", RP)
def only_state(suite: Suite) -> None:
    asks_and_logs_out(suite, state="bye")


@module("oidcc-rp-initiated-logout-no-post-logout-redirect-uri", RP)
def no_uri(suite: Suite) -> None:
    asks_and_logs_out(suite, is_its_own=True, state="bye")


@module("oidcc-backchannel-logout-discovery-endpoint-verification", BACK)
def back_discovery(suite: Suite) -> None:
    assert suite.metadata["backchannel_logout_supported"] is True
    assert suite.metadata["backchannel_logout_session_supported"] is True


@module("oidcc-backchannel-rp-initiated-logout", BACK)
def backchannel_rp_initiated_logout(suite: Suite) -> None:
    with listening() as listener:
        signed = suite.sign_in(None, suite.client(backchannel_logout_uri=listener.url))
        assert suite.log_out(signed) == f"{GOODBYE}?state=bye"
        came = listener.came.get(timeout=20)
    assert set(came) == {"logout_token"}
    header = jwt.get_unverified_header(came["logout_token"])
    (key,) = [key for key in suite.provider.keys()["keys"] if key["kid"] == header["kid"]]
    assert header["alg"] == signed.client["id_token_alg"]
    told = jwt.decode(
        came["logout_token"],
        jwt.PyJWK(key).key,
        algorithms=[header["alg"]],
        audience=signed.client["client_id"],
        issuer=suite.provider.url,
        options={"require": ["iss", "aud", "iat", "exp", "jti", "events"]},
    )
    assert told["events"] == {"http://schemas.openid.net/event/backchannel-logout": {}}
    assert (told["sub"], told["sid"]) == (signed.claims["sub"], signed.claims["sid"])
    assert "nonce" not in told
    assert abs(told["iat"] - time.time()) < 60
    assert not suite.is_signed_in(signed)
