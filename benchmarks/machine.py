"""The machine: its cores, and its description for the report."""

from __future__ import annotations

import os
import platform
import resource
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = (
    *("Django", "tornado", "wsproto", "websockets", "aiohttp", "picows", "channels", "daphne"),
    *("channels-redis", "redis", "hiredis"),
    *("orjson", "uvicorn", "uvloop", "httptools", "flask-sock", "simple-websocket", "gunicorn"),
)


@dataclass(frozen=True)
class Cores:
    """The cores of the server and of the client."""

    server: int
    client: int

    def describe(self) -> str:
        """Return a sentence for the report."""
        if self.server == self.client:
            return (
                "This machine has one core for both, so server and client take turns: "
                "the figures are those of the two together."
            )
        shared = "; both are one physical core" if self.client in siblings(self.server) else ""
        return f"Server on core {self.server}, client on core {self.client}{shared}."


def choose_cores() -> Cores:
    """Return the first core of this process and, if possible, one of another physical core."""
    allowed = sorted(os.sched_getaffinity(0))
    server = allowed[0]
    others = [core for core in allowed if core not in siblings(server)]
    return Cores(server, (others or allowed)[-1])


def siblings(core: int) -> set[int]:
    """Return all logical cores of its physical core."""
    path = Path(f"/sys/devices/system/cpu/cpu{core}/topology/thread_siblings_list")
    found = {core}
    try:
        parts = path.read_text(encoding="ascii").strip().split(",")
    except OSError:
        return found
    for part in parts:
        first, _, last = part.partition("-")
        found.update(range(int(first), int(last or first) + 1))
    return found


def file_limit() -> int:
    """Return the hard limit of open files of a process."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[1]


def facts() -> dict[str, str]:
    """Return processor, system, Python and the versions of the measured packages."""
    found = {
        "processor": processor(),
        "cores": str(len(os.sched_getaffinity(0))),
        "system": f"{platform.system()} {platform.release()}",
        "load before": f"{os.getloadavg()[0]:.2f}",
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
    }
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def processor() -> str:
    """Return the model name of the processor."""
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.machine()
