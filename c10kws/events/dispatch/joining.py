"""``Joining``: handles ``ws:join``, and sends the messages that the client has missed."""

from __future__ import annotations

from typing import Any

from asgiref.sync import iscoroutinefunction

from ... import conf
from ..brokers.history import Position
from ..clients.socket import Socket
from ..exceptions import EventError
from ..frames.envelope import Frame
from ..rooms.signed_names import is_signed
from .bindings import Authorise
from .callback import ANSWERED
from .replies import Replies
from .room_names import read_signed, room_of
from .thread_calls import ThreadCalls


class Joining:
    """Authorises a client, adds it to the room, answers, and sends the messages it has missed."""

    is_async = True

    def __init__(
        self, frame: Frame, authorise: Authorise | None, replies: Replies, threads: ThreadCalls
    ) -> None:
        self._frame = frame
        self._authorise = authorise
        self._replies = replies
        self._threads = threads

    async def call(self, source: object, socket: Socket, data: dict[str, Any]) -> object:
        """Handle the frame; called as a callback. Raises :exc:`EventError`."""
        name, since = room_of(data), since_of(data)
        in_it = since is not None and name in socket.rooms  # the server has added the client
        room = name if in_it else await self._find(socket, name)
        limit, rooms = conf.current().max_rooms, socket.rooms
        if len(rooms) >= limit and room not in rooms:
            raise EventError("forbidden", f"you are in {limit} rooms, the limit; leave one first")
        await self._enter(socket, room, since)
        return ANSWERED

    async def _find(self, socket: Socket, name: str) -> str:
        """Return the room that a client may join by this name."""
        if is_signed(name):
            room = read_signed(socket, name)
        else:
            room = name if await self._is_allowed(socket, name) else None
        if room is None:
            raise EventError(
                "forbidden",
                "you may not join this room, or its signed name is not valid for you",
            )
        return room

    async def _is_allowed(self, socket: Socket, name: str) -> bool:
        authorise = self._authorise
        if authorise is None:
            return False
        if iscoroutinefunction(authorise):
            return bool(await authorise(socket, name))
        results: list[Any] = []
        await self._threads.call(lambda: results.append(authorise(socket, name)))
        return bool(results[0])

    async def _enter(self, socket: Socket, room: str, since: Position | None) -> None:
        socket.join(room)
        audience = socket.endpoint.audience_of(room)
        if audience is None:  # the client has disconnected in the meantime
            return
        audience.hold(socket)  # in the same turn of the event loop, so no message is missed
        history = None
        try:
            if await audience.confirm():
                history = await audience.read(since)
            position = None if history is None else history.position
            reply = {
                "room": room,
                "epoch": position and position.epoch,
                "seq": 0 if position is None else position.seq,
                "recovered": history is not None and history.recovered,
            }
            self._replies.reply(self._frame, reply)
        finally:
            audience.release(socket, history, since)


def since_of(data: dict[str, Any]) -> Position | None:
    """Return the position in ``since``; None if it is missing or not valid."""
    since = data.get("since")
    if isinstance(since, dict):
        epoch, seq = since.get("epoch"), since.get("seq")
        if isinstance(epoch, str) and len(epoch) <= MAX_EPOCH_LENGTH and type(seq) is int:
            return Position(epoch, seq)
    return None


#: Longest epoch of all brokers, in characters.
MAX_EPOCH_LENGTH = 128
