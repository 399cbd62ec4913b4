"""The head of a response: the application's status and headers, as HTTP permits them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from email.utils import formatdate
from typing import Any

from tornado.httputil import HTTPHeaders, HTTPInputError, ResponseStartLine

from ..safelogger import get_logger

logger = get_logger("c10kws_tornado")

Headers = list[tuple[str, str]]

_STATUS = re.compile(r"([1-9][0-9]{2})(?: ([\t\x20-\x7e\x80-\xff]*))?")
#: PEP 3333: "applications … are forbidden from using HTTP/1.1 hop-by-hop features". The server
#: honors only "Connection: close".
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
#: Headers that describe a body. An informational response has none (RFC 9110 §15.2).
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
class ResponseHead:
    """A status line and headers, ready to be written.

    ``close`` is true when the connection ends with the response; ``length`` is the Content-Length.
    """

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


def make_head(status: str, headers: Headers, *, upgrade: str | None = None) -> ResponseHead:
    """Return the head for the arguments of ``start_response``.

    ``upgrade`` is the protocol that the client asked for. A 101 names it; a 426 names "websocket"
    (RFC 9110 §7.8). Raises ValueError for a head that must not be sent.
    """
    match = _STATUS.fullmatch(status)
    if match is None:
        raise ValueError(f"Invalid status {status!r}; pass one like '200 OK' to start_response().")
    code = int(match[1])
    permitted, close = _permit(code, headers)
    if code in (101, 426):
        permitted["Connection"] = "Upgrade"
        permitted["Upgrade"] = upgrade if upgrade and code == 101 else "websocket"
    elif "Date" not in permitted:
        permitted["Date"] = formatdate(usegmt=True)
    if close:
        permitted["Connection"] = "close" if code != 426 else "close, Upgrade"
    start_line = ResponseStartLine("HTTP/1.1", code, match[2] or "")
    return ResponseHead(start_line, permitted, close, _content_length(permitted))


def _permit(code: int, headers: Headers) -> tuple[HTTPHeaders, bool]:
    """Return the headers that an application may set; True if it closes the connection."""
    permitted, close = HTTPHeaders(), False
    for name, value in headers:
        lower = name.lower()
        if lower == "connection" and value.strip().lower() == "close":
            close = True
        elif lower in HOP_BY_HOP:
            text = "Dropped the application's header %s: %s. Only the server may set it."
            logger.warning(text, name, value)
        elif not (code < 200 and lower in ENTITY):
            _add(permitted, name, value)
    return permitted, close


def _add(headers: HTTPHeaders, name: str, value: str) -> None:
    try:
        headers.add(name, value.strip(" \t"))  # Django's Set-Cookie begins with a space
    except HTTPInputError as error:
        raise ValueError(f"Invalid header {name!r}: {value!r}.") from error


def _content_length(headers: HTTPHeaders) -> int | None:
    values = headers.get_list("Content-Length")
    if not values:
        return None
    if len(set(values)) > 1 or not re.fullmatch(r"[0-9]+", values[0]):
        raise ValueError(f"Invalid Content-Length {', '.join(values)!r}; set one number.")
    headers["Content-Length"] = values[0]
    return int(values[0])


def make_final_head(status: str, headers: Headers, *, version: str, close: bool) -> ResponseHead:
    """Return the head of a response that ends the request, for the client's HTTP version."""
    head = make_head(status, headers)
    if head.code < 200:
        raise ValueError(f"Status {status!r} is not final; a response needs one of 200 or above.")
    if head.length is not None and head.code == 204:
        del head.headers["Content-Length"]  # RFC 9110 §8.6
    if head.length is None and version != "HTTP/1.1":
        head.close = True  # the end of the connection is the end of the body
    if close:
        head.close = True
        head.headers["Connection"] = "close"
    return head


def asks_to_close(environ: Mapping[str, Any]) -> bool:
    """Return True when a client asks to close the connection after the response.

    RFC 9110 §7.6.1: ``close`` may be one of a list. Tornado recognizes only a lone ``close``.
    """
    options = environ.get("HTTP_CONNECTION", "")
    return "close" in options.lower() and "close" in map(str.strip, options.lower().split(","))


def merge_heads(provisional: Headers, final: Iterable[tuple[str, str]]) -> Headers:
    """Return the headers of a deferred response.

    These are the ``provisional`` ones, as middleware set them, that ``final`` does not name,
    followed by ``final``. Cookies of both are kept; of two with one name the final one comes last,
    so that it wins. Headers that describe the provisional body are dropped.
    """
    final = list(final)
    named = {name.lower() for name, _ in final} - {"set-cookie"}
    kept = [
        (name, value)
        for name, value in provisional
        if name.lower() not in named and name.lower() not in ENTITY
    ]
    return kept + final
