"""A provider for relying parties, people who sign in at them, and what the provider sends to clients."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from html import unescape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import requests
from serving import Node, running
from support import ADDRESS, APP, PASSWORD, config_of, log_in, new_key, super_user, unique
from zato_sso import SSO

# An application that is nowhere: what a browser brings it is read off the address.
ELSEWHERE = "https://app.example/"
CALLBACK = f"{ELSEWHERE}callback"
GOODBYE = f"{ELSEWHERE}goodbye"
VERIFIER = "v" * 64
SCOPES = ["openid", "profile", "email", "groups", "offline_access"]


@dataclass
class Provider:
    """A server that is a provider, and an object on the same database."""

    node: Node
    sso: SSO
    root: str

    @property
    def url(self) -> str:
        """The issuer."""
        return self.node.url

    @cached_property
    def metadata(self) -> dict[str, Any]:
        """What it says of itself."""
        return dict(requests.get(f"{self.url}/.well-known/openid-configuration", timeout=10).json())

    def keys(self) -> dict[str, Any]:
        """The keys that verify tokens."""
        return dict(requests.get(self.metadata["jwks_uri"], timeout=10).json())

    def client(self, kind: str = "web", **settings: Any) -> dict[str, Any]:
        """Registers a client."""
        data = {"redirect_uris": [CALLBACK], "post_logout_redirect_uris": [GOODBYE], "scopes": SCOPES, **settings}
        return dict(self.sso.client.create("cid", "Example", kind, self.root, APP, ADDRESS, data=data))

    def user(self, **data: Any) -> str:
        """Makes a user; the username."""
        everything = {"username": unique("ann"), "password": PASSWORD, "first_name": "Ann", "last_name": "Lee", **data}
        self.sso.user.create_user("cid", everything, require_super_user=False, auto_approve=True)
        return str(everything["username"])

    def person(self, **data: Any) -> Person:
        """A new user, before a browser that is new."""
        return Person(self.url, self.user(**data))


@contextmanager
def providing(folder: Path, database_url: str, **options: str) -> Iterator[Provider]:
    """A provider on a database, until the end."""
    node = Node(folder, database_url, new_key(), options)
    node.options["OIDC__ISSUER"] = node.url
    with running(node), SSO(config=config_of(database_url, node.key)) as sso:
        yield Provider(node, sso, log_in(sso, super_user(sso)))


class Person:
    """A browser, and who sits before it."""

    def __init__(self, provider: str, username: str) -> None:
        """Begins with a browser that knows nothing."""
        self.provider = provider
        self.username = username
        self.browser = requests.Session()
        self.browser.trust_env = False
        # What is said on the page that asks for consent.
        self.answer = "yes"
        # How often the password was asked for, and consent.
        self.passwords = 0
        self.consents = 0

    def follow(self, url: str) -> str:
        """Goes where a link leads until that is an application that is nowhere; where to, and with what."""
        place = self.walk(url)
        assert isinstance(place, str), (place.url, place.status_code, place.text)
        return place

    def visit(self, url: str) -> requests.Response:
        """Goes where a link leads until there is a page to look at."""
        place = self.walk(url)
        assert not isinstance(place, str), place
        return place

    def walk(self, url: str) -> str | requests.Response:
        """Follows redirects; signs in where it is asked to, and consents."""
        for _ in range(20):
            if url.startswith(ELSEWHERE):
                return url
            answer = self.browser.get(url, allow_redirects=False, timeout=30)
            if self.is_asked(url) and answer.status_code == 200:
                answer = self.submit(url, answer.text)
            if "location" not in answer.headers:
                return answer
            url = urljoin(url, answer.headers["location"])
        raise AssertionError(f"the browser goes in circles: {url}")

    def is_asked(self, url: str) -> bool:
        """Whether a page of the provider wants to be filled in; that of who has just logged out does not."""
        parts = urlsplit(url)
        is_form = parts.path in {"/login", "/consent", "/logout"}
        return is_form and url.startswith(self.provider) and "done=" not in parts.query

    def submit(self, url: str, page: str) -> requests.Response:
        """Sends the form of a page of the provider."""
        fields = hidden(page)
        path = urlsplit(url).path
        if path == "/login":
            self.passwords += 1
            fields |= {"username": self.username, "password": PASSWORD}
        elif path == "/consent":
            self.consents += 1
            fields |= {"answer": self.answer}
        headers = {"Sec-Fetch-Site": "same-origin"}
        return self.browser.post(urljoin(url, path), data=fields, headers=headers, allow_redirects=False, timeout=30)

    def bring(self, url: str) -> dict[str, str]:
        """Goes where a link leads; what the browser brings to the application, in whichever way."""
        place = self.walk(url)
        if isinstance(place, str):
            parts = urlsplit(place)
            return {name: value for name, (value,) in parse_qs(parts.query or parts.fragment).items()}
        target = re.search(r'<form method="post" action="([^"]*)"', place.text)
        assert target, (place.url, place.status_code, place.text)
        assert unescape(target[1]).startswith(ELSEWHERE)
        return hidden(place.text)

    def log_out(self) -> None:
        """Logs out on the page of the provider."""
        url = f"{self.provider}/logout"
        answer = self.submit(url, self.browser.get(url, timeout=30).text)
        assert answer.status_code == 303, answer.text


def hidden(page: str) -> dict[str, str]:
    """The hidden fields of a form."""
    found = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page)
    return {name: unescape(value) for name, value in found}


@dataclass
class Listener:
    """The server of a client, which is told of logouts."""

    url: str
    # What came, and what is answered next; 200 when nothing is left.
    came: Queue[dict[str, str]] = field(default_factory=Queue)
    answers: Queue[int] = field(default_factory=Queue)


@contextmanager
def listening() -> Iterator[Listener]:
    """A server for logout tokens, until the end."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            self.send_response(listener.answers.get() if listener.answers.qsize() else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()
            listener.came.put({name: value for name, (value,) in parse_qs(body).items()})

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        listener = Listener(f"http://127.0.0.1:{server.server_address[1]}/backchannel")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield listener
        finally:
            server.shutdown()
            thread.join()
