"""The order in which commands leave the queue of a link."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Any

import pytest

from c10kws.events.brokers.emission import Emission
from c10kws.events.brokers.history import HistoryLimits
from c10kws.events.brokers.link import queue as module
from c10kws.events.brokers.link.commands import (
    Command,
    Publish,
    Read,
    Recover,
    Subscribe,
    Unsubscribe,
)
from c10kws.events.brokers.link.queue import CommandQueue, NotQueued
from c10kws.events.brokers.message import Message

LIMITS = HistoryLimits(5, 60)


class Wakes:
    """Counts calls."""

    def __init__(self) -> None:
        self.number = 0

    def __call__(self) -> None:
        self.number += 1


def make(max_bytes: int = 10_000) -> CommandQueue:
    return CommandQueue(max_bytes, Wakes())


def publish(channel: str, text: str = "") -> Publish:
    return Publish(channel, Message(text), None, Emission())


def subscribe(channel: str) -> Subscribe:
    return Subscribe(channel, None, [Future()], 0.0)


def read(channel: str) -> Read:
    return Read(channel, None, LIMITS, Future())


def names(commands: Any) -> list[str]:
    return [f"{type(each).__name__[0]}{each.channel}" for each in commands]


def batches(queue: CommandQueue, *commands: Command) -> list[list[str]]:
    """Queue commands, and return the batches in which they leave."""
    for command in commands:
        queue.put(command)
    found = []
    while queue:
        found.append(names(queue.take()))
    return found


@pytest.mark.parametrize(
    ("commands", "expected"),
    [
        (
            [subscribe("a"), publish("a"), subscribe("b"), publish("b")],
            [["Sa", "Sb"], ["Pa", "Pb"]],
        ),
        ([publish("a"), subscribe("b"), publish("b")], [["Pa"], ["Sb"], ["Pb"]]),
        ([publish("a"), publish("b"), read("a"), publish("c")], [["Pa", "Pb"], ["Ra"], ["Pc"]]),
        ([read("a"), read("b"), Recover("c")], [["Ra"], ["Rb"], ["Rc"]]),
        ([Unsubscribe("a"), Unsubscribe("b"), subscribe("a")], [["Ua", "Ub"], ["Sa"]]),
        ([subscribe("a"), subscribe("b"), subscribe("a"), publish("a")], [["Sa", "Sb"], ["Pa"]]),
    ],
)
def test_batches(commands: list[Command], expected: list[list[str]]) -> None:
    assert batches(make(), *commands) == expected


def test_batches_are_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_BATCH", 2)
    commands: list[Command] = []
    for channel in "abc":
        commands += [subscribe(channel), publish(channel)]
    assert batches(make(), *commands) == [["Sa", "Sb"], ["Pa", "Pb"], ["Sc"], ["Pc"]]


def test_a_channel_waits_once() -> None:
    queue, first, second = make(), subscribe("a"), subscribe("a")
    queue.put(first)
    queue.put(second)
    (taken,) = queue.take()
    assert isinstance(taken, Subscribe)
    assert taken.confirmed == [*first.confirmed]
    assert len(taken.confirmed) == 2 and taken.confirmed[1] is second.confirmed[0]


def test_a_subscribe_without_a_receiver_is_withdrawn() -> None:
    queue = make()
    for channel in "abc":
        queue.put(subscribe(channel))
    queue.put(publish("a"))
    assert queue.withdraw("a", unless=lambda channel: False)
    assert not queue.withdraw("b", unless=lambda channel: True)
    assert not queue.withdraw("d", unless=lambda channel: False)
    assert batches(queue) == [["Sb", "Sc"], ["Pa"]]


def test_a_message_that_does_not_fit_is_refused() -> None:
    queue = make(publish("a").message.size * 2)
    queue.put(publish("a"))
    queue.put(publish("b"))
    with pytest.raises(NotQueued, match="bytes of events are queued"):
        queue.put(publish("c"))
    queue.put(subscribe("c"))
    queue.take()
    assert queue.bytes == 0
    queue.put(publish("d", "x" * 10_000))  # alone it fits always


def test_what_has_waited_long_is_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    queue = make()
    now = 0.0
    monkeypatch.setattr(module, "monotonic", lambda: now)
    commands: list[Command] = [
        Publish("a", Message(""), None, Emission(), created=1),
        Recover("b"),
        Read("c", None, LIMITS, Future(), created=2),
        Publish("d", Message(""), None, Emission(), created=3),
        Publish("e", Message(""), None, Emission(), created=4),
    ]
    for command in commands:
        queue.put(command)
    now = 12.5
    assert names(queue.take_older(10)) == ["Pa", "Rc"]
    assert queue.bytes == 2 * Message("").size
    assert batches(queue) == [["Rb"], ["Pd", "Pe"]]
    assert queue.bytes == 0


def test_one_wake_up_for_many_commands() -> None:
    wakes = Wakes()
    queue = CommandQueue(10_000, wakes)
    queue.put(publish("a"))
    assert wakes.number == 0 and not queue.rest()
    queue.take()
    assert queue.rest()
    queue.put(publish("b"))
    queue.put(publish("c"))
    assert wakes.number == 1


def test_a_closed_queue() -> None:
    queue = make()
    for command in (subscribe("a"), publish("b"), read("c")):
        queue.put(command)
    assert names(queue.close()) == ["Pb", "Rc"]
    for command in (subscribe("a"), publish("b"), read("c")):
        with pytest.raises(NotQueued, match="has closed"):
            queue.put(command)
