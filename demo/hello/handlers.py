"""Tornado's own handlers, which answer before Django (``TORNADO`` in the settings)."""

from __future__ import annotations

import logging
from contextlib import suppress
from functools import cache

from django.template.loader import render_to_string
from tornado.web import RequestHandler
from tornado.websocket import WebSocketClosedError, WebSocketHandler

logger = logging.getLogger(__name__)


class Hello(RequestHandler):
    """``/hello-tornado``: a page without Django's middleware, on the event loop's thread."""

    def get(self) -> None:
        self.write(page())


class HelloWebSocket(WebSocketHandler):
    """``/ws/hello-tornado``: logs each message and sends it back."""

    def open(self, *args: str, **kwargs: str) -> None:
        logger.info("WebSocket opened")

    async def on_message(self, message: str | bytes) -> None:
        logger.info("Someone said: %.200s", message)
        with suppress(WebSocketClosedError):  # the client has disconnected
            await self.write_message(message, binary=isinstance(message, bytes))

    def on_close(self) -> None:
        logger.info("WebSocket closed")


@cache
def page() -> str:
    """Return the page, which does not depend on the request."""
    return render_to_string("hello/hello.html")
