"""The hub and its peers: refusals, limits, signals, the end."""

from __future__ import annotations

import logging
import os
import signal
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from c10kws.events.brokers.history import HistoryLimits
from c10kws.events.brokers.hub import codec
from c10kws.events.brokers.hub.framing import frame
from c10kws.events.brokers.hub.peer import MAX_QUEUE_BYTES
from c10kws.events.brokers.local import LocalBroker
from c10kws.events.exceptions import BrokerUnavailable
from tests.support.brokers import listen, publish
from tests.support.hubs import RawPeer, hub_in, hubs_in
from tests.support.waiting import WAIT, eventually

from .conftest import MakeBroker

MakePeer = Callable[[], RawPeer]


def test_a_peer_of_another_format_is_refused(broker: LocalBroker, make_peer: MakePeer) -> None:
    listen(broker)
    peer = make_peer()
    peer.send(codec.hello(1).replace(codec.MAGIC + b"\0\1", codec.MAGIC + b"\0\2"))
    found = peer.receive()
    assert found is not None and found[0] == codec.REFUSED
    assert found[1] == b"the hub has the format 1, this process the format 2"
    assert peer.receive() is None


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"\xff" * 5,
        codec.hello(1) + b"\xff\xff\xff\xff\x01",
        codec.hello(1) + bytes(5),
        frame(codec.PING),
        codec.hello(1) + codec.hello(1),
        codec.hello(1) + frame(codec.MESSAGE),
        codec.hello(1) + frame(codec.PING, b"a"),
        codec.hello(1) + frame(codec.PUBLISH, b"\2"),
        codec.hello(1) + frame(codec.POSITION, b"\0", bytes(4)),
        codec.hello(1) + codec.update(None, "a", (), None),
        codec.hello(1) + frame(codec.UPDATE, b"\0"),
    ],
)
def test_a_peer_that_breaks_the_protocol_is_disconnected(
    data: bytes, broker: LocalBroker, make_peer: MakePeer, caplog: pytest.LogCaptureFixture
) -> None:
    listener = listen(broker)
    peer = make_peer()
    peer.send(data)
    while peer.receive():
        pass
    eventually(lambda: "was disconnected: it sent" in caplog.text)
    publish(broker, "a").result(WAIT)
    assert listener.texts == ["a"]


def test_a_peer_that_does_not_read_is_disconnected(
    broker: LocalBroker, make_peer: MakePeer, caplog: pytest.LogCaptureFixture
) -> None:
    listener = listen(broker)
    peer = make_peer().greet().subscribe("room:/chat:1")
    number = MAX_QUEUE_BYTES // 100_000 + 20
    for _ in range(number):
        publish(broker, "x" * 100_000).result(WAIT)
    assert len(listener.texts) == number
    eventually(lambda: f"Process {os.getpid()} was disconnected: it did not read" in caplog.text)
    read = 0
    while found := peer.receive():
        read += len(found[1])
    assert read < MAX_QUEUE_BYTES  # what was queued is dropped


@pytest.mark.parametrize(("channels", "rows"), [(20, 1), (2, 10)])
def test_a_peer_may_ask_for_many_large_histories(
    broker: LocalBroker, make_peer: MakePeer, channels: int, rows: int
) -> None:
    """As after a lost connection: it gets all of them, and the messages that arrive meanwhile."""
    limits = HistoryLimits(rows, 60, 2 * MAX_QUEUE_BYTES)
    names = [f"room:/chat:{number}" for number in range(channels)]
    begins = [broker.read(each, None, limits).result(WAIT).position for each in names]
    for name in names * rows:
        publish(broker, "x" * 900_000, name, limits).result(WAIT)
    peer = make_peer().greet().subscribe("news")
    questions = [codec.ask_rows(*each) for each in zip(names, begins, strict=True)]
    peer.send(*questions, frame(codec.PING))
    for _ in range(3):
        publish(broker, "a", "news").result(WAIT)
    kinds: list[int] = []
    while codec.PONG not in kinds or kinds.count(codec.MESSAGE) < 3:
        found = peer.receive()
        assert found is not None
        kinds.append(found[0])
    answers = [kind for kind in kinds if kind != codec.MESSAGE]
    assert answers == [*[codec.ROW] * rows, codec.END] * channels + [codec.PONG]


def test_the_log_of_the_hub_is_that_of_its_peers(
    broker: LocalBroker, make_peer: MakePeer, caplog: pytest.LogCaptureFixture
) -> None:
    listen(broker)
    peer = make_peer()
    peer.send(b"?" * 10)
    assert peer.receive() is None
    eventually(lambda: "The hub: Process None was disconnected" in caplog.text)
    (record,) = [each for each in caplog.records if "The hub" in each.message]
    assert (record.name, record.levelno) == ("c10kws.brokers", logging.WARNING)


def test_the_hub_ends_after_its_last_peer(make_broker: MakeBroker, site: Path) -> None:
    brokers = [make_broker(idle_timeout=0.2) for _ in range(2)]
    for each in brokers:
        listen(each)
    brokers[0].close(0)
    publish(brokers[1], "a").result(WAIT)
    hub_in(site)
    brokers[1].close(0)
    eventually(lambda: not hubs_in(site))
    assert not site.exists()


def test_a_hub_without_any_peer_ends(broker: LocalBroker, site: Path, make_peer: MakePeer) -> None:
    listen(broker)
    os.kill(hub_in(site), signal.SIGTERM)
    broker.close(0)
    eventually(lambda: not hubs_in(site))
    assert not site.exists()


def test_a_terminated_hub_serves_its_last_peers(broker: LocalBroker, site: Path) -> None:
    listener = listen(broker)
    hub = hub_in(site)
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        os.kill(hub, number)
    publish(broker, "a").result(WAIT)
    assert listener.texts == ["a"] and hub_in(site) == hub
    os.kill(hub, signal.SIGTERM)
    eventually(lambda: hub not in hubs_in(site))


def test_a_hub_that_lost_its_socket_ends(broker: LocalBroker, site: Path) -> None:
    """New peers could not find it."""
    listener = listen(broker)
    hub = hub_in(site)
    for path in site.iterdir():
        path.unlink()
    eventually(lambda: hubs_in(site) not in ([], [hub]))
    eventually(lambda: listener.resets)
    publish(broker, "a").result(WAIT)
    assert listener.texts == ["a"]


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="the system has no /proc")
def test_the_hub_inherits_no_descriptors(broker: LocalBroker, site: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.set_inheritable(True)
        listen(broker)
        folder = Path(f"/proc/{hub_in(site)}/fd")
        opened = {path.name: os.readlink(path) for path in folder.iterdir()}
        assert [opened[number] for number in "012"] == [os.devnull] * 3
        inode = os.fstat(listening.fileno()).st_ino
        assert f"socket:[{inode}]" not in opened.values()


def test_a_message_that_is_too_long_is_refused(broker: LocalBroker) -> None:
    listener = listen(broker)
    long = publish(broker, "x" * (16 * 1024 * 1024))
    with pytest.raises(BrokerUnavailable, match="carries at most 16777216"):
        long.result(WAIT)
    publish(broker, "a").result(WAIT)
    assert listener.texts == ["a"]
