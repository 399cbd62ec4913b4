"""Names of channels. Each group of clients that may get the same events has a channel.

Requests to processes have channels, too. In all other names a word and a colon precede what users
choose, such as the names of rooms, so these names never equal those of requests.
"""

from __future__ import annotations

#: The channel of requests to all processes that serve, such as "list the connections".
CONTROL = "control"


def replies_of(request: str) -> str:
    """Return the channel of the replies to one request."""
    return f"{CONTROL}:{request}"


def members_of(path: str) -> str:
    """Return the channel of all clients of an EventSocket."""
    return f"all:{path}"


def room_of(path: str, room: str) -> str:
    """Return the channel of a room of an EventSocket."""
    return f"room:{path}:{room}"


def bar_of(path: str, key: str) -> str:
    """Return the channel of a progress bar, or of one key of it."""
    return f"bar:{path}:{key}"
