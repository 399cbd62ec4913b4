"""The state of progress bars, and its way to the clients."""

from __future__ import annotations

import json
from concurrent.futures import Future
from typing import Any

import pytest

from c10kws.events import ProgressBar, Socket
from c10kws.events.brokers.channels import bar_of
from c10kws.events.brokers.emission import Emission
from c10kws.events.brokers.memory import MemoryBroker
from c10kws.events.brokers.message import Message
from c10kws.events.brokers.registry import brokers
from c10kws.events.progress.progress import Progress
from c10kws.events.progress.state import MAX_LABEL_BYTES, ProgressState, state_of
from tests.support.events import Connect, MakeBar
from tests.support.waiting import WAIT, eventually

PATH = "/events/module/progress_bar/jobs/"


@pytest.fixture
def bar(make_bar: MakeBar) -> Progress:
    """The bar of one job."""
    progress = make_bar("/jobs/<int:job>")(job=7)
    assert isinstance(progress, Progress)
    return progress


def last_state(progress: Progress) -> ProgressState:
    """Return the last state in the broker."""
    result = brokers["default"].update(
        progress.channel, lambda last: None, progress.limits, Emission()
    )
    last = result.result(WAIT).last
    assert last is not None
    return state_of(last.message)


def test_a_state_that_is_written_is_read() -> None:
    state = ProgressState(1, 9, 3, "row 3", True, True, events=("update", "done"))
    read = state_of(state.message())
    assert read.time > 0
    assert read == ProgressState(1, 9, 3, "row 3", True, True, read.time, ("update", "done"))


def test_a_state_of_a_later_release_is_read() -> None:
    text = json.dumps({"min": 0, "max": 2, "count": 1, "events": [], "color": "red"})
    assert state_of(Message(text)) == ProgressState(0, 2, 1)


def test_a_step_counts_or_changes_only_the_label(bar: Progress) -> None:
    bar.tick("one")
    assert (last_state(bar).count, last_state(bar).label) == (1, "one")
    bar.emit_update("label")
    assert (last_state(bar).count, last_state(bar).label) == (1, "label")
    bar.tick()
    assert (last_state(bar).count, last_state(bar).label) == (2, None)


def test_a_job_starts_once_until_it_is_stopped(bar: Progress) -> None:
    assert bar.start()
    assert not bar.start()
    bar.stop()
    bar.stop()
    assert bar.start()


def test_bars_of_one_path_share_their_state(make_bar: MakeBar) -> None:
    bar = make_bar("/jobs/<int:job>")
    other = make_bar("/other/<int:job>")
    bar(job=7).tick("x")
    assert (bar(job=7).value, bar(job=8).value, other(job=7).value) == (1, 0, 0)


def test_a_job_without_ticks_is_forgotten_after_its_timeout(
    make_bar: MakeBar, monkeypatch: pytest.MonkeyPatch, connect: Connect
) -> None:
    keyed, unkeyed = make_bar("/jobs/<int:job>", timeout=60), make_bar("/one", timeout=60)
    with connect(PATH + "7") as first:
        assert first.expect("init")["value"] == 0
        for bar in (keyed(job=7), unkeyed):
            assert bar.start()
            bar.tick("last")
        assert first.expect("init")["value"] == 0
        assert first.expect("update")["value"] == 1
        now = state_of(Message(json.dumps({"events": [], "min": 0, "max": 1}))).time
        monkeypatch.setattr("time.time", lambda: now + 4e9)
        with connect(PATH + "7") as late:  # the process knows the old state
            assert late.expect("init")["value"] == 0
            assert (keyed(job=7).value, keyed(job=7).start()) == (0, True)
            assert late.expect("init")["value"] == 0
    assert (unkeyed.value, unkeyed.start()) == (1, True)


def test_the_broker_forgets_keyed_bars(make_bar: MakeBar) -> None:
    keyed, unkeyed = make_bar("/jobs/<int:job>", timeout=60), make_bar("/one", timeout=60)
    endless = make_bar("/endless/<int:job>", timeout=None)
    assert keyed(job=7).limits.ttl == 60
    assert endless(job=7).limits.ttl == unkeyed._unkeyed.limits.ttl > 1e8


