"""Pages and WebSockets, in one URLconf."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.views import LoginView, LogoutView
from django.urls import include, path
from pages import views

urlpatterns = [
    path("", views.index, name="index"),
    path("echo/", views.echo_page, name="echo"),
    path("whoami/", views.whoami_page, name="whoami"),
    path("streaming/", views.streaming_page, name="streaming"),
    path("streaming/lines/", views.lines, name="lines"),
    path("streaming/events/", views.events, name="events"),
    path("progress/", views.progress_page, name="progress"),
    path("requests/", views.requests_page, name="requests"),
    path("chat/", include("chat.urls")),
    path("gameoflife/", include("gameoflife.urls")),
    path("talk/", include("talk.urls")),
    path("polls/", include("polls.urls")),
    path("login/", LoginView.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("test/", include("c10kws.testpages")),
    path("admin/", admin.site.urls),
    path("ws/echo/", views.echo),
    path("ws/whoami/", views.whoami),
    path("ws/", include("c10kws.events.urls")),  # every EventSocket of the apps' sockets.py
]
