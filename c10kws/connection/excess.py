"""The consequence of messages above the rate at which a client may send."""

from __future__ import annotations

import logging
from typing import Protocol

from ..protocol.received import RateExceeded
from .handler_watch import HandlerWatch
from .sender import Sender
from .watchdog import name_of

logger = logging.getLogger("c10kws")


class LimitedConnection(Protocol):
    """A connection with a limited rate."""

    handler: HandlerWatch
    sender: Sender

    def close(self, code: int, reason: str) -> None: ...


def refuse_excess(connection: LimitedConnection, event: RateExceeded) -> None:
    """Offer messages above the rate to the application, and close if they are too many.

    The connection closes in the next turn of the loop: until then the handler takes the messages
    before the refused ones, and its answers are sent.
    """
    meter, close = connection.sender.protocol.meter, event.close
    if meter is not None and meter.answer is not None:
        meter.answer(event.messages, event.reason)
    if close is None:
        return
    task = connection.handler.task
    path = "-" if task is None else name_of(task)
    logger.warning("%s: closing a client that sent %s.", path, close.reason)
    loop = connection.sender.loop_state.loop
    loop.call_soon(connection.close, close.code, close.reason)
