"""Events of the protocol itself (version 1): ``ws:ping``, ``ws:join``, ``ws:leave``."""

from __future__ import annotations

from functools import cache
from typing import Any

from asgiref.sync import iscoroutinefunction

from ... import conf
from ..clients.socket import Socket
from ..exceptions import EventError
from ..frames.envelope import Frame
from ..rooms.signed_names import MAX_ROOM_LENGTH, Expired, is_signed, read
from .bindings import Authorise
from .callback import Callback
from .replies import Replies

Object = dict[str, Any]


def find(frame: Frame, authorise: Authorise | None, replies: Replies) -> Callback | None:
    """Return the callback of an event of the protocol; None if it is answered, or unknown."""
    match frame.event:
        case "ws:ping":
            replies.pong()
        case "ws:join":
            if authorise is None or is_signed(frame.data.get("room")):
                return JOIN_SIGNED
            return _join_callback(authorise)
        case "ws:leave":
            return LEAVE
    return None


@cache
def _join_callback(authorise: Authorise) -> Callback:
    async def join_async(socket: Socket, data: Object) -> Object:
        room = _room_of(data)
        return _enter(socket, room if await authorise(socket, room) else None)

    def join_sync(socket: Socket, data: Object) -> Object:
        room = _room_of(data)
        return _enter(socket, room if authorise(socket, room) else None)

    return Callback(join_async if iscoroutinefunction(authorise) else join_sync)


async def _join_signed(socket: Socket, data: Object) -> Object:
    try:
        return _enter(socket, _read_signed(socket, _room_of(data)))
    except Expired:
        text = "the signed name of this room has expired; reload the page"
        raise EventError("forbidden", text) from None


JOIN_SIGNED = Callback(_join_signed)


def _enter(socket: Socket, room: str | None) -> Object:
    if room is None:
        raise EventError(
            "forbidden",
            "you may not join this room, or its signed name is not valid for you",
        )
    limit, rooms = conf.current().max_rooms, socket.rooms
    if len(rooms) >= limit and room not in rooms:
        raise EventError("forbidden", f"you are in {limit} rooms, the limit; leave one first")
    socket.join(room)
    return {"room": room, "epoch": None, "seq": 0, "recovered": False}


async def _leave(socket: Socket, data: Object) -> Object:
    name = _room_of(data)
    room = _read_signed(socket, name, ignore_age=True) or name
    socket.leave(room)
    return {"room": room}


LEAVE = Callback(_leave)


def _room_of(data: Object) -> str:
    room = data.get("room")
    if isinstance(room, str) and 0 < len(room) <= MAX_ROOM_LENGTH:
        return room
    raise EventError("invalid", f"the name of a room has 1 to {MAX_ROOM_LENGTH} characters")


def _read_signed(socket: Socket, name: str, *, ignore_age: bool = False) -> str | None:
    """Return the room of a signed name; None if it is not valid for this client."""
    if not is_signed(name):
        return None
    user = getattr(socket.connection, "user", None)  # None without AuthenticationMiddleware
    return read(name, socket.endpoint.path, user, ignore_age=ignore_age)
