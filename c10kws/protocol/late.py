"""Frames that come after our Close: skipped, up to the Close of the peer (RFC 6455 §7.1)."""

from __future__ import annotations

from . import control, lane
from .closing import REASONS, Close, State
from .mask import Mask

#: How the closing handshake ended: CLOSED by the peer's Close, FAILED by a broken frame.
End = tuple[State, Close]
_BROKEN: End = State.FAILED, Close(1002, REASONS[1002])


class LateFrames:
    """Parser that goes from head to head and keeps no payload, however much the peer sends.

    ``left`` is what is still to come of the frame that was under way when we sent our Close.
    """

    __slots__ = ("_data", "_left", "_mask")

    def __init__(self, left: int, mask: Mask) -> None:
        self._left = left
        self._mask = mask
        self._data = b""  # a head or a Close that is not whole

    def skip(self, data: bytes) -> End | None:
        """Skip the frames in ``data``; return the end when it has come."""
        data = self._data + data
        position = 0
        while True:
            step = min(self._left, len(data) - position)
            self._left -= step
            position += step
            head = None if self._left else lane.read_head(data, position)
            if head is None:
                break
            size, body = head
            if lane.is_broken(data[position], size, compresses=True):
                return _BROKEN
            if data[position] == control.CLOSE:
                if body + size > len(data):
                    break
                return self._close(data[body - 4 : body], data[body : body + size])
            position, self._left = body, size
        self._data = data[position:]
        return None

    def _close(self, key: bytes, payload: bytes) -> End:
        close = control.read_close(self._mask(key, payload))
        return _BROKEN if close is None else (State.CLOSED, Close(*close))
