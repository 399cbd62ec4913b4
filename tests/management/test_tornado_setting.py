"""``TORNADO``: Tornado's handlers in front of Django."""

from __future__ import annotations

import copy
import re
import signal
from pathlib import Path
from typing import Any

import pytest
from django.test import override_settings
from tornado.web import RequestHandler

import c10kws
from c10kws.checks.tornado import check_tornado
from c10kws.management import tornado_handlers
from c10kws.tornado_setting import DjangoApp
from tests.support.commands import Start, change, get, open_socket
from tests.support.peers import closed_next
from tests.support.waiting import WAIT

HANDLERS = """
from tornado.web import RequestHandler
from tornado.websocket import WebSocketHandler

from django.contrib.auth.models import User  # apps are ready when this module is imported

class Hello(RequestHandler):
    def initialize(self, greeting="hello"):
        self.greeting = greeting

    def get(self, name):
        self.write(f"{self.greeting} {name}")

class Echo(WebSocketHandler):
    def on_message(self, message):
        self.write_message("native " + message)
"""


SETTING = """
import tornado.web
import c10kws

STATIC_ROOT = BASE_DIR / "collected"
TORNADO = {
    "port": %(port)d,
    "handlers": [
        c10kws.django_app,
        (r"%%s(.*)" %% "/collected/", tornado.web.StaticFileHandler, {"path": STATIC_ROOT}),
        (r"/native/(.*)", "mysite.handlers.Hello", {"greeting": "good day"}),
        (r"/ws/native/", "mysite.handlers.Echo"),
    ],
    "settings": {"debug": True, "autoreload": False, "cookie_secret": "do not print me"},
}
"""


@pytest.fixture
def tornado_project(project: Path, port: int) -> Path:
    (project / "mysite" / "handlers.py").write_text(HANDLERS)
    (project / "collected").mkdir()
    (project / "collected" / "style.css").write_text("body {}")
    with (project / "mysite" / "settings.py").open("a") as settings:
        settings.write(SETTING % {"port": port})
    return project


def announced(output: str) -> list[str]:
    """Return what the command printed about TORNADO."""
    lines = output.splitlines()
    first = lines.index("Tornado's handlers, asked in this order:")
    return [re.sub(r"  +", "  ", line) for line in lines[first : first + 6]]


ANNOUNCED = [
    "Tornado's handlers, asked in this order:",
    "  /collected/(.*)  tornado.web.StaticFileHandler",
    "  /native/(.*)  mysite.handlers.Hello",
    "  /ws/native/  mysite.handlers.Echo",
    "  everything else  Django",
    "Tornado's settings: debug, autoreload, cookie_secret.",
]


def look_around(number: int) -> None:
    """Use Tornado's handlers and Django's views on the same port."""
    assert get(number, "/native/you") == (200, b"good day you")
    assert get(number, "/collected/style.css") == (200, b"body {}")
    assert get(number, "/admin/login/")[0] == 200
    assert get(number, "/static/admin/css/base.css")[0] == 200
    for path, answer in (("/ws/native/", "native hi"), ("/ws/echo/", "hi")):
        with open_socket(number, path) as ws:
            ws.send("hi")
            assert ws.recv(WAIT) == answer


@pytest.mark.usefixtures("tornado_project")
def test_runtornado_serves_the_handlers_on_the_port(start: Start, port: int) -> None:
    command = start("runtornado")
    command.wait_for(f"ws://127.0.0.1:{port}/")
    look_around(port)
    with open_socket(port, "/ws/native/") as own, open_socket(port) as ours:
        command.process.send_signal(signal.SIGTERM)
        for ws in (own, ours):
            assert closed_next(ws)[0] == 1012
    assert command.wait() == 0
    assert announced(command.output) == ANNOUNCED
    assert "do not print me" not in command.output
    assert "Traceback" not in command.output


@pytest.mark.usefixtures("tornado_project")
def test_an_argument_stands_above_the_setting(start: Start, port: int) -> None:
    command = start("runtornado", "127.0.0.1:0", "--nostatic")
    command.wait_for(r"WebSockets at ws://127\.0\.0\.1:[1-9]")
    assert f":{port}" not in command.output


@pytest.mark.usefixtures("tornado_project")
def test_nostatic(start: Start, port: int) -> None:
    start("runtornado", "--nostatic").wait_for(f"ws://127.0.0.1:{port}/")
    assert get(port, "/static/admin/css/base.css")[0] == 404
    assert get(port, "/collected/style.css")[0] == 200


