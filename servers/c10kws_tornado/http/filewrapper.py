"""``wsgi.file_wrapper`` (PEP 3333, "Optional Platform-Specific File Handling")."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


class FileWrapper:
    """A file-like object as a body, which the server reads and sends without holding a thread."""

    def __init__(self, filelike: Any, block_size: int = 64 * 1024) -> None:
        self.filelike = filelike
        self.block_size = block_size
        if hasattr(filelike, "close"):
            self.close = filelike.close

    def __iter__(self) -> Iterator[bytes]:
        """Yield blocks, for middleware that iterates over the body."""
        while data := self.filelike.read(self.block_size):
            yield data
