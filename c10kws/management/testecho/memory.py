"""Memory of the processes that listen on the targets, from Linux' ``/proc``."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from .plan import Target

PROC = Path("/proc")
LISTEN = "0A"  # the state of a socket in /proc/net/tcp


class MemoryUnknown(Exception):
    """The memory cannot be measured; the text has the reason."""


@dataclass(frozen=True, slots=True)
class Growth:
    """Bytes of user memory; pages that processes share are divided among them (PSS)."""

    processes: frozenset[int]
    before: int
    now: int


class MemoryWatch:
    """Measures the growth of the servers' memory, from its creation on."""

    def __init__(self, targets: Iterable[Target]) -> None:
        self._unknown: str | None = None
        try:
            self._processes = find_servers(tuple(targets))
            self._before = measure(self._processes)
        except MemoryUnknown as unknown:
            self._unknown = str(unknown)

    def growth(self) -> Growth | str:
        """Return the growth, or why it is unknown."""
        if self._unknown is not None:
            return self._unknown
        try:
            return Growth(self._processes, self._before, measure(self._processes))
        except MemoryUnknown as unknown:
            return str(unknown)


def measure(servers: Iterable[int]) -> int:
    """Return the total bytes of the processes. Raises MemoryUnknown."""
    return sum(size_of(process) for process in servers)


def find_servers(targets: tuple[Target, ...]) -> frozenset[int]:
    """Return the processes that listen on the targets. Raises MemoryUnknown."""
    if not (PROC / "net" / "tcp").exists():
        raise MemoryUnknown("this system has no /proc/net/tcp")
    if elsewhere := [target.host for target in targets if not is_here(target)]:
        raise MemoryUnknown(f"{elsewhere[0]} is another machine")
    return find_listeners({target.port for target in targets})


def is_here(target: Target) -> bool:
    """Return True for an address of this machine; only such addresses can be bound."""
    with socket.socket(target.family, socket.SOCK_STREAM) as probe:
        try:
            probe.bind((target.address[0], 0, *target.address[2:]))
        except OSError:
            return False
    return True


def find_listeners(ports: set[int]) -> frozenset[int]:
    """Return the processes that listen on these ports. Raises MemoryUnknown if one has none."""
    sockets = {f"socket:[{inode}]": port for port, inode in listening() if port in ports}
    found: set[int] = set()
    unseen = set(ports)
    for process in processes():
        for name in open_files(process) & sockets.keys():
            found.add(process)
            unseen.discard(sockets[name])
    if unseen:
        raise MemoryUnknown(f"no process of this user listens on port {min(unseen)}")
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
    """Return the open files of a process; none if they belong to another user."""
    folder = f"{PROC}/{process}/fd"
    files: set[str] = set()
    with suppress(OSError):  # it has ended, or belongs to another user
        for number in os.listdir(folder):
            with suppress(FileNotFoundError):  # closed meanwhile
                files.add(os.readlink(f"{folder}/{number}"))
    return files


def size_of(process: int) -> int:
    """Return the bytes of a process. Raises MemoryUnknown if it has ended."""
    try:
        lines = (PROC / str(process) / "smaps_rollup").read_text().splitlines()
    except OSError as error:
        raise MemoryUnknown(f"process {process} cannot be measured: {error.strerror}") from error
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) * 1024
