"""The longest gap of a FastAPI application's event loop while 200 people log in, beside 200 requests to an empty view.

    .venv/bin/python benches/event_loop.py [--count 200] [--rounds 5] [--smoke]

It needs nothing but the package with the extra `fastapi`, and `uvicorn`. A task in the server's loop asks to be woken
each millisecond: how much later it is woken is the gap, in which the loop did something else, or had no core. The work
in it, the loop's own processor time between two wakings, is the same on a busy machine. Requests begin within a second,
and wait for their hashes together. If all began in the same moment, the gap would be the time that the framework takes
to read 200 requests.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from zato_sso import SSO
from zato_sso.fastapi import ZatoSSO

PASSWORD = "correct horse battery staple"
TICK = 0.001
# Within how many seconds all requests begin.
SPREAD = 1.0
GOAL_MS = 20


def application(config: dict[str, Any]) -> FastAPI:
    """The application that is measured: as a user would write it, and two views about the gap."""
    auth = ZatoSSO(config, cookie_secure=False)
    longest = [0.0, 0.0]

    async def tick() -> None:
        while True:
            begun, work = time.perf_counter(), time.thread_time()
            await asyncio.sleep(TICK)
            longest[0] = max(longest[0], time.perf_counter() - begun - TICK)
            longest[1] = max(longest[1], time.thread_time() - work)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with auth.lifespan(app):
            ticking = asyncio.create_task(tick())
            yield
            ticking.cancel()

    app = FastAPI(lifespan=lifespan)
    app.include_router(auth.router())

    @app.post("/empty")
    async def empty() -> dict[str, str]:
        return {}

    @app.get("/gap")
    async def gap() -> list[float]:
        """The longest gap since the last question, and the most work in one, in milliseconds."""
        found = [seconds * 1000 for seconds in longest]
        longest[:] = [0.0, 0.0]
        return found

    return app


Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def ask(stream: Stream, line: str, body: dict[str, str], address: str = "10.0.0.1") -> str:
    """One request, the last of its connection; the body of the answer."""
    reader, writer = stream
    text = json.dumps(body)
    head = f"{line} HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: {address}\r\nConnection: close\r\n"
    writer.write(f"{head}Content-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n{text}".encode())
    answer = (await reader.read()).decode()
    writer.close()
    if not answer.startswith("HTTP/1.1 200 "):
        raise RuntimeError(answer)
    return answer.partition("\r\n\r\n")[2]


async def gap_of(port: int, line: str, bodies: list[dict[str, str]]) -> tuple[float, float, int]:
    """The longest gap while these requests are answered, the most work in one, and how many were under way."""
    streams = [await asyncio.open_connection("127.0.0.1", port) for _ in range(len(bodies) + 2)]
    await ask(streams.pop(), "GET /gap", {})
    last = streams.pop()
    waiting, most = 0, 0

    async def call(number: int) -> None:
        nonlocal waiting, most
        await asyncio.sleep(number * SPREAD / len(bodies))
        waiting += 1
        most = max(most, waiting)
        await ask(streams[number], line, bodies[number], f"10.0.{number % 256}.1")
        waiting -= 1

    await asyncio.gather(*map(call, range(len(bodies))))
    gap, work = json.loads(await ask(last, "GET /gap", {}))
    return gap, work, most


async def measure(port: int, count: int, rounds: int) -> None:
    """Measure in turn, and print what was found."""
    logins = [{"username": f"user{number}", "password": PASSWORD} for number in range(count)]
    nothing: list[dict[str, str]] = [{} for _ in range(count)]
    found: dict[str, list[tuple[float, float, int]]] = {"logins": [], "requests to an empty view": []}
    for _ in range(rounds):
        found["logins"].append(await gap_of(port, "POST /auth/login", logins))
        found["requests to an empty view"].append(await gap_of(port, "POST /empty", nothing))
    for name, measured in found.items():
        gaps, works, most = zip(*measured, strict=True)
        shown = ", ".join(f"{gap:.1f}" for gap in gaps)
        print(f"{count} {name}, {max(most)} at a time: longest gap {statistics.median(gaps):.1f} ms (rounds: {shown})")
        print(f"    most work in a gap: {statistics.median(works):.1f} ms")
    print(f"goal: under {GOAL_MS} ms")


def wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    """Wait until a server answers."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and server.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError("the server does not start")


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description="Measure the longest gap of the event loop.")
    parser.add_argument("--count", type=int, default=200, help="how many log in at once")
    parser.add_argument("--rounds", type=int, default=5, help="how often that is measured")
    parser.add_argument("--smoke", action="store_true", help="only show that it works")
    arguments = parser.parse_args()
    count, rounds = (5, 1) if arguments.smoke else (arguments.count, arguments.rounds)
    with tempfile.TemporaryDirectory() as folder:
        config: dict[str, Any] = {
            "database": {"url": f"sqlite:///{Path(folder) / 'sso.db'}"},
            "http": {"trusted_proxies": ["127.0.0.1"]},
            # Rounds would be throttled by one another.
            "login_throttle": {"enabled": False},
        }
        with SSO(config=config) as sso:
            for number in range(count):
                user = {"username": f"user{number}", "password": PASSWORD}
                sso.user.create_user("bench", user, require_super_user=False, auto_approve=True)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        command = [sys.executable, "-m", "uvicorn", "--factory", "--log-level", "error", "--backlog", "1024"]
        server = subprocess.Popen(
            [*command, "--port", str(port), "--no-proxy-headers", "event_loop:served"],
            cwd=Path(__file__).parent,
            env={**os.environ, "EVENT_LOOP_CONFIG": json.dumps(config)},
        )
        try:
            wait_for(port, server)
            asyncio.run(measure(port, count, rounds))
        finally:
            server.terminate()
            server.wait(20)
    return 0


def served() -> FastAPI:
    """What uvicorn serves."""
    return application(json.loads(os.environ["EVENT_LOOP_CONFIG"]))


if __name__ == "__main__":
    sys.exit(main())
