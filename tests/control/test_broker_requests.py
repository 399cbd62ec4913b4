"""Requests to processes of other machines, over a broker."""

from __future__ import annotations

import os
import socket
import threading
from pathlib import Path
from typing import Any

import pytest

from c10kws.control import broker_listener, operations, question
from c10kws.control.asking import ask_all
from c10kws.control.process import name_of, this_process
from c10kws.control.replies import encode_within, error_reply
from c10kws.events.brokers.base import Broker
from c10kws.events.brokers.channels import CONTROL, bar_of, members_of, replies_of, room_of
from c10kws.events.brokers.registry import brokers
from c10kws.handlers.servers import servers
from c10kws.runtime_directory import directory_path
from tests.support.networks import Asker, Elsewhere
from tests.support.servers import LiveServer
from tests.support.waiting import WAIT, eventually

LIST: dict[str, Any] = {"operation": "list"}
OPERATIONS = operations._OPERATIONS
EMPTY = {"rows": [], "total": 0, "endpoints": {}}


@pytest.fixture
def listening_to_network(network: Broker, monkeypatch: pytest.MonkeyPatch) -> Broker:
    """Servers of this test answer requests that travel by the broker."""
    monkeypatch.setattr(servers, "_observers", [broker_listener.BrokerListener()])
    return network


# A process that is asked


def test_a_process_acknowledges_and_answers(live: LiveServer, listening_to_network: Broker) -> None:
    with live.connect("/ws/echo/"):
        asker = Asker(listening_to_network)
        eventually(lambda: listens(listening_to_network))
        asker.ask(**LIST)
        eventually(lambda: len(asker.replies) == 2)
        acknowledgement, reply = asker.replies
        own = {"process": name_of(os.getpid()), "token": this_process().token}
        assert acknowledgement == {**own, "acknowledged": True}
        assert reply["result"]["total"] == 1
        assert {key: reply[key] for key in own} == own
    live.stop()
    assert not listens(listening_to_network)


def listens(broker: Any) -> bool:
    return CONTROL in broker._receivers


def test_it_does_not_answer_twice(live: LiveServer, listening_to_network: Broker) -> None:
    with live.connect("/ws/echo/"):
        asker = Asker(listening_to_network)
        asker.ask(**LIST, asked=[this_process().token])
        asker.ask(operation="stats", asked=["other"])
        eventually(asker.results)
        assert len(asker.replies) == 2
        assert "snapshot" in asker.results()[0]["result"]


def test_it_answers_while_the_event_loop_is_blocked(
    live: LiveServer, listening_to_network: Broker
) -> None:
    with live.connect("/ws/echo/"):
        asker = Asker(listening_to_network)
        release = threading.Event()
        live.loop.call_soon_threadsafe(release.wait, WAIT)
        try:
            asker.ask(**LIST)
            eventually(asker.results)
        finally:
            release.set()


def test_requests_are_answered_in_a_thread_of_their_own(
    live: LiveServer, listening_to_network: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broker_listener, "MAX_WAITING", 2)
    begun, release = threading.Event(), threading.Event()
    threads = []

    def wait(request: Any) -> Any:
        threads.append(threading.current_thread().name)
        begun.set()
        assert release.wait(WAIT)
        return EMPTY

    monkeypatch.setitem(operations._OPERATIONS, "list", wait)  # type: ignore[arg-type]
    with live.connect("/ws/echo/"):
        asker = Asker(listening_to_network)
        asker.ask(**LIST)
        assert begun.wait(WAIT)
        for _ in range(3):
            asker.ask(**LIST)
        assert "2 other requests wait" in asker.results()[0]["error"]
        assert len(asker.replies) == 4  # three are acknowledged
        release.set()
        eventually(lambda: len(asker.results()) == 4)
    assert set(threads) == {"c10kws-control-broker"}


@pytest.mark.parametrize(
    ("request_", "error"),
    [
        ({"operation": "list", "version": 99}, "This process runs another release of c10kws."),
        ({"operation": "dance"}, "Unknown operation: 'dance'."),
    ],
)
def test_errors(
    live: LiveServer, listening_to_network: Broker, request_: dict[str, Any], error: str
) -> None:
    with live.connect("/ws/echo/"):
        asker = Asker(listening_to_network)
        asker.ask(**request_)
        eventually(asker.results)
    assert asker.results()[0]["error"] == error


