"""The head of a response: what the application said, as HTTP allows it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from email.utils import formatdate
from types import TracebackType
from typing import Any

from tornado.httputil import HTTPHeaders, HTTPInputError, ResponseStartLine

from ..safelogger import get_logger

logger = get_logger("c10kws_tornado")

Headers = list[tuple[str, str]]
ExcInfo = tuple[type[BaseException], BaseException, TracebackType] | tuple[None, None, None]

_STATUS = re.compile(r"([1-9][0-9]{2})(?: ([\t\x20-\x7e\x80-\xff]*))?")
#: PEP 3333: "applications … are forbidden from using HTTP/1.1 hop-by-hop features". "Connection:
#: close" is taken as a wish.
HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
#: They describe a body, and an informational response has none (RFC 9110 §15.2).
ENTITY = frozenset(
    {
        "content-encoding",
        "content-language",
        "content-length",
        "content-range",
        "content-type",
        "etag",
        "last-modified",
    }
)


@dataclass(slots=True)
class Head:
    """A status line and headers that are ready to be written."""

    start_line: ResponseStartLine
    headers: HTTPHeaders
    close: bool
    length: int | None

    @property
    def code(self) -> int:
        """The status code."""
        return self.start_line.code

    def encode(self) -> bytes:
        """Return the bytes of the head (RFC 9112 §2.1)."""
        version, code, reason = self.start_line
        fields = "".join([f"{name}: {value}\r\n" for name, value in self.headers.get_all()])
        return f"{version} {code} {reason}\r\n{fields}\r\n".encode("latin-1")

    def has_body(self, method: str) -> bool:
        """True when a body may follow (RFC 9110 §6.4.1)."""
        return method != "HEAD" and self.code >= 200 and self.code not in (204, 304)


class ShortBody(Exception):
    """Less came than the head has promised."""


class Outgoing:
    """A head and its body, of which goes out what Content-Length and status allow."""

    def __init__(self, head: Head, method: str) -> None:
        self.head = head
        self.overrun = False
        self._has_body = head.has_body(method)
        self._sent = 0

    def fit(self, data: bytes) -> bytes:
        """Return what may be sent of a chunk. Raises TypeError if it is not bytes (PEP 3333)."""
        if not isinstance(data, bytes):
            raise TypeError(f"expected a body of bytes, not of {type(data).__name__}")
        if not self._has_body:
            return b""
        if self.head.length is not None:
            room = self.head.length - self._sent
            self.overrun = len(data) > room
            data = data[:room]
        self._sent += len(data)
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
    def complete(self) -> bool:
        """True when no further data can be sent."""
        return self.overrun or not self._has_body

    @property
    def whole(self) -> bool:
        """True when all of the body has come that Content-Length promises."""
        return self._has_body and self._sent == self.head.length

    def check_end(self) -> None:
        """Raise :exc:`ShortBody` when the body has ended too soon."""
        if self._has_body and self.head.length is not None and self._sent < self.head.length:
            raise ShortBody(
                f"the body has {self._sent} bytes and its Content-Length is {self.head.length}"
            )


def make_head(status: str, headers: Headers, *, upgrade: str | None = None) -> Head:
    """Return the head for what the application passed to ``start_response``.

    ``upgrade`` is what the client asked to upgrade to: it is named in a 101, and in a 426
    "websocket" is (RFC 9110 §7.8). Raises ValueError for what must not go out.
    """
    match = _STATUS.fullmatch(status)
    if match is None:
        raise ValueError(f"expected a status as '200 OK', not {status!r}")
    code = int(match[1])
    result = HTTPHeaders()
    close = False
    for name, value in headers:
        lower = name.lower()
        if lower == "connection" and value.strip().lower() == "close":
            close = True
        elif lower in HOP_BY_HOP:
            logger.warning("the application's header %s: %s is the server's; dropped", name, value)
        elif not (code < 200 and lower in ENTITY):
            _add(result, name, value)
    if code in (101, 426):
        result["Connection"] = "Upgrade"
        result["Upgrade"] = upgrade if upgrade and code == 101 else "websocket"
    elif "Date" not in result:
        result["Date"] = formatdate(usegmt=True)
    if close:
        result["Connection"] = "close" if code != 426 else "close, Upgrade"
    return Head(ResponseStartLine("HTTP/1.1", code, match[2] or ""), result, close, _length(result))


def asks_to_close(environ: Mapping[str, Any]) -> bool:
    """Return True when a client asks to close the connection after the response.

    RFC 9110 §7.6.1: ``close`` may be one of a list. Tornado recognizes it alone only.
    """
    options = environ.get("HTTP_CONNECTION", "")
    return "close" in options.lower() and "close" in map(str.strip, options.lower().split(","))


def make_final_head(status: str, headers: Headers, *, version: str, close: bool) -> Head:
    """Return the head of a response that ends the request, for the client's HTTP version."""
    head = make_head(status, headers)
    if head.code < 200:
        raise ValueError(f"expected a final status, not {status!r}")
    if head.length is not None and head.code == 204:
        del head.headers["Content-Length"]  # RFC 9110 §8.6
    if head.length is None and version != "HTTP/1.1":
        head.close = True  # the end of the connection is the end of the body
    if close:
        head.close = True
        head.headers["Connection"] = "close"
    return head


