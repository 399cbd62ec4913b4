"""``this_process()``: the names of this process among all processes of the site."""

from __future__ import annotations

import os
import secrets
import socket
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Process:
    """``token`` is unique on all machines; ``name`` is for people."""

    pid: int = field(default_factory=os.getpid)
    token: str = field(default_factory=lambda: secrets.token_hex(4))

    @property
    def name(self) -> str:
        """Return the host and the process, such as "web1:4711"."""
        return name_of(self.pid)


_own = Process()


def this_process() -> Process:
    """Return this process. A forked child is another one."""
    return _own


def name_of(pid: int | str) -> str:
    """Return the name of a process of this machine."""
    return f"{socket.gethostname()}:{pid}"


def _begin() -> None:
    global _own
    _own = Process()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin)
