"""The timer of a body, with a simulated clock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from c10kws_tornado import Limits
from c10kws_tornado.http.bodytimer import BodyTimer


class Clock:
    """A simulated clock with the timers of a loop."""

    def __init__(self) -> None:
        self.now = 0.0
        self.timers: list[tuple[float, Callable[[], None]]] = []

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, call: Callable[[], None]) -> Any:
        self.timers.append((when, call))

    def advance(self, seconds: float) -> None:
        self.now += seconds
        due = [call for when, call in self.timers if when <= self.now]
        self.timers = [(when, call) for when, call in self.timers if when > self.now]
        for call in due:
            call()


def timer(clock: Any, expired: list[float], **limits: Any) -> BodyTimer:
    limits = {"read_timeout": 60.0, "min_read_rate": 500, "body_timeout": 3600.0} | limits
    return BodyTimer(clock, Limits(**limits), lambda: expired.append(clock.now))


@pytest.mark.parametrize(
    ("size", "pause", "expected"),
    [(0, 10, 60), (500, 10, 70), (5_000, 10, None), (50_000, 50, None), (50_000, 60, 60)],
)
def test_the_time_of_a_body_runs_out_at_a_low_rate(
    size: int, pause: int, expected: float | None
) -> None:
    clock, expired = Clock(), list[float]()
    body = timer(clock, expired)
    for _ in range(20):
        clock.advance(pause)
        body.received(size)
    assert expired[:1] == ([] if expected is None else [expected])


def test_the_time_of_a_body_does_not_run_while_the_server_does_not_read() -> None:
    clock, expired = Clock(), list[float]()
    body = timer(clock, expired)
    body.pause()
    for _ in range(9):
        clock.advance(100)
    body.resume()
    clock.advance(59)
    assert not expired
    clock.advance(61)
    assert expired


def test_a_pause_gives_no_more_time_than_it_takes() -> None:
    """Otherwise a client whose body goes to disk could send single bytes forever."""
    clock, expired = Clock(), list[float]()
    body = timer(clock, expired)
    for _ in range(20):
        clock.advance(10)
        body.received(1)
        body.pause()
        clock.advance(1)
        body.resume()
    assert len(expired) == 1
    assert 60 <= expired[0] <= 60 + 20


def test_without_a_rate_any_byte_gives_the_whole_time_again() -> None:
    clock, expired = Clock(), list[float]()
    body = timer(clock, expired, min_read_rate=0)
    for _ in range(20):
        clock.advance(59)
        body.received(1)
    assert not expired
    clock.advance(60)
    assert expired


def test_a_body_has_an_end_in_any_case() -> None:
    clock, expired = Clock(), list[float]()
    body = timer(clock, expired, body_timeout=100.0)
    body.pause()
    for _ in range(3):
        clock.advance(50)
    assert expired == [100]
