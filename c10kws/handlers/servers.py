"""The servers of this process: the state of each, and whether any of them serves.

The state of a server is kept in the dictionary that the contract offers for it
(:data:`~c10kws.hijack.SERVER`), so a request finds it without a map of this process.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Protocol

from ..hijack import Contract, Stop
from .server_state import ServerState

logger = logging.getLogger("c10kws")

#: The key of our state in the server's dictionary.
KEY = "c10kws"


class Observer(Protocol):
    """Observer of the servers of this process."""

    def started(self, state: ServerState) -> None:
        """Handle the first request of a server that concerns the library; in any thread."""

    def stopped(self, state: ServerState) -> None:
        """Handle the end of a server's clients; on its loop."""


class Servers:
    """The servers that run in a process, and the classes that are about to start one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: set[ServerState] = set()
        self._announced: set[type] = set()
        self._observers: list[Observer] = []

    def observe(self, observer: Observer) -> None:
        """Call an observer for the servers that run, and for those to come."""
        with self._lock:
            self._observers.append(observer)
            for state in self._running:
                observer.started(state)

    @property
    def observed(self) -> bool:
        """True if there is an observer, so that every request should make its server known."""
        return bool(self._observers)

    @property
    def running(self) -> Collection[ServerState]:
        """The states of all servers, from the first WebSocket or long poll of each to its stop."""
        return self._running

    # The state of a server

    def state_of(self, contract: Contract) -> ServerState:
        """Return the state of the server that offers this contract; from any thread."""
        state: ServerState | None = contract.server.get(KEY)
        if state is None:
            with self._lock:
                state = contract.server.get(KEY)
                if state is None:
                    state = self._start(contract)
        return state

    def _start(self, contract: Contract) -> ServerState:
        state = contract.server[KEY] = ServerState(contract)
        self._running.add(state)

        async def end(stop: Stop) -> None:
            try:
                await state.stop(stop)
            finally:
                self._running.discard(state)
                for observer in self._observers:
                    _notify(observer.stopped, state)

        contract.on_stop(end)
        for observer in self._observers:
            _notify(observer.started, state)
        return state

    # A process that serves

    @property
    def serving(self) -> bool:
        """True in a process that serves, or is about to; only there can events reach clients."""
        return bool(self._announced or self._running)

    def announce(self, by: type) -> None:
        """Mark this process as a server before its first client; ``by`` is the class that serves.

        Without this, :meth:`~c10kws.events.EventSocket.emit` follows EMIT_WITHOUT_SERVER.
        """
        self._announced.add(by)

    def retract(self, by: type) -> None:
        """Undo :meth:`announce` of this class."""
        self._announced.discard(by)

    @contextmanager
    def set_aside(self) -> Iterator[None]:
        """Hide all servers until the block ends, as in a process that serves nothing."""
        running, announced = self._running, self._announced
        self._running, self._announced = set(), set()
        try:
            yield
        finally:
            self._running, self._announced = running, announced

    def forget_after_fork(self) -> None:
        """Mark a forked child of a server as serving nothing: its events would reach no client.

        A parent of preforked workers has no clients yet. Its workers keep its announcement.
        """
        self._lock = threading.Lock()
        if self._running:
            self._running, self._announced = set(), set()


def _notify(method: Callable[[ServerState], None], state: ServerState) -> None:
    """Call a method of an observer. Clients are served and stopped even if it raises."""
    try:
        method(state)
    except Exception:  # for example no thread can be started
        logger.exception("An observer of the server failed: %r", method)


#: The servers of this process.
servers = Servers()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=servers.forget_after_fork)
