"""The check of WebSockets: an echo by Tornado's own handler, and one by a Django view."""

from __future__ import annotations

from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect

from .visitor import PATIENCE, Unexpected, Visitor

NATIVE, VIEW = "/ws/hello-tornado", "/ws/echo/"
#: A part of the last line that the server logs about the check.
LAST = f'"WebSocket {VIEW}" 1000'


def talk(port: int, subject: str) -> None:
    """Open Tornado's page, then send messages to both. Raises :exc:`Unexpected`."""
    Visitor(f"http://127.0.0.1:{port}").get("/hello-tornado").must_show(NATIVE)
    for path in (NATIVE, VIEW):
        try:
            url = f"ws://127.0.0.1:{port}{path}"
            with connect(url, open_timeout=PATIENCE, proxy=None) as websocket:
                for message in ("Hello, world", subject, b"\x00\xff"):
                    say(websocket, path, message)
            must_be_closed(websocket, path)
        except (OSError, WebSocketException) as error:  # TimeoutError is an OSError
            raise Unexpected(f"the WebSocket {path} failed: {error!r}") from error


def say(websocket: ClientConnection, path: str, message: str | bytes) -> None:
    """Send a message and receive its echo."""
    websocket.send(message)
    answer = websocket.recv(timeout=PATIENCE)
    if answer != message:
        raise Unexpected(f"{path} responded to {message!r} with {answer!r}")


def must_be_closed(websocket: ClientConnection, path: str) -> None:
    """Raise :exc:`Unexpected` unless our Close was answered with 1000."""
    if websocket.protocol.close_code != 1000:
        raise Unexpected(f"{path} closed with {websocket.protocol.close_code} instead of 1000")
