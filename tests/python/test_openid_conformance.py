"""What the OpenID Foundation's conformance suite checks, module by module: the table of docs/openid-conformance.md."""

from __future__ import annotations

import re
import time
from pathlib import Path

import conformance_dynamic  # noqa: F401 - its modules
import conformance_logout  # noqa: F401 - its modules
import pytest
import requests
from conformance import MODULES, NONCE, Module, Suite, module, unsigned
from relying import CALLBACK, Provider
from zato_sso import ValidationError

TABLE = Path(__file__).resolve().parents[2] / "docs" / "openid-conformance.md"
BASIC = ("Basic", "Form Post")


@pytest.fixture(scope="module")
def suite(provider: Provider) -> Suite:
    suite = Suite(provider, None)
    suite.early = suite.sign_in()
    return suite


# --- the code flow, in the plans Basic OP and Form Post OP


@module("oidcc-server", *BASIC, "Dynamic")
def server(suite: Suite) -> None:
    signed = suite.sign_in()
    assert set(signed.answer) == {"code", "state", "iss"}
    assert suite.claims_of(signed)["sub"] == signed.claims["sub"]
    assert signed.claims["exp"] > signed.claims["iat"] >= time.time() - 60


@module("oidcc-response-type-missing", *BASIC)
def response_type_missing(suite: Suite) -> None:
    error = suite.error(suite.provider.person(), suite.client(), response_type=None)
    assert error in {"invalid_request", "unsupported_response_type"}


@module("oidcc-idtoken-signature", *BASIC)
def idtoken_signature(suite: Suite) -> None:
    # Which algorithm it is, and that its key is named, is checked in each sign-in.
    assert suite.sign_in().client["id_token_alg"] == "RS256"


@module("oidcc-idtoken-unsigned", *BASIC, "Dynamic")
def idtoken_unsigned(suite: Suite) -> None:
    assert "none" not in suite.metadata["id_token_signing_alg_values_supported"]
    with pytest.raises(ValidationError) as error:
        suite.client(id_token_alg="none")
    assert error.value.sub_status == ["E014002"]


@module("oidcc-userinfo-get", *BASIC)
def userinfo_get(suite: Suite) -> None:
    suite.claims_of(suite.sign_in())


@module("oidcc-userinfo-post-header", *BASIC)
def userinfo_post_header(suite: Suite) -> None:
    signed = suite.sign_in()
    headers = {"Authorization": f"Bearer {signed.tokens['access_token']}"}
    answer = requests.post(suite.metadata["userinfo_endpoint"], headers=headers, timeout=30)
    assert answer.json()["sub"] == signed.claims["sub"]


@module("oidcc-userinfo-post-body", *BASIC)
def userinfo_post_body(suite: Suite) -> None:
    signed = suite.sign_in()
    fields = {"access_token": signed.tokens["access_token"]}
    answer = requests.post(suite.metadata["userinfo_endpoint"], data=fields, timeout=30)
    assert answer.json()["sub"] == signed.claims["sub"]


@module("oidcc-ensure-request-without-nonce-succeeds-for-code-flow", *BASIC)
def without_nonce(suite: Suite) -> None:
    assert "nonce" not in suite.sign_in(nonce=None).claims


@module("oidcc-scope-profile", *BASIC)
def scope_profile(suite: Suite) -> None:
    signed = suite.sign_in(scope="openid profile")
    told = suite.claims_of(signed)
    assert (told["given_name"], told["family_name"], told["name"]) == ("Ann", "Lee", "Ann Lee")
    assert told["preferred_username"] == signed.person.username
    assert "email" not in told


@module("oidcc-scope-email", *BASIC)
def scope_email(suite: Suite) -> None:
    signed = suite.sign_in(suite.provider.person(email="ann@example.com"), scope="openid email")
    told = suite.claims_of(signed)
    assert (told["email"], told["email_verified"]) == ("ann@example.com", False)
    assert "name" not in told


def is_left_out(suite: Suite, scope: str) -> None:
    """The suite leaves a scope out that is not offered. Where it is asked for nevertheless, it is ignored."""
    assert scope not in suite.metadata["scopes_supported"]
    assert suite.sign_in(scope=f"openid {scope}").tokens["scope"] == "openid"


@module("oidcc-scope-address", *BASIC)
def scope_address(suite: Suite) -> None:
    is_left_out(suite, "address")


@module("oidcc-scope-phone", *BASIC)
def scope_phone(suite: Suite) -> None:
    is_left_out(suite, "phone")


@module("oidcc-scope-all", *BASIC)
def scope_all(suite: Suite) -> None:
    scope = "openid profile email address phone"
    signed = suite.sign_in(suite.provider.person(email="ann@example.com"), scope=scope)
    assert signed.tokens["scope"] == "openid profile email"
    assert {"name", "email", "preferred_username"} <= set(suite.claims_of(signed))


@module("oidcc-ensure-other-scope-order-succeeds", *BASIC)
def other_scope_order(suite: Suite) -> None:
    signed = suite.sign_in(suite.provider.person(email="ann@example.com"), scope="email openid")
    assert suite.claims_of(signed)["email"] == "ann@example.com"


