"""The modules of the plans Config OP and Dynamic OP, without those of flows that return tokens to the browser."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urljoin
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

# RFC 7636, appendix B.
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = {"code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", "code_challenge_method": "S256"}
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


@module("oidcc-registration-policy-uri", "Dynamic")
def registration_policy_uri(suite: Suite) -> None:
    shows_on_the_page_of_consent(suite, "policy_uri", "https://app.example/policy")


@module("oidcc-registration-tos-uri", "Dynamic")
def registration_tos_uri(suite: Suite) -> None:
    shows_on_the_page_of_consent(suite, "tos_uri", "https://app.example/terms")


@module("oidcc-registration-jwks-uri", "Dynamic")
def registration_jwks_uri(suite: Suite) -> None:
    private, public = new_key("one")
    with publishing({"keys": [public]}) as uri:
        client = register(suite, token_endpoint_auth_method="private_key_jwt", jwks_uri=uri)
        code = suite.bring(suite.provider.person(), client, **CHALLENGE)["code"]
        fields = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
        answer = redeem_by_key(suite, client, private, "one", suite.provider.url, **fields)
        assert answer.status_code == 200, answer.text


@module("oidcc-registration-sector-bad", "Dynamic")
def registration_sector_bad(suite: Suite) -> None:
    # No sector is believed that a client names.
    answer = ask_to_register(suite, subject_type="pairwise", sector_identifier_uri="https://app.example/sector.json")
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client_metadata")


def ask_to_register(suite: Suite, **metadata: object) -> requests.Response:
    """A client that says itself what it is (RFC 7591)."""
    said = {"redirect_uris": [CALLBACK], "client_name": "Suite", **metadata}
    return requests.post(suite.metadata["registration_endpoint"], json=said, timeout=30)


def register(suite: Suite, **metadata: object) -> dict[str, Any]:
    """The same, as other tests have clients; it can be read and deleted by its token (RFC 7592)."""
    answer = ask_to_register(suite, **metadata)
    assert answer.status_code == 201, answer.text
    assert answer.headers["cache-control"] == "no-store"
    said = answer.json()
    for name, value in metadata.items():
        assert said[name] == value
    headers = {"Authorization": f"Bearer {said['registration_access_token']}"}
    read = requests.get(said["registration_client_uri"], headers=headers, timeout=30)
    assert read.json()["client_id"] == said["client_id"]
    names = {"auth_method": "token_endpoint_auth_method", "id_token_alg": "id_token_signed_response_alg"}
    return {**said, **{own: said[name] for own, name in names.items()}}


def shows_on_the_page_of_consent(suite: Suite, name: str, uri: str) -> None:
    """What a client says of itself is shown to its users."""
    client = register(suite, **{name: uri})
    person = suite.provider.person()
    place, answer = suite.url(client, **CHALLENGE), None
    for _ in range(6):
        answer = person.browser.get(place, allow_redirects=False, timeout=30)
        if answer.status_code == 200 and "/consent?" in place:
            break
        if answer.status_code == 200:
            answer = person.submit(place, answer.text)
        place = urljoin(place, answer.headers["location"])
    assert answer is not None
    assert uri in unescape(answer.text)
    code = suite.bring(person, client, **CHALLENGE)["code"]
    assert suite.redeem(client, code, code_verifier=VERIFIER).status_code == 200


@contextmanager
def publishing(keys: dict[str, Any]) -> Iterator[str]:
    """A client's own server, which has its keys."""
    body = json.dumps(keys).encode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/jwks.json"
        finally:
            server.shutdown()
            thread.join()


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
