"""Failures of callbacks: the answers to the client, and the log."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from c10kws.compat.tornado_websockets.websocket import WebSocket
from c10kws.events import EventSocket
from c10kws.events.dispatch.failure_log import MAX_KINDS, FailureLog
from tests.support.events import Connect, forget
from tests.support.waiting import eventually

INTERNAL = {"code": "internal", "message": "internal error", "details": {}}


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [each.getMessage() for each in caplog.records if each.name == "c10kws.events"]


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_client_cannot_fill_the_log(
    chat: EventSocket, connect: Connect, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    def add(data: dict[str, Any]) -> int:
        return int(data["a"]) + 1

    async def add_on_loop(data: dict[str, Any]) -> int:
        return add(data)

    chat.on("add")(add if kind == "sync" else add_on_loop)

    with connect() as client:
        for _ in range(200):
            assert client.ask("add", {"a": "no number"}) == INTERNAL
        assert client.ask("add", {"a": []}) == INTERNAL  # a TypeError is another kind
        assert len(lines(caplog)) == 2
        assert caplog.text.count("Traceback (most recent call last)") == 2
        record = next(each for each in caplog.records if each.name == "c10kws.events")
        facts = {"event": "add", "endpoint": chat.path, "remote_addr": "127.0.0.1"}
        assert record.__dict__.items() >= facts.items()
        caplog.clear()
        chat.failures.summarize()
        assert len(lines(caplog)) == 1
        assert "/chat: the callback of 'add' failed 199 more times: ValueError" in caplog.text
        assert f"{__file__}:" in caplog.text
        chat.failures.summarize()  # nothing has happened, so the kind is forgotten
        assert len(lines(caplog)) == 1
        assert client.ask("add", {"a": "no number"}) == INTERNAL
        assert "Traceback" in caplog.text


def test_a_timer_logs_the_summary(caplog: pytest.LogCaptureFixture) -> None:
    failures = FailureLog("/chat", interval=0.05)
    for _ in range(3):
        failures.log("add", LookupError())
    eventually(lambda: "failed 2 more times: LookupError" in caplog.text)
    eventually(lambda: failures._timer is None)  # it is not restarted when nothing happens


def test_a_stopped_log_has_no_timer() -> None:
    failures = FailureLog("/chat")
    failures.log("add", LookupError())
    timer = failures._timer
    assert timer is not None
    failures.stop()
    timer.join(60)
    assert not timer.is_alive()
    assert failures._timer is None


def test_the_number_of_kinds_is_bounded(
    chat: EventSocket, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(500):
        chat.failures.log(f"event {number}", LookupError())
    assert len(lines(caplog)) == MAX_KINDS + 1
    caplog.clear()
    chat.failures.summarize()
    assert len(lines(caplog)) == 1
    assert f"{500 - MAX_KINDS - 1} more times" in caplog.text


@pytest.mark.parametrize("event", ["open", "close"])
def test_failures_of_open_and_close_are_counted(
    chat: EventSocket, connect: Connect, caplog: pytest.LogCaptureFixture, event: str
) -> None:
    @chat.on(event)
    def fail() -> None:
        raise LookupError("secret")

    for _ in range(5):
        with connect():
            pass
    chat.failures.summarize()
    assert caplog.text.count("Traceback") == 1


def test_each_failure_is_logged_under_debug(
    chat: EventSocket, connect: Connect, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.DEBUG = True

    @chat.on
    def fail() -> None:
        raise LookupError

    with connect() as client:
        for _ in range(3):
            assert client.ask("fail")["code"] == "internal"
    assert caplog.text.count("Traceback") == 3


def test_a_missing_key_of_data_is_an_error_of_the_client(
    chat: EventSocket, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    @chat.on
    def say(data: dict[str, Any]) -> dict[str, Any]:
        assert data == {} or data["text"]
        assert data.get("text") is data.get("text")
        return {"text": data["text"], "name": {"first": "Ada"}[data["part"]]}

    invalid = {"code": "invalid", "message": "Missing key 'text' in the data.", "details": {}}
    with connect() as client:
        for _ in range(3):
            assert client.ask("say") == invalid
        assert client.ask("say", {"text": "hi", "part": "first"})["text"] == "hi"
        assert lines(caplog) == ["/chat: invalid data for 'say': Missing key 'text' in the data."]
        assert "Traceback" not in caplog.text
        assert (
            client.ask("say", {"text": "hi", "part": "second"}) == INTERNAL
        )  # a key of another dictionary
    with connect(version=0) as old:
        old.send("say")
        assert old.expect("warning") == {"message": invalid["message"]}


@pytest.fixture
def make_old() -> Any:
    made: list[WebSocket] = []

    def make_one(path: str) -> WebSocket:
        made.append(WebSocket(path))
        return made[-1]

    yield make_one
    for endpoint in made:
        forget(endpoint)


def test_a_missing_attribute_in_compat_is_an_error_of_the_client(
    connect: Connect, make_old: Callable[..., Any]
) -> None:
    old = make_old("/old")

    @old.on
    def say(data: Any) -> Any:
        assert getattr(data, "other", 3) == 3
        return data.message

    with connect("/events/old", version=0) as client:
        client.send("say")
        assert client.expect("warning") == {"message": "Missing key 'message' in the data."}
