"""Django requests that stay in memory after their view has returned: their cycles and their size.

A request that is part of a reference cycle is freed only by the garbage collector. Django's
middleware makes two kinds: ``user`` and ``auser`` of a request refer to the request, and so does
the storage of its messages.
"""

from __future__ import annotations

import functools
import io
from types import MethodType
from typing import Any

from django.http import HttpRequest
from django.utils.functional import LazyObject, SimpleLazyObject, empty

from .. import hijack

#: The keys of the contract that are objects of a request or of its server.
CONTRACT_KEYS = {
    *(hijack.STREAM, hijack.LOOP, hijack.EXECUTOR, hijack.SERVER),
    *(hijack.DEFER, hijack.ON_STOP, hijack.MASK),
}


class _EmptyBody(io.BytesIO):
    """The stream of an empty body; Django closes the stream of a body that it has read."""

    def close(self) -> None:
        """Stay open for the other requests."""


#: One for all requests, since a handshake has no body.
_EMPTY_BODY = _EmptyBody()


def drop_handshake_data(request: HttpRequest) -> None:
    """Drop the parts of a request that only the handshake needed, to save memory.

    These are the contract with the server, the stream of the body, which is empty, and the URL
    patterns that did not match.
    """
    meta = {name: value for name, value in request.META.items() if name not in CONTRACT_KEYS}
    meta["wsgi.input"] = request._stream = _EMPTY_BODY
    request.META = request.environ = meta  # type: ignore[attr-defined]
    if request.resolver_match is not None:
        request.resolver_match.tried = None


def break_cycles(request: HttpRequest) -> None:
    """Break the cycles of a request whose response has been sent.

    A lazy user that is loaded is replaced by the user itself. One that is not loaded stays lazy; it
    keeps its reference to the request if it is not Django's. The messages are dropped, since no
    response follows that could show them.
    """
    attributes: dict[str, Any] = request.__dict__
    attributes.pop("_messages", None)
    user = attributes.get("user")
    if isinstance(user, LazyObject) and user._wrapped is empty:
        _replace_lazy_user(attributes, user)
        return
    if isinstance(user, LazyObject):
        attributes["user"] = user = user._wrapped
    if user is not None and "auser" in attributes:
        attributes["auser"] = MethodType(_return_user, user)


async def _return_user(user: Any) -> Any:
    return user


class _SessionHolder:
    """Passed to Django's functions in place of the request, of which they only use the session."""

    def __init__(self, session: Any) -> None:
        self.session = session


def _replace_lazy_user(attributes: dict[str, Any], user: Any) -> None:
    load = getattr(user, "_setupfunc", None)
    if getattr(load, "__module__", "") != "django.contrib.auth.middleware":
        return
    # Only now: it imports models, and not every project has them.
    from django.contrib.auth import middleware

    holder: Any = _SessionHolder(attributes["session"])
    attributes["user"] = SimpleLazyObject(functools.partial(middleware.get_user, holder))
    attributes["auser"] = functools.partial(middleware.auser, holder)
