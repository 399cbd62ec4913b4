"""The link between processes of one machine: a JSON line in each direction over a Unix socket.

Each process that serves listens in the directory of the project. The name of its socket has its
process number and its token.
"""

from __future__ import annotations

import socket
from contextlib import suppress
from pathlib import Path

from ..runtime_directory import check_directory, directory_path
from .plain_data import Data, decode, encode
from .process import Process
from .replies import VERSION

#: Bytes of the longest request.
MAX_REQUEST = 1024 * 1024
SUFFIX = ".sock"


def name_of_socket(process: Process) -> str:
    """Return the name of the socket of a process."""
    return f"{process.pid}-{process.token}{SUFFIX}"


def process_of(path: Path) -> Process:
    """Return the process to which a socket belongs."""
    pid, _, token = path.stem.partition("-")
    return Process(int(pid), token)


def available() -> bool:
    """Return True if this system has Unix sockets."""
    return hasattr(socket, "AF_UNIX")


def find_sockets() -> list[Path]:
    """Return the sockets of the project. Raises :exc:`.UnsafeDirectory`."""
    if not available():
        return []
    path = directory_path()
    try:
        check_directory(path)
    except FileNotFoundError:
        return []
    return sorted(path.glob(f"[0-9]*-*{SUFFIX}"))


def ask(path: Path, request: Data, timeout: float) -> Data | None:
    """Return the reply of a process; None if it has ended. Raises OSError, ValueError."""
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(timeout)
        try:
            link.connect(str(path))
        except (ConnectionRefusedError, FileNotFoundError):
            with suppress(OSError):  # a process that was killed leaves its socket
                path.unlink()
            return None
        send(link, {"version": VERSION, **request})
        return receive(link)


def send(link: socket.socket, data: Data) -> None:
    """Send one line."""
    link.sendall(encode(data).encode() + b"\n")


def receive(link: socket.socket, limit: int | None = None) -> Data:
    """Return the data of one line. Raises ValueError if it is invalid or too long, OSError."""
    with link.makefile("rb") as file:
        line = file.readline(-1 if limit is None else limit)
    if not line.endswith(b"\n"):
        raise ValueError("the line is incomplete or too long")
    return decode(line)
