"""``find_endpoint()``: an EventSocket, by the name that a person types."""

from __future__ import annotations

from django.urls import Resolver404, get_resolver, resolve

from ..events import EventSocket, paths


class UnknownEndpoint(LookupError):
    """Raised for a name that no EventSocket has."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name

    def __str__(self) -> str:
        known = ", ".join(sorted(each.path for each in _event_sockets()))
        return f"There is no EventSocket at {self.name!r}. These exist: {known or 'none'}."


def find_endpoint(name: str) -> EventSocket:
    """Return the EventSocket with a path, or at a URL. Raises :exc:`UnknownEndpoint`."""
    get_resolver().url_patterns  # noqa: B018 # imports the views that define EventSockets
    path = "/" + name.strip("/")
    for each in _event_sockets():
        if each.path == path:
            return each
    for url in (path, f"{path}/"):
        try:
            view = resolve(url).func
        except Resolver404:
            continue
        if isinstance(view, EventSocket):
            return view
    raise UnknownEndpoint(name)


def _event_sockets() -> list[EventSocket]:
    return [each for each in paths.endpoints() if isinstance(each, EventSocket)]
