"""A client that goes by the modules of the OpenID Foundation's conformance plans: what the tests of them share."""

from __future__ import annotations

import json
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from typing import Any, TypeAlias
from urllib.parse import urlencode

import jwt
import requests
from relying import CALLBACK, GOODBYE, Person, Provider

Check: TypeAlias = Callable[["Suite"], None]
NONCE = "n-0S6_WzA2Mj"
STATE = "af0ifjsldkj"


@dataclass(frozen=True)
class Module:
    """A module of a plan: its public name, the plans that it is in, and our test of it."""

    name: str
    plans: tuple[str, ...]
    check: Check


MODULES: list[Module] = []


def module(name: str, *plans: str) -> Callable[[Check], Check]:
    """Keeps a test of a module."""

    def keep(check: Check) -> Check:
        MODULES.append(Module(name, plans, check))
        return check

    return keep


@dataclass
class Signed:
    """A sign-in that has succeeded."""

    client: dict[str, Any]
    person: Person
    answer: dict[str, str]
    tokens: dict[str, Any]
    claims: dict[str, Any]
    # When it began.
    begun: float = field(default_factory=time.monotonic)


@dataclass
class Suite:
    """A client, in one of the ways in which a plan has it."""

    provider: Provider
    # "form_post" in the plan of that name.
    mode: str | None
    # Somebody who has signed in a while ago.
    early: Signed | None = None

    @cached_property
    def metadata(self) -> dict[str, Any]:
        """What the provider says of itself."""
        return self.provider.metadata

    def client(self, kind: str = "web", **settings: Any) -> dict[str, Any]:
        """A client like those of the suite: it asks for no PKCE."""
        return self.provider.client(kind, **{"require_pkce": kind != "web", **settings})

    def url(self, client: dict[str, Any], /, **parameters: str | None) -> str:
        """The address that a browser is sent to. A parameter that is None is left out."""
        fields = {
            "client_id": client["client_id"],
            "redirect_uri": CALLBACK,
            "response_type": "code",
            "scope": "openid",
            "state": STATE,
            "nonce": NONCE,
            "response_mode": self.mode,
            **parameters,
        }
        given = {name: value for name, value in fields.items() if value is not None}
        return f"{self.metadata['authorization_endpoint']}?{urlencode(given)}"

    def bring(self, person: Person, client: dict[str, Any], /, **parameters: str | None) -> dict[str, str]:
        """What a browser brings to the client, which is checked as far as it is always the same."""
        answer = person.bring(self.url(client, **parameters))
        assert answer["state"] == STATE
        assert answer["iss"] == self.provider.url
        return answer

    def error(self, person: Person, client: dict[str, Any], /, **parameters: str | None) -> str:
        """The error that a browser brings to the client."""
        answer = self.bring(person, client, **parameters)
        assert "code" not in answer
        assert answer["error_description"]
        return answer["error"]

    def shows_an_error(self, person: Person, url: str) -> bool:
        """Whether the person sees a page that says what is wrong, and is not sent back."""
        page = person.walk(url)
        return not isinstance(page, str) and page.status_code == 400 and "location" not in page.headers

    def post(self, endpoint: str, client: dict[str, Any], /, **fields: str) -> requests.Response:
        """A request of the client to an endpoint, as it proves who it is."""
        auth = None
        if client["auth_method"] == "client_secret_basic":
            auth = (client["client_id"], client["client_secret"])
        elif client["auth_method"] == "client_secret_post":
            fields |= {"client_id": client["client_id"], "client_secret": client["client_secret"]}
        else:
            fields |= {"client_id": client["client_id"]}
        answer = requests.post(self.metadata[endpoint], data=fields, auth=auth, timeout=30)
        assert answer.headers["cache-control"] == "no-store"
        return answer

    def redeem(self, client: dict[str, Any], code: str, /, **fields: str) -> requests.Response:
        """Gives a code for tokens."""
        fields = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, **fields}
        return self.post("token_endpoint", client, **fields)

    def sign_in(
        self, person: Person | None = None, client: dict[str, Any] | None = None, /, **parameters: str | None
    ) -> Signed:
        """Signs in, and verifies everything that came."""
        person = person or self.provider.person()
        client = client or self.client()
        answer = self.bring(person, client, **parameters)
        done = self.redeem(client, answer["code"])
        assert done.status_code == 200, done.text
        tokens = done.json()
        assert tokens["token_type"] == "Bearer"
        assert 0 < tokens["expires_in"] <= 3600
        nonce = parameters.get("nonce", NONCE)
        return Signed(client, person, answer, tokens, self.verified(client, tokens, nonce))

    def verified(self, client: dict[str, Any], tokens: dict[str, Any], nonce: str | None) -> dict[str, Any]:
        """The claims of an ID token, after all checks of OpenID Connect Core 1.0, section 3.1.3.7."""
        header = jwt.get_unverified_header(tokens["id_token"])
        (key,) = [key for key in self.provider.keys()["keys"] if key["kid"] == header["kid"]]
        alg = client["id_token_alg"]
        assert (header["alg"], key["alg"], key["use"]) == (alg, alg, "sig")
        claims = jwt.decode(
            tokens["id_token"],
            jwt.PyJWK(key).key,
            algorithms=[alg],
            audience=client["client_id"],
            issuer=self.provider.url,
            options={"require": ["exp", "iat", "sub", "aud", "iss", "sid"]},
        )
        assert claims.get("azp", client["client_id"]) == client["client_id"]
        assert claims.get("nonce") == nonce
        assert len(claims["sub"]) <= 255
        left = sha256(tokens["access_token"].encode()).digest()[:16]
        assert claims["at_hash"] == urlsafe_b64encode(left).rstrip(b"=").decode()
        return dict(claims)

    def userinfo(self, access_token: str) -> requests.Response:
        """What an access token tells of its user."""
        headers = {"Authorization": f"Bearer {access_token}"}
        return requests.get(self.metadata["userinfo_endpoint"], headers=headers, timeout=30)

    def claims_of(self, signed: Signed) -> dict[str, Any]:
        """The same of a sign-in, with the same subject."""
        answer = self.userinfo(signed.tokens["access_token"])
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        assert told["sub"] == signed.claims["sub"]
        return told

    def refresh(self, client: dict[str, Any], token: str) -> requests.Response:
        """Gives a refresh token for new ones."""
        return self.post("token_endpoint", client, grant_type="refresh_token", refresh_token=token)

    def logout_url(self, **parameters: str | None) -> str:
        """The address by which a client logs its user out."""
        given = {name: value for name, value in parameters.items() if value is not None}
        return f"{self.metadata['end_session_endpoint']}?{urlencode(given)}"

    def log_out(self, signed: Signed, **parameters: str | None) -> str | requests.Response:
        """Logs out as a client does; where the browser is then."""
        fields = {"id_token_hint": signed.tokens["id_token"], "post_logout_redirect_uri": GOODBYE, "state": "bye"}
        return signed.person.walk(self.logout_url(**{**fields, **parameters}))

    def is_signed_in(self, signed: Signed) -> bool:
        """Whether the browser has a session still."""
        answer = self.bring(signed.person, signed.client, prompt="none")
        assert answer.get("error", "login_required") == "login_required"
        return "code" in answer


def unsigned(claims: dict[str, Any]) -> str:
    """A JWT with alg none."""
    parts = (b'{"alg":"none"}', json.dumps(claims).encode(), b"")
    return ".".join(urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


def altered_to_none(token: str) -> str:
    """The same claims, and nobody's signature."""
    return unsigned(json.loads(urlsafe_b64decode(token.split(".")[1] + "==")))
