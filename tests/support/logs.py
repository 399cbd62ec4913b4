"""Log records by their logger."""

from __future__ import annotations

import logging

import pytest


def named(caplog: pytest.LogCaptureFixture, name: str) -> list[logging.LogRecord]:
    """Return the records of the logger ``name``."""
    return [record for record in caplog.records if record.name == name]


def messages(caplog: pytest.LogCaptureFixture, name: str) -> list[str]:
    """Return the messages of a logger."""
    return [record.getMessage() for record in named(caplog, name)]
