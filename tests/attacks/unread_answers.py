"""Answers that nobody reads: HTTP/2 without a window, and pipelined requests over HTTP/1.1."""

from __future__ import annotations

import json
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

from target import ADDRESS, Target, main, target

CONNECTIONS = 15
STREAMS = 16
PIPELINED = 50
ATTRIBUTES = 15
SIZE = 60_000
SECONDS = 2.0
PATIENCE = 30.0
# As /proc/net/tcp writes it.
ESTABLISHED = "01"
PATH = "/zato/sso/user/attr"
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, SETTINGS = 0, 1, 4
END_STREAM, END_HEADERS = 1, 4
WINDOW_SIZE = 4


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    """A frame of HTTP/2 (RFC 9113, section 4.1)."""
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def length(size: int) -> bytes:
    """A length of HPACK (RFC 7541, section 5.1), of up to two bytes."""
    return bytes([size]) if size < 127 else bytes([127, size - 127])


def http2(body: bytes) -> bytes:
    """A client that takes nothing of any answer, and asks as often as it may."""
    name = ADDRESS.encode()
    # GET, http, the path and the host (RFC 7541, appendix A).
    head = b"\x82\x86\x04" + length(len(PATH)) + PATH.encode() + b"\x01" + length(len(name)) + name
    sent = PREFACE + frame(SETTINGS, 0, 0, struct.pack(">HI", WINDOW_SIZE, 0))
    for number in range(STREAMS):
        sent += frame(HEADERS, END_HEADERS, 2 * number + 1, head)
        sent += frame(DATA, END_STREAM, 2 * number + 1, body)
    return sent


def http1(body: bytes) -> bytes:
    """Requests that follow each other at once."""
    head = f"GET {PATH} HTTP/1.1\r\nHost: {ADDRESS}\r\nContent-Length: {len(body)}\r\n\r\n"
    return (head.encode() + body) * PIPELINED


def most(server: Target, seconds: float) -> int:
    """How many bytes of memory the server holds at most, looked at for so long."""
    end, found = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        found = max(found, server.memory())
        time.sleep(0.02)
    return found


def still_open(ports: set[int]) -> int:
    """How many connections from these ports the server has not closed."""
    lines = Path("/proc/net/tcp").read_text(encoding="utf-8").splitlines()[1:]
    peers = (line.split()[2:4] for line in lines)
    return sum(state == ESTABLISHED and int(peer.split(":")[1], 16) in ports for peer, state in peers)


def attack(database_url: str | None) -> Iterator[str]:
    """15 connections of a regular user, who asks for a megabyte each time and reads nothing."""
    # They end sooner here than by default, so that this can be waited for.
    with target(database_url, http={"write_timeout": "1 s"}) as server:
        ust = server.log_in(server.user()).json()["ust"]
        names = [f"a{number}" for number in range(ATTRIBUTES)]
        for name in names:
            body = {"ust": ust, "name": name, "value": "x" * SIZE}
            assert server.call("PUT", "/user/attr", body).status_code == 200
        elements = {"ust": ust, "data": names}
        answer = server.call("GET", "/user/attr", elements)
        assert answer.status_code == 200, answer.text
        yield f"one answer: {len(answer.content)} bytes"
        asked = json.dumps(elements).encode()
        for kind, requests in (("HTTP/2 without a window", http2(asked)), ("HTTP/1.1, pipelined", http1(asked))):
            before = server.memory()
            with ExitStack() as stack:
                connections = []
                for _ in range(CONNECTIONS):
                    connection = stack.enter_context(socket.socket())
                    # What the system keeps is not the server's.
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                    connection.settimeout(5)
                    connection.connect((ADDRESS, urlsplit(server.url).port or 0))
                    connection.sendall(requests)
                    connections.append(connection)
                added = (most(server, SECONDS) - before) // 1_000_000
                yield f"{CONNECTIONS} connections, {kind}: {added} MB more at most"
                assert added < 100, f"{added} MB more"
                assert server.log_in(server.user()).status_code == 200
                ports = {connection.getsockname()[1] for connection in connections}
                start = time.monotonic()
                # Answers to what was sent are still computed: on a busy machine that takes a while.
                while still_open(ports) and time.monotonic() - start < PATIENCE:
                    time.sleep(0.1)
                assert not still_open(ports), "connections that read nothing stay open"
                yield "all of them have ended"


if __name__ == "__main__":
    main(attack)
