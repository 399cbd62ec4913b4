"""The examples of django-tornado-websockets' manual in a new project, with their pages.

``compat`` changes only the imports and the app. ``ours`` uses the new names, and one attribute
becomes a key. Both add one ``include()``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page

from tests.support.commands import Start
from tests.support.waiting import WAIT

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
from django.views.generic import TemplateView
from . import views

urlpatterns = [
    path("page/", views.page),
    path("nested/", TemplateView.as_view(template_name="nested.html")),
    path("timer/", TemplateView.as_view(template_name="timer.html")),
    path("late/", TemplateView.as_view(template_name="late.html")),
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
    ours = VIEWS.replace("data.message", "data['message']")
    (site / "views.py").write_text(
        IMPORTS[way] + (VIEWS + NESTED_VIEWS if way == "compat" else ours)
    )
    (site / "urls.py").write_text(URLS)
    (site / "templates").mkdir()
    (site / "templates" / "page.html").write_text(PAGE.replace("SCRIPT", SCRIPTS[way]))
    (site / "templates" / "nested.html").write_text(NESTED)
    (site / "templates" / "late.html").write_text(LATE)
    (site / "templates" / "timer.html").write_text(TIMER)
    apps = '"c10kws", "mysite",'
    if way == "compat":
        apps += ' "c10kws.compat.tornado_websockets",'
    settings = site / "settings.py"
    settings.write_text(settings.read_text().replace('"c10kws",', apps))


Open = Callable[..., Page]

#: Chromium's warning when a page replaces a client whose own reconnection is still under way.
REPLACED = "WebSocket is closed before the connection is established."

#: The manual's page, whose handlers are bound inside of that of ``open``.
NESTED = """<!doctype html>
<html lang="en"><title>Nested</title><link rel="icon" href="data:,">
{% load static %}
<script src="{% static 'tornado_websockets/client.js' %}"></script>
<script>
var log = [];
var ws = new TornadoWebSocket('/nested', { reconnect: { base: 0.01, cap: 0.02 } });
ws.on('open', () => {
  log.push(['open']);
  ws.on('message', (data) => log.push(['message', data.message]));
  ws.on('state', (data) => log.push(['state', data.message]));
});
ws.on('close', (event) => log.push(['close', event.code]));
</script>
"""
NESTED_VIEWS = """
ws_nested = WebSocket('/nested')

@ws_nested.on
def message(socket, data):
    socket.emit('message', data)

@ws_nested.on
def connect(socket, data):
    socket.emit('state', data)

@ws_nested.on
def again(socket):
    for each in ws_nested.handlers:
        each.close(1012)

@ws_nested.on
def count(socket):
    socket.emit('counted', {'clients': len(ws_nested.handlers)})
"""
#: A page that reconnected by a timer, since the client did not.
TIMER = """<!doctype html>
<html lang="en"><title>Timer</title><link rel="icon" href="data:,">
{% load static %}
<script src="{% static 'tornado_websockets/client.js' %}"></script>
<script>
var log = [];
var ws;
function connect() {
  ws = new TornadoWebSocket('/nested', { reconnect: { base: 0.01, cap: 0.02 } });
  log.push('made');
  ws.on('counted', (data) => log.push(data.clients));
  ws.on('open', () => log.push('open'));
  ws.on('close', () => setTimeout(connect, 50));
}
connect();
</script>
"""
#: Ways to bring the scripts into a page that is there already.
LATE = """<!doctype html>
<html lang="en"><title>Late</title><link rel="icon" href="data:,"><body>
{% load static %}
<script>
var client = "{% static 'tornado_websockets/client.js' %}";
var module = "{% static 'tornado_websockets/modules/progressbar.js' %}";
function link(src, then, type = '') {
  const script = document.createElement('script');
  Object.assign(script, { src, type });
  script.onload = then;
  document.body.append(script);
}
function start(type) {
  const Engine = type === 'html5' ? ProgressBarModuleEngineHtml5 : ProgressBarModuleEngineBootstrap;
  window.bar = ProgressBarModule('/my_progress_bar', document.body, {
    type,
    [type]: { progression: { format: {% verbatim %}'at {{percent}}'{% endverbatim %} } },
  });
  bar.on('after_init', () => (window.ready = bar.engine instanceof Engine));
  bar.on('done', () => (window.done = true));
}
</script>
<input type="button" id="inserted" onclick="link(client, () => link(module, () => start('html5')))">
<input type="button" id="module"
  onclick="link(client, () => link(module, () => start('bootstrap'), 'module'), 'module')">
