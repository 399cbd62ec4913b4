"""The chat, ``/ws/chat/<room>``. Its callbacks are sync functions, since they use the database.

A page that was disconnected gets what it has missed from the history of its room, whichever worker
it reconnects to. The last messages for a new page come from the database.
"""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from c10kws.events import EventError, EventSocket, Socket
from chat import people
from chat.models import Message

#: Number of messages for a new page.
LAST = 50

chat = EventSocket("/chat/<room>", history={"*": {"size": 200, "ttl": 600}})


@chat.on("open")
def check_room(socket: Socket) -> None:
    """Refuse a room whose name does not fit into the database."""
    try:
        Message._meta.get_field("room").run_validators(socket.kwargs["room"])
    except ValidationError as error:
        raise EventError("invalid", " ".join(error.messages)) from None


@chat.may_join
def may_join(socket: Socket, room: str) -> bool:
    """Allow a client to join the room of its URL."""
    return bool(room == socket.kwargs["room"])


@chat.on
def enter(socket: Socket, data: dict[str, Any]) -> dict[str, Any]:
    """Set or change the name of a client, or note that it is here; return the names in the room."""
    room = socket.kwargs["room"]
    name = read(data, "name")
    before = people.names_in(room)
    people.see(room, name, socket.id)
    socket.state.name = name
    names = people.names_in(room)
    if names != before:
        chat.to(room).emit("people", {"names": names})
    return {"names": names}


@chat.on
def last(socket: Socket) -> dict[str, Any]:
    """Return the last messages of the room."""
    messages = Message.objects.filter(room=socket.kwargs["room"]).order_by("-id")[:LAST]
    return {"messages": [as_data(message) for message in reversed(messages)]}


@chat.on
def say(socket: Socket, data: dict[str, Any]) -> None:
    """Save a message. It is sent to the room when the transaction has committed."""
    room = socket.kwargs["room"]
    if not hasattr(socket.state, "name"):
        raise EventError("forbidden", "enter the room with a name first")
    with transaction.atomic():
        message = Message.objects.create(room=room, name=socket.state.name, text=read(data, "text"))
        chat.to(room).emit("said", as_data(message))


@chat.on("close")
def leave(socket: Socket) -> None:
    """Send the new list of people to the room, which the client has left."""
    people.remove(socket.id)
    room = socket.kwargs["room"]
    chat.to(room).emit("people", {"names": people.names_in(room)})


def read(data: dict[str, Any], field: str) -> str:
    """Return a text from a client, if it fits into this field of Message."""
    text = data.get(field)
    limit = Message._meta.get_field(field).max_length
    if not isinstance(text, str) or not 0 < len(text.strip()) <= limit:
        raise EventError("invalid", f"the {field} must have 1 to {limit} characters")
    return text.strip()


def as_data(message: Message) -> dict[str, Any]:
    return {"id": message.id, "name": message.name, "text": message.text, "at": message.at}
