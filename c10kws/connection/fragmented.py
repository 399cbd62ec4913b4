"""A message sent in fragments, so that it never lies in memory whole (RFC 6455 §5.4)."""

from __future__ import annotations

import asyncio
import codecs
from collections.abc import AsyncIterable, AsyncIterator
from contextlib import aclosing, nullcontext
from typing import TYPE_CHECKING, Any

from ..exceptions import ConnectionClosed
from ..interrupts import must_pass
from ..protocol.messages import Message, Opcode, as_message
from .outbox import Parts

if TYPE_CHECKING:
    from .sending import Sender


async def send_parts(sender: Sender, item: Parts) -> None:
    """Send each part as it comes, waiting while the client reads slowly.

    ``item.sent`` gets the result. When the parts fail, the message cannot be ended: the
    connection is closed with 1011. The stream is cancelled when the connection ends.
    """
    try:
        async with _closing(item.parts) as parts:
            empty: Message = b"" if item.opcode == Opcode.BINARY else ""
            async for part in _typed(parts, item.opcode):
                if sender.closed:
                    raise sender.connection_closed()
                empty = "" if isinstance(part, str) else b""
                sender.send_fragment(part, final=False)
                await sender.drain()
            if sender.closed:
                raise sender.connection_closed()
            sender.send_fragment(empty, final=True)
    except asyncio.CancelledError:
        if not sender.closed:
            sender.send_close(1011, "internal error")
        _fail(item, sender.connection_closed())
    except BaseException as error:
        if must_pass(error):
            raise
        sender.send_close(1011, "internal error")
        _fail(item, error)
    else:
        if not item.sent.done():
            item.sent.set_result(None)


def _closing(parts: AsyncIterable[Any]) -> Any:
    """An async generator is closed in time, not when the garbage is collected."""
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


def _fail(item: Parts, error: BaseException) -> None:
    if not item.sent.done():
        item.sent.set_exception(error)
        if isinstance(error, ConnectionClosed):
            item.sent.exception()  # as of any write, the end of the connection may be ignored
