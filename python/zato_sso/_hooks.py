"""Awaits asynchronous hooks. Private: the engine calls it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Generator
from typing import Any


class _Steps:
    """An awaitable that has already started: it wraps the iterator that `__await__` returned."""

    def __init__(self, steps: Generator[Any, Any, object]) -> None:
        """Takes the iterator."""
        self._steps = steps

    def __await__(self) -> Generator[Any, Any, object]:
        return self._steps


async def _result(steps: Awaitable[object]) -> object:
    return await steps


def is_loop_running() -> bool:
    """Whether this thread runs an event loop."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def run(steps: Generator[Any, Any, object]) -> object:
    """Awaits in a new event loop. Unlike `asyncio.run`, it does not touch the event loop of the thread."""
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(_result(_Steps(steps)))
    finally:
        try:
            for task in (tasks := asyncio.all_tasks(loop)):
                task.cancel()
            if tasks:
                loop.run_until_complete(asyncio.wait(tasks))
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.run_until_complete(loop.shutdown_default_executor())
        finally:
            loop.close()


def start(
    loop: asyncio.AbstractEventLoop, steps: Awaitable[object], landing: Callable[[asyncio.Task[object]], object]
) -> None:
    """Awaits in this running loop, then calls `landing` with the task."""
    loop.create_task(_result(steps)).add_done_callback(landing)
