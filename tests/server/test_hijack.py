"""The contract of ``docs/reference/hijack.rst``: taking over the raw stream of a connection."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable
from typing import Any
from wsgiref.validate import validator

import pytest

from c10kws import hijack
from c10kws.hijack import Contract
from tests.support.peers import Client
from tests.support.servers import LiveServer
from tests.support.shell import ROOT
from tests.support.upgrades import (
    REQUEST,
    BufferedProtocol,
    Protocol,
    Switch,
    application_of_the_page,
)
from tests.support.waiting import WAIT

Serve = Callable[..., LiveServer]
PAGE = ROOT / "docs" / "reference" / "hijack.rst"
TEXT = ("Content-Type", "text/plain")


def echo_one_byte(client: Client) -> None:
    """Upgrade, and exchange a byte."""
    client.send(REQUEST)
    assert client.read_head().status == 101
    client.send(b"a")
    assert client.read_exactly(1) == b"a"


def test_the_application_of_the_page(serve: Serve) -> None:
    live = serve(application_of_the_page())
    with live.client() as client:
        client.send(REQUEST + "early")
        response = client.read_response()
        assert (response.status, response["upgrade"]) == (101, "echo")
        assert client.read_exactly(5) == b"early"
        client.send(b"late")
        assert client.read_exactly(4) == b"late"
    with live.client() as client:
        assert client.get().body == b"expected Upgrade: echo\n"


def test_the_page_names_the_keys_of_the_library_and_of_the_server(serve_as_is: Serve) -> None:
    """One contract, two halves, one page."""
    names = {
        value
        for value in vars(hijack).values()
        if isinstance(value, str) and value.startswith("c10kws.") and value != hijack.__name__
    }
    switch = Switch(status="200 OK")
    with serve_as_is(switch).client() as client:
        client.get()
    offered = {key for key in switch.environ if key.startswith("c10kws.")}
    on_the_page = set(re.findall(r"(?m)^``(c10kws\.\w+)`` ", PAGE.read_text()))
    assert names == on_the_page
    # The mask is C, a client's address comes from a proxy, and workers have a parent.
    optional = {"c10kws.mask", "c10kws.client", "c10kws.workers"}
    assert names - optional <= offered <= names
    if mask := switch.environ.get("c10kws.mask"):
        assert mask(b"\x01\x02\x03\x04", b"\x00" * 6) == b"\x01\x02\x03\x04\x01\x02"
    contract = Contract.from_environ(switch.environ)
    assert contract is not None
    assert contract.stream.upgraded is False
    assert contract.executor.submit(int, "3").result(WAIT) == 3
    assert callable(contract.stream.attach)
    assert callable(contract.executor.sibling)


def test_each_server_has_one_state(serve_as_is: Serve) -> None:
    switch = Switch(status="200 OK")
    found = []
    for live in (serve_as_is(switch), serve_as_is(switch)):
        with live.client() as client:
            for _ in range(2):
                client.get()
                found.append(switch.environ["c10kws.server"])
    assert found[0] is found[1]
    assert found[2] is found[3]
    assert found[0] is not found[2]
    assert found == [{}, {}, {}, {}]


def test_the_head_of_a_101(serve: Serve) -> None:
    with serve(Switch()).client() as client:
        client.send(REQUEST)
        head = client.read_head()
    assert (head.status, head.reason) == (101, "X")
    assert dict(head.headers) == {"upgrade": "echo", "connection": "Upgrade", "set-cookie": "a=1"}


def test_close_runs_in_the_thread_of_the_call(serve: Serve) -> None:
    switch = Switch()
    live = serve(switch)
    with live.client() as client:
        client.send(REQUEST)
        client.read_head()
        assert switch.closed.wait(WAIT)
    live.stop()
    assert len(switch.threads) == 2
    assert len(set(switch.threads)) == 1
    assert switch.upgraded == [True]


@pytest.mark.parametrize("factory", [Protocol, BufferedProtocol])
def test_early_bytes_come_first(serve: Serve, factory: Any) -> None:
    """They are delivered by connection_made, before the loop's next turn and before later bytes."""
    switch = Switch(factory)
    switch.may_answer.clear()
    live = serve(switch)
    with live.client() as client:
        client.send(REQUEST)
        assert switch.called.wait(WAIT)
        client.send(b"early bytes")
        switch.may_answer.set()
        client.read_head()
        assert client.read_exactly(11) == b"early bytes"
        client.send(b"late")
        assert client.read_exactly(4) == b"late"
    (protocol,) = switch.protocols
    assert protocol.lost.wait(WAIT)
    made, *data = protocol.events
    turn = data.index("turn")
    assert made == "made"
    assert b"".join(data[:turn]) == b"early bytes"
    assert b"".join(data[turn + 1 :]) == b"late"


@pytest.mark.parametrize("factory", [Protocol, BufferedProtocol])
def test_early_bytes_in_the_same_segment(serve: Serve, factory: Any) -> None:
    switch = Switch(factory)
    live = serve(switch)
    with live.client() as client:
        client.send(REQUEST + "x" * 100_000)
        client.read_head()
        assert client.read_exactly(100_000) == b"x" * 100_000
    (protocol,) = switch.protocols
    assert protocol.lost.wait(WAIT)
    assert protocol.events.index("turn") >= 2  # what had come with the request


def test_a_protocol_that_closes_gets_no_more_early_bytes(serve: Serve) -> None:
    class Closing(BufferedProtocol):
        def buffer_updated(self, nbytes: int) -> None:
            super().buffer_updated(nbytes)
            self.transport.close()

    switch = Switch(Closing)
    with serve(switch).client() as client:
        client.send(REQUEST + "abcdefgh")
        client.read_head()
        assert client.read_to_end() == b"abcd"


