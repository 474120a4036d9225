"""Providers of OpenID Connect beside ours: RS256 with 2048 bits, clients with secrets, all of them on one machine.

`make bench-peers` runs it after run.py, which says where peers are installed. oidc-provider keeps everything in memory,
in one process of Node; django-oauth-toolkit and ours are on SQLite. Sixteen kept connections on one thread ask them.

    python benches/peers/openid.py [--smoke] [--own]

`--own` leaves the peers out, and needs nothing but what tests need.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import os
import statistics
import subprocess
import sys
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
sys.path.insert(1, str(HERE.parents[1] / "tests"))

import jwt  # noqa: E402 - they are one folder up
from asker import ask, each  # noqa: E402
from authlib.jose import JsonWebKey, JsonWebToken  # noqa: E402
from cryptography.hazmat.primitives import hashes, serialization  # noqa: E402
from cryptography.hazmat.primitives.asymmetric import padding, rsa  # noqa: E402
from measure import Calls, Contestant, Report, measure  # noqa: E402
from run import BIN, NODE, install, started  # noqa: E402
from with_postgres import free_port  # noqa: E402
from world import (  # noqa: E402
    ADDRESS,
    APP,
    CID,
    CONNECTIONS,
    CORES,
    PASSWORD,
    Parts,
    create_users,
    run,
    serving,
    sqlite,
    temporary_folder,
)
from zato_sso import SSO  # noqa: E402

ISSUER = "http://localhost:17010"
CALLBACK = "https://app.example/callback"
SCOPE = "openid offline_access"
SECONDS = 2.0
# A user has a hundred sign-ins at a client at most, and there are 1,500 codes in a round.
USERS = 21
OPERATIONS = ("discovery", "jwks", "code to token", "refresh", "introspection", "userinfo")
# How many codes there are for a round. oidc-provider's adapter forgets what is older than the last thousand entries.
CODES = {"oidc-provider": 300, "django-oauth-toolkit": 300}


@dataclass
class Provider:
    """A provider that answers."""

    name: str
    address: str
    client_id: str
    client_secret: str
    # Where its endpoints are: token, introspection, userinfo, keys, metadata.
    paths: dict[str, str]
    # Makes so many codes.
    prepare: Callable[[int], list[str]]

    def form(self, endpoint: str, **fields: str) -> bytes:
        """Return a request of the client to an endpoint."""
        body = urlencode(fields)
        proof = b64encode(f"{self.client_id}:{self.client_secret}".encode()).decode()
        head = (
            f"POST {self.paths[endpoint]} HTTP/1.1\r\nHost: {self.address}\r\nAuthorization: Basic {proof}\r\n"
            f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return (head + body).encode()

    def get(self, endpoint: str, *headers: str) -> str:
        """Return a request that reads."""
        lines = [f"GET {self.paths[endpoint]} HTTP/1.1", f"Host: {self.address}", *headers]
        return "\r\n".join([*lines, "", ""])

    def redeem(self, code: str) -> bytes:
        """Return a request that gives a code for tokens."""
        return self.form("token", grant_type="authorization_code", code=code, redirect_uri=CALLBACK)

    def once(self, request: bytes) -> dict[str, Any]:
        """Send a request, and return its answer."""
        kept: list[bytes] = []

        def following(_number: int, body: bytes | None) -> bytes | None:
            if body is None:
                return request
            kept.append(body)
            return None

        ask(self.address, 1, following, 60, b"{")
        answer: dict[str, Any] = json.loads(kept[0])
        return answer

    def tokens(self) -> dict[str, Any]:
        """Sign in, and return what comes of it."""
        return self.once(self.redeem(self.prepare(1)[0]))

    def code_to_token(self, count: int) -> Callable[[float], float]:
        """Return what takes codes, of which there are so many for each round."""

        def figure(length: float) -> float:
            codes = self.prepare(count if length > 0.1 else 20)
            return ask(self.address, CONNECTIONS, each([self.redeem(code) for code in codes]), 60, b"id_token")

        return figure

    def refresh(self) -> Callable[[float], float]:
        """Return what refreshes, with a sign-in for each connection and round."""

        def figure(length: float) -> float:
            codes = self.prepare(CONNECTIONS)
            first = [self.once(self.redeem(code))["refresh_token"] for code in codes]

            def following(number: int, body: bytes | None) -> bytes:
                token = first[number] if body is None else json.loads(body)["refresh_token"]
                return self.form("token", grant_type="refresh_token", refresh_token=token)

            return ask(self.address, CONNECTIONS, following, length, b"refresh_token")

        return figure


def contestants(provider: Provider, parts: Parts, count: int) -> list[Contestant]:
    """Return everything that is measured of a provider, in the order of the names."""
    token = provider.tokens()["access_token"]
    bearer = f"Authorization: Bearer {token}"
    asked = {
        "discovery": (provider.get("metadata"), "issuer"),
        "jwks": (provider.get("keys"), "kid"),
        "introspection": (provider.form("introspection", token=token).decode(), '"active":'),
        "userinfo": (provider.get("userinfo", bearer), "sub"),
    }
    own = {"code to token": provider.code_to_token(count), "refresh": provider.refresh()}
    return [
        Contestant(f"{provider.name}: {name}", own[name])
        if name in own
        else parts.ask(f"{provider.name}: {name}", [provider.address], *asked[name])
        for name in OPERATIONS
    ]


class Codes:
    """Makes codes as browsers get them, with sessions that are there already."""

    def __init__(self, address: str, client_id: str, sessions: Sequence[str]) -> None:
        """Take the server, the client, and the sessions."""
        fields = {"response_type": "code", "client_id": client_id, "redirect_uri": CALLBACK, "scope": SCOPE}
        self.path = f"/oauth2/authorize?{urlencode(fields)}"
        self.address = address
        self.sessions = sessions
        self.kept = threading.local()

    def one(self, number: int) -> str:
        """Make one."""
        # What is to be good for long is of the last user, whose sign-ins no others push out.
        index = number % (len(self.sessions) - 1) if number >= 0 else -1
        cookie = f"zato_sso_session={self.sessions[index]}"
        connection = getattr(self.kept, "connection", None)
        if connection is None:
            connection = self.kept.connection = http.client.HTTPConnection(self.address, timeout=30)
        connection.request("GET", self.path, headers={"Cookie": cookie})
        answer = connection.getresponse()
        answer.read()
        (code,) = parse_qs(urlsplit(answer.headers["location"]).query)["code"]
        return code

    def __call__(self, count: int) -> list[str]:
        """Make so many."""
        with ThreadPoolExecutor(2 * CORES) as pool:
            return list(pool.map(self.one, range(count) if count > 1 else [-1]))


def session_of(address: str, username: str) -> str:
    """Sign in on the page, and return what is in the cookie."""
    connection = http.client.HTTPConnection(address, timeout=30)
    connection.request("GET", "/login")
    page = connection.getresponse()
    text = page.read().decode()
    cookies = [value.partition(";")[0] for value in page.headers.get_all("set-cookie", [])]
    token = text.partition('name="form_token" value="')[2].partition('"')[0]
    body = urlencode({"form_token": token, "username": username, "password": PASSWORD})
    headers = {"Cookie": "; ".join(cookies), "Content-Type": "application/x-www-form-urlencoded"}
    connection.request("POST", "/login", body, {**headers, "Sec-Fetch-Site": "same-origin"})
    answer = connection.getresponse()
    answer.read()
    for value in answer.headers.get_all("set-cookie", []):
        name, _, rest = value.partition("=")
        if name == "zato_sso_session":
            return rest.partition(";")[0]
    raise AssertionError(answer.status)


@contextlib.contextmanager
def ours(access_token_format: str, users: int) -> Iterator[tuple[Provider, SSO]]:
    """Have ours, on SQLite, with so many users."""
    usernames = [f"user{number}" for number in range(users)]
    with sqlite() as database, SSO(config=database.settings(oidc__issuer=ISSUER)) as sso:
        create_users(sso, *usernames)
        admin = {"username": "admin1", "password": PASSWORD}
        sso.user.create_super_user(CID, admin, require_super_user=False, auto_approve=True)
        ust = sso.user.login(CID, "admin1", PASSWORD, APP, ADDRESS).ust
        data = {
            "redirect_uris": [CALLBACK],
            "scopes": SCOPE.split(),
            "is_trusted": True,
            "require_pkce": False,
            "access_token_format": access_token_format,
        }
        client = sso.client.create(CID, "Bench", "web", ust, APP, ADDRESS, data=data)
        with serving(database, oidc__issuer=ISSUER) as server:
            paths = {
                **{name: f"/oauth2/{name}" for name in ("token", "userinfo")},
                **{"introspection": "/oauth2/introspect", "keys": "/oauth2/jwks.json"},
                "metadata": "/.well-known/openid-configuration",
            }
            sessions = [session_of(server.address, username) for username in usernames]
            codes = Codes(server.address, client["client_id"], sessions)
            name = f"ours, {access_token_format}"
            secret = client["client_secret"]
            yield Provider(name, server.address, client["client_id"], secret, paths, codes), sso


def prepared(address: str) -> Callable[[int], list[str]]:
    """Return what makes codes at a peer."""

    def prepare(count: int) -> list[str]:
        connection = http.client.HTTPConnection(address, timeout=60)
        connection.request("POST", f"/prepare?count={count}", b"")
        codes: list[str] = json.loads(connection.getresponse().read())
        connection.close()
        return codes

    return prepare


@contextlib.contextmanager
def oidc_provider(folder: Path, key: rsa.RSAPrivateKey) -> Iterator[Provider]:
    """Have oidc-provider, in memory."""
    port = str(free_port())
    client = {"client_id": "bench", "client_secret": "s" * 43, "redirect_uris": [CALLBACK]}
    jwk = jwt.algorithms.RSAAlgorithm.to_jwk(key, as_dict=True)
    settings = {"PEER_PACKAGES": str(NODE), "PEER_PORT": port, "NODE_ENV": "production"}
    settings |= {"PEER_CLIENT": json.dumps(client), "PEER_KEY": json.dumps({**jwk, "kid": "one", "use": "sig"})}
    with started(["node", "with_oidc_provider.mjs"], folder, **settings) as address:
        paths = {
            **{"token": "/token", "userinfo": "/me", "introspection": "/token/introspection", "keys": "/jwks"},
            "metadata": "/.well-known/openid-configuration",
        }
        yield Provider("oidc-provider", address, "bench", "s" * 43, paths, prepared(address))


@contextlib.contextmanager
def oauth_toolkit(folder: Path, key: rsa.RSAPrivateKey) -> Iterator[Provider]:
    """Have django-oauth-toolkit, on SQLite."""
    port = str(free_port())
    client = {"client_id": "bench", "client_secret": "s" * 43, "redirect_uris": [CALLBACK]}
    pem = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "key.pem").write_bytes(key.private_bytes(*pem))
    settings = {"PEER_DATABASE": str(folder / "peer.db"), "PEER_PORT": port, "PEER_CLIENT": json.dumps(client)}
    settings["PEER_KEY"] = str(folder / "key.pem")
    environment = {**os.environ, **settings}
    subprocess.run([BIN / "python", "with_oauth_toolkit.py"], cwd=HERE, env=environment, check=True)
    command = [BIN / "gunicorn", "with_oauth_toolkit:application", "--bind", f"127.0.0.1:{port}"]
    # Threads keep connections, which workers of the plain kind close.
    command += ["--workers", CORES, "--threads", 4, "--keep-alive", 60]
    with started(command, folder, **settings) as address:
        paths = {
            **{"token": "/o/token/", "userinfo": "/o/userinfo/", "introspection": "/o/introspect/"},
            **{"keys": "/o/.well-known/jwks.json", "metadata": "/o/.well-known/openid-configuration"},
        }
        yield Provider("django-oauth-toolkit", address, "bench", "s" * 43, paths, prepared(address))


def signatures(key: rsa.RSAPrivateKey) -> Contestant:
    """Return RS256 and nothing else, on all cores: by OpenSSL, which lets other threads run meanwhile."""

    def sign() -> None:
        key.sign(b"message", padding.PKCS1v15(), hashes.SHA256())

    def figure(length: float) -> float:
        def until(end: float) -> int:
            count = 0
            while time.perf_counter() < end:
                sign()
                count += 1
            return count

        start = time.perf_counter()
        with ThreadPoolExecutor(CORES) as pool:
            done = sum(pool.map(until, [start + length] * CORES))
        return done / (time.perf_counter() - start)

    return Contestant(f"RS256 with 2048 bits alone, {CORES} threads", figure)


def verifications(token: str, keys: dict[str, Any], issuer: str, sso: SSO) -> list[Contestant]:
    """Return the verification of an access token: by ours, which knows it from the second time on, and by others."""
    header = jwt.get_unverified_header(token)
    (jwk,) = [key for key in keys["keys"] if key["kid"] == header["kid"]]
    public = jwt.PyJWK(jwk).key
    own_key = JsonWebKey.import_key(jwk)
    authlib = JsonWebToken(["RS256"])

    def by_pyjwt() -> None:
        jwt.decode(token, public, algorithms=["RS256"], audience=issuer, issuer=issuer)

    def by_authlib() -> None:
        authlib.decode(token, own_key).validate()

    found = sso.token.verify(CID, token, issuer, "openid")
    if sorted(found.scope) != sorted(SCOPE.split()):
        raise AssertionError(found.scope)
    return [
        Contestant("sso.token.verify", Calls(sso.token.verify, CID, token, issuer, "openid")),
        Contestant("PyJWT", Calls(by_pyjwt)),
        Contestant("Authlib", Calls(by_authlib)),
    ]


def compare(report: Report, *, is_smoke: bool, has_peers: bool) -> None:
    """Measure all in turn, and fill the report."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    with contextlib.ExitStack() as stack:
        parts = stack.enter_context(Parts())
        users = 2 if is_smoke else USERS
        own, _ = stack.enter_context(ours("opaque", users))
        with_jwt, sso = stack.enter_context(ours("jwt", users))
        providers = [own, with_jwt]
        if has_peers and install():
            providers.append(stack.enter_context(oidc_provider(stack.enter_context(temporary_folder()), key)))
        if has_peers:
            providers.append(stack.enter_context(oauth_toolkit(stack.enter_context(temporary_folder()), key)))
        figures = {
            provider.name: contestants(provider, parts, CODES.get(provider.name, 1500)) for provider in providers
        }
        limit = signatures(key)
        token = with_jwt.tokens()["access_token"]
        keys = with_jwt.once(with_jwt.get("keys").encode())
        verified = verifications(token, keys, ISSUER, sso)
        measure([*(one for all_of in figures.values() for one in all_of), limit], is_smoke=is_smoke, seconds=SECONDS)
        measure(verified, is_smoke=is_smoke)
    peers = [provider.name for provider in providers[2:]]
    for index in range(len(OPERATIONS)):
        for other in peers:
            report.add(figures[own.name][index], figures[other][index])
        if peers:
            best = max((figures[other][index] for other in peers), key=lambda one: statistics.median(one.figures))
            report.add(
                figures[own.name][index],
                Contestant(f"the quickest peer: {best.name}", best.figure, figures=best.figures),
            )
    for provider in (own, with_jwt):
        # What is compared with the limit is how many signatures are made.
        made = 1 if provider is own else 2
        for index in (OPERATIONS.index("code to token"), OPERATIONS.index("refresh")):
            one = figures[provider.name][index]
            text = f"{one.name}, {made} {'signature' if made == 1 else 'signatures'} each"
            report.add(Contestant(text, one.figure, figures=[made * figure for figure in one.figures]), limit)
    for verification in verified[1:]:
        report.add(verified[0], verification)


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=f"Measure providers, over {CONNECTIONS} connections.")
    parser.add_argument("--smoke", action="store_true", help="short rounds, to see that everything works")
    parser.add_argument("--own", action="store_true", help="leave the peers out")
    arguments = parser.parse_args()
    report = Report("openid")

    def all_of_it(report: Report, *, is_smoke: bool) -> None:
        compare(report, is_smoke=is_smoke, has_peers=not arguments.own)

    return run("openid", lambda: report.make(all_of_it, is_smoke=arguments.smoke))


if __name__ == "__main__":
    sys.exit(main())
