"""Addresses to listen on, as ``--bind`` takes them."""

from __future__ import annotations

import re
import socket
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from .listening import MAX_PORT, UnixSocket, adopt, bind, port_of

_TCP = re.compile(r"(?:(?P<host>\[[0-9a-fA-F:]+\]|[^:\[\]/]+):)?(?P<port>[0-9]{1,5})")


class Address(ABC):
    """Something to listen on. ``str`` of it can be parsed again."""

    @abstractmethod
    def open(self) -> Listener:
        """Listen. Raises OSError."""


@dataclass(frozen=True, slots=True)
class TCPAddress(Address):
    """A host and a port; an IPv6 address has no brackets here."""

    host: str
    port: int

    def open(self) -> Listener:
        """Listen on all addresses of the host."""
        sockets = bind(self.host, self.port)
        return Listener(self.at(port_of(sockets)), sockets)

    def at(self, port: int) -> TCPAddress:
        """Return this address with the port that the system has chosen."""
        return TCPAddress(self.host, port)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class UnixAddress(Address):
    """The path of a socket."""

    path: str

    def open(self) -> Listener:
        """Listen on the path, see :class:`.UnixSocket`."""
        made = UnixSocket(self.path)
        return Listener(self, [made.socket], made)

    def __str__(self) -> str:
        return f"unix:{self.path}"


@dataclass(frozen=True, slots=True)
class DescriptorAddress(Address):
    """A listening socket that this process has inherited."""

    fd: int

    def open(self) -> Listener:
        """Use the socket."""
        return Listener(self, [adopt(self.fd)])

    def __str__(self) -> str:
        return f"fd://{self.fd}"


class Listener:
    """The open sockets of one address."""

    def __init__(
        self,
        address: Address,
        sockets: Sequence[socket.socket],
        unix_socket: UnixSocket | None = None,
    ) -> None:
        #: The address, with the port that the system has chosen for port 0.
        self.address = address
        self.sockets = sockets
        self._unix_socket = unix_socket

    def close(self) -> None:
        """Close the sockets, and remove the file of a unix socket."""
        for sock in self.sockets:
            sock.close()
        if self._unix_socket is not None:
            self._unix_socket.close()


def parse_address(text: str, default_host: str) -> Address:
    """Return the address of ``[host:]port``, ``[::1]:port``, ``unix:path`` or ``fd://number``.

    Raises ValueError.
    """
    if text.startswith("unix:") and len(text) > len("unix:") and "\0" not in text:
        return UnixAddress(text.removeprefix("unix:"))
    if (number := text.removeprefix("fd://")) != text and number.isdecimal():
        return DescriptorAddress(int(number))
    match = _TCP.fullmatch(text)
    if match is None:
        raise ValueError(
            "Expected a port, address:port, unix:path or fd://number, "
            f"such as 0.0.0.0:8000, not {text!r}."
        )
    if int(match["port"]) > MAX_PORT:
        raise ValueError(f"The port must be from 0 to {MAX_PORT}, not {match['port']}.")
    return TCPAddress((match["host"] or default_host).strip("[]"), int(match["port"]))


def open_all(addresses: Sequence[Address]) -> list[Listener]:
    """Listen on all addresses, or on none. Raises OSError with the address that cannot be used."""
    listeners: list[Listener] = []
    try:
        for address in addresses:
            listeners.append(address.open())
    except OSError as error:
        for listener in listeners:
            listener.close()
        reason = (error.strerror or str(error)).removesuffix(f": {address}")
        raise OSError(f"Cannot listen on {address}: {reason}") from error
    return listeners
