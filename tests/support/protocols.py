"""Drive a ``ServerProtocol`` without a socket."""

from __future__ import annotations

from c10kws.protocol.closing import Close
from c10kws.protocol.messages import Message
from c10kws.protocol.received import Ended, PingReceived
from c10kws.protocol.server import ServerProtocol


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
