"""Progress bars of many jobs: one value for each key."""

from __future__ import annotations

import re
import textwrap
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.template import engines
from django.test import Client

from c10kws.events import EventError, EventSocket, Socket, paths
from c10kws.events.brokers.registry import brokers
from tests.support.events import Connect, MakeBar, Talk
from tests.support.peers import closed_with
from tests.support.shell import ROOT
from tests.support.waiting import eventually

PATH = "/events/module/progress_bar/jobs/"


@pytest.fixture(autouse=True)
def empty_brokers() -> None:
    """Forget the states of other tests."""
    brokers.forget()


def init_of(client: Talk) -> Any:
    """Receive the state with which a bar begins, and return its data."""
    return surrounded(client, "init")


def update_of(client: Talk) -> Any:
    return surrounded(client, "update")


def surrounded(client: Talk, event: str) -> Any:
    """Receive an event, which version 0 surrounds with two others."""
    if client.version == 0:
        assert client.expect(f"before_{event}") == {}
    data = client.expect(event)
    if client.version == 0:
        assert client.expect(f"after_{event}") == {}
    return data


def test_each_key_has_its_value_and_its_clients(make_bar: MakeBar, connect: Connect) -> None:
    bar = make_bar("/jobs/<int:job>", max=2)
    bar(job=7).tick("first")
    assert bar(job="007").value == 1  # like the path /jobs/007 of its clients
    assert (bar(job=7).value, bar(job=8).value) == (1, 0)
    with (
        connect(PATH + "7", version=0) as seven,
        connect(PATH + "8/") as eight,
        connect(PATH + "7") as also_seven,
    ):
        for client in (seven, also_seven):
            assert init_of(client) == {"indeterminate": False, "min": 0, "max": 2, "value": 1}
            assert update_of(client) == {"value": 1, "label": "first"}
        assert init_of(eight)["value"] == 0
        bar(job=8).tick()
        bar(job="7").tick("second")
        for client in (seven, also_seven):
            assert update_of(client) == {"value": 2, "label": "second"}
            assert client.expect("done") == {}
        assert update_of(eight) == {"value": 1}
        bar(job=7).reset()
        for client in (seven, also_seven):
            assert init_of(client)["value"] == 0
        bar.emit("to-all")
        for client in (seven, eight, also_seven):
            assert client.expect("to-all") == {}
    assert (bar(job=7).is_done(), bar(job=8).is_done()) == (False, False)


def test_a_disconnected_client_is_not_sent_updates(make_bar: MakeBar, connect: Connect) -> None:
    bar = make_bar("/jobs/<int:job>")
    with connect(PATH + "7") as stays:
        init_of(stays)
        with connect(PATH + "7") as leaves:
            init_of(leaves)
        eventually(lambda: len(bar) == 1)
        bar(job=7).tick()
        assert update_of(stays) == {"value": 1}
    assert bar.dropped == 0


def test_open_may_refuse_clients_of_a_job(make_bar: MakeBar, connect: Connect) -> None:
    bar = make_bar("/jobs/<int:job>")

    @bar.on
    def open(socket: Socket) -> None:
        bar(job=7).tick("while it opens")
        if socket.kwargs["job"] != 7:
            raise EventError("forbidden", "not yours")

    with connect(PATH + "7", version=0) as client:
        assert init_of(client)["value"] == 0
        assert update_of(client)["value"] == 1
        with connect(PATH + "8", version=0) as other:
            assert closed_with(other.connection) == (4403, "not yours")
        assert update_of(client)["value"] == 2


def test_a_path_may_have_several_converters(make_bar: MakeBar) -> None:
    bar = make_bar("/teams/<slug:team>/<path:file>")
    bar(team="a", file="b/c").tick()
    assert bar(file="b/c", team="a").value == 1
    assert bar(team="a-b", file="c").value == 0
    with pytest.raises(TypeError, match="takes team=…, file=…"):
        bar(team="a")
    with pytest.raises(TypeError, match="takes team=…, file=…"):
        bar(team="a", file="b", job=3)
    with pytest.raises(ValueError, match="team='a b' does not match the path"):
        bar(team="a b", file="c")


def test_a_keyed_bar_has_no_value_of_its_own(make_bar: MakeBar) -> None:
    bar = make_bar("/jobs/<int:job>")
    calls: list[Callable[[], object]] = [
        *(bar.tick, bar.reset, bar.start, bar.stop, bar.is_done),
        *(bar.emit_init, bar.emit_update, bar.emit_done, lambda: bar.value),
    ]
    for call in calls:
        with pytest.raises(TypeError, match=r"write bar\(job=…\) first"):
            call()
    with pytest.raises(TypeError, match=r"takes job=…, not 7"):
        bar(7)
    with pytest.raises(TypeError, match=r"takes no key, not job=…"):
        make_bar("/one")(job=7)


