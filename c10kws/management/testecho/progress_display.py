"""Display of the progress of a phase: a bar of tqdm on a terminal, else lines."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from .processes import Show

try:
    from tqdm import tqdm
except ImportError:  # pip install c10kws[testecho]
    tqdm = None

#: Seconds between two lines.
INTERVAL = 5.0


@contextmanager
def showing(title: str, total: int, stream: TextIO) -> Iterator[Show]:
    """Show a phase of ``total`` steps on a stream; yield the function to call with its progress."""
    if tqdm is None or not stream.isatty():
        yield Lines(title, total, stream)
        return
    with tqdm(total=total, desc=title, unit="", file=stream, dynamic_ncols=True) as bar:

        def show(done: int, failed: int) -> None:
            bar.set_postfix_str(f"failed {failed:,}", refresh=False)
            bar.update(done - bar.n)

        yield show


class Lines:
    """Writes a line every few seconds, and one at the end."""

    def __init__(self, title: str, total: int, stream: TextIO) -> None:
        self._title = title
        self._total = total
        self._stream = stream
        self._next = time.monotonic() + INTERVAL
        self._over = False

    def __call__(self, done: int, failed: int) -> None:
        """Show the number of steps that are done."""
        if self._over or (done < self._total and time.monotonic() < self._next):
            return
        self._over = done >= self._total
        self._next = time.monotonic() + INTERVAL
        failures = f", {failed:,} failed" if failed else ""
        self._stream.write(f"{self._title}: {done:,} of {self._total:,}{failures}\n")
