"""The whole server as a WSGI application: the REST API, the pages and their documentation, in this process.

```python
from zato_sso.wsgi import Application

application = Application("sqlite:///sso.db")  # gunicorn module
```

It is the server that `zato-sso serve` runs, called directly: requests are not sent anywhere, and bodies stream both
ways.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from zato_sso import aio
from zato_sso._core import SSO, Server

__all__ = ["Application", "opened"]

Source = SSO | str | os.PathLike[str] | dict[str, Any]

_SAFE = "/:@!$&'()*+,;=~-._"
_CHUNK = 64 * 1024


def opened(source: Source) -> SSO:
    """An object from what adapters take.

    Args:
        source: A `zato_sso.SSO`, the URL of a database, the path of a configuration file, or a dict with configuration.
    """
    if isinstance(source, SSO):
        return source
    given: object = source
    if isinstance(given, aio.SSO):
        raise TypeError("expected zato_sso.SSO: WSGI cannot await the calls of zato_sso.aio.SSO")
    if isinstance(source, str) and source.partition(":")[0] in {"sqlite", "postgresql", "postgres"}:
        return SSO(source)
    return SSO(config=source)


class Application:
    """A WSGI application: the server on one object. It can be mounted in another application, below any path."""

    def __init__(self, sso: Source) -> None:
        """Takes what `opened` takes."""
        self._server = Server(opened(sso))

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Serves one request."""
        exchange = self._server.begin(
            environ["REQUEST_METHOD"], _target(environ), _headers(environ), environ.get("REMOTE_ADDR")
        )
        try:
            for chunk in _body(environ):
                if not exchange.send(chunk):
                    break
            exchange.end()
        except EOFError:
            exchange.cut()
        status, headers = exchange.reply()
        try:
            phrase = HTTPStatus(status).phrase
        except ValueError:
            phrase = "Unknown"
        named = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers]
        start_response(f"{status} {phrase}", named)
        return _parts(exchange)


def _parts(exchange: Any) -> Iterator[bytes]:
    while (part := exchange.read()) is not None:
        yield part


def _target(environ: dict[str, Any]) -> str:
    """Path and query string. WSGI has the bytes of a path as Latin-1 (PEP 3333)."""
    path = environ.get("PATH_INFO", "").encode("latin-1") or b"/"
    query = environ.get("QUERY_STRING", "")
    return quote(path, safe=_SAFE) + (f"?{query}" if query else "")


def _headers(environ: dict[str, Any]) -> list[tuple[bytes, bytes]]:
    headers = [
        (name[5:].replace("_", "-").lower().encode("latin-1"), value.encode("latin-1"))
        for name, value in environ.items()
        if name.startswith("HTTP_")
    ]
    for name in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        if value := environ.get(name):
            headers.append((name.replace("_", "-").lower().encode("latin-1"), value.encode("latin-1")))
    return headers


def _body(environ: dict[str, Any]) -> Iterator[bytes]:
    """The body as it comes: as long as the request says, or to its end where the server marks it.

    Raises:
        EOFError: It is shorter than the request says.
    """
    length = environ.get("CONTENT_LENGTH") or ""
    left = int(length) if length.isdecimal() else None
    if left is None and not environ.get("wsgi.input_terminated"):
        return
    stream = environ["wsgi.input"]
    while left is None or left > 0:
        chunk = stream.read(_CHUNK if left is None else min(_CHUNK, left))
        if not chunk:
            if left:
                raise EOFError("the client has gone")
            return
        if left is not None:
            left -= len(chunk)
        yield chunk
