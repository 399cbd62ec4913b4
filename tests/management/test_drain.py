"""A real process that drains: every handler ends, and none of them holds the exit."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.commands import open_socket
from tests.support.peers import closed_next, connect
from tests.support.servers import read_line
from tests.support.shell import SOURCES, clean_variables
from tests.support.waiting import WAIT

pytestmark = [
    pytest.mark.skipif(os.name != "posix", reason="Windows has no such signals"),
    pytest.mark.programs,
]

CLIENTS = 20

#: A project in one module, served with short waits.
PROGRAM = """
import asyncio, sys, threading, time
import django
from django.conf import settings
from django.core.management import execute_from_command_line
from django.http import HttpResponse
from django.urls import path
from c10kws import ConnectionClosed, websocket
from c10kws_tornado import shutdown
from c10kws_tornado.process import lifecycle, runner

runner.CANCEL_TIMEOUT = shutdown.SETTLE_TIMEOUT = 0.1
lifecycle.GRACE = 1.0

def say(text):
    print(text, flush=True)

@websocket
async def reads(ws):
    await ws.write_message("hello")
    try:
        await ws.read_message()
    except ConnectionClosed:
        say("closed")
    finally:
        await asyncio.sleep(0)
        say("finally")

@websocket
async def sleeps(ws):
    await ws.write_message("hello")
    try:
        await asyncio.sleep(3600)
    finally:
        say("cancelled")

@websocket
async def swallows(ws):
    await ws.write_message("hello")
    while True:
        try:
            await asyncio.sleep(3600)
        except BaseException:
            pass

def blocks(request):
    say("blocking")
    time.sleep(3600)

settings.configure(
    DEBUG=False,
    SECRET_KEY="a test",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=sys.modules[__name__],
    INSTALLED_APPS=["c10kws"],
    LOGGING_CONFIG=None,
    C10KWS={"DRAIN_TIMEOUT": 1.0, "HANDLER_TIMEOUT": 0.2, "THREADS": 2},
)
urlpatterns = [
    path("reads/", reads), path("sleeps/", sleeps), path("swallows/", swallows),
    path("blocks/", blocks),
]
if __name__ == "__main__":
    execute_from_command_line(["manage.py", "runtornado", "--skip-checks", "0"])
"""


@pytest.fixture
def process(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    (tmp_path / "program.py").write_text(PROGRAM)
    with subprocess.Popen(
        [sys.executable, "program.py"],
        cwd=tmp_path,
        env=clean_variables() | {"PYTHONPATH": SOURCES, "PYTHONUNBUFFERED": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as started:
        yield started
        started.kill()


def port_of(process: subprocess.Popen[str]) -> int:
    assert process.stdout is not None
    found = re.search(r"http://127\.0\.0\.1:(\d+)/", read_line(process.stdout))
    assert found
    return int(found[1])


def test_all_handlers_end_and_the_exit_status_is_0(process: subprocess.Popen[str]) -> None:
    port = port_of(process)
    paths = [*["/reads/"] * CLIENTS, "/sleeps/", "/swallows/"]
    with ExitStack() as stack:
        sockets = [stack.enter_context(open_socket(port, path)) for path in paths]
        assert [ws.recv(WAIT) for ws in sockets] == ["hello"] * len(paths)
        blocked = stack.enter_context(connect(port))
        blocked.send("GET /blocks/ HTTP/1.1\nHost: a\n\n")
        assert process.stdout is not None
        assert read_line(process.stdout) == "blocking\n"
        process.send_signal(signal.SIGTERM)
        assert {closed_next(ws)[0] for ws in sockets} == {1012}
        output, log = process.communicate(timeout=WAIT)
    assert process.returncode == 0, log
    assert output.count("closed\n") == output.count("finally\n") == CLIENTS
    assert output.count("cancelled\n") == 1
    # The request that blocks a thread is aborted. The client of the handler that never ends has
    # answered its Close, so that its connection has ended.
    drained = f"Drained {CLIENTS + 2} of {CLIENTS + 3} connections"
    assert re.search(rf"\] {drained} in .*; aborted 1\.\n", log)
    assert "GET /blocks/ HTTP/1.1: aborted after" in log
    assert "/swallows/: the handler still runs" in log
