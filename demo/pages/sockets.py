"""The events of two pages: a progress bar, and requests with their results."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

from c10kws.events import EventError, EventSocket, ProgressBar

STEPS = 50
PAUSE = 0.15
#: Seconds without a step, after which the job can start again: its worker may have been killed.
TIMEOUT = 10

bar = ProgressBar("/bake", max=STEPS, timeout=TIMEOUT)
requests = EventSocket("/requests")


@bar.on
def start() -> None:
    """Start the job in a thread of this worker, unless it is running in any worker."""
    if not bar.start():
        raise EventError("busy", "The job is already running.")
    threading.Thread(target=bake, name="bake", daemon=True).start()


def bake() -> None:
    """Send each step to all windows."""
    try:
        for number in range(1, STEPS + 1):
            time.sleep(PAUSE)
            bar.tick(f"biscuit {number} of {STEPS}")
    finally:
        bar.stop()


@requests.on
def divide(data: dict[str, Any]) -> dict[str, int]:
    """Divide. The return value is the reply; an EventError is an error."""
    match data:
        case {"a": int(a), "b": int(b)} if b != 0:
            return {"quotient": a // b, "remainder": a % b}
    raise EventError("invalid", "a and b must be integers, and b not 0", {"got": data})


@requests.on
async def dawdle() -> dict[str, Any]:
    """Reply after the timeout of the page. Further requests of this client wait."""
    await asyncio.sleep(1.5)
    return {"late": True}
