"""Progress bars."""

from __future__ import annotations

from .bar import ProgressBar
from .progress import Progress

__all__ = ["Progress", "ProgressBar"]
