"""A real SMTP server for the tests, and the emails that came to it."""

from __future__ import annotations

import email
import email.policy
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

USER, PASSWORD = "mailer@example.com", "planted/smtp#password"


class Inbox:
    """What has come so far, to whomever."""

    def __init__(self, port: int) -> None:
        """Nothing yet."""
        self.port = port
        self._emails: list[tuple[str, EmailMessage]] = []
        self._changed = threading.Condition()

    @property
    def url(self) -> str:
        """The server, for `smtp.url`."""
        return f"smtp://127.0.0.1:{self.port}"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Takes an email."""
        assert isinstance(envelope.content, bytes)
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        with self._changed:
            self._emails += [(address, message) for address in envelope.rcpt_tos]
            self._changed.notify_all()
        return "250 kept"

    def to(self, address: str) -> list[EmailMessage]:
        """What has come to this address."""
        return [message for to, message in self._emails if to == address]

    def wait(self, address: str, count: int = 1, patience: float = 20) -> EmailMessage:
        """Waits for so many emails to an address; the last one."""
        deadline = time.monotonic() + patience
        with self._changed:
            while len(self.to(address)) < count:
                assert self._changed.wait(deadline - time.monotonic()), f"no email to {address}"
            return self.to(address)[count - 1]


def text_of(message: EmailMessage) -> str:
    """The plain text of an email."""
    body = message.get_body(preferencelist=("plain",))
    assert isinstance(body, EmailMessage)
    text: str = body.get_content()
    return text.replace("\r\n", "\n")


def token_in(message: EmailMessage) -> str:
    """The token that stands in an email on a line of its own."""
    (token,) = (line for line in text_of(message).splitlines() if len(line) == 43 and " " not in line)
    return token


def free_port() -> int:
    """A port that nobody listens on; the controller wants to know it beforehand."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


@contextmanager
def inbox(**options: Any) -> Iterator[Inbox]:
    """A server on a free port of this machine, for as long as this lasts."""
    box = Inbox(free_port())
    controller = Controller(box, hostname="127.0.0.1", port=box.port, **options)
    controller.start()
    try:
        yield box
    finally:
        controller.stop()


@contextmanager
def demanding_inbox(certificate: str, key: str) -> Iterator[Inbox]:
    """One that takes emails over an encrypted connection only, and from who knows the password."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)

    def authenticate(_server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: Any) -> AuthResult:
        is_right = isinstance(data, LoginPassword) and (data.login, data.password) == (USER.encode(), PASSWORD.encode())
        return AuthResult(success=is_right, handled=is_right)

    options = {"tls_context": context, "require_starttls": True, "auth_required": True, "authenticator": authenticate}
    with inbox(**options) as box:
        yield box
