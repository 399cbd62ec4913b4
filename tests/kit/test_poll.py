"""``client.poll``, used as in the tests of ``@asynchronous`` views."""

from __future__ import annotations

import asyncio
from typing import Any

from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.test import override_settings

from c10kws.longpoll import Handler
from c10kws.test import TestCase
from tests.project.longpoll_views import parked, stage

PARK = "/longpoll/park/"
PLAY = "/longpoll/play/"


class PollTests(TestCase):
    def tearDown(self) -> None:
        assert parked.empty()

    def test_a_response_that_comes_later(self) -> None:
        poll = self.client.poll(PARK, {"since": 0})
        handler = parked.get_nowait()
        self.assertFalse(poll.done())
        handler.set_cookie("seen", "yes")
        handler.finish({"messages": [handler.get_argument("since")]})
        self.assertTrue(poll.done())
        response = poll.result()
        self.assertEqual(response.json(), {"messages": ["0"]})
        self.assertEqual(response["X-Frame-Options"], "DENY")
        self.assertEqual(self.client.cookies["seen"].value, "yes")
        self.assertEqual(response.resolver_match.route, "longpoll/park/")
        self.assertIs(poll.result(), response)

    def test_two_polls_and_a_client_that_disconnects(self) -> None:
        one, two = self.client.poll(PARK), self.client.poll(PARK, {}, method="post")
        left: list[str] = []
        first, second = parked.get_nowait(), parked.get_nowait()
        first.on_connection_close(lambda: left.append("one"))
        one.leave()
        self.assertEqual(left, ["one"])
        self.assertTrue(first.request.connection.stream.closed())
        second.finish("two")
        self.assertEqual(two.result().content, b"two")

    def test_a_view_that_answers_at_once(self) -> None:
        @stage
        def view(request: HttpRequest, handler: Handler) -> HttpResponse:
            return HttpResponse("no", status=400)

        self.assertContains(self.client.poll(PLAY).result(), "no", status_code=400)

    def test_a_coroutine_in_the_transaction_of_the_test(self) -> None:
        User.objects.create_user("ann")
        ready = asyncio.Event()

        @stage
        async def view(request: HttpRequest, handler: Handler) -> HttpResponse:
            await ready.wait()
            names = [user.username async for user in User.objects.all()]
            return JsonResponse({"names": names})

        poll = self.client.poll(PLAY)
        self.assertFalse(poll.done())
        ready.set()
        self.assertEqual(poll.result().json(), {"names": ["ann"]})

    def test_a_stream(self) -> None:
        async def chunks() -> Any:
            yield "a"
            yield "b"

        @stage
        async def view(request: HttpRequest, handler: Handler) -> StreamingHttpResponse:
            return StreamingHttpResponse(chunks())

        self.assertEqual(self.client.poll(PLAY).result().content, b"ab")

    @override_settings(C10KWS={"ASYNCHRONOUS_TIMEOUT": 0.05})
    def test_the_timeout(self) -> None:
        self.assertEqual(self.client.poll(PARK).result().status_code, 504)
        parked.get_nowait()

    def test_waiting_for_a_response_that_does_not_come_fails(self) -> None:
        poll = self.client.poll(PARK, timeout=0.05)
        with self.assertRaisesMessage(AssertionError, "No response came within 0.05 seconds"):
            poll.result()
        self.assertTrue(parked.get_nowait().request.connection.stream.closed())

    def test_without_poll(self) -> None:
        self.assertContains(self.client.get(PARK), "poll() of c10kws.test.Client", status_code=500)
