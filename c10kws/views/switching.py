"""The 101 of an accepted handshake, and the start of the handler behind it."""

from __future__ import annotations

import asyncio
import contextvars
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from asgiref.sync import sync_to_async
from django.http import HttpRequest
from django.utils.functional import LazyObject

from ..conf import Settings
from ..connection.websocket import WebSocket
from ..handlers.context import ViewContext
from ..handlers.logs import Report
from ..handlers.serve import serve
from ..handlers.servers import servers
from ..hijack import Contract
from ..protocol.deflate import Deflate
from ..protocol.frames import mask_slowly
from ..protocol.handshake import Accept
from ..protocol.negotiation import Compression
from .responses import Answer

logger = logging.getLogger("c10kws")


@dataclass(slots=True)
class Startup:
    """The arguments for the start of a handler, known when its handshake is accepted."""

    handler: Callable[[WebSocket], Awaitable[None]]
    contract: Contract
    accepted: Accept
    settings: Settings
    compression: Compression | None
    max_message_size: int | None
    user: bool
    keep_request: bool

    def open(self) -> WebSocket:
        """Make the connection; on the loop."""
        return WebSocket(
            self.contract.stream,
            subprotocol=self.accepted.subprotocol,
            settings=self.settings,
            max_message_size=self.max_message_size,
            mask=self.contract.mask or mask_slowly,
            deflate=self._deflate(),
        )

    def _deflate(self) -> Deflate | None:
        if self.accepted.agreement is None or self.compression is None:
            return None
        limit = self.max_message_size or self.settings.max_message_size
        return Deflate(self.accepted.agreement, self.compression, limit)


class SwitchingProtocols(Answer):
    """The 101 of an accepted handshake. Its ``close()`` starts the handler on the loop."""

    status_code = 101

    def __init__(self, request: HttpRequest, startup: Startup) -> None:
        super().__init__(headers=startup.accepted.headers)
        self._request = request
        self._startup = startup
        self._context = ViewContext()

    def prepared(self) -> SwitchingProtocols:
        """Load the user here, in the worker thread, unless an event loop runs in it."""
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            self._load_user()
        return self

    async def _awaited(self) -> SwitchingProtocols:
        await sync_to_async(self._load_user)()
        return self

    def _load_user(self) -> None:
        if self._startup.user and hasattr(self._request, "user"):
            bool(self._request.user.is_authenticated)  # evaluates the lazy object

    def close(self) -> None:
        """Close the response in this thread, then start on the loop; PEP 3333's ``close()``."""
        super().close()
        try:
            # In a context of its own: the loop copies it for each callback of the connection.
            self._startup.contract.loop.call_soon_threadsafe(
                self._start, context=contextvars.Context()
            )
        except RuntimeError:
            logger.info("%s: the server stopped during the handshake", self._request.path)

    def _start(self) -> None:
        startup, request = self._startup, self._request
        contract = startup.contract
        if not contract.stream.upgraded:
            return  # the client left during the handshake; the server has logged it
        websocket = startup.open()
        if startup.user and hasattr(request, "user"):
            websocket.user = request.user if startup.keep_request else _unwrapped(request.user)
        if startup.keep_request:
            websocket.request = request
            request.__dict__.pop("_messages", None)  # no response follows that could show them
            if hasattr(request, "session"):
                request.session.modified = False
        state = servers.state_of(contract)
        websocket.handlers = state
        self._context.enter(state.threads, websocket)
        report = Report(state.threads, request, keep_request=startup.keep_request)
        task = contract.loop.create_task(
            serve(websocket, startup.handler, report),
            name=report.path,
            context=self._context.variables,
        )
        state.add_task(task, websocket)


def _unwrapped(user: Any) -> Any:
    """Return the user in an evaluated lazy object, whose function would keep the request."""
    return user._wrapped if isinstance(user, LazyObject) else user
