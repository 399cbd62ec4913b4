"""``SocketTransport``: what it reads, and the end of the peer."""

from __future__ import annotations

import random
import socket
from contextlib import suppress

import pytest

from tests.support.lines import (
    LARGE,
    LOST,
    Buffered,
    Line,
    Plain,
    Protocol,
    both_kinds,
    lost_error,
    only_tcp,
)

# Reading


@both_kinds
def test_what_the_peer_sends_is_delivered(line: Line, kind: type[Protocol]) -> None:
    protocol = kind()
    line.open(protocol)
    line.send(b"one")
    line.until(lambda: protocol.data == b"one")
    line.send(b"two")
    line.until(lambda: protocol.data == b"onetwo")
    line.send(b"x" * 5000)
    line.until(lambda: protocol.data == b"onetwo" + b"x" * 5000)
    assert protocol.calls == ["made"]


def test_a_small_buffer_is_filled_again_and_again(line: Line) -> None:
    protocol = Buffered(4)
    line.open(protocol)
    line.send(b"0123456789")
    line.until(lambda: len(protocol.data) == 10)
    assert protocol.events == ["made", b"0123", b"4567", b"89"]


@both_kinds
def test_a_long_stream_goes_through_an_echo(line: Line, kind: type[Protocol]) -> None:
    """Both directions at the same time, in steps of all sizes."""
    numbers = random.Random(7)
    data = numbers.randbytes(100_000)
    protocol = kind()
    protocol.hooks["data"] = lambda transport: transport.write(protocol.events[-1])
    line.open(protocol)
    sent = 0

    def exchange() -> bool:
        nonlocal sent
        with suppress(BlockingIOError):
            sent += line.peer.send(data[sent : sent + numbers.randrange(1, 20_000)])
        line.receive(numbers.randrange(1, 20_000))
        return len(line.buffer) == len(data)

    line.until(exchange)
    assert line.buffer == data


@pytest.mark.parametrize(("first", "then"), [(Plain, Buffered), (Buffered, Plain)])
def test_a_protocol_of_the_other_kind_may_take_over(
    line: Line, first: type[Protocol], then: type[Protocol]
) -> None:
    one, other = first(), then()
    transport = line.open(one)
    line.send(b"one")
    line.until(lambda: one.data)
    transport.set_protocol(other)
    assert transport.get_protocol() is other
    line.send(b"two")
    line.until(lambda: other.data)
    line.peer.close()
    line.until(lambda: LOST in other.events)
    assert one.events == ["made", b"one"]
    assert other.events == [b"two", "eof", LOST]


@both_kinds
def test_another_protocol_may_take_over_from_within_connection_made(
    line: Line, kind: type[Protocol]
) -> None:
    other = kind()
    line.open(Plain(made=lambda transport: transport.set_protocol(other)))
    line.send(b"hello")
    line.until(lambda: other.data)
    assert other.events == [b"hello"]


def test_another_protocol_takes_over_what_is_paused_and_gets_nothing_yet(line: Line) -> None:
    one, other = Plain(), Buffered()
    transport = line.open(one)
    transport.pause_reading()
    transport.set_protocol(other)
    line.send(b"hello")
    line.turn()
    assert other.events == []
    transport.resume_reading()
    line.until(lambda: other.data)
    assert (one.events, other.events) == (["made"], [b"hello"])


def test_a_paused_transport_delivers_nothing(line: Line) -> None:
    protocol = Plain()
    transport = line.open(protocol)
    for _ in range(2):
        transport.pause_reading()
        assert not transport.is_reading()
    line.send(b"one")
    line.turn()
    assert protocol.events == ["made"]
    for _ in range(2):
        transport.resume_reading()
        assert transport.is_reading()
    line.until(lambda: protocol.data)
    line.send(b"two")
    line.until(lambda: protocol.data == b"onetwo")


@pytest.mark.parametrize("name", ["made", "data"])
def test_a_protocol_may_pause_from_within_a_call(line: Line, name: str) -> None:
    protocol = Buffered(3, **{name: lambda transport: transport.pause_reading()})
    line.send(b"onetwo")
    transport = line.open(protocol)
    line.until(lambda: not transport.is_reading())
    line.turn()
    assert protocol.data == (b"" if name == "made" else b"one")
    protocol.hooks.clear()
    transport.resume_reading()
    line.until(lambda: protocol.data == b"onetwo")


