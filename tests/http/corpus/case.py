"""The notation of the corpus."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..outcome import Outcome

#: Names of bytes that an editor does not show.
NAMED = {"CR": b"\r", "LF": b"\n", "NUL": b"\0", "TAB": b"\t", "VT": b"\v", "FF": b"\f", "SP": b" "}


@dataclass(frozen=True)
class Got:
    """A request that the application must get."""

    path: str
    body: bytes
    #: Keys of ``environ`` with their values; None for a key that must be absent.
    keys: dict[str, str | None]


#: A request, the status of a refusal, the bytes of another protocol, or CLOSED.
Expected = Got | int | bytes | str
#: The server closes the connection after its response.
CLOSED = "closed"


@dataclass(frozen=True)
class Case:
    """The bytes of a connection, and the expected outcome.

    In ``text`` each line ends with CRLF; ``<CR>``, ``<LF>``, ``<NUL>`` and the like stand for
    single bytes, and ``<x*1000>`` for a thousand times ``x``. ``expected`` are the requests, in
    order; after them the status of a refusal, the bytes after a 101, or CLOSED.
    """

    rule: str
    name: str
    text: str
    expected: tuple[Expected, ...]

    @property
    def data(self) -> bytes:
        return encode(self.text)


def case(rule: str, name: str, text: str, *expected: Expected) -> Case:
    """Return an entry of the corpus."""
    return Case(rule, name, text, expected)


def got(path: str = "/", body: str = "", **keys: str | None) -> Got:
    """Return a request that the application must get, with keys of its ``environ``."""
    return Got(path, encode(body), keys)


def encode(text: str) -> bytes:
    """Return the bytes that a text stands for."""
    data = text.replace("\n", "\r\n").encode("latin-1")
    data = re.sub(rb"<(.)\*(\d+)>", lambda match: match[1] * int(match[2]), data)
    return re.sub(rb"<([A-Z]{2,3})>", lambda match: NAMED[match[1].decode()], data)


def describe(outcome: Outcome, expected: tuple[Expected, ...]) -> tuple[object, ...]:
    """Return an outcome in the form of what is expected, with only those keys of ``environ``."""
    found: list[Expected] = []
    for index, request in enumerate(outcome.requests):
        wanted = expected[index] if index < len(expected) else None
        names = wanted.keys if isinstance(wanted, Got) else ()
        keys = {name: request.environ.get(name) for name in names}
        found.append(Got(request.path, request.body, keys))
    found.extend(each for each in (outcome.refusal, outcome.upgraded) if each is not None)
    return (*found, CLOSED) if outcome.closed else tuple(found)