<input type="button" id="import"
  onclick="import(client).then(() => import(module)).then(() => start('html5'))">
"""


@pytest.fixture
def open_window(browser: Browser, port: int) -> Iterator[Open]:
    """Open a page in a separate window; exceptions and warnings of the page are errors."""
    contexts: list[Any] = []
    wrong: list[str] = []

    def open_one(path: str = "/page/") -> Page:
        contexts.append(browser.new_context(base_url=f"http://127.0.0.1:{port}"))
        contexts[-1].set_default_timeout(WAIT * 1000)
        page: Page = contexts[-1].new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))

        def note(message: ConsoleMessage) -> None:
            if message.type in ("warning", "error") and not message.text.endswith(REPLACED):
                wrong.append(message.text)

        page.on("console", note)
        page.goto(path)
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert wrong == []


INIT = {"indeterminate": False, "min": 0, "max": 20, "value": 0}


@pytest.mark.parametrize(
    ("way", "command"), [("compat", ["runserver", "--noreload"]), ("ours", ["runtornado"])]
)
def test_the_examples_of_the_manual(
    project: Path, start: Start, port: int, open_window: Open, way: str, command: list[str]
) -> None:
    type_in(project, way)
    start(*command, str(port)).wait_for("Quit ")
    first = open_window()
    begin = [["before_init", {}], ["init", INIT], ["after_init", {}]]
    if way == "ours":  # in version 1 nothing surrounds ``init``
        begin = begin[1:2]
    first.wait_for_function("(n) => log.length === 2 && steps.length === n", arg=len(begin))
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
    assert first.evaluate("steps") == begin
    second.evaluate("bar.emit('start_progression')")
    update = ["before_update", "update", "after_update"] if way == "compat" else ["update"]
    for page in (first, second):
        page.wait_for_function("steps.some(([name]) => name === 'done')")
        steps = page.evaluate("(n) => steps.slice(n)", len(begin))
        assert [name for name, _ in steps] == [*update * 20, "done"]
        assert [data["value"] for name, data in steps if name == "update"] == list(range(1, 21))
        assert dict(steps)["update"] == {"value": 20, "label": "[19/20] Task #19 is done"}


def test_a_handler_bound_inside_open_is_called_once(
    project: Path, start: Start, port: int, open_window: Open
) -> None:
    type_in(project, "compat")
    start("runserver", "--noreload", str(port)).wait_for("Quit ")
    page = open_window("/nested/")
    for opened in (1, 2, 3):
        page.wait_for_function(
            "(n) => log.filter(([name]) => name === 'open').length === n", arg=opened
        )
        if opened < 3:
            page.evaluate("ws.emit('again')")
    page.evaluate("log.length = 0")
    page.evaluate("ws.emit('message', 'hello')")
    page.evaluate("ws.emit('connect', 'as an event')")  # and an answer named like ours
    page.wait_for_function("log.some(([name]) => name === 'state')")
    assert page.evaluate("log") == [["message", "hello"], ["state", "as an event"]]
    page.evaluate("log.length = 0")
    page.evaluate("ws.websocket.close()")
    page.wait_for_function("log.length === 1")
    assert page.evaluate("[log, ws.state]") == [[["close", 1000]], "closed"]


def test_a_page_that_reconnects_by_a_timer_has_one_client(
    project: Path, start: Start, port: int, open_window: Open
) -> None:
    type_in(project, "compat")
    start("runserver", "--noreload", str(port)).wait_for("Quit ")
    page = open_window("/timer/")
    for made in (1, 2, 3, 4):
        page.wait_for_function(
            "(n) => log.filter((each) => each === 'made').length === n && log.at(-1) === 'open'",
            arg=made,
        )
        if made < 4:
            page.evaluate("ws.emit('again')")
    page.wait_for_timeout(200)  # four times as long as the timer: would there be another one?
    page.evaluate("ws.emit('count')")
    page.wait_for_function("log.at(-1) === 1")
    assert page.evaluate("log.filter((each) => each === 'made').length") == 4


@pytest.mark.parametrize("way", ["inserted", "module", "import"])
def test_the_scripts_may_be_inserted_later(
    project: Path, start: Start, port: int, open_window: Open, way: str
) -> None:
    type_in(project, "compat")
    start("runserver", "--noreload", str(port)).wait_for("Quit ")
    page = open_window("/late/")
    page.click(f"#{way}")
    page.wait_for_function("window.ready")
    page.evaluate("bar.emit('start_progression')")
    page.wait_for_function("window.done")
    found = page.text_content(".progressbar-progression")
    assert found == "at 100"
