"""The contract of brokers: the same tests over every backend, with its real service."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.utils.module_loading import import_string

from c10kws.events.brokers.base import Broker, Feature
from c10kws.events.brokers.emission import Emission
from c10kws.events.brokers.history import HistoryLimits, Position
from c10kws.events.brokers.memory import MemoryBroker
from c10kws.events.brokers.message import Arrival, History, Message, Outcome
from c10kws.events.brokers.receivers import DirectReceiver
from c10kws.measuring.gathering import Gatherer
from tests.support.broker_process import BrokerProcess
from tests.support.brokers import COUNTED, Listener, count, listen, publish
from tests.support.redis_servers import RedisServer
from tests.support.waiting import WAIT, eventually

pytestmark = pytest.mark.programs

CHANNEL = "room:/chat:1"
LIMITS = HistoryLimits(size=5, ttl=60, max_bytes=10_000)
BACKENDS = {
    "memory": "c10kws.events.brokers.memory.MemoryBroker",
    "local": "c10kws.events.brokers.local.LocalBroker",
    "redis": "c10kws.events.brokers.redis.RedisBroker",
}
#: Those that reach other processes.
BETWEEN_PROCESSES = ["local", "redis"]


@pytest.fixture(params=BACKENDS)
def configuration(
    request: pytest.FixtureRequest, site: Path, shared_redis: RedisServer
) -> dict[str, Any]:
    """The configuration of a broker, as in the setting BROKERS."""
    options = {}
    if request.param == "redis":
        options = {"url": shared_redis.url, "prefix": f"{request.node.name}:"}
    return {"BACKEND": BACKENDS[request.param], "OPTIONS": options}


@pytest.fixture
def brokers(configuration: dict[str, Any], serve: None) -> Iterator[list[Broker]]:
    """Two brokers, like those of two processes; a broker of one process is there twice."""
    backend = import_string(configuration["BACKEND"])
    one = backend("default", configuration)
    alone = Feature.PROCESSES not in backend.features
    pair = [one, one if alone else backend("default", configuration)]
    yield pair
    for broker in pair:
        broker.close(0)


@pytest.fixture
def one(brokers: list[Broker]) -> Broker:
    """The first broker."""
    return brokers[0]


@pytest.fixture
def other(brokers: list[Broker]) -> Broker:
    """The second broker."""
    return brokers[1]


def read(broker: Broker, since: Position | None, limits: HistoryLimits = LIMITS) -> History:
    return broker.read(CHANNEL, since, limits).result(WAIT)


def texts_of(history: History) -> list[str] | None:
    return [row.message.text for row in history.rows] if history.recovered else None


def position_of(listener: Listener, number: int) -> Position:
    position = listener.positions[number]
    assert position is not None
    return position


def has(listener: Listener, *texts: str) -> Callable[[], bool]:
    return lambda: listener.texts == list(texts)


# Messages


def test_a_message_reaches_the_receivers_of_its_channel(one: Broker, other: Broker) -> None:
    first, second = listen(one), listen(one)
    there, elsewhere = listen(other), listen(other, "room:/chat:2")
    publish(one, "a").result(WAIT)
    assert first.texts == second.texts == ["a"]
    publish(other, "b").result(WAIT)
    assert there.texts == ["a", "b"]
    eventually(has(first, "a", "b"))
    assert elsewhere.texts == []


def test_a_message_arrives_as_it_was_sent(one: Broker, other: Broker) -> None:
    listener = listen(other)
    messages = [
        Message(""),
        Message('{"event": "a"}\n\0 é 🎈'),
        Message("a", frozenset({"1-2", "3"})),
        Message("x" * 1_000_000),
    ]
    for message in messages:
        emission = Emission()
        one.publish(CHANNEL, message, None, emission)
        emission.result(WAIT)
    eventually(lambda: len(listener.arrivals) == len(messages))
    assert [arrival.message for arrival in listener.arrivals] == messages
    assert listener.positions == [None] * len(messages)


@pytest.mark.parametrize("channel", ["a", "room:/chat:é 🎈", "a" * 1000, "a:*", "{a}\n", "\ud800"])
def test_a_channel_may_have_any_name(channel: str, one: Broker, other: Broker) -> None:
    listener = listen(other, channel, LIMITS)
    publish(one, "a", channel, LIMITS).result(WAIT)
    eventually(has(listener, "a"))
    history = other.read(channel, position_of(listener, 0), LIMITS).result(WAIT)
    assert texts_of(history) == []


def test_without_receivers_an_emission_ends(one: Broker) -> None:
    publish(one, "a").result(WAIT)
    publish(one, "a", "room:/chat:2", LIMITS).result(WAIT)


def test_all_receivers_see_one_order(one: Broker, other: Broker) -> None:
    here, there = listen(one), listen(other)

    def send(broker: Broker, prefix: str) -> None:
        emissions = [publish(broker, f"{prefix}{number}") for number in range(300)]
        for emission in emissions:
            emission.result(WAIT)

    threads = [
        threading.Thread(target=send, args=(broker, prefix))
        for broker, prefix in ((one, "a"), (one, "b"), (other, "c"))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT)
    eventually(lambda: len(here.texts) == len(there.texts) == 900)
    assert here.texts == there.texts
    for prefix in "abc":
        own = [text for text in here.texts if text.startswith(prefix)]
        assert own == [f"{prefix}{number}" for number in range(300)]
    assert here.resets == there.resets == []


@pytest.mark.parametrize("limits", [None, LIMITS], ids=["plain", "history"])
def test_an_emit_after_a_join_reaches_the_joiner(limits: HistoryLimits | None, one: Broker) -> None:
    """No confirmation is awaited, so 1,000 of each wait at the same time."""
    channels = [f"room:/chat:{number}" for number in range(1000)]
    listeners = [Listener() for _ in channels]
    emissions = []
    for channel, listener in zip(channels, listeners, strict=True):
        one.subscribe(channel, listener, limits)
        emissions.append(publish(one, channel, channel, limits))
    for emission in emissions:
        emission.result(WAIT)
    assert [each.texts for each in listeners] == [[channel] for channel in channels]


def test_a_receiver_that_has_left_gets_nothing(one: Broker, other: Broker) -> None:
    staying, leaving = listen(one), listen(one)
    one.unsubscribe(CHANNEL, leaving)
    publish(other, "a").result(WAIT)
    eventually(has(staying, "a"))
    one.unsubscribe(CHANNEL, staying)
    again = listen(one)
    publish(other, "b").result(WAIT)
    eventually(has(again, "b"))
    assert (staying.texts, leaving.texts) == (["a"], [])


def test_messages_are_counted(one: Broker, other: Broker) -> None:
    listen(one)
    before = replace(one.counts)
    publish(one, "a").result(WAIT)
    publish(one, "b", "room:/chat:2").result(WAIT)
    values = Gatherer().gather()
    assert values.get("c10kws_broker_published", "default") == before.published + 2
    assert values.get("c10kws_broker_connected", "default") == 1
    received = 2 if isinstance(one, MemoryBroker) else 1  # others get those of their channels
    eventually(lambda: one.counts.received == before.received + received)
    assert one.counts.failed == before.failed


# Histories


def test_a_history_has_numbers(one: Broker, other: Broker) -> None:
    begun: Position | None = one.subscribe(CHANNEL, Listener(), LIMITS).result(WAIT)
    assert begun is not None and begun.seq == 0
    here, there = listen(one, CHANNEL, LIMITS), listen(other, CHANNEL, LIMITS)
    for number, broker in enumerate((one, other, one), 1):
        publish(broker, str(number), CHANNEL, LIMITS).result(WAIT)
    for listener in (here, there):
        eventually(has(listener, "1", "2", "3"))
        assert listener.positions == [Position(begun.epoch, number) for number in (1, 2, 3)]
    late = one.subscribe(CHANNEL, Listener(), LIMITS).result(WAIT)
    assert late == Position(begun.epoch, 3)


def test_what_was_missed_is_read(one: Broker, other: Broker) -> None:
    listener = listen(one, CHANNEL, LIMITS)
    for number in range(1, 9):
        publish(one, str(number), CHANNEL, LIMITS).result(WAIT)
    last = position_of(listener, -1)
    for broker in (one, other):
        assert read(broker, None) == History(last)
        for since, expected in ((8, []), (7, ["8"]), (3, ["4", "5", "6", "7", "8"]), (2, None)):
            history = read(broker, Position(last.epoch, since))
            assert (texts_of(history), history.position) == (expected, last), since


@pytest.mark.parametrize(
    "since",
    [("{epoch}", 2), ("{epoch}", -1), ("{epoch}", 2**70), ("", 1), ("other", 1), ("é" * 300, 0)],
)
def test_a_position_that_a_client_has_made_up(since: tuple[str, int], one: Broker) -> None:
    listener = listen(one, CHANNEL, LIMITS)
    publish(one, "a", CHANNEL, LIMITS).result(WAIT)
    last = position_of(listener, 0)
    epoch, seq = since
    history = read(one, Position(epoch.format(epoch=last.epoch), seq))
    assert (texts_of(history), history.position) == (None, last)


def test_a_history_is_bounded_in_bytes(one: Broker) -> None:
    listener = listen(one, CHANNEL, LIMITS)
    for number in range(4):
        publish(one, str(number) * 4000, CHANNEL, LIMITS).result(WAIT)
    assert texts_of(read(one, position_of(listener, 0))) is None
    assert texts_of(read(one, position_of(listener, 1))) == ["2" * 4000, "3" * 4000]


def test_messages_expire_before_their_number(one: Broker) -> None:
    limits = HistoryLimits(size=5, ttl=1)
    listener = listen(one, CHANNEL, limits)
    for text in "ab":
        publish(one, text, CHANNEL, limits).result(WAIT)
    first, last = position_of(listener, 0), position_of(listener, 1)
    eventually(lambda: texts_of(read(one, first, limits)) is None)
    assert texts_of(read(one, last, limits)) == []
    publish(one, "c", CHANNEL, limits).result(WAIT)
    assert position_of(listener, 2) == Position(last.epoch, 3)


# Updates


def test_an_update_is_made_of_the_last_message(one: Broker, other: Broker) -> None:
    here, there = listen(one, CHANNEL, COUNTED), listen(other, CHANNEL, COUNTED)
    seen: list[Message | None] = []

    def look(last: Message | None) -> None:
        seen.append(last)

    def ask(broker: Broker) -> Outcome:
        emission = Emission()
        outcome = broker.update(CHANNEL, look, COUNTED, emission).result(WAIT)
        emission.result(WAIT)
        return outcome

    assert ask(one) == ask(other) == Outcome(None, changed=False)
    outcomes = [count(broker).result(WAIT) for broker in (one, other, other, one)]
    for listener in (here, there):
        eventually(has(listener, "1", "2", "3", "4"))
        assert [Outcome(each, changed=True) for each in listener.arrivals] == outcomes
    publish(other, "9", CHANNEL, COUNTED).result(WAIT)
    assert ask(one) == Outcome(there.arrivals[-1], changed=False)
    assert seen[-1] == Message("9")
    outcome = count(one).result(WAIT)
    eventually(has(here, "1", "2", "3", "4", "9", "10"))
    assert outcome == Outcome(here.arrivals[-1], changed=True)


def test_an_update_ends_when_it_has_been_delivered(one: Broker) -> None:
    listener = listen(one, CHANNEL, COUNTED)
    emission = Emission()
    one.update(CHANNEL, lambda last: Message("a", frozenset({"1"})), COUNTED, emission)
    emission.result(WAIT)
    assert [each.message for each in listener.arrivals] == [Message("a", frozenset({"1"}))]
    emission = Emission()
    one.update("room:/chat:2", lambda last: Message("a"), COUNTED, emission)
    emission.result(WAIT)


def test_an_error_ends_an_update(one: Broker) -> None:
    def fail(last: Message | None) -> Message:
        raise ZeroDivisionError

    emission = Emission()
    result = one.update(CHANNEL, fail, COUNTED, emission)
    for waiting in (result, emission):
        with pytest.raises(ZeroDivisionError):
            waiting.result(WAIT)
    assert count(one).result(WAIT).changed


def test_a_message_that_has_expired_is_not_the_last_one(one: Broker, other: Broker) -> None:
    limits = HistoryLimits(size=5, ttl=1)
    count(one, CHANNEL, limits).result(WAIT)
    first = count(one, CHANNEL, limits).result(WAIT).last
    assert first is not None and first.message == Message("2")

    def has_expired() -> bool:
        update = other.update(CHANNEL, lambda last: None, limits, Emission())
        return update.result(WAIT).last is None

    eventually(has_expired)
    last = count(one, CHANNEL, limits).result(WAIT).last
    assert last is not None and last.message == Message("1")


def test_updates_of_many_threads(one: Broker, other: Broker) -> None:
    here, there = listen(one, CHANNEL, COUNTED), listen(other, CHANNEL, COUNTED)

    def work(broker: Broker) -> None:
        for _ in range(25):
            count(broker).result(WAIT)

    threads = [threading.Thread(target=work, args=[broker]) for broker in (one, other) * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT)
    for listener in (here, there):
        eventually(has(listener, *map(str, range(1, 201))))


@pytest.mark.parametrize("configuration", BETWEEN_PROCESSES, indirect=True)
def test_updates_of_many_processes(
    configuration: dict[str, Any], one: Broker, settings: Any
) -> None:
    listener = listen(one, CHANNEL, COUNTED)
    processes = [
        BrokerProcess(configuration, settings.C10KWS, serves=serves)
        for serves in (True, True, False, False)
    ]
    try:
        for each in processes:
            each.begin("count", CHANNEL, 50)
        counted = [number for each in processes for number in each.answer()]
    finally:
        for each in processes:
            each.kill()
    numbers = [str(number) for number in range(1, 201)]
    assert sorted(counted, key=int) == numbers
    eventually(has(listener, *numbers))


# Processes


@pytest.mark.parametrize("configuration", BETWEEN_PROCESSES, indirect=True)
def test_processes_see_one_order(configuration: dict[str, Any], settings: Any) -> None:
    processes = [BrokerProcess(configuration, settings.C10KWS) for _ in range(4)]
    try:
        for each in processes:
            each.begin("listen", CHANNEL)
        for each in processes:
            each.answer()
        for number, each in enumerate(processes):
            each.begin("publish", CHANNEL, [f"{number}-{count}" for count in range(200)])
        for each in processes:
            assert each.answer() == [None] * 200
        orders = [each.do("texts", CHANNEL, 800) for each in processes]
        assert orders == [orders[0]] * 4 and len(set(orders[0])) == 800
    finally:
        for each in processes:
            each.kill()


@pytest.mark.parametrize("configuration", BETWEEN_PROCESSES, indirect=True)
def test_a_process_that_does_not_serve_publishes(
    configuration: dict[str, Any], one: Broker, settings: Any
) -> None:
    listener = listen(one)
    shell = BrokerProcess(configuration, settings.C10KWS, serves=False)
    try:
        assert shell.do("publish", CHANNEL, ["a"]) == [None]
        eventually(has(listener, "a"))
    finally:
        shell.kill()


@pytest.mark.parametrize("configuration", BETWEEN_PROCESSES, indirect=True)
def test_closing_sends_what_waits(one: Broker, other: Broker) -> None:
    listener = listen(other)
    for number in range(100):
        publish(one, str(number))
    one.close(WAIT)
    eventually(has(listener, *map(str, range(100))))


class Direct(DirectReceiver):
    """A receiver that needs no event loop. It fails once."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def receive(self, arrival: Arrival) -> None:
        self.texts.append(arrival.message.text)
        if self.texts == ["1"]:
            raise ValueError("failed")


def test_a_direct_receiver_needs_no_event_loop(
    one: Broker, serve: asyncio.AbstractEventLoop, caplog: pytest.LogCaptureFixture
) -> None:
    release = threading.Event()
    serve.call_soon_threadsafe(release.wait, WAIT)
    try:
        direct = Direct()
        one.subscribe("control", direct, None).result(WAIT)
        publish(one, "1", "control").result(WAIT)
        publish(one, "2", "control").result(WAIT)
        assert direct.texts == ["1", "2"]
        assert "A receiver failed to handle a message." in caplog.text
        one.unsubscribe("control", direct)
        publish(one, "3", "control").result(WAIT)
        assert direct.texts == ["1", "2"]
    finally:
        release.set()


def test_a_broker_that_answers_has_no_problem(one: Broker) -> None:
    assert one.problem is None
    listen(one)
    assert one.problem is None
