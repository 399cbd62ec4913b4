"""Tornado's own WebSocketHandler, the baseline of the other servers."""

from __future__ import annotations

import asyncio
import logging

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from .loops import BACKLOG, serve

CONNECTIONS: set[BroadcastHandler] = set()


class EchoHandler(WebSocketHandler):
    """Echoes each message, as the example in Tornado's documentation does."""

    def on_message(self, message: str | bytes) -> None:
        """Echo the message."""
        self.write_message(message, binary=isinstance(message, bytes))


class BroadcastHandler(WebSocketHandler):
    """Sends each message to all clients."""

    def open(self) -> None:
        """Add the client."""
        CONNECTIONS.add(self)

    def on_close(self) -> None:
        """Remove the client."""
        CONNECTIONS.discard(self)

    def on_message(self, message: str | bytes) -> None:
        """Send the message to all clients."""
        for connection in CONNECTIONS:
            try:
                connection.write_message(message)
            except WebSocketClosedError:
                continue


class PageHandler(RequestHandler):
    """A page without Django."""

    def get(self) -> None:
        """Write a line."""
        self.write("hello\n")


async def main(port: int) -> None:
    """Serve until cancelled."""
    logging.disable(logging.CRITICAL)
    application = Application(
        [
            ("/ws/(?:echo|idle|light)/", EchoHandler),
            ("/ws/broadcast/", BroadcastHandler),
            ("/", PageHandler),
        ],
        log_function=lambda handler: None,
    )
    server = HTTPServer(application)
    server.add_sockets(bind_sockets(port, "127.0.0.1", backlog=BACKLOG))
    await asyncio.Event().wait()


if __name__ == "__main__":
    serve(main)
