"""The ancestors' names, in addition to the examples of their manuals."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import tornado.web
import tornado.websocket
from django.test import RequestFactory
from tornado.websocket import WebSocketClosedError

import c10kws
from c10kws.compat.tornado_websockets.modules.progress_bar import ProgressBar
from c10kws.compat.tornado_websockets.tornadowrapper import TornadoWrapper
from c10kws.compat.tornado_websockets.websocket import WebSocket
from c10kws.events import PathAlreadyUsed
from tests.support.events import Connect


@pytest.mark.parametrize("version", [0, 1])
def test_connect_disconnect_and_error_are_events_like_others(
    connect: Connect, version: int
) -> None:
    ws = WebSocket("/free")

    def answer(socket: Any, data: Any) -> None:
        socket.emit("heard", data)

    for name in ("connect", "disconnect", "error"):
        ws.on(name)(answer)
    with connect("/events/free", version=version) as client:
        for name in ("connect", "disconnect", "error"):
            client.send(name, {"name": name})
            assert client.expect("heard") == {"name": name}
        client.send("open", {})  # reserved for the server
        refusal = client.expect("ws:error" if version else "warning")
        assert refusal["message"]


@pytest.mark.parametrize("name", ["open", "close", "error"])
def test_the_server_may_emit_any_event(connect: Connect, name: str) -> None:
    ws = WebSocket("/any")

    @ws.on
    def tell(socket: Any) -> None:
        socket.emit(name, {"to": "one"})
        ws.emit(name, {"to": "all"})
        ws.to("room").emit(name)

    with connect("/events/any", version=0) as client:
        client.send("tell")
        assert [client.expect(name), client.expect(name)] == [{"to": "one"}, {"to": "all"}]
    with pytest.raises(ValueError, match="ws:bye"):
        ws.emit("ws:bye")


def test_handlers_has_a_client_while_open_runs(connect: Connect) -> None:
    ws = WebSocket("/counted")

    @ws.on("open")
    def opened(socket: Any) -> None:
        assert socket in ws.handlers
        assert socket in ws
        assert list(ws) == ws.handlers
        assert ws[-1] is socket
        ws.handlers[0].emit("newest", {"is": socket})
        ws.emit("online", {"count": len(ws.handlers), "same": len(ws)})

    with connect("/events/counted", version=0) as first:
        first.expect("newest")
        assert first.expect("online") == {"count": 1, "same": 1}
        with connect("/events/counted", version=0) as second:
            assert second.expect("online") == {"count": 2, "same": 2}
            assert first.expect("newest") == {"is": ws[1].id}
            assert first.expect("online") == {"count": 2, "same": 2}


def test_the_error_of_a_path_names_the_lines_of_the_project() -> None:
    line = __file__
    first = WebSocket("/twice")
    bar = ProgressBar("/twice")
    with pytest.raises(PathAlreadyUsed) as error:
        WebSocket("/twice")
    origins = [str(first.defined_at), str(bar.defined_at), error.value.second]
    assert all(origin.startswith(f"{line}:") for origin in origins)
    assert len(set(origins)) == 3
    assert "executed twice" not in str(error.value)


def test_the_events_of_a_websocket() -> None:
    ws = WebSocket("/bound", add_to_handlers=False)
    assert ws.events == {}

    @ws.on
    def shout(socket: Any, data: Any) -> None: ...

    assert ws.events == {"shout": shout}
    assert ws.events.get("open") is None


def test_the_websocket_of_a_socket_is_its_endpoint(connect: Connect) -> None:
    ws = WebSocket("/belongs")

    @ws.on
    def tell(socket: Any) -> None:
        assert socket in socket.websocket.handlers
        socket.websocket.emit("told", {"path": socket.websocket.path})

    with connect("/events/belongs") as client, connect("/events/belongs") as other:
        client.send("tell")
        assert client.expect("told") == other.expect("told") == {"path": "/belongs"}
        assert ws[0].websocket is ws
        assert ws[0].request.path == "/events/belongs"
        assert ws[0].closed is False


@pytest.mark.parametrize("nothing", [[], {}, "", 0, False, None, ()])
def test_falsy_data_is_an_empty_dictionary(connect: Connect, nothing: Any) -> None:
    ws = WebSocket("/nothing")
    with connect("/events/nothing") as client:
        ws.emit("all", nothing)
        assert client.expect("all") == {}
        ws[0].emit("one", nothing)
        assert client.expect("one") == {}


def test_emit_to_a_disconnected_client_raises_tornados_exception(connect: Connect) -> None:
    ws = WebSocket("/leaving")
    with connect("/events/leaving"):
        socket = ws[0]
    gone = threading.Event()
    while not socket.closed:
        gone.wait(0.001)
    with pytest.raises(WebSocketClosedError) as error:
        socket.emit("late")
    assert isinstance(error.value, c10kws.ConnectionClosed)
    assert isinstance(error.value, tornado.websocket.WebSocketError)
    assert error.value.code in (1000, 1005)


def test_the_value_of_a_progress_bar_is_set(connect: Connect) -> None:
    bar = ProgressBar("/value", min=2, max=5)
    assert bar.websocket is bar
    with connect("/events/module/progress_bar/value") as client:
        client.expect("before_init")
        assert client.expect("init")["value"] == 2
        client.expect("after_init")
        bar.value = 4
        assert bar.value == 4
        bar.tick()
        client.expect("before_update")
        assert client.expect("update") == {"value": 5}
        client.expect("after_update")
        client.expect("done")
        assert bar.is_done()
        bar.websocket.emit("more", {"a": 1})
        assert client.expect("more") == {"a": 1}
    for wrong in (1, 6):
        with pytest.raises(ValueError, match="2 to 5"):
            bar.value = wrong
    endless = ProgressBar("/endless", min=0, max=0, add_to_handlers=False)
    endless.value = 7  # which is not shown
    assert endless.indeterminate


def test_arguments_of_the_wrong_type_raise() -> None:
    with pytest.raises(TypeError):
        WebSocket(7)  # type: ignore[arg-type]
    ws = WebSocket("/types", add_to_handlers=False)
    with pytest.raises(TypeError):
        ws.emit(7)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        ws.emit("data", 7)  # type: ignore[arg-type]


class Hello(tornado.web.RequestHandler):
    """A handler of Tornado."""


@pytest.fixture
def wrapper() -> Any:
    TornadoWrapper.reset()
    yield TornadoWrapper
    TornadoWrapper.reset()


def test_the_attributes_of_the_wrapper(wrapper: Any) -> None:
    assert wrapper.tornado_app is None
    assert wrapper.tornado_server is None
    assert wrapper.tornado_port == 8000
    assert wrapper.tornado_handlers == wrapper.handlers == []
    assert wrapper.tornado_settings == {}
    wrapper.add_handlers(("/hello", Hello))
    assert wrapper.handlers == [("/hello", Hello)]
    wrapper.start_app([], {"debug": False})
    assert isinstance(wrapper.tornado_app, tornado.web.Application)
    assert wrapper.tornado_settings == {"debug": False}
    wrapper.listen(0)
    (first, *_) = wrapper.tornado_server
    assert first.getsockname()[1] == wrapper.tornado_port != 0


def test_the_wrapper_checks_its_arguments(wrapper: Any) -> None:
    for call, text in (
        (lambda: wrapper.add_handlers("no list"), "list"),
        (lambda: wrapper.start_app("no list", {}), "list"),
        (lambda: wrapper.start_app([], "no dictionary"), "dict"),
        (lambda: wrapper.listen("no number"), "int"),
        (lambda: wrapper.listen(8000), "start_app"),
    ):
        with pytest.raises(TypeError, match=text):
            call()
    assert wrapper.tornado_server is None


def test_django_tornado() -> None:
    from c10kws.compat.django_tornado.decorator import asynchronous

    assert asynchronous is c10kws.asynchronous


def test_c10ktools() -> None:
    from c10kws.compat.c10ktools import http
    from c10kws.compat.c10ktools.http.websockets import websocket
    from c10kws.compat.c10ktools.websockets import WebSocket as Connection

    assert http.websocket is websocket
    assert Connection is c10kws.WebSocket

    @websocket
    def handler(ws: Any) -> Any:
        while True:
            ws.write_message((yield from ws.read_message()))

    assert handler(RequestFactory().get("/")).status_code == 426
