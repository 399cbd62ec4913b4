"""``SocketTransport``: our end, by ``close``, ``abort`` and ``write_eof``."""

from __future__ import annotations

import pytest

from tests.support.lines import (
    LARGE,
    LOST,
    Line,
    Plain,
    only_tcp,
)


def test_close_sends_what_is_written_first(line: Line) -> None:
    protocol = Plain()
    transport = line.open(protocol)
    transport.write(b"x" * LARGE)
    transport.close()
    assert transport.is_closing()
    line.turn()
    assert LOST not in protocol.events
    assert line.read_to_end() == b"x" * LARGE
    line.until(lambda: LOST in protocol.events)
    line.turn()
    assert protocol.events.count(LOST) == 1


def test_close_delivers_nothing_more(line: Line) -> None:
    protocol = Plain()
    transport = line.open(protocol)
    transport.write(b"x" * LARGE)
    line.send(b"late")
    transport.close()
    line.until(lambda: line.receive() or LOST in protocol.events)
    assert protocol.data == b""


def test_abort_does_not_send_what_waits(line: Line) -> None:
    protocol = Plain()
    transport = line.open(protocol)
    transport.write(b"x" * LARGE)
    transport.abort()
    assert transport.is_closing()
    assert transport.get_write_buffer_size() == 0
    assert LOST not in protocol.events  # not from within the call
    assert len(line.read_to_end()) < LARGE
    line.until(lambda: LOST in protocol.events)


@pytest.mark.parametrize("unsent", [False, True])
@pytest.mark.parametrize(
    "methods",
    [
        ["close", "close"],
        ["close", "abort"],
        ["abort", "close"],
        ["abort", "abort"],
        ["write_eof", "close"],
        ["write_eof", "abort"],
        ["close", "write_eof"],
        ["write_eof", "write_eof", "close", "write_eof", "abort"],
    ],
)
def test_connection_lost_comes_once_whatever_is_called(
    line: Line, methods: list[str], unsent: bool
) -> None:
    protocol = Plain()
    transport = line.open(protocol)
    if unsent:
        transport.set_write_buffer_limits(high=2 * LARGE)
        transport.write(b"x" * LARGE)
    for method in methods:
        getattr(transport, method)()
    line.until(lambda: line.receive())
    line.turn()
    for method in methods:
        getattr(transport, method)()
    line.turn()
    assert protocol.events == ["made", LOST]
    assert (len(line.buffer) == LARGE) == (unsent and "abort" not in methods)
    assert line.watched == 0


@pytest.mark.parametrize("method", ["close", "abort"])
def test_what_is_written_after_the_end_is_ignored(line: Line, method: str) -> None:
    protocol = Plain()
    transport = line.open(protocol)
    transport.write(b"first")
    getattr(transport, method)()
    for _ in range(2):
        transport.write(b"late")
        transport.writelines([b"too", b"late"])
        assert transport.get_write_buffer_size() == 0
        line.turn()  # connection_lost comes
    assert line.read_to_end() == b"first"
    assert protocol.events == ["made", LOST]


def test_what_is_written_while_it_closes_is_ignored(line: Line) -> None:
    transport = line.open(Plain())
    transport.write(b"x" * LARGE)
    transport.close()
    size = transport.get_write_buffer_size()
    transport.write(b"late")
    transport.writelines([b"too", b"late"])
    assert transport.get_write_buffer_size() == size
    assert line.read_to_end() == b"x" * LARGE


@pytest.mark.parametrize("size", [0, 5, LARGE])
def test_write_eof_closes_our_half_behind_what_is_written(line: Line, size: int) -> None:
    protocol = Plain()
    transport = line.open(protocol)
    assert transport.can_write_eof()
    transport.write(b"x" * size)
    transport.write_eof()
    transport.write(b"late")
    transport.writelines([b"too", b"late"])
    assert line.read_to_end() == b"x" * size
    assert not transport.is_closing()
    line.send(b"heard")
    line.until(lambda: protocol.data == b"heard")
    line.peer.close()
    line.until(lambda: LOST in protocol.events)
    assert [each for each in protocol.calls if each not in ("pause", "resume")] == [
        "made",
        "eof",
        LOST,
    ]


@only_tcp
def test_write_eof_after_the_peer_has_gone_does_no_harm(line: Line) -> None:
    protocol = Plain()
    transport = line.open(protocol)
    line.reset()
    transport.write_eof()
    line.until(lambda: len(protocol.events) > 1)
    assert protocol.events[1][0] == "lost"
