"""Objects that all connections of a server share: the factory of requests, and a read buffer."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from ..accesslog import AccessLine
from ..safelogger import get_logger
from .errorresponse import head_too_large, plain_error
from .incoming import IncomingRequest
from .interfaces import Receiver
from .peer import Peer, Peers
from .protocol import HTTPProtocol
from .requesthead import RequestHead
from .resources import Resources

logger = get_logger("c10kws_tornado")

#: Returns the receiver of a request that another application serves; None for all other requests.
FindReceiver = Callable[[HTTPProtocol, RequestHead], Receiver | None]


class HTTPHost:
    """The host of one server's connections; used on the loop's thread."""

    def __init__(
        self, resources: Resources, peers: Peers, find_receiver: FindReceiver | None
    ) -> None:
        self._resources = resources
        self._peers = peers
        self._find_receiver = find_receiver
        self.limits = resources.limits
        #: The bytes that were received last. They are parsed before anything else is read.
        self.read_buffer = memoryview(bytearray(self.limits.chunk_size * 4))
        stalled = "The request line and headers did not arrive in time."
        self._responses = {
            400: plain_error(400, "Bad Request", "The request is malformed or too long."),
            408: plain_error(408, "Request Timeout", stalled),
            431: head_too_large(self.limits.max_head_size),
        }

    def connection_made(self, connection: HTTPProtocol) -> Peer:
        """Remember a connection, and return its other end."""
        self._resources.connections.add(connection)
        sock = connection.transport.get_extra_info("socket")
        return self._peers.make_peer(sock, connection.address)

    def start_request(self, connection: HTTPProtocol, head: RequestHead) -> Receiver:
        """Return the receiver of a request."""
        if self._find_receiver is not None:
            receiver = self._find_receiver(connection, head)
            if receiver is not None:
                return receiver
        return IncomingRequest(self._resources, connection, head)

    def refuse(self, connection: HTTPProtocol, code: int) -> bytes:
        """Return the response to a request that stalls or cannot be parsed, and log it.

        A request whose head was parsed has an access line of its own.
        """
        response = self._responses[code]
        if not connection.has_request:
            address = connection.peer.address
            line = AccessLine(address, "-")
            line.status, line.size = code, len(response.body)
            self._resources.log.write_later(line)
            text = response.body.decode().rstrip()
            self._resources.log.later(partial(logger.info, "%s: %s", address or "-", text))
        return response.encode()

    def connection_lost(self, connection: HTTPProtocol) -> None:
        """Forget a connection that has ended or was taken over."""
        self._resources.connections.remove(connection)
