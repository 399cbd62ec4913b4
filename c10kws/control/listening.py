"""``listen()``: make this process answer the requests of other processes."""

from __future__ import annotations

from ..handlers.servers import servers
from .broker_listener import BrokerListener
from .listener import Listener

_observes = False


def listen() -> None:
    """Listen while servers run in this process; a second call does nothing."""
    global _observes
    if not _observes:
        _observes = True
        servers.observe(Listener())
        servers.observe(BrokerListener())
