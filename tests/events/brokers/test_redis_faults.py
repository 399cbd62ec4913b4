"""RedisBroker while Redis fails: killed, stopped, slow, replaced."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import redis

from c10kws.events.brokers.emission import Emission
from c10kws.events.brokers.history import HistoryLimits
from c10kws.events.brokers.redis import RedisBroker
from tests.support.brokers import Listener, listen, publish
from tests.support.redis_servers import RedisServer
from tests.support.waiting import WAIT, eventually
from tools.processes import free_port

pytestmark = [pytest.mark.programs, pytest.mark.usefixtures("serve")]

PLAIN, KEPT = "room:/chat:plain", "room:/chat:kept"
LIMITS = HistoryLimits(size=1000, ttl=60, max_bytes=10_000_000)

MakeBroker = Callable[..., RedisBroker]
StartRedis = Callable[..., RedisServer]


def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a link notice and repair a fault sooner."""
    monkeypatch.setattr("c10kws.events.brokers.link.link.MAX_PAUSE", 0.1)
    monkeypatch.setattr("c10kws.events.brokers.link.link.PING_INTERVAL", 0.1)


def listen_to_both(
    start_redis: StartRedis, redis_broker: MakeBroker
) -> tuple[RedisServer, RedisBroker, Listener, Listener]:
    """Return a server, a broker, and listeners to a channel without and with a history."""
    server = start_redis()
    broker = redis_broker(server)
    return server, broker, listen(broker, PLAIN), listen(broker, KEPT, LIMITS)


def succeeded(emission: Emission) -> bool:
    """Wait for the end of an emission; return False if it has failed."""
    eventually(emission.done)
    try:
        emission.result()
    except Exception:
        return False
    return True


def check_once_and_in_order(listener: Listener) -> None:
    numbers = [int(text) for text in listener.texts]
    assert numbers == sorted(set(numbers))


def wait_for_texts(listener: Listener, count: int) -> None:
    eventually(lambda: len(listener.texts) >= count)


def wait_for_resets(listeners: list[Listener], count: int) -> None:
    eventually(lambda: all(len(listener.resets) >= count for listener in listeners))


class Load(threading.Thread):
    """Publishes numbers to both channels until it is stopped."""

    def __init__(self, broker: RedisBroker) -> None:
        super().__init__(daemon=True)
        self._broker = broker
        self._end = threading.Event()
        self.plain: list[Emission] = []
        self.kept: list[Emission] = []

    def run(self) -> None:
        while not self._end.wait(0.002):
            self.plain.append(publish(self._broker, str(len(self.plain)), PLAIN))
            self.kept.append(publish(self._broker, str(len(self.kept)), KEPT, LIMITS))

    def stop(self) -> None:
        self._end.set()
        self.join(WAIT)


