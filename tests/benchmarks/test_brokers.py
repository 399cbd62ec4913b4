"""The benchmark of rooms over several processes: its load client, its sites and its report."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from threading import Lock, Thread
from typing import Any

import pytest
from websockets.sync.server import ServerConnection, serve

from benchmarks import runner
from benchmarks.brokers import report, rooms
from benchmarks.brokers.crowd import connected
from benchmarks.brokers.prices import measure_round
from benchmarks.brokers.redis_server import running_redis
from benchmarks.brokers.sites import LARGE, SMALL, RunningSite, running_site
from tests.support.redis_servers import find_redis

#: Returns what a client receives, of what all clients have sent until now, oldest first.
Choose = Callable[[int, list[str]], list[str]]
SITE = next(site for site in LARGE if site.name == "c10kws-redis")


class Relay:
    """One client on each of two ports; ``choose`` returns what a client receives until now."""

    def __init__(self, choose: Choose) -> None:
        self._choose = choose
        self._sent: list[str] = []
        self._clients: dict[int, ServerConnection] = {}
        self._delivered = {0: 0, 1: 0}
        self._lock = Lock()

    def serve(self, number: int, connection: ServerConnection) -> None:
        self._clients[number] = connection
        for message in connection:
            assert isinstance(message, str)
            with self._lock:
                self._relay(message)

    def _relay(self, message: str) -> None:
        greeting = " 0 0 " in message
        if not greeting:
            self._sent.append(message)
        for number, client in self._clients.items():
            for each in [message] if greeting else self._take(number):
                client.send(each)

    def _take(self, number: int) -> list[str]:
        found = self._choose(number, self._sent)
        new = found[self._delivered[number] :]
        self._delivered[number] = len(found)
        return new


@contextmanager
def serving(relay: Relay, number: int) -> Iterator[int]:
    """Serve in a thread; the value is the port."""
    with serve(partial(relay.serve, number), "127.0.0.1", 0) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield server.socket.getsockname()[1]
        server.shutdown()
        thread.join()


def send(bench: runner.Bench, choose: Choose) -> dict[str, Any]:
    """Send two messages in turns through a relay; return the result."""
    relay = Relay(choose)
    with serving(relay, 0) as one, serving(relay, 1) as two:
        site = RunningSite(SITE, (one, two), "no process")
        with connected(bench.client.program, site, redis=0, clients=2) as crowd:
            return crowd.send(0.2, rate=10)


def test_all_clients_of_all_processes_receive_all_messages_in_one_order(
    bench: runner.Bench,
) -> None:
    result = send(bench, lambda number, sent: list(sent))
    assert result["sent"] == 2
    assert result["all_deliveries"] == result["expected"] == 4
    assert (result["failed"], result["disordered"]) == (0, 0)


def test_another_order_at_one_client_is_counted(bench: runner.Bench) -> None:
    def choose(number: int, sent: list[str]) -> list[str]:
        return [] if len(sent) < 2 else sent[:: 1 if number == 0 else -1]

    result = send(bench, choose)
    assert result["all_deliveries"] == 4
    assert result["disordered"] == 2


def test_a_missing_message_is_a_failure(bench: runner.Bench) -> None:
    def choose(number: int, sent: list[str]) -> list[str]:
        return sent if number == 0 else [text.replace(" 1 ", " 2 ") for text in sent]

    result = send(bench, choose)
    assert result["failed"] > 0
    assert "message 2 of sender" in result["failure"]


@pytest.fixture
def tools(bench: runner.Bench) -> Iterator[rooms.Tools]:
    find_redis()
    with running_redis(bench.folder) as redis:
        yield rooms.Tools(
            bench.client.program, bench.folder, redis, seconds=0.2, rounds=1, say=lambda text: None
        )


def test_a_report_is_made_of_rooms_and_prices(
    tools: rooms.Tools, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rooms, "CHAT_SECONDS", 0.3)
    measured = rooms.measure_room(tools, [SITE], clients=6)
    prices = measure_memory(tools)
    facts = {"load before": "0.0", "processor": "one", "cores": "2", "system": "a", "Python": "3"}
    document = {"scale": "Short.", "facts": facts, "rooms": [measured], "prices": prices}
    text = report.report(json.loads(json.dumps(document)))
    assert "6 clients\n~" in text
    assert "100.0%" in text
    assert "1 client in the room\n~" in text
    assert list(report.failures(document)) == []


def measure_memory(tools: rooms.Tools) -> list[dict[str, Any]]:
    """Measure the MemoryBroker with one client."""
    with (
        running_site(SMALL[0], 1, tools.redis[1], tools.folder) as running,
        connected(tools.program, running, tools.redis[0], clients=1) as crowd,
    ):
        return measure_round(tools, [crowd], 0, 0.2, 4)
