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
from weakref import WeakValueDictionary

from django.http import HttpRequest, parse_cookie
from django.urls import ResolverMatch
from django.utils.functional import LazyObject, SimpleLazyObject, empty

from .. import hijack

#: The keys of the contract that are objects of a request or of its server.
CONTRACT_KEYS = {
    *(hijack.STREAM, hijack.LOOP, hijack.EXECUTOR, hijack.SERVER),
    *(hijack.DEFER, hijack.ON_STOP, hijack.MASK),
    *(hijack.PROBLEMS, hijack.WORKERS, hijack.MEASURE),
}


class _EmptyBody(io.BytesIO):
    """The stream of an empty body; Django closes the stream of a body that it has read."""

    def close(self) -> None:
        """Stay open for the other requests."""


#: One for all requests, since a handshake has no body.
_EMPTY_BODY = _EmptyBody()


#: Matches of URL patterns without parameters, by their routes.
_matches: WeakValueDictionary[str, ResolverMatch] = WeakValueDictionary()


@functools.lru_cache(maxsize=1024)
def shared_string(text: str) -> str:
    """Return one object for equal strings: thousands of connections may have the same path."""
    return text


def drop_handshake_data(request: HttpRequest) -> None:
    """Drop the parts of a request that only the handshake needed, to save memory.

    These are the contract with the server, the stream of the body, which is empty, and the URL
    patterns that did not match. Parts that are equal in many requests become one object for all.
    """
    meta = {name: value for name, value in request.META.items() if name not in CONTRACT_KEYS}
    meta["wsgi.input"] = request._stream = _EMPTY_BODY
    request.META = request.environ = meta  # type: ignore[attr-defined]
    request.path = shared_string(request.path)
    request.path_info = shared_string(request.path_info)
    request.method = shared_string(request.method or "GET")
    meta["PATH_INFO"] = shared_string(meta["PATH_INFO"])
    _drop_parsed_cookies(request)
    if request.resolver_match is not None:
        request.resolver_match = _shared_match(request.resolver_match)


def _drop_parsed_cookies(request: HttpRequest) -> None:
    """Drop the cookies unless middleware has changed them; Django parses them again on access."""
    attributes = request.__dict__
    header = request.META.get("HTTP_COOKIE", "")
    if hasattr(type(request), "COOKIES") and attributes.get("COOKIES") == parse_cookie(header):
        del attributes["COOKIES"]


def _shared_match(match: ResolverMatch) -> ResolverMatch:
    """Return one match for all requests of a URL without parameters."""
    match.tried = None
    if match.args or match.kwargs:
        return match
    first = _matches.setdefault(match.route, match)
    return first if vars(first) == vars(match) else match


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
