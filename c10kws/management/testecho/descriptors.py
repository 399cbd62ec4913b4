"""How many file descriptors a process may have: each connection takes one."""

from __future__ import annotations

import sys
from math import ceil

#: Descriptors of a client process besides its connections, and some room.
RESERVE = 64
#: So many client processes are started unasked.
MOST_PROCESSES = 16


class TooFew(Exception):
    """The descriptors do not suffice; the text says what to type."""


def limits() -> tuple[int, int]:
    """Return the soft and the hard limit of this process."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return sys.maxsize, sys.maxsize
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = {resource.RLIM_INFINITY: sys.maxsize}
    return most.get(soft, soft), most.get(hard, hard)


def raise_limit(wanted: int) -> None:
    """Raise the soft limit, for this process and its children, as far as is wanted and allowed."""
    soft, hard = limits()
    if soft < wanted:
        import resource

        ceiling = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard), ceiling))


def count_processes(clients: int) -> int:
    """Return how many processes so many clients need. Raises TooFew when they are too many."""
    _, hard = limits()
    capacity = max(hard - RESERVE, 1)
    processes = ceil(clients / capacity)
    if processes > MOST_PROCESSES:
        raise TooFew(advice(clients, MOST_PROCESSES))
    return processes


def provide(clients: int, processes: int) -> None:
    """Raise the limit to what each process needs. Raises TooFew when that is not allowed."""
    wanted = ceil(clients / processes) + RESERVE
    if limits()[1] < wanted:
        raise TooFew(advice(clients, processes))
    raise_limit(wanted)


def advice(clients: int, processes: int) -> str:
    """Return advice on how to raise the limit."""
    wanted = ceil(clients / processes) + RESERVE
    return (
        f"{clients} clients in {processes} processes need {wanted} file descriptors each, and "
        f"{limits()[1]} are allowed. Type\n\n    ulimit -n {wanted}\n\nbefore, as root, or raise "
        "nofile in /etc/security/limits.conf and log in again; or have fewer --clients or more "
        "--processes."
    )
