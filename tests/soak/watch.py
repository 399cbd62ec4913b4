"""The server, its crowd of clients, and a line every ten seconds."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from tests.soak.crowd import Crowd
from tests.soak.readings import Reading, faults_of, read_server, slopes_of
from tools.processes import free_port

ROOT = Path(__file__).resolve().parents[2]
#: Seconds between two lines.
INTERVAL = 10.0
#: Seconds in which the server forgets its last clients.
SETTLE = 20.0


async def soak(minutes: float) -> int:
    """Serve, let the crowd work, and print the readings and the verdict."""
    port = free_port()
    program = str(Path(__file__).with_name("site.py"))
    command = [sys.executable, program, "runtornado", f"127.0.0.1:{port}"]
    server = await asyncio.create_subprocess_exec(
        *command, cwd=ROOT, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        return await watch(server.pid, port, minutes)
    finally:
        if server.returncode is None:
            server.terminate()
        await server.wait()


async def watch(pid: int, port: int, minutes: float) -> int:
    """Print a line every INTERVAL; return the exit status."""
    crowd = Crowd(port)
    await crowd.wait_for_server()
    before = await read_server(pid, port)
    print(Reading.HEADLINE)
    print(before, "before", flush=True)
    readings = []
    async with crowd.working():
        for _ in range(max(3, round(minutes * 60 / INTERVAL))):
            await asyncio.sleep(INTERVAL)
            readings.append(await read_server(pid, port))
            print(readings[-1], crowd.summary(), flush=True)
    await asyncio.sleep(SETTLE)
    after = await read_server(pid, port)
    print(after, "after", flush=True)
    slopes = slopes_of(readings, INTERVAL)
    print("a minute:", ", ".join(f"{name} {slope:+.2f}" for name, slope in slopes.items()))
    faults = [*faults_of(slopes, before, after), *crowd.faults()]
    for fault in faults:
        print(f"FAILED: {fault}")
    return int(bool(faults))
