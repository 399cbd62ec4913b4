"""The workloads of the benchmarks measure c10kws, at a scale that takes a second."""

from __future__ import annotations

import sys
from dataclasses import replace

import pytest

from benchmarks import results, runner, tables
from benchmarks.peers import PEERS
from benchmarks.workloads import WORKLOADS, Workload

SCALE = runner.Scale(rounds=1, seconds=0.3, quick=True, connections=40)
#: A workload for each kind of work, and the servers that c10kws provides for it.
CASES = [
    ("echo-64x8", "c10kws"),
    ("events-64x8", "c10kws"),
    ("events-64x8", "c10kws-sync"),
    ("handshakes", "c10kws"),
    ("idle", "c10kws"),
    ("reconnects", "c10kws"),
    ("pauses", "c10kws"),
    ("broadcast", "c10kws"),
    ("slow-readers", "c10kws"),
    ("busy", "c10kws"),
    ("tiny-4", "c10kws"),
    ("pages", "c10kws"),
]


#: Seconds of the attempts: on a busy machine, nothing may happen in the first one.
ATTEMPTS = (SCALE.seconds, 3.0, 30.0)


def workload_named(name: str) -> Workload:
    return next(workload for workload in WORKLOADS if workload.name == name)


@pytest.mark.parametrize(("name", "server"), CASES, ids=[" ".join(case) for case in CASES])
def test_a_workload_measures_its_metric(bench: runner.Bench, name: str, server: str) -> None:
    workload = workload_named(name)
    peer = next(peer for peer in workload.peers() if peer.name == server)
    for seconds in ATTEMPTS:
        run = {"round": 0, **bench.measure(workload, peer, replace(SCALE, seconds=seconds))}
        if run["failed"] or results.usable(workload, run):
            break
    assert results.usable(workload, run), results.failure(run)


def test_every_kind_of_work_is_tested() -> None:
    tested = {workload_named(name).mode for name, _ in CASES}
    assert tested == {workload.mode for workload in WORKLOADS}


def test_a_report_compares_with_the_baseline_of_the_same_round(bench: runner.Bench) -> None:
    workload = workload_named("reconnects")
    runs = list(runner.run_all(bench, [workload], ["c10kws"], SCALE))
    assert [run["server"] for run in runs] == ["tornado", "c10kws"]
    first, second = results.rows_of(workload, runs)
    assert first.ratio is not None and first.ratio.middle == 1
    assert second.ratio is not None
    assert second.ratio.middle == runs[1]["seconds"] / runs[0]["seconds"]
    text = "\n".join(tables.section(workload, [first, second]))
    assert "``reconnects``: seconds until all are back, less is better." in text
    assert f"{second.ratio.middle:.2f}" in text


def test_a_server_that_does_not_start_is_a_failed_run(bench: runner.Bench) -> None:
    workload = workload_named("tiny-4")
    broken = replace(PEERS[0], command=(sys.executable, "-c", "raise SystemExit('broken')"))
    run = bench.measure(workload, broken, SCALE)
    assert run == {"failed": 1, "failure": "the server ended with status 1: broken"}
