"""Tests of the chat, without a server: ``python manage.py test``."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from c10kws.test import TestCase
from chat.models import Message, Visitor
from chat.people import STALE
from chat.sockets import LAST, chat


class ChatTests(TestCase):
    def test_a_message_is_saved_and_sent(self) -> None:
        with (
            self.client.websocket("/ws/chat/tea/") as ada,
            self.client.websocket("/ws/chat/tea/") as bob,
        ):
            for ws in (ada, bob):
                ws.join("tea")
            self.assertEqual(ada.request("enter", {"name": " Ada "}), {"names": ["Ada"]})
            for ws in (ada, bob):
                self.assertEqual(ws.expect("people"), {"names": ["Ada"]})
            bob.request("enter", {"name": "Bob"})
            for ws in (ada, bob):
                self.assertEqual(ws.expect("people"), {"names": ["Ada", "Bob"]})
            ada.request("say", {"text": "Hello!"})
            message = Message.objects.get()
            for ws in (ada, bob):
                said = ws.expect("said")
                self.assertEqual((said["id"], said["text"]), (message.id, "Hello!"))
        self.assertEqual((message.room, message.name), ("tea", "Ada"))
        self.assertEqual(len(chat), 0)

    def test_a_new_client_gets_the_last_messages_of_the_room(self) -> None:
        Message.objects.create(room="python", name="Ada", text="elsewhere")
        for number in range(LAST + 2):
            Message.objects.create(room="tea", name="Ada", text=str(number))
        with self.client.websocket("/ws/chat/tea/") as ws:
            messages = ws.request("last")["messages"]
        self.assertEqual([each["text"] for each in messages], list(map(str, range(2, LAST + 2))))

    def test_a_client_that_comes_back_gets_what_it_has_missed(self) -> None:
        with (
            self.client.websocket("/ws/chat/tea/") as ada,
            self.client.websocket("/ws/chat/tea/") as bob,
        ):
            ada.request("enter", {"name": "Ada"})
            bob.join("tea")
            bob.close()
            for text in ("one", "two"):
                ada.request("say", {"text": text})
            bob.reconnect()
            self.assertEqual(bob.expect("people"), {"names": ["Ada"]})  # since Bob had left
            self.assertEqual([bob.expect("said")["text"] for _ in range(2)], ["one", "two"])

    def test_only_the_room_of_the_url_can_be_joined(self) -> None:
        with (
            self.client.websocket("/ws/chat/tea/") as ws,
            self.assertRaisesMessage(AssertionError, "you may not join this room"),
        ):
            ws.join("python")

    def test_people_whose_worker_was_killed_are_forgotten(self) -> None:
        old = timezone.now() - STALE - timedelta(seconds=1)
        Visitor.objects.create(room="tea", name="Eve", socket="of a killed worker", seen=old)
        with self.client.websocket("/ws/chat/tea/") as ws:
            ws.join("tea")
            self.assertEqual(ws.request("enter", {"name": "Ada"}), {"names": ["Ada"]})
            self.assertEqual(ws.expect("people"), {"names": ["Ada"]})
            ws.request("enter", {"name": "Ada"})  # a sign of life
            ws.expect_nothing()
        self.assertFalse(Visitor.objects.exists())

    def test_a_text_that_does_not_fit_is_refused_and_not_saved(self) -> None:
        with self.client.websocket("/ws/chat/tea/") as ws:
            with self.assertRaisesMessage(AssertionError, "enter the room with a name first"):
                ws.request("say", {"text": "too early"})
            for name in ("", "  ", "x" * 41, 3, None):
                with self.assertRaisesMessage(
                    AssertionError, "the name must have 1 to 40 characters"
                ):
                    ws.request("enter", {"name": name})
            ws.request("enter", {"name": "Ada"})
            for text in ("", "x" * 1001, ["a"]):
                with self.assertRaisesMessage(
                    AssertionError, "the text must have 1 to 1000 characters"
                ):
                    ws.request("say", {"text": text})
        self.assertFalse(Message.objects.exists())

    def test_a_room_whose_name_does_not_fit_into_the_database(self) -> None:
        with self.client.websocket(f"/ws/chat/{'x' * 51}/") as ws:
            self.assertIn("at most 50 characters", ws.expect("ws:bye")["reason"])
            self.assertEqual(ws.expect_close()[0], 4403)
