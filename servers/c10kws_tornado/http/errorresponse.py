"""Error responses of the server itself, sent without calling the application."""

from __future__ import annotations

from dataclasses import dataclass

from .responsehead import Headers, make_head


@dataclass(frozen=True, slots=True)
class ErrorResponse:
    """A complete response in plain text."""

    status: str
    headers: Headers
    body: bytes

    @property
    def code(self) -> int:
        """The status code."""
        return int(self.status[:3])

    def encode_head(self, *, close: bool = True) -> bytes:
        """Return the bytes of the head; with ``close`` the connection closes after the response."""
        ending = [("Connection", "close")] if close else []
        return make_head(self.status, [*self.headers, *ending]).encode()

    def encode(self) -> bytes:
        """Return the bytes of the response, after which the connection closes."""
        return self.encode_head() + self.body


def plain_error(code: int, reason: str, text: str, *extra: tuple[str, str]) -> ErrorResponse:
    """Return an error response with a line of text."""
    body = f"{text}\n".encode()
    headers = [
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Content-Length", str(len(body))),
        *extra,
    ]
    return ErrorResponse(f"{code} {reason}", headers, body)


def unavailable(text: str) -> ErrorResponse:
    """Return a 503 with Retry-After: the server may have capacity a moment later."""
    return plain_error(503, "Service Unavailable", text, ("Retry-After", "1"))


def too_large(limit: int) -> ErrorResponse:
    """Return the response to a request whose body is too long (RFC 9110 §15.5.14)."""
    text = f"The request body exceeds the limit of {limit} bytes."
    return plain_error(413, "Content Too Large", text)


def head_too_large(limit: int) -> ErrorResponse:
    """Return the response to a request whose head is too long (RFC 6585 §5)."""
    text = f"The request line and headers exceed the limit of {limit} bytes."
    return plain_error(431, "Request Header Fields Too Large", text)


def stalled_body() -> ErrorResponse:
    """Return the response to a request whose body stalls (RFC 9110 §15.5.9)."""
    text = "The request body did not arrive in time."
    return plain_error(408, "Request Timeout", text)
