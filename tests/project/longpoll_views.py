"""Views of ``@asynchronous``: tests set their own, or get the handlers of waiting clients."""

from __future__ import annotations

from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils.decorators import method_decorator
from django.views import View

from c10kws import asynchronous
from c10kws.longpoll import Handler

parked: SimpleQueue[Handler] = SimpleQueue()


@asynchronous
def park(request: HttpRequest, handler: Handler) -> None:
    """Pass the handler to the test, which finishes the response."""
    parked.put(handler)


class Stage:
    """The view of a test: ``@stage`` or ``@stage.timed(1)`` above it."""

    view: Callable[..., Any]

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        self.view = asynchronous(function)
        return self.view

    def timed(self, timeout: float | None) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Set a view with a timeout."""

        def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
            self.view = asynchronous(timeout=timeout)(function)
            return self.view

        return decorate


stage = Stage()


def play(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    response: HttpResponse = stage.view(request, **kwargs)
    assert not iscoroutinefunction(stage.view)
    return response


class Methods(View):
    greeting = "Hello"

    @asynchronous
    def get(self, request: HttpRequest, handler: Handler, name: str) -> None:
        handler.finish(f"{self.greeting} {name} {request.method}")

    @asynchronous
    async def post(self, request: HttpRequest, handler: Handler, name: str) -> HttpResponse:
        return HttpResponse(f"{self.greeting} {name} {request.method}")


class Decorated(View):
    @method_decorator(asynchronous)
    async def get(self, request: HttpRequest, handler: Handler, name: str) -> HttpResponse:
        return HttpResponse(f"decorated {name}")


urlpatterns = [
    path("park/", park),
    path("play/", play),
    path("play/<str:name>/<int:number>/", play),
    path("methods/<str:name>/", Methods.as_view()),
    path("decorated/<str:name>/", Decorated.as_view()),
]
