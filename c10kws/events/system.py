"""Events of the protocol itself, which begin with ``ws:``; version 1 only."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.core.signing import BadSignature, Signer

from .. import conf
from .callbacks import Callback
from .envelope import Frame
from .exceptions import EventError
from .socket import Socket

MAX_ROOM_LENGTH = 256
SALT = "c10kws.events.room"

#: Who may join which room: ``(socket, room) -> bool``, sync or async.
Authorise = Callable[[Socket, str], Any]
Data = dict[str, Any]


def sign_room(room: str) -> str:
    """Return a name with which whoever has it may join ``room``: put it into a page.

    Raises ValueError when it is longer than a client may send.
    """
    signed = Signer(salt=SALT).sign(room)
    if len(signed) > MAX_ROOM_LENGTH:
        limit = len(room) + MAX_ROOM_LENGTH - len(signed)
        raise ValueError(f"expected a room's name of at most {limit} characters, not {room!r}")
    return signed


def find(socket: Socket, frame: Frame) -> Callback | None:
    """Return what handles an event of the protocol; None when it is answered, or unknown."""
    match frame.event:
        case "ws:ping":
            socket.write("ws:pong", {})
        case "ws:join":
            return _joining(socket.endpoint.authorise)
        case "ws:leave":
            return LEAVE
    return None


@cache
def _joining(authorise: Authorise | None) -> Callback:
    async def join_signed(socket: Socket, data: Data) -> Data:
        return _enter(socket, _unsigned(_asked(data)))

    async def join_async(socket: Socket, data: Data) -> Data:
        assert authorise is not None
        asked = _asked(data)
        room = _unsigned(asked) or (asked if await authorise(socket, asked) else None)
        return _enter(socket, room)

    def join_sync(socket: Socket, data: Data) -> Data:
        assert authorise is not None
        asked = _asked(data)
        room = _unsigned(asked) or (asked if authorise(socket, asked) else None)
        return _enter(socket, room)

    if authorise is None:
        return Callback(join_signed)
    return Callback(join_async if iscoroutinefunction(authorise) else join_sync)


def _enter(socket: Socket, room: str | None) -> Data:
    if room is None:
        raise EventError("forbidden", "expected a signed room, or one that the server opens to you")
    limit, rooms = conf.current().max_rooms, socket.rooms
    if len(rooms) >= limit and room not in rooms:
        raise EventError("forbidden", f"expected at most {limit} rooms: leave one before")
    socket.join(room)
    return {"room": room, "epoch": None, "seq": 0, "recovered": False}


async def _leave(socket: Socket, data: Data) -> Data:
    asked = _asked(data)
    room = _unsigned(asked) or asked
    socket.leave(room)
    return {"room": room}


LEAVE = Callback(_leave)


def _asked(data: Data) -> str:
    room = data.get("room")
    if isinstance(room, str) and 0 < len(room) <= MAX_ROOM_LENGTH:
        return room
    raise EventError("invalid", f"expected a room's name of 1 to {MAX_ROOM_LENGTH} characters")


def _unsigned(asked: str) -> str | None:
    try:
        return Signer(salt=SALT).unsign(asked)
    except BadSignature:
        return None
