"""The project that is watched, in one file: ``python tests/soak/site.py runtornado PORT``."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:1] = [str(ROOT), str(ROOT / "servers")]

from django.conf import settings  # noqa: E402

settings.configure(
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    SECRET_KEY="for tests only",
    INSTALLED_APPS=["c10kws"],
    MIDDLEWARE=["django.middleware.common.CommonMiddleware"],  # adds Content-Length
    LOGGING_CONFIG=None,
    C10KWS={
        "PING_INTERVAL": 1.0,
        "PING_TIMEOUT": 4.0,
        "CLOSE_TIMEOUT": 1.0,
        "IDLE_TIMEOUT": 4.0,
        "SEND_TIMEOUT": 2.0,
        "MAX_QUEUE_BYTES": 256 * 1024,
        "MAX_CONNECTIONS_PER_ADDRESS": 10_000,
        "MESSAGE_RATE": "100000/s",
        "FREEZE_CONNECTIONS": None,
    },
)

import django  # noqa: E402

django.setup()

from django.core.management import execute_from_command_line  # noqa: E402
from django.http import (  # noqa: E402
    HttpRequest,
    HttpResponse,
    JsonResponse,
    StreamingHttpResponse,
)
from django.urls import include, path  # noqa: E402

from c10kws import WebSocket, websocket  # noqa: E402
from c10kws.events import EventSocket, Socket  # noqa: E402
from c10kws.handlers.servers import servers  # noqa: E402
from c10kws.longpoll import asynchronous  # noqa: E402


@websocket
async def echo(ws: WebSocket) -> None:
    async for message in ws:
        await ws.write_message(message)


@websocket(compression=True)
async def compressed(ws: WebSocket) -> None:
    async for message in ws:
        await ws.write_message(message)


@websocket
async def flood(ws: WebSocket) -> None:
    while not ws.closed:
        ws.write_message(bytes(10_000))
        await asyncio.sleep(0.01)


rooms = EventSocket("/rooms")


@rooms.on
async def say(socket: Socket, data: Any) -> None:
    rooms.to(data["room"]).emit("said", data)


@rooms.on
def count(data: Any) -> int:
    return len(data)


@rooms.may_join
async def may_join(socket: Socket, room: str) -> bool:
    return True


def page(request: HttpRequest) -> HttpResponse:
    return HttpResponse("page " * 1000)


@asynchronous
async def poll(request: HttpRequest, handler: Any) -> None:
    await asyncio.sleep(0.3)
    handler.finish("news")


async def numbers() -> AsyncIterator[bytes]:
    for number in range(50):
        yield b"data: %d\n\n" % number
        await asyncio.sleep(0.05)


def stream(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(numbers(), content_type="text/event-stream")


def upload(request: HttpRequest) -> HttpResponse:
    return HttpResponse(len(request.body))


def state(request: HttpRequest) -> JsonResponse:
    """Return the numbers that only this process knows. At rest, garbage is collected before."""
    if "rest" in request.GET:
        gc.collect()
    return JsonResponse(
        {
            "pid": os.getpid(),
            "clients": sum(len(server.clients) for server in servers.running),
            "queued": request.META["c10kws.executor"].queued,
            "blocks": sys.getallocatedblocks(),
        }
    )


urlpatterns = [
    path("echo/", echo),
    path("compressed/", compressed),
    path("flood/", flood),
    path("page/", page),
    path("poll/", poll),
    path("stream/", stream),
    path("upload/", upload),
    path("events/", include("c10kws.events.urls")),
    path("state/", state),
]

if __name__ == "__main__":
    execute_from_command_line(sys.argv)
