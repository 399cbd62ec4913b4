"""``handler.request``: the request, with the names of Tornado's HTTPServerRequest."""

from __future__ import annotations

import re
from collections.abc import Callable

from django.http import HttpRequest, QueryDict
from django.http.request import HttpHeaders

from .pending_response import PendingResponse

_CONTROL_CHARACTERS = re.compile(r"[\x00-\x08\x0e-\x1f]")

Arguments = dict[str, list[bytes]]


class TornadoRequest:
    """The request for code that was written for Tornado. ``django`` is Django's request."""

    def __init__(self, request: HttpRequest, pending: PendingResponse) -> None:
        self.django = request
        self.connection = TornadoConnection(pending)
        self._arguments: Arguments | None = None

    @property
    def method(self) -> str:
        """``GET``, ``POST`` …"""
        return self.django.method or ""

    @property
    def uri(self) -> str:
        """The path with the query."""
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
        """Host and port, as Django determines them."""
        return self.django.get_host()

    @property
    def protocol(self) -> str:
        """``http`` or ``https``."""
        return self.django.scheme or "http"

    @property
    def headers(self) -> HttpHeaders:
        """The headers; names are case-insensitive."""
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
        """The arguments of query and body: for each name, the list of its values in bytes."""
        if self._arguments is None:
            self._arguments = {}
            for source in (self.django.GET, self.django.POST):
                _add(self._arguments, source)
        return self._arguments

    def full_url(self) -> str:
        """Return the URL with scheme and host."""
        return self.django.build_absolute_uri()


class TornadoConnection:
    """``request.connection``, and its ``stream``."""

    def __init__(self, pending: PendingResponse) -> None:
        self._pending = pending

    @property
    def stream(self) -> TornadoConnection:
        """This object: Tornado has ``closed()`` one level deeper."""
        return self

    def closed(self) -> bool:
        """Return True if the client has disconnected, or the response ended unfinished."""
        return self._pending.closed

    def set_close_callback(self, callback: Callable[[], object]) -> None:
        """Add a callback, as ``handler.on_connection_close`` does."""
        self._pending.add_callback(callback)


def _add(arguments: Arguments, source: QueryDict) -> None:
    for name, values in source.lists():
        arguments.setdefault(name, []).extend(str(value).encode() for value in values)


def decode_argument(value: bytes, strip: bool) -> str:
    """Return the text of an argument, with control characters replaced by spaces."""
    text = _CONTROL_CHARACTERS.sub(" ", value.decode())
    return text.strip() if strip else text
