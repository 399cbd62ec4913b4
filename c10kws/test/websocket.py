"""``TestWebSocket``: the client's end of a connection, without await."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Any

from django.http import HttpResponseBase
from wsproto.connection import Connection, ConnectionState, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Ping, TextMessage

from ..events.frames.envelope import SUBPROTOCOL
from ..protocol.closing import CloseCode
from ..protocol.messages import Message
from .joined_rooms import JoinedRooms
from .stage import Stage
from .transport import MemoryStream

#: Seconds until a wait fails the test.
TIMEOUT = 5.0


class Refused(AssertionError):
    """The server refused the handshake; ``response`` is what it answered."""

    def __init__(self, response: HttpResponseBase) -> None:
        super().__init__(response)
        self.response = response

    def __str__(self) -> str:
        return f"The handshake was refused with {self.response.status_code}; see .response."


class Closed(AssertionError):
    """The server has closed the connection; ``code`` and ``reason`` say how."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason

    def __str__(self) -> str:
        return f"The server closed with {self.code}" + (f": {self.reason}" if self.reason else ".")


class TestWebSocket:
    """Returned by ``client.websocket(path)``; the ``with`` statement connects and closes it.

    ``response`` is the answer to the handshake: status 101 when it was accepted, else any response
    of Django, with its template, context and cookies.
    """

    #: Its name begins with "Test", but pytest must not collect it.
    __test__ = False

    def __init__(
        self,
        stage: Stage,
        shake_hands: Callable[[MemoryStream], HttpResponseBase],
        timeout: float,
        release: Callable[[], None],
    ) -> None:
        self.timeout = timeout
        self._stage = stage
        self._shake_hands = shake_hands
        self._messages: deque[Message] = deque()
        self._rooms = JoinedRooms()
        self._ids = 0
        self._release = release
        self._connect()

    def _connect(self) -> None:
        self._stream = MemoryStream(self._stage.loop, self._stage.change)
        self._stream.receive = self.take
        self._connection = Connection(ConnectionType.CLIENT)
        self._part: Message | None = None
        self._closed: Closed | None = None
        self._gone = False
        #: The data of ``ws:hello``; None for version 0 and for a client that ``open`` refuses.
        self.hello: dict[str, Any] | None = None
        self.response = self._shake_hands(self._stream)

    @property
    def accepted(self) -> bool:
        """True when the handshake was accepted."""
        return self.response.status_code == 101

    @property
    def subprotocol(self) -> str | None:
        """The subprotocol that the server chose."""
        return self.response.headers.get("Sec-WebSocket-Protocol")

    @property
    def positions(self) -> dict[str, dict[str, Any]]:
        """The position of the last event of each room with a history: ``epoch`` and ``seq``."""
        return self._rooms.positions

    def __enter__(self) -> TestWebSocket:
        self._begin()
        return self

    def _begin(self) -> None:
        if not self.accepted:
            raise Refused(self.response)
        self._stage.run_until(lambda: self._stream.transport is not None, self.timeout)
        if self.subprotocol == SUBPROTOCOL:
            self._expect_hello()

    def _expect_hello(self) -> None:
        """Receive ``ws:hello``, the first frame unless ``open`` refuses the client."""
        frame = self.receive_event()
        if frame["event"] == "ws:hello":
            self.hello = frame["data"]
        else:
            self._messages.appendleft(json.dumps(frame))

    def reconnect(self) -> None:
        """Close, unless closed, and connect again, as the JavaScript client does.

        The client joins its rooms again, and gets what it has missed in those with a history. If
        messages are missing, it gets the event ``ws:reset``, and ``warning`` for a room that it may
        not join any more. Events that the test has not read yet come first.

        Raises :exc:`Refused`.
        """
        self.close()
        unread, self._messages = self._messages, deque()
        self._connect()
        self._begin()
        for data in self._rooms.rejoin() if self.hello else ():
            reply = self._ask("ws:join", data)
            if reply["event"] != "ws:reply" and self._rooms.forget(data["room"]):
                warning = {**reply["data"], "room": data["room"]}
                self._messages.append(json.dumps({"event": "warning", "data": warning}))
        self._messages.extendleft(reversed(unread))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
        self._release()

    # Messages

    def write_message(self, data: Message, opcode: int | None = None) -> None:
        """Send a message; the server handles it when the test waits.

        A str is sent as text and bytes are sent as binary, as by ``write_message`` of a handler.
        ``opcode`` (1 text, 2 binary) overrides this.
        """
        raw = data.encode() if isinstance(data, str) else bytes(data)
        if opcode is None:
            opcode = 1 if isinstance(data, str) else 2
        event = TextMessage(raw.decode()) if opcode == 1 else BytesMessage(bytearray(raw))
        self._write(self._connection.send(event))

    def read_message(self, timeout: float | None = None) -> Message:
        """Wait for the next message: str for a text message, bytes for a binary one.

        Raises :exc:`Closed` when the server has closed and all messages that came before are read,
        and AssertionError when none has come within ``timeout`` seconds.
        """
        seconds = self.timeout if timeout is None else timeout
        in_time = self._stage.run_until(lambda: self._messages or self._gone_for_good, seconds)
        if self._messages:
            return self._messages.popleft()
        if not in_time:
            raise AssertionError(f"No message came within {seconds:g} seconds.")
        assert self._closed is not None
        raise self._closed

    def expect_nothing(self, seconds: float = 0.05) -> None:
        """Wait ``seconds``; raise AssertionError when a message comes."""
        self._stage.run_until(lambda: self._messages, seconds)
        if self._messages:
            raise AssertionError(f"An unexpected message came: {self._messages[0]!r}.")

    def expect_close(self) -> tuple[int, str]:
        """Wait for the server's Close; return its code and reason, and discard messages."""
        if not self._stage.run_until(lambda: self._gone_for_good, self.timeout):
            raise AssertionError(f"The server did not close within {self.timeout:g} seconds.")
        assert self._closed is not None
        return self._closed.code, self._closed.reason

    def close(self, code: int = CloseCode.NORMAL_CLOSURE, reason: str = "") -> None:
        """Close, and wait until the server has handled it."""
        if self._connection.state is ConnectionState.OPEN:
            self._write(self._connection.send(CloseConnection(code, reason)))
        transport = self._stream.transport
        self._stage.run_until(lambda: transport is None or transport.is_closing(), self.timeout)
        self._stage.run_until(lambda: True, 0)

    # Events

    def emit(self, event: str, data: Any = None, **extra: Any) -> None:
        """Send an event, as the JavaScript client does: a str becomes ``{"message": …}``."""
        if data is not None and not isinstance(data, dict):
            data = {"message": data}
        self._rooms.ask(event, data or {}, extra.get("id"))
        self.write_message(json.dumps({"event": event, "data": data or {}, **extra}))

    def expect(self, event: str) -> Any:
        """Wait for the next event, which must be this one, and return its data."""
        frame = self.receive_event()
        if frame["event"] != event:
            raise AssertionError(f"The next event is not {event!r}: {frame!r}.")
        return frame["data"]

    def request(self, event: str, data: Any = None) -> Any:
        """Send an event and return the data of its reply; events that come before it are kept.

        Raises AssertionError when the reply is ``ws:error``.
        """
        frame = self._ask(event, data)
        if frame["event"] != "ws:reply":
            raise AssertionError(f"The request {event!r} failed: {frame!r}.")
        return frame["data"]

    def _ask(self, event: str, data: Any) -> dict[str, Any]:
        """Send an event and return the frame that answers it."""
        self._ids += 1
        self.emit(event, data, id=self._ids)
        others: list[Message] = []
        while (frame := json.loads(message := self.read_message())).get("re") != self._ids:
            others.append(message)
        self._messages.extendleft(reversed(others))
        return frame  # type: ignore[no-any-return]

    def join(self, room: str, since: dict[str, Any] | None = None) -> Any:
        """Join a room, and return the answer.

        ``since`` is one of the ``positions`` of another client. What it has missed follows.
        """
        return self.request("ws:join", {"room": room, "since": since})

    def receive_event(self) -> dict[str, Any]:
        """Wait for the next event, with all its keys."""
        message = self.read_message()
        frame = json.loads(message)
        if not isinstance(frame, dict) or "event" not in frame:
            raise AssertionError(f"The next message is not an event: {message!r}.")
        return frame

    # The wire

    @property
    def _gone_for_good(self) -> bool:
        return self._closed is not None and self._gone

    def _write(self, data: bytes) -> None:
        def deliver() -> None:
            if self._stream.transport is not None:
                self._stream.transport.deliver(data)

        self._stage.loop.call_soon(deliver)

    def take(self, data: bytes | None) -> None:
        """Handle bytes that the server wrote; None is the end."""
        self._stage.change()
        if data is None:
            self._gone = True
            self._closed = self._closed or Closed(CloseCode.ABNORMAL_CLOSURE, "")
            return
        self._connection.receive_data(data)
        for event in self._connection.events():
            match event:
                case TextMessage():
                    self._join(event.data, event.message_finished)
                case BytesMessage():
                    self._join(bytes(event.data), event.message_finished)
                case Ping():
                    self._write(self._connection.send(event.response()))
                case CloseConnection():
                    self._closed = Closed(int(event.code), event.reason or "")
                    if self._connection.state is ConnectionState.REMOTE_CLOSING:
                        self._write(self._connection.send(event.response()))

    def _join(self, part: Message, finished: bool) -> None:
        whole: Any = part if self._part is None else self._part + part  # type: ignore[operator]
        self._part = None if finished else whole
        if finished:
            self._messages.extend(self._filter(whole))

    def _filter(self, message: Message) -> list[Message]:
        """Return the messages for the test: none for a duplicate of an event."""
        if self.subprotocol != SUBPROTOCOL or not isinstance(message, str):
            return [message]
        try:
            frame = json.loads(message)
        except ValueError:  # the view sends no events
            return [message]
        found = self._rooms.hear(frame) if isinstance(frame, dict) else [frame]
        return [message if each is frame else json.dumps(each) for each in found]
