"""The same-origin check of opening handshakes (RFC 6455 §10.2).

A browser sends cookies with a handshake that a page of another site starts, and CORS does not apply
to it. Only the ``Origin`` header tells the site of the page. The rules are those of Django's CSRF
check.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest
from django.utils.http import is_same_domain

from ..exceptions import OriginRefused

Origins = Sequence[str] | Literal["*"] | None

#: The default ports, which browsers omit.
PORTS = {"http": 80, "https": 443}

PORT_AND_SCHEME_DIFFER = (
    "Scheme and port differ: the proxy must send Host with the port and X-Forwarded-Proto; "
    "set SECURE_PROXY_SSL_HEADER."
)
SCHEME_DIFFERS = (
    "Only the scheme differs: the proxy must send X-Forwarded-Proto; set SECURE_PROXY_SSL_HEADER."
)
PORT_IS_MISSING = "Only the port differs: the proxy must send the Host header with the port."
PORT_DIFFERS = (
    "Only the port differs: the proxy must send the browser's Host header; "
    "else add {origin!r} to CSRF_TRUSTED_ORIGINS."
)


def check_origin(request: HttpRequest, origins: Origins) -> None:
    """Raise :exc:`OriginRefused` if pages of the ``Origin`` of ``request`` may not connect.

    Pages of the site itself may connect, and so may a client without an Origin, which is not a
    browser. ``origins`` adds other sites: None those of CSRF_TRUSTED_ORIGINS, a list its entries in
    the same form (``https://example.com``, ``https://*.example.com``), and ``"*"`` all sites.
    """
    origin = request.META.get("HTTP_ORIGIN")
    if origin is None or origins == "*":
        return
    if origin == f"{request.scheme}://{request.get_host()}":
        return
    if not _matches(origin, settings.CSRF_TRUSTED_ORIGINS if origins is None else origins):
        own = f"{request.scheme}://{request.get_host()}"
        where = "CSRF_TRUSTED_ORIGINS" if origins is None else "the view's origins"
        raise OriginRefused(
            f"Origin {origin!r} is not this site ({own}, from the Host header).",
            _advice(origin, own) or f"Add {origin!r} to {where} to allow it.",
        )


def _advice(origin: str, own: str) -> str | None:
    """Return advice for an origin that differs only by scheme or port; None for others.

    It is this site, behind a proxy that terminates TLS or removes the port from Host.
    """
    try:
        theirs, ours = urlsplit(origin), urlsplit(own)
        scheme = (theirs.scheme, ours.scheme) == ("https", "http")
        # Without a port, it is the default port of the scheme that the browser uses.
        port = (theirs.port or PORTS.get(theirs.scheme)) != (ours.port or PORTS.get(theirs.scheme))
    except ValueError:
        return None
    if theirs.hostname != ours.hostname or not (scheme or theirs.scheme == ours.scheme):
        return None
    if scheme:
        return PORT_AND_SCHEME_DIFFER if port else SCHEME_DIFFERS
    return PORT_IS_MISSING if ours.port is None else PORT_DIFFERS.format(origin=origin)


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
