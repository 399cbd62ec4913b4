"""Settings of tests that count frames."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture
def no_pings(settings: Any) -> None:
    """Send no Pings among the frames that a test counts; do not wait long for a client's Close."""
    settings.C10KWS = {"PING_INTERVAL": None, "CLOSE_TIMEOUT": 0.2}
