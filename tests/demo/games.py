"""The command ``manage.py gameoflife`` against a demo that runs."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

WAIT = 60
ROOT = Path(__file__).parents[2]


def relay_of(address: str) -> str:
    return address.replace("http", "ws") + "/gameoflife/ws/"


@contextmanager
def started(address: str, *options: str) -> Iterator[subprocess.Popen[str]]:
    """Start the command, without a limit of steps a second; end it if it has not ended."""
    run = [sys.executable, "manage.py", "gameoflife", "-l", "inf", "--url", relay_of(address)]
    path = os.pathsep.join([str(ROOT), str(ROOT / "servers")])
    environment = {"DJANGO_SETTINGS_MODULE": "project.settings", "PYTHONPATH": path}
    with subprocess.Popen(
        [*run, *options],
        cwd=ROOT / "demo",
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as game:
        try:
            yield game
        finally:
            game.kill()


def finish(game: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Wait for the end; return the exit status, the output and the errors."""
    output, errors = game.communicate(timeout=WAIT)
    assert "Traceback" not in errors
    return game.returncode, output, errors


def run(address: str, *options: str) -> tuple[int, str, str]:
    """Start the command and wait for its end."""
    with started(address, *options) as game:
        return finish(game)
