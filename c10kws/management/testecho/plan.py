"""The plan of a run: its size, and the addresses that each process connects from and to."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

#: Clients of one target that share a source address. Connections between the same addresses differ
#: by the client's port. Linux has 28,232 ports for that (``net.ipv4.ip_local_port_range``) and uses
#: the even ones first. When they are used up, it checks all of them before it uses an odd one; that
#: takes longer than the rest of a connection (measured).
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
        """Resolve a ``ws://`` URL and add the number of rounds to its query.

        Raises ValueError for a URL that cannot be used.
        """
        parts = urlsplit(url)
        if parts.scheme != "ws" or not parts.hostname:
            raise ValueError(f"Expected a URL such as ws://127.0.0.1:8000/test/ws/, not {url!r}.")
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
        """Return the source address of the ``number``-th client; None if any will do.

        All of 127.0.0.0/8 is this machine, so a server there can also be reached from 127.0.0.2,
        which has as many ports of its own.
        """
        block = number // PORTS
        return f"127.0.0.{1 + block}" if block and self.address[0].startswith("127.") else None


@dataclass(frozen=True, slots=True)
class Seat:
    """The target and the source address of one client."""

    target: Target
    source: str | None


@dataclass(frozen=True, slots=True)
class Plan:
    """The whole run. ``concurrency`` and ``ramp`` apply to all processes together."""

    targets: tuple[Target, ...]
    clients: int
    rounds: int
    processes: int
    #: Clients that connect, or talk, at the same time.
    concurrency: int
    #: New connections a second; None means as fast as the server answers.
    ramp: float | None
    #: Seconds that a client waits for anything.
    timeout: float

    def seats(self, process: int) -> Iterator[Seat]:
        """Yield the seats of the clients of a process; the targets are used in turn."""
        for number in range(process, self.clients, self.processes):
            turn, which = divmod(number, len(self.targets))
            target = self.targets[which]
            yield Seat(target, target.source(turn))

    def size(self, process: int) -> int:
        """Return the number of clients of a process."""
        return len(range(process, self.clients, self.processes))