def test_the_end_of_a_peer_waits_behind_a_pause(line: Line) -> None:
    protocol = Plain()
    transport = line.open(protocol)
    transport.pause_reading()
    line.send(b"last")
    line.peer.close()
    line.turn()
    assert protocol.events == ["made"]
    transport.resume_reading()
    line.until(lambda: LOST in protocol.events)
    assert protocol.events == ["made", b"last", "eof", LOST]


def test_nothing_can_be_paused_or_resumed_after_close(line: Line) -> None:
    protocol = Plain()
    transport = line.open(protocol)
    line.fill(transport, 1000)
    transport.close()
    line.send(b"late")
    transport.pause_reading()
    transport.resume_reading()
    assert not transport.is_reading()
    line.turn()
    assert protocol.data == b""
    line.until(lambda: line.receive() or LOST in protocol.events)
    transport.resume_reading()
    transport.set_protocol(Buffered())
    assert line.watched == 0


# The peer's end


@both_kinds
def test_the_transport_closes_when_the_peer_does(line: Line, kind: type[Protocol]) -> None:
    protocol = kind()
    transport = line.open(protocol)
    line.send(b"last")
    line.peer.shutdown(socket.SHUT_WR)
    line.until(lambda: protocol.events[-1] == LOST)
    line.turn()
    assert protocol.events == ["made", b"last", "eof", LOST]
    assert transport.is_closing() and not transport.is_reading()
    assert line.read_to_end() == b""


def test_what_is_unsent_at_the_peers_end_of_file_still_goes_out(line: Line) -> None:
    protocol = Plain()
    transport = line.open(protocol)
    transport.write(b"x" * LARGE)
    line.peer.shutdown(socket.SHUT_WR)
    line.until(lambda: "eof" in protocol.events)
    assert transport.is_closing()
    assert line.read_to_end() == b"x" * LARGE
    line.until(lambda: LOST in protocol.events)


@both_kinds
def test_a_protocol_may_keep_its_half_open(line: Line, kind: type[Protocol]) -> None:
    protocol = kind(eof=lambda transport: True)
    transport = line.open(protocol)
    line.peer.shutdown(socket.SHUT_WR)
    line.until(lambda: "eof" in protocol.events)
    line.turn()
    assert not transport.is_closing()
    transport.write(b"still here")
    assert line.read(10) == b"still here"
    transport.close()
    assert line.read_to_end() == b""
    line.until(lambda: LOST in protocol.events)
    assert protocol.calls == ["made", "eof", LOST]


@pytest.mark.parametrize("method", ["close", "abort", "pause_reading"])
def test_eof_received_may_act_on_the_transport(line: Line, method: str) -> None:
    protocol = Plain(eof=lambda transport: getattr(transport, method)())
    line.open(protocol)
    line.peer.shutdown(socket.SHUT_WR)
    line.until(lambda: LOST in protocol.events)
    line.turn()
    assert protocol.calls == ["made", "eof", LOST]
    assert line.watched == 0


@only_tcp
@both_kinds
def test_a_reset_is_told_with_its_error(line: Line, kind: type[Protocol]) -> None:
    protocol = kind()
    line.open(protocol)
    line.reset()
    line.until(lambda: len(protocol.events) > 1)
    line.turn()
    assert isinstance(lost_error(protocol), ConnectionResetError)


@only_tcp
def test_a_reset_while_bytes_wait_is_told_once(line: Line) -> None:
    protocol = Plain()
    transport = line.open(protocol)
    transport.pause_reading()  # writing alone finds out
    line.fill(transport, 1000)
    line.reset()
    line.until(lambda: transport.is_closing())
    line.turn()
    assert isinstance(lost_error(protocol), OSError)
    assert transport.get_write_buffer_size() == 0


@only_tcp
def test_a_reset_while_the_last_bytes_go_out_ends_it(line: Line) -> None:
    protocol = Plain()
    transport = line.open(protocol)
    line.fill(transport, 1000)
    transport.close()
    line.reset()
    line.until(lambda: len(protocol.events) > 1)
    line.turn()
    assert isinstance(lost_error(protocol), OSError)


@pytest.mark.parametrize("lines", [False, True])
def test_a_write_to_a_peer_that_has_gone_raises_nothing(line: Line, lines: bool) -> None:
    protocol = Plain()
    transport = line.open(protocol)
    transport.pause_reading()
    line.peer.close()

    def write() -> bool:  # TCP answers the first one with a reset
        if lines:
            transport.writelines([b"any", b"body"])
        else:
            transport.write(b"anybody")
        assert protocol.events == ["made"]  # connection_lost comes later
        return transport.is_closing()

    line.until(write)
    line.turn()
    assert isinstance(lost_error(protocol), OSError)
