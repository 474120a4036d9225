"""Applications that others wrote sign users in: Authlib, over HTTP, through the pages that a browser would show."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import pytest
import requests
from authlib.integrations.requests_client import OAuth2Session
from authlib.jose import JsonWebToken
from authlib.oidc.core import CodeIDToken
from serving import Node
from support import APP, PASSWORD, new_key
from zato_sso import SSO, ValidationError

CALLBACK = "https://app.example/callback"
GOODBYE = "https://app.example/goodbye"
ADDRESS = "127.0.0.1"


@pytest.fixture
def node(tmp_path: Path, database_url: str) -> Iterator[Node]:
    node = Node(tmp_path / "node", database_url, new_key())
    node.options["OIDC__ISSUER"] = node.url
    node.start()
    try:
        yield node
    finally:
        node.stop()


class Person:
    """A browser, and who sits before it."""

    def __init__(self) -> None:
        self.browser = requests.Session()

    def follow(self, url: str) -> str:
        """Follows a link until it leaves for the application: signs in where it is asked to, and consents. Where to."""
        for _ in range(12):
            if url.startswith("https://app.example/"):
                return url
            answer = self.browser.get(url, allow_redirects=False)
            if answer.status_code == 200:
                answer = self.submit(url, answer.text)
            assert answer.status_code == 303, (url, answer.status_code, answer.text)
            url = urljoin(url, answer.headers["location"])
        raise AssertionError(url)

    def submit(self, url: str, page: str) -> requests.Response:
        hidden = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page)
        fields = {name: unescape(value) for name, value in hidden}
        path = urlsplit(url).path
        if path == "/login":
            fields |= {"username": "ann", "password": PASSWORD}
        elif path == "/consent":
            fields |= {"answer": "yes"}
        target = urljoin(url, path)
        headers = {"Sec-Fetch-Site": "same-origin"}
        return self.browser.post(target, data=fields, headers=headers, allow_redirects=False)


def client_of(node: Node, kind: str, **settings: Any) -> dict[str, Any]:
    """A user, and a client that is registered."""
    config = {"database": {"url": node.database_url}, "main": {"secret_key": node.key}}
    with SSO(config=config) as sso:
        super_user = {"username": "root", "password": PASSWORD}
        sso.user.create_super_user("cid", super_user, require_super_user=False, auto_approve=True)
        user = {"username": "ann", "password": PASSWORD, "first_name": "Ann"}
        sso.user.create_user("cid", user, require_super_user=False, auto_approve=True)
        root = sso.user.login("cid", "root", PASSWORD, APP, ADDRESS).ust
        data = {
            "redirect_uris": [CALLBACK],
            "post_logout_redirect_uris": [GOODBYE],
            "scopes": ["openid", "profile", "email", "offline_access"],
            **settings,
        }
        return dict(sso.client.create("cid", "Example", kind, root, APP, ADDRESS, data=data))


def metadata_of(node: Node) -> dict[str, Any]:
    return dict(requests.get(f"{node.url}/.well-known/openid-configuration", timeout=10).json())


@pytest.mark.parametrize("alg", ["RS256", "ES256", "EdDSA"])
@pytest.mark.parametrize(
    ("kind", "method"), [("web", "client_secret_basic"), ("web", "client_secret_post"), ("spa", "none")]
)
def test_authlib_signs_a_user_in_and_out(node: Node, kind: str, method: str, alg: str) -> None:
    """Sign-in with PKCE, a verified ID token, userinfo, refresh, introspection, revocation and logout."""
    client = client_of(node, kind, auth_method=method, id_token_alg=alg)
    metadata = metadata_of(node)
    assert metadata["issuer"] == node.url
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
    person = Person()
    verifier = "v" * 64
    url, state = application.create_authorization_url(
        metadata["authorization_endpoint"], code_verifier=verifier, nonce="n-1"
    )
    back = person.follow(url)
    answer = parse_qs(urlsplit(back).query)
    assert (answer["state"], answer["iss"]) == ([state], [node.url])
    token = application.fetch_token(
        metadata["token_endpoint"], authorization_response=back, state=state, code_verifier=verifier
    )

    keys = requests.get(metadata["jwks_uri"], timeout=10).json()
    claims = JsonWebToken([alg]).decode(
        token["id_token"],
        keys,
        claims_cls=CodeIDToken,
        claims_options={"iss": {"essential": True, "value": node.url}},
        claims_params={"nonce": "n-1", "client_id": client["client_id"], "access_token": token["access_token"]},
    )
    claims.validate(leeway=5)
    assert claims["preferred_username"] == "ann"
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
        metadata["authorization_endpoint"], code_verifier=verifier, prompt="none"
    )
    assert parse_qs(urlsplit(person.follow(silent)).query)["error"] == ["login_required"]


def test_users_withdraw_what_they_have_allowed(node: Node) -> None:
    """In Python and over REST."""
    client = client_of(node, "web")
    metadata = metadata_of(node)
    application = OAuth2Session(
        client["client_id"],
        client["client_secret"],
        scope="openid offline_access",
        redirect_uri=CALLBACK,
        code_challenge_method="S256",
    )
    verifier = "v" * 64

    def sign_in() -> dict[str, Any]:
        url, state = application.create_authorization_url(metadata["authorization_endpoint"], code_verifier=verifier)
        back = Person().follow(url)
        token_endpoint = metadata["token_endpoint"]
        return dict(
            application.fetch_token(token_endpoint, authorization_response=back, state=state, code_verifier=verifier)
        )

    def is_good(token: dict[str, Any]) -> bool:
        headers = {"Authorization": f"Bearer {token['access_token']}"}
        return requests.get(metadata["userinfo_endpoint"], headers=headers, timeout=10).status_code == 200

    config = {"database": {"url": node.database_url}, "main": {"secret_key": node.key}}
    with SSO(config=config) as sso:
        ust = sso.user.login("cid", "ann", PASSWORD, APP, ADDRESS).ust
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
    api, current = f"{node.url}/zato/sso/user/grant", {"ust": ust}
    (listed,) = requests.get(api, params=current, timeout=10).json()["result"]
    assert listed["client_id"] == client["client_id"]
    answer = requests.delete(api, json={**current, "client_id": client["client_id"]}, timeout=10)
    assert answer.json()["status"] == "ok"
    assert not is_good(token)


def test_authlib_gets_tokens_for_a_service(node: Node) -> None:
    """Client credentials, with a key of the client's own."""
    settings = {"redirect_uris": [], "post_logout_redirect_uris": [], "scopes": ["reports:read"]}
    client = client_of(node, "service", **settings)
    metadata = metadata_of(node)
    service = OAuth2Session(client["client_id"], client["client_secret"], scope="reports:read")
    token = service.fetch_token(metadata["token_endpoint"], grant_type="client_credentials")
    assert token["scope"] == "reports:read"
    assert "refresh_token" not in token
