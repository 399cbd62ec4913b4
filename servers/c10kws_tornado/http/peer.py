"""The clients (or proxies) at the other end of open connections."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import Any

from tornado.http1connection import HTTP1Connection
from tornado.httputil import HTTPHeaders, RequestStartLine

from ..accesslog import AccessLine
from .environ import address_keys
from .proxies import TrustedProxies


@dataclass(frozen=True, slots=True)
class Peer:
    """The other end of a connection, for all its requests."""

    #: Its address for the log; empty for a unix socket.
    address: str
    #: The part of ``environ`` that all requests of the connection share.
    keys: dict[str, Any]
    #: None when its forwarded headers are ignored.
    proxies: TrustedProxies | None
    log_query_strings: bool

    @property
    def trusted(self) -> bool:
        """True when the forwarded headers of this peer are used."""
        return self.proxies is not None

    def client(self, headers: HTTPHeaders) -> str:
        """Return the client's address: the peer's, or the one that a trusted proxy reports."""
        if self.proxies is None or not (hops := headers.get_list("X-Forwarded-For")):
            return self.address
        return self.proxies.client_of(hops) or self.address

    def begin_line(self, start_line: RequestStartLine, headers: HTTPHeaders) -> AccessLine:
        """Return the access line of a request.

        The query strings of WebSockets and event streams are omitted: they often contain a token,
        because a browser cannot send other headers with these requests.
        """
        path = start_line.path
        if not self.log_query_strings and _may_carry_token(headers):
            path = path.partition("?")[0]
        return AccessLine(self.client(headers), f"{start_line.method} {path} {start_line.version}")


class Peers:
    """The peers of a server's open connections, each created once.

    Peers on unix sockets are trusted too.
    """

    def __init__(
        self, trusted: TrustedProxies, keys: dict[str, Any], *, log_query_strings: bool
    ) -> None:
        self._trusted = trusted
        self._keys = keys
        self._log_query_strings = log_query_strings
        self._peers: dict[object, Peer] = {}

    def find(self, server_connection: object, connection: HTTP1Connection) -> Peer:
        """Return the peer of a connection."""
        peer = self._peers.get(server_connection)
        if peer is None:
            context: Any = connection.context
            keys = self._keys | address_keys(connection.stream.socket, context)
            proxies = self._trusted if self._is_trusted(context) else None
            peer = Peer(str(context), keys, proxies, self._log_query_strings)
            self._peers[server_connection] = peer
        return peer

    def remove(self, server_connection: object) -> None:
        """Forget the peer of a connection that has ended."""
        self._peers.pop(server_connection, None)

    def _is_trusted(self, context: Any) -> bool:
        if context.address_family not in (socket.AF_INET, socket.AF_INET6):
            return True
        return context.address[0] in self._trusted


def _may_carry_token(headers: HTTPHeaders) -> bool:
    return "Upgrade" in headers or headers.get("Accept") == "text/event-stream"
