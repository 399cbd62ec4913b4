"""The table of scenarios."""

from __future__ import annotations

from pathlib import Path

from tests.faults.scenarios import SCENARIOS


def test_each_scenario_is_tested() -> None:
    tests = Path(__file__).parent.glob("test_*.py")
    text = "".join(path.read_text() for path in tests)
    assert [name for name in SCENARIOS if f'"{name}"' not in text] == []
