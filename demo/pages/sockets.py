"""The events of two pages: a progress bar, and requests with their outcomes."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

from c10kws.events import EventError, EventSocket, ProgressBar

STEPS = 50
PAUSE = 0.15

bar = ProgressBar("/bake", max=STEPS)
requests = EventSocket("/requests")


@bar.on
def start() -> None:
    """Begin what takes its time, in a thread of its own; one at a time."""
    if not bar.start():
        raise EventError("busy", "It is running already.")
    threading.Thread(target=bake, name="bake", daemon=True).start()


def bake() -> None:
    """Send every step to every window."""
    try:
        for number in range(1, STEPS + 1):
            time.sleep(PAUSE)
            bar.tick(f"biscuit {number} of {STEPS}")
    finally:
        bar.stop()


@requests.on
def divide(data: dict[str, Any]) -> dict[str, int]:
    """Divide: the return value is the reply, an EventError the error."""
    match data:
        case {"a": int(a), "b": int(b)} if b != 0:
            return {"quotient": a // b, "remainder": a % b}
    raise EventError("invalid", "expected two integers, and no zero in b", {"got": data})


@requests.on
async def dawdle() -> dict[str, Any]:
    """Reply later than the page waits. What the same client asks next waits, too."""
    await asyncio.sleep(1.5)
    return {"late": True}
