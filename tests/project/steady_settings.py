"""The test project as a real server serves it to a browser: a page and one EventSocket."""

from __future__ import annotations

from .settings import *  # noqa: F403

DEBUG = True  # for static files
ROOT_URLCONF = "tests.project.steady_urls"
