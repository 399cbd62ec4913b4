"""Pages that use the scripts of django-tornado-websockets in their own ways."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.support.ancestor import type_in
from tests.support.browsers import Open, windows
from tests.support.commands import Start

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
    """Open a page of the project in a window of a fresh profile."""
    with windows(browser, f"http://127.0.0.1:{port}", REPLACED) as open_path:
        yield open_path


def test_a_handler_bound_inside_open_is_called_once(
    project: Path, start: Start, port: int, open_window: Open
) -> None:
    type_in(project, "compat", NESTED_VIEWS, nested=NESTED)
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
    type_in(project, "compat", NESTED_VIEWS, timer=TIMER)
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
    type_in(project, "compat", late=LATE)
    start("runserver", "--noreload", str(port)).wait_for("Quit ")
    page = open_window("/late/")
    page.click(f"#{way}")
    page.wait_for_function("window.ready")
    page.evaluate("bar.emit('start_progression')")
    page.wait_for_function("window.done")
    found = page.text_content(".progressbar-progression")
    assert found == "at 100"
