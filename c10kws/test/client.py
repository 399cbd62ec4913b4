"""``Client``: Django's test client, which opens WebSockets too."""

from __future__ import annotations

import base64
import os
from collections.abc import Sequence
from typing import Any

import django.test
from django.http import HttpResponseBase

from .. import hijack
from ..events.frames.envelope import SUBPROTOCOL
from ..handlers.servers import servers
from . import commits
from .poll import Poll
from .stage import Stage
from .transport import MemoryStream
from .websocket import TIMEOUT, TestWebSocket

#: Seconds that a connection which a test has left open may take to end.
LAST_BREATH = 1.0


class Client(django.test.Client):
    """Django's test client with ``websocket()`` and ``poll()``.

    Sessions and logins apply to WebSockets too. Each client has its own event loop, which runs only
    while the test waits for this client; so use one client for all connections of a test.
    """

    _stage: Stage | None = None
    _open = 0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not servers.serving:  # outside of our test cases: views and signals may emit
            servers.announce(Client)

    def request(self, **request: Any) -> Any:
        """Call the view. While a WebSocket is open, commits take place as in production."""
        if self._open and not commits.capturing():
            with commits.at_the_end_of_blocks():
                return super().request(**request)
        return super().request(**request)

    def websocket(
        self,
        path: str,
        *,
        subprotocols: Sequence[str] = (SUBPROTOCOL,),
        headers: dict[str, str] | None = None,
        timeout: float = TIMEOUT,
        **extra: Any,
    ) -> TestWebSocket:
        """Open a WebSocket through the middleware and the URLconf.

        ``subprotocols`` are offered if the view supports one of them. To test an event client of
        version 0, pass ``()``. ``headers`` and ``extra`` are those of ``client.get``. ``timeout``
        is the time in seconds that the test waits for a message.
        """
        stage = self._stage = self._stage or Stage()

        def shake_hands(stream: MemoryStream) -> HttpResponseBase:
            sent = {**_handshake(subprotocols), **(headers or {})}
            response: HttpResponseBase = self.get(
                path, headers=sent, **_contract(stage, stream), **extra
            )
            return response

        websocket = TestWebSocket(stage, shake_hands, timeout, self._release)
        self._open += websocket.accepted
        return websocket

    def poll(
        self,
        path: str,
        data: Any = None,
        *,
        method: str = "get",
        timeout: float = TIMEOUT,
        **extra: Any,
    ) -> Poll:
        """Send a request to an ``@asynchronous`` view, without waiting for its response.

        ``data`` and ``extra`` are those of ``client.get``, or of another ``method``. ``timeout`` is
        the time in seconds that :meth:`Poll.result` waits.
        """
        stage = self._stage = self._stage or Stage()
        keys: dict[str, Any] = {hijack.DEFER: lambda awaitable: None}
        send = getattr(self, method)
        response = send(
            path, data, **_contract(stage, MemoryStream(stage.loop, stage.change)), **keys, **extra
        )
        self._open += 1
        return Poll(self, stage, response, timeout, self._release)

    def _release(self) -> None:
        """Close the loop with the last connection: nothing of a test is left for the next."""
        self._open -= 1
        if not self._open:
            self.close_websockets()

    def close_websockets(self) -> None:
        """End all connections and the event loop; the next ``websocket()`` makes a new loop.

        Polls that are still waiting get 503.
        """
        stage, self._stage, self._open = self._stage, None, 0
        if stage is not None:
            stage.close(LAST_BREATH)

    def __del__(self) -> None:
        if self._stage is not None and not self._stage.loop.is_closed():
            self._stage.give_up()


def _handshake(subprotocols: Sequence[str]) -> dict[str, str]:
    headers = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode("ascii"),
    }
    if subprotocols:
        headers["Sec-WebSocket-Protocol"] = ", ".join(subprotocols)
    return headers


def _contract(stage: Stage, stream: MemoryStream) -> dict[str, Any]:
    return {
        hijack.STREAM: stream,
        hijack.LOOP: stage.loop,
        hijack.EXECUTOR: stage,
        hijack.SERVER: stage.server,
        hijack.ON_STOP: stage.on_stop,
        "SERVER_PROTOCOL": "HTTP/1.1",
    }