def _add(headers: HTTPHeaders, name: str, value: str) -> None:
    """Django's Set-Cookie begins with a space, which Tornado refuses."""
    try:
        headers.add(name, value.strip(" \t"))
    except HTTPInputError as error:
        raise ValueError(f"expected a legal header, not {name!r}: {value!r}") from error


def _length(headers: HTTPHeaders) -> int | None:
    values = headers.get_list("Content-Length")
    if not values:
        return None
    if len(set(values)) > 1 or not re.fullmatch(r"[0-9]+", values[0]):
        raise ValueError(f"expected one Content-Length, a number, not {values!r}")
    headers["Content-Length"] = values[0]
    return int(values[0])


class StartResponse:
    """PEP 3333's ``start_response``: it remembers the head until the first byte of the body."""

    def __init__(self, write: Callable[[bytes], object], head_sent: Callable[[], bool]) -> None:
        self.status: str | None = None
        self.headers: Headers = []
        self._write = write
        self._head_sent = head_sent

    def __call__(
        self, status: str, headers: Headers, exc_info: ExcInfo | None = None, /
    ) -> Callable[[bytes], object]:
        if exc_info is not None:
            try:
                if self._head_sent() and exc_info[1] is not None:
                    raise exc_info[1].with_traceback(exc_info[2])
            finally:
                exc_info = None
        elif self.status is not None:
            raise AssertionError(
                "start_response was called twice, the second time without exc_info"
            )
        self.status = status
        self.headers = list(headers)
        return self._write


def merge_heads(provisional: Headers, final: Iterable[tuple[str, str]]) -> Headers:
    """Return the headers of a deferred response.

    What middleware put on the ``provisional`` head and ``final`` does not name, then those of
    ``final``. Cookies of both are kept, and a final one of the same name comes last, so that it
    wins; what described the placeholder's body is not kept.
    """
    final = list(final)
    named = {name.lower() for name, _ in final} - {"set-cookie"}
    kept = [
        (name, value)
        for name, value in provisional
        if name.lower() not in named and name.lower() not in ENTITY
    ]
    return kept + final


def plain_error(code: int, reason: str, text: str, *extra: tuple[str, str]) -> tuple[Any, ...]:
    """Return ``(status, headers, body)`` of a refusal by the server itself."""
    body = f"{text}\n".encode()
    headers = [
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Content-Length", str(len(body))),
        *extra,
    ]
    return f"{code} {reason}", headers, body


def unavailable(text: str) -> tuple[str, list[tuple[str, str]], bytes]:
    """Return a 503 with Retry-After: the server may have room a moment later."""
    return plain_error(503, "Service Unavailable", text, ("Retry-After", "1"))


def too_large(limit: int) -> tuple[Any, ...]:
    """Return the refusal of a request whose body is too long (RFC 9110 §15.5.14)."""
    return plain_error(413, "Content Too Large", f"The body of a request may have {limit} bytes.")


def stalled_body() -> tuple[Any, ...]:
    """Return the refusal of a request whose body stalls (RFC 9110 §15.5.9)."""
    text = "The body of the request did not come in time."
    return plain_error(408, "Request Timeout", text)


def encode_refusal(refusal: tuple[Any, ...]) -> bytes:
    """Return the bytes of a refusal after which the connection ends."""
    status, headers, body = refusal
    head = make_head(status, [*headers, ("Connection", "close")])
    encoded: bytes = head.encode() + body
    return encoded
