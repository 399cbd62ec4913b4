"""Placeholder of a response that comes later, for middleware and ``start_response``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from django.db import close_old_connections
from django.http import StreamingHttpResponse

from ..views.responses import AwaitableMixin
from .pending_response import PendingResponse


class Placeholder(AwaitableMixin, StreamingHttpResponse):
    """An empty stream, so that middleware computes neither a length nor an ETag.

    Its head is provisional: headers that middleware sets are added to the final head.
    """

    def __init__(self, pending: PendingResponse, defer: Callable[[Awaitable[Any]], None]) -> None:
        super().__init__(())
        self.pending = pending
        self._defer = defer

    def __setattr__(self, name: str, value: object) -> None:
        """Defer the response when Django's handler marks this one as the one that it sends.

        Middleware may have replaced it, for example after an exception.
        """
        super().__setattr__(name, value)
        if name == "_handler_class" and value is not None:
            self._defer(self.pending)
            close_old_connections()  # request_finished will be sent in another thread

    def close(self) -> None:
        """Close the final response with this one, so that ``request_finished`` is sent once."""
        final: Any = self.pending.response
        if final is not None:
            self.__dict__["_resource_closers"] += final._resource_closers
        super().close()
        self.pending.close()
