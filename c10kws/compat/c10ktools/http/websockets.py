"""``@websocket`` for handlers that are generators with ``yield from``, or ``async def``."""

from __future__ import annotations

import types
from collections.abc import Callable, Generator
from functools import wraps
from inspect import isgeneratorfunction
from typing import Any

from ....connection.websocket import WebSocket
from ....views.decorator import View
from ....views.decorator import websocket as decorate


def websocket(handler: Callable[..., Any]) -> View:
    """Make a view of a handler, ``def handler(ws, …)`` with ``yield from ws.read_message()``.

    The connection is closed when the handler returns. Raises TypeError for a function that is
    neither a generator nor ``async def``.
    """
    if not isgeneratorfunction(handler):
        return decorate(handler)
    coroutine: Callable[..., Generator[Any, Any, Any]] = types.coroutine(handler)

    @wraps(handler)
    async def run(ws: WebSocket, *args: Any, **kwargs: Any) -> None:
        await coroutine(ws, *args, **kwargs)  # type: ignore[misc]

    return decorate(run)
