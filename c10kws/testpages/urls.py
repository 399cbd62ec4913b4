"""The URLs of the test pages."""

from __future__ import annotations

from django.urls import path

from . import views

app_name = "c10kws-testpages"
urlpatterns = [
    path("", views.conversation_page, name="conversation"),
    path("ws/", views.conversation, name="ws"),
    path("wsgi/", views.forms_page, name="wsgi"),
]
