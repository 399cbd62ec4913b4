"""The length of a response's body: what Content-Length and the status permit."""

from __future__ import annotations

from collections.abc import Iterable

from .responsehead import ResponseHead


class ShortBody(Exception):
    """Raised when the body is shorter than its Content-Length."""


class ResponseBody:
    """The body after a head, truncated to its Content-Length; empty where none may follow."""

    def __init__(self, head: ResponseHead, method: str) -> None:
        self.head = head
        #: True when the application produced more than its Content-Length.
        self.overrun = False
        self._permitted = head.has_body(method)
        self._size = 0

    def fit(self, data: bytes) -> bytes:
        """Return the part of a chunk that may be sent.

        Raises TypeError for anything but bytes (PEP 3333).
        """
        if not isinstance(data, bytes):
            raise TypeError(f"expected a body of bytes, not of {type(data).__name__}")
        if not self._permitted:
            return b""
        if self.head.length is not None:
            room = self.head.length - self._size
            self.overrun = len(data) > room
            data = data[:room]
        self._size += len(data)
        return data

    def fit_all(self, parts: Iterable[bytes]) -> list[bytes]:
        """Return the parts of a whole body, truncated to its Content-Length.

        Raises :exc:`ShortBody` when the body is shorter than that.
        """
        fitting: list[bytes] = []
        for data in parts:
            fitting.append(self.fit(data))
            if self.overrun:
                break
        self.check_end()
        return fitting

    @property
    def closed(self) -> bool:
        """True when no further data can be sent."""
        return self.overrun or not self._permitted

    @property
    def complete(self) -> bool:
        """True when the body has reached its Content-Length."""
        return self._permitted and self._size == self.head.length

    def check_end(self) -> None:
        """Raise :exc:`ShortBody` when the body ended before its Content-Length."""
        if self._permitted and self.head.length is not None and self._size < self.head.length:
            raise ShortBody(
                f"The body ended after {self._size} bytes; "
                f"its Content-Length is {self.head.length}."
            )