def test_static_files_are_for_debug_only(
    start: Start,
    tornado_project: Path,
    port: int,
) -> None:
    with (tornado_project / "mysite" / "settings.py").open("a") as settings:
        settings.write('\nDEBUG = False\nALLOWED_HOSTS = ["127.0.0.1"]\n')
    start("runtornado").wait_for(f"ws://127.0.0.1:{port}/")
    assert get(port, "/static/admin/css/base.css")[0] == 404
    assert get(port, "/native/you")[0] == 200


@pytest.mark.parametrize("name", ["runserver", "runtornado --reload", "runtornado and the setting"])
def test_the_handlers_are_reloaded(
    name: str,
    start: Start,
    tornado_project: Path,
    port: int,
) -> None:
    if "setting" in name:
        with (tornado_project / "mysite" / "settings.py").open("a") as settings:
            settings.write('\nTORNADO["settings"]["autoreload"] = True\n')
    command = start(*name.removesuffix(" and the setting").split(), str(port))
    command.wait_for("Tornado's settings")
    look_around(port)
    command.wait_for(r'\[[^]]+\] 127\.0\.0\.1 "GET /native/you HTTP/1\.1" 200 12 ')
    assert announced(command.output) == ANNOUNCED
    with open_socket(port, "/ws/native/") as ws:
        handlers = tornado_project / "mysite" / "handlers.py"
        change(command, handlers, HANDLERS.replace("native ", "new "))
        assert closed_next(ws)[0] == 1012
    command.wait_for("Tornado's settings", count=2)
    with open_socket(port, "/ws/native/") as ws:
        ws.send("hi")
        assert ws.recv(WAIT) == "new hi"
    assert "Traceback" not in command.output


def test_a_wrong_row_stops_the_command(
    start: Start,
    tornado_project: Path,
) -> None:
    with (tornado_project / "mysite" / "settings.py").open("a") as settings:
        settings.write('\nTORNADO["handlers"].append((r"/x", "mysite.handlers.Nobody"))\n')
    command = start("runtornado")
    assert command.wait() == 1
    assert "c10kws.E004" in command.output
    assert "TORNADO['handlers'][4] names a handler that cannot be imported" in command.output


def handlers(*rows: Any) -> Any:
    return override_settings(TORNADO={"handlers": list(rows)})


def test_without_the_setting_all_is_djangos() -> None:
    assert tornado_handlers.application() is None
    assert tornado_handlers.port() == 8000
    assert list(tornado_handlers.describe()) == []
    assert check_tornado(None) == []


@pytest.mark.parametrize(
    ("names", "wants"),
    [
        ({}, False),
        ({"debug": True}, True),
        ({"debug": False, "autoreload": True}, True),
        ({"debug": True, "autoreload": False}, False),
    ],
)
def test_debug_implies_the_reloader(names: dict[str, bool], wants: bool) -> None:
    with override_settings(TORNADO={"settings": names}):
        assert tornado_handlers.wants_reload() is wants


def test_settings_alone_make_no_rule() -> None:
    with override_settings(TORNADO={"port": 1337, "settings": {"xsrf_cookies": True}}):
        assert tornado_handlers.application() is None
        assert tornado_handlers.port() == 1337
        assert list(tornado_handlers.describe()) == ["Tornado's settings: xsrf_cookies."]


def test_static_path_brings_rules_of_its_own(tmp_path: Path) -> None:
    with override_settings(TORNADO={"settings": {"static_path": str(tmp_path)}}):
        assert tornado_handlers.application() is not None
        assert list(tornado_handlers.describe())[1].split() == [
            r"/(robots\.txt)",
            "tornado.web.StaticFileHandler",
        ]


def test_django_app_is_a_mark_and_no_rule() -> None:
    assert repr(c10kws.django_app) == "c10kws.django_app"
    assert isinstance(copy.deepcopy(c10kws.django_app), DjangoApp)
    with handlers(copy.deepcopy(c10kws.django_app), (r"/x", RequestHandler), c10kws.django_app):
        assert check_tornado(None) == []
        assert [line.split()[0] for line in tornado_handlers.describe()][1:] == ["/x", "everything"]
    with handlers(c10kws.django_app):
        assert tornado_handlers.application() is None
