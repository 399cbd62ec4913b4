"""Messages that another program or another release has written to Redis."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import redis

from c10kws.events.brokers.history import HistoryLimits, Position
from c10kws.events.brokers.redis import RedisBroker
from tests.support.brokers import count, listen, publish
from tests.support.redis_servers import RedisServer
from tests.support.waiting import WAIT, eventually

pytestmark = [pytest.mark.programs, pytest.mark.usefixtures("serve")]

CHANNEL = "room:/chat:1"
LIMITS = HistoryLimits(5, 60)
HEAD = b'{"f":1,"o":"other","n":1}\n'
PREFIX = "foreign:"

MakeBroker = Callable[..., RedisBroker]


@pytest.fixture
def program(shared_redis: RedisServer) -> Iterator[redis.Redis]:
    """Another program that uses the same Redis."""
    with redis.Redis(unix_socket_path=str(shared_redis.socket)) as client:
        yield client
        client.flushdb()


@pytest.fixture
def broker(shared_redis: RedisServer, redis_broker: MakeBroker) -> RedisBroker:
    return redis_broker(shared_redis, prefix=PREFIX)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"garbage",
        b"epoch number\n" + HEAD,
        b"\xff 1\n" + HEAD,
        b"epoch " + b"9" * 5000 + b"\n" + HEAD,
        b'\n{"f":1,"o":[],"n":1}\n{}',
        b'\n{"f":1,"o":1,"n":1}\n{}',
        b'\n{"f":1,"o":"a","n":"1"}\n{}',
        b'\n{"f":1,"o":"a","n":1,"x":[[]]}\n{}',
        b"\n" + b"[" * 200_000 + b"\n",
        b"\n[]\n{}",
        b'\n{"f":1,"o":"a","n":1}\n\xff',
    ],
    ids=range(12),
)
def test_a_message_of_another_program_is_dropped(
    data: bytes, broker: RedisBroker, program: redis.Redis, caplog: pytest.LogCaptureFixture
) -> None:
    listener = listen(broker)
    program.publish(PREFIX + CHANNEL, data)
    eventually(lambda: "Dropped a message of another release or program" in caplog.text)
    publish(broker, "a").result(WAIT)
    assert (listener.texts, listener.resets) == (["a"], [])


def test_a_position_that_the_history_does_not_reach(
    broker: RedisBroker, program: redis.Redis
) -> None:
    listener = listen(broker, CHANNEL, LIMITS)
    publish(broker, "a", limits=LIMITS).result(WAIT)
    position = listener.positions[0]
    assert position is not None
    program.config_resetstat()
    for epoch in (position.epoch, "another"):
        program.publish(PREFIX + CHANNEL, f"{epoch} 99\n".encode() + HEAD + b"b")
        publish(broker, "c", limits=LIMITS).result(WAIT)
    for _ in range(10):
        broker.read(CHANNEL, None, LIMITS).result(WAIT)
    assert (listener.texts, listener.resets) == (["a", "c", "c"], [])
    assert program.info("commandstats")["cmdstat_evalsha"]["calls"] < 20


def test_a_history_with_a_row_of_another_release(broker: RedisBroker, program: redis.Redis) -> None:
    begin = broker.read(CHANNEL, None, LIMITS).result(WAIT).position
    publish(broker, "a", limits=LIMITS).result(WAIT)
    program.hincrby(f"{PREFIX}meta:{CHANNEL}", "seq", 1)
    program.xadd(f"{PREFIX}rows:{CHANNEL}", {"p": b'{"f":2}\nb'}, id="2-0")
    history = broker.read(CHANNEL, begin, LIMITS).result(WAIT)
    assert (history.position, history.recovered) == (Position(begin.epoch, 2), False)
    with pytest.raises(Exception, match="unreadable"):
        count(broker, limits=LIMITS).result(WAIT)
    listener = listen(broker, CHANNEL, LIMITS)
    publish(broker, "c", limits=LIMITS).result(WAIT)
    assert (listener.texts, listener.resets) == (["c"], [])
