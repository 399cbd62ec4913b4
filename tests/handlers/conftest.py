"""Fixtures of these tests."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def access_lines(caplog: pytest.LogCaptureFixture) -> None:
    """Capture the access lines, which are written at the end of a connection."""
    caplog.set_level("INFO", "c10kws.access")
