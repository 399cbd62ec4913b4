"""Which pages may open a WebSocket: the same-origin check (RFC 6455 §10.2).

A browser sends its cookies with a cross-site handshake, and no CORS rule stands in the way: the
``Origin`` header is all there is. The rules are those of Django's CSRF check.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest
from django.utils.http import is_same_domain

from .exceptions import HandshakeRefused

Origins = Sequence[str] | Literal["*"] | None


def check_origin(request: HttpRequest, origins: Origins) -> None:
    """Raise :exc:`HandshakeRefused` (403) unless the ``Origin`` of ``request`` is welcome.

    Always welcome are the site itself and a client that sends no Origin (it is no browser).
    ``origins`` None adds CSRF_TRUSTED_ORIGINS, a list adds its entries, in the same form
    (``https://example.com``, ``https://*.example.com``), and ``"*"`` lets everybody in.
    """
    origin = request.META.get("HTTP_ORIGIN")
    if origin is None or origins == "*":
        return
    if origin == f"{request.scheme}://{request.get_host()}":
        return
    if not _matches(origin, settings.CSRF_TRUSTED_ORIGINS if origins is None else origins):
        where = "CSRF_TRUSTED_ORIGINS" if origins is None else "the view's origins"
        raise HandshakeRefused(
            403,
            f"Origin {origin!r} is not this site ({request.scheme}://{request.get_host()}, "
            f"from the Host header). To let it in, add it to {where}"
            f"{'' if origins is None else ' or to CSRF_TRUSTED_ORIGINS and drop origins'}.",
        )


def _matches(origin: str, allowed: Iterable[str]) -> bool:
    try:
        parsed = urlsplit(origin)
    except ValueError:
        return False
    for pattern in allowed:
        scheme, _, host = pattern.partition("://")
        if origin == pattern:
            return True
        wildcard = host.startswith("*.") and scheme == parsed.scheme
        if wildcard and is_same_domain(parsed.netloc, host[1:]):
            return True
    return False
