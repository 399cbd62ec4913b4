"""``manage.py runserver`` and ``runtornado`` of a project made by ``django-admin startproject``."""

from __future__ import annotations

import os
import re
import signal
import socket
from pathlib import Path

import pytest

from tests.support.commands import VIEWS, Start, change, get, open_socket
from tests.support.peers import closed_next
from tests.support.waiting import WAIT


def test_runserver_of_a_stock_project(start: Start, port: int) -> None:
    command = start("runserver", "--noreload", str(port))
    command.wait_for("Quit the server")
    with open_socket(port, "/ws/session/") as ws:
        assert "sessionid=" in ws.response.headers["Set-Cookie"]
        ws.send("hello")
        assert ws.recv(WAIT) == "hello"
    assert get(port, "/admin/login/")[0] == 200
    assert get(port, "/static/admin/css/base.css")[0] == 200
    # Django's own logging configuration shows the lines, with its own time stamp.
    command.wait_for(r'\[[^]]+\] 127\.0\.0\.1 "GET /admin/login/ HTTP/1\.1" 200')
    command.wait_for(r'\[[^]]+\] 127\.0\.0\.1 "GET /ws/session/ HTTP/1\.1" 101')
    command.wait_for(r'\[[^]]+\] 127\.0\.0\.1 "WebSocket /ws/session/" 1000 received 1 sent 1')
    assert "System check identified no issues" in command.output
    assert "Traceback" not in command.output


def test_ctrl_c_closes_the_sockets(start: Start, port: int) -> None:
    command = start("runserver", "--noreload", str(port))
    command.wait_for("Quit the server")
    with open_socket(port) as ws:
        command.process.send_signal(signal.SIGINT)
        assert closed_next(ws)[0] == 1001
    assert command.wait() == 0
    assert "Traceback" not in command.output


@pytest.mark.skipif(os.name != "posix", reason="Ctrl-C of a terminal reaches the process group")
def test_ctrl_c_under_the_autoreloader_closes_the_sockets(start: Start, port: int) -> None:
    command = start("runserver", str(port))
    command.wait_for("Quit the server")
    with open_socket(port) as ws:
        os.killpg(command.process.pid, signal.SIGINT)
        assert closed_next(ws)[0] == 1001
    assert command.wait() == 0
    assert "Traceback" not in command.output


def test_the_autoreloader_closes_with_1012_and_is_back(
    start: Start, project: Path, port: int
) -> None:
    command = start("runserver", str(port))
    command.wait_for("Quit the server")
    with open_socket(port) as ws:
        ws.send("before")
        assert ws.recv(WAIT) == "before"
        views = project / "mysite" / "views.py"
        change(command, views, VIEWS.replace("write_message(message)", 'write_message("new")'))
        assert closed_next(ws)[0] == 1012
    command.wait_for("Quit the server", count=2)
    with open_socket(port) as ws:
        ws.send("after")
        assert ws.recv(WAIT) == "new"
    assert "Traceback" not in command.output


def test_nowebsocket_is_djangos_own_server(start: Start, port: int) -> None:
    command = start("runserver", "--noreload", "--nowebsocket", str(port))
    command.wait_for("Quit the server")
    assert get(port, "/ws/echo/")[0] == 426
    assert "WebSocket views are served" not in command.output


def test_nothreading_still_serves_both(start: Start, port: int) -> None:
    command = start("runserver", "--noreload", "--nothreading", str(port))
    command.wait_for("Quit the server")
    with open_socket(port) as ws:
        assert get(port, "/admin/login/")[0] == 200
        ws.send("hello")
        assert ws.recv(WAIT) == "hello"


def test_a_port_in_use_is_djangos_message(start: Start, port: int) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        command = start("runserver", "--noreload", str(port))
        assert command.wait() == 1
    assert "That port is already in use." in command.output


def test_the_check_names_an_app_that_hides_ours(start: Start, project: Path) -> None:
    settings = project / "mysite" / "settings.py"
    text = settings.read_text().replace('    "c10kws",\n', "")
    text = text.replace("'django.contrib.staticfiles',", "'django.contrib.staticfiles', 'c10kws',")
    settings.write_text(text + '\nC10KWS = {"THREAD": 4}\n')
    command = start("check")
    assert command.wait() == 1
    assert "c10kws.E001" in command.output
    assert "c10kws.W001" in command.output
    assert "'THREADS'" in command.output


def test_runtornado(start: Start, port: int) -> None:
    command = start("runtornado", f"127.0.0.1:{port}")
    command.wait_for(f"ws://127.0.0.1:{port}/")
    with open_socket(port) as ws:
        ws.send("hello")
        assert ws.recv(WAIT) == "hello"
        command.process.send_signal(signal.SIGTERM)
        assert closed_next(ws)[0] == 1012
    assert command.wait() == 0
    assert "Traceback" not in command.output
    assert re.search(r"\] Drained 1 of 1 connections in \d\.\d s\.\n", command.output)


