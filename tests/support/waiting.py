"""Waiting for what another thread or process is about to do."""

from __future__ import annotations

import time
from collections.abc import Callable

#: Seconds until a wait fails the test. A wait ends as soon as the condition is true, so this only
#: has to be long enough for a busy machine.
WAIT = 60


def eventually(condition: Callable[[], object]) -> None:
    """Return when ``condition()`` is true; fail the test after WAIT seconds."""
    deadline = time.monotonic() + WAIT
    while not condition():
        assert time.monotonic() < deadline, "the condition is still false"
        time.sleep(0.01)
