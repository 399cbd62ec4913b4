"""gunicorn's signals, its reloader, ``max_requests`` and the end of blocked workers."""

from __future__ import annotations

import json
import os
import re
import signal
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.certificates import Certificate, serial_number
from tests.support.commands import get, open_socket
from tests.support.gunicorns import Gunicorn, add_views
from tests.support.peers import closed_next
from tests.support.waiting import WAIT, eventually

pytest.importorskip("fcntl", reason="gunicorn needs POSIX")

Start = Callable[..., Gunicorn]
#: The activity of a slot.
ACCEPTING = 2


@pytest.fixture
def gunicorn(project: Path) -> Iterator[Start]:
    """Start gunicorn; it is killed at the end of the test."""
    add_views(project)
    commands: list[Gunicorn] = []

    def start(*arguments: str) -> Gunicorn:
        commands.append(Gunicorn(project, *arguments, "mysite.wsgi"))
        return commands[-1]

    yield start
    for command in commands:
        command.kill()


def test_signals(gunicorn: Start, project: Path) -> None:
    certificate = Certificate(project)
    tls, log = certificate.client, project / "access.log"
    command = gunicorn(
        "--pid", "gunicorn.pid", "--access-logfile", "access.log", *certificate.flags
    )
    port, send = command.port, command.process.send_signal
    command.wait_for_workers(1)

    get(port, "/plain/?1", tls)
    eventually(lambda: "/plain/?1" in log.read_text())
    log.rename(project / "moved.log")
    send(signal.SIGUSR1)
    eventually(log.exists)  # of the parent process
    eventually(lambda: get(port, "/plain/?2", tls) and "/plain/?2" in log.read_text())

    send(signal.SIGTTIN)
    command.wait_for_workers(2)
    send(signal.SIGTTOU)
    command.wait_for("hook child_exit", 1)

    with open_socket(port, tls=tls) as ws:
        before = serial_number(ws)
        certificate.renew()
        send(signal.SIGHUP)
        assert closed_next(ws)[0] == 1012
    command.wait_for_workers(3)
    command.wait_for("hook child_exit", 2)
    assert [1, ACCEPTING] in [slot[1:] for slot in info(command, tls)["slots"]]

    send(signal.SIGUSR2)  # another parent process, with the same sockets
    command.wait_for_workers(4)
    successor = int((project / "gunicorn.pid.2").read_text())
    send(signal.SIGTERM)
    assert command.process.wait() == 0
    command.wait_for("Master has been promoted")
    with open_socket(port, tls=tls) as ws:
        ws.send("hello")
        assert ws.recv(WAIT) == "hello"
        assert serial_number(ws) != before
        assert "hook worker_int" not in command.output
        os.kill(successor, signal.SIGQUIT)
        assert closed_next(ws)[0] == 1001
    assert command.wait() == 0  # all processes have closed their output
    assert "hook worker_int" in command.output
    assert "Traceback" not in command.output


def test_a_worker_drains_until_the_graceful_timeout(gunicorn: Start) -> None:
    command = gunicorn("--graceful-timeout", "6")
    port, bodies = command.port, list[tuple[int, bytes]]()
    command.wait_for_workers(1)
    page = threading.Thread(target=lambda: bodies.append(get(port, "/slow/")))
    page.start()
    with open_socket(port, "/endless/") as ws:  # its handler ignores its cancellation
        command.wait_for("a slow view")
        command.wait_for("endless")
        command.process.send_signal(signal.SIGTERM)
        assert closed_next(ws)[0] == 1012
    page.join()
    assert bodies == [(200, b"not cut")]
    assert command.wait() == 0
    assert "SIGKILL" not in command.output
    command.wait_for("/endless/.*ignores")


def info(command: Gunicorn, tls: ssl.SSLContext | None = None) -> Any:
    return json.loads(get(command.port, "/info/", tls)[1])


def test_workers_are_replaced(gunicorn: Start, project: Path) -> None:
    # A start within the timeout, also on a busy machine.
    command = gunicorn("--timeout", "5", "--max-requests", "3", "--reload")
    command.wait_for_workers(1)
    first = info(command)["pid"]
    with open_socket(command.port) as ws:
        get(command.port, "/plain/")
        assert closed_next(ws)[0] == 1012  # the third request, after the WebSocket
    command.wait_for_workers(2)
    assert info(command)["pid"] != first

    with open_socket(command.port, "/block/"):
        command.wait_for("hook worker_abort")
    command.wait_for_workers(3)
    assert info(command)["slots"] == [[info(command)["pid"], 0, ACCEPTING]]  # of one worker at once

    settings = project / "mysite" / "settings.py"
    code = settings.read_text()
    with open_socket(command.port) as ws:
        settings.write_text(code + "\nthis is a mistake")
        assert closed_next(ws)[0] == 1012
    command.wait_for_workers(4)
    assert b"this is a mistake" in get(command.port, "/plain/")[1]
    settings.write_text(code)
    command.wait_for_workers(5)
    assert get(command.port, "/plain/")[0] == 200
    command.process.send_signal(signal.SIGINT)
    assert command.wait() == 0


@pytest.mark.parametrize(
    ("flags", "settings", "message"),
    [
        (["--protocol", "uwsgi"], "", "does not support protocol = 'uwsgi'"),
        ([], "C10KWS = {'THREADS': 0}", r"C10KWS\['THREADS'\] must be"),
        (["--certfile", "manage.py"], "", "certfile or keyfile cannot be used"),
    ],
)
def test_a_mistake_ends_gunicorn(
    gunicorn: Start, project: Path, flags: list[str], settings: str, message: str
) -> None:
    with (project / "mysite" / "settings.py").open("a") as file:
        file.write(settings)
    command = gunicorn(*flags)
    assert command.wait() != 0
    assert re.search(message, command.output)
    assert "Traceback" not in command.output
