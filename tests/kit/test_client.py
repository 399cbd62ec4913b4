"""The test client, used as in the tests of a project."""

from __future__ import annotations

import signal
import threading
from typing import Any

import pytest
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models.signals import post_save
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.test import override_settings
from django.urls import path

from c10kws.events import EmitHandlerError, EventError, EventSocket, Socket, paths
from c10kws.test import Client, Closed, Refused, TestCase, without_server
from tests.support.events import bind_blocks


class EventTests(TestCase):
    def setUp(self) -> None:
        self.chat = EventSocket("/kit")
        self.addCleanup(paths.remove, self.chat)

    def test_everything_runs_in_the_thread_and_the_transaction_of_the_test(self) -> None:
        User.objects.create_user("of the test")

        @self.chat.on
        def save(socket: Socket, data: dict[str, Any]) -> dict[str, Any]:
            assert threading.current_thread() is threading.main_thread()
            User.objects.create_user(data["name"])
            socket.emit("saved", {"count": User.objects.count()})
            return {"name": data["name"]}

        @self.chat.on
        async def count() -> int:
            return await User.objects.acount()

        with self.client.websocket("/events/kit/") as ws:
            ws.emit("save", {"name": "ann"})
            self.assertEqual(ws.expect("saved"), {"count": 2})
            self.assertEqual(ws.request("save", {"name": "bob"}), {"name": "bob"})
            self.assertEqual(ws.expect("saved"), {"count": 3})
            self.assertEqual(ws.request("count"), 3)
            ws.expect_nothing()
        self.assertEqual(User.objects.count(), 3)

    def test_a_failed_assertion_in_a_callback_is_an_internal_error(self) -> None:
        @self.chat.on
        def fall() -> None:
            pytest.fail("in a callback")

        with self.client.websocket("/events/kit/") as ws:
            with self.assertRaisesMessage(AssertionError, "internal error"):
                ws.request("fall")
            ws.expect("ws:bye")
            self.assertEqual(ws.expect_close(), (1011, "internal error"))

    def test_ctrl_c_ends_the_test(self) -> None:
        @self.chat.on
        def in_thread() -> None:
            signal.raise_signal(signal.SIGINT)

        @self.chat.on
        async def on_loop() -> None:
            signal.raise_signal(signal.SIGINT)

        for event in ("in_thread", "on_loop"):
            with self.client.websocket("/events/kit/") as ws, self.assertRaises(KeyboardInterrupt):
                ws.request(event)

    def test_two_clients_talk(self) -> None:
        @self.chat.on
        def say(socket: Socket, data: dict[str, Any]) -> None:
            self.chat.emit("said", data, exclude=socket)

        with self.client.websocket("/events/kit/") as one:
            with self.client.websocket("/events/kit/", subprotocols=()) as two:
                one.emit("say", "hi")
                self.assertEqual(two.expect("said"), {"message": "hi"})
                one.expect_nothing()
                self.chat.emit("all")
                self.assertEqual(one.expect("all"), {})
                self.assertEqual(two.expect("all"), {})
            self.assertEqual(len(self.chat), 1)
        self.assertEqual(len(self.chat), 0)

    def test_emits_wait_for_the_block_of_the_callback(self) -> None:
        @self.chat.on
        def save(socket: Socket) -> None:
            with transaction.atomic():
                socket.emit("late")
                socket.emit("early", on_commit=False)

        @self.chat.on
        def fail(socket: Socket) -> None:
            with transaction.atomic():
                socket.emit("never")
                raise EventError("invalid", "no")

        with self.client.websocket("/events/kit/") as ws:
            ws.emit("save")
            ws.expect("early")
            ws.expect("late")
            with self.assertRaisesMessage(AssertionError, "invalid"):
                ws.request("fail")
            ws.expect_nothing()

    def test_the_order_of_blocks_is_that_of_production(self) -> None:
        order = bind_blocks(self.chat)
        with self.client.websocket("/events/kit/") as ws:
            for name in ("socket", "chat"):
                ws.emit("blocks", {"by": name})
                self.assertEqual([ws.receive_event()["event"] for _ in order], order)

    def test_code_after_a_block_sees_the_effects_of_its_commit(self) -> None:
        done: list[str] = []

        @self.chat.on
        def save(socket: Socket) -> None:
            with transaction.atomic():
                transaction.on_commit(lambda: done.append("committed"))
                socket.emit("saved")
            done.append("behind it")
            socket.close(4000, "done")

        with self.client.websocket("/events/kit/") as ws:
            ws.emit("save")
            self.assertEqual(ws.expect("saved"), {})  # before the Close
            self.assertEqual(ws.expect("ws:bye")["code"], 4000)
        self.assertEqual(done, ["committed", "behind it"])

    def test_a_request_while_a_websocket_is_open(self) -> None:
        def view(request: HttpRequest) -> HttpResponse:
            with transaction.atomic():
                self.chat.emit("first")
            self.chat.emit("second")
            return HttpResponse()

        urls = [path("view/", view), path("chat/", self.chat)]
        with override_settings(ROOT_URLCONF=type("urls", (), {"urlpatterns": urls})):
            with self.client.websocket("/chat/") as ws:
                self.client.get("/view/")
                self.assertEqual(
                    [ws.receive_event()["event"] for _ in range(2)], ["first", "second"]
                )
                with self.captureOnCommitCallbacks(execute=True) as callbacks:
                    self.client.get("/view/")
                self.assertEqual(len(callbacks), 1)
                self.assertEqual(
                    [ws.receive_event()["event"] for _ in range(2)], ["second", "first"]
                )
            with self.captureOnCommitCallbacks() as callbacks:
                self.client.get("/view/")
            self.assertEqual(
                len(callbacks), 1
            )  # without a WebSocket Django's behaviour is unchanged

    def test_a_signal_emits(self) -> None:
        @receiver(post_save, sender=User)
        def tell(instance: User, **kwargs: Any) -> None:
            self.chat.emit("saved", {"name": instance.username})

        self.addCleanup(post_save.disconnect, tell, sender=User)
        with self.client.websocket("/events/kit/") as ws:
            User.objects.create_user("ann")
            self.assertEqual(ws.expect("saved"), {"name": "ann"})
            with transaction.atomic():
                User.objects.create_user("bob")
                ws.expect_nothing()
            self.assertEqual(ws.expect("saved"), {"name": "bob"})

    def test_the_user_of_a_socket(self) -> None:
        @self.chat.on
        def who(socket: Socket) -> str:
            return str(socket.user)

        self.client.force_login(User.objects.create_user("ann"))
        with self.client.websocket("/events/kit/") as ws:
            self.assertEqual(ws.request("who"), "ann")

    def test_emits_without_clients_raise_nothing_in_a_test_case(self) -> None:
        with (
            without_server(),
            self.settings(C10KWS={"EMIT_WITHOUT_SERVER": "raise"}),
        ):
            with self.assertRaises(EmitHandlerError):
                self.chat.emit("news")
            Client()
            self.chat.emit("news")
        self.assertEqual((self.chat.delivered, self.chat.dropped), (0, 0))

    def test_waiting_for_an_event_that_does_not_come_fails(self) -> None:
        with self.client.websocket("/events/kit/", timeout=0.05) as ws:
            with self.assertRaisesMessage(AssertionError, "within 0.05 seconds"):
                ws.expect("godot")
            self.chat.emit("another")
            with self.assertRaisesMessage(AssertionError, "The next event is not 'godot'"):
                ws.expect("godot")


