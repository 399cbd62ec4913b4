"""Random input for a live server: how much of it, and what must never come of it."""

from __future__ import annotations

import logging
import os
import re
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from c10kws.handlers.servers import KEY

from .peers import Client, connect
from .servers import LiveServer
from .waiting import eventually

#: The environment variable that multiplies the number of examples, which are then random.
VARIABLE = "C10KWS_FUZZ"
FACTOR = int(os.environ.get(VARIABLE) or 0)
#: Django logs requests with an invalid Host with a traceback, as those of attackers.
SECURITY = "django.security"

#: Control characters; a terminal or a program that reads the log may obey those of Latin-1, too.
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")


def examples(count: int) -> Any:
    """Return a decorator: ``count`` examples, the same each time, or more that are random."""
    return settings(
        max_examples=count * (FACTOR or 1),
        derandomize=not FACTOR,
        deadline=None,
        database=None,
        print_blob=True,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )


def send_all(client: Client, pieces: Sequence[bytes]) -> None:
    """Send bytes, and close this half of the connection, unless the server closes before."""
    with suppress(OSError):
        for piece in pieces:
            client.send(piece)
        client.socket.shutdown(socket.SHUT_WR)


@contextmanager
def websocket(port: int, handshake: bytes) -> Iterator[Client]:
    """Connect a WebSocket; its client sends frames as bytes."""
    with connect(port) as client:
        client.send(handshake)
        assert client.read_response().status == 101
        yield client


def read_frames(data: bytes) -> list[tuple[int, bytes]]:
    """Return the frames of a server: first bytes and payloads. The last may be cut."""
    frames = []
    while len(data) >= 2:
        first, size, start = data[0], data[1], 2
        assert size < 128, "a frame with a mask"
        if size >= 126:
            start = 4 if size == 126 else 10
            size = int.from_bytes(data[2:start], "big")
        if len(data) < start + size:
            break
        frames.append((first, data[start : start + size]))
        data = data[start + size :]
    return frames


def faults_in(records: Sequence[logging.LogRecord]) -> Iterator[str]:
    """Yield what no client may cause: tracebacks, responses with 500, forged lines of the log."""
    for record in records:
        message = record.getMessage()
        if record.exc_info and not record.name.startswith(SECURITY):
            yield f"traceback: {record.name}: {message}"
        elif record.levelno >= logging.CRITICAL or getattr(record, "status_code", None) == 500:
            yield f"failure: {record.name}: {message}"
        elif record.name.startswith("c10kws") and CONTROL.search(message):
            yield f"control characters: {record.name}: {message!r}"


def check_settled(live: LiveServer, caplog: pytest.LogCaptureFixture) -> None:
    """Check that the server has forgotten all clients, and has logged nothing unusual."""
    eventually(lambda: live.server.connections == live.server.requests == 0)
    state = live.server._resources.state.get(KEY)
    eventually(lambda: state is None or not (state.clients or len(state.counts)))
    eventually(lambda: live.server.pool.queued == 0)
    faults = sorted(set(faults_in(caplog.records)))
    assert not faults, "\n".join(faults)
    assert live.errors == []
