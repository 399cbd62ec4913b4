"""The room of the talk, with its history. WebSockets in it get the same events as long polls."""

from __future__ import annotations

from c10kws.events import EventSocket, Socket

NAME = "talk"

talk = EventSocket("/talk", history={NAME: {"size": 200, "ttl": 3600}})
#: Its events are ``join``, ``say`` and ``part``.
room = talk.to(NAME)


@talk.may_join
def may_join(socket: Socket, name: str) -> bool:
    """Allow every client to read the talk."""
    return name == NAME
