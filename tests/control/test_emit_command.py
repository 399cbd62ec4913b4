"""``manage.py ws emit``, and the operation of the processes that serve."""

from __future__ import annotations

import io
import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from c10kws.control.links import receive, send
from c10kws.control.operations import InvalidRequest, answer
from c10kws.control.replies import VERSION
from c10kws.events import BrokerUnavailable, EventSocket
from c10kws.events.brokers.base import Broker
from c10kws.events.brokers.emission import Emission
from c10kws.handlers.servers import servers
from c10kws.runtime_directory import directory_path, make_directory
from tests.support.commands import Start, open_socket
from tests.support.servers import LiveServer
from tests.support.waiting import WAIT, eventually

SOCKETS = """
from c10kws.events import EventSocket

chat = EventSocket("/chat")

@chat.on("open")
async def join(socket):
    socket.join("kitchen")
"""
REQUEST = {"operation": "emit", "endpoint": "/listed", "event": "news", "data": {"a": 1}}


def emit(*args: str) -> str:
    output = io.StringIO()
    call_command("ws", "emit", *args, stdout=output, stderr=output)
    return output.getvalue()


@pytest.fixture
def not_serving() -> Iterator[None]:
    """Hide the servers of this process, as in a command."""
    with servers.set_aside():
        yield


def event_of(client: Any) -> tuple[str, Any]:
    frame = json.loads(client.recv(WAIT))
    return frame["event"], frame["data"]


def test_it_emits_in_a_process_that_reaches_the_clients(
    live: LiveServer, chat: EventSocket
) -> None:
    with live.connect("/chat/") as client:
        eventually(lambda: len(chat) == 1)
        assert emit("/listed", "news", '{"a": [1]}') == "Emitted 'news' on /listed.\n"
        assert event_of(client) == ("news", {"a": [1]})
        emit("/listed", "news", "--room", "attic")
        emit("listed", "news", '"hello"')
        assert event_of(client) == ("news", {"message": "hello"})
        told = emit("/chat/", "tidy", "--room", "kitchen")  # its URL
        assert told == "Emitted 'tidy' on /listed, to the room 'kitchen'.\n"
        assert event_of(client) == ("tidy", {})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["/missing", "news"], "There is no EventSocket at '/missing'. These exist: .*/listed"),
        (["/echo/", "news"], "There is no EventSocket at '/echo/'"),
        (["/listed", "news", "{"], "The data is not valid JSON: "),
        (["/listed", "news", "[" * 100_000], "The data is not valid JSON: "),
        (["/listed", "news", "[1]"], r"must be a JSON object or a string, not \[1\]."),
        (["/listed", "news", '{"a": NaN}'], "Out of range float values"),
        (["/listed", ""], "the name of an event has 1 to"),
        (["/listed", "ws:reset"], "is reserved"),
        (["/listed", "news"], "No server of this project was found"),
    ],
)
@pytest.mark.usefixtures("runtime_dir", "chat", "not_serving")
def test_errors(arguments: list[str], message: str) -> None:
    with pytest.raises(CommandError, match=message):
        emit(*arguments)


@pytest.mark.usefixtures("runtime_dir", "chat", "not_serving")
def test_an_unsafe_directory_is_an_error() -> None:
    directory_path().mkdir()
    directory_path().chmod(0o755)
    with pytest.raises(CommandError, match="mode 700"):
        emit("/listed", "news")


def lose(monkeypatch: pytest.MonkeyPatch, broker: Broker) -> None:
    """Make a broker refuse all events."""

    def fail(channel: str, message: Any, limits: Any, emission: Emission) -> None:
        emission.fail(BrokerUnavailable("default", "it is away"))

    monkeypatch.setattr(broker, "publish", fail)


