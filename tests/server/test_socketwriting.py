"""``SocketTransport``: what it writes, and its flow control."""

from __future__ import annotations

import random
from array import array
from collections.abc import Callable
from typing import Any

import pytest

from c10kws_tornado.raw.pendingwrites import MAX_PIECES
from c10kws_tornado.raw.protocols import HIGH_WATER
from tests.support.lines import (
    LARGE,
    LOST,
    Line,
    Plain,
)

# Writing


def test_what_the_kernel_takes_waits_nowhere(line: Line) -> None:
    transport = line.open(Plain())
    for number in range(10):
        transport.write(b"%03d" % number)
        transport.write(b"")
    assert transport.get_write_buffer_size() == 0
    assert line.watched == 1  # for reading
    assert line.read(30) == b"".join(b"%03d" % number for number in range(10))


@pytest.mark.parametrize("make", [bytes, bytearray, memoryview])
@pytest.mark.parametrize("method", ["write", "writelines"])
def test_what_the_kernel_does_not_take_waits_and_arrives(
    line: Line, method: str, make: Callable[[bytes], Any]
) -> None:
    data = random.Random(1).randbytes(LARGE)
    transport = line.open(Plain())
    if method == "write":
        transport.write(make(data))
    else:
        transport.writelines([make(data[:500_001]), make(data[500_001:])])
    assert 0 < transport.get_write_buffer_size() < LARGE
    transport.write(b"end")
    assert line.read(LARGE + 3) == data + b"end"
    line.until(lambda: transport.get_write_buffer_size() == 0)


@pytest.mark.parametrize("method", ["write", "writelines"])
def test_a_buffer_belongs_to_its_owner_again_after_the_call(line: Line, method: str) -> None:
    data = bytearray(b"x" * LARGE)
    transport = line.open(Plain())
    if method == "write":
        transport.write(data)
    else:
        transport.writelines([data, data])
    data[:] = b"y" * LARGE
    data.clear()  # BufferError if a view of it were kept
    size = LARGE if method == "write" else 2 * LARGE
    assert line.read(size) == b"x" * size


