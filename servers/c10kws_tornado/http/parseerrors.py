"""Answers to a head that stalls, is too long or is malformed."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from ..accesslog import AccessLine
from ..safelogger import get_logger
from .response import encode_refusal, plain_error

if TYPE_CHECKING:
    from ..accesslog import AccessLog
    from ..limits import Limits
    from .connections import Connections
    from .peer import Peer

logger = get_logger("c10kws_tornado")


class ParseErrors:
    """Factory of these answers, and their log lines, for one server; on the loop's thread."""

    def __init__(self, log: AccessLog, connections: Connections, limits: Limits) -> None:
        self._log = log
        self._connections = connections
        self._texts = {
            400: ("Bad Request", "The request is malformed or too long."),
            408: ("Request Timeout", "The head of the request did not come in time."),
            431: (
                "Request Header Fields Too Large",
                f"The head of the request has over {limits.max_head_size} bytes.",
            ),
        }

    def respond(self, server_connection: object, peer: Peer, code: int) -> bytes:
        """Return the answer.

        A request whose head has come has an access line of its own.
        """
        reason, text = self._texts[code]
        refusal = plain_error(code, reason, text)
        if not self._connections.is_running(server_connection):
            line = AccessLine(peer.address, "-")
            line.status, line.size = code, len(refusal[2])
            self._log.write_later(line)
            self._log.later(partial(logger.info, "%s: %s", peer.address or "-", text))
        return encode_refusal(refusal)