def test_a_stream_that_nobody_attaches_is_closed(serve: Serve) -> None:
    switch = Switch(None)
    live = serve(switch)
    with live.client() as client:
        client.send(REQUEST)
        assert client.read_head().status == 101
        assert client.read_to_end() == b""
    assert switch.upgraded == [True]


def test_attach_is_for_once_and_after_the_upgrade(serve: Serve) -> None:
    said: list[str] = []

    class Greedy(Switch):
        def start(self) -> None:
            super().start()
            try:
                super().start()
            except RuntimeError as error:
                said.append(str(error))
            self.called_twice.set()

        called_twice = threading.Event()

    switch = Greedy()
    live = serve(switch)
    with live.client() as client:
        client.send(REQUEST)
        client.read_head()
        assert switch.called_twice.wait(WAIT)
        client.send(b"a")
        assert client.read_exactly(1) == b"a"
    plain = Switch(status="200 OK")
    with serve(plain).client() as client:
        client.get()
    with pytest.raises(RuntimeError, match="101 was not sent"):
        plain.environ["c10kws.stream"].attach(Protocol)
    assert said == ["The stream is already attached."]


@pytest.mark.parametrize("close_first", [False, True])
def test_a_client_that_left_before_the_101(
    serve: Serve, caplog: pytest.LogCaptureFixture, close_first: bool
) -> None:
    caplog.set_level(logging.INFO, "c10kws_tornado")
    switch = Early() if close_first else Switch()
    switch.may_answer.clear()
    live = serve(switch)
    with live.client() as client:
        client.send(REQUEST)
        assert switch.called.wait(WAIT)
    live.wait_until_left()
    switch.may_answer.set()
    assert switch.closed.wait(WAIT)
    live.stop()
    assert switch.upgraded == [False]
    assert not switch.protocols
    assert "the client disconnected before the 101 was sent" in caplog.text


def test_bytes_and_then_the_end_before_the_101(serve: Serve) -> None:
    switch = Switch()
    switch.may_answer.clear()
    live = serve(switch)
    with live.client() as client:
        client.send(REQUEST + "early")
        assert switch.called.wait(WAIT)
    switch.may_answer.set()
    assert switch.closed.wait(WAIT)
    for protocol in switch.protocols:  # none, or one that has lost its connection
        assert protocol.lost.wait(WAIT)


@pytest.mark.parametrize(
    "request_",
    [
        REQUEST.replace("HTTP/1.1", "HTTP/1.0"),
        REQUEST.replace("Upgrade: echo\n", ""),
        REQUEST.replace("\n\n", "\nContent-Length: 1\n\nx"),
    ],
)
def test_no_101_for_those_who_may_not_upgrade(serve: Serve, request_: str) -> None:
    switch = Switch()
    live = serve(switch)
    with live.client() as client:
        client.send(request_)
        assert client.read_response().status == 500
    live.stop()
    assert switch.upgraded == [False]
    assert not switch.protocols


def test_the_transport_after_the_client_left(serve: Serve) -> None:
    switch = Switch()
    live = serve(switch)
    with live.client() as client:
        echo_one_byte(client)
    assert switch.protocols[0].lost.wait(WAIT)


def test_streams_are_ended_with_the_server(serve: Serve) -> None:
    switch = Switch()
    live = serve(switch)
    with live.client() as client:
        echo_one_byte(client)
        live.stop()
        assert client.read_to_end() == b""


def test_the_validator_hides_nothing(serve_as_is: Serve) -> None:
    """Calling it twice is the same as once."""
    with serve_as_is(validator(validator(application_of_the_page()))).client() as client:
        echo_one_byte(client)


# close() before the 101


class Early(Switch):
    """Its ``close()`` comes first, and registers what is to be called after the 101."""

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        environ["c10kws.stream"].close_first()
        return super().__call__(environ, start_response)

    def close(self) -> None:
        stream = self.environ["c10kws.stream"]
        self.threads.append(threading.current_thread())
        self.upgraded.append(stream.upgraded)
        stream.on_upgrade(self.start)
        self.closed.set()

    def start(self) -> None:
        self.threads.append(threading.current_thread())
        self.upgraded.append(self.environ["c10kws.stream"].upgraded)
        self.environ["c10kws.stream"].attach(self.make)


def test_close_comes_before_the_101_if_the_application_allows_it(serve: Serve) -> None:
    switch = Early()
    live = serve(switch)
    with live.client() as client:
        client.send(REQUEST + "early")
        assert client.read_head().status == 101
        assert client.read_exactly(5) == b"early"
        client.send(b"late")
        assert client.read_exactly(4) == b"late"
    assert switch.upgraded == [False, True]
    called, closed, started = switch.threads
    assert called is closed is not started
    assert started.name == "live-server"


def test_a_start_that_raises_closes_the_connection(serve: Serve) -> None:
    class Failing(Early):
        def start(self) -> None:
            raise LookupError

    live = serve(Failing())
    with live.client() as client:
        client.send(REQUEST)
        assert client.read_head().status == 101
        assert client.read_to_end() == b""
    (context,) = live.errors
    assert isinstance(context["exception"], LookupError)
    live.errors.clear()


def test_a_response_that_is_no_101_starts_nothing(serve: Serve) -> None:
    switch = Early(status="200 OK")
    live = serve(switch)
    with live.client() as client:
        client.send(REQUEST)
        assert client.read_response().status == 200
    live.stop()
    assert switch.upgraded == [False]
