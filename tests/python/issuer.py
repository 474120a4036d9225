"""What issues OAuth access tokens in tests: the OpenID Provider in this process, and a browser that is signed in."""

from __future__ import annotations

import base64
import hashlib
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from support import ADDRESS, PASSWORD, Config, changed
from web import add_user
from werkzeug.test import Client
from zato_sso import SSO
from zato_sso.wsgi import Application

ISSUER = "http://localhost"
AUDIENCE = "https://api.example.com"
CALLBACK = "https://app.example/callback"
SCOPES = ["openid", "reports:read", "reports:write"]
VERIFIER = "v" * 64


def with_issuer(config: Config) -> Config:
    """The configuration with an OpenID Provider."""
    return changed(config, oidc={"issuer": ISSUER}, pages={"is_active": True, "url": ISSUER})


class Issuer:
    """The provider on one object, with a super-user who registers clients."""

    def __init__(self, sso: SSO) -> None:
        """Takes an object whose configuration has `ISSUER`."""
        self.sso = sso
        # It sends the cookies that it is told to.
        self.web = Client(Application(sso), use_cookies=False)
        self.root = self.log_in(add_user(sso, is_super_user=True))

    def log_in(self, username: str) -> str:
        """The token of a new session."""
        return self.sso.user.login("cid", username, PASSWORD, None, ADDRESS).ust

    def client(self, kind: str = "web", **settings: Any) -> dict[str, Any]:
        """A client that needs no consent, and may ask for tokens for the issuer and for `AUDIENCE`."""
        data = {"scopes": SCOPES, "audiences": [AUDIENCE], **settings}
        if kind == "web":
            data |= {"redirect_uris": [CALLBACK], "is_trusted": True}
        elif kind == "service":
            data["scopes"] = SCOPES[1:]
        return dict(self.sso.client.create("cid", "Example", kind, self.root, None, ADDRESS, data=data))

    def token_of(self, client: dict[str, Any], ust: str, scope: str, **more: str) -> str:
        """An access token for the user of a session."""
        digest = hashlib.sha256(VERIFIER.encode()).digest()
        asked = {
            "client_id": client["client_id"],
            "redirect_uri": CALLBACK,
            "response_type": "code",
            "scope": scope,
            "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
            "code_challenge_method": "S256",
            **more,
        }
        answer = self.web.get(f"/oauth2/authorize?{urlencode(asked)}", headers={"Cookie": f"zato_sso_session={ust}"})
        back = parse_qs(urlsplit(answer.headers.get("Location", "")).query)
        assert "code" in back, (answer.status, answer.headers, answer.text)
        redeemed = {"code": back["code"][0], "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
        return self._token(client, "authorization_code", **redeemed)

    def token_for(self, client: dict[str, Any], scope: str, **more: str) -> str:
        """An access token that a service has for itself."""
        return self._token(client, "client_credentials", scope=scope, **more)

    def _token(self, client: dict[str, Any], grant_type: str, **more: str) -> str:
        auth = (client["client_id"], client["client_secret"])
        answer = self.web.post("/oauth2/token", data={"grant_type": grant_type, **more}, auth=auth)
        assert answer.status_code == 200, answer.text
        return str(answer.json["access_token"])  # type: ignore[index]
