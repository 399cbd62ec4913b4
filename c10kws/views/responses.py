"""Responses of the views that ``@websocket`` and ``@asynchronous`` make."""

from __future__ import annotations

import logging
from collections.abc import Generator, Mapping
from typing import TypeVar

from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponse
from django.utils.log import log_response

from ..connection.loop import on_event_loop
from ..handlers.start import HandlerStart

logger = logging.getLogger("c10kws")

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

    def load_user_unless_awaited(self) -> None:
        """Load the user in this worker thread; do nothing if an event loop runs in it.

        Django then awaits this response, which loads the user in another thread.
        """
        if not on_event_loop():
            self._load_user()

    async def _awaited(self) -> SwitchingProtocols:
        await sync_to_async(self._load_user)()
        return self

    def _load_user(self) -> None:
        request = self._handler_start.request
        if self._handler_start.load_user and hasattr(request, "user"):
            bool(request.user.is_authenticated)  # evaluates the lazy object

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
) -> AwaitableResponse:
    """Return a response of plain text with the reason, and log it as Django logs its errors.

    ``kind`` is the first word of the log line.
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
    )
    return response
