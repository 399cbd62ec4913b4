"""The project of the fault tests, in one file: ``python tests/faults/site.py COMMAND``.

The environment variable C10KWS_FAULTS has a :class:`~tests.faults.configuration.Configuration`. The
command ``send`` emits from a process that does not serve; all others are those of ``manage.py``.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:1] = [str(ROOT), str(ROOT / "servers")]

from django.conf import settings  # noqa: E402

CONFIGURATION = json.loads(os.environ["C10KWS_FAULTS"])

settings.configure(
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    SECRET_KEY="for tests only",
    INSTALLED_APPS=["c10kws"],
    LOGGING_CONFIG=None,
    C10KWS={"PING_INTERVAL": None, "MESSAGE_RATE": "100000/s", **CONFIGURATION["c10kws"]},
)

import django  # noqa: E402

django.setup()

from django.core.management import execute_from_command_line  # noqa: E402
from django.urls import include, path  # noqa: E402

from c10kws.events import EventSocket, Socket  # noqa: E402
from c10kws.events.brokers.emission import Emission  # noqa: E402
from c10kws.events.brokers.link import link  # noqa: E402
from c10kws.events.brokers.registry import brokers  # noqa: E402
from c10kws.events.exceptions import BrokerUnavailable  # noqa: E402

for name, seconds in CONFIGURATION["link"].items():
    assert hasattr(link, name), name
    setattr(link, name, seconds)

chat = EventSocket("/chat", history={"kept": {"size": 100_000, "ttl": 600, "max_bytes": 1 << 26}})
tasks: set[asyncio.Task[None]] = set()


@chat.may_join
async def may_join(socket: Socket, room: str) -> bool:
    return True


@chat.on
async def who() -> dict[str, Any]:
    return {"pid": os.getpid()}


@chat.on
async def send(socket: Socket, data: dict[str, Any]) -> None:
    """Emit a number to both rooms, and tell the client the outcome of each."""
    for room in ("kept", "plain"):
        emission = emit(room, data)
        task = asyncio.create_task(report(socket, room, data["number"], emission))
        tasks.add(task)
        task.add_done_callback(tasks.discard)


def emit(room: str, data: dict[str, Any]) -> Emission:
    return chat.to(room).emit("number", {**data, "at": time.time()})


async def report(socket: Socket, room: str, number: int, emission: Emission) -> None:
    try:
        await emission
    except BrokerUnavailable:
        accepted = False
    else:
        accepted = True
    socket.emit("outcome", {"room": room, "number": number, "accepted": accepted})


class Line:
    """The last line of stdin; None after its end."""

    def __init__(self) -> None:
        self.text: str | None = ""
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        for line in sys.stdin:
            self.text = line.strip()
        self.text = None


def send_from_here(pause: float) -> None:
    """Emit numbers while the last line of stdin is the name of a sender; print the outcomes."""
    line, sender, number = Line(), "", 0
    while (name := line.text) is not None:
        if name != sender:
            print(json.dumps({"sender": name}), flush=True)
            sender, number = name, 0
        if sender:
            number += 1
            for room in ("kept", "plain"):
                try_to_emit(room, sender, number)
        time.sleep(pause)
    brokers.close(0)


def try_to_emit(room: str, sender: str, number: int) -> None:
    try:
        emit(room, {"sender": sender, "number": number})
        accepted = True
    except BrokerUnavailable:
        accepted = False
    print(json.dumps({"room": room, "number": number, "accepted": accepted}), flush=True)


urlpatterns = [path("events/", include("c10kws.events.urls"))]

if __name__ == "__main__":
    if sys.argv[1] == "send":
        send_from_here(float(sys.argv[2]))
    else:
        execute_from_command_line(sys.argv)
