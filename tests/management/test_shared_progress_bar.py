"""A progress bar on two workers of ``runtornado``, and in a shell."""

from __future__ import annotations

import os
import signal
from contextlib import ExitStack
from pathlib import Path

import pytest

from c10kws.events.frames.envelope import SUBPROTOCOL
from tests.support.commands import Start, open_socket
from tests.support.events import Talk

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs Unix sockets")

SOCKETS = """
import os
import threading
from c10kws.events import EventError, ProgressBar

bar = ProgressBar("/import", max=4)
go_on = threading.Event()

@bar.on
def begin():
    if not bar.start():
        raise EventError("busy")
    threading.Thread(target=work).start()

def work():
    for number in range(1, 4):
        bar.tick(f"row {number}")
    go_on.wait(60)
    bar.stop()

@bar.on
def end():
    go_on.set()

@bar.on
def worker():
    return [os.getpid()]
"""
SHELL = """
from mysite.views import bar
bar.tick("from a shell")
print("value", bar.value, "started", bar.start())
"""
PATH = "/events/module/progress_bar/import"


@pytest.fixture
def bar(project: Path) -> None:
    """Add a bar to the project."""
    with (project / "mysite" / "views.py").open("a") as views:
        views.write(SOCKETS)
    with (project / "mysite" / "urls.py").open("a") as urls:
        urls.write("from django.urls import include\n")
        urls.write('urlpatterns.append(path("events/", include("c10kws.events.urls")))\n')


def find_workers(stack: ExitStack, port: int) -> list[Talk]:
    """Connect a client to each of two workers."""
    found: dict[int, Talk] = {}
    while len(found) < 2:
        client = Talk(stack.enter_context(open_socket(port, PATH, subprotocols=[SUBPROTOCOL])))
        assert client.expect("init")["value"] == 0
        (process,) = client.ask("worker")
        found.setdefault(process, client)
    return list(found.values())


@pytest.mark.usefixtures("bar")
def test_both_workers_show_the_same_bar(start: Start, port: int) -> None:
    command = start("runtornado", str(port), "--workers", "2")
    command.wait_for("Quit with CONTROL-C")
    with ExitStack() as stack:
        one, other = find_workers(stack, port)
        one.send("begin")  # without an id: the reply would have no order with the updates
        assert one.expect("init")["max"] == 4
        assert other.expect("init")["max"] == 4
        for client in (one, other):
            for number in (1, 2, 3):
                assert client.expect("update") == {"value": number, "label": f"row {number}"}
        assert other.ask("begin")["code"] == "busy"
        shell = start("shell", "-c", SHELL)
        assert shell.wait() == 0
        assert "value 4 started False" in shell.output
        for client in (one, other):
            assert client.expect("update") == {"value": 4, "label": "from a shell"}
            assert client.expect("done") == {}
        one.ask("end")
        other.send("begin", id=2)
        while (frame := other.receive())["event"] == "ws:error":  # it stops in a moment
            other.send("begin", id=2)
        assert frame["event"] == "init"
        assert one.expect("init")["value"] == 0
    command.process.send_signal(signal.SIGTERM)
    assert command.wait() == 0
    assert "Traceback" not in command.output
