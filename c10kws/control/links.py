"""The link between processes: one JSON line in each direction over a Unix socket.

Each worker listens in the directory of the project. A process asks all of them at the same time.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..handlers.servers import servers
from ..runtime_directory import check_directory, directory_path
from . import operations

#: Changes with the format: workers of two releases may run at the same time.
VERSION = 1
#: Seconds within which a worker must answer.
DEADLINE = 3.0
#: Bytes of the longest request.
MAX_REQUEST = 1024 * 1024
SUFFIX = ".sock"

Data = dict[str, Any]


@dataclass(slots=True)
class Answers:
    """The answers of all processes, and what is wrong with those that did not answer."""

    results: list[Data] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def none(self) -> str:
        """A sentence if there are no such processes, otherwise an empty text."""
        if self.results or self.problems:
            return ""
        return (
            f"No server of this project was found in {directory_path()}. A server must run as the "
            "same user on this machine, and is found after its first request."
        )


def ask_all(request: Mapping[str, Any]) -> Answers:
    """Ask all processes of this project that serve. Raises :exc:`.UnsafeDirectory`."""
    found = _sockets()
    answers = Answers()
    own = Path(f"{os.getpid()}{SUFFIX}").name
    if own not in {path.name for path in found} and servers.running:
        answers.results.append(operations.answer(request))  # this process serves without a socket
    if found:
        with ThreadPoolExecutor(min(len(found), 32), "c10kws-ask") as pool:
            for result in pool.map(lambda path: _ask(path, request), found):
                if isinstance(result, str):
                    answers.problems.append(result)
                elif result is not None:
                    answers.results.append(result)
    return answers


def _sockets() -> list[Path]:
    """Return the sockets of the project."""
    if not hasattr(socket, "AF_UNIX"):
        return []
    path = directory_path()
    try:
        check_directory(path)
    except FileNotFoundError:
        return []
    return sorted(path.glob(f"*{SUFFIX}"))


def _ask(path: Path, request: Mapping[str, Any]) -> Data | str | None:
    """Return the answer of a process, a problem, or None if the process has ended."""
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(DEADLINE)
        try:
            link.connect(str(path))
            send(link, {"version": VERSION, **request})
            reply = receive(link)
        except (ConnectionRefusedError, FileNotFoundError):
            with suppress(OSError):  # a process that was killed leaves its socket
                path.unlink()
            return None
        except (OSError, ValueError) as error:
            return f"Process {path.stem} did not answer: {error!r}."
    if "result" not in reply:
        return f"Process {path.stem}: {reply.get('error', 'no result')}"
    result: Data = reply["result"]
    return result


def send(link: socket.socket, data: Data) -> None:
    """Send one line."""
    link.sendall(json.dumps(data, separators=(",", ":")).encode() + b"\n")


def receive(link: socket.socket, limit: int | None = None) -> Data:
    """Return the data of one line. Raises ValueError if it is invalid or too long, OSError."""
    with link.makefile("rb") as file:
        line = file.readline(-1 if limit is None else limit)
    if not line.endswith(b"\n"):
        raise ValueError("the line is incomplete or too long")
    try:
        data = json.loads(line)
    except RecursionError as error:
        raise ValueError("the line is nested too deeply") from error
    if not isinstance(data, dict):
        raise ValueError("the line is no object")
    return data
