"""``SocketTransport``: its beginning, protocols that fail, and what is left of it."""

from __future__ import annotations

import gc
import os
import socket
import weakref

import pytest

from c10kws_tornado.raw.sockettransport import SocketTransport
from tests.support.lines import (
    LARGE,
    LOST,
    Buffered,
    Line,
    Plain,
    Protocol,
    both_kinds,
    only_tcp,
)

# The beginning


def test_connection_made_comes_later_and_only_once(line: Line) -> None:
    protocol = Plain()
    transport = line.make(protocol)
    assert protocol.events == []
    line.turn()
    assert protocol.events == ["made"]
    assert protocol.transport is transport
    assert transport.is_reading() and not transport.is_closing()


@pytest.mark.parametrize("method", ["close", "abort"])
def test_a_transport_that_is_ended_before_it_began_still_says_both(line: Line, method: str) -> None:
    protocol = Plain()
    getattr(line.make(protocol), method)()
    line.send(b"late")
    line.turn()
    assert protocol.events == ["made", LOST]
    assert line.watched == 0


@pytest.mark.parametrize("method", ["close", "abort"])
def test_connection_made_may_end_the_connection(line: Line, method: str) -> None:
    protocol = Plain(made=lambda transport: getattr(transport, method)())
    line.send(b"late")
    line.open(protocol)
    line.turn()
    assert protocol.events == ["made", LOST]


def test_connection_made_may_write(line: Line) -> None:
    line.open(Plain(made=lambda transport: transport.write(b"welcome")))
    assert line.read(7) == b"welcome"


def test_connection_made_that_raises_does_not_leave_the_peer_waiting(line: Line) -> None:
    def fail(transport: SocketTransport) -> None:
        raise LookupError("made")

    protocol = Plain(made=fail)
    line.send(b"hello")
    line.open(protocol)
    line.turn()
    (context,) = line.errors
    line.errors.clear()
    assert isinstance(context["exception"], LookupError)
    assert protocol.events[1:] in ([b"hello"], [("lost", context["exception"])])


# Protocols that fail


def fail(transport: SocketTransport) -> None:
    raise LookupError("as told")


@both_kinds
def test_a_protocol_that_raises_loses_its_connection_and_is_named(
    line: Line, kind: type[Protocol]
) -> None:
    protocol = kind(data=fail)
    line.open(protocol)
    line.send(b"hello")
    line.until(lambda: len(protocol.calls) > 1)
    (context,) = line.errors
    line.errors.clear()
    assert context["protocol"] is protocol
    assert isinstance(context["exception"], LookupError)
    assert protocol.events == ["made", b"hello", ("lost", context["exception"])]
    assert line.read_to_end() == b""


@pytest.mark.parametrize("method", ["close", "abort"])
def test_a_protocol_that_raises_after_it_closed_is_named_and_ends_once(
    line: Line, method: str
) -> None:
    def end_and_fail(transport: SocketTransport) -> None:
        getattr(transport, method)()
        fail(transport)

    protocol = Plain(data=end_and_fail)
    line.open(protocol)
    line.send(b"hello")
    line.until(lambda: len(protocol.calls) > 1)
    line.turn()
    assert len(line.errors) == 1
    line.errors.clear()
    assert protocol.events == ["made", b"hello", LOST]


def test_eof_received_that_raises_loses_the_connection(line: Line) -> None:
    protocol = Plain(eof=fail)
    line.open(protocol)
    line.peer.close()
    line.until(lambda: line.errors)
    line.turn()
    errors = [context["exception"] for context in line.errors]
    line.errors.clear()
    assert len(errors) == 1
    assert protocol.events == ["made", "eof", ("lost", errors[0])]


def test_get_buffer_that_raises_loses_the_connection(line: Line) -> None:
    protocol = Buffered(buffer=fail)
    line.open(protocol)
    line.send(b"hello")
    line.until(lambda: line.errors)
    line.turn()
    errors = [context["exception"] for context in line.errors]
    line.errors.clear()
    assert len(errors) == 1
    assert protocol.events == ["made", ("lost", errors[0])]


def test_an_empty_buffer_is_not_the_end_of_the_peer(line: Line) -> None:
    protocol = Buffered(0)
    line.open(protocol)
    line.send(b"hello")
    line.until(lambda: len(protocol.events) > 1)
    line.errors.clear()
    assert "eof" not in protocol.events


def test_connection_lost_that_raises_still_closes_the_socket(line: Line) -> None:
    protocol = Plain(lost=fail)
    line.open(protocol).close()
    assert line.read_to_end() == b""
    (context,) = line.errors
    line.errors.clear()
    assert isinstance(context["exception"], LookupError)
    assert line.socket.fileno() == -1


# Extra information, and memory after the end


@only_tcp
def test_it_tells_about_its_socket(line: Line) -> None:
    protocol = Plain()
    transport = line.open(protocol)
    assert transport.get_extra_info("socket") is line.socket
    assert transport.get_extra_info("peername") == line.peer.getsockname()
    assert transport.get_extra_info("sockname") == line.peer.getpeername()
    assert transport.get_extra_info("unheard of") is None
    assert transport.get_extra_info("unheard of", 5) == 5
    transport.close()
    line.turn()
    assert transport.get_extra_info("peername") is None
    assert transport.get_extra_info("sockname", "gone") == "gone"


@both_kinds
@pytest.mark.parametrize("end", ["close", "abort", "peer", "unsent", "failure"])
def test_nothing_is_left_of_a_connection(line: Line, kind: type[Protocol], end: str) -> None:
    """Its memory is freed without the collector, once its protocol drops the transport."""
    protocol = kind()
    transport = line.open(protocol)
    descriptor = line.socket.fileno()
    alive = weakref.ref(protocol)
    gc.disable()
    try:
        if end == "peer":
            line.peer.shutdown(socket.SHUT_WR)
        elif end == "failure":
            protocol.hooks["data"] = fail
            line.send(b"hello")
        else:
            if end == "unsent":
                transport.write(b"x" * LARGE)
            getattr(transport, "abort" if end == "abort" else "close")()
        line.until(lambda: line.receive())
        line.turn()
        line.errors.clear()
        del protocol, transport
        if end == "failure":  # the error, which the protocol has recorded, knows its frames
            gc.collect()
        assert alive() is None
    finally:
        gc.enable()
    assert line.socket.fileno() == -1
    with pytest.raises(OSError, match=r"\[Errno 9\]"):
        os.fstat(descriptor)
    assert line.watched == 0


def test_an_ended_transport_that_somebody_keeps_keeps_no_protocol(line: Line) -> None:
    protocol = Plain()
    transport = line.open(protocol)
    events, alive = protocol.events, weakref.ref(protocol)
    del protocol
    transport.close()
    line.until(lambda: LOST in events)
    gc.collect()
    assert alive() is None


def test_it_costs_no_dictionary(line: Line) -> None:
    """The reason for this transport: see its module."""
    assert not hasattr(line.open(Plain()), "__dict__")
