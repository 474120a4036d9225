"""A TCP proxy that misbehaves as networks, firewalls and balancers do: it cuts, forgets and freezes."""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit


class _Pair:
    """A client's connection and the server's."""

    def __init__(self, client: socket.socket, server: socket.socket) -> None:
        self.ends = (client, server)
        self.last_use = time.monotonic()
        self.is_forgotten = False
        self.is_open = True

    def run(self, proxy: Proxy) -> None:
        """Passes on what comes, until one side ends or the proxy says so."""
        client, server = self.ends
        with selectors.DefaultSelector() as selector:
            selector.register(client, selectors.EVENT_READ, server)
            selector.register(server, selectors.EVENT_READ, client)
            while self.is_open:
                rest = proxy.closes_after
                if rest is not None and time.monotonic() - self.last_use > rest:
                    break
                if self.is_silent(proxy):
                    time.sleep(0.01)
                    continue
                for key, _ in selector.select(0.02):
                    if self.is_silent(proxy):
                        break
                    try:
                        data = key.fileobj.recv(65536)  # type: ignore[union-attr]
                        key.data.sendall(data)
                    except OSError:
                        data = b""
                    if not data:
                        self.is_open = False
                    self.last_use = time.monotonic()
        self.close()

    def is_silent(self, proxy: Proxy) -> bool:
        """Whether nothing is passed on at the moment."""
        return self.is_forgotten or proxy.is_frozen

    def close(self) -> None:
        """Ends both sides."""
        self.is_open = False
        for end in self.ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


class Proxy:
    """Stands in front of a server. What it does wrong is set while it runs."""

    def __init__(self, server_url: str, folder: Path | None = None) -> None:
        """Listens on a port of the loopback interface, or on PostgreSQL's Unix socket in a folder."""
        self.server_url = server_url
        self.folder = folder
        # Nothing is passed on, and nothing closed.
        self.is_frozen = False
        # A new connection is closed at its first byte, as by a balancer that has no server.
        self.has_no_server = False
        # Seconds after which a connection that rests is closed.
        self.closes_after: float | None = None
        self.accepted = 0
        self._pairs: list[_Pair] = []
        if folder is None:
            self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        else:
            self._listener = socket.socket(socket.AF_UNIX)
            self._listener.bind(str(folder / ".s.PGSQL.5432"))
            self._listener.listen(256)
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def address(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self._listener.getsockname()[1]}"

    @property
    def url(self) -> str:
        """The server's URL, through the proxy."""
        parts = urlsplit(self.server_url)
        user = f"{parts.netloc.rpartition('@')[0]}@" if "@" in parts.netloc else ""
        return urlunsplit(parts._replace(netloc=f"{user}{self.address}"))

    def _accept(self) -> None:
        server = urlsplit(self.server_url)
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.accepted += 1
            if self.has_no_server:
                threading.Thread(target=self._turn_away, args=(client,), daemon=True).start()
                continue
            pair = _Pair(client, socket.create_connection((server.hostname or "127.0.0.1", server.port or 5432)))
            self._pairs.append(pair)
            threading.Thread(target=pair.run, args=(self,), daemon=True).start()

    @staticmethod
    def _turn_away(client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            client.recv(8)

    def open_count(self) -> int:
        """How many connections there are."""
        return sum(pair.is_open for pair in self._pairs)

    def cut(self) -> None:
        """Ends every connection there is."""
        for pair in self._pairs:
            pair.close()

    def forget(self) -> None:
        """Every connection there is goes silent for good, as behind a firewall; new ones work."""
        for pair in self._pairs:
            pair.is_forgotten = True

    def close(self) -> None:
        """Ends it."""
        self._listener.close()
        self.cut()


@contextmanager
def proxy_to(server_url: str, folder: Path | None = None) -> Iterator[Proxy]:
    """A proxy, ended in the end."""
    proxy = Proxy(server_url, folder)
    try:
        yield proxy
    finally:
        proxy.close()
