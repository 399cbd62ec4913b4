"""RedisBroker with a real Redis."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from c10kws.events.brokers.emission import Emission
from c10kws.events.brokers.history import HistoryLimits, Position
from c10kws.events.brokers.message import History
from c10kws.events.brokers.redis import RedisBroker
from c10kws.events.brokers.redis.options import RedisOptions, default_prefix
from c10kws.events.exceptions import BrokerUnavailable
from tests.support.brokers import Listener, count, listen, publish
from tests.support.certificates import Certificate
from tests.support.redis_servers import RedisServer
from tests.support.shell import ROOT
from tests.support.waiting import WAIT, eventually
from tools.processes import free_port

pytestmark = [pytest.mark.programs, pytest.mark.usefixtures("serve")]

CHANNEL = "room:/chat:1"
LIMITS = HistoryLimits(size=5, ttl=60, max_bytes=10_000)

MakeBroker = Callable[..., RedisBroker]
StartRedis = Callable[..., RedisServer]


def read(broker: RedisBroker, since: Position | None, limits: HistoryLimits = LIMITS) -> History:
    return broker.read(CHANNEL, since, limits).result(WAIT)


def read_texts(broker: RedisBroker, since: Position) -> list[str] | None:
    history = read(broker, since)
    return [row.message.text for row in history.rows] if history.recovered else None


def refusal(emission: Emission) -> str:
    with pytest.raises(BrokerUnavailable) as caught:
        emission.result(WAIT)
    return caught.value.reason


# Messages


def test_a_message_reaches_all_processes(
    shared_redis: RedisServer, redis_broker: MakeBroker
) -> None:
    one, two = redis_broker(shared_redis), redis_broker(shared_redis)
    here, there = listen(one), listen(two)
    publish(one, "é").result(WAIT)
    assert here.texts == ["é"]
    eventually(lambda: there.texts == ["é"])
    assert here.positions == there.positions == [None]


def test_all_processes_see_one_order(shared_redis: RedisServer, redis_broker: MakeBroker) -> None:
    one, two = redis_broker(shared_redis), redis_broker(shared_redis)
    here, there = listen(one), listen(two)
    for number in range(300):
        publish(one, f"one {number}")
        publish(two, f"two {number}")
    eventually(lambda: len(here.texts) == len(there.texts) == 600)
    assert here.texts == there.texts
    assert [each for each in here.texts if each.startswith("one")] == [
        f"one {number}" for number in range(300)
    ]
    assert here.resets == there.resets == []


def test_an_emit_after_a_join_reaches_the_joiner(
    shared_redis: RedisServer, redis_broker: MakeBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("c10kws.events.brokers.link.link.QUEUE_TIMEOUT", WAIT)  # 600 round trips
    broker, listeners, emissions = redis_broker(shared_redis), list[Listener](), list[Emission]()
    for number in range(300):
        listeners.append(Listener())
        broker.subscribe(f"room:/chat:{number}", listeners[-1], None)
        emissions.append(publish(broker, "hello", f"room:/chat:{number}"))
    for emission in emissions:
        emission.result(WAIT)
    assert [listener.texts for listener in listeners] == [["hello"]] * 300


def test_sites_with_other_prefixes_get_nothing(
    shared_redis: RedisServer, redis_broker: MakeBroker
) -> None:
    ours = redis_broker(shared_redis)
    theirs = redis_broker(shared_redis, prefix="theirs:")
    here, there = listen(ours), listen(theirs)
    publish(ours, "ours").result(WAIT)
    publish(theirs, "theirs").result(WAIT)
    assert (here.texts, there.texts) == (["ours"], ["theirs"])


def test_after_the_last_receiver_has_left_nothing_arrives(
    shared_redis: RedisServer, redis_broker: MakeBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("c10kws.events.brokers.link.link.UNSUBSCRIBE_AFTER", 0.0)
    broker, name = redis_broker(shared_redis, prefix="left:"), f"left:{CHANNEL}"
    listener = listen(broker)
    assert shared_redis.call("PUBSUB", "NUMSUB", name) == [name, 1]
    broker.unsubscribe(CHANNEL, listener)
    eventually(lambda: shared_redis.call("PUBSUB", "NUMSUB", name) == [name, 0])
    listen(broker)
    assert shared_redis.call("PUBSUB", "NUMSUB", name) == [name, 1]


def test_an_idle_link_is_checked(
    shared_redis: RedisServer, redis_broker: MakeBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("c10kws.events.brokers.link.link.PING_INTERVAL", 0.01)
    calls = lambda: shared_redis.call("INFO", "commandstats").get("cmdstat_ping", {}).get("calls")  # noqa: E731
    broker, before = redis_broker(shared_redis), calls() or 0
    listener = listen(broker)
    eventually(lambda: calls() > before + 5)
    publish(broker, "hello").result(WAIT)
    assert (listener.texts, listener.resets) == (["hello"], [])


# Histories


def test_a_history_has_numbers_and_a_size(
    shared_redis: RedisServer, redis_broker: MakeBroker
) -> None:
    one, two = redis_broker(shared_redis), redis_broker(shared_redis)
    here, there = listen(one, CHANNEL, LIMITS), listen(two, CHANNEL, LIMITS)
    begin = read(one, None).position
    assert begin.seq == 0
    for number in range(1, 8):
        publish(one, str(number), CHANNEL, LIMITS).result(WAIT)
    expected = [Position(begin.epoch, number) for number in range(1, 8)]
    assert here.positions == expected
    eventually(lambda: there.positions == expected)
    assert read_texts(two, expected[1]) == ["3", "4", "5", "6", "7"]
    assert read_texts(two, expected[4]) == ["6", "7"]
    assert read_texts(two, expected[-1]) == []
    for lost in (expected[0], Position(begin.epoch, 8), Position("other", 7)):
        history = read(two, lost)
        assert not history.recovered and history.position == expected[-1]


def test_a_history_is_bounded_in_bytes(shared_redis: RedisServer, redis_broker: MakeBroker) -> None:
    broker, limits = redis_broker(shared_redis), HistoryLimits(size=100, ttl=60, max_bytes=1000)
    begin = read(broker, None, limits).position

    def after(number: int) -> int | None:
        history = read(broker, Position(begin.epoch, number), limits)
        return len(history.rows) if history.recovered else None

    for _ in range(10):
        publish(broker, "x" * 200, CHANNEL, limits)
    assert (after(5), after(6), after(7)) == (None, 4, 3)
    publish(broker, "x" * 700, CHANNEL, limits)
    assert (after(8), after(9), after(10)) == (None, 2, 1)
    publish(broker, "x" * 1001, CHANNEL, limits)
    assert (after(11), after(12)) == (None, 0)
    publish(broker, "y", CHANNEL, limits)
    assert (after(11), after(12), after(13)) == (None, 1, 0)


def test_rows_expire_before_their_number(
    shared_redis: RedisServer, redis_broker: MakeBroker
) -> None:
    broker = redis_broker(shared_redis, prefix="expiry:")
    limits = HistoryLimits(size=5, ttl=0.05)
    begin = read(broker, None, limits).position
    publish(broker, "old", CHANNEL, limits)
    eventually(lambda: not shared_redis.call("EXISTS", f"expiry:rows:{CHANNEL}"))
    assert read(broker, Position(begin.epoch, 1), limits).recovered
    assert not read(broker, begin, limits).recovered
    publish(broker, "new", CHANNEL, LIMITS)
    assert read_texts(broker, Position(begin.epoch, 1)) == ["new"]
    assert 86_000 < shared_redis.call("TTL", f"expiry:meta:{CHANNEL}") <= 86_460
    assert 0 < shared_redis.call("TTL", f"expiry:rows:{CHANNEL}") <= 60


def test_what_redis_has_evicted_is_not_recovered(
    shared_redis: RedisServer, redis_broker: MakeBroker
) -> None:
    broker = redis_broker(shared_redis, prefix="evicted:")
    begin = read(broker, None).position
    for text in "abc":
        publish(broker, text, CHANNEL, LIMITS)
    assert read_texts(broker, begin) == ["a", "b", "c"]
    shared_redis.call("DEL", f"evicted:rows:{CHANNEL}")
    publish(broker, "d", CHANNEL, LIMITS)
    assert read_texts(broker, begin) is None
    assert read_texts(broker, Position(begin.epoch, 3)) == ["d"]
    shared_redis.call("DEL", f"evicted:meta:{CHANNEL}")
    publish(broker, "e", CHANNEL, LIMITS)
    last = read(broker, None).position
    assert last.epoch != begin.epoch and last.seq == 1
    assert read_texts(broker, Position(last.epoch, 0)) == ["e"]


def test_an_epoch_ends_with_the_data_of_redis(
    start_redis: StartRedis, redis_broker: MakeBroker
) -> None:
    server = start_redis()
    broker = redis_broker(server)
    listener = listen(broker, CHANNEL, LIMITS)
    publish(broker, "a", CHANNEL, LIMITS).result(WAIT)
    server.call("FLUSHALL")
    publish(broker, "b", CHANNEL, LIMITS).result(WAIT)
    first, second = listener.positions
    assert first is not None and second is not None
    assert first.epoch != second.epoch and second.seq == 1
    assert not read(broker, first).recovered


def test_an_epoch_ends_with_the_server_that_made_it(
    start_redis: StartRedis, redis_broker: MakeBroker
) -> None:
    """A server that has kept its data may lack the last of them, as a replica does."""
    server = start_redis("--appendonly", "yes", "--appendfsync", "always")
    broker = redis_broker(server)
    listener = listen(broker, CHANNEL, LIMITS)
    publish(broker, "a", CHANNEL, LIMITS).result(WAIT)
    server.kill()
    server.start()
    eventually(lambda: "DB loaded from" in server.log())
    eventually(lambda: listener.resets)
    publish(broker, "b", CHANNEL, LIMITS).result(WAIT)
    first, second = listener.positions
    assert first is not None and second is not None
    assert first.epoch != second.epoch and second.seq == 1
    assert not read(broker, first).recovered
    assert read_texts(broker, Position(second.epoch, 0)) == ["b"]


def test_scripts_that_redis_has_forgotten_are_loaded(
    start_redis: StartRedis, redis_broker: MakeBroker
) -> None:
    server = start_redis()
    broker = redis_broker(server)
    listener = listen(broker, CHANNEL, LIMITS)
    server.call("SCRIPT", "FLUSH")
    for number in range(50):
        publish(broker, str(number), CHANNEL, LIMITS)
    eventually(lambda: len(listener.texts) == 50)
    assert listener.texts == [str(number) for number in range(50)]
    server.call("SCRIPT", "FLUSH")
    assert read(broker, listener.positions[-3]).recovered
    assert listener.resets == []


# Refusals


def test_a_full_redis_refuses_histories_only(
    start_redis: StartRedis, redis_broker: MakeBroker
) -> None:
    server = start_redis()
    broker = redis_broker(server)
    plain, kept = listen(broker, "plain"), listen(broker, CHANNEL, LIMITS)
    publish(broker, "before", CHANNEL, LIMITS).result(WAIT)
    server.call("CONFIG", "SET", "maxmemory", "1")
    assert "maxmemory" in refusal(publish(broker, "full", CHANNEL, LIMITS))
    publish(broker, "plain", "plain").result(WAIT)
    late = listen(broker, "room:/chat:late", LIMITS)
    server.call("CONFIG", "SET", "maxmemory", "0")
    publish(broker, "after", CHANNEL, LIMITS).result(WAIT)
    publish(broker, "late", "room:/chat:late", LIMITS).result(WAIT)
    assert (plain.texts, kept.texts, late.texts) == (["plain"], ["before", "after"], ["late"])
    first, second = kept.positions
    assert first is not None and second == Position(first.epoch, 2)
    assert plain.resets == kept.resets == late.resets == []


#: The rights that the documentation names.
RIGHTS = re.findall(
    r"(?<= )\+[a-z|]+", (ROOT / "docs" / "how-to" / "redis.rst").read_text(encoding="utf-8")
)


def test_a_user_needs_few_rights(start_redis: StartRedis, redis_broker: MakeBroker) -> None:
    server = start_redis()
    server.call("ACL", "SETUSER", "site", "on", ">secret", "~site:*", "&site:*", *RIGHTS)
    account = {"username": "site", "password": "secret"}
    broker = redis_broker(server, prefix="site:", connection=account)
    listener = listen(broker, CHANNEL, LIMITS)
    for text in "abcdefg":
        publish(broker, text, CHANNEL, LIMITS).result(WAIT)
    assert listener.texts == [*"abcdefg"]
    assert read_texts(broker, Position(read(broker, None).position.epoch, 5)) == ["f", "g"]
    outcome = count(broker, "room:/chat:2").result(WAIT)
    assert outcome.last is not None and outcome.last.message.text == "1"


def test_a_user_without_rights_is_refused(
    start_redis: StartRedis, redis_broker: MakeBroker
) -> None:
    server = start_redis()
    rights = [right for right in RIGHTS if right not in ("+evalsha", "+script|load")]
    server.call("ACL", "SETUSER", "site", "on", ">secret", "~site:*", "&site:*", *rights)
    account = {"username": "site", "password": "secret"}
    broker = redis_broker(server, prefix="site:", connection=account)
    listener = listen(broker, CHANNEL, LIMITS)
    assert "evalsha" in refusal(publish(broker, "kept", CHANNEL, LIMITS))
    publish(broker, "plain").result(WAIT)
    server.call("ACL", "SETUSER", "site", "-publish")
    assert "publish" in refusal(publish(broker, "plain"))
    assert listener.texts == ["plain"]


def test_a_wrong_password_is_named(
    start_redis: StartRedis, redis_broker: MakeBroker, caplog: pytest.LogCaptureFixture
) -> None:
    server = start_redis()
    broker = redis_broker(server, connection={"username": "none", "password": "wrong"})
    broker.subscribe(CHANNEL, Listener(), None)
    eventually(lambda: "invalid username-password pair" in caplog.text)


def test_a_cluster_is_refused(
    start_redis: StartRedis, redis_broker: MakeBroker, caplog: pytest.LogCaptureFixture
) -> None:
    port = str(free_port())
    server = start_redis("--cluster-enabled", "yes", "--port", port, "--cluster-port", "0")
    broker = redis_broker(server)
    broker.subscribe(CHANNEL, Listener(), None)
    eventually(lambda: "a node of a Redis Cluster, which is not supported" in caplog.text)


def test_unknown_options_are_refused() -> None:
    for options, text in [
        ({"adress": "redis://"}, "unknown keys"),
        ({"url": "http://localhost"}, "schemes"),
    ]:
        with pytest.raises(ImproperlyConfigured, match=text):
            RedisOptions("default", options)


def test_the_prefix_depends_on_the_secret_key() -> None:
    with override_settings(SECRET_KEY="one"):
        one = default_prefix()
        assert default_prefix() == one
    with override_settings(SECRET_KEY="two"):
        assert default_prefix() != one
    assert one.startswith("c10kws:") and "one" not in one


# Ways to the server


def test_tls(start_redis: StartRedis, redis_broker: MakeBroker, tmp_path: Path) -> None:
    certificate, port = Certificate(tmp_path), free_port()
    authority = tmp_path / "authority.pem"
    certificate.write_authority(authority)
    server = start_redis(
        *("--tls-port", str(port), "--tls-auth-clients", "no"),
        *("--tls-cert-file", str(certificate.certfile)),
        *("--tls-key-file", str(certificate.keyfile)),
    )
    url = f"rediss://127.0.0.1:{port}"
    broker = redis_broker(server, url=url, connection={"ssl_ca_certs": str(authority)})
    listener = listen(broker)
    publish(broker, "encrypted").result(WAIT)
    assert listener.texts == ["encrypted"]
