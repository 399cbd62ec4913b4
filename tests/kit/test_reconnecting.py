"""Clients of the test kit that come back, and results of emits."""

from __future__ import annotations

import json
from typing import Any

from django.db import transaction
from django.test import override_settings
from django.urls import path

from c10kws import asynchronous, websocket
from c10kws.events import EventSocket, Socket
from c10kws.events.brokers.registry import brokers
from c10kws.test import Client, TestCase, TestWebSocket
from tests.support.events import forget

HISTORY = {"kept*": {"size": 3, "ttl": 60}}
urlpatterns: list[Any] = []


@override_settings(ROOT_URLCONF="tests.kit.test_reconnecting")
class RoomTests(TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.chat = chat = EventSocket("/kit", history=HISTORY)
        self.addCleanup(forget, chat)
        self.joins = ["kept"]
        self.allowed = True

        @chat.on("open")
        def enter(socket: Socket) -> None:
            for room in self.joins:
                socket.join(room)

        chat.may_join(lambda socket, room: self.allowed)
        urlpatterns[:] = [path("chat/", chat)]

    def open(self) -> TestWebSocket:
        return self.client.websocket("/chat/")

    def say(self, *values: int, room: str = "kept") -> None:
        for value in values:
            self.chat.to(room).emit("said", {"n": value})

    def heard(self, ws: TestWebSocket, count: int) -> list[int]:
        return [ws.expect("said")["n"] for _ in range(count)]


class ReconnectTests(RoomTests):
    def test_a_room_that_the_server_has_joined_is_resumed(self) -> None:
        with self.open() as ws:
            self.say(1)
            self.assertEqual(self.heard(ws, 1), [1])
            ws.close()
            self.say(2, 3)
            ws.reconnect()
            self.assertEqual(self.heard(ws, 2), [2, 3])
            self.say(4)
            self.assertEqual(self.heard(ws, 1), [4])
            ws.expect_nothing()

    def test_a_room_that_the_client_has_joined_is_joined_again(self) -> None:
        self.joins = []
        with self.open() as ws:
            reply = ws.join("kept")
            self.assertEqual((reply["seq"], reply["recovered"]), (0, False))
            self.say(1)
            ws.reconnect()
            self.say(2)
            self.assertEqual(self.heard(ws, 2), [1, 2])
            ws.request("ws:leave", {"room": "kept"})
            ws.reconnect()
            self.say(3)
            ws.expect_nothing()

    def test_a_signed_name(self) -> None:
        self.joins, self.allowed = [], False
        with self.open() as ws:
            self.assertEqual(ws.join(self.chat.sign_room("kept"))["room"], "kept")
            ws.close()
            self.say(1)
            ws.reconnect()
            self.assertEqual(self.heard(ws, 1), [1])

    def test_messages_that_are_missing(self) -> None:
        with self.open() as ws:
            self.say(1)
            self.heard(ws, 1)
            ws.close()
            self.say(2, 3, 4, 5)
            ws.reconnect()
            reset = ws.expect("ws:reset")
            self.assertEqual((reset["room"], reset["seq"]), ("kept", 5))
            self.say(6)
            ws.reconnect()
            self.assertEqual(self.heard(ws, 1), [6])

    def test_a_room_without_history(self) -> None:
        self.joins = []
        with self.open() as ws:
            ws.join("other")
            ws.reconnect()
            self.assertEqual(ws.expect("ws:reset")["room"], "other")
            self.say(1, room="other")
            self.assertEqual(self.heard(ws, 1), [1])
            self.assertEqual(ws.positions, {})

    def test_a_room_that_may_not_be_joined_any_more(self) -> None:
        self.joins = []
        with self.open() as ws:
            ws.join("kept")
            self.allowed = False
            ws.reconnect()
            warning = ws.expect("warning")
            self.assertEqual((warning["code"], warning["room"]), ("forbidden", "kept"))
            ws.reconnect()
            ws.expect_nothing()

    def test_a_room_that_the_server_does_not_join_again(self) -> None:
        with self.open() as ws:
            self.say(1)
            self.heard(ws, 1)
            ws.reconnect()
            self.joins, self.allowed = [], False
            ws.reconnect()
            ws.expect_nothing()
            self.assertEqual(ws.positions, {})

    def test_the_positions_of_another_client(self) -> None:
        self.joins = []
        with self.open() as one:
            one.join("kept")
            self.say(1, 2)
            self.heard(one, 2)
            since = one.positions["kept"]
            self.assertEqual(since["seq"], 2)
        self.say(3)
        with self.open() as two:
            self.assertTrue(two.join("kept", since)["recovered"])
            frame = two.receive_event()
            place = {"epoch": frame["epoch"], "seq": frame["seq"]}
            self.assertEqual((frame["room"], frame["data"]), ("kept", {"n": 3}))
            self.assertEqual(place, {"epoch": since["epoch"], "seq": 3})
            self.assertEqual(two.positions["kept"], place)

    def test_lost_messages(self) -> None:
        with self.open() as ws:
            self.say(1)
            self.heard(ws, 1)
            lost = {"room": "kept", "epoch": ws.positions["kept"]["epoch"], "seq": 0}
            text = json.dumps({"event": "ws:reset", "data": lost})
            self.chat[0].connection.write_message(text)
            self.assertEqual(ws.expect("ws:reset"), lost)
            ws.reconnect()
            self.assertEqual(self.heard(ws, 1), [1])

    def test_a_view_without_events(self) -> None:
        @websocket
        async def echo(ws: Any) -> None:
            async for message in ws:
                await ws.write_message(message)

        urlpatterns[:] = [path("echo/", echo)]
        with self.client.websocket("/echo/", subprotocols=()) as ws:
            ws.write_message("one")
            ws.reconnect()
            ws.write_message("[two")
            self.assertEqual(ws.read_message(), "one")
            self.assertEqual(ws.read_message(), "[two")


class PollTests(RoomTests):
    def test_a_long_poll_gets_the_events_of_a_room(self) -> None:
        @asynchronous
        async def receive(request: Any, handler: Any) -> Any:
            return await self.chat.to("kept").poll(request)

        urlpatterns.append(path("receive/", receive))
        since = self.client.poll("/receive/").result().json()["position"]
        poll = self.client.poll("/receive/", {"since": since})
        self.assertFalse(poll.done())
        self.say(1)
        answer = poll.result().json()
        self.assertEqual(answer["events"], [{"event": "said", "data": {"n": 1}}])
        again = self.client.poll("/receive/", {"since": since}).result()
        self.assertEqual(again.json(), answer)

    def test_a_poll_leaves_nothing_for_the_next_test(self) -> None:
        @asynchronous
        async def receive(request: Any, handler: Any) -> Any:
            return await self.chat.to("kept").poll(request)

        urlpatterns.append(path("receive/", receive))
        old = self.client.poll("/receive/").result().json()["position"]
        brokers.forget()  # as in setUp
        with self.open() as ws:
            self.say(1)
            self.assertEqual(self.heard(ws, 1), [1])
        answer = self.client.poll("/receive/", {"since": old}).result().json()
        self.assertFalse(answer["recovered"])
        poll = self.client.poll("/receive/", {"since": answer["position"]})
        self.assertFalse(poll.done())
        self.say(2)
        self.assertEqual(poll.result().json()["events"][0]["data"], {"n": 2})


class ResultTests(RoomTests):
    def test_result_in_the_thread_of_the_test(self) -> None:
        self.chat.emit("without clients").result()
        with self.open() as ws:
            emission = self.chat.to("kept").emit("said", {"n": 1})
            emission.result()
            self.assertTrue(emission.done())
            self.assertEqual(self.heard(ws, 1), [1])

    def test_result_in_a_sync_callback(self) -> None:
        @self.chat.on
        def say() -> None:
            self.chat.emit("to all").result()
            self.chat[0].emit("to one")

        with self.open() as ws:
            ws.emit("say")
            self.assertEqual(ws.expect("to all"), {})
            self.assertEqual(ws.expect("to one"), {})

    def test_result_before_the_commit(self) -> None:
        with self.open(), transaction.atomic():
            emission = self.chat.emit("later")
            with self.assertRaisesMessage(RuntimeError, "waits for the commit"):
                emission.result()

    def test_result_with_two_clients(self) -> None:
        other = Client()
        with self.open() as one, other.websocket("/chat/") as two:
            self.chat.emit("hello").result()
            one.expect("hello")
            two.expect("hello")
