"""The 101 and what its handler keeps of the handshake, with the request and without."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Callable
from contextvars import ContextVar
from types import SimpleNamespace
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import AnonymousUser, User
from django.core.signals import got_request_exception
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django.urls import path, resolve
from django.utils import timezone, translation
from django.utils.functional import SimpleLazyObject

from c10kws import WebSocket, hijack, websocket
from c10kws.connection.websocket import connection_of
from c10kws.views.responses import SwitchingProtocols
from tests.differences import ADMINS, mails_without_mailers
from tests.support.accounts import cookies, logged_in
from tests.support.peers import HANDSHAKE, closed_with
from tests.support.servers import LiveServer
from tests.support.waiting import WAIT, eventually

View = Callable[..., HttpResponse]

colour: ContextVar[str] = ContextVar("colour", default="none")
found: list[Any] = []
requests: list[weakref.ref[HttpRequest]] = []


def handshake(view: View) -> View:
    """Set a session value, a context variable and a time zone, as middleware does."""

    def wrapped(request: HttpRequest, **kwargs: Any) -> HttpResponse:
        requests[:] = [weakref.ref(request)]
        request.session["handshake"] = "yes"
        colour.set("blue")
        with timezone.override(ZoneInfo("Asia/Kathmandu")):
            return view(request, **kwargs)

    return wrapped


def with_own_user(view: View) -> View:
    """Set a lazy user, as middleware for tokens does."""

    def wrapped(request: HttpRequest, **kwargs: Any) -> HttpResponse:
        async def auser() -> Any:
            return request.user

        user = User(username="own")
        request.user, request.auser = SimpleLazyObject(lambda: request and user), auser
        return view(request, **kwargs)

    return wrapped


async def tell(ws: WebSocket, word: str) -> None:
    """Send the context, wait for a command, and raise an exception if the command is to fail."""
    found[:] = [getattr(ws, name, None) for name in ("request", "user")]
    here = f"{translation.get_language()} {timezone.get_current_timezone_name()}"
    await ws.write_message(f"{word} {colour.get()} {here}")
    if await ws.read_message() == "fail":
        raise LookupError("as told")


async def ask(ws: WebSocket) -> None:
    await ws.write_message(str(ws.request))


async def load(ws: WebSocket) -> None:
    """Load the user of the request in both ways, each time again."""
    request = ws.request
    users = [await request.auser(), await sync_to_async(lambda: request.user.get_username())()]
    assert users[0] is await request.auser()
    await ws.write_message(f"{users[0]} {users[1]}")


async def say_lane(ws: WebSocket) -> None:
    await ws.write_message(str(connection_of(ws).sender.protocol.fast_lane))


urlpatterns = [
    path("lane/", websocket(say_lane)),
    path("kept/<str:word>/", handshake(websocket(tell))),
    path("let-go/<str:word>/", handshake(websocket(keep_request=False)(tell))),
    path("nobody/<str:word>/", handshake(websocket(keep_request=False, load_user=False)(tell))),
    path("asks/", websocket(keep_request=False)(ask)),
    path("loads/loaded/", websocket(load)),
    path("loads/lazy/", websocket(load_user=False)(load)),
    path("loads/own/", with_own_user(websocket(load))),
    path("loads/own-lazy/", with_own_user(websocket(load_user=False)(load))),
]

every_view = pytest.mark.parametrize("name", ["kept", "let-go", "nobody"])


@pytest.fixture(autouse=True)
def own_urls(settings: Any, caplog: pytest.LogCaptureFixture) -> None:
    settings.ROOT_URLCONF = __name__
    caplog.set_level("INFO", "c10kws.access")
    found.clear()


@every_view
def test_arguments_context_language_and_time_zone_stay(live: LiveServer, name: str) -> None:
    with live.connect(f"/{name}/hello/", additional_headers={"Accept-Language": "de"}) as ws:
        assert ws.recv(WAIT) == "hello blue de Asia/Kathmandu"


@every_view
def test_the_session_of_the_handshake_is_saved(live: LiveServer, name: str) -> None:
    with live.connect(f"/{name}/x/") as ws:
        ws.recv(WAIT)
        assert ws.response is not None
        (cookie,) = ws.response.headers.get_all("Set-Cookie")
    assert cookie.startswith("sessionid=")


def test_the_request_stays_unless_it_is_let_go(live: LiveServer) -> None:
    with live.connect("/kept/x/?a=1") as ws:
        ws.recv(WAIT)
        assert found[0].get_full_path() == "/kept/x/?a=1"
        assert found[0].session["handshake"] == "yes"
        assert found[1] is found[0].user


def test_a_request_that_was_let_go_is_missed_as_any_attribute(
    live: LiveServer, caplog: pytest.LogCaptureFixture
) -> None:
    with live.connect("/asks/") as ws:
        assert closed_with(ws) == (1011, "internal error")
    eventually(lambda: [each for each in caplog.records if each.name == "django.request"])
    (record,) = [each for each in caplog.records if each.name == "django.request"]
    assert record.exc_info is not None and record.exc_info[0] is AttributeError
    assert "request" in str(record.exc_info[1])


def test_the_user_stays_as_itself(live: LiveServer) -> None:
    """A lazy object would hold the request in its closure."""
    with live.connect("/let-go/x/", additional_headers=cookies(logged_in("ann"))) as ws:
        ws.recv(WAIT)
        request, user = found
        assert request is None
        assert type(user) is User
        assert user.get_username() == "ann"


def test_nobody_is_a_user_too(live: LiveServer) -> None:
    with live.connect("/let-go/x/") as ws:
        ws.recv(WAIT)
        assert type(found[1]) is AnonymousUser
    with live.connect("/kept/x/") as ws:
        ws.recv(WAIT)
        assert type(found[1]) is AnonymousUser


def test_a_user_that_was_not_asked_for_is_not_there(live: LiveServer) -> None:
    with live.connect("/nobody/x/", additional_headers=cookies(logged_in("ann"))) as ws:
        ws.recv(WAIT)
        assert found == [None, None]


@pytest.mark.parametrize("how", ["loaded", "lazy", "own", "own-lazy"])
def test_a_handler_may_ask_the_request_for_its_user(live: LiveServer, how: str) -> None:
    name = "own" if "own" in how else "ann"
    with live.connect(f"/loads/{how}/", additional_headers=cookies(logged_in("ann"))) as ws:
        assert ws.recv(WAIT) == f"{name} {name}"


def test_the_request_keeps_its_headers_but_nothing_of_the_server(live: LiveServer) -> None:
    with live.connect("/kept/x/?a=1", additional_headers={"X-Token": "yes"}) as ws:
        ws.recv(WAIT)
        request = found[0]
        assert request.headers["X-Token"] == request.environ["HTTP_X_TOKEN"] == "yes"
        assert request.get_host() == f"127.0.0.1:{live.port}"
        assert request.META["REMOTE_ADDR"] == "127.0.0.1"
        assert not {hijack.STREAM, hijack.LOOP, hijack.SERVER} & request.META.keys()
        assert request.META["wsgi.input"].read() == request.body == request.read() == b""
        assert request.GET == {"a": ["1"]} and not request.POST
        assert request.resolver_match.kwargs == {"word": "x"}
        assert request.resolver_match.tried is None


def test_without_middleware_there_is_no_user(
    make_live: Callable[..., LiveServer], settings: Any
) -> None:
    settings.MIDDLEWARE = [each for each in settings.MIDDLEWARE if "Session" in each]
    with make_live().connect("/kept/x/") as ws:
        ws.recv(WAIT)
        assert found[0] is not None and found[1] is None


def request_lives() -> bool:
    gc.collect()
    return requests[0]() is not None


@pytest.mark.parametrize(("name", "stays"), [("kept", True), ("let-go", False), ("nobody", False)])
def test_with_session_and_user_the_request_leaves_the_memory_too(
    live: LiveServer, name: str, stays: bool
) -> None:
    with live.connect(f"/{name}/x/", additional_headers=cookies(logged_in("ann"))) as ws:
        ws.recv(WAIT)
        found.clear()
        eventually(lambda: request_lives() == stays)


def test_a_request_leaves_the_memory_with_its_connection(
    live: LiveServer, caplog: pytest.LogCaptureFixture
) -> None:
    with live.connect("/kept/x/") as ws:
        ws.recv(WAIT)
        found.clear()
    eventually(lambda: "WebSocket /kept/x/" in caplog.text)
    eventually(lambda: not request_lives())


@mails_without_mailers
@pytest.mark.parametrize("name", ["kept", "let-go"])
def test_a_failure_without_the_request_reaches_receivers_and_the_admins(
    live: LiveServer, name: str, settings: Any, mailoutbox: list[Any]
) -> None:
    settings.ADMINS = ADMINS
    seen: list[Any] = []

    def receive(sender: type, request: HttpRequest | None, **kwargs: Any) -> None:
        seen.append((sender, request and request.path))

    got_request_exception.connect(receive)
    try:
        with live.connect(f"/{name}/x/?secret=1") as ws:
            ws.recv(WAIT)
            ws.send("fail")
            assert closed_with(ws) == (1011, "internal error")
        eventually(lambda: mailoutbox)
    finally:
        got_request_exception.disconnect(receive)
    assert seen == [(WebSocket, f"/{name}/x/" if name == "kept" else None)]
    (mail,) = mailoutbox
    assert f"WebSocket handler failed: /{name}/x/" in mail.subject
    assert "secret" not in mail.subject
    assert "LookupError" in mail.body


@pytest.mark.parametrize(("name", "keeps"), [("kept", True), ("let-go", False)])
def test_the_view_carries_its_options(name: str, keeps: bool) -> None:
    view = cast(Any, websocket(keep_request=keeps)(tell))
    assert view.websocket_options.keep_request is keeps
    assert cast(Any, websocket(tell)).websocket_options.keep_request is True


@pytest.mark.parametrize("setting", [None, True, False])
def test_the_lane_is_the_settings_and_else_that_of_the_run(
    live: LiveServer, settings: Any, default_lane: bool, setting: bool | None
) -> None:
    """A run without the fast lane is one: see ``conftest.py``."""
    settings.C10KWS = {"THREADS": 2} | ({} if setting is None else {"FAST_LANE": setting})
    with live.connect("/lane/") as ws:
        assert ws.recv(WAIT) == str(default_lane if setting is None else setting)


# The start, without a server


class Contract:
    """The keys of a server; ``upgraded`` is what its stream says."""

    def __init__(self, *, upgraded: bool) -> None:
        self.loop = asyncio.new_event_loop()
        self.stream = SimpleNamespace(upgraded=upgraded, attach=self.attach)

    def attach(self, factory: Callable[[], asyncio.BaseProtocol]) -> None:
        raise AssertionError("expected no use of a stream that was not upgraded")

    def answer(self, rf: RequestFactory) -> HttpResponse:
        keys = {
            hijack.STREAM: self.stream,
            hijack.LOOP: self.loop,
            hijack.EXECUTOR: None,
            hijack.SERVER: {},
            hijack.ON_STOP: None,
        }
        request = rf.get("/asks/", **cast(Any, HANDSHAKE | keys))
        return cast(HttpResponse, resolve("/asks/").func(request))


def test_a_client_that_left_during_the_handshake_starts_nothing(rf: RequestFactory) -> None:
    contract = Contract(upgraded=False)
    response = contract.answer(rf)
    assert isinstance(response, SwitchingProtocols)
    assert response.status_code == 101
    response.close()
    contract.loop.run_until_complete(asyncio.sleep(0))
    assert asyncio.all_tasks(contract.loop) == set()
    contract.loop.close()


def test_a_server_that_stopped_during_the_handshake_is_named_and_nothing_raises(
    rf: RequestFactory, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "c10kws")
    contract = Contract(upgraded=True)
    response = contract.answer(rf)
    contract.loop.close()
    response.close()
    assert "/asks/: the server stopped during the handshake" in caplog.text
