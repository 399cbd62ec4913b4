"""Views for tests of a proxy: headers, and streams that a test releases piece by piece."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator

from django.http import HttpRequest, JsonResponse, StreamingHttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

#: Released once for each further piece.
gate = threading.Semaphore(0)


def headers(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"scheme": request.scheme, "host": request.get_host(), **request.headers})


def stream(request: HttpRequest) -> StreamingHttpResponse:
    """Hold the thread between the pieces."""

    def pieces() -> Iterator[str]:
        for number in range(3):
            assert gate.acquire(timeout=60)
            yield f"piece {number}\n"

    return StreamingHttpResponse(pieces(), content_type="text/plain")


def events(request: HttpRequest) -> StreamingHttpResponse:
    """Hold no thread of the server."""

    async def pieces() -> AsyncIterator[str]:
        for number in range(3):
            assert await asyncio.to_thread(gate.acquire, timeout=60)
            yield f"data: piece {number}\n\n"

    return StreamingHttpResponse(pieces(), content_type="text/event-stream")


@csrf_exempt
def upload(request: HttpRequest) -> JsonResponse:
    """Respond with the length of the body and its last byte."""
    size, last = 0, b""
    while piece := request.read(1 << 20):
        size, last = size + len(piece), piece[-1:]
    return JsonResponse({"size": size, "last": last.decode()})


urlpatterns = [
    path("upload/", upload),
    path("headers/", headers),
    path("stream/", stream),
    path("events/", events),
]
