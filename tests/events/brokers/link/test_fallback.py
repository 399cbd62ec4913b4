"""Messages that the broker does not accept."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

from c10kws.events.brokers.emission import Emission
from c10kws.events.brokers.history import HistoryLimits
from c10kws.events.brokers.link.commands import Publish
from c10kws.events.brokers.local import LocalBroker
from c10kws.events.brokers.message import Message
from c10kws.events.exceptions import BrokerUnavailable
from tests.support.brokers import listen, publish
from tests.support.waiting import WAIT, eventually

pytestmark = [
    pytest.mark.programs,
    pytest.mark.skipif(os.name != "posix", reason="needs Unix sockets"),
]

CHANNEL = "room:/chat:1"


def refuse(broker: LocalBroker, text: str, limits: HistoryLimits | None = None) -> Emission:
    """Treat a message as if the broker had not accepted it."""
    emission = Emission()
    broker._fallback.handle(Publish(CHANNEL, Message(text), limits, emission), "it is away")
    return emission


def test_other_processes_learn_that_they_miss_what_was_delivered_locally(
    site: Path, serve: asyncio.AbstractEventLoop, settings: Any
) -> None:
    settings.C10KWS = {**settings.C10KWS, "ON_BROKER_DOWN": "local"}
    one, other = LocalBroker("default", {}), LocalBroker("default", {})
    here, there = listen(one, CHANNEL), listen(other, CHANNEL)
    publish(one, "1", CHANNEL).result(WAIT)
    refuse(one, "2").result(WAIT)
    refuse(one, "3").result(WAIT)
    publish(one, "4", CHANNEL).result(WAIT)
    publish(one, "5", CHANNEL).result(WAIT)
    eventually(lambda: there.texts[-1:] == ["5"])
    assert (here.texts, there.texts) == (["1", "2", "3", "4", "5"], ["1", "4", "5"])
    assert there.resets == [None]
    for broker in (one, other):
        broker.close(0)


@pytest.mark.parametrize(
    ("policy", "limits"), [("fail", None), ("local", HistoryLimits(size=5, ttl=60))]
)
def test_a_message_that_is_not_delivered_locally_fails(
    site: Path,
    serve: asyncio.AbstractEventLoop,
    settings: Any,
    policy: str,
    limits: HistoryLimits | None,
) -> None:
    settings.C10KWS = {**settings.C10KWS, "ON_BROKER_DOWN": policy}
    broker = LocalBroker("default", {})
    listener = listen(broker, CHANNEL, limits)
    with pytest.raises(BrokerUnavailable, match="it is away"):
        refuse(broker, "1", limits).result(WAIT)
    assert listener.texts == []
    broker.close(0)


@pytest.mark.usefixtures("no_server")
def test_a_process_that_does_not_serve_delivers_nothing_itself(site: Path, settings: Any) -> None:
    settings.C10KWS = {**settings.C10KWS, "ON_BROKER_DOWN": "local"}
    broker = LocalBroker("default", {})
    with pytest.raises(BrokerUnavailable, match="it is away"):
        refuse(broker, "1").result(WAIT)
