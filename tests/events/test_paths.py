"""EventSockets on one path."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

from c10kws.events import (
    EventSocket,
    PathAlreadyUsed,
    paths,
)
from tests.support.events import Make


def test_a_path_has_one_event_socket(make: Make) -> None:
    make("/taken")
    with pytest.raises(PathAlreadyUsed, match="'/taken' is already used") as used:
        EventSocket("taken/")
    assert "conftest.py:" in used.value.first
    assert "test_paths.py:" in used.value.second


def test_the_error_names_a_module_that_is_imported_under_two_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "twice").mkdir()
    module = tmp_path / "twice" / "twice_sockets.py"
    module.write_text('from c10kws.events import EventSocket\nchat = EventSocket("/twice")\n')
    for folder in (tmp_path, tmp_path / "twice"):
        monkeypatch.syspath_prepend(folder)
    first = importlib.import_module("twice.twice_sockets")
    try:
        with pytest.raises(PathAlreadyUsed) as used:
            importlib.import_module("twice_sockets")
        assert used.value.first == used.value.second == f"{module}:2"
        assert used.value.modules == ("twice.twice_sockets", "twice_sockets")
        assert "under two names, 'twice.twice_sockets' and 'twice_sockets'" in str(used.value)
        with pytest.raises(PathAlreadyUsed, match="executed twice"):
            importlib.reload(first)
    finally:
        paths.remove(first.chat)
        del sys.modules["twice.twice_sockets"], sys.modules["twice"]
