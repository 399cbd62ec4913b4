"""The line of the program that defines an EventSocket, for messages."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NamedTuple

_HERE = str(Path(__file__).parent)


class Definition(NamedTuple):
    """File, line and the name under which the module was imported."""

    file: str
    line: int
    module: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


def of_the_caller() -> Definition:
    """Return the innermost line on the stack that is not in this package."""
    frame = sys._getframe(1)
    while frame.f_back is not None and str(Path(frame.f_code.co_filename).parent) == _HERE:
        frame = frame.f_back
    return Definition(
        frame.f_code.co_filename, frame.f_lineno, frame.f_globals.get("__name__", "?")
    )
