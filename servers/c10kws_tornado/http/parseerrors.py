"""Error responses to requests that stall, or cannot be parsed."""

from __future__ import annotations

from functools import partial

from ..accesslog import AccessLine, AccessLog
from ..limits import Limits
from ..safelogger import get_logger
from .connections import Connections
from .errorresponse import head_too_large, plain_error
from .peer import Peer

logger = get_logger("c10kws_tornado")


class ParseErrors:
    """These responses and their log lines, for one server; used on the loop's thread."""

    def __init__(self, log: AccessLog, connections: Connections, limits: Limits) -> None:
        self._log = log
        self._connections = connections
        stalled = "The request line and headers did not arrive in time."
        self._responses = {
            400: plain_error(400, "Bad Request", "The request is malformed or too long."),
            408: plain_error(408, "Request Timeout", stalled),
            431: head_too_large(limits.max_head_size),
        }

    def respond(self, server_connection: object, peer: Peer, code: int) -> bytes:
        """Return the response for a status code and log it.

        A request whose head was parsed has an access line of its own.
        """
        response = self._responses[code]
        if not self._connections.is_running(server_connection):
            line = AccessLine(peer.address, "-")
            line.status, line.size = code, len(response.body)
            self._log.write_later(line)
            text = response.body.decode().rstrip()
            self._log.later(partial(logger.info, "%s: %s", peer.address or "-", text))
        return response.encode()
