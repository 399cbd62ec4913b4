"""Random events, valid and invalid, sent to an EventSocket on a live server."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from c10kws.events import EventError, EventSocket, Socket
from c10kws.events.frames.envelope import SUBPROTOCOL
from tests.support.events import forget
from tests.support.frames import BINARY, CLOSE, FIN, TEXT, close_frame, frame
from tests.support.fuzz import check_settled, examples, read_frames, websocket
from tests.support.peers import Client, handshake
from tests.support.servers import LiveServer

Json = Any

#: Errors that a client may get, whatever it sends.
CODES = {"bad_json", "bad_frame", "unknown_event", "forbidden", "invalid", "refused"}
WARNINGS = {
    "Invalid JSON was sent.",
    "There is no event in this JSON.",
    "Event is not binded.",
    "The data should be a dictionary.",
    "refused",
    "forbidden",
    "'number' is missing",
}
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=10),
    st.sampled_from(["\ud800", "a" * 200, "ws:", 2**53, -(2**53), 1e400, "ws:x:1:y"]),
)
things: st.SearchStrategy[Json] = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)
events = st.one_of(
    st.sampled_from(["echo", "wait", "refuse", "number", "emit"] * 3),
    st.sampled_from(
        ["ws:ping", "ws:join", "ws:leave", "ws:hello", "ws:", "open", "close", "error"]
    ),
    st.sampled_from(["connect", "", "x" * 128, "x" * 129, "warning"]),
    scalars,
)
rooms = st.one_of(st.sampled_from(["a", "b", "", "x" * 500, "ws:a:0:b", "ws:::"]), things)
data = st.one_of(st.fixed_dictionaries({"room": rooms}), st.just({"number": 1}), things)
envelopes = st.one_of(
    st.fixed_dictionaries({"event": events}, optional={"data": data, "id": scalars, "re": scalars}),
    st.fixed_dictionaries({"event": events, "data": data, "id": st.integers(0, 2**53 - 1)}),
    things,
)


@st.composite
def texts(draw: st.DrawFn) -> bytes:
    """Return a frame: an envelope, perhaps damaged, or text that is none."""
    text = json.dumps(draw(envelopes), ensure_ascii=draw(st.booleans()))
    content = text.encode(errors="replace")
    match draw(st.integers(0, 9)):
        case 0:
            content = draw(st.text(max_size=20)).encode()
        case 1:
            position = draw(st.integers(0, 100)) % (len(content) + 1)
            content = content[:position] + draw(st.text(max_size=3)).encode() + content[position:]
            content = content.decode(errors="ignore").encode()
        case 2:
            content = b"[" * draw(st.integers(0, 5000)) + content
        case 3:
            return frame(BINARY, content)
        case 4:
            content = content[:-1].decode(errors="ignore").encode() + b', "event": "echo"}'
    return frame(TEXT, content)


def make_endpoint() -> EventSocket:
    chat = EventSocket("/fuzz")

    @chat.on
    async def echo(data: Json) -> Json:
        return data

    @chat.on
    def wait(socket: Socket, data: Json) -> str:
        return socket.id

    @chat.on
    async def refuse(data: Json) -> None:
        raise EventError("refused", "refused", {"data": data})

    @chat.on
    def number(data: Json) -> Json:
        return data["number"]

    @chat.on
    async def emit(socket: Socket, data: Json) -> None:
        chat.to("a").emit("news", {"data": data})

    @chat.may_join
    def may_join(socket: Socket, room: str) -> bool:
        return room != "b"

    return chat


@pytest.fixture
def chat() -> Iterator[EventSocket]:
    """An EventSocket with events of all kinds."""
    endpoint = make_endpoint()
    yield endpoint
    forget(endpoint)


def read_events(client: Client) -> Iterator[Json]:
    """Yield the events up to the Close, each of which is valid JSON."""
    for first, payload in read_frames(client.read_to_end()):
        if first == FIN | CLOSE:
            assert int.from_bytes(payload[:2], "big") in (1000, 4400, 4429), payload
            return
        assert first == FIN | TEXT
        assert b"Traceback" not in payload
        yield json.loads(payload, parse_constant=lambda name: pytest.fail(name))


def check_event(event: Json, version: int, *, limited: bool) -> None:
    """Check an event of the server."""
    assert isinstance(event["event"], str)
    assert isinstance(event["data"], dict) or event["event"] == "ws:reply"
    if event["event"] == "ws:error":
        assert version == 1
        assert event["data"]["code"] in CODES | ({"rate_limited"} if limited else set()), event
    if event["event"] == "warning":
        assert version == 0
        assert event["data"]["message"] in WARNINGS, event


@pytest.mark.parametrize("rate", [None, "3/h"], ids=["unlimited", "limited"])
@pytest.mark.parametrize("version", [0, 1])
def test_envelopes(
    make_live: Callable[..., LiveServer],
    settings: Any,
    caplog: pytest.LogCaptureFixture,
    chat: EventSocket,
    version: int,
    rate: str | None,
) -> None:
    settings.C10KWS = {"MESSAGE_RATE": rate}
    live = make_live()
    offer = [f"Sec-WebSocket-Protocol: {SUBPROTOCOL}"] * version
    head = handshake("/events/fuzz", *offer)

    @examples(80 if rate is None else 40)
    @given(st.lists(texts(), max_size=12 if rate is None else 50))
    def scenario(frames: list[bytes]) -> None:
        with websocket(live.port, head) as client:
            client.send(b"".join(frames) + close_frame(1000))
            for event in read_events(client):
                check_event(event, version, limited=rate is not None)

    scenario()
    check_settled(live, caplog)
    assert len(chat) == 0
    assert chat.rooms.members("a") == []
