"""``manage.py gameoflife`` against a running demo, and its rules as a textbook has them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Set
from contextlib import contextmanager, suppress

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from .shell import ROOT, SOURCES
from .waiting import WAIT

Living = Set[tuple[int, int]]


def relay_of(address: str) -> str:
    return address.replace("http", "ws") + "/gameoflife/ws/"


@contextmanager
def started(address: str, *options: str) -> Iterator[subprocess.Popen[str]]:
    """Start the command, without a limit of steps a second; end it if it has not ended."""
    run = [sys.executable, "manage.py", "gameoflife", "-l", "inf", "--url", relay_of(address)]
    environment = {"DJANGO_SETTINGS_MODULE": "project.settings", "PYTHONPATH": SOURCES}
    with subprocess.Popen(
        [*run, *options],
        cwd=ROOT / "demo",
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as game:
        try:
            yield game
        finally:
            game.kill()


@contextmanager
def cell(
    address: str, row: int, column: int, names: str | bytes = "0,0"
) -> Iterator[ClientConnection]:
    """Connect a cell to the relay, without a game."""
    with connect(
        f"{relay_of(address)}{row}/{column}/", proxy=None, open_timeout=WAIT, compression=None
    ) as ws:
        with suppress(ConnectionClosed):  # the cell was refused
            ws.send(names)
        yield ws


def say(ws: ClientConnection, message: str, listener: ClientConnection) -> None:
    """Send a state, which a listener receives next."""
    ws.send(message)
    heard = listener.recv(WAIT)
    assert isinstance(heard, str) and heard.endswith(f" {message}")


def finish(game: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Wait for the end; return the exit status, the output and the errors."""
    output, errors = game.communicate(timeout=WAIT)
    assert "Traceback" not in errors
    return game.returncode, output, errors


def run(address: str, *options: str) -> tuple[int, str, str]:
    """Start the command and wait for its end."""
    with started(address, *options) as game:
        return finish(game)


def next_step(living: Living, size: int, *, wrap: bool) -> Living:
    """Return who lives next, on a torus or on a plane with edges."""
    new = set()
    for row in range(size):
        for column in range(size):
            count = 0
            for y in range(row - 1, row + 2):
                for x in range(column - 1, column + 2):
                    other = (y % size, x % size) if wrap else (y, x)
                    count += other in living and other != (row, column)
            if count == 3 or (count == 2 and (row, column) in living):
                new.add((row, column))
    return new
