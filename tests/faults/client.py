"""``Client``: a client of the chat, which comes back and resumes as the JavaScript client does."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from c10kws.events.frames.envelope import SUBPROTOCOL

ROOMS = ("kept", "plain")
#: Seconds before a client connects again.
PAUSE = 0.1


@dataclass(frozen=True)
class Heard:
    """A number that has arrived; ``at`` is the time at which it was emitted."""

    sender: str
    number: int
    at: float
    received: float


@dataclass(frozen=True)
class Reset:
    """The news that messages were lost."""


Item = Heard | Reset


class Client:
    """Joins both rooms and keeps all that it hears, by room. It filters nothing.

    With ``stay`` it disconnects after these seconds, again and again, and resumes. ``resting``
    stops that.
    """

    def __init__(self, ports: Sequence[int], stay: float | None = None) -> None:
        self._ports = ports
        self.stay = stay
        self.resting = False
        self.items: dict[str, list[Item]] = {room: [] for room in ROOMS}
        self.outcomes: list[dict[str, Any]] = []
        self.joined = asyncio.Event()
        self.pid = 0
        self.losses = 0  # of connections, without those of ``stay``
        self._positions: dict[str, dict[str, Any]] = {}
        self._early: dict[str, list[dict[str, Any]]] = {}
        self._joins = 0  # of this connection, answered
        self._connection: ClientConnection | None = None
        self._connected = 0  # connections so far
        self._task = asyncio.create_task(self._run())

    def forget(self) -> None:
        """Forget what it has heard."""
        self.items = {room: [] for room in ROOMS}
        self.outcomes = []
        self.losses = 0

    async def close(self) -> None:
        """Disconnect for good."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def send(self, event: str, data: dict[str, Any]) -> bool:
        """Send an event; return False if there is no connection."""
        if self._connection is None or not self.joined.is_set():
            return False
        try:
            await self._connection.send(json.dumps({"event": event, "data": data}))
        except (WebSocketException, OSError):
            return False
        return True

    def last(self, room: str, sender: str) -> Heard | None:
        """Return the last number of a sender."""
        for item in reversed(self.items[room]):
            if isinstance(item, Heard) and item.sender == sender:
                return item
        return None

    async def _run(self) -> None:
        while True:
            port = self._ports[self._connected % len(self._ports)]
            self._connected += 1
            try:
                async with connect(
                    f"ws://127.0.0.1:{port}/events/chat",
                    subprotocols=[SUBPROTOCOL],  # type: ignore[list-item]
                    ping_interval=None,
                    compression=None,
                    max_queue=None,
                    proxy=None,
                ) as connection:
                    await self._talk(connection)
            except TimeoutError:
                continue  # it has stayed long enough
            except (WebSocketException, OSError):
                self.losses += 1
            finally:
                self._connection = None
                self.joined.clear()
            await asyncio.sleep(PAUSE)

    async def _talk(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._early = {room: [] for room in self._positions}
        self._joins = 0
        await connection.send(json.dumps({"event": "who", "id": "who"}))
        for room in ROOMS:
            data = {"room": room, "since": self._positions.get(room)}
            await connection.send(json.dumps({"event": "ws:join", "data": data, "id": room}))
        try:
            async with asyncio.timeout(None if self.resting else self.stay):
                async for text in connection:
                    self._handle(json.loads(text))
        except TimeoutError:
            connection.transport.abort()  # as a network does
            raise
        raise OSError("the server has closed the connection")

    def _handle(self, frame: dict[str, Any]) -> None:
        data, room = frame["data"], frame.get("room")
        match frame["event"]:
            case "number" if room in self._early and "seq" in frame:
                self._early[room].append(frame)  # it follows the answer again
            case "number":
                self._hear(room, frame)
            case "ws:reset" if "room" in data:
                self._move(data["room"], data)
                self.items[data["room"]].append(Reset())
            case "ws:reply" if frame["re"] == "who":
                self.pid = data["pid"]
            case "ws:reply":
                self._enter(data)
            case "outcome":
                self.outcomes.append(data)
            case "ws:error":
                raise AssertionError(frame)

    def _hear(self, room: str, frame: dict[str, Any]) -> None:
        self._move(room, frame)
        data = frame["data"]
        heard = Heard(data["sender"], data["number"], data["at"], time.time())
        self.items[room].append(heard)

    def _move(self, room: str, place: dict[str, Any]) -> None:
        if place.get("epoch") is not None:
            self._positions[room] = {"epoch": place["epoch"], "seq": place["seq"]}

    def _enter(self, answer: dict[str, Any]) -> None:
        room = answer["room"]
        self._early.pop(room, None)
        if not answer["recovered"]:
            self._move(room, answer)
            if self._connected > 1:
                self.items[room].append(Reset())
        self._joins += 1
        if self._joins == len(ROOMS):
            self.joined.set()
