"""``Following``: waiting for messages of rooms in coroutines of this process, as in long polls."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from ...handlers.servers import servers
from ..brokers.history import Position
from ..brokers.message import History
from ..exceptions import BrokerUnavailable
from .audience import Audience
from .emitter import UNREADABLE
from .follower import Follower
from .room_events import RoomEvents, write_position

#: Seconds that a room stays subscribed after its last long poll. A client sends the next one at
#: once, or after a pause if it has had an error.
KEEP = 30.0


@dataclass(slots=True)
class _Place:
    """State of a room on one event loop: the number of waiting coroutines, or the closing timer."""

    waiting: int = 0
    timer: asyncio.TimerHandle | None = None


class Following:
    """Opens a room when the first coroutine waits for it, and closes it some time after the last.

    ``open_room`` and ``close_room`` count the users of a room.
    """

    def __init__(
        self,
        open_room: Callable[[str], object],
        close_room: Callable[[str], object],
        audience_of: Callable[[str], Audience | None],
    ) -> None:
        self._open_room = open_room
        self._close_room = close_room
        self._audience_of = audience_of
        self._places: dict[asyncio.AbstractEventLoop, dict[str, _Place]] = {}

    async def wait(self, room: str, since: Position | None, timeout: float) -> RoomEvents:
        """Return the messages after a position; if there is none, wait for the next one.

        Without ``since`` return only the last position. Raises :exc:`BrokerUnavailable`.
        """
        check_event_loop()
        audience = self._enter(room)
        follower = audience.follow()  # before the history is read, so no message is missed
        try:
            history = await _read(audience, since)
            follower.begin(history.position)
            up_to_date = since is not None and history.recovered
            if up_to_date and not history.rows:
                await follower.wait(timeout)
            return _as_events(history, follower, asked=since is not None)
        finally:
            audience.unfollow(follower)
            self._leave(room)

    def _enter(self, room: str) -> Audience:
        self._forget_closed_loops()
        places = self._places.setdefault(asyncio.get_running_loop(), {})
        place = places.get(room)
        if place is None:
            self._open_room(room)
            place = places[room] = _Place()
        elif place.timer is not None:
            place.timer.cancel()
            place.timer = None
        place.waiting += 1
        audience = self._audience_of(room)
        assert audience is not None  # it is open
        return audience

    def _leave(self, room: str) -> None:
        loop = asyncio.get_running_loop()
        place = self._places[loop][room]
        place.waiting -= 1
        if not place.waiting:
            place.timer = loop.call_later(KEEP, self._close, loop, room)

    def _close(self, loop: asyncio.AbstractEventLoop, room: str) -> None:
        places = self._places[loop]
        del places[room]
        if not places:
            del self._places[loop]
        self._close_room(room)

    def _forget_closed_loops(self) -> None:
        """Close the rooms of servers that have stopped, since their timers will never run."""
        for loop in [each for each in list(self._places) if each.is_closed()]:
            for room in self._places.pop(loop, ()):
                self._close_room(room)


def check_event_loop() -> None:
    """Raise RuntimeError on an event loop to which no messages are delivered."""
    loop = asyncio.get_running_loop()
    if not any(state.loop is loop for state in list(servers.running)):
        raise RuntimeError(
            "wait() needs the event loop of the server. Call it in an async def view of "
            "@asynchronous, in a handler of @websocket, or in an async def callback."
        )


async def _read(audience: Audience, since: Position | None) -> History:
    history = await audience.read(since) if await audience.confirm() else None
    if history is None:
        raise BrokerUnavailable(audience.broker, UNREADABLE)
    return history


def _as_events(history: History, follower: Follower, *, asked: bool) -> RoomEvents:
    rows = history.rows if history.recovered else []
    frames = [arrival.message.text for arrival in (*rows, *follower.arrivals)]
    recovered = (history.recovered or not asked) and not follower.lost
    return RoomEvents(frames, write_position(follower.position or history.position), recovered)
