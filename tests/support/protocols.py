"""Drive a ``ServerProtocol`` without a socket."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import pytest
from tornado.speedups import websocket_mask

from c10kws.protocol.closing import Close, State
from c10kws.protocol.frames import Mask, mask_slowly
from c10kws.protocol.messages import Message
from c10kws.protocol.negotiation import Agreement, Compression, negotiate
from c10kws.protocol.received import Ended, Event, PingReceived, PongReceived
from c10kws.protocol.server import ServerProtocol

MASKS: dict[str, Mask] = {"tornado": websocket_mask, "slow": mask_slowly}
masks = pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)
lanes = pytest.mark.parametrize("fast_lane", [True, False], ids=["lane", "wsproto"])


def agree(header: str, options: Compression) -> Agreement:
    """Return the agreement on an offer of permessage-deflate that can be accepted."""
    agreement = negotiate(header, options)
    assert agreement is not None
    return agreement


def receive_all(protocol: ServerProtocol, data: bytes) -> list[Message]:
    """Give data and take all that comes of it, as a handler does that always waits."""
    messages = protocol.receive_data(data)
    while protocol.has_more:
        messages += protocol.receive_data(b"")
    return messages


def receive(protocol: ServerProtocol, data: bytes) -> list[Message | Close]:
    """Return the messages, and after them how the connection ended, when it did."""
    known = len(protocol.events or ())
    messages: list[Message | Close] = [*receive_all(protocol, data)]
    events = (protocol.events or [])[known:]
    return messages + [event.close for event in events if isinstance(event, Ended)]


def take_end(protocol: ServerProtocol) -> Close | None:
    """Take the events; return how the connection ended, None when it did not."""
    ends = [event.close for event in protocol.take_events() if isinstance(event, Ended)]
    return ends[0] if ends else None


def take_answers(protocol: ServerProtocol) -> bytes:
    """Take the events; return the frames to send because of them."""
    answers = b""
    for event in protocol.take_events():
        if isinstance(event, PingReceived):
            answers += event.pong
        elif isinstance(event, Ended):
            answers += event.answer
    return answers


# All that comes out of a protocol


@dataclass
class Recorder:
    """All that came out of a protocol."""

    protocol: ServerProtocol
    messages: list[Message] = field(default_factory=list)
    pongs: list[bytes] = field(default_factory=list)
    answers: bytes = b""
    end: Close | None = None

    def feed(self, pieces: Iterable[bytes]) -> None:
        for piece in pieces:
            self.messages += self.receive(piece)
            assert self.protocol.events != []  # callers look at it before they take
            for event in self.protocol.take_events():
                self.take(event)

    def receive(self, piece: bytes) -> list[Message]:
        return receive_all(self.protocol, piece)

    def take(self, event: Event) -> None:
        match event:
            case PingReceived():
                self.answers += event.pong
            case PongReceived():
                self.pongs.append(event.payload)
            case Ended():
                assert self.end is None
                self.end = event.close
                self.answers += event.answer

    def closing(self) -> tuple[State, Close | None, bytes]:
        return self.protocol.state, self.end, self.answers


class LongReads(Recorder):
    """Feeds a protocol from one buffer that is overwritten after each read."""

    def receive(self, piece: bytes) -> list[Message]:
        with memoryview(bytearray(piece)) as view:
            messages = self.protocol.receive_long(view)
            view[:] = bytes(len(piece))
        while self.protocol.has_more:
            messages += self.protocol.receive_data(b"")
        return messages
