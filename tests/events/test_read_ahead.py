"""Clients that have read messages before they arrived in this process."""

from __future__ import annotations

from typing import Any

from c10kws.events.brokers.history import Position
from c10kws.events.brokers.message import Arrival, Message
from c10kws.events.emitting.read_ahead import ReadAhead


class Client:
    """A client, of which only the identity counts."""


def arrival(seq: int, epoch: str = "e") -> Arrival:
    return Arrival(Message(""), Position(epoch, seq))


def test_a_client_that_has_a_message_is_left_out() -> None:
    ahead = ReadAhead()
    one: Any = Client()
    other: Any = Client()
    assert ahead.without(arrival(1), [one, other]) == [one, other]
    ahead.add(one, Position("e", 3))
    assert ahead.without(arrival(2), [one, other]) == [other]
    assert ahead.without(arrival(3), [one, other]) == [other]
    assert ahead.without(arrival(4), [one, other]) == [one, other]
    ahead.add(one, Position("e", 9))
    assert ahead.without(arrival(1, "new"), [one, other]) == [one, other]


def test_another_event_loop_may_be_later() -> None:
    ahead = ReadAhead()
    here: Any = Client()
    there: Any = Client()
    ahead.add(there, Position("e", 3))
    assert ahead.without(arrival(4), [here]) == [here]
    assert ahead.without(arrival(3), [there]) == []
    assert ahead.without(arrival(4), [there]) == [there]
