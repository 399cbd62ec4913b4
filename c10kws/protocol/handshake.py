"""The opening handshake, server side (RFC 6455 §4.2): a WSGI environ in, an answer out.

* The HTTP server has parsed the request. It is never turned back into text here.
* The values of a repeated header are joined by commas (RFC 9110 §5.3). So a repeated
  ``Sec-WebSocket-Key`` is a key that is not 24 characters long.
* ``Connection: Upgrade`` and ``Upgrade: websocket`` of the answer are hop-by-hop headers, which
  PEP 3333 does not allow an application to send: the server adds them.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..exceptions import HandshakeRefused
from .negotiation import Agreement, Compression, negotiate

VERSION = "13"
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 §1.3
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")  # RFC 9110 §5.6.2


@dataclass(frozen=True, slots=True)
class Accept:
    """Answer to a valid handshake: headers of the 101, subprotocol and compression, if any."""

    headers: dict[str, str]
    subprotocol: str | None
    agreement: Agreement | None = None


def is_handshake(environ: Mapping[str, Any]) -> bool:
    """Return True if the client asks for a WebSocket, correctly or not."""
    return "websocket" in _tokens(environ.get("HTTP_UPGRADE", "").lower())


def accept(
    environ: Mapping[str, Any],
    subprotocols: Sequence[str] = (),
    compression: Compression | None = None,
) -> Accept:
    """Accept the handshake in ``environ`` (§4.2.2).

    The subprotocol is the first of ``subprotocols`` that the client offers. The compression is the
    client's first offer that can be accepted. Raises :exc:`HandshakeRefused` when the handshake is
    not valid.
    """
    _check_method(environ)
    _check_upgrade(environ)
    _check_body(environ)
    headers = {"Sec-WebSocket-Accept": _accept_key(_checked_key(environ))}
    subprotocol = choose_subprotocol(offered_subprotocols(environ), subprotocols)
    if subprotocol is not None:
        headers["Sec-WebSocket-Protocol"] = subprotocol
    agreement = None
    if compression is not None:
        agreement = negotiate(environ.get("HTTP_SEC_WEBSOCKET_EXTENSIONS", ""), compression)
    if agreement is not None:
        headers["Sec-WebSocket-Extensions"] = agreement.header
    return Accept(headers, subprotocol, agreement)


def offered_subprotocols(environ: Mapping[str, Any]) -> list[str]:
    """Return the subprotocols that the client offers, in its order of preference.

    Raises :exc:`HandshakeRefused` (400) when one of them is not a token (§4.1, item 10).
    """
    offered = _tokens(environ.get("HTTP_SEC_WEBSOCKET_PROTOCOL", ""))
    for name in offered:
        if not _TOKEN.fullmatch(name):
            raise HandshakeRefused(400, f"Sec-WebSocket-Protocol must list tokens, not {name!r}.")
    return offered


def choose_subprotocol(offered: Sequence[str], supported: Sequence[str]) -> str | None:
    """Return the first of ``supported`` that is offered, else None."""
    return next((name for name in supported if name in offered), None)


def _check_method(environ: Mapping[str, Any]) -> None:
    """Check the method. §4.1: "The method of the request MUST be GET"."""
    method = environ.get("REQUEST_METHOD", "")
    if method not in ("GET", "HEAD") or (method == "HEAD" and is_handshake(environ)):
        raise HandshakeRefused(
            405, f"A WebSocket is opened with GET, not with {method}.", {"Allow": "GET"}
        )


def _check_upgrade(environ: Mapping[str, Any]) -> None:
    """Check ``Upgrade``, ``Connection``, and the versions of HTTP and of WebSocket (§4.2.1)."""
    if not is_handshake(environ):
        raise HandshakeRefused(
            426, "This is a WebSocket endpoint; connect with new WebSocket(url)."
        )
    if environ.get("SERVER_PROTOCOL") != "HTTP/1.1":
        raise HandshakeRefused(
            400, f"A WebSocket needs HTTP/1.1, not {environ.get('SERVER_PROTOCOL')}."
        )
    if "upgrade" not in _tokens(environ.get("HTTP_CONNECTION", "").lower()):
        raise HandshakeRefused(
            400, 'Missing "Connection: Upgrade" header; a proxy may have removed it.'
        )
    version = environ.get("HTTP_SEC_WEBSOCKET_VERSION", "").strip()
    if version != VERSION:
        # §4.4: "the server MUST respond with a |Sec-WebSocket-Version| header field".
        raise HandshakeRefused(
            426,
            f"Sec-WebSocket-Version must be {VERSION}, not {version!r}.",
            {"Sec-WebSocket-Version": VERSION},
        )


def _check_body(environ: Mapping[str, Any]) -> None:
    """Check that there is no body: it would be read as the first frames."""
    length = environ.get("CONTENT_LENGTH") or "0"
    if length != "0" or "HTTP_TRANSFER_ENCODING" in environ:
        raise HandshakeRefused(400, "A request that opens a WebSocket cannot have a body.")


def _checked_key(environ: Mapping[str, Any]) -> str:
    """Return the key. §4.2.1, item 5: "when decoded, is 16 bytes in length"."""
    key: str = environ.get("HTTP_SEC_WEBSOCKET_KEY", "").strip()
    try:
        valid = len(key) == 24 and len(base64.b64decode(key, validate=True)) == 16
    except (binascii.Error, ValueError):
        valid = False
    if not valid:
        raise HandshakeRefused(
            400, "Sec-WebSocket-Key must come once and be 16 bytes in base64 (24 characters)."
        )
    return key


def _accept_key(key: str) -> str:
    digest = hashlib.sha1(key.encode("ascii") + _GUID, usedforsecurity=False).digest()
    return base64.b64encode(digest).decode("ascii")


def _tokens(value: str) -> list[str]:
    return [token for part in value.split(",") if (token := part.strip())]
