"""An ended connection leaves nothing for the garbage collector: all of it is freed at once.

Only then may living connections be frozen (``gc.freeze``), since a cycle among frozen objects is
never freed. The application is called without a server, whose objects would be in the way.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib import messages
from django.contrib.auth.models import User
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django.urls import path
from django.utils.functional import LazyObject

from c10kws import WebSocket, asynchronous, hijack, websocket
from c10kws.events import EventSocket, Socket
from c10kws.handlers.servers import KEY
from c10kws.longpoll.handler import Handler
from c10kws.test.stage import Stage
from c10kws.test.transport import MemoryStream
from tests.support.accounts import cookies, logged_in
from tests.support.events import forget
from tests.support.frames import TEXT, close_frame, frame
from tests.support.garbage import no_garbage
from tests.support.peers import HANDSHAKE
from tests.support.waiting import WAIT

pytestmark = pytest.mark.thorough

#: Connections of a test: one object more or less would be an accident.
CONNECTIONS = 3


async def echo(ws: WebSocket) -> None:
    async for message in ws:
        await ws.write_message(message)


async def fail(ws: WebSocket) -> None:
    await ws.write_message(await ws.read_message())
    raise LookupError("as told")


async def ask(ws: WebSocket) -> None:
    """Echo a message with the name of a user whom the handshake did not load."""
    message = await ws.read_message()
    await ws.write_message(f"{message} {await name_of(ws.request)}")


@sync_to_async
def name_of(request: HttpRequest) -> str:
    """Load the user in a thread: asgiref's ``sync_to_async`` leaves a cycle in ``auser()``."""
    return request.user.get_username()