@pytest.mark.usefixtures("chat", "not_serving")
def test_a_lost_broker_is_an_error(network: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Emitted" in emit("/listed", "news")
    lose(monkeypatch, network)
    with pytest.raises(CommandError, match="is not available: it is away"):
        emit("/listed", "news")


class Process(threading.Thread):
    """A process that serves, by hand; it answers once."""

    def __init__(self, pid: int, **reply: Any) -> None:
        super().__init__()
        self._reply = {"version": VERSION, "process": f"web1:{pid}", **reply}
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(str(make_directory() / f"{pid}-a1b2c3d4.sock"))
        self._socket.listen()
        self.requests: list[dict[str, Any]] = []
        self.start()

    def run(self) -> None:
        try:
            link, _ = self._socket.accept()
        except OSError:  # it was not asked
            return
        with link:
            self.requests.append(receive(link))
            send(link, self._reply)

    def end(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)  # wakes up accept()
        self.join(WAIT)
        self._socket.close()


@pytest.mark.usefixtures("runtime_dir", "chat", "not_serving")
def test_only_one_of_several_processes_with_a_common_broker_emits() -> None:
    """With brokers of one process each, all of them emit to their own clients."""
    alone = [Process(pid, result={"reaches_others": False}) for pid in (1, 2)]
    emit("/listed", "news", '{"a": 1}', "--room", "kitchen")
    for each in alone:
        assert each.requests == [{"version": VERSION, **REQUEST, "room": "kitchen"}]
        each.end()
    failing = Process(3, error="It is broken.")
    first, second = (Process(pid, result={"reaches_others": True}) for pid in (4, 5))
    output = emit("/listed", "news")
    assert output.splitlines() == ["Process web1:3: It is broken.", "Emitted 'news' on /listed."]
    assert (len(failing.requests), len(first.requests)) == (1, 1)
    for each in (failing, first, second):
        each.end()
    assert second.requests == []


@pytest.mark.usefixtures("runtime_dir", "chat", "not_serving")
def test_no_process_could_emit(capsys: pytest.CaptureFixture[str]) -> None:
    failing = Process(3, error="It is broken.")
    with pytest.raises(SystemExit):
        emit("/listed", "news")
    failing.end()


# The operation


def test_a_process_emits_to_its_clients(live: LiveServer, chat: EventSocket) -> None:
    with live.connect("/chat/") as client:
        eventually(lambda: len(chat) == 1)
        assert answer(REQUEST) == {"reaches_others": False}
        assert event_of(client) == ("news", {"a": 1})
        assert answer({**REQUEST, "room": "kitchen"}) == {"reaches_others": False}
        assert event_of(client) == ("news", {"a": 1})


def test_a_process_whose_event_loop_is_blocked_queues_the_event(
    live: LiveServer, chat: EventSocket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("c10kws.control.operations.DELIVERY_TIMEOUT", 0.05)
    release = threading.Event()
    with live.connect("/chat/") as client:
        eventually(lambda: len(chat) == 1)
        live.loop.call_soon_threadsafe(release.wait, WAIT)
        try:
            assert answer(REQUEST) == {"reaches_others": False}
        finally:
            release.set()
        assert event_of(client) == ("news", {"a": 1})


@pytest.mark.usefixtures("chat")
def test_a_process_cannot_emit(
    live: LiveServer, network: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert answer(REQUEST) == {"reaches_others": True}
    with pytest.raises(InvalidRequest, match="no EventSocket at '/missing'"):
        answer({**REQUEST, "endpoint": "/missing"})
    with pytest.raises(InvalidRequest, match="is reserved"):
        answer({**REQUEST, "event": "ws:join"})
    lose(monkeypatch, network)
    with live.connect("/echo/"), pytest.raises(InvalidRequest, match="it is away"):
        answer(REQUEST)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_the_command_reaches_the_clients_of_other_processes(
    start: Start, project: Path, port: int, workers: str
) -> None:
    (project / "mysite" / "sockets.py").write_text(SOCKETS)
    with (project / "mysite" / "urls.py").open("a") as urls:
        urls.write('from . import sockets\nurlpatterns += [path("chat/", sockets.chat)]\n')
    server = start("runtornado", str(port), "--workers", workers)
    server.wait_for(f"ws://127.0.0.1:{port}/")
    clients = [open_socket(port, "/chat/") for _ in range(4)]
    emitted = start("ws", "emit", "/chat", "news", '{"a": 1}', "--room", "kitchen")
    assert emitted.wait() == 0
    assert emitted.output == "Emitted 'news' on /chat, to the room 'kitchen'.\n"
    last = start("ws", "emit", "/chat", "last")
    assert last.wait() == 0
    for client in clients:
        with client:
            assert event_of(client) == ("news", {"a": 1})
            assert event_of(client) == ("last", {})
    assert "Traceback" not in server.output