def test_two_clicks_start_one_job(make_bar: MakeBar) -> None:
    bar = make_bar("/jobs/<int:job>", max=2)
    barrier = threading.Barrier(8)
    started: list[bool] = []

    def click() -> None:
        barrier.wait(60)
        started.append(bar(job=7).start())

    threads = [threading.Thread(target=click) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(started) == [False] * 7 + [True]
    assert bar(job=8).start()
    bar(job=7).tick()
    assert not bar(job=7).start()
    bar(job=7).tick()
    assert bar(job=7).is_done()
    assert not bar(job=7).start()  # after the last step the job may still run
    bar(job=7).stop()
    assert bar(job=7).value == 2
    assert bar(job=7).start(max=5)
    assert (bar(job=7).value, bar(job=7).max, bar(job=8).max) == (0, 5, 2)
    bar(job=7).stop()
    assert bar(job=7).start()
    assert bar(job=7).max == 2
    with pytest.raises(ValueError, match="at least min"):
        bar(job=9).start(max=-1)


def test_a_bar_without_keys_starts_once(make_bar: MakeBar) -> None:
    bar = make_bar("/one", max=1)
    assert bar.start()
    bar.tick()
    assert not bar.start()
    bar.stop()
    assert bar.start(max=3)
    bar.value = 2
    bar.tick()
    assert bar.is_done()
    short = make_bar("/short", timeout=0.001)
    assert short.start()
    threading.Event().wait(0.01)
    assert short.start()  # no tick within the timeout


def test_a_template_shows_the_value(make_bar: MakeBar) -> None:
    bar = make_bar("/jobs/<int:job>")
    bar(job=7).tick()
    template = engines["django"].from_string("{{ one.value }} of {{ one.max }}, {{ bar.path }}")
    shown = template.render({"one": bar(job=7), "bar": bar})
    assert shown == "1 of 100, /module/progress_bar/jobs/&lt;int:job&gt;"


def test_an_infinite_timeout_is_that_of_a_bar_without_timeout(make_bar: MakeBar) -> None:
    bar = make_bar("/endless/<int:job>", timeout=float("inf"))
    assert bar(job=1).start()
    assert not bar(job=1).start()


@pytest.mark.parametrize("timeout", [0, -1])
def test_a_timeout_is_above_0(make_bar: MakeBar, timeout: int) -> None:
    with pytest.raises(ValueError, match="above 0 or None"):
        make_bar("/jobs/<int:job>", timeout=timeout)


def test_ticks_of_many_threads_are_counted_and_sent_in_order(
    make_bar: MakeBar, connect: Connect
) -> None:
    bar = make_bar("/jobs/<int:job>")

    def work() -> None:
        for _ in range(25):
            bar(job=7).tick()

    with connect(PATH + "7") as client:
        init_of(client)
        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        assert [update_of(client)["value"] for _ in range(100)] == list(range(1, 101))
        assert client.expect("done") == {}
        for thread in threads:
            thread.join(60)


def test_an_indeterminate_bar_with_keys(make_bar: MakeBar, connect: Connect) -> None:
    bar = make_bar("/jobs/<int:job>", max=0)
    with connect(PATH + "7") as client:
        assert init_of(client) == {"indeterminate": True}
        bar(job=7).tick("busy")
        assert update_of(client) == {"label": "busy"}
        assert not bar(job=7).is_done()


def example() -> str:
    """Return the second ``sockets.py`` of the guide: a bar for each job."""
    text = (ROOT / "docs" / "how-to" / "progress.rst").read_text(encoding="utf-8")
    block = text.split(":caption: sockets.py\n\n")[2]
    return textwrap.dedent(re.split(r"\n(?=\S)", block)[0])


def test_the_example_of_the_guide(connect: Connect) -> None:
    """Two clicks start one job, whose clients see its steps."""
    go_on = threading.Event()

    class WaitingRow:
        """A row that waits for the test."""

        def __init__(self, pk: int) -> None:
            self._pk = pk

        @property
        def pk(self) -> int:
            assert go_on.wait(60)
            return self._pk

    class Rows:
        """Rows of any job."""

        def filter(self, **conditions: object) -> list[WaitingRow]:
            return [WaitingRow(pk) for pk in (1, 2, 3)]

    class Jobs:
        """Jobs that belong to their clients."""

        def filter(self, **conditions: object) -> Jobs:
            return self

        def exists(self) -> bool:
            return True

    names: dict[str, Any] = {
        "Row": type("Row", (), {"objects": Rows()}),
        "Job": type("Job", (), {"objects": Jobs()}),
    }
    exec(example(), names)
    bar: EventSocket = names["bar"]
    browser = Client()
    browser.force_login(User.objects.create_user("ann"))
    cookie = {"Cookie": f"sessionid={browser.cookies['sessionid'].value}"}
    try:
        with (
            connect(PATH + "7", additional_headers=cookie) as one,
            connect(PATH + "7", additional_headers=cookie) as two,
            connect(PATH + "8", additional_headers=cookie) as other,
        ):
            for client in (one, two, other):
                init_of(client)
            one.send("begin", id=1)
            assert init_of(one) == {"indeterminate": False, "min": 0, "max": 3, "value": 0}
            assert one.expect("ws:reply") == {}
            init_of(two)
            assert two.ask("begin")["code"] == "busy"
            go_on.set()
            for client in (one, two):
                updates = [update_of(client) for _ in range(3)]
                assert updates[-1] == {"value": 3, "label": "row 3"}
                assert client.expect("done") == {}
            assert other.ask("?")["code"] == "unknown_event"  # the first frame for this client
    finally:
        paths.remove(bar)
