"""Responses of the decorators, which Django may await."""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeVar

from django.http import HttpResponse

_Awaitable = TypeVar("_Awaitable", bound="Awaitable")


class Awaitable:
    """A response that may be awaited.

    ``method_decorator`` copies the coroutine mark of the handler on to the view, and Django then
    awaits what the view returns.
    """

    def __await__(self: _Awaitable) -> Generator[None, None, _Awaitable]:
        return self._awaited().__await__()

    async def _awaited(self: _Awaitable) -> _Awaitable:
        return self


class Answer(Awaitable, HttpResponse):
    """A response that is known at once."""
