"""The signals of a WebSocket: their senders, arguments, order and threads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.urls import include, path

from c10kws import websocket
from c10kws.events import EventSocket
from c10kws.handlers import connection_signals
from c10kws.signals import websocket_connected, websocket_disconnected
from tests.project import views
from tests.support.accounts import cookies, logged_in
from tests.support.events import forget
from tests.support.peers import closed_with
from tests.support.servers import LiveServer
from tests.support.waiting import WAIT, eventually

SIGNALS = {"connected": websocket_connected, "disconnected": websocket_disconnected}

Seen = list[tuple[str, dict[str, Any]]]


@websocket(keep_request=False, load_user=False)
async def bare(ws: Any, number: int) -> None:
    await ws.write_message("hi")


urlpatterns = [
    path("bare/<int:number>/", bare),
    path("permitted/", views.permitted),
    path("ws/", include("tests.project.frames_views")),
    path("class/<str:name>/", views.Method.as_view()),
    path("echo/", views.echo),
    path("failing/", views.failing),
]


@pytest.fixture(autouse=True)
def own_urls(settings: Any) -> None:
    settings.ROOT_URLCONF = __name__


@contextmanager
def received(sender: Any = None) -> Iterator[Seen]:
    """Collect both signals."""
    seen: Seen = []
    receivers: dict[str, Callable[..., None]] = {}
    for name, signal in SIGNALS.items():

        def receive(sender: Any, _name: str = name, **kwargs: Any) -> None:
            seen.append((_name, kwargs | {"sender": sender}))

        receivers[name] = receive
        signal.connect(receive, sender=sender)
    try:
        yield seen
    finally:
        for name, signal in SIGNALS.items():
            signal.disconnect(receivers[name], sender=sender)


def wait_for_both(seen: Seen) -> tuple[dict[str, Any], dict[str, Any]]:
    eventually(lambda: len(seen) == 2)
    assert [name for name, _ in seen] == ["connected", "disconnected"]
    return seen[0][1], seen[1][1]


def test_both_signals_of_a_view(live: LiveServer) -> None:
    with received(views.echo) as seen:
        client = logged_in("ann")
        with live.connect("/echo/?a=1", additional_headers=cookies(client)) as ws:
            eventually(lambda: seen)
            ws.close(3001, "bye")
        opened, ended = wait_for_both(seen)
    for arguments in (opened, ended):
        assert arguments["sender"] is views.echo
        assert arguments["path"] == "/echo/"
        assert arguments["user"].get_username() == "ann"
        assert arguments["request"] is arguments["websocket"].request
    assert (ended["code"], ended["reason"]) == (3001, "bye")
    assert 0 < ended["duration"] < WAIT
    assert "code" not in opened


def test_the_sender_is_the_view_in_the_urlconf(live: LiveServer) -> None:
    """Also of a class, and of a view without a request."""
    with received() as seen:
        with live.connect("/class/ann/") as ws:
            ws.recv(WAIT)
        opened, _ = wait_for_both(seen)
        assert opened["sender"] is views.Method
        seen.clear()
        with live.connect("/bare/7/") as ws:
            ws.recv(WAIT)
        opened, ended = wait_for_both(seen)
    assert opened["sender"] is ended["sender"] is bare
    assert opened["path"] == ended["path"] == "/bare/7/"
    assert opened["request"] is opened["user"] is None


def test_the_sender_is_the_eventsocket(live: LiveServer, settings: Any) -> None:
    chat = EventSocket("/signalled")
    settings.ROOT_URLCONF = type("urls", (), {"urlpatterns": [path("chat/", chat)]})
    try:
        with received(chat) as seen:
            with live.connect("/chat/"):
                pass
            opened, _ = wait_for_both(seen)
    finally:
        forget(chat)
    assert opened["sender"] is chat


def test_a_receiver_uses_the_orm_in_a_thread_of_its_own_pool(live: LiveServer) -> None:
    threads: list[str] = []

    def receive(sender: Any, user: Any, websocket: Any, **kwargs: Any) -> None:
        threads.append(threading.current_thread().name)
        User.objects.filter(pk=user.pk).update(first_name="online")
        websocket.write_message("from a receiver")

    websocket_connected.connect(receive)
    try:
        client = logged_in("ann")
        with live.connect("/echo/", additional_headers=cookies(client)) as ws:
            assert ws.recv(WAIT) == "from a receiver"
    finally:
        websocket_connected.disconnect(receive)
    assert User.objects.get().first_name == "online"
    assert threads[0].startswith("c10kws-signals")


def test_the_second_signal_waits_for_the_first(live: LiveServer) -> None:
    release = threading.Event()
    order: list[str] = []

    def connected(sender: Any, **kwargs: Any) -> None:
        release.wait(WAIT)
        order.append("connected")

    def disconnected(sender: Any, **kwargs: Any) -> None:
        order.append("disconnected")

    websocket_connected.connect(connected)
    websocket_disconnected.connect(disconnected)
    try:
        with live.connect("/echo/") as ws:
            ws.send("a")
            assert ws.recv(WAIT) == "a"  # the handler does not wait for receivers
        release.set()
        eventually(lambda: len(order) == 2)
    finally:
        websocket_connected.disconnect(connected)
        websocket_disconnected.disconnect(disconnected)
    assert order == ["connected", "disconnected"]


def test_a_receiver_that_raises_is_logged(
    live: LiveServer, caplog: pytest.LogCaptureFixture
) -> None:
    def receive(sender: Any, **kwargs: Any) -> None:
        raise LookupError("in a receiver")

    websocket_connected.connect(receive)
    try:
        with received() as seen:
            with live.connect("/echo/") as ws:
                ws.send("a")
                assert ws.recv(WAIT) == "a"
            wait_for_both(seen)
    finally:
        websocket_connected.disconnect(receive)
    eventually(lambda: "in a receiver" in caplog.text)


def test_a_refused_handshake_sends_no_signal(live: LiveServer) -> None:
    with received() as seen:
        with live.connect("/permitted/") as ws:
            assert closed_with(ws)[0] == 4403
        with live.connect("/failing/") as ws:
            ws.send("x")
            assert closed_with(ws)[0] == 1011
        _, ended = wait_for_both(seen)
    assert (ended["path"], ended["code"]) == ("/failing/", 1011)


def test_nothing_is_done_without_a_receiver(
    live: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def submit(*args: Any) -> None:
        raise AssertionError("a thread was asked")

    monkeypatch.setattr(connection_signals, "_submit", submit)
    with received(views.failing), live.connect("/echo/") as ws:  # receivers of another sender
        ws.send("a")
        assert ws.recv(WAIT) == "a"