@module("oidcc-alternate-happy-flow", *BASIC)
def alternate_happy_flow(suite: Suite) -> None:
    person, client = suite.provider.person(email="ann@example.com"), suite.client()
    start, query = suite.url(client, scope="email openid").split("?")
    answer = person.bring(f"{start}?{'&'.join(reversed(query.split('&')))}")
    assert suite.redeem(client, answer["code"]).status_code == 200


@module("oidcc-display-page", *BASIC)
def display_page(suite: Suite) -> None:
    suite.sign_in(display="page")


@module("oidcc-display-popup", *BASIC)
def display_popup(suite: Suite) -> None:
    suite.sign_in(display="popup")


@module("oidcc-prompt-login", *BASIC)
def prompt_login(suite: Suite) -> None:
    first = suite.sign_in()
    second = suite.sign_in(first.person, first.client, prompt="login")
    assert first.person.passwords == 2
    assert second.claims["auth_time"] >= first.claims["auth_time"]
    assert second.claims["sub"] == first.claims["sub"]


@module("oidcc-prompt-none-not-logged-in", *BASIC)
def prompt_none_not_logged_in(suite: Suite) -> None:
    assert suite.error(suite.provider.person(), suite.client(), prompt="none") == "login_required"


@module("oidcc-prompt-none-logged-in", *BASIC)
def prompt_none_logged_in(suite: Suite) -> None:
    first = suite.sign_in()
    second = suite.sign_in(first.person, first.client, prompt="none")
    for claim in ("sub", "auth_time", "acr", "amr", "sid"):
        assert second.claims[claim] == first.claims[claim]
    assert (first.person.passwords, first.person.consents) == (1, 1)


@module("oidcc-max-age-1", *BASIC)
def max_age_1(suite: Suite) -> None:
    assert suite.early
    first, person = suite.early, suite.early.person
    before = person.passwords
    time.sleep(max(0, first.begun + 2.1 - time.monotonic()))
    second = suite.sign_in(person, first.client, max_age="1")
    assert person.passwords == before + 1
    assert second.claims["auth_time"] > first.claims["auth_time"]
    suite.early = second


@module("oidcc-max-age-10000", *BASIC)
def max_age_10000(suite: Suite) -> None:
    first = suite.sign_in()
    second = suite.sign_in(first.person, first.client, max_age="10000")
    assert second.claims["auth_time"] == first.claims["auth_time"]
    assert first.person.passwords == 1


@module("oidcc-ensure-request-with-unknown-parameter-succeeds", *BASIC)
def unknown_parameter(suite: Suite) -> None:
    suite.sign_in(extra="foobar")


@module("oidcc-id-token-hint", *BASIC)
def id_token_hint(suite: Suite) -> None:
    first = suite.sign_in()
    hint = first.tokens["id_token"]
    second = suite.sign_in(first.person, first.client, prompt="none", id_token_hint=hint)
    assert second.claims["sub"] == first.claims["sub"]
    # Of somebody else it is another matter.
    other = suite.sign_in(None, first.client)
    assert suite.error(other.person, first.client, prompt="none", id_token_hint=hint) == "login_required"


@module("oidcc-login-hint", *BASIC)
def login_hint(suite: Suite) -> None:
    person, client = suite.provider.person(), suite.client()
    page = person.browser.get(suite.url(client, login_hint=person.username), timeout=30)
    assert f'value="{person.username}"' in page.text
    suite.sign_in(person, client, login_hint=person.username)


@module("oidcc-ui-locales", *BASIC)
def ui_locales(suite: Suite) -> None:
    person, client = suite.provider.person(), suite.client()
    page = person.browser.get(suite.url(client, ui_locales="se de"), timeout=30)
    assert '<html lang="de"' in page.text
    suite.sign_in(person, client, ui_locales="se")


@module("oidcc-claims-locales", *BASIC)
def claims_locales(suite: Suite) -> None:
    suite.sign_in(claims_locales="se")


@module("oidcc-ensure-request-with-acr-values-succeeds", *BASIC)
def acr_values(suite: Suite) -> None:
    values = " ".join(suite.metadata["acr_values_supported"])
    assert suite.sign_in(acr_values=values).claims["acr"] in suite.metadata["acr_values_supported"]
    suite.sign_in(acr_values="1 2")


@module("oidcc-codereuse", *BASIC)
def codereuse(suite: Suite) -> None:
    signed = suite.sign_in()
    again = suite.redeem(signed.client, signed.answer["code"])
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")


@module("oidcc-codereuse-30seconds", *BASIC)
def codereuse_30seconds(suite: Suite) -> None:
    # What half a minute changes is tested with a clock that can be moved: tests/it/oidc_code.rs.
    signed = suite.sign_in()
    suite.claims_of(signed)
    again = suite.redeem(signed.client, signed.answer["code"])
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    assert suite.userinfo(signed.tokens["access_token"]).status_code == 401
    assert suite.refresh(signed.client, signed.tokens["refresh_token"]).json()["error"] == "invalid_grant"


