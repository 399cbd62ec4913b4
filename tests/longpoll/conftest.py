"""Fixtures of the tests of long polling."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.signals import got_request_exception

from tests.project.longpoll_views import parked


@pytest.fixture(autouse=True)
def nobody_is_parked() -> Iterator[None]:
    yield
    assert parked.empty()


@pytest.fixture
def exceptions() -> Iterator[list[Any]]:
    """The paths of the exceptions that Django reports."""
    found: list[Any] = []
    got_request_exception.connect(receiver := lambda request, **_: found.append(request.path))
    yield found
    got_request_exception.disconnect(receiver)
