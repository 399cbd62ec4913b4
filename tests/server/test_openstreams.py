"""The set of open raw streams."""

from __future__ import annotations

from typing import Any, cast

from c10kws_tornado.raw.openstreams import SWEEP, OpenStreams
from c10kws_tornado.raw.stream import RawStream


class Stream:
    def __init__(self) -> None:
        self.ended = False
        self.aborted = 0

    def abort(self) -> None:
        self.aborted += 1


def add(streams: OpenStreams, count: int) -> list[Any]:
    made = [Stream() for _ in range(count)]
    for each in made:
        streams.add(cast(RawStream, each))
    return made


def test_all_are_aborted_once() -> None:
    streams = OpenStreams()
    made = add(streams, 3)
    streams.abort()
    streams.abort()
    assert [each.aborted for each in made] == [1, 1, 1]


def test_ended_streams_are_forgotten_from_time_to_time() -> None:
    streams = OpenStreams()
    ended = add(streams, SWEEP - 1)
    for each in ended:
        each.ended = True
    (live,) = add(streams, 1)
    streams.abort()
    assert live.aborted == 1
    assert not any(each.aborted for each in ended)
