"""Frames of an open WebSocket (RFC 6455 §5–§7), without I/O: bytes in, whole messages out.

Strategy: :class:`wsproto.connection.Connection` parses and writes frames. What it leaves open is
closed here:

* it has no limits, so bytes and fragments of a message are counted as they come;
* it forgets to look at its own state: data after a Close, and a Pong while closing, raise;
* after a parse failure its parser is dead: we send our Close and throw away what follows;
* it sends any close code: :func:`check_close` validates ours.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from wsproto.connection import Connection, ConnectionState, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Ping, TextMessage

from .message import Message


class State(Enum):
    """Where the closing handshake stands (RFC 6455 §7.1)."""

    OPEN = "open"
    CLOSING = "closing"  # our Close is sent, the peer's has not come
    CLOSED = "closed"  # both Closes are through
    FAILED = "failed"  # the peer broke the protocol: our Close is sent, the rest is thrown away


@dataclass(frozen=True, slots=True)
class Closed:
    """The last event: no message comes after it. ``code`` is 1005 when the Close had none."""

    code: int
    reason: str


Event = Message | Closed

#: A message may come in this many fragments. RFC 6455 sets no bound, and empty ones cost memory;
#: the conformance suite sends 4 MiB in fragments of 64 bytes.
MAX_FRAGMENTS = 65_536

NO_STATUS = 1005
ABNORMAL = 1006
_REASONS = {1002: "protocol error", 1007: "text that is not UTF-8", 1009: "message too big"}


def check_close(code: int, reason: str) -> None:
    """Raise ValueError unless ``code`` and ``reason`` may stand in a Close frame.

    RFC 6455 §7.4: 1000–1003 and 1007–1014 are defined and may be sent, 3000–4999 are free for
    libraries and applications; §5.5: a control frame carries 125 bytes, two of them the code.
    """
    if not (code in range(1000, 1004) or code in range(1007, 1015) or code in range(3000, 5000)):
        raise ValueError(f"expected a close code of 1000–1003, 1007–1014 or 3000–4999, not {code}")
    size = len(reason.encode())
    if size > 123:
        raise ValueError(f"expected a reason of at most 123 bytes in UTF-8, not {size}: {reason!r}")


class ServerProtocol:
    """One open WebSocket, server side.

    ``receive_data`` takes what the peer sent and yields events; ``send_*`` return the bytes to
    write. Answers that the RFC demands (Pong, Close) wait in ``data_to_send``.
    """

    __slots__ = (
        "_connection",
        "_fragments",
        "_out",
        "_parts",
        "_size",
        "max_message_size",
        "state",
    )

    def __init__(self, max_message_size: int) -> None:
        self.max_message_size = max_message_size
        self.state = State.OPEN
        self._connection = Connection(ConnectionType.SERVER)
        self._parts: list[str | bytes] = []
        self._size = 0
        self._fragments = 0
        self._out: list[bytes] = []

    def receive_data(self, data: bytes) -> Iterator[Event]:
        """Yield the messages that ``data`` completes, and :class:`Closed` after the last.

        What comes after a Close, in either direction, is not delivered (§5.5.1, §7.1.4).
        """
        if self._done:
            return
        self._connection.receive_data(data)
        for event in self._connection.events():
            match event:
                case TextMessage() | BytesMessage():
                    yield from self._handle_data(event)
                case Ping():
                    self._handle_ping(event)
                case CloseConnection():
                    yield self._handle_close(event)
            if self._done:
                return

    @property
    def _done(self) -> bool:
        return self.state is State.CLOSED or self.state is State.FAILED

    def data_to_send(self) -> bytes:
        """Return the answers that are due to the peer, and forget them."""
        data = b"".join(self._out)
        self._out.clear()
        return data

    def send_message(self, message: Message) -> bytes:
        """Return one unfragmented text (str) or binary (bytes) frame (§5.6)."""
        event: TextMessage | BytesMessage = (
            TextMessage(message) if isinstance(message, str) else BytesMessage(message)
        )
        return self._connection.send(event)

    def send_close(self, code: int, reason: str = "") -> bytes:
        """Return a Close frame (§5.5.1) and begin the closing handshake."""
        self.state = State.CLOSING
        return self._connection.send(CloseConnection(code, reason))

    def _handle_data(self, event: TextMessage | BytesMessage) -> Iterator[Event]:
        if self.state is State.CLOSING:  # §1.4: data sent before the peer saw our Close
            return
        part = event.data if isinstance(event.data, str) else bytes(event.data)
        # The size of a text is that of its bytes on the wire.
        self._size += len(part.encode() if isinstance(part, str) else part)
        self._fragments += event.frame_finished
        if self._size > self.max_message_size:
            yield self._fail(1009, f"message over {self.max_message_size} bytes")
            return
        if self._fragments > MAX_FRAGMENTS:
            yield self._fail(1009, f"message of over {MAX_FRAGMENTS} fragments")
            return
        if part:
            self._parts.append(part)
        if event.message_finished:
            yield self._take_message("" if isinstance(part, str) else b"")

    def _take_message(self, empty: Message) -> Message:
        parts, self._parts, self._size, self._fragments = self._parts, [], 0, 0
        return parts[0] if len(parts) == 1 else empty.join(parts)  # type: ignore[arg-type]

    def _handle_ping(self, event: Ping) -> None:
        """§5.5.2: answer "as soon as is practical", but not once a Close is under way."""
        if self.state is State.OPEN:
            self._out.append(self._connection.send(event.response()))

    def _handle_close(self, event: CloseConnection) -> Closed:
        state = self._connection.state
        if state is ConnectionState.OPEN or state is ConnectionState.LOCAL_CLOSING:
            # No Close came: wsproto says so when its parser failed, in its own words.
            return self._fail(event.code, _REASONS.get(event.code, ""))
        if state is ConnectionState.REMOTE_CLOSING:
            self._out.append(self._connection.send(event.response()))
        self.state = State.CLOSED
        return Closed(int(event.code), event.reason or "")

    def _fail(self, code: int, reason: str) -> Closed:
        """§7.1.7: _Fail the WebSocket Connection_."""
        if self.state is State.OPEN:
            self._out.append(self._connection.send(CloseConnection(code, reason)))
        self.state = State.FAILED
        self._parts.clear()
        return Closed(int(code), reason)
