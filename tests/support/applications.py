"""Small WSGI applications."""

from __future__ import annotations

import hashlib
from typing import Any

TEXT = ("Content-Type", "text/plain")


def answer(status: str, headers: list[tuple[str, str]], *body: bytes) -> Any:
    """Return an application with this response."""

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response(status, headers)
        return list(body)

    return application


def read_body(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    """Respond with the method, the declared length and the digest of the body."""
    body = environ["wsgi.input"].read(-1)
    start_response("200 OK", [TEXT])
    length = environ.get("CONTENT_LENGTH")
    return [f"{environ['REQUEST_METHOD']} {length} {digest(body)}".encode()]


def digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def hello(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    start_response("200 OK", [TEXT, ("Content-Length", "5")])
    return [b"hello"]
