"""The echo at ``/``."""

from __future__ import annotations

from django.urls import path

from tests.conformance.project import views

urlpatterns = [path("", views.echo)]
