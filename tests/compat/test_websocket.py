"""The examples of django-tornado-websockets' manual, with its imports changed."""

from __future__ import annotations

import json
import threading
import time
from typing import Any

import pytest

from c10kws import C10kwsError
from c10kws.compat.tornado_websockets import websocket
from c10kws.compat.tornado_websockets.exceptions import (
    EmitHandlerError,
    InvalidInstanceError,
    NotCallableError,
    TornadoWebSocketsError,
    WebSocketEventAlreadyBinded,
    WebSocketEventAlreadyBound,
)
from c10kws.compat.tornado_websockets.modules.progress_bar import ProgressBar
from c10kws.compat.tornado_websockets.websocket import WebSocket
from c10kws.compat.tornado_websockets.websockethandler import WebSocketHandler
from c10kws.test import without_server
from tests.support.events import Connect


def test_the_echo_example(connect: Connect) -> None:
    ws_echo = WebSocket("/echo")

    @ws_echo.on
    def open(socket: Any) -> None:  # noqa: A001
        # Notify all clients about a new connection
        ws_echo.emit("new_connection")

    @ws_echo.on
    def message(socket: Any, data: Any) -> None:
        # Reply to the client
        socket.emit("message", data)

        # Wow we got a spammer, let's inform the first client :^)
        if "spam" in data.message:
            # wow
            ws_echo[0].emit("got_spam", {"message": data.get("message"), "socket": socket})

    with connect("/events/echo", version=0) as first:
        assert first.receive() == {"event": "new_connection", "data": {}}
        with connect("/events/echo", version=0) as second:
            assert second.expect("new_connection") == first.expect("new_connection") == {}
            second.send("message", {"message": "lovely spam"})
            assert second.expect("message") == {"message": "lovely spam"}
            spammer = ws_echo.handlers[1]
            assert isinstance(spammer, WebSocketHandler)
            assert first.expect("got_spam") == {"message": "lovely spam", "socket": spammer.id}
            second.send("message", {"message": "hello"})
            assert second.expect("message") == {"message": "hello"}


def test_a_method_gets_the_context(connect: Connect) -> None:
    my_ws = WebSocket("/my_ws", add_to_handlers=True)

    class MyClass:
        def __init__(self) -> None:
            my_ws.context = self

        @my_ws.on
        def my_other_event(self, socket: Any, data: Any) -> None:
            socket.emit("seen", {"right": my_ws.context is self, **data})

    MyClass()
    with connect("/events/my_ws", version=0) as client:
        client.send("my_other_event", {"a": 1})
        assert client.expect("seen") == {"right": True, "a": 1}


def test_data_reads_as_a_dict_and_by_attributes(connect: Connect) -> None:
    ws = WebSocket("/data")
    seen: list[Any] = []

    @ws.on
    def look(socket: Any, data: Any) -> None:
        seen.append(data)
        socket.emit("looked", "at it")

    with connect("/events/data", version=0) as client:
        client.send("look", {"message": "hello", "items": 1})
        assert client.expect("looked") == {"message": "at it"}
    (data,) = seen
    assert data == {"message": "hello", "items": 1}
    assert data.message == data["message"] == "hello"
    assert list(data.items()) == [
        ("message", "hello"),
        ("items", 1),
    ]  # the methods of dict take precedence
    assert not hasattr(data, "other")


