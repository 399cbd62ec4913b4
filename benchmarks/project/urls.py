"""URLs of the pages and of the WebSockets of c10kws; those of Channels are in ``asgi``."""

from __future__ import annotations

from django.urls import include, path

from . import views

urlpatterns = [
    path("", views.page),
    path("tiny/", views.tiny),
    path("slow/", views.slow),
    path("ws/echo/", views.echo),
    path("ws/idle/", views.idle),
    path("ws/light/", views.light),
    path("ws/broadcast/", views.broadcast),
    path("ws/", include("c10kws.events.urls")),
]
