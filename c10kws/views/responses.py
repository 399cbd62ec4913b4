"""Responses of the views that ``@websocket`` and ``@asynchronous`` make."""

from __future__ import annotations

import logging
from collections.abc import Generator, Mapping
from typing import TypeVar

from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponse
from django.utils.log import log_response

from ..handlers.start import HandlerStart

logger = logging.getLogger("c10kws")

#: Key of ``environ`` in which a view that refuses a handshake keeps a Close for pages.
VISIBLE_CLOSE = "c10kws.visible_close"

_Awaitable = TypeVar("_Awaitable", bound="AwaitableMixin")


class AwaitableMixin:
    """A response that Django may await.

    ``method_decorator`` copies the coroutine mark of the handler to the view. Django then awaits
    the result of the view.
    """

    def __await__(self: _Awaitable) -> Generator[None, None, _Awaitable]:
        return self._awaited().__await__()

    async def _awaited(self: _Awaitable) -> _Awaitable:
        return self


class AwaitableResponse(AwaitableMixin, HttpResponse):
    """A complete response."""


class SwitchingProtocols(AwaitableResponse):
    """The 101 of an accepted handshake. Its ``close()`` starts the handler on the loop."""

    status_code = 101

    def __init__(self, start: HandlerStart) -> None:
        super().__init__(headers=start.accepted.headers)
        self._handler_start = start
        start.close_first()

    async def _awaited(self) -> SwitchingProtocols:
        await sync_to_async(self._handler_start.evaluate_user)()
        return self

    def close(self) -> None:
        """Close the response in this thread, then start the handler: PEP 3333's ``close()``."""
        super().close()
        self._handler_start.start_soon()


def refuse(
    request: HttpRequest,
    kind: str,
    reason: str,
    *,
    status: int = 500,
    headers: Mapping[str, str] | None = None,
    logger: logging.Logger = logger,
    level: str | None = None,
) -> AwaitableResponse:
    """Return a response of plain text with the reason, and log it as Django logs its errors.

    ``kind`` is the first word of the log line, ``level`` the name of its level; None leaves the
    level to the status.
    """
    response = AwaitableResponse(
        reason + "\n", status=status, headers=headers, content_type="text/plain; charset=utf-8"
    )
    log_response(
        "%s refused: %s: %s",
        kind,
        request.path,
        reason,
        response=response,
        request=request,
        logger=logger,
        level=level,
    )
    return response