def test_after_a_kill_nothing_arrives_twice(
    start_redis: StartRedis, redis_broker: MakeBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    fast(monkeypatch)
    server = start_redis()
    one, two = redis_broker(server), redis_broker(server)
    plain = [listen(broker, PLAIN) for broker in (one, two)]
    kept = [listen(broker, KEPT, LIMITS) for broker in (one, two)]
    load = Load(one)
    load.start()
    for number in (1, 2):
        wait_for_texts(plain[1], len(plain[1].texts) + 20)
        server.kill()
        server.start()
        wait_for_resets(plain + kept, number)
    after = len(load.kept)
    eventually(lambda: len(load.kept) > after + 20)
    load.stop()
    last = [load.plain[-1], load.kept[-1]]
    assert all(succeeded(emission) for emission in last)
    eventually(lambda: plain[1].texts[-1:] == [str(len(load.plain) - 1)])
    eventually(lambda: kept[1].texts[-1:] == [str(len(load.kept) - 1)])
    for listener in plain + kept:
        check_once_and_in_order(listener)
    for emissions, listener in [(load.plain, plain[0]), (load.kept, kept[0])]:
        arrived = {int(text) for text in listener.texts}
        assert arrived == {at for at, each in enumerate(emissions) if succeeded(each)}


@pytest.mark.parametrize("kind", ["normal", "pubsub"])
def test_half_a_connection_is_not_used(
    start_redis: StartRedis, redis_broker: MakeBroker, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """redis-py would connect again by itself."""
    fast(monkeypatch)
    server, broker, plain, kept = listen_to_both(start_redis, redis_broker)
    server.call("CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes")
    wait_for_resets([plain], 1)
    publish(broker, "1", PLAIN).result(WAIT)
    publish(broker, "2", KEPT, LIMITS).result(WAIT)
    assert (plain.texts, kept.texts, kept.resets) == (["1"], ["2"], [])
    connections = server.call("CLIENT", "LIST").splitlines()
    assert len(connections) == 3, connections  # two, and that of call()


def test_a_lost_connection_is_a_problem(
    start_redis: StartRedis, redis_broker: MakeBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    fast(monkeypatch)
    monkeypatch.setattr("c10kws.events.brokers.link.outage.PROBLEM_AFTER", 0.2)
    server = start_redis()
    broker = redis_broker(server)
    listener = listen(broker, PLAIN)
    assert broker.problem is None
    server.kill()
    eventually(lambda: broker.problem)
    assert broker.problem is not None
    assert re.fullmatch(r"No connection to the broker 'default' for 0\.\d s: .+\.", broker.problem)
    assert broker.outage is not None and 0.2 <= broker.outage < WAIT
    server.start()
    wait_for_resets([listener], 1)
    eventually(lambda: broker.problem is None)


@pytest.mark.parametrize("timeout", [0.01, WAIT])
def test_a_late_confirmation_is_a_reset_for_clients_that_did_not_wait(
    start_redis: StartRedis,
    redis_broker: MakeBroker,
    monkeypatch: pytest.MonkeyPatch,
    timeout: float,
) -> None:
    fast(monkeypatch)
    server = start_redis()
    broker = redis_broker(server)
    broker.timeout = timeout
    listen(broker, "room:/chat:other")  # the link is connected
    server.kill()
    plain, kept = Listener(), Listener()
    confirmed = [broker.subscribe(PLAIN, plain, None), broker.subscribe(KEPT, kept, LIMITS)]
    time.sleep(2 * 0.01)
    server.start()
    position = confirmed[1].result(WAIT)
    assert confirmed[0].result(WAIT) is None
    publish(broker, "1", PLAIN).result(WAIT)
    publish(broker, "2", KEPT, LIMITS).result(WAIT)
    resets = ([None], [position]) if timeout < WAIT else ([], [])
    assert (plain.resets, kept.resets) == resets


def test_a_pause_delays_messages(start_redis: StartRedis, redis_broker: MakeBroker) -> None:
    server = start_redis()
    one, two = redis_broker(server), redis_broker(server)
    plain, kept = listen(two, PLAIN), listen(two, KEPT, LIMITS)
    load = Load(one)
    server.pause()
    threading.Timer(2, server.resume).start()
    load.start()
    eventually(lambda: len(plain.texts) > 20 and len(kept.texts) > 20)
    load.stop()
    assert all(succeeded(each) for each in load.plain + load.kept)
    eventually(lambda: len(plain.texts) == len(load.plain))
    eventually(lambda: len(kept.texts) == len(load.kept))
    for listener in (plain, kept):
        check_once_and_in_order(listener)
        assert listener.resets == []


def test_a_redis_that_does_not_answer_is_noticed(
    start_redis: StartRedis,
    redis_broker: MakeBroker,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    fast(monkeypatch)
    server, broker, plain, kept = listen_to_both(start_redis, redis_broker)
    publish(broker, "1", KEPT, LIMITS).result(WAIT)
    with monkeypatch.context() as impatient:
        impatient.setattr("c10kws.events.brokers.link.link.OPERATION_TIMEOUT", 0.3)
        server.pause()
        eventually(lambda: "'default': it does not answer" in caplog.text)
    waiting = publish(broker, "2", KEPT, LIMITS)
    server.resume()
    waiting.result(WAIT)
    eventually(lambda: plain.resets)
    assert (kept.texts, kept.resets) == (["1", "2"], [])


def test_what_was_delivered_to_this_process_alone_does_not_arrive_again(
    start_redis: StartRedis,
    redis_broker: MakeBroker,
    monkeypatch: pytest.MonkeyPatch,
    settings: Any,
) -> None:
    """A message of a lost connection may arrive when the next connection has subscribed."""
    fast(monkeypatch)
    settings.C10KWS = {"ON_BROKER_DOWN": "local"}
    server = start_redis()
    broker = redis_broker(server, prefix="test:")
    listener = listen(broker, PLAIN)
    publish(broker, "1", PLAIN).result(WAIT)
    with redis.Redis(unix_socket_path=str(server.socket)) as client, client.pubsub() as other:
        other.subscribe(f"test:{PLAIN}")
        assert (other.get_message(timeout=WAIT) or {})["type"] == "subscribe"
        with monkeypatch.context() as impatient:
            impatient.setattr("c10kws.events.brokers.link.link.OPERATION_TIMEOUT", 0.3)
            server.pause()
            publish(broker, "2", PLAIN).result(WAIT)
        assert listener.texts == ["1", "2"]
        server.resume()
        wait_for_resets([listener], 1)
        sent = other.get_message(timeout=WAIT)
        assert sent is not None and sent["data"].endswith(b"\n2")
        client.publish(f"test:{PLAIN}", sent["data"])
        publish(broker, "3", PLAIN).result(WAIT)
    assert listener.texts == ["1", "2", "3"]


def test_while_redis_is_stopped_messages_are_delivered_once_to_this_process(
    start_redis: StartRedis,
    redis_broker: MakeBroker,
    monkeypatch: pytest.MonkeyPatch,
    settings: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    fast(monkeypatch)
    settings.C10KWS = {"ON_BROKER_DOWN": "local"}
    monkeypatch.setattr("c10kws.events.brokers.link.link.OPERATION_TIMEOUT", 0.4)
    monkeypatch.setattr("c10kws.events.brokers.link.link.QUEUE_TIMEOUT", 0.6)
    server = start_redis()
    broker = redis_broker(server)
    before = replace(broker.counts)
    listener = listen(broker, PLAIN)
    load = Load(broker)
    load.start()
    wait_for_texts(listener, 20)
    for _ in range(2):
        lost, resets = caplog.text.count("Retrying"), len(listener.resets)
        server.pause()
        eventually(lambda lost=lost: caplog.text.count("Retrying") > lost)
        wait_for_texts(listener, len(load.plain) + 20)
        server.resume()
        wait_for_resets([listener], resets + 1)
    wait_for_texts(listener, len(load.plain) + 20)
    load.stop()
    assert all(succeeded(each) for each in load.plain)
    eventually(lambda: len(listener.texts) >= len(load.plain))
    assert listener.texts == [str(number) for number in range(len(load.plain))]
    counts = broker.counts
    assert counts.reconnects >= before.reconnects + 2 and counts.gaps >= before.gaps + 2
    assert counts.delivered_locally > before.delivered_locally
    assert counts.connected


def test_scripts_are_forgotten_under_load(
    start_redis: StartRedis, redis_broker: MakeBroker
) -> None:
    """One process may load them while the other still gets refusals."""
    server = start_redis()
    limits = HistoryLimits(size=10_000, ttl=60, max_bytes=100_000_000)
    brokers = [redis_broker(server) for _ in range(2)]
    listener = listen(brokers[0], KEPT, limits)
    emissions: list[list[Emission]] = [[], []]
    with redis.Redis(unix_socket_path=str(server.socket)) as client:
        for number in range(1000):
            for sender, broker in enumerate(brokers):
                text = f"{sender} {number} {'x' * 500}"
                emissions[sender].append(publish(broker, text, KEPT, limits))
            if number % 50 == 0:
                client.script_flush()
    successes = [
        [number for number, each in enumerate(sent) if succeeded(each)] for sent in emissions
    ]
    wait_for_texts(listener, sum(map(len, successes)))
    arrived = [text.split() for text in listener.texts]
    for sender, numbers in enumerate(successes):
        assert [int(number) for by, number, _ in arrived if by == str(sender)] == numbers
        assert numbers
    assert listener.resets == []


@pytest.mark.parametrize("held", [3, 1000])
def test_a_slow_subscriber_reads_what_it_has_missed(
    start_redis: StartRedis,
    redis_broker: MakeBroker,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    held: int,
    serve: asyncio.AbstractEventLoop,
) -> None:
    """Redis disconnects subscribers above its client-output-buffer-limit."""
    fast(monkeypatch)
    monkeypatch.setattr("c10kws.events.brokers.link.inbound.MAX_HELD", held)
    monkeypatch.setattr("c10kws.handlers.loop_queue.MAX_BYTES", 1)
    server = start_redis("--client-output-buffer-limit", "pubsub 100kb 0 0")
    slow, other = redis_broker(server), redis_broker(server)
    kept, blocked = listen(slow, KEPT, LIMITS), threading.Event()
    serve.call_soon_threadsafe(blocked.wait, WAIT)
    texts = [f"{number} {'x' * 10_000}" for number in range(200)]
    for text in texts:
        publish(other, text, KEPT, LIMITS)
    eventually(lambda: "scheduled to be closed ASAP" in server.log())
    blocked.set()
    eventually(lambda: len(kept.texts) == len(texts))
    assert kept.texts == texts
    assert kept.resets == []


def test_a_replica_is_left(
    start_redis: StartRedis,
    redis_broker: MakeBroker,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """After a failover by hand, clients stay connected to the old master."""
    fast(monkeypatch)
    server, broker, plain, kept = listen_to_both(start_redis, redis_broker)
    server.call("REPLICAOF", "127.0.0.1", "1")
    eventually(lambda: "it is a replica; connect to the master" in caplog.text)
    waiting = publish(broker, "1", KEPT, LIMITS)
    server.call("REPLICAOF", "NO", "ONE")
    waiting.result(WAIT)
    publish(broker, "2", PLAIN).result(WAIT)
    assert (plain.texts, kept.texts) == (["2"], ["1"])


def test_a_refusal_of_a_replica_ends_the_connection(
    start_redis: StartRedis,
    redis_broker: MakeBroker,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    server = start_redis()
    broker = redis_broker(server)
    listen(broker, KEPT, LIMITS)
    server.call("REPLICAOF", "127.0.0.1", "1")
    publish(broker, "1", KEPT, LIMITS)
    eventually(lambda: "'default': You can't write against a read only replica" in caplog.text)


SENTINEL = """\
sentinel monitor mymaster 127.0.0.1 {port} 1
sentinel down-after-milliseconds mymaster 300
sentinel failover-timeout mymaster 2000
"""


@pytest.mark.thorough
def test_sentinel_leads_to_the_new_master(
    start_redis: StartRedis, redis_broker: MakeBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    fast(monkeypatch)
    ports = [str(free_port()) for _ in range(3)]
    master = start_redis("--port", ports[0])
    replica = start_redis("--port", ports[1], "--replicaof", f"127.0.0.1 {ports[0]}")
    eventually(lambda: replica.call("INFO", "replication")["master_link_status"] == "up")
    sentinel = start_redis("--port", ports[2], configuration=SENTINEL.format(port=ports[0]))
    eventually(lambda: sentinel.call("SENTINEL", "REPLICAS", "mymaster"))
    sentinels = [("127.0.0.1", int(free_port())), ("127.0.0.1", int(ports[2]))]
    broker = redis_broker(master, url="redis://", sentinels=sentinels)
    plain, kept = listen(broker, PLAIN), listen(broker, KEPT, LIMITS)
    publish(broker, "1", KEPT, LIMITS).result(WAIT)
    master.kill()
    eventually(lambda: kept.resets and plain.resets)
    deadline = time.monotonic() + WAIT
    while not succeeded(publish(broker, "2", KEPT, LIMITS)):
        assert time.monotonic() < deadline
    assert succeeded(publish(broker, "3", PLAIN))
    assert (plain.texts, kept.texts) == (["3"], ["1", "2"])
    first, second = kept.positions
    assert first is not None and second is not None and first.epoch != second.epoch
    assert replica.call("INFO", "replication")["role"] == "master"
