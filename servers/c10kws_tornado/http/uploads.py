"""Storage of request bodies: in memory while there is room, then in unnamed files."""

from __future__ import annotations

import os
import tempfile
from typing import IO

from ..limits import Limits


class Uploads:
    """Factory of the bodies of one server. The folder None is the system's temporary folder.

    ``in_memory`` counts the bytes of all bodies in memory.
    """

    def __init__(self, folder: str | os.PathLike[str] | None, limits: Limits) -> None:
        self._folder = None if folder is None else os.fspath(folder)
        self._limits = limits
        self.in_memory = 0

    @property
    def folder(self) -> str:
        """The path of the folder, for a log line."""
        try:
            return self._folder or tempfile.gettempdir()
        except OSError:  # no folder is writable
            return "the system's temporary folder"

    def make_upload(self) -> Upload:
        """Return an empty body."""
        return Upload(self, self._folder, self._limits)


class Upload:
    """The body of one request; used on the loop, except :meth:`store`."""

    def __init__(self, uploads: Uploads, folder: str | None, limits: Limits) -> None:
        self._uploads = uploads
        self._limits = limits
        self._file = tempfile.SpooledTemporaryFile[bytes](dir=folder)
        self._in_memory = 0
        self._stored = False

    @property
    def file(self) -> IO[bytes]:
        """The body as a file, for the application."""
        return self._file

    def keep(self, data: bytes) -> bool:
        """Write to memory. Return False without room: this and all later data must go to disk."""
        size, total = self._in_memory + len(data), self._uploads.in_memory + len(data)
        if size > self._limits.spool_size or total > self._limits.total_spool_size or self._stored:
            self._stored = True
            return False
        self._file.write(data)
        self._in_memory, self._uploads.in_memory = size, total
        return True

    def store(self, data: bytes) -> None:
        """Write to disk, and flush so that errors are raised here."""
        self._file.rollover()
        self._file.write(data)
        self._file.flush()

    def leave_memory(self) -> None:
        """Stop counting the body's memory: it is on disk, or closed."""
        self._uploads.in_memory -= self._in_memory
        self._in_memory = 0
