"""The load client against servers that misbehave."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from threading import Thread
from typing import Any

from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection, serve

from benchmarks import runner

Handler = Callable[[ServerConnection], None]
Gate = Callable[[ServerConnection, Request], Response | None]
EVENTS = ("--connections", "1", "--size", "20", "--seconds", "0.5", "--warmup", "0")


def wait(connection: ServerConnection) -> None:
    for _ in connection:
        pass


@contextmanager
def serving(handler: Handler, gate: Gate | None = None) -> Iterator[str]:
    """Serve in a thread; the value is the port."""
    with serve(handler, "127.0.0.1", 0, process_request=gate, compression=None) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield str(server.socket.getsockname()[1])
        server.shutdown()
        thread.join()


def run(bench: runner.Bench, mode: str, port: str, *options: str) -> dict[str, Any]:
    return bench.client.run(mode, ["--port", port, *options])


def test_refused_browsers_come_back(bench: runner.Bench) -> None:
    attempts = count(1)

    def gate(connection: ServerConnection, request: Request) -> Response | None:
        return connection.respond(503, "busy") if next(attempts) <= 3 else None

    with serving(wait, gate) as port:
        result = run(bench, "reconnects", port, "--connections", "4")
    assert (result["connections"], result["retries"], result["failed"]) == (4, 3, 0)


def test_browsers_that_are_disconnected_have_failed(bench: runner.Bench) -> None:
    with serving(lambda connection: connection.close(1001)) as port:
        result = run(bench, "churn", port, "--connections", "2", "--visitors", "32", "--rate", "9")
    assert result["failed"] > 0
    assert result["failure"] == "the server closed with 1001 first"


def echo_spaced(connection: ServerConnection) -> None:
    for message in connection:
        connection.send(json.dumps(json.loads(message), separators=(" , ", " : ")))


def echo_renamed(connection: ServerConnection) -> None:
    for message in connection:
        connection.send(json.dumps(json.loads(message) | {"event": "ecco"}))


def test_an_event_may_come_back_with_spaces(bench: runner.Bench) -> None:
    with serving(echo_spaced) as port:
        result = run(bench, "events", port, *EVENTS)
    assert result["failed"] == 0
    assert result["messages"] > 0


def test_another_event_is_a_failure(bench: runner.Bench) -> None:
    with serving(echo_renamed) as port:
        result = run(bench, "events", port, *EVENTS)
    assert (result["failed"], result["failure"]) == (1, "an event differs at byte 12")


def test_slow_readers_that_are_disconnected_are_counted(bench: runner.Bench) -> None:
    connections: list[ServerConnection] = []

    def broadcast(connection: ServerConnection) -> None:
        """Close the first connection, and send all messages to the others."""
        connections.append(connection)
        for message in connection:
            connections[0].close(1013)
            for other in connections[1:]:
                other.send(message)

    options = ("--connections", "2", "--pace", "1", "--slow", "1", "--seconds", "0.3")
    with serving(broadcast) as port:
        result = run(bench, "broadcast", port, *options, "--rounds", "1000000")
    assert (result["failed"], result["disconnected"]) == (0, 1)
