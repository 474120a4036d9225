"""Applications that others wrote sign users in: Authlib, over HTTP, through the pages that a browser would show."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from authlib.integrations.requests_client import OAuth2Session
from authlib.jose import JsonWebToken
from authlib.oauth2.rfc6749.errors import MismatchingStateException
from authlib.oidc.core import CodeIDToken
from relying import CALLBACK, GOODBYE, VERIFIER, Person, Provider
from support import ADDRESS, APP, log_in
from zato_sso import ValidationError


@pytest.mark.parametrize("alg", ["RS256", "ES256", "EdDSA"])
@pytest.mark.parametrize(
    ("kind", "method"), [("web", "client_secret_basic"), ("web", "client_secret_post"), ("spa", "none")]
)
def test_authlib_signs_a_user_in_and_out(provider: Provider, kind: str, method: str, alg: str) -> None:
    """Sign-in with PKCE, a verified ID token, userinfo, refresh, introspection, revocation and logout."""
    client = provider.client(kind, auth_method=method, id_token_alg=alg)
    metadata = provider.metadata
    assert metadata["issuer"] == provider.url
    application = OAuth2Session(
        client["client_id"],
        client.get("client_secret"),
        scope="openid profile offline_access",
        redirect_uri=CALLBACK,
        token_endpoint_auth_method=method,
        revocation_endpoint_auth_method=method,
        introspection_endpoint_auth_method=method,
        code_challenge_method="S256",
    )
    person = provider.person()
    url, state = application.create_authorization_url(
        metadata["authorization_endpoint"], code_verifier=VERIFIER, nonce="n-1"
    )
    back = person.follow(url)
    answer = parse_qs(urlsplit(back).query)
    assert (answer["state"], answer["iss"]) == ([state], [provider.url])
    with pytest.raises(MismatchingStateException):
        application.fetch_token(metadata["token_endpoint"], authorization_response=back, state="x")
    token = application.fetch_token(
        metadata["token_endpoint"], authorization_response=back, state=state, code_verifier=VERIFIER
    )

    keys = requests.get(metadata["jwks_uri"], timeout=10).json()
    claims = JsonWebToken([alg]).decode(
        token["id_token"],
        keys,
        claims_cls=CodeIDToken,
        claims_options={"iss": {"essential": True, "value": provider.url}},
        claims_params={"nonce": "n-1", "client_id": client["client_id"], "access_token": token["access_token"]},
    )
    claims.validate(leeway=5)
    assert claims["preferred_username"] == person.username
    info = application.get(metadata["userinfo_endpoint"]).json()
    assert (info["sub"], info["given_name"]) == (claims["sub"], "Ann")
    access = JsonWebToken([alg]).decode(token["access_token"], keys)
    assert (access["client_id"], access["sub"]) == (client["client_id"], claims["sub"])

    refreshed = application.refresh_token(metadata["token_endpoint"], refresh_token=token["refresh_token"])
    assert refreshed["refresh_token"] != token["refresh_token"]
    if kind == "web":
        told = application.introspect_token(metadata["introspection_endpoint"], token=refreshed["access_token"])
        assert told.json()["active"] is True
    revoked = application.revoke_token(metadata["revocation_endpoint"], token=refreshed["refresh_token"])
    assert revoked.status_code == 200
    assert (
        requests.get(
            metadata["userinfo_endpoint"], headers={"Authorization": f"Bearer {refreshed['access_token']}"}, timeout=10
        ).status_code
        == 401
    )

    logout = requests.Request(
        "GET",
        metadata["end_session_endpoint"],
        params={"id_token_hint": token["id_token"], "post_logout_redirect_uri": GOODBYE, "state": "bye"},
    ).prepare()
    assert logout.url is not None
    assert person.follow(logout.url) == f"{GOODBYE}?state=bye"
    silent, _ = application.create_authorization_url(
        metadata["authorization_endpoint"], code_verifier=VERIFIER, prompt="none"
    )
    assert parse_qs(urlsplit(person.follow(silent)).query)["error"] == ["login_required"]


def test_users_withdraw_what_they_have_allowed(provider: Provider) -> None:
    """In Python and over REST."""
    client, metadata, ann = provider.client(), provider.metadata, provider.user()
    application = OAuth2Session(
        client["client_id"],
        client["client_secret"],
        scope="openid offline_access",
        redirect_uri=CALLBACK,
        code_challenge_method="S256",
    )

    def sign_in() -> dict[str, Any]:
        url, state = application.create_authorization_url(metadata["authorization_endpoint"], code_verifier=VERIFIER)
        back = Person(provider.url, ann).follow(url)
        token_endpoint = metadata["token_endpoint"]
        return dict(
            application.fetch_token(token_endpoint, authorization_response=back, state=state, code_verifier=VERIFIER)
        )

    def is_good(token: dict[str, Any]) -> bool:
        headers = {"Authorization": f"Bearer {token['access_token']}"}
        return requests.get(metadata["userinfo_endpoint"], headers=headers, timeout=10).status_code == 200

    sso = provider.sso
    ust = log_in(sso, ann)
    assert sso.user.grant.get_list("cid", ust, APP, ADDRESS) == []
    token = sign_in()
    (grant,) = sso.user.grant.get_list("cid", ust, APP, ADDRESS)
    assert (grant["client_id"], grant["name"]) == (client["client_id"], "Example")
    assert grant["scopes"] == ["openid", "offline_access"]
    assert is_good(token)
    sso.user.grant.revoke("cid", client["client_id"], ust, APP, ADDRESS)
    assert not is_good(token)
    with pytest.raises(ValidationError) as error:
        sso.user.grant.revoke("cid", client["client_id"], ust, APP, ADDRESS)
    assert error.value.sub_status == ["E014001"]

    token = sign_in()
    api, current = f"{provider.url}/zato/sso/user/grant", {"ust": ust}
    (listed,) = requests.get(api, params=current, timeout=10).json()["result"]
    assert listed["client_id"] == client["client_id"]
    answer = requests.delete(api, json={**current, "client_id": client["client_id"]}, timeout=10)
    assert answer.json()["status"] == "ok"
    assert not is_good(token)


def test_authlib_gets_tokens_for_a_service(provider: Provider) -> None:
    """Client credentials."""
    settings: dict[str, Any] = {"redirect_uris": [], "post_logout_redirect_uris": [], "scopes": ["reports:read"]}
    client, metadata = provider.client("service", **settings), provider.metadata
    service = OAuth2Session(client["client_id"], client["client_secret"], scope="reports:read")
    token = service.fetch_token(metadata["token_endpoint"], grant_type="client_credentials")
    assert token["scope"] == "reports:read"
    assert "refresh_token" not in token