def test_a_message_of_another_program_does_not_end_the_thread(
    live: LiveServer, listening_to_network: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    with live.connect("/ws/echo/"):
        asker = Asker(listening_to_network)
        asker.ask(**LIST, asked=None)
        assert "A receiver failed to handle a message." in caplog.text
        asker.ask(**LIST)
        eventually(asker.results)


def test_a_request_that_fails_does_not_end_the_thread(
    live: LiveServer,
    listening_to_network: Broker,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(operations, "_OPERATIONS", {"fail": lambda request: 1 / 0, **OPERATIONS})
    with live.connect("/ws/echo/"):
        asker = Asker(listening_to_network)
        asker.ask(operation="fail")
        asker.ask(**LIST)
        eventually(asker.results)
    assert "A request to this process failed." in caplog.text


def test_a_process_without_such_a_broker_does_not_listen(
    live: LiveServer, listening: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listener = broker_listener.BrokerListener()
    monkeypatch.setattr(servers, "_observers", [listener])
    with live.connect("/ws/echo/"):
        pass
    assert not listens(brokers["default"])


def test_long_answers_are_cut() -> None:
    rows = [{"id": str(number), "path": "/" + "x" * (number % 50)} for number in range(1000)]
    reply = {"process": "web1:1", "token": "1", "result": {"rows": rows, "total": 1000}}
    text = encode_within(reply, 10_000)
    assert 5_000 < len(text) <= 10_000
    assert '"total":1000' in text
    assert "of 1000 connections fit into the answer." in text
    assert reply["result"] == {"rows": rows, "total": 1000}
    text = encode_within({"token": "1", "result": {"snapshot": "x" * 10_000}}, 9_000)
    assert '"error":"The answer is longer than 9000 bytes."' in text and '"token":"1"' in text
    assert len(encode_within({"result": {"rows": [{"path": "x" * 500}]}}, 400)) < 400
    assert "error" in encode_within(error_reply("e"), 400)


# A process that asks


def test_processes_of_other_machines_answer(network: Broker) -> None:
    one = Elsewhere(network, {"result": {**EMPTY, "total": 3}})
    other = Elsewhere(network, {"error": "It is broken."}, name="web3:8")
    answers = ask_all(LIST)
    assert answers.results == [{**EMPTY, "total": 3}]
    assert answers.problems == ["Process web3:8: It is broken."]
    assert answers.processes == {"web2:7", "web3:8"}
    (request,) = one.requests
    assert other.requests == [request]
    assert request["operation"] == "list"
    assert request["asked"] == [this_process().token]


def test_a_process_of_this_machine_is_asked_once(
    live: LiveServer, listening: Path, network: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = servers._observers[0]
    monkeypatch.setattr(servers, "_observers", [own, broker_listener.BrokerListener()])
    Elsewhere(network, {"result": EMPTY})
    with live.connect("/ws/echo/"):
        eventually(lambda: listens(network))
        answers = ask_all(LIST)
    assert sorted(each["total"] for each in answers.results) == [0, 1]
    assert answers.processes == {name_of(os.getpid()), "web2:7"}


@pytest.mark.usefixtures("impatient")
def test_a_process_that_only_acknowledges_is_named(network: Broker) -> None:
    Elsewhere(network)
    answers = ask_all(LIST)
    assert answers.results == []
    assert answers.problems == ["Process web2:7 did not answer within 0.1 s."]


@pytest.mark.usefixtures("impatient")
def test_incomplete_results_are_explained(network: Broker) -> None:
    Elsewhere(network, {"result": EMPTY, "problem": "Only 2 of 5 connections fit."})
    Elsewhere(network, {"result": EMPTY, "version": 99}, name="web3:8")
    answers = ask_all(LIST)
    assert answers.results == [EMPTY]
    assert sorted(answers.problems) == [
        "Process web2:7: Only 2 of 5 connections fit.",
        "Process web3:8: no result",
    ]


@pytest.mark.usefixtures("impatient")
def test_no_process_answers(network: Broker) -> None:
    answers = ask_all(LIST)
    assert f"found in {directory_path()} or by the broker 'default'" in answers.none
    assert answers.processes == set()


@pytest.mark.usefixtures("impatient")
def test_a_system_without_unix_sockets(network: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(socket, "AF_UNIX")
    monkeypatch.delattr(os, "getuid")
    answers = ask_all(LIST)
    assert "was found by the broker 'default'. A server is found after" in answers.none
    monkeypatch.setattr(brokers, "real", False)
    assert ask_all(LIST).none.startswith("This system has no Unix sockets.")


def test_lost_messages_are_a_problem(network: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    receivers = network._receivers  # type: ignore[attr-defined]

    def reset(self: Elsewhere, arrival: Any) -> None:
        receivers.reset(self.requests[-1]["reply"], None)

    elsewhere = Elsewhere(network)
    receive = elsewhere.receive
    monkeypatch.setattr(
        elsewhere, "receive", lambda arrival: (receive(arrival), reset(elsewhere, arrival))
    )
    problems = ask_all(LIST).problems
    assert problems[-1] == "The connection to the broker was interrupted; answers may be missing."


@pytest.mark.usefixtures("impatient")
def test_a_connection_that_is_lost_meanwhile_is_a_problem(
    network: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(question, "CHECK_TIMEOUT", 0.05)
    publish = network.publish

    def publish_requests(channel: str, *arguments: Any) -> None:
        if channel == CONTROL:
            publish(channel, *arguments)

    monkeypatch.setattr(network, "publish", publish_requests)
    Elsewhere(network, {"result": EMPTY})
    answers = ask_all(LIST)
    assert answers.results == []
    assert answers.problems == [
        "The connection to the broker was interrupted; answers may be missing."
    ]


def test_a_lost_broker_is_a_problem(
    live: LiveServer, network: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem = "No connection to the broker 'default' for 3.2 s: it is away."
    monkeypatch.setattr(type(network), "problem", problem)
    with live.connect("/ws/echo/"):
        answers = ask_all(LIST)
    assert [each["total"] for each in answers.results] == [1]
    assert answers.problems == [f"{problem} Only processes of this machine were asked."]


def test_a_silent_broker_is_a_problem(
    live: LiveServer, network: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    network.timeout = 0.05
    published = []
    monkeypatch.setattr(network, "publish", lambda *arguments: published.append(arguments))
    with live.connect("/ws/echo/"):
        answers = ask_all(LIST)
    assert answers.problems == [
        "The broker 'default' is not available: no answer within 0.05 s. "
        "Only processes of this machine were asked."
    ]
    emission = published[0][-1]
    assert emission.done()  # it will not be sent later


def test_clients_cannot_use_the_channels() -> None:
    """A client chooses at most the name of a room."""
    for name in (CONTROL, replies_of("1"), f"/{CONTROL}", ""):
        for channel in (members_of(name), room_of(name, name), bar_of(name, name)):
            assert channel != CONTROL
            assert not channel.startswith(replies_of(""))
