"""The bodies of requests: in memory, and above a size in files without a name."""

from __future__ import annotations

import os
import tempfile
from typing import IO

from .limits import Limits


class Uploads:
    """Makes the bodies of one server. None as the folder is the system's for temporary files."""

    def __init__(self, folder: str | os.PathLike[str] | None, limits: Limits) -> None:
        self._folder = None if folder is None else os.fspath(folder)
        self._limits = limits

    @property
    def folder(self) -> str:
        """Return the path of the folder, for a log line."""
        try:
            return self._folder or tempfile.gettempdir()
        except OSError:  # there is none that can be written
            return "the system's temporary folder"

    def make_body(self) -> IO[bytes]:
        """Return an empty body."""
        return tempfile.SpooledTemporaryFile(max_size=self._limits.spool_size, dir=self._folder)


def store(body: IO[bytes], data: bytes) -> None:
    """Write to the file of a body. Raises OSError for what would fail later, at its first read."""
    body.write(data)
    body.flush()
