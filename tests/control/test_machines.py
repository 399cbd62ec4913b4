"""Processes of two machines, with Redis between them.

Their servers have different names of hosts and different folders for their Unix sockets, so they
cannot reach each other on another way.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User

from c10kws.events.brokers.registry import brokers
from tests.support.accounts import logged_in
from tests.support.commands import Command, Start, open_socket
from tests.support.peers import closed_with
from tests.support.redis_servers import RedisServer
from tests.support.waiting import WAIT
from tools.processes import free_port

SECRET = "of two machines"
SETTINGS = """
import socket
from .settings import *
socket.gethostname = lambda: {host!r}
SECRET_KEY = {secret!r}
C10KWS = {c10kws!r}
"""
SOCKETS = """
from c10kws.events import EventSocket
chat = EventSocket("/chat")
"""
URL = "/admin/c10kws/liveconnection/"


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short folder: the path of a socket has at most 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="c10") as name:
        yield Path(name)


class Site:
    """A project whose commands can run on several machines."""

    def __init__(self, project: Path, start: Start, folder: Path, redis: RedisServer) -> None:
        self._project, self._start, self._folder = project, start, folder
        backend = "c10kws.events.brokers.redis.RedisBroker"
        self.brokers = {"default": {"BACKEND": backend, "OPTIONS": {"url": redis.url}}}
        (project / "mysite" / "sockets.py").write_text(SOCKETS)
        with (project / "mysite" / "urls.py").open("a") as urls:
            urls.write('from . import sockets\nurlpatterns += [path("chat/", sockets.chat)]\n')
        for host in ("web1", "web2", "shell"):
            (folder / host).mkdir()
            c10kws = {"RUNTIME_DIR": str(folder / host), "BROKERS": self.brokers}
            text = SETTINGS.format(host=host, secret=SECRET, c10kws=c10kws)
            (project / "mysite" / f"{host}.py").write_text(text)

    def run(self, host: str, command: str, *arguments: str) -> Command:
        """Run a command on a machine."""
        return self._start(command, "--settings", f"mysite.{host}", *arguments)

    def serve(self, host: str) -> int:
        """Start a server; return its port."""
        port = free_port()
        server = self.run(host, "runtornado", str(port))
        server.wait_for(f"ws://127.0.0.1:{port}/")
        return port

    def ws(self, host: str, *arguments: str) -> str:
        """Return what ``manage.py ws`` prints."""
        command = self.run(host, "ws", *arguments)
        command.wait()
        return command.output


@pytest.fixture
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A Redis between the machines."""
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    yield server
    server.kill()


@pytest.fixture
def site(project: Path, start: Start, folder: Path, redis: RedisServer) -> Site:
    """A project with Redis between its machines."""
    return Site(project, start, folder, redis)


def test_the_command_asks_the_processes_of_all_machines(site: Site) -> None:
    one, other = site.serve("web1"), site.serve("web2")
    with (
        open_socket(one, "/chat/") as first,
        open_socket(other, "/chat/") as second,
        open_socket(other) as third,
    ):
        listed = site.ws("web1", "list").splitlines()
        assert listed[0].split()[:2] == ["process", "id"]
        hosts = [line.split(":")[0] for line in listed[1:-1]]
        assert sorted(hosts) == ["web1", "web2", "web2"]
        assert listed[-1] == "3 of 3 connections."
        rows = json.loads(site.ws("shell", "list", "--json"))
        assert len({row["id"] for row in rows}) == 3
        assert "connections /chat: 2" in site.ws("shell", "stats").splitlines()
        assert site.ws("shell", "emit", "/chat", "news") == "Emitted 'news' on /chat.\n"
        for client in (first, second):
            assert json.loads(client.recv(WAIT))["event"] == "news"
        (remote,) = [row["id"] for row in rows if row["path"] == "/ws/echo/"]
        assert site.ws("web1", "close", remote) == "Closed 1 connection.\n"
        assert closed_with(third)[0] == 1008
        assert site.ws("shell", "close", "--all") == "Closed 2 connections.\n"
        assert closed_with(first)[0] == closed_with(second)[0] == 1008


def test_without_the_broker_only_this_machine_answers(site: Site, redis: RedisServer) -> None:
    port = site.serve("web1")
    with open_socket(port):
        redis.kill()
        *problem, _, row, total = site.ws("web1", "list").splitlines()
        assert "The broker 'default' is not available" in problem[-1]
        assert problem[-1].endswith(" Only processes of this machine were asked.")
        assert row.endswith("/ws/echo/")
        assert total == "1 of 1 connection."


@pytest.mark.usefixtures("transactional_db", "chat")
def test_the_admin_shows_and_closes_connections_of_all_machines(
    site: Site, folder: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SECRET_KEY = SECRET
    settings.C10KWS = {"RUNTIME_DIR": str(folder / "shell"), "BROKERS": site.brokers}
    monkeypatch.setattr(brokers, "real", True)
    brokers.forget()
    client = logged_in("chief")
    User.objects.update(is_staff=True, is_superuser=True)
    one, other = site.serve("web1"), site.serve("web2")
    try:
        with open_socket(one), open_socket(other) as second:
            page = client.get(URL).content.decode()
            assert "2 live connections" in page
            found = re.findall(r'class="field-process">(web\d):\d+<', page)
            assert sorted(found) == ["web1", "web2"]
            chosen = client.get(f"{URL}?q=echo").context["cl"].result_list
            (remote,) = [row for row in chosen if row.process.startswith("web2:")]
            data = {"action": "close_selected", "index": "0", "_selected_action": [remote.pk]}
            response = client.post(URL, data, follow=True)
            assert "Closed 1 connection." in response.content.decode()
            assert closed_with(second) == (1008, "closed by an administrator")
    finally:
        brokers.close(0)
        brokers.forget()
