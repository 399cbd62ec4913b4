"""``JoinedRooms``: the rooms of a test client, and its position in each of them.

It does what ``Rooms`` of ``client.js`` does: it drops duplicates, and remembers where to resume.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

Frame = dict[str, Any]


@dataclass(slots=True)
class _Join:
    """A ``ws:join`` without an answer. With ``since``, what comes before it comes after it, too."""

    asked: str
    room: str
    since: dict[str, Any] | None
    early: list[Frame] = field(default_factory=list)


class JoinedRooms:
    """Gets each frame before the test does. ``positions`` are ``{"epoch", "seq"}`` by room."""

    def __init__(self) -> None:
        self.positions: dict[str, dict[str, Any]] = {}
        self._names: dict[str, str] = {}  # of the rooms that the client has joined, as it did
        self._joins: dict[object, _Join] = {}
        self._server_joined: str | None = None  # the room that is being resumed

    def ask(self, event: str, data: dict[str, Any], request: object) -> None:
        """Note an event that the client sends; ``request`` is its ``id``."""
        asked = data.get("room")
        if not isinstance(asked, str):
            return
        if event == "ws:join":
            room = self._names.get(asked, asked)
            self._joins[request] = _Join(asked, room, data.get("since"))
        elif event == "ws:leave":
            self.positions.pop(self._names.pop(asked, asked), None)

    def hear(self, frame: Frame) -> list[Frame]:
        """Return the frames for the test; there are none for a duplicate."""
        room, seq = frame.get("room"), frame.get("seq")
        if isinstance(room, str) and isinstance(seq, int):
            return [frame] if self._advance(room, seq, frame) else []
        join = self._joins.pop(frame.get("re"), None)
        if join is not None and frame["event"] == "ws:reply":
            return [frame, *self._enter(join, **frame["data"])]
        if join is not None:
            return [frame, *join.early]
        if frame.get("event") == "ws:reset" and frame["data"].get("epoch") is not None:
            data = frame["data"]
            self.positions[data["room"]] = {"epoch": data["epoch"], "seq": data["seq"]}
        return [frame]

    def _advance(self, room: str, seq: int, frame: Frame) -> bool:
        """Note the position of an event; return False if the test must not get it now."""
        for join in self._joins.values():
            if join.since is not None and join.room == room:
                join.early.append(frame)
                return False
        last = self.positions.get(room)
        if last is not None and last["epoch"] == frame["epoch"] and seq <= last["seq"]:
            return False
        self.positions[room] = {"epoch": frame["epoch"], "seq": seq}
        return True

    def _enter(
        self, join: _Join, room: str, epoch: str | None, seq: int, recovered: bool
    ) -> Iterator[Frame]:
        """Note the answer to a join. If messages are missing, yield a ``ws:reset``."""
        again = join.since is not None or join.asked in self._names
        if join.asked != self._server_joined:
            self._names[join.asked] = room
        if epoch is not None:
            last = join.since["seq"] if recovered and join.since else seq
            self.positions[room] = {"epoch": epoch, "seq": last}
        if again and not recovered:
            yield {"event": "ws:reset", "data": {"room": room, "epoch": epoch, "seq": seq}}

    def rejoin(self) -> Iterator[dict[str, Any]]:
        """Yield the data of each ``ws:join`` that a new connection begins with.

        The first ones are for rooms that the server has joined.
        """
        self._joins.clear()
        names = list(self._names.items())
        for room in set(self.positions) - {name for _, name in names}:
            self._server_joined = room
            yield {"room": room, "since": self.positions[room]}
        self._server_joined = None
        for asked, room in names:
            yield {"room": asked, "since": self.positions.get(room)}

    def forget(self, asked: str) -> bool:
        """Forget a room that was refused; return True if the client had joined it by itself."""
        joined = asked in self._names
        self.positions.pop(self._names.pop(asked, asked), None)
        return joined
