"""The load client against servers that misbehave."""

from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from threading import Thread
from typing import Any

from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection, serve

from benchmarks import runner
from benchmarks.load import read_result
from tests.support.waiting import WAIT, eventually

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
        """Send messages back to their sender, and close the other connection."""
        connections.append(connection)
        for message in connection:
            for other in connections:
                if other is not connection:
                    other.close(1013)
            connection.send(message)

    options = ("--connections", "1", "--pace", "1", "--slow", "1", "--seconds", "0.3")
    with serving(broadcast) as port:
        result = run(bench, "broadcast", port, *options, "--rounds", "1000000")
    assert (result["failed"], result["disconnected"]) == (0, 1)


# Clients that send requests while their server is replaced

HELLO = {"event": "ws:hello", "data": {"sid": "x", "ping": 20, "max": 1000, "v": 1}}
BYE = {"event": "ws:bye", "data": {"code": 1012, "reason": "", "retry_after": 0.01}}


def greet(connection: ServerConnection) -> None:
    connection.send(json.dumps(HELLO))


def answer(connection: ServerConnection, message: str | bytes) -> None:
    frame = {"event": "ws:reply", "data": None, "re": json.loads(message)["id"]}
    connection.send(json.dumps(frame))


def deploy(bench: runner.Bench, port: str, until: Callable[[], bool]) -> dict[str, Any]:
    """Run two clients until a condition holds."""
    options = ["--port", port, "--connections", "2", "--rate", "100", "--timeout", "0.5"]
    with bench.client.start("deploy", options, subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready 2 failed 0\n"
        eventually(until)
        output, _ = process.communicate(timeout=WAIT)
    return read_result(output)


def test_clients_come_back_after_a_deploy(bench: runner.Bench) -> None:
    served: list[int] = []

    def handle(connection: ServerConnection) -> None:
        """Disconnect the first two clients, without an answer to their fifth request."""
        greet(connection)
        served.append(0)
        number, first = len(served) - 1, len(served) <= 2
        for message in connection:
            served[number] += 1
            if first and served[number] == 5:
                connection.send(json.dumps(BYE))
                connection.close(1012)
                return
            answer(connection, message)

    with serving(handle) as port:
        result = deploy(bench, port, lambda: len(served) == 4 and min(served) >= 5)
    assert (result["disconnected"], result["reconnects"], result["connected"]) == (2, 2, 2)
    assert result["interrupted"] >= 2
    assert [result[key] for key in ("lost", "broken", "refused", "failed")] == [0] * 4
    assert result["requests"] == result["answers"] + result["interrupted"]
    assert result["most_reconnects"] <= 2
    assert result["away_max_ms"] >= 10


def test_an_answer_that_never_comes_is_lost(bench: runner.Bench) -> None:
    got: list[int] = []

    def handle(connection: ServerConnection) -> None:
        greet(connection)
        for message in connection:
            got.append(json.loads(message)["id"])
            if got[-1] < 3:
                answer(connection, message)

    with serving(handle) as port:
        result = deploy(bench, port, lambda: got.count(5) == 2)
    assert result["lost"] >= 6
    assert result["requests"] == result["answers"] + result["lost"]
    assert result["failed"] == 0


def test_answers_in_another_order_are_a_failure(bench: runner.Bench) -> None:
    got: list[str | bytes] = []

    def handle(connection: ServerConnection) -> None:
        greet(connection)
        for message in connection:
            got.append(message)
            if json.loads(message)["id"] == 2:
                answer(connection, message)

    with serving(handle) as port:
        result = deploy(bench, port, lambda: len(got) >= 4)
    assert result["failed"] == 2
    assert result["failure"].startswith("answer 2 came after answer 0 of ")


def test_a_connection_that_ends_without_a_close_is_counted(bench: runner.Bench) -> None:
    served: list[ServerConnection] = []

    def handle(connection: ServerConnection) -> None:
        greet(connection)
        served.append(connection)
        first = len(served) <= 2
        for message in connection:
            if first:
                connection.socket.shutdown(socket.SHUT_RDWR)
                return
            answer(connection, message)

    with serving(handle) as port:
        result = deploy(bench, port, lambda: len(served) == 4)
    assert (result["broken"], result["disconnected"], result["connected"]) == (2, 0, 2)
