"""Rooms with a history, and clients that come back."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from typing import Any

import pytest

from c10kws.events import EventSocket
from c10kws.events.brokers.history import Position
from c10kws.events.brokers.link.connection import ConnectionLost
from c10kws.events.brokers.registry import brokers
from tests.support.events import Connect, Make, Talk
from tests.support.waiting import eventually

HISTORY = {"kept*": {"size": 5, "ttl": 60}}


@pytest.fixture
def kept(make: Make) -> EventSocket:
    endpoint = make("/kept", history=HISTORY)
    endpoint.may_join(lambda socket, room: room != "shut")
    return endpoint


def join(client: Talk, since: Any = None, room: str = "kept") -> dict[str, Any]:
    answer = client.ask("ws:join", {"room": room, "since": since})
    assert isinstance(answer, dict)
    return answer


def numbers(client: Talk, count: int) -> list[tuple[int, int]]:
    """Return the numbers of the next messages: theirs, and those of their data."""
    frames = [client.receive() for _ in range(count)]
    return [(frame["seq"], frame["data"]["n"]) for frame in frames]


def say(endpoint: EventSocket, *values: int) -> None:
    for value in values:
        endpoint.to("kept").emit("said", {"n": value})


def test_messages_of_a_room_with_history_are_numbered(kept: EventSocket, connect: Connect) -> None:
    with connect("/events/kept") as client, connect("/events/kept", version=0) as old:
        begin = join(client)
        assert (begin["room"], begin["seq"], begin["recovered"]) == ("kept", 0, False)
        kept[1].join("kept")
        kept[0].join("unkept")
        say(kept, 1)
        kept.to("unkept").emit("said")
        assert client.receive() == {
            "event": "said",
            "data": {"n": 1},
            "room": "kept",
            "epoch": begin["epoch"],
            "seq": 1,
        }
        assert client.receive() == {"event": "said", "data": {}, "room": "unkept"}
        assert old.receive() == {"event": "said", "data": {"n": 1}}


def test_a_client_gets_what_it_has_missed_then_live_messages(
    kept: EventSocket, connect: Connect
) -> None:
    with connect("/events/kept") as client:
        epoch = join(client)["epoch"]
        say(kept, 1, 2)
        assert numbers(client, 2) == [(1, 1), (2, 2)]
    eventually(lambda: not len(kept))
    say(kept, 3, 4)
    with connect("/events/kept") as client:
        answer = join(client, {"epoch": epoch, "seq": 2})
        assert answer == {"room": "kept", "epoch": epoch, "seq": 4, "recovered": True}
        assert numbers(client, 2) == [(3, 3), (4, 4)]
        say(kept, 5)
        assert numbers(client, 1) == [(5, 5)]
        assert join(client, {"epoch": epoch, "seq": 5})["recovered"] is True  # nothing follows
        say(kept, 6)
        assert numbers(client, 1) == [(6, 6)]


@pytest.mark.parametrize("since", [{"epoch": "?", "seq": 9}, {"epoch": "right", "seq": 3}])
def test_a_client_that_has_missed_too_much_is_told_so(
    kept: EventSocket, connect: Connect, since: dict[str, Any]
) -> None:
    with connect("/events/kept") as client:
        epoch = join(client)["epoch"]
        say(kept, *range(1, 10))
        numbers(client, 9)
        since = {**since, "epoch": epoch if since["epoch"] == "right" else "?"}
    with connect("/events/kept") as client:
        answer = join(client, since)
        assert answer == {"room": "kept", "epoch": epoch, "seq": 9, "recovered": False}
        say(kept, 10)
        assert numbers(client, 1) == [(10, 10)]


def test_a_room_that_the_server_joined_is_resumed_without_may_join(
    kept: EventSocket, connect: Connect
) -> None:
    kept.bindings.authorise = None

    @kept.on
    def open(socket: Any) -> None:
        socket.join("kept")

    with connect("/events/kept") as client:
        say(kept, 1, 2, 3)
        frames = [client.receive() for _ in range(3)]
        epoch = frames[0]["epoch"]
    with connect("/events/kept") as client:
        assert join(client)["code"] == "forbidden"
        assert join(client, {"epoch": epoch, "seq": 1})["recovered"] is True
        assert numbers(client, 2) == [(2, 2), (3, 3)]


def test_an_answer_that_overtakes_messages_makes_no_duplicates(
    kept: EventSocket, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client comes from another process, which has already received the messages."""
    receivers = brokers["default"]._receivers  # type: ignore[attr-defined]
    delayed: list[Any] = []
    with connect("/events/kept") as here:
        epoch = join(here)["epoch"]
        say(kept, 1, 2)
        assert numbers(here, 2) == [(1, 1), (2, 2)]
        with monkeypatch.context() as slow, connect("/events/kept") as client:
            slow.setattr(receivers, "deliver", lambda *call: delayed.append(call))
            say(kept, 3, 4, 5)
            assert join(client, {"epoch": epoch, "seq": 4})["seq"] == 5
            assert numbers(client, 1) == [(5, 5)]
            slow.undo()
            for call in delayed:
                receivers.deliver(*call)
            say(kept, 6)
            assert numbers(client, 1) == [(6, 6)]
        assert numbers(here, 4) == [(3, 3), (4, 4), (5, 5), (6, 6)]


