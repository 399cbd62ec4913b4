"""The command ``manage.py gameoflife`` against a demo that runs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

WAIT = 60
ROOT = Path(__file__).parents[2]


def relay_of(demo: str) -> str:
    return demo.replace("http", "ws") + "/gameoflife/ws/"


def start(demo: str, *options: str) -> subprocess.Popen[str]:
    """Start the command; a limit of steps that is no limit is its first option."""
    run = [sys.executable, "manage.py", "gameoflife", "-l", "inf", "--url", relay_of(demo)]
    return subprocess.Popen(
        [*run, *options],
        cwd=ROOT / "demo",
        env=os.environ
        | {
            "DJANGO_SETTINGS_MODULE": "project.settings",
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "servers")]),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(game: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Wait for the end; return the exit status, the output and the errors."""
    try:
        output, errors = game.communicate(timeout=WAIT)
    finally:
        game.kill()
    assert "Traceback" not in errors
    return game.returncode, output, errors
