"""``start_response`` (PEP 3333, "The start_response() Callable")."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType

from .responsehead import Headers

ExcInfo = tuple[type[BaseException], BaseException, TracebackType] | tuple[None, None, None]


class StartResponse:
    """Store status and headers until the first byte of the body."""

    def __init__(self, write: Callable[[bytes], object], head_sent: Callable[[], bool]) -> None:
        self.status: str | None = None
        self.headers: Headers = []
        self._write = write
        self._head_sent = head_sent

    def release(self) -> None:
        """Drop the functions, which refer to the response, when it has ended."""
        self._write = _write_too_late
        self._head_sent = _yes

    def __call__(
        self, status: str, headers: Headers, exc_info: ExcInfo | None = None, /
    ) -> Callable[[bytes], object]:
        if exc_info is not None:
            try:
                if self._head_sent() and exc_info[1] is not None:
                    raise exc_info[1].with_traceback(exc_info[2])
            finally:
                exc_info = None
        elif self.status is not None:
            raise AssertionError("A second call of start_response() needs exc_info.")
        self.status = status
        self.headers = list(headers)
        return self._write


def _write_too_late(data: bytes) -> None:
    raise AssertionError("The response has ended; write() was called too late.")


def _yes() -> bool:
    return True
