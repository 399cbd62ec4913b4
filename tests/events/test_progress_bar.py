"""Progress bars."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from c10kws.events import Socket
from tests.support.events import Connect, MakeBar

PATH = "/events/module/progress_bar/import"


def test_a_new_client_gets_the_current_state(make_bar: MakeBar, connect: Connect) -> None:
    bar = make_bar("/import", min=1, max=3)
    with connect(PATH, version=0) as client:
        assert client.receive() == {"event": "before_init", "data": {}}
        init = {"indeterminate": False, "min": 1, "max": 3, "value": 1}
        assert client.receive() == {"event": "init", "data": init}
        assert client.receive() == {"event": "after_init", "data": {}}
        bar.tick(label="one")
        assert client.receive() == {"event": "before_update", "data": {}}
        assert client.receive() == {"event": "update", "data": {"value": 2, "label": "one"}}
        assert client.receive() == {"event": "after_update", "data": {}}
        with connect(PATH, version=0) as late:
            assert late.expect("before_init") == {}
            assert late.expect("init")["value"] == 2
            assert late.expect("after_init") == {}
            assert late.expect("before_update") == {}
            assert late.expect("update") == {"value": 2, "label": "one"}
            assert late.expect("after_update") == {}
        bar.tick()
        assert client.expect("before_update") == {}
        assert client.expect("update") == {"value": 3}
        assert client.expect("after_update") == {}
        assert client.expect("done") == {}
    assert (bar.value, bar.is_done()) == (3, True)
    bar.reset()
    assert (bar.value, bar.is_done()) == (1, False)


def test_an_indeterminate_bar_counts_nothing(make_bar: MakeBar, connect: Connect) -> None:
    bar = make_bar("import", min=5, max=5)
    with connect(PATH, version=0) as client:
        assert client.expect("before_init") == {}
        assert client.expect("init") == {"indeterminate": True}
        assert client.expect("after_init") == {}
        bar.tick("busy")
        assert client.expect("before_update") == {}
        assert client.expect("update") == {"label": "busy"}
        assert client.expect("after_update") == {}
    assert not bar.is_done()


def test_max_must_be_at_least_min(make_bar: MakeBar) -> None:
    with pytest.raises(ValueError, match="at least min, which is 2, not 1"):
        make_bar("/wrong", min=2, max=1)


def test_any_thread_may_tick(make_bar: MakeBar, connect: Connect) -> None:
    bar = make_bar("/import", max=100)
    seen: list[Any] = []

    @bar.on
    def open(socket: Socket) -> None:
        seen.append(socket)

    @bar.on
    def start_progression() -> None:
        def work() -> None:
            for _ in range(25):
                bar.tick()

        for _ in range(4):
            threading.Thread(target=work).start()

    with connect(PATH) as client:
        client.send("start_progression")
        values = []
        while (frame := client.receive())["event"] != "done":
            if frame["event"] == "update":
                values.append(frame["data"]["value"])
        assert values == list(range(1, 101))
    assert len(seen) == 1


@pytest.mark.parametrize("path", ["/import", "/import/<int:job>"])
@pytest.mark.parametrize("label", [object(), float("nan"), "\udc80.txt"])
def test_a_label_that_is_not_serializable_is_not_stored(
    make_bar: MakeBar, connect: Connect, path: str, label: Any
) -> None:
    made = make_bar(path)
    bar = made if path == "/import" else made(job=7)
    for report in (bar.tick, bar.emit_update):
        with pytest.raises((TypeError, ValueError)):
            report(label)
    assert bar.value == 0
    with connect(PATH if path == "/import" else PATH + "/7", version=0) as client:
        assert client.expect("before_init") == {}
        assert client.expect("init")["value"] == 0
        assert client.expect("after_init") == {}
        bar.tick("good")
        client.expect("before_update")
        assert client.expect("update") == {"value": 1, "label": "good"}


def test_version_1_gets_no_events_around_init_and_update(
    make_bar: MakeBar, connect: Connect
) -> None:
    bar = make_bar("/import", max=2)
    with connect(PATH) as client, connect(PATH, version=0) as old:
        assert client.expect("init")["value"] == 0
        events = [old.receive()["event"] for _ in range(3)]
        assert events == ["before_init", "init", "after_init"]
        bar.tick("first")
        assert client.expect("update") == {"value": 1, "label": "first"}
        with connect(PATH) as late:
            assert late.expect("init")["value"] == 1
            assert late.expect("update") == {"value": 1, "label": "first"}
        bar.tick()
        assert client.expect("update") == {"value": 2}
        assert client.expect("done") == {}
        events = [old.receive()["event"] for _ in range(7)]
    assert events == [*["before_update", "update", "after_update"] * 2, "done"]
