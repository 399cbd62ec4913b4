"""The limit of file descriptors of this process (RLIMIT_NOFILE), which Windows does not have."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

from .safelogger import get_logger

if sys.platform != "win32":
    import resource

logger = get_logger("c10kws_tornado")

#: A limit that no process reaches, for systems without one.
UNLIMITED = 2**31
#: The highest limit that macOS accepts (OPEN_MAX), where the hard limit is infinite.
OPEN_MAX = 10_240


def open_standard_streams() -> None:
    """Open the null device in place of each standard stream that is closed.

    Otherwise a socket could get its number, and a child process could not inherit it.
    """
    for fd in range(3):
        try:
            os.fstat(fd)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)


def descriptor_limit() -> int:
    """Return the number of descriptors that this process may have open."""
    if sys.platform == "win32":
        return UNLIMITED
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return soft if soft != resource.RLIM_INFINITY else UNLIMITED


def count_needed(connections: int, threads: int, queue_size: int, reserved: int) -> int:
    """Return the number of descriptors that a server may need.

    These are: ``connections`` that the application takes over, one for each request that is running
    or queued, two database connections for each thread (a second pool has as many threads), and the
    reserved ones.
    """
    return connections + (threads + queue_size) + 2 * threads + reserved


def ensure_descriptors(needed: int) -> None:
    """Raise the soft limit to the hard one, and log a warning if fewer than ``needed`` result.

    The soft limit is often 1024, for programs that call ``select()``; the loop does not.
    """
    _raise_soft_limit()
    limit = descriptor_limit()
    if limit < needed:
        logger.warning(
            "The limit of file descriptors is %d, but the settings may need %d, for connections, "
            "queued requests and the database connections of the threads. Raise the hard limit "
            "(LimitNOFILE= in a unit of systemd, --ulimit nofile= of docker), or lower "
            "MAX_CONNECTIONS, QUEUE_SIZE or THREADS.",
            *(limit, needed),
        )


def _raise_soft_limit() -> None:
    if sys.platform == "win32":
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for wanted in (hard, OPEN_MAX):
        if soft == resource.RLIM_INFINITY or (soft >= wanted and wanted != resource.RLIM_INFINITY):
            return
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            return
