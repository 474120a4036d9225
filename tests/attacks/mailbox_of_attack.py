"""A mail server that keeps what it gets, for attacks that have emails sent."""

from __future__ import annotations

import email
import email.policy
import re
import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from typing import Any


class Mailbox:
    """The emails so far, by address."""

    def __init__(self) -> None:
        """Empty."""
        self.url = ""
        self._emails: list[tuple[str, str]] = []
        self._changed = threading.Condition()

    def put(self, to: list[str], content: bytes) -> None:
        """Keeps an email."""
        message = email.message_from_bytes(content, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        with self._changed:
            self._emails += [(address, message.get_content()) for address in to]
            self._changed.notify_all()

    def to(self, address: str) -> list[str]:
        """The texts that came to an address."""
        return [text for to, text in self._emails if to == address]

    def token(self, address: str, count: int = 1, patience: float = 20) -> str:
        """The token in the email with this number to an address."""
        text = self._wait(patience, lambda: next(iter(self.to(address)[count - 1 :]), None))
        (token,) = (line for line in re.findall(r"^[\w-]{32,43}$", text.replace("\r", ""), re.MULTILINE))
        return str(token)

    def find(self, address: str, part: str, patience: float = 20) -> str:
        """The first line of the email to an address that has this in it."""
        return self.text(address, part, patience).splitlines()[0]

    def text(self, address: str, part: str, patience: float = 20) -> str:
        """The email to an address that has this in it."""
        return self._wait(patience, lambda: next((text for text in self.to(address) if part in text), None))

    def _wait(self, patience: float, look: Any) -> str:
        deadline = time.monotonic() + patience
        with self._changed:
            while (found := look()) is None:
                assert self._changed.wait(deadline - time.monotonic()), "an email that was promised did not come"
        return str(found)


class _Conversation(socketserver.StreamRequestHandler):
    """As much of SMTP as it takes."""

    def handle(self) -> None:
        """One connection."""
        to: list[str] = []
        self.wfile.write(b"220 here\r\n")
        while line := self.rfile.readline():
            if line.upper().startswith(b"RCPT"):
                to.append(line.decode().split("<")[1].split(">")[0])
            if line.upper().startswith(b"DATA"):
                self.wfile.write(b"354 go on\r\n")
                content = b"".join(iter(self.rfile.readline, b".\r\n"))
                self.server.mailbox.put(to, content)  # type: ignore[attr-defined]
            if line.upper().startswith(b"QUIT"):
                self.wfile.write(b"221 bye\r\n")
                return
            self.wfile.write(b"250 ok\r\n")


@contextmanager
def mailbox() -> Iterator[Mailbox]:
    """A mail server on a free port."""
    box = Mailbox()
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Conversation) as server:
        server.daemon_threads = True
        server.mailbox = box  # type: ignore[attr-defined]
        box.url = f"smtp://127.0.0.1:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield box
        finally:
            server.shutdown()
