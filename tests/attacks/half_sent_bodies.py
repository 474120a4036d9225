"""600 connections that send a megabyte of a body each and never its end, large heads, and idlers on all descriptors."""

from __future__ import annotations

import contextlib
import resource
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from urllib.parse import urlsplit

import requests

from target import ADDRESS, Target, main, target

BODIES = 600
HEADS = 300
DESCRIPTORS = 256
IDLERS = 400
CHUNK = b"x" * 50_000


def connect(server: Target, stack: ExitStack, sent: bytes) -> socket.socket:
    """A connection that has sent the beginning of something."""
    connection = socket.create_connection((ADDRESS, urlsplit(server.url).port or 0), timeout=5)
    stack.enter_context(connection)
    with contextlib.suppress(ConnectionError):
        connection.sendall(sent)
    return connection


def push(connections: list[socket.socket], size: int) -> None:
    """Sends so much more over each, as far as the server takes it."""
    for connection in connections:
        connection.setblocking(False)
    for _ in range(size // len(CHUNK)):
        for connection in connections:
            # Who was refused, or has to wait, has sent enough.
            with contextlib.suppress(OSError):
                connection.send(CHUNK)


def is_alive(server: Target) -> bool:
    """Whether the server tells its health and serves requests over new connections."""
    for path in ("/health/live", "/health/ready"):
        if requests.get(server.url + path, timeout=5).status_code != 200:
            return False
    return server.log_in(server.user(), timeout=5).status_code == 200


def attack(database_url: str | None) -> Iterator[str]:
    """What such connections hold, and whether others are served meanwhile."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2_000 if hard == resource.RLIM_INFINITY else min(2_000, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    with target(database_url) as server, ExitStack() as stack:
        head = f"POST /zato/sso/user/login HTTP/1.1\r\nHost: {ADDRESS}\r\nContent-Length: 1048576\r\n\r\n{{"
        before = server.memory()
        connections = [connect(server, stack, head.encode()) for _ in range(BODIES)]
        push(connections, 1_000_000)
        time.sleep(0.5)
        added = (server.memory() - before) // 1_000_000
        yield f"{BODIES} bodies of 1 MB that do not end: {added} MB more"
        assert added < 150, f"{added} MB more"
        assert is_alive(server)
    with target(database_url) as server, ExitStack() as stack:
        before = server.memory()
        head = f"GET /health/live HTTP/1.1\r\nHost: {ADDRESS}\r\nX: "
        connections = [connect(server, stack, head.encode()) for _ in range(HEADS)]
        push(connections, 390_000)
        time.sleep(0.5)
        added = (server.memory() - before) // 1_000_000
        yield f"{HEADS} heads of 390 KB: {added} MB more"
        assert added < 60, f"{added} MB more"
        assert is_alive(server)
    with target(database_url, descriptors=DESCRIPTORS) as server, ExitStack() as stack:
        for number in range(IDLERS):
            # Some of them are kept alive after a request, some have sent nothing.
            request = f"GET /health/live HTTP/1.1\r\nHost: {ADDRESS}\r\n\r\n" if number % 2 else ""
            connect(server, stack, request.encode())
        start = time.monotonic()
        assert is_alive(server)
        yield f"{IDLERS} idlers and {DESCRIPTORS} descriptors: answers came within {time.monotonic() - start:.1f} s"


if __name__ == "__main__":
    main(attack)
