"""The pace at which the clients of a stopping server are asked to disconnect."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from c10kws_tornado.stop import BATCH, START_TIME, Stop
from tests.support.clocks import virtual_time


def departures(
    count: int, *, seconds: float, rate: float, waits: bool = False, turn: float = 0.0
) -> list[list[float]]:
    """Return for each client, in order: its number, the time when it left, and its delay."""

    async def scenario() -> list[list[float]]:
        loop = asyncio.get_running_loop()
        begin = loop.time()
        stop = Stop(1012, begin + seconds, rate, waits)
        return [
            [client, loop.time() - begin, delay]
            async for client, delay in stop.spread(range(count))
        ]

    return virtual_time(scenario(), turn)


def test_each_client_leaves_once_and_in_random_order() -> None:
    order = [each[0] for each in departures(1000, seconds=30, rate=200)]
    assert sorted(order) == list(range(1000))
    assert order != sorted(order)
    assert order != [each[0] for each in departures(1000, seconds=30, rate=200)]


@pytest.mark.parametrize(
    ("count", "seconds", "rate", "window"),
    [
        (10, 30, 200, 0.05),  # a few leave at once
        (2000, 30, 200, 10),
        (2000, 30, 100, 15),  # at most half of the time
        (20_000, 30, 200, 15),
        (10, 0, 200, 0),
    ],
)
def test_the_pace(count: int, seconds: float, rate: float, window: float) -> None:
    found = departures(count, seconds=seconds, rate=rate)
    times = [time for _, time, _ in found]
    assert times == sorted(times)
    assert times[0] == 0
    assert times[-1] == pytest.approx(window * (count - 1) / count, abs=0.001)
    middle = times[count // 2]
    assert middle == pytest.approx(window / 2, abs=0.001)
    if (count - 1) / rate < window:
        assert {delay for _, _, delay in found} == {0}


@pytest.mark.parametrize(
    ("count", "last_return"),
    [
        (2000, 10),
        (3000, 15),  # they leave within half of the time
        (6000, 30),  # they leave faster than they return
        (60_000, 30),  # at most the whole time
    ],
)
def test_the_return_is_spread_too(count: int, last_return: float) -> None:
    found = departures(count, seconds=30, rate=200)
    returns = [time + delay for _, time, delay in found]
    pause = last_return / count
    for position, time in enumerate(returns):
        assert time == pytest.approx(position * pause, abs=0.002)
    assert max(delay for _, _, delay in found) <= 15


def test_with_a_successor_that_waits_all_leave_at_once_and_return_at_the_pace() -> None:
    found = departures(2000, seconds=30, rate=200, waits=True)
    assert {time for _, time, _ in found} == {0}
    delays = [delay for _, _, delay in found]
    assert delays == pytest.approx([START_TIME + number / 200 for number in range(2000)], abs=0.001)


@pytest.mark.parametrize(("turn", "most"), [(0.02, 10), (0.5, 60), (2, 200)])
def test_on_a_busy_loop_few_leave_at_once_and_all_in_time(turn: float, most: int) -> None:
    """A wait takes two turns. In this time 8, 200 or all clients would leave at the usual pace."""
    times = [time for _, time, _ in departures(500, seconds=30, rate=200, turn=turn)]
    assert max(Counter(times).values()) <= most
    assert times[-1] <= 15 + 2 * turn


def test_on_a_loop_that_is_too_busy_the_rest_leaves_when_the_time_is_over() -> None:
    times = [time for _, time, _ in departures(500, seconds=30, rate=200, turn=20)]
    assert len(set(times)) == 2


def test_other_tasks_run_while_many_leave_at_once() -> None:
    async def scenario() -> None:
        turns = 0

        async def count() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        counting = asyncio.create_task(count())
        stop = Stop(1012, asyncio.get_running_loop().time() + 1, 200, successor_waits=True)
        async for _ in stop.spread(range(BATCH * 10)):
            pass
        counting.cancel()
        assert turns == 10

    asyncio.run(scenario())


def test_a_stop_without_clients() -> None:
    assert departures(0, seconds=30, rate=200) == []
