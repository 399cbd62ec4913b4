"""The clients (or proxies) at the other end of open connections."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import Any

from ..accesslog import AccessLine
from .environ import address_keys
from .proxies import TrustedProxies
from .requesthead import RequestHead


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

    def client(self, head: RequestHead) -> str:
        """Return the client's address: the peer's, or the one that a trusted proxy reports."""
        if self.proxies is None or (hops := head.forwarded.get("HTTP_X_FORWARDED_FOR")) is None:
            return self.address
        return self.proxies.client_of(hops) or self.address

    def begin_line(self, head: RequestHead) -> AccessLine:
        """Return the access line of a request.

        The query strings of WebSockets and event streams are omitted: they often contain a token,
        because a browser cannot send other headers with these requests.
        """
        method, path, version = head.start_line
        if not self.log_query_strings and _may_carry_token(head):
            path = path.partition("?")[0]
        fields = head.fields
        return AccessLine(
            self.client(head),
            f"{method} {path} {version}",
            referer=fields.get("HTTP_REFERER", ""),
            user_agent=fields.get("HTTP_USER_AGENT", ""),
        )


class Peers:
    """Factory of the peers of a server's connections. Peers on unix sockets are trusted too."""

    def __init__(
        self, trusted: TrustedProxies, keys: dict[str, Any], *, log_query_strings: bool
    ) -> None:
        self._trusted = trusted
        self._keys = keys
        self._log_query_strings = log_query_strings

    def make_peer(self, sock: socket.socket | None, address: Any) -> Peer:
        """Return the peer of a connection; ``address`` is that of ``accept``."""
        keys = self._keys | address_keys(sock, address)
        named = isinstance(address, tuple)  # not that of a unix socket
        trusted = not named or address[0] in self._trusted
        return Peer(
            address[0] if named else "",
            keys,
            self._trusted if trusted else None,
            self._log_query_strings,
        )


def _may_carry_token(head: RequestHead) -> bool:
    fields = head.fields
    return "HTTP_UPGRADE" in fields or fields.get("HTTP_ACCEPT") == "text/event-stream"
