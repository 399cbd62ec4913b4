"""``Facts``: the part of a handshake that log lines and statistics of its connection show."""

from __future__ import annotations

import time
from typing import Any, Protocol


class Transport(Protocol):
    """The part of a transport that knows its socket."""

    def get_extra_info(self, name: str) -> Any: ...


class Facts(Protocol):
    """Facts of a handshake; another layer sets them on the connection."""

    path: str
    #: True when the numbers of the connection are among those of the ended ones.
    counted: bool

    @property
    def endpoint(self) -> str:
        """Name of the endpoint, from a fixed set."""

    def fields(self) -> dict[str, object]:
        """Return the path and others as fields of a log record."""

    def lost(self, transport: Transport) -> None:
        """Handle the end of the transport, whose socket is not closed yet."""


class Described(Protocol):
    """A connection whose facts may be known."""

    facts: Facts | None
    opened: float


def describe(connection: Described | None) -> dict[str, object]:
    """Return the facts of a connection and its age, as fields of a log record."""
    if connection is None or connection.facts is None:
        return {"path": "-"}
    return connection.facts.fields() | {"duration": time.monotonic() - connection.opened}