def test_a_label_that_is_too_long_raises(bar: Progress) -> None:
    bar.tick("x" * (MAX_LABEL_BYTES - 100))
    for label in ("x" * MAX_LABEL_BYTES, "é" * (MAX_LABEL_BYTES // 2)):
        with pytest.raises(ValueError, match="more than 262144 bytes"):
            bar.tick(label)
    assert bar.value == 1


def test_a_label_may_be_anything_that_is_serializable(bar: Progress, connect: Connect) -> None:
    with connect(PATH + "7") as client:
        client.expect("init")
        bar.tick(label={"row": [1, None]})  # type: ignore[arg-type]
        assert client.expect("update") == {"value": 1, "label": {"row": [1, None]}}


def test_the_range_of_a_bar_may_change(make_bar: MakeBar, connect: Connect) -> None:
    bar = make_bar("/one", max=4)
    path = "/events/module/progress_bar/one"
    with connect(path) as client:
        client.expect("init")
        for _ in range(3):
            bar.tick()
            client.expect("update")
        bar.max = 2
        assert (bar.value, bar.is_done()) == (2, True)
        bar.emit_init()
        assert client.expect("init") == {"indeterminate": False, "min": 0, "max": 2, "value": 2}
        bar.emit_done()
        assert client.expect("done") == {}
        bar.max = 4
        bar.emit_done()
        bar.tick()
        assert client.expect("update") == {"value": 4}


def test_a_callback_on_the_loop_uses_the_bar(make_bar: MakeBar, connect: Connect) -> None:
    bar = make_bar("/jobs/<int:job>")

    @bar.on
    async def work(socket: Socket) -> list[Any]:
        one = bar(job=7)
        results: list[Any] = [one.start(), await one.astart(), one.value]
        await one.tick("a step")
        one.tick("another step")
        return [*results, one.value, await one.aget_value(), one.max, await one.aget_max()]

    @bar.on
    async def end(socket: Socket) -> list[Any]:
        one = bar(job=7)
        one.value = 99
        one.tick()
        done = [one.is_done(), await one.ais_done()]
        await one.stop()
        return [*done, await one.astart(max=5), await one.aget_max()]

    with connect(PATH + "7") as client:
        client.expect("init")
        client.send("work", id=1)
        assert client.expect("init")["value"] == 0
        assert [client.expect("update")["value"] for _ in range(2)] == [1, 2]
        assert client.receive()["data"] == [True, False, 0, 2, 2, 100, 100]
        client.send("end", id=2)
        assert client.expect("update")["value"] == 100
        assert client.expect("done") == {}
        assert client.expect("init") == {"indeterminate": False, "min": 0, "max": 5, "value": 0}
        assert client.receive()["data"] == [True, True, True, 5]


def test_an_unkeyed_bar_has_the_same_coroutines(make_bar: MakeBar, connect: Connect) -> None:
    bar = make_bar("/one", max=1)
    results: list[Any] = []

    @bar.on
    async def work() -> None:
        results.extend([await bar.astart(), await bar.astart(max=3), await bar.aget_value()])
        await bar.tick()
        results.extend([await bar.aget_value(), await bar.ais_done()])

    with connect("/events/module/progress_bar/one") as client:
        client.send("work", id=1)
        while client.receive().get("re") != 1:
            pass
    assert results == [True, False, 0, 1, True]


# The way to the clients


class SlowReads:
    """A broker whose answers to reads wait for the test."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.waiting: list[tuple[Future[Any], Any]] = []
        update = MemoryBroker.update

        def slow_update(broker: MemoryBroker, *arguments: Any) -> Future[Any]:
            result = update(broker, *arguments)
            if result.result(0).changed:
                return result
            slow: Future[Any] = Future()
            self.waiting.append((slow, result.result(0)))
            return slow

        monkeypatch.setattr(MemoryBroker, "update", slow_update)

    def answer(self) -> None:
        slow, result = self.waiting.pop(0)
        slow.set_result(result)


def test_a_state_that_is_read_late_is_not_sent_after_a_newer_one(
    make_bar: MakeBar, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    bar = make_bar("/jobs/<int:job>")
    reads = SlowReads(monkeypatch)
    with connect(PATH + "7", version=0) as client:
        eventually(lambda: bool(reads.waiting))
        bar(job=7).tick("one")
        for event in ("before_init", "init", "after_init", "before_update", "update"):
            data = client.expect(event)
        assert data == {"value": 1, "label": "one"}
        client.expect("after_update")
        reads.answer()
        bar(job=7).tick("two")
        client.expect("before_update")
        assert client.expect("update") == {"value": 2, "label": "two"}
    assert reads.waiting == []


def test_a_broker_that_does_not_answer_delays_only_the_greeting(
    make_bar: MakeBar, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(brokers["default"], "timeout", 0.01)
    bar = make_bar("/jobs/<int:job>")
    monkeypatch.setattr(brokers["default"], "timeout", 0.01)
    bar(job=7).tick("one")
    reads = SlowReads(monkeypatch)
    with connect(PATH + "7") as client, connect(PATH + "7") as other:
        assert client.ask("?")["code"] == "unknown_event"
        reads.answer()
        for each in (client, other):
            assert each.expect("init")["value"] == 1
            assert each.expect("update") == {"value": 1, "label": "one"}
    assert reads.waiting == []


def test_the_state_is_sent_again_when_messages_were_lost(
    make_bar: MakeBar, connect: Connect
) -> None:
    bar = make_bar("/jobs/<int:job>")
    with connect(PATH + "7") as client:
        assert client.expect("init")["value"] == 0
        bar(job=7).tick("one")
        assert client.expect("update")["value"] == 1
        broker = brokers["default"]
        assert isinstance(broker, MemoryBroker)
        broker._receivers.reset(bar(job=7).channel, None)
        assert client.expect("init")["value"] == 1
        assert client.expect("update") == {"value": 1, "label": "one"}
        bar(job=7).tick()
        assert client.expect("update")["value"] == 2


def test_clients_of_a_known_bar_need_no_reads(
    make_bar: MakeBar, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    bar: ProgressBar = make_bar("/jobs/<int:job>")
    with connect(PATH + "7") as client:
        client.expect("init")
        bar(job=7).tick("one")
        client.expect("update")
        reads = SlowReads(monkeypatch)
        with connect(PATH + "7") as late:
            assert late.expect("init")["value"] == 1
            assert late.expect("update") == {"value": 1, "label": "one"}
        assert reads.waiting == []
    assert bar_of(bar.path, "('7',)") == bar(job=7).channel
