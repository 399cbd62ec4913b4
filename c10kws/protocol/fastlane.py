"""The fast lane: plain data frames, read without wsproto.

A plain frame is final, masked, of opcode text or binary, without reserved bits, with the shortest
form of its length and within the limit of a message. It is a whole message, and no other frame
changes its meaning. So it can be read here wherever a message may begin: between two frames, when
no message in fragments is under way. A frame that is not plain, or a text that is not UTF-8, is
left where it begins; wsproto reads it from its first byte, and refuses it if need be.

``FAST_LANE = False`` leaves the lane out. Both ways give the same messages and the same errors
(``tests/protocol/test_lanes.py``).
"""

from __future__ import annotations

from codecs import utf_8_decode

from .closing import Close, CloseCode, failure
from .frames import BINARY, MASKED, TEXT, Mask, read_head
from .messages import Message, PayloadBuffer


def read_frames(data: bytes, start: int, messages: list[Message], mask: Mask, limit: int) -> int:
    """Append the messages of the whole plain frames that begin at ``start``.

    Return where it stopped: the end, or the first byte of a frame that is not whole or not plain.
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

    __slots__ = ("_cut_character", "_is_text", "_key", "_mask", "_payload", "left", "result")

    def __init__(self, first: int, key: bytes, size: int, mask: Mask) -> None:
        self.left = size  # bytes of payload that are still to come
        self.result: Message | Close | None = None
        self._is_text = first == TEXT
        self._key = key
        self._mask = mask
        self._payload = PayloadBuffer()
        self._cut_character = b""

    def read(self, data: bytes, start: int) -> int:
        """Read the bytes at ``start`` that belong to the frame; return where to continue."""
        stop = min(start + self.left, len(data))
        size = stop - start
        payload = self._mask(self._key, data[start:stop])
        self._key = self._key[size % 4 :] + self._key[: size % 4]
        self.left -= size
        try:
            self._payload.add(self._decode(payload) if self._is_text else payload)
        except UnicodeDecodeError:
            # §8.1: the connection fails, here as soon as the text cannot become valid.
            self.result = failure(CloseCode.INVALID_DATA)
            return start
        if not self.left:
            self.result = self._payload.join()
        return stop

    def _decode(self, payload: bytes) -> str:
        payload = self._cut_character + payload
        text, used = utf_8_decode(payload, "strict", not self.left)
        self._cut_character = payload[used:]
        return text
