"""``manage.py`` of a project made by ``django-admin startproject``."""

from __future__ import annotations

import os
import re
import signal
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path
from typing import Any

from websockets.sync.client import connect

from .shell import SOURCES, clean_variables
from .waiting import WAIT

VIEWS = """
from c10kws import websocket

@websocket
async def echo(ws):
    async for message in ws:
        await ws.write_message(message)

def session_cookie(view):
    def wrapped(request):
        request.session["seen"] = True
        return view(request)
    return wrapped

greeting = session_cookie(echo)
"""
URLS = """
from django.contrib import admin
from django.urls import path
from . import views

urlpatterns = [
    path("admin/", admin.site.urls),
    path("ws/echo/", views.echo),
    path("ws/session/", views.greeting),
]
"""


def make_project(folder: Path) -> None:
    """Make a stock project with c10kws, two WebSocket views and a migrated database."""
    django = [sys.executable, "-m", "django"]
    subprocess.run([*django, "startproject", "mysite", folder], env=clean_variables(), check=True)
    settings = folder / "mysite" / "settings.py"
    text = settings.read_text()
    settings.write_text(text.replace("INSTALLED_APPS = [", 'INSTALLED_APPS = [\n    "c10kws",'))
    (folder / "mysite" / "views.py").write_text(VIEWS)
    (folder / "mysite" / "urls.py").write_text(URLS)
    command = [sys.executable, "manage.py", "migrate", "-v0"]
    environment = clean_variables() | {"PYTHONPATH": SOURCES}
    subprocess.run(command, cwd=folder, env=environment, check=True)


class Command:
    """A running ``manage.py`` command and what it has printed so far."""

    program: Sequence[str] = ("manage.py",)
    variables: Mapping[str, str] = {}

    def __init__(
        self, project: Path, *args: str, program: str | None = None, pass_fds: Sequence[int] = ()
    ) -> None:
        self.output = ""
        environment = clean_variables() | {"PYTHONPATH": SOURCES, "PYTHONUNBUFFERED": "1"}
        environment |= self.variables
        self.process = subprocess.Popen(
            [sys.executable, *(self.program if program is None else [program]), *args],
            cwd=project,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            pass_fds=pass_fds,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as stdout:
            for line in stdout:
                self.output += line

    def wait_for(self, pattern: str, count: int = 1) -> None:
        deadline = time.monotonic() + WAIT
        while len(re.findall(pattern, self.output)) < count:
            assert time.monotonic() < deadline, f"no {pattern!r} in:\n{self.output}"
            assert self.process.poll() is None or self._reader.is_alive(), self.output
            time.sleep(0.02)

    def wait(self) -> int:
        """Wait for the end, and return the exit status."""
        code = self.process.wait(WAIT)
        self._reader.join(WAIT)
        return code

    def kill(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)  # workers end with their parent
        self.process.wait(WAIT)
        self._reader.join(WAIT)


def open_socket(
    port: int, path: str = "/ws/echo/", *, tls: ssl.SSLContext | None = None, **options: Any
) -> Any:
    s = "s" if tls else ""
    return connect(
        f"ws{s}://127.0.0.1:{port}{path}",
        open_timeout=WAIT,
        ping_interval=None,
        proxy=None,
        origin=f"http{s}://127.0.0.1:{port}",
        ssl=tls,
        **options,
    )


def get(port: int, path: str, tls: ssl.SSLContext | None = None) -> tuple[int, bytes]:
    if tls is None:
        page = HTTPConnection("127.0.0.1", port, timeout=WAIT)
    else:
        page = HTTPSConnection("127.0.0.1", port, timeout=WAIT, context=tls)
    try:
        page.request("GET", path)
        response = page.getresponse()
        return response.status, response.read()
    finally:
        page.close()


def change(command: Command, path: Path, text: str) -> None:
    """Change a file until the reloader has noticed.

    It compares modification times, and misses a change of a file that it has not seen before.
    """
    notice = re.compile(re.escape(f"{path.name} changed, reloading"))
    told, deadline = len(notice.findall(command.output)), time.monotonic() + WAIT
    path.write_text(text)
    while len(notice.findall(command.output)) == told:
        assert time.monotonic() < deadline, command.output
        time.sleep(0.5)
        os.utime(path)


#: Starts a command of a project; it is killed at the end of the test.
Start = Callable[..., Command]
