"""``serve``: the whole lifecycle of a server in one call."""

from __future__ import annotations

import asyncio
import gc
import socket
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from .descriptors import ensure_descriptors
from .process.lifecycle import Lifecycle
from .process.listening import bind
from .server import Server

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication


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
    shuts down too, and closes WebSockets with 1012, because a successor is expected. USR1 reopens
    log files. Signals are handled only in the main thread. Raises OSError when the address is not
    available, ImportError when uvloop is missing.
    """
    loop_factory = uvloop_factory() if uvloop else None
    freeze_loaded_objects()
    server = Server(application, **options)
    ensure_descriptors(server.needed_descriptors)
    listening = list(sockets) if sockets is not None else bind(address, port)
    Lifecycle(server, listening).run(on_ready, loop_factory)


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
