"""PEP 3333's ``environ``, from the head of a request (RFC 9110, RFC 9112)."""

from __future__ import annotations

import socket
import sys
from collections.abc import Mapping
from functools import lru_cache
from typing import IO, Any
from urllib.parse import unquote_to_bytes, urlsplit

from .requesthead import BadRequest, RequestHead

try:
    from tornado.speedups import websocket_mask
except ImportError:  # Tornado was built without its C extension
    websocket_mask = None  # type: ignore[assignment]


def split_target(method: str, target: str) -> tuple[str, str, str | None]:
    """Return path, query and the authority of an absolute-form target (RFC 9112 §3.2)."""
    if target.startswith("/"):
        path, _, query = target.partition("?")
        return path, query, None
    if target == "*" and method == "OPTIONS":
        return "", "", None
    try:
        parts = urlsplit(target)
    except ValueError:
        raise BadRequest(f"the request target must start with /, not {target!r}") from None
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise BadRequest(f"the request target must start with /, not {target!r}")
    return parts.path or "/", parts.query, parts.netloc


def make_environ(head: RequestHead, *, trusted: bool, server: Mapping[str, Any]) -> dict[str, Any]:
    """Return the environ of a request, without its body and the keys of the contract.

    ``server`` has the keys that all requests of a connection share. Forwarded headers are dropped
    unless the peer is ``trusted``. Raises :exc:`BadRequest`.
    """
    method, target, version = head.start_line
    path, query, authority = split_target(method, target)
    if "%" in path:
        path = unquote_to_bytes(path.encode("latin-1")).decode("latin-1")
    environ: dict[str, Any] = {
        **server,
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "REQUEST_URI": target,
        "RAW_URI": target,
        "SERVER_PROTOCOL": version,
        **head.fields,
    }
    if trusted:
        environ.update(head.forwarded)
    if authority is not None:
        environ["HTTP_HOST"] = authority  # RFC 9112 §3.2.2: it replaces the header
    return environ


def set_body(environ: dict[str, Any], body: IO[bytes], size: int | None) -> None:
    """Add the body; ``size`` is None for a request without one."""
    environ["wsgi.input"] = body
    if size is not None:
        environ["CONTENT_LENGTH"] = str(size)


def server_keys(
    *, scheme: str, multithread: bool, multiprocess: bool, file_wrapper: type
) -> dict[str, Any]:
    """Return the keys that are the same for every request of a server."""
    keys: dict[str, Any] = {
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scheme,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": multithread,
        "wsgi.multiprocess": multiprocess,
        "wsgi.run_once": False,
        "wsgi.file_wrapper": file_wrapper,
        "SERVER_SOFTWARE": "c10kws_tornado",
    }
    if websocket_mask is not None:
        keys["c10kws.mask"] = websocket_mask
    return keys


@lru_cache(maxsize=1024)
def _shared(text: str) -> str:
    """Return one object for equal strings: thousands of connections may have the same addresses."""
    return text


def address_keys(sock: socket.socket | None, address: Any) -> dict[str, str]:
    """Return the addresses of both ends; placeholders for a unix socket."""
    nameless = {"SERVER_NAME": "localhost", "SERVER_PORT": "0", "REMOTE_ADDR": ""}
    if sock is None or sock.family not in (socket.AF_INET, socket.AF_INET6):
        return nameless
    try:
        host, port = sock.getsockname()[:2]
    except OSError:  # reset by the client
        return nameless
    return {
        "SERVER_NAME": _shared(host),
        "SERVER_PORT": _shared(str(port)),
        "REMOTE_ADDR": _shared(address[0]),
        "REMOTE_PORT": str(address[1]),
    }
