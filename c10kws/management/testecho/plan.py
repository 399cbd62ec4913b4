"""The plan of a run: its phases, and the addresses that each process connects from and to."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

#: Clients of one target that share a source address. Connections between the same addresses differ
#: by the client's port; Linux has 28,232 for that (``net.ipv4.ip_local_port_range``) and takes the
#: even ones first. When they are used up it looks at each of them again before it takes an odd one,
#: which costs more than all else of a connection (measured).
PORTS = 14_000


@dataclass(frozen=True, slots=True)
class Target:
    """A URL, resolved."""

    #: The value of the Host header.
    host: str
    #: Path and query.
    resource: str
    family: int
    address: tuple[Any, ...]

    @classmethod
    def parse(cls, url: str, rounds: int = 1) -> Target:
        """Resolve a ``ws://`` URL; ask its page for more rounds than one.

        Raises ValueError, which says what was expected.
        """
        parts = urlsplit(url)
        if parts.scheme != "ws" or not parts.hostname:
            raise ValueError(f"Expected a URL as ws://127.0.0.1:8000/test/ws/, not {url!r}.")
        try:
            found = socket.getaddrinfo(parts.hostname, parts.port or 80, type=socket.SOCK_STREAM)
        except OSError as error:
            raise ValueError(f"Cannot resolve {parts.hostname!r}: {error.strerror}.") from error
        query = "&".join(filter(None, [parts.query, f"rounds={rounds}" if rounds > 1 else ""]))
        resource = (parts.path or "/") + (f"?{query}" if query else "")
        return cls(parts.netloc, resource, found[0][0], found[0][4])

    @property
    def port(self) -> int:
        """The port of the server."""
        return int(self.address[1])

    def source(self, number: int) -> str | None:
        """Return the address that the ``number``-th client binds; None when it need not.

        All of 127.0.0.0/8 is this machine, so a server there can be reached from 127.0.0.2 as well,
        with as many ports again.
        """
        block = number // PORTS
        return f"127.0.0.{1 + block}" if block and self.address[0].startswith("127.") else None


@dataclass(frozen=True, slots=True)
class Seat:
    """Where one client connects, and from where."""

    target: Target
    source: str | None


@dataclass(frozen=True, slots=True)
class Plan:
    """The whole run. ``concurrency`` and ``ramp`` are those of all processes together."""

    targets: tuple[Target, ...]
    clients: int
    rounds: int
    processes: int
    #: Clients that shake hands, or talk, at the same time.
    concurrency: int
    #: New connections a second; None: as fast as the server answers.
    ramp: float | None
    #: Seconds that a client waits for anything.
    timeout: float

    def seats(self, process: int) -> Iterator[Seat]:
        """Yield the places of a process' clients: the targets are taken in turn."""
        for number in range(process, self.clients, self.processes):
            turn, which = divmod(number, len(self.targets))
            target = self.targets[which]
            yield Seat(target, target.source(turn))

    def size(self, process: int) -> int:
        """Return how many clients a process has."""
        return len(range(process, self.clients, self.processes))
