"""The relay: passes the states of a cell to the cells that listen to it, and paints them.

It knows names, steps and states, but not the rule of the game. A step is a number that grows by
one, a state is a digit. The relay runs on the event loop, so it needs no lock.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from c10kws import WebSocket, broadcast

from .grid import Name
from .messages import Refusal, check_name
from .meter import Meter
from .picture import NO_CELL, Picture


@dataclass(slots=True, eq=False)
class Publisher:
    """A connected cell: the cells it listens to, its last step (at first -1) and message."""

    name: Name
    websocket: WebSocket
    listens: frozenset[Name] = frozenset()
    step: int = -1
    message: str = ""


class Relay:
    """One game: its cells, the cells that listen to each, and the picture for the pages."""

    def __init__(self) -> None:
        self._publishers: dict[Name, Publisher] = {}
        self._listeners: defaultdict[Name, set[WebSocket]] = defaultdict(set)
        self._picture = Picture()
        self._meter = Meter()

    def enter(self, name: Name, websocket: WebSocket) -> Publisher:
        """Assign a connection to this cell; refuse it if the cell has one."""
        check_name(name)
        holder = self._publishers.get(name)
        if holder is not None and not holder.websocket.closed:
            raise Refusal(4409, f"cell {name[0]},{name[1]} has a client; another game is running")
        if all(publisher.websocket.closed for publisher in self._publishers.values()):
            self._picture = Picture()  # the picture of the last game was kept until now
        self._picture.paint(name, NO_CELL)
        publisher = self._publishers[name] = Publisher(name, websocket)
        return publisher

    def listen(self, publisher: Publisher, names: frozenset[Name]) -> None:
        """Subscribe a cell to these neighbours, and send it their last states."""
        publisher.listens = names
        for name in names:
            self._listeners[name].add(publisher.websocket)
            other = self._publishers.get(name)
            if other is not None and other.message:
                publisher.websocket.write_message(other.message)
                self._meter.add(1)

    def publish(self, publisher: Publisher, step: int, state: str) -> None:
        """Send a cell's state to its listeners; refuse a step that is not its next one."""
        if step != publisher.step + 1:
            raise Refusal(4400, f"the next step is {publisher.step + 1}, not {step}")
        row, column = publisher.name
        publisher.step = step
        publisher.message = f"{row},{column} {step} {state}"
        self._picture.paint(publisher.name, state)
        self._picture.count(step)
        taken = broadcast(self._listeners[publisher.name], publisher.message)
        self._meter.add(taken.result())

    def leave(self, publisher: Publisher) -> None:
        """Forget a cell, unless it has another client by now; its state stays in the picture."""
        for name in publisher.listens:
            self._listeners[name].discard(publisher.websocket)
        if self._publishers.get(publisher.name) is publisher:
            del self._publishers[publisher.name]

    def look(self) -> str:
        """Return the picture and the figures for a page, as JSON."""
        return self._picture.as_json(connections=len(self._publishers), rate=self._meter.rate)
