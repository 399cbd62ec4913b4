"""The demo of the tree, as the matrix serves that of an environment."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from matrix.demo import Demo

ROOT = Path(__file__).parents[2]
PATH = os.pathsep.join([str(ROOT), str(ROOT / "servers")])


def demo_in(folder: Path) -> Demo:
    """Return a demo whose database and log are in ``folder``; one server at a time."""
    return Demo(Path(sys.executable), folder, {"PYTHONPATH": PATH})
