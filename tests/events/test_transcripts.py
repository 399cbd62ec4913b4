"""The golden transcripts, replayed against the server."""

from __future__ import annotations

import json
from typing import Any

import pytest

from c10kws.events import EventError, EventSocket, Socket
from tests.support.events import Connect
from tests.support.peers import closed_with
from tests.support.waiting import WAIT
from tests.transcripts import TRANSCRIPTS, same


def bind_open(chat: EventSocket) -> None:
    """Bind an ``open`` that follows the query of the URL."""

    @chat.on("open")
    def begin(socket: Socket) -> None:
        match socket.request.GET.get("open"):
            case "welcome":
                socket.emit("welcome", {"clients": len(chat)})
                chat.emit("joined")
            case "refuse":
                chat.emit("joined")
                raise EventError("full", "no seat left")


@pytest.fixture
def golden(chat: EventSocket) -> EventSocket:
    """The endpoint of the transcripts."""

    bind_open(chat)

    @chat.on
    def add(data: dict[str, Any]) -> dict[str, int]:
        return {"sum": data["a"] + data["b"]}

    @chat.on
    async def shout(socket: Socket, data: dict[str, Any]) -> None:
        await socket.emit("shouted", str(data["message"]).upper())

    @chat.on
    def refuse() -> None:
        raise EventError("conflict", "taken", {"by": "ann"})

    @chat.on
    def crash() -> None:
        raise LookupError("secret")

    @chat.on
    def publish(data: dict[str, Any]) -> None:
        chat.to(data["room"]).emit("news", {"n": 1}).result(WAIT)  # then the reply

    @chat.on
    def leave(socket: Socket) -> None:
        socket.close(4401, "logged out", reconnect=False)

    @chat.may_join
    def may_join(socket: Socket, room: str) -> bool:
        return room == "open"

    return chat


@pytest.mark.parametrize("name", TRANSCRIPTS)
def test_the_python_end(golden: EventSocket, connect: Connect, name: str) -> None:
    transcript = TRANSCRIPTS[name]
    path = f"/events/chat?{transcript.get('query', '')}"
    with connect(path, version=transcript["version"]) as client:
        frames = transcript["frames"]
        if client.hello is not None:
            assert same(frames[0][1], client.hello), client.hello
            frames = frames[1:]
        for who, expected in frames:
            if who == "client":
                client.send_raw(json.dumps(expected))
            elif who == "client text":
                client.send_raw(expected)
            elif who == "server close":
                assert closed_with(client.connection) == tuple(expected)
            else:
                found = client.receive()
                assert same(expected, found), (expected, found)
