"""``handler.request``: the request, by the names of Tornado's HTTPServerRequest."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, NoReturn

from django.http import HttpRequest, QueryDict
from django.http.request import HttpHeaders

from .equivalents import REQUEST, explain

if TYPE_CHECKING:
    from .pending import Pending

_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1f]")

Arguments = dict[str, list[bytes]]


class Request:
    """The request's attributes for code written for Tornado. ``django`` is Django's request."""

    def __init__(self, request: HttpRequest, pending: Pending) -> None:
        self.django = request
        self.connection = Connection(pending)
        self._arguments: Arguments | None = None

    def __getattr__(self, name: str) -> NoReturn:
        raise AttributeError(explain("handler.request", name, REQUEST))

    @property
    def method(self) -> str:
        """``GET``, ``POST`` …"""
        return self.django.method or ""

    @property
    def uri(self) -> str:
        """The path, with the query."""
        return self.django.get_full_path()

    @property
    def path(self) -> str:
        """The path."""
        return self.django.path

    @property
    def query(self) -> str:
        """The part after the question mark."""
        return str(self.django.META.get("QUERY_STRING", ""))

    @property
    def host(self) -> str:
        """Host and port, as Django finds them."""
        return self.django.get_host()

    @property
    def protocol(self) -> str:
        """``http`` or ``https``."""
        return self.django.scheme or "http"

    @property
    def headers(self) -> HttpHeaders:
        """The headers; their names in any case of letters."""
        return self.django.headers

    @property
    def body(self) -> bytes:
        """The body."""
        return self.django.body

    @property
    def remote_ip(self) -> str:
        """The address of the peer, which may be a proxy."""
        return str(self.django.META.get("REMOTE_ADDR", ""))

    @property
    def arguments(self) -> Arguments:
        """Those of query and body: each name with the list of its values, in bytes."""
        if self._arguments is None:
            self._arguments = {}
            for source in (self.django.GET, self.django.POST):
                _add(self._arguments, source)
        return self._arguments

    def full_url(self) -> str:
        """Return the URL, with scheme and host."""
        return self.django.build_absolute_uri()


class Connection:
    """``request.connection``, and its ``stream``."""

    def __init__(self, pending: Pending) -> None:
        self._pending = pending

    @property
    def stream(self) -> Connection:
        """Tornado keeps what ``closed()`` tells one object deeper."""
        return self

    def closed(self) -> bool:
        """Return True if the client has left, or the response ended before it was finished."""
        return self._pending.closed

    def set_close_callback(self, callback: Callable[[], object]) -> None:
        """Do what ``handler.on_connection_close`` does."""
        self._pending.add_callback(callback)


def _add(arguments: Arguments, source: QueryDict) -> None:
    for name, values in source.lists():
        arguments.setdefault(name, []).extend(str(value).encode() for value in values)


def text_of(value: bytes, strip: bool) -> str:
    """Return the text of an argument; control characters become spaces."""
    text = _CONTROLS.sub(" ", value.decode())
    return text.strip() if strip else text
