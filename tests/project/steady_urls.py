"""A page and an EventSocket for a browser that outlives the server."""

from __future__ import annotations

import os

from django.http import HttpRequest, HttpResponse
from django.template import RequestContext, Template
from django.urls import include, path

from c10kws.events import EventSocket, Socket

PAGE = """{% load c10kws %}<!doctype html>
<html lang="en"><title>Steady</title><link rel="icon" href="data:,">
{% c10kws_client %}
"""
steady = EventSocket("/steady")


@steady.on
def who(socket: Socket) -> int:
    """Return which process answers, and enter the room that all are in."""
    socket.join("all")
    return os.getpid()


@steady.may_join
def may_join(socket: Socket, room: str) -> bool:
    return room == "all"


@steady.on
def tell() -> None:
    steady.to("all").emit("told")


def page(request: HttpRequest) -> HttpResponse:
    return HttpResponse(Template(PAGE).render(RequestContext(request)))


urlpatterns = [path("page/", page), path("live/sockets/", include("c10kws.events.urls"))]
