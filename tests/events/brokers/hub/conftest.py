"""Fixtures of these tests: a site of its own, and brokers of it."""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from c10kws.events.brokers.local import LocalBroker
from c10kws.runtime_directory import directory_path
from tests.support.broker_process import BrokerProcess
from tests.support.brokers import serving
from tests.support.hubs import RawPeer, hubs_in

MakeBroker = Callable[..., LocalBroker]


@pytest.fixture
def site(settings: Any) -> Iterator[Path]:
    """The directory of a site without a hub. The path of a socket has at most 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="c10") as folder:
        settings.C10KWS = {"RUNTIME_DIR": folder}
        yield directory_path()
        for process in hubs_in(Path(folder)):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)


@pytest.fixture
def served(site: Path) -> Iterator[None]:
    """This process serves."""
    with serving():
        yield


@pytest.fixture
def make_broker(served: None) -> Iterator[MakeBroker]:
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
