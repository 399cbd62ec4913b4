"""The choice of the clients to close when all queues exceed their limit."""

from __future__ import annotations

import asyncio

import pytest

from c10kws.connection import slow_clients
from c10kws.connection.slow_clients import SlowClients
from c10kws.connection.total_queue import lock, total_queue


class Client:
    """A client with so many bytes queued."""

    def __init__(self, queued: int, *, closed: bool = False) -> None:
        self.queued = queued
        self.closed = closed
        self.given_up = self.aborted = False
        with lock:
            total_queue.hold(queued)

    def describe(self) -> dict[str, object]:
        return {"path": "/a/"}

    def give_up(self, *, abort: bool) -> None:
        self.given_up = True
        self.aborted = abort
        with lock:
            total_queue.release(self.queued)
        self.queued, self.closed = 0, True


def test_closing_ones_go_first_then_the_longest_queues(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        slow = SlowClients(asyncio.get_running_loop())
        base = total_queue.size
        clients = [Client(300), Client(500), Client(200), Client(100, closed=True)]
        for client in clients:
            slow.add(client)
        slow.relieve(base + 1100)
        assert not any(client.given_up for client in clients)
        slow.relieve(base + 1099)
        assert [client.given_up for client in clients] == [False, True, False, True]
        assert clients[1].aborted
        for client in clients:
            client.give_up(abort=False)
            slow.discard(client)
        assert (len(slow), total_queue.size) == (0, base)

    asyncio.run(main())
    (record,) = caplog.records
    assert "bytes queued for all clients" in record.getMessage()


def test_many_are_logged_as_a_number(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slow_clients, "LOG_INTERVAL", 0.01)

    async def main() -> None:
        slow = SlowClients(asyncio.get_running_loop())
        for _ in range(5):
            client = Client(7)
            slow.close(client, 7)
            slow.close(client, 7)  # it is closed already
            assert (client.given_up, client.aborted) == (True, False)
        assert slow.closed == 5
        while len(caplog.records) < 2:
            await asyncio.sleep(0.01)

    asyncio.run(asyncio.wait_for(main(), 10))
    messages = [record.getMessage() for record in caplog.records]
    assert messages == [
        "Closing slow client on /a/: more than 7 bytes queued.",
        "Closed 4 more slow clients.",
    ]
