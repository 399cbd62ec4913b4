"""The test pages with Django's test client, and the conversation over a socket."""

from __future__ import annotations

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from tests.support.peers import closed_with
from tests.support.servers import LiveServer
from tests.support.waiting import WAIT


def test_the_page_of_the_conversation(client: Client) -> None:
    response = client.get(reverse("c10kws-testpages:conversation"))
    assert response.status_code == 200
    assert b"conversation.js" in response.content


def test_a_form_by_get(client: Client) -> None:
    response = client.get("/test/wsgi/", {"text": ["a", "<b>"]})
    assert response.context["received"] == [("text", "a"), ("text", "<b>")]
    assert b"&lt;b&gt;" in response.content


def test_a_form_by_post_with_a_file(client: Client) -> None:
    upload = SimpleUploadedFile("f.txt", b"12345")
    response = client.post("/test/wsgi/", {"text": "a", "file": upload})
    assert response.context["received"] == [("text", "a"), ("file", "f.txt (5 bytes)")]


def test_a_form_without_its_token_is_refused() -> None:
    assert Client(enforce_csrf_checks=True).post("/test/wsgi/").status_code == 403


def test_the_conversation(live: LiveServer) -> None:
    with live.connect("/test/ws/") as ws:
        heard = [ws.recv(WAIT)]
        for message in ("Spam?", "Eggs!", "Python."):
            ws.send(message)
            heard.append(ws.recv(WAIT))
        assert heard == ["Hello!", "1. Spam?", "2. Eggs!", "3. Python."]
        assert ws.recv(WAIT) == "Goodbye!"
        assert closed_with(ws) == (1000, "")
