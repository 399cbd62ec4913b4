"""Kept requests: what is dropped, and what is one object for several of them."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django.urls import path, resolve

from c10kws.handlers.kept_request import drop_handshake_data


def view(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    return HttpResponse()


urlpatterns = [path("plain/", view), path("room/<str:name>/", view), path("other/", view)]


def kept(url: str = "/plain/", cookie: str = "a=1; b=2", **attributes: Any) -> HttpRequest:
    request: HttpRequest = RequestFactory().get(url, HTTP_COOKIE=cookie)
    request.resolver_match = resolve(request.path, __name__)
    assert request.COOKIES  # read by middleware
    vars(request).update(attributes)
    drop_handshake_data(request)
    return request


def test_equal_parts_of_two_requests_are_one_object() -> None:
    one, two = kept(), kept()
    assert one.path is one.path_info is one.META["PATH_INFO"] is two.path
    assert one.method is two.method
    assert one.resolver_match is two.resolver_match


def test_the_parts_have_the_values_that_they_had() -> None:
    request = kept("/plain/?a=1")
    assert (request.path, request.path_info, request.method) == ("/plain/", "/plain/", "GET")
    assert request.META["PATH_INFO"] == "/plain/" and request.META["REQUEST_METHOD"] == "GET"
    assert request.resolver_match is not None
    assert request.resolver_match.func is view
    assert request.COOKIES == {"a": "1", "b": "2"}


def test_a_path_that_middleware_has_changed_stays() -> None:
    request = kept(path_info="/changed/")
    assert (request.path, request.path_info) == ("/plain/", "/changed/")
    assert request.META["PATH_INFO"] == "/plain/"


def test_matches_of_other_urls_and_with_parameters_are_their_own() -> None:
    requests = [kept("/room/a/"), kept("/room/a/"), kept("/plain/"), kept("/other/")]
    matches = [request.resolver_match for request in requests]
    assert len({id(match) for match in matches}) == 4
    assert matches[0] is not None and matches[0].kwargs == {"name": "a"}


def test_a_match_that_differs_is_not_shared() -> None:
    first = kept()
    request: HttpRequest = RequestFactory().get("/plain/")
    request.resolver_match = match = resolve("/plain/", __name__)
    match.url_name = "own"
    drop_handshake_data(request)
    assert request.resolver_match is match is not first.resolver_match


@pytest.mark.parametrize("cookie", ["a=1; b=2", "name=é"])
def test_cookies_that_middleware_has_changed_stay(cookie: str) -> None:
    request = kept(cookie=cookie, COOKIES={"a": "changed"})
    assert request.COOKIES == {"a": "changed"}


def test_a_request_without_a_match() -> None:
    request = HttpRequest()
    request.META = {"PATH_INFO": "/"}
    drop_handshake_data(request)
    assert request.COOKIES == {}
    assert request.resolver_match is None
