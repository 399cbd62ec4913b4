"""Servers of WSGI applications, in threads of this process."""

from __future__ import annotations

import selectors
import subprocess
from collections.abc import Callable, Iterator
from typing import Any
from wsgiref.validate import validator

import pytest

from tests.support.lines import POLLS, Line
from tests.support.servers import LiveServer


@pytest.fixture
def serve_as_is() -> Iterator[Callable[..., LiveServer]]:
    """Start servers of applications; they are stopped at the end of the test."""
    servers: list[LiveServer] = []

    def start(application: Any, **options: Any) -> LiveServer:
        server = LiveServer(application, **options)
        server.start()
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.stop()
    assert [error for server in servers for error in server.errors] == []


@pytest.fixture
def serve(serve_as_is: Callable[..., LiveServer]) -> Callable[..., LiveServer]:
    """Start servers of ordinary applications, behind the standard library's validator."""
    return lambda application, **options: serve_as_is(validator(application), **options)


@pytest.fixture
def popen() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start programs whose output is read here; they are killed at the end of the test."""
    started: list[subprocess.Popen[str]] = []

    def start(*command: str, **options: Any) -> subprocess.Popen[str]:
        pipe = subprocess.PIPE
        started.append(subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, **options))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture(params=["default tcp", "default pair", "select tcp", *POLLS])
def line(request: pytest.FixtureRequest) -> Iterator[Line]:
    """A transport and its peer, with each selector and kind of socket."""
    name, kind = request.param.split()
    default = selectors.DefaultSelector  # epoll or kqueue
    selector = selectors.SelectSelector() if name == "select" else default()
    line = Line(selector, kind, polls=name == "poller")
    yield line
    line.close()
    assert line.errors == []
