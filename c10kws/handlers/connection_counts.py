"""Limits of the open WebSockets of a server: in all, for each address and for each user."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Hashable
from dataclasses import dataclass
from functools import lru_cache

from django.http import HttpRequest

from ..conf import Settings
from ..exceptions import HandshakeRefused
from ..hijack import CLIENT
from ..protocol.closing import TOO_MANY_REQUESTS, Close

#: Seconds after which a refused client may try again. Other clients may have disconnected by then.
RETRY_AFTER = 5


class TooManyConnections(HandshakeRefused):
    """A handshake above a limit. ``setting`` is the name of the limit.

    ``visible`` is False when the process is full: a Close that a page can see would need a
    WebSocket.
    """

    def __init__(self, setting: str, limit: int, whose: str, *, visible: bool) -> None:
        reason = f"Too many connections{whose}: {setting} is {limit}. Try again later."
        super().__init__(503, reason, {"Retry-After": str(RETRY_AFTER)})
        self.setting = setting
        self.visible = visible
        self.close = Close(TOO_MANY_REQUESTS, f"too many connections{whose}")


@dataclass(slots=True)
class Holder:
    """The client that a WebSocket counts for. None is an unknown address, or no user."""

    address: str | None = None
    user: Hashable | None = None

    @classmethod
    def of(cls, request: HttpRequest, settings: Settings) -> Holder | None:
        """Return the holder, as yet without its user; None when nothing is limited."""
        limits = (
            settings.max_connections,
            settings.max_connections_per_address,
            settings.max_connections_per_user,
        )
        if limits == (None, None, None):
            return None
        return cls(network_of(request.META.get(CLIENT) or request.META.get("REMOTE_ADDR") or ""))

    def add_user(self, request: HttpRequest) -> None:
        """Count for the user, who is loaded, unless the client is not logged in."""
        if request.user.is_authenticated:
            self.user = request.user.pk


class ConnectionCounts:
    """Numbers of open WebSockets, changed on the loop's thread; each operation is O(1).

    A WebSocket counts until its handler has ended. A number that falls to 0 is deleted, so millions
    of addresses leave nothing behind. Without limits nothing is counted.
    """

    def __init__(self) -> None:
        self._holders: dict[asyncio.Task[None], Holder] = {}
        self._addresses: dict[Hashable, int] = {}
        self._users: dict[Hashable, int] = {}

    def __len__(self) -> int:
        return len(self._holders)

    def check(self, holder: Holder, settings: Settings) -> None:
        """Raise :exc:`TooManyConnections` if there is no room for another one; from any thread."""
        limit = settings.max_connections
        if limit is not None and len(self._holders) >= limit:
            raise TooManyConnections("MAX_CONNECTIONS", limit, "", visible=False)
        limit = settings.max_connections_per_address
        if limit is not None and self._addresses.get(holder.address, 0) >= limit:
            whose = " from your address"
            raise TooManyConnections("MAX_CONNECTIONS_PER_ADDRESS", limit, whose, visible=True)
        limit = settings.max_connections_per_user
        if limit is not None and self._users.get(holder.user, 0) >= limit:
            whose = " of this user"
            raise TooManyConnections("MAX_CONNECTIONS_PER_USER", limit, whose, visible=True)

    def enter(self, task: asyncio.Task[None], holder: Holder) -> None:
        """Count a WebSocket, for as long as the task of its handler runs."""
        self._holders[task] = holder
        _add(self._addresses, holder.address)
        _add(self._users, holder.user)

    def leave(self, task: asyncio.Task[None]) -> None:
        """Stop counting the WebSocket of a task, if it is counted."""
        holder = self._holders.pop(task, None)
        if holder is not None:
            _subtract(self._addresses, holder.address)
            _subtract(self._users, holder.user)


def _add(counts: dict[Hashable, int], key: Hashable | None) -> None:
    if key is not None:
        counts[key] = counts.get(key, 0) + 1


def _subtract(counts: dict[Hashable, int], key: Hashable | None) -> None:
    if key is not None:
        counts[key] -= 1
        if not counts[key]:
            del counts[key]


@lru_cache(1024)
def network_of(text: str) -> str | None:
    """Return the address that a client counts for; None when it is unknown, as of a unix socket.

    For IPv6 this is the /64 network, the smallest that a site gets (RFC 6177): one client has all
    of its addresses.
    """
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, 64), strict=False))
