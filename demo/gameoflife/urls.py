"""The page and its WebSockets."""

from __future__ import annotations

from django.urls import path

from . import views

urlpatterns = [
    path("", views.grid_page, name="gameoflife"),
    path("ws/", views.watch, name="gameoflife-watch"),
    path("ws/<int:row>/<int:column>/", views.cell, name="gameoflife-cell"),
]
