"""Emits inside transactions."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.db import connections, transaction
from django.test import TestCase
from django.utils.connection import ConnectionDoesNotExist

from c10kws.events import EventSocket, Socket
from c10kws.events.commit import after_commit
from tests.support.events import Connect, bind_blocks
from tests.support.waiting import eventually


@pytest.mark.parametrize("by", ["socket", "chat"])
def test_the_order_of_blocks(chat: EventSocket, connect: Connect, by: str) -> None:
    order = bind_blocks(chat)
    with connect() as client:
        eventually(lambda: len(chat) == 1)
        client.send("blocks", {"by": by})
        assert [client.receive()["event"] for _ in order] == order


def test_emits_wait_for_the_commit_of_the_outermost_block(
    chat: EventSocket, connect: Connect
) -> None:
    @chat.on
    def save(socket: Socket) -> None:
        with transaction.atomic():
            with transaction.atomic():
                User.objects.create_user("ann")
                socket.emit("saved", {"by": "socket"})
                chat.emit("saved", {"by": "chat"})
                chat.to("room").emit("saved", {"by": "room"})
            socket.emit("first", on_commit=False)
        socket.emit("last")

    with connect() as client:
        eventually(lambda: len(chat) == 1)
        chat[0].join("room")
        client.send("save")
        events = [client.receive() for _ in range(5)]
    to_it = [
        frame for frame in events if "by" not in frame["data"] or frame["data"]["by"] == "socket"
    ]
    assert [frame["event"] for frame in to_it] == ["first", "saved", "last"]
    broadcasts = [frame["data"]["by"] for frame in events if frame not in to_it]
    assert broadcasts == ["chat", "room"]


def test_emits_are_dropped_on_rollback(chat: EventSocket, connect: Connect) -> None:
    @chat.on
    def fail(socket: Socket) -> None:
        try:
            with transaction.atomic():
                socket.emit("saved")
                chat.emit("saved")
                raise LookupError
        except LookupError:
            socket.emit("failed")

    with connect() as client:
        client.send("fail")
        assert client.expect("failed") == {}
        client.send("fail")
        assert client.expect("failed") == {}


def test_other_threads_and_async_callbacks_send_at_once(
    chat: EventSocket, connect: Connect
) -> None:
    @chat.on
    def beside(socket: Socket) -> None:
        with transaction.atomic():
            thread = threading.Thread(target=socket.emit, args=["thread"])
            thread.start()
            thread.join()
            socket.emit("block")
            socket.emit("now", on_commit=False)

    @chat.on
    async def on_loop(socket: Socket) -> None:
        await socket.emit("loop")

    with connect() as client:
        client.send("beside")
        client.send("on_loop")
        events = [client.receive()["event"] for _ in range(4)]
        assert events == ["thread", "now", "block", "loop"]


def test_a_client_that_disconnects_before_the_commit_is_skipped(
    chat: EventSocket, connect: Connect
) -> None:
    emitted, left = threading.Event(), threading.Event()
    done: list[int] = []

    @chat.on
    def save(socket: Socket) -> None:
        with transaction.atomic():
            socket.emit("saved")
            emitted.set()
            assert left.wait(60)
            eventually(lambda: socket.closed)
        done.append(1)

    with connect() as client:
        client.send("save")
        assert emitted.wait(60)
    left.set()
    eventually(lambda: done == [1])


class OwnBlocks(TestCase):
    """The blocks of a TestCase, which are never committed."""

    def test_emits_do_not_wait_for_them(self) -> None:
        assert not after_commit(self.fail, None)

    def test_emits_wait_for_blocks_within_them(self) -> None:
        sent: list[int] = []
        with self.captureOnCommitCallbacks(execute=True), transaction.atomic():
            assert after_commit(lambda: sent.append(1), "default")
            assert not sent
        assert sent == [1]


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[str]:
    """A second database, in a file, since Django never closes one in memory."""
    settings = {"ENGINE": "django.db.backends.sqlite3", "NAME": tmp_path / "elsewhere.sqlite3"}
    configured = connections.configure_settings({"default": settings, "elsewhere": settings})
    connections.settings["elsewhere"] = configured["elsewhere"]
    yield "elsewhere"
    del connections.settings["elsewhere"]


def test_using_names_the_database(chat: EventSocket, connect: Connect, elsewhere: str) -> None:
    @chat.on
    def save(socket: Socket) -> None:
        connections[elsewhere].connect()  # otherwise Django's tests would forbid it
        with transaction.atomic(elsewhere):
            for emit in (socket.emit, chat.emit, chat.to("room").emit):
                emit("late", using=elsewhere)
            socket.emit("first")  # waits for another database
        with transaction.atomic():
            socket.emit("second", using=elsewhere)
            with pytest.raises(ConnectionDoesNotExist, match="nowhere"):
                socket.emit("never", using="nowhere")
        connections[elsewhere].close()
        del connections[elsewhere]

    with connect() as client:
        eventually(lambda: len(chat) == 1)
        chat[0].join("room")
        client.send("save")
        events = [client.receive()["event"] for _ in range(5)]
    assert events[0] == "first"
    assert sorted(events[1:]) == ["late", "late", "late", "second"]
