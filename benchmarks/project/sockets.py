"""An EventSocket of c10kws that echoes events."""

from __future__ import annotations

import os
from typing import Any

from c10kws.events import EventSocket, Socket

events = EventSocket("/events")


@events.on
async def ask(socket: Socket) -> None:
    """Answer a request."""


if os.environ.get("BENCHMARKS_CALLBACK") == "sync":

    @events.on("echo")
    def echo_in_thread(socket: Socket, data: dict[str, Any]) -> None:
        """Echo the event, in a thread."""
        socket.emit("echo", data)

else:

    @events.on
    async def echo(socket: Socket, data: dict[str, Any]) -> None:
        """Echo the event, on the event loop."""
        socket.emit("echo", data)
