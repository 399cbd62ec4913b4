"""A response's body as bytes for the connection (RFC 9112 §6, §7)."""

from __future__ import annotations

from collections.abc import Sequence

from .responsehead import ResponseHead

LAST_CHUNK = b"0\r\n\r\n"


class ResponseFraming:
    """The framing of one body: in chunks if its length is unknown and the client knows HTTP/1.1."""

    __slots__ = ("_head", "chunked")

    def __init__(self, head: ResponseHead, *, method: str, version: str) -> None:
        self._head = head
        self.chunked = head.length is None and version == "HTTP/1.1" and head.has_body(method)

    def encode_head(self) -> bytes:
        """Return the bytes of the head."""
        if self.chunked:
            return self._head.encode(("Transfer-Encoding", "chunked"))
        return self._head.encode()

    def encode_piece(self, data: bytes) -> bytes:
        """Return the bytes of a piece of the body that is not empty."""
        return b"%x\r\n%b\r\n" % (len(data), data) if self.chunked else data

    @property
    def end(self) -> bytes:
        """The bytes at the end of the body."""
        return LAST_CHUNK if self.chunked else b""

    def encode_whole(self, parts: Sequence[bytes]) -> bytes:
        """Return a complete response as one bytes object."""
        data = b"".join(parts)
        if not self.chunked:
            return self.encode_head() + data
        return b"".join([self.encode_head(), self.encode_piece(data) if data else b"", LAST_CHUNK])
