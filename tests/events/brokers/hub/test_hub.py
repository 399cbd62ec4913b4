"""Channels, subscribers and histories of the hub, without a process."""

from __future__ import annotations

import pytest

from c10kws.events.brokers.history import HistoryLimits, Position
from c10kws.events.brokers.hub import codec
from c10kws.events.brokers.hub.framing import FrameParser
from c10kws.events.brokers.hub.hub import MAX_LINES, Hub


class Subscriber:
    def __init__(self) -> None:
        self.queued: list[bytes] = []
        self.written: list[bytes] = []
        self.closed = False

    def send(self, data: bytes) -> bool:
        if not self.closed:
            self.queued.append(data)
        return not self.closed

    def flush(self) -> None:
        self.written += self.queued
        self.queued = []

    @property
    def payloads(self) -> list[bytes]:
        payloads = []
        for _, data in FrameParser().receive_data(b"".join(self.written)):
            body = codec.Body(data)
            body.position()
            body.text()
            payloads.append(body.rest())
        return payloads

    @property
    def lines(self) -> list[str]:
        frames = FrameParser().receive_data(b"".join(self.written))
        return [body.decode() for kind, body in frames if kind == codec.LOG]


@pytest.fixture
def events() -> list[str]:
    return []


@pytest.fixture
def hub(events: list[str]) -> Hub:
    return Hub(lambda: events.append("met"), lambda: events.append("deserted"))


def join(hub: Hub, *channels: str) -> Subscriber:
    peer = Subscriber()
    hub.join(peer)
    hub.subscribe(peer, channels)
    return peer


def test_messages_reach_the_subscribers(hub: Hub) -> None:
    one, other = join(hub, "a", "b"), join(hub, "b")
    for channel in ("a", "b", "c"):
        hub.publish(channel, channel.encode(), None)
    assert one.payloads == []
    hub.flush()
    assert (one.payloads, other.payloads) == ([b"a", b"b"], [b"b"])
    hub.unsubscribe(one, ["b", "unknown"])
    hub.publish("b", b"2", None)
    hub.flush()
    assert (one.payloads, other.payloads) == ([b"a", b"b"], [b"b", b"2"])


def test_a_channel_with_history(hub: Hub) -> None:
    limits = HistoryLimits(2, 60)
    first = hub.position("a", limits)
    for number in range(3):
        hub.publish("a", b"%d" % number, limits)
    assert hub.position("a", limits) == Position(first.epoch, 3)
    assert hub.rows("a", first) is None
    assert hub.rows("a", Position(first.epoch, 1)) == [
        (Position(first.epoch, 2), b"1"),
        (Position(first.epoch, 3), b"2"),
    ]


def test_the_first_peer_and_the_last(hub: Hub, events: list[str]) -> None:
    one, other = join(hub, "a"), join(hub, "a")
    assert hub.has_peers
    hub.leave(one)
    assert events == ["met", "met"]
    hub.leave(other)
    hub.leave(other)
    assert events == ["met", "met", "deserted"] and not hub.has_peers
    hub.publish("a", b"1", None)
    hub.flush()
    assert one.payloads == []


def test_lines_go_to_one_peer_that_reads(hub: Hub) -> None:
    for number in range(MAX_LINES + 1):
        hub.log(str(number))
    one, other = join(hub), join(hub)
    hub.log("a")
    one.closed = True
    hub.log("b")
    hub.flush()
    assert one.lines == [*map(str, range(1, MAX_LINES + 1)), "a"]
    assert other.lines == ["b"]
