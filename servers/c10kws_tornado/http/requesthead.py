"""The head of a request: its lines, and the framing of its body (RFC 9112 §3, §5, §6)."""

from __future__ import annotations

import re

from tornado.httputil import HTTPHeaders, HTTPInputError, RequestStartLine

from .headlines import HeaderLine, cached_line, cached_start_line, parse_line, parse_start_line

_DIGITS = re.compile(r"[0-9]+")
#: The characters of a host and its port (RFC 3986 §3.2); a comma would be a list of hosts. Python
#: does not convert a port of thousands of digits.
_HOST = re.compile(r"(?!.*:[0-9]{19})[A-Za-z0-9\-._~!$&'()*+;=%:\[\]]*")
#: Digits that Python converts to a number; a length with more is too long in any case.
MAX_DIGITS = 18


class BadRequest(Exception):
    """Raised for a request that is malformed; the text is the reason."""


class RequestHead:
    """A parsed head. ``fields`` has its headers by their keys in the environ."""

    __slots__ = ("fields", "forwarded", "lines", "size", "start_line", "transfer_encoding")

    def __init__(self, start_line: RequestStartLine, lines: list[HeaderLine], size: int) -> None:
        self.start_line = start_line
        self.lines = lines
        #: The number of bytes of the request line and headers.
        self.size = size
        self.fields: dict[str, str] = {}
        #: Headers that only a trusted proxy may send.
        self.forwarded: dict[str, str] = {}
        self.transfer_encoding: str | None = None
        self._sort_lines()

    def _sort_lines(self) -> None:
        fields = self.fields
        for key, value, _, forwarded in self.lines:
            if forwarded:
                _add(self.forwarded, key, value)
            elif key in fields:
                _add(fields, key, value)
            else:
                fields[key] = value
        fields.pop("", None)
        self.forwarded.pop("", None)
        self.transfer_encoding = fields.pop("HTTP_TRANSFER_ENCODING", None)

    def check(self) -> None:
        """Raise :exc:`BadRequest` for a head that must not be served.

        RFC 9112 §3.2: an HTTP/1.1 request needs one valid Host header, and no request may have
        more. RFC 9112 §3.2.3: CONNECT asks for a tunnel, which an origin server does not offer. A
        proxy may take any successful response for the beginning of a tunnel. RFC 9112 §6.1:
        Transfer-Encoding in HTTP/1.0 is faulty framing, and the connection must be closed. A proxy
        that does not know chunks may parse other requests from these bytes.
        """
        version = self.start_line.version
        if self.start_line.method == "CONNECT":
            raise BadRequest("CONNECT is for proxies")
        if self.transfer_encoding is not None:
            if version == "HTTP/1.0":
                raise BadRequest("Transfer-Encoding in an HTTP/1.0 request")
            self._check_transfer_encoding(self.transfer_encoding)
        if "HTTP_HOST" not in self.fields:
            if version == "HTTP/1.1":
                raise BadRequest("no Host header")
        elif sum(line.key == "HTTP_HOST" for line in self.lines) > 1:
            raise BadRequest("more than one Host header")
        elif _HOST.fullmatch(self.fields["HTTP_HOST"]) is None:
            raise BadRequest("invalid Host header")
        if "CONTENT_LENGTH" in self.fields:
            self._check_length(self.fields["CONTENT_LENGTH"])

    def _check_transfer_encoding(self, value: str) -> None:
        """RFC 9112 §6.3: with a Content-Length the request may be an attempt of smuggling."""
        if "CONTENT_LENGTH" in self.fields:
            raise BadRequest("both Transfer-Encoding and Content-Length")
        if value.lower() != "chunked":
            raise BadRequest(f"unsupported Transfer-Encoding {value!r}")

    @staticmethod
    def _check_length(value: str) -> None:
        """RFC 9112 §6.3: equal lengths in a list are one length."""
        lengths = re.split(r",[ \t]*", value)
        if _DIGITS.fullmatch(lengths[0]) is None or any(each != lengths[0] for each in lengths):
            raise BadRequest(f"invalid Content-Length {value!r}")

    # The attributes below are for heads that were checked.

    @property
    def chunked(self) -> bool:
        """True if the body is in chunks."""
        return self.transfer_encoding is not None

    @property
    def has_body(self) -> bool:
        """True if a body follows, possibly an empty one."""
        return self.transfer_encoding is not None or "CONTENT_LENGTH" in self.fields

    @property
    def length(self) -> int:
        """The Content-Length; 0 without one."""
        value = self.fields.get("CONTENT_LENGTH")
        if value is None:
            return 0
        digits = value.partition(",")[0].lstrip("0") or "0"
        return int(digits) if len(digits) <= MAX_DIGITS else 10**MAX_DIGITS

    @property
    def expects_continue(self) -> bool:
        """True if the client waits for a 100 Continue (RFC 9110 §10.1.1)."""
        expect = self.fields.get("HTTP_EXPECT")
        return (
            expect is not None
            and expect.lower() == "100-continue"
            and self.start_line.version == "HTTP/1.1"
        )

    @property
    def keeps_alive(self) -> bool:
        """True if the connection may be used for another request (RFC 9112 §9.3)."""
        connection = self.fields.get("HTTP_CONNECTION")
        if connection is None:
            return self.start_line.version == "HTTP/1.1"
        if has_option(connection, "close"):
            return False
        if self.start_line.version == "HTTP/1.1":
            return True
        known = self.has_body or self.start_line.method in ("GET", "HEAD")
        return known and connection.lower() == "keep-alive"

    def headers(self, *, trusted: bool) -> HTTPHeaders:
        """Return the headers as Tornado's handlers get them."""
        headers = HTTPHeaders()
        for line in self.lines:
            if trusted or not line.forwarded:
                headers.add(line.name, line.value)
        return headers


def has_option(connection: str, option: str) -> bool:
    """Return True for an option of a Connection header, which is a list (RFC 9110 §7.6.1)."""
    value = connection.lower()
    return value == option or (option in value and option in map(str.strip, value.split(",")))


def _add(fields: dict[str, str], key: str, value: str) -> None:
    """Add a header. RFC 9110 §5.3 joins by a comma, RFC 6265 §5.4 cookies by a semicolon."""
    if key in fields:
        fields[key] += ("; " if key == "HTTP_COOKIE" else ",") + value
    else:
        fields[key] = value


def parse_head(data: bytes | bytearray) -> RequestHead:
    """Parse a head without the empty line at its end. Raises :exc:`BadRequest`.

    RFC 9112 §2.2: a single LF may end a line, but a CR without LF makes the head invalid.
    """
    text = data.decode("latin-1")
    while text[:1] in "\r\n" and text.startswith(("\r\n", "\n")):  # RFC 9112 §2.2
        text = text.partition("\n")[2]
    lines = text.split("\r\n")
    if text.count("\n") >= len(lines):
        lines = [part for line in lines for part in line.split("\n")]
    first = lines[0]
    try:
        start_line = cached_start_line(first) or parse_start_line(first)
        headers = [cached_line(line) or parse_line(line) for line in lines[1:]]
    except HTTPInputError as error:
        raise BadRequest(str(error)) from None
    return RequestHead(start_line, headers, len(data))
