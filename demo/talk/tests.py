"""Tests of the talk, without a server: ``python manage.py test``."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from c10kws.test import Poll, TestCase
from talk import sessions
from talk.models import Session
from talk.sessions import TIMEOUT


class TalkTests(TestCase):
    def join(self, nick: str, status: int = 200) -> dict[str, Any]:
        response = self.client.poll("/talk/join/", {"nick": nick}, method="post").result()
        self.assertEqual(response.status_code, status)
        return response.json()

    def poll(self, mine: dict[str, Any]) -> Poll:
        return self.client.poll("/talk/recv/", {"id": mine["id"], "since": mine["since"]})

    def receive(self, mine: dict[str, Any]) -> list[tuple[str, str, str]]:
        """Return the kind, the nick and the text of new events."""
        answer = self.poll(mine).result().json()
        self.assertTrue(answer["recovered"])
        mine["since"] = answer["position"]
        return [
            (each["event"], each["data"]["nick"], each["data"]["text"]) for each in answer["events"]
        ]

    def test_messages_come_now_or_later(self) -> None:
        ada = self.join("Ada")
        self.assertEqual(self.receive(ada), [("join", "Ada", "")])
        waiting = self.poll(ada)
        self.assertFalse(waiting.done())
        for text in ("one", "two"):
            self.client.post("/talk/send/", {"id": ada["id"], "text": text})
        response = waiting.result()
        self.assertIn("X-Memory", response)
        self.assertEqual(response.json()["events"][0]["data"]["text"], "one")
        self.assertEqual(self.receive(ada), [("say", "Ada", "one"), ("say", "Ada", "two")])

    def test_a_websocket_sees_the_same_messages(self) -> None:
        with self.client.websocket("/ws/talk/") as ws:
            ws.join("talk")
            ada = self.join("Ada")
            self.client.post("/talk/send/", {"id": ada["id"], "text": "Hello!"})
            self.assertEqual(ws.expect("join")["nick"], "Ada")
            self.assertEqual(ws.expect("say")["text"], "Hello!")

    def test_nicks(self) -> None:
        ada = self.join("Ada")
        self.join("bob")
        self.assertEqual(self.join("ADA", 409), {"error": "This nick is in use."})
        self.join("x" * 31, 400)
        self.assertEqual(self.client.get("/talk/who/").json(), {"nicks": ["Ada", "bob"]})
        self.client.post("/talk/part/", {"id": ada["id"]})
        self.assertEqual(sessions.nicks(), ["bob"])

    def test_a_full_room(self) -> None:
        rows = [Session(key=str(n), nick=str(n), folded=str(n)) for n in range(sessions.LIMIT)]
        Session.objects.bulk_create(rows)
        self.assertEqual(self.join("Ada", 409), {"error": "The room is full."})

    def test_a_session_ends_when_its_window_stops_polling(self) -> None:
        ada, bob = self.join("Ada"), self.join("Bob")
        self.assertEqual(len(self.receive(ada)), 2)
        self.client.post("/talk/send/", {"id": ada["id"], "text": ""})
        old = timezone.now() - 2 * TIMEOUT
        Session.objects.filter(key=bob["id"]).update(seen=old)
        self.assertEqual(self.receive(ada), [("part", "Bob", "")])
        self.assertEqual(self.poll(bob).result().status_code, 403)
        response = self.client.post("/talk/send/", {"id": bob["id"], "text": "Hello!"})
        self.assertEqual(response.status_code, 403)

    def test_a_text_that_does_not_fit(self) -> None:
        ada = self.join("Ada")
        for text in ("", " ", "x" * 1001):
            response = self.client.post("/talk/send/", {"id": ada["id"], "text": text})
            self.assertEqual(response.status_code, 400)
        self.assertEqual(self.poll({**ada, "since": "?"}).result().status_code, 400)
