"""EventSockets in the URLconf, and the check for those that are not."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.decorators import login_required
from django.core.checks import run_checks
from django.test import Client
from django.urls import Resolver404, include, path, resolve, reverse
from django.views import defaults

from c10kws.checks.events import check_endpoints
from c10kws.events import EventSocket, urls
from tests.support.events import Make

urlpatterns: list[Any] = []


def test_the_include_has_endpoints_that_are_defined_later(make: Make) -> None:
    chat = make("/late")
    assert reverse("c10kws:late") == "/events/late"
    assert resolve("/events/late").func is chat
    assert resolve("/events/late/").func is chat
    assert any(pattern.callback is chat for pattern in urls.urlpatterns)
    assert len(urls.urlpatterns) % 2 == 1  # two for each, and the path of the include
    assert urls.urlpatterns[-1].callback is chat


def test_the_include_has_a_path_that_matches_no_request() -> None:
    assert reverse("c10kws:/") == "/events/"
    with pytest.raises(Resolver404):
        resolve("/events/")


def test_the_path_of_the_include_hides_no_page(settings: Any) -> None:
    settings.ROOT_URLCONF = __name__
    urlpatterns.extend([path("", include("c10kws.events.urls")), path("", defaults.server_error)])
    try:
        assert reverse("c10kws:/") == "/"
        assert resolve("/").func is defaults.server_error
    finally:
        urlpatterns.clear()


def test_a_path_with_converters(make: Make) -> None:
    make("/club/<slug:club>/<int:number>")
    arguments = {"club": "chess", "number": 3}
    assert reverse("c10kws:club/<club>/<number>", kwargs=arguments) == "/events/club/chess/3"
    assert resolve("/events/club/chess/3/").kwargs == arguments
    assert run_checks(tags=["urls"]) == []


def test_add_to_handlers_false_leaves_an_endpoint_out(make: Make) -> None:
    make("/alone", add_to_handlers=False)
    assert Client().get("/events/alone").status_code == 404
    assert check_endpoints(None) == []


@pytest.mark.parametrize("decorated", [False, True])
def test_the_check_names_an_endpoint_without_a_url(
    make: Make, settings: Any, decorated: bool
) -> None:
    settings.ROOT_URLCONF = __name__
    chat = make("/lost")
    (warning,) = [each for each in check_endpoints(None) if "'/lost'" in each.msg]
    assert warning.id == "c10kws.W002"
    assert "conftest.py:" in warning.msg  # the line that defines it
    assert 'path("ws/", include("c10kws.events.urls"))' in str(warning.hint)
    urlpatterns.append(path("own/", login_required(chat) if decorated else chat))
    try:
        assert not [each for each in check_endpoints(None) if "'/lost'" in each.msg]
    finally:
        urlpatterns.clear()


def test_an_ordinary_request_is_refused(chat: EventSocket) -> None:
    response = Client().get("/events/chat")
    assert response.status_code == 426
    assert Client().post("/events/chat").status_code == 405


@pytest.mark.parametrize("written", ["/a/b", "a/b", "a/b/", "/a/b/"])
def test_slashes_around_a_path_make_no_difference(make: Make, written: str) -> None:
    assert make(written).path == "/a/b"
