"""The memory of the processes that listen where the clients connect, by Linux' ``/proc``."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from .plan import Target

PROC = Path("/proc")
LISTEN = "0A"  # the state of a socket in /proc/net/tcp


class Unknown(Exception):
    """The memory cannot be found out; the text says why."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes of user memory; pages that processes share are divided among them (PSS)."""

    processes: frozenset[int]
    size: int


def measure(targets: Iterable[Target]) -> Memory:
    """Return what the servers take now. Raises Unknown."""
    targets = tuple(targets)
    if not (PROC / "net" / "tcp").exists():
        raise Unknown("this system has no /proc/net/tcp")
    if elsewhere := [target.host for target in targets if not is_here(target)]:
        raise Unknown(f"{elsewhere[0]} is another machine")
    found = find_listeners({target.port for target in targets})
    return Memory(found, sum(size_of(process) for process in found))


def is_here(target: Target) -> bool:
    """Return whether an address is one of this machine: only such can be bound."""
    with socket.socket(target.family, socket.SOCK_STREAM) as probe:
        try:
            probe.bind((target.address[0], 0, *target.address[2:]))
        except OSError:
            return False
    return True


def find_listeners(ports: set[int]) -> frozenset[int]:
    """Return the processes that listen on these ports. Raises Unknown when one has none."""
    sockets = {f"socket:[{inode}]": port for port, inode in listening() if port in ports}
    found: set[int] = set()
    unseen = set(ports)
    for process in processes():
        for name in open_files(process) & sockets.keys():
            found.add(process)
            unseen.discard(sockets[name])
    if unseen:
        raise Unknown(f"no process of this user is seen to listen on port {min(unseen)}")
    return frozenset(found)


def listening() -> Iterator[tuple[int, str]]:
    """Yield port and inode of each listening socket of this machine."""
    for name in ("tcp", "tcp6"):
        path = PROC / "net" / name
        for line in path.read_text().splitlines()[1:] if path.exists() else ():
            _, local, _, state, _, _, _, _, _, inode, *_ = line.split()
            if state == LISTEN:
                yield int(local.rpartition(":")[2], 16), inode


def processes() -> Iterator[int]:
    """Yield the numbers of all processes."""
    return (int(path.name) for path in PROC.iterdir() if path.name.isdigit())


def open_files(process: int) -> set[str]:
    """Return what a process has open; nothing where that is not ours to see."""
    files: set[str] = set()
    try:
        for path in (PROC / str(process) / "fd").iterdir():
            files.add(str(path.readlink()))
    except OSError:  # it has ended, or belongs to another user
        pass
    return files


def size_of(process: int) -> int:
    """Return the bytes of a process. Raises Unknown when it has ended."""
    try:
        lines = (PROC / str(process) / "smaps_rollup").read_text().splitlines()
    except OSError as error:
        raise Unknown(f"process {process} cannot be measured: {error.strerror}") from error
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) * 1024
