"""The relay: what a cell says goes to those who listen to it, and into the picture.

It knows names, steps and states, and no rule of the game: a step is a number that grows by one, a
state a digit that it passes on. All of it runs on the event loop, so that it needs no lock.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from c10kws import WebSocket, broadcast

from .grid import Name
from .messages import Refusal, check_name
from .meter import Meter
from .picture import NOBODY, Picture


@dataclass(slots=True, eq=False)
class Publisher:
    """A connected cell: to whom it listens, and what it said last; ``step`` is -1 before that."""

    name: Name
    websocket: WebSocket
    listens: frozenset[Name] = frozenset()
    step: int = -1
    message: str = ""


class Relay:
    """One game: its cells, who listens to whom, and the picture of it for those who watch."""

    def __init__(self) -> None:
        self._publishers: dict[Name, Publisher] = {}
        self._listeners: defaultdict[Name, set[WebSocket]] = defaultdict(set)
        self._picture = Picture()
        self._meter = Meter()

    def enter(self, name: Name, websocket: WebSocket) -> Publisher:
        """Assign a connection to this cell; refuse it when the cell has one."""
        check_name(name)
        holder = self._publishers.get(name)
        if holder is not None and not holder.websocket.closed:
            raise Refusal(4409, f"another client is cell {name[0]},{name[1]}: a game is running")
        if all(publisher.websocket.closed for publisher in self._publishers.values()):
            self._picture = Picture()  # that of the last game stayed until now
        self._picture.paint(name, NOBODY)
        publisher = self._publishers[name] = Publisher(name, websocket)
        return publisher

    def listen(self, publisher: Publisher, names: frozenset[Name]) -> None:
        """Subscribe a cell to these neighbours, beginning with their last state."""
        publisher.listens = names
        for name in names:
            self._listeners[name].add(publisher.websocket)
            other = self._publishers.get(name)
            if other is not None and other.message:
                publisher.websocket.write_message(other.message)
                self._meter.add(1)

    def publish(self, publisher: Publisher, step: int, state: str) -> None:
        """Pass a cell's state on; refuse a step that is not its next one."""
        if step != publisher.step + 1:
            raise Refusal(4400, f"expected step {publisher.step + 1}, not {step}")
        row, column = publisher.name
        publisher.step = step
        publisher.message = f"{row},{column} {step} {state}"
        self._picture.paint(publisher.name, state)
        self._picture.count(step)
        taken = broadcast(self._listeners[publisher.name], publisher.message)
        assert isinstance(taken, int)  # as it is on the event loop
        self._meter.add(taken)

    def leave(self, publisher: Publisher) -> None:
        """Forget a cell, unless another client is it by now; the picture keeps what it said."""
        for name in publisher.listens:
            self._listeners[name].discard(publisher.websocket)
        if self._publishers.get(publisher.name) is publisher:
            del self._publishers[publisher.name]

    def look(self) -> str:
        """Return all that a page shows, as JSON."""
        return self._picture.as_json(connections=len(self._publishers), rate=self._meter.rate)
