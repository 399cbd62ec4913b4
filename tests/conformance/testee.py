"""The server under test: the project of this folder under ``manage.py runtornado``."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tools.processes import ADDRESS, free_port, running, wait_until_it_answers

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def serve(log: Path, *, lane: bool) -> Iterator[str]:
    """Serve the echo on a free port while the block runs; yield its ``ws://`` URL.

    ``lane=False`` leaves every frame to wsproto (``C10KWS["FAST_LANE"]``). Raises :exc:`Failed`.
    """
    port = free_port()
    variables = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.conformance.project.settings",
        "C10KWS_CONFORMANCE_LANE": "on" if lane else "off",
    }
    command = [sys.executable, "-m", "django", "runtornado", f"{ADDRESS}:{port}"]
    with running(command, log, folder=ROOT, variables=variables) as process:
        wait_until_it_answers(process, port, log)
        yield f"ws://{ADDRESS}:{port}"
