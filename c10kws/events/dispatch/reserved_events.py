"""Events of the protocol itself (version 1): ``ws:ping``, ``ws:join``, ``ws:leave``."""

from __future__ import annotations

from typing import Any

from ..clients.socket import Socket
from ..frames.envelope import Frame
from .bindings import Authorise
from .callback import Action, Callback
from .joining import Joining
from .replies import Replies
from .room_names import read_signed, room_of
from .thread_calls import ThreadCalls

Object = dict[str, Any]


def find(
    frame: Frame, authorise: Authorise | None, replies: Replies, threads: ThreadCalls
) -> Action | None:
    """Return what handles an event of the protocol; None if it is answered, or unknown."""
    match frame.event:
        case "ws:ping":
            replies.pong()
        case "ws:join":
            return Joining(frame, authorise, replies, threads)
        case "ws:leave":
            return LEAVE
    return None


async def _leave(socket: Socket, data: Object) -> Object:
    name = room_of(data)
    room = read_signed(socket, name, ignore_age=True) or name
    socket.leave(room)
    return {"room": room}


LEAVE = Callback(_leave)
