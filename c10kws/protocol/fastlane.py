"""The fast lane: plain data frames, read without wsproto.

A plain frame is final and masked. Its opcode is text or binary, its reserved bits are 0, its length
has the shortest form and is within the limit of a message. Such a frame is a whole message, and no
other frame changes its meaning. So it can be read here wherever a message may begin: between two
frames, while no message in fragments is under way. The lane stops at the first byte of any other
frame, and of a text that is not UTF-8: that is a data frame for wsproto, which refuses it.

``FAST_LANE = False`` turns the lane off. Messages and errors are the same with it and without it
(``tests/protocol/test_lanes.py``).
"""

from __future__ import annotations

from codecs import utf_8_decode
from collections.abc import Callable
from typing import TypeVar

from .closing import Close, CloseCode, failure
from .frames import BINARY, MASKED, TEXT, Mask, read_head
from .messages import Message, PayloadBuffer

#: Received data: bytes, or a view of a buffer.
Data = TypeVar("Data", bytes, "memoryview[int]")


def read_frames(
    data: Data, start: int, messages: list[Message], mask: Callable[[Data, Data], bytes], limit: int
) -> int:
    """Append the messages of the whole plain frames that begin at ``start``.

    Return the position where it stopped: the end of the data, or the first byte of a frame that is
    not whole or not plain.
    """
    end = len(data)
    while end - start > 5:
        first = data[start]
        size = data[start + 1] - MASKED
        body = start + 6
        if size >= 126:
            head = read_head(data, start)
            if head is None:
                return start
            size, body = head
        stop = body + size
        if stop > end or not 0 <= size <= limit:
            return start
        if first == TEXT:
            try:
                messages.append(mask(data[body - 4 : body], data[body:stop]).decode())
            except UnicodeDecodeError:
                return start
        elif first == BINARY:
            messages.append(mask(data[body - 4 : body], data[body:stop]))
        else:
            return start
        start = stop
    return start


class PlainFrame:
    """A plain frame whose payload comes in pieces; each is unmasked and decoded once.

    ``result`` is the message when the frame is whole, or a Close when its text is not UTF-8.
    """

    __slots__ = ("_cut_character", "_is_text", "_key", "_mask", "_payload", "remaining", "result")

    def __init__(self, first: int, key: bytes, size: int, mask: Mask) -> None:
        self.remaining = size  # bytes of payload that are still to come
        self.result: Message | Close | None = None
        self._is_text = first == TEXT
        self._key = key
        self._mask = mask
        self._payload = PayloadBuffer()
        self._cut_character = b""

    def read(self, data: bytes, start: int) -> int:
        """Read the bytes at ``start`` that belong to the frame; return where to continue."""
        stop = min(start + self.remaining, len(data))
        size = stop - start
        payload = self._mask(self._key, data[start:stop])
        self._key = self._key[size % 4 :] + self._key[: size % 4]
        self.remaining -= size
        try:
            self._payload.add(self._decode(payload) if self._is_text else payload)
        except UnicodeDecodeError:
            # §8.1: the connection fails, here as soon as the text cannot become valid.
            self.result = failure(CloseCode.INVALID_DATA)
            return start
        if not self.remaining:
            self.result = self._payload.join()
        return stop

    def _decode(self, payload: bytes) -> str:
        payload = self._cut_character + payload
        text, used = utf_8_decode(payload, "strict", not self.remaining)
        self._cut_character = payload[used:]
        return text
