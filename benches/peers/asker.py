"""A client for requests that are another one each time: kept connections with one request at a time, on one thread."""

from __future__ import annotations

import selectors
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import perf_counter

# The next request of a connection, None when there are no more; from the body of its last answer, None at first.
Next = Callable[[int, "bytes | None"], "bytes | None"]


class UnexpectedAnswerError(Exception):
    """A server has answered with something else; the text says what."""


@dataclass
class Connection:
    """A kept connection, and what has come of an answer."""

    number: int
    stream: socket.socket
    sent: bytes = b""
    came: bytearray = field(default_factory=bytearray)


def connect(address: str) -> socket.socket:
    """Connect to a server."""
    host, _, port = address.partition(":")
    stream = socket.create_connection((host, int(port)), timeout=30)
    stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return stream


def body_of(came: bytearray) -> tuple[bytes, bytes] | None:
    """Return the head of an answer in small letters and its body, once it is whole."""
    end = came.find(b"\r\n\r\n")
    if end < 0:
        return None
    head = bytes(came[:end]).lower()
    found = head.find(b"\r\ncontent-length: ")
    if found >= 0:
        line_end = head.find(b"\r\n", found + 2)
        length = int(head[found + 18 : line_end if line_end >= 0 else None])
        return (head, bytes(came[end + 4 :])) if len(came) >= end + 4 + length else None
    return (head, bytes(came[end + 4 :])) if came.endswith(b"0\r\n\r\n") else None


def ask(address: str, connections: int, following: Next, seconds: float, expected: bytes) -> float:
    """Ask until the time is over, or until there are no more requests; how many a second were answered.

    Raises:
        UnexpectedAnswerError: An answer is no success, or lacks what is expected.
    """
    selector = selectors.DefaultSelector()
    count, running = 0, 0
    start = perf_counter()
    for number in range(connections):
        connection = Connection(number, connect(address))
        request = following(number, None)
        if request is None:
            connection.stream.close()
            continue
        connection.stream.sendall(request)
        selector.register(connection.stream, selectors.EVENT_READ, connection)
        running += 1
    while running:
        for key, _ in selector.select():
            connection = key.data
            came = connection.stream.recv(65536)
            connection.came += came
            answer = body_of(connection.came)
            if answer is None:
                if not came:
                    raise UnexpectedAnswerError("the server closed the connection")
                continue
            head, body = answer
            if not head.startswith(b"http/1.1 2") or expected not in body:
                raise UnexpectedAnswerError(bytes(connection.came).decode(errors="replace"))
            count += 1
            connection.came.clear()
            request = following(connection.number, body) if perf_counter() < start + seconds else None
            if request is None:
                selector.unregister(connection.stream)
                connection.stream.close()
                running -= 1
                continue
            # Some servers keep no connections.
            if b"\r\nconnection: close" in head:
                selector.unregister(connection.stream)
                connection.stream.close()
                connection.stream = connect(address)
                selector.register(connection.stream, selectors.EVENT_READ, connection)
            connection.stream.sendall(request)
    took = perf_counter() - start
    selector.close()
    return count / took


def each(requests: Sequence[bytes]) -> Next:
    """Return requests of which each is sent once."""
    left = iter(requests)
    return lambda _number, _body: next(left, None)
