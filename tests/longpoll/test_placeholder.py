"""The placeholder of a response: middleware, decorators and signals."""

from __future__ import annotations

from collections.abc import Callable

from django.core.exceptions import PermissionDenied
from django.core.signals import request_finished
from django.http import (
    HttpRequest,
    HttpResponse,
)
from django.test import override_settings
from django.views.decorators.cache import never_cache

from c10kws.longpoll import Handler
from tests.project.longpoll_views import parked, stage
from tests.support.polls import PARK, PLAY, Live, answered, connect, get, send
from tests.support.servers import LiveServer
from tests.support.waiting import WAIT, eventually


def test_middleware_and_decorators_have_their_say(live: LiveServer) -> None:
    @stage
    def view(request: HttpRequest, handler: Handler) -> None:
        request.session["seen"] = True
        parked.put(handler)

    stage.view = never_cache(stage.view)
    with connect(live) as client:
        send(client, PLAY)
        handler = parked.get(timeout=WAIT)
        handler.set_header("X-Frame-Options", "SAMEORIGIN")
        handler.finish("late")
        response = client.read_response()
    (cookie,) = response.all("set-cookie")
    assert cookie.startswith("sessionid=")
    assert "no-store" in str(response["cache-control"])
    assert "Cookie" in str(response["vary"])
    assert response["x-frame-options"] == "SAMEORIGIN"
    assert response["x-content-type-options"] == "nosniff"
    assert response["content-length"] == "4"


class Replaces:
    """A middleware that fails after the view."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        self.get_response(request)
        raise PermissionDenied


def test_compression_is_for_the_placeholder_alone(make_live: Live) -> None:
    with override_settings(MIDDLEWARE=["django.middleware.gzip.GZipMiddleware"]):
        live = make_live()
    with connect(live) as client:
        send(client, PARK, "Accept-Encoding: gzip")
        parked.get(timeout=WAIT).finish("plain" * 100)
        response = client.read_response()
    assert response["content-encoding"] is None
    assert response.body == b"plain" * 100


def test_a_middleware_that_answers_in_place_of_the_view(make_live: Live) -> None:
    with override_settings(MIDDLEWARE=[f"{__name__}.Replaces"]):
        live = make_live()
        assert get(live, PARK).status == 403
    parked.get(timeout=WAIT).finish("nobody hears it")


def test_csrf_is_djangos(live: LiveServer) -> None:
    assert get(live, PARK, "Content-Length: 0", method="POST").status == 403


def test_request_finished_is_sent_once(live: LiveServer) -> None:
    sent: list[object] = []
    request_finished.connect(receiver := lambda sender, **_: sent.append(sender))
    closed: list[str] = []
    try:
        response = HttpResponse("a")
        response._resource_closers.append(lambda: closed.append("response"))  # type: ignore[attr-defined]
        answered(live, lambda handler: handler.finish(response))
        eventually(lambda: live.server.requests == 0)
    finally:
        request_finished.disconnect(receiver)
    assert len(sent) == 1
    assert closed == ["response"]
