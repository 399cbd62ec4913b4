"""WSGI applications that take over the raw stream of a connection, and their protocols."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Callable
from typing import Any

from .shell import ROOT
from .waiting import WAIT

PAGE = ROOT / "docs" / "reference" / "hijack.rst"
TEXT = ("Content-Type", "text/plain")
REQUEST = "GET / HTTP/1.1\nHost: a\nConnection: Upgrade\nUpgrade: echo\n\n"


def application_of_the_page() -> Any:
    """Return the application out of the page's only block of code."""
    (block,) = re.findall(r"\.\. code-block:: python\n\n((?:    .*\n|\n)+)", PAGE.read_text())
    namespace: dict[str, Any] = {}
    exec(re.sub(r"(?m)^    ", "", block), namespace)
    return namespace["application"]


class Protocol(asyncio.Protocol):
    """Collects what it gets, with ``made`` before what came from within connection_made."""

    def __init__(self) -> None:
        self.events: list[bytes | str] = []
        self.lost = threading.Event()
        self.transport: Any = None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.events.append("made")
        asyncio.get_running_loop().call_soon(self.events.append, "turn")

    def data_received(self, data: bytes) -> None:
        self.events.append(bytes(data))
        self.transport.write(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost.set()


class BufferedProtocol(asyncio.BufferedProtocol):
    """The same with a buffer of four bytes."""

    connection_made = Protocol.connection_made
    connection_lost = Protocol.connection_lost

    def __init__(self) -> None:
        self.events: list[bytes | str] = []
        self.lost = threading.Event()
        self.transport: Any = None
        self.buffer = bytearray(4)

    def get_buffer(self, sizehint: int) -> bytearray:
        return self.buffer

    def buffer_updated(self, nbytes: int) -> None:
        self.events.append(bytes(self.buffer[:nbytes]))
        self.transport.write(self.events[-1])


class Switch:
    """An application that answers with 101 and attaches a protocol, or does not."""

    def __init__(self, factory: Callable[[], Any] | None = Protocol, status: str = "101 X") -> None:
        self.factory = factory
        self.status = status
        self.called = threading.Event()
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.closed = threading.Event()
        self.threads: list[threading.Thread] = []
        self.upgraded: list[bool] = []
        self.protocols: list[Any] = []
        self.environ: dict[str, Any] = {}

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        self.environ = environ
        self.threads.append(threading.current_thread())
        self.called.set()
        assert self.may_answer.wait(WAIT)
        entity = [("Content-Length", "0"), ("ETag", '"a"'), ("Set-Cookie", " a=1")]
        start_response(self.status, [TEXT, *entity])
        return self

    def __iter__(self) -> Any:
        return iter(())

    def close(self) -> None:
        self.threads.append(threading.current_thread())
        self.upgraded.append(self.environ["c10kws.stream"].upgraded)
        if self.factory is not None:
            self.environ["c10kws.loop"].call_soon_threadsafe(self.start)
        self.closed.set()

    def start(self) -> None:
        if self.upgraded[0]:
            self.environ["c10kws.stream"].attach(self.make)

    def make(self) -> Any:
        assert self.factory is not None
        self.protocols.append(self.factory())
        return self.protocols[-1]
