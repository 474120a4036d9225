"""Connections that send one byte, the first of those that HTTP/2 begins with, and wait."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

from target import ADDRESS, Target, main, target

CONNECTIONS = 800
SECONDS = 3.0


def processor_time(server: Target) -> float:
    """Seconds that the server has computed so far."""
    fields = Path(f"/proc/{server.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def attack(database_url: str | None) -> Iterator[str]:
    """What 800 such connections cost, whether they end, and whether others are served meanwhile."""
    with target(database_url, http={"header_timeout": "5 s"}) as server, ExitStack() as stack:
        url = urlsplit(server.url)
        connections = []
        for _ in range(CONNECTIONS):
            connection = stack.enter_context(socket.create_connection((ADDRESS, url.port or 0), timeout=20))
            connection.sendall(b"P")
            connections.append(connection)
        time.sleep(0.5)
        before = processor_time(server)
        time.sleep(SECONDS)
        share = (processor_time(server) - before) / SECONDS * 100
        yield f"{CONNECTIONS} connections of one byte: {share:.1f} % of a core"
        assert share < 5, f"{share:.1f} % of a core"
        assert server.log_in(server.user()).status_code == 200
        ended = sum(connection.recv(1) == b"" for connection in connections)
        yield f"{ended} of them were closed after the time that a head may take"
        assert ended == CONNECTIONS, ended


if __name__ == "__main__":
    main(attack)
