"""Clients of a site that is served behind a proxy."""

from __future__ import annotations

import io
import json
import ssl
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection
from typing import Any

from websockets.sync.client import ClientConnection, connect

from .waiting import WAIT


@dataclass(frozen=True)
class Site:
    """The test project behind a proxy on a port of localhost."""

    port: int
    #: Trusts the certificate of the proxy; None without TLS.
    context: ssl.SSLContext | None

    @property
    def scheme(self) -> str:
        return "https" if self.context else "http"

    @property
    def origin(self) -> str:
        return f"{self.scheme}://localhost:{self.port}"

    def _http(self, **options: Any) -> HTTPConnection:
        options = {"timeout": WAIT, "blocksize": 1 << 16} | options
        if self.context is None:
            return HTTPConnection("localhost", self.port, **options)
        return HTTPSConnection("localhost", self.port, context=self.context, **options)

    @contextmanager
    def get(
        self, path: str, headers: dict[str, str] | None = None, **options: Any
    ) -> Iterator[HTTPResponse]:
        """Ask for a page; the body of the response may not have come yet."""
        with closing(self._http(**options)) as connection:
            connection.request("GET", path, headers=headers or {})
            with connection.getresponse() as response:
                yield response

    def headers(self, sent: dict[str, str] | None = None) -> dict[str, str]:
        """Return the headers that the application gets, with its scheme and host."""
        with self.get("/proxied/headers/", sent) as response:
            told: dict[str, str] = json.load(response)
        return told

    def upload(self, body: bytes) -> dict[str, Any]:
        """Send a body, and return what the application has read."""
        with closing(self._http()) as connection:
            connection.request("POST", "/proxied/upload/", io.BytesIO(body), length_of(len(body)))
            read: dict[str, Any] = json.load(connection.getresponse())
        return read

    def announce_upload(self, size: int) -> int:
        """Ask whether to send a body of this size (RFC 9110 §10.1.1); return the status."""
        with closing(self._http()) as connection:
            connection.putrequest("POST", "/proxied/upload/")
            connection.putheader("Expect", "100-continue")
            for name, value in length_of(size).items():
                connection.putheader(name, value)
            connection.endheaders()
            return connection.getresponse().status

    def connect(self, path: str, origin: str, **options: Any) -> ClientConnection:
        return connect(
            self.origin.replace("http", "ws", 1) + path,
            ssl=self.context,
            origin=origin,  # type: ignore[arg-type]
            open_timeout=WAIT,
            ping_interval=None,
            proxy=None,
            **options,
        )


def length_of(size: int) -> dict[str, str]:
    return {"Content-Length": str(size), "Content-Type": "application/octet-stream"}
