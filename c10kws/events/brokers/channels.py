"""Names of channels. Each group of clients that may get the same events has a channel."""

from __future__ import annotations


def members_of(path: str) -> str:
    """Return the channel of all clients of an EventSocket."""
    return f"all:{path}"


def room_of(path: str, room: str) -> str:
    """Return the channel of a room of an EventSocket."""
    return f"room:{path}:{room}"


def bar_of(path: str, key: str) -> str:
    """Return the channel of a progress bar, or of one key of it."""
    return f"bar:{path}:{key}"
