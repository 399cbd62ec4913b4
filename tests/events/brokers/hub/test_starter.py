"""How the hub is found, and started by the processes that serve."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from c10kws.events.brokers.hub import starter as module
from c10kws.events.brokers.hub.hub_connection import HubConnection
from c10kws.events.brokers.hub.starter import HubStarter
from c10kws.events.brokers.link.connection import ConnectionLost
from c10kws.events.brokers.local import LocalBroker
from c10kws.handlers.servers import servers
from tests.support.brokers import listen, publish
from tests.support.hubs import hub_in, hubs_in
from tests.support.waiting import WAIT, eventually

from .conftest import MakeBroker


async def open_and_close(starter: HubStarter) -> None:
    connection = HubConnection(starter.connect)
    try:
        await connection.open()
        await connection.ping()
    finally:
        await connection.close()


def fails(starter: HubStarter, match: str) -> None:
    with pytest.raises(ConnectionLost, match=match):
        asyncio.run(open_and_close(starter))


def test_two_processes_start_one_hub(serve: None, site: Path) -> None:
    barrier = threading.Barrier(2)

    def start(number: int) -> None:
        barrier.wait(WAIT)
        asyncio.run(open_and_close(HubStarter(f"alias{number}", WAIT)))

    with ThreadPoolExecutor(2) as pool:
        for number in range(20):
            list(pool.map(start, [number, number]))
    assert len(hubs_in(site)) == 20
    assert len(list(site.iterdir())) == 40


def test_a_process_that_does_not_serve_starts_none(serve: None, site: Path) -> None:
    starter = HubStarter("default", 10)
    with servers.set_aside():
        fails(starter, "no process of this site serves")
        assert not site.exists()
    asyncio.run(open_and_close(starter))
    with servers.set_aside():
        asyncio.run(open_and_close(HubStarter("default", 10)))
        os.kill(hub_in(site), signal.SIGKILL)
        eventually(lambda: not hubs_in(site))
        fails(starter, "no process of this site serves")


def test_a_stale_socket_is_replaced(serve: None, site: Path) -> None:
    site.mkdir(0o700)
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(site / "hub-1-default"))
    (site / "hub-1-default.lock").touch()
    asyncio.run(open_and_close(HubStarter("default", 10)))
    hub_in(site)


def test_an_alias_may_have_any_characters(serve: None, site: Path) -> None:
    asyncio.run(open_and_close(HubStarter("../a b", 10)))
    assert (site / "hub-1-..%2Fa%20b").exists()


@pytest.mark.parametrize("serves", [True, False])
def test_a_directory_of_others_is_not_used(serve: None, site: Path, serves: bool) -> None:
    site.mkdir()
    site.chmod(0o777)
    if serves:
        fails(HubStarter("default", 10), "mode 700")
    else:
        with servers.set_aside():
            fails(HubStarter("default", 10), "mode 700")


def test_a_hub_that_cannot_run(serve: None, site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MODULE", "c10kws.missing")
    fails(HubStarter("default", 10), "closed|reset|refused")
    monkeypatch.setattr(sys, "executable", "/missing")
    fails(HubStarter("default", 10), "the hub cannot be reached")


def test_a_path_that_is_too_long(serve: None, settings: Any, tmp_path: Path) -> None:
    folder = tmp_path / ("x" * 100)
    folder.mkdir()
    settings.C10KWS = {"RUNTIME_DIR": folder}
    fails(HubStarter("default", 10), "too long")


def test_the_hub_needs_little(tmp_path: Path) -> None:
    """The hub runs without Django, the site's packages and the rest of the library."""
    code = """
import sys
import c10kws.events.brokers.hub.__main__
names = {name for name in sys.modules if name.startswith(("c10kws", "django"))}
print(*sorted(names))
"""
    command = [sys.executable, "-S", "-P", "-c", code]
    environment = {"PYTHONPATH": str(module.ROOT)}
    output = subprocess.check_output(command, env=environment, cwd=tmp_path, text=True)
    assert output.split() == [
        "c10kws",
        "c10kws.events",
        "c10kws.events.brokers",
        "c10kws.events.brokers.history",
        "c10kws.events.brokers.hub",
        "c10kws.events.brokers.hub.__main__",
        "c10kws.events.brokers.hub.codec",
        "c10kws.events.brokers.hub.framing",
        "c10kws.events.brokers.hub.hub",
        "c10kws.events.brokers.hub.peer",
        "c10kws.events.brokers.store",
        "c10kws.lazy_names",
    ]


def test_a_killed_hub_is_replaced(make_broker: MakeBroker, site: Path) -> None:
    one, other = make_broker(), make_broker()
    listeners = [listen(one), listen(other)]
    hub = hub_in(site)
    os.kill(hub, signal.SIGKILL)
    for each in listeners:
        eventually(lambda each=each: each.resets)
    assert hub_in(site) != hub
    publish(one, "a").result(WAIT)
    for each in listeners:
        eventually(lambda each=each: each.texts == ["a"])


def test_options(serve: None) -> None:
    with pytest.raises(ImproperlyConfigured, match="unknown keys: \\['url'\\]"):
        LocalBroker("default", {"OPTIONS": {"url": ""}})
