"""Games against the demo's relay, and games that cannot be played."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from websockets.asyncio.server import ServerConnection, serve
from websockets.sync.client import connect

from demo.gameoflife import game, plaintext
from demo.gameoflife.cells import Cell, StepClock
from demo.gameoflife.grid import Living, place, random_grid
from demo.gameoflife.management.commands.gameoflife import Command
from tests.support.games import cell, finish, next_step, relay_of, run, say, started
from tests.support.waiting import WAIT

BLINKER = "! upright, one cell from the left edge\n.O\n.O\n.O\n"


def play(address: str, *options: str) -> Living:
    """Play a game to its end; return the living cells."""
    status, output, errors = run(address, "--print", *options)
    assert (status, errors) == (0, "")
    told, result, *grid = output.splitlines()
    assert "cells play" in told and "messages a second" in result
    return plaintext.parse("\n".join(grid))


def after(living: Living, size: int, steps: int, *, wrap: bool = True) -> Living:
    for _ in range(steps):
        living = next_step(living, size, wrap=wrap)
    return living


@pytest.fixture
def blinker(tmp_path: Path) -> str:
    path = tmp_path / "upright.cells"
    path.write_text(BLINKER)
    return str(path)


# Games


def test_a_glider_moves_by_one_and_one_in_four_steps(address: str) -> None:
    glider = place(plaintext.read("glider"), 8, centre=True)
    moved = play(address, "-s8", "-pglider", "-n4")
    assert moved == {(row + 1, column + 1) for row, column in glider}
    assert moved == after(glider, 8, 4)


def test_a_glider_flies_over_the_edges(address: str) -> None:
    glider = place(plaintext.read("glider"), 8, centre=False)
    assert play(address, "-s8", "-pglider", "-C", "-n32") == glider


def test_the_ancestors_spelling_of_options(address: str) -> None:
    glider = place(plaintext.read("glider"), 8, centre=False)
    options = ("--size=8", "--pattern=glider", "--no-center", "--speed=1000", "--steps=32")
    assert play(address, *options) == glider


def test_a_glider_crashes_into_the_edges_without_wrapping(address: str) -> None:
    glider = place(plaintext.read("glider"), 8, centre=False)
    crashed = play(address, "-s8", "-pglider", "-C", "-W", "-n32")
    assert crashed == after(glider, 8, 32, wrap=False) != glider
    assert crashed == {(6, 6), (6, 7), (7, 6), (7, 7)}


def test_a_blinker_without_wrapping(address: str, blinker: str) -> None:
    assert play(address, "-s5", "-p", blinker, "-W", "-n1") == {(2, 1), (2, 2), (2, 3)}
    assert play(address, "-s5", "-p", blinker, "-W", "-C", "-n3") == {(1, 0), (1, 1), (1, 2)}


def test_0_steps_leave_the_pattern_as_it_is(address: str) -> None:
    status, output, errors = run(address, "--print", "-s4", "-pblock", "-n0")
    told, *grid = output.splitlines()
    assert (status, errors, told) == (0, "", "16 cells play; Ctrl-C ends the game.")
    assert plaintext.parse("\n".join(grid)) == {(1, 1), (1, 2), (2, 1), (2, 2)}


@pytest.mark.parametrize("wrap", [True, False])
def test_a_random_grid_equals_a_simple_implementation(address: str, wrap: bool) -> None:
    options = () if wrap else ("-W",)
    living = play(address, "-s12", "--seed=7", "-n20", *options)
    assert living == after(random_grid(12, 7), 12, 20, wrap=wrap)


def test_the_limit_delays_steps() -> None:
    """Compare with a clock that the steps may not overtake; slower steps are fine."""

    async def pace() -> float:
        clock = StepClock(100)
        begun = asyncio.get_running_loop().time()
        for step in range(1, 12):
            await asyncio.gather(*(clock.wait(step) for _ in range(5)))
        return asyncio.get_running_loop().time() - begun

    assert asyncio.run(pace()) > 0.099


@pytest.mark.skipif(os.name != "posix", reason="Ctrl-C is sent otherwise on Windows")
def test_ctrl_c_ends_a_game(address: str) -> None:
    with started(address, "-s4", "-pblock") as process:
        with connect(relay_of(address), proxy=None, open_timeout=WAIT) as watcher:
            picture = {"connections": 0, "step": 0}
            while picture["connections"] < 16 or picture["step"] < 2:  # those of this game
                picture = json.loads(watcher.recv(WAIT))
        process.send_signal(signal.SIGINT)
        status, output, errors = finish(process)
    assert (status, errors) == (0, "")
    assert "messages a second" in output


# Games that cannot be


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (["-s2"], "The size must be 3 to 100, not 2."),
        (["-s101"], "The size must be 3 to 100, not 101."),
        (["-l0"], "The limit must be above 0 steps a second, not 0.0."),
        (["-lnan"], "The limit must be above 0 steps a second, not nan."),
        (["-n-1"], "The number of steps must be at least 0, not -1."),
        (["--url=http://x/"], "http://x/ isn't a valid URI: scheme isn't ws or wss"),
        (["--url=ws://x:99999/"], "Port out of range 0-65535"),
        (["-pnonsense"], "No such pattern: 'nonsense'. Use a file or one of acorn, "),
        (
            ["-pgosper-glider-gun"],
            "The pattern has 9 rows and 36 columns. Choose a size of at ",
        ),
    ],
)
def test_impossible_options_are_refused(options: list[str], error: str) -> None:
    with pytest.raises(CommandError, match=f"^{error}"):
        call_command(Command(), *options)


def test_no_server() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        status, _, errors = run(url, "-s4")
    assert status == 1
    assert "The game stopped in step 0: cell " in errors
    assert f"cannot connect to {relay_of(url)}" in errors


def test_a_second_game_is_refused_and_the_first_goes_on(address: str) -> None:
    with cell(address, 2, 2) as holder, cell(address, 70, 70, "2,2") as listener:
        status, _, errors = run(address, "-s4")
        assert status == 1
        assert "The game stopped in step" in errors
        assert ": cell 2,2 lost its connection" in errors
        assert "4409" in errors and "cell 2,2 has a client; another game is running" in errors
        say(holder, "0 1", listener)


def test_a_lost_cell_stops_the_game(address: str) -> None:
    class Mortal(Cell):
        async def play(self, ws: Any, pace: Any, steps: int | None) -> None:
            await super().play(ws, pace, 3)
            ws.transport.abort()
            async for _ in ws:
                pass
            await ws.recv()

    life = game.Game(relay_of(address), set(), 4, wrap=True, limit=1000, steps=None)
    life._cells[5] = Mortal((1, 1), life._cells[5].neighbours, False)
    with pytest.raises(game.GameStopped, match="cell 1,1 lost its connection: no close frame"):
        asyncio.run(life.play())
    assert life.step in (3, 4, 5)


def test_a_relay_that_hangs() -> None:
    async def swallow(ws: ServerConnection) -> None:
        async for _ in ws:
            pass

    async def hang() -> None:
        async with serve(swallow, "127.0.0.1", 0) as server:
            url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
            life = game.Game(url, set(), 3, wrap=True, limit=1000, steps=None, stall=0.1)
            await life.play()

    with pytest.raises(game.GameStopped, match=r"no message from ws://.*/ for 0 seconds"):
        asyncio.run(hang())
