"""Events of the protocol itself, which begin with ``ws:``; version 1 only."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from asgiref.sync import iscoroutinefunction

from .. import conf
from .callbacks import Callback
from .envelope import Frame
from .exceptions import EventError
from .signing import MAX_ROOM_LENGTH, Expired, is_signed, read
from .socket import Socket

#: Authorises joins: ``(socket, room) -> bool``, sync or async.
Authorise = Callable[[Socket, str], Any]
Data = dict[str, Any]


def find(socket: Socket, frame: Frame) -> Callback | None:
    """Return what handles an event of the protocol; None when it is answered, or unknown."""
    match frame.event:
        case "ws:ping":
            socket.write("ws:pong", {})
        case "ws:join":
            authorise = socket.endpoint.authorise
            if authorise is None or is_signed(frame.data.get("room")):
                return JOIN_SIGNED
            return _joining(authorise)
        case "ws:leave":
            return LEAVE
    return None


@cache
def _joining(authorise: Authorise) -> Callback:
    async def join_async(socket: Socket, data: Data) -> Data:
        room = _asked(data)
        return _enter(socket, room if await authorise(socket, room) else None)

    def join_sync(socket: Socket, data: Data) -> Data:
        room = _asked(data)
        return _enter(socket, room if authorise(socket, room) else None)

    return Callback(join_async if iscoroutinefunction(authorise) else join_sync)


async def _join_signed(socket: Socket, data: Data) -> Data:
    try:
        return _enter(socket, _read(socket, _asked(data)))
    except Expired:
        text = "the signed name of this room has expired: load the page again"
        raise EventError("forbidden", text) from None


JOIN_SIGNED = Callback(_join_signed)


def _enter(socket: Socket, room: str | None) -> Data:
    if room is None:
        raise EventError(
            "forbidden",
            "you may not join this room, or its signed name is not valid for you",
        )
    limit, rooms = conf.current().max_rooms, socket.rooms
    if len(rooms) >= limit and room not in rooms:
        raise EventError("forbidden", f"you are in {limit} rooms, the limit: leave one first")
    socket.join(room)
    return {"room": room, "epoch": None, "seq": 0, "recovered": False}


async def _leave(socket: Socket, data: Data) -> Data:
    asked = _asked(data)
    room = _read(socket, asked, aged=True) or asked
    socket.leave(room)
    return {"room": room}


LEAVE = Callback(_leave)


def _asked(data: Data) -> str:
    room = data.get("room")
    if isinstance(room, str) and 0 < len(room) <= MAX_ROOM_LENGTH:
        return room
    raise EventError("invalid", f"the name of a room has 1 to {MAX_ROOM_LENGTH} characters")


def _read(socket: Socket, asked: str, *, aged: bool = False) -> str | None:
    """Return the room of a signed name; None when it is not valid for this client."""
    if not is_signed(asked):
        return None
    user = getattr(socket.connection, "user", None)  # there is none without its middleware
    return read(asked, socket.endpoint.path, user, aged=aged)
