"""A URLconf of its own: a page with ``client.js``, and a server that does what the page asks for.

The peer of version 1 is no EventSocket but a script by ``docs/reference/protocol.rst``, so that it
can also be silent, forgetful or wrong. It obeys these events:

========== =================================================================================
echo       answers an id with the data; without one sends the event ``echoed``
fail       answers ``ws:error`` with the data
quiet      answers nothing
say        sends the text in ``data.text`` as it is
post       sends the event ``posted`` to the room ``data.room``
forget     forgets the history of the room ``data.room`` and begins a new epoch
end        sends ``ws:bye`` with ``data.bye``, if there is one, and closes with code and reason
die        leaves the TCP connection open and never says anything again
========== =================================================================================
"""

from __future__ import annotations

import json
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template import RequestContext, Template
from django.urls import path

from c10kws import WebSocket, websocket

SUBPROTOCOL = "c10kws.v1.json"
PAGE = """{% load c10kws %}<!doctype html>
<html lang="en"><title>Client</title><link rel="icon" href="data:,">
{% c10kws_client progress=True %}
<div id="bar"></div>
"""
POLICY = "default-src 'self'; script-src 'self' 'nonce-n0nce'; connect-src ws:; img-src data:"


class Room:
    """A room with a history: the message with number n is the nth.

    Without an epoch, the history cannot be read.
    """

    def __init__(self, epoch: str | None) -> None:
        self.epoch = epoch
        self.history: list[str] = []
        self.members: list[Peer] = []
        self.early: list[str] = []  # frames that are sent before the reply to a join


class World:
    """What the peers of one test share, and what the test looks at."""

    def __init__(self) -> None:
        self.heard: list[dict[str, Any]] = []
        self.handshakes: list[list[str]] = []
        self.rooms = {"chat:1": Room("k1"), "chat:2": Room("k1")}
        self.hello: dict[str, Any] = {"ping": 20, "max": 1000, "v": 1}
        self.down = False  # answers handshakes with 503: a browser learns nothing but 1006

    def events(self, name: str) -> list[dict[str, Any]]:
        """Return the frames heard that are named so."""
        return [frame for frame in self.heard if frame["event"] == name]


world = World()


def restart() -> World:
    """Begin anew, for a test."""
    global world
    world = World()
    return world


class Peer:
    """The server's end of one connection."""

    def __init__(self, ws: WebSocket) -> None:
        self.ws = ws

    def say(self, event: str, data: Any, **keys: Any) -> None:
        self.ws.write_message(json.dumps({"event": event, "data": data, **keys}))

    async def serve(self) -> None:
        self.say("ws:hello", {"sid": f"sid-{len(world.handshakes)}", **world.hello})
        async for message in self.ws:
            frame = json.loads(message)
            world.heard.append(frame)
            if frame["event"] == "die":
                await self.ws.wait_closed()
                return
            name = frame["event"].replace("ws:", "ws_")
            await getattr(self, f"on_{name}", self.unknown)(frame, frame["data"])

    async def unknown(self, frame: dict[str, Any], data: Any) -> None:
        error = {"code": "unknown_event", "message": frame["event"], "details": {}}
        self.say("ws:error", error, **({"re": frame["id"]} if "id" in frame else {}))

    async def on_echo(self, frame: dict[str, Any], data: Any) -> None:
        if "id" in frame:
            self.say("ws:reply", data, re=frame["id"])
        else:
            self.say("echoed", data)

    async def on_fail(self, frame: dict[str, Any], data: Any) -> None:
        self.say("ws:error", data, re=frame["id"])

    async def on_quiet(self, frame: dict[str, Any], data: Any) -> None:
        pass

    async def on_say(self, frame: dict[str, Any], data: Any) -> None:
        self.ws.write_message(data["text"])

    async def on_ws_ping(self, frame: dict[str, Any], data: Any) -> None:
        self.say("ws:pong", {})

    async def on_end(self, frame: dict[str, Any], data: Any) -> None:
        if "bye" in data:
            self.say("ws:bye", data["bye"])
        await self.ws.close(data["code"], data.get("reason", ""))

    # Rooms

    async def on_ws_join(self, frame: dict[str, Any], data: Any) -> None:
        name = data["room"].removesuffix(":signed")
        room = world.rooms.get(name)
        if room is None:
            error = {"code": "forbidden", "message": "not for you", "details": {"room": name}}
            self.say("ws:error", error, re=frame["id"])
            return
        room.members.append(self)
        for text in room.early:
            self.ws.write_message(text)
        since = data.get("since") or {}
        recovered = room.epoch is not None and since.get("epoch") == room.epoch
        seq = len(room.history)
        reply = {"room": name, "epoch": room.epoch, "seq": seq, "recovered": recovered}
        self.say("ws:reply", reply, re=frame["id"])
        # One more than was missed: in a room with history delivery is at least once.
        for number in range(max(since["seq"], 1), seq + 1) if recovered else ():
            self.say("posted", {"text": room.history[number - 1]}, room=name, seq=number)

    async def on_ws_leave(self, frame: dict[str, Any], data: Any) -> None:
        room = world.rooms[data["room"]]
        room.members = [peer for peer in room.members if peer is not self]
        self.say("ws:reply", {"room": data["room"]}, re=frame["id"])

    async def on_post(self, frame: dict[str, Any], data: Any) -> None:
        room = world.rooms[data["room"]]
        room.history.append(data["text"])
        for peer in room.members:
            if not peer.ws.closed:
                place = {"room": data["room"], "seq": len(room.history)}
                peer.say("posted", {"text": data["text"]}, **place)

    async def on_forget(self, frame: dict[str, Any], data: Any) -> None:
        room = world.rooms[data["room"]]
        room.epoch = f"{room.epoch}+"
        room.history.clear()


@websocket(subprotocols=[SUBPROTOCOL], load_user=False)
async def version_1(ws: WebSocket) -> None:
    await Peer(ws).serve()


@websocket(load_user=False)
async def version_0(ws: WebSocket) -> None:
    """The ancestor's frames: an echo, and its warning."""
    async for message in ws:
        frame = json.loads(message)
        world.heard.append(frame)
        if frame["event"] == "end":
            await ws.close(frame["data"]["code"])
        elif frame["event"] == "echo":
            await ws.write_message(json.dumps({"event": "echoed", "data": frame["data"]}))
        else:
            warning = {"event": "warning", "data": {"message": "Event is not binded."}}
            await ws.write_message(json.dumps(warning))


def sometimes(request: HttpRequest, version: int) -> HttpResponse:
    """Take a connection, or say with 503 that it is not the time."""
    offered = request.headers.get("Sec-WebSocket-Protocol", "")
    world.handshakes.append([each.strip() for each in offered.split(",") if each])
    if world.down:
        return HttpResponse(status=503)
    return (version_1 if version == 1 else version_0)(request)


def page(request: HttpRequest) -> HttpResponse:
    """A page that links both scripts by the template tag."""
    text = Template(PAGE).render(RequestContext(request, {"csp_nonce": "n0nce"}))
    return HttpResponse(text, headers={"Content-Security-Policy": POLICY})


def refused(request: HttpRequest) -> HttpResponse:
    return HttpResponse("who are you?", status=401)


urlpatterns = [
    path("page/", page),
    path("ws/refused/", refused),
    path("ws/v<int:version>/", sometimes),
]
