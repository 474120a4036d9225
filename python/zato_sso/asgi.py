"""The whole server as an ASGI application: the REST API, the pages and their documentation, in this process.

```python
from zato_sso.asgi import Application

app = Application("sqlite:///sso.db")  # uvicorn module:app
```

It is the server that `zato-sso serve` runs, called directly: requests are not sent anywhere, and bodies stream both
ways.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import quote

import zato_sso
from zato_sso import aio
from zato_sso._core import Server

__all__ = ["Application", "opened"]

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Source = aio.SSO | str | os.PathLike[str] | dict[str, Any]

# What may stand in a path as it is (RFC 3986, section 3.3).
_SAFE = "/:@!$&'()*+,;=~-._"


def opened(source: Source) -> aio.SSO:
    """An object from what adapters take.

    Args:
        source: A `zato_sso.aio.SSO`, the URL of a database, the path of a configuration file, or a dict with
            configuration.
    """
    if isinstance(source, aio.SSO):
        return source
    given: object = source
    if isinstance(given, zato_sso.SSO):
        raise TypeError("expected zato_sso.aio.SSO: the calls of zato_sso.SSO would block the event loop")
    if isinstance(source, str) and source.partition(":")[0] in {"sqlite", "postgresql", "postgres"}:
        return aio.SSO(source)
    return aio.SSO(config=source)


class Application:
    """An ASGI application: the server on one object.

    It can be mounted in another application, below any path. On its own, its lifespan opens and closes the object.
    """

    def __init__(self, sso: Source) -> None:
        """Takes what `opened` takes. An object that was made elsewhere is closed there too."""
        self._sso = opened(sso)
        self._is_own = self._sso is not sso
        self._server = Server(self._sso)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request, or the lifespan."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            await self._serve(scope, receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1000})
        else:
            raise RuntimeError(f"unknown kind of connection: {scope['type']!r}")

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        client = scope.get("client")
        exchange = await self._server.begin(
            scope["method"],
            _target(scope),
            [(bytes(name), bytes(value)) for name, value in scope["headers"]],
            client[0] if client else None,
        )

        async def feed() -> None:
            """Sends the body on as it comes."""
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    exchange.cut()
                    return
                body = message.get("body", b"")
                if body and not await exchange.send(bytes(body)):
                    return
                if not message.get("more_body", False):
                    await exchange.end()
                    return

        feeder = asyncio.ensure_future(feed())
        try:
            status, headers = await exchange.reply()
            await send({"type": "http.response.start", "status": status, "headers": headers})
            while (part := await exchange.read()) is not None:
                await send({"type": "http.response.body", "body": part, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            feeder.cancel()

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                try:
                    await self._sso.open()
                except Exception as error:
                    # It names the database without its password.
                    await send({"type": "lifespan.startup.failed", "message": str(error)})
                    raise
                await send({"type": "lifespan.startup.complete"})
            else:
                if self._is_own:
                    await self._sso.close()
                await send({"type": "lifespan.shutdown.complete"})
                return


def _target(scope: Scope) -> str:
    """Path and query string, without the path below which the application is mounted."""
    path, root = scope["path"], scope.get("root_path", "")
    if root and (path == root or path.startswith(f"{root}/")):
        path = path[len(root) :]
    query = scope.get("query_string", b"").decode("latin-1")
    return quote(path or "/", safe=_SAFE) + (f"?{query}" if query else "")
