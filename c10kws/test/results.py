"""``Emission.result()`` in the thread of a test.

The event loop of a test runs only while it waits. So while a test has clients, ``result()`` runs
their loops instead of waiting for them.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Protocol
from unittest import mock

from ..events.brokers.emission import Emission

#: Seconds that ``result()`` waits without a timeout.
TIMEOUT = 5.0
#: Seconds for one event loop, before the next one gets its turn.
TURN = 0.01


class Runner(Protocol):
    """An event loop that runs only while the test waits."""

    thread: int

    def run_until(self, condition: Callable[[], object], timeout: float) -> bool: ...


_wait = Emission.result
_runners: list[Runner] = []


def _result(emission: Emission, timeout: float | None = None) -> None:
    here = [each for each in _runners if each.thread == threading.get_ident()]
    try:
        return _wait(emission, 0 if here else timeout)
    except TimeoutError:
        if not here:
            raise
    end = time.monotonic() + (TIMEOUT if timeout is None else timeout)
    while not emission.done() and time.monotonic() < end:
        for runner in here:
            runner.run_until(emission.done, TURN)
    return _wait(emission, 0)


_patch = mock.patch.object(Emission, "result", _result)


def add(runner: Runner) -> None:
    """Run this loop in ``result()``, until it is removed."""
    if not _runners:
        _patch.start()
    _runners.append(runner)


def remove(runner: Runner) -> None:
    """Undo :func:`add`; does nothing the second time."""
    if runner in _runners:
        _runners.remove(runner)
        if not _runners:
            _patch.stop()
