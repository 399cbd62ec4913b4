"""Fixtures of these tests."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from c10kws.control import listener as module
from c10kws.handlers import servers as servers_module


@pytest.fixture
def runtime_dir(settings: Any) -> Iterator[Path]:
    """A short folder: the path of a socket has at most 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="c10") as folder:
        settings.C10KWS = {"RUNTIME_DIR": folder}
        yield Path(folder)


@pytest.fixture
def listening(runtime_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Servers of this test listen for requests of other processes; return the folder."""
    listener = module.Listener()
    monkeypatch.setattr(servers_module.servers, "_observers", [listener])
    return runtime_dir
