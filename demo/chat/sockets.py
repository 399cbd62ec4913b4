"""The chat, ``/ws/chat/<room>``. Its callbacks are sync functions, since they use the database."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from c10kws.events import EventError, EventSocket, Socket
from chat.models import Message

HISTORY = 50

chat = EventSocket("/chat/<room>")


@chat.on("open")
def check_room(socket: Socket) -> None:
    """Refuse a room whose name does not fit into the database."""
    try:
        Message._meta.get_field("room").run_validators(socket.kwargs["room"])
    except ValidationError as error:
        raise EventError("invalid", " ".join(error.messages)) from None


@chat.on
def enter(socket: Socket, data: dict[str, Any]) -> dict[str, Any]:
    """Set or change the name of a client; return the last messages of the room."""
    room = socket.kwargs["room"]
    socket.state.name = read(data, "name")
    socket.join(room)  # before the query, so that no message is lost; one may come twice
    emit_people(room)
    last = Message.objects.filter(room=room).order_by("-id")[:HISTORY]
    return {"messages": [as_data(message) for message in reversed(last)]}


@chat.on
def say(socket: Socket, data: dict[str, Any]) -> None:
    """Save a message. It is sent to the room when the transaction has committed."""
    room = socket.kwargs["room"]
    if room not in socket.rooms:
        raise EventError("forbidden", "enter the room with a name first")
    with transaction.atomic():
        message = Message.objects.create(room=room, name=socket.state.name, text=read(data, "text"))
        chat.to(room).emit("said", as_data(message))


@chat.on("close")
def leave(socket: Socket) -> None:
    """Send the new list of people to the room, which the client has left."""
    emit_people(socket.kwargs["room"])


def emit_people(room: str) -> None:
    names = [each.state.name for each in chat if room in each.rooms]
    chat.to(room).emit("people", {"names": sorted(names, key=str.casefold)})


def read(data: dict[str, Any], field: str) -> str:
    """Return a text from a client, if it fits into this field of Message."""
    text = data.get(field)
    limit = Message._meta.get_field(field).max_length
    if not isinstance(text, str) or not 0 < len(text.strip()) <= limit:
        raise EventError("invalid", f"the {field} must have 1 to {limit} characters")
    return text.strip()


def as_data(message: Message) -> dict[str, Any]:
    return {"id": message.id, "name": message.name, "text": message.text, "at": message.at}
