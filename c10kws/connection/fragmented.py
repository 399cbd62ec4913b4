"""``MessageStream``: a message sent in fragments, never whole in memory (RFC 6455 §5.4)."""

from __future__ import annotations

import asyncio
import codecs
from collections.abc import AsyncIterable, AsyncIterator
from contextlib import aclosing, nullcontext
from typing import Any, Protocol

from ..interrupts import must_pass
from ..protocol.closing import CloseCode
from ..protocol.messages import Message, Opcode, as_message
from ..protocol.server import ServerProtocol
from .cork import Cork
from .items import FragmentedMessage


class FragmentSender(Protocol):
    """The sender that a :class:`MessageStream` sends through."""

    cork: Cork
    protocol: ServerProtocol
    sent: int

    @property
    def closed(self) -> bool:
        """True when nothing can be sent."""

    async def written(self) -> bool:
        """Wait while the client reads slowly; return False when the connection has ended."""

    def close(self, code: int, reason: str) -> None:
        """Begin the closing handshake; do nothing when the connection has ended."""

    def end_stream(self) -> None:
        """Send what waits for the end of the message."""


class MessageStream:
    """The task that sends a message: each part as it comes, waiting while the client reads slowly.

    When the parts fail, the message cannot be ended: the connection is closed with 1011. The task
    is cancelled when the connection ends.
    """

    __slots__ = ("_item", "_sender", "task")

    def __init__(
        self, loop: asyncio.AbstractEventLoop, sender: FragmentSender, item: FragmentedMessage
    ) -> None:
        self._sender = sender
        self._item = item
        self.task = loop.create_task(self._run())
        self.task.add_done_callback(self._end)

    def _end(self, task: asyncio.Task[None]) -> None:
        self._item.settle(False)  # unless it has a result; then it was cancelled before it began
        self._sender.end_stream()

    async def _run(self) -> None:
        try:
            self._item.settle(await self._send())
        except asyncio.CancelledError:
            self._sender.close(CloseCode.INTERNAL_ERROR, "internal error")
            self._item.settle(False)
        except BaseException as error:
            if must_pass(error):
                raise
            self._sender.close(CloseCode.INTERNAL_ERROR, "internal error")
            self._item.fail(error)

    async def _send(self) -> bool:
        """Send the message; return False when the connection ends before."""
        item, sender = self._item, self._sender
        empty: Message = b"" if item.opcode == Opcode.BINARY else ""
        async with _closing(item.parts) as parts:
            async for part in _typed(parts, item.opcode):
                if sender.closed:
                    return False
                empty = "" if isinstance(part, str) else b""
                self._send_fragment(part, final=False)
                if not await sender.written():
                    return False
            if sender.closed:
                return False
            self._send_fragment(empty, final=True)
            return True

    def _send_fragment(self, part: Message, *, final: bool) -> None:
        sender = self._sender
        sender.sent += final
        sender.cork.writes += 1
        sender.cork.push(sender.protocol.send_fragment(part, final=final))


def _closing(parts: AsyncIterable[Any]) -> Any:
    """Close an async generator in time, not when it is collected as garbage."""
    return aclosing(parts) if hasattr(parts, "aclose") else nullcontext(parts)


async def _typed(parts: AsyncIterable[str | bytes], opcode: int | None) -> AsyncIterator[Message]:
    """Yield parts of one type. Raises TypeError when they differ, UnicodeError for what is no text.

    A character may be split over two parts of bytes that are sent as text.
    """
    is_text: bool | None = None
    decoder = codecs.getincrementaldecoder("utf-8")()
    async for part in parts:
        if is_text is None:
            is_text = isinstance(part, str)
        if isinstance(part, str) is not is_text:
            raise TypeError(
                f"expected the parts of one message to be all str or all bytes, not {part!r}"
            )
        if opcode == Opcode.TEXT and isinstance(part, (bytes, bytearray, memoryview)):
            yield decoder.decode(part)
        else:
            yield as_message(part, opcode)
    decoder.decode(b"", True)
