"""The state that workers share: slots, and snapshots that are always complete."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from c10kws_tornado import heartbeat
from c10kws_tornado.sharedstate import SNAPSHOT_SIZE, Activity, SharedState
from c10kws_tornado.workerslot import WorkerSlot
from tests.support.servers import LiveServer
from tests.support.waiting import WAIT, eventually

pytestmark = pytest.mark.skipif(os.name != "posix", reason="Windows has no workers")


@pytest.fixture
def state() -> Iterator[SharedState]:
    state = SharedState.create(2)
    yield state
    state.close()


def test_a_slot_from_its_assignment_to_its_end(state: SharedState) -> None:
    assert state.slots() == []
    before = time.monotonic()
    state.assign(1, generation=7)
    state.set_pid(1, 4711)
    (slot,) = state.slots()
    assert (slot.index, slot.pid, slot.generation, slot.connections) == (1, 4711, 7, 0)
    assert slot.activity == Activity.STARTING
    assert before <= slot.heartbeat <= time.monotonic()
    worker = WorkerSlot(state, 1)
    worker.enter(Activity.ACCEPTING)
    worker.beat(12)
    (later,) = worker.slots()
    assert (later.activity, later.connections) == (Activity.ACCEPTING, 12)
    assert later.heartbeat >= slot.heartbeat
    state.assign(1, generation=8)
    assert state.read(1).pid == state.read(1).connections == 0


def test_only_workers_that_accept_count_for_the_fewest_connections(state: SharedState) -> None:
    assert state.fewest_connections() == 0
    activities = [Activity.ACCEPTING, Activity.ACCEPTING, Activity.DRAINING]
    for index, (activity, connections) in enumerate(zip(activities, [9, 5, 1], strict=True)):
        state.assign(index, 0)
        state.enter(index, activity)
        state.count(index, connections)
    assert state.fewest_connections() == 5


def test_a_snapshot_replaces_the_one_before(state: SharedState) -> None:
    worker = WorkerSlot(state, 2)
    assert worker.snapshot(2) == worker.inherited == b""
    for data in (b"first", b"", b"x" * SNAPSHOT_SIZE, b"last"):
        worker.publish(data)
        assert worker.snapshot(2) == data
    assert worker.snapshot(1) == b""
    with pytest.raises(ValueError, match="A snapshot may have 65536 bytes, not 65537"):
        worker.publish(b"x" * (SNAPSHOT_SIZE + 1))
    assert worker.snapshot(2) == b"last"


def test_a_successor_finds_the_snapshot_of_its_slot(state: SharedState) -> None:
    WorkerSlot(state, 0).publish(b"counters")
    state.assign(0, generation=1)
    assert WorkerSlot(state, 0).inherited == b"counters"


def test_files_of_another_release_are_refused(state: SharedState) -> None:
    state._words[0] = 99
    with pytest.raises(RuntimeError, match="runs another release of c10kws"):
        SharedState(os.dup(state.fd))


def test_a_free_slot_is_preferably_that_of_a_worker_that_has_ended(state: SharedState) -> None:
    assert (state.workers, state.size) == (2, 4)
    for index in range(3):
        state.assign(index, 0)
    assert state.free_slot() == 3
    state.enter(1, Activity.ENDED)
    assert state.free_slot() == 1
    for index in (1, 3):
        state.assign(index, 0)
    assert state.free_slot() is None


def test_a_worker_is_ahead_with_clearly_more_connections(state: SharedState) -> None:
    workers = [WorkerSlot(state, index) for index in range(2)]
    assert workers[0].has_peers
    for worker in workers:
        worker.enter(Activity.ACCEPTING)
    assert not workers[0].is_ahead(1)
    assert workers[0].is_ahead(2)
    workers[1].beat(100)
    assert not workers[0].is_ahead(105)
    assert workers[0].is_ahead(106)
    workers[1].enter(Activity.DRAINING)
    assert not workers[0].is_ahead(1000)


#: Publishes snapshots of one repeated byte until stdin ends.
WRITER = """
import sys
from c10kws_tornado import heartbeat
from c10kws_tornado.sharedstate import SharedState
state = SharedState(int(sys.argv[1]))
state.publish(0, bytes(60_000))
print("ready", flush=True)
for turn in range(10**9):
    state.publish(0, bytes([turn % 256]) * (20_000 + turn % 40_000))
"""


def test_another_process_reads_only_complete_snapshots(state: SharedState) -> None:
    """The writer is killed in the end, possibly within a snapshot."""
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(state.fd)],
        pass_fds=[state.fd],
        stdout=subprocess.PIPE,
        text=True,
    ) as writer:
        assert writer.stdout is not None and writer.stdout.readline() == "ready\n"
        different, deadline = set[int](), time.monotonic() + WAIT
        while len(different) < 50 and time.monotonic() < deadline:
            different.add(check(state.snapshot(0)))
        writer.kill()
    assert len(different) == 50
    check(state.snapshot(0))


def check(snapshot: bytes) -> int:
    """Return the length of a snapshot, all bytes of which must be the same."""
    assert len(snapshot) >= 20_000
    assert snapshot == snapshot[:1] * len(snapshot)
    return len(snapshot)


def test_a_server_reports_its_connections_and_its_end(
    state: SharedState,
    serve_as_is: Callable[..., LiveServer],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(heartbeat, "INTERVAL", 0.02)
    workers: list[Any] = []

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        workers.append(environ["c10kws.workers"])
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"page"]

    live = serve_as_is(application, worker=WorkerSlot(state, 0))
    assert state.read(0).activity == Activity.ACCEPTING
    with live.client() as client, live.client():
        assert client.get().body == b"page"
        eventually(lambda: state.read(0).connections == 2)
    eventually(lambda: state.read(0).connections == 0)
    assert workers[0].index == 0
    assert [slot.activity for slot in workers[0].slots()] == [2]
    live.stop()
    assert state.read(0).activity == Activity.DRAINING
