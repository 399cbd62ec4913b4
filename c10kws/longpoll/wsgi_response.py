"""Conversion of the final response for the server (``docs/reference/hijack.rst``)."""

from __future__ import annotations

from collections.abc import AsyncIterable
from typing import Any

#: Status, headers and body of a deferred response.
WSGIResponse = tuple[str, list[tuple[str, str]], Any]


def to_wsgi(response: Any, body: AsyncIterable[bytes] | None) -> WSGIResponse:
    """Return status, headers and body of an HttpResponse; ``body`` overrides its own."""
    headers = list(response.items())
    data: Any = body
    if data is None and response.streaming:
        data = response.streaming_content
    elif data is None:
        data = [response.content]
        if not response.has_header("Content-Length") and response.status_code not in (204, 304):
            headers.append(("Content-Length", str(len(response.content))))
    headers += [("Set-Cookie", cookie.OutputString()) for cookie in response.cookies.values()]
    return f"{response.status_code} {response.reason_phrase}", headers, data
