"""The examples of django-tornado-websockets' manual in a new project, with their pages.

``compat`` changes nothing but the imports and the app; ``ours`` takes our names, and one attribute
becomes a key. Both add one ``include()``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.library.test_runserver import Start, port, project, start

__all__ = ["port", "project", "start"]  # fixtures

WAIT = 60
IMPORTS = {
    "compat": """
from c10kws.compat.tornado_websockets.modules.progress_bar import ProgressBar
from c10kws.compat.tornado_websockets.websocket import WebSocket
""",
    "ours": """
from c10kws.events import EventSocket as WebSocket, ProgressBar
""",
}
SCRIPTS = {"compat": "tornado_websockets/client.js", "ours": "c10kws/client.js"}
VIEWS = """
import threading
import time

from django.shortcuts import render

ws_echo = WebSocket('/echo')

@ws_echo.on
def open(socket):
    # Notify all clients about a new connection
    ws_echo.emit('new_connection')

@ws_echo.on
def message(socket, data):
    # Reply to the client
    socket.emit('message', data)

    # Wow we got a spammer, let's inform the first client :^)
    if 'spam' in data.message:
        # wow
        ws_echo[0].emit('got_spam', {
            'message': data.get('message'),
            'socket': socket
        })

ws_pb = ProgressBar('/my_progress_bar', min=0, max=20)

# Client emitted ``start_progression`` event
@ws_pb.on
def start_progression():

    def my_func():
        for value in range(ws_pb.min, ws_pb.max):
            time.sleep(.01) # Emulate a slow task :^)
            ws_pb.tick(label="[%d/%d] Task #%d is done" % (ws_pb.value, ws_pb.max, value))

    threading.Thread(None, my_func, None).start()

def page(request):
    return render(request, 'page.html')
"""
URLS = """
from django.urls import include, path
from . import views

urlpatterns = [
    path("page/", views.page),
    path("ws/", include("c10kws.events.urls")),
]
"""
PAGE = """<!doctype html>
<html lang="en"><title>Examples</title><link rel="icon" href="data:,">
{% load static %}
<script src="{% static 'SCRIPT' %}"></script>
<script>
var log = [];
var ws = new TornadoWebSocket('/echo');

// Bind to WebSocket.onopen
ws.on('open', event => {
  log.push(['open', event.type]);
  ['new_connection', 'message', 'got_spam'].forEach(name => {
    ws.on(name, data => log.push([name, data]));
  });
});
ws.on('close', event => log.push(['close', event.code]));
ws.on('error', event => log.push(['error']));

var bar = TornadoWebSocket('/module/progress_bar/my_progress_bar');
var steps = [];
['before_init', 'init', 'after_init', 'before_update', 'update', 'after_update', 'done'].forEach(
  name => bar.on(name, data => steps.push([name, data]))
);
</script>
"""


def type_in(project: Path, way: str) -> None:
    """Put the examples into a project."""
    site = project / "mysite"
    views = VIEWS if way == "compat" else VIEWS.replace("data.message", "data['message']")
    (site / "views.py").write_text(IMPORTS[way] + views)
    (site / "urls.py").write_text(URLS)
    (site / "templates").mkdir()
    (site / "templates" / "page.html").write_text(PAGE.replace("SCRIPT", SCRIPTS[way]))
    apps = '"c10kws", "mysite",'
    if way == "compat":
        apps += ' "c10kws.compat.tornado_websockets",'
    settings = site / "settings.py"
    settings.write_text(settings.read_text().replace('"c10kws",', apps))


Open = Callable[[], Page]


@pytest.fixture
def open_window(browser: Browser, port: int) -> Iterator[Open]:
    """Open the page in a window of its own; what it throws or warns of is an error."""
    contexts: list[Any] = []
    wrong: list[str] = []

    def open_one() -> Page:
        contexts.append(browser.new_context(base_url=f"http://127.0.0.1:{port}"))
        contexts[-1].set_default_timeout(WAIT * 1000)
        page: Page = contexts[-1].new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on(
            "console",
            lambda told: wrong.append(told.text) if told.type in ("warning", "error") else None,
        )
        page.goto("/page/")
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert wrong == []


@pytest.mark.parametrize(
    ("way", "command"), [("compat", ["runserver", "--noreload"]), ("ours", ["runtornado"])]
)
def test_the_examples_of_the_manual(
    project: Path, start: Start, port: int, open_window: Open, way: str, command: list[str]
) -> None:
    type_in(project, way)
    start(*command, str(port)).wait_for("Quit ")
    first = open_window()
    first.wait_for_function("log.length === 2 && steps.length === 3")
    assert first.evaluate("log") == [["open", "open"], ["new_connection", {}]]
    second = open_window()
    for page in (first, second):
        page.wait_for_function("log.some(([name]) => name === 'new_connection')")
    second.evaluate("ws.emit('message', 'hello')")
    second.evaluate("ws.emit('message', {message: 'lovely spam'})")
    second.wait_for_function("log.length === 4")
    assert second.evaluate("log.slice(2)") == [
        ["message", {"message": "hello"}],
        ["message", {"message": "lovely spam"}],
    ]
    first.wait_for_function("log.length === 4")
    new, (name, spam) = first.evaluate("log.slice(2)")
    assert new == ["new_connection", {}]
    assert (name, spam["message"]) == ("got_spam", "lovely spam")
    assert spam["socket"] == second.evaluate("ws.sid")
    # The progress bar, in both windows.
    init = {"indeterminate": False, "min": 0, "max": 20, "value": 0}
    assert first.evaluate("steps") == [["before_init", {}], ["init", init], ["after_init", {}]]
    second.evaluate("bar.emit('start_progression')")
    for page in (first, second):
        page.wait_for_function("steps.some(([name]) => name === 'done')")
        steps = page.evaluate("steps.slice(3)")
        assert [name for name, _ in steps] == [
            *["before_update", "update", "after_update"] * 20,
            "done",
        ]
        assert [data["value"] for name, data in steps if name == "update"] == list(range(1, 21))
        assert steps[-3][1] == {"value": 20, "label": "[19/20] Task #19 is done"}