class OwnPathTests(TestCase):
    """An EventSocket as a view, with a URL of its own or decorated."""

    def setUp(self) -> None:
        chat = EventSocket("/elsewhere", add_to_handlers=False)
        self.addCleanup(paths.remove, chat)
        chat.on("where")(lambda socket: [socket.kwargs, socket.request.path])
        urls = type("urls", (), {})
        urls.urlpatterns = [  # type: ignore[attr-defined]
            path("open/<slug:room>/", chat),
            path("members/<slug:room>/", login_required(chat)),
        ]
        settings = override_settings(ROOT_URLCONF=urls)
        settings.enable()
        self.addCleanup(settings.disable)

    def test_a_path_of_its_own(self) -> None:
        with self.client.websocket("/open/tea/") as ws:
            self.assertEqual(ws.request("where"), [{"room": "tea"}, "/open/tea/"])

    def test_a_decorated_event_socket(self) -> None:
        self.assertEqual(self.client.websocket("/members/tea/").response.status_code, 302)
        self.client.force_login(User.objects.create_user("ann"))
        with self.client.websocket("/members/tea/") as ws:
            self.assertEqual(ws.request("where"), [{"room": "tea"}, "/members/tea/"])


class HandshakeTests(TestCase):
    def test_refusals_are_ordinary_responses(self) -> None:
        ws = self.client.websocket("/ws/members/")
        self.assertFalse(ws.accepted)
        assert isinstance(ws.response, HttpResponse)
        self.assertRedirects(
            ws.response,  # type: ignore[arg-type]
            "/accounts/login/?next=/ws/members/",
            fetch_redirect_response=False,
        )
        with self.assertRaisesMessage(Refused, "refused with 302"), ws:
            self.fail()
        self.assertEqual(self.client.websocket("/ws/nowhere/").response.status_code, 404)

    def test_plain_websockets(self) -> None:
        with self.client.websocket("/ws/echo/") as ws:
            for message in ("é", b"\x00" * 300_000, ""):
                ws.write_message(message)
                self.assertEqual(ws.read_message(), message)

    def test_an_opcode_overrides_the_type(self) -> None:
        with self.client.websocket("/ws/echo/") as ws:
            ws.write_message("é", 2)
            self.assertEqual(ws.read_message(), "é".encode())
            ws.write_message("é".encode(), 1)
            self.assertEqual(ws.read_message(), "é")

    def test_how_the_server_closes(self) -> None:
        with self.client.websocket("/ws/closing/4001/") as ws:
            self.assertEqual(ws.expect_close()[0], 4001)
            with self.assertRaises(Closed):
                ws.read_message()
