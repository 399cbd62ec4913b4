"""The examples of django-tornado-websockets' manual, in two windows of a browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.support.ancestor import type_in
from tests.support.browsers import Open, windows
from tests.support.commands import Start

SCRIPTS = {"compat": "tornado_websockets/client.js", "ours": "c10kws/client.js"}
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


@pytest.fixture
def open_window(browser: Browser, port: int) -> Iterator[Open]:
    """Open a page of the project in a window of a fresh profile."""
    with windows(browser, f"http://127.0.0.1:{port}") as open_path:
        yield open_path


INIT = {"indeterminate": False, "min": 0, "max": 20, "value": 0}


@pytest.mark.parametrize(
    ("way", "command"), [("compat", ["runserver", "--noreload"]), ("ours", ["runtornado"])]
)
def test_the_examples_of_the_manual(
    project: Path, start: Start, port: int, open_window: Open, way: str, command: list[str]
) -> None:
    type_in(project, way, page=PAGE.replace("SCRIPT", SCRIPTS[way]))
    start(*command, str(port)).wait_for("Quit ")
    first = open_window("/page/")
    begin = [["before_init", {}], ["init", INIT], ["after_init", {}]]
    if way == "ours":  # in version 1 nothing surrounds ``init``
        begin = begin[1:2]
    first.wait_for_function("(n) => log.length === 2 && steps.length === n", arg=len(begin))
    assert first.evaluate("log") == [["open", "open"], ["new_connection", {}]]
    second = open_window("/page/")
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
