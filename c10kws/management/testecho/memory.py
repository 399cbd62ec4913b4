"""The memory of the processes that listen where the clients connect, by Linux' ``/proc``."""

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


class Unknown(Exception):
    """The memory cannot be found out; the text says why."""


@dataclass(frozen=True, slots=True)
class Growth:
    """Bytes of user memory; pages that processes share are divided among them (PSS)."""

    processes: frozenset[int]
    before: int
    now: int


class Watch:
    """The memory of the servers from now on."""

    def __init__(self, targets: Iterable[Target]) -> None:
        self._unknown: str | None = None
        try:
            self._processes = find_servers(tuple(targets))
            self._before = measure(self._processes)
        except Unknown as unknown:
            self._unknown = str(unknown)

    def growth(self) -> Growth | str:
        """Return what has come of it, or why that is not known."""
        if self._unknown is not None:
            return self._unknown
        try:
            return Growth(self._processes, self._before, measure(self._processes))
        except Unknown as unknown:
            return str(unknown)


def measure(servers: Iterable[int]) -> int:
    """Return the bytes that processes take together. Raises Unknown."""
    return sum(size_of(process) for process in servers)


def find_servers(targets: tuple[Target, ...]) -> frozenset[int]:
    """Return the processes that listen where clients connect. Raises Unknown."""
    if not (PROC / "net" / "tcp").exists():
        raise Unknown("this system has no /proc/net/tcp")
    if elsewhere := [target.host for target in targets if not is_here(target)]:
        raise Unknown(f"{elsewhere[0]} is another machine")
    return find_listeners({target.port for target in targets})


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
    folder = f"{PROC}/{process}/fd"
    files: set[str] = set()
    with suppress(OSError):  # it has ended, or belongs to another user
        for number in os.listdir(folder):
            with suppress(FileNotFoundError):  # closed meanwhile
                files.add(os.readlink(f"{folder}/{number}"))
    return files


def size_of(process: int) -> int:
    """Return the bytes of a process. Raises Unknown when it has ended."""
    try:
        lines = (PROC / str(process) / "smaps_rollup").read_text().splitlines()
    except OSError as error:
        raise Unknown(f"process {process} cannot be measured: {error.strerror}") from error
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) * 1024
