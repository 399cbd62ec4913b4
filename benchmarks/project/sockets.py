"""EventSockets of c10kws: one that echoes events, and one with a room."""

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


room = EventSocket("/room")
ROOM = "hall"


@room.on("open")
async def enter(socket: Socket) -> None:
    """Join the room."""
    socket.join(ROOM)


@room.on
async def say(data: dict[str, Any]) -> None:
    """Send the event to all clients in the room."""
    room.to(ROOM).emit("say", data)
