"""The broker of a project without the setting BROKERS."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings

from c10kws.events.brokers.local import LocalBroker
from c10kws.events.brokers.memory import MemoryBroker
from c10kws.events.brokers.registry import Brokers
from c10kws.handlers.servers import servers
from tests.support.broker_process import BrokerProcess
from tests.support.brokers import listen
from tests.support.hubs import hub_in, hubs_in
from tests.support.line_process import LineProcess
from tests.support.waiting import eventually

pytestmark = [
    pytest.mark.programs,
    pytest.mark.skipif(os.name != "posix", reason="needs Unix sockets"),
]

CHANNEL = "all:/chat"
SHELL = """
import json, sys, threading
from django.conf import settings

settings.configure(**json.loads(sys.argv[1]))
from c10kws.events import EventSocket
from c10kws.events.brokers.link import link

link.IDLE_TIMEOUT = link.PING_INTERVAL = 0.1  # not 10 s
chat = EventSocket("/chat")
for line in sys.stdin:
    try:
        chat.emit(line.strip())
        result = None
    except Exception as error:
        result = f"{type(error).__name__}: {error}"
    links = sum("broker" in thread.name for thread in threading.enumerate())
    print(json.dumps([result, links]), flush=True)
"""


class Shell:
    """A process that does not serve, and that emits at any time."""

    def __init__(self, c10kws: dict[str, Any]) -> None:
        values = {
            "SECRET_KEY": django_settings.SECRET_KEY,
            "C10KWS": c10kws | {"EMIT_WITHOUT_SERVER": "raise"},
        }
        self.process = LineProcess("-c", SHELL, json.dumps(values))

    def emit(self, event: str) -> tuple[str | None, int]:
        """Return the error, and the number of the links to brokers."""
        error, links = self.process.ask(event)
        return error, links


@pytest.fixture
def shell(site: Path, settings: Any) -> Iterator[Shell]:
    """A shell that has started before any server."""
    shell = Shell(settings.C10KWS)
    yield shell
    shell.process.close()


@pytest.fixture
def start_worker(site: Path, settings: Any) -> Iterator[Callable[[], BrokerProcess]]:
    """Start a worker of a server that has several."""
    started: list[BrokerProcess] = []

    def start() -> BrokerProcess:
        configuration = {
            "BACKEND": "c10kws.events.brokers.local.LocalBroker",
            "OPTIONS": {"idle_timeout": 0.1},
        }
        started.append(BrokerProcess(configuration, settings.C10KWS))
        started[-1].do("listen", CHANNEL)
        return started[-1]

    yield start
    for each in started:
        each.kill()


def test_a_shell_lives_longer_than_servers(
    shell: Shell, start_worker: Callable[[], BrokerProcess], site: Path
) -> None:
    """A shell looks for a hub at each emit, starts none, and leaves one that has ended."""
    not_serving = "EmitHandlerError: Cannot emit {!r} on '/chat': this process is not serving."
    for number in range(2):
        error, links = shell.emit("before")
        assert error is not None and error.startswith(not_serving.format("before"))
        assert links == 0 and not hubs_in(site)
        worker = start_worker()
        assert shell.emit(f"event{number}") == (None, 1)
        (text,) = worker.do("texts", CHANNEL, 1)
        assert f"event{number}" in text
        worker.kill()
        eventually(lambda: not hubs_in(site))


def test_a_shell_reports_a_hub_that_has_crashed(
    shell: Shell, start_worker: Callable[[], BrokerProcess], site: Path
) -> None:
    worker = start_worker()
    os.kill(worker.process.pid, signal.SIGSTOP)  # it would start another hub
    os.kill(hub_in(site), signal.SIGKILL)
    eventually(lambda: not hubs_in(site))
    error, _ = shell.emit("event")
    assert error is not None and error.startswith("BrokerUnavailable: ")
    assert "no answer within 2 s (No connection to the broker 'default'" in error
    assert "no process of this site serves on this machine" in error
    os.kill(worker.process.pid, signal.SIGCONT)
    eventually(lambda: hubs_in(site))
    assert shell.emit("event") == (None, 1)


def test_only_processes_that_do_not_serve_look_for_a_hub(
    serve: None, start_worker: Callable[[], BrokerProcess]
) -> None:
    start_worker()
    brokers = Brokers()
    brokers.real = True
    assert isinstance(brokers["default"], MemoryBroker)
    with servers.set_aside():
        used = brokers["default"]
        assert isinstance(used, LocalBroker)
        assert brokers["default"] is used
    brokers.serve_in_several()
    worker = brokers["default"]
    assert isinstance(worker, LocalBroker)
    listen(worker)
    with servers.set_aside():
        assert brokers["default"] is worker
    brokers.close(0)
