"""Executing the program again with the same listening sockets, so that no client is refused.

Clients that connect meanwhile wait in the backlogs of the sockets.
"""

from __future__ import annotations

import os
import socket
import sys
from typing import Any, NoReturn

from . import signals, workers
from .exitdeadline import LOG_TIMEOUT, flush, run_with_timeout

#: The descriptors of the sockets, separated by commas.
VARIABLE = "C10KWS_TORNADO_SOCKETS"

_inherited: list[socket.socket] = []


def reexecute(sockets: list[socket.socket]) -> NoReturn:
    """Execute the program of this process again, with its arguments and these sockets."""
    for sock in sockets:
        sock.set_inheritable(True)
    os.environ[VARIABLE] = ",".join(str(sock.fileno()) for sock in sockets)
    workers.restore()
    run_with_timeout(LOG_TIMEOUT, flush)
    signals.block()  # until the new program has handlers for them
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


def claim_socket(family: int, where: Any) -> socket.socket | None:
    """Return the inherited socket that listens on an address; with port 0, on any port of it."""
    for fd in filter(None, os.environ.pop(VARIABLE, "").split(",")):
        sock = socket.socket(fileno=int(fd))
        sock.set_inheritable(False)
        _inherited.append(sock)
    address, port = where[:2]
    for sock in _inherited:
        own_address, own_port = sock.getsockname()[:2]
        if (sock.family, own_address) == (family, address) and port in (0, own_port):
            _inherited.remove(sock)
            return sock
    return None


def close_unclaimed() -> None:
    """Close inherited sockets that were not claimed, since no server accepts on them."""
    while _inherited:
        _inherited.pop().close()
