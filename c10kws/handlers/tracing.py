"""``tracing``: the place where ``runserver`` sees the streams of connections.

Without a tracer a connection costs one comparison at its start, and a frame costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from django.http import HttpRequest

from ..hijack import Stream


class Tracer(Protocol):
    """Observer of streams, and writer of lines in the order of the calls."""

    def wrap(self, stream: Stream, request: HttpRequest) -> Stream:
        """Return a stream that passes everything on to ``stream``."""

    def later(self, write: Callable[..., object], *args: Any) -> None:
        """Call a function that logs, after those before it, in another thread."""


class Tracing:
    """The tracer of this process; None in production."""

    def __init__(self) -> None:
        self.tracer: Tracer | None = None

    def wrap(self, stream: Stream, request: HttpRequest) -> Stream:
        """Return the stream of a connection, observed by the tracer if there is one."""
        return stream if self.tracer is None else self.tracer.wrap(stream, request)


tracing = Tracing()
