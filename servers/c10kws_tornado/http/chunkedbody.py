"""Decoding of a chunked body (RFC 9112 §7.1); no I/O.

Chunk extensions and trailers are ignored, and limited. A line ends with CRLF: a bare CR or LF in it
is refused, because other programs may treat it as the end of the line. So are other control
characters, and a trailer without a valid name.
"""

from __future__ import annotations

import re

from .requesthead import BadRequest

#: Longest line: a size with its extensions, or a trailer.
MAX_LINE = 4096
#: Most bytes of extensions and trailers in one body.
MAX_IGNORED = 65536
_SIZE = re.compile(rb"([0-9A-Fa-f]+)(?:[ \t]*;(.*))?", re.DOTALL)
_TRAILER = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+:.*", re.DOTALL)
_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_CRLF = b"\r\n"


class ChunkedBody:
    """One body. Pass it all received bytes that were not consumed yet."""

    __slots__ = ("_ignored", "_in_trailers", "_left", "ended")

    def __init__(self) -> None:
        #: Bytes of the current chunk, with its CRLF, that were not decoded; None before its size.
        self._left: int | None = None
        self._in_trailers = False
        self._ignored = 0
        #: True when the body is complete.
        self.ended = False

    def decode(self, data: bytearray) -> bytes:
        """Remove all complete parts from the beginning of ``data`` and return their content.

        Raises :exc:`BadRequest`.
        """
        decoded: list[bytes] = []
        position = 0
        while not self.ended:
            if self._left is None:
                end = self._decode_line(data, position)
            else:
                end = self._decode_content(data, position, decoded)
            if end == position:
                break
            position = end
        del data[:position]
        return b"".join(decoded)

    def _decode_content(self, data: bytearray, position: int, decoded: list[bytes]) -> int:
        """Decode a part of a chunk and the CRLF at its end; return the next position."""
        assert self._left is not None
        if self._left > 2:
            part = bytes(data[position : position + self._left - 2])
            decoded.append(part)
            self._left -= len(part)
            return position + len(part)
        end = position + self._left
        if not _CRLF[2 - self._left :].startswith(data[position:end]):
            raise BadRequest("a chunk is longer than its size")
        if len(data) < end:
            return position
        self._left = None
        return end

    def _decode_line(self, data: bytearray, position: int) -> int:
        """Decode the size of a chunk, or skip a trailer; return the next position."""
        end = data.find(_CRLF, position, position + MAX_LINE + 2)
        if end < 0:
            self._check_incomplete(data, position)
            return position
        line = bytes(data[position:end])
        if self._in_trailers:
            self._skip_trailer(line)
        else:
            self._parse_size(line)
        return end + 2

    @staticmethod
    def _check_incomplete(data: bytearray, position: int) -> None:
        if len(data) - position > MAX_LINE:
            raise BadRequest("a line of the chunked body is too long")
        if b"\n" in data[position:]:
            raise BadRequest("a line of the chunked body ends with a bare LF")

    def _parse_size(self, line: bytes) -> None:
        match = _SIZE.fullmatch(line)
        if match is None:
            raise BadRequest("invalid chunk size")
        self._ignore(match[2] or b"")
        size = int(match[1], 16)
        if size:
            self._left = size + 2
        else:
            self._in_trailers = True

    def _skip_trailer(self, line: bytes) -> None:
        """RFC 9112 §7.1.2: trailers must not become headers of the request."""
        if not line:
            self.ended = True
        elif _TRAILER.fullmatch(line) is None:
            raise BadRequest("a trailer without a valid name")
        else:
            self._ignore(line)

    def _ignore(self, ignored: bytes) -> None:
        """Count ignored bytes, and refuse control characters (RFC 9110 §5.5)."""
        self._ignored += len(ignored)
        if self._ignored > MAX_IGNORED:
            raise BadRequest("too many chunk extensions and trailers")
        if _CONTROL.search(ignored) is not None:
            raise BadRequest("a control character in a line of the chunked body")