@pytest.mark.parametrize("method", ["write", "writelines"])
def test_a_view_of_wide_items_is_sent_whole(line: Line, method: str) -> None:
    view = memoryview(array("I", range(LARGE // 4)))
    transport = line.open(Plain())
    if method == "write":
        transport.write(view)
    else:
        transport.writelines([view])
    transport.close()
    assert line.read_to_end() == view.tobytes()


@pytest.mark.parametrize(
    "pieces",
    [
        [],
        [b""],
        [b"", b"", b"a", b"", b"b", b""],
        [b"one", bytearray(b"two"), memoryview(b"three")],
        [memoryview(b"0123456789")[2:5], memoryview(b"abcdef")[::1]],
        [b"x" * 3] * (MAX_PIECES - 1),
        [b"y" * 3] * MAX_PIECES,
        [b"z" * 3] * (MAX_PIECES + 1),
        [b"", *[b"z"] * MAX_PIECES, b""],
        [b"x" * 300_000, b"", b"y" * 300_000, b"z"],
        [b"", b"x" * 300_000],
        [b"%d " % number for number in range(100_000)],
    ],
    ids=lambda pieces: f"{len(pieces)} pieces of {sum(map(len, pieces))} bytes",
)
def test_pieces_arrive_as_one(line: Line, pieces: list[Any]) -> None:
    transport = line.open(Plain())
    transport.write(b"before ")
    transport.writelines(pieces)
    transport.writelines(iter([b"", b" after"]))
    transport.close()
    assert line.read_to_end() == b"before " + b"".join(pieces) + b" after"


@pytest.mark.parametrize("seed", range(5))
def test_pieces_of_all_sizes_arrive_at_a_slow_reader(line: Line, seed: int) -> None:
    """The kernel takes a part of the data, up to the middle of a piece, and the rest later."""
    numbers = random.Random(seed)
    sizes = [0, 1, 100, 5000, 50_000]
    transport = line.open(Plain())
    expected = bytearray()
    while len(expected) < LARGE:
        pieces = [
            numbers.randbytes(numbers.choice(sizes)) for _ in range(numbers.choice([0, 1, 5, 50]))
        ]
        if numbers.random() < 0.2:
            transport.write(b"".join(pieces))
        else:
            transport.writelines(map(memoryview, pieces))
        expected += b"".join(pieces)
        line.receive(numbers.randrange(1, 50_000))
        line.turn(numbers.randrange(3))
    transport.close()
    assert line.read_to_end(step=5000) == expected


# Flow control


def test_writing_is_paused_past_the_high_mark_and_resumed_at_the_low_one(line: Line) -> None:
    sizes: list[int] = []
    protocol = Plain(resume=lambda transport: sizes.append(transport.get_write_buffer_size()))
    transport = line.open(protocol)
    transport.set_write_buffer_limits(high=300_000, low=200_000)
    written = line.fill(transport, 300_000)
    assert protocol.events == ["made"]
    transport.write(b"x")
    assert protocol.events == ["made", "pause"]
    transport.write(b"x" * 500_000)
    transport.writelines([b"x"] * 10)
    assert protocol.events == ["made", "pause"]
    line.read(written + 1 + 500_000 + 10)
    line.until(lambda: transport.get_write_buffer_size() == 0)
    assert protocol.events == ["made", "pause", "resume"]
    assert 0 < sizes[0] <= 200_000
    line.fill(transport, 300_000)  # and all over again
    transport.write(b"x")
    assert protocol.events == ["made", "pause", "resume", "pause"]


def test_writelines_pauses_too(line: Line) -> None:
    protocol = Plain()
    line.open(protocol).writelines([b"x" * 300_000, b"y" * 300_000])
    assert protocol.events == ["made", "pause"]
    assert line.read(600_000) == b"x" * 300_000 + b"y" * 300_000
    line.until(lambda: "resume" in protocol.events)


def test_a_low_mark_of_zero_means_empty(line: Line) -> None:
    sizes: list[int] = []
    protocol = Plain(resume=lambda transport: sizes.append(transport.get_write_buffer_size()))
    transport = line.open(protocol)
    transport.set_write_buffer_limits(high=0)
    assert transport.get_write_buffer_limits() == (0, 0)
    written = line.fill(transport, 1)
    assert protocol.events == ["made", "pause"]
    line.read(written)
    line.until(lambda: "resume" in protocol.events)
    assert sizes == [0]


def test_more_may_be_written_from_within_resume_writing(line: Line) -> None:
    rest = [b"a" * 200_000, b"b" * 200_000, b"c" * 10]
    protocol = Plain(resume=lambda transport: transport.write(rest.pop(0)))
    transport = line.open(protocol)
    transport.write(b"x" * LARGE)
    expected = b"x" * LARGE + b"".join(rest[:2])
    assert line.read(len(expected)) == expected
    line.until(lambda: not rest)
    assert line.read(10) == b"c" * 10
    assert protocol.calls == ["made", *["pause", "resume"] * 3]


@pytest.mark.parametrize("method", ["close", "abort"])
@pytest.mark.parametrize("low", [0, 100_000])
def test_a_connection_closed_from_within_resume_writing_is_lost_once(
    line: Line, method: str, low: int
) -> None:
    protocol = Plain(resume=lambda transport: getattr(transport, method)())
    transport = line.open(protocol)
    transport.set_write_buffer_limits(high=400_000, low=low)
    transport.write(b"x" * LARGE)
    if method == "close":
        assert line.read_to_end() == b"x" * LARGE
    else:
        line.until(lambda: line.receive() or LOST in protocol.events)
    line.turn()
    assert protocol.events == ["made", "pause", "resume", LOST]


def test_our_half_may_be_closed_from_within_resume_writing(line: Line) -> None:
    protocol = Plain(resume=lambda transport: transport.write_eof())
    line.open(protocol).write(b"x" * LARGE)
    assert line.read_to_end() == b"x" * LARGE
    line.send(b"heard")
    line.until(lambda: protocol.data == b"heard")
    assert protocol.calls == ["made", "pause", "resume"]


@pytest.mark.parametrize("method", ["close", "abort"])
def test_a_connection_ended_from_within_pause_writing_is_lost_once(line: Line, method: str) -> None:
    protocol = Plain(pause=lambda transport: getattr(transport, method)())
    transport = line.open(protocol)
    transport.write(b"x" * LARGE)
    line.until(lambda: line.receive() or LOST in protocol.events)
    line.turn()
    assert protocol.events == ["made", "pause", LOST]
    assert line.watched == 0
    if method == "close":
        assert line.read_to_end() == b"x" * LARGE


def test_nothing_is_watched_after_an_abort_from_within_pause_writing(line: Line) -> None:
    protocol = Plain(pause=lambda transport: transport.abort())
    line.open(protocol).writelines([b"x" * LARGE, b"y", b"z"])
    line.until(lambda: LOST in protocol.events)
    line.turn()
    assert protocol.events == ["made", "pause", LOST]
    assert line.watched == 0


def test_the_marks_follow_from_one_another(line: Line) -> None:
    transport = line.open(Plain())
    assert transport.get_write_buffer_limits() == (HIGH_WATER // 4, HIGH_WATER)
    transport.set_write_buffer_limits(high=1000)
    assert transport.get_write_buffer_limits() == (250, 1000)
    transport.set_write_buffer_limits(low=1000)
    assert transport.get_write_buffer_limits() == (1000, 4000)
    transport.set_write_buffer_limits(high=10, low=10)
    assert transport.get_write_buffer_limits() == (10, 10)
    transport.set_write_buffer_limits()
    assert transport.get_write_buffer_limits() == (HIGH_WATER // 4, HIGH_WATER)


@pytest.mark.parametrize(("high", "low"), [(10, 11), (-1, None), (10, -1)])
def test_marks_that_make_no_sense_are_refused(line: Line, high: int, low: int | None) -> None:
    transport = line.open(Plain())
    with pytest.raises(ValueError):  # noqa: PT011
        transport.set_write_buffer_limits(high=high, low=low)
