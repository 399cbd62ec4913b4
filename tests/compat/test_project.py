"""A project of the ancestors and its commands: INSTALLED_APPS, the address, the views."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from tests.support.commands import Start, open_socket
from tests.support.waiting import WAIT

COMPAT = '"c10kws.compat.tornado_websockets"'
VIEWS = """
from c10kws.compat.c10ktools.http import websocket

@websocket
def handler(ws, greeting):
    # ws is a WebSocket instance. Let's echo the messages we receive.
    ws.write_message(greeting)
    while True:
        ws.write_message((yield from ws.read_message()))
"""
URLS = """
from django.urls import path
from . import views

urlpatterns = [path("ws/<greeting>/", views.handler)]
"""


def install(project: Path, *apps: str) -> None:
    settings = project / "mysite" / "settings.py"
    settings.write_text(settings.read_text().replace('"c10kws",', ", ".join([*apps, ""])))


@pytest.mark.parametrize("command", ["check", "runtornado"])
def test_a_check_names_the_app_that_is_missing(start: Start, project: Path, command: str) -> None:
    install(project, COMPAT)
    running = start(command)
    assert running.wait() == 1
    assert "(c10kws.E005)" in running.output
    assert "Add 'c10kws' to INSTALLED_APPS" in running.output


def test_the_check_passes_with_both_apps(start: Start, project: Path) -> None:
    install(project, '"c10kws"', COMPAT)
    running = start("check")
    assert running.wait() == 0, running.output


@pytest.mark.skipif(os.name != "posix", reason="127.0.0.2 is not everywhere")
@pytest.mark.parametrize("options", [[], ["--reload"]])
def test_a_port_without_an_address_listens_on_all_interfaces(
    start: Start, project: Path, port: int, options: list[str]
) -> None:
    install(project, '"c10kws"', COMPAT)
    running = start("runtornado", *options, str(port))
    running.wait_for("Quit ")
    assert running.output.count("Listening on all interfaces") == 1
    assert f"An address restricts it: runtornado 127.0.0.1:{port}." in running.output
    assert f"://0.0.0.0:{port}/" in running.output
    with socket.create_connection(("127.0.0.2", port), WAIT):
        pass


@pytest.mark.skipif(os.name != "posix", reason="127.0.0.2 is not everywhere")
@pytest.mark.parametrize(("apps", "address"), [([COMPAT], "127.0.0.1:"), ([], "")])
def test_an_address_and_a_project_without_the_old_name_are_local(
    start: Start, project: Path, port: int, apps: list[str], address: str
) -> None:
    install(project, '"c10kws"', *apps)
    running = start("runtornado", f"{address}{port}")
    running.wait_for("Quit ")
    assert "interfaces" not in running.output
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", port), WAIT)


def test_the_handler_of_c10ktools(start: Start, project: Path, port: int) -> None:
    (project / "mysite" / "views.py").write_text(VIEWS)
    (project / "mysite" / "urls.py").write_text(URLS)
    running = start("runtornado", str(port))
    running.wait_for("Quit ")
    with open_socket(port, "/ws/welcome/") as ws:
        assert ws.recv(WAIT) == "welcome"
        for message in ("Hello!", b"bytes", "é"):
            ws.send(message)
            assert ws.recv(WAIT) == message
    assert "Traceback" not in running.output
