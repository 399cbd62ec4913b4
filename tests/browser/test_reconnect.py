"""A browser whose server crashes, and is stopped and started again."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.support.shell import ROOT, SOURCES
from tests.support.waiting import WAIT

Start = Callable[[], subprocess.Popen[bytes]]


@pytest.fixture
def start(port: int, tmp_path: Path) -> Iterator[Start]:
    """Start a real server on the same port, several times."""
    started: list[subprocess.Popen[bytes]] = []

    def start_one() -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "django", "runtornado", "--skip-checks", str(port)]
        variables = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.project.steady_settings",
            "PYTHONPATH": SOURCES,
            "C10KWS_TEST_DATABASE": str(tmp_path / "steady.sqlite3"),
        }
        process = subprocess.Popen(
            command, cwd=ROOT, env=variables, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        started.append(process)
        deadline = time.monotonic() + WAIT
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return process
            except OSError:
                assert time.monotonic() < deadline, "the server did not start"
                assert process.poll() is None
                time.sleep(0.05)

    yield start_one
    for process in started:
        process.kill()
        process.wait()


def test_a_client_reconnects_after_a_crash_and_after_a_bye(
    browser: Browser, start: Start, port: int
) -> None:
    first = start()
    context = browser.new_context(base_url=f"http://127.0.0.1:{port}")
    context.set_default_timeout(WAIT * 1000)
    page = context.new_page()
    page.goto("/page/")
    answer = page.evaluate(
        """async () => {
            window.told = 0;
            window.states = [];
            window.resets = [];
            window.byes = [];
            window.ws = tws("/steady", {reconnect: {base: 0.05, cap: 0.2}});
            ws.on("told", () => { told += 1; });
            ws.on("state", (state) => states.push(state));
            ws.on("reset", (data) => resets.push(data));
            ws.on("raw", ({data}) => {
                const frame = JSON.parse(data);
                if (frame.event === "ws:bye") byes.push(frame.data);
            });
            await ws.join("all");
            return ws.request("who");
        }"""
    )
    os.kill(answer, signal.SIGKILL)  # the worker; its parent starts another one
    page.wait_for_function("states.includes('reconnecting')")
    page.wait_for_function("ws.connected")
    successor = page.evaluate("ws.request('who')")
    assert successor != answer
    page.evaluate("ws.emit('tell')")  # the room was joined again, and the handler is still there
    page.wait_for_function("told === 1")
    assert page.evaluate("byes") == []
    first.terminate()
    first.wait(WAIT)
    page.wait_for_function("!ws.connected")
    bye = {"code": 1012, "reason": "", "reconnect": True, "retry_after": 0}
    assert page.evaluate("byes") == [bye]
    start()
    page.wait_for_function("ws.connected")
    assert page.evaluate("ws.request('who')") not in (answer, successor)
    # The room has no history: each time the page is told that something may be missing.
    assert page.evaluate("resets") == [{"room": "all", "epoch": None, "seq": 0}] * 2
    context.close()