def test_a_client_that_returns_while_the_history_cannot_be_read_gets_nothing_twice(
    kept: EventSocket, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client comes from another process, and this one has lost the broker for a moment."""
    broker = brokers["default"]
    receivers = broker._receivers  # type: ignore[attr-defined]
    lost: Future[Any] = Future()
    lost.set_exception(ConnectionLost("the broker was lost"))
    delayed: list[Any] = []
    with connect("/events/kept") as here:
        epoch = join(here)["epoch"]
        with monkeypatch.context() as down, connect("/events/kept") as client:
            down.setattr(receivers, "deliver", lambda *call: delayed.append(call))
            down.setattr(broker, "read", lambda *_: lost)
            say(kept, 1, 2, 3)
            answer = join(client, {"epoch": epoch, "seq": 2})
            assert answer == {"room": "kept", "epoch": None, "seq": 0, "recovered": False}
            down.undo()
            for call in delayed:
                receivers.deliver(*call)
            say(kept, 4)
            assert numbers(client, 2) == [(3, 3), (4, 4)]


def test_a_client_joins_although_the_broker_does_not_confirm_it_in_time(
    kept: EventSocket, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker = brokers["default"]
    subscribe = broker.subscribe
    confirmed: Future[Position] = Future()
    with connect("/events/kept") as client:
        monkeypatch.setattr(broker, "timeout", 0.01)
        monkeypatch.setattr(broker, "subscribe", lambda *about: (subscribe(*about), confirmed)[1])
        answer = join(client)
        assert (answer["epoch"], answer["recovered"]) == (None, False)
        assert join(client) == answer
        confirmed.set_result(Position("late", 3))
        answer = {"room": "kept", "epoch": "late", "seq": 3, "recovered": False}
        assert join(client) == answer


def test_no_gap_and_no_duplicate_while_messages_come(make: Make, connect: Connect) -> None:
    """Clients come back while a thread emits; each sees all numbers once and in order."""
    endpoint = make("/kept", history={"kept": {"size": 100_000, "ttl": 60}})
    endpoint.may_join(lambda socket, room: True)
    enough = threading.Event()

    def tell() -> None:
        number = 0
        while not enough.wait(0.0005):
            number += 1
            say(endpoint, number)

    with connect("/events/kept") as client:
        epoch, last = join(client)["epoch"], 0
    teller = threading.Thread(target=tell)
    teller.start()
    try:
        for _ in range(20):
            with connect("/events/kept") as client:
                answer = join(client, {"epoch": epoch, "seq": last})
                assert answer["recovered"] is True
                found = numbers(client, answer["seq"] - last + 20)
                assert found == [(last + n, last + n) for n in range(1, len(found) + 1)]
                last = found[-1][0]
    finally:
        enough.set()
        teller.join()
