"""The contract between a WSGI server and c10kws: ``docs/reference/hijack.rst`` as types.

A server that can hand a connection over puts its keys in ``environ``. ``defer``, ``mask``,
``client``, ``problems``, ``workers`` and ``measure`` are optional. Nothing here imports a server,
and a server that implements the contract imports nothing from here.
"""

from __future__ import annotations

import asyncio
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Mapping,
    MutableMapping,
    Sequence,
)
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

STREAM = "c10kws.stream"
LOOP = "c10kws.loop"
EXECUTOR = "c10kws.executor"
SERVER = "c10kws.server"
DEFER = "c10kws.defer"
ON_STOP = "c10kws.on_stop"
MASK = "c10kws.mask"
CLIENT = "c10kws.client"
PROBLEMS = "c10kws.problems"
WORKERS = "c10kws.workers"
MEASURE = "c10kws.measure"

T = TypeVar("T")


class Stream(Protocol):
    """The raw stream of one request; usable once the head of its 101 response is flushed."""

    @property
    def upgraded(self) -> bool:
        """True once the head of the 101 is flushed; False if the client has disconnected."""

    def attach(self, protocol_factory: Callable[[], asyncio.BaseProtocol]) -> None:
        """Connect a protocol to the stream. Call it once, on the loop's thread.

        Bytes that the client sent early are delivered from within ``connection_made``.
        """

    # Servers may offer two more methods, ``close_first`` and ``on_upgrade``: see the page.


class Executor(Protocol):
    """A bounded pool of threads."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Run ``fn`` in a thread of the pool. Raises when the pool's queue is full."""

    def sibling(
        self,
        name: str,
        *,
        queue_size: int,
        on_idle: Callable[[], bool] | None,
        on_exit: Callable[[], object] | None,
    ) -> Executor:
        """Return another pool of this size.

        ``on_idle`` runs in a thread that had no job for a second. When it returns False, it runs
        again after another second. ``on_exit`` runs in a thread before it ends.
        """


class Stop(Protocol):
    """The stop of a server."""

    @property
    def code(self) -> int:
        """The close code for WebSockets: 1012 if another server takes over, otherwise 1001."""

    @property
    def deadline(self) -> float:
        """The end of the time to disconnect, in the time of the loop."""

    def spread(self, clients: Iterable[T]) -> AsyncIterator[tuple[T, float]]:
        """Yield the clients in random order and at the server's pace, each with a delay.

        The delay is the number of seconds after which the client may reconnect.
        """


StopCallback = Callable[[Stop], Awaitable[None] | None]


#: The activity of a slot whose worker has ended.
ENDED = 4


class Slot(Protocol):
    """One worker of a server with several processes, as it was when its slot was read."""

    @property
    def index(self) -> int:
        """The number of the slot."""

    @property
    def pid(self) -> int:
        """The process ID; 0 while the process starts."""

    @property
    def generation(self) -> int:
        """The number of restarts of the server before the start of this worker."""

    @property
    def activity(self) -> int:
        """1: starting, 2: accepting connections, 3: draining, 4 (``ENDED``): ended."""

    @property
    def heartbeat(self) -> float:
        """The time (``time.monotonic()``) at which the event loop of the worker last ran."""

    @property
    def connections(self) -> int:
        """The number of open connections."""


class Workers(Protocol):
    """The workers of a server with several processes, seen from one of them."""

    @property
    def index(self) -> int:
        """The number of the own slot."""

    @property
    def inherited(self) -> bytes:
        """The last snapshot of the worker that had the own slot before, or b""."""

    def slots(self) -> Sequence[Slot]:
        """Return all slots that were ever used; from any thread."""

    def snapshot(self, index: int) -> bytes:
        """Return the last snapshot that was published in a slot, or b""; from any thread."""

    def publish(self, data: bytes) -> None:
        """Replace the snapshot of the own slot, of at most 64 KiB. One thread at a time."""


class Measurements(Protocol):
    """Numbers of one server at one moment."""

    @property
    def connections(self) -> int:
        """Open HTTP connections, without streams that were taken over."""

    @property
    def requests(self) -> int:
        """Requests in progress."""

    @property
    def slow_clients(self) -> int:
        """Clients that were disconnected because they read a response too slowly."""

    @property
    def loop_lag(self) -> float | None:
        """Seconds after which the loop last answered, or None."""

    @property
    def pools(self) -> Mapping[str, Mapping[str, float]]:
        """Numbers of each pool, by its name: threads, busy, queued, refused, jobs, waited."""


@dataclass(frozen=True, slots=True)
class Contract:
    """The values of the contract's keys in one ``environ``."""

    stream: Stream
    loop: asyncio.AbstractEventLoop
    executor: Executor
    server: MutableMapping[str, Any]
    on_stop: Callable[[StopCallback], None]
    mask: Callable[[bytes, bytes], bytes] | None = None
    defer: Callable[[Awaitable[Any]], None] | None = None
    workers: Workers | None = None
    measure: Callable[[], Measurements] | None = None

    @classmethod
    def from_environ(cls, environ: Mapping[str, Any]) -> Contract | None:
        """Return the contract that the server offers with this request; None if it offers none."""
        if STREAM not in environ:
            return None
        return cls(
            environ[STREAM],
            environ[LOOP],
            environ[EXECUTOR],
            environ[SERVER],
            environ[ON_STOP],
            environ.get(MASK),
            environ.get(DEFER),
            environ.get(WORKERS),
            environ.get(MEASURE),
        )
