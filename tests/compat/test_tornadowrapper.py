"""``TornadoWrapper`` in a separate process, and the other contents of the package."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.test import override_settings
from websockets.sync.client import connect as connect_client

import c10kws
from c10kws.compat import tornado_websockets
from tests.support.shell import SOURCES
from tests.support.waiting import WAIT

PROGRAM = """
import django
django.setup()
import tornado.web
from c10kws.compat.tornado_websockets import django_app
from c10kws.compat.tornado_websockets.tornadowrapper import TornadoWrapper
from c10kws.compat.tornado_websockets.websocket import WebSocket

class Hello(tornado.web.RequestHandler):
    def get(self):
        self.write(self.request.path)

ws = WebSocket("/wrapped")

@ws.on
def message(socket, data):
    socket.emit("message", data)

assert TornadoWrapper.add_handlers(("/before", Hello)) == [("/before", Hello)]
TornadoWrapper.start_app([("/with", Hello), django_app], {"debug": False})
assert len(TornadoWrapper.add_handlers([("/after", Hello)])) == 3
TornadoWrapper.listen(0)
print(TornadoWrapper.tornado_port)
TornadoWrapper.loop()
"""


@pytest.fixture
def port() -> Iterator[int]:
    environ = os.environ | {
        "PYTHONPATH": SOURCES,
        "DJANGO_SETTINGS_MODULE": "tests.project.settings",
    }
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM], env=environ, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            number = int(process.stdout.readline())
            assert process.stdout.readline() == "/before __main__.Hello\n"
            yield number
            process.send_signal(signal.SIGTERM)
            assert process.wait(WAIT) == 0
        finally:
            process.kill()


def test_the_wrapper_serves_tornados_handlers_and_django(port: int) -> None:
    for path in ("/before", "/with", "/after"):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}") as response:
            assert response.read() == path.encode()
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/page/") as response:
        assert response.status == 200
    with connect_client(
        f"ws://127.0.0.1:{port}/events/wrapped", proxy=None, open_timeout=WAIT
    ) as client:
        client.send('{"event": "message", "data": {"message": "hello"}}')
        assert client.recv(WAIT) == '{"event":"message","data":{"message":"hello"}}'


def test_django_app_is_that_of_c10kws() -> None:
    assert tornado_websockets.django_app is c10kws.django_app


@pytest.mark.parametrize(
    ("path", "ours"),
    [("client.js", "client.js"), ("modules/progressbar.js", "progress.js")],
)
def test_the_scripts_are_those_of_c10kws_and_the_differences(path: str, ours: str) -> None:
    apps = ["c10kws", "c10kws.compat.tornado_websockets", "django.contrib.staticfiles"]
    with override_settings(INSTALLED_APPS=apps):
        finder = finders.AppDirectoriesFinder()
        parts = [finder.find(f"c10kws/{ours}")]
        parts += [finder.find(f"tornado_websockets/differences/{Path(path).name}")]
        found = finder.find(f"tornado_websockets/{path}")
    assert isinstance(found, str)
    text = "".join(Path(part).read_text() for part in parts if isinstance(part, str))
    assert Path(found).read_text() == text, "run `make client`"
