"""A process with a broker: ``python -m tests.support.broker_process CONFIGURATION``.

It reads commands from stdin, lines of JSON, and answers each on stdout. Without ``serves`` it is a
process such as a shell or a Celery worker.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string

from c10kws.events.brokers.hub.starter import HubStarter
from tests.support.brokers import Listener, count, listen, publish
from tests.support.brokers import serving as serve
from tests.support.line_process import LineProcess
from tests.support.waiting import WAIT


class BrokerProcess(LineProcess):
    """Such a process, for a test. ``configuration`` is that of BROKERS, ``c10kws`` the setting."""

    def __init__(
        self, configuration: dict[str, Any], c10kws: dict[str, Any], *, serves: bool = True
    ) -> None:
        values = {"SECRET_KEY": settings.SECRET_KEY, "C10KWS": c10kws}
        arguments = json.dumps([configuration, values, serves])
        super().__init__("-m", __name__, arguments)

    def begin(self, command: str, *arguments: Any) -> None:
        """Send a command, and do not wait for the answer."""
        self.send(json.dumps([command, *arguments]))

    def do(self, command: str, *arguments: Any) -> Any:
        """Send a command and return its answer."""
        return self.ask(json.dumps([command, *arguments]))


class _Commands:
    """The commands of the process."""

    def __init__(self, configuration: dict[str, Any]) -> None:
        backend = import_string(configuration["BACKEND"])
        self._broker = backend("default", configuration)
        self._listeners: dict[str, Listener] = {}

    def listen(self, channel: str) -> None:
        self._listeners[channel] = listen(self._broker, channel)

    def publish(self, channel: str, texts: Sequence[str]) -> list[str | None]:
        """Return the error of each text."""
        errors: list[str | None] = []
        for emission in [publish(self._broker, text, channel) for text in texts]:
            try:
                emission.result(WAIT)
                errors.append(None)
            except Exception as error:
                errors.append(str(error))
        return errors

    def count(self, channel: str, number: int) -> list[str]:
        """Count further ``number`` times; return the numbers."""
        outcomes = [count(self._broker, channel) for _ in range(number)]
        lasts = [outcome.result(WAIT).last for outcome in outcomes]
        return [last.message.text for last in lasts if last is not None]

    def texts(self, channel: str, number: int) -> list[str]:
        """Return at least this number of texts."""
        deadline = time.monotonic() + WAIT
        while len(self._listeners[channel].texts) < number and time.monotonic() < deadline:
            time.sleep(0.01)
        return self._listeners[channel].texts

    def resets(self, channel: str) -> int:
        return len(self._listeners[channel].resets)

    def fork(self) -> int:
        """Start a child that keeps all that it inherits."""
        child = os.fork()
        if child == 0:
            time.sleep(WAIT)
            os._exit(0)
        return child

    def fork_while_starting(self, channel: str) -> int:
        """Start such a child while another thread has the lock of the hub, to start it."""
        starting, launch = threading.Event(), HubStarter._launch

        def launch_slowly(*arguments: Any) -> int:
            starting.set()
            time.sleep(0.2)
            return launch(*arguments)

        HubStarter._launch = launch_slowly  # type: ignore[method-assign]
        listening = threading.Thread(target=self.listen, args=(channel,))
        listening.start()
        starting.wait(WAIT)
        child = self.fork()
        listening.join(WAIT)
        return child


def main(configuration: dict[str, Any], values: dict[str, Any], serves: bool) -> None:
    settings.configure(**values)
    with serve() if serves else nullcontext():
        commands = _Commands(configuration)
        for line in sys.stdin:
            name, *arguments = json.loads(line)
            print(json.dumps(getattr(commands, name)(*arguments)), flush=True)


if __name__ == "__main__":
    main(*json.loads(sys.argv[1]))
