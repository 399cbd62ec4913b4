"""``MeteredProtocol``: a ServerProtocol whose peer may send at a limited rate."""

from __future__ import annotations

from typing import Any

from .closing import State
from .messages import Message
from .rates import Meter
from .server import ServerProtocol


class MeteredProtocol(ServerProtocol):
    """A subclass, so that connections without a rate pay nothing for it.

    Messages above the rate are not returned. They are reported as
    :class:`~c10kws.protocol.received.RateExceeded`. Bytes are counted as received, with the heads
    of frames and before decompression.
    """

    __slots__ = ("_meter",)

    def __init__(self, meter: Meter, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._meter = meter

    @property
    def meter(self) -> Meter | None:
        """The meter."""
        return self._meter

    def receive_data(self, data: bytes) -> list[Message]:
        """Return the next messages that the rate allows; see :class:`ServerProtocol`."""
        return self._measure(len(data), super().receive_data(data))

    def receive_long(self, view: memoryview[int]) -> list[Message]:
        """Return the next messages that the rate allows; see :class:`ServerProtocol`."""
        return self._measure(len(view), super().receive_long(view))

    def _measure(self, size: int, messages: list[Message]) -> list[Message]:
        if self.state is State.OPEN:
            exceeded = self._meter.measure(size, messages)
            if exceeded is not None:
                self._report(exceeded)
        return messages
