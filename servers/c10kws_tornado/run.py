"""Listening sockets, and ``serve``: the whole lifecycle of a server in one call."""

from __future__ import annotations

import asyncio
import gc
import os
import socket
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from .descriptors import ensure_descriptors
from .process import reexec
from .process.lifecycle import Lifecycle
from .server import Server

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

#: Connections that the kernel queues for ``accept``, limited by the system. Many clients may
#: reconnect at the same time.
BACKLOG = 4096
MAX_PORT = 65535


def bind(address: str, port: int, *, ipv6: bool | None = None) -> list[socket.socket]:
    """Return sockets that listen on an address, a host name or "" for all interfaces.

    ``ipv6`` True or False selects the family; None uses the addresses of the name. Port 0 lets the
    system choose a port. After a restart by HUP, the sockets of the previous program are used
    first. Raises OSError with the address, ValueError for an invalid port.
    """
    if not 0 <= port <= MAX_PORT:  # getaddrinfo() would use its last 16 bits
        raise ValueError(f"The port must be from 0 to {MAX_PORT}, not {port}.")
    found = _resolve(address, port, ipv6)
    sockets: list[socket.socket] = []
    try:
        for family_, kind, protocol, _, where in found:
            if port == 0 and sockets:
                break  # another family would have another port
            sockets.append(
                reexec.claim_socket(family_, where)
                or _listen(socket.socket(family_, kind, protocol), where)
            )
    except OSError as error:
        for sock in sockets:
            sock.close()
        raise OSError(error.errno, f"{os.strerror(error.errno or 0)}: {address}:{port}") from error
    return sockets


def _resolve(address: str, port: int, ipv6: bool | None) -> Iterable[Any]:
    family = {None: socket.AF_UNSPEC, True: socket.AF_INET6, False: socket.AF_INET}[ipv6]
    found = socket.getaddrinfo(
        address or None, port, family, socket.SOCK_STREAM, 0, socket.AI_PASSIVE
    )
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


def serve(
    application: WSGIApplication,
    address: str = "127.0.0.1",
    port: int = 8000,
    *,
    sockets: Iterable[socket.socket] | None = None,
    on_ready: Callable[[], object] | None = None,
    uvloop: bool = False,
    **options: Any,
) -> None:
    """Serve until INT, TERM or QUIT, then shut down gracefully and return.

    First the soft limit of file descriptors is raised to the hard one.

    If ``sockets`` are given, address and port are ignored. ``on_ready`` is called when the server
    listens. With ``uvloop`` the event loop is that of the package uvloop. ``options`` are those of
    :class:`Server`.

    A second signal other than TERM aborts the shutdown. If a task ignores its cancellation or
    blocks the loop, the process exits a few seconds after ``drain_timeout``, with status 0. HUP
    shuts down and executes the program again, with the same listening sockets if :func:`bind`
    returned them. USR1 reopens log files. Signals are handled only in the main thread. Raises
    OSError when the address is not available, ImportError when uvloop is missing.
    """
    freeze_loaded_objects()
    server = Server(application, **options)
    ensure_descriptors(server.needed_descriptors)
    listening = list(sockets) if sockets is not None else bind(address, port)
    reexec.close_unclaimed()
    Lifecycle(server, listening).run(on_ready, uvloop_factory() if uvloop else None)


def freeze_loaded_objects() -> None:
    """Exclude the objects that exist now from garbage collection, since they stay anyway.

    A full collection would visit all of Django each time.
    """
    gc.collect()
    gc.freeze()


def uvloop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    """Return the factory of uvloop's event loops. Raises ImportError when uvloop is missing."""
    try:
        import uvloop  # an optional dependency
    except ImportError as error:
        raise ImportError("uvloop is not installed; run: pip install c10kws[uvloop]") from error
    return uvloop.new_event_loop
