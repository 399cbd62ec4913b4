"""``WebSocket(stream)`` in a WSGI application without Django's request.

See ``docs/reference/views.rst``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from typing import Any
from wsgiref.validate import validator

from django.core.wsgi import get_wsgi_application

from c10kws import WebSocket
from c10kws.handlers.serve import serve
from c10kws.hijack import Contract
from c10kws.protocol.handshake import accept
from c10kws.refusals import Refusals
from tests.support.peers import closed_with
from tests.support.servers import LiveServer
from tests.support.waiting import WAIT, eventually


async def shout(ws: WebSocket) -> None:
    async for message in ws:
        await ws.write_message(str(message).upper())


class Ends:
    """Observer of the ends of connections."""

    def __init__(self) -> None:
        self.codes: list[int | None] = []

    def failed(self, error: BaseException) -> None:
        raise AssertionError from error

    def ended(self, websocket: WebSocket) -> None:
        self.codes.append(websocket.close_code)


ends = Ends()


class Upgrade:
    """The iterable of a 101."""

    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        self.tasks: set[asyncio.Task[None]] = set()

    def __iter__(self) -> Iterator[bytes]:
        return iter(())

    def close(self) -> None:
        self.contract.loop.call_soon_threadsafe(self.start)

    def start(self) -> None:
        run = serve(WebSocket(self.contract.stream), shout, ends)
        self.tasks.add(self.contract.loop.create_task(run))


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    contract = Contract.from_environ(environ)
    assert contract is not None
    headers = [("Content-Type", "text/plain"), *accept(environ).headers.items()]
    start_response("101 Switching Protocols", headers)
    return Upgrade(contract)


def test_a_plain_application_behind_the_validator() -> None:
    live = LiveServer(validator(application))
    live.start()
    try:
        with live.connect("/") as ws:
            ws.send("hello")
            assert ws.recv(WAIT) == "HELLO"
        eventually(lambda: ends.codes == [1000])
    finally:
        live.stop()


def test_djangos_101_and_its_refusals_pass_the_validator(transactional_db: None) -> None:
    live = LiveServer(validator(Refusals(validator(get_wsgi_application()))))
    live.start()
    try:
        with live.connect("/ws/session-cookie/") as ws:
            ws.send("hello")
            assert ws.recv(WAIT) == "hello"
        with live.connect("/ws/unauthorized/") as ws:
            assert closed_with(ws) == (4401, "authentication required")
    finally:
        live.stop()