@module("oidcc-ensure-registered-redirect-uri", *BASIC)
def registered_redirect_uri(suite: Suite) -> None:
    person, client = suite.provider.person(), suite.client()
    assert suite.shows_an_error(person, suite.url(client, redirect_uri=f"{CALLBACK}/other"))


@module("oidcc-ensure-post-request-succeeds", *BASIC)
def post_request(suite: Suite) -> None:
    person, client = suite.provider.person(), suite.client()
    endpoint, query = suite.url(client).split("?")
    fields = dict(pair.split("=", 1) for pair in query.split("&"))
    body = "&".join(f"{name}={value}" for name, value in fields.items())
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "cross-site"}
    answer = person.browser.post(endpoint, data=body, headers=headers, allow_redirects=False, timeout=30)
    assert answer.status_code == 303
    brought = person.bring(f"{suite.provider.url}{answer.headers['location']}")
    assert suite.redeem(client, brought["code"]).status_code == 200


@module("oidcc-server-client-secret-post", *BASIC)
def server_client_secret_post(suite: Suite) -> None:
    client = suite.client(auth_method="client_secret_post")
    suite.claims_of(suite.sign_in(None, client))


@module("oidcc-request-uri-unsigned-supported-correctly-or-rejected-as-unsupported", *BASIC)
def request_uri_unsigned(suite: Suite) -> None:
    assert suite.metadata["request_uri_parameter_supported"] is False
    error = suite.error(suite.provider.person(), suite.client(), request_uri="https://app.example/request.jwt")
    assert error == "request_uri_not_supported"


@module("oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported", *BASIC)
def request_unsigned(suite: Suite) -> None:
    assert suite.metadata["request_parameter_supported"] is False
    request = unsigned({"nonce": NONCE})
    assert suite.error(suite.provider.person(), suite.client(), request=request) == "request_not_supported"


@module("oidcc-claims-essential", *BASIC)
def claims_essential(suite: Suite) -> None:
    signed = suite.sign_in(claims='{"userinfo":{"name":{"essential":true}}}')
    assert suite.claims_of(signed)["name"] == "Ann Lee"


@module("oidcc-ensure-request-object-with-redirect-uri", *BASIC, "Dynamic")
def request_object_with_redirect_uri(suite: Suite) -> None:
    request = unsigned({"redirect_uri": CALLBACK})
    person, client = suite.provider.person(), suite.client()
    assert suite.shows_an_error(person, suite.url(client, redirect_uri=f"{CALLBACK}/other", request=request))


@module("oidcc-refresh-token", *BASIC, "Dynamic")
def refresh_token(suite: Suite) -> None:
    assert "refresh_token" in suite.metadata["grant_types_supported"]
    first = suite.sign_in(scope="openid offline_access", prompt="consent")
    second, third = suite.sign_in(first.person), suite.client()
    assert re.fullmatch(r"[\x20-\x7e]+", first.tokens["refresh_token"])
    answer = suite.refresh(first.client, first.tokens["refresh_token"])
    claims = suite.verified(first.client, answer.json(), None)
    for claim in ("iss", "sub", "aud", "auth_time", "azp"):
        assert claims[claim] == first.claims[claim]
    assert claims["iat"] >= first.claims["iat"]
    assert suite.userinfo(answer.json()["access_token"]).status_code == 200
    stolen = suite.refresh(third, second.tokens["refresh_token"])
    assert (stolen.status_code, stolen.json()["error"]) == (400, "invalid_grant")


@module("oidcc-ensure-request-with-valid-pkce-succeeds", *BASIC)
def valid_pkce(suite: Suite) -> None:
    # RFC 7636, appendix B.
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    challenge = {"code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", "code_challenge_method": "S256"}
    person, client = suite.provider.person(), suite.client()
    code = suite.bring(person, client, **challenge)["code"]
    assert suite.redeem(client, code, code_verifier=verifier).status_code == 200
    code = suite.bring(person, client, **challenge)["code"]
    assert suite.redeem(client, code).json()["error"] == "invalid_grant"


# --- all of them


def cases() -> list[tuple[str, Module]]:
    return [(plan, found) for found in MODULES for plan in found.plans]


@pytest.mark.parametrize(("plan", "found"), cases(), ids=lambda value: getattr(value, "name", value))
def test_module(suite: Suite, plan: str, found: Module) -> None:
    other = Suite(suite.provider, "form_post" if plan == "Form Post" else None, suite.early)
    other.__dict__["metadata"] = suite.metadata
    found.check(other)
    suite.early = other.early


def test_the_table_has_all_modules() -> None:
    rows = re.findall(r"^\| `(oidcc-[\w-]+)` \| ([^|]+) \| ([^|]+) \|", TABLE.read_text(encoding="utf-8"), re.MULTILINE)
    shown = {name: tuple(plans.strip().split(", ")) for name, plans, holds in rows if holds.strip() != "no"}
    assert shown == {found.name: found.plans for found in MODULES}
    assert len(rows) == len({name for name, *_ in rows})
