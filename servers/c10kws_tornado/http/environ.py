"""PEP 3333's ``environ``, from Tornado's parsed head (RFC 9110, RFC 9112)."""

from __future__ import annotations

import socket
import sys
from collections.abc import Mapping
from functools import lru_cache
from typing import IO, Any
from urllib.parse import unquote_to_bytes, urlsplit

from tornado.httputil import HTTPHeaders, RequestStartLine

from .proxies import is_forwarded

try:
    from tornado.speedups import websocket_mask
except ImportError:  # Tornado was built without its C extension
    websocket_mask = None  # type: ignore[assignment]

#: Names and values under this length are cached, since requests share them, but not those that
#: belong to one client.
SHORT = 256
_OWN = frozenset({"Authorization", "Cookie", "Proxy-Authorization", "Sec-Websocket-Key"})
_UNPREFIXED = {"Content-Type": "CONTENT_TYPE", "Content-Length": "CONTENT_LENGTH"}
_LEFT_OUT = frozenset({"Transfer-Encoding"})  # the body arrives whole, its length is known


class BadRequest(Exception):
    """Raised for a request without a valid environ; the text is the reason."""


def check_head(start_line: RequestStartLine, headers: HTTPHeaders) -> None:
    """Raise :exc:`BadRequest` for a head that must not be served.

    RFC 9112 §3.2: an HTTP/1.1 request needs one Host header, and no request may have more. RFC 9112
    §6.1: Transfer-Encoding in HTTP/1.0 is faulty framing, and the connection must be closed. A
    proxy that does not know chunks may parse other requests from these bytes.
    """
    if start_line.version == "HTTP/1.0" and "Transfer-Encoding" in headers:
        raise BadRequest("Transfer-Encoding in an HTTP/1.0 request")
    hosts = headers.get_list("Host")
    if len(hosts) > 1:
        raise BadRequest("more than one Host header")
    if not hosts and start_line.version == "HTTP/1.1":
        raise BadRequest("no Host header")


def head_size(start_line: RequestStartLine, headers: HTTPHeaders) -> int:
    """Return the approximate number of bytes of request line and headers."""
    size = sum(len(name) + len(value) + 4 for name, value in headers.get_all())
    return size + len(start_line.path) + 20


def split_target(start_line: RequestStartLine) -> tuple[str, str, str | None]:
    """Return path, query and the authority of an absolute-form target (RFC 9112 §3.2)."""
    target = start_line.path
    if target == "*" and start_line.method == "OPTIONS":
        return "", "", None
    if target.startswith("/"):
        path, _, query = target.partition("?")
        return path, query, None
    try:
        parts = urlsplit(target)
    except ValueError:
        raise BadRequest(f"the request target must start with /, not {target!r}") from None
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise BadRequest(f"the request target must start with /, not {target!r}")
    return parts.path or "/", parts.query, parts.netloc


def make_environ(
    start_line: RequestStartLine,
    headers: HTTPHeaders,
    *,
    trusted: bool,
    server: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the environ of a request, without its body and the keys of the contract.

    ``server`` has the keys that all requests of a connection share. Headers with an underscore in
    their name are dropped, since ``X_User`` would have the same key as ``X-User``. Forwarded
    headers are dropped unless the peer is ``trusted``. Raises :exc:`BadRequest`.
    """
    path, query, authority = split_target(start_line)
    environ: dict[str, Any] = dict(server)
    environ["REQUEST_METHOD"] = start_line.method
    environ["SCRIPT_NAME"] = ""
    environ["PATH_INFO"] = unquote_to_bytes(path.encode("latin-1")).decode("latin-1")
    environ["QUERY_STRING"] = query
    environ["REQUEST_URI"] = environ["RAW_URI"] = start_line.path
    environ["SERVER_PROTOCOL"] = start_line.version
    _add_headers(environ, headers, trusted)
    if authority is not None:
        environ["HTTP_HOST"] = authority  # RFC 9112 §3.2.2: it replaces the header
    return environ


def _add_headers(environ: dict[str, Any], headers: HTTPHeaders, trusted: bool) -> None:
    for name in headers:
        if "_" in name or name in _LEFT_OUT or (not trusted and is_forwarded(name)):
            continue
        # RFC 9110 §5.3 joins by a comma, RFC 6265 §5.4 cookies by a semicolon.
        value = ("; " if name == "Cookie" else ",").join(headers.get_list(name))
        if len(value) < SHORT and name not in _OWN:
            value = _shared(value)
        environ[_key_of(name) if len(name) < SHORT else _make_key(name)] = value


def _make_key(name: str) -> str:
    return _UNPREFIXED.get(name) or "HTTP_" + name.upper().replace("-", "_")


#: One object for all requests, since ten thousand may be alive.
_key_of = lru_cache(1024)(_make_key)


@lru_cache(4096)
def _shared(value: str) -> str:
    """Return one object for equal values, since all clients of one browser send the same."""
    return value


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


def address_keys(sock: socket.socket | None, context: Any) -> dict[str, str]:
    """Return the addresses of both ends; placeholders for a unix socket."""
    nameless = {"SERVER_NAME": "localhost", "SERVER_PORT": "0", "REMOTE_ADDR": ""}
    if context.address_family not in (socket.AF_INET, socket.AF_INET6) or sock is None:
        return nameless
    try:
        host, port = sock.getsockname()[:2]
    except OSError:  # reset by the client
        return nameless
    return {
        "SERVER_NAME": host,
        "SERVER_PORT": str(port),
        "REMOTE_ADDR": context.address[0],
        "REMOTE_PORT": str(context.address[1]),
    }


def prepare_expect(start_line: RequestStartLine, headers: HTTPHeaders) -> None:
    """Normalize the case of an Expect header; drop it from HTTP/1.0 (RFC 9110 §10.1.1)."""
    if headers.get("Expect", "").lower() != "100-continue":
        return
    headers["Expect"] = "100-continue"
    if start_line.version != "HTTP/1.1":
        del headers["Expect"]
