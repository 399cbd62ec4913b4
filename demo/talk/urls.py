"""The page, and the requests of its script."""

from __future__ import annotations

from django.urls import path

from talk import views

urlpatterns = [
    path("", views.page, name="talk"),
    path("join/", views.join),
    path("part/", views.part),
    path("send/", views.send),
    path("recv/", views.recv),
    path("who/", views.who),
]
