"""Listening sockets: of an address and a port, of a path, or of a descriptor."""

from __future__ import annotations

import errno
import os
import socket
import stat
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any

#: Connections that the kernel queues for ``accept``, limited by the system. Many clients may
#: reconnect at the same time.
BACKLOG = 4096
MAX_PORT = 65535


def bind(address: str, port: int, *, ipv6: bool | None = None) -> list[socket.socket]:
    """Return sockets that listen on an address, a host name or "" for all interfaces.

    ``ipv6`` True or False selects the family; None uses the addresses of the name. Port 0 lets the
    system choose a port. Raises OSError with the address, ValueError for an invalid port.
    """
    if not 0 <= port <= MAX_PORT:  # getaddrinfo() would use its last 16 bits
        raise ValueError(f"The port must be from 0 to {MAX_PORT}, not {port}.")
    found = _resolve(address, port, ipv6)
    sockets: list[socket.socket] = []
    try:
        for family, kind, protocol, _, where in found:
            if port == 0 and sockets:
                break  # another family would have another port
            sockets.append(_listen(socket.socket(family, kind, protocol), where))
    except OSError as error:
        for sock in sockets:
            sock.close()
        raise OSError(error.errno, f"{os.strerror(error.errno or 0)}: {address}:{port}") from error
    return sockets


def _resolve(address: str, port: int, ipv6: bool | None) -> Iterable[Any]:
    family = {None: socket.AF_UNSPEC, True: socket.AF_INET6, False: socket.AF_INET}[ipv6]
    try:
        found = socket.getaddrinfo(
            address or None, port, family, socket.SOCK_STREAM, 0, socket.AI_PASSIVE
        )
    except UnicodeError:  # of the IDNA encoding
        raise OSError(errno.EINVAL, "The host name is invalid") from None
    return dict.fromkeys(found)  # each once


def port_of(sockets: Sequence[socket.socket]) -> int:
    """Return the port on which bound sockets listen, also for port 0."""
    number: int = sockets[0].getsockname()[1]
    return number


def _listen(sock: socket.socket, where: Any) -> socket.socket:
    try:
        if os.name == "posix":  # on Windows the option would share a port that is in use
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if sock.family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind(where)
        sock.listen(BACKLOG)
    except OSError:
        sock.close()
        raise
    return sock


def adopt(fd: int) -> socket.socket:
    """Return the listening socket of an inherited descriptor. Raises OSError for other files."""
    try:
        sock = socket.socket(fileno=fd)
    except OverflowError:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF)) from None
    if not sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        sock.detach()
        raise OSError(errno.EINVAL, "The descriptor is not a listening socket")
    sock.set_inheritable(False)
    return sock


class UnixSocket:
    """A listening socket with a path. The umask decides who may connect."""

    def __init__(self, path: str) -> None:
        """Bind the path; replace a socket on which no process listens any more.

        Raises OSError if a process listens, or if there is another kind of file.
        """
        self._path = os.path.abspath(path)
        _remove_stale(self._path)
        self.socket = _listen(socket.socket(socket.AF_UNIX), self._path)
        self._identity = _identity(self._path)

    def close(self) -> None:
        """Close the socket, and remove its file unless another process has replaced it."""
        self.socket.close()
        with suppress(OSError):
            if _identity(self._path) == self._identity:
                os.unlink(self._path)


def _remove_stale(path: str) -> None:
    try:
        if not stat.S_ISSOCK(os.stat(path).st_mode):
            raise OSError(errno.EEXIST, "Another file has this path")
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            os.unlink(path)
        except TimeoutError:  # its backlog is full, so a process listens
            pass


def _identity(path: str) -> tuple[int, int]:
    found = os.stat(path)
    return found.st_dev, found.st_ino
