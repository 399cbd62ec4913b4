"""The application of the test project: one model, for the ORM tests."""

from __future__ import annotations

from django.apps import AppConfig


class ProjectConfig(AppConfig):
    name = "tests.project"
    label = "project"
