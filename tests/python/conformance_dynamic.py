"""The modules of the plans Config OP and Dynamic OP, without those of flows that return tokens to the browser."""

from __future__ import annotations

import json
import subprocess
import time
from typing import Any
from uuid import uuid4

import jwt
import pytest
import requests
from conformance import Suite, module
from cryptography.hazmat.primitives.asymmetric import rsa
from relying import CALLBACK
from serving import COMMAND
from support import ADDRESS, APP
from zato_sso import ValidationError

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@module("oidcc-discovery-endpoint-verification", "Config", "Dynamic")
def discovery(suite: Suite) -> None:
    said = suite.metadata
    assert said["issuer"] == suite.provider.url
    for name, value in said.items():
        if name.endswith(("_endpoint", "_uri")):
            assert value.startswith(f"{suite.provider.url}/"), name
    assert "openid" in said["scopes_supported"]
    assert said["response_types_supported"] == ["code"]
    assert set(said["subject_types_supported"]) == {"public", "pairwise"}
    assert "RS256" in said["id_token_signing_alg_values_supported"]
    assert said["claims_parameter_supported"] is True
    assert {"authorization_code", "refresh_token"} <= set(said["grant_types_supported"])
    assert {"sub", "iss", "aud", "exp", "iat", "name", "email"} <= set(said["claims_supported"])
    check_keys(suite.provider.keys())


def check_keys(keys: dict[str, Any]) -> None:
    """Each has a name of its own, an algorithm, and nothing that is private."""
    names = [key["kid"] for key in keys["keys"]]
    assert len(set(names)) == len(names)
    for key in keys["keys"]:
        assert not {"d", "p", "q", "dp", "dq", "qi", "k"} & set(key)
        assert key["use"] == "sig"
        jwt.PyJWK(key)


@module("oidcc-idtoken-rs256", "Dynamic")
def idtoken_rs256(suite: Suite) -> None:
    suite.sign_in(None, suite.client(id_token_alg="RS256"))


@module("oidcc-ensure-redirect-uri-in-authorization-request", "Dynamic")
def redirect_uri_is_needed(suite: Suite) -> None:
    assert suite.shows_an_error(suite.provider.person(), suite.url(suite.client(), redirect_uri=None))


@module("oidcc-redirect-uri-query-OK", "Dynamic")
def redirect_uri_query(suite: Suite) -> None:
    uri = f"{CALLBACK}?foo=bar"
    person, client = suite.provider.person(), suite.client(redirect_uris=[uri])
    answer = suite.bring(person, client, redirect_uri=uri)
    assert answer["foo"] == "bar"
    assert suite.redeem(client, answer["code"], redirect_uri=uri).status_code == 200


@module("oidcc-redirect-uri-query-mismatch", "Dynamic")
def redirect_uri_query_mismatch(suite: Suite) -> None:
    client = suite.client(redirect_uris=[f"{CALLBACK}?foo=bar"])
    assert suite.shows_an_error(suite.provider.person(), suite.url(client, redirect_uri=f"{CALLBACK}?bar=foo"))


@module("oidcc-redirect-uri-query-added", "Dynamic")
def redirect_uri_query_added(suite: Suite) -> None:
    url = suite.url(suite.client(), redirect_uri=f"{CALLBACK}?foo=bar")
    assert suite.shows_an_error(suite.provider.person(), url)


@module("oidcc-redirect-uri-regfrag", "Dynamic")
def redirect_uri_fragment(suite: Suite) -> None:
    with pytest.raises(ValidationError) as error:
        suite.client(redirect_uris=[f"{CALLBACK}#foobar"])
    assert error.value.sub_status == ["E014002"]


@module("oidcc-request-uri-unsigned", "Dynamic")
def request_uri_unsigned(suite: Suite) -> None:
    # The suite leaves it out where requests with alg none are not offered.
    assert "none" not in suite.metadata.get("request_object_signing_alg_values_supported", [])


@module("oidcc-server-rotate-keys", "Dynamic")
def rotate_keys(suite: Suite) -> None:
    signed = suite.sign_in()
    before = suite.provider.keys()
    node = suite.provider.node
    command = [COMMAND, "rotate-signing-keys"]
    subprocess.run(command, cwd=node.folder, env=node.environment(), check=True, capture_output=True, timeout=60)
    after = suite.provider.keys()
    deadline = time.monotonic() + 10
    while len(after["keys"]) == len(before["keys"]):
        assert time.monotonic() < deadline
        time.sleep(0.05)
        after = suite.provider.keys()
    check_keys(after)
    old, new = ({key["kid"] for key in keys["keys"]} for keys in (before, after))
    assert old < new
    suite.verified(signed.client, signed.tokens, signed.claims["nonce"])


def new_key(kid: str) -> tuple[rsa.RSAPrivateKey, dict[str, Any]]:
    """A key of a client's own, and what it publishes of it."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = jwt.algorithms.RSAAlgorithm.to_jwk(private.public_key(), as_dict=True)
    return private, {**public, "kid": kid, "alg": "RS256", "use": "sig"}


def redeem_by_key(suite: Suite, client: dict[str, Any], key: Any, kid: str, audience: object, **fields: str) -> Any:
    """A request to the token endpoint, by a JWT of the client's own."""
    now = int(time.time())
    claims = {"iss": client["client_id"], "sub": client["client_id"], "aud": audience, "jti": uuid4().hex}
    assertion = jwt.encode({**claims, "iat": now, "exp": now + 60}, key, "RS256", {"kid": kid})
    fields = {**fields, "client_assertion_type": ASSERTION, "client_assertion": assertion}
    return requests.post(suite.metadata["token_endpoint"], data=fields, timeout=30)


@module("oidcc-ensure-client-assertion-with-iss-aud-succeeds", "Dynamic")
def assertion_for_the_issuer(suite: Suite) -> None:
    private, public = new_key("one")
    client = suite.client(auth_method="private_key_jwt", jwks=json.dumps({"keys": [public]}))
    person = suite.provider.person()
    for audience in (suite.provider.url, [suite.provider.url], suite.metadata["token_endpoint"]):
        code = suite.bring(person, client)["code"]
        fields = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
        answer = redeem_by_key(suite, client, private, "one", audience, **fields)
        assert answer.status_code == 200, answer.text


@module("oidcc-refresh-token-rp-key-rotation", "Dynamic")
def key_rotation_of_a_client(suite: Suite) -> None:
    (first, public), (second, other) = new_key("one"), new_key("two")
    client = suite.client(auth_method="private_key_jwt", jwks=json.dumps({"keys": [public]}))
    code = suite.bring(suite.provider.person(), client)["code"]
    fields = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
    tokens = redeem_by_key(suite, client, first, "one", suite.provider.url, **fields).json()
    provider = suite.provider
    change = {"jwks": json.dumps({"keys": [other]})}
    provider.sso.client.update("cid", client["client_id"], change, provider.root, APP, ADDRESS)
    fields = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    deadline = time.monotonic() + 10
    while redeem_by_key(suite, client, second, "two", suite.provider.url, **fields).status_code != 200:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert redeem_by_key(suite, client, first, "one", suite.provider.url, **fields).status_code == 401
