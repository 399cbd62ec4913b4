"""The demo under a real ``manage.py runserver``, without a browser."""

from __future__ import annotations

from tests.browser.conftest import demo

__all__ = ["demo"]
