"""The limit of file descriptors: each connection takes one."""

from __future__ import annotations

import sys
from math import ceil

if sys.platform != "win32":
    import resource

#: Descriptors of a client process in addition to its connections.
RESERVE = 64
#: Limit of client processes without --processes.
MOST_PROCESSES = 16


class TooFewDescriptors(Exception):
    """The limit is too low; the text has the command that raises it."""


def limits() -> tuple[int, int]:
    """Return the soft and the hard limit of this process."""
    if sys.platform == "win32":  # it has no such limit
        return sys.maxsize, sys.maxsize
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = {resource.RLIM_INFINITY: sys.maxsize}
    return most.get(soft, soft), most.get(hard, hard)


def raise_limit(wanted: int) -> None:
    """Raise the soft limit of this process and its children, at most to the hard limit."""
    soft, hard = limits()
    if sys.platform != "win32" and soft < wanted:
        ceiling = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard), ceiling))


def count_processes(clients: int) -> int:
    """Return the number of processes for the clients. Raises TooFewDescriptors if too many."""
    _, hard = limits()
    capacity = max(hard - RESERVE, 1)
    processes = ceil(clients / capacity)
    if processes > MOST_PROCESSES:
        raise TooFewDescriptors(advice(clients, MOST_PROCESSES))
    return processes


def provide(clients: int, processes: int) -> None:
    """Raise the limit to the need of each process. Raises TooFewDescriptors if not allowed."""
    wanted = ceil(clients / processes) + RESERVE
    if limits()[1] < wanted:
        raise TooFewDescriptors(advice(clients, processes))
    raise_limit(wanted)


def advice(clients: int, processes: int) -> str:
    """Return advice on how to raise the limit."""
    wanted = ceil(clients / processes) + RESERVE
    return (
        f"Each of {processes} processes needs {wanted} file descriptors for {clients} clients, and "
        f"{limits()[1]} are allowed. Run\n\n    ulimit -n {wanted}\n\nfirst, as root; or raise "
        "nofile in /etc/security/limits.conf and log in again; or use fewer --clients or more "
        "--processes."
    )
