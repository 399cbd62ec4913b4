"""Settings of the differential tests."""

from __future__ import annotations

import logging

import pytest


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    """Silence the access lines of thousands of refused requests."""
    caplog.set_level(logging.CRITICAL, "c10kws_tornado")
