"""The demo of this repository, served as the matrix serves that of an environment."""

from __future__ import annotations

import sys
from pathlib import Path

from matrix.demo import Demo

from .shell import SOURCES


def demo_in(folder: Path) -> Demo:
    """Return a demo whose database and log are in ``folder``; one server at a time."""
    return Demo(Path(sys.executable), folder, {"PYTHONPATH": SOURCES})
