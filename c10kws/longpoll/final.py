"""The final response, as the server takes it.

See ``docs/reference/hijack.rst``, "Deferred responses".
"""

from __future__ import annotations

from typing import Any

from .chunks import Chunks

Answer = tuple[str, list[tuple[str, str]], Any]


def as_wsgi(response: Any, chunks: Chunks | None) -> Answer:
    """Return status, headers and body of an HttpResponse; ``chunks`` are the body of a stream."""
    headers = list(response.items())
    body: Any = chunks
    if body is None and response.streaming:
        body = response.streaming_content
    elif body is None:
        body = [response.content]
        if not response.has_header("Content-Length") and response.status_code not in (204, 304):
            headers.append(("Content-Length", str(len(response.content))))
    headers += [("Set-Cookie", cookie.OutputString()) for cookie in response.cookies.values()]
    return f"{response.status_code} {response.reason_phrase}", headers, body
