"""The link of a process to its broker: what becomes of commands that it cannot carry out."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from c10kws.events.brokers.history import HistoryLimits
from c10kws.events.brokers.link import link
from c10kws.events.brokers.link.connection import ConnectionLost
from c10kws.events.brokers.local import LocalBroker
from c10kws.events.exceptions import BrokerUnavailable
from tests.support.brokers import Listener, publish
from tests.support.waiting import WAIT, eventually

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs Unix sockets")

CHANNEL = "room:/chat:1"
LIMITS = HistoryLimits(5, 60)


@pytest.fixture
def away(site: Path, no_server: None) -> Iterator[LocalBroker]:
    """A broker that is not there: this process does not serve, and there is no hub."""
    broker = LocalBroker("away", {})
    yield broker
    broker.close(0)


def test_closing_fails_what_waits(away: LocalBroker) -> None:
    failed = away.counts.failed
    emission, read = publish(away, "a"), away.read(CHANNEL, None, LIMITS)
    assert not away.counts.connected
    eventually(lambda: away.counts.queued_bytes)
    away.close(0)
    assert (away.counts.failed, away.counts.queued_bytes) == (failed + 1, 0)
    with pytest.raises(BrokerUnavailable, match="has closed its connection"):
        emission.result(WAIT)
    with pytest.raises(ConnectionLost, match="has closed its connection"):
        read.result(WAIT)


def test_what_waits_for_too_long_fails(away: LocalBroker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "QUEUE_TIMEOUT", 0.1)
    emission, read = publish(away, "a"), away.read(CHANNEL, None, LIMITS)
    with pytest.raises(BrokerUnavailable, match="not accepted the event within"):
        emission.result(WAIT)
    with pytest.raises(ConnectionLost, match="not accepted the event within"):
        read.result(WAIT)


def test_a_link_that_has_ended(away: LocalBroker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another thread may still have it."""
    publish(away, "a")
    ended = away._link
    assert ended is not None
    away.close(0)
    ended._wake()
    ended.leave(CHANNEL)
    ended.close(0)
    monkeypatch.setattr(away, "_link", ended)
    with pytest.raises(BrokerUnavailable, match="has closed its connection"):
        publish(away, "b").result(WAIT)
    with pytest.raises(ConnectionLost, match="has closed its connection"):
        away.read(CHANNEL, None, LIMITS).result(WAIT)
    assert not away.subscribe(CHANNEL, Listener(), None).done()
