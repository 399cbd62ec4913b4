"""The line of the program that defines an EventSocket, for messages."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NamedTuple

_PACKAGE = Path(__file__).parents[1]


class SourceLine(NamedTuple):
    """File, line and the name under which the module was imported."""

    file: str
    line: int
    module: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


def calling_line() -> SourceLine:
    """Return the innermost line on the stack that is not in this package."""
    frame = sys._getframe(1)
    while frame.f_back is not None and Path(frame.f_code.co_filename).is_relative_to(_PACKAGE):
        frame = frame.f_back
    return SourceLine(
        frame.f_code.co_filename, frame.f_lineno, frame.f_globals.get("__name__", "?")
    )
