"""LocalBroker between real processes."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from c10kws.events.brokers.history import HistoryLimits
from c10kws.events.brokers.hub import codec
from c10kws.events.brokers.hub.peer import MAX_QUEUE_BYTES
from c10kws.events.brokers.link import link
from c10kws.events.brokers.link.inbound import Inbound
from c10kws.events.brokers.local import LocalBroker
from c10kws.events.exceptions import BrokerUnavailable
from tests.support.broker_process import BrokerProcess
from tests.support.brokers import Listener, listen, publish
from tests.support.hubs import RawPeer, hub_in, hubs_in
from tests.support.waiting import WAIT, eventually

from .conftest import MakeBroker

Start = Callable[..., BrokerProcess]
CHANNEL = "room:/chat:1"


def test_four_processes_have_one_order(start_process: Start, site: Path) -> None:
    processes = [start_process() for _ in range(4)]
    for each in processes:
        each.begin("listen", CHANNEL)
    for each in processes:
        each.answer()
    hub_in(site)
    for number, each in enumerate(processes):
        each.begin("publish", CHANNEL, [f"{number}-{count}" for count in range(300)])
    for each in processes:
        assert each.answer() == [None] * 300
    orders = [each.do("texts", CHANNEL, 1200) for each in processes]
    assert len(set(orders[0])) == 1200
    assert orders == [orders[0]] * 4
    for number in range(4):
        own = [text for text in orders[0] if text.startswith(f"{number}-")]
        assert own == [f"{number}-{count}" for count in range(300)]


def test_a_process_that_does_not_serve_publishes(start_process: Start, broker: LocalBroker) -> None:
    listener = listen(broker)
    shell = start_process(serves=False)
    assert shell.do("publish", CHANNEL, ["a"]) == [None]
    eventually(lambda: listener.texts == ["a"])


def test_a_process_that_did_not_read_recovers(start_process: Start, broker: LocalBroker) -> None:
    process = start_process()
    process.do("listen", CHANNEL)
    publish(broker, "first", CHANNEL).result(WAIT)
    process.do("texts", CHANNEL, 1)
    before = process.do("resets", CHANNEL)  # one if the hub has started late
    process.process.send_signal(signal.SIGSTOP)
    for _ in range(MAX_QUEUE_BYTES // 100_000 + 20):
        publish(broker, "x" * 100_000, CHANNEL).result(WAIT)
    process.process.send_signal(signal.SIGCONT)
    eventually(lambda: process.do("resets", CHANNEL) > before)
    publish(broker, "last", CHANNEL).result(WAIT)
    eventually(lambda: process.do("texts", CHANNEL, 1)[-1] == "last")


def test_a_forked_child_does_not_keep_the_connection_of_its_parent(
    start_process: Start, site: Path
) -> None:
    process = start_process(idle_timeout=0.2)
    process.do("listen", CHANNEL)
    child = process.do("fork")
    try:
        assert process.do("publish", CHANNEL, ["a"]) == [None]
        process.process.kill()
        eventually(lambda: not hubs_in(site))
    finally:
        os.kill(child, signal.SIGKILL)


def test_a_forked_child_does_not_keep_the_lock(start_process: Start, site: Path) -> None:
    """CLOEXEC is of no use to a child that starts no other program."""
    process = start_process()
    child = process.do("fork_while_starting", CHANNEL)
    try:
        hub = hub_in(site)
        os.kill(hub, signal.SIGKILL)
        eventually(lambda: hubs_in(site) not in ([], [hub]))
        assert process.do("publish", CHANNEL, ["a"]) == [None]
    finally:
        os.kill(child, signal.SIGKILL)


def test_a_hub_killed_under_load(
    make_broker: MakeBroker, site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Messages are lost, but not silently, and none comes twice."""
    monkeypatch.setattr(link, "RETURN_TIMEOUT", 0.1)
    monkeypatch.setattr(link, "QUEUE_TIMEOUT", 0.5)
    limits = HistoryLimits(10_000, 60)
    one, other = make_broker(), make_broker()
    listener = listen(other, CHANNEL, limits)
    stop = threading.Event()
    sent: list[str] = []
    failed: list[str] = []

    def load() -> None:
        while not stop.is_set():
            text = str(len(sent) + len(failed))
            try:
                publish(one, text, CHANNEL, limits).result(WAIT)
                sent.append(text)
            except BrokerUnavailable:
                failed.append(text)

    thread = threading.Thread(target=load)
    thread.start()
    eventually(lambda: len(listener.texts) > 20)
    os.kill(hub_in(site), signal.SIGKILL)
    eventually(lambda: listener.resets)
    before = len(listener.texts)
    eventually(lambda: len(listener.texts) > before + 20)
    stop.set()
    thread.join(WAIT)
    eventually(lambda: listener.texts[-1] == sent[-1])
    assert len(set(listener.texts)) == len(listener.texts)
    epochs = {place.epoch for place in listener.positions if place is not None}
    assert len(epochs) == 2
    assert listener.texts == sorted(listener.texts, key=int)


def test_a_link_survives_an_error(
    broker: LocalBroker, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    listener = listen(broker)
    with monkeypatch.context() as failing:
        failing.setattr(Inbound, "add", lambda *arguments: 1 / 0)
        broker.subscribe("room:/chat:2", Listener(), None)
        eventually(lambda: "has failed" in caplog.text)
    eventually(lambda: listener.resets)
    publish(broker, "a").result(WAIT)
    assert listener.texts == ["a"]


def test_a_row_of_another_release(broker: LocalBroker, make_peer: Callable[[], RawPeer]) -> None:
    """The message is not delivered; a client that comes back is told of it."""
    limits = HistoryLimits(10, 60)
    listener = listen(broker, CHANNEL, limits)
    publish(broker, "a", CHANNEL, limits).result(WAIT)
    make_peer().greet().send(codec.publish(CHANNEL, b"{}", limits))
    eventually(lambda: broker.read(CHANNEL, None, limits).result(WAIT).position.seq == 2)
    publish(broker, "b", CHANNEL, limits).result(WAIT)
    assert listener.texts == ["a", "b"]
    first, second = listener.positions
    assert first is not None and second is not None
    assert not broker.read(CHANNEL, first, limits).result(WAIT).recovered
    assert broker.read(CHANNEL, second, limits).result(WAIT).recovered


def test_messages_that_do_not_come_back_count_as_waiting(
    make_broker: MakeBroker, serve: asyncio.AbstractEventLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link, "MAX_QUEUE_BYTES", 10_000)
    monkeypatch.setattr(link, "STUCK_AFTER", 0)
    monkeypatch.setattr("c10kws.handlers.loop_queue.MAX_BYTES", 1)
    broker, blocked = make_broker(), threading.Event()
    listener = listen(broker)
    serve.call_soon_threadsafe(blocked.wait, WAIT)
    emissions = []

    def fails() -> bool:
        emissions.append(publish(broker, "x" * 1000))
        return emissions[-1].done()

    eventually(fails)
    with pytest.raises(BrokerUnavailable, match="has not delivered 10000 bytes of events"):
        emissions[-1].result(WAIT)
    blocked.set()
    emissions[0].result(WAIT)
    assert listener.texts
