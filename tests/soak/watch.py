"""The server, its crowd of clients, and a line every ten seconds."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TextIO

from tests.soak.crowd import Crowd
from tests.soak.readings import Reading, Server, faults_of, slopes_of
from tests.support.certificates import Certificate
from tools.processes import free_port

ROOT = Path(__file__).resolve().parents[2]
#: Seconds between two lines.
INTERVAL = 10.0
#: Seconds in which the server forgets its last clients.
SETTLE = 15.0
#: The share of the time after which the server rests the first time: its caches are full.
WARM_UP = 1 / 3


async def soak(minutes: float, workers: int, *, tls: bool) -> int:
    """Serve, let the crowd work, and print the readings and the verdict."""
    port = free_port()
    with TemporaryDirectory() as folder, Path(folder, "log").open("w+") as log:
        certificate = Certificate(Path(folder)) if tls else None
        command = [sys.executable, str(Path(__file__).with_name("site.py")), "runtornado"]
        command += [
            f"127.0.0.1:{port}",
            "--workers",
            str(workers),
            *(certificate.flags if certificate else ()),
        ]
        server = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=log, stderr=log)
        context = certificate.client if certificate else None
        try:
            watched = Server(server.pid, port, workers, context)
            faults = await watch(watched, Crowd(port, context), minutes)
        except TimeoutError:
            print(log_of(log), file=sys.stderr)
            raise
        finally:
            if server.returncode is None:
                server.terminate()
            await server.wait()
        faults += faults_in(log_of(log))
    for fault in faults:
        print(f"FAILED: {fault}")
    return int(bool(faults))


async def watch(server: Server, crowd: Crowd, minutes: float) -> list[str]:
    """Print a line every INTERVAL; return what is wrong."""
    await crowd.wait_for_server()
    print(Reading.HEADLINE)
    print(await server.read(rest=True), "before", flush=True)
    lines = max(3, round(minutes * 60 / INTERVAL))
    warm_up = max(1, round(lines * WARM_UP))
    await work(server, crowd, warm_up)
    before, clients = await rest(server), crowd.clients
    readings = await work(server, crowd, lines - warm_up)
    after = await rest(server)
    slopes = slopes_of(readings, INTERVAL)
    print("a minute:", ", ".join(f"{name} {slope:+.2f}" for name, slope in slopes.items()))
    clients = crowd.clients - clients
    print(f"{after.blocks - before.blocks} blocks are left of {clients} clients:", crowd.details())
    return [
        *faults_of(slopes, before, after, clients=clients, workers=server.workers),
        *crowd.faults(),
    ]


async def work(server: Server, crowd: Crowd, lines: int) -> list[Reading]:
    """Run the crowd and print a reading every INTERVAL, ``lines`` times. Return the readings."""
    readings = []
    async with crowd.working():
        for _ in range(lines):
            await asyncio.sleep(INTERVAL)
            readings.append(await server.read())
            print(readings[-1], crowd.summary(), flush=True)
    return readings


async def rest(server: Server) -> Reading:
    """Wait until the server has forgotten its clients, and print a line."""
    await asyncio.sleep(SETTLE)
    reading = await server.read(rest=True)
    print(reading, "at rest", flush=True)
    return reading


def log_of(log: TextIO) -> str:
    """Return what the server has written."""
    log.seek(0)
    return log.read()


def faults_in(log: str) -> Iterator[str]:
    """Yield the last line of each traceback in the server's log."""
    entries = log.split("Traceback (most recent call last):\n")[1:]
    for entry in entries:
        lines = (line for line in entry.splitlines() if not line.startswith(" "))
        yield f"in the log: {next(lines, 'a traceback')}"
