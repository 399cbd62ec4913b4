"""picows: callbacks in Cython, no coroutine for each connection."""

from __future__ import annotations

import logging

from picows import WSFrame, WSListener, WSMsgType, WSTransport, WSUpgradeRequest, ws_create_server

from .loops import BACKLOG, serve

CONNECTIONS: set[WSTransport] = set()


class EchoListener(WSListener):
    """Echoes each message. Messages are not fragmented here, so a frame is a message."""

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Respond to a frame."""
        if frame.msg_type == WSMsgType.CLOSE:
            transport.send_close(frame.get_close_code(), frame.get_close_message())
            transport.disconnect()
        elif frame.msg_type == WSMsgType.TEXT:  # decoded, as the other servers do for a handler
            transport.send(WSMsgType.TEXT, frame.get_payload_as_utf8_text().encode())
        elif frame.msg_type == WSMsgType.BINARY:
            transport.send(WSMsgType.BINARY, frame.get_payload_as_bytes())


class BroadcastListener(EchoListener):
    """Sends each message to all clients."""

    def on_ws_connected(self, transport: WSTransport) -> None:
        """Add the client."""
        CONNECTIONS.add(transport)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        """Remove the client."""
        CONNECTIONS.discard(transport)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Send a text to all clients; handle other frames."""
        if frame.msg_type != WSMsgType.TEXT:
            super().on_ws_frame(transport, frame)
            return
        message = frame.get_payload_as_bytes()
        for other in CONNECTIONS:
            other.send(WSMsgType.TEXT, message)


def listener(request: WSUpgradeRequest) -> WSListener:
    """Return the listener of a path."""
    return BroadcastListener() if request.path == b"/ws/broadcast/" else EchoListener()


async def main(port: int) -> None:
    """Serve until cancelled."""
    logging.disable(logging.CRITICAL)
    server = await ws_create_server(listener, "127.0.0.1", port, backlog=BACKLOG)
    await server.serve_forever()


if __name__ == "__main__":
    serve(main)