def test_the_handlers_methods(connect: Connect) -> None:
    ws = WebSocket("/handler", add_to_handlers=True)
    other = WebSocket("/other", add_to_handlers=False)
    in_callback: list[Any] = []

    @ws.on
    def again(socket: Any, data: Any) -> None:
        socket.on_message(json.dumps({"event": "echo", "data": data}))

    @ws.on
    def echo(socket: Any, data: Any) -> None:
        in_callback.append(data.message)
        socket.emit("echo", data)

    @other.on
    async def moved(socket: Any, data: Any) -> None:
        await socket.emit("moved", data)

    with connect("/events/handler", version=0) as client:
        client.send("again", {"message": "once"})
        assert client.expect("echo") == {"message": "once"}
        handler = ws[0]
        assert isinstance(handler, WebSocketHandler)
        handler.on_message('{"event": "echo", "data": {"message": "from a thread"}}')
        assert client.expect("echo") == {"message": "from a thread"}
        handler.on_message("no JSON")
        assert client.expect("warning") == {"message": "Invalid JSON was sent."}
        assert in_callback == ["once", "from a thread"]
        handler.on_close()
        assert ws.handlers == []
        handler.initialize(other)
        handler.on_message('{"event": "moved", "data": {"message": "async"}}')
        assert client.expect("moved") == {"message": "async"}


def test_the_progress_example(connect: Connect) -> None:
    ws_pb = ProgressBar("/my_progress_bar", min=0, max=100)
    threads = []

    # Client emitted ``start_progression`` event
    @ws_pb.on
    def start_progression() -> None:
        def my_func() -> None:
            for value in range(ws_pb.min, ws_pb.max):
                time.sleep(0.001)  # Emulate a slow task :^)
                label = "[%d/%d] Task #%d is done" % (ws_pb.value, ws_pb.max, value)  # noqa: UP031
                ws_pb.tick(label=label)

        threads.append(threading.Thread(None, my_func, None))
        threads[0].start()

    with connect("/events/module/progress_bar/my_progress_bar", version=0) as client:
        assert client.expect("before_init") == {}
        init = {"indeterminate": False, "min": 0, "max": 100, "value": 0}
        assert client.expect("init") == init
        assert client.expect("after_init") == {}
        client.send("start_progression")
        for value in range(100):
            assert client.expect("before_update") == {}
            label = f"[{value}/100] Task #{value} is done"
            assert client.expect("update") == {"value": value + 1, "label": label}
            assert client.expect("after_update") == {}
        assert client.expect("done") == {}
        threads[0].join()
        assert ws_pb.is_done()
        ws_pb.reset()
        assert [client.receive()["event"] for _ in range(3)] == [
            "before_init",
            "init",
            "after_init",
        ]
        ws_pb.emit_init()
        ws_pb.emit_update(label="by hand")
        ws_pb.emit_done()  # the bar is not done, so nothing is sent
        ws_pb.emit("end")
        events = [client.receive()["event"] for _ in range(7)]
        assert events[3:] == ["before_update", "update", "after_update", "end"]


def test_the_handler_is_in_the_module_that_the_index_names() -> None:
    assert websocket.WebSocketHandler is WebSocketHandler


def test_the_exceptions() -> None:
    ws = WebSocket("/wrong", add_to_handlers=False)
    with without_server(), pytest.raises(EmitHandlerError) as emitted:
        ws.emit("nobody")
    assert (emitted.value.event, emitted.value.path) == ("nobody", "/wrong")
    with pytest.raises(NotCallableError) as bound:
        ws.on(7)  # type: ignore[call-overload]
    assert bound.value.thing == 7
    ws.on("twice")(print_nothing)
    with pytest.raises(WebSocketEventAlreadyBinded) as twice:
        ws.on("twice")(print_nothing)
    assert (twice.value.event, twice.value.path) == ("twice", "/wrong")
    assert WebSocketEventAlreadyBound is WebSocketEventAlreadyBinded
    assert TornadoWebSocketsError is C10kwsError


def test_data_must_be_a_dict_or_a_str(connect: Connect) -> None:
    ws = WebSocket("/invalid")
    with connect("/events/invalid", version=1), pytest.raises(InvalidInstanceError) as error:
        ws.emit("numbers", [1, 2])  # type: ignore[arg-type]
    assert error.value.actual_instance == [1, 2]
    assert isinstance(error.value, TornadoWebSocketsError)


def print_nothing() -> None: ...
