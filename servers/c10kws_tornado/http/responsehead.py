"""The head of a response: the application's status and headers, as HTTP permits them."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from email.utils import formatdate

from ..safelogger import get_logger

logger = get_logger("c10kws_tornado")

Headers = list[tuple[str, str]]

_STATUS = re.compile(r"([1-9][0-9]{2})(?: ([\t\x20-\x7e\x80-\xff]*))?")
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_BAD_VALUE = re.compile(r"[^\t\x20-\x7e\x80-\xff]")
_LENGTH_VALUE = re.compile(r"[0-9]+")
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


#: What a header's name means to the server.
_ORDINARY, _LENGTH, _DATE, _CONNECTION, _HOP_BY_HOP, _ENTITY = range(6)
#: Names of headers whose meaning is remembered.
MAX_NAMES = 1024
_meanings: dict[str, int] = {}


@dataclass(slots=True)
class ResponseHead:
    """A status line and headers, ready to be written.

    ``close`` is true when the connection ends with the response; ``length`` is the Content-Length.
    """

    code: int
    reason: str
    fields: Headers
    close: bool
    length: int | None

    def encode(self, *added: tuple[str, str]) -> bytes:
        """Return the bytes of the head (RFC 9112 §2.1), with more headers at its end."""
        lines = [f"{name}: {value}\r\n" for name, value in (*self.fields, *added)]
        return f"HTTP/1.1 {self.code} {self.reason}\r\n{''.join(lines)}\r\n".encode("latin-1")

    def has_body(self, method: str) -> bool:
        """True when a body may follow (RFC 9110 §6.4.1)."""
        return method != "HEAD" and self.code >= 200 and self.code not in (204, 304)


class DateCache:
    """The value of the Date header, formatted once a second."""

    def __init__(self) -> None:
        self._value = (0, "")

    def value(self) -> str:
        """Return the date (RFC 9110 §5.6.7); from any thread."""
        now = int(time.time())
        second, text = self._value
        if second != now:
            text = formatdate(now, usegmt=True)
            self._value = (now, text)
        return text


_date = DateCache()


def make_head(status: str, headers: Headers, *, upgrade: str | None = None) -> ResponseHead:
    """Return the head for the arguments of ``start_response``.

    ``upgrade`` is the protocol that the client asked for. A 101 names it; a 426 names "websocket"
    (RFC 9110 §7.8). Raises ValueError for a head that must not be sent.
    """
    match = _STATUS.fullmatch(status)
    if match is None:
        raise ValueError(f"Invalid status {status!r}; pass one like '200 OK' to start_response().")
    head = ResponseHead(int(match[1]), match[2] or "", [], False, None)
    dated = _permit(head, headers)
    if head.code in (101, 426):
        protocol = upgrade if upgrade and head.code == 101 else "websocket"
        options = "close, Upgrade" if head.close else "Upgrade"
        head.fields += [("Connection", options), ("Upgrade", protocol)]
    else:
        if not dated:
            head.fields.append(("Date", _date.value()))
        if head.close:
            head.fields.append(("Connection", "close"))
    return head


def _permit(head: ResponseHead, headers: Headers) -> bool:
    """Add the headers that an application may set; return True if Date is among them."""
    dated = False
    fields = head.fields
    for name, value in headers:
        meaning = _meanings.get(name)
        if meaning is None:
            meaning = _meaning_of(name, value)
        if _BAD_VALUE.search(value):
            raise ValueError(f"Invalid header {name!r}: {value!r}.")
        if meaning:
            dated = dated or meaning == _DATE
            if not _is_permitted(head, meaning, name, value):
                continue
        fields.append((name, value.strip(" \t")))  # Django's Set-Cookie begins with a space
    return dated


def _is_permitted(head: ResponseHead, meaning: int, name: str, value: str) -> bool:
    if meaning == _CONNECTION and value.strip().lower() == "close":
        head.close = True
        return False
    if meaning in (_CONNECTION, _HOP_BY_HOP):
        text = "Dropped the application's header %s: %s. Only the server may set it."
        logger.warning(text, name, value)
        return False
    if head.code < 200 and meaning in (_LENGTH, _ENTITY):
        return False
    return meaning != _LENGTH or _set_length(head, value.strip(" \t"))


def _set_length(head: ResponseHead, value: str) -> bool:
    """Set the length; return False if it is set already, to the same number."""
    first, head_had_it = head.length, head.length is not None
    if _LENGTH_VALUE.fullmatch(value) is None or (head_had_it and first != int(value)):
        values = value if not head_had_it else f"{first}, {value}"
        raise ValueError(f"Invalid Content-Length {values!r}; set one number.")
    head.length = int(value)
    return not head_had_it


def _meaning_of(name: str, value: str) -> int:
    """Check a name and remember its meaning."""
    if _TOKEN.fullmatch(name) is None:
        raise ValueError(f"Invalid header {name!r}: {value!r}.")
    lower = name.lower()
    if lower in HOP_BY_HOP:
        meaning = _CONNECTION if lower == "connection" else _HOP_BY_HOP
    elif lower in ENTITY:
        meaning = _LENGTH if lower == "content-length" else _ENTITY
    else:
        meaning = _DATE if lower == "date" else _ORDINARY
    if len(_meanings) >= MAX_NAMES:
        _meanings.clear()
    _meanings[name] = meaning
    return meaning


def make_final_head(status: str, headers: Headers, *, version: str, close: bool) -> ResponseHead:
    """Return the head of a response that ends the request, for the client's HTTP version."""
    head = make_head(status, headers)
    if head.code < 200:
        raise ValueError(f"Status {status!r} is not final; a response needs one of 200 or above.")
    if head.length is not None and head.code == 204:
        _remove(head, "content-length")  # RFC 9110 §8.6
    if head.length is None and version != "HTTP/1.1":
        head.close = True  # the end of the connection is the end of the body
    if close:
        head.close = True
        _remove(head, "connection")
        head.fields.append(("Connection", "close"))
    elif version != "HTTP/1.1" and not head.close:
        head.fields.append(("Connection", "Keep-Alive"))  # the client has asked for it
    return head


def _remove(head: ResponseHead, name: str) -> None:
    head.fields = [field for field in head.fields if field[0].lower() != name]


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
