"""Builder of a response head: status, headers and cookies, set before the body is known."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import http_date

HeaderValue = str | bytes | int | datetime


class HeadBuilder:
    """The head that a view has set on its handler so far."""

    __slots__ = ("_response",)

    def __init__(self) -> None:
        self._response = HttpResponse()
        del self._response.headers["Content-Type"]  # the view may finish with another response

    @property
    def status(self) -> int:
        """The status, 200 at first."""
        return self._response.status_code

    def set_status(self, status: int, reason: str | None) -> None:
        """Set status and reason; without a reason, Django's own for the status is sent."""
        if not 200 <= status < 600:
            raise ValueError(f"The status must be from 200 to 599, not {status!r}.")
        self._response.status_code = status
        self._response._reason_phrase = reason  # type: ignore[attr-defined]

    def set_header(self, name: str, value: HeaderValue) -> None:
        """Set a header; a value that was set before is replaced."""
        self._response.headers[name] = _header_text(name, value)

    def add_header(self, name: str, value: HeaderValue) -> None:
        """Append a value to a header, after a comma (RFC 9110 §5.3)."""
        headers = self._response.headers
        new = _header_text(name, value)
        headers[name] = f"{headers[name]}, {new}" if name in headers else new

    def clear_header(self, name: str) -> None:
        """Remove a header that was set."""
        self._response.headers.pop(name, None)

    def set_cookie(
        self,
        name: str,
        value: str | bytes,
        expires: float | datetime | str | None,
        expires_days: float | None,
        **attributes: Any,
    ) -> None:
        """Set a cookie; ``attributes`` are those of Django's ``set_cookie``."""
        if isinstance(expires, (int, float)):
            expires = datetime.fromtimestamp(expires, UTC)
        if expires is None and expires_days is not None:
            expires = datetime.now(UTC) + timedelta(days=expires_days)
        text = value.decode() if isinstance(value, bytes) else value
        self._response.set_cookie(name, text, expires=expires, **attributes)

    def response(self, body: bytes = b"") -> HttpResponse:
        """Return the response with this head.

        Raises ValueError for a body in a response that must have none (RFC 9110 §15.3.5, §15.4.5).
        """
        response = self._response
        response.headers.setdefault("Content-Type", f"text/html; charset={response.charset}")
        response.content = body
        if response.status_code in (204, 304):
            if body:
                raise ValueError(f"A response with status {response.status_code} has no body.")
            response.headers.pop("Content-Type", None)
        return response

    def add_to(self, response: HttpResponseBase) -> None:
        """Add headers and cookies to a response that does not have them."""
        for name, value in self._response.items():
            response.headers.setdefault(name, value)
        for name, cookie in self._response.cookies.items():
            response.cookies.setdefault(name, cookie)


def _header_text(name: str, value: HeaderValue) -> str:
    if name.lower() == "set-cookie":
        raise ValueError("Use set_cookie() to set a cookie.")
    if isinstance(value, bytes):
        return value.decode("latin-1")
    return http_date(value.timestamp()) if isinstance(value, datetime) else str(value)
