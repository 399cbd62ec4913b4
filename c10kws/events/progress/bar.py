"""``ProgressBar``: an EventSocket that shows the progress of jobs to its clients."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any
from weakref import WeakValueDictionary

from django.http import HttpRequest, HttpResponse
from django.urls.resolvers import RoutePattern

from ...views.origins import Origins
from ..brokers.channels import members_of, watchers_of
from ..clients.socket import Socket
from ..decorators import Decorator
from ..endpoint import EventSocket
from ..rooms.rooms import Rooms
from .progress import Progress, check_range
from .store import CacheStore, MemoryStore

PREFIX = "/module/progress_bar"
#: Events without data around ``init`` and ``update``, as in django-tornado-websockets.
SURROUNDING = frozenset({"before_init", "after_init", "before_update", "after_update"})


class ProgressBar(EventSocket):
    """A progress bar from ``min`` to ``max``. ``tick`` advances it, from any thread.

    Its URL is ``/module/progress_bar`` plus its path. With ``min`` and ``max`` equal it is
    indeterminate: it shows labels without a value. New clients see the current value. Its events
    do not wait for the commit of a transaction.

    A path with converters makes it keyed: ``bar(job=7)`` is the :class:`Progress` of one job. Its
    state is stored in the cache with the alias ``cache``. After ``timeout`` seconds without a tick
    (None: never) a job counts as ended, and its state is deleted.

    Raises ValueError when ``max`` is less than ``min`` and for a ``timeout`` that is not above 0,
    :exc:`PathAlreadyUsed`.
    """

    greets = True
    #: For subclasses: the versions of the protocol whose clients get the events in SURROUNDING.
    surrounded_versions = frozenset({0})

    def __init__(
        self,
        path: str,
        min: int = 0,  # noqa: A002  (the ancestor's name)
        max: int = 100,  # noqa: A002
        add_to_handlers: bool = True,
        *,
        cache: str = "default",
        timeout: float | None = 3600,
        decorators: Sequence[Decorator] = (),
        origins: Origins = None,
    ) -> None:
        check_range(min, max)
        _check_timeout(timeout)
        self.min = min
        self.max = max
        self._cache = cache
        self._timeout = timeout
        self._watchers: Rooms[Socket] = Rooms(self._open_key, self._close_key)
        self._by_key: WeakValueDictionary[str, Progress] = WeakValueDictionary()
        self._by_key_lock = threading.Lock()
        self._progress = Progress(self, MemoryStore(timeout), self._send_to_all)
        self._converters: Mapping[str, Any] = RoutePattern(path.strip("/")).converters
        super().__init__(
            f"{PREFIX}/{path.strip('/')}", add_to_handlers, decorators=decorators, origins=origins
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
        return self._progress_of(self._name_of(key))

    def _name_of(self, key: Mapping[str, Any]) -> str:
        texts: list[str] = []
        for parameter, converter in self._converters.items():
            text = converter.to_url(key[parameter])
            if not re.fullmatch(converter.regex, text):
                raise ValueError(
                    f"{parameter}={key[parameter]!r} does not match the path {self.path!r}."
                )
            texts.append(converter.to_url(converter.to_python(text)))  # "007" is 7
        return repr((self.path, *texts))

    def _progress_of(self, name: str) -> Progress:
        """Return the only Progress of a key; its lock keeps the events in order."""
        with self._by_key_lock:
            progress = self._by_key.get(name)
            if progress is None:
                store = CacheStore(self._cache, name, self._timeout)
                progress = Progress(self, store, partial(self._send_to_watchers, name))
                self._by_key[name] = progress
            return progress

    def _send_to_all(self, event: str, data: dict[str, Any]) -> None:
        self._send(members_of(self.path), event, data)

    def _send_to_watchers(self, name: str, event: str, data: dict[str, Any]) -> None:
        self._send(watchers_of(self.path, name), event, data)

    def _send(self, channel: str, event: str, data: dict[str, Any]) -> None:
        versions = self.surrounded_versions if event in SURROUNDING else None
        self.emitter.publish(channel, event, data, versions)

    def _open_key(self, name: str) -> None:
        clients = partial(self._watchers.listeners, name)
        self.audiences.open(watchers_of(self.path, name), clients)

    def _close_key(self, name: str) -> None:
        self.audiences.close(watchers_of(self.path, name))

    def _gets_event(self, client: Socket, event: str) -> bool:
        return event not in SURROUNDING or client.version in self.surrounded_versions

    @property
    def _unkeyed(self) -> Progress:
        if self._converters:
            names = ", ".join(f"{name}=…" for name in self._converters)
            raise TypeError(
                f"The progress bar {self.path!r} has a value for each key; write "
                f"bar({names}) first."
            )
        return self._progress

    # Clients

    def greet(self, socket: Socket) -> None:
        """Send the state of the bar."""

        def send(event: str, data: dict[str, Any]) -> None:
            if self._gets_event(socket, event):
                socket.emit(event, data, on_commit=False)

        if not self._converters:
            self._progress.greet(send)
            return
        name = self._name_of(socket.kwargs)
        self._progress_of(name).greet(send, partial(self._watchers.join, name, socket))

    def leave(self, socket: Socket) -> None:
        """Remove a client that has disconnected, or that ``open`` has refused."""
        self._watchers.leave_all(socket)
        super().leave(socket)

    # Without keys

    @property
    def value(self) -> int:
        """The current value."""
        return self._unkeyed.value

    @value.setter
    def value(self, value: int) -> None:
        self._unkeyed.value = value

    @property
    def indeterminate(self) -> bool:
        """True when ``min`` and ``max`` are equal."""
        return self.min == self.max

    def is_done(self) -> bool:
        """Return True when ``max`` is reached; an indeterminate bar is never done."""
        return self._unkeyed.is_done()

    def start(self, max: int | None = None) -> bool:  # noqa: A002
        """Call :meth:`Progress.start`."""
        return self._unkeyed.start(max)

    def stop(self) -> None:
        """Call :meth:`Progress.stop`."""
        self._unkeyed.stop()

    def reset(self) -> None:
        """Call :meth:`Progress.reset`."""
        self._unkeyed.reset()

    def tick(self, label: str | None = None) -> None:
        """Call :meth:`Progress.tick`."""
        self._unkeyed.tick(label)

    def emit_init(self) -> None:
        """Call :meth:`Progress.emit_init`."""
        self._unkeyed.emit_init()

    def emit_update(self, label: str | None = None) -> None:
        """Call :meth:`Progress.emit_update`."""
        self._unkeyed.emit_update(label)

    def emit_done(self) -> None:
        """Call :meth:`Progress.emit_done`."""
        self._unkeyed.emit_done()


def _check_timeout(timeout: float | None) -> None:
    if timeout is not None and not timeout > 0:
        raise ValueError(f"timeout must be a number of seconds above 0 or None, not {timeout!r}")
