"""The parts of ``manage.py testecho`` that a run on one machine does not show."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from array import array
from io import StringIO
from types import SimpleNamespace

import pytest

from c10kws.management.testecho import crowd, memory, progress_display, tally
from c10kws.management.testecho.echo_client import EchoClient, Failed
from c10kws.management.testecho.plan import PORTS, Plan, Seat, Target
from c10kws.management.testecho.summary import latencies
from tests.support.waiting import WAIT

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="what it needs is Linux'")


def test_targets_are_taken_in_turn_and_addresses_when_ports_run_out() -> None:
    targets = Target.parse("ws://127.0.0.1:1/"), Target.parse("ws://127.0.0.1:2/a?b=c", 3)
    assert [target.resource for target in targets] == ["/", "/a?b=c&rounds=3"]
    plan = Plan(targets, 5 * PORTS, 1, 2, 100, None, 30)
    seats = [list(plan.seats(process)) for process in (0, 1)]
    assert [len(seats[process]) for process in (0, 1)] == [plan.size(0), plan.size(1)]
    assert {seat.target for seat in seats[0]} == {targets[0]}
    sources = [seat.source for seat in seats[1]]
    assert sources == [None] * PORTS + ["127.0.0.2"] * PORTS + ["127.0.0.3"] * (PORTS // 2)


def test_a_ramp_spreads_the_connections_of_each_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two processes open 20 connections a second together, so each opens one in 0.1 s."""
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(round(seconds, 3))

    async def refuse(self: EchoClient, seat: Seat) -> None:
        raise Failed("no connection is needed here")

    clock = SimpleNamespace(monotonic=lambda: 0.0, perf_counter=lambda: 0.0)
    loop = SimpleNamespace(sleep=sleep, TaskGroup=asyncio.TaskGroup)
    monkeypatch.setattr(crowd, "time", clock)
    monkeypatch.setattr(crowd, "asyncio", loop)
    monkeypatch.setattr(EchoClient, "open", refuse)
    plan = Plan((Target.parse("ws://127.0.0.1:1/"),), 10, 1, 2, 1, 20.0, 30)
    asyncio.run(crowd.Crowd(plan, 0).open())
    assert pauses == [0.1, 0.2, 0.3, 0.4, 0.5]


def test_no_source_address_where_the_server_is_elsewhere() -> None:
    assert Target.parse("ws://192.0.2.1/").source(3 * PORTS) is None


@LINUX
def test_a_connection_comes_from_the_address_of_its_seat() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(WAIT)

        async def connect() -> str:
            target = Target.parse(f"ws://127.0.0.1:{server.getsockname()[1]}/")
            client = asyncio.create_task(EchoClient(WAIT).open(Seat(target, "127.0.0.2")))
            connection, address = await asyncio.to_thread(server.accept)
            connection.close()
            with pytest.raises(Failed, match="without an answer"):
                await client
            return str(address[0])

        assert asyncio.run(connect()) == "127.0.0.2"


def test_percentiles_are_values_that_were_measured() -> None:
    values = [float(number) for number in range(1, 201)]
    assert [tally.percentile(values, percent) for percent in (50, 99, 100)] == [100, 198, 200]
    assert tally.percentile([7.0], 50) == 7
    assert latencies(array("d", [0.003, 0.001])) == "p50 1.0, p90 3.0, p99 3.0, max 3.0 ms, of 2"


def test_reasons_are_bounded() -> None:
    counted = tally.Tally()
    for number in range(tally.REASONS + 5):
        counted.fail(f"nonsense {number}")
    assert counted.failures[tally.OTHER] == 5 and counted.failed == tally.REASONS + 5


@LINUX
def test_who_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert memory.find_listeners({server.getsockname()[1]}) == {os.getpid()}
    elsewhere = Target.parse("ws://192.0.2.1/")
    assert memory.MemoryWatch([elsewhere]).growth() == "192.0.2.1 is another machine"


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def test_a_bar_on_a_terminal() -> None:
    pytest.importorskip("tqdm", reason="for bars: pip install c10kws[testecho]")
    terminal = Terminal()
    with progress_display.showing("connecting", 1000, terminal) as show:
        show(1000, 3)
    assert "connecting: 100%" in terminal.getvalue() and "failed 3" in terminal.getvalue()
