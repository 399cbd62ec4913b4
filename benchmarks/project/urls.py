"""URLs of the pages and of c10kws's WebSockets; those of Channels are in ``asgi``."""

from __future__ import annotations

from django.urls import path

from . import views

urlpatterns = [
    path("", views.page),
    path("slow/", views.slow),
    path("ws/echo/", views.echo),
    path("ws/idle/", views.idle),
    path("ws/light/", views.light),
    path("ws/broadcast/", views.broadcast),
]
