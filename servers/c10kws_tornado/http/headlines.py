"""Single lines of a request's head, parsed once for all requests that share them.

The grammar is Tornado's: its functions parse each line that is not in the caches.
"""

from __future__ import annotations

from typing import NamedTuple

from tornado.httputil import (
    HTTPHeaders,
    HTTPInputError,
    RequestStartLine,
    parse_request_start_line,
)

from .proxies import is_forwarded

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


_lines: dict[str, HeaderLine] = {}
_start_lines: dict[str, RequestStartLine] = {}
_keys: dict[str, str] = {}
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
        if len(_start_lines) >= MAX_CACHED:
            _start_lines.clear()
        _start_lines[text] = start_line
    return start_line


def parse_line(text: str) -> HeaderLine:
    """Parse a header line without its CRLF. Raises Tornado's HTTPInputError."""
    headers = HTTPHeaders()
    headers.parse_line(text)
    pairs = list(headers.get_all())
    if len(pairs) != 1:
        raise HTTPInputError("empty header line")
    ((name, value),) = pairs
    line = HeaderLine(_key_of(name), value, name, is_forwarded(name))
    if len(text) < SHORT and not _is_secret(name):
        if len(_lines) >= MAX_CACHED:
            _lines.clear()
        _lines[text] = line
    return line


def _is_secret(name: str) -> bool:
    name = name.lower()
    return any(part in name for part in SECRET)


def _key_of(name: str) -> str:
    """Return the environ's key; one object for all requests, since ten thousand may be alive."""
    key = _keys.get(name)
    if key is None:
        key = _make_key(name)
        if len(name) < SHORT:
            if len(_keys) >= MAX_CACHED:
                _keys.clear()
            _keys[name] = key
    return key


def _make_key(name: str) -> str:
    """Return an empty key for a name with an underscore.

    ``X_User`` would have the same key as ``X-User``.
    """
    if "_" in name:
        return ""
    return _UNPREFIXED.get(name.lower()) or "HTTP_" + name.upper().replace("-", "_")
