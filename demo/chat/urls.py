"""The pages of the rooms."""

from __future__ import annotations

from django.urls import path

from chat import views

urlpatterns = [
    path("", views.lobby, name="chat"),
    path("<slug:room>/", views.room_page, name="room"),
]