ACCESS_LINE = r'\[[^]]+\] 127\.0\.0\.1 "GET /admin/login/ HTTP/1\.1" 200'


def test_runtornado_shows_access_lines_under_the_default_logging(start: Start, port: int) -> None:
    command = start("runtornado", str(port))
    command.wait_for(f"ws://127.0.0.1:{port}/")
    with open_socket(port) as ws:
        ws.send("hello")
        assert ws.recv(WAIT) == "hello"
    assert get(port, "/admin/login/")[0] == 200
    command.wait_for(ACCESS_LINE)
    command.wait_for(r'\[[^]]+\] 127\.0\.0\.1 "WebSocket /ws/echo/" 1000 received 1 sent 1')


LOGGING = """
LOGGING = {
    "version": 1,
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "own"}},
    "formatters": {"own": {"format": "own %(message)s"}},
    "LOGGERS": {"handlers": ["console"], "level": "INFO"},
}
"""


@pytest.mark.parametrize(
    "place",
    ['"root": {', '"loggers": {"c10kws_tornado.access": {', '"loggers": {"c10kws_tornado": {'],
)
def test_runtornado_leaves_access_lines_to_the_logging_of_the_project(
    start: Start, project: Path, port: int, place: str
) -> None:
    text = LOGGING.replace('"LOGGERS": {', place)
    with (project / "mysite" / "settings.py").open("a") as settings:
        settings.write(text.replace("},\n}", "}" * place.count("{") + ",\n}"))
    command = start("runtornado", str(port))
    command.wait_for(f"ws://127.0.0.1:{port}/")
    assert get(port, "/admin/login/")[0] == 200
    command.wait_for('own 127.0.0.1 "GET /admin/login/')
    command.process.send_signal(signal.SIGTERM)
    assert command.wait() == 0
    assert len(re.findall('"GET /admin/login/', command.output)) == 1


def test_runtornado_says_which_port_it_was_given(start: Start) -> None:
    command = start("runtornado", "0")
    command.wait_for(r"ws://127\.0\.0\.1:[1-9]\d*/")
    found = re.search(r"ws://127\.0\.0\.1:(\d+)/", command.output)
    assert found is not None
    assert get(int(found[1]), "/admin/login/")[0] == 200


def test_runtornado_refuses_a_port_that_does_not_exist(start: Start) -> None:
    command = start("runtornado", "70000")
    assert command.wait() == 1
    assert "The port must be from 0 to 65535, not 70000." in command.output


def test_runtornado_names_an_address_it_does_not_understand(start: Start) -> None:
    command = start("runtornado", "localhost:http")
    assert command.wait() == 1
    assert "'localhost:http'" in command.output


BROKEN = {
    "a syntax error": "def broken(:\n",
    "an import error": "import a_module_that_is_missing\n",
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
def test_runtornado_reload_survives_a_project_that_is_broken(
    start: Start, project: Path, port: int, text: str
) -> None:
    """At the start, and again when it has been mended; here in models, which Django imports."""
    app = project / "shop"
    app.mkdir()
    (app / "__init__.py").touch()
    models = app / "models.py"
    models.write_text(text)
    settings = project / "mysite" / "settings.py"
    settings.write_text(settings.read_text().replace('    "c10kws",', '    "c10kws",\n    "shop",'))
    command = start("runtornado", "--reload", str(port))
    error = "SyntaxError" if "def" in text else "a_module_that_is_missing"
    command.wait_for(error)
    change(command, models, "")
    command.wait_for("Quit the server")
    with open_socket(port) as ws:
        ws.send("hello")
        assert ws.recv(WAIT) == "hello"
    told = command.output.count(error)
    change(command, models, text)
    command.wait_for(error, told + 1)
    change(command, models, "# mended\n")
    command.wait_for("Quit the server", 2)
    assert get(port, "/admin/login/")[0] == 200
    command.process.send_signal(signal.SIGTERM)
    assert command.wait() == 0


def test_runtornado_without_reload_ends_when_the_project_is_broken(
    start: Start, project: Path, port: int
) -> None:
    (project / "mysite" / "sockets.py").write_text("def broken(:\n")
    settings = project / "mysite" / "settings.py"
    settings.write_text(
        settings.read_text().replace('    "c10kws",', '    "c10kws",\n    "mysite",')
    )
    command = start("runtornado", str(port))
    assert command.wait() == 1
    assert "SyntaxError" in command.output
