"""``ProgressBar``: an EventSocket that shows the progress of jobs to its clients."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls.resolvers import RoutePattern

from ...views.origins import Origins
from ..brokers.channels import bar_of
from ..brokers.emission import Emission
from ..brokers.registry import DEFAULT
from ..clients.socket import Socket
from ..decorators import Decorator
from ..endpoint import EventSocket
from ..rooms.rooms import Rooms
from .progress import Progress
from .state import check_range
from .watchers import Watchers

PREFIX = "/module/progress_bar"


class ProgressBar(EventSocket):
    """A progress bar from ``min`` to ``max``. ``tick`` advances it, in any process.

    Its URL is ``/module/progress_bar`` plus its path. With ``min`` and ``max`` equal it is
    indeterminate: it shows labels without a value. New clients see the current value. Its events
    do not wait for the commit of a transaction.

    A path with converters makes it keyed: ``bar(job=7)`` is the :class:`Progress` of one job.

    The state is in the broker; ``broker`` is an alias of the setting BROKERS. After ``timeout``
    seconds without a tick (None: never) a job counts as ended, and the state of a keyed bar is
    deleted.

    Raises ValueError when ``max`` is less than ``min`` and for a ``timeout`` that is not above 0,
    :exc:`PathAlreadyUsed`.
    """

    greets = True
    #: For subclasses: the versions of the protocol whose clients get ``before_init`` and the like.
    surrounded_versions = frozenset({0})

    def __init__(
        self,
        path: str,
        min: int = 0,  # noqa: A002  (the ancestor's name)
        max: int = 100,  # noqa: A002
        add_to_handlers: bool = True,
        *,
        timeout: float | None = 3600,
        decorators: Sequence[Decorator] = (),
        origins: Origins = None,
        broker: str = DEFAULT,
    ) -> None:
        check_range(min, max)
        _check_timeout(timeout)
        self.min = min
        self.max = max
        self._timeout = timeout
        self._clients: Rooms[Socket] = Rooms(self._open_bar, self._close_bar)
        self._watchers: dict[str, Watchers] = {}
        self._converters: Mapping[str, Any] = RoutePattern(path.strip("/")).converters
        super().__init__(
            f"{PREFIX}/{path.strip('/')}",
            add_to_handlers,
            decorators=decorators,
            origins=origins,
            broker=broker,
        )

    # Keys

    def __call__(self, *args: Any, **key: Any) -> Any:
        """Return the bar of a key: ``bar(job=7)``. With a request, answer it as any view.

        Raises TypeError when the names are not those of the path's converters, ValueError for a
        value that the path cannot contain.
        """
        if args and isinstance(args[0], HttpRequest):
            response: HttpResponse = super().__call__(*args, **key)
            return response
        if args or not self._converters or key.keys() != self._converters.keys():
            names = ", ".join(f"{name}=…" for name in self._converters) or "no key"
            found = ", ".join([*map(repr, args), *(f"{name}=…" for name in key)]) or "nothing"
            raise TypeError(f"The progress bar {self.path!r} takes {names}, not {found}.")
        return self._progress_of(self._key_of(key))

    def _key_of(self, key: Mapping[str, Any]) -> str:
        texts: list[str] = []
        for parameter, converter in self._converters.items():
            text = converter.to_url(key[parameter])
            if not re.fullmatch(converter.regex, text):
                raise ValueError(
                    f"{parameter}={key[parameter]!r} does not match the path {self.path!r}."
                )
            texts.append(converter.to_url(converter.to_python(text)))  # "007" is 7
        return repr(tuple(texts))

    def _progress_of(self, key: str) -> Progress:
        forgets = bool(self._converters)
        return Progress(self, self.emitter, bar_of(self.path, key), self._timeout, forgets)

    @property
    def _unkeyed(self) -> Progress:
        if self._converters:
            names = ", ".join(f"{name}=…" for name in self._converters)
            raise TypeError(
                f"The progress bar {self.path!r} has a value for each key; write "
                f"bar({names}) first."
            )
        return self._progress_of(self._key_of({}))

    # Clients

    async def greet(self, socket: Socket) -> None:
        """Send the state of the bar to a new client, and later its events."""
        key = self._key_of(socket.kwargs if self._converters else {})
        self._clients.join(key, socket)
        await self._watchers[key].greet(socket)

    def leave(self, socket: Socket) -> None:
        """Remove a client that has disconnected, or that ``open`` has refused."""
        for key in self._clients.of(socket):
            self._watchers[key].leave(socket)
        self._clients.leave_all(socket)
        super().leave(socket)

    def _open_bar(self, key: str) -> None:
        self._watchers[key] = Watchers(
            self.emitter.broker,
            self._progress_of(key),
            partial(self._clients.listeners, key),
            self.delivery,
            self.surrounded_versions,
        )

    def _close_bar(self, key: str) -> None:
        self._watchers.pop(key).close()

    # Without keys

    @property
    def value(self) -> int:
        """The current value."""
        return self._unkeyed.value

    @value.setter
    def value(self, value: int) -> None:
        self._unkeyed.value = value

    async def aget_value(self) -> int:
        """Call :meth:`Progress.aget_value`."""
        return await self._unkeyed.aget_value()

    @property
    def indeterminate(self) -> bool:
        """True when ``min`` and ``max`` are equal."""
        return self.min == self.max

    def is_done(self) -> bool:
        """Return True when ``max`` is reached; an indeterminate bar is never done."""
        return self._unkeyed.is_done()

    async def ais_done(self) -> bool:
        """Call :meth:`Progress.ais_done`."""
        return await self._unkeyed.ais_done()

    def start(self, max: int | None = None) -> bool:  # noqa: A002
        """Call :meth:`Progress.start`."""
        return self._unkeyed.start(max)

    async def astart(self, max: int | None = None) -> bool:  # noqa: A002
        """Call :meth:`Progress.astart`."""
        return await self._unkeyed.astart(max)

    def stop(self) -> Emission:
        """Call :meth:`Progress.stop`."""
        return self._unkeyed.stop()

    def reset(self) -> Emission:
        """Call :meth:`Progress.reset`."""
        return self._unkeyed.reset()

    def tick(self, label: str | None = None) -> Emission:
        """Call :meth:`Progress.tick`."""
        return self._unkeyed.tick(label)

    def emit_init(self) -> Emission:
        """Call :meth:`Progress.emit_init`."""
        return self._unkeyed.emit_init()

    def emit_update(self, label: str | None = None) -> Emission:
        """Call :meth:`Progress.emit_update`."""
        return self._unkeyed.emit_update(label)

    def emit_done(self) -> Emission:
        """Call :meth:`Progress.emit_done`."""
        return self._unkeyed.emit_done()


def _check_timeout(timeout: float | None) -> None:
    if timeout is not None and not timeout > 0:
        raise ValueError(f"timeout must be a number of seconds above 0 or None, not {timeout!r}")