def note(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    def wrapped(request: HttpRequest) -> HttpResponse:
        messages.info(request, "a message that no page shows")
        return view(request)

    return wrapped


@asynchronous
def poll(request: HttpRequest, handler: Handler) -> None:
    """Respond later; the user is not loaded."""
    handler.pending.loop.call_later(0.01, handler.finish, "answer")


@asynchronous
async def poll_as_user(request: HttpRequest, handler: Handler) -> HttpResponse:
    return HttpResponse(await name_of(request))


@asynchronous
async def poll_in_vain(request: HttpRequest, handler: Handler) -> None:
    await asyncio.sleep(WAIT)


urlpatterns = [
    path("kept/", note(websocket(echo))),
    path("let-go/", note(websocket(keep_request=False)(echo))),
    path("not-loaded/", websocket(load_user=False)(echo)),
    path("asked/", websocket(load_user=False)(ask)),
    path("neither/", websocket(keep_request=False, load_user=False)(echo)),
    path("failing/", websocket(fail)),
    path("poll/", poll),
    path("poll-as-user/", poll_as_user),
    path("poll-in-vain/", poll_in_vain),
]


class Visitor:
    """A client without a server: it calls the application and carries bytes in memory."""

    def __init__(self, headers: dict[str, str]) -> None:
        self._application: Any = get_wsgi_application()
        self._headers = {f"HTTP_{name.upper()}": value for name, value in headers.items()}
        self._stage = Stage()

    def call(self, path: str, stream: MemoryStream, **keys: Any) -> Any:
        environ = RequestFactory(**self._headers)._base_environ(  # type: ignore[attr-defined]
            PATH_INFO=path,
            **{
                hijack.STREAM: stream,
                hijack.LOOP: self._stage.loop,
                hijack.EXECUTOR: self._stage,
                hijack.SERVER: self._stage.server,
                hijack.ON_STOP: self._stage.on_stop,
            },
            **keys,
        )
        return self._application(environ, lambda *_: None)

    def talk(self, path: str, message: bytes) -> bytes:
        """Open a WebSocket, send a message, and close; return what the server has sent."""
        sent: list[bytes | None] = []
        stream = MemoryStream(self._stage.loop, self._stage.change)
        stream.receive = lambda data: (sent.append(data), self._stage.change())[0]
        response = self.call(path, stream, **HANDSHAKE)
        assert response.status_code == 101, response.content
        response.close()
        self.wait(lambda: stream.transport)
        assert stream.transport is not None
        self._stage.loop.call_soon(stream.transport.deliver, frame(TEXT, message))
        self.wait(lambda: any(message[:5] in data for data in sent if data))
        self._stage.loop.call_soon(stream.transport.deliver, close_frame(1000))
        self.wait(lambda: None in sent and not self._stage.server[KEY].clients)
        return b"".join(data for data in sent if data)

    def poll(self, path: str, *, leaves: bool = False) -> None:
        """Wait for the response of a long poll, or disconnect before it."""
        deferred: list[Any] = []
        stream = MemoryStream(self._stage.loop, self._stage.change)
        placeholder = self.call(path, stream, **{hijack.DEFER: deferred.append})
        task = self._stage.loop.create_task(self._receive(deferred.pop()))
        if leaves:
            self._stage.loop.call_later(0.01, task.cancel)
        self.wait(task.done)
        placeholder.close()
        self.wait(lambda: not self._stage.server[KEY].clients)

    async def _receive(self, deferred: Any) -> None:
        with suppress(asyncio.CancelledError):
            await deferred
        self._stage.change()

    def wait(self, condition: Callable[[], object]) -> None:
        """Run the loop and the jobs of the pool, and what they leave for the next turn."""
        deadline = self._stage.loop.time() + WAIT
        while not self._stage.run_until(condition, 0.01):
            assert self._stage.loop.time() < deadline
        self._stage.run_until(lambda: True, WAIT)

    def leave(self) -> None:
        self._stage.close(WAIT)


@pytest.fixture
def endpoint() -> Iterator[EventSocket]:
    chat = EventSocket("/garbage", history={"kept": {"size": 5, "ttl": 60}})

    @chat.on
    async def said(socket: Socket, data: dict[str, Any]) -> None:
        socket.emit("heard", data)

    @chat.on
    def shouted(socket: Socket, data: dict[str, Any]) -> None:
        socket.join("loud")
        chat.to("loud").emit("heard", data)

    @asynchronous
    async def poll_room(request: HttpRequest, handler: Handler) -> HttpResponse:
        """Wait for the next event, or for the answer without events."""
        room = chat.to("kept")
        start = await room.wait()
        handler.pending.loop.call_later(0.01, room.emit, "said")
        await room.wait(start.position)
        return HttpResponse((await room.wait((await room.wait()).position, timeout=0)).as_json())

    @asynchronous
    async def poll_room_in_vain(request: HttpRequest, handler: Handler) -> HttpResponse:
        room = chat.to("kept")
        return HttpResponse((await room.wait((await room.wait()).position)).as_json())

    chat.may_join(lambda socket, room: True)
    added = [
        path("events/", chat),
        path("poll-room/", poll_room),
        path("poll-room-in-vain/", poll_room_in_vain),
    ]
    urlpatterns.extend(added)
    yield chat
    del urlpatterns[-len(added) :]
    forget(chat)


@pytest.fixture(params=["anonymous", "logged in"])
def visitor(
    request: pytest.FixtureRequest,
    transactional_db: None,
    settings: Any,
    endpoint: EventSocket,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Visitor]:
    settings.ROOT_URLCONF = __name__
    # pytest would keep the records, and with them requests and exceptions.
    monkeypatch.setattr(logging.getLogger("django.request"), "propagate", False)
    headers = cookies(logged_in("ann")) if request.param == "logged in" else {}
    visitor = Visitor(headers)
    yield visitor
    visitor.leave()


def is_of_connection(thing: object) -> bool:
    """Return True for the objects of a connection; threads of other tests may leave others."""
    kinds = (HttpRequest, HttpResponse, LazyObject, User, asyncio.Future)
    return isinstance(thing, kinds) or type(thing).__module__.startswith("c10kws.")


@pytest.mark.parametrize("name", ["kept", "let-go", "not-loaded", "neither", "failing"])
def test_of_a_websocket(visitor: Visitor, name: str) -> None:
    visitor.talk(f"/{name}/", b"hello")
    with no_garbage(is_of_connection):
        for _ in range(CONNECTIONS):
            visitor.talk(f"/{name}/", b"hello")


def test_of_a_user_who_is_loaded_late(visitor: Visitor) -> None:
    answer = visitor.talk("/asked/", b"hello")
    with no_garbage(is_of_connection):
        assert visitor.talk("/asked/", b"hello") == answer


@pytest.mark.parametrize("event", ["said", "shouted"])
def test_of_a_client_of_an_event_endpoint(visitor: Visitor, event: str) -> None:
    message = b'{"event": "%s", "data": {"text": "hello"}}' % event.encode()
    visitor.talk("/events/", message)
    with no_garbage(is_of_connection):
        for _ in range(CONNECTIONS):
            visitor.talk("/events/", message)


def test_of_a_client_that_comes_back(visitor: Visitor, endpoint: EventSocket) -> None:
    endpoint.to("kept").emit("said")
    since = b'{"epoch": "?", "seq": 0}'
    message = b'{"event": "ws:join", "id": 1, "data": {"room": "kept", "since": %s}}' % since
    visitor.talk("/events/", message)
    with no_garbage(is_of_connection):
        for _ in range(CONNECTIONS):
            visitor.talk("/events/", message)


@pytest.mark.parametrize("name", ["poll", "poll-as-user", "poll-room"])
def test_of_a_long_poll(visitor: Visitor, name: str) -> None:
    visitor.poll(f"/{name}/")
    with no_garbage(is_of_connection):
        for _ in range(CONNECTIONS):
            visitor.poll(f"/{name}/")


@pytest.mark.parametrize("name", ["poll", "poll-in-vain", "poll-room-in-vain"])
def test_of_a_long_poll_whose_client_disconnects(visitor: Visitor, name: str) -> None:
    visitor.poll(f"/{name}/", leaves=True)
    with no_garbage(is_of_connection):
        for _ in range(CONNECTIONS):
            visitor.poll(f"/{name}/", leaves=True)
