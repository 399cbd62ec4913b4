"""Discarding the frames that come after our Close, up to the Close of the peer (RFC 6455 §7.1)."""

from __future__ import annotations

from .closing import Close, CloseCode, State, failure
from .frames import CLOSE, Mask, is_broken, read_head

#: How the closing handshake ended: CLOSED by the peer's Close, FAILED by a broken frame.
End = tuple[State, Close]
_BROKEN: End = State.FAILED, failure(CloseCode.PROTOCOL_ERROR)


class Discarder:
    """Reader that goes from head to head and keeps no payload, however much the peer sends.

    §5.5.1: "there is no guarantee that the endpoint that has already sent a Close frame will
    continue to process data". ``remaining`` is the number of bytes that are still to come of the
    frame under way.
    """

    __slots__ = ("_data", "_mask", "_remaining")

    def __init__(self, remaining: int, mask: Mask) -> None:
        self._remaining = remaining
        self._mask = mask
        self._data = b""  # a head or a Close that is not whole

    def discard(self, data: bytes) -> End | None:
        """Discard the frames in ``data``; return how the closing handshake ended, when it has."""
        data = self._data + data
        position = 0
        while True:
            step = min(self._remaining, len(data) - position)
            self._remaining -= step
            position += step
            head = None if self._remaining else read_head(data, position)
            if head is None:
                break
            size, body = head
            if is_broken(data[position], size, compresses=True):
                return _BROKEN
            if data[position] == CLOSE:
                if body + size > len(data):
                    break
                return self._end(data[body - 4 : body], data[body : body + size])
            position, self._remaining = body, size
        self._data = data[position:]
        return None

    def _end(self, key: bytes, payload: bytes) -> End:
        close = Close.from_payload(self._mask(key, payload))
        return _BROKEN if close is None else (State.CLOSED, close)
