"""The contract between a WSGI server and c10kws: ``docs/reference/hijack.rst`` as types.

A server that can hand a connection over puts seven keys in ``environ``, of which ``defer``,
``mask`` and ``client`` are optional. Nothing here imports a server, and a server that keeps the
contract imports nothing from here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Protocol

STREAM = "c10kws.stream"
LOOP = "c10kws.loop"
EXECUTOR = "c10kws.executor"
DEFER = "c10kws.defer"
ON_STOP = "c10kws.on_stop"
MASK = "c10kws.mask"
CLIENT = "c10kws.client"

StopCallback = Callable[[int, float], Awaitable[None] | None]


class Stream(Protocol):
    """The raw stream behind one request, after the head of its 101 response was flushed."""

    @property
    def upgraded(self) -> bool:
        """False when ``close()`` came without a flushed head: the client has disconnected."""

    def attach(self, protocol_factory: Callable[[], asyncio.BaseProtocol]) -> None:
        """Connect a protocol to the stream; once, on the loop's thread.

        Bytes that the client sent early are delivered from within ``connection_made``.
        """


class Executor(Protocol):
    """A bounded pool of threads."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Run ``fn`` in a thread of the pool; raises when the pool's queue is full."""

    def sibling(
        self, name: str, *, queue_size: int, on_idle: Callable[[], bool] | None
    ) -> Executor:
        """Another pool of this size. ``on_idle`` runs in a thread that had no job for a second.

        When it returns False it is asked again after another second.
        """


@dataclass(frozen=True, slots=True)
class Hijack:
    """The keys of the contract, out of one ``environ``."""

    stream: Stream
    loop: asyncio.AbstractEventLoop
    executor: Executor
    on_stop: Callable[[StopCallback], None]
    mask: Callable[[bytes, bytes], bytes] | None = None
    defer: Callable[[Awaitable[Any]], None] | None = None

    @classmethod
    def from_environ(cls, environ: Mapping[str, Any]) -> Hijack | None:
        """Return the contract that the server offers with this request; None if it offers none."""
        if STREAM not in environ:
            return None
        return cls(
            environ[STREAM],
            environ[LOOP],
            environ[EXECUTOR],
            environ[ON_STOP],
            environ.get(MASK),
            environ.get(DEFER),
        )
