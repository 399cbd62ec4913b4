"""Single lines of a request's head, parsed once for all requests that share them.

The grammar is Tornado's: its functions parse each line that is not in the caches. They are not
needed for a known name with a value of printable characters.
"""

from __future__ import annotations

import re
from typing import NamedTuple, TypeVar

from tornado.httputil import (
    HTTPHeaders,
    HTTPInputError,
    RequestStartLine,
    parse_request_start_line,
)

from .proxies import is_forwarded

T = TypeVar("T")

#: Lines under this length are cached.
SHORT = 256
#: Lines of each kind in the cache. A full cache is emptied, so that lines that are no longer sent
#: leave it.
MAX_CACHED = 4096
#: Parts of the names of headers that identify a client. Their lines are never cached.
SECRET = ("auth", "cookie", "key", "password", "secret", "session", "signature", "token")
_UNPREFIXED = {"content-type": "CONTENT_TYPE", "content-length": "CONTENT_LENGTH"}


class HeaderLine(NamedTuple):
    """A header as a line of the head has it."""

    #: The key in the environ; empty if the application does not get this header.
    key: str
    value: str
    name: str
    #: True if only a trusted proxy may send it.
    forwarded: bool


class HeaderName(NamedTuple):
    """The name of a header, and what follows from it alone."""

    name: str
    key: str
    forwarded: bool
    #: True if its values may identify a client.
    secret: bool


_PRINTABLE = re.compile(r"[\t\x20-\x7e]*")
_lines: dict[str, HeaderLine] = {}
_start_lines: dict[str, RequestStartLine] = {}
#: Names as they were sent. Ten thousand open requests share the strings.
_names: dict[str, HeaderName] = {}
#: The cached header line for a whole line of text; None if it is not cached.
cached_line = _lines.get
#: The cached request line.
cached_start_line = _start_lines.get


def parse_start_line(text: str) -> RequestStartLine:
    """Parse the request line. Raises Tornado's HTTPInputError.

    A request line with a query is not cached: it may contain a token.
    """
    start_line = parse_request_start_line(text)
    if len(text) < SHORT and "?" not in text:
        _store(_start_lines, text, start_line)
    return start_line


def parse_line(text: str) -> HeaderLine:
    """Parse a header line without its CRLF. Raises Tornado's HTTPInputError."""
    sent, colon, value = text.partition(":")
    name = _names.get(sent)
    if name is None or not colon or _PRINTABLE.fullmatch(value) is None:
        name, value = _parse_with_tornado(text)
        if len(sent) < SHORT:
            _store(_names, sent, name)
    line = HeaderLine(name.key, value.strip(" \t"), name.name, name.forwarded)
    if len(text) < SHORT and not name.secret:
        _store(_lines, text, line)
    return line


def _parse_with_tornado(text: str) -> tuple[HeaderName, str]:
    headers = HTTPHeaders()
    headers.parse_line(text)
    pairs = list(headers.get_all())
    if len(pairs) != 1:
        raise HTTPInputError("empty header line")
    ((name, value),) = pairs
    secret = any(part in name.lower() for part in SECRET)
    return HeaderName(name, _make_key(name), is_forwarded(name), secret), value


def _store(cache: dict[str, T], text: str, parsed: T) -> None:
    if len(cache) >= MAX_CACHED:
        cache.clear()
    cache[text] = parsed


def _make_key(name: str) -> str:
    """Return an empty key for a name with an underscore.

    ``X_User`` would have the same key as ``X-User``.
    """
    if "_" in name:
        return ""
    return _UNPREFIXED.get(name.lower()) or "HTTP_" + name.upper().replace("-", "_")
