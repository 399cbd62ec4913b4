"""The other ends of the open connections."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .environ import address_keys
from .proxies import TrustedProxies

if TYPE_CHECKING:
    from tornado.http1connection import HTTP1Connection


@dataclass(frozen=True, slots=True)
class Peer:
    """The other end of a connection, the same for all its requests."""

    #: The address for the log, empty for a unix socket.
    address: str
    #: The part of ``environ`` that all requests of the connection share.
    keys: dict[str, Any]
    trusted: bool


class Peers:
    """The peers of a server's open connections, each looked at once.

    Peers on unix sockets are trusted too.
    """

    def __init__(self, trusted: TrustedProxies, keys: dict[str, Any]) -> None:
        self._trusted = trusted
        self._keys = keys
        self._peers: dict[object, Peer] = {}

    def find(self, server_connection: object, connection: HTTP1Connection) -> Peer:
        """Return the peer of a connection."""
        peer = self._peers.get(server_connection)
        if peer is None:
            context: Any = connection.context
            keys = self._keys | address_keys(connection.stream.socket, context)
            peer = Peer(str(context), keys, self._is_trusted(context))
            self._peers[server_connection] = peer
        return peer

    def remove(self, server_connection: object) -> None:
        """Forget a connection that has ended."""
        self._peers.pop(server_connection, None)

    def _is_trusted(self, context: Any) -> bool:
        if context.address_family not in (socket.AF_INET, socket.AF_INET6):
            return True
        return context.address[0] in self._trusted
