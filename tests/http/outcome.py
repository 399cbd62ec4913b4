"""The outcome of a connection: its requests and its end, from whichever reader."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_to_bytes

#: The keys of ``environ`` that a request determines, with those that begin with ``HTTP_``.
KEYS = (
    "REQUEST_METHOD",
    "REQUEST_URI",
    "PATH_INFO",
    "QUERY_STRING",
    "SERVER_PROTOCOL",
    "CONTENT_TYPE",
    "CONTENT_LENGTH",
)
#: The beginning of a target in absolute form (RFC 9112 §3.2.2).
ABSOLUTE = re.compile(r"https?://([^/?#]+)", re.IGNORECASE)
#: The protocol to which the application switches.
UPGRADE = "echo"


@dataclass(frozen=True)
class Request:
    """A request as the application gets it."""

    environ: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return self.environ["PATH_INFO"]

    @property
    def upgrades(self) -> bool:
        """True if the application answers it with a 101."""
        options = self.environ.get("HTTP_CONNECTION", "").lower().split(",")
        return (
            self.environ["SERVER_PROTOCOL"] == "HTTP/1.1"
            and self.environ.get("HTTP_UPGRADE") == UPGRADE
            and "upgrade" in (option.strip() for option in options)
            and "CONTENT_LENGTH" not in self.environ
        )


@dataclass
class Outcome:
    """The requests of a connection, in order, and how it ended."""

    requests: list[Request] = field(default_factory=list)
    #: The status with which the server refused the next request; None if it refused none.
    refusal: int | None = None
    #: The bytes after the head of a request that was answered with a 101.
    upgraded: bytes | None = None
    #: True if the server closed the connection after a response.
    closed: bool = False
    #: The bytes from each request on, and from the end of the last one on, if the reader knows.
    starts: list[bytes] = field(default_factory=list, compare=False)


def request_environ(environ: dict[str, Any]) -> dict[str, str]:
    """Return the part of a server's ``environ`` that the request determines."""
    return {k: v for k, v in environ.items() if k in KEYS or k.startswith("HTTP_")}


def make_request(
    method: str, target: str, version: str, fields: Iterable[tuple[str, str]], body: bytes
) -> Request:
    """Return the request with the ``environ`` that PEP 3333 and the server's rules demand.

    ``fields`` are the header fields as another parser has read them.
    """
    environ = {"REQUEST_METHOD": method, "REQUEST_URI": target, "SERVER_PROTOCOL": version}
    environ |= environ_of_fields(fields)
    if "CONTENT_LENGTH" in environ or environ.pop("HTTP_TRANSFER_ENCODING", None) is not None:
        environ["CONTENT_LENGTH"] = str(len(body))
    if absolute := ABSOLUTE.match(target):
        environ["HTTP_HOST"] = absolute[1]
        target = target[absolute.end() :]
        target = target if target.startswith("/") else f"/{target}"
    path, _, environ["QUERY_STRING"] = target.partition("?")
    path = "" if path == "*" else path
    environ["PATH_INFO"] = unquote_to_bytes(path.encode("latin-1")).decode("latin-1")
    return Request(environ, body)


def environ_of_fields(fields: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return the keys of header fields; those with an underscore in their name are dropped."""
    environ: dict[str, str] = {}
    for name, value in fields:
        if "_" in name:
            continue
        key = name.upper().replace("-", "_")
        key = key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"
        separator = "; " if key == "HTTP_COOKIE" else ","
        environ[key] = f"{environ[key]}{separator}{value}" if key in environ else value
    return environ
