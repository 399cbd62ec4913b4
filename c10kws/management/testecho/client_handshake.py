"""The client's opening handshake (RFC 6455 §4.1), as bytes."""

from __future__ import annotations

from wsproto.utilities import generate_accept_token

from .plan import Target

#: Limit of the head of an answer.
MAX_HEAD = 16 * 1024


def make_request(target: Target, key: bytes) -> bytes:
    """Return the request, with the Origin that a page of the same server would have."""
    return (
        f"GET {target.resource} HTTP/1.1\r\n"
        f"Host: {target.host}\r\n"
        f"Origin: http://{target.host}\r\n"
        "Upgrade: websocket\r\n"
        "Connection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key.decode()}\r\n"
        "Sec-WebSocket-Version: 13\r\n"
        "User-Agent: testecho\r\n"
        "\r\n"
    ).encode()


def find_fault(head: bytes, key: bytes) -> str | None:
    """Return the error in the head of an answer, without its empty line; None if it has none."""
    status, *lines = head.decode("latin-1").split("\r\n")
    _, _, answer = status.partition(" ")
    if not answer.startswith("101"):
        return f"the handshake was refused with {answer or status!s:.60}"
    headers = {
        name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)
    }
    if headers.get("upgrade", "").lower() != "websocket":
        return "the 101 has no Upgrade: websocket"
    if headers.get("sec-websocket-accept") != generate_accept_token(key).decode():
        return "the 101 has a wrong Sec-WebSocket-Accept"
    if "sec-websocket-extensions" in headers or "sec-websocket-protocol" in headers:
        return "the 101 has an extension or a subprotocol that was not offered"
    return None
