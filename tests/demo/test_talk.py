"""Channel and sessions of the demo's chat by long polling."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.shell import ROOT


@pytest.fixture(autouse=True)
def demo_on_the_path(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.syspath_prepend(str(ROOT / "demo"))
    yield
    monkeypatch.undo()


def texts(messages: list[dict[str, Any]]) -> list[str]:
    return [message["text"] for message in messages]


def test_a_query_gets_new_messages_now_or_later() -> None:
    from talk.channel import Channel

    channel, got = Channel(), list[list[str]]()
    channel.append("Ada", "say", "one")
    channel.query(lambda messages: got.append(texts(messages)), 0)
    channel.query(lambda messages: got.append(texts(messages)), channel.last)
    assert got == [["one"]]
    channel.append("Ada", "say", "two")
    channel.append("Ada", "say", "three")
    assert got == [["one"], ["two"]]


def test_the_number_of_messages_is_bounded() -> None:
    from talk.channel import MAX_MESSAGES, Channel

    channel, got = Channel(), list[dict[str, Any]]()
    for number in range(MAX_MESSAGES + 5):
        channel.append("Ada", "say", str(number))
    channel.query(got.extend, 0)
    assert len(got) == MAX_MESSAGES
    assert got[-1]["id"] == channel.last == MAX_MESSAGES + 5


def test_old_queries_are_answered_unless_they_are_forgotten() -> None:
    from talk.channel import Channel

    channel, got = Channel(), list[Any]()
    channel.query(stays := lambda messages: got.append(messages), 0)
    channel.query(goes := lambda messages: got.append("gone"), 0)
    channel.forget(goes)
    channel.release(patience=1000)
    assert got == []
    channel.release(patience=0)
    assert got == [[]]
    channel.forget(stays)


def test_sessions() -> None:
    from talk.channel import Channel
    from talk.housekeeping import tidy
    from talk.sessions import Refused, Sessions

    channel, sessions = Channel(), Sessions()
    ada, bob = sessions.join("Ada"), sessions.join("bob")
    with pytest.raises(Refused, match="in use"):
        sessions.join("ADA")
    assert sessions.nicks() == ["Ada", "bob"]
    tidy(channel, sessions)
    assert channel.last == 0
    bob.seen = float("-inf")
    tidy(channel, sessions)
    assert sessions.nicks() == ["Ada"]
    assert channel.last == 1
    assert sessions.get(bob.id) is None
    assert sessions.part(ada.id) is ada
    assert sessions.part(ada.id) is None


def test_a_full_room() -> None:
    from talk.sessions import Refused, Sessions

    room = Sessions(limit=1)
    room.join("Ada")
    with pytest.raises(Refused, match="full"):
        room.join("Bob")
