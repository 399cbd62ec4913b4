"""The switch of a connection to another protocol, for one request."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from ..accesslog import AccessLine
from ..raw.stream import RawStream, may_upgrade
from ..safelogger import get_logger
from .protocol import HTTPProtocol
from .resources import Resources
from .responsehead import make_head
from .startresponse import StartResponse

logger = get_logger("c10kws_tornado.error")


class Upgrade:
    """The stream of a request, and the head of its 101.

    The head is sent before ``close()`` of the response, so that the application can read
    ``upgraded`` there, or after it if the application has called ``close_first()``.
    """

    __slots__ = ("_line", "_resources", "head", "stream")

    def __init__(self, resources: Resources, connection: HTTPProtocol, line: AccessLine) -> None:
        self._resources = resources
        self._line = line
        self.stream = RawStream(connection)
        #: The head to be sent after ``close()``.
        self.head = b""

    # In a worker thread

    def begin(self, *, environ: Mapping[str, Any], start_response: StartResponse) -> None:
        """Make the head; send it, and wait until it was sent, unless ``close()`` comes first."""
        if not may_upgrade(environ):
            raise ValueError(
                "A 101 is possible only for an HTTP/1.1 request with Upgrade and without a body."
            )
        assert start_response.status is not None
        upgrade = environ["HTTP_UPGRADE"]
        head = make_head(start_response.status, start_response.headers, upgrade=upgrade)
        self._line.status = head.code
        if self.stream.closes_first:
            self.head = head.encode()
        else:
            self._send(head.encode())

    def _send(self, head: bytes) -> None:
        timeout = self._resources.limits.flush_timeout
        switched = threading.Lock()
        switched.acquire()
        self._resources.mailbox.post(self.stream.switch_and_flush, head, timeout, switched.release)
        switched.acquire(timeout=timeout + 1)
        if not self.stream.upgraded:
            self._log_lost()

    def _log_lost(self) -> None:
        text = "%s: the client disconnected before the 101 was sent."
        logger.info(text, self._line.escaped)

    # On the loop

    def switch(self) -> None:
        """Send the head after ``close()``, and call the application."""
        if not self.stream.switch(self.head):
            self._resources.log.later(self._log_lost)

    def end(self) -> None:
        """Close a stream that was not attached; remember one that was."""
        self.stream.close_unattached()
        if self.stream.transport is not None:
            self._resources.raw_streams.add(self.stream.transport)
