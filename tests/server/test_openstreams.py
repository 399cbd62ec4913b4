"""The set of open raw streams."""

from __future__ import annotations

import asyncio

from c10kws_tornado.raw.openstreams import SWEEP, OpenStreams


class Transport(asyncio.Transport):
    def __init__(self) -> None:
        super().__init__()
        self.closing = False
        self.aborted = 0

    def is_closing(self) -> bool:
        return self.closing

    def abort(self) -> None:
        self.aborted += 1


def add(streams: OpenStreams, count: int) -> list[Transport]:
    made = [Transport() for _ in range(count)]
    for each in made:
        streams.add(each)
    return made


def test_all_are_aborted_once() -> None:
    streams = OpenStreams()
    made = add(streams, 3)
    streams.abort()
    streams.abort()
    assert [each.aborted for each in made] == [1, 1, 1]


def test_a_stream_that_is_closing_is_not_aborted() -> None:
    streams = OpenStreams()
    (closing,) = add(streams, 1)
    closing.closing = True
    streams.abort()
    assert not closing.aborted


def test_ended_streams_are_forgotten_from_time_to_time() -> None:
    streams = OpenStreams()
    ended = add(streams, SWEEP - 1)
    for each in ended:
        each.closing = True
    (live,) = add(streams, 1)
    streams.abort()
    assert live.aborted == 1
    assert not any(each.aborted for each in ended)
