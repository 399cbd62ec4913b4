"""The load client ``load.c``: compile it, run it, and read its output."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .processes import Server, settle_on

HERE = Path(__file__).resolve().parent
#: Seconds in addition to those of a workload before a run is killed; ``load`` itself gives up
#: earlier.
PATIENCE = 120.0
#: Connections that are opened and closed first, so that lazy imports are not counted.
FIRST_CONNECTIONS = "32"


def find_compiler() -> str | None:
    """Return the path of a C compiler, that of the environment variable CC first."""
    names = (os.environ.get("CC", ""), "cc", "gcc", "clang")
    return next((path for name in names if name and (path := shutil.which(name))), None)


def compile_programs(folder: Path) -> None:
    """Compile ``load`` and ``ceiling`` into a folder. Raises SystemExit without a C compiler."""
    compiler = find_compiler()
    if compiler is None:
        raise SystemExit(
            "No C compiler found. Install one (Debian, Ubuntu: apt-get install gcc libc6-dev)."
        )
    for source in (HERE / "load.c", HERE / "servers" / "ceiling.c"):
        subprocess.run([compiler, "-O2", "-o", folder / source.stem, source], check=True)


@dataclass(frozen=True)
class Client:
    """The compiled client and its core."""

    program: Path
    core: int

    def run(self, mode: str, options: Sequence[str], seconds: float = 0) -> dict[str, Any]:
        """Run the client to its end; return its measurements, with ``failed`` and ``failure``."""
        with self.start(mode, options, subprocess.DEVNULL) as process:
            try:
                output, _ = process.communicate(timeout=seconds + PATIENCE)
            except BaseException as error:
                process.kill()
                if isinstance(error, subprocess.TimeoutExpired):
                    return {"failed": 1, "failure": "the load client did not end"}
                raise
        return read_result(output)

    def start(self, mode: str, options: Sequence[str], stdin: int) -> subprocess.Popen[str]:
        """Start the client."""
        return subprocess.Popen(
            [str(self.program), mode, *options],
            stdin=stdin,
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=settle_on(self.core),
        )

    def memory(
        self, server: Server, options: Sequence[str], settled: Callable[[Server], int]
    ) -> dict[str, Any]:
        """Hold idle connections; return the client's output and ``bytes_each``."""
        self.run("idle", [*options, "--connections", FIRST_CONNECTIONS])
        before = settled(server)
        with self.start("idle", options, subprocess.PIPE) as process:
            try:
                assert process.stdout is not None
                words = process.stdout.readline().split()  # ready N failed M
                after = settled(server)
                output, _ = process.communicate(timeout=PATIENCE)
            except BaseException:
                process.kill()
                raise
        opened = int(words[1]) if len(words) == 4 else 0
        result = read_result(output)
        return {**result, "bytes_each": (after - before) / opened if opened else 0.0}


def settled_memory(server: Server) -> int:
    """Return the server's memory once it changes by less than 0.1 % in half a second."""
    last = server.memory()
    for _ in range(20):
        time.sleep(0.5)
        current = server.memory()
        if abs(current - last) < last / 1000:
            return current
        last = current
    return last


def read_result(output: str) -> dict[str, Any]:
    """Return the JSON of the last line."""
    lines = output.strip().splitlines()
    if not lines or not lines[-1].startswith("{"):
        return {"failed": 1, "failure": "the load client printed no result"}
    result: dict[str, Any] = json.loads(lines[-1])
    return result
