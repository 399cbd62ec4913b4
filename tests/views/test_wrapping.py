"""The view around a function: its request, its arguments, its marks."""

from __future__ import annotations

from typing import Any

import pytest
from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from c10kws.views.wrapping import explain_missing_support, wrap_as_view


def respond(request: HttpRequest, call: Any) -> HttpResponse:
    return HttpResponse(repr(call(request.path, "second")))


class Methods:
    def method(self, *args: Any, **kwargs: Any) -> Any:
        return type(self).__name__, args, kwargs

    view = wrap_as_view(method, respond)


def function(*args: Any, **kwargs: Any) -> Any:
    return args, kwargs


def test_the_request_of_a_function_is_replaced_by_values() -> None:
    response = wrap_as_view(function, respond)(RequestFactory().get("/a/"), "url", key=1)
    assert response.content.decode() == repr((("/a/", "second", "url"), {"key": 1}))


def test_the_request_of_a_method_comes_after_self() -> None:
    response = Methods().view(RequestFactory().get("/a/"), "url", key=1)
    assert response.content.decode() == repr(("Methods", ("/a/", "second", "url"), {"key": 1}))


def test_the_view_is_sync_and_has_the_name_of_the_function() -> None:
    async def handler() -> None: ...

    def marked() -> None: ...

    markcoroutinefunction(marked)
    for wrapped in (handler, marked):
        view = wrap_as_view(wrapped, respond)
        assert iscoroutinefunction(wrapped)
        assert not iscoroutinefunction(view)
        assert view.__name__ == wrapped.__name__


@pytest.mark.parametrize("asgi", [False, True])
def test_missing_support_names_the_commands(asgi: bool) -> None:
    request: Any = RequestFactory().get("/")
    if asgi:
        request.scope = {}
    text = explain_missing_support(request, "This server cannot fly.")
    assert ("cannot fly" in text) is not asgi
    assert ("ASGI" in text) is asgi
    assert "`python manage.py runserver`" in text
    assert "`python manage.py runtornado`" in text
