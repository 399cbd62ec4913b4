"""The programs of a stage: servers, a sender that does not serve, and a network that fails."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from asyncio.subprocess import Process
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.support.shell import ROOT
from tools.processes import free_port

SITE = Path(__file__).with_name("site.py")
#: Seconds within which a program that was asked to end has ended; then it is killed.
GRACE = 10.0


async def start(arguments: list[str], variables: Mapping[str, str], log: Path) -> Process:
    """Start a program of Python in a session of its own."""
    with log.open("ab") as errors:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, *arguments),
            cwd=ROOT,
            env={**os.environ, **variables},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,
        )


async def end(process: Process) -> None:
    """End a program and its children."""
    if process.returncode is None:
        process.terminate()
        with suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), GRACE)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()


class Server:
    """``runtornado`` with several workers."""

    def __init__(self, process: Process, port: int) -> None:
        self._process = process
        self.port = port

    @classmethod
    async def begin(cls, variables: Mapping[str, str], workers: int, log: Path) -> Server:
        """Start a server. It may not answer yet."""
        port = free_port()
        arguments = ["runtornado", f"127.0.0.1:{port}", "--workers", str(workers)]
        process = await start([str(SITE), *arguments], variables, log)
        return cls(process, port)

    async def end(self) -> None:
        await end(self._process)


class Sender:
    """A process that does not serve, and emits numbers."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._reading = asyncio.create_task(self._read())
        self._sender = ""
        self._changed = asyncio.Event()
        self.outcomes: list[dict[str, Any]] = []

    @classmethod
    async def begin(cls, pause: float, variables: Mapping[str, str], log: Path) -> Sender:
        """Start the process."""
        return cls(await start([str(SITE), "send", str(pause)], variables, log))

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            outcome = json.loads(line)
            if "sender" in outcome:
                self._sender = outcome["sender"]
                self._changed.set()
            else:
                self.outcomes.append(outcome)

    async def send_as(self, sender: str) -> None:
        """Emit from now on under another name; without a name, stop. Earlier outcomes are known."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{sender}\n".encode())
        while self._sender != sender:
            self._changed.clear()
            await self._changed.wait()

    async def end(self) -> None:
        await end(self._process)
        await self._reading


class Network:
    """A network to a Unix socket that fails on command; see ``cutter.py``."""

    def __init__(self, process: Process, port: int) -> None:
        self._process = process
        self.url = f"redis://127.0.0.1:{port}/0"

    @classmethod
    async def begin(cls, upstream: Path, log: Path) -> Network:
        process = await start(["-m", "tests.faults.cutter", str(upstream)], {}, log)
        assert process.stdout is not None
        return cls(process, int(await process.stdout.readline()))

    async def do(self, command: str) -> None:
        """Carry out a command."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(f"{command}\n".encode())
        assert await self._process.stdout.readline() == b"done\n"

    async def end(self) -> None:
        await end(self._process)
