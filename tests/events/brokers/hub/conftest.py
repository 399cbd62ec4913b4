"""Fixtures of these tests: a site of its own, and brokers of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from c10kws.events.brokers.local import LocalBroker
from tests.support.broker_process import BrokerProcess
from tests.support.hubs import RawPeer

MakeBroker = Callable[..., LocalBroker]


@pytest.fixture
def make_broker(site: Path, serve: None) -> Iterator[MakeBroker]:
    """Make brokers, each like that of a process of its own."""
    made: list[LocalBroker] = []

    def make(**options: Any) -> LocalBroker:
        made.append(LocalBroker("default", {"OPTIONS": options}))
        return made[-1]

    yield make
    for broker in made:
        broker.close(0)


@pytest.fixture
def broker(make_broker: MakeBroker) -> LocalBroker:
    """A broker of this process."""
    return make_broker()


@pytest.fixture
def make_peer(site: Path) -> Iterator[Callable[[], RawPeer]]:
    """Connect raw peers to the running hub."""
    made: list[RawPeer] = []

    def make() -> RawPeer:
        made.append(RawPeer(site / "hub-1-default"))
        return made[-1]

    yield make
    for peer in made:
        peer.close()


@pytest.fixture
def start_process(site: Path, settings: Any) -> Iterator[Callable[..., BrokerProcess]]:
    """Start processes of the site."""
    started: list[BrokerProcess] = []

    def start(*, serves: bool = True, **options: Any) -> BrokerProcess:
        configuration = {
            "BACKEND": "c10kws.events.brokers.local.LocalBroker",
            "OPTIONS": options,
        }
        started.append(BrokerProcess(configuration, settings.C10KWS, serves=serves))
        return started[-1]

    yield start
    for process in started:
        process.kill()
