"""WebSocket works: a talk with Tornado's own handler, and one with a view of Django."""

from __future__ import annotations

from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect

from .visitor import PATIENCE, Unexpected, Visitor

NATIVE, VIEW = "/ws/hello-tornado", "/ws/echo/"
#: In the last line that the server logs about it.
LAST = f'"WebSocket {VIEW}" 1000'


def talk(port: int, subject: str) -> None:
    """See Tornado's page, then say hello and the subject to both; raise :exc:`Unexpected`."""
    Visitor(f"http://127.0.0.1:{port}").get("/hello-tornado").must_show(NATIVE)
    for path in (NATIVE, VIEW):
        try:
            url = f"ws://127.0.0.1:{port}{path}"
            with connect(url, open_timeout=PATIENCE, proxy=None) as websocket:
                for message in ("Hello, world", subject, b"\x00\xff"):
                    say(websocket, path, message)
            must_be_closed(websocket, path)
        except (OSError, WebSocketException) as error:  # TimeoutError is an OSError
            raise Unexpected(f"no talk with {path}: {error!r}") from error


def say(websocket: ClientConnection, path: str, message: str | bytes) -> None:
    """Send a message and receive its echo."""
    websocket.send(message)
    answer = websocket.recv(timeout=PATIENCE)
    if answer != message:
        raise Unexpected(f"{path} answers {answer!r} to {message!r}")


def must_be_closed(websocket: ClientConnection, path: str) -> None:
    """Raise :exc:`Unexpected` unless our Close was answered with 1000."""
    if websocket.protocol.close_code != 1000:
        raise Unexpected(f"{path} closes with {websocket.protocol.close_code}, not 1000")
