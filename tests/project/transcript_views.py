"""A URLconf of its own: a page with ``client.js`` and a server that replays a transcript."""

from __future__ import annotations

import json
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template import RequestContext, Template
from django.urls import path

from c10kws import WebSocket, websocket
from tests.transcripts import TRANSCRIPTS

PAGE = """{% load c10kws %}<!doctype html>
<html lang="en"><title>Transcript</title><link rel="icon" href="data:,">
{% c10kws_client %}
"""

#: What went otherwise than the transcript says, and how many frames went right.
faults: list[Any] = []
replayed: list[str] = []


def page(request: HttpRequest) -> HttpResponse:
    return HttpResponse(Template(PAGE).render(RequestContext(request)))


@websocket(subprotocols=["c10kws.v1.json"])
async def replay(ws: WebSocket, name: str) -> None:
    transcript = TRANSCRIPTS[name]
    if (ws.subprotocol is not None) != bool(transcript["version"]):
        faults.append(f"the client offered {ws.subprotocol}")
    for who, frame in transcript["frames"]:
        if who == "server":
            await ws.write_message(json.dumps(frame))
        elif who == "server close":
            await ws.close(*frame)
        else:
            found = json.loads(await ws.read_message())
            if found != frame:
                faults.append([frame, found])
    replayed.append(name)
    async for message in ws:
        faults.append(message)


urlpatterns = [path("page/", page), path("ws/<str:name>", replay)]
