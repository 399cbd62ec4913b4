"""Long polls that read the history of a room."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse, JsonResponse

from c10kws.events import BrokerUnavailable, EventSocket, NoHistory
from c10kws.events.brokers.base import Broker
from c10kws.events.brokers.channels import room_of
from c10kws.events.brokers.registry import brokers
from c10kws.events.emitting import following
from c10kws.events.emitting.room_events import read_position
from c10kws.longpoll import Handler
from tests.project.longpoll_views import stage
from tests.support.events import Connect, Make
from tests.support.peers import Client, Response
from tests.support.polls import PLAY, connect, get, send
from tests.support.servers import LiveServer
from tests.support.waiting import WAIT, eventually

HISTORY = {"kept*": {"size": 5, "ttl": 60}}


@pytest.fixture
def kept(make: Make) -> EventSocket:
    """An EventSocket whose room ``kept`` is polled at ``/longpoll/play/``."""
    endpoint = make("/kept", history=HISTORY)
    endpoint.may_join(lambda socket, room: True)

    @stage
    async def poll(request: HttpRequest, handler: Handler) -> HttpResponse:
        timeout = float(request.GET.get("timeout", WAIT / 2))
        return await endpoint.to(request.GET.get("room", "kept")).poll(request, timeout=timeout)

    return endpoint


def ask(live: LiveServer, since: str = "", **options: Any) -> Any:
    """Poll, and return the answer."""
    response = get(live, path(since, **options))
    assert response.status == 200, response
    return json.loads(response.body)


def path(since: str = "", **options: Any) -> str:
    return f"{PLAY}?since={since}" + "".join(f"&{name}={options[name]}" for name in options)


@contextmanager
def polling(live: LiveServer, endpoint: EventSocket, since: str) -> Iterator[Client]:
    """Send a poll that waits."""
    before = followers(endpoint)
    with connect(live) as client:
        send(client, path(since))
        eventually(lambda: followers(endpoint) == before + 1)
        yield client


def followers(endpoint: EventSocket, room: str = "kept") -> int:
    audience = endpoint.audience_of(room)
    return 0 if audience is None else len(audience._followers)


def numbers(answer: Response | dict[str, Any]) -> list[int]:
    found = json.loads(answer.body) if isinstance(answer, Response) else answer
    return [event["data"]["n"] for event in found["events"]]


def say(endpoint: EventSocket, *values: int) -> None:
    for value in values:
        endpoint.to("kept").emit("said", {"n": value})


def shift(position: str, number: int) -> str:
    """Return a position with another number."""
    return f"{position.rpartition(':')[0]}:{number}"


def test_a_poll_without_a_position_gets_the_last_one(live: LiveServer, kept: EventSocket) -> None:
    first = ask(live)
    assert first == {"events": [], "position": first["position"], "recovered": True}
    say(kept, 1, 2)
    assert ask(live)["position"] == shift(first["position"], 2)
    response = get(live, path())
    assert response["content-type"] == "application/json"
    assert response["cache-control"] == "no-store"


def test_a_poll_gets_what_was_sent_after_its_position(live: LiveServer, kept: EventSocket) -> None:
    since = ask(live)["position"]
    say(kept, 1, 2, 3)
    assert ask(live, shift(since, 1)) == {
        "events": [{"event": "said", "data": {"n": 2}}, {"event": "said", "data": {"n": 3}}],
        "position": shift(since, 3),
        "recovered": True,
    }


def test_a_poll_waits_for_the_next_message(live: LiveServer, kept: EventSocket) -> None:
    since = ask(live)["position"]
    with polling(live, kept, since) as client:
        say(kept, 1)
        answer = client.read_response()
    assert numbers(answer) == [1]
    assert json.loads(answer.body)["position"] == shift(since, 1)
    eventually(lambda: not followers(kept))


def test_a_poll_without_news_is_answered_after_its_timeout(
    live: LiveServer, kept: EventSocket
) -> None:
    since = ask(live)["position"]
    answer = ask(live, since, timeout=0.02)
    assert answer == {"events": [], "position": since, "recovered": True}


@pytest.mark.parametrize("number", [3, 10])
def test_a_poll_that_has_missed_too_much_is_told_so(
    live: LiveServer, kept: EventSocket, number: int
) -> None:
    since = ask(live)["position"]
    say(kept, *range(1, 10))
    answer = ask(live, shift(since, number))
    assert answer == {"events": [], "position": shift(since, 9), "recovered": False}
    assert ask(live, f"other:{number}")["recovered"] is False


def test_lost_messages_end_the_wait(live: LiveServer, kept: EventSocket) -> None:
    since = ask(live)["position"]
    with polling(live, kept, since) as client:
        broker: Any = brokers["default"]
        broker._receivers.reset(room_of("/kept", "kept"), read_position("new:7"))
        answer = json.loads(client.read_response().body)
    assert answer == {"events": [], "position": "new:7", "recovered": False}


def test_polls_and_websockets_see_the_same_room(
    live: LiveServer, kept: EventSocket, connect: Connect
) -> None:
    since = ask(live)["position"]
    with connect("/events/kept") as client:
        client.ask("ws:join", {"room": "kept"})
        say(kept, 1)
        kept.to("kept").emit("said", {"n": 2}, exclude=kept[0])
        frame = client.receive()
        assert (frame["data"], frame["seq"]) == ({"n": 1}, 1)
        assert f"{frame['epoch']}:0" == since
        assert numbers(ask(live, since)) == [1, 2]  # exclude= is for sockets
        joined = client.ask(
            "ws:join", {"room": "kept", "since": {"epoch": frame["epoch"], "seq": 0}}
        )
        assert joined["recovered"] is True


def test_a_client_that_disconnects_does_not_wait_any_more(
    live: LiveServer, kept: EventSocket
) -> None:
    with polling(live, kept, ask(live)["position"]):
        pass
    eventually(lambda: not followers(kept))


def test_a_storm_of_polls_is_one_read_and_one_subscription(
    live: LiveServer, kept: EventSocket, monkeypatch: pytest.MonkeyPatch
) -> None:
    since = ask(live)["position"]
    kept.following._close(live.loop, "kept")  # as after KEEP seconds
    say(kept, 1, 2)
    calls: list[str] = []
    broker = brokers["default"]
    for name in ("read", "subscribe"):
        spy(monkeypatch, broker, name, calls)
    answers = [ask(live, since) for _ in range(20)]
    assert {tuple(numbers(each)) for each in answers} == {(1, 2)}
    assert calls == ["subscribe", "read"]
    with ExitStack() as stack:
        clients = [stack.enter_context(polling(live, kept, shift(since, 2))) for _ in range(20)]
        say(kept, 3)
        assert [numbers(client.read_response()) for client in clients] == [[3]] * 20
    assert calls == ["subscribe", "read"]


def spy(monkeypatch: pytest.MonkeyPatch, broker: Broker, name: str, calls: list[str]) -> None:
    original = getattr(broker, name)

    def call(*arguments: Any) -> Any:
        calls.append(name)
        return original(*arguments)

    monkeypatch.setattr(broker, name, call)


def test_the_subscription_ends_some_time_after_the_last_poll(
    live: LiveServer, kept: EventSocket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "KEEP", 0.05)
    since = ask(live)["position"]
    with polling(live, kept, since) as client:
        say(kept, 1)
        assert numbers(client.read_response()) == [1]
    eventually(lambda: kept.audience_of("kept") is None)
    assert numbers(ask(live, since)) == [1]


def test_the_subscription_stays_while_clients_are_in_the_room(
    live: LiveServer, kept: EventSocket, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "KEEP", 0.01)
    with connect("/events/kept") as client:
        client.ask("ws:join", {"room": "kept"})
        ask(live)
        eventually(lambda: not kept.following._places)
        say(kept, 1)
        assert client.expect("said") == {"n": 1}
    eventually(lambda: kept.audience_of("kept") is None)


def test_no_gap_and_no_duplicate_while_messages_come(live: LiveServer, make: Make) -> None:
    endpoint = make("/kept", history={"kept": {"size": 100_000, "ttl": 60}})

    @stage
    async def poll(request: HttpRequest, handler: Handler) -> HttpResponse:
        return await endpoint.to("kept").poll(request)

    since, enough, found = ask(live)["position"], threading.Event(), list[int]()

    def tell() -> None:
        for number in range(1, 1_000_000):
            if enough.wait(0.0005):
                return
            say(endpoint, number)

    teller = threading.Thread(target=tell)
    teller.start()
    try:
        while len(found) < 200:
            answer = ask(live, since)
            assert answer["recovered"] is True
            since = answer["position"]
            found += numbers(answer)
    finally:
        enough.set()
        teller.join()
    assert found == list(range(1, len(found) + 1))


def test_the_result_in_a_coroutine(live: LiveServer, kept: EventSocket) -> None:
    results: list[Any] = []

    @stage
    async def view(request: HttpRequest, handler: Handler) -> HttpResponse:
        room = kept.to("kept")
        start = await room.wait()
        room.emit("said", {"n": 1})
        news = await room.wait(start.position)
        results.append((news.events, news.recovered))
        return JsonResponse({"next": (await room.wait(news.position, timeout=0)).position})

    assert get(live).status == 200
    [([(event, data)], recovered)] = results
    assert (event, data, recovered) == ("said", {"n": 1}, True)


def test_a_page_starts_at_the_position_where_it_was_rendered(
    live: LiveServer, kept: EventSocket
) -> None:
    say(kept, 1)
    position = kept.to("kept").position()
    assert position == ask(live)["position"]
    say(kept, 2)
    assert numbers(ask(live, position)) == [2]
    with pytest.raises(NoHistory):
        kept.to("other").position()

    async def main() -> None:
        kept.to("kept").position()

    with pytest.raises(RuntimeError, match=r"use \(await room\.wait\(\)\)\.position"):
        asyncio.run(main())


@pytest.mark.parametrize(
    "since", ["7", ":7", "a:", "a:b", "a:-1", "a:" + "9" * 16, "a" * 200 + ":1"]
)
def test_a_since_that_is_no_position(live: LiveServer, kept: EventSocket, since: str) -> None:
    assert get(live, path(since)).status == 400


def test_a_room_without_history(live: LiveServer, kept: EventSocket) -> None:
    assert get(live, path(room="other")).status == 500

    async def main() -> None:
        await kept.to("other").wait()

    with pytest.raises(NoHistory, match=r"'other' of '/kept' keeps no history\. Add a pattern"):
        asyncio.run(main())


def test_another_event_loop(kept: EventSocket) -> None:
    async def main() -> None:
        await kept.to("kept").wait()

    with pytest.raises(RuntimeError, match="needs the event loop of the server"):
        asyncio.run(main())


def test_a_broker_that_does_not_answer(
    live: LiveServer, kept: EventSocket, monkeypatch: pytest.MonkeyPatch
) -> None:
    since = ask(live)["position"]
    say(kept, *range(9))
    broker = brokers["default"]
    broker.timeout = 0.01
    kept.following._close(live.loop, "kept")
    monkeypatch.setattr(broker, "read", lambda *arguments: Future())
    response = get(live, path(shift(since, 7)))
    assert (response.status, response["retry-after"]) == (503, "1")
    with pytest.raises(BrokerUnavailable, match="the history of a room could not be read"):
        kept.to("kept").position()
