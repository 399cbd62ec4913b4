"""The relay of the Game of Life, and clients that it refuses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from websockets.sync.client import ClientConnection, connect

from tests.support.games import cell, relay_of, say
from tests.support.peers import closed_with
from tests.support.waiting import WAIT


@pytest.fixture
def pair(address: str) -> Iterator[tuple[ClientConnection, ClientConnection]]:
    """Two cells; the second listens to the first."""
    with cell(address, 80, 80) as one, cell(address, 80, 81, "80,80") as two:
        say(one, "0 1", two)
        yield one, two
        say(one, "1 0", two)


Pair = tuple[ClientConnection, ClientConnection]


def test_the_relay_passes_any_state_on(address: str, pair: Pair) -> None:
    with cell(address, 81, 80) as other, cell(address, 81, 81, "81,80 80,80") as listener:
        assert listener.recv(WAIT) == "80,80 0 1"
        other.send("0 7")
        other.send("1 9")
        assert listener.recv(WAIT) == "81,80 0 7"
        assert listener.recv(WAIT) == "81,80 1 9"


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        ("", "invalid message ''; send up to eight cells to listen to, such as '0,0 0,1'"),
        ('["0,0"]', "invalid message"),
        (" ".join(["1,1"] * 9), "invalid message"),
        ("0,100", "invalid message"),
        (b"0,0", "invalid message b'0,0'; send up to eight cells to listen to, such as"),
        ("🐍" * 20, "invalid message"),
    ],
)
def test_names_that_are_refused(address: str, pair: Pair, names: Any, reason: str) -> None:
    with cell(address, 82, 80, names) as ws:
        code, said = closed_with(ws)
    assert code == 4400 and said.startswith(reason)


@pytest.mark.parametrize(
    ("message", "code", "reason"),
    [
        ("1 1", 4400, "the next step is 0, not 1"),
        ("0 10", 4400, "invalid message '0 10'; send a step and a state, such as '12 1'"),
        ("-1 0", 4400, "invalid message '-1 0'"),
        ("{}", 4400, "invalid message '{}'"),
        (b"0 1", 4400, "invalid message b'0 1'; send a step and a state, such as '12 1'"),
        ("0" * 101, 1009, ""),
    ],
)
def test_states_that_are_refused(
    address: str, pair: Pair, message: Any, code: int, reason: str
) -> None:
    with cell(address, 82, 80) as ws:
        ws.send(message)
        ended, said = closed_with(ws)
    assert ended == code and said.startswith(reason)


def test_a_step_twice_is_refused_and_the_cell_is_free_again(address: str, pair: Pair) -> None:
    for _ in range(2):
        with cell(address, 82, 80) as ws:
            ws.send("0 1")
            ws.send("0 1")
            assert closed_with(ws) == (4400, "the next step is 1, not 0")


def test_a_cell_is_one_client(address: str, pair: Pair) -> None:
    with cell(address, 80, 80) as ws:
        assert closed_with(ws) == (4409, "cell 80,80 has a client; another game is running")


def test_cells_outside_the_largest_grid(address: str, pair: Pair) -> None:
    for row, column in ((100, 0), (0, 100), (10**40, 0)):
        with cell(address, row, column) as ws:
            assert closed_with(ws) == (4400, "row and column must be below 100")


def test_a_new_watcher_gets_the_current_picture(address: str, pair: Pair) -> None:
    for _ in range(2):
        with connect(relay_of(address), proxy=None, open_timeout=WAIT) as watcher:
            picture = json.loads(watcher.recv(WAIT))
    assert picture["rows"][80][80:] == "1 "
    assert picture["connections"] == 2


def test_a_watcher_that_sends_a_message_is_closed(address: str, pair: Pair) -> None:
    with connect(relay_of(address), proxy=None, open_timeout=WAIT) as watcher:
        watcher.send("hello")
        assert closed_with(watcher) == (4400, "this WebSocket accepts no messages")


def test_watchers_get_pictures_instead_of_messages(address: str) -> None:
    with ExitStack() as stack:
        watchers = [
            stack.enter_context(connect(relay_of(address), proxy=None, open_timeout=WAIT))
            for _ in range(2)
        ]
        ws = stack.enter_context(cell(address, 90, 90))
        for step in range(2000):
            ws.send(f"{step} 1")
        for watcher in watchers:
            steps = [0]
            while steps[-1] < 1999:
                steps.append(json.loads(watcher.recv(WAIT))["step"])
            assert len(steps) < 1000


def test_a_new_game_begins_with_a_new_picture(address: str) -> None:
    with cell(address, 90, 91) as old:
        old.send("0 1")
    with cell(address, 1, 1) as new, cell(address, 1, 2, "1,1") as listener:
        say(new, "0 1", listener)
        with connect(relay_of(address), proxy=None, open_timeout=WAIT) as watcher:
            assert json.loads(watcher.recv(WAIT))["rows"] == ["", " 1 "]
