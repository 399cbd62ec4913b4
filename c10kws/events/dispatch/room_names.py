"""The names of rooms in the frames of clients."""

from __future__ import annotations

from typing import Any

from ..clients.socket import Socket
from ..exceptions import EventError
from ..rooms.signed_names import MAX_ROOM_LENGTH, Expired, is_signed, read


def room_of(data: dict[str, Any]) -> str:
    """Return the name in ``room``. Raises :exc:`EventError`."""
    room = data.get("room")
    if isinstance(room, str) and 0 < len(room) <= MAX_ROOM_LENGTH:
        return room
    raise EventError("invalid", f"the name of a room has 1 to {MAX_ROOM_LENGTH} characters")


def read_signed(socket: Socket, name: str, *, ignore_age: bool = False) -> str | None:
    """Return the room of a signed name; None if it is not valid for this client.

    Raises :exc:`EventError` for a name that has expired.
    """
    if not is_signed(name):
        return None
    user = getattr(socket.connection, "user", None)  # None without AuthenticationMiddleware
    try:
        return read(name, socket.endpoint.path, user, ignore_age=ignore_age)
    except Expired:
        text = "the signed name of this room has expired; reload the page"
        raise EventError("forbidden", text) from None
